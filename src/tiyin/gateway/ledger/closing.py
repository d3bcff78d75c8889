"""Closing a day: its totals by account are stored for ever, and each desk's balance is settled.

    counting   entries are read in pages and summed up; the rows are written in pieces that nobody reads yet
    settling   one commit says whose rows count; from here on all is decided, and payouts are booked from them
    closed     done; the next day can be closed

A day closes five minutes after midnight. Any number of processes may try: a lease lets one of them work, and
each step can be done again by another, since every row and entry has a key of its own and the totals are
written once. Days that were missed are closed one after the other, oldest first.

**What comes late is not lost.** An entry may be committed with a time of a day that was closed already: its
process stood still, or its clock was behind. So a close also counts the entries of the 31 days before it
anew, and what those days and the closes after them did not count is counted in the day that is being closed,
and stored beside it (`DayLate`). Entries are never changed or deleted, so what was counted is always a part
of what is there, and the difference is exactly what came late. `tiyin verify` finds what would be later
still.
"""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from tiyin.gateway.ledger.calendar import day_of, day_span, next_day
from tiyin.gateway.ledger.days import (
    CLOSED,
    COUNTING,
    DAY_ACCOUNTS,
    DAY_LATE,
    DAYS,
    DESK_DAYS,
    SETTLING,
    Day,
    DayAccount,
    DayLate,
    DeskDay,
)
from tiyin.gateway.ledger.entries import ENTRIES, desk_account, desk_of_account, suspense_account
from tiyin.gateway.ledger.movements import DeskSums, Movements, Reports, receipts_to_read
from tiyin.gateway.ledger.payouts import PAYOUTS, Payout, new_payout, payout_id
from tiyin.gateway.ledger.reading import (
    PAGE,
    count_entries,
    counted_of_day,
    counts_of_days,
    day_entries,
    last_closed,
    recount,
    run_rows,
)
from tiyin.gateway.ledger.settlement import Settlement, settle
from tiyin.gateway.receipts.records import RECEIPTS, shares_of
from tiyin.runtime.clock import Clock
from tiyin.storage import Decision, Done, Lease, LeaseLost, Schedule, Store, Table, Taken

__all__ = ["GRACE_MS", "LATE_DAYS", "WORK_KIND", "Closer"]

GRACE_MS: Final = 5 * 60 * 1000
"""How long after midnight a day closes."""
LATE_DAYS: Final = 31
"""Of so many days before the one that closes it is looked whether something came late."""
WORK_KIND: Final = "day"
"""The kind of the work-queue rows of days that are being closed."""

_LEASE_MS: Final = 120_000
_PIECE: Final = 500
_AT_ONCE: Final = 64


class _Counted(msgspec.Struct):
    """A day as it was read: what it opened with, what moved, and what that means to desks."""

    opening: dict[str, int]
    own: Movements
    late: dict[date, Movements]
    reports: Reports
    settled: dict[str, tuple[int, int, Settlement]] = msgspec.field(default_factory=dict)

    def total(self) -> Movements:
        """Give all that moved, what came late included."""
        total = Movements()
        for movements in (self.own, *self.late.values()):
            for account, moved in movements.accounts.items():
                total.put(account, moved)
        return total


class Closer:
    """Closes days.

    Args:
        store: The gateway's store.
        clock: The gateway's clock.
        owner: This process's name in the work queue.
        lease_ms: How long a lease is.
        page: How many entries are read at a time.
    """

    def __init__(
        self, store: Store, clock: Clock, *, owner: str, lease_ms: int = _LEASE_MS, page: int = PAGE
    ) -> None:
        self._store = store
        self._clock = clock
        self._owner = owner
        self._lease_ms = lease_ms
        self._page = page

    async def close_due(self, until: date | None = None) -> list[Day]:
        """Close every day that is over and not closed yet, oldest first.

        Args:
            until: The last day to close; None for all that are over.

        Returns:
            The days that were closed; fewer than are due when another process is closing one now.
        """
        closed: list[Day] = []
        while (day := await self.next_due()) is not None and (until is None or day <= until):
            done = await self._close(day)
            if done is None:
                break
            closed.append(done)
        return closed

    async def next_due(self) -> date | None:
        """Tell the next day to close; None when there is none that is over, or nothing was ever booked."""
        latest = await last_closed(self._store)
        if latest is not None:
            day = next_day(date.fromisoformat(latest.id))
        else:
            at_ms = ENTRIES.schema.c.at_ms
            first = await self._store.query(sa.select(at_ms).order_by(at_ms).limit(1))
            if not first:
                return None
            day = day_of(int(first[0][0]))
        return day if day < day_of(self._clock.now_ms() - GRACE_MS) else None

    async def _close(self, day: date) -> Day | None:
        """Close a day; None when another process has it."""
        day_id = day.isoformat()
        key = f"day:{day_id}"
        began_ms = self._clock.now_ms()

        def begin(stored: Day | None) -> Decision[Day]:
            if stored is not None and stored.state == CLOSED:
                return Decision(stored)
            work = Schedule(key, WORK_KIND, owner=self._owner, lease_ms=self._lease_ms)
            if stored is not None:
                return Decision(stored, work=work)
            new = Day(day_id, COUNTING, "", 0, 0, 0, 0, began_ms, 0)
            return Decision(new, new, work=work)

        stored, lease = await self._store.change_and_lease(DAYS, day_id, begin)
        if stored.state == CLOSED:
            return stored
        if lease is None:
            return None
        try:
            return await _Close(self._store, self._clock, day, lease, self._lease_ms, self._page).run(stored)
        except LeaseLost:
            return None


