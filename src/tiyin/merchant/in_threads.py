"""The api over a store that blocks: calls are answered in threads of the kit's own, and bounded in time.

A hook of plain functions cannot be cut from outside. So the call waits for it in another thread, answers
-32400 when its patience is over, and what the hook does after that is undone instead of committed.
"""

import asyncio
import contextvars
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor, wait
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TypeVar

from tiyin.merchant.after_commit import Afterwards, run_afterwards
from tiyin.merchant.answering import Call, Reply
from tiyin.merchant.driving import drive, drive_all
from tiyin.merchant.moving import OldTransaction, TakenOver, take_over
from tiyin.merchant.parts import make_parts
from tiyin.merchant.settings import Settings
from tiyin.merchant.stores.port import BlockingStore
from tiyin.merchant.stores.wanted import WANTED, Wanted
from tiyin.runtime.logs import get_logger

__all__ = ["InThreads"]

T = TypeVar("T")

_THREADS = 32
_WAITING_MAX = 256
_LATER_THREADS = 4
_LATER_MAX = 10_000
_COMMIT_S = 5.0
_STOP_S = 10.0
_inline: contextvars.ContextVar[bool] = contextvars.ContextVar("tiyin_inline", default=False)


class InThreads:
    """An opened api whose calls are answered in threads.

    Args:
        settings: What it was made with.
        store: Its store.
    """

    def __init__(self, settings: Settings, store: BlockingStore) -> None:
        self._store = store
        self._patience_s = settings.patience_s
        self._sweep_every_s = settings.sweep_every_s
        self._log = get_logger("tiyin.merchant")
        # The hooks' own bound is that of the whole call.
        parts = make_parts(settings, store, self._do_afterwards)
        self._shop, self._answering, self._sweep = parts.shop, parts.answering, parts.sweep
        self._calls = _Pool("payme", _THREADS, _THREADS + _WAITING_MAX)
        # A pool of its own: mail that hangs must not hold up payments.
        self._later = _Pool("payme-later", _LATER_THREADS, _LATER_MAX)
        self._ended = threading.Event()
        self._sweeper: threading.Thread | None = None

    def start(self) -> None:
        """Open the store."""
        drive(self._store.start())

    def start_sweeping(self) -> None:
        """Begin to sweep, once."""
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep_on, name="payme-sweep", daemon=True)
            self._sweeper.start()

    def stop(self) -> None:
        """Let running calls end, then what they left for afterwards, and close the store.

        What is not over in time is left behind: nobody can cut it.
        """
        self._ended.set()
        if self._sweeper is not None:
            self._sweeper.join(self._patience_s)
        self._calls.close(self._patience_s + _COMMIT_S, drop=True)
        self._later.close(_STOP_S, drop=False)
        drive(self._store.stop())

    def handle(self, call: Call) -> Reply:
        """Answer one call; it takes no longer than the kit's patience.

        Args:
            call: The HTTP request.
        """
        if self._store.stays_in_thread():
            return self._here(lambda: drive(self._answering.handle(call)))
        wanted = Wanted()
        answered = self._submit(call, wanted)
        if answered is None:
            return self._answering.gave_up(call, "too many calls wait for the shop's hooks")
        for seconds in (self._patience_s, _COMMIT_S):
            try:
                return answered.result(seconds)
            except FutureTimeoutError:
                if wanted.give_up():
                    break
                # It is being committed just now, and a commit takes a moment.
            except CancelledError:
                return self._answering.gave_up(call, "the process is stopping")
        return self._late(call, wanted)

    async def handle_awaited(self, call: Call) -> Reply:
        """Answer one call without blocking the event loop; see `handle`.

        Args:
            call: The HTTP request.
        """
        wanted = Wanted()
        answered = self._submit(call, wanted)
        if answered is None:
            return self._answering.gave_up(call, "too many calls wait for the shop's hooks")
        future = asyncio.wrap_future(answered)
        for seconds in (self._patience_s, _COMMIT_S):
            done, _ = await asyncio.wait((future,), timeout=seconds)
            if done:
                if future.cancelled():
                    return self._answering.gave_up(call, "the process is stopping")
                return future.result()
            if wanted.give_up():
                break
        return self._late(call, wanted)

    def pieces(self, more: AsyncIterator[bytes]) -> Iterator[bytes]:
        """Go through the rest of a long statement, in whatever thread asks for it."""
        rest = drive_all(more)
        while (piece := self._in_this_thread(lambda: next(rest, None))) is not None:
            yield piece

    def sweep(self, limit: int) -> int:
        """Cancel transactions whose twelve hours are over.

        Args:
            limit: How many at most.

        Returns:
            How many were found.
        """
        return self._in_this_thread(lambda: drive(self._sweep.run(limit)))

    def take_over(self, old: Iterable[OldTransaction]) -> TakenOver:
        """Keep transactions of another implementation."""
        return self._in_this_thread(lambda: drive(take_over(old, self._shop, self._store)))

    def _in_this_thread(self, work: Callable[[], T]) -> T:
        if self._store.stays_in_thread():
            return self._here(work)
        with self._store.thread():
            return work()

    def _here(self, work: Callable[[], T]) -> T:
        """Do work in a thread that has a database transaction open, and keep all of it there."""
        token = _inline.set(True)
        try:
            return work()
        finally:
            _inline.reset(token)

    def _submit(self, call: Call, wanted: Wanted) -> Future[Reply] | None:
        self.start_sweeping()
        return self._calls.submit(contextvars.copy_context().run, self._answer, call, wanted)

    def _answer(self, call: Call, wanted: Wanted) -> Reply:
        reply: Reply | None = None
        try:
            if wanted.given_up:
                return self._answering.gave_up(call, "it waited for longer than anybody waits")
            with self._store.thread():
                WANTED.set(wanted)
                reply = drive(self._answering.handle(call))
        except BaseException as error:  # noqa: BLE001 - a hook may raise anything
            if reply is None:
                return self._answering.failed_call(call, error)
            self._log.error("payme_connection_not_given_back", exc_info=error)
        return reply

    def _late(self, call: Call, wanted: Wanted) -> Reply:
        wanted.give_up()
        return self._answering.gave_up(call, f"the shop's hooks did not end within {self._patience_s} s")

    def _do_afterwards(self, afterwards: Afterwards) -> None:
        if _inline.get():
            run_afterwards(afterwards)
        elif self._later.submit(self._afterwards_in_thread, afterwards) is None:
            self._log.error(
                "payme_after_commit_dropped", why="too much waits to be done", works=len(afterwards)
            )

    def _afterwards_in_thread(self, afterwards: Afterwards) -> None:
        try:
            with self._store.thread():
                run_afterwards(afterwards)
        except BaseException as error:  # noqa: BLE001 - as above
            self._log.error("payme_after_commit_failed", exc_info=error)

    def _sweep_on(self) -> None:
        while not self._ended.wait(self._sweep_every_s):
            try:
                with self._store.thread():
                    drive(self._sweep.round())
            except BaseException as error:  # noqa: BLE001 - the next round tries again
                self._log.error("payme_sweep_failed", exc_info=error)


class _Pool:
    """Threads, with an end to how much may wait for them.

    Args:
        name: What the threads are called.
        threads: How many there are at most.
        places: How much may run or wait at most.
    """

    def __init__(self, name: str, threads: int, places: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._places = places
        self._guard = threading.Lock()
        self._futures: set[Future[object]] = set()

    def submit(self, work: Callable[..., T], *given: object) -> Future[T] | None:
        """Have work done; None if too much waits already, or the pool was closed."""
        with self._guard:
            if len(self._futures) >= self._places:
                return None
            try:
                future = self._executor.submit(work, *given)
            except RuntimeError:
                return None
            self._futures.add(future)  # type: ignore[arg-type]  # whatever it returns
        future.add_done_callback(self._done)
        return future

    def close(self, seconds: float, *, drop: bool) -> None:
        """Take nothing more, and wait for what runs.

        Args:
            seconds: For how long.
            drop: Whether what only waits is not begun any more.
        """
        self._executor.shutdown(wait=False, cancel_futures=drop)
        with self._guard:
            running = set(self._futures)
        wait(running, seconds)

    def _done(self, future: "Future[T]") -> None:
        with self._guard:
            self._futures.discard(future)
