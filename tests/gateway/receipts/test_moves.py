"""A row for every move of a receipt: where it stands, what happens, where it stands then. Without I/O."""

from typing import Any

import pytest
from msgspec.structs import replace

from helpers_moves import (
    ALONE,
    DAY,
    DELIVERED,
    DESK,
    EARNED,
    LATE,
    LOST,
    NO_TRANSACTION,
    NOT_SENT,
    NOW,
    ODD,
    REFUSED,
    STALE,
    TERMS,
    TOO_LATE,
    WRONG_KEY,
    a_receipt,
    checked,
    created,
    happens,
)
from tiyin.gateway.acquiring.port import Debited, Declined, NotFound, Reversed
from tiyin.gateway.ledger import ENTRIES, Entry
from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Cancelled,
    Performed,
    Receiver,
    RefusedByMerchant,
)
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.moves import PayIntent, Terms, begin_payment
from tiyin.gateway.receipts.records import RECEIPTS, Receipt, error_of
from tiyin.gateway.receipts.states import MOVES, UNRESOLVED, Route, may_move
from tiyin.storage import Done, Schedule

# Where it stands (state, step), what happens, under which terms -> state, step, ledger entries.
ROWS: list[tuple[str, tuple[int, str], Any, Terms, tuple[int, str | None], list[str]]] = [
    ("created", (1, "create"), created(), TERMS, (2, "debit"), []),
    ("created for the desk itself", (1, "create"), created(1, ALONE), TERMS, (2, "debit"), []),
    ("created too late", (1, "create"), created(), TOO_LATE, (1, "cancel"), []),
    ("created for others", (1, "create"), created(1, Receiver("b" * 24, 500_000)), TERMS, (1, "cancel"), []),
    ("created in state 2", (1, "create"), created(2), TERMS, (1, "cancel"), []),
    ("create refused outright", (1, "create"), REFUSED, TERMS, (0, None), []),
    ("create refused after a crash", (1, "create"), REFUSED, STALE, (1, "check_create"), []),
    ("create not sent", (1, "create"), NOT_SENT, TERMS, (0, None), []),
    ("create not sent after a crash", (1, "create"), NOT_SENT, STALE, (1, "create"), []),
    ("create lost", (1, "create"), LOST, TERMS, (1, "create"), []),
    ("create lost too long", (1, "create"), LOST, TOO_LATE, (1, "cancel"), []),
    ("create malformed", (1, "create"), ODD, TERMS, (1, "cancel"), []),
    ("create stands after all", (1, "check_create"), checked(1), TERMS, (2, "debit"), []),
    ("create stands, too late", (1, "check_create"), checked(1), TOO_LATE, (1, "cancel"), []),
    ("create was cancelled", (1, "check_create"), checked(-1), TERMS, (50, None), []),
    ("create was performed, unpaid", (1, "check_create"), checked(2), TERMS, (1, "cancel"), []),
    ("create never arrived", (1, "check_create"), NO_TRANSACTION, TERMS, (0, None), []),
    ("create unclear", (1, "check_create"), WRONG_KEY, TERMS, (1, "cancel"), []),
    ("create unclear, malformed", (1, "check_create"), ODD, TERMS, (1, "cancel"), []),
    ("check of create lost", (1, "check_create"), LOST, TERMS, (1, "check_create"), []),
    ("check of create lost too long", (1, "check_create"), LOST, TOO_LATE, (1, "cancel"), []),
    ("debited", (2, "debit"), Debited("r"), TERMS, (3, "perform"), ["taken"]),
    ("debited late", (2, "debit"), Debited("r"), replace(STALE, now_ms=LATE), (3, "perform"), ["taken"]),
    ("declined", (2, "debit"), Declined(-31630), TERMS, (2, "cancel"), []),
    ("debit lost", (2, "debit"), NotKnown(), TERMS, (2, "debit"), []),
    ("debit not found", (2, "debit"), NotFound(), TERMS, (2, "debit"), []),
    ("debit not found, too late", (2, "debit"), NotFound(), TOO_LATE, (2, "void"), []),
    ("debit was reversed", (2, "debit"), Reversed(), TERMS, (2, "cancel"), []),
    ("voided", (2, "void"), Reversed(), TERMS, (2, "cancel"), []),
    ("void lost", (2, "void"), NotKnown(), TERMS, (2, "void"), []),
    ("performed", (3, "perform"), Answered(Performed("1", 2)), TERMS, (4, None), EARNED),
    ("performed from the queue", (30, "perform"), Answered(Performed("1", 2)), TERMS, (4, None), EARNED),
    ("performed to state 1", (3, "perform"), Answered(Performed("1", 1)), TERMS, (3, "check_perform"), []),
    ("perform lost", (3, "perform"), LOST, TERMS, (3, "perform"), []),
    ("perform malformed", (3, "perform"), ODD, TERMS, (3, "perform"), []),
    ("perform with a wrong key", (3, "perform"), WRONG_KEY, TERMS, (3, "perform"), []),
    ("perform refused", (3, "perform"), REFUSED, TERMS, (3, "check_perform"), []),
    ("perform refused from the queue", (30, "perform"), NO_TRANSACTION, TERMS, (30, "check_perform"), []),
    ("was performed", (3, "check_perform"), checked(2), TERMS, (4, None), EARNED),
    ("was cancelled", (3, "check_perform"), checked(-1), TERMS, (3, "refund"), ["returning"]),
    ("was cancelled after", (30, "check_perform"), checked(-2), TERMS, (30, "refund"), ["returning"]),
    ("is unknown", (3, "check_perform"), NO_TRANSACTION, TERMS, (3, "refund"), ["returning"]),
    ("still waits", (3, "check_perform"), checked(1), TERMS, (3, "cancel"), []),
    ("is unclear", (3, "check_perform"), WRONG_KEY, TERMS, (20, "check_perform"), []),
    ("is unclear, malformed", (3, "check_perform"), ODD, TERMS, (20, "check_perform"), []),
    ("is unclear, another state", (3, "check_perform"), checked(7), TERMS, (20, "check_perform"), []),
    ("check of perform lost", (3, "check_perform"), LOST, TERMS, (3, "check_perform"), []),
    ("cancelled before the debit", (1, "cancel"), Answered(Cancelled(-1)), TERMS, (50, None), []),
    ("cancelled after a decline", (2, "cancel"), Answered(Cancelled(-1)), TERMS, (50, None), []),
    ("nothing to cancel", (1, "cancel"), NO_TRANSACTION, TERMS, (50, None), []),
    ("undone after the debit", (3, "cancel"), Answered(Cancelled(-2)), TERMS, (3, "refund"), ["returning"]),
    ("nothing to cancel after the debit", (3, "cancel"), NO_TRANSACTION, TERMS, (3, "refund"), ["returning"]),
    ("cancel lost", (1, "cancel"), LOST, TERMS, (1, "cancel"), []),
    ("cancel malformed", (2, "cancel"), ODD, TERMS, (2, "cancel"), []),
    ("cancel with a wrong key", (2, "cancel"), WRONG_KEY, TERMS, (2, "cancel"), []),
    ("cancel refused", (2, "cancel"), DELIVERED, TERMS, (2, "check_cancel"), []),
    ("cancel to another state", (2, "cancel"), Answered(Cancelled(1)), TERMS, (2, "check_cancel"), []),
    ("was cancelled already", (2, "check_cancel"), checked(-1), TERMS, (50, None), []),
    ("was cancelled already, debited", (3, "check_cancel"), checked(-1), TERMS, (3, "refund"), ["returning"]),
    ("was performed meanwhile", (3, "check_cancel"), checked(2), TERMS, (4, None), EARNED),
    ("was performed without money", (2, "check_cancel"), checked(2), TERMS, (20, "check_cancel"), []),
    ("cannot be cancelled", (2, "check_cancel"), checked(1), TERMS, (20, "check_cancel"), []),
    ("is not known when cancelled", (1, "check_cancel"), NO_TRANSACTION, TERMS, (50, None), []),
    ("check of cancel lost", (1, "check_cancel"), LOST, TERMS, (1, "check_cancel"), []),
    ("check of cancel unclear", (1, "check_cancel"), ODD, TERMS, (20, "check_cancel"), []),
    ("refunded", (3, "refund"), Reversed(), TERMS, (50, None), ["returned"]),
    ("refunded from the queue", (30, "refund"), Reversed(), TERMS, (50, None), ["returned"]),
    ("refund lost", (3, "refund"), NotKnown(), TERMS, (3, "refund"), []),
]  # fmt: skip

