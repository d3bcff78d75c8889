"""What the database undoes is done again; what nobody waits for is not done at all."""

import asyncio
import contextlib
import threading
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from merchant.sqlalchemy.conftest import World
from merchant.sqlalchemy.shops import Counted, dispose
from tiyin.merchant.stores.sqlalchemy.units import can_repeat

POSTGRES = ("psycopg", "psycopg_async", "asyncpg")
STEPS = {"create": 1, "perform": 2, "cancel": -2}

on_postgres = pytest.mark.parametrize("kind_url", POSTGRES, indirect=True)
on_sqlite = pytest.mark.parametrize("kind_url", ["pysqlite", "aiosqlite"], indirect=True)


class Disturbing:
    """A hook's last act: counts up a row that somebody else counts up too, the first few times."""

    def __init__(self, books: sa.Engine, times: int) -> None:
        self._books = books
        self.left = times

    def __call__(self, session: Any, _: str) -> Any:
        if isinstance(session, Session):
            return self.count(session)
        return session.run_sync(self.count)

    def count(self, session: Session) -> None:
        counted = session.get_one(Counted, 1)
        if self.left:
            self.left -= 1
            with Session(self._books) as other, other.begin():
                other.get_one(Counted, 1).times += 1
        counted.times += 1


@on_postgres
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
async def test_serialization_failures_run_again(world: World, level: str) -> None:
    """Goal: after failures all stands once, and what was left for afterwards is done once."""
    await world.reopen(isolation_level=level)
    for step, state in STEPS.items():
        world.shop.before = Disturbing(world.books, 2)
        assert (await getattr(world.payme, step)(1))["state"] == state
    assert world.effects() == ["create", "perform", "cancel"]
    assert world.shop.ran == ["create"] * 3 + ["perform"] * 3 + ["cancel"] * 3
    assert await world.mails() == ["create 01", "perform 01", "cancel 01"]
    with Session(world.books) as session:
        assert session.get_one(Counted, 1).times == 3 * 2 + 3


@on_postgres
async def test_a_database_that_never_agrees_is_given_up(world: World) -> None:
    await world.reopen(isolation_level="REPEATABLE READ")
    await world.payme.create(1)
    before = world.everything()
    world.shop.before = Disturbing(world.books, 1000)
    assert await world.payme.perform(1) == -32400
    assert world.everything() == before
    assert await world.mails() == ["create 01"]


@on_postgres
@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"])
async def test_races_at_every_level(world: World, level: str) -> None:
    """Goal: two ids for one order, perform beside cancel: one outcome, and each effect once."""
    await world.reopen(isolation_level=level)
    for order in range(1, 5):
        numbers = range(order * 4, order * 4 + 3)
        answers = await asyncio.gather(*(world.payme.create(number, order) for number in numbers))
        assert sum(isinstance(answer, dict) for answer in answers) == 1, answers
        winner = next(n for n, answer in zip(numbers, answers, strict=True) if isinstance(answer, dict))
        performed, cancelled = await asyncio.gather(world.payme.perform(winner), world.payme.cancel(winner))
        if isinstance(performed, dict):
            assert (performed["state"], cancelled["state"], world.order(order)) == (2, -2, "cancelled")
        else:
            assert (performed, cancelled["state"], world.order(order)) == (-31008, -1, "waiting")
    effects = world.effects()
    assert effects.count("create") == effects.count("cancel") == 4
    assert len(await world.mails()) == len(effects)


@on_postgres
async def test_a_lock_is_not_waited_for_for_ever(world: World) -> None:
    """Goal: other code of the shop that holds the order costs a -32400, and then all goes on."""
    await world.payme.create(1)
    await world.reopen(patience_s=0.4)
    before = world.everything()
    with world.books.begin() as other:
        other.execute(sa.text("SELECT * FROM shop_orders WHERE id = 1 FOR UPDATE"))
        assert await world.payme.perform(1) == -32400
    await world.api.stop()
    assert world.everything() == before
    await world.reopen()
    assert (await world.payme.perform(1))["state"] == 2


@on_postgres
async def test_an_order_that_changes_meanwhile(world: World) -> None:
    """Goal: a hook sees the order as it is when it is locked, not as it was when it was asked for."""
    with world.books.connect() as other:
        other.execute(sa.text("UPDATE shop_orders SET state = 'cancelled' WHERE id = 1"))
        creating = asyncio.create_task(world.payme.create(1))
        await until_waiting(world.books)
        other.commit()
    assert await creating == -31053
    assert world.order() == "cancelled"
    assert world.rows() == []


async def until_waiting(books: sa.Engine) -> None:
    """Wait until somebody waits for a lock."""
    ask = sa.text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    for _ in range(1000):
        with books.connect() as connection:
            if connection.scalar(ask):
                return
        await asyncio.sleep(0.01)
    raise AssertionError("nobody waits for a lock")


