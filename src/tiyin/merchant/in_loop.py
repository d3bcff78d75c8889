"""The api over a store that awaits: it lives in an event loop, the server's or one in a thread beside."""

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Coroutine, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

from tiyin.merchant.after_commit import Afterwards, run_afterwards_async
from tiyin.merchant.answering import Answering
from tiyin.merchant.keys import KeyRing
from tiyin.merchant.methods import Methods
from tiyin.merchant.moving import OldTransaction, TakenOver, take_over
from tiyin.merchant.settings import Settings
from tiyin.merchant.shop import Shop
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.sweep import Sweep
from tiyin.runtime.tasks import Tasks

if TYPE_CHECKING:
    from tiyin.merchant.stores.port import TransactionStore

__all__ = ["InLoop", "LoopThread"]

T = TypeVar("T")

_DRAIN_S = 10.0
_STOP_S = 15.0
_AFTERWARDS_S = 60.0


class InLoop:
    """An opened api in an event loop.

    Args:
        settings: What it was made with.
        tasks: Owns what must not end with a request; None for a set of its own.
    """

    def __init__(self, settings: Settings, tasks: Tasks | None) -> None:
        clock = settings.clock
        self._clock = clock
        self._own_tasks = tasks is None
        self._tasks = Tasks() if tasks is None else tasks
        self._store: TransactionStore = (
            OwnStore(settings.store, clock=clock, tasks=self._tasks, patience_s=settings.patience_s)
            if isinstance(settings.store, str)
            else settings.store
        )
        keys = KeyRing(settings.keys, self._store, clock, changes=settings.allow_change_password)
        self._shop = Shop(settings.calling(), patience_s=settings.patience_s, afterwards=self._do_afterwards)
        methods = Methods(self._shop, self._store, keys, clock)
        self.sweep = Sweep(self._store, methods.expire, clock)
        self._sweep_every_s = settings.sweep_every_s
        self._sweeping: asyncio.Task[None] | None = None
        answering = Answering(
            methods,
            keys,
            login=settings.login,
            addresses=settings.addresses,
            allow_change_password=settings.allow_change_password,
            messages=settings.messages,
        )
        self.handle = answering.handle

    async def start(self) -> None:
        """Open the store, and begin to sweep."""
        await self._store.start()
        self._sweeping = self._tasks.start(self._sweep(), name="sweep of expired transactions")

    async def stop(self) -> None:
        """End the sweeping, let running effects end, and close the store."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            await asyncio.wait((self._sweeping,))
        if self._own_tasks:
            await self._tasks.drain(_DRAIN_S)
        await self._store.stop()

    async def take_over(self, old: Iterable[OldTransaction]) -> TakenOver:
        """Keep transactions of another implementation."""
        return await take_over(old, self._shop, self._store)

    async def _sweep(self) -> None:
        while True:
            await self.sweep.round()
            await self._clock.sleep(self._sweep_every_s)

    def _do_afterwards(self, afterwards: Afterwards) -> None:
        self._tasks.start(_bounded(afterwards), name="what a hook left for after its commit")


async def _bounded(afterwards: Afterwards) -> None:
    async with asyncio.timeout(_AFTERWARDS_S):
        await run_afterwards_async(afterwards)


class LoopThread:
    """An event loop in a thread of its own, for an api that awaits in a server that does not.

    It is made by the first call, in the process that makes it: a server forks its workers before they work.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._made_in: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and wait for it.

        Raises:
            Exception: Whatever it raises.
        """
        return asyncio.run_coroutine_threadsafe(coroutine, self._running()).result()

    def pieces(self, pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
        """Go through an asynchronous iterator of the loop."""

        async def following() -> bytes | None:
            return await anext(pieces, None)

        while (piece := self.run(following())) is not None:
            yield piece

    def stop(self) -> None:
        """End the loop and its thread."""
        with self._guard:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None and self._made_in == os.getpid():
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_STOP_S)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None or self._made_in != os.getpid():
                self._made_in = os.getpid()
                self._loop = asyncio.new_event_loop()
                # A daemon: a server that ends without telling anybody must not be held by it. Whatever runs
                # is as safe as in a process that is killed.
                self._thread = threading.Thread(
                    target=_serve, args=(self._loop,), name="payme-loop", daemon=True
                )
                self._thread.start()
            return self._loop


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    with contextlib.closing(loop):
        asyncio.set_event_loop(loop)
        loop.run_forever()
