"""All that changes with what a merchant's billing answered: each row says a whole decision."""

from typing import Any

import pytest

from helpers_moves import (
    ALONE,
    LOST,
    NO_TRANSACTION,
    NOT_SENT,
    ODD,
    REFUSED,
    WRONG_KEY,
    checked,
    created,
    happens,
)
from helpers_rules import AT, DESK_A, EXPIRED, LATER, STALE, at, told
from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Performed,
    Receiver,
)
from tiyin.gateway.receipts.moves import Terms
from tiyin.gateway.receipts.records import Receipt

ROWS: list[tuple[Receipt, Any, Terms, list[str]]] = [
(at(1, "create"), created(), AT, [
    "stage_ms=+7 state=2 step=debit transaction=5123 tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create", held=1), created(), AT, [
    "stage_ms=+7 state=2 step=capture transaction=5123 tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), created(1, Receiver(DESK_A, 500_000)), AT, [
    "cancel_reason=1 cancelling=1 error=-31623 stage_ms=+7 step=cancel tries=0",
    "note create: receivers 'not found or inactive' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), created(1, Receiver(DESK_A, 499_999, 1)), AT, [
    "cancel_reason=3 cancelling=1 error=-31623 stage_ms=+7 step=cancel tries=0",
    "note create: receivers 'the sums do not add up' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), created(1, Receiver(DESK_A, 500_000, 150)), AT, [
    'commission_tiyin=7500 shares=[["B",500000,7500]] stage_ms=+7 state=2 step=debit transaction=5123',
    "tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), created(1, ALONE), AT, [
    "stage_ms=+7 state=2 step=debit transaction=5123 tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), created(2), AT, [
    "cancel_reason=3 cancelling=1 error=-31623 stage_ms=+7 step=cancel tries=0",
    "note create: answered 'state 2' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), created(), LATER, [
    "cancel_reason=3 cancelling=1 error=-31622 stage_ms=+120000 step=cancel tries=0",
    "note create: too_late 'nobody waits for the debit' +120000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), created(), EXPIRED, [
    "cancel_reason=4 cancelling=1 error=-31622 stage_ms=+43200000 step=cancel tries=0",
    "note create: too_late 'nobody waits for the debit' +43200000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create", tries=0), REFUSED, AT, [
    "error=-31610 stage_ms=+7 state=0 step=None",
    "note create: refused '-31008' +7",
    "work: done pause=None",
]),
(at(1, "create", tries=1), REFUSED, AT, [
    "error=-31610 stage_ms=+7 step=check_create tries=0",
    "note create: refused '-31008' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create", tries=0), REFUSED, STALE, [
    "error=-31610 stage_ms=+7 step=check_create",
    "note create: refused '-31008' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create", tries=0, held=1), REFUSED, AT, [
    "error=-31610 stage_ms=+7 step=void",
    "note create: refused '-31008' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create", tries=0, cancel_wish=5), REFUSED, AT, [
    "cancel_time_ms=+7 error=None stage_ms=+7 state=50 step=None",
    "note create: refused '-31008' +7",
    "work: done pause=None",
]),
(at(1, "create", tries=0), NOT_SENT, AT, [
    "error=-31622 stage_ms=+7 state=0 step=None",
    "note create: unknown 'refused' +7",
    "work: done pause=None",
]),
(at(1, "create"), NOT_SENT, AT, [
    "tries=3",
    "note create: unknown 'refused' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(1, "create"), LOST, AT, [
    "tries=3",
    "note create: unknown 'timeout' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(1, "create"), LOST, LATER, [
    "cancel_reason=3 cancelling=1 error=-31622 stage_ms=+120000 step=cancel tries=0",
    "note create: unknown 'timeout' +120000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), LOST, EXPIRED, [
    "cancel_reason=4 cancelling=1 error=-31622 stage_ms=+43200000 step=cancel tries=0",
    "note create: unknown 'timeout' +43200000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "create"), ODD, AT, [
    "cancel_reason=3 cancelling=1 error=-31623 stage_ms=+7 step=cancel tries=0",
    "note create: malformed 'no_result' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "check_create"), checked(1), AT, [
    "stage_ms=+7 state=2 step=debit transaction=5123 tries=0",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "check_create"), checked(1), LATER, [
    "cancel_reason=3 cancelling=1 error=-31622 stage_ms=+120000 step=cancel tries=0",
    "note check_create: too_late 'nobody waits for the debit' +120000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "check_create"), checked(-1), AT, [
    "cancel_time_ms=+7 stage_ms=+7 state=50 step=None tries=0",
    "note check_create: answered 'state -1' +7",
    "work: done pause=None",
]),
(at(1, "check_create"), NO_TRANSACTION, AT, [
    "stage_ms=+7 state=0 step=None tries=0",
    "note check_create: refused '-31003' +7",
    "work: done pause=None",
]),
(at(1, "check_create", error=None), NO_TRANSACTION, AT, [
    "error=-31623 stage_ms=+7 state=0 step=None tries=0",
    "note check_create: refused '-31003' +7",
    "work: done pause=None",
]),
(at(1, "check_create"), LOST, AT, [
    "tries=3",
    "note check_create: unknown 'timeout' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(1, "check_create"), LOST, LATER, [
    "cancel_reason=3 cancelling=1 error=-31622 stage_ms=+120000 step=cancel tries=0",
    "note check_create: unknown 'timeout' +120000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "check_create"), checked(2), AT, [
    "cancel_reason=3 cancelling=1 stage_ms=+7 step=cancel tries=0",
    "note check_create: answered 'state 2' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(1, "check_create"), WRONG_KEY, AT, [
    "cancel_reason=3 cancelling=1 stage_ms=+7 step=cancel tries=0",
    "note check_create: refused '-32504' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "perform", fiscal=1, cancel_reason=3), Answered(Performed("1", 2)), AT, [
    "cancel_reason=None error=None fiscal_due=1 pay_time_ms=+7 stage_ms=+7 state=4 step=None tries=0",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "work: fiscal in 0 for None 0 pause=None",
]),
(at(3, "perform"), WRONG_KEY, AT, [
    "tries=3",
    "note perform: refused '-32504' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(3, "perform"), REFUSED, AT, [
    "error=-31610 stage_ms=+7 step=check_perform tries=0",
    "note perform: refused '-31008' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "perform"), Answered(Performed("1", 1)), AT, [
    "error=-31623 stage_ms=+7 step=check_perform tries=0",
    "note perform: answered 'state 1' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "perform", tries=3), LOST, AT, [
    "state=30 tries=4",
    "note perform: unknown 'timeout' +7",
    "work: receipt in 0 for test 60000 pause=4000",
]),
(at(3, "perform"), ODD, AT, [
    "tries=3",
    "note perform: malformed 'no_result' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(3, "check_perform"), checked(2), AT, [
    "error=None pay_time_ms=+7 stage_ms=+7 state=4 step=None tries=0",
    "note check_perform: answered 'state 2' +7",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "work: done pause=None",
]),
(at(3, "check_perform"), checked(-1), AT, [
    "stage_ms=+7 step=refund tries=0",
    "note check_perform: answered 'state -1' +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "check_perform"), checked(1), AT, [
    "cancel_reason=3 cancelling=1 stage_ms=+7 step=cancel tries=0",
    "note check_perform: answered 'state 1' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "check_perform"), NO_TRANSACTION, AT, [
    "stage_ms=+7 step=refund tries=0",
    "note check_perform: refused '-31003' +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(3, "check_perform"), LOST, AT, [
    "tries=3",
    "note check_perform: unknown 'timeout' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(3, "check_perform"), ODD, AT, [
    "stage_ms=+7 state=20 state_from=3 tries=0",
    "note check_perform: malformed 'no_result' +7",
    "work: done pause=None",
]),
]  # fmt: skip


@pytest.mark.parametrize(("receipt", "outcome", "terms", "expected"), ROWS)
def test_a_decision_says_this_and_no_more(
    receipt: Receipt, outcome: Any, terms: Terms, expected: list[str]
) -> None:
    assert told(receipt, happens(receipt, outcome, terms)) == expected
