"""What cannot work is told when the store is made or opened, with a sentence that says what to change."""

import contextlib
from collections.abc import Iterator
from typing import Any, ClassVar

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session, sessionmaker
from sqlalchemy.pool import StaticPool

from helpers_merchant import KEY, Payme
from merchant.sqlalchemy.shops import Base, Order, Shop, book_engine, driver_url, set_up
from tiyin.merchant import billing as words
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Account, Transaction
from tiyin.merchant.driving import drive
from tiyin.merchant.stores.sqlalchemy import (
    AsyncSqlAlchemyStore,
    RowBilling,
    SqlAlchemyStore,
    current_async_session,
    current_session,
    payme_tables,
    prepare_sqlite,
)
from tiyin.merchant.stores.unit import UNIT, Unit
from tiyin.merchant.sync_billing import SyncBilling


@pytest.fixture
def engine(sqlite_url: str) -> Iterator[sa.Engine]:
    made = sa.create_engine(sqlite_url)
    yield made
    made.dispose()


def started(engine: sa.Engine, **options: Any) -> SqlAlchemyStore:
    store = SqlAlchemyStore(sessionmaker(engine), **options)
    drive(store.start())
    return store


def test_missing_tables(engine: sa.Engine) -> None:
    with pytest.raises(RuntimeError, match=r"payme_transactions is missing: .*create_all.*Alembic"):
        started(engine)
    metadata = sa.MetaData()
    payme_tables(metadata, fiscal="other_name")
    metadata.create_all(engine)
    with pytest.raises(RuntimeError, match=r"the table payme_fiscal is missing"):
        started(engine)


