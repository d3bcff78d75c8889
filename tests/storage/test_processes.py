"""Several processes over one database: nothing is lost or done twice, and one that is killed harms nobody."""

import asyncio
import signal
from collections import Counter
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from helpers_accounts import ACCOUNTS, ENTRIES, METADATA, Account, account_id
from helpers_workers import KEYS, start
from tiyin.storage import Decision, Schedule, Store


@pytest.fixture(autouse=True)
async def _tables(store: Store) -> None:
    await store.create_tables(METADATA)


def scheduling(key: str) -> Callable[[Account | None], Decision[None]]:
    return lambda _: Decision(None, Account(key, 0, key, "open", 0), work=Schedule(key, "pay"))


async def outputs(url: str, role: str, names: str, count: int) -> list[list[str]]:
    """Run a worker for each letter at once, and return the lines of each."""
    workers = [start(url, role, name, count) for name in names]
    lines = [(await asyncio.to_thread(worker.communicate))[0].splitlines() for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * len(workers)
    return lines


async def test_what_processes_count_up_together_is_the_sum_of_what_they_were_told(
    store: Store, store_url: str
) -> None:
    told = Counter(line for lines in await outputs(store_url, "count", "abc", 20) for line in lines)
    assert told.total() == 3 * 16 * 20
    rows = await store.get_many(ACCOUNTS, KEYS)
    assert {key: row.balance for key, row in rows.items()} == told
    assert {key: row.version for key, row in rows.items()} == told
    entries = ENTRIES.schema.c
    stored = await store.query(sa.select(entries.account_id, sa.func.count()).group_by(entries.account_id))
    assert dict(stored) == told


async def test_a_guard_raced_by_processes_is_held_by_one(store: Store, store_url: str) -> None:
    won = Counter(line for lines in await outputs(store_url, "guard", "abc", 60) for line in lines)
    kept = [f"owner {n}" for n in range(0, 60, 2)]
    assert [won[owner] for owner in kept] == [1] * 30
    accounts = ACCOUNTS.schema.c
    held = await store.query(sa.select(accounts.owner).where(accounts.state == "waiting"))
    assert sorted(row[0] for row in held) == sorted(kept)


async def test_processes_that_claim_at_once_never_get_one_key_twice(store: Store, store_url: str) -> None:
    keys = [account_id(n) for n in range(300)]
    await asyncio.gather(*(store.change(ACCOUNTS, key, scheduling(key)) for key in keys))
    lines = await outputs(store_url, "claim", "abc", 7)
    assert sorted(line for some in lines for line in some) == keys


@pytest.mark.kill
@pytest.mark.parametrize("role", ["count", "append"])
async def test_what_was_acknowledged_before_a_kill_is_there_and_others_go_on(
    store: Store, store_url: str, role: str
) -> None:
    other = start(store_url, role, "other", 60)
    victim = start(store_url, role, "victim", 100_000)
    assert victim.stdout is not None
    seen = [await asyncio.to_thread(victim.stdout.readline) for _ in range(150)]
    victim.send_signal(signal.SIGKILL)
    rest, _ = await asyncio.to_thread(victim.communicate)
    told = [line.strip() for line in [*seen, *rest.splitlines(keepends=True)] if line.endswith("\n")]
    others = (await asyncio.to_thread(other.communicate))[0].split()
    assert other.returncode == 0
    if role == "append":
        ids = {row.id for row in await store.query(sa.select(ENTRIES.schema), ENTRIES)}
        assert ids >= {*told, *others}
        return
    rows = await store.get_many(ACCOUNTS, KEYS)
    told_by_key = Counter(told + others)
    assert all(rows[key].balance >= count for key, count in told_by_key.items())
    # What the killed process was not told any more may be there or not, but never half.
    [(entries,)] = await store.query(sa.select(sa.func.count()).select_from(ENTRIES.schema))
    assert entries == sum(row.balance for row in rows.values()) == sum(row.version for row in rows.values())
