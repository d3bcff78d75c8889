"""Lanes: a few connections that write, each one batch at a time, for whichever table has one.

Beside them go slow lanes, for changes that others overtook again and again: there a change waits for its
lock, and holds up nobody but its like.
"""

import asyncio
import itertools
import secrets
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks
from tiyin.storage.errors import StorageUnavailable
from tiyin.storage.postgres.batch_sql import PURGE
from tiyin.storage.postgres.batches import Batches
from tiyin.storage.postgres.connection import Link
from tiyin.storage.postgres.items import TRIES_MAX, Item, Queue
from tiyin.storage.tables import Table

__all__ = ["Lanes"]

T = TypeVar("T")

# More would make smaller batches, and a batch costs the server much more than the rows in it (measured on
# two cores: two lanes carry half as much again as three). One alone would let a batch that waits hold up all
# others.
LANES = 2
SLOW_LANES = 2
BATCH_MAX = 128
WAITING_MAX = 20_000
PURGE_EVERY = 2_000
PURGE_MAX = 5_000


class _Bell:
    """Wakes those that have nothing to do, one for each ring."""

    def __init__(self) -> None:
        self._idle: deque[asyncio.Future[None]] = deque()

    def ring(self) -> None:
        while self._idle:
            waiter = self._idle.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def ring_all(self) -> None:
        for _ in range(len(self._idle)):
            self.ring()

    async def wait(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._idle.append(waiter)
        await waiter


class Lanes:
    """The writing side of a store over PostgreSQL.

    Args:
        url: The database's address.
        patience_s: How long a change waits for a connection, in seconds.
        tasks: Owner of the lanes' tasks.
    """

    def __init__(self, url: str, patience_s: float, tasks: Tasks) -> None:
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._log = get_logger("tiyin.storage")
        self._queues: dict[tuple[Table[Any], bool], Queue] = {}
        self._ready: deque[Queue] = deque()
        self._overtaken: deque[tuple[Queue, Item]] = deque()
        self._bell = _Bell()
        self._slow_bell = _Bell()
        self._waiting = 0
        self._closing = False
        self._batches = 0
        kinds = [(self._serve, LANES), (self._serve_slowly, SLOW_LANES)]
        self._tasks = [
            tasks.start(serve(Link(url, tasks, keyed=True)), name=f"storage {serve.__name__} {number}")
            for serve, count in kinds
            for number in range(count)
        ]

    def submit(self, table: Table[Any], item: Item, *, appends: bool) -> None:
        """Hand over an item; it will be answered even if whoever asked is gone.

        Args:
            table: The table it is for.
            item: The item.
            appends: Whether it is an `AppendItem`.

        Raises:
            StorageUnavailable: If the store is closed, or too much waits already.
        """
        if self._closing:
            raise StorageUnavailable("this store is closed")
        if self._waiting >= WAITING_MAX:
            raise StorageUnavailable(f"{WAITING_MAX} changes wait to be written already")
        queue = self._queues.get((table, appends))
        if queue is None:
            queue = self._queues[(table, appends)] = Queue(table)
        self._waiting += 1
        queue.add(item)
        self._show(queue)

    async def close(self) -> None:
        """Finish what was accepted, then close the connections."""
        self._closing = True
        self._ring_if_over()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _show(self, queue: Queue) -> None:
        """Let the lanes see that a queue has something."""
        if queue.ready and queue not in self._ready:
            self._ready.append(queue)
        if self._ready:
            self._bell.ring()

    def _ring_if_over(self) -> None:
        if self._closing and not self._waiting:
            self._bell.ring_all()
            self._slow_bell.ring_all()

    async def _wait_for(self, waiting: deque[Any], bell: _Bell) -> bool:
        """Wait until there is something; False when the store closes and nothing is left."""
        while not waiting:
            if self._closing and not self._waiting:
                return False
            await bell.wait()
        return True

    async def _serve(self, link: Link) -> None:
        batches = self._batches_over(link)
        try:
            while await self._wait_for(self._ready, self._bell):
                queue = self._ready.popleft()
                batch = queue.take(BATCH_MAX)
                self._show(queue)
                await self._carry(batches, queue, batch)
        finally:
            await link.close()

    async def _serve_slowly(self, link: Link) -> None:
        batches = self._batches_over(link)
        try:
            while await self._wait_for(self._overtaken, self._slow_bell):
                queue, item = self._overtaken.popleft()
                await self._guarded([item], lambda: batches.write_alone(queue.table, item))  # noqa: B023  # run at once
                self._landed(queue, [item], [])
        finally:
            await link.close()

    def _batches_over(self, link: Link) -> Batches:
        return Batches(link, self._patience_s, f"{secrets.token_hex(10)}-", itertools.count())

    async def _carry(self, batches: Batches, queue: Queue, batch: list[Item]) -> None:
        overtaken = [item for item in batch if item.tries >= TRIES_MAX - 1]
        for item in overtaken:
            self._overtaken.append((queue, item))
            self._slow_bell.ring()
        batch = [item for item in batch if item.tries < TRIES_MAX - 1]
        again = await self._guarded(batch, lambda: batches.write(queue.table, batch)) or []
        self._landed(queue, batch, again)
        if not batches.connected:
            self._expire()
        self._batches += 1
        if self._batches % PURGE_EVERY == 0:
            await batches.run_aside(PURGE, PURGE_MAX)

    def _landed(self, queue: Queue, batch: list[Item], again: list[Item]) -> None:
        self._waiting -= len(batch) - len(again)
        queue.landed(batch)
        for item in reversed(again):
            queue.again(item)
        self._show(queue)
        self._ring_if_over()

    async def _guarded(self, items: list[Item], write: Callable[[], Coroutine[Any, Any, T]]) -> T | None:
        """Write, and let nobody wait for an answer for ever if this house itself has a bug."""
        try:
            return await write()
        except Exception as error:  # noqa: BLE001  # logged; the lane serves the next
            self._log.exception("storage_batch_failed")
            for item in items:
                item.fail(StorageUnavailable(f"storage failed within: {type(error).__name__}"))
            return None

    def _expire(self) -> None:
        """While the database is gone, let nobody wait beyond the deadline, however many wait before."""
        now = self._loop.time()
        for queue in self._queues.values():
            late = queue.expire(now)
            self._waiting -= len(late)
            for item in late:
                item.fail(StorageUnavailable("PostgreSQL is gone, and did not come back in time"))
            if late and not queue.ready and queue in self._ready:
                self._ready.remove(queue)
        self._ring_if_over()
