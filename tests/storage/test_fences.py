"""On PostgreSQL a rule runs between two statements: what changes hands just then is noticed by the second."""

import asyncio
import threading

import asyncpg
import pytest

from helpers_accounts import ACCOUNTS, METADATA, Account, account_id, add
from tiyin.storage import Decision, LeaseLost, Schedule, open_store

KEY = account_id(1)


async def test_a_lease_that_is_lost_between_reading_and_writing_still_fences(postgres_url: str) -> None:
    store = await open_store(postgres_url)
    await store.create_tables(METADATA)
    work = Schedule(KEY, "pay", owner="first", lease_ms=60_000)
    _, lease = await store.change_and_lease(
        ACCOUNTS, KEY, lambda _: Decision(1, Account(KEY, 0, "owner", "open", 1), work=work)
    )
    assert lease is not None

    async def take_over() -> None:
        connection = await asyncpg.connect(postgres_url)
        await connection.execute("UPDATE work SET epoch = epoch + 1, owner = 'thief'")
        await connection.close()

    def rule(row: Account | None) -> Decision[int]:
        # A rule is pure in real life; here it lets somebody else go first while it decides.
        thief = threading.Thread(target=lambda: asyncio.run(take_over()))
        thief.start()
        thief.join()
        return add(row, KEY, 1, "e2")

    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, KEY, rule, lease=lease)
    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, account_id(2), lambda row: add(row, account_id(2), 1, "e3"), lease=lease)
    row = await store.get(ACCOUNTS, KEY)
    assert row is not None
    assert (row.balance, row.version) == (1, 1)
    await store.close()
