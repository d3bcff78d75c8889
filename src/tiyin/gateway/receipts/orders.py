"""Which orders are closed to new receipts: those whose last cancel the billing has not answered yet.

A merchant may hold an order for a receipt that is being given up. Until he has let go of it, a new receipt
for the same order waits, else the late cancel of the old one could hit the new one's order.
"""

import asyncio
from typing import Final

import sqlalchemy as sa

from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.runtime.clock import Clock
from tiyin.storage import Store

__all__ = ["Orders"]

_BELIEVED_S: Final = 1.0
_KNOWN_MAX: Final = 10_000

_RECEIPT: Final = RECEIPTS.schema.c
# The index is a partial one: a database uses it only where its condition is written out, and else reads all
# receipts there are.
_CLOSES: Final = _RECEIPT.cancelling == sa.literal_column("1")
_CLOSED: Final = sa.select(_RECEIPT.desk_id, _RECEIPT.account_key).where(_CLOSES).limit(_KNOWN_MAX)
_CLOSING: Final = (
    sa.select(_RECEIPT.id)
    .where(
        _CLOSES,
        _RECEIPT.desk_id == sa.bindparam("desk_id", type_=sa.Text),
        _RECEIPT.account_key == sa.bindparam("account_key", type_=sa.Text),
    )
    .limit(1)
)


class Orders:
    """Knows the closed orders of all desks: nearly always none, so one small query a second serves all.

    Another process's change is seen within that second. Until then the billing itself refuses a second
    transaction for its order.

    Args:
        store: Where receipts are kept.
        clock: Says how old what is known is.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._closed: set[tuple[str, str]] = set()
        self._closed_meanwhile: set[tuple[str, str]] = set()
        self._complete = False
        self._until_s = float("-inf")
        self._reading = asyncio.Lock()

    def changed(self, receipt: Receipt) -> None:
        """Take notice that this process began or ended a cancel."""
        if receipt.cancelling:
            self._closed.add((receipt.desk_id, receipt.account_key))
            self._closed_meanwhile.add((receipt.desk_id, receipt.account_key))
        else:
            # Another receipt may still close the same order: only the database knows.
            self._until_s = float("-inf")

    async def are_open(self, desk_id: str, account_key: str) -> bool:
        """Tell whether a new payment for this order may begin."""
        if self._clock.monotonic() >= self._until_s:
            async with self._reading:
                if self._clock.monotonic() >= self._until_s:
                    await self._read()
        if (desk_id, account_key) in self._closed:
            return False
        return self._complete or not await self._is_closed(desk_id, account_key)

    async def _read(self) -> None:
        self._until_s = self._clock.monotonic() + _BELIEVED_S
        self._closed_meanwhile.clear()
        try:
            rows = await self._store.query(_CLOSED)
        except BaseException:
            self._until_s = float("-inf")
            raise
        # What was closed while the database was asked may be missing in its answer.
        self._closed = {(desk_id, account_key) for desk_id, account_key in rows} | self._closed_meanwhile
        self._complete = len(rows) < _KNOWN_MAX

    async def _is_closed(self, desk_id: str, account_key: str) -> bool:
        values = {"desk_id": desk_id, "account_key": account_key}
        return bool(await self._store.query(_CLOSING, None, values))
