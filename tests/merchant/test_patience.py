"""Waiting for hooks: those that answer at once, those that wait, those that never end."""

import asyncio
import time
from typing import Any

import msgspec
import pytest

from helpers_merchant import KEY, Books, Payme, QuietShop
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Account, Order, Transaction
from tiyin.merchant.stores.own import OwnStore
from tiyin.runtime.clock import TurnableClock
from tiyin.runtime.patience import within
from tiyin.storage import Lease, Store


async def test_a_hook_that_waits_for_nothing() -> None:
    async def hook() -> int:
        return 5

    assert await within(1, hook()) == 5


async def test_a_hook_that_waits_several_times() -> None:
    future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(0.01, future.set_result, "told")

    async def hook() -> tuple[str, bool]:
        await asyncio.sleep(0)
        text = await future
        async with asyncio.timeout(1):
            await asyncio.sleep(0.01)
        return text, asyncio.current_task() is task

    task = asyncio.current_task()
    assert await within(1, hook()) == ("told", True)


async def test_a_hook_that_never_ends_is_cancelled() -> None:
    cut = asyncio.Event()

    async def hook() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()

    with pytest.raises(TimeoutError):
        await within(0.01, hook())
    assert cut.is_set()


@pytest.mark.parametrize("waits", [False, True])
async def test_what_a_hook_raises(waits: bool) -> None:
    async def hook() -> None:
        if waits:
            await asyncio.sleep(0.001)
        raise KeyError("x")

    with pytest.raises(KeyError):
        await within(1, hook())


async def test_an_error_from_what_it_waits_for_reaches_the_hook() -> None:
    future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.set_exception, OSError())

    async def hook() -> str:
        try:
            await future
        except OSError:
            return "handled"
        return "missed"

    assert await within(1, hook()) == "handled"


async def test_a_cancelled_caller_cancels_the_hook() -> None:
    cut = asyncio.Event()

    async def hook() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cut.set()
            raise

    task = asyncio.create_task(within(1, hook()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cut.is_set()


async def test_a_hook_that_is_not_async(sqlite_url: str) -> None:
    class Plain(QuietShop):
        def check(self, account: Account, amount_tiyin: int) -> Order:  # type: ignore[override]  # the mistake itself
            del account
            return Order(amount_tiyin=amount_tiyin)

    async with MerchantApi(Plain(), sqlite_url, KEY) as api:
        assert await Payme(api).check_perform() == -32400


async def test_a_check_that_hangs(sqlite_url: str) -> None:
    class Hanging(QuietShop):
        async def check(self, account: Account, amount_tiyin: int) -> Order:
            await asyncio.Event().wait()
            return await super().check(account, amount_tiyin)

    async with MerchantApi(Hanging(), sqlite_url, KEY, patience_s=0.05) as api:
        assert await Payme(api).check_perform() == -32400


class SlowLeases:
    """A store whose first lease is nearly over when it comes: the database was away for a while."""

    def __init__(self, inner: Store) -> None:
        self.inner = inner
        self.given = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def change_and_lease(self, *arguments: Any, **options: Any) -> tuple[Any, Lease | None]:
        answer, lease = await self.inner.change_and_lease(*arguments, **options)
        if lease is not None:
            self.given += 1
            if self.given == 1:
                lease = msgspec.structs.replace(lease, until=time.monotonic() + 0.01)
        return answer, lease


async def test_a_hook_never_begins_under_a_lease_that_is_nearly_over(store: Store) -> None:
    """Another process may begin when it ends, and two hooks of one transaction would run at a time."""
    slow, shop, clock = SlowLeases(store), Books(), TurnableClock(0)
    own = OwnStore(slow, clock=clock)
    leases: list[int] = []

    async def note(_: Transaction) -> None:
        leases.append(slow.given)

    shop.before = note
    async with MerchantApi(shop, own, KEY, clock=clock) as api:
        assert (await Payme(api).create(1, time=clock.now_ms()))["state"] == 1
    assert leases == [2]
