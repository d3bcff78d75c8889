"""Full, locked, read-only, contended: what is refused was not written, and the store works again."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import apsw
import asyncpg
import pytest

from helpers_accounts import ACCOUNTS, METADATA, Account, account_id, add, adding, counting, numbered, sums
from tiyin.storage import Decision, StorageUnavailable, Store, TooContended, open_store
from tiyin.storage.postgres import connection as postgres_connection
from tiyin.storage.postgres.store import PostgresStore, open_postgres
from tiyin.storage.sqlite.store import SqliteStore

KEYS = [account_id(n) for n in range(40)]


@pytest.fixture
async def sqlite_store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(tmp_path / "store.db", busy_ms=200)
    await store.create_tables(METADATA)
    yield store
    await store.close()


@pytest.fixture
async def postgres_store(postgres_url: str) -> AsyncIterator[PostgresStore]:
    store = await open_postgres(postgres_url, patience_s=2)
    await store.create_tables(METADATA)
    yield store
    await store.close()


@pytest.fixture
async def outsider(postgres_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of somebody else to the same database."""
    connection = await asyncpg.connect(postgres_url)
    yield connection
    await connection.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of three megabytes."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    if subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("mounting a small file system needs the right to mount")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fat(key: str, size: int) -> Account:
    return Account(key, 0, "owner", "open", 1, "x" * size)


async def put(store: Store, key: str, size: int) -> str:
    def rule(_: Account | None) -> Decision[str]:
        return Decision(key, fat(key, size))

    return await store.change(ACCOUNTS, key, rule)


async def test_a_full_disk_loses_nothing_acknowledged_and_ends_with_its_cause(small_disk: Path) -> None:
    filler = small_disk / "filler"
    filler.write_bytes(b"0" * 1_500_000)
    store = await open_store(f"sqlite:///{small_disk / 'store.db'}")
    await store.create_tables(METADATA)
    keys = [account_id(n) for n in range(120)]
    acknowledged: set[str] = set()
    refused: set[str] = set()
    for start in range(0, 120, 20):
        results = await asyncio.gather(
            *(put(store, key, 20_000) for key in keys[start : start + 20]), return_exceptions=True
        )
        for key, result in zip(keys[start : start + 20], results, strict=True):
            if isinstance(result, BaseException):
                assert isinstance(result, StorageUnavailable)
                refused.add(key)
            else:
                acknowledged.add(key)
    assert acknowledged
    assert refused
    assert set(await store.get_many(ACCOUNTS, keys)) == acknowledged
    filler.unlink()
    assert await put(store, min(refused), 10) == min(refused)
    await store.close()
    again = await open_store(f"sqlite:///{small_disk / 'store.db'}")
    assert set(await again.get_many(ACCOUNTS, keys)) == {*acknowledged, min(refused)}
    await again.close()


async def test_a_full_file_takes_down_only_what_does_not_fit(sqlite_store: SqliteStore) -> None:
    """SQLite rolls the whole transaction back when it is full; the others are written all the same."""
    await sqlite_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0"))
    connection = sqlite_store._writer.connection  # noqa: SLF001  # the limit is a connection's own
    pages = connection.pragma("page_count")
    connection.pragma("max_page_count", int(str(pages)) + 30)
    results = await asyncio.gather(
        *(sqlite_store.change(ACCOUNTS, key, adding(key, 1, f"e{key}")) for key in KEYS[1:20]),
        put(sqlite_store, KEYS[20], 500_000),
        *(sqlite_store.change(ACCOUNTS, key, adding(key, 1, f"e{key}")) for key in KEYS[21:]),
        return_exceptions=True,
    )
    assert isinstance(results.pop(19), StorageUnavailable)
    assert results == [1] * 38
    assert await sums(sqlite_store) == (39, 39, 39)
    connection.pragma("max_page_count", 1_000_000)
    assert await put(sqlite_store, KEYS[20], 500_000) == KEYS[20]