def test_a_table_of_an_older_time(engine: sa.Engine) -> None:
    metadata = sa.MetaData()
    tables = payme_tables(metadata)
    metadata.create_all(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE payme_fiscal DROP COLUMN received_ms"))
    with pytest.raises(RuntimeError, match=r"payme_fiscal lacks received_ms: .*Alembic"):
        started(engine, tables=tables)


def test_a_table_without_its_guard(engine: sa.Engine) -> None:
    set_up(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX payme_transactions_guard"))
        connection.execute(sa.text("CREATE INDEX payme_transactions_guard ON payme_transactions (guard)"))
    with pytest.raises(RuntimeError, match=r"no unique index on guard"):
        started(engine)


def test_names_and_schemas_of_the_shop(engine: sa.Engine) -> None:
    metadata = sa.MetaData()
    tables = payme_tables(metadata, transactions="pay_t", fiscal="pay_f", keys="pay_k")
    assert payme_tables(metadata, transactions="pay_t", fiscal="pay_f", keys="pay_k") == tables
    metadata.create_all(engine)
    started(engine, tables=tables)
    elsewhere = payme_tables(sa.MetaData(schema="shop"))
    assert elsewhere.transactions.fullname == "shop.payme_transactions"
    again = sa.MetaData(schema="shop")
    assert payme_tables(again) == payme_tables(again)


async def test_autocommit(postgres_shop: str) -> None:
    url = driver_url("psycopg", postgres_shop)
    books = book_engine(postgres_shop)
    set_up(books)
    books.dispose()
    plain = sa.create_engine(url, isolation_level="AUTOCOMMIT")
    with pytest.raises(RuntimeError, match=r"AUTOCOMMIT.*READ COMMITTED"):
        started(plain)
    started_well = started(plain.execution_options(isolation_level="READ COMMITTED"))
    assert started_well.blocking
    plain.dispose()


def test_sqlite_that_may_forget(sqlite_url: str, caplog: pytest.LogCaptureFixture) -> None:
    engine = sa.create_engine(sqlite_url)
    set_up(engine)

    def carelessly(connection: Any, _: object) -> None:
        connection.execute("PRAGMA synchronous=NORMAL")

    sa.event.listen(engine, "connect", carelessly)
    engine.dispose()
    with pytest.raises(RuntimeError, match=r"synchronous=FULL.*prepare_sqlite"):
        started(engine)
    engine.dispose()
    plain = sa.create_engine(sqlite_url)
    started(plain)
    plain.dispose()
    assert "payme_sqlite_without_wal" in caplog.text
    assert "prepare_sqlite" in caplog.text
    caplog.clear()
    prepared = sa.create_engine(sqlite_url)
    prepare_sqlite(prepared)
    started(prepared)
    assert not caplog.records
    with prepared.connect() as connection:
        pragmas = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        ]
    assert pragmas == ["wal", 2, 5000]
    prepared.dispose()


def test_prepare_sqlite_is_for_sqlite() -> None:
    with pytest.raises(ValueError, match=r"for postgresql"):
        prepare_sqlite(sa.create_engine("postgresql+psycopg://"))


def test_a_database_of_another_kind() -> None:
    engine = sa.create_mock_engine("sqlite://", lambda *_: None)
    assert engine.dialect.name == "sqlite"
    with pytest.raises(RuntimeError, match=r"another one in each connection"):
        started(sa.create_engine("sqlite://", poolclass=sa.pool.NullPool))


async def test_what_makes_no_sessions() -> None:
    engine, awaiting = sa.create_engine("sqlite://"), create_async_engine("sqlite+aiosqlite://")
    wrong: list[tuple[Any, Any, str]] = [
        (SqlAlchemyStore, async_sessionmaker(awaiting), r"belongs to AsyncSqlAlchemyStore"),
        (AsyncSqlAlchemyStore, sessionmaker(engine), r"belongs to SqlAlchemyStore"),
        (SqlAlchemyStore, scoped_session(sessionmaker(engine)), r"scoped session"),
        (SqlAlchemyStore, engine, r"give a sessionmaker"),
        (SqlAlchemyStore, Session(engine), r"not a Session"),
        (AsyncSqlAlchemyStore, AsyncSession(awaiting), r"give an async_sessionmaker.*not an AsyncSession"),
    ]
    for store, sessions, text in wrong:
        with pytest.raises(TypeError, match=text):
            store(sessions)
    with pytest.raises(ValueError, match=r"patience_s"):
        SqlAlchemyStore(sessionmaker(engine), patience_s=0)
    await awaiting.dispose()


async def test_the_wrong_kind_of_session() -> None:
    with pytest.raises(RuntimeError, match=r"no open database transaction"):
        current_session()
    token = UNIT.set(Unit(object(), locks=True))
    with pytest.raises(RuntimeError, match=r"over a SqlAlchemyStore"):
        current_session()
    with pytest.raises(RuntimeError, match=r"over an AsyncSqlAlchemyStore"):
        current_async_session()
    UNIT.reset(token)


class Pair(Base):
    __tablename__ = "shop_pairs"
    left: Mapped[int] = mapped_column(primary_key=True)
    right: Mapped[int] = mapped_column(primary_key=True)


class NoModel(RowBilling[Order]):
    account_fields = ("order_id",)

    def check(self, order: Order, amount_tiyin: int) -> words.Order:
        raise NotImplementedError


class Pairs(RowBilling[Pair]):
    model = Pair
    account_fields = ("order_id",)

    def check(self, order: Pair, amount_tiyin: int) -> words.Order:
        raise NotImplementedError


class NoFields(Shop):
    account_fields: tuple[str, ...] = ()


class NoColumn(Shop):
    column = "nothing"


class NoType(Shop):
    columns: ClassVar[dict[str, Any]] = {"order_id": Order.paid_at}


class TwoFields(Shop):
    account_fields = ("order_id", "phone")
    columns: ClassVar[dict[str, Any]] = {"order_id": Order.id}


@pytest.mark.parametrize(
    ("shop", "text"),
    [
        (NoModel, r"model = Order"),
        (Pairs, r"several columns.*column = Pair\.number in Pairs"),
        (NoFields, r'write account_fields = \("order_id",\)'),
        (NoType, r"not DateTime\(\): override find"),
        (TwoFields, r"a column for each of its account_fields"),
        (NoColumn, r"Order has not"),
    ],
)
def test_a_shop_of_rows_that_cannot_work(engine: sa.Engine, shop: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        MerchantApi(shop(), SqlAlchemyStore(sessionmaker(engine)), KEY)


class ByNumber(Shop):
    column = Order.number


class ByName(Shop):
    column = "number"

    def orders(self) -> sa.Select[Any]:
        return super().orders().where(Order.id != 3)


@pytest.mark.parametrize("shop", [ByNumber, ByName])
async def test_orders_by_another_column(engine: sa.Engine, shop: Any) -> None:
    """Goal: found by what the payer types, reserved by what names it for good."""
    set_up(engine)
    api = MerchantApi(shop(), SqlAlchemyStore(sessionmaker(engine)), KEY)
    payme = Payme(api)
    now_ms = api._settings.clock.now_ms()  # noqa: SLF001 - the time of this very moment
    assert (await payme.create(1, "N5", time=now_ms))["state"] == 1
    assert await payme.check_perform("5") == -31050
    assert await payme.check_perform("N3") == ({"allow": True} if shop is ByNumber else -31050)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT guard FROM payme_transactions")) == "shop_orders:5"
    await api.stop()


class ByBoth(Shop):
    account_fields = ("order_id", "number")
    columns: ClassVar[dict[str, Any]] = {"number": Order.number, "order_id": "id"}


async def test_orders_by_two_columns(engine: sa.Engine) -> None:
    """Goal: both must fit, and the one that does not is named."""
    set_up(engine)
    api = MerchantApi(ByBoth(), SqlAlchemyStore(sessionmaker(engine)), KEY)
    payme = Payme(api)
    for order_id, number, wrong in (("5", "N6", "number"), ("77", "N5", "order_id"), ("5", "N5", None)):
        account = {"order_id": order_id, "number": number}
        params = {"account": account, "amount": 500_000}
        reply = await payme.send(
            msgspec.json.encode({"id": 1, "method": "CheckPerformTransaction", "params": params})
        )
        assert reply.get("error", {}).get("data") == wrong
    await api.stop()


class ByAccount(SyncBilling):
    """A shop without rows of orders, which writes all the same."""

    account_fields = ("order_id",)

    def check(self, account: Account, amount_tiyin: int) -> words.Order:
        del account
        return words.Order(amount_tiyin=amount_tiyin)

    def create(self, transaction: Transaction) -> str | int | None:
        current_session().add(Order(id=500, number=transaction.id, total_tiyin=1))
        return 77


async def test_a_shop_of_plain_accounts(engine: sa.Engine) -> None:
    set_up(engine, 1)
    async with MerchantApi(ByAccount(), SqlAlchemyStore(sessionmaker(engine)), KEY) as api:
        now_ms = api._settings.clock.now_ms()  # noqa: SLF001 - the same
        assert (await Payme(api).create(1, "x", time=now_ms))["transaction"] == "77"
    with Session(engine) as session:
        assert session.get_one(Order, 500).number.endswith("1")


def begins_by_itself(engine: sa.Engine) -> None:
    """Do what SQLAlchemy's documentation has for transactions that really begin."""

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    def by_hand(connection: Any, _: object) -> None:
        connection.isolation_level = None

    sa.event.listen(engine, "connect", by_hand)
    sa.event.listen(engine, "begin", begin)


async def test_an_engine_that_begins_by_itself(engine: sa.Engine) -> None:
    prepare_sqlite(engine)
    begins_by_itself(engine)
    set_up(engine)
    async with MerchantApi(Shop(), SqlAlchemyStore(sessionmaker(engine)), KEY) as api:
        now_ms = api._settings.clock.now_ms()  # noqa: SLF001 - the same
        payme = Payme(api)
        assert (await payme.create(1, time=now_ms))["state"] == 1
        assert (await payme.perform(1))["state"] == 2
    with Session(engine) as session:
        assert session.get_one(Order, 1).state == "paid"


async def test_a_shops_test_that_undoes_everything(sqlite_url: str) -> None:
    """Goal: in a shop's own test, over one connection with a transaction around it, all stays in it."""
    engine = sa.create_engine(sqlite_url)
    begins_by_itself(engine)
    set_up(engine)
    with engine.connect() as connection, contextlib.closing(connection.begin()):
        store = SqlAlchemyStore(sessionmaker(connection, join_transaction_mode="create_savepoint"))
        assert store.stays_in_thread()
        api = MerchantApi(Shop(), store, KEY)
        now_ms = api._settings.clock.now_ms()  # noqa: SLF001 - the same
        drive(Payme(InThisThread(api)).create(1, time=now_ms))  # type: ignore[arg-type]  # it answers the same way
        state = connection.scalar(sa.text("SELECT state FROM shop_orders WHERE id = 1"))
        assert state == "reserved"
    with Session(engine) as session:
        assert session.get_one(Order, 1).state == "waiting"
    api.stop_sync()
    engine.dispose()


class InThisThread:
    """An api that is asked as a server asks it that does not await."""

    def __init__(self, api: MerchantApi) -> None:
        self._api = api

    async def handle(self, call: Any) -> Any:
        return self._api.handle_sync(call)


async def test_in_memory_for_a_quick_test() -> None:
    engine = create_async_engine("sqlite+aiosqlite://", poolclass=StaticPool)
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    store = AsyncSqlAlchemyStore(async_sessionmaker(engine))
    await store.start()
    assert await store.read("x") is None
    await engine.dispose()


def test_alembic_sees_the_tables() -> None:
    class Plain(DeclarativeBase):
        pass

    assert set(payme_tables(Plain.metadata)) == set(Plain.metadata.tables.values())
