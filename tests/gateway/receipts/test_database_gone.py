"""The database goes away in the middle of a payment and comes back: nothing is lost, nothing happens twice.

The same process goes on with it, without a restart, once it is back.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from helpers_proxy import Proxy
from helpers_receipts import GOOD_CARD, World, agrees, make_desk
from helpers_shop import Crashes
from helpers_storage import PostgresServer
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.protocol.errors import RpcError
from tiyin.storage import OutcomeUnknown, StorageUnavailable, Store
from tiyin.storage.postgres.store import open_postgres


class Outage(Crashes):
    """The database goes away at one moment: before a commit, or after it and before its answer."""

    def maybe(self) -> None:
        self.count += 1
        if self.count in self.at:
            raise OutcomeUnknown("gone") if self.count % 2 == 0 else StorageUnavailable("gone")


@pytest.mark.parametrize("billing", [True, False])
async def test_an_outage_at_any_commit_is_recovered_without_a_restart(store: Store, billing: bool) -> None:
    await store.create_tables(metadata)
    world = World(store, make_desk(billing=billing))
    world.shop.one_time = False
    outage = world.store.crashes = Outage()
    states = []
    for moment in range(1, 100):
        receipt = await world.create(moment)
        outage.count, outage.at = 0, {moment}
        try:
            paid = await world.receipts.pay(world.desk, receipt.id, GOOD_CARD)
        except (StorageUnavailable, OutcomeUnknown):
            outage.at = set()
            await world.recover()
            states.append((await world.load(receipt)).state)
        else:
            assert paid.state == 4
            break
    # Before the first commit nothing was begun; from then on every payment comes to its end.
    assert states == [0, *[4] * (7 if billing else 3)]
    performs = [params["id"] for method, params in world.shop.calls if method == "PerformTransaction"]
    # Only where the outcome of a perform was lost the very same call is made again.
    assert len(performs) - len(set(performs)) == (1 if billing else 0)
    assert len(world.acquirer.debits) == len({key for key, _ in world.acquirer.debits})
    await agrees(world)


@pytest.fixture
async def proxy(postgres_server: PostgresServer) -> AsyncIterator[Proxy]:
    async with Proxy(postgres_server.port) as opened:
        yield opened


@pytest.fixture
async def behind(postgres_url: str, postgres_server: PostgresServer, proxy: Proxy) -> AsyncIterator[World]:
    """A world whose connections to PostgreSQL can be cut."""
    url = postgres_server.url(postgres_url.rpartition("/")[2], proxy.port)
    store = await open_postgres(url, patience_s=0.4)
    await store.create_tables(metadata)
    world = World(store, make_desk())
    yield world
    await agrees(world)
    await store.close()


@pytest.mark.parametrize("method", ["CheckPerformTransaction", "CreateTransaction", "PerformTransaction"])
async def test_a_server_that_is_gone_during_a_call(behind: World, proxy: Proxy, method: str) -> None:
    """The merchant answers, and the gateway cannot write it down: the payer hears of a system error."""
    receipt = await behind.create()
    called, answer = asyncio.Event(), asyncio.Event()
    handle = behind.shop._handle  # noqa: SLF001 - the wait is put into the shop

    async def wait(name: str, params: dict[str, Any]) -> dict[str, Any]:
        if name == method and not called.is_set():
            called.set()
            await answer.wait()
        return await handle(name, params)

    behind.shop._handle = wait  # type: ignore[assignment, method-assign]  # noqa: SLF001
    api = SubscribeApi(Behind(behind))  # type: ignore[arg-type]  # it needs only the receipts and this desk
    params = {"id": receipt.id, "token": GOOD_CARD}
    body = json.dumps({"id": 7, "method": "receipts.pay", "params": params}).encode()
    paying = asyncio.ensure_future(api.handle(body, None))
    await called.wait()
    proxy.refusing = True
    proxy.drop_all()
    # The shop looks into the acquirer's books when it performs, so these must be there again for it.
    answer.set()
    if method == "PerformTransaction":
        await asyncio.sleep(0.5)
        proxy.refusing = False
    reply = json.loads(await paying)
    if method != "PerformTransaction":
        assert reply["error"]["code"] == -32400
        assert reply["id"] == 7
    proxy.refusing = False
    await behind.recover()
    if method == "CheckPerformTransaction":
        assert (await behind.load(receipt)).state == 0
        assert isinstance(await behind.pay(receipt), Receipt)
    assert (await behind.load(receipt)).state == 4
    assert len(behind.acquirer.debits) == 1


async def test_connections_that_are_cut_around_commits(behind: World, proxy: Proxy) -> None:
    """Payments while every third batch is cut off: before it, after it, while it is on its way."""
    behind.shop.one_time = False
    behind.store.inner._patience_s = 5  # type: ignore[attr-defined]  # noqa: SLF001 - each cut is short
    receipts: list[Receipt] = []
    ended: list[Receipt | BaseException] = []
    while sum(proxy.cuts.values()) < 12 and len(receipts) < 120:
        proxy.cut = 0.0
        made = [await behind.create(len(receipts) + order) for order in range(4)]
        proxy.cut = 0.35
        pays = (behind.receipts.pay(behind.desk, receipt.id, GOOD_CARD) for receipt in made)
        ended += await asyncio.gather(*pays, return_exceptions=True)
        receipts += made
    assert all(isinstance(one, Receipt | StorageUnavailable | OutcomeUnknown) for one in ended)
    proxy.cut = 0.0
    await behind.recover()
    states = [(await behind.load(receipt)).state for receipt in receipts]
    assert set(states) <= {0, 4, 50}
    # Who was told "paid" is.
    for one, state in zip(ended, states, strict=True):
        assert not isinstance(one, Receipt) or one.state != 4 or state == 4
    # Where the acquirer's own books were out of reach for long it is asked again, under the same key.
    assert len(set(behind.acquirer.debits)) == len({key[:24] for key, _ in behind.acquirer.debits})
    await agrees(behind)


class Behind:
    """A gateway as the Subscribe API sees it, around a world."""

    def __init__(self, world: World) -> None:
        self.receipts = world.receipts
        self.cards: Any = None
        self.desks = self
        self._desk = world.desk

    async def authorize(self, _: str | None, *, need_key: bool) -> Any:
        if not need_key:
            raise RpcError(-32504)
        return self._desk
