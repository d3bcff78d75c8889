"""Goal: a PostgreSQL server that dies in the middle of the load loses nothing it had acknowledged.

Method: a server of the test's own is killed with all its backends while clients count up; it is started
    again, and
the same store, without a restart of its own, goes on. Then the sums are compared.
"""

import asyncio
from collections.abc import Iterator

import pytest

from helpers_accounts import ACCOUNTS, METADATA, account_id, adding, counting, numbered, sums
from helpers_storage import PostgresServer
from tiyin.storage import OutcomeUnknown
from tiyin.storage.postgres.store import open_postgres

KEYS = [account_id(n) for n in range(16)]


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    """A server that may be killed without harm to other tests."""
    own = PostgresServer()
    own.start()
    yield own
    own.remove()


@pytest.mark.kill
async def test_a_killed_server_loses_nothing_that_was_acknowledged(server: PostgresServer) -> None:
    store = await open_postgres(server.url(), patience_s=30)
    await store.create_tables(METADATA)
    new_id = numbered("e")
    acknowledged = 0
    stopping = False

    async def client(number: int) -> None:
        nonlocal acknowledged
        while not stopping:
            key = KEYS[number % len(KEYS)]
            await store.change(ACCOUNTS, key, counting(key, new_id))
            acknowledged += 1
            number += 5

    async def more(count: int) -> None:
        """Wait until so many more were acknowledged."""
        goal = acknowledged + count
        while acknowledged < goal:  # noqa: ASYNC110  # an event for each of them would slow the load down
            await asyncio.sleep(0.01)

    clients = [asyncio.ensure_future(client(n)) for n in range(32)]
    for _ in range(2):
        await more(300)
        await asyncio.to_thread(server.kill)
        await asyncio.to_thread(server.start)
    await more(300)
    stopping = True
    await asyncio.gather(*clients)
    assert await sums(store) == (acknowledged, acknowledged, acknowledged)
    await store.close()


async def test_a_server_that_stays_away_is_told_and_nothing_hangs(server: PostgresServer) -> None:
    store = await open_postgres(server.url(), patience_s=0.5)
    await store.create_tables(METADATA)
    await asyncio.to_thread(server.kill)
    results = await asyncio.gather(
        *(store.change(ACCOUNTS, key, adding(key, 1, key)) for key in KEYS),
        return_exceptions=True,
    )
    assert {type(result).__name__ for result in results} <= {"StorageUnavailable", "OutcomeUnknown"}
    assert not any(isinstance(result, OutcomeUnknown) for result in results[8:])
    await asyncio.to_thread(server.start)
    assert await store.change(ACCOUNTS, KEYS[0], adding(KEYS[0], 1, "later")) == 1
    await store.close()
