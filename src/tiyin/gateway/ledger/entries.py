"""The ledger's entries: double entry, append-only, whole tiyin of currency 860.

An entry moves an amount from one account (credit) to another (debit), so it cannot fail to balance; entries
are never changed or deleted, and balances are derived from them. An entry's key is the receipt's id and
what happened, so that the same thing cannot be booked twice.

    what happened     debit                credit               when
    held              acquirer-holds       held                 money is set aside on a card (5)
    posted            held                 acquirer-holds       the hold is captured, beside `taken`
    voided            held                 acquirer-holds       the hold is given back (50)
    taken             acquirer             in-flight            a card was debited
    earned            in-flight            desk:<id>            the receipt is paid (4), less commission
    commission        in-flight            commission           the receipt is paid (4)
    returning         in-flight            returns              money that was not earned yet must go back
    refunding         desk:<id>            returns              the billing agreed to a refund (4)
    uncommission      commission           returns              the commission goes back with it
    returned          returns              acquirer             the money went back to its card (50)
    suspended         suspense:<desk>      desk:<id>            a day closes and the desk owes us something
    recovered         desk:<id>            suspense:<desk>      a later day of the desk's pays for it
    payout            desk:<id>            payouts              a day closes: what is owed is to be paid
    paid-out          payouts              bank                 the bank has paid it
    payout-returned   bank                 desk:<id>            the bank sent it back: it is owed again

"acquirer" is what the acquirer owes us, "desk:<id>" what we owe a cash desk, "returns" what is on its way
back to cards, "suspense:<desk>" what a desk owes us, "payouts" what is on its way to desks. A hold is
pending: it stands on two accounts of its own until it is posted or voided. A payment that the merchant splits
has one "earned" and one "refunding" for each of its receivers.

So what was taken and not returned always equals what is owed to desks, earned as commission, in flight, on
its way back, on its way to desks and paid out, less what desks owe.

An entry that belongs to no receipt begins with 24 hexadecimal characters too: the moment that its day ends
at, and zeros. So it lies in that month's partition.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.storage import INTEGER, TEXT, Table, define

__all__ = [
    "ACQUIRER",
    "ACQUIRER_HOLDS",
    "BANK",
    "COMMISSION",
    "ENTRIES",
    "HELD_MONEY",
    "IN_FLIGHT",
    "PAYOUTS_DUE",
    "RETURNS",
    "Entry",
    "Share",
    "commission_of",
    "desk_account",
    "desk_of_account",
    "earned",
    "held",
    "paid_out",
    "payout",
    "payout_returned",
    "posted",
    "recovered",
    "refunding",
    "returned",
    "returning",
    "suspended",
    "suspense_account",
    "taken",
    "voided",
]

ACQUIRER: Final = "acquirer"
ACQUIRER_HOLDS: Final = "acquirer-holds"
HELD_MONEY: Final = "held"
IN_FLIGHT: Final = "in-flight"
COMMISSION: Final = "commission"
RETURNS: Final = "returns"
PAYOUTS_DUE: Final = "payouts"
BANK: Final = "bank"
_DESK_PREFIX: Final = "desk:"
_SUSPENSE_PREFIX: Final = "suspense:"
_BASIS_POINTS: Final = 10_000


class Entry(msgspec.Struct, frozen=True):
    """One entry.

    Attributes:
        id: The receipt's id and what happened: "<24 hex>:taken"; with a split also whose:
            "...:earned:<desk>".
        receipt_id: Which receipt; empty where there is none.
        what: "taken", "earned", "commission" ...
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
        sa.Index("ledger_entries_by_time", "at_ms", "id"),
        grows=True,
    ),
    Entry,
)
"""The ledger's entries, appended in the same commit as the move that they book."""


class Share(msgspec.Struct, frozen=True, array_like=True):
    """What one cash desk gets of a payment.

    Attributes:
        desk_id: Whose share.
        amount_tiyin: How much of the payment; greater than zero.
        commission_tiyin: The gateway's commission on it.
    """

    desk_id: str
    amount_tiyin: int
    commission_tiyin: int


def desk_account(desk_id: str) -> str:
    """Name the account of what is owed to a cash desk."""
    return _DESK_PREFIX + desk_id


def suspense_account(desk_id: str) -> str:
    """Name the account of what a cash desk owes."""
    return _SUSPENSE_PREFIX + desk_id


def desk_of_account(account: str) -> str | None:
    """Tell whose account it is where it is a desk's own; None for any other."""
    return account.removeprefix(_DESK_PREFIX) if account.startswith(_DESK_PREFIX) else None


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


def _entry(receipt_id: str, what: str, debit: str, credit: str, amount_tiyin: int, at_ms: int) -> Entry:
    return Entry(f"{receipt_id}:{what}", receipt_id, what, debit, credit, amount_tiyin, at_ms)


