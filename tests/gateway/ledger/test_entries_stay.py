"""Whoever has the application's access to the database cannot change or delete an entry."""

import apsw
import asyncpg
import pytest

from tiyin.gateway.ledger import ENTRIES, taken
from tiyin.gateway.ledger.protection import protection_sql
from tiyin.gateway.metadata import metadata
from tiyin.storage import open_store
from tiyin.storage.schema import partition_sql

KEY = "0199" + "0" * 20
_CHANGES = ("UPDATE ledger_entries SET amount_tiyin = 1", "DELETE FROM ledger_entries")


async def test_sqlite_refuses(sqlite_url: str) -> None:
    store = await open_store(sqlite_url)
    await store.create_tables(metadata)
    await store.close()
    connection = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
    for statement in protection_sql("sqlite") * 2:
        connection.execute(statement)
    store = await open_store(sqlite_url)
    await store.append(ENTRIES, [taken(KEY, 100, 1)])
    for change in (*_CHANGES, "REPLACE INTO ledger_entries SELECT * FROM ledger_entries"):
        connection.execute("PRAGMA recursive_triggers = ON")
        with pytest.raises(apsw.ConstraintError, match="never changed or deleted"):
            connection.execute(change)
    connection.close()
    assert await store.get(ENTRIES, f"{KEY}:taken") == taken(KEY, 100, 1)
    await store.close()


async def test_postgresql_refuses_in_every_partition(postgres_url: str) -> None:
    store = await open_store(postgres_url)
    await store.create_tables(metadata)
    connection = await asyncpg.connect(postgres_url)
    for statement in protection_sql("postgresql") * 2:
        await connection.execute(statement)
    # A partition that is made later has the triggers too.
    for statement in partition_sql(ENTRIES.schema, int(KEY[:12], 16), 0):
        await connection.execute(statement)
    other = "ffff" + "0" * 20
    await store.append(ENTRIES, [taken(KEY, 100, 1), taken(other, 100, 1)])
    for change in (*_CHANGES, "DELETE FROM ledger_entries_rest", "TRUNCATE ledger_entries"):
        with pytest.raises(asyncpg.RestrictViolationError, match="never changed or deleted"):
            await connection.execute(change)
    await connection.close()
    assert await store.get_many(ENTRIES, [f"{KEY}:taken", f"{other}:taken"]) == {
        f"{key}:taken": taken(key, 100, 1) for key in (KEY, other)
    }
    await store.close()
