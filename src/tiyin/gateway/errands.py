"""Errands: work that goes on without a caller, of one kind, each piece by one handler at a time.

The receipts' worker beside it is the same idea with care for desks; messages, fiscal registrations and
whatever else must be done in the end run here. Work is claimed on the database's real time, so any number of
processes may run errands of a kind over one database, and what a dead process held is taken up by another.

A handler ends its work itself: by a change under the lease that schedules or ends it, by `Store.work.done`,
or by `Store.work.release`. One that raises has ended nothing: its lease runs out, and the work is done again.
So whatever a handler does outside must bear being done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks, TasksRefused
from tiyin.storage import Lease, StorageError, Store

__all__ = ["LEASE_MS", "Errands", "Handler"]

LEASE_MS: Final = 30_000
"""How long a handler is believed to live without a sign, milliseconds."""

_POLL_S: Final = 0.5
_RUNNING_MAX: Final = 32
_CLAIMED_MAX: Final = 64

Handler: TypeAlias = Callable[[Lease], Awaitable[None]]
"""Does one piece of work and ends it, well within its lease (`Lease.left_ms`)."""


class Errands:
    """Takes up work of one kind as it falls due.

    A handler that hangs keeps one place; the others go on. With all places taken nothing is claimed, so that
    another process may have it.

    Args:
        store: Where the work queue is.
        clock: Waits between looks.
        tasks: Runs the handlers.
        kind: Which work.
        handle: Does one piece of it.
        owner: This process's name in the work queue.
        lease_ms: How long a lease is, milliseconds; longer than any handler needs.
        running_max: So many pieces run at a time; at least 1.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tasks: Tasks,
        kind: str,
        handle: Handler,
        *,
        owner: str,
        lease_ms: int = LEASE_MS,
        running_max: int = _RUNNING_MAX,
    ) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._kind = kind
        self._handle = handle
        self._owner = owner
        self._lease_ms = lease_ms
        self._running_max = running_max
        self._running: set[str] = set()
        self._ended = asyncio.Event()
        self._stopping = False
        self._asleep = False
        self._task: asyncio.Task[None] | None = None
        self._log = get_logger("tiyin.errands")

    def __len__(self) -> int:
        """How many pieces are running here."""
        return len(self._running)

    def start(self) -> None:
        """Begin to look for work; a second call does nothing."""
        if self._task is None:
            self._task = self._tasks.start(self._run(), name=f"errands {self._kind}")

    def stop(self) -> None:
        """Claim nothing any more; what runs goes on to its end (`drain` or `Tasks.drain` waits for it)."""
        self._stopping = True
        # Only its sleep is cut short: a claim under way ends, so that no lease is taken without a handler.
        if self._asleep and self._task is not None:
            self._task.cancel()

    async def drain(self) -> None:
        """Stop, and wait until nothing runs here; handlers are bounded, so it comes to an end."""
        self.stop()
        if self._task is not None:
            await asyncio.wait((self._task,))
        while self._running:
            self._ended.clear()
            await self._ended.wait()

    async def run_once(self) -> int:
        """Claim what is due, as far as there are places, and start to do it.

        Returns:
            How much was claimed.

        Raises:
            StorageUnavailable: If the database cannot be reached.
        """
        limit = min(_CLAIMED_MAX, self._running_max - len(self._running))
        if limit <= 0 or self._stopping:
            return 0
        leases = await self._store.work.claim(self._kind, self._owner, self._lease_ms, limit)
        for lease in leases:
            await self._take(lease)
        return len(leases)

    async def _run(self) -> None:
        while not self._stopping:
            claimed = 0
            self._ended.clear()
            try:
                claimed = await self.run_once()
            except StorageError as error:
                self._log.warning("work_not_claimed", kind=self._kind, error=str(error))
            except Exception as error:  # noqa: BLE001 - nobody but this loop does this work: it goes on
                self._log.error("errands_failed", kind=self._kind, exc_info=error)
            full = len(self._running) >= self._running_max
            if full or claimed < _CLAIMED_MAX:
                self._asleep = True
                # A long queue is worked off as fast as places become free, not at the pace of the looks.
                await (self._ended.wait() if full else self._clock.sleep(_POLL_S))
                self._asleep = False

    async def _take(self, lease: Lease) -> None:
        try:
            if lease.key in self._running:
                # Its handler here outlived its lease: two at a time would do no better.
                await self._store.work.release(lease, self._lease_ms)
                return
            # Within the task's own beginning a refused start would leave the place taken.
            self._tasks.start(self._do(lease), name=f"{self._kind} {lease.key}")
            self._running.add(lease.key)
        except (StorageError, TasksRefused) as error:
            # Somebody else has it, the database is away, or this process is stopping: the lease runs out and
            # another takes it.
            self._log.warning("work_left", kind=self._kind, key=lease.key, error=str(error))

    async def _do(self, lease: Lease) -> None:
        try:
            await self._handle(lease)
        except StorageError as error:
            self._log.warning("errand_left", kind=self._kind, key=lease.key, error=str(error))
        except Exception as error:  # noqa: BLE001 - the lease runs out and the work is done again
            self._log.error("errand_failed", kind=self._kind, key=lease.key, exc_info=error)
        finally:
            self._running.discard(lease.key)
            self._ended.set()