def held(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that money is set aside on a card for a receipt."""
    return _entry(receipt_id, "held", ACQUIRER_HOLDS, HELD_MONEY, amount_tiyin, at_ms)


def posted(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that a hold is over because its money was taken; `taken` stands beside it."""
    return _entry(receipt_id, "posted", HELD_MONEY, ACQUIRER_HOLDS, amount_tiyin, at_ms)


def voided(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that a hold is over and nothing was taken."""
    return _entry(receipt_id, "voided", HELD_MONEY, ACQUIRER_HOLDS, amount_tiyin, at_ms)


def taken(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that a card was debited for a receipt."""
    return _entry(receipt_id, "taken", ACQUIRER, IN_FLIGHT, amount_tiyin, at_ms)


def earned(receipt_id: str, shares: Sequence[Share], at_ms: int) -> tuple[Entry, ...]:
    """Book that a receipt is paid: its money is owed to its desks, less the commission.

    Args:
        receipt_id: Which receipt.
        shares: Who gets how much; their amounts are the receipt's.
        at_ms: When.
    """
    return _by_share(receipt_id, "earned", shares, at_ms) + _commission(
        receipt_id, "commission", shares, at_ms
    )


def refunding(receipt_id: str, shares: Sequence[Share], at_ms: int) -> tuple[Entry, ...]:
    """Book that what was paid must go back to its card: from the desks, and the commission with it.

    Args:
        receipt_id: Which receipt.
        shares: Who had got how much.
        at_ms: When.
    """
    return _by_share(receipt_id, "refunding", shares, at_ms) + _commission(
        receipt_id, "uncommission", shares, at_ms
    )


def _by_share(receipt_id: str, what: str, shares: Sequence[Share], at_ms: int) -> tuple[Entry, ...]:
    """Book each share's own part between the desk and the way of the money; nothing for a part of nothing."""
    entries = []
    for share in shares:
        own_tiyin = share.amount_tiyin - share.commission_tiyin
        if own_tiyin <= 0:
            continue
        key = f"{receipt_id}:{what}" if len(shares) == 1 else f"{receipt_id}:{what}:{share.desk_id}"
        desk = desk_account(share.desk_id)
        debit, credit = (IN_FLIGHT, desk) if what == "earned" else (desk, RETURNS)
        entries.append(Entry(key, receipt_id, what, debit, credit, own_tiyin, at_ms))
    return tuple(entries)


def _commission(receipt_id: str, what: str, shares: Sequence[Share], at_ms: int) -> tuple[Entry, ...]:
    amount_tiyin = sum(share.commission_tiyin for share in shares)
    if not amount_tiyin:
        return ()
    debit, credit = (IN_FLIGHT, COMMISSION) if what == "commission" else (COMMISSION, RETURNS)
    return (_entry(receipt_id, what, debit, credit, amount_tiyin, at_ms),)


def returning(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that the money of a receipt which will not be paid must go back to its card."""
    return _entry(receipt_id, "returning", IN_FLIGHT, RETURNS, amount_tiyin, at_ms)


def returned(receipt_id: str, amount_tiyin: int, at_ms: int) -> Entry:
    """Book that the money went back to its card."""
    return _entry(receipt_id, "returned", RETURNS, ACQUIRER, amount_tiyin, at_ms)


def _of_day(day_end_ms: int, what: str, desk_id: str, debit: str, credit: str, amount_tiyin: int) -> Entry:
    """Book what the close of a day does: a part of that day, in its last millisecond."""
    key = f"{day_end_ms:012x}{'0' * 12}:{what}:{desk_id}"
    return Entry(key, "", what, debit, credit, amount_tiyin, day_end_ms)


def suspended(desk_id: str, amount_tiyin: int, day_end_ms: int) -> Entry:
    """Book that a desk owes something at the end of a day.

    Args:
        desk_id: Which desk.
        amount_tiyin: How much.
        day_end_ms: The last millisecond of the day that closes; the entry belongs to that day.
    """
    return _of_day(
        day_end_ms, "suspended", desk_id, suspense_account(desk_id), desk_account(desk_id), amount_tiyin
    )


def recovered(desk_id: str, amount_tiyin: int, day_end_ms: int) -> Entry:
    """Book that a desk's day pays for what it owed; as `suspended`."""
    return _of_day(
        day_end_ms, "recovered", desk_id, desk_account(desk_id), suspense_account(desk_id), amount_tiyin
    )


def payout(desk_id: str, amount_tiyin: int, day_end_ms: int) -> Entry:
    """Book that what is owed to a desk at the end of a day is to be paid; as `suspended`."""
    return _of_day(day_end_ms, "payout", desk_id, desk_account(desk_id), PAYOUTS_DUE, amount_tiyin)


def paid_out(desk_id: str, amount_tiyin: int, day_end_ms: int, at_ms: int) -> Entry:
    """Book that the bank has paid a payout.

    Args:
        desk_id: Whose payout.
        amount_tiyin: Its amount.
        day_end_ms: The last millisecond of the payout's day, which names it.
        at_ms: When it became known.
    """
    key = f"{day_end_ms:012x}{'0' * 12}:paid-out:{desk_id}"
    return Entry(key, "", "paid-out", PAYOUTS_DUE, BANK, amount_tiyin, at_ms)


def payout_returned(desk_id: str, amount_tiyin: int, day_end_ms: int, at_ms: int) -> Entry:
    """Book that the bank sent a payout back: it is owed to the desk again; as `paid_out`."""
    key = f"{day_end_ms:012x}{'0' * 12}:payout-returned:{desk_id}"
    return Entry(key, "", "payout-returned", BANK, desk_account(desk_id), amount_tiyin, at_ms)
