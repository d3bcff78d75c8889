"""Days close once, whoever closes them: totals, payouts, debts, what comes late, crashes at any step."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from tiyin.gateway.ledger import ENTRIES, Entry, Share, earned, refunding, returned, taken
from tiyin.gateway.ledger.calendar import DAY_MS, day_of, day_span, next_day
from tiyin.gateway.ledger.closing import GRACE_MS, Closer
from tiyin.gateway.ledger.days import DAY_ACCOUNTS, DAYS, DESK_DAYS, Day, DeskDay
from tiyin.gateway.ledger.payouts import Payout, PayoutRefused, Payouts
from tiyin.gateway.ledger.reading import run_rows
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import RECEIPTS, Receipt, write_shares
from tiyin.gateway.verify import VerifyReport, verify
from tiyin.runtime.ids import SeededIds
from tiyin.storage import Decision, Store, open_store

FIRST = date(2026, 11, 20)
ONE, TWO = "a" * 24, "b" * 24


class HandClock:
    """A clock that is turned by hand."""

    def __init__(self) -> None:
        self.now = day_span(FIRST)[0] + 12 * 3600_000

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1000)

    def tomorrow(self, days: int = 1) -> None:
        """Turn to noon of a later day."""
        self.now = day_span(next_day(day_of(self.now), days))[0] + 12 * 3600_000


class Book:
    """Payments and refunds as the engine would leave them."""

    def __init__(self, store: Store, *, page: int = 3) -> None:
        self.store = store
        self.clock = HandClock()
        self.ids = SeededIds(1)
        self.closer = Closer(store, self.clock, owner="test", page=page)
        self.payouts = Payouts(store, self.clock)
        self.numbers = 0

    async def pay(self, *shares: Share, at_ms: int | None = None) -> Receipt:
        at_ms = self.clock.now if at_ms is None else at_ms
        self.numbers += 1
        alone = len(shares) == 1
        receipt = Receipt(
            id=self.ids.new(at_ms),
            number=self.numbers,
            desk_id=shares[0].desk_id,
            route="direct",
            amount_tiyin=sum(share.amount_tiyin for share in shares),
            account="{}",
            account_key="{}",
            created_ms=at_ms,
            state=4,
            attempt=1,
            commission_tiyin=shares[0].commission_tiyin if alone else 0,
            shares=None if alone else write_shares(shares),
            pay_time_ms=at_ms,
        )
        receipt = replace(receipt, attempt_key=f"{receipt.id}-1")
        entries = [taken(receipt.id, receipt.amount_tiyin, at_ms), *earned(receipt.id, shares, at_ms)]
        await self.write(receipt, entries)
        return receipt

    async def refund(self, receipt: Receipt, *shares: Share) -> None:
        now = self.clock.now
        given = [*refunding(receipt.id, shares, now), returned(receipt.id, receipt.amount_tiyin, now)]
        await self.write(replace(receipt, state=50, cancel_time_ms=now), given)

    async def write(self, receipt: Receipt, entries: list[Entry]) -> None:
        appends = [(ENTRIES, entry) for entry in entries]
        await self.store.change(RECEIPTS, receipt.id, lambda _: Decision(None, receipt, appends))

    async def close(self) -> list[Day]:
        return await self.closer.close_due()

    async def desk_days(self, day: date) -> dict[str, DeskDay]:
        stored = await self.store.get(DAYS, day.isoformat())
        assert stored is not None
        return {row.desk_id: row async for rows in run_rows(self.store, DESK_DAYS, stored) for row in rows}

    async def balances(self) -> dict[str, int]:
        """What every account has by its entries, credit less debit."""
        sums: defaultdict[str, int] = defaultdict(int)
        for entry in await self.store.query(sa.select(ENTRIES.schema), ENTRIES):
            sums[entry.credit] += entry.amount_tiyin
            sums[entry.debit] -= entry.amount_tiyin
        return {account: amount for account, amount in sums.items() if amount}

    async def verified(self) -> VerifyReport:
        report = await verify(self.store)
        assert report.findings == []
        return report


@pytest.fixture
async def book(store: Store) -> Book:
    await store.create_tables(metadata)
    return Book(store)


@pytest.fixture
async def quick(sqlite_url: str) -> Any:
    store = await open_store(sqlite_url)
    await store.create_tables(metadata)
    yield Book(store)
    await store.close()


async def test_a_day_is_closed_with_its_totals_and_paid(book: Book) -> None:
    share = Share(ONE, 100_000, 1_500)
    for _ in range(3):
        await book.pay(share)
    refunded = await book.pay(share)
    await book.refund(refunded, share)
    await book.pay(Share(ONE, 30_000, 300), Share(TWO, 20_000, 0))
    assert await book.close() == []
    book.clock.tomorrow()
    [day] = await book.close()
    assert (day.id, day.state, day.payouts, day.payouts_tiyin) == ("2026-11-20", "closed", 2, 345_200)
    reports = await book.desk_days(FIRST)
    one, two = reports[ONE], reports[TWO]
    assert (one.payments, one.gross_tiyin, one.commission_tiyin) == (5, 430_000, 4_800)
    assert (one.refunds, one.refunds_tiyin, one.net_tiyin) == (1, 100_000, 325_200)
    assert (one.balance_tiyin, one.payout_tiyin) == (325_200, 325_200)
    assert (two.payments, two.gross_tiyin, two.commission_tiyin, two.payout_tiyin) == (1, 20_000, 0, 20_000)
    assert await book.balances() == {"acquirer": -350_000, "commission": 4_800, "payouts": 345_200}
    assert await book.close() == []
    report = await book.verified()
    assert (report.days, report.payouts, report.totals.payouts_due, report.totals.owed) == (1, 2, 345_200, 0)


async def test_a_day_closes_some_minutes_after_midnight(book: Book) -> None:
    await book.pay(Share(ONE, 100, 0))
    book.clock.now = day_span(FIRST)[1] + GRACE_MS
    assert await book.close() == []
    book.clock.now += 1
    assert [day.id for day in await book.close()] == ["2026-11-20"]


async def test_days_that_were_missed_are_closed_one_by_one_and_nothing_is_paid_twice(book: Book) -> None:
    for _ in range(3):
        await book.pay(Share(ONE, 1_000, 10))
        book.clock.tomorrow(2)
    closed = await book.close()
    assert [day.id[-2:] for day in closed] == ["20", "21", "22", "23", "24", "25"]
    assert [day.payouts_tiyin for day in closed] == [990, 0, 990, 0, 990, 0]
    assert (await book.balances())["payouts"] == 3 * 990
    await book.verified()


async def test_a_debt_waits_in_suspense_and_is_recovered_from_later_days(book: Book) -> None:
    share = Share(ONE, 1_000, 10)
    receipt = await book.pay(share)
    book.clock.tomorrow()
    await book.close()
    await book.refund(receipt, share)
    book.clock.tomorrow()
    await book.close()
    assert (await book.balances())[f"suspense:{ONE}"] == -990
    await book.verified()
    await book.pay(Share(ONE, 400, 0))
    book.clock.tomorrow()
    await book.close()
    assert (await book.balances())[f"suspense:{ONE}"] == -590
    await book.pay(Share(ONE, 1_000, 0))
    book.clock.tomorrow()
    [day] = await book.close()
    assert day.payouts_tiyin == 410
    row = (await book.desk_days(next_day(FIRST, 3)))[ONE]
    assert (row.balance_tiyin, row.debt_tiyin, row.recovered_tiyin, row.payout_tiyin) == (
        1_000,
        590,
        590,
        410,
    )
    assert f"suspense:{ONE}" not in await book.balances()
    report = await book.verified()
    assert report.totals.suspense == 0


async def test_what_comes_late_is_counted_by_the_next_close(book: Book) -> None:
    await book.pay(Share(ONE, 1_000, 0))
    noon = book.clock.now
    book.clock.tomorrow()
    await book.close()
    # Committed after the close, with a time of the closed day and of one before any day.
    await book.pay(Share(ONE, 700, 7), at_ms=noon + 1)
    await book.pay(Share(TWO, 50, 0), at_ms=noon - 3 * DAY_MS)
    report = await book.verified()
    assert report.late == 3
    await book.pay(Share(ONE, 20, 0))
    book.clock.tomorrow()
    [day] = await book.close()
    assert (day.late_entries, day.payouts_tiyin) == (5, 693 + 50 + 20)
    rows = await book.desk_days(next_day(FIRST))
    assert (rows[ONE].net_tiyin, rows[ONE].late_tiyin, rows[TWO].late_tiyin) == (20, 693, 50)
    await book.pay(Share(ONE, 5, 0), at_ms=noon + 2)
    book.clock.tomorrow()
    [day] = await book.close()
    assert (day.late_entries, day.payouts_tiyin) == (2, 5)
    assert (await book.verified()).late == 0
    book.clock.tomorrow()
    [day] = await book.close()
    assert (day.late_entries, day.payouts_tiyin) == (0, 0)


async def test_what_comes_too_late_for_any_close_is_found(quick: Book) -> None:
    await quick.pay(Share(ONE, 1_000, 0))
    noon = quick.clock.now
    quick.clock.tomorrow(40)
    await quick.close()
    await quick.pay(Share(ONE, 7, 0), at_ms=noon)
    report = await verify(quick.store)
    assert [finding.receipt_id for finding in report.findings] == ["2026-11-20"]


async def test_a_payout_is_paid_once_and_what_comes_back_is_owed_again(book: Book) -> None:
    await book.pay(Share(ONE, 1_000, 0))
    book.clock.tomorrow()
    await book.close()
    [payout] = await book.payouts.find(state="due")
    with pytest.raises(PayoutRefused, match="not paid yet"):
        await book.payouts.give_back(payout.id, who="Aziza", note="closed account")
    paid = await book.payouts.pay(payout.id, who="Aziza", reference="MT103-1")
    assert (paid.state, paid.paid_by, paid.bank_reference) == ("paid", "Aziza", "MT103-1")
    assert await book.payouts.pay(payout.id, who="Botir", reference="MT103-1") == paid
    with pytest.raises(PayoutRefused, match="paid already"):
        await book.payouts.pay(payout.id, who="Botir", reference="MT103-2")
    assert await book.balances() == {"acquirer": -1_000, "bank": 1_000}
    assert (await book.verified()).totals.paid_out == 1_000
    back = await book.payouts.give_back(payout.id, who="Aziza", note="closed account")
    assert await book.payouts.give_back(payout.id, who="Botir", note="again") == back
    with pytest.raises(PayoutRefused, match="came back"):
        await book.payouts.pay(payout.id, who="Aziza", reference="MT103-1")
    await book.verified()
    book.clock.tomorrow()
    [day] = await book.close()
    assert day.payouts_tiyin == 1_000
    row = (await book.desk_days(next_day(FIRST)))[ONE]
    assert (row.returned_tiyin, row.net_tiyin, row.late_tiyin) == (1_000, 0, 0)
    assert [found.state for found in await book.payouts.find(desk_id=ONE)] == ["returned", "due"]
    await book.verified()
    with pytest.raises(PayoutRefused, match="no such payout"):
        await book.payouts.pay("2026-11-20-nobody", who="x", reference="y")
    with pytest.raises(PayoutRefused, match="characters"):
        await book.payouts.pay(payout.id, who=" ", reference="y")


async def test_two_who_say_at_once_that_it_was_paid_book_it_once(book: Book) -> None:
    await book.pay(Share(ONE, 1_000, 0))
    book.clock.tomorrow()
    await book.close()
    [payout] = await book.payouts.find()
    told = await asyncio.gather(
        *(book.payouts.pay(payout.id, who="x", reference=f"r{n}") for n in range(5)), return_exceptions=True
    )
    assert sum(isinstance(answer, Payout) for answer in told) == 1
    assert (await book.balances())["bank"] == 1_000


async def test_many_processes_close_a_day_once(book: Book) -> None:
    for desk in range(20):
        await book.pay(Share(f"{desk:024x}", 1_000 + desk, 0))
    book.clock.tomorrow(3)
    others = [Closer(book.store, book.clock, owner=f"process {n}", page=5) for n in range(4)]
    closed = await asyncio.gather(*(closer.close_due() for closer in others))
    done = {day.id for days in closed for day in days} | {day.id for day in await book.close()}
    assert done == {"2026-11-20", "2026-11-21", "2026-11-22"}
    assert len(await book.payouts.find()) == 20
    assert await book.store.work.backlog() == 0
    await book.verified()


class Dead(Exception):
    """The process is gone."""


class DyingStore:
    """A store whose process dies at its n-th write: before the write, or after its commit."""

    def __init__(self, inner: Store, writes: int, *, after: bool) -> None:
        self.inner = inner
        self.left = writes
        self.after = after
        self.work = inner.work

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def _write(self, call: Callable[[], Awaitable[Any]]) -> Any:
        self.left -= 1
        if self.left < 0 or (self.left == 0 and not self.after):
            raise Dead
        answer = await call()
        if self.left == 0:
            raise Dead
        return answer

    async def change(self, *args: Any, **kwargs: Any) -> Any:
        return await self._write(lambda: self.inner.change(*args, **kwargs))

    async def change_and_lease(self, *args: Any, **kwargs: Any) -> Any:
        return await self._write(lambda: self.inner.change_and_lease(*args, **kwargs))

    async def append(self, *args: Any, **kwargs: Any) -> Any:
        return await self._write(lambda: self.inner.append(*args, **kwargs))


@pytest.mark.parametrize("after", [False, True])
async def test_a_close_that_dies_anywhere_is_ended_by_another(quick: Book, *, after: bool) -> None:
    deaths = 0
    for writes in range(1, 40):
        await quick.pay(Share(ONE, 1_000, 10))
        debt = await quick.pay(Share(TWO, 500, 5))
        quick.clock.tomorrow()
        await quick.close()
        await quick.refund(debt, Share(TWO, 500, 5))
        await quick.pay(Share(ONE, 1_000, 10))
        quick.clock.tomorrow()
        dying: Any = DyingStore(quick.store, writes, after=after)
        try:
            await Closer(dying, quick.clock, owner="dying", lease_ms=1).close_due()
        except* Dead:
            deaths += 1
        while await quick.closer.next_due() is not None:
            await quick.close()
        await quick.verified()
        assert "desk" not in "".join(await quick.balances())
        if writes > deaths + 1:
            break
    assert deaths > 5
    payouts = await quick.payouts.find(limit=1_000)
    assert len({payout.id for payout in payouts}) == len(payouts)


async def test_a_closer_whose_lease_ran_out_writes_nothing_more(quick: Book) -> None:
    await quick.pay(Share(ONE, 1_000, 10))
    quick.clock.tomorrow()

    class Slow(DyingStore):
        async def _write(self, call: Callable[[], Awaitable[Any]]) -> Any:
            self.left -= 1
            if self.left == 0:
                while not await quick.close():  # until its lease of a millisecond has run out
                    await quick.store.get(DAYS, "any")
            return await call()

    slow: Any = Slow(quick.store, 2, after=False)
    assert await Closer(slow, quick.clock, owner="slow", lease_ms=1).close_due() == []
    assert len(await quick.payouts.find()) == 1
    await quick.verified()


async def test_totals_are_stored_for_every_account(book: Book) -> None:
    await book.pay(Share(ONE, 1_000, 10))
    book.clock.tomorrow()
    [day] = await book.close()
    rows = {row.account: row async for rows in run_rows(book.store, DAY_ACCOUNTS, day) for row in rows}
    desk = rows[f"desk:{ONE}"]
    assert (desk.debits, desk.debit_tiyin, desk.credits, desk.credit_tiyin) == (1, 990, 1, 990)
    assert (rows["acquirer"].debit_tiyin, rows["acquirer"].closing_tiyin) == (1_000, -1_000)
    assert day.entries == sum(row.credits for row in rows.values()) == 4
