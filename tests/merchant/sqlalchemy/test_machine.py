"""The kit's random walk over all calls, on a store in the shop's own database.

Method: the machine of the kit's own store, over a shop whose books are tables beside the transactions. What
its hooks did is read from the database, so a hook that ran and was undone has not run.
"""

import asyncio
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine
from sqlalchemy.ext.asyncio import async_sessionmaker
from sqlalchemy.orm import Session

from helpers_merchant import KEY, NOW_MS, PRICE_TIYIN, Payme, QuietShop
from merchant.sqlalchemy.shops import Effect, Order, book_engine, make_engine, set_up
from merchant.test_machine import Payments
from tiyin.merchant import billing as words
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Account, OrderState, Transaction
from tiyin.merchant.stores.sqlalchemy import AsyncSqlAlchemyStore, current_async_session
from tiyin.runtime.clock import ManualClock


class StoredBooks(QuietShop):
    """A shop that keeps its books in the session of the hook."""

    def __init__(self, books: sa.Engine) -> None:
        self._books = books
        self.before: Any = None
        self.cancellable = True

    @property
    def ran(self) -> "Counter[tuple[str, str]]":
        with Session(self._books) as session:
            return Counter(
                (effect.name, effect.transaction_id) for effect in session.scalars(sa.select(Effect))
            )

    @property
    def orders(self) -> dict[str, OrderState]:
        with Session(self._books) as session:
            return {
                str(order.id): OrderState(order.state)
                for order in session.scalars(sa.select(Order))
                if order.state != "waiting"
            }

    async def check(self, account: Account, amount_tiyin: int) -> words.Order:
        order = await super().check(account, amount_tiyin)
        if not order.one_time:
            return order
        stored = await current_async_session().get_one(Order, int(account["order_id"]))
        return words.Order(amount_tiyin=PRICE_TIYIN, state=OrderState(stored.state))

    async def create(self, transaction: Transaction) -> str | int | None:
        await self._run("create", transaction, OrderState.RESERVED)
        return None

    async def perform(self, transaction: Transaction) -> None:
        await self._run("perform", transaction, OrderState.PAID)

    async def may_cancel(self, transaction: Transaction) -> bool:
        del transaction
        return self.cancellable

    async def cancel(self, transaction: Transaction) -> None:
        becomes = OrderState.CANCELLED if transaction.paid else OrderState.WAITING
        await self._run("cancel", transaction, becomes)

    async def _run(self, effect: str, transaction: Transaction, becomes: OrderState) -> None:
        typed = transaction.account["order_id"]
        session = current_async_session()
        if self.before is not None:
            await self.before(transaction)
        order_id = 3
        if not typed.startswith("b"):
            order_id = int(typed)
            (await session.get_one(Order, order_id)).state = becomes
        session.add(Effect(name=effect, transaction_id=transaction.id, order_id=order_id))


class StoredPayments(Payments):
    """The machine over it."""

    def __init__(self) -> None:
        RuleBasedStateMachine.__init__(self)
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        url = f"sqlite:///{Path(self.folder.name) / 'x.db'}"
        self.books = book_engine(url)
        set_up(self.books, 3)
        self.engine = make_engine("aiosqlite", url)
        self.clock = ManualClock(NOW_MS)
        self.shop = StoredBooks(self.books)  # type: ignore[assignment]  # it keeps the same books elsewhere
        store = AsyncSqlAlchemyStore(async_sessionmaker(self.engine), clock=self.clock)  # type: ignore[arg-type]  # aiosqlite's
        self.api = MerchantApi(self.shop, store, KEY, clock=self.clock)
        self.payme = Payme(self.api)
        self.known = {}
        self.run(self.api.start())

    def teardown(self) -> None:
        self.run(self.api.stop())
        self.run(self.engine.dispose())  # type: ignore[arg-type]  # the same
        self.books.dispose()
        self.loop.close()
        self.folder.cleanup()


StoredPayments.TestCase.settings = settings(
    max_examples=12, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestStoredPayments = StoredPayments.TestCase
