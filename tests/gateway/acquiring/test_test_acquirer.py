"""The test acquirer: the documentation's table, one operation for a key, and books to compare."""

import asyncio
from datetime import UTC, date, datetime, timedelta, timezone
from typing import cast

import pytest

from tiyin.gateway.acquiring.books import HOLD_MS, OPERATIONS
from tiyin.gateway.acquiring.port import (
    DayLine,
    Debited,
    Declined,
    Held,
    NotFound,
    OutcomeUnknown,
    Reversed,
)
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TEST_CARDS, TestCard, TestCards
from tiyin.gateway.cards.safe import CardDetails
from tiyin.gateway.metadata import metadata
from tiyin.runtime.clock import ManualClock
from tiyin.storage import StorageUnavailable, Store

GOOD = CardDetails("8600069195406311", "0399")
KEY = f"{'a' * 24}-1"


@pytest.fixture
async def acquirer(store: Store) -> TestAcquirer:
    await store.create_tables(metadata)
    return TestAcquirer(store, ManualClock(), TestCards())


async def test_a_key_debits_once(acquirer: TestAcquirer) -> None:
    answers = await asyncio.gather(*(acquirer.debit(KEY, GOOD, 5, "t") for _ in range(8)))
    assert set(answers) == {Debited(KEY)}
    assert await acquirer.taken_tiyin(GOOD.number) == 5
    assert await acquirer.status(KEY) == Debited(KEY)


async def test_a_reversal_gives_back_and_leaves_a_tombstone(acquirer: TestAcquirer) -> None:
    assert await acquirer.status(KEY) == NotFound()
    assert await acquirer.reverse(KEY) == Reversed()
    assert isinstance(await acquirer.debit(KEY, GOOD, 5, "t"), Declined)
    assert await acquirer.status(KEY) == Reversed()
    other = f"{'a' * 24}-2"
    await acquirer.debit(other, GOOD, 7, "t")
    assert await acquirer.taken_tiyin(GOOD.number) == 7
    assert await acquirer.reverse(other) == await acquirer.reverse(other) == Reversed()
    assert await acquirer.taken_tiyin(GOOD.number) == 0


async def test_a_declined_operation_stays_declined(acquirer: TestAcquirer) -> None:
    failing = CardDetails("8600143417770323", "0399")
    assert await acquirer.debit(KEY, failing, 5, "t") == Declined(-31640, "test card")
    await acquirer.reverse(KEY)
    assert await acquirer.debit(KEY, GOOD, 5, "t") == Declined(-31640, "test card")
    assert await acquirer.status(KEY) == Declined(-31640, "test card")


async def test_the_slow_card_answers_after_ten_seconds(store: Store) -> None:
    await store.create_tables(metadata)
    clock = ManualClock()
    acquirer = TestAcquirer(store, clock, TestCards())
    paying = asyncio.ensure_future(acquirer.debit(KEY, CardDetails("8600134301849596", "0399"), 5, "t"))
    await clock.run(9_999)
    assert not paying.done()
    await clock.run(1)
    assert await paying == Declined(-31620, "test card")


async def test_a_card_pays_what_it_holds_and_not_more(store: Store) -> None:
    """A card that a tester added with a balance: racing debits together never take more than it holds."""
    await store.create_tables(metadata)
    cards = TestCards()
    cards.put(TestCard(number="8600000000000001", balance_tiyin=100))
    acquirer = TestAcquirer(store, ManualClock(), cards)
    card = CardDetails("8600000000000001", "0399")
    keys = [f"{'b' * 23}{digit}-1" for digit in range(6)]
    answers = await asyncio.gather(*(acquirer.debit(key, card, 30, "t") for key in keys))
    assert sum(isinstance(answer, Debited) for answer in answers) == 3
    assert {answer.code for answer in answers if isinstance(answer, Declined)} == {-31630}


@pytest.mark.parametrize(("number", "expire"), [("8600069195406311", "0499"), ("8600000000000000", "0399")])
async def test_an_unknown_card_or_another_expiry_is_declined(
    acquirer: TestAcquirer, number: str, expire: str
) -> None:
    assert await acquirer.debit(KEY, CardDetails(number, expire), 5, "t") == Declined(-31630, "test card")


