"""The acquirer's books as pure rules: tables, and any sequence of operations on one card."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.acquiring import books
from tiyin.gateway.acquiring.books import DEBITED, DECLINED, HELD, HOLD_MS, REVERSED, Operation
from tiyin.protocol.values import mask_card_number
from tiyin.runtime.tashkent import day_number

T0 = 1_700_000_000_000
UZCARD = mask_card_number("8600069195406311")
HUMO = "986012******1234"


def asked(state: str, at_ms: int = T0, card: str = UZCARD, amount_tiyin: int = 7) -> Operation:
    return Operation("k-1", card, "t", amount_tiyin, state, -31630 if state == DECLINED else 0, at_ms)


def held(card: str = UZCARD) -> Operation:
    return asked(HELD, card=card)


@pytest.mark.parametrize("rule", [books.debit, books.hold])
@pytest.mark.parametrize("state", [HELD, DEBITED, DECLINED, REVERSED])
def test_whatever_stands_under_a_key_is_the_answer(rule: object, state: str) -> None:
    stored = asked(state)
    assert callable(rule)
    decision = rule(stored, asked(DEBITED if rule is books.debit else HELD, T0 + 1))
    assert decision.answer == stored
    assert not decision.writes


def test_a_capture_takes_what_is_held_and_says_when() -> None:
    decision = books.capture(held(), "k-1", T0 + 5, -31640)
    assert decision.record is decision.answer
    assert (decision.answer.state, decision.answer.debited_ms) == (DEBITED, T0 + 5)
    assert decision.answer.debited_day == day_number(T0 + 5)
    again = books.capture(decision.answer, "k-1", T0 + 9, -31640)
    assert again.answer == decision.answer
    assert not again.writes


def test_a_capture_of_nothing_forbids_the_key() -> None:
    nothing = books.capture(None, "k-1", T0, -31640)
    assert nothing.answer.state == DECLINED
    assert nothing.record == nothing.answer
    assert not books.hold(nothing.answer, held()).writes


@pytest.mark.parametrize("card", ["860006******6311", "561468******0001", "626272******1", "544081******1"])
def test_uzcard_ends_a_hold_on_its_thirtieth_day(card: str) -> None:
    last = T0 + HOLD_MS - 1
    assert books.expire(held(card), last).answer.state == HELD
    assert books.capture(held(card), "k-1", last, 0).answer.state == DEBITED
    for decision in (
        books.expire(held(card), last + 1),
        books.capture(held(card), "k-1", last + 99, 0),
        books.reverse(held(card), "k-1", last + 99),
        books.hold(held(card), asked(HELD, last + 99)),
    ):
        assert decision.record == decision.answer
        assert (decision.answer.state, decision.answer.reversed_ms) == (REVERSED, T0 + HOLD_MS)
        assert (decision.answer.debited_ms, decision.answer.reversed_day) == (0, 0)


def test_humo_never_ends_a_hold() -> None:
    late = T0 + 40 * HOLD_MS
    assert books.expire(held(HUMO), late).answer.state == HELD
    assert books.capture(held(HUMO), "k-1", late, 0).answer.state == DEBITED


def test_a_hold_that_is_given_back_moved_no_money() -> None:
    voided = books.reverse(held(), "k-1", T0 + 1).answer
    assert (voided.state, voided.reversed_ms, voided.reversed_day, voided.debited_ms) == (
        REVERSED,
        T0 + 1,
        0,
        0,
    )


def test_days_are_tashkents() -> None:
    midnight_ms = 1_767_207_600_000  # 2026-01-01T00:00 in Tashkent
    assert day_number(midnight_ms) == books.number_of_day(date(2026, 1, 1))
    assert day_number(midnight_ms - 1) == books.number_of_day(date(2025, 12, 31))


DEEDS = st.lists(
    st.tuples(
        st.sampled_from(["debit", "hold", "capture", "reverse", "look"]),
        st.integers(0, 2),
        st.integers(1, 60),
        st.sampled_from([0, 1, 5 * 3_600_000, HOLD_MS // 2, HOLD_MS]),
    ),
    max_size=25,
)


class Card:
    """One card with a balance, and the books of its operations, driven as the test acquirer does."""

    def __init__(self, number: str, balance_tiyin: int) -> None:
        self.card = number
        self.balance_tiyin = balance_tiyin
        self.now_ms = T0
        self.stored: dict[str, Operation] = {}
        self.history: list[Operation] = []

    def left_tiyin(self) -> int:
        return self.balance_tiyin - sum(
            operation.amount_tiyin
            for operation in self.stored.values()
            if operation.state == DEBITED
            or (operation.state == HELD and not books.is_expired(operation, self.now_ms))
        )

    def do(self, deed: str, key: str, amount_tiyin: int) -> Operation | None:
        stored = self.stored.get(key)
        if deed in {"debit", "hold"}:
            wanted = DEBITED if deed == "debit" else HELD
            state = wanted if amount_tiyin <= self.left_tiyin() else DECLINED
            wish = Operation(key, self.card, "t", amount_tiyin, state, 0, self.now_ms)
            decision = (books.debit if deed == "debit" else books.hold)(stored, wish)
        elif deed == "capture":
            decision = books.capture(stored, key, self.now_ms, -31640)
        elif deed == "reverse":
            decision = books.reverse(stored, key, self.now_ms)
        elif stored is None:
            return None
        else:
            decision = books.expire(stored, self.now_ms)
        if decision.record is not None:
            assert isinstance(decision.record, Operation)
            self.stored[key] = decision.record
            self.history.append(decision.record)
        assert decision.answer == self.stored[key]
        return decision.answer


@given(DEEDS, st.sampled_from([UZCARD, HUMO]), st.integers(0, 100))
def test_any_sequence_takes_no_more_than_there_is_and_each_key_once(
    deeds: list[tuple[str, int, int, int]], number: str, balance_tiyin: int
) -> None:
    card = Card(number, balance_tiyin)
    over: set[str] = set()
    debited: dict[str, int] = {}
    for deed, key_number, amount_tiyin, passes_ms in deeds:
        card.now_ms += passes_ms
        key = f"k-{key_number}"
        answer = card.do(deed, key, amount_tiyin)
        if answer is not None and answer.state in {DECLINED, REVERSED}:
            over.add(key)
        for ended in over:
            assert card.stored[ended].state in {DECLINED, REVERSED}  # nothing is ever taken there again
        assert card.left_tiyin() >= 0
        for stored in card.stored.values():
            if stored.debited_ms:
                debited.setdefault(stored.id, stored.debited_ms)
                assert stored.debited_ms == debited[stored.id]  # debited once, at one moment
        if answer is not None and deed != "look":
            written = len(card.history)
            assert card.do(deed, key, amount_tiyin) == answer  # the same key twice is one operation
            assert len(card.history) == written
    in_file = sum(
        operation.amount_tiyin * ((operation.debited_day > 0) - (operation.reversed_day > 0))
        for operation in card.stored.values()
    )
    assert in_file == sum(one.amount_tiyin for one in card.stored.values() if one.state == DEBITED)
