"""Housekeeping: what has had its time is forgotten, such as what payers left on the checkout's pages.

Anybody who knows a cash desk's public id can leave an order on the payment page, so what is kept of it must
not grow for ever. Receipts, tokens and everything else that tells of money stay.
"""

import asyncio
from typing import Final

from tiyin.gateway.cards.records import COUNTS
from tiyin.gateway.checkout_visits import CHECKOUT_ORDERS, CHECKOUT_VISITS
from tiyin.gateway.idempotency import IDEMPOTENCY
from tiyin.gateway.idempotency import KEPT_MS as IDEMPOTENCY_KEPT_MS
from tiyin.gateway.notifications.outbox import KEPT_MS as MESSAGES_KEPT_MS
from tiyin.gateway.notifications.records import MESSAGES
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks
from tiyin.storage import StorageError, Store

__all__ = ["KEPT_MS", "Housekeeping"]

KEPT_MS: Final = 7 * 24 * 3600 * 1000
"""How long an order that a form left, and a payer's visit, are kept."""

COUNTS_KEPT_MS: Final = 60_000
"""How long a counter is kept after its window has ended, since two machines' clocks are never quite one."""

_FORGOTTEN: Final = (
    (CHECKOUT_ORDERS, KEPT_MS),
    (CHECKOUT_VISITS, KEPT_MS),
    (IDEMPOTENCY, IDEMPOTENCY_KEPT_MS),
    (MESSAGES, MESSAGES_KEPT_MS),
    (COUNTS, COUNTS_KEPT_MS),
)
_EVERY_S: Final = 600.0
_PIECE: Final = 500
_PIECES_MAX: Final = 200


class Housekeeping:
    """Forgets, again and again. Any number of processes may do it over one database.

    Args:
        store: The gateway's store.
        clock: The gateway's clock.
        tasks: Owns the task.
    """

    def __init__(self, store: Store, clock: Clock, tasks: Tasks) -> None:
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._task: asyncio.Task[None] | None = None
        self._log = get_logger("tiyin.housekeeping")

    def start(self) -> None:
        """Begin."""
        if self._task is None:
            self._task = self._tasks.start(self._forever(), name="housekeeping")

    async def stop(self) -> None:
        """End."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def run(self) -> int:
        """Forget once.

        Returns:
            How many rows were deleted.
        """
        now_ms = self._clock.now_ms()
        count = 0
        for table, kept_ms in _FORGOTTEN:
            for _ in range(_PIECES_MAX):
                deleted = await self._store.forget(table, now_ms - kept_ms, _PIECE)
                count += deleted
                if deleted < _PIECE:
                    break
        return count

    async def _forever(self) -> None:
        while True:
            try:
                await self.run()
            except StorageError as error:
                self._log.warning("housekeeping_failed", error=type(error).__name__)
            await self._clock.sleep(_EVERY_S)
