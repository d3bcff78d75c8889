"""A row for every way of cancelling: where a receipt stands, what happens, where it stands then."""

from typing import Any

import pytest
from msgspec.structs import replace

from helpers_moves import NO_TRANSACTION, ODD, TERMS, TOO_LATE, a_receipt, checked, created, happens
from tiyin.gateway.acquiring.port import Debited, Declined, Held, NotFound, Reversed
from tiyin.gateway.ledger import Entry, Share
from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Cancelled,
    Performed,
    Receiver,
    RefusedByMerchant,
    Unknown,
)
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.cancelling import ask_to_cancel
from tiyin.gateway.receipts.people import NotPaused, Signature, cancel_paused, resume
from tiyin.gateway.receipts.records import Intervention, Receipt, error_of, write_shares
from tiyin.gateway.receipts.states import Route, may_move
from tiyin.storage import Decision, Done, Schedule

PAID_AT = 1_699_999_999_000
BY = Signature("Operator", "the merchant called")
NOBODY = replace(TERMS, owner=None, lease_ms=0)


def entries_of(decision: Decision[Any]) -> list[str]:
    return [entry.what for _, entry in decision.appends if isinstance(entry, Entry)]


def stands(decision: Decision[Any]) -> tuple[int, Any]:
    return decision.answer.receipt.state, decision.answer.receipt.step


def paid_receipt(state: int, step: Any, route: Route = "billing", **changes: Any) -> Receipt:
    cancelling = int(step in {"cancel", "check_cancel"})
    return a_receipt(state, step, route, **({"pay_time_ms": PAID_AT, "cancelling": cancelling} | changes))


@pytest.mark.parametrize("route", ["billing", "direct"])
def test_what_was_never_paid_is_cancelled_at_once(route: Route) -> None:
    decision = ask_to_cancel(a_receipt(0, None, route), TERMS, by="merchant")
    assert stands(decision) == (50, None)
    assert decision.work == Done("a" * 24)
    assert decision.answer.receipt.cancel_time_ms == TERMS.now_ms


def test_what_is_paid_is_cancelled_at_the_billing_first() -> None:
    decision = ask_to_cancel(paid_receipt(4, None), TERMS, by="merchant")
    moved = decision.answer.receipt
    assert stands(decision) == (21, "cancel")
    assert (moved.cancel_reason, moved.cancelling) == (5, 1)
    assert entries_of(decision) == [], "nothing moves before the billing agreed"


def test_without_a_billing_the_money_goes_back_at_once() -> None:
    decision = ask_to_cancel(paid_receipt(4, None, "direct"), TERMS, by="merchant")
    assert stands(decision) == (21, "refund")
    assert entries_of(decision) == ["refunding", "uncommission"]


@pytest.mark.parametrize("state", [1, 2, 3, 6, 30, 20])
def test_where_something_is_under_way_the_wish_is_recorded(state: int) -> None:
    step = {1: "create", 2: "debit", 3: "perform", 6: "hold", 30: "perform", 20: "perform"}[state]
    receipt = a_receipt(state, step, state_from=3 if state == 20 else None)
    decision = ask_to_cancel(receipt, TERMS, by="merchant")
    assert stands(decision) == (state, step)
    assert decision.answer.receipt.cancel_wish == 5
    assert decision.answer.pause_ms is None
    # The driver that holds it is left alone; where nobody does, the work is due.
    assert decision.work == (None if state == 20 else Schedule("a" * 24, "receipt"))
    assert not ask_to_cancel(decision.answer.receipt, TERMS, by="merchant").writes


@pytest.mark.parametrize(("state", "step"), [(21, "cancel"), (50, None)])
def test_a_repeat_changes_nothing(state: int, step: Any) -> None:
    assert not ask_to_cancel(paid_receipt(state, step), TERMS, by="merchant").writes


OBEYED: list[tuple[str, tuple[int, str], Any, tuple[int, str | None], list[str]]] = [
    ("created", (1, "create"), created(), (1, "cancel"), []),
    ("create refused", (1, "create"), RefusedByMerchant(-31008), (50, None), []),
    ("create lost", (1, "create"), Unknown("timeout"), (1, "create"), []),
    ("debited", (2, "debit"), Debited("r"), (3, "cancel"), ["taken"]),
    ("declined", (2, "debit"), Declined(-31630), (2, "cancel"), []),
    ("debit never arrived", (2, "debit"), NotFound(), (2, "void"), []),
    ("performed", (3, "perform"), Answered(Performed("1", 2)), (21, "cancel"), ["earned", "commission"]),
    (
        "performed late",
        (30, "perform"),
        Answered(Performed("1", 2)),
        (21, "cancel"),
        ["earned", "commission"],
    ),
    ("perform lost", (3, "perform"), Unknown("timeout"), (3, "perform"), []),
    ("perform refused, still waits", (3, "check_perform"), checked(1), (3, "cancel"), []),
    ("held", (6, "hold"), Held("r"), (21, "void"), ["held"]),
    ("hold never arrived", (6, "hold"), NotFound(), (6, "void"), []),
]


