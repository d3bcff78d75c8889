"""The api over a store that blocks: calls are answered in threads of the kit's own, and bounded in time.

A hook of plain functions cannot be cut from outside. So the call waits for it in another thread, answers
-32400 when its patience is over, and what the hook does after that is undone instead of committed.
"""

import contextlib
import contextvars
import os
import threading
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError

from tiyin.merchant.after_commit import Afterwards, run_afterwards
from tiyin.merchant.answering import Answering, Call, Reply
from tiyin.merchant.driving import drive
from tiyin.merchant.keys import KeyRing
from tiyin.merchant.methods import Methods
from tiyin.merchant.moving import OldTransaction, TakenOver, take_over
from tiyin.merchant.settings import Settings
from tiyin.merchant.shop import Shop
from tiyin.merchant.stores.port import BlockingStore
from tiyin.merchant.stores.wanted import WANTED, Wanted
from tiyin.merchant.sweep import Sweep

__all__ = ["InThreads"]

_THREADS = 32
_WAITING_MAX = 256
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
        keys = KeyRing(settings.keys, store, settings.clock, changes=settings.allow_change_password)
        # The hooks' own bound is that of the whole call.
        self._shop = Shop(settings.calling(), patience_s=settings.patience_s, afterwards=self._do_afterwards)
        methods = Methods(self._shop, store, keys, settings.clock)
        self._sweep = Sweep(store, methods.expire, settings.clock)
        self._answering = Answering(
            methods,
            keys,
            login=settings.login,
            addresses=settings.addresses,
            allow_change_password=settings.allow_change_password,
            messages=settings.messages,
        )
        self._made_in = os.getpid()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="payme")
        self._places = threading.BoundedSemaphore(_THREADS + _WAITING_MAX)
        self._ended = threading.Event()
        self._sweeper: threading.Thread | None = None

    @property
    def made_here(self) -> bool:
        """Whether it was made in this process: threads do not survive a fork."""
        return self._made_in == os.getpid()

    def start(self) -> None:
        """Open the store."""
        drive(self._store.start())

    def start_sweeping(self) -> None:
        """Begin to sweep, once."""
        if self._sweeper is None:
            self._sweeper = threading.Thread(target=self._sweep_on, name="payme-sweep", daemon=True)
            self._sweeper.start()

    def stop(self) -> None:
        """Let running calls end, and close the store."""
        self._ended.set()
        if self._sweeper is not None:
            self._sweeper.join(self._patience_s)
        self._threads.shutdown(wait=True, cancel_futures=True)
        drive(self._store.stop())

    def handle(self, call: Call) -> Reply:
        """Answer one call; it takes no longer than the kit's patience.

        Args:
            call: The HTTP request.
        """
        if self._store.stays_in_thread():
            return self._inline(call)
        self.start_sweeping()
        if not self._places.acquire(blocking=False):
            return self._answering.gave_up(call, "too many calls wait for the shop's hooks")
        wanted = Wanted()
        answered = self._submit(call, wanted)
        try:
            return answered.result(self._patience_s)
        except FutureTimeoutError:
            if not wanted.give_up() and (reply := _result_now(answered)) is not None:
                return reply
            return self._answering.gave_up(call, f"the shop's hooks did not end within {self._patience_s} s")

    def sweep(self, limit: int) -> int:
        """Cancel transactions whose twelve hours are over.

        Args:
            limit: How many at most.

        Returns:
            How many were found.
        """
        with self._store.thread() if not self._store.stays_in_thread() else contextlib.nullcontext():
            return drive(self._sweep.run(limit))

    def take_over(self, old: Iterable[OldTransaction]) -> TakenOver:
        """Keep transactions of another implementation."""
        with self._store.thread() if not self._store.stays_in_thread() else contextlib.nullcontext():
            return drive(take_over(old, self._shop, self._store))

    def _submit(self, call: Call, wanted: Wanted) -> Future[Reply]:
        def answer() -> Reply:
            try:
                with self._store.thread():
                    WANTED.set(wanted)
                    return drive(self._answering.handle(call))
            finally:
                self._places.release()

        return self._threads.submit(contextvars.copy_context().run, answer)

    def _inline(self, call: Call) -> Reply:
        token = _inline.set(True)
        try:
            return drive(self._answering.handle(call))
        finally:
            _inline.reset(token)

    def _do_afterwards(self, afterwards: Afterwards) -> None:
        if _inline.get():
            run_afterwards(afterwards)
            return
        self._threads.submit(self._afterwards_in_thread, afterwards)

    def _afterwards_in_thread(self, afterwards: Afterwards) -> None:
        with self._store.thread():
            run_afterwards(afterwards)

    def _sweep_on(self) -> None:
        while not self._ended.wait(self._sweep_every_s):
            with self._store.thread():
                drive(self._sweep.round())


def _result_now(answered: "Future[Reply]") -> Reply | None:
    """Take a result that has just been committed, though too late by a hair."""
    try:
        return answered.result(1.0)
    except FutureTimeoutError:
        return None
