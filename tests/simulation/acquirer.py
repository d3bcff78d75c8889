"""The acquirer: books of its own, keyed operations, tombstones; and the wire to it."""
# ports have more arguments than this side of them needs

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from simulation.loop import Life
from simulation.network import Network
from simulation.world import World
from tiyin.gateway.acquiring.port import Debited, Declined, Held, NotFound, OutcomeUnknown, Reversed
from tiyin.runtime.http import CallFailed

__all__ = ["Bank", "Kept", "SimAcquirer"]

_HOLD_MS = 30 * 86_400_000
_DECLINED = -31630
_REFUSES_S = 0.1
_HEARD_ALL_THE_SAME = 0.3


class Kept(msgspec.Struct):
    """One operation in the bank's books: held, debited, declined or reversed."""

    key: str
    card: str
    amount: int
    state: str
    at_ms: int
    was_debited: bool = False


class Bank:
    """The acquirer's own books: the truth about what payers lost.

    Args:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.books: dict[str, Kept] = {}
        self.broke: set[str] = set()
        self.debited: Callable[[Kept], None] = lambda kept: None
        self.reversed: Callable[[Kept, str], None] = lambda kept, before: None

    def kept_tiyin(self, receipt_id: str) -> int:
        """Tell how much of a receipt's payer's money is gone now."""
        return sum(kept.amount for kept in self.of(receipt_id) if kept.state == "debited")

    def held_tiyin(self, receipt_id: str) -> int:
        """Tell how much of it is set aside now."""
        return sum(kept.amount for kept in self.of(receipt_id) if self._state(kept) == "held")

    def of(self, receipt_id: str) -> list[Kept]:
        """Give the operations of a receipt."""
        return [kept for key, kept in self.books.items() if key.startswith(receipt_id)]

    def _state(self, kept: Kept) -> str:
        aged = self._world.now_ms() - kept.at_ms >= _HOLD_MS
        if kept.state == "held" and aged and not kept.card.startswith("9860"):
            kept.state = "reversed"
        return kept.state

    def _take(self, key: str, card: str, amount: int, state: str) -> Kept:
        kept = self.books.get(key)
        if kept is None:
            no = card in self.broke or self._world.happens(self._world.faults.declined)
            kept = Kept(key, card, amount, "declined" if no else state, self._world.now_ms())
            self.books[key] = kept
            if kept.state == "debited":
                kept.was_debited = True
                self.debited(kept)
        self._state(kept)
        return kept

    def debit(self, key: str, card: str, amount: int) -> Any:
        """Take money, once for a key."""
        return _answer(self._take(key, card, amount, "debited"), reversed_is_declined=True)

    def hold(self, key: str, card: str, amount: int) -> Any:
        """Set money aside, once for a key."""
        kept = self._take(key, card, amount, "held")
        return Held(key) if kept.state == "debited" else _answer(kept, reversed_is_declined=True)

    def capture(self, key: str) -> Any:
        """Take what is held."""
        kept = self.books.get(key)
        if kept is None:
            kept = self.books[key] = Kept(key, "", 0, "declined", self._world.now_ms())
        if self._state(kept) == "held":
            kept.state, kept.was_debited = "debited", True
            self.debited(kept)
        return _answer(kept)

    def status(self, key: str) -> Any:
        """Say what became of a key."""
        kept = self.books.get(key)
        if kept is None:
            return NotFound()
        self._state(kept)
        return _answer(kept)

    def reverse(self, key: str) -> Any:
        """Give back whatever a key took, and forbid the key."""
        kept = self.books.get(key)
        if kept is None:
            self.books[key] = Kept(key, "", 0, "reversed", self._world.now_ms())
        elif kept.state in {"held", "debited"}:
            before, kept.state = kept.state, "reversed"
            self.reversed(kept, before)
        return Reversed()


def _answer(kept: Kept, *, reversed_is_declined: bool = False) -> Any:
    if kept.state == "reversed":
        return Declined(-31640, "reversed before") if reversed_is_declined else Reversed()
    if kept.state == "declined":
        return Declined(_DECLINED, "no money")
    return Held(kept.key) if kept.state == "held" else Debited(kept.key)


class SimAcquirer:
    """The port of one process.

    Args:
        network: The network.
        bank: Who is at its other end.
        life: Whose it is.
    """

    timeout_ms = 8_000

    def __init__(self, network: Network, bank: Bank, life: Life) -> None:
        self._network = network
        self._bank = bank
        self._life = life
        self.sent: Callable[[str, str], None] = lambda what, key: None

    async def _ask(self, what: str, key: str, deliver: Callable[[], Any]) -> Any:
        self.sent(what, key)
        if self._network.outage == "bank":
            if what != "status" and self._network.tosses(_HEARD_ALL_THE_SAME):
                deliver()
            await asyncio.sleep(_REFUSES_S)
            raise OutcomeUnknown("the simulated bank is away")
        try:
            return await self._network.ask(
                self._life.name, f"{what} {key}", deliver, self.timeout_ms / 1000, self._life
            )
        except CallFailed as failed:
            raise OutcomeUnknown(str(failed)) from failed

    async def debit(self, key: str, card: Any, amount_tiyin: int, terminal: str) -> Any:
        return await self._ask("debit", key, lambda: self._bank.debit(key, card.number, amount_tiyin))

    async def hold(self, key: str, card: Any, amount_tiyin: int, terminal: str) -> Any:
        return await self._ask("hold", key, lambda: self._bank.hold(key, card.number, amount_tiyin))

    async def capture(self, key: str) -> Any:
        return await self._ask("capture", key, lambda: self._bank.capture(key))

    async def status(self, key: str) -> Any:
        return await self._ask("status", key, lambda: self._bank.status(key))

    async def reverse(self, key: str) -> Any:
        return await self._ask("reverse", key, lambda: self._bank.reverse(key))