@pytest.mark.parametrize(
    ("name", "before", "outcome", "after", "entries"), OBEYED, ids=[row[0] for row in OBEYED]
)
def test_a_wish_is_obeyed_once_it_is_known_what_happened(
    name: str, before: Any, outcome: Any, after: Any, entries: list[str]
) -> None:
    del name
    receipt = a_receipt(*before, cancel_wish=5, hold=int(before[0] == 6))
    decision = happens(receipt, outcome)
    assert stands(decision) == after
    assert entries_of(decision) == entries
    assert may_move("billing", before[0], after[0])


def test_a_wish_during_a_debit_without_billing_is_a_refund() -> None:
    decision = happens(a_receipt(2, "debit", "direct", cancel_wish=5), Debited("r"))
    assert stands(decision) == (21, "refund")
    assert entries_of(decision) == ["taken", "earned", "commission", "refunding", "uncommission"]


REFUND_ROWS: list[tuple[str, tuple[int, str], Any, tuple[int, str | None], list[str]]] = [
    ("agreed", (21, "cancel"), Answered(Cancelled(-2)), (21, "refund"), ["refunding", "uncommission"]),
    ("delivered", (21, "cancel"), RefusedByMerchant(-31007), (4, None), []),
    ("cannot cancel at all", (21, "cancel"), RefusedByMerchant(-32601), (4, None), []),
    ("not known", (21, "cancel"), NO_TRANSACTION, (20, "cancel"), []),
    ("lost", (21, "cancel"), Unknown("timeout"), (21, "cancel"), []),
    ("wrong key", (21, "cancel"), RefusedByMerchant(-32504), (21, "cancel"), []),
    ("malformed", (21, "cancel"), ODD, (21, "cancel"), []),
    ("refused otherwise", (21, "cancel"), RefusedByMerchant(-31008), (21, "check_cancel"), []),
    ("another state", (21, "cancel"), Answered(Cancelled(2)), (21, "check_cancel"), []),
    ("is cancelled", (21, "check_cancel"), checked(-2), (21, "refund"), ["refunding", "uncommission"]),
    ("is performed", (21, "check_cancel"), checked(2), (20, "check_cancel"), []),
    ("is not known", (21, "check_cancel"), NO_TRANSACTION, (20, "check_cancel"), []),
    ("check lost", (21, "check_cancel"), Unknown("timeout"), (21, "check_cancel"), []),
    ("given back", (21, "refund"), Reversed(), (50, None), ["returned"]),
]


@pytest.mark.parametrize(
    ("name", "before", "outcome", "after", "entries"), REFUND_ROWS, ids=[row[0] for row in REFUND_ROWS]
)
def test_a_refund_follows_the_billing(
    name: str, before: Any, outcome: Any, after: Any, entries: list[str]
) -> None:
    del name
    decision = happens(paid_receipt(*before, cancel_reason=5), outcome)
    assert stands(decision) == after
    assert entries_of(decision) == entries
    assert decision.answer.receipt.pay_time_ms == PAID_AT


def test_what_is_kept_is_paid_again_and_keeps_the_reason() -> None:
    decision = happens(
        paid_receipt(21, "cancel", cancel_reason=5, cancel_wish=5, error=None), RefusedByMerchant(-31007)
    )
    kept = decision.answer.receipt
    error = error_of(kept)
    assert (kept.state, kept.cancelling, kept.cancel_wish, kept.cancel_reason) == (4, 0, None, None)
    assert error is not None
    assert error.code == -31007
    assert decision.work == Done("a" * 24)


def test_a_split_is_refunded_by_its_shares() -> None:
    shares = write_shares([Share("b" * 24, 300_000, 3_000), Share("c" * 24, 200_000, 0)])
    decision = happens(paid_receipt(21, "cancel", shares=shares), Answered(Cancelled(-2)))
    booked = {entry.id: entry.amount_tiyin for _, entry in decision.appends if isinstance(entry, Entry)}
    assert booked == {
        f"{'a' * 24}:refunding:{'b' * 24}": 297_000,
        f"{'a' * 24}:refunding:{'c' * 24}": 200_000,
        f"{'a' * 24}:uncommission": 3_000,
    }


def test_a_split_is_pinned_when_the_billing_names_it() -> None:
    receivers = (
        Receiver("b" * 24, 300_000, 100),
        Receiver("c" * 24, 150_000, 0),
        Receiver("b" * 24, 50_000, 100),
    )
    moved = happens(a_receipt(1, "create"), created(1, *receivers)).answer.receipt
    assert moved.shares == write_shares([Share("b" * 24, 350_000, 3_500), Share("c" * 24, 150_000, 0)])
    assert moved.commission_tiyin == 3_500
    performed = happens(replace(moved, state=3, step="perform"), Answered(Performed("1", 2)))
    booked = {entry.id: entry.amount_tiyin for _, entry in performed.appends if isinstance(entry, Entry)}
    assert booked == {
        f"{'a' * 24}:earned:{'b' * 24}": 346_500,
        f"{'a' * 24}:earned:{'c' * 24}": 150_000,
        f"{'a' * 24}:commission": 3_500,
    }