async def test_a_transaction_that_sqlite_rolled_back_is_not_taken_for_open(sqlite_store: SqliteStore) -> None:
    """A full disk can end the transaction under a statement: what ran beside it still happens once."""

    def full(cursor: apsw.Cursor) -> None:
        cursor.execute("ROLLBACK")
        raise apsw.FullError("database or disk is full")

    numbers = numbered("e")
    results = await asyncio.gather(
        *(sqlite_store.change(ACCOUNTS, key, counting(key, numbers)) for key in KEYS[:20]),
        sqlite_store._call(full),  # noqa: SLF001  # no statement does that at will
        *(sqlite_store.change(ACCOUNTS, key, counting(key, numbers)) for key in KEYS[20:]),
        return_exceptions=True,
    )
    assert isinstance(results.pop(20), StorageUnavailable)
    assert results == [1] * 40
    assert await sums(sqlite_store) == (40, 40, 40)


async def test_a_commit_that_fails_is_made_again_one_by_one(sqlite_store: SqliteStore) -> None:
    failures = iter([True])
    # The hook turns the first COMMIT into a rollback.
    connection = sqlite_store._writer.connection  # noqa: SLF001  # nothing else can make a COMMIT fail at will
    connection.set_commit_hook(lambda: next(failures, False))
    answers = await asyncio.gather(*(sqlite_store.change(ACCOUNTS, k, adding(k, 1, f"e{k}")) for k in KEYS))
    assert answers == [1] * 40
    assert await sums(sqlite_store) == (40, 40, 40)


async def test_a_locked_file_is_told_and_works_again(sqlite_store: SqliteStore, tmp_path: Path) -> None:
    outsider = apsw.Connection(str(tmp_path / "store.db"))
    outsider.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageUnavailable, match="Busy"):
        await sqlite_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0"))
    assert await sqlite_store.get(ACCOUNTS, KEYS[0]) is None
    outsider.execute("COMMIT")
    assert await sqlite_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0")) == 1
    outsider.close()


async def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    path.write_bytes(b"this is not a database, whatever its name says " * 50)
    with pytest.raises(StorageUnavailable):
        await open_store(f"sqlite:///{path}")
    with pytest.raises(StorageUnavailable):
        await open_store(f"sqlite:///{path}/below/store.db")


async def test_every_commit_of_sqlite_waits_for_the_disk(sqlite_store: SqliteStore) -> None:
    connection = sqlite_store._writer.connection  # noqa: SLF001  # these settings are a connection's own
    assert connection.pragma("journal_mode") == "wal"
    assert connection.pragma("synchronous") == 2
    assert connection.pragma("fullfsync") == 1
    assert connection.pragma("checkpoint_fullfsync") == 1


