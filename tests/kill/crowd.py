"""A crowd of payers who buy one thing after another whatever happens, and remember what they were told."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from helpers_kill import Lost
from kill.payer import CARD, DECLINED_CARD, Payer, Refused
from kill.world import Shop, World
from tiyin.gateway.receipts.states import CANCELLED, CREATED, HELD, PAID
from tiyin.protocol.errors import CommonCode, SubscribeCode

__all__ = ["Crowd"]

T = TypeVar("T")

DECLINED_PART = 0.1
CANCELLED_PART = 0.15
HELD_PART = 0.3
RELEASED_PART = 0.4
"""So many of the holds are given back and not taken."""

FINAL = {CREATED, PAID, CANCELLED}
PASSING = {CommonCode.INTERNAL, SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE}
"""What is answered while something is away: whoever insists asks again."""


class _Anywhere(Payer):
    """A payer whose every call goes to any of the addresses, as behind a balancer."""

    def __init__(self, doors: list[Any], shop: Shop, chance: random.Random) -> None:
        super().__init__(doors[0], shop.desk, shop.key)
        self._doors = doors
        self._chance = chance

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method at one of them."""
        self._gateway = self._chance.choice(self._doors)
        return await super().call(method, **params)


class Crowd:
    """The payers.

    Args:
        world: Whose shops they buy at.
        doors: Where the gateways are reached: whatever has a `port`.
        seed: For what they buy.
        patience_s: How long a call that is not answered, or answered with the system's error, is repeated.
        cancelling: Whether some of what was paid is cancelled again by the shop.
        holding: Whether some of the money is held first, then taken or given back by the shop.

    Attributes:
        told: What each receipt's state was said to be in the end.
        taken: How many holds were said to be taken.
        released: How many were said to be given back.
        over: Set when nobody begins anything any more.
    """

    def __init__(
        self,
        world: World,
        doors: list[Any],
        *,
        seed: int,
        patience_s: float = 60.0,
        cancelling: bool = False,
        holding: bool = False,
    ) -> None:
        self.told: dict[str, int] = {}
        self.taken = 0
        self.released = 0
        self.over = asyncio.Event()
        self._world = world
        self._doors = doors
        self._chance = random.Random(seed)  # noqa: S311 - chance that can be repeated is what is wanted
        self._patience_s = patience_s
        self._cancelling = cancelling
        self._holding = holding

    @property
    def paid(self) -> int:
        """How many receipts were said to be paid."""
        return sum(state == PAID for state in self.told.values())

    async def more(self, count: int, within_s: float) -> None:
        """Wait until so many more payments came to an end."""
        goal, deadline = len(self.told) + count, time.monotonic() + within_s
        while len(self.told) < goal:
            assert time.monotonic() < deadline, f"only {len(self.told)} of {goal} in {within_s} s"
            await asyncio.sleep(0.02)

    async def payer(self) -> None:
        """Buy one thing after another until it is over; what was begun is brought to its end."""
        while not self.over.is_set():
            shop = self._chance.choice(self._world.shops)
            payer = _Anywhere(self._doors, shop, self._chance)
            amount_tiyin = self._chance.randrange(100_000, 999_999)
            order = await self._insist(partial(shop.new_order, amount_tiyin))
            card = DECLINED_CARD if self._chance.random() < DECLINED_PART else CARD
            await self._buy(payer, order, amount_tiyin, card)

    async def _buy(self, payer: Payer, order: str, amount_tiyin: int, card: str) -> None:
        token = await self._insist(partial(payer.token, card))
        hold = self._holding and self._chance.random() < HELD_PART
        try:
            receipt_id = await self._insist(
                partial(payer.receipt, {"order_id": order}, amount_tiyin, hold=hold)
            )
        except Refused as refused:
            if refused.code not in {SubscribeCode.MERCHANT_UNAVAILABLE, SubscribeCode.MERCHANT_INCORRECT}:
                raise
            return  # The shop is away, and the payer with it.
        state = await self._pay(payer, receipt_id, token, hold=hold)
        if state == HELD:
            state = await self._end_hold(payer, receipt_id)
        elif state == PAID and self._cancelling and self._chance.random() < CANCELLED_PART:
            state = await self._at_rest(
                payer, receipt_id, await self._move(payer, "receipts.cancel", receipt_id)
            )
        self.told[receipt_id] = state

    async def _pay(self, payer: Payer, receipt_id: str, token: str, *, hold: bool) -> int:
        """Pay, and pay again while nothing was promised; the receipt's state in the end."""
        deadline = time.monotonic() + self._patience_s
        while True:
            state = await self._move(payer, "receipts.pay", receipt_id, token=token, hold=hold)
            state = await self._at_rest(payer, receipt_id, state, held=hold)
            if state != CREATED:
                return state
            if time.monotonic() > deadline or self.over.is_set():
                return CREATED
            await asyncio.sleep(0.1)

    async def _end_hold(self, payer: Payer, receipt_id: str) -> int:
        """Take what is held, or give it back, as the shop's own server does."""
        releases = self._chance.random() < RELEASED_PART
        method = "receipts.cancel" if releases else "receipts.confirm_hold"
        deadline = time.monotonic() + self._patience_s
        state = HELD
        while state == HELD:
            assert time.monotonic() < deadline, f"{receipt_id} is still held after {self._patience_s} s"
            state = await self._move(payer, method, receipt_id)
            # A gateway that stops takes nothing up: the next one is asked.
            state = await self._at_rest(payer, receipt_id, state, held=True)
        self.taken += state == PAID
        self.released += releases and state == CANCELLED
        return state

    async def _move(self, payer: Payer, method: str, receipt_id: str, **params: Any) -> int:
        """Ask for a move until it is answered; the receipt's state, also where the move is refused."""
        try:
            return await self._insist(partial(payer.move, method, receipt_id, **params))
        except Refused:
            return await self._insist(partial(payer.state, receipt_id))

    async def _at_rest(self, payer: Payer, receipt_id: str, state: int, *, held: bool = False) -> int:
        """Wait until nothing is under way; the state in the end.

        Args:
            payer: Who waits.
            receipt_id: For what.
            state: As it was told last.
            held: Whether a hold that stands is at rest too.
        """
        deadline = time.monotonic() + self._patience_s
        at_rest = FINAL | {HELD} if held else FINAL
        while state not in at_rest:
            assert time.monotonic() < deadline, f"{receipt_id} is still at {state} after {self._patience_s} s"
            await asyncio.sleep(0.1)
            state = await self._insist(partial(payer.state, receipt_id))
        return state

    async def _insist(self, act: Callable[[], Awaitable[T]]) -> T:
        """Do something until an answer comes that is not the system's error."""
        deadline = time.monotonic() + self._patience_s
        while True:
            try:
                return await act()
            except Lost:
                if time.monotonic() > deadline:
                    raise
            except Refused as refused:
                if refused.code not in PASSING or time.monotonic() > deadline:
                    raise
            await asyncio.sleep(0.05)

    async def wrong(self) -> list[str]:
        """Compare what was told with what is stored; the sentences say what differs."""
        stored = {receipt.id: receipt.state for receipt in await self._world.receipts()}
        return [
            f"{key} was told to be at {state} and is at {stored.get(key)}"
            for key, state in self.told.items()
            if state != CREATED and stored.get(key) != state
        ]
