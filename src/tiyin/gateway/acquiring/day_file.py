"""A day's file out of the acquirer's books: what left cards on that day and what went back to them.

Each part is found by an index on (day, key), so that a part costs what it holds, however long the day was.
"""

from datetime import date
from typing import Final

import sqlalchemy as sa

from tiyin.gateway.acquiring.books import OPERATIONS, number_of_day
from tiyin.gateway.acquiring.port import DayLine
from tiyin.storage import Store

__all__ = ["day_file"]

_DEBIT: Final = "debit"
_REVERSAL: Final = "reversal"

_OPERATION: Final = OPERATIONS.schema.c
_DAY: Final = sa.bindparam("day", type_=sa.BigInteger)
_KEY: Final = sa.bindparam("key", type_=sa.Text)
_LIMIT: Final = sa.bindparam("rows", type_=sa.Integer)
_DEBITS: Final = (
    sa.select(OPERATIONS.schema)
    .where(_OPERATION.debited_day == _DAY, _OPERATION.id > _KEY)
    .order_by(_OPERATION.id)
    .limit(_LIMIT)
)
# The index is a partial one: a database uses it only where its condition is written out.
_REVERSALS: Final = (
    sa.select(OPERATIONS.schema)
    .where(
        _OPERATION.reversed_day == _DAY,
        _OPERATION.reversed_day > sa.literal_column("0"),
        _OPERATION.id > _KEY,
    )
    .order_by(_OPERATION.id)
    .limit(_LIMIT)
)


async def day_file(store: Store, day: date, after: str, limit: int) -> list[DayLine]:
    """Give a part of a day's file, ordered by key and kind.

    Args:
        store: Where the books are.
        day: A day of Tashkent.
        after: The last line's "<key> <kind>" that the caller has; empty for the first part.
        limit: How many lines at most, at least 1.

    Raises:
        StorageError: When the books could not be read.
    """
    key, _, kind = after.rpartition(" ")
    values = {"day": number_of_day(day), "key": key, "rows": limit}
    debits = await store.query(_DEBITS, OPERATIONS, values)
    reversals = await store.query(_REVERSALS, OPERATIONS, values)
    lines = [DayLine(row.id, _DEBIT, row.amount_tiyin, row.debited_ms, row.terminal) for row in debits]
    lines += [
        DayLine(row.id, _REVERSAL, row.amount_tiyin, row.reversed_ms, row.terminal) for row in reversals
    ]
    if kind == _DEBIT:
        # The reversal of the very operation whose debit ended the part before is still to come.
        operation = await store.get(OPERATIONS, key)
        if operation is not None and operation.reversed_day == number_of_day(day):
            lines.append(
                DayLine(key, _REVERSAL, operation.amount_tiyin, operation.reversed_ms, operation.terminal)
            )
    return sorted(lines, key=lambda line: (line.key, line.kind))[:limit]