@on_postgres
async def test_the_shops_own_lock_timeout_stays(world: World) -> None:
    seen: list[str] = []

    def look(session: Any, _: str) -> Any:
        ask = sa.text("SELECT current_setting('lock_timeout')")
        if isinstance(session, Session):
            seen.append(session.scalar(ask))
            return None

        async def go() -> None:
            seen.append(await session.scalar(ask))

        return go()

    world.shop.before = look
    await world.payme.create(1)
    engine = world.engine if isinstance(world.engine, sa.Engine) else world.engine.sync_engine

    def shorten(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        cursor.execute("SET lock_timeout = '1234ms'")
        cursor.close()
        connection.commit()

    await world.api.stop()
    await dispose(world.engine)
    sa.event.listen(engine, "connect", shorten)
    await world.payme.perform(1)
    assert seen == ["15s", "1234ms"]


@on_postgres
async def test_connections_that_the_database_closed(world: World) -> None:
    """Goal: after the server was started anew, a call does not fail for the pool's old connection."""
    await world.reopen(pool_size=1, max_overflow=0)
    for number in (1, 2):
        await world.payme.create(number, number)
    with world.books.connect() as other:
        other.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert (await world.payme.perform(1))["state"] == 2
    assert (await world.payme.perform(2))["state"] == 2
    assert world.effects().count("perform") == 2


@on_postgres
async def test_a_hook_that_hangs_in_the_database(world: World) -> None:
    """Goal: those who await are cut there too, and the pool is as good as before."""
    await world.payme.create(1)
    await world.reopen(patience_s=0.4, pool_size=1, max_overflow=0)
    before = world.everything()
    seconds = "1" if world.store.blocking else "60"

    world.shop.before = lambda session, _: session.execute(sa.text(f"SELECT pg_sleep({seconds})"))
    assert await world.payme.perform(1) == -32400
    # Lets what cannot be cut come to its end.
    await world.api.stop()
    assert world.everything() == before
    world.shop.before = None
    assert (await world.payme.check(1))["state"] == 1
    assert (await world.payme.perform(1))["state"] == 2


async def test_a_hook_that_catches_an_error_of_the_database(world: World) -> None:
    """Goal: PostgreSQL answers COMMIT by rolling back then, and that must not pass for success."""
    wrong = sa.text("SELECT 1/0" if world.kind in POSTGRES else "SELECT nothing")

    def go_on(session: Any, _: str) -> Any:
        if isinstance(session, Session):
            with contextlib.suppress(sa.exc.DBAPIError):
                session.execute(wrong)
            return None

        async def go() -> None:
            with contextlib.suppress(sa.exc.DBAPIError):
                await session.execute(wrong)

        return go()

    world.shop.before = go_on
    for step, state in STEPS.items():
        before = world.everything()
        answer = await getattr(world.payme, step)(1)
        if world.kind in POSTGRES:
            assert (answer, world.everything()) == (-32400, before)
            world.shop.before = None
            answer = await getattr(world.payme, step)(1)
            world.shop.before = go_on
        assert answer["state"] == state
    assert world.effects() == ["create", "perform", "cancel"]
    assert await world.mails() == ["create 01", "perform 01", "cancel 01"]


@on_sqlite
async def test_a_hook_that_lost_its_transaction(world: World) -> None:
    """Goal: where SQLite gave all up by itself, as on a full disk, nothing passes for success."""
    world.shop.before = lambda session, _: session.execute(sa.text("ROLLBACK"))
    assert await world.payme.create(1) == -32400
    assert (world.rows(), world.effects(), world.order()) == ([], [], "waiting")


async def test_errors_do_not_show_what_was_stored(world: World, caplog: pytest.LogCaptureFixture) -> None:
    await world.api.start()
    with world.books.begin() as other:
        other.execute(sa.text("ALTER TABLE payme_transactions RENAME TO away"))
    try:
        assert await world.payme.create(0xABCDEF) == -32400
    finally:
        with world.books.begin() as other:
            other.execute(sa.text("ALTER TABLE away RENAME TO payme_transactions"))
    assert "parameters hidden" in caplog.text
    assert "abcdef" not in caplog.text


@on_sqlite
async def test_a_busy_file_is_asked_again(world: World) -> None:
    """Goal: "database is locked" is no failure of the call."""
    await world.api.start()
    pauses: list[float] = []
    other = world.books.connect()
    database: Any = world.store._at  # noqa: SLF001 - its pauses are where the lock is let go
    pause = database.pause

    async def let_go(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            other.rollback()
        await pause(seconds)

    database.pause = let_go
    engine = world.engine if isinstance(world.engine, sa.Engine) else world.engine.sync_engine
    sa.event.listen(engine, "checkout", _impatient)
    other.exec_driver_sql("BEGIN IMMEDIATE")
    assert (await world.payme.create(1))["state"] == 1
    assert len(pauses) == 2
    assert world.effects() == ["create"]
    other.close()


@on_sqlite
async def test_who_reads_first_and_writes_later(world: World) -> None:
    """Goal: writers from elsewhere between a hook's reading and writing do not get in: it holds the lock."""
    begun, refused = threading.Event(), threading.Event()

    def elsewhere() -> None:
        assert begun.wait(30)
        with world.books.connect() as other:
            other.exec_driver_sql("PRAGMA busy_timeout=1")
            try:
                other.exec_driver_sql("BEGIN IMMEDIATE")
            except sa.exc.OperationalError as error:
                if can_repeat(error):
                    refused.set()

    def meanwhile(_session: object, _: str) -> None:
        begun.set()
        assert refused.wait(30)

    await world.payme.create(1)
    thread = threading.Thread(target=elsewhere)
    thread.start()
    # It has written nothing yet: its order and its row are as they were read.
    world.shop.before = meanwhile
    assert (await world.payme.perform(1))["state"] == 2
    thread.join()


async def test_a_shop_without_a_reason_to_repeat(world: World) -> None:
    """Goal: a broken rule of a table is an answer, not something to be tried six times."""
    world.shop.before = lambda _session, _name: (_ for _ in ()).throw(
        sa.exc.IntegrityError("INSERT", None, Exception("no"))
    )
    assert await world.payme.create(1) == -32400
    assert world.shop.ran == ["create"]
    assert not can_repeat(ValueError())
    assert not can_repeat(sa.exc.StatementError("x", "y", None, None))


def _impatient(connection: Any, *_: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=1")
    cursor.close()
