"""The worker: takes up receipts whose driver is gone or whose next look is due, and drives them on.

Work is claimed on the database's real time, so any number of processes may run a worker over one database.
Merchants are independent: one whose server hangs holds at most its own few places.
"""

import asyncio
from collections import Counter
from typing import Final

from tiyin.gateway.receipts.payment import LEASE_MS, PaymentDriver
from tiyin.gateway.receipts.records import RECEIPTS, WORK_KIND, Receipt
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks, TasksRefused
from tiyin.storage import Lease, StorageError, Store

__all__ = ["Worker"]

_POLL_S: Final = 0.5
_RUNNING_MAX: Final = 256
_RUNNING_MAX_A_DESK: Final = 16
_CLAIMED_MAX: Final = 64
_PUT_BACK_MS_MAX: Final = 2_000


class Worker:
    """Recovers receipts.

    Args:
        store: Where receipts and the work queue are.
        clock: Waits between looks.
        tasks: Runs the drivers.
        driver: Drives one receipt.
        owner: This process's name in the work queue.
        lease_ms: How long a lease is.
        running_max_a_desk: So many receipts of one desk are driven at a time.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        tasks: Tasks,
        driver: PaymentDriver,
        *,
        owner: str,
        lease_ms: int = LEASE_MS,
        running_max_a_desk: int = _RUNNING_MAX_A_DESK,
    ) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._driver = driver
        self._owner = owner
        self._lease_ms = lease_ms
        self._running_max_a_desk = running_max_a_desk
        self._running: Counter[str] = Counter()
        self._stopping = False
        self._task: asyncio.Task[None] | None = None
        self._asleep = False
        self._log = get_logger("tiyin.receipts.worker")

    def start(self) -> None:
        """Begin to look for work."""
        self._task = self._tasks.start(self._run(), name="receipts worker")

    def stop(self) -> None:
        """Claim nothing any more; what is being driven is handed over at its next safe point."""
        self._stopping = True
        # Only its sleep is cut short: a claim under way ends, so that no lease is taken without a driver.
        if self._asleep and self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        while not self._stopping:
            claimed = 0
            try:
                claimed = await self.run_once()
            except StorageError as error:
                self._log.warning("work_not_claimed", error=str(error))
            except Exception as error:  # noqa: BLE001 - nobody but this loop recovers payments: it goes on
                self._log.error("worker_failed", exc_info=error)
            if claimed < _CLAIMED_MAX:
                self._asleep = True
                await self._clock.sleep(_POLL_S)
                self._asleep = False

    async def run_once(self) -> int:
        """Claim what is due and start to drive it.

        Returns:
            How much was claimed.
        """
        limit = min(_CLAIMED_MAX, _RUNNING_MAX - self._running.total())
        if limit <= 0 or self._stopping:
            return 0
        leases = await self._store.work.claim(WORK_KIND, self._owner, self._lease_ms, limit)
        if not leases:
            return 0
        receipts = await self._store.get_many(RECEIPTS, [lease.key for lease in leases])
        # At once, and not one after the other: what a busy merchant's desk puts back holds up nobody.
        await asyncio.gather(*(self._take(receipts.get(lease.key), lease) for lease in leases))
        return len(leases)

    async def _take(self, receipt: Receipt | None, lease: Lease) -> None:
        try:
            if receipt is None or not receipt.worked:
                self._log.error("work_without_receipt", receipt_id=lease.key)
                await self._store.work.done(lease)
            elif self._running[receipt.desk_id] >= self._running_max_a_desk:
                # An epoch is chance: it spreads what is put back.
                await self._store.work.release(lease, lease.epoch % _PUT_BACK_MS_MAX)
            else:
                self._running[receipt.desk_id] += 1
                self._tasks.start(self._drive(receipt, lease), name=f"receipt {receipt.id}")
        except (StorageError, TasksRefused) as error:
            # Somebody else has it, the database is away, or this process is stopping: the lease runs out and
            # another takes it.
            self._log.warning("work_left", receipt_id=lease.key, error=str(error))
            if receipt is not None and isinstance(error, TasksRefused):
                self._ended(receipt)

    async def _drive(self, receipt: Receipt, lease: Lease) -> None:
        try:
            await self._driver.drive(receipt, lease, fresh=False)
        finally:
            self._ended(receipt)

    def _ended(self, receipt: Receipt) -> None:
        self._running[receipt.desk_id] -= 1
        if self._running[receipt.desk_id] <= 0:
            del self._running[receipt.desk_id]
