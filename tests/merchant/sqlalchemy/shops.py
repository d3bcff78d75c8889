"""A shop over SQLAlchemy, of either kind, on each database: what its hooks write can be counted."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from tiyin.merchant import billing as words
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.billing import FiscalNotice, OrderState, Transaction
from tiyin.merchant.stores.sqlalchemy import (
    AsyncRowBilling,
    AsyncSqlAlchemyStore,
    RowBilling,
    SqlAlchemyStore,
    payme_tables,
    prepare_sqlite,
)

__all__ = [
    "ASYNC",
    "KINDS",
    "AsyncShop",
    "Base",
    "Counted",
    "Effect",
    "Order",
    "Shop",
    "book_engine",
    "make_engine",
    "make_store",
    "set_up",
]

PRICE_TIYIN = 500_000
# psycopg awaiting is tried where PostgreSQL's own ways matter.
KINDS = ("pysqlite", "aiosqlite", "psycopg", "asyncpg")
ASYNC = frozenset(("aiosqlite", "psycopg_async", "asyncpg"))
_DRIVERS = {"psycopg_async": "psycopg"}


class Base(DeclarativeBase):
    pass


TABLES = payme_tables(Base.metadata)


class Order(Base):
    __tablename__ = "shop_orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(unique=True)
    total_tiyin: Mapped[int] = mapped_column(sa.BigInteger)
    state: Mapped[str] = mapped_column(default="waiting")
    paid_at: Mapped[dt.datetime | None]


class Effect(Base):
    """What hooks did, a row each: nothing but the kit keeps a second one out. COMMIT looks for its order."""

    __tablename__ = "shop_effects"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    transaction_id: Mapped[str]
    order_id: Mapped[int] = mapped_column(
        sa.ForeignKey("shop_orders.id", deferrable=True, initially="DEFERRED")
    )


class Counted(Base):
    """One row that every hook counts up, and others too."""

    __tablename__ = "shop_counted"
    id: Mapped[int] = mapped_column(primary_key=True)
    times: Mapped[int]


class _Hooks:
    """What both shops share. `before` runs inside of the hooks, and gets the session and the hook's name."""

    def __init__(self) -> None:
        self.before: Callable[[Any, str], Any] | None = None
        self.mails: list[str] = []
        self.ran: list[str] = []
        self.delivered = False

    def offer(self, order: Order) -> words.Order:
        return words.Order(amount_tiyin=order.total_tiyin, state=OrderState(order.state))

    def effect(self, name: str, order: Order, transaction: Transaction, state: str) -> Effect:
        self.ran.append(name)
        order.state = state
        after_commit(self.mails.append, f"{name} {transaction.id[-2:]}")
        return Effect(name=name, transaction_id=transaction.id, order_id=order.id)


def _after_cancel(transaction: Transaction) -> str:
    return "cancelled" if transaction.paid else "waiting"


class Shop(_Hooks, RowBilling[Order]):
    model = Order
    account_fields: tuple[str, ...] = ("order_id",)

    def check(self, order: Order, amount_tiyin: int) -> words.Order:
        del amount_tiyin
        return self.offer(order)

    def create(self, order: Order, transaction: Transaction) -> str | int | None:
        return self._effect("create", order, transaction, "reserved")  # type: ignore[no-any-return]  # a test may break the promise

    def perform(self, order: Order, transaction: Transaction) -> None:
        return self._effect("perform", order, transaction, "paid")  # type: ignore[no-any-return]  # the same

    def may_cancel(self, order: Order, transaction: Transaction) -> bool:
        del order, transaction
        return not self.delivered

    def cancel(self, order: Order, transaction: Transaction) -> None:
        return self._effect("cancel", order, transaction, _after_cancel(transaction))  # type: ignore[no-any-return]  # the same

    def fiscal_data(self, notice: FiscalNotice) -> bool:
        self.session.add(Effect(name=notice.type, transaction_id=notice.id, order_id=1))
        return False

    def _effect(self, name: str, order: Order, transaction: Transaction, state: str) -> Any:
        self.session.add(self.effect(name, order, transaction, state))
        return None if self.before is None else self.before(self.session, name)


