"""What closed days and payouts must say: reckoned from the ledger's entries, in words of its own."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

from simulation.world import World
from tiyin.gateway.ledger import ENTRIES, Entry
from tiyin.gateway.ledger.days import DAY_ACCOUNTS, DAY_LATE, DAYS, DESK_DAYS
from tiyin.gateway.ledger.payouts import PAYOUTS

__all__ = ["Books", "day_name", "next_midnight_ms"]

_TASHKENT_MS = 5 * 3_600_000
_DAY_MS = 86_400_000
_GRACE_MS = 300_000
_ONWARDS = {("counting", "settling"), ("settling", "closed")}
_PAYOUT_MOVES = {("due", "paid"), ("paid", "returned")}

_Sums = Counter[tuple[str, str]]
"""By account: how often and how much it was debited and credited."""


def day_name(at_ms: int) -> str:
    """Name the day of Tashkent that a moment belongs to."""
    return datetime.fromtimestamp((at_ms + _TASHKENT_MS) / 1000, UTC).date().isoformat()


def next_midnight_ms(at_ms: int) -> int:
    """Tell when the next day of Tashkent begins."""
    return ((at_ms + _TASHKENT_MS) // _DAY_MS + 1) * _DAY_MS - _TASHKENT_MS


def _after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


class Books:
    """Looks at days and payouts.

    Args:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    def _rows(self, table: Any) -> list[Any]:
        return list(self._world.tables.rows.get(table.name, {}).values())

    # ---- what is written

    def written(self, table: Any, before: Any, after: Any) -> None:
        """Look at a day or a payout that is written."""
        if table is DAYS:
            self._world.say("store", f"{after.id} is {after.state}")
            self._look_at_day(before, after)
        elif table is PAYOUTS:
            self._world.say("store", f"the payout {after.id} is {after.state}")
            self._look_at_payout(before, after)

    def _look_at_day(self, before: Any, after: Any) -> None:
        problem = self._world.problem
        if before is None:
            over_ms = self._world.now_ms() + self._world.faults.skew_ms - _GRACE_MS
            if day_name(over_ms) <= after.id:
                problem(f"{after.id} is being closed before it is over")
            open_days = {day.id for day in self._rows(DAYS) if day.state != "closed"} - {after.id}
            if open_days or after.state != "counting":
                problem(f"{after.id} began as {after.state}, and {open_days} are open")
            return
        if before.state != after.state and (before.state, after.state) not in _ONWARDS:
            problem(f"{after.id} went from {before.state} to {after.state}")
        decided = ("run", "entries", "late_entries", "payouts", "payouts_tiyin")
        if before.state != "counting" and any(getattr(before, n) != getattr(after, n) for n in decided):
            problem(f"{after.id} was decided, and now is another")
        if before.state != "closed" and after.state == "closed":
            self._look_at_settled(after)

    def _look_at_settled(self, day: Any) -> None:
        """Insist that a day which is closed has booked what its reports say."""
        entries = self._world.tables.of(ENTRIES)
        payouts = self._world.tables.of(PAYOUTS)
        for desk in self._desks(day):
            booked = {
                entry.what: entry.amount_tiyin
                for entry in entries.values()
                if not entry.receipt_id and entry.id.endswith(f":{desk.desk_id}")
                if entry.what in {"payout", "suspended", "recovered"} and day_name(entry.at_ms) == day.id
            }
            said = {
                "payout": desk.payout_tiyin,
                "suspended": desk.suspended_tiyin,
                "recovered": desk.recovered_tiyin,
            }
            if booked != {what: amount for what, amount in said.items() if amount}:
                self._world.problem(f"{day.id} says {said} of {desk.desk_id}, and {booked} is booked")
            payout = payouts.get(f"{day.id}-{desk.desk_id}")
            if (payout.amount_tiyin if payout else 0) != desk.payout_tiyin:
                self._world.problem(f"{day.id} owes {desk.desk_id} {desk.payout_tiyin}, and pays another sum")

    def _look_at_payout(self, before: Any, after: Any) -> None:
        if before is None:
            if after.state != "due":
                self._world.problem("a payout began as paid")
            return
        if before.state != after.state and (before.state, after.state) not in _PAYOUT_MOVES:
            self._world.problem(f"a payout went from {before.state} to {after.state}")
        if before.state != "due" and before.bank_reference != after.bank_reference:
            self._world.problem("a payout was paid twice")
        if (before.amount_tiyin, before.desk_id) != (after.amount_tiyin, after.desk_id):
            self._world.problem("a payout became another")

    def _desks(self, day: Any) -> list[Any]:
        return [desk for desk in self._rows(DESK_DAYS) if desk.id == f"{day.id}:{day.run}:{desk.desk_id}"]

    # ---- the end

    @property
    def open_day(self) -> str | None:
        """The oldest day that something was booked in and that is not closed; None where there is none."""
        closed = {day.id for day in self._rows(DAYS) if day.state == "closed"}
        days = sorted({day_name(entry.at_ms) for entry in self._rows(ENTRIES)} - closed)
        return days[0] if days else None

    def look_at_end(self) -> None:
        """Reckon all closed days anew."""
        days = sorted(self._rows(DAYS), key=lambda day: str(day.id))
        if self.open_day is not None:
            self._world.problem(f"{self.open_day} is not closed at the end")
            return
        entries: list[Entry] = self._rows(ENTRIES)
        balances: dict[str, int] = {}
        for n, day in enumerate(days):
            if day.state != "closed" or (n and day.id != _after(days[n - 1].id)):
                self._world.problem(f"{day.id} is {day.state} after {days[n - 1].id}")
            balances = self._carried(day, balances)
            self._counted(day.id, entries)
        expected: Counter[str] = Counter()
        for entry in entries:
            expected[entry.credit] += entry.amount_tiyin
            expected[entry.debit] -= entry.amount_tiyin
        if balances != {account: amount for account, amount in expected.items() if amount}:
            self._world.problem(f"the last day ends with {balances}, and the entries with {dict(expected)}")
        if sum(day.entries + day.late_entries for day in days) != len(entries):
            self._world.problem("the days counted another number of entries than there are")
        self._paid_out(entries)

    def _carried(self, day: Any, before: dict[str, int]) -> dict[str, int]:
        """Insist that a day opens with what the day before it closed with, and settles all desks."""
        rows = [row for row in self._rows(DAY_ACCOUNTS) if row.id == f"{day.id}:{day.run}:{row.account}"]
        if {row.account: row.opening_tiyin for row in rows if row.opening_tiyin} != before:
            self._world.problem(f"{day.id} opens with another balance than the day before closed with")
        for row in rows:
            if row.closing_tiyin and row.account.startswith("desk:"):
                self._world.problem(f"{day.id} leaves {row.closing_tiyin} on {row.account}")
        return {row.account: row.closing_tiyin for row in rows if row.closing_tiyin}

    def _counted(self, day: str, entries: list[Entry]) -> None:
        """Insist that each entry of a day was counted exactly once: that day, or late in another."""
        runs = {each.id: each.run for each in self._rows(DAYS)}
        counted: _Sums = Counter()
        for row in self._rows(DAY_ACCOUNTS):
            if row.day == day and row.id == f"{day}:{runs[day]}:{row.account}":
                _add(counted, row, 1)
        for late in self._rows(DAY_LATE):
            if runs.get(late.day) == late.run:
                _add(counted, late, (late.entry_day == day) - (late.day == day))
        there: _Sums = Counter()
        for entry in entries:
            if day_name(entry.at_ms) == day:
                there[entry.debit, "debits"] += 1
                there[entry.debit, "debit_tiyin"] += entry.amount_tiyin
                there[entry.credit, "credits"] += 1
                there[entry.credit, "credit_tiyin"] += entry.amount_tiyin
        if {key: n for key, n in counted.items() if n} != dict(there):
            self._world.problem(f"the entries of {day} were not counted exactly once")

    def _paid_out(self, entries: list[Entry]) -> None:
        """Insist that payouts and their entries are the same."""
        booked: Counter[tuple[str, str]] = Counter()
        for entry in entries:
            if not entry.receipt_id:
                booked[entry.what, entry.id.rpartition(":")[2]] += entry.amount_tiyin
        said: Counter[tuple[str, str]] = Counter()
        for payout in self._rows(PAYOUTS):
            for what, states in _BOOKED_IN.items():
                if payout.state in states:
                    said[what, payout.desk_id] += payout.amount_tiyin
        if said != Counter({key: amount for key, amount in booked.items() if key[0] in _BOOKED_IN}):
            self._world.problem(f"the payouts say {dict(said)}, and {dict(booked)} is booked")


_BOOKED_IN = {
    "payout": {"due", "paid", "returned"},
    "paid-out": {"paid", "returned"},
    "payout-returned": {"returned"},
}


def _add(sums: _Sums, row: Any, times: int) -> None:
    for name in ("debits", "debit_tiyin", "credits", "credit_tiyin"):
        if times and getattr(row, name):
            sums[row.account, name] += times * getattr(row, name)
