"""The rules of a saved card, pure: (what is stored, what happens) -> (what to do, what to write first).

A try is counted before its PIN is compared, so that guesses at the same time cannot be more than three:

```
tries = known to be wrong + being compared      never above 3
begin   tries + 1, then compare                 refused when 3 are counted
wrong   wrong + 1                               the third one: removing
right   the wrong ones and this one are taken off; those that are still being compared stay
undone  the comparing itself failed: this one is taken off
```

A try whose end was never written (a crash) counts as wrong after `CHECK_MS`. Once a card is being removed
nothing makes it pay again, not even a right PIN whose comparing had begun before.

Documentation: subscribe-api/overview
"""

from enum import Enum
from typing import Final

import msgspec
from msgspec.structs import replace

from tiyin.merchant.saved_cards.records import SavedCard

__all__ = ["CHECK_MS", "TRIES", "Ruling", "Verdict", "begin", "put_pin", "remove", "right", "undone", "wrong"]

TRIES: Final = 3
CHECK_MS: Final = 30_000
"""How long a PIN may be compared at most, in milliseconds; it takes some fifty."""


class Verdict(Enum):
    """What to do."""

    PAY = "pay"
    COMPARE = "compare"
    ASK = "ask"
    """Ask the payer for the PIN."""
    NO_PIN = "no pin"
    """There is none, and the shop wants one."""
    BUSY = "busy"
    """All tries that are left are being compared, or another write came between: nothing was decided."""
    WRONG = "wrong"
    REMOVE = "remove"
    """Have Payme forget the token, then delete the card."""
    DONE = "done"


class Ruling(msgspec.Struct, frozen=True):
    """A decision.

    Attributes:
        verdict: What to do.
        record: What must be stored first; None if nothing changes.
    """

    verdict: Verdict
    record: SavedCard | None = None


def begin(record: SavedCard, now_ms: int, *, pin_given: bool, without_pin: bool) -> Ruling:
    """Decide whether a card may pay, or its PIN be compared.

    Args:
        record: The card.
        now_ms: The time, in milliseconds since 1970.
        pin_given: Whether the payer typed something.
        without_pin: Whether a card without a PIN pays.
    """
    if record.removing:
        return Ruling(Verdict.REMOVE)
    if record.pin is None:
        return Ruling(Verdict.PAY if without_pin else Verdict.NO_PIN)
    comparing = record.tries > record.wrong
    # Two machines' clocks differ a little, and one that was set back must not keep a card busy for long.
    if comparing and not -CHECK_MS < now_ms - record.tried_ms < CHECK_MS:
        record = replace(record, wrong=record.tries)
        comparing = False
    if record.tries >= TRIES:
        return Ruling(Verdict.BUSY) if comparing else remove(record)
    if not pin_given:
        return Ruling(Verdict.ASK)
    return Ruling(Verdict.COMPARE, replace(record, tries=record.tries + 1, tried_ms=now_ms))


def right(record: SavedCard, compared: str) -> Ruling:
    """Decide what a right PIN does.

    Args:
        record: The card as it stands now.
        compared: What stood in its `pin` when the comparing began.
    """
    if record.removing:
        return Ruling(Verdict.REMOVE)
    if record.pin != compared:
        return Ruling(Verdict.BUSY)
    left = max(record.tries - record.wrong - 1, 0)
    return Ruling(Verdict.PAY, replace(record, tries=left, wrong=0))


def wrong(record: SavedCard, compared: str) -> Ruling:
    """Decide what a wrong PIN does; see `right` for the arguments."""
    if record.removing:
        return Ruling(Verdict.REMOVE)
    if record.pin != compared:
        return Ruling(Verdict.BUSY)
    known = record.wrong + 1
    # After a crash's tries were counted as wrong, a late one of them is not counted twice.
    record = replace(record, wrong=min(known, max(record.tries, 1)), tries=max(record.tries, 1))
    return remove(record) if record.wrong >= TRIES else Ruling(Verdict.WRONG, record)


def undone(record: SavedCard, compared: str) -> Ruling:
    """Decide what a comparing that failed by itself does; see `right` for the arguments."""
    if record.removing or record.pin != compared:
        return Ruling(Verdict.DONE)
    return Ruling(Verdict.DONE, replace(record, tries=max(record.tries - 1, record.wrong)))


def put_pin(record: SavedCard, before: str | None, pin: str) -> Ruling:
    """Decide whether a card gets a new PIN.

    Args:
        record: The card.
        before: What stood in its `pin` when the payer was allowed to set another.
        pin: What shall stand there.
    """
    if record.removing:
        return Ruling(Verdict.REMOVE)
    if record.pin != before:
        return Ruling(Verdict.BUSY)
    return Ruling(Verdict.DONE, replace(record, pin=pin, tries=0, wrong=0, tried_ms=0))


def remove(record: SavedCard) -> Ruling:
    """Decide that a card pays no more."""
    return Ruling(Verdict.REMOVE, None if record.removing else replace(record, removing=True))
