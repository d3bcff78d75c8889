"""SQLite's writer is handed what a loop asked for in one turn together, and loses none of it."""

import asyncio

import pytest

from helpers_accounts import ACCOUNTS, METADATA, account_id, adding
from tiyin.storage import open_store
from tiyin.storage.sqlite.jobs import Job
from tiyin.storage.sqlite.writer import Writer


async def test_what_is_asked_in_one_turn_shares_a_commit(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    batches: list[int] = []
    deliver = Writer._deliver  # noqa: SLF001  # what is counted

    def counting(writer: Writer, batch: list[Job]) -> None:
        batches.append(len(batch))
        deliver(writer, batch)

    monkeypatch.setattr(Writer, "_deliver", counting)
    store = await open_store(sqlite_url)
    await store.create_tables(METADATA)
    batches.clear()
    await asyncio.gather(
        *(store.change(ACCOUNTS, account_id(n), adding(account_id(n), 5, f"e{n}")) for n in range(40))
    )
    assert batches == [40]
    await store.close()


async def test_closing_finishes_what_was_asked_in_the_same_turn(sqlite_url: str) -> None:
    store = await open_store(sqlite_url)
    await store.create_tables(METADATA)
    await asyncio.gather(store.change(ACCOUNTS, account_id(1), adding(account_id(1), 5, "e1")), store.close())
    again = await open_store(sqlite_url)
    assert await again.get(ACCOUNTS, account_id(1)) is not None
    await again.close()
