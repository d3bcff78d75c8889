"""Goal: a store outlives its leader, however that goes away, and loses nothing that it had acknowledged.

Method: clients count up through one store while the leader is killed, or frozen: its connections stay and
nothing is answered; the standby is promoted. The store finds it by itself; the old leader comes back as its
standby, and leads again after the second loss. Then the sums are compared.
"""

import asyncio
import time
from typing import Self

import pytest

from helpers_accounts import ACCOUNTS, METADATA, account_id, counting, numbered, sums
from helpers_failover import Cluster
from tiyin.storage.postgres.store import open_postgres

pytestmark = pytest.mark.kill

KEYS = [account_id(n) for n in range(16)]
CLIENTS = 24
GAP_MAX_S = 15.0
"""How long the store may need to find the new leader; the machine may be busy."""


class Load:
    """Clients that count up, and how often that was acknowledged."""

    def __init__(self, url: str) -> None:
        self.acknowledged = 0
        self._url = url
        self._stopping = False

    async def __aenter__(self) -> Self:
        self.store = await open_postgres(self._url, patience_s=60)
        await self.store.create_tables(METADATA)
        self.new_id = numbered("e")
        self._clients = [asyncio.ensure_future(self._count(n)) for n in range(CLIENTS)]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        await self.store.close()

    async def stop(self) -> None:
        """Let what is under way end."""
        self._stopping = True
        await asyncio.gather(*self._clients)

    async def _count(self, number: int) -> None:
        while not self._stopping:
            key = KEYS[number % len(KEYS)]
            await self.store.change(ACCOUNTS, key, counting(key, self.new_id))
            self.acknowledged += 1
            number += 5

    async def more(self, count: int) -> None:
        """Wait until so many more were acknowledged."""
        goal = self.acknowledged + count
        while self.acknowledged < goal:
            await asyncio.sleep(0.01)
            assert not any(client.done() for client in self._clients), self._clients


@pytest.mark.parametrize("frozen", [False, True], ids=["killed", "frozen"])
async def test_the_leader_is_lost_and_its_successor_too(cluster: Cluster, frozen: bool) -> None:
    name = f"frozen_{frozen}".lower()
    await cluster.leader.create_database(name)
    async with Load(cluster.url(name)) as load:
        for _ in range(2):
            await load.more(300)
            gone_s = await cluster.fail_over(frozen=frozen)
            began = time.monotonic()
            await load.more(1)
            assert time.monotonic() - began < GAP_MAX_S, f"the leader was gone for {gone_s:.1f} s"
            await cluster.take_back(frozen=frozen)
        await load.more(300)
        await load.stop()
        assert await sums(load.store) == (load.acknowledged,) * 3
