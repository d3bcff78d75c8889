"""`MerchantApi`: a shop's endpoint for Payme, in every kind of server.

One api serves servers that await (`handle`) and servers that do not (`handle_sync`), over stores that await
and stores that block. Wherever the two kinds differ, a thread stands between them; the answers are the same.
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self, cast

import msgspec

from tiyin.merchant.access import AddressList, Keys
from tiyin.merchant.answering import Call, Reply, not_open
from tiyin.merchant.calling import AnyBilling
from tiyin.merchant.in_loop import InLoop, LoopThread
from tiyin.merchant.in_threads import InThreads
from tiyin.merchant.moving import OldTransaction, TakenOver
from tiyin.merchant.settings import Settings, read_messages
from tiyin.merchant.stores.port import BlockingStore, TransactionStore
from tiyin.protocol.values import Text
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.forks import forget_after_fork
from tiyin.runtime.tasks import Tasks

__all__ = ["Call", "MerchantApi", "Reply", "SyncReply"]


class SyncReply(msgspec.Struct, frozen=True):
    """The answer for a server that does not await. Its HTTP status is always 200.

    Args:
        body: The JSON, or its beginning.
        more: The rest of a long statement, piece by piece; None when `body` is all of it.
    """

    body: bytes
    more: Iterator[bytes] | None = None


class MerchantApi:
    """A shop's endpoint for Payme. Open it with ``async with`` or `start`; the first call opens it too.

    ```python
    api = MerchantApi(Shop(), "sqlite:///payme.db", key="the cash desk's key")
    ```

    Args:
        billing: The shop.
        store: ``sqlite:///payme.db`` or ``postgresql://...`` for the kit's own store; or a
        `TransactionStore`,
            such as one in the shop's own database.
        key: The cash desk's key, or its `Keys` with the mode.
        login: The login that Payme uses.
        addresses: Who may call; everybody who has the key by default. `AddressList(PAYME_ADDRESSES)` is Payme
            alone.
        allow_change_password: Whether ChangePassword is served.
        messages: Words of the shop's own for the protocol's codes, each in three languages:
            ``{-31050: {"ru": ..., "uz": ..., "en": ...}}``. What a hook raises with words of its own goes
            before.
        clock: The time.
        tasks: Owns what must not end with a request; by default a set of its own.
        sweep_every_s: How often expired transactions are looked for, in seconds.
        patience_s: How long a call waits for a hook before it is answered -32400, in seconds.

    Raises:
        TypeError: If the shop, the store and the server cannot work together; the text says what to change.
        ValueError: If a setting cannot work.
    """

    def __init__(  # noqa: PLR0913 - a shop names the few it wants to set
        self,
        billing: AnyBilling,
        store: str | TransactionStore,
        key: str | Keys,
        *,
        login: str = "Paycom",
        addresses: AddressList | None = None,
        allow_change_password: bool = False,
        messages: Mapping[int, Text | Mapping[str, str]] | None = None,
        clock: Clock | None = None,
        tasks: Tasks | None = None,
        sweep_every_s: float = 15.0,
        patience_s: float = 15.0,
    ) -> None:
        self._settings = Settings(
            billing=billing,
            store=store,
            keys=key if isinstance(key, Keys) else Keys(production=key),
            login=login,
            addresses=AddressList() if addresses is None else addresses,
            allow_change_password=allow_change_password,
            messages=read_messages(messages),
            clock=SystemClock() if clock is None else clock,
            sweep_every_s=sweep_every_s,
            patience_s=patience_s,
        )
        self._tasks = tasks
        self._blocking = self._settings.blocking
        self._loop_thread = LoopThread()
        self.forget_parent()
        forget_after_fork(self)

    def forget_parent(self) -> None:
        """Begin anew in a child process: what a server opened before it forked belongs to the server."""
        self._opening = asyncio.Lock()
        self._in_loop: InLoop | None = None
        self._guard = threading.Lock()
        self._in_threads: InThreads | None = None

    async def start(self) -> None:
        """Open the store and begin to look for expired transactions. A second call does nothing."""
        if self._blocking:
            threads = await asyncio.to_thread(self._threads)
            threads.start_sweeping()
        else:
            await self._started()

    async def stop(self) -> None:
        """Let running effects end, and close the store. `start` opens it again."""
        if self._blocking:
            await asyncio.to_thread(self.stop_sync)
            return
        async with self._opening:
            running, self._in_loop = self._in_loop, None
            if running is not None:
                await running.stop()

    def stop_sync(self) -> None:
        """Do what `stop` does, in a server that does not await."""
        if self._blocking:
            with self._guard:
                threads, self._in_threads = self._in_threads, None
            if threads is not None:
                threads.stop()
        elif self._loop_thread.runs:
            self._loop_thread.run(self.stop())
            self._loop_thread.stop()
            self._opening = asyncio.Lock()  # the one before belongs to the loop that has ended

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def handle(self, call: Call) -> Reply:
        """Answer one call. It never raises: what went wrong stands in the reply, and its cause in the log.

        Args:
            call: The HTTP request.
        """
        running = self._in_loop
        if running is not None:
            return await running.handle(call)
        try:
            if not self._blocking:
                return await (await self._started()).handle(call)
            threads = self._in_threads
            if threads is None:
                threads = await asyncio.to_thread(self._threads)
        except Exception as error:  # noqa: BLE001 - a database that is down is no reason to be silent
            return not_open(call, error)
        reply = await threads.handle_awaited(call)
        return reply if reply.more is None else Reply(reply.body, _awaited(threads.pieces(reply.more)))

    def handle_sync(self, call: Call) -> SyncReply:
        """Answer one call in a server that does not await; see `handle`.

        Args:
            call: The HTTP request.
        """
        if self._blocking:
            try:
                threads = self._threads()
            except Exception as error:  # noqa: BLE001 - the same
                return SyncReply(not_open(call, error).body)
            reply = threads.handle(call)
            return SyncReply(reply.body, None if reply.more is None else threads.pieces(reply.more))
        try:
            reply = self._loop_thread.run(self.handle(call))
        except RuntimeError as error:
            return SyncReply(not_open(call, error).body)
        return SyncReply(reply.body, None if reply.more is None else self._loop_thread.pieces(reply.more))

    async def expire_due(self, limit: int = 1000) -> int:
        """Cancel transactions whose twelve hours are over, without waiting for the sweep.

        Args:
            limit: How many at most.

        Returns:
            How many were found.
        """
        if self._blocking:
            return await asyncio.to_thread(self._threads().sweep, limit)
        return await (await self._started()).sweep.run(limit)

    def expire_due_sync(self, limit: int = 1000) -> int:
        """Do what `expire_due` does, in a server or a command that does not await.

        Args:
            limit: How many at most.
        """
        if self._blocking:
            return self._threads().sweep(limit)
        return self._loop_thread.run(self.expire_due(limit))

    async def take_over(self, old: Iterable[OldTransaction]) -> TakenOver:
        """Keep transactions that another implementation took, so that Payme can still ask for them.

        Args:
            old: The transactions; see `tiyin.merchant.moving`.

        Returns:
            How many were taken over, how many were known already, and which held an order twice.

        Raises:
            ValueError: If one of them contradicts itself; those before it are taken over.
        """
        if self._blocking:
            return await asyncio.to_thread(self._threads().take_over, old)
        return await (await self._started()).take_over(old)

    def take_over_sync(self, old: Iterable[OldTransaction]) -> TakenOver:
        """Do what `take_over` does, in a command that does not await.

        Args:
            old: The transactions.
        """
        if self._blocking:
            return self._threads().take_over(old)
        # Gone through here: where the transactions come from may block, as Django's ORM does.
        return self._loop_thread.run(self.take_over(list(old)))

    async def _started(self) -> InLoop:
        async with self._opening:
            if self._in_loop is None:
                running = InLoop(self._settings, self._tasks)
                await running.start()
                self._in_loop = running
            return self._in_loop

    def _threads(self) -> InThreads:
        threads = self._in_threads
        if threads is not None:
            return threads
        with self._guard:
            threads = self._in_threads
            if threads is None:
                threads = InThreads(self._settings, cast("BlockingStore", self._settings.store))
                threads.start()
                self._in_threads = threads
            return threads


async def _awaited(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Go through a long statement of a store that blocks, whose reading is nothing for an event loop."""
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
