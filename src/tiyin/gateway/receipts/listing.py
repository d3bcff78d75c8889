"""Lists the receipts of a period: pages of a desk's receipts, the newest first.

A page costs the same whether a desk has thousands of receipts or millions: it is read from the index by desk
and moment, newest first, and reading stops with the page. The statements name no bounds of ids, though
PostgreSQL could then leave out the partitions of other months: a second range makes its generic plan expect
next to no rows, read the whole period and sort it (measured with a million receipts: 400 ms instead of 0.5).
A partition in which nothing is found costs one look into its index.

An offset is a number of rows to pass. A small one is passed as it stands. A deep one is first turned into a
moment by the index alone, without any receipt being read: a million rows are passed in some tenths of a
second, and that is the deepest.

Documentation: subscribe-api/receipts.get_all
"""

from typing import Any, Final

import sqlalchemy as sa

from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.protocol.receipts_api import COUNT_MAX, OFFSET_MAX
from tiyin.runtime.tashkent import DAY_MS, TASHKENT_MS
from tiyin.storage import Store

__all__ = ["DAY_MS", "ReceiptLists", "last_ms_of"]


_SHALLOW_MAX: Final = 1_000

_r = RECEIPTS.schema.c
_OF_PERIOD: Final = (
    _r.desk_id == sa.bindparam("desk_id", type_=sa.Text()),
    _r.created_ms >= sa.bindparam("from_ms", type_=sa.BigInteger()),
    _r.created_ms <= sa.bindparam("to_ms", type_=sa.BigInteger()),
)
_skipped: Final = sa.bindparam("skipped", type_=sa.BigInteger())

# Kept, so that each is compiled once. A page's limit is a constant: a planner that knows how little is wanted
# walks the index instead of sorting a whole period.
_PAGE: Final = (
    sa.select(RECEIPTS.schema)
    .where(*_OF_PERIOD)
    .order_by(_r.created_ms.desc(), _r.id.desc())
    .limit(sa.literal_column(str(COUNT_MAX)))
)
_PAGE_AFTER: Final = _PAGE.offset(_skipped)
_MOMENT_AFTER: Final = (
    sa.select(_r.created_ms)
    .where(*_OF_PERIOD)
    .order_by(_r.created_ms.desc())
    .limit(sa.literal_column("1"))
    .offset(_skipped)
)
_COUNT: Final = sa.select(sa.func.count()).select_from(RECEIPTS.schema).where(*_OF_PERIOD)


def last_ms_of(to_ms: int) -> int:
    """Tell the last moment of a period: one that ends at midnight in Tashkent has that whole day in it.

    The documentation's own sample asks from a midnight to the same midnight and is answered that day's
    receipts.

    Args:
        to_ms: `to` as given, milliseconds since 1970.

    Documentation: subscribe-api/receipts.get_all
    """
    return to_ms + DAY_MS - 1 if (to_ms + TASHKENT_MS) % DAY_MS == 0 else to_ms


class ReceiptLists:
    """Lists receipts.

    Args:
        store: Where they are.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    async def page(
        self, desk_id: str, from_ms: int, to_ms: int, *, count: int = COUNT_MAX, offset: int = 0
    ) -> list[Receipt]:
        """Give one page of a desk's receipts, the newest first.

        Args:
            desk_id: Whose.
            from_ms: The first moment of their making, milliseconds since 1970.
            to_ms: The last one, inclusive; see `last_ms_of`.
            count: How many, from 0 to `COUNT_MAX`; more is read as that.
            offset: How many of the newest to leave out, from 0 to `OFFSET_MAX`; more is read as that.

        Documentation: subscribe-api/receipts.get_all
        """
        last_ms = last_ms_of(to_ms)
        if count <= 0 or last_ms < from_ms:
            return []
        values = _values(desk_id, from_ms, last_ms)
        skipped = min(offset, OFFSET_MAX)
        if skipped > _SHALLOW_MAX:
            moments = await self._store.query(_MOMENT_AFTER, None, {**values, "skipped": skipped})
            if not moments:
                return []
            moment_ms = int(moments[0][0])
            # All that is younger is passed for certain; of its own moment's receipts, the rest.
            [(younger,)] = await self._store.query(_COUNT, None, _values(desk_id, moment_ms + 1, last_ms))
            skipped -= min(int(younger), skipped)
            values = _values(desk_id, from_ms, moment_ms)
        if not skipped:
            return (await self._store.query(_PAGE, RECEIPTS, values))[:count]
        return (await self._store.query(_PAGE_AFTER, RECEIPTS, {**values, "skipped": skipped}))[:count]


def _values(desk_id: str, from_ms: int, to_ms: int) -> dict[str, Any]:
    return {
        "desk_id": desk_id,
        "from_ms": from_ms,
        "to_ms": to_ms,
    }
