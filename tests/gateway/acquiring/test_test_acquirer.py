"""The test acquirer: the documentation's table, one operation for a key, and books to compare."""

import asyncio
from typing import cast

import pytest

from tiyin.gateway.acquiring.books import OPERATIONS
from tiyin.gateway.acquiring.port import Debited, Declined, NotFound, OutcomeUnknown, Reversed
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


class BrokenStore:
    """A store whose disk is gone."""

    async def change(self, *_: object) -> None:
        raise StorageUnavailable("the disk is gone")

    get = change


async def test_books_that_cannot_be_written_leave_the_outcome_open() -> None:
    acquirer = TestAcquirer(cast("Store", BrokenStore()), ManualClock(), TestCards())
    with pytest.raises(OutcomeUnknown):
        await acquirer.debit(KEY, GOOD, 5, "t")
    with pytest.raises(OutcomeUnknown):
        await acquirer.status(KEY)
    with pytest.raises(OutcomeUnknown):
        await acquirer.reverse(KEY)


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
