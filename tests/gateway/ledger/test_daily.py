"""The gateway closes days by itself, and goes on after a failure."""

import asyncio
from typing import Any

from gateway.ledger.test_closing import ONE, Book
from tiyin.gateway.ledger import Share
from tiyin.gateway.ledger.daily import DailyClose
from tiyin.gateway.metadata import metadata
from tiyin.runtime.tasks import Tasks
from tiyin.storage import StorageUnavailable, Store


class Ticking:
    """A clock on which each sleep is a day, and which tells when one has begun."""

    def __init__(self, book: Book) -> None:
        self._book = book
        self.slept = asyncio.Event()

    def now_ms(self) -> int:
        return self._book.clock.now

    def monotonic(self) -> float:
        return self._book.clock.now / 1000

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self._book.clock.tomorrow()
        self.slept.set()
        await asyncio.sleep(0)


class FailingOnce:
    """A store whose first query fails."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self.failed = 0
        self.work = inner.work

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def query(self, *args: Any) -> Any:
        if not self.failed:
            self.failed += 1
            raise StorageUnavailable("away")
        return await self._inner.query(*args)


async def test_a_gateway_closes_days_as_they_end(store: Store) -> None:
    await store.create_tables(metadata)
    book = Book(store)
    await book.pay(Share(ONE, 1_000, 10))
    tasks, clock = Tasks(), Ticking(book)
    failing: Any = FailingOnce(store)
    daily = DailyClose(failing, clock, tasks, owner="test")
    daily.start()
    daily.start()
    async with asyncio.timeout(60):
        while not await book.payouts.find():
            clock.slept.clear()
            await clock.slept.wait()
    await daily.stop()
    await daily.stop()
    assert failing.failed == 1
    await book.verified()