class _Close:
    """One process's work on one day, under its lease."""

    def __init__(self, store: Store, clock: Clock, day: date, lease: Lease, lease_ms: int, page: int) -> None:
        self._store = store
        self._clock = clock
        self._day = day
        self._day_id = day.isoformat()
        self._end_ms = day_span(day)[1]
        self._lease = lease
        self._lease_ms = lease_ms
        self._page = page
        self._run = f"{lease.epoch:x}"

    async def run(self, stored: Day) -> Day:
        """Go on from where the day stands."""
        if stored.state == COUNTING:
            stored = await self._count()
        await self._settle(stored)
        closed_ms = self._clock.now_ms()

        def close(stored: Day | None) -> Decision[Day]:
            if stored is None or stored.state != SETTLING:
                raise LeaseLost(self._lease.key)
            closed = replace(stored, state=CLOSED, closed_ms=closed_ms, version=stored.version + 1)
            return Decision(closed, closed, work=Done(self._lease.key))

        return await self._store.change(DAYS, self._day_id, close, lease=self._lease)

    async def _count(self) -> Day:
        """Sum the day up, and write its rows and then that they count."""
        counted = _Counted(await self._opening(), Movements(), {}, Reports())
        async for page in day_entries(self._store, self._day, self._page):
            await self._keep_lease()
            for entry in page:
                counted.own.add(entry)
            receipts = await self._store.get_many(RECEIPTS, receipts_to_read(page))
            counted.reports.add(page, {key: shares_of(receipt) for key, receipt in receipts.items()})
        counted.late = await self._late()
        self._settle_desks(counted)
        await self._write(counted)

        def decide(stored: Day | None) -> Decision[Day]:
            if stored is None or stored.state != COUNTING:
                raise LeaseLost(self._lease.key)
            payouts = [made.payout_tiyin for _, _, made in counted.settled.values() if made.payout_tiyin]
            decided = replace(
                stored,
                state=SETTLING,
                run=self._run,
                entries=counted.own.entries,
                late_entries=sum(late.entries for late in counted.late.values()),
                payouts=len(payouts),
                payouts_tiyin=sum(payouts),
                version=stored.version + 1,
            )
            return Decision(decided, decided)

        return await self._store.change(DAYS, self._day_id, decide, lease=self._lease)

    async def _opening(self) -> dict[str, int]:
        """Read the balances that the day before ended with; accounts at zero are left out."""
        before = await self._store.get(DAYS, next_day(self._day, -1).isoformat())
        opening: dict[str, int] = {}
        if before is not None:
            async for rows in run_rows(self._store, DAY_ACCOUNTS, before, self._page):
                opening |= {row.account: row.closing_tiyin for row in rows if row.closing_tiyin}
        return opening

    async def _late(self) -> dict[date, Movements]:
        """Find what came too late for the days before this one."""
        days = [next_day(self._day, -back) for back in range(LATE_DAYS, 0, -1)]
        counts = await counts_of_days(self._store, [day.isoformat() for day in days])
        found: dict[date, Movements] = {}
        if await count_entries(self._store, days[0], days[-1]) == sum(counts.values()):
            return found
        for day in days:
            await self._keep_lease()
            if await count_entries(self._store, day, day) == counts[day.isoformat()]:
                continue
            late = await recount(self._store, day, self._page)
            for account, moved in (await counted_of_day(self._store, day.isoformat())).accounts.items():
                late.put(account, moved, -1)
            found[day] = late
        return found

    def _settle_desks(self, counted: _Counted) -> None:
        """Settle each desk's balance, and count the entries that will book it: they are this day's."""
        total = counted.total()
        accounts = {*total.accounts, *counted.opening}
        for desk_id in sorted(desk for account in accounts if (desk := desk_of_account(account)) is not None):
            account, suspense = desk_account(desk_id), suspense_account(desk_id)
            balance_tiyin = counted.opening.get(account, 0) + total.net_tiyin(account)
            debt_tiyin = -(counted.opening.get(suspense, 0) + total.net_tiyin(suspense))
            settlement = settle(balance_tiyin, debt_tiyin)
            counted.settled[desk_id] = (balance_tiyin, debt_tiyin, settlement)
            for entry in settlement.entries(desk_id, self._end_ms):
                counted.own.add(entry)

    async def _write(self, counted: _Counted) -> None:
        """Write the run's rows in pieces."""
        late = [*self._late_rows(counted)]
        desks = [*self._desk_rows(counted)]
        accounts = [*self._account_rows(counted)]
        rows: tuple[tuple[Table[Any], Sequence[msgspec.Struct]], ...] = (
            (DAY_LATE, late),
            (DESK_DAYS, desks),
            (DAY_ACCOUNTS, accounts),
        )
        for table, records in rows:
            for begin in range(0, len(records), _PIECE):
                appends = [(table, record) for record in records[begin : begin + _PIECE]]
                await self._keep_lease()
                await self._store.change(DAYS, self._day_id, _appending(appends), lease=self._lease)

    def _account_rows(self, counted: _Counted) -> Iterator[DayAccount]:
        total = counted.total()
        for account in sorted({*total.accounts, *counted.opening}):
            moved = total.accounts[account]
            opening_tiyin = counted.opening.get(account, 0)
            yield DayAccount(
                id=f"{self._day_id}:{self._run}:{account}",
                day=self._day_id,
                account=account,
                debits=moved.debits,
                debit_tiyin=moved.debit_tiyin,
                credits=moved.credits,
                credit_tiyin=moved.credit_tiyin,
                opening_tiyin=opening_tiyin,
                closing_tiyin=opening_tiyin + moved.net_tiyin,
            )

    def _late_rows(self, counted: _Counted) -> Iterator[DayLate]:
        for entry_day, movements in counted.late.items():
            for account, moved in sorted(movements.accounts.items()):
                if moved.still:
                    continue
                day = entry_day.isoformat()
                yield DayLate(
                    id=f"{day}:{self._day_id}:{self._run}:{account}",
                    day=self._day_id,
                    run=self._run,
                    entry_day=day,
                    account=account,
                    debits=moved.debits,
                    debit_tiyin=moved.debit_tiyin,
                    credits=moved.credits,
                    credit_tiyin=moved.credit_tiyin,
                )

    def _desk_rows(self, counted: _Counted) -> Iterator[DeskDay]:
        for desk_id, (balance_tiyin, debt_tiyin, settlement) in counted.settled.items():
            sums = counted.reports.desks.get(desk_id, DeskSums())
            yield DeskDay(
                id=f"{self._day_id}:{self._run}:{desk_id}",
                day=self._day_id,
                desk_id=desk_id,
                payments=sums.payments,
                gross_tiyin=sums.gross_tiyin,
                commission_tiyin=sums.commission_tiyin,
                refunds=sums.refunds,
                refunds_tiyin=sums.refunds_tiyin,
                net_tiyin=sums.net_tiyin,
                late_tiyin=balance_tiyin - sums.net_tiyin - sums.returned_tiyin,
                returned_tiyin=sums.returned_tiyin,
                balance_tiyin=balance_tiyin,
                debt_tiyin=debt_tiyin,
                suspended_tiyin=settlement.suspended_tiyin,
                recovered_tiyin=settlement.recovered_tiyin,
                payout_tiyin=settlement.payout_tiyin,
            )

    async def _settle(self, stored: Day) -> None:
        """Book each desk's settlement from the rows that count; what is booked already stays."""
        async for desks in run_rows(self._store, DESK_DAYS, stored, _AT_ONCE):
            await self._keep_lease()
            await asyncio.gather(*(self._settle_desk(desk) for desk in desks))

    async def _settle_desk(self, desk: DeskDay) -> None:
        settlement = Settlement(desk.suspended_tiyin, desk.recovered_tiyin, desk.payout_tiyin)
        entries = settlement.entries(desk.desk_id, self._end_ms)
        if not desk.payout_tiyin:
            try:
                await self._store.append(ENTRIES, entries)
            except Taken:
                # Another run booked it: the key says the same day and desk, the day's rows the same amount.
                return
            return
        payout = Payout(
            id=payout_id(desk.day, desk.desk_id),
            day=desk.day,
            desk_id=desk.desk_id,
            amount_tiyin=desk.payout_tiyin,
            due_ms=self._clock.now_ms(),
        )
        await self._store.change(PAYOUTS, payout.id, lambda there: new_payout(there, payout, entries))

    async def _keep_lease(self) -> None:
        """Hold the day for longer when half of the time is gone."""
        if self._lease.left_ms() < self._lease_ms // 2:
            self._lease = await self._store.work.renew(self._lease, self._lease_ms)


def _appending(appends: list[tuple[Table[Any], msgspec.Struct]]) -> Any:
    """Make a rule that writes a run's rows beside a day that is still being counted."""

    def rule(stored: Day | None) -> Decision[None]:
        if stored is None or stored.state != COUNTING:
            raise LeaseLost("the day is counted already")
        return Decision(None, None, appends)

    return rule