DIRECT_ROWS = [
    ("debited", (2, "debit"), Debited("r"), TERMS, (4, None), ["taken", "earned", "commission"]),
    ("declined", (2, "debit"), Declined(-31630), TERMS, (50, None), []),
    ("debit lost", (2, "debit"), NotKnown(), TERMS, (2, "debit"), []),
    ("debit not found, too late", (2, "debit"), NotFound(), TOO_LATE, (2, "void"), []),
    ("debit was reversed", (2, "debit"), Reversed(), TERMS, (50, None), []),
    ("voided", (2, "void"), Reversed(), TERMS, (50, None), []),
]


def check_row(
    receipt: Receipt, outcome: Any, terms: Terms, after: tuple[int, Any], entries: list[str]
) -> None:
    decision = happens(receipt, outcome, terms)
    moved = decision.answer.receipt
    assert (moved.state, moved.step) == after
    assert [entry.what for table, entry in decision.appends if isinstance(entry, Entry)] == entries
    assert all(table in {ENTRIES, *RECEIPTS.appends} for table, _ in decision.appends)
    assert may_move(receipt.route, receipt.state, moved.state)
    assert moved.cancelling == (moved.step in {"cancel", "check_cancel"}), (
        "the order is closed while it is undone"
    )
    if decision.work is not None:
        assert isinstance(decision.work, Schedule) is (moved.state in UNRESOLVED)
    # What was pinned at the first intent stays.
    pinned = ("time_ms", "endpoint", "amount_tiyin", "account", "attempt_key", "commission_tiyin", "route")
    assert [getattr(moved, name) for name in pinned] == [getattr(receipt, name) for name in pinned]


