"""The api over a store that awaits: it lives in an event loop, the server's or one in a thread beside."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Iterator
from concurrent.futures import CancelledError as FutureCancelledError
from typing import TYPE_CHECKING, Any, TypeVar

from tiyin.merchant.after_commit import Afterwards, run_afterwards, run_afterwards_async
from tiyin.merchant.answering import Call, Reply
from tiyin.merchant.moving import OldTransaction, TakenOver, take_over
from tiyin.merchant.parts import make_parts
from tiyin.merchant.settings import Settings
from tiyin.merchant.stores.own import OwnStore
from tiyin.runtime.forks import forget_after_fork
from tiyin.runtime.tasks import Tasks, TasksRefused

if TYPE_CHECKING:
    from tiyin.merchant.stores.port import TransactionStore

__all__ = ["InLoop", "LoopThread"]

T = TypeVar("T")

_DRAIN_S = 10.0
_STOP_S = 15.0
_CANCEL_S = 2.0
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
        parts = make_parts(settings, self._store, self._do_afterwards)
        self._shop, self._answering, self.sweep = parts.shop, parts.answering, parts.sweep
        self._sweep_every_s = settings.sweep_every_s
        self._sweeping: asyncio.Task[None] | None = None
        self._resting = False
        self._ending = False
        # With the kit's own store effects have tasks of their own. Elsewhere the whole call is a task, so
        # that a client who hangs up cannot part a commit from what is to be done after it.
        self.handle = self._answering.handle if self._store.detached else self._handle_to_its_end

    async def start(self) -> None:
        """Open the store, and begin to sweep."""
        await self._store.start()
        self._sweeping = self._tasks.start(self._sweep(), name="sweep of expired transactions")

    async def stop(self) -> None:
        """End the sweeping, let running effects end, and close the store."""
        self._ending = True
        if self._sweeping is not None:
            await self._end(self._sweeping)
        if self._own_tasks:
            await self._tasks.drain(_DRAIN_S)
        await self._store.stop()

    async def take_over(self, old: Iterable[OldTransaction]) -> TakenOver:
        """Keep transactions of another implementation."""
        return await take_over(old, self._shop, self._store)

    async def _handle_to_its_end(self, call: Call) -> Reply:
        try:
            return await self._tasks.finish(self._answering.handle(call), name="a call of Payme")
        except TasksRefused as error:
            return self._answering.gave_up(call, str(error))

    async def _sweep(self) -> None:
        while not self._ending:
            await self.sweep.round()
            self._resting = True
            if not self._ending:
                await self._clock.sleep(self._sweep_every_s)
            self._resting = False

    async def _end(self, sweeping: asyncio.Task[None]) -> None:
        """End the sweeping between two rounds: work of a database is not cut in its middle without harm."""
        if not self._resting:
            await asyncio.wait((sweeping,), timeout=_DRAIN_S)
        sweeping.cancel()
        await asyncio.wait((sweeping,), timeout=_DRAIN_S)

    def _do_afterwards(self, afterwards: Afterwards) -> None:
        self._tasks.start(self._bounded(afterwards), name="what a hook left for after its commit")

    async def _bounded(self, afterwards: Afterwards) -> None:
        async with asyncio.timeout(_AFTERWARDS_S):
            if self._shop.cuttable:
                await run_afterwards_async(afterwards)
            else:
                # A shop of plain functions leaves plain functions, and they take as long as they take.
                await asyncio.to_thread(run_afterwards, afterwards)


class LoopThread:
    """An event loop in a thread of its own, for an api that awaits in a server that does not.

    It is made by the first call, in the process that makes it: a server forks its workers before they work.
    """

    def __init__(self) -> None:
        self.forget_parent()
        forget_after_fork(self)

    def forget_parent(self) -> None:
        """Begin anew in a child process: threads do not survive a fork."""
        self._guard = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def runs(self) -> bool:
        """Whether the loop was made."""
        return self._loop is not None

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the loop, and wait for it.

        Raises:
            RuntimeError: If the loop ended before the coroutine did.
            Exception: Whatever it raises.
        """
        try:
            future = asyncio.run_coroutine_threadsafe(coroutine, self._running())
        except RuntimeError:
            coroutine.close()
            raise
        try:
            return future.result()
        except FutureCancelledError:
            raise RuntimeError("the process is stopping") from None

    def pieces(self, pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
        """Go through an asynchronous iterator of the loop."""

        async def following() -> bytes | None:
            return await anext(pieces, None)

        try:
            while (piece := self.run(following())) is not None:
                yield piece
        finally:
            if isinstance(pieces, AsyncGenerator):
                self.run(pieces.aclose())

    def stop(self) -> None:
        """End the loop and its thread."""
        with self._guard:
            loop, thread, self._loop, self._thread = self._loop, self._thread, None, None
        if loop is not None and thread is not None:
            loop.call_soon_threadsafe(loop.stop)
            thread.join(_STOP_S)

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._guard:
            if self._loop is None:
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
        # Who waits for one of these in another thread must hear of the end. What was called into the loop at
        # the last moment becomes a task only now, hence the second look.
        for _ in range(2):
            left = asyncio.all_tasks(loop)
            for task in left:
                task.cancel("the process is stopping")
            loop.run_until_complete(_all_ended(left))


async def _all_ended(tasks: "set[asyncio.Task[Any]]") -> None:
    if tasks:
        await asyncio.wait(tasks, timeout=_CANCEL_S)
