"""All that changes when a payment begins, a hold is confirmed, and somebody cancels or resumes."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace

from helpers_moves import (
    DESK,
)
from helpers_rules import AT, DESK_A, HOLD, NOBODY, PAID, at, told
from tiyin.gateway.ledger import Share
from tiyin.gateway.receipts.cancelling import ask_to_cancel
from tiyin.gateway.receipts.fiscal_work import fiscal_later, fiscal_settled
from tiyin.gateway.receipts.holds import confirm_hold
from tiyin.gateway.receipts.moves import Moved, PayIntent, begin_payment
from tiyin.gateway.receipts.people import Signature, cancel_paused, resume
from tiyin.gateway.receipts.records import Receipt, write_shares
from tiyin.storage import Decision, Done, Schedule

INTENT = PayIntent(
    attempt=2,
    route="billing",
    endpoint="https://other.example/",
    terminal="20660001",
    commission_tiyin=7,
    card_id="card",
    token_id="token",
    card_mask="860006******6311",
    card_expire="0399",
    payer="payer",
)
BY = Signature("Operator", "the merchant called")
SPLIT = write_shares([Share(DESK_A, 300_000, 3_000), Share(DESK, 200_000, 0)])

ROWS: list[tuple[Receipt, Callable[[Receipt], Decision[Moved]], list[str]]] = [
(at(0, None, shares=SPLIT, transaction="5"), lambda r: begin_payment(r, replace(INTENT), AT), [
    "attempt=2 attempt_key=aaaaaaaaaaaaaaaaaaaaaaaa-2 card_expire=0399 card_id=card",
    "card_mask=860006******6311 commission_tiyin=7 endpoint=https://other.example/ error=None",
    "payer=payer shares=None stage_ms=+7 state=1 step=create terminal=20660001 time_ms=+7",
    "token_id=token transaction=None tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(0, None, shares=SPLIT, transaction="5"), lambda r: begin_payment(r, replace(INTENT, hold=True), AT), [
    "attempt=2 attempt_key=aaaaaaaaaaaaaaaaaaaaaaaa-2 card_expire=0399 card_id=card",
    "card_mask=860006******6311 commission_tiyin=7 endpoint=https://other.example/ error=None",
    "payer=payer shares=None stage_ms=+7 state=6 step=hold terminal=20660001 time_ms=+7",
    "token_id=token transaction=None tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(0, None, shares=SPLIT, transaction="5"), lambda r: begin_payment(
    r, replace(INTENT, route="direct", endpoint=None), AT), [
    "attempt=2 attempt_key=aaaaaaaaaaaaaaaaaaaaaaaa-2 card_expire=0399 card_id=card",
    "card_mask=860006******6311 commission_tiyin=7 endpoint=None error=None payer=payer route=direct",
    "shares=None stage_ms=+7 state=2 step=debit terminal=20660001 time_ms=+7 token_id=token",
    "transaction=None tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(0, None, shares=SPLIT, transaction="5"), lambda r: begin_payment(r, replace(INTENT, attempt=1), AT), [
    "nothing pause=None",
]),
(at(1, "create"), lambda r: begin_payment(r, INTENT, AT), [
    "nothing pause=None",
]),
(at(0, None), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "cancel_time_ms=+7 error=None stage_ms=+7 state=50 tries=0",
    "note begin: cancel_asked 'merchant' +7",
    "work: done pause=None",
]),
(at(4, None, **PAID), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "cancel_reason=5 cancelling=1 error=None stage_ms=+7 state=21 step=cancel tries=0",
    "note begin: cancel_asked 'merchant' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(4, None, "direct", **PAID), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "error=None stage_ms=+7 state=21 step=refund tries=0",
    "note begin: cancel_asked 'merchant' +7",
    "R:refunding (refunding) desk:D <- returns 495000 +7",
    "R:uncommission (uncommission) commission <- returns 5000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(4, None, "direct", shares=SPLIT), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "error=None stage_ms=+7 state=21 step=refund tries=0",
    "note begin: cancel_asked 'merchant' +7",
    "R:refunding:B (refunding) desk:B <- returns 297000 +7",
    "R:refunding:D (refunding) desk:D <- returns 200000 +7",
    "R:uncommission (uncommission) commission <- returns 3000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(5, "watch", **HOLD), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "stage_ms=+7 state=21 step=void tries=0",
    "note watch: cancel_asked 'merchant' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "cancel_wish=5",
    "note create: cancel_asked 'merchant' +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(30, "perform"), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "cancel_wish=5",
    "note perform: cancel_asked 'merchant' +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "perform", state_from=3), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "cancel_wish=5",
    "note perform: cancel_asked 'merchant' +7",
    "work: as it is pause=None",
]),
(at(21, "cancel"), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "nothing pause=None",
]),
(at(50, None), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "nothing pause=None",
]),
(at(2, "debit", cancel_wish=5), lambda r: ask_to_cancel(r, AT, by="merchant"), [
    "nothing pause=None",
]),
(at(5, "watch", **HOLD), lambda r: confirm_hold(r, AT), [
    "stage_ms=+7 state=1 step=create time_ms=+7 tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(5, "watch", "direct", **HOLD), lambda r: confirm_hold(r, AT), [
    "stage_ms=+7 state=2 step=capture time_ms=+7 tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create", **HOLD), lambda r: confirm_hold(r, AT), [
    "nothing pause=None",
]),
(at(20, "perform", state_from=30), lambda r: resume(r, NOBODY, BY), [
    "stage_ms=+7 state=30 state_from=None tries=0",
    "resume by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "check_cancel", state_from=21), lambda r: resume(r, NOBODY, BY), [
    "stage_ms=+7 state=21 state_from=None step=cancel tries=0",
    "resume by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "check_cancel", state_from=21, **PAID), lambda r: resume(r, NOBODY, BY), [
    "stage_ms=+7 state=21 state_from=None step=cancel tries=0",
    "resume by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "check_perform", state_from=3), lambda r: resume(r, NOBODY, BY), [
    "stage_ms=+7 state=3 state_from=None tries=0",
    "resume by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "check_create", state_from=1), lambda r: cancel_paused(r, NOBODY, BY, override=False), [
    "cancel_reason=3 cancel_wish=5 cancelling=1 stage_ms=+7 state=1 state_from=None step=cancel",
    "tries=0",
    "cancel by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "check_create", state_from=1), lambda r: cancel_paused(r, NOBODY, BY, override=True), [
    "cancel_time_ms=+7 cancel_wish=5 overridden=1 stage_ms=+7 state=50 state_from=None step=None",
    "tries=0",
    "override by Operator: the merchant called +7",
    "work: done pause=None",
]),
(at(20, "debit", state_from=2), lambda r: cancel_paused(r, NOBODY, BY, override=False), [
    "cancel_wish=5 stage_ms=+7 state=2 state_from=None tries=0",
    "cancel by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "debit", state_from=2), lambda r: cancel_paused(r, NOBODY, BY, override=True), [
    "cancel_wish=5 overridden=1 stage_ms=+7 state=2 state_from=None tries=0",
    "override by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "check_perform", state_from=3), lambda r: cancel_paused(r, NOBODY, BY, override=False), [
    "cancel_reason=3 cancel_wish=5 cancelling=1 stage_ms=+7 state=3 state_from=None step=cancel",
    "tries=0",
    "cancel by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "check_perform", state_from=3), lambda r: cancel_paused(r, NOBODY, BY, override=True), [
    "cancel_wish=5 overridden=1 stage_ms=+7 state=3 state_from=None step=refund tries=0",
    "note check_perform: cancelled 'at the billing' +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "override by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "cancel", state_from=21, **PAID), lambda r: cancel_paused(r, NOBODY, BY, override=False), [
    "cancel_reason=5 cancel_wish=5 stage_ms=+7 state=21 state_from=None tries=0",
    "cancel by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "cancel", state_from=21, **PAID), lambda r: cancel_paused(r, NOBODY, BY, override=True), [
    "cancel_wish=5 cancelling=0 overridden=1 stage_ms=+7 state=21 state_from=None step=refund tries=0",
    "note cancel: cancelled 'at the billing' +7",
    "R:refunding (refunding) desk:D <- returns 495000 +7",
    "R:uncommission (uncommission) commission <- returns 5000 +7",
    "override by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "create", state_from=1, **HOLD), lambda r: cancel_paused(r, NOBODY, BY, override=False), [
    "cancel_reason=3 cancel_wish=5 cancelling=1 stage_ms=+7 state=1 state_from=None step=cancel",
    "tries=0",
    "cancel by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "create", state_from=1, **HOLD), lambda r: cancel_paused(r, NOBODY, BY, override=True), [
    "cancel_wish=5 overridden=1 stage_ms=+7 state=1 state_from=None step=void tries=0",
    "override by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
(at(20, "perform", state_from=3, overridden=1), lambda r: cancel_paused(r, NOBODY, BY, override=False), [
    "cancel_wish=5 stage_ms=+7 state=3 state_from=None step=refund tries=0",
    "note perform: cancelled 'at the billing' +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "cancel by Operator: the merchant called +7",
    "work: receipt in 0 for None 0 pause=None",
]),
]  # fmt: skip


@pytest.mark.parametrize(("receipt", "decide", "expected"), ROWS)
def test_a_decision_says_this_and_no_more(
    receipt: Receipt, decide: Callable[[Receipt], Decision[Moved]], expected: list[str]
) -> None:
    assert told(receipt, decide(receipt)) == expected


@pytest.mark.parametrize(
    ("due", "bits", "left", "work"),
    [
        (3, 1, 2, Schedule("a" * 24, "fiscal")),
        (3, 2, 1, Schedule("a" * 24, "fiscal")),
        (3, 3, 0, Done("a" * 24)),
        (1, 2, 1, Schedule("a" * 24, "fiscal")),
    ],
)
def test_what_is_settled_with_the_registrar_is_due_no_more(due: int, bits: int, left: int, work: Any) -> None:
    receipt = at(4, None, fiscal_due=due)
    decision = fiscal_settled(receipt, bits)
    assert decision.record == decision.answer == replace(receipt, fiscal_due=left, version=10)
    assert decision.work == work


def test_a_cancel_keeps_the_work_that_it_took_over() -> None:
    receipt = at(21, "cancel", fiscal_due=1)
    assert fiscal_settled(receipt, 1).work == Schedule("a" * 24, "receipt")
    assert fiscal_later(receipt, 5).work == Schedule("a" * 24, "receipt")


def test_what_is_given_back_is_due_later() -> None:
    receipt = at(4, None, fiscal_due=1)
    decision = fiscal_later(receipt, 1_234)
    assert (decision.answer, decision.writes) == (receipt, True)
    assert decision.work == Schedule("a" * 24, "fiscal", next_in_ms=1_234)