@pytest.mark.parametrize(
    ("name", "before", "outcome", "terms", "after", "entries"), ROWS, ids=[row[0] for row in ROWS]
)
def test_a_row_of_the_table(
    name: str, before: tuple[int, str], outcome: Any, terms: Terms, after: tuple[int, Any], entries: list[str]
) -> None:
    del name
    cancelling = int(before[1] in {"cancel", "check_cancel"})
    check_row(a_receipt(*before, cancelling=cancelling), outcome, terms, after, entries)


@pytest.mark.parametrize(
    ("name", "before", "outcome", "terms", "after", "entries"),
    DIRECT_ROWS,
    ids=[row[0] for row in DIRECT_ROWS],
)
def test_a_row_of_a_desk_without_billing(
    name: str, before: tuple[int, str], outcome: Any, terms: Terms, after: tuple[int, Any], entries: list[str]
) -> None:
    del name
    check_row(a_receipt(*before, route="direct"), outcome, terms, after, entries)


@pytest.mark.parametrize(("route", "state", "step"), [("billing", 1, "create"), ("direct", 2, "debit")])
def test_a_payment_begins_once_and_pins_everything(route: Route, state: int, step: str) -> None:
    intent = PayIntent(
        attempt=1,
        route=route,
        endpoint="https://shop.example/",
        terminal="20660000",
        commission_tiyin=7,
        card_id="c",
        token_id=None,
        card_mask="860006******6311",
        card_expire="0399",
    )
    fresh = a_receipt(0, None, attempt=0, attempt_key=None, time_ms=0, error='{"code":-31610}')
    decision = begin_payment(fresh, intent, TERMS)
    begun = decision.answer.receipt
    assert (begun.state, begun.step, begun.time_ms, begun.attempt_key) == (state, step, NOW, f"{'a' * 24}-1")
    assert (begun.error, begun.commission_tiyin, begun.card_mask) == (None, 7, "860006******6311")
    assert decision.work == Schedule(begun.id, "receipt", owner="test", lease_ms=60_000)
    again = begin_payment(begun, intent, TERMS)
    assert not again.writes
    assert again.answer.pause_ms is None


def test_a_second_attempt_has_another_key_and_another_time() -> None:
    intent = PayIntent(
        attempt=2,
        route="billing",
        endpoint="e",
        terminal="",
        commission_tiyin=0,
        card_id="c",
        token_id=None,
        card_mask="m",
        card_expire="0399",
    )
    begun = begin_payment(a_receipt(0, None), intent, TOO_LATE).answer.receipt
    assert (begun.attempt, begun.attempt_key, begun.time_ms) == (2, f"{'a' * 24}-2", LATE)
    # What was decided before the first attempt came back must not begin after it.
    assert not begin_payment(a_receipt(0, None), replace(intent, attempt=1), TERMS).writes


