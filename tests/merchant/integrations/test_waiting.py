"""Hooks that hang in a shop of plain functions, behind a server that awaits: others go on, patience ends."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import sessionmaker

from helpers_merchant import KEY, PRICE_TIYIN, Payme
from tiyin.merchant import MerchantApi
from tiyin.merchant.billing import Account, Order
from tiyin.merchant.stores.sqlalchemy import SqlAlchemyStore, payme_tables, prepare_sqlite
from tiyin.merchant.sync_billing import SyncBilling

WAIT_S = 30


class HangingShop(SyncBilling):
    """Its hook hangs for orders that begin with an ``h``."""

    def __init__(self) -> None:
        self.end = threading.Event()

    def check(self, account: Account, amount_tiyin: int) -> Order:
        del amount_tiyin
        if account["order_id"].startswith("h"):
            self.end.wait(WAIT_S)
        return Order(amount_tiyin=PRICE_TIYIN)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlAlchemyStore]:
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'shop.db'}", pool_size=30)
    prepare_sqlite(engine)
    metadata = sa.MetaData()
    payme_tables(metadata)
    metadata.create_all(engine)
    yield SqlAlchemyStore(sessionmaker(engine))
    engine.dispose()


async def test_hooks_that_hang_hold_nobody_else_up(store: SqlAlchemyStore) -> None:
    """Goal: waiting for a hook takes no thread from the few that an event loop has for everybody."""
    shop = HangingShop()
    async with MerchantApi(shop, store, KEY, patience_s=WAIT_S) as api:
        payme = Payme(api)
        hanging = [asyncio.create_task(payme.check_perform(f"h{number}")) for number in range(20)]
        try:
            assert await payme.check_perform("1") == {"allow": True}
            assert not any(task.done() for task in hanging)
        finally:
            shop.end.set()
        assert await asyncio.gather(*hanging) == [{"allow": True}] * 20


async def test_patience_ends_and_a_caller_who_hangs_up_cuts_nothing(store: SqlAlchemyStore) -> None:
    shop = HangingShop()
    async with MerchantApi(shop, store, KEY, patience_s=0.2) as api:
        payme = Payme(api)
        gone = asyncio.create_task(payme.check_perform("h1"))
        assert await payme.check_perform("h2") == -32400
        gone.cancel()
        shop.end.set()
        assert await payme.check_perform("h3") == {"allow": True}
