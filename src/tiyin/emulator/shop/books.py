"""The demo shop's books: its orders, kept durably in a database of its own."""

import asyncio
from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from tiyin.emulator.shop.orders import ORDERS, Effect, Outcome, ShopOrder, effect_rule
from tiyin.merchant.billing import OrderState
from tiyin.runtime.clock import Clock
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision

__all__ = ["Books", "BooksCrowded"]

_TRIES_MAX = 100


class BooksCrowded(Exception):  # reads as what happened
    """So many processes number orders at once that this one found no free number."""


class Books:
    """Orders, numbered in a row from 1.

    Args:
        store: The shop's database; it has the tables of `tiyin.emulator.shop.orders`.
        clock: Says when an order was made.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._numbering = asyncio.Lock()
        self._last_number: int | None = None

    async def new_order(self, amount_tiyin: int, product: str = "") -> ShopOrder:
        """Write an order with the next number; durable when it answers.

        A number is taken by writing the order under it, so that a crash leaves no gap in the row.

        Args:
            amount_tiyin: What it costs; from 1 to 10**13.
            product: A product's code, or empty.

        Raises:
            BooksCrowded: If no free number was found.
        """
        async with self._numbering:
            if self._last_number is None:
                self._last_number = await self._highest_number()
            for _ in range(_TRIES_MAX):
                number = self._last_number + 1
                order = ShopOrder(
                    id=str(number),
                    number=number,
                    amount_tiyin=amount_tiyin,
                    product=product,
                    state=OrderState.WAITING.value,
                    transaction=None,
                    effects="[]",
                    checks=0,
                    creates=0,
                    performs=0,
                    cancels=0,
                    created_at_ms=self._clock.now_ms(),
                )
                made = await self._store.change(ORDERS, order.id, _insert(order))
                # Only now: a number whose writing failed is tried again by the next order.
                self._last_number = number
                if made:
                    return order
        raise BooksCrowded(f"no free number after {_TRIES_MAX} tries")

    async def find(self, order_id: str) -> ShopOrder | None:
        """Give an order, or None."""
        return await self._store.get(ORDERS, order_id)

    async def newest(self, count: int) -> list[ShopOrder]:
        """Give the newest orders, newest first.

        Args:
            count: At most how many.
        """
        return await self._store.query(
            sa.select(ORDERS.schema).order_by(ORDERS.schema.c.number.desc()).limit(count), ORDERS
        )

    async def count_check(self, order_id: str) -> ShopOrder | None:
        """Count that the hook `check` ran for an order.

        Returns:
            The order, or None when there is no such order.
        """
        return await self._store.change(ORDERS, order_id, _checked)

    async def act(self, order_id: str, transaction: str, effect: Effect) -> Outcome:
        """Let a transaction act on its order, at most once for each effect; counts that the hook ran.

        Args:
            order_id: The order's id.
            transaction: The transaction's id.
            effect: What it does.
        """
        return await self._store.change(ORDERS, order_id, effect_rule(transaction, effect))

    async def _highest_number(self) -> int:
        rows = await self._store.query(sa.select(sa.func.max(ORDERS.schema.c.number)), None)
        return rows[0][0] or 0


def _insert(order: ShopOrder) -> Callable[[ShopOrder | None], Decision[bool]]:
    def rule(found: ShopOrder | None) -> Decision[bool]:
        return Decision(found is None, order if found is None else None)

    return rule


def _checked(order: ShopOrder | None) -> Decision[ShopOrder | None]:
    if order is None:
        return Decision(None)
    counted = msgspec.structs.replace(order, checks=order.checks + 1)
    return Decision(counted, counted)
