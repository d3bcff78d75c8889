"""On PostgreSQL batches keep a little apart while many changes come, and hold up nobody who comes alone."""

import asyncio
import time
from typing import Any

import pytest

from helpers_accounts import ACCOUNTS, METADATA, account_id, adding
from tiyin.storage import open_store
from tiyin.storage.postgres import lanes
from tiyin.storage.postgres.batches import Batches

CLIENTS = 24
EACH = 25


async def _batches(postgres_url: str, clients: int, each: int) -> tuple[int, float]:
    """Let clients change rows of their own, one change after the other; count batches and take the time."""
    count = 0
    write = Batches.write

    async def counted(*arguments: Any) -> Any:
        nonlocal count
        count += 1
        return await write(*arguments)

    store = await open_store(postgres_url)
    await store.create_tables(METADATA)

    async def client(number: int) -> None:
        key = account_id(number)
        for change in range(each):
            await store.change(ACCOUNTS, key, adding(key, 5, f"{number}-{change}"))

    await client(clients)
    began = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Batches, "write", counted)
        await asyncio.gather(*(client(number) for number in range(clients)))
    took_s = time.monotonic() - began
    await store.close()
    return count, took_s


async def test_many_changes_go_in_few_batches(postgres_url: str) -> None:
    count, took_s = await _batches(postgres_url, CLIENTS, EACH)
    # It takes some batches to find out that many come.
    assert count <= took_s / lanes.PACE_S + 12
    assert count < CLIENTS * EACH / 4


async def test_who_comes_alone_is_not_held_up(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lanes, "PACE_S", 0.5)
    count, took_s = await _batches(postgres_url, 1, EACH)
    assert count == EACH
    assert took_s < EACH * 0.5 / 2
