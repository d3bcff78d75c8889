"""The bounds of the receipts' rules, to the millisecond, and what they say in words."""

from typing import Any

import pytest
from msgspec.structs import replace

from helpers_moves import DESK, LOST, NOW, TERMS, happens
from helpers_rules import AT, DESK_A, HOLD, NOBODY, PAID, at, told
from tiyin.gateway.acquiring.port import Declined, Held
from tiyin.gateway.ledger import taken
from tiyin.gateway.merchant_calls.answers import Answered, Malformed, Receiver, RefusedByMerchant, Unknown
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.at_billing import note_of
from tiyin.gateway.receipts.holds import HOLD_MS
from tiyin.gateway.receipts.moves import Note, put
from tiyin.gateway.receipts.outcomes import let_go, money_is_taken
from tiyin.gateway.receipts.people import NotPaused, Signature, resume
from tiyin.gateway.receipts.records import Attempt, Receipt, error_of
from tiyin.gateway.receipts.repeating import (
    EXPIRY_MS,
    PATIENCE_MS,
    WAIT_MS_MAX,
    has_expired,
    is_given_up,
    nobody_waits,
    patience_is_over,
)
from tiyin.gateway.receipts.shares import WrongReceivers, split
from tiyin.gateway.receipts.states import may_move, route_of
from tiyin.protocol.merchant_api import Reason
from tiyin.protocol.values import Text
from tiyin.runtime.tashkent import DAY_MS
from tiyin.storage import Done, Schedule
from tiyin.storage.tables import WorkChange


def test_the_bounds_are_these() -> None:
    assert (PATIENCE_MS, EXPIRY_MS, DAY_MS, WAIT_MS_MAX) == (120_000, 43_200_000, 86_400_000, 5_000)
    assert HOLD_MS == 2_592_000_000


@pytest.mark.parametrize(("after_ms", "patience", "expired"), [
    (119_999, False, False), (120_000, True, False), (43_199_999, True, False), (43_200_000, True, True),
])  # fmt: skip
def test_patience_and_expiry_end_to_the_millisecond(after_ms: int, patience: bool, expired: bool) -> None:
    terms = replace(TERMS, now_ms=NOW + after_ms)
    receipt, hold = at(1, "create"), at(1, "create", **HOLD)
    assert patience_is_over(receipt, terms) is nobody_waits(receipt, terms) is patience
    assert has_expired(receipt, terms) is nobody_waits(hold, terms) is expired
    assert is_given_up(receipt, terms) is patience
    assert is_given_up(replace(receipt, cancel_wish=5), AT)


DELAYS_MS = [
    1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000,
    60_000, 120_000, 300_000, 600_000, 1_200_000, 3_600_000, 3_600_000,
]  # fmt: skip


@pytest.mark.parametrize(("tries", "longest_ms"), list(enumerate(DELAYS_MS)))
def test_the_longest_wait_before_each_repeat(tries: int, longest_ms: int) -> None:
    # Of eight seconds, 0.625 is just the five that a driver still waits out itself.
    for chance in (0.0, 0.25, 0.625, 1.0):
        expected = max(100, int(longest_ms * chance))
        decision = happens(at(3, "perform", tries=tries), LOST, replace(AT, chance=chance))
        assert decision.answer.receipt.tries == tries + 1
        assert decision.answer.receipt.state == (30 if tries + 1 >= 4 else 3)
        if expected <= 5_000:
            assert decision.work == Schedule("a" * 24, "receipt", owner="test", lease_ms=60_000)
            assert decision.answer.pause_ms == expected
        else:
            assert decision.work == Schedule("a" * 24, "receipt", next_in_ms=expected)
            assert decision.answer.pause_ms is None


def test_a_check_of_perform_stays_out_of_the_queue() -> None:
    assert happens(at(3, "check_perform", tries=9), LOST, AT).answer.receipt.state == 3


@pytest.mark.parametrize(("cancelling", "longest_ms"), [(0, 15_000), (1, 3_600_000)])
def test_while_a_payer_waits_it_is_looked_often(cancelling: int, longest_ms: int) -> None:
    receipt = at(1, "cancel" if cancelling else "create", tries=20)
    decision = happens(receipt, LOST, replace(AT, chance=1.0))
    assert decision.work == Schedule("a" * 24, "receipt", next_in_ms=longest_ms)


@pytest.mark.parametrize(
    ("step", "outcome"), [("create", LOST), ("check_create", LOST), ("void", NotKnown())]
)
def test_for_a_hold_nobody_waits(step: Any, outcome: Any) -> None:
    decision = happens(at(1, step, tries=20, **HOLD), outcome, replace(AT, chance=1.0))
    assert decision.work == Schedule("a" * 24, "receipt", next_in_ms=3_600_000)


@pytest.mark.parametrize(("tries", "after_ms", "state"), [
    (4, DAY_MS, 20), (3, DAY_MS, 30), (4, DAY_MS - 1, 30),
])  # fmt: skip
def test_a_day_and_five_tries_call_a_person(tries: int, after_ms: int, state: int) -> None:
    receipt = at(30, "perform", tries=tries)
    assert happens(receipt, LOST, replace(TERMS, now_ms=NOW + after_ms)).answer.receipt.state == state


