"""Payouts, and the entries that belong to no receipt: each must be there because of the other."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import sqlalchemy as sa

from tiyin.gateway.ledger.calendar import day_of, day_span
from tiyin.gateway.ledger.days import DAYS, DESK_DAYS, Day, DeskDay
from tiyin.gateway.ledger.entries import (
    ENTRIES,
    Entry,
    paid_out,
    payout,
    payout_returned,
    recovered,
    suspended,
)
from tiyin.gateway.ledger.payouts import DUE, PAID, PAYOUTS, RETURNED, Payout, payout_id
from tiyin.gateway.verify.report import VerifyReport
from tiyin.storage import Store

__all__ = ["booked_for_days", "verify_payouts"]

_LOOKS: Final = 3
_SETTLING: Final = {"suspended": suspended, "recovered": recovered, "payout": payout}
_PAYING: Final = {"paid-out": paid_out, "payout-returned": payout_returned}


async def booked_for_days(store: Store, report: VerifyReport, entries: Sequence[Entry]) -> None:
    """Check entries that belong to no receipt: a closed day or a payout must say the same.

    Args:
        store: The gateway's database.
        report: Where findings go.
        entries: The entries.
    """
    named = [(entry, *_named(entry)) for entry in entries]
    # Days and payouts are written before their entries or with them, so what is read now has them.
    days = await store.get_many(DAYS, {day for _, day, _ in named})
    keys = {f"{day}:{days[day].run}:{desk}" for _, day, desk in named if day in days}
    desks = await store.get_many(DESK_DAYS, keys)
    paid = await store.get_many(PAYOUTS, {payout_id(day, desk) for _, day, desk in named})
    for entry, day, desk in named:
        run = days[day].run if day in days else ""
        settled = desks.get(f"{day}:{run}:{desk}")
        expected = _expected(entry, day, desk, settled, paid.get(payout_id(day, desk)))
        if expected is None:
            report.add(entry.id, f"the entry {entry.what} without a closed day or payout that says so")
        elif expected != entry:
            report.add(entry.id, f"the entry {entry.what} has other accounts or another amount than its day")


def _named(entry: Entry) -> tuple[str, str]:
    """Read the day and the desk from an entry's key."""
    moment, _, rest = entry.id.partition(":")
    try:
        day = day_of(int(moment[:12], 16)).isoformat()
    except (ValueError, OverflowError):
        day = ""
    return day, rest.partition(":")[2]


def _expected(
    entry: Entry, day: str, desk: str, settled: DeskDay | None, paid: Payout | None
) -> Entry | None:
    """Give the entry as the day or the payout has it; None when neither speaks of it."""
    if not day:
        return None
    end_ms = day_span(date.fromisoformat(day))[1]
    if (make := _SETTLING.get(entry.what)) is not None and settled is not None:
        amounts = {
            "suspended": settled.suspended_tiyin,
            "recovered": settled.recovered_tiyin,
            "payout": settled.payout_tiyin,
        }
        return make(desk, amounts[entry.what], end_ms) if amounts[entry.what] else None
    if (pay := _PAYING.get(entry.what)) is not None and paid is not None:
        at_ms = paid.paid_ms if entry.what == "paid-out" else paid.returned_ms
        return pay(desk, paid.amount_tiyin, end_ms, at_ms)
    return None


async def verify_payouts(store: Store, report: VerifyReport, page: int) -> None:
    """Check that each payout is booked as its state says, and is of a day that was closed.

    Args:
        store: The gateway's database.
        report: Where findings go.
        page: How many payouts are read at a time.
    """
    columns = PAYOUTS.schema.c
    after = ""
    while True:
        statement = sa.select(PAYOUTS.schema).where(columns.id > after).order_by(columns.id).limit(page)
        payouts = await store.query(statement, PAYOUTS)
        report.payouts += len(payouts)
        for wrong in await _disagreeing(store, payouts):
            await _look_again(store, report, wrong)
        if len(payouts) < page:
            return
        after = payouts[-1].id


async def _look_again(store: Store, report: VerifyReport, found: Payout) -> None:
    """Read a payout until it stands still, and report what is wrong then."""
    for _ in range(_LOOKS):
        before = await store.get(PAYOUTS, found.id)
        if before is None:
            report.add(found.id, "the payout is gone")
            return
        wrong = await _disagreeing(store, [before])
        if not wrong:
            return
        if before == await store.get(PAYOUTS, found.id):
            for what in wrong[before]:
                report.add(before.id, what)
            return


async def _disagreeing(store: Store, payouts: Sequence[Payout]) -> dict[Payout, list[str]]:
    """Give the payouts with which something does not agree, and what."""
    booked = {found.id: _booked(found) for found in payouts}
    entries = await store.get_many(ENTRIES, {entry.id for made in booked.values() for entry in made})
    days = await store.get_many(DAYS, {found.day for found in payouts})
    keys = {f"{found.day}:{days[found.day].run}:{found.desk_id}" for found in payouts if found.day in days}
    desks = await store.get_many(DESK_DAYS, keys)
    wrong: dict[Payout, list[str]] = {}
    for found in payouts:
        sentences = list(_wrong(found, booked[found.id], entries, days.get(found.day), desks))
        if sentences:
            wrong[found] = sentences
    return wrong


def _booked(found: Payout) -> tuple[Entry, Entry, Entry]:
    """Give the entries that a payout has when it has come all its way."""
    end_ms = day_span(date.fromisoformat(found.day))[1]
    desk, amount_tiyin = found.desk_id, found.amount_tiyin
    return (
        payout(desk, amount_tiyin, end_ms),
        paid_out(desk, amount_tiyin, end_ms, found.paid_ms),
        payout_returned(desk, amount_tiyin, end_ms, found.returned_ms),
    )


def _wrong(
    found: Payout,
    booked: tuple[Entry, Entry, Entry],
    entries: Mapping[str, Entry],
    day: Day | None,
    desks: Mapping[str, DeskDay],
) -> Iterator[str]:
    many = {DUE: 1, PAID: 2, RETURNED: 3}.get(found.state)
    if many is None:
        yield f"the payout stands in no state that there is: {found.state}"
        return
    for place, entry in enumerate(booked):
        stands = entries.get(entry.id)
        if place < many and stands != entry:
            yield f"{found.state}, and the entry {entry.what} is {'missing' if stands is None else 'another'}"
        if place >= many and stands is not None:
            yield f"{found.state}, and yet there is the entry {entry.what}"
    settled = None if day is None else desks.get(f"{day.id}:{day.run}:{found.desk_id}")
    if settled is None or settled.payout_tiyin != found.amount_tiyin:
        yield "the payout is not what its day says"
