"""Goal: a connection that is lost at the commit never doubles a change and never loses an acknowledged one.

Method: a proxy cuts connections around batches: before the server saw them, after, before the answer comes
back, and while the batch is still on its way. Every change counts one up and appends an entry with an id of
its own for each decision, so a change that happened twice, or was answered and did not happen, shows in the
sums.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from helpers_accounts import (
    ACCOUNTS,
    ENTRIES,
    METADATA,
    Account,
    Entry,
    account_id,
    add,
    counting,
    numbered,
    sums,
)
from helpers_proxy import Proxy
from helpers_storage import PostgresServer
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, LeaseLost, OutcomeUnknown, Schedule, StorageUnavailable
from tiyin.storage.postgres.readers import LINKS, Readers
from tiyin.storage.postgres.store import PostgresStore, open_postgres

KEYS = [account_id(n) for n in range(40)]


@pytest.fixture
async def direct(postgres_url: str) -> AsyncIterator[PostgresStore]:
    """A store without a proxy, to look at the truth."""
    store = await open_postgres(postgres_url)
    await store.create_tables(METADATA)
    yield store
    await store.close()


@pytest.fixture
async def proxy(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    async with Proxy(postgres_server.port) as opened:
        yield opened


@pytest.fixture
async def cut_off(
    postgres_url: str,
    postgres_server: PostgresServer,
    proxy: Proxy,
    direct: PostgresStore,  # noqa: ARG001  # it makes the tables
) -> AsyncIterator[PostgresStore]:
    """A store whose connections go through the proxy."""
    database = postgres_url.rpartition("/")[2]
    store = await open_postgres(postgres_server.url(database, proxy.port), patience_s=10)
    yield store
    proxy.cut = 0.0
    proxy.refusing = False
    await store.close()


async def test_every_acknowledged_change_happened_exactly_once(
    cut_off: PostgresStore, direct: PostgresStore, proxy: Proxy
) -> None:
    proxy.cut = 0.35
    numbers = numbered("e")
    acknowledged = 0
    end = time.monotonic() + 40

    async def client(number: int) -> None:
        nonlocal acknowledged
        while sum(proxy.cuts.values()) < 240 and time.monotonic() < end:
            await cut_off.change(
                ACCOUNTS, KEYS[number % len(KEYS)], counting(KEYS[number % len(KEYS)], numbers)
            )
            acknowledged += 1
            number += 7

    await asyncio.gather(*(client(n) for n in range(32)))
    proxy.cut = 0.0
    assert min(proxy.cuts.values()) > 30
    assert await sums(direct) == (acknowledged, acknowledged, acknowledged)


async def test_appends_happen_exactly_once(
    cut_off: PostgresStore, direct: PostgresStore, proxy: Proxy
) -> None:
    proxy.cut = 0.5
    await asyncio.gather(
        *(cut_off.append(ENTRIES, [Entry(f"{n:03d}{m}", KEYS[0], 1) for m in range(3)]) for n in range(60))
    )
    for n in range(60):
        await cut_off.append(ENTRIES, [Entry(f"more{n:03d}", KEYS[0], 1)])
    assert sum(proxy.cuts.values()) > 20
    assert await direct.query(sa.select(sa.func.count()).select_from(ENTRIES.schema)) == [(240,)]


async def test_leases_survive_or_are_refused_but_never_held_twice(
    cut_off: PostgresStore, direct: PostgresStore, proxy: Proxy
) -> None:
    """A driver that was told it has the lease can write under it, whatever happened to the connection."""
    proxy.cut = 0.4
    numbers = numbered("e")

    def beginning(key: str) -> Callable[[Account | None], Decision[Any]]:
        def rule(row: Account | None) -> Decision[Any]:
            decision = add(row, key, 1, numbers())
            work = Schedule(key, "pay", owner="driver", lease_ms=60_000)
            return Decision(decision.answer, decision.record, decision.appends, work)

        return rule

    keys = [account_id(n) for n in range(100, 160)]
    leased = 0
    for chunk in (keys[n : n + 6] for n in range(0, 60, 6)):
        taken = await asyncio.gather(
            *(cut_off.change_and_lease(ACCOUNTS, key, beginning(key)) for key in chunk)
        )
        for key, (answer, lease) in zip(chunk, taken, strict=True):
            assert answer == 1
            if lease is not None:
                leased += 1
                assert await cut_off.change(ACCOUNTS, key, counting(key, numbers), lease=lease) == 2
    assert sum(proxy.cuts.values()) > 10
    assert leased > 50
    assert await direct.work.claim("pay", "other", 1000, 100) == []


async def test_an_outage_is_waited_out(cut_off: PostgresStore, direct: PostgresStore, proxy: Proxy) -> None:
    numbers = numbered("e")
    await cut_off.change(ACCOUNTS, KEYS[0], counting(KEYS[0], numbers))
    proxy.refusing = True
    proxy.drop_all()
    asked = [asyncio.ensure_future(cut_off.change(ACCOUNTS, key, counting(key, numbers))) for key in KEYS]
    read = asyncio.ensure_future(cut_off.get(ACCOUNTS, KEYS[0]))
    await asyncio.sleep(0.5)
    assert not any(task.done() for task in asked)
    proxy.refusing = False
    assert sum(await asyncio.gather(*asked)) == 41
    assert await read is not None
    assert await sums(direct) == (41, 41, 41)


async def test_a_longer_outage_is_told_and_forgotten_when_it_is_over(
    postgres_url: str, postgres_server: PostgresServer, proxy: Proxy, direct: PostgresStore
) -> None:
    numbers = numbered("e")
    database = postgres_url.rpartition("/")[2]
    store = await open_postgres(postgres_server.url(database, proxy.port), patience_s=0.4)
    await store.change(ACCOUNTS, KEYS[0], counting(KEYS[0], numbers))
    proxy.refusing = True
    proxy.drop_all()
    began = time.monotonic()
    results = await asyncio.gather(
        *(store.change(ACCOUNTS, key, counting(key, numbers)) for key in KEYS),
        store.get(ACCOUNTS, KEYS[0]),
        store.work.claim("pay", "driver", 1000, 1),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [StorageUnavailable] * 42
    assert time.monotonic() - began < 5
    proxy.refusing = False
    assert await store.change(ACCOUNTS, KEYS[0], counting(KEYS[0], numbers)) == 2
    assert await sums(direct) == (2, 2, 2)
    await store.close()


async def test_a_commit_whose_outcome_nobody_can_tell_is_told_as_unknown(
    postgres_url: str, postgres_server: PostgresServer, proxy: Proxy, direct: PostgresStore
) -> None:
    """The batch reaches the server, its answer is lost, and the database stays away: nobody can tell."""
    database = postgres_url.rpartition("/")[2]
    store = await open_postgres(postgres_server.url(database, proxy.port), patience_s=0.4)
    numbers = numbered("e")
    await store.change(ACCOUNTS, KEYS[0], counting(KEYS[0], numbers))
    proxy.ways = ("answer",)
    proxy.cut = 1.0
    with pytest.raises(OutcomeUnknown):
        await store.change(ACCOUNTS, KEYS[0], counting(KEYS[0], numbers))
    proxy.cut = 0.0
    balance, _, entries = await sums(direct)
    assert balance == entries == 2
    assert await store.change(ACCOUNTS, KEYS[0], counting(KEYS[0], numbers)) == 3
    await store.close()


async def test_a_lost_lease_is_lost_also_when_the_connection_is(cut_off: PostgresStore, proxy: Proxy) -> None:
    numbers = numbered("e")
    key = KEYS[0]
    work = Schedule(key, "pay", owner="driver", lease_ms=60_000)

    def rule(row: Account | None) -> Decision[int]:
        decision = add(row, key, 1, numbers())
        return Decision(decision.answer, decision.record, decision.appends, work)

    _, lease = await cut_off.change_and_lease(ACCOUNTS, key, rule)
    assert lease is not None
    await cut_off.work.done(lease)
    proxy.cut = 0.5
    for _ in range(10):
        with pytest.raises(LeaseLost):
            await cut_off.change(ACCOUNTS, key, counting(key, numbers), lease=lease)


async def test_reads_beyond_the_bound_are_refused_and_later_ones_are_answered(direct: PostgresStore) -> None:
    """While the database is away reads pile up; what does not fit must not leave a read that nobody makes."""
    few = Tasks(count_max=1)
    readers = Readers(direct._pool, few)  # noqa: SLF001 - the readers alone are what is tested
    go_on = asyncio.Event()
    other = few.start(asyncio.wait_for(go_on.wait(), 20), name="fills the bound")
    with pytest.raises(StorageUnavailable):
        await readers.get(ACCOUNTS, KEYS[0])
    go_on.set()
    await other
    assert await asyncio.wait_for(readers.get(ACCOUNTS, KEYS[0]), 5) is None


async def test_nobody_waits_for_a_reading_connection_beyond_the_deadline(direct: PostgresStore) -> None:
    """However many wait before him: a server that swallows everything takes connection after connection."""
    pool = direct._pool  # noqa: SLF001 - the pool alone is what is tested
    taken = [await pool._taken() for _ in range(LINKS)]  # noqa: SLF001
    pool._patience_s = 0.2  # noqa: SLF001
    late = [asyncio.wait_for(pool.fetch("SELECT 1"), 5) for _ in range(6)]
    ended = await asyncio.gather(*late, return_exceptions=True)
    assert [type(one) for one in ended] == [StorageUnavailable] * 6
    for link in taken:
        pool._give_back(link)  # noqa: SLF001
    pool._patience_s = 10  # noqa: SLF001
    assert len(await asyncio.gather(*(pool.fetch("SELECT 1") for _ in range(6)))) == 6
