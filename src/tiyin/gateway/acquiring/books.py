"""The test acquirer's own books: every operation by its key, durable.

So after a crash the acquirer's word can be compared with the ledger's.
"""

from typing import Final

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from tiyin.gateway.metadata import metadata
from tiyin.storage import INTEGER, TEXT, Decision, Table, define, version_column

__all__ = ["DEBITED", "DECLINED", "OPERATIONS", "REVERSED", "Operation", "debit", "reverse"]

DEBITED: Final = "debited"
DECLINED: Final = "declined"
REVERSED: Final = "reversed"


class Operation(msgspec.Struct, frozen=True):
    """One operation.

    Attributes:
        id: Its key, as the caller chose it.
        card: The card's masked number; empty on the tombstone of a debit that never arrived.
        terminal: The terminal it was made on.
        amount_tiyin: How much was asked for.
        state: "debited", "declined" or "reversed".
        code: The code it was declined with, or 0.
        at_ms: When it last changed.
        version: Counted by storage.
    """

    id: str
    card: str
    terminal: str
    amount_tiyin: int
    state: str
    code: int
    at_ms: int
    version: int = 1


OPERATIONS: Final = Table(
    define(
        "acquirer_operations",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("card", TEXT, nullable=False),
        sa.Column("terminal", TEXT, nullable=False),
        sa.Column("amount_tiyin", INTEGER, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("code", INTEGER, nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        version_column(),
        sa.Index("acquirer_operations_by_card", "card"),
        grows=True,
    ),
    Operation,
)


def debit(stored: Operation | None, asked: Operation) -> Decision[Operation]:
    """Decide a debit: a key that is known answers what it answered before, a tombstone too. Pure."""
    if stored is not None:
        return Decision(stored)
    return Decision(asked, asked)


def reverse(stored: Operation | None, key: str, now_ms: int) -> Decision[Operation]:
    """Decide a reversal: whatever stands under the key, a reversed operation stands there afterwards. Pure.

    A declined operation took nothing and stays what it is.
    """
    if stored is None:
        tombstone = Operation(key, "", "", 0, REVERSED, 0, now_ms)
        return Decision(tombstone, tombstone)
    if stored.state != DEBITED:
        return Decision(stored)
    reversed_ = replace(stored, state=REVERSED, at_ms=now_ms)
    return Decision(reversed_, reversed_)