async def test_every_commit_of_postgres_waits_for_the_disk(
    postgres_url: str, outsider: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Also where the database was set up to be fast and forgetful: the commit itself reports its setting."""
    await outsider.execute(
        f'ALTER DATABASE "{postgres_url.rpartition("/")[2]}" SET synchronous_commit = off',
    )
    store = await open_postgres(postgres_url)
    await store.create_tables(METADATA)
    await outsider.execute(
        "CREATE FUNCTION report() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.note = current_setting('synchronous_commit'); RETURN NEW; END $$;"
        "CREATE TRIGGER report BEFORE INSERT ON accounts FOR EACH ROW EXECUTE FUNCTION report()"
    )
    await store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0"))
    row = await store.get(ACCOUNTS, KEYS[0])
    assert row is not None
    assert row.note == "on"
    await store.close()


async def test_a_full_postgres_is_told_and_works_again(
    postgres_store: PostgresStore, outsider: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """The server's own answer to a full disk, raised by a trigger: no test may fill the machine's disk."""
    await outsider.execute(
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'could not extend file' USING ERRCODE = '53100'; END $$;"
        "CREATE TRIGGER full_disk BEFORE INSERT ON entries FOR EACH ROW EXECUTE FUNCTION full_disk()"
    )
    results = await asyncio.gather(
        *(postgres_store.change(ACCOUNTS, key, adding(key, 1, f"e{key}")) for key in KEYS),
        return_exceptions=True,
    )
    assert {type(result) for result in results} == {StorageUnavailable}
    assert await postgres_store.get_many(ACCOUNTS, KEYS) == {}
    await outsider.execute("DROP TRIGGER full_disk ON entries")
    assert await postgres_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0")) == 1


async def test_a_server_that_became_read_only_is_told_and_works_again(
    postgres_store: PostgresStore, postgres_url: str, outsider: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """As after a failover, when the connection still leads to the old leader."""
    database = postgres_url.rpartition("/")[2]
    await postgres_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0"))
    await outsider.execute(f'ALTER DATABASE "{database}" SET default_transaction_read_only = on')
    await _end_others(outsider)
    with pytest.raises(StorageUnavailable, match="cannot be used"):
        await postgres_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e1"))
    await outsider.execute(f'SET default_transaction_read_only = off; ALTER DATABASE "{database}" RESET ALL')
    assert await postgres_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e1")) == 2


async def _end_others(connection: "asyncpg.Connection[asyncpg.Record]") -> None:
    await connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        "WHERE pid <> pg_backend_pid() AND datname = current_database()"
    )


async def test_connections_that_the_server_ends_are_replaced(
    postgres_store: PostgresStore, outsider: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    for number in range(5):
        asked = asyncio.gather(
            *(postgres_store.change(ACCOUNTS, key, adding(key, 1, f"{number}{key}")) for key in KEYS)
        )
        await _end_others(outsider)
        assert await asked == [number + 1] * 40
    assert await sums(postgres_store) == (200, 200, 200)


async def test_rows_that_somebody_holds_are_waited_for_and_the_others_are_not_held_up(
    postgres_store: PostgresStore, outsider: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    held = KEYS[:8]
    await asyncio.gather(
        *(postgres_store.change(ACCOUNTS, key, adding(key, 1, f"first {key}")) for key in held)
    )
    async with outsider.transaction():
        await outsider.execute("SELECT 1 FROM accounts WHERE id = ANY($1) FOR UPDATE", held)
        waiting = [
            asyncio.ensure_future(postgres_store.change(ACCOUNTS, key, adding(key, 1, f"second {key}")))
            for key in held
        ]
        for round_ in range(5):
            others = (
                postgres_store.change(ACCOUNTS, key, adding(key, 1, f"{round_} {key}")) for key in KEYS[8:]
            )
            assert await asyncio.gather(*others) == [round_ + 1] * 32
        assert not any(task.done() for task in waiting)
    assert await asyncio.gather(*waiting) == [2] * 8


async def test_a_row_that_somebody_keeps_is_told_as_contended(
    postgres_url: str, outsider: "asyncpg.Connection[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres_connection._SETTINGS, "lock_timeout", "300")  # noqa: SLF001  # five seconds else
    store = await open_postgres(postgres_url)
    await store.create_tables(METADATA)
    await store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0"))
    async with outsider.transaction():
        await outsider.execute("SELECT 1 FROM accounts WHERE id = $1 FOR UPDATE", KEYS[0])
        with pytest.raises(TooContended):
            await store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e1"))
    assert await store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e1")) == 2
    await store.close()


async def test_a_row_that_others_keep_changing_is_changed_in_the_end(
    postgres_store: PostgresStore, outsider: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    """Each time the rule has decided, somebody else changes the row before it is written."""
    await postgres_store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "e0"))
    loop = asyncio.get_running_loop()
    tries = 0
    overtaking: list[asyncio.Task[str]] = []

    def rule(row: Account | None) -> Decision[int]:
        nonlocal tries
        tries += 1
        if tries < 5:
            # A rule is pure in real life; here it lets the other one go at the worst moment.
            update = outsider.execute("UPDATE accounts SET version = version + 1, balance = balance + 10")
            overtaking.append(loop.create_task(update))
        return add(row, KEYS[0], 1, f"try {tries}")

    answer = await postgres_store.change(ACCOUNTS, KEYS[0], rule)
    await asyncio.gather(*overtaking)
    row = await postgres_store.get(ACCOUNTS, KEYS[0])
    assert row is not None
    assert row.balance == 2 + 10 * len(overtaking)
    assert answer <= row.balance
