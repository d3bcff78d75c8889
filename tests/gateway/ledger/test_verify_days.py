"""`verify` finds what is wrong with closed days and payouts, and is quiet while a gateway is at work."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from gateway.ledger.test_closing import FIRST, ONE, TWO, Book
from tiyin.gateway.ledger import ENTRIES, Share
from tiyin.gateway.ledger.calendar import day_span
from tiyin.gateway.ledger.days import DAY_ACCOUNTS, DAYS, DESK_DAYS, Day
from tiyin.gateway.ledger.entries import paid_out, payout, suspended
from tiyin.gateway.ledger.payouts import PAYOUTS, Payout
from tiyin.gateway.metadata import metadata
from tiyin.gateway.verify import verify
from tiyin.storage import Decision, Store, Table, open_store

END_MS = day_span(FIRST)[1]


class TornBook(Book):
    """Books in which rows are changed behind the gateway's back."""

    async def day(self) -> Day:
        stored = await self.store.get(DAYS, FIRST.isoformat())
        assert stored is not None
        return stored

    async def change_day(self, **changes: object) -> None:
        await self._change(DAYS, FIRST.isoformat(), changes)

    async def change_payout(self, **changes: object) -> None:
        await self._change(PAYOUTS, f"{FIRST}-{ONE}", changes)

    async def _change(self, table: Table[Any], key: str, changes: dict[str, object]) -> None:
        def rule(stored: Any) -> Decision[None]:
            return Decision(None, replace(stored, **changes))

        await self.store.change(table, key, rule)

    async def copied_run(self, table: Table[Any], account: str, **changes: object) -> None:
        """Let the day name a run whose rows are the old ones, but one that is changed."""
        day = await self.day()
        tables: tuple[tuple[Table[Any], str], ...] = ((DAY_ACCOUNTS, "account"), (DESK_DAYS, "desk_id"))
        for kind, name in tables:
            prefix = f"{day.id}:{day.run}:"
            for found in [f"desk:{ONE}", "acquirer", "commission", "payouts", "in-flight", ONE]:
                row = await self.store.get(kind, prefix + found)
                if row is not None:
                    wrong = changes if kind is table and getattr(row, name) == account else {}
                    copy = replace(row, id=f"{day.id}:other:{found}", **wrong)
                    await self.store.append(kind, [copy])
        await self.change_day(run="other")


@pytest.fixture
async def torn(sqlite_url: str) -> AsyncIterator[TornBook]:
    store = await open_store(sqlite_url)
    await store.create_tables(metadata)
    book = TornBook(store)
    await book.pay(Share(ONE, 1_000, 10))
    book.clock.tomorrow()
    await book.close()
    await book.verified()
    yield book
    await store.close()


async def _another_total(book: TornBook) -> str:
    await book.copied_run(DAY_ACCOUNTS, "commission", credit_tiyin=9, closing_tiyin=9)
    return "the totals of commission are not"


async def _a_balance_that_does_not_add_up(book: TornBook) -> str:
    await book.copied_run(DAY_ACCOUNTS, "acquirer", closing_tiyin=-1)
    return "acquirer does not close with what moved"


async def _a_balance_out_of_nothing(book: TornBook) -> str:
    await book.copied_run(DAY_ACCOUNTS, "acquirer", opening_tiyin=5, closing_tiyin=-995)
    return "acquirer does not open with"


async def _a_desk_settled_otherwise(book: TornBook) -> str:
    await book.copied_run(DESK_DAYS, ONE, payout_tiyin=980)
    return "not settled as its balance says"


async def _a_report_that_does_not_add_up(book: TornBook) -> str:
    await book.copied_run(DESK_DAYS, ONE, gross_tiyin=999)
    return "gross less commission and refunds"


async def _counts_of_another_day(book: TornBook) -> str:
    await book.change_day(payouts_tiyin=1)
    return "the day's payouts are not those of its desks"


async def _a_day_left_out(book: TornBook) -> str:
    book.clock.tomorrow()
    await book.close()
    moved = replace(await book.day(), id="2026-11-10", version=1)
    await book.store.change(DAYS, moved.id, lambda _: Decision(None, moved))
    return "the day before was not closed"


async def _a_payout_of_another_amount(book: TornBook) -> str:
    await book.change_payout(amount_tiyin=991)
    return "the payout is not what its day says"


async def _a_payout_paid_and_not_booked(book: TornBook) -> str:
    await book.change_payout(state="paid", paid_ms=1)
    return "the entry paid-out is missing"


async def _a_payout_booked_and_not_paid(book: TornBook) -> str:
    await book.store.append(ENTRIES, [paid_out(ONE, 990, END_MS, 5)])
    return "and yet there is the entry paid-out"


async def _a_payout_of_no_day(book: TornBook) -> str:
    await book.store.append(ENTRIES, [payout(TWO, 990, END_MS)])
    return "the entry payout without a closed day"


async def _a_debt_of_no_day(book: TornBook) -> str:
    await book.store.append(ENTRIES, [suspended(TWO, 990, END_MS)])
    return "the entry suspended without a closed day"


async def _a_payout_that_nobody_made(book: TornBook) -> str:
    made = Payout("2026-11-20-x", "2026-11-20", "x", 5)
    await book.store.change(PAYOUTS, made.id, lambda _: Decision(None, made))
    return "the payout is not what its day says"


async def _a_payout_in_no_state(book: TornBook) -> str:
    await book.change_payout(state="lost")
    return "no state that there is"


@pytest.mark.parametrize(
    "plant",
    [
        _another_total,
        _a_balance_that_does_not_add_up,
        _a_balance_out_of_nothing,
        _a_desk_settled_otherwise,
        _a_report_that_does_not_add_up,
        _counts_of_another_day,
        _a_day_left_out,
        _a_payout_of_another_amount,
        _a_payout_paid_and_not_booked,
        _a_payout_booked_and_not_paid,
        _a_payout_of_no_day,
        _a_debt_of_no_day,
        _a_payout_that_nobody_made,
        _a_payout_in_no_state,
    ],
)
async def test_what_is_wrong_is_found(torn: TornBook, plant: Callable[[TornBook], Awaitable[str]]) -> None:
    sentence = await plant(torn)
    report = await verify(torn.store)
    assert any(sentence in finding.what for finding in report.findings), report.findings


async def test_nothing_is_found_while_days_close_and_payouts_are_paid(store: Store) -> None:
    await store.create_tables(metadata)
    book = Book(store, page=50)
    busy = True

    async def work() -> None:
        nonlocal busy
        for _ in range(6):
            receipts = [await book.pay(Share(ONE, 1_000, 10), Share(TWO, 500, 0)) for _ in range(10)]
            await book.refund(receipts[0], Share(ONE, 1_000, 10), Share(TWO, 500, 0))
            book.clock.tomorrow()
            await book.close()
            for payout_ in await book.payouts.find(state="due"):
                await book.payouts.pay(payout_.id, who="w", reference="r")
        for payout_ in (await book.payouts.find(state="paid"))[:3]:
            await book.payouts.give_back(payout_.id, who="w", note="n")
        busy = False

    async def look() -> int:
        looks = 0
        while busy:
            report = await verify(store, page=7)
            assert report.findings == []
            looks += 1
        return looks

    _, looks = await asyncio.gather(work(), look())
    assert looks > 1
    await book.verified()
