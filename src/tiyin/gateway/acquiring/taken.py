"""What the acquirer's books say that a card has lost: the sum of what was taken and what is set aside."""

from typing import Final

import sqlalchemy as sa

from tiyin.gateway.acquiring.books import DEBITED, HELD, OPERATIONS, holds_live_since_ms
from tiyin.storage import Store

__all__ = ["taken_tiyin"]

_OPERATION: Final = OPERATIONS.schema.c
_TAKEN: Final = sa.select(
    sa.cast(sa.func.coalesce(sa.func.sum(_OPERATION.amount_tiyin), 0), sa.BigInteger)
).where(
    _OPERATION.card == sa.bindparam("card", type_=sa.Text),
    sa.or_(
        _OPERATION.state == DEBITED,
        sa.and_(_OPERATION.state == HELD, _OPERATION.at_ms > sa.bindparam("since_ms", type_=sa.BigInteger)),
    ),
)


async def taken_tiyin(store: Store, card: str, now_ms: int) -> int:
    """Sum up what a card was debited and not given back, and the holds on it that are still in force.

    Args:
        store: Where the books are.
        card: The card's masked number.
        now_ms: The present moment, milliseconds since 1970.

    Returns:
        Tiyin.

    Raises:
        StorageError: When the books could not be read.
    """
    values = {"card": card, "since_ms": holds_live_since_ms(card, now_ms)}
    rows = await store.query(_TAKEN, None, values)
    return int(rows[0][0])