async def test_a_hold_sets_aside_and_a_capture_takes(acquirer: TestAcquirer) -> None:
    assert await acquirer.hold(KEY, GOOD, 5, "t") == await acquirer.hold(KEY, GOOD, 5, "t") == Held(KEY)
    assert await acquirer.status(KEY) == Held(KEY)
    assert await acquirer.taken_tiyin(GOOD.number) == 5
    with pytest.raises(OutcomeUnknown):  # its key is no debit's, and "declined" would not be true
        await acquirer.debit(KEY, GOOD, 5, "t")
    assert await acquirer.capture(KEY) == await acquirer.capture(KEY) == Debited(KEY)
    assert await acquirer.hold(KEY, GOOD, 5, "t") == Held(KEY)
    assert await acquirer.status(KEY) == Debited(KEY)
    assert await acquirer.taken_tiyin(GOOD.number) == 5
    assert await acquirer.reverse(KEY) == Reversed()
    assert await acquirer.capture(KEY) == Reversed()
    assert await acquirer.taken_tiyin(GOOD.number) == 0


async def test_a_hold_that_is_given_back_is_not_captured(acquirer: TestAcquirer) -> None:
    await acquirer.hold(KEY, GOOD, 5, "t")
    await acquirer.reverse(KEY)
    assert await acquirer.status(KEY) == await acquirer.capture(KEY) == Reversed()
    assert isinstance(await acquirer.hold(KEY, GOOD, 5, "t"), Declined)
    assert await acquirer.taken_tiyin(GOOD.number) == 0


async def test_a_capture_of_nothing_is_declined_and_stays_so(acquirer: TestAcquirer) -> None:
    assert isinstance(await acquirer.capture(KEY), Declined)
    assert isinstance(await acquirer.hold(KEY, GOOD, 5, "t"), Declined)
    assert await acquirer.taken_tiyin(GOOD.number) == 0


async def test_a_card_may_refuse_to_be_held_and_still_be_debited(store: Store) -> None:
    await store.create_tables(metadata)
    cards = TestCards()
    cards.put(TestCard(number=GOOD.number, hold_refusal=-31630))
    acquirer = TestAcquirer(store, ManualClock(), cards)
    assert await acquirer.hold(KEY, GOOD, 5, "t") == Declined(-31630, "test card")
    assert isinstance(await acquirer.debit(f"{'a' * 24}-2", GOOD, 5, "t"), Debited)
    failing = CardDetails("8600143417770323", "0399")
    assert await acquirer.hold(f"{'a' * 24}-3", failing, 5, "t") == Declined(-31640, "test card")


@pytest.mark.parametrize(("number", "ends"), [("8600000000000001", True), ("9860000000000001", False)])
async def test_thirty_days_end_a_hold_of_uzcard_alone(store: Store, number: str, ends: bool) -> None:
    await store.create_tables(metadata)
    clock, cards, card = ManualClock(), TestCards(), CardDetails(number, "0399")
    cards.put(TestCard(number=number, balance_tiyin=100))
    acquirer = TestAcquirer(store, clock, cards)
    first, second, third = (f"{'b' * 24}-{attempt}" for attempt in (1, 2, 3))
    assert await acquirer.hold(first, card, 80, "t") == Held(first)
    clock.advance(HOLD_MS - 1)
    assert isinstance(await acquirer.debit(second, card, 80, "t"), Declined)
    clock.advance(1)
    # What the card has is free again before anybody has looked at the hold.
    assert isinstance(await acquirer.debit(third, card, 80, "t"), Debited if ends else Declined)
    assert await acquirer.status(first) == (Reversed() if ends else Held(first))
    assert await acquirer.capture(first) == (Reversed() if ends else Debited(first))
    assert await acquirer.taken_tiyin(number) == 80
    operation = await store.get(OPERATIONS, first)
    assert operation is not None
    assert operation.state == ("reversed" if ends else "debited")


