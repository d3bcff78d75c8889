"""All that changes with what an acquirer did: each row says a whole decision."""

from typing import Any

import pytest
from msgspec.structs import replace

from helpers_moves import (
    DAY,
    happens,
)
from helpers_rules import AT, EXPIRED, LATER, NOBODY, at, told
from tiyin.gateway.acquiring.port import Debited, Declined, Held, NotFound, Reversed
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.moves import Terms
from tiyin.gateway.receipts.records import Receipt

ROWS: list[tuple[Receipt, Any, Terms, list[str]]] = [
(at(2, "debit", "billing"), Debited("r"), AT, [
    "reference=r stage_ms=+7 state=3 step=perform tries=0",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "debit", "billing", cancel_wish=5), Debited("r"), AT, [
    "cancel_reason=3 cancelling=1 reference=r stage_ms=+7 state=3 step=cancel tries=0",
    "note debit: cancelled 'wished for during the debit' +7",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "debit", "billing"), Declined(-31630, "no money"), AT, [
    "cancel_reason=2 cancelling=1 error=-31630 stage_ms=+7 step=cancel tries=0",
    "note debit: declined '-31630 no money' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "debit", "billing"), Reversed(), AT, [
    "cancel_reason=2 cancelling=1 error=-31640 stage_ms=+7 step=cancel tries=0",
    "note debit: reversed '' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "debit", "direct"), Debited("r"), AT, [
    "error=None pay_time_ms=+7 reference=r stage_ms=+7 state=4 step=None tries=0",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "work: done pause=None",
]),
(at(2, "debit", "direct", cancel_wish=5), Debited("r"), AT, [
    "error=None pay_time_ms=+7 reference=r stage_ms=+7 state=21 step=refund tries=0",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "R:refunding (refunding) desk:D <- returns 495000 +7",
    "R:uncommission (uncommission) commission <- returns 5000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "debit", "direct"), Declined(-31630, "no money"), AT, [
    "cancel_time_ms=+7 error=-31630 stage_ms=+7 state=50 step=None tries=0",
    "note debit: declined '-31630 no money' +7",
    "work: done pause=None",
]),
(at(2, "debit", "direct"), Reversed(), AT, [
    "cancel_time_ms=+7 error=-31640 stage_ms=+7 state=50 step=None tries=0",
    "note debit: reversed '' +7",
    "work: done pause=None",
]),
(at(2, "debit"), NotFound(), AT, [
    "nothing pause=0",
]),
(at(2, "debit"), NotFound(), LATER, [
    "stage_ms=+120000 step=void tries=0",
    "note debit: too_late 'nobody waits for the debit' +120000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "debit"), NotKnown(), AT, [
    "tries=3",
    "note debit: unknown '' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "debit"), Held("r"), AT, [
    "stage_ms=+7 state=20 state_from=2 tries=0",
    "note debit: unexpected 'held instead of debited' +7",
    "work: done pause=None",
]),
(at(2, "debit", tries=9), NotKnown(), AT, [
    "tries=10",
    "note debit: unknown '' +7",
    "work: receipt in 150000 for None 0 pause=None",
]),
(at(2, "debit", tries=9), NotKnown(), replace(AT, now_ms=DAY), [
    "stage_ms=+90000000 state=20 state_from=2 tries=0",
    "note debit: unknown '' +90000000",
    "work: done pause=None",
]),
(at(2, "void"), Reversed(), AT, [
    "cancel_reason=3 cancelling=1 error=-31640 stage_ms=+7 step=cancel tries=0",
    "note void: voided '' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "void"), Reversed(), EXPIRED, [
    "cancel_reason=4 cancelling=1 error=-31640 stage_ms=+43200000 step=cancel tries=0",
    "note void: voided '' +43200000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "void"), Debited("r"), AT, [
    "tries=3",
    "note void: unknown '' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "debit", overridden=1, cancel_wish=5), Debited("r"), AT, [
    "reference=r stage_ms=+7 state=3 step=refund tries=0",
    "note debit: cancelled 'wished for during the debit' +7",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "R:returning (returning) in-flight <- returns 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "debit", overridden=1), Declined(-31630, "no money"), AT, [
    "cancel_time_ms=+7 error=-31630 stage_ms=+7 state=50 step=None tries=0",
    "note debit: declined '-31630 no money' +7",
    "work: done pause=None",
]),
(at(3, "refund"), Reversed(), AT, [
    "cancel_time_ms=+7 stage_ms=+7 state=50 step=None tries=0",
    "R:returned (returned) returns <- acquirer 500000 +7",
    "work: done pause=None",
]),
(at(3, "refund"), NotKnown(), AT, [
    "tries=3",
    "note refund: unknown '' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "debit"), Declined(-31640), NOBODY, [
    "cancel_reason=2 cancelling=1 error=-31640 stage_ms=+7 step=cancel tries=0",
    "note debit: declined '-31640' +7",
    "work: receipt in 0 for None 0 pause=None",
]),
]  # fmt: skip


@pytest.mark.parametrize(("receipt", "outcome", "terms", "expected"), ROWS)
def test_a_decision_says_this_and_no_more(
    receipt: Receipt, outcome: Any, terms: Terms, expected: list[str]
) -> None:
    assert told(receipt, happens(receipt, outcome, terms)) == expected
