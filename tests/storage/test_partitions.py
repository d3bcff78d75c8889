"""Tables that grow: partitioned by id on PostgreSQL, the same to their users."""

import asyncio
import itertools
import re
from typing import Any

import asyncpg
import msgspec
import pytest
import sqlalchemy as sa

from tiyin.storage import INTEGER, TEXT, Decision, Store, Table, define, version_column
from tiyin.storage.postgres.batch_sql import Change, batch_statement, read_statement, read_values
from tiyin.storage.postgres.store import open_postgres
from tiyin.storage.schema import month_bounds, partition_sql

METADATA = sa.MetaData()
# 2026-09-21, in the middle of a month.
NOW_MS = 1_790_000_000_000
DAY_MS = 86_400_000


class Receipt(msgspec.Struct, frozen=True):
    id: str
    version: int
    state: int


RECEIPTS = Table(
    define(
        "receipts",
        METADATA,
        sa.Column("id", TEXT, primary_key=True),
        version_column(),
        sa.Column("state", INTEGER, nullable=False),
        sa.Index("receipts_state", "state"),
        grows=True,
    ),
    Receipt,
)


def receipt_id(at_ms: int, number: int = 0) -> str:
    return f"{at_ms:012x}{number:012x}"


def moving(row: Receipt | None, key: str) -> Decision[int]:
    state = 0 if row is None else row.state + 1
    return Decision(state, Receipt(key, 0, state))


async def move(store: Store, key: str) -> int:
    return await store.change(RECEIPTS, key, lambda row: moving(row, key))


def test_months_meet_without_a_gap() -> None:
    at_ms = NOW_MS
    ends = []
    for _ in range(30):
        month, first, after = month_bounds(at_ms)
        assert first < after
        assert first <= receipt_id(at_ms) < after
        ends.append((month, first, after))
        at_ms = int(after[:12], 16)
    assert all(before[2] == later[1] for before, later in itertools.pairwise(ends))
    assert [month for month, *_ in ends[:5]] == ["202609", "202610", "202611", "202612", "202701"]


async def test_rows_of_any_month_are_changed_and_read_alike(store: Store) -> None:
    await store.create_tables(METADATA)
    keys = [receipt_id(NOW_MS + day * DAY_MS) for day in range(-100, 100, 10)]
    for state in range(3):
        assert await asyncio.gather(*(move(store, key) for key in keys)) == [state] * 20
    rows = await store.query(sa.select(RECEIPTS.schema).order_by(RECEIPTS.schema.c.id), RECEIPTS)
    assert rows == [Receipt(key, 3, 2) for key in keys]


async def test_each_month_has_its_partition_and_the_rest_has_one(postgres_url: str) -> None:
    store = await open_postgres(postgres_url)
    await store.create_tables(METADATA)
    await asyncio.gather(*(store.add_partitions(METADATA, NOW_MS, 2) for _ in range(3)))
    await store.add_partitions(METADATA, NOW_MS + 40 * DAY_MS, 2)
    for day in (-60, 0, 20, 50):
        await move(store, receipt_id(NOW_MS + day * DAY_MS))
    connection = await asyncpg.connect(postgres_url)
    rows = await connection.fetch("SELECT tableoid::regclass::text, count(*) FROM receipts GROUP BY 1")
    assert {row[0]: row[1] for row in rows} == {
        "receipts_rest": 1,
        "receipts_202609": 1,
        "receipts_202610": 1,
        "receipts_202611": 1,
    }
    await connection.close()
    await store.close()


def test_a_guard_cannot_stand_on_a_table_that_grows() -> None:
    with pytest.raises(ValueError, match="cannot be unique"):
        define(
            "growing",
            sa.MetaData(),
            sa.Column("id", TEXT, primary_key=True),
            sa.Column("account", TEXT),
            sa.Index("growing_guard", "account", unique=True),
            grows=True,
        )


def test_a_partition_statement_is_written_for_each_month() -> None:
    statements = partition_sql(RECEIPTS.schema, NOW_MS, 1)
    assert [statement.partition(" PARTITION")[0] for statement in statements] == [
        'CREATE TABLE IF NOT EXISTS "receipts_202609"',
        'CREATE TABLE IF NOT EXISTS "receipts_202610"',
    ]


async def _months_looked_into(
    connection: "asyncpg.Connection[asyncpg.Record]", statement: str, values: list[Any]
) -> set[str]:
    await connection.execute(f"PREPARE asked AS {statement}")
    given = [f"'{{{','.join(value)}}}'" if isinstance(value, list) else f"'{value}'" for value in values]
    explain = f"EXPLAIN (ANALYZE, COSTS OFF) EXECUTE asked({', '.join(given)})"
    plan = "\n".join([row[0] for row in await connection.fetch(explain)])
    await connection.execute("DEALLOCATE asked")
    return set(re.findall(r"(?<=on receipts_)[0-9a-z]+", plan))


async def test_only_the_months_of_the_rows_are_looked_into(postgres_url: str) -> None:
    store = await open_postgres(postgres_url)
    await store.create_tables(METADATA)
    await store.add_partitions(METADATA, NOW_MS, months_ahead=11)
    keys = [receipt_id(NOW_MS, number) for number in range(2)]
    for key in keys:
        await move(store, key)
    await store.close()
    month = month_bounds(NOW_MS)[0]
    changes = [Change(key, 1, (key, 2, 1)) for key in keys]
    connection = await asyncpg.connect(postgres_url)
    # As the store's own connections: a plan is made once, for any keys.
    await connection.execute("SET plan_cache_mode = force_generic_plan")
    looked = await _months_looked_into(connection, read_statement(RECEIPTS), read_values(RECEIPTS, keys))
    moved = await _months_looked_into(connection, *batch_statement(RECEIPTS, "batch", changes))
    await connection.close()
    assert (looked, moved) == ({month}, {month})
