"""What goes wrong in a run, and how often: drawn from the seed, so that each run has troubles of its own."""

import random

import msgspec

__all__ = ["MERCHANTS", "Faults"]

MERCHANTS = ("kit", "loose", "flaky", "bad")
"""Kinds of merchants: as the kit answers; loosely, yet right; right with hiccups; wrong in earnest."""


class Faults(msgspec.Struct):
    """How likely each trouble is, from 0 to 1, for each occasion."""

    crash: float = 0.0
    stall: float = 0.0
    store_refused: float = 0.0
    store_unknown: float = 0.0
    store_slow: float = 0.0
    not_sent: float = 0.0
    request_lost: float = 0.0
    answer_lost: float = 0.0
    late: float = 0.0
    twice: float = 0.0
    reset: float = 0.5
    declined: float = 0.1
    merchant: str = "kit"
    merchant_wrong: float = 0.0
    processes: int = 2
    orders: int = 2
    skew_ms: int = 0
    jumps: int = 0
    jump_ms_max: int = 0
    cancels: float = 0.0
    holds: float = 0.0
    direct: float = 0.2
    fiscal: float = 0.0
    people: int = 0
    splits: float = 0.0
    messages: float = 0.0
    sms_wrong: float = 0.0
    month: bool = False
    days: int = 0
    outage: str = ""
    outage_s: float = 0.0

    @classmethod
    def drawn(cls, chance: random.Random) -> "Faults":
        """Draw the troubles of one run: some of them, each mild or heavy."""

        def some(mild: float, heavy: float) -> float:
            kind = chance.random()
            return 0.0 if kind < 0.4 else mild if kind < 0.8 else heavy

        drawn = cls(
            crash=some(0.01, 0.05),
            stall=some(0.005, 0.03),
            store_refused=some(0.02, 0.15),
            store_unknown=some(0.01, 0.05),
            store_slow=some(0.02, 0.2),
            not_sent=some(0.03, 0.2),
            request_lost=some(0.05, 0.3),
            answer_lost=some(0.05, 0.4),
            late=some(0.03, 0.2),
            twice=some(0.05, 0.2),
            reset=chance.random(),
            declined=chance.choice((0.0, 0.1, 0.5)),
            merchant=chance.choice(("kit", "kit", "loose", "flaky", "flaky", "bad")),
            merchant_wrong=chance.choice((0.05, 0.2, 0.5)),
            processes=chance.randint(1, 3),
            orders=chance.randint(1, 5),
            skew_ms=chance.choice((0, 0, 500, 3_000)),
            jumps=chance.choice((0, 0, 0, 1, 3)),
            jump_ms_max=chance.choice((60_000, 600_000, 50_000_000)),
            cancels=chance.choice((0.0, 0.3, 0.9)),
            holds=chance.choice((0.0, 0.3, 0.8)),
            direct=chance.choice((0.0, 0.2, 0.5)),
            fiscal=chance.choice((0.0, 0.5)),
        )
        drawn._draw_rarer(chance)
        return drawn

    def _draw_rarer(self, chance: random.Random) -> None:
        """Draw what only some runs have, since it is long or needs others to be wrong."""
        if chance.random() < 0.06:
            self.messages, self.sms_wrong = 0.8, chance.choice((0.0, 0.3))
        if chance.random() < 0.15:
            self.splits = chance.choice((0.5, 1.0))
        if self.holds and chance.random() < 0.05:
            self.month, self.holds, self.cancels = True, 0.8, 0.0
        elif chance.random() < 0.04:
            self.days, self.cancels = chance.choice((2, 2, 3)), 0.3
            # A clock that is behind by more than a close waits dates entries into days that are closed.
            self.skew_ms = chance.choice((self.skew_ms, 900_000))
        elif chance.random() < 0.04:
            # What stays unknown for longer than a day is paused.
            self.outage = chance.choice(("merchant", "bank"))
            self.outage_s = chance.uniform(90_000, 140_000)
        if self.merchant == "bad" or self.outage:
            self.people = chance.choice((0, 1, 1, 2))

    def calm_down(self) -> None:
        """Let troubles become rare: a day of heavy ones is long, and tells no more than an hour."""
        for name in ("crash", "stall", "store_refused", "store_unknown", "store_slow", "late", "twice"):
            setattr(self, name, getattr(self, name) / 20)

    def take(self, other: "Faults") -> None:
        """Become like others: troubles come back."""
        for name in self.__struct_fields__:
            setattr(self, name, getattr(other, name))

    def stop(self) -> None:
        """End all troubles: from now on everything arrives, once, and is answered rightly."""
        for name in self.__struct_fields__:
            if isinstance(getattr(self, name), float) and name not in {
                "cancels",
                "holds",
                "direct",
                "splits",
                "messages",
                "declined",
            }:
                setattr(self, name, 0.0)
