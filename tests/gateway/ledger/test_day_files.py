"""The acquirer's day file against the ledger: what differs is found and named, whatever the pages."""

from collections.abc import AsyncIterator
from datetime import date

import pytest

from gateway.ledger.test_closing import FIRST, ONE, Book
from tiyin.gateway.acquiring.port import DayLine
from tiyin.gateway.ledger import Share
from tiyin.gateway.ledger.calendar import day_of, day_span, next_day
from tiyin.gateway.ledger.day_files import DayFile, findings_of, reconcile_day
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import Receipt
from tiyin.storage import Store, open_store

HOUR = 3600_000


class Files:
    """An acquirer's day files, as a list."""

    def __init__(self) -> None:
        self.lines: list[DayLine] = []

    def debit(self, receipt: Receipt, *, attempt: int = 1, amount: int = 0, at_ms: int = 0) -> None:
        self._line(receipt, "debit", attempt, amount, at_ms or receipt.pay_time_ms)

    def reversal(self, receipt: Receipt, *, attempt: int = 1, at_ms: int = 0) -> None:
        self._line(receipt, "reversal", attempt, 0, at_ms or receipt.pay_time_ms)

    def _line(self, receipt: Receipt, kind: str, attempt: int, amount: int, at_ms: int) -> None:
        key = f"{receipt.id}-{attempt}"
        self.lines.append(DayLine(key, kind, amount or receipt.amount_tiyin, at_ms, "t"))

    async def day_lines(self, day: date, after: str, limit: int) -> list[DayLine]:
        mine = sorted((f"{line.key} {line.kind}", line) for line in self.lines if day_of(line.at_ms) == day)
        return [line for name, line in mine if name > after][:limit]


class Room(Book):
    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.files = Files()
        self.page = 2

    async def paid(self, amount: int = 1_000, at_ms: int | None = None) -> Receipt:
        return await self.pay(Share(ONE, amount, 0), at_ms=at_ms)

    async def compare(self, day: date = FIRST) -> DayFile:
        return await reconcile_day(self.store, self.files, self.clock, day, page=self.page)

    async def kinds(self, found: DayFile) -> list[tuple[str, str, int, int]]:
        findings = await findings_of(self.store, found)
        assert len(findings) == found.findings
        return sorted((row.kind, row.line, row.there_tiyin, row.here_tiyin) for row in findings)


@pytest.fixture
async def room(store: Store) -> Room:
    await store.create_tables(metadata)
    return Room(store)


@pytest.fixture
async def quick(sqlite_url: str) -> AsyncIterator[Room]:
    store = await open_store(sqlite_url)
    await store.create_tables(metadata)
    yield Room(store)
    await store.close()


@pytest.mark.parametrize("page", [1, 2, 3, 1_000])
async def test_a_day_on_which_both_say_the_same(room: Room, page: int) -> None:
    room.page = page
    for _ in range(5):
        room.files.debit(await room.paid())
    given_back = await room.paid()
    await room.refund(given_back, Share(ONE, 1_000, 0))
    room.files.debit(given_back)
    room.files.reversal(given_back)
    room.clock.tomorrow()
    found = await room.compare()
    assert (found.state, found.findings, found.open, found.undone) == ("done", 0, 0, 0)
    assert (found.lines, found.entries, found.lines_tiyin, found.entries_tiyin) == (7, 7, 5_000, 5_000)


@pytest.mark.parametrize("page", [1, 2, 3, 1_000])
async def test_everything_that_can_differ_is_found(quick: Room, page: int) -> None:
    quick.page = page
    for _ in range(3):
        quick.files.debit(await quick.paid())
    await quick.paid(11)
    quick.files.debit(await quick.paid(22), amount=23)
    twice = await quick.paid(33)
    quick.files.debit(twice)
    quick.files.debit(twice)
    both_attempts = await quick.paid(44)
    quick.files.debit(both_attempts)
    quick.files.debit(both_attempts, attempt=2)
    kept = await quick.paid(55)
    quick.files.debit(kept)
    quick.files.reversal(kept)
    quick.clock.tomorrow()
    found = await quick.compare()
    assert await quick.kinds(found) == [
        ("missing-here", "debit", 44, 0),
        ("missing-here", "reversal", 55, 0),
        ("missing-there", "debit", 0, 11),
        ("other-amount", "debit", 23, 22),
        ("twice", "debit", 66, 33),
    ]


async def test_a_day_that_is_compared_again_has_the_last_result(quick: Room) -> None:
    receipt = await quick.paid()
    quick.clock.tomorrow()
    first = await quick.compare()
    assert await quick.kinds(first) == [("missing-there", "debit", 0, 1_000)]
    quick.files.debit(receipt)
    again = await quick.compare()
    assert (again.run, again.findings, await quick.kinds(again)) == (2, 0, [])


async def test_clocks_that_differ_about_midnight_are_no_finding(quick: Room) -> None:
    last_ms = day_span(FIRST)[1]
    late_here = await quick.paid(at_ms=last_ms + 5)
    quick.files.debit(late_here, at_ms=last_ms - 5)
    early_here = await quick.paid(at_ms=last_ms - 5)
    quick.clock.tomorrow()
    found = await quick.compare()
    # Tomorrow's file is not there yet.
    assert (found.findings, found.open) == (0, 1)
    quick.files.debit(early_here, at_ms=last_ms + 5)
    quick.clock.tomorrow()
    found = await quick.compare()
    assert (found.findings, found.open) == (0, 0)
    found = await quick.compare(next_day(FIRST))
    assert (found.findings, found.lines, found.entries) == (0, 1, 1)


async def test_what_was_learnt_hours_later_is_no_finding(quick: Room) -> None:
    receipt = await quick.paid(at_ms=day_span(next_day(FIRST))[0] + 9 * HOUR)
    quick.files.debit(receipt, at_ms=day_span(FIRST)[0] + 20 * HOUR)
    quick.clock.tomorrow(2)
    assert (await quick.compare()).findings == 0
    assert (await quick.compare(next_day(FIRST))).findings == 0


async def test_what_was_undone_before_anybody_knew_of_it_is_no_finding(quick: Room) -> None:
    receipt = await quick.paid()
    quick.files.debit(receipt)
    quick.files.debit(receipt, attempt=2)
    quick.files.reversal(receipt, attempt=2)
    quick.files.debit(receipt, attempt=3)
    quick.files.reversal(receipt, attempt=3, at_ms=receipt.pay_time_ms + 24 * HOUR)
    quick.clock.tomorrow(2)
    found = await quick.compare()
    assert (found.findings, found.undone) == (0, 3)
    assert (await quick.compare(next_day(FIRST))).findings == 0


async def test_a_day_that_is_not_over_cannot_be_compared(quick: Room) -> None:
    with pytest.raises(ValueError, match="not over"):
        await quick.compare()
