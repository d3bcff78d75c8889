"""All that changes with cancelling and refunds: each row says a whole decision."""

from typing import Any

import pytest

from helpers_moves import (
    DELIVERED,
    LOST,
    NO_TRANSACTION,
    ODD,
    REFUSED,
    WRONG_KEY,
    checked,
    happens,
)
from helpers_rules import AT, HOLD, PAID, at, told
from tiyin.gateway.acquiring.port import Reversed
from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Cancelled,
    Performed,
    RefusedByMerchant,
)
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.moves import Terms
from tiyin.gateway.receipts.records import Receipt

ROWS: list[tuple[Receipt, Any, Terms, list[str]]] = [
(at(1, "cancel"), Answered(Cancelled(-1)), AT, [
    "cancel_time_ms=+7 cancelling=0 stage_ms=+7 state=50 step=None tries=0",
    "work: done pause=None",
]),
(at(3, "cancel"), Answered(Cancelled(-2)), AT, [
    "cancelling=0 stage_ms=+7 step=refund tries=0",
    "note cancel: cancelled 'at the billing' +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "cancel"), NO_TRANSACTION, AT, [
    "cancel_time_ms=+7 cancelling=0 stage_ms=+7 state=50 step=None tries=0",
    "note cancel: refused '-31003' +7",
    "work: done pause=None",
]),
(at(3, "cancel"), NO_TRANSACTION, AT, [
    "cancelling=0 stage_ms=+7 step=refund tries=0",
    "note cancel: refused '-31003' +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "cancel"), LOST, AT, [
    "tries=3",
    "note cancel: unknown 'timeout' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "cancel"), ODD, AT, [
    "tries=3",
    "note cancel: malformed 'no_result' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "cancel"), WRONG_KEY, AT, [
    "tries=3",
    "note cancel: refused '-32504' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "cancel"), DELIVERED, AT, [
    "stage_ms=+7 step=check_cancel tries=0",
    "note cancel: refused '-31007' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "check_cancel"), checked(-1), AT, [
    "cancel_time_ms=+7 cancelling=0 stage_ms=+7 state=50 step=None tries=0",
    "note check_cancel: answered 'state -1' +7",
    "work: done pause=None",
]),
(at(3, "check_cancel"), checked(2), AT, [
    "cancelling=0 error=None pay_time_ms=+7 stage_ms=+7 state=4 step=None tries=0",
    "note check_cancel: answered 'state 2' +7",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "work: done pause=None",
]),
(at(2, "check_cancel"), checked(2), AT, [
    "stage_ms=+7 state=20 state_from=2 tries=0",
    "note check_cancel: answered 'state 2' +7",
    "work: done pause=None",
]),
(at(3, "check_cancel"), NO_TRANSACTION, AT, [
    "cancelling=0 stage_ms=+7 step=refund tries=0",
    "note check_cancel: refused '-31003' +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "check_cancel"), LOST, AT, [
    "tries=3",
    "note check_cancel: unknown 'timeout' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(1, "check_cancel"), ODD, AT, [
    "stage_ms=+7 state=20 state_from=1 tries=0",
    "note check_cancel: malformed 'no_result' +7",
    "work: done pause=None",
]),
(at(21, "cancel", **PAID), Answered(Cancelled(-2)), AT, [
    "cancelling=0 stage_ms=+7 step=refund tries=0",
    "note cancel: cancelled 'at the billing' +7",
    "R:refunding (refunding) desk:D <- returns 495000 +7",
    "R:uncommission (uncommission) commission <- returns 5000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(21, "cancel", **PAID), RefusedByMerchant(-31007, None, "d"), AT, [
    "cancelling=0 error=-31007 of d stage_ms=+7 state=4 step=None tries=0",
    "note cancel: refused '-31007' +7",
    "work: done pause=None",
]),
(at(21, "cancel", **PAID), NO_TRANSACTION, AT, [
    "stage_ms=+7 state=20 state_from=21 tries=0",
    "note cancel: refused '-31003' +7",
    "work: done pause=None",
]),
(at(21, "cancel", **PAID), REFUSED, AT, [
    "stage_ms=+7 step=check_cancel tries=0",
    "note cancel: refused '-31008' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(21, "check_cancel", **PAID), checked(-2), AT, [
    "cancelling=0 stage_ms=+7 step=refund tries=0",
    "note check_cancel: answered 'state -2' +7",
    "R:refunding (refunding) desk:D <- returns 495000 +7",
    "R:uncommission (uncommission) commission <- returns 5000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(21, "check_cancel", **PAID), checked(2), AT, [
    "stage_ms=+7 state=20 state_from=21 tries=0",
    "note check_cancel: answered 'state 2' +7",
    "work: done pause=None",
]),
(at(21, "check_cancel", **PAID), NO_TRANSACTION, AT, [
    "stage_ms=+7 state=20 state_from=21 tries=0",
    "note check_cancel: refused '-31003' +7",
    "work: done pause=None",
]),
(at(21, "refund", **PAID), Reversed(), AT, [
    "cancel_time_ms=+7 fiscal_due=2 stage_ms=+7 state=50 step=None tries=0",
    "R:returned (returned) returns <- acquirer 500000 +7",
    "work: fiscal in 0 for None 0 pause=None",
]),
(at(21, "refund", **PAID), NotKnown(), AT, [
    "tries=3",
    "note refund: unknown '' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "cancel", tries=3), ODD, AT, [
    "stage_ms=+7 step=check_cancel tries=0",
    "note cancel: malformed 'no_result' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "perform", cancel_wish=5), Answered(Performed("1", 2)), AT, [
    "cancel_reason=5 cancelling=1 error=None pay_time_ms=+7 stage_ms=+7 state=21 step=cancel tries=0",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "check_perform", cancel_wish=5), checked(2), AT, [
    "cancel_reason=5 cancelling=1 error=None pay_time_ms=+7 stage_ms=+7 state=21 step=cancel tries=0",
    "note check_perform: answered 'state 2' +7",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "cancel", **HOLD), NO_TRANSACTION, AT, [
    "cancelling=0 stage_ms=+7 step=void tries=0",
    "note cancel: refused '-31003' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
]  # fmt: skip


@pytest.mark.parametrize(("receipt", "outcome", "terms", "expected"), ROWS)
def test_a_decision_says_this_and_no_more(
    receipt: Receipt, outcome: Any, terms: Terms, expected: list[str]
) -> None:
    assert told(receipt, happens(receipt, outcome, terms)) == expected
