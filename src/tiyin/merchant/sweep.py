"""The sweep: what was not paid within twelve hours is cancelled, and its order is free again."""

import asyncio
from collections.abc import Awaitable, Callable

from tiyin.merchant.stores.port import StillRunningError, TransactionStore
from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger

__all__ = ["Sweep"]

_PAGE = 100
_AT_ONCE = 8
_ROUND_MAX = 10_000


class Sweep:
    """Looks for expired transactions, again and again.

    Any number of processes may sweep one database: a transaction is cancelled once.

    Args:
        store: Where transactions are.
        expire: Cancels one by timeout.
        clock: The time.
    """

    def __init__(
        self,
        store: TransactionStore,
        expire: Callable[[str], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._store = store
        self._expire = expire
        self._clock = clock
        self._log = get_logger("tiyin.merchant")

    async def run(self, limit: int = _ROUND_MAX) -> int:
        """Look once.

        Args:
            limit: How many to cancel at most.

        Returns:
            How many were found expired.
        """
        now_ms = self._clock.now_ms()
        after: tuple[int, str] | None = None
        found = 0
        while found < limit:
            page = await self._store.due(now_ms, after, min(_PAGE, limit - found))
            if not page:
                break
            found += len(page)
            after = page[-1]
            for start in range(0, len(page), _AT_ONCE):
                ids = [id_ for _, id_ in page[start : start + _AT_ONCE]]
                if self._store.blocking:
                    for id_ in ids:
                        await self._one(id_)
                else:
                    await asyncio.gather(*(self._one(id_) for id_ in ids))
        return found

    async def round(self) -> None:
        """Look once; whatever goes wrong is logged: a database that is away must not end the sweeping."""
        try:
            await self.run()
        except Exception as error:  # noqa: BLE001 - the next round tries again
            self._log.error("payme_sweep_failed", exc_info=error)

    async def _one(self, id_: str) -> None:
        try:
            await self._expire(id_)
        except StillRunningError:
            self._log.warning("payme_expiry_waits", transaction=id_)
        except Exception as error:  # noqa: BLE001 - one that cannot be cancelled must not hold up the others
            # The next round tries again.
            self._log.error("payme_expiry_failed", transaction=id_, exc_info=error.__cause__ or error)