async def whole_file(acquirer: TestAcquirer, day: date, limit: int) -> list[DayLine]:
    lines: list[DayLine] = []
    while part := await acquirer.day_lines(day, f"{lines[-1].key} {lines[-1].kind}" if lines else "", limit):
        assert len(part) <= limit
        lines += part
    return lines


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
async def test_a_days_file_tells_what_moved_on_that_day(store: Store, limit: int) -> None:
    await store.create_tables(metadata)
    tashkent = timezone(timedelta(hours=5))
    evening_ms = int(datetime(2026, 3, 1, 23, 0, tzinfo=tashkent).timestamp() * 1000)
    clock, tomorrow = ManualClock(evening_ms), date(2026, 3, 2)
    today = tomorrow - timedelta(days=1)
    acquirer = TestAcquirer(store, clock, TestCards())
    key = "{}-1".format
    await acquirer.debit(key("a"), GOOD, 1, "t")  # stays
    await acquirer.debit(key("b"), GOOD, 2, "t")  # goes back on the same day
    await acquirer.reverse(key("b"))
    await acquirer.debit(key("c"), GOOD, 4, "t")  # goes back tomorrow
    await acquirer.hold(key("d"), GOOD, 8, "t")  # is captured tomorrow
    await acquirer.hold(key("e"), GOOD, 16, "t")  # is given back: nothing moved
    await acquirer.reverse(key("e"))
    await acquirer.reverse(key("f"))  # a tombstone
    await acquirer.debit(key("g"), CardDetails("8600143417770323", "0399"), 32, "t")  # declined
    clock.advance(2 * 3_600_000)
    assert datetime.fromtimestamp(clock.now_ms() / 1000, UTC).date() == today  # UTC's day is another
    await acquirer.capture(key("d"))
    await acquirer.reverse(key("c"))
    later_ms = clock.now_ms()
    assert await whole_file(acquirer, today, limit) == [
        DayLine("a-1", "debit", 1, evening_ms, "t"),
        DayLine("b-1", "debit", 2, evening_ms, "t"),
        DayLine("b-1", "reversal", 2, evening_ms, "t"),
        DayLine("c-1", "debit", 4, evening_ms, "t"),
    ]
    assert await whole_file(acquirer, tomorrow, limit) == [
        DayLine("c-1", "reversal", 4, later_ms, "t"),
        DayLine("d-1", "debit", 8, later_ms, "t"),
    ]
    assert await acquirer.taken_tiyin(GOOD.number) == 1 + 8


class BrokenStore:
    """A store whose disk is gone."""

    async def change(self, *_: object) -> None:
        raise StorageUnavailable("the disk is gone")

    get = query = change


async def test_books_that_cannot_be_written_leave_the_outcome_open() -> None:
    acquirer = TestAcquirer(cast("Store", BrokenStore()), ManualClock(), TestCards())
    with pytest.raises(OutcomeUnknown):
        await acquirer.debit(KEY, GOOD, 5, "t")
    with pytest.raises(OutcomeUnknown):
        await acquirer.status(KEY)
    with pytest.raises(OutcomeUnknown):
        await acquirer.reverse(KEY)
    with pytest.raises(OutcomeUnknown):
        await acquirer.hold(KEY, GOOD, 5, "t")
    with pytest.raises(OutcomeUnknown):
        await acquirer.capture(KEY)
    with pytest.raises(OutcomeUnknown):
        await acquirer.day_lines(date(2026, 3, 1), "", 9)


async def test_the_books_hold_no_whole_number(acquirer: TestAcquirer, store: Store) -> None:
    await acquirer.debit(KEY, GOOD, 5, "20660000")
    operation = await store.get(OPERATIONS, KEY)
    assert operation is not None
    assert (operation.card, operation.terminal) == ("860006******6311", "20660000")


def test_the_table_is_the_documentations() -> None:
    outcomes = {
        card.number[-4:]: (card.create_refusal, card.code_refusal, card.debit_refusal) for card in TEST_CARDS
    }
    assert outcomes == {
        "0842": (None, -31301, None),
        "4657": (-31300, None, None),
        "9073": (-31300, None, None),
        "0323": (None, None, -31640),
        "9596": (None, None, -31620),
        "6478": (None, None, None),
        "6311": (None, None, None),
    }
    assert [card.debit_delay_ms for card in TEST_CARDS if card.debit_delay_ms] == [10_000]
    assert {card.expire for card in TEST_CARDS} == {"0399"}
