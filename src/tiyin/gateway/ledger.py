"""The ledger: double entry, append-only, whole tiyin of currency 860.

An entry moves an amount from one account (credit) to another (debit), so it cannot fail to balance; entries
are never changed or deleted, and balances are derived from them. An entry's key is the receipt's id and
what happened, so that the same thing cannot be booked twice.

    what happened     debit                credit               amount
    taken             acquirer             in-flight            the receipt's        a card was debited
    earned            in-flight            desk:<id>            less commission      the receipt is paid (4)
    commission        in-flight            commission           the commission       the receipt is paid (4)
    returning         in-flight            returns              the receipt's        the money must go back
    returned          returns              acquirer             the receipt's        the money went back (50)

"acquirer" is what the acquirer owes us, "desk:<id>" what we owe a cash desk, "returns" what is on its way
back to cards. So what was taken and not returned always equals what is owed to desks, earned as commission,
in flight and on its way back.
"""

from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.storage import INTEGER, TEXT, Table, define

__all__ = [
    "ACQUIRER",
    "COMMISSION",
    "ENTRIES",
    "IN_FLIGHT",
    "RETURNS",
    "Entry",
    "commission_of",
    "desk_account",
    "earned",
    "returned",
    "returning",
    "taken",
]

ACQUIRER: Final = "acquirer"
IN_FLIGHT: Final = "in-flight"
COMMISSION: Final = "commission"
RETURNS: Final = "returns"
_DESK_PREFIX: Final = "desk:"
_BASIS_POINTS: Final = 10_000


class Entry(msgspec.Struct, frozen=True):
    """One entry.

    Attributes:
        id: The receipt's id and what happened: "<24 hex>:taken".
        receipt_id: Which receipt.
        what: "taken", "earned", "commission", "returning" or "returned".
        debit: The account that receives.
        credit: The account that gives.
        amount_tiyin: How much; greater than zero.
        at_ms: When, milliseconds since 1970.
    """

    id: str
    receipt_id: str
    what: str
    debit: str
    credit: str
    amount_tiyin: int
    at_ms: int


ENTRIES: Final = Table(
    define(
        "ledger_entries",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("receipt_id", TEXT, nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("debit", TEXT, nullable=False),
        sa.Column("credit", TEXT, nullable=False),
        sa.Column("amount_tiyin", INTEGER, nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        grows=True,
    ),
    Entry,
)
"""The ledger's entries, appended in the same commit as the move that they book."""


def desk_account(desk_id: str) -> str:
    """Name the account of what is owed to a cash desk."""
    return _DESK_PREFIX + desk_id


def commission_of(amount_tiyin: int, basis_points: int) -> int:
    """Reckon a desk's commission, in tiyin, halves rounded up.

    Args:
        amount_tiyin: The receipt's amount.
        basis_points: Hundredths of a percent, 0 to 10,000.

    Raises:
        ValueError: If the basis points are out of bounds.
    """
    if not 0 <= basis_points <= _BASIS_POINTS:
        raise ValueError(f"a commission is 0 to 10,000 basis points, not {basis_points}")
    return (amount_tiyin * basis_points + _BASIS_POINTS // 2) // _BASIS_POINTS


def taken(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that a card was debited for a receipt."""
    return Entry(f"{receipt_id}:taken", receipt_id, "taken", ACQUIRER, IN_FLIGHT, amount_tiyin, at_ms)


def earned(
    receipt_id: str, desk_id: str, amount_tiyin: int, commission_tiyin: int, at_ms: int
) -> tuple[Entry, ...]:
    """Book that a receipt is paid: its money is owed to the desk, less the commission."""
    entries = []
    if amount_tiyin > commission_tiyin:
        entries.append(
            Entry(
                f"{receipt_id}:earned",
                receipt_id,
                "earned",
                IN_FLIGHT,
                desk_account(desk_id),
                amount_tiyin - commission_tiyin,
                at_ms,
            )
        )
    if commission_tiyin:
        entries.append(
            Entry(
                f"{receipt_id}:commission",
                receipt_id,
                "commission",
                IN_FLIGHT,
                COMMISSION,
                commission_tiyin,
                at_ms,
            )
        )
    return tuple(entries)


def returning(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that the money of a receipt which will not be paid must go back to its card."""
    return Entry(f"{receipt_id}:returning", receipt_id, "returning", IN_FLIGHT, RETURNS, amount_tiyin, at_ms)


def returned(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that the money went back to its card."""
    return Entry(f"{receipt_id}:returned", receipt_id, "returned", RETURNS, ACQUIRER, amount_tiyin, at_ms)
