"""Closed orders are found by an index that is nearly always empty, however many receipts there are."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg as dialect

from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts import orders
from tiyin.storage import open_store
from tiyin.storage.compiling import Compiler


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    store = await open_store(postgres_url)
    await store.create_tables(metadata)
    await store.close()
    opened = await asyncpg.connect(postgres_url)
    # As the store's own connections plan; and a table of no rows is read by an index where one fits at all.
    for setting in ("plan_cache_mode = force_generic_plan", "enable_seqscan = off"):
        await opened.execute(f"SET {setting}")
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("statement", "values"),
    [(orders._CLOSED, {}), (orders._CLOSING, {"desk_id": "d", "account_key": "k"})],  # noqa: SLF001 - what is asked
    ids=["all", "one"],
)
async def test_closed_orders_are_found_by_their_index(
    statement: sa.Select[str], values: dict[str, str], connection: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    text, bound = Compiler(dialect.dialect()).compile(statement, values)  # type: ignore[no-untyped-call]
    await connection.execute(f"PREPARE asked AS {text}")
    given = f"({', '.join(repr(value) for value in bound)})" if bound else ""
    plan = "\n".join([row[0] for row in await connection.fetch(f"EXPLAIN (COSTS OFF) EXECUTE asked{given}")])
    assert "Seq Scan" not in plan
    assert "desk_id_account_key" in plan