@pytest.mark.parametrize(("after_ms", "next_in_ms"), [
    (0, DAY_MS),
    (HOLD_MS - DAY_MS + 60_000, DAY_MS),
    (HOLD_MS - DAY_MS + 60_001, DAY_MS - 1),
    (HOLD_MS - 1, 60_001),
    (HOLD_MS, 3_600_000),
    (HOLD_MS + DAY_MS, 3_600_000),
])  # fmt: skip
def test_when_a_hold_is_looked_at_again(after_ms: int, next_in_ms: int) -> None:
    terms = replace(TERMS, now_ms=NOW + after_ms)
    for outcome in (Held("r"), NotKnown()):
        decision = happens(at(5, "watch", **HOLD), outcome, terms)
        assert decision.work == Schedule("a" * 24, "receipt", next_in_ms=next_in_ms)


def test_outcomes_become_notes_of_codes_and_words() -> None:
    assert note_of(RefusedByMerchant(-31050, None, "order")) == Note("refused", "-31050")
    assert note_of(Unknown("timeout")) == Note("unknown", "timeout")
    assert note_of(Malformed("no_result")) == Note("malformed", "no_result")
    assert note_of(Answered(object())) == Note("answered", "state ?")


def test_a_note_is_cut_and_names_its_step() -> None:
    decision = happens(at(2, "debit"), Declined(-1, "x" * 300), AT)
    [note] = [row for _, row in decision.appends if isinstance(row, Attempt)]
    assert note == Attempt(f"{'a' * 24}-5", "a" * 24, "debit", "declined", ("-1 " + "x" * 300)[:200], NOW + 7)
    assert Note("word").text == ""


def test_a_decline_without_words_is_its_code() -> None:
    decision = happens(at(6, "hold", hold=1), Declined(-31630, ""), AT)
    assert [row.note for _, row in decision.appends if isinstance(row, Attempt)] == ["-31630"]


def test_moves_that_are_not_allowed_say_which() -> None:
    with pytest.raises(AssertionError, match=r"^no receipt moves from 4 to 30 on the billing route$"):
        put(at(4, None), at(30, "perform"), AT, None, None)


@pytest.mark.parametrize(("state", "work"), [
    (4, Schedule("a" * 24, "receipt")), (21, Done("a" * 24)), (5, Done("a" * 24)),
])  # fmt: skip
def test_a_state_and_a_work_row_that_disagree_are_an_error(state: int, work: WorkChange) -> None:
    receipt = at(state, "watch")
    with pytest.raises(AssertionError, match=rf"^the work row and the state {state} would not agree$"):
        put(receipt, receipt, AT, work, None)


@pytest.mark.parametrize(("receipt", "is_taken"), [
    (at(2, "debit"), False),
    (at(3, "perform"), True),
    (at(30, "perform"), True),
    (at(21, "void", **HOLD), False),
    (at(21, "cancel", pay_time_ms=1), True),
    (at(50, None, **PAID), False),
])  # fmt: skip
def test_money_is_taken_until_it_is_given_back(receipt: Receipt, is_taken: bool) -> None:
    assert money_is_taken(receipt) is is_taken


def test_what_is_to_be_booked_is_booked_when_a_hold_is_let_go() -> None:
    receipt = at(2, "cancel", **HOLD)
    assert told(receipt, let_go(receipt, AT, None, entries=(taken(receipt.id, 9, NOW),))) == [
        "cancelling=0 stage_ms=+7 step=void tries=0",
        "R:taken (taken) acquirer <- in-flight 9 +0",
        "work: receipt in 0 for test 60000 pause=0",
    ]


def test_routes_follow_the_endpoint() -> None:
    assert (route_of(None), route_of("https://shop.example/")) == ("direct", "billing")
    assert may_move("billing", 7, 7)
    assert may_move("direct", 2, 4)
    assert not may_move("billing", 2, 4)


def test_nobody_moves_what_is_not_paused_and_hears_where_it_stands() -> None:
    for state, state_from in ((4, None), (20, None), (4, 3)):
        with pytest.raises(NotPaused) as refused:
            resume(at(state, None, state_from=state_from), NOBODY, Signature("a", "b"))
        assert refused.value.state == state
        assert str(refused.value) == f"the receipt stands in state {state}, not in 20"


@pytest.mark.parametrize(("receiver", "reason", "words"), [
    (Receiver(DESK_A, 500_000), Reason.RECEIVER_NOT_FOUND, "not found or inactive"),
    (Receiver(DESK_A, 1, 0), Reason.EXECUTION_FAILED, "the sums do not add up"),
])  # fmt: skip
def test_wrong_receivers_are_named(receiver: Receiver, reason: Reason, words: str) -> None:
    with pytest.raises(WrongReceivers) as refused:
        split(at(1, "create"), [receiver])
    assert (refused.value.reason, str(refused.value)) == (reason, words)


def test_the_desk_alone_keeps_its_commission() -> None:
    assert split(at(1, "create"), []) == {}
    assert split(at(1, "create"), [Receiver(DESK, 200_000, 9), Receiver(DESK, 300_000, 9)]) == {}


def test_a_merchant_who_keeps_the_money_is_quoted() -> None:
    words = Text(ru="р", uz="u", en="e")
    paid = at(21, "cancel", pay_time_ms=NOW)
    error = error_of(happens(paid, RefusedByMerchant(-31007, words, "d"), AT).answer.receipt)
    assert error is not None
    assert (error.code, error.data) == (-31007, "d")
    assert error.message == words