def test_a_person_resumes_where_it_was_paused() -> None:
    paused = a_receipt(20, "perform", state_from=30, tries=9)
    decision = resume(paused, NOBODY, BY)
    moved = decision.answer.receipt
    assert (moved.state, moved.step, moved.state_from, moved.tries) == (30, "perform", None, 0)
    assert decision.work == Schedule("a" * 24, "receipt")
    signed = [row for _, row in decision.appends if isinstance(row, Intervention)]
    assert [(row.what, row.who, row.why) for row in signed] == [("resume", BY.who, BY.why)]


@pytest.mark.parametrize("state", [0, 1, 2, 3, 4, 5, 6, 21, 30, 50])
def test_a_person_moves_nothing_that_is_not_paused(state: int) -> None:
    with pytest.raises(NotPaused):
        resume(a_receipt(state, None), NOBODY, BY)
    with pytest.raises(NotPaused):
        cancel_paused(a_receipt(state, None), NOBODY, BY, override=True)


BY_A_PERSON: list[tuple[str, int, str, bool, tuple[int, str | None], list[str]]] = [
    ("at the billing", 1, "check_create", False, (1, "cancel"), []),
    ("before the debit is known", 2, "debit", False, (2, "debit"), []),
    ("closing", 3, "check_perform", False, (3, "cancel"), []),
    ("closing queue", 30, "perform", False, (30, "cancel"), []),
    ("refund not agreed", 21, "check_cancel", False, (21, "cancel"), []),
    ("refund under way", 21, "refund", False, (21, "refund"), []),
    ("override at the billing", 1, "create", True, (50, None), []),
    ("override before the debit is known", 2, "debit", True, (2, "debit"), []),
    ("override while closing", 3, "check_perform", True, (3, "refund"), ["returning"]),
    ("override in the closing queue", 30, "perform", True, (30, "refund"), ["returning"]),
    ("override of a refund", 21, "cancel", True, (21, "refund"), ["refunding", "uncommission"]),
]


@pytest.mark.parametrize(
    ("name", "came_from", "step", "override", "after", "entries"),
    BY_A_PERSON,
    ids=[row[0] for row in BY_A_PERSON],
)
def test_a_person_cancels_what_is_paused(
    name: str, came_from: int, step: str, override: bool, after: Any, entries: list[str]
) -> None:
    del name
    pay_time_ms = PAID_AT if came_from == 21 else 0
    paused = a_receipt(20, step, state_from=came_from, pay_time_ms=pay_time_ms)
    decision = cancel_paused(paused, NOBODY, BY, override=override)
    assert stands(decision) == after
    assert entries_of(decision) == entries
    assert decision.answer.receipt.overridden == int(override)
    what = [row.what for _, row in decision.appends if isinstance(row, Intervention)]
    assert what == ["override" if override else "cancel"]
    if after[0] != 50:
        assert decision.work == Schedule("a" * 24, "receipt"), "nobody drives it yet"


def test_an_override_never_asks_the_billing_again() -> None:
    debited = happens(a_receipt(2, "debit", cancel_wish=5, overridden=1), Debited("r"))
    assert stands(debited) == (3, "refund")
    assert entries_of(debited) == ["taken", "returning"]
    declined = happens(a_receipt(2, "debit", cancel_wish=5, overridden=1), Declined(-31630))
    assert stands(declined) == (50, None)
    held = happens(a_receipt(2, "capture", hold=1, held=1, overridden=1, cancel_wish=5), Held("r"), TOO_LATE)
    assert stands(held) == (2, "void")


def test_money_that_goes_back_never_waits_for_a_person() -> None:
    late = replace(TERMS, now_ms=TERMS.now_ms + 30 * 24 * 3_600_000)
    for receipt in (
        paid_receipt(21, "refund", tries=50),
        a_receipt(3, "refund", tries=50),
        a_receipt(21, "void", hold=1, held=1, tries=50),
    ):
        assert stands(happens(receipt, NotKnown(), late)) == (receipt.state, receipt.step)


def test_a_wish_at_what_is_paused_leaves_its_fiscal_receipt_due() -> None:
    paused = paid_receipt(20, "cancel", state_from=21, fiscal=1, fiscal_due=1)
    decision = ask_to_cancel(paused, TERMS, by="merchant")
    assert decision.writes
    assert decision.work is None


def test_what_is_paid_and_given_back_is_registered() -> None:
    performed = happens(a_receipt(3, "perform", fiscal=1), Answered(Performed("1", 2)))
    assert performed.answer.receipt.fiscal_due == 1
    assert performed.work == Schedule("a" * 24, "fiscal")
    refunded = happens(paid_receipt(21, "refund", fiscal=1), Reversed())
    assert refunded.answer.receipt.fiscal_due == 2
    assert refunded.work == Schedule("a" * 24, "fiscal")
    never_paid = happens(a_receipt(3, "refund", fiscal=1), Reversed())
    assert never_paid.answer.receipt.fiscal_due == 0
    assert never_paid.work == Done("a" * 24)
