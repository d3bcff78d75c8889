"""Reading the ledger in pages: by time for days, and what days have stored. Memory stays bounded."""

from collections.abc import AsyncIterator, Iterable
from datetime import date
from typing import Final, TypeVar

import msgspec
import sqlalchemy as sa

from tiyin.gateway.ledger.calendar import day_span
from tiyin.gateway.ledger.days import CLOSED, DAY_ACCOUNTS, DAY_LATE, DAYS, Day, DayAccount
from tiyin.gateway.ledger.entries import ENTRIES, Entry
from tiyin.gateway.ledger.movements import Moved, Movements
from tiyin.storage import Store, Table

__all__ = [
    "PAGE",
    "closed_days",
    "count_entries",
    "counted_of_day",
    "counts_of_days",
    "day_entries",
    "last_closed",
    "recount",
    "run_rows",
]

PAGE: Final = 2_000
R = TypeVar("R", bound=msgspec.Struct)


async def day_entries(store: Store, day: date, page: int = PAGE) -> AsyncIterator[list[Entry]]:
    """Read the entries whose time lies in a day, in the order of time."""
    first_ms, last_ms = day_span(day)
    columns = ENTRIES.schema.c
    ordered = sa.select(ENTRIES.schema).order_by(columns.at_ms, columns.id).limit(page)
    at_ms, after = first_ms - 1, ""
    while True:
        # The rest of the last page's millisecond, then what is later. One condition for both is slow on
        # SQLite.
        rows = (
            await store.query(ordered.where(columns.at_ms == at_ms, columns.id > after), ENTRIES)
            if after
            else []
        )
        if not rows:
            rows = await store.query(ordered.where(columns.at_ms > at_ms, columns.at_ms <= last_ms), ENTRIES)
        if not rows:
            return
        yield rows
        at_ms, after = rows[-1].at_ms, rows[-1].id


async def recount(store: Store, day: date, page: int = PAGE) -> Movements:
    """Sum up the entries whose time lies in a day, as they stand now."""
    found = Movements()
    async for entries in day_entries(store, day, page):
        for entry in entries:
            found.add(entry)
    return found


async def count_entries(store: Store, first: date, last: date) -> int:
    """Count the entries whose time lies in the days from `first` to `last`."""
    at_ms = ENTRIES.schema.c.at_ms
    span = (day_span(first)[0], day_span(last)[1])
    statement = sa.select(sa.func.count()).select_from(ENTRIES.schema).where(at_ms.between(*span))
    [(count,)] = await store.query(statement)
    return int(count)


async def run_rows(store: Store, table: Table[R], day: Day, page: int = PAGE) -> AsyncIterator[list[R]]:
    """Read what the run that counts wrote of a day into `DAY_ACCOUNTS` or `DESK_DAYS`."""
    prefix = f"{day.id}:{day.run}:"
    async for rows in _prefixed(store, table, prefix, page):
        yield rows


async def _prefixed(store: Store, table: Table[R], prefix: str, page: int) -> AsyncIterator[list[R]]:
    key: sa.ColumnElement[str] = table.schema.c.id
    after, end = prefix, prefix[:-1] + ";"
    while True:
        statement = sa.select(table.schema).where(key > after, key < end).order_by(key).limit(page)
        rows = await store.query(statement, table)
        if rows:
            yield rows
            after = str(getattr(rows[-1], table.key))
        if len(rows) < page:
            return


async def last_closed(store: Store) -> Day | None:
    """Give the last day that is closed."""
    columns = DAYS.schema.c
    statement = sa.select(DAYS.schema).where(columns.state == CLOSED).order_by(columns.id.desc()).limit(1)
    return next(iter(await store.query(statement, DAYS)), None)


async def closed_days(store: Store, page: int = PAGE) -> AsyncIterator[Day]:
    """Give the days that are closed, oldest first."""
    columns = DAYS.schema.c
    after = ""
    while True:
        statement = (
            sa.select(DAYS.schema)
            .where(columns.id > after, columns.state == CLOSED)
            .order_by(columns.id)
            .limit(page)
        )
        days = await store.query(statement, DAYS)
        for day in days:
            yield day
            after = day.id
        if len(days) < page:
            return


async def counts_of_days(store: Store, days: Iterable[str]) -> dict[str, int]:
    """Tell how many entries of each day were counted, in its own close and in those that came after it."""
    wanted = list(days)
    counts = dict.fromkeys(wanted, 0)
    for day in (await store.get_many(DAYS, wanted)).values():
        if day.state == CLOSED:
            counts[day.id] += day.entries
    late, closes = DAY_LATE.schema.c, DAYS.schema.c
    counted = sa.and_(closes.id == late.day, closes.run == late.run)
    for wanted_day in wanted:
        statement = (
            sa.select(sa.func.sum(late.credits))
            .select_from(DAY_LATE.schema.join(DAYS.schema, counted))
            .where(late.id > f"{wanted_day}:", late.id < f"{wanted_day};")
        )
        [(count,)] = await store.query(statement)
        counts[wanted_day] += int(count or 0)
    return counts


async def counted_of_day(store: Store, day: str, page: int = PAGE) -> Movements:
    """Sum up what was counted of the entries of a day: in its own close, and late in those after it."""
    found = Movements()
    closed = await store.get(DAYS, day)
    if closed is not None and closed.state == CLOSED:
        async for accounts in run_rows(store, DAY_ACCOUNTS, closed, page):
            for account in accounts:
                found.put(account.account, _moved(account))
        # What the day counted of earlier days is in its totals, and not its own.
        columns = DAY_LATE.schema.c
        statement = sa.select(DAY_LATE.schema).where(columns.day == day, columns.run == closed.run)
        for late in await store.query(statement, DAY_LATE):
            found.put(late.account, Moved(late.debits, late.debit_tiyin, late.credits, late.credit_tiyin), -1)
    async for rows in _prefixed(store, DAY_LATE, f"{day}:", page):
        runs = await store.get_many(DAYS, {row.day for row in rows})
        for row in rows:
            if row.day in runs and runs[row.day].run == row.run:
                found.put(row.account, Moved(row.debits, row.debit_tiyin, row.credits, row.credit_tiyin))
    return found


def _moved(row: DayAccount) -> Moved:
    return Moved(row.debits, row.debit_tiyin, row.credits, row.credit_tiyin)
