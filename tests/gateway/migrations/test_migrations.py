"""The migrations make exactly the tables that the code declares, on both databases, whole or not at all."""

import asyncio
import subprocess
import sys
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

import tiyin.gateway.migrations as package
from helpers_storage import PostgresServer
from tiyin.gateway.migrations import HEAD, MigrationRefused, read_revision, require_current, upgrade
from tiyin.gateway.migrations.databases import open_database, sqlite_path
from tiyin.gateway.migrations.partitions import MONTHS_AHEAD
from tiyin.gateway.migrations.script import upgrade_script
from tiyin.gateway.migrations.tables import gateway_metadata
from tiyin.storage import open_store

NOW_MS = 1_795_500_000_000


async def declared(url: str) -> None:
    """Make the tables the way tests do, straight from the declarations."""
    store = await open_store(url)
    await store.create_tables(gateway_metadata())
    await store.close()


def described_sqlite(path: Path) -> list[tuple[str, ...]]:
    connection = apsw.Connection(str(path))
    try:
        rows = connection.execute(
            "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY 1, 2"
        ).fetchall()
        described = [
            (str(kind), str(name), str(table), " ".join(str(sql).split())) for kind, name, table, sql in rows
        ]
        # What refuses changes of the ledger is the migration's alone, and has tests of its own.
        return [row for row in described if row[2] != "alembic_version" and row[0] != "trigger"]
    finally:
        connection.close()


# Columns, indexes, constraints and partitioning.
DESCRIPTIONS = (
    """SELECT table_name, column_name, ordinal_position, data_type, is_nullable, collation_name
       FROM information_schema.columns WHERE table_schema = 'public'""",
    "SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'",
    "SELECT relname, pg_get_partkeydef(oid) FROM pg_class WHERE relkind = 'p'",
    """SELECT relname, pg_get_constraintdef(k.oid) FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
       WHERE relnamespace = 'public'::regnamespace""",
)
# The partitions of months depend on the day, and are not declared.
MONTHS = "SELECT relname FROM pg_class WHERE relispartition AND relkind = 'r' AND relname ~ '_[0-9]{6}$'"


async def described_postgres(url: str) -> list[tuple[Any, ...]]:
    connection = await asyncpg.connect(url)
    try:
        rows = [tuple(row) for query in DESCRIPTIONS for row in await connection.fetch(query)]
        left_out = {"alembic_version", *(row[0] for row in await connection.fetch(MONTHS))}
        return sorted((row for row in rows if row[0] not in left_out), key=repr)
    finally:
        await connection.close()


async def test_migrated_is_declared_on_sqlite(tmp_path: Path) -> None:
    migrated, made = tmp_path / "migrated.db", tmp_path / "made.db"
    await upgrade(f"sqlite:///{migrated}", NOW_MS)
    await declared(f"sqlite:///{made}")
    assert described_sqlite(migrated) == described_sqlite(made)


async def test_migrated_is_declared_on_postgres(postgres_url: str, postgres_server: PostgresServer) -> None:
    await upgrade(postgres_url, NOW_MS)
    other = f"{postgres_url.rpartition('/')[2]}_made"
    await postgres_server.create_database(other)
    try:
        await declared(postgres_server.url(other))
        assert await described_postgres(postgres_url) == await described_postgres(postgres_server.url(other))
    finally:
        await postgres_server.drop_database(other)


async def test_an_upgrade_is_done_once_and_told(store_url: str) -> None:
    assert await read_revision(store_url) is None
    with pytest.raises(MigrationRefused, match="tiyin db upgrade"):
        await require_current(store_url)
    first = await upgrade(store_url, NOW_MS)
    assert (first.before, len(first.steps)) == (None, 1)
    again = await upgrade(store_url, NOW_MS)
    assert (again.before, again.steps) == (HEAD, ())
    await require_current(store_url)
    assert await read_revision(store_url) == HEAD


async def test_two_upgrades_at_once_do_it_once(store_url: str) -> None:
    done = await asyncio.gather(
        *(asyncio.to_thread(asyncio.run, upgrade(store_url, NOW_MS)) for _ in range(4))
    )
    assert sorted(len(one.steps) for one in done) == [0, 0, 0, 1]


async def test_a_migration_that_fails_leaves_nothing(store_url: str) -> None:
    """Method: run a script whose last statement is wrong, the way an upgrade runs its own."""
    with pytest.raises(MigrationRefused):
        async with open_database(store_url) as database, database.locked():
            await database.run(upgrade_script(database.dialect, None) + "CREATE NONSENSE;")
    assert await read_revision(store_url) is None


async def test_foreign_and_newer_databases_are_refused(store_url: str) -> None:
    async with open_database(store_url) as database, database.locked():
        await database.run("CREATE TABLE recipes (name TEXT);")
    for attempt in (read_revision(store_url), upgrade(store_url, NOW_MS)):
        with pytest.raises(MigrationRefused, match="not a gateway's"):
            await attempt
    async with open_database(store_url) as database, database.locked():
        await database.run("CREATE TABLE alembic_version (version_num VARCHAR(32));")
        await database.run("INSERT INTO alembic_version VALUES ('9999');")
    with pytest.raises(MigrationRefused, match="newer"):
        await upgrade(store_url, NOW_MS)


async def test_partitions_are_made_ahead_and_again(postgres_url: str) -> None:
    async def months() -> int:
        connection = await asyncpg.connect(postgres_url)
        try:
            return sum(row[0].startswith("receipts_2") for row in await connection.fetch(MONTHS))
        finally:
            await connection.close()

    await upgrade(postgres_url, NOW_MS)
    assert await months() == MONTHS_AHEAD + 1
    await upgrade(postgres_url, NOW_MS + 92 * 86_400_000)
    assert await months() == MONTHS_AHEAD + 4


def test_the_newest_revision_is_the_one_that_is_required() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(package.__file__).parent))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


async def test_addresses_that_name_no_database_are_refused(tmp_path: Path) -> None:
    for url in ("mysql://root@localhost/x", "nonsense", "sqlite:///", "sqlite:///:memory:"):
        with pytest.raises(MigrationRefused, match="TIYIN_DATABASE_URL"):
            await upgrade(url, NOW_MS)
    with pytest.raises(MigrationRefused, match="cannot be used"):
        await upgrade(f"sqlite:///{tmp_path}/missing/gateway.db", NOW_MS)
    with pytest.raises(MigrationRefused, match="cannot be used"):
        await upgrade("postgresql://postgres@127.0.0.1:1/nobody", NOW_MS)
    assert sqlite_path("sqlite:///a%20b.db") == Path("a b.db")


def test_no_second_sqlite_library_comes_into_the_process(tmp_path: Path) -> None:
    """Two SQLite libraries in one process break each other's file locks."""
    program = (
        "import asyncio, sys\n"
        "from tiyin.gateway.migrations import upgrade\n"
        f"asyncio.run(upgrade('sqlite:///{tmp_path}/one.db', {NOW_MS}))\n"
        "assert 'apsw' in sys.modules and 'sqlite3' not in sys.modules and '_sqlite3' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
