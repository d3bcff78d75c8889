"""The gateway closes its days by itself: a loop that looks once a minute whether one is over."""

import asyncio
from typing import Final

from tiyin.gateway.ledger.closing import Closer
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks
from tiyin.storage import StorageError, Store

__all__ = ["DailyClose"]

_EVERY_S: Final = 60.0


class DailyClose:
    """Closes days as they end, and those that were missed; any number of processes may do it.

    Args:
        store: The gateway's store.
        clock: The gateway's clock.
        tasks: Owns the task.
        owner: This process's name in the work queue.
    """

    def __init__(self, store: Store, clock: Clock, tasks: Tasks, *, owner: str) -> None:
        self._clock = clock
        self._tasks = tasks
        self._closer = Closer(store, clock, owner=owner)
        self._task: asyncio.Task[None] | None = None
        self._log = get_logger("tiyin.ledger")

    def start(self) -> None:
        """Begin."""
        if self._task is None:
            self._task = self._tasks.start(self._forever(), name="daily close")

    async def stop(self) -> None:
        """End; a day that is half closed is taken up by another process, or at the next start."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait((task,))

    async def run(self) -> int:
        """Close what is due once.

        Returns:
            How many days were closed.
        """
        closed = await self._closer.close_due()
        for day in closed:
            self._log.info(
                "day_closed", day=day.id, entries=day.entries, late=day.late_entries, payouts=day.payouts
            )
        return len(closed)

    async def _forever(self) -> None:
        while True:
            try:
                await self.run()
            except StorageError as error:
                self._log.warning("day_not_closed", error=type(error).__name__)
            except Exception as error:  # noqa: BLE001 - nobody but this loop closes days: it goes on
                self._log.error("day_not_closed", exc_info=error)
            await self._clock.sleep(_EVERY_S)