class AsyncShop(_Hooks, AsyncRowBilling[Order]):
    model = Order
    account_fields = ("order_id",)

    async def check(self, order: Order, amount_tiyin: int) -> words.Order:
        del amount_tiyin
        return self.offer(order)

    async def create(self, order: Order, transaction: Transaction) -> str | int | None:
        return await self._effect("create", order, transaction, "reserved")  # type: ignore[no-any-return]  # a test may break the promise

    async def perform(self, order: Order, transaction: Transaction) -> None:
        return await self._effect("perform", order, transaction, "paid")  # type: ignore[no-any-return]  # the same

    async def may_cancel(self, order: Order, transaction: Transaction) -> bool:
        del order, transaction
        return not self.delivered

    async def cancel(self, order: Order, transaction: Transaction) -> None:
        return await self._effect("cancel", order, transaction, _after_cancel(transaction))  # type: ignore[no-any-return]  # the same

    async def fiscal_data(self, notice: FiscalNotice) -> bool:
        self.session.add(Effect(name=notice.type, transaction_id=notice.id, order_id=1))
        return False

    async def _effect(self, name: str, order: Order, transaction: Transaction, state: str) -> Any:
        self.session.add(self.effect(name, order, transaction, state))
        if self.before is None:
            return None
        answer = self.before(self.session, name)
        return await answer if isinstance(answer, Awaitable) else answer


def driver_url(kind: str, url: str) -> str:
    """Put a driver into a plain address."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}+{_DRIVERS.get(kind, kind)}://{rest}"


def make_engine(kind: str, url: str, **options: Any) -> sa.Engine | AsyncEngine:
    """Make the shop's engine."""
    address = driver_url(kind, url)
    engine = (
        create_async_engine(address, **options) if kind in ASYNC else sa.create_engine(address, **options)
    )
    if url.startswith("sqlite"):
        prepare_sqlite(engine)
        _with_foreign_keys(engine)
    return engine


def book_engine(url: str) -> sa.Engine:
    """Make an engine of the test's own, to look at the books."""
    engine = sa.create_engine(driver_url("pysqlite" if url.startswith("sqlite") else "psycopg", url))
    if url.startswith("sqlite"):
        prepare_sqlite(engine)
    return engine


def make_store(engine: sa.Engine | AsyncEngine, **options: Any) -> SqlAlchemyStore | AsyncSqlAlchemyStore:
    """Make the store over an engine."""
    if isinstance(engine, AsyncEngine):
        return AsyncSqlAlchemyStore(async_sessionmaker(engine), **options)
    return SqlAlchemyStore(sessionmaker(engine), **options)


def set_up(books: sa.Engine, orders: int = 40) -> None:
    """Make the tables, and orders 1 to `orders`, and leave nothing of what was there before."""
    Base.metadata.create_all(books)
    with Session(books) as session, session.begin():
        for table in reversed(Base.metadata.sorted_tables):
            session.execute(sa.delete(table))
        session.add(Counted(id=1, times=0))
        session.add_all(
            Order(id=number, number=f"N{number}", total_tiyin=PRICE_TIYIN) for number in range(1, orders + 1)
        )


async def dispose(engine: sa.Engine | AsyncEngine) -> None:
    """Close an engine of either kind."""
    if isinstance(engine, AsyncEngine):
        await engine.dispose()
    else:
        await asyncio.to_thread(engine.dispose)


def _with_foreign_keys(engine: sa.Engine | AsyncEngine) -> None:
    def switch_on(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.close()

    sa.event.listen(engine.sync_engine if isinstance(engine, AsyncEngine) else engine, "connect", switch_on)
