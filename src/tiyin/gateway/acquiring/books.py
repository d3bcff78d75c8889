"""The test acquirer's own books: every operation by its key, durable.

So after a crash the acquirer's word can be compared with the ledger's.

    (none) ──hold──> held ──capture──> debited ──reverse──> reversed
      ├────────────debit───────────────^                       ^
      ├──────────────reverse (a tombstone)─────────────────────┤
      └──refused──> declined           held ──reverse, expiry──┘

Whatever stands under a key is the answer to every later debit, hold and capture with that key. "declined" and
"reversed" take nothing and never will.

Documentation: subscribe-api/holds.
"""

from datetime import date
from typing import Final

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from tiyin.gateway.cards.numbers import Scheme, scheme_of
from tiyin.gateway.metadata import metadata
from tiyin.runtime.tashkent import DAY_MS, day_number
from tiyin.storage import INTEGER, TEXT, Decision, Table, define, version_column

__all__ = [
    "DEBITED",
    "DECLINED",
    "HELD",
    "HOLD_MS",
    "OPERATIONS",
    "REVERSED",
    "Operation",
    "capture",
    "debit",
    "expire",
    "hold",
    "holds_live_since_ms",
    "is_expired",
    "number_of_day",
    "reverse",
]

HELD: Final = "held"
DEBITED: Final = "debited"
DECLINED: Final = "declined"
REVERSED: Final = "reversed"

HOLD_MS: Final = 30 * DAY_MS
"""How long Uzcard keeps a hold, milliseconds; HUMO's end never by themselves."""


class Operation(msgspec.Struct, frozen=True):
    """One operation.

    Attributes:
        id: Its key, as the caller chose it.
        card: The card's masked number; empty on a tombstone of what never arrived.
        terminal: The terminal it was made on.
        amount_tiyin: How much was asked for.
        state: "held", "debited", "declined" or "reversed".
        code: The code it was declined with, or 0.
        at_ms: When it last changed.
        version: Counted by storage.
        debited_ms: When money left the card, or 0.
        reversed_ms: When what was taken or held was given back, or when the tombstone was made, or 0.
        debited_day: The day of `debited_ms` in Tashkent, days since 1970, or 0: day files are found by it.
        reversed_day: The day on which money that had left the card went back, or 0.
    """

    id: str
    card: str
    terminal: str
    amount_tiyin: int
    state: str
    code: int
    at_ms: int
    version: int = 1
    debited_ms: int = 0
    reversed_ms: int = 0
    debited_day: int = 0
    reversed_day: int = 0


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
        sa.Column("debited_ms", INTEGER, nullable=False),
        sa.Column("reversed_ms", INTEGER, nullable=False),
        sa.Column("debited_day", INTEGER, nullable=False),
        sa.Column("reversed_day", INTEGER, nullable=False),
        sa.Index("acquirer_operations_by_card", "card"),
        # A day's rows lie together and new ones come last: it costs a debit as little as an index can.
        sa.Index("acquirer_operations_by_debited_day", "debited_day", "id"),
        sa.Index(
            "acquirer_operations_by_reversed_day",
            "reversed_day",
            "id",
            sqlite_where=sa.text("reversed_day > 0"),
            postgresql_where=sa.text("reversed_day > 0"),
        ),
        grows=True,
    ),
    Operation,
)


def number_of_day(day: date) -> int:
    """Count a date as `day_number` counts moments, days since 1970."""
    return (day - date(1970, 1, 1)).days


def holds_live_since_ms(card: str, now_ms: int) -> int:
    """Give the moment since which a card's holds are still in force: those made later than it.

    Args:
        card: The number, whole or masked: its first four digits tell its payment system.
        now_ms: The present moment, milliseconds since 1970.
    """
    return -1 if scheme_of(card) is Scheme.HUMO else now_ms - HOLD_MS


def is_expired(stored: Operation, now_ms: int) -> bool:
    """Tell whether a hold has ended by itself: thirty days after it, but for HUMO's."""
    return stored.state == HELD and stored.at_ms <= holds_live_since_ms(stored.card, now_ms)


def debit(stored: Operation | None, asked: Operation) -> Decision[Operation]:
    """Decide a debit: a key that is known answers what it answered before, a tombstone too. Pure.

    Args:
        stored: What stands under the key.
        asked: The debit as the card's limits decide it: "debited" or "declined".
    """
    if stored is not None:
        return Decision(stored)
    if asked.state == DEBITED:
        asked = replace(asked, debited_ms=asked.at_ms, debited_day=day_number(asked.at_ms))
    return Decision(asked, asked)


def hold(stored: Operation | None, asked: Operation) -> Decision[Operation]:
    """Decide a hold, as `debit` does: nothing moves until it is captured. Pure.

    Args:
        stored: What stands under the key.
        asked: The hold as the card's limits decide it: "held" or "declined".
    """
    if stored is None:
        return Decision(asked, asked)
    return expire(stored, asked.at_ms)


def capture(stored: Operation | None, key: str, now_ms: int, code: int) -> Decision[Operation]:
    """Decide the capture of a hold. Pure.

    A key that is not known is declined for good, so that a hold which arrives later sets nothing aside that
    nobody would ever take or give back.

    Args:
        stored: What stands under the key.
        key: The key.
        now_ms: When, milliseconds since 1970.
        code: What a capture of nothing is declined with.
    """
    if stored is None:
        nothing = Operation(key, "", "", 0, DECLINED, code, now_ms)
        return Decision(nothing, nothing)
    if stored.state != HELD or is_expired(stored, now_ms):
        return expire(stored, now_ms)
    taken = replace(stored, state=DEBITED, at_ms=now_ms, debited_ms=now_ms, debited_day=day_number(now_ms))
    return Decision(taken, taken)


def expire(stored: Operation, now_ms: int) -> Decision[Operation]:
    """Decide whether a hold has ended by itself; it ended on its thirtieth day, whenever seen. Pure."""
    if not is_expired(stored, now_ms):
        return Decision(stored)
    ended_ms = stored.at_ms + HOLD_MS
    ended = replace(stored, state=REVERSED, at_ms=ended_ms, reversed_ms=ended_ms)
    return Decision(ended, ended)


def reverse(stored: Operation | None, key: str, now_ms: int) -> Decision[Operation]:
    """Decide a reversal: whatever stands under the key, it takes nothing and holds nothing afterwards. Pure.

    A declined operation took nothing and stays what it is.
    """
    if stored is None:
        tombstone = Operation(key, "", "", 0, REVERSED, 0, now_ms, reversed_ms=now_ms)
        return Decision(tombstone, tombstone)
    if stored.state not in {HELD, DEBITED} or is_expired(stored, now_ms):
        return expire(stored, now_ms)
    reversed_ = replace(
        stored,
        state=REVERSED,
        at_ms=now_ms,
        reversed_ms=now_ms,
        reversed_day=day_number(now_ms) if stored.state == DEBITED else 0,
    )
    return Decision(reversed_, reversed_)
