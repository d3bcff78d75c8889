"""A shop over SQLAlchemy with its api, once on each database and driver."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from helpers_merchant import KEY, NOW_MS, Payme
from helpers_storage import PostgresServer
from merchant.sqlalchemy.shops import (
    ASYNC,
    KINDS,
    TABLES,
    AsyncShop,
    Counted,
    Effect,
    Order,
    Shop,
    book_engine,
    dispose,
    make_engine,
    make_store,
    set_up,
)
from tiyin.merchant.api import MerchantApi
from tiyin.runtime.clock import ManualClock


class World:
    """A shop, its api, and Payme."""

    def __init__(self, kind: str, url: str, books: sa.Engine) -> None:
        self.kind = kind
        self.url = url
        self.books = books
        self.clock = ManualClock(NOW_MS)
        self.shop = AsyncShop() if kind in ASYNC else Shop()
        self.open()

    def open(self, patience_s: float = 15.0, **engine: Any) -> None:
        """Make another engine and api over the same database."""
        self.engine = make_engine(self.kind, self.url, **engine)
        self.store = make_store(self.engine, clock=self.clock, patience_s=patience_s)
        self.api = MerchantApi(self.shop, self.store, KEY, clock=self.clock, patience_s=patience_s)
        self.payme = Payme(self.api)

    async def reopen(self, patience_s: float = 15.0, **engine: Any) -> None:
        """Do it with other settings."""
        await self.close()
        self.open(patience_s, **engine)

    async def close(self) -> None:
        await self.api.stop()
        await dispose(self.engine)

    async def mails(self) -> list[str]:
        """What was done after commits, once all of it is done."""
        await self.api.stop()
        return self.shop.mails

    def order(self, number: int = 1) -> str:
        """How an order stands."""
        with Session(self.books) as session:
            return session.get_one(Order, number).state

    def effects(self) -> list[str]:
        """What hooks have done for good."""
        with Session(self.books) as session:
            return list(session.scalars(sa.select(Effect.name).order_by(Effect.id)))

    def rows(self) -> list[tuple[Any, ...]]:
        """The transactions, whole."""
        with Session(self.books) as session:
            return [tuple(row) for row in session.execute(sa.select(TABLES.transactions).order_by("id"))]

    def touch(self) -> None:
        """Write something, as other code of the shop would."""
        with Session(self.books) as session, session.begin():
            session.get_one(Counted, 1).times += 1

    def everything(self) -> tuple[Any, ...]:
        """All that a hook or the kit may have written."""
        return self.rows(), self.effects(), [self.order(number) for number in (1, 2, 3)]


@pytest.fixture(scope="session")
def postgres_shop(postgres_server: PostgresServer) -> str:
    """The address of one database for all of these tests; each finds it as a shop's first day."""
    asyncio.run(postgres_server.create_database("sqlalchemy_shop"))
    return postgres_server.url("sqlalchemy_shop")


@pytest.fixture(params=KINDS)
def kind_url(request: pytest.FixtureRequest) -> tuple[str, str]:
    """The kind of engine, and the plain address of a database for it."""
    kind: str = request.param
    return kind, request.getfixturevalue("sqlite_url" if kind.endswith("sqlite") else "postgres_shop")


@pytest.fixture
def books(kind_url: tuple[str, str]) -> Iterator[sa.Engine]:
    """Looks at the database from aside."""
    engine = book_engine(kind_url[1])
    set_up(engine)
    yield engine
    engine.dispose()


@pytest.fixture
async def world(kind_url: tuple[str, str], books: sa.Engine) -> AsyncIterator[World]:
    made = World(*kind_url, books)
    yield made
    await made.close()