def test_repeats_come_after_seconds_then_minutes_then_hours() -> None:
    """Full jitter: each wait is drawn whole; short ones are the driver's, long ones the queue's."""
    receipt = a_receipt(3, "perform")
    longest = []
    for _ in range(16):
        decision = happens(receipt, LOST, replace(TERMS, chance=0.999_999))
        assert isinstance(decision.work, Schedule)
        pause_ms = decision.answer.pause_ms
        assert (decision.work.owner is None) is (pause_ms is None)
        longest.append(pause_ms if pause_ms is not None else decision.work.next_in_ms)
        receipt = decision.answer.receipt
        shortest = happens(receipt, LOST, replace(TERMS, chance=0.0))
        assert shortest.answer.pause_ms == 100
    assert longest == sorted(longest)
    assert longest[0] < 1_000
    assert 14_000 < longest[4] <= 15_000
    assert 59_000 < longest[7] <= 60_000
    assert 3_590_000 < longest[-1] <= 3_600_000
    assert receipt.state == 30


def test_a_day_without_an_answer_is_for_a_person_but_not_after_one_try() -> None:
    receipt = a_receipt(30, "perform", tries=9)
    paused = happens(receipt, LOST, replace(TERMS, now_ms=DAY)).answer.receipt
    assert (paused.state, paused.state_from, paused.step) == (20, 30, "perform")
    waiting = happens(replace(receipt, tries=0), LOST, replace(TERMS, now_ms=DAY)).answer.receipt
    assert waiting.state == 30


def test_a_malformed_cancel_is_repeated_only_a_few_times() -> None:
    receipt = a_receipt(2, "cancel", tries=3, cancelling=1)
    assert happens(receipt, ODD).answer.receipt.step == "check_cancel"


@pytest.mark.parametrize(
    ("outcome", "code", "data"),
    [
        (RefusedByMerchant(-31050, None, "order_id"), -31610, "order_id"),
        (RefusedByMerchant(-31099, None, "order_id"), -31610, "order_id"),
        (RefusedByMerchant(-31001), -31610, None),
        (REFUSED, -31610, None),
        (WRONG_KEY, -31623, None),
        (RefusedByMerchant(-1), -31623, None),
        (NOT_SENT, -31622, None),
    ],
)
def test_what_the_merchant_refused_is_told_onwards(outcome: Any, code: int, data: str | None) -> None:
    error = error_of(happens(a_receipt(1, "create", error=None), outcome).answer.receipt)
    assert error is not None
    assert (error.code, error.data) == (code, data)


def test_a_decline_is_told_with_its_own_code() -> None:
    error = error_of(happens(a_receipt(2, "debit"), Declined(-31630)).answer.receipt)
    assert error is not None
    assert error.code == -31630


def test_every_state_in_which_something_is_under_way_may_be_paused() -> None:
    for route, moves in MOVES.items():
        states = {before for before, _ in moves} | {after for _, after in moves}
        assert {before for before, after in moves if after == 20} == UNRESOLVED & states, route


def test_nothing_leaves_50_and_only_a_refund_leaves_4() -> None:
    for moves in MOVES.values():
        assert [after for before, after in moves if before == 50] == []
        assert [after for before, after in moves if before == 4] == [21]


def test_desks_without_billing_never_stand_at_one() -> None:
    states = {state for move in MOVES["direct"] for state in move}
    assert states == {0, 2, 4, 5, 6, 20, 21, 50}


def test_the_work_is_done_when_nothing_is_under_way() -> None:
    assert happens(a_receipt(3, "perform"), Answered(Performed("1", 2))).work == Done("a" * 24)


def test_a_move_that_the_table_does_not_allow_is_an_error() -> None:
    with pytest.raises(AssertionError):
        happens(a_receipt(4, "perform"), LOST)
    with pytest.raises(AssertionError):
        happens(a_receipt(0, "refund"), NotKnown())


@pytest.mark.parametrize(
    ("receiver", "reason"), [(Receiver("b" * 24, 500_000), 1), (Receiver(DESK, 499_999, 100), 3)]
)
def test_wrong_receivers_are_told_by_their_reason(receiver: Receiver, reason: int) -> None:
    """Not found or inactive is 1; sums that do not add up are 3."""
    undone = happens(a_receipt(1, "create"), created(1, receiver)).answer.receipt
    assert (undone.step, undone.cancel_reason) == ("cancel", reason)
