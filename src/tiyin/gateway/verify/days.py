"""Closed days: recounted, each beginning where the one before ended, and every desk settled."""

from collections.abc import Iterator
from datetime import date
from typing import Final

from tiyin.gateway.ledger.calendar import day_span, next_day
from tiyin.gateway.ledger.closing import LATE_DAYS
from tiyin.gateway.ledger.days import DAY_ACCOUNTS, DESK_DAYS, Day, DeskDay
from tiyin.gateway.ledger.entries import ENTRIES, desk_of_account
from tiyin.gateway.ledger.movements import Movements
from tiyin.gateway.ledger.payouts import PAYOUTS, payout_id
from tiyin.gateway.ledger.reading import closed_days, counted_of_day, last_closed, recount, run_rows
from tiyin.gateway.ledger.settlement import Settlement, settle
from tiyin.gateway.verify.report import VerifyReport
from tiyin.storage import Store

__all__ = ["verify_days"]

_DESKS: Final = 500


async def verify_days(store: Store, report: VerifyReport) -> None:
    """Check every closed day.

    Args:
        store: The gateway's database.
        report: Where findings go.
    """
    latest = await last_closed(store)
    if latest is None:
        return
    # The next close looks back so far.
    looked_at = next_day(date.fromisoformat(latest.id), 1 - LATE_DAYS)
    before: tuple[Day, dict[str, int]] | None = None
    async for day in closed_days(store):
        report.days += 1
        if before is not None and next_day(date.fromisoformat(before[0].id)).isoformat() != day.id:
            report.add(day.id, "the day before was not closed")
        balances = await _accounts(store, report, day, {} if before is None else before[1])
        await _recounted(store, report, day, carried=date.fromisoformat(day.id) >= looked_at)
        await _desks(store, report, day)
        before = (day, balances)


async def _accounts(store: Store, report: VerifyReport, day: Day, before: dict[str, int]) -> dict[str, int]:
    """Check that balances lead from one day to the next; give those that the day ends with."""
    ending: dict[str, int] = {}
    left = dict(before)
    async for rows in run_rows(store, DAY_ACCOUNTS, day):
        for row in rows:
            if row.opening_tiyin != left.pop(row.account, 0):
                report.add(day.id, f"{row.account} does not open with what the day before closed with")
            if row.closing_tiyin != row.opening_tiyin + row.credit_tiyin - row.debit_tiyin:
                report.add(day.id, f"{row.account} does not close with what moved")
            if row.closing_tiyin and desk_of_account(row.account) is not None:
                report.add(day.id, f"{row.account} was not settled")
            if row.closing_tiyin:
                ending[row.account] = row.closing_tiyin
    for account in left:
        report.add(day.id, f"{account} has a balance from the day before and no row")
    return ending


async def _recounted(store: Store, report: VerifyReport, day: Day, *, carried: bool) -> None:
    """Check that what was counted of a day's entries is what they say."""
    counted = await counted_of_day(store, day.id)
    # Read after what was counted: entries only ever come to it.
    there = await recount(store, date.fromisoformat(day.id))
    late = there.entries - counted.entries
    if late > 0:
        report.late += late
        if not carried:
            report.add(day.id, f"{late} entries came later than any close looks for them")
        return
    if late < 0:
        report.add(day.id, f"{-late} entries are gone that were counted")
    for account in sorted(_differing(counted, there)):
        report.add(day.id, f"the totals of {account} are not what the day's entries say")


def _differing(one: Movements, other: Movements) -> Iterator[str]:
    for account in {*one.accounts, *other.accounts}:
        if one.accounts[account] != other.accounts[account]:
            yield account


async def _desks(store: Store, report: VerifyReport, day: Day) -> None:
    """Check that every desk was settled as the rule says, and that it is booked."""
    end_ms = day_span(date.fromisoformat(day.id))[1]
    payouts, payouts_tiyin = 0, 0
    async for desks in run_rows(store, DESK_DAYS, day, _DESKS):
        booked = {
            desk.desk_id: Settlement(desk.suspended_tiyin, desk.recovered_tiyin, desk.payout_tiyin)
            for desk in desks
        }
        made = {desk: settlement.entries(desk, end_ms) for desk, settlement in booked.items()}
        entries = await store.get_many(ENTRIES, {entry.id for found in made.values() for entry in found})
        paying = {payout_id(day.id, desk.desk_id) for desk in desks if desk.payout_tiyin}
        paid = await store.get_many(PAYOUTS, paying)
        for desk in desks:
            for what in _wrong_desk(desk):
                report.add(desk.id, what)
            for entry in made[desk.desk_id]:
                if entries.get(entry.id) != entry:
                    report.add(desk.id, f"the entry {entry.what} is missing or another")
            if desk.payout_tiyin and payout_id(day.id, desk.desk_id) not in paid:
                report.add(desk.id, "the payout is missing")
        payouts += len(paying)
        payouts_tiyin += sum(desk.payout_tiyin for desk in desks)
    if (day.payouts, day.payouts_tiyin) != (payouts, payouts_tiyin):
        report.add(day.id, "the day's payouts are not those of its desks")


def _wrong_desk(desk: DeskDay) -> Iterator[str]:
    if desk.net_tiyin != desk.gross_tiyin - desk.commission_tiyin - desk.refunds_tiyin:
        yield "gross less commission and refunds is not what is left"
    if desk.balance_tiyin != desk.net_tiyin + desk.late_tiyin + desk.returned_tiyin:
        yield "the desk's balance is not what the day brought it"
    expected = settle(desk.balance_tiyin, desk.debt_tiyin)
    if expected != Settlement(desk.suspended_tiyin, desk.recovered_tiyin, desk.payout_tiyin):
        yield "the desk was not settled as its balance says"
