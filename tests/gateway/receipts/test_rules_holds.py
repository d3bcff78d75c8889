"""All that changes with holds: each row says a whole decision."""

from typing import Any

import pytest
from msgspec.structs import replace

from helpers_moves import (
    NOW,
    happens,
)
from helpers_rules import AT, EXPIRED, HOLD, LATER, at, told
from tiyin.gateway.acquiring.port import Debited, Declined, Held, NotFound, Reversed
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.holds import HOLD_MS
from tiyin.gateway.receipts.moves import Terms
from tiyin.gateway.receipts.records import Receipt

ROWS: list[tuple[Receipt, Any, Terms, list[str]]] = [
(at(6, "hold", hold=1), Held("r"), AT, [
    "error=None held=1 held_ms=+7 reference=r stage_ms=+7 state=5 step=watch tries=0",
    "R:held (held) acquirer-holds <- held 500000 +7",
    "work: receipt in 86400000 for None 0 pause=None",
]),
(at(6, "hold", hold=1), Declined(-31630, "no money"), AT, [
    "cancel_time_ms=+7 error=-31630 stage_ms=+7 state=50 step=None tries=0",
    "note hold: declined '-31630 no money' +7",
    "work: done pause=None",
]),
(at(6, "hold", hold=1), Reversed(), AT, [
    "cancel_time_ms=+7 error=-31640 stage_ms=+7 state=50 step=None tries=0",
    "note hold: reversed '' +7",
    "work: done pause=None",
]),
(at(6, "hold", hold=1), NotFound(), AT, [
    "nothing pause=0",
]),
(at(6, "hold", hold=1), NotFound(), LATER, [
    "stage_ms=+120000 step=void tries=0",
    "note hold: too_late 'nobody waits for the hold' +120000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(6, "hold", hold=1), NotKnown(), AT, [
    "tries=3",
    "note hold: unknown '' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(6, "hold", hold=1), Debited("r"), AT, [
    "stage_ms=+7 state=20 state_from=6 tries=0",
    "note hold: unexpected 'debited instead of held' +7",
    "work: done pause=None",
]),
(at(6, "hold", hold=1, cancel_wish=5), Held("r"), AT, [
    "error=None held=1 held_ms=+7 reference=r stage_ms=+7 state=21 step=void tries=0",
    "R:held (held) acquirer-holds <- held 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(6, "void", hold=1), Reversed(), AT, [
    "cancel_time_ms=+7 stage_ms=+7 state=50 step=None tries=0",
    "note void: voided '' +7",
    "work: done pause=None",
]),
(at(5, "watch", **HOLD), Held("r"), AT, [
    "work: receipt in 86400000 for None 0 pause=None",
]),
(at(5, "watch", **HOLD), NotKnown(), AT, [
    "note watch: unknown '' +7",
    "work: receipt in 86400000 for None 0 pause=None",
]),
(at(5, "watch", **HOLD), Reversed(), AT, [
    "cancel_time_ms=+7 held=0 stage_ms=+7 state=50 step=None tries=0",
    "note watch: voided 'by the processing' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: done pause=None",
]),
(at(5, "watch", **HOLD), Held("r"), replace(AT, now_ms=NOW + HOLD_MS - 1), [
    "work: receipt in 60001 for None 0 pause=None",
]),
(at(5, "watch", **HOLD), Held("r"), replace(AT, now_ms=NOW + HOLD_MS), [
    "work: receipt in 3600000 for None 0 pause=None",
]),
(at(5, "watch", **HOLD), Held("r"), replace(AT, now_ms=NOW + HOLD_MS + 1), [
    "work: receipt in 3600000 for None 0 pause=None",
]),
(at(2, "capture", "billing", **HOLD), Debited("r"), AT, [
    "held=0 reference=r stage_ms=+7 state=3 step=perform tries=0",
    "R:posted (posted) held <- acquirer-holds 500000 +7",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "billing", **HOLD), Declined(-31640, "no"), AT, [
    "cancel_reason=2 cancelling=1 error=-31640 stage_ms=+7 step=cancel tries=0",
    "note capture: declined '-31640 no' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "billing", **HOLD), Reversed(), AT, [
    "cancel_reason=2 cancelling=1 error=-31640 held=0 stage_ms=+7 step=cancel tries=0",
    "note capture: reversed '' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "billing", **HOLD), NotFound(), AT, [
    "cancel_reason=2 cancelling=1 error=-31640 held=0 stage_ms=+7 step=cancel tries=0",
    "note capture: reversed '' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "billing", **HOLD), Held("r"), EXPIRED, [
    "cancel_reason=4 cancelling=1 error=-31640 stage_ms=+43200000 step=cancel tries=0",
    "note capture: given_up '' +43200000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "billing", cancel_wish=5, **HOLD), Debited("r"), AT, [
    "cancel_reason=3 cancelling=1 held=0 reference=r stage_ms=+7 state=3 step=cancel tries=0",
    "note capture: cancelled 'wished for during the debit' +7",
    "R:posted (posted) held <- acquirer-holds 500000 +7",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "billing", overridden=1, **HOLD), Declined(-31640, "no"), AT, [
    "error=-31640 stage_ms=+7 step=void tries=0",
    "note capture: declined '-31640 no' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "billing", overridden=1, **HOLD), Reversed(), AT, [
    "cancel_time_ms=+7 error=-31640 held=0 stage_ms=+7 state=50 step=None tries=0",
    "note capture: reversed '' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: done pause=None",
]),
(at(2, "capture", "direct", **HOLD), Debited("r"), AT, [
    "error=None held=0 pay_time_ms=+7 reference=r stage_ms=+7 state=4 step=None tries=0",
    "R:posted (posted) held <- acquirer-holds 500000 +7",
    "R:taken (taken) acquirer <- in-flight 500000 +7",
    "R:earned (earned) in-flight <- desk:D 495000 +7",
    "R:commission (commission) in-flight <- commission 5000 +7",
    "work: done pause=None",
]),
(at(2, "capture", "direct", **HOLD), Declined(-31640, "no"), AT, [
    "error=-31640 stage_ms=+7 step=void tries=0",
    "note capture: declined '-31640 no' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", "direct", **HOLD), Reversed(), AT, [
    "cancel_time_ms=+7 error=-31640 held=0 stage_ms=+7 state=50 step=None tries=0",
    "note capture: reversed '' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: done pause=None",
]),
(at(2, "capture", "direct", **HOLD), NotFound(), AT, [
    "cancel_time_ms=+7 error=-31640 held=0 stage_ms=+7 state=50 step=None tries=0",
    "note capture: reversed '' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: done pause=None",
]),
(at(2, "capture", "direct", **HOLD), Held("r"), EXPIRED, [
    "error=-31640 stage_ms=+43200000 step=void tries=0",
    "note capture: given_up '' +43200000",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", cancel_wish=5, **HOLD), Held("r"), AT, [
    "cancel_reason=3 cancelling=1 error=-31640 stage_ms=+7 step=cancel tries=0",
    "note capture: given_up '' +7",
    "work: receipt in 0 for test 60000 pause=0",
]),
(at(2, "capture", **HOLD), Held("r"), AT, [
    "nothing pause=0",
]),
(at(2, "capture", **HOLD), NotKnown(), AT, [
    "tries=3",
    "note capture: unknown '' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(2, "void", **HOLD), Reversed(), AT, [
    "cancel_time_ms=+7 held=0 stage_ms=+7 state=50 step=None tries=0",
    "note void: voided '' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: done pause=None",
]),
(at(21, "void", **HOLD), NotKnown(), AT, [
    "tries=3",
    "note void: unknown '' +7",
    "work: receipt in 0 for test 60000 pause=2000",
]),
(at(21, "void", **HOLD), Reversed(), AT, [
    "cancel_time_ms=+7 held=0 stage_ms=+7 state=50 step=None tries=0",
    "note void: voided '' +7",
    "R:voided (voided) held <- acquirer-holds 500000 +7",
    "work: done pause=None",
]),
]  # fmt: skip


@pytest.mark.parametrize(("receipt", "outcome", "terms", "expected"), ROWS)
def test_a_decision_says_this_and_no_more(
    receipt: Receipt, outcome: Any, terms: Terms, expected: list[str]
) -> None:
    assert told(receipt, happens(receipt, outcome, terms)) == expected
