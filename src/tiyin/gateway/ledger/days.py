"""What is stored of a closed day: its totals by account, what came late, and each desk's report.

A day's rows are written by a *run*, in pieces; the day itself names the run that counts. What a run left
behind that died half-way is never read.
"""

from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.metadata import metadata
from tiyin.storage import INTEGER, TEXT, Table, define, version_column

__all__ = [
    "CLOSED",
    "COUNTING",
    "DAYS",
    "DAY_ACCOUNTS",
    "DAY_LATE",
    "DESK_DAYS",
    "SETTLING",
    "Day",
    "DayAccount",
    "DayLate",
    "DeskDay",
]

COUNTING: Final = "counting"
"""Somebody is reading the day's entries; nothing counts yet."""
SETTLING: Final = "settling"
"""The totals stand for ever; payouts are being booked from them."""
CLOSED: Final = "closed"


class Day(msgspec.Struct, frozen=True):
    """A day that is closed, or being closed.

    Attributes:
        id: The day, "2026-11-24".
        state: "counting", "settling" or "closed".
        run: Whose rows count; empty while it is being counted.
        entries: How many entries of this day were counted, those of its own settlement included.
        late_entries: How many entries of earlier days came too late for those and are counted in this one.
        payouts: How many payouts it made.
        payouts_tiyin: Their sum.
        began_ms: When the close began.
        closed_ms: When it was done, else 0.
        version: Counted by storage.
    """

    id: str
    state: str
    run: str
    entries: int
    late_entries: int
    payouts: int
    payouts_tiyin: int
    began_ms: int
    closed_ms: int
    version: int = 1


class DayAccount(msgspec.Struct, frozen=True):
    """What moved on an account in a day, what came late for earlier days included.

    Balances are credit less debit: what is owed is above zero, what the acquirer owes us below.

    Attributes:
        id: "<day>:<run>:<account>".
        day: The day.
        account: The account.
        debits: How many debits.
        debit_tiyin: Their sum.
        credits: How many credits.
        credit_tiyin: Their sum.
        opening_tiyin: The balance when the day began.
        closing_tiyin: The balance when it ended.
    """

    id: str
    day: str
    account: str
    debits: int
    debit_tiyin: int
    credits: int
    credit_tiyin: int
    opening_tiyin: int
    closing_tiyin: int


class DayLate(msgspec.Struct, frozen=True):
    """What of an earlier day's entries came too late for it, by account: part of the day that counted them.

    Attributes:
        id: "<entry day>:<day>:<run>:<account>".
        day: The day in whose totals it is counted.
        run: The run of that day.
        entry_day: The day that the entries' time says.
        account: The account.
        debits: How many debits.
        debit_tiyin: Their sum.
        credits: How many credits.
        credit_tiyin: Their sum.
    """

    id: str
    day: str
    run: str
    entry_day: str
    account: str
    debits: int
    debit_tiyin: int
    credits: int
    credit_tiyin: int


class DeskDay(msgspec.Struct, frozen=True):
    """A cash desk's report of a day.

        gross - commission - refunds = net
        net + late + returned = balance = recovered + payout - suspended

    Attributes:
        id: "<day>:<run>:<desk>".
        day: The day.
        desk_id: The desk.
        payments: How many payments it had a share of.
        gross_tiyin: What was paid of them for this desk.
        commission_tiyin: The commission on them, less the commission on refunds.
        refunds: How many refunds.
        refunds_tiyin: What payers get back of this desk's.
        net_tiyin: What the day left to the desk.
        late_tiyin: What entries of earlier days that came late left to it, or took.
        returned_tiyin: Earlier payouts that the bank sent back.
        balance_tiyin: What is owed to the desk before the settlement; below zero, what it owes.
        debt_tiyin: What it owes from earlier days.
        suspended_tiyin: What it owes for this day.
        recovered_tiyin: What of the debt this day pays.
        payout_tiyin: What is to be paid to it; the account stands at zero afterwards.
    """

    id: str
    day: str
    desk_id: str
    payments: int
    gross_tiyin: int
    commission_tiyin: int
    refunds: int
    refunds_tiyin: int
    net_tiyin: int
    late_tiyin: int
    returned_tiyin: int
    balance_tiyin: int
    debt_tiyin: int
    suspended_tiyin: int
    recovered_tiyin: int
    payout_tiyin: int


def _counts() -> tuple[sa.Column[int], ...]:
    return tuple(
        sa.Column(name, INTEGER, nullable=False)
        for name in ("debits", "debit_tiyin", "credits", "credit_tiyin")
    )


DAY_ACCOUNTS: Final = Table(
    define(
        "ledger_day_accounts",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        *_counts(),
        sa.Column("opening_tiyin", INTEGER, nullable=False),
        sa.Column("closing_tiyin", INTEGER, nullable=False),
    ),
    DayAccount,
)

DAY_LATE: Final = Table(
    define(
        "ledger_day_late",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("entry_day", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        *_counts(),
        sa.Index("ledger_day_late_by_day", "day"),
    ),
    DayLate,
)

DESK_DAYS: Final = Table(
    define(
        "ledger_desk_days",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("day", TEXT, nullable=False),
        sa.Column("desk_id", TEXT, nullable=False),
        *(
            sa.Column(name, INTEGER, nullable=False)
            for name in DeskDay.__struct_fields__
            if name not in {"id", "day", "desk_id"}
        ),
    ),
    DeskDay,
)

DAYS: Final = Table(
    define(
        "ledger_days",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("state", TEXT, nullable=False),
        sa.Column("run", TEXT, nullable=False),
        sa.Column("entries", INTEGER, nullable=False),
        sa.Column("late_entries", INTEGER, nullable=False),
        sa.Column("payouts", INTEGER, nullable=False),
        sa.Column("payouts_tiyin", INTEGER, nullable=False),
        sa.Column("began_ms", INTEGER, nullable=False),
        sa.Column("closed_ms", INTEGER, nullable=False),
        version_column(),
    ),
    Day,
    appends=(DAY_ACCOUNTS, DAY_LATE, DESK_DAYS),
)
