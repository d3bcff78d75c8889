"""A world to kill in: a database of gateways, shops with cash desks of their own, and their processes."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from helpers_kill import Nursery, Process, free_port, post
from kill.gateway_process import GatewaySettings
from kill.shop_process import PAYME, ShopSettings
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.desks.service import Desks
from tiyin.gateway.migrations import upgrade
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.vault import KeyRing, Vault, new_vault_key
from tiyin.protocol.values import Text
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.ids import SystemIds
from tiyin.storage import Lease, Store, open_store
from tiyin.storage.schema import WORK

__all__ = ["PRICE_TIYIN", "Shop", "World", "open_world"]

PRICE_TIYIN = 500_000
COMMISSION_BASIS_POINTS = 150


class Shop:
    """A shop: its process, its cash desk, its own database."""

    def __init__(self, process: Process, desk: str, key: str, database_url: str) -> None:
        self.process = process
        self.desk = desk
        self.key = key
        self.database_url = database_url

    async def new_order(self, amount_tiyin: int = PRICE_TIYIN) -> str:
        """Order something, and give the order's number."""
        return str((await post(self.process.port, "/shop/orders", {"amount": amount_tiyin}))["order_id"])


class World:
    """A gateway's database, the shops beside it, and the gateways over it.

    Attributes:
        acquirer_url: The database in which the acquirer's books are: the gateway's, or one of its own.
    """

    def __init__(self, nursery: Nursery, folder: Path, database_url: str) -> None:
        self.shops: list[Shop] = []
        self.gateways: list[Process] = []
        self.database_url = database_url
        self.acquirer_url = database_url
        self.terminal = ("", "")
        self.vault_keys = new_vault_key()
        self._nursery = nursery
        self._folder = folder

    async def prepare(self, shops: int, before: Callable[[int], Awaitable[int]] | None = None) -> None:
        """Make the tables, the cash desks and the shops; nothing is started yet.

        Args:
            shops: How many shops.
            before: Opens what stands before a shop's port, and gives the port that gateways call instead.
        """
        await upgrade(self.database_url, SystemClock().now_ms())
        async with self.store() as store:
            clock, ids = SystemClock(), SystemIds()
            desks = Desks(store, clock, ids, Vault(KeyRing.read(self.vault_keys)), test=True)
            business = await desks.create_business(name="Shops")
            terminal, key, _ = await desks.create_desk(
                business_id=business.id, name="Terminal", kind="virtual-terminal"
            )
            self.terminal = (terminal.id, key)
            title = Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number")
            for number in range(shops):
                port = free_port()
                called = port if before is None else await before(port)
                desk, key, test_key = await desks.create_desk(
                    business_id=business.id,
                    name=f"Shop {number}",
                    kind="billing",
                    endpoint=f"http://127.0.0.1:{called}{PAYME}",
                    account_fields=[AccountField("order_id", title, main=True)],
                    commission_basis_points=COMMISSION_BASIS_POINTS,
                    holds=True,
                )
                url = f"sqlite:///{self._folder / f'shop{number}.db'}"
                told = str(self._folder / f"shop{number}.told")
                settings = ShopSettings(
                    port=port, database_url=url, desk=desk.id, keys=(key, test_key), told=told
                )
                process = Process(self._nursery, settings, self._folder)
                self.shops.append(Shop(process, desk.id, key, url))

    def new_gateway(self, **changes: Any) -> Process:
        """Describe one more gateway over the same database; it is not started yet."""
        settings = GatewaySettings(
            port=free_port(),
            database_url=self.database_url,
            vault_keys=self.vault_keys,
            told=str(self._folder / f"gateway{len(self.gateways)}.told"),
            **changes,
        )
        self.gateways.append(Process(self._nursery, settings, self._folder))
        return self.gateways[-1]

    @asynccontextmanager
    async def store(self) -> AsyncIterator[Store]:
        """The gateway's database, beside the processes that use it."""
        store = await open_store(self.database_url)
        try:
            yield store
        finally:
            await store.close()

    async def end_leases(self) -> None:
        """End all leases, as time does when those who hold them are dead."""
        async with self.store() as store:
            for row in await store.query(sa.select(WORK.schema), WORK):
                if row.epoch:
                    await store.work.release(Lease(row.key, row.kind, row.epoch, 0.0))

    async def kill_all(self) -> None:
        """End every process."""
        for process in (*self.gateways, *(shop.process for shop in self.shops)):
            await process.kill()

    async def receipts(self) -> list[Receipt]:
        """All receipts."""
        async with self.store() as store:
            return await store.query(sa.select(RECEIPTS.schema), RECEIPTS)

    async def resolved(self, timeout_s: float) -> list[Receipt]:
        """Wait until nothing is under way any more.

        Raises:
            AssertionError: If something still is when the time is over.
        """
        deadline = time.monotonic() + timeout_s
        async with self.store() as store:
            while True:
                receipts = await store.query(sa.select(RECEIPTS.schema), RECEIPTS)
                open_ = [receipt for receipt in receipts if receipt.unresolved]
                if not open_:
                    return receipts
                if time.monotonic() > deadline:
                    told = ", ".join(f"{found.id} at {found.state} {found.step}" for found in open_)
                    raise AssertionError(f"not resolved within {timeout_s} s: {told}\n{self.log()}")
                await asyncio.sleep(0.1)

    def log(self) -> str:
        """The end of what processes wrote."""
        return self.gateways[0].log() if self.gateways else ""


@asynccontextmanager
async def open_world(
    nursery: Nursery,
    folder: Path,
    database_url: str,
    *,
    shops: int = 1,
    before: Callable[[int], Awaitable[int]] | None = None,
) -> AsyncIterator[World]:
    """Make a world; at the end of the block nothing of it runs any more."""
    world = World(nursery, folder, database_url)
    await world.prepare(shops, before)
    try:
        yield world
    finally:
        await world.kill_all()
