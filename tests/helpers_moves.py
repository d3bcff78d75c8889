"""Receipts and terms for the tables of moves, without I/O."""

from typing import Any

from msgspec.structs import replace

from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Checked,
    Created,
    Malformed,
    Receiver,
    RefusedByMerchant,
    Unknown,
)
from tiyin.gateway.receipts.moves import Terms
from tiyin.gateway.receipts.payment import _STAGES
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.repeating import PATIENCE_MS
from tiyin.gateway.receipts.states import Route
from tiyin.storage import Decision

NOW = 1_700_000_000_000
LATE = NOW + PATIENCE_MS
DAY = NOW + 25 * 3_600_000
TERMS = Terms(NOW, "test", 60_000, 0.5)
TOO_LATE = replace(TERMS, now_ms=LATE)
STALE = replace(TERMS, fresh=False)
REFUSED = RefusedByMerchant(-31008)
WRONG_KEY = RefusedByMerchant(-32504)
NO_TRANSACTION = RefusedByMerchant(-31003)
DELIVERED = RefusedByMerchant(-31007)
LOST = Unknown("timeout")
NOT_SENT = Unknown("refused", sent=False)
ODD = Malformed("no_result")
EARNED = ["earned", "commission"]
DESK = "62d52ce6ca96effd0777a771"
ALONE = Receiver(DESK, 500_000, 100)


def a_receipt(state: int, step: Any, route: Route = "billing", **changes: Any) -> Receipt:
    receipt = Receipt(
        id="a" * 24,
        number=1,
        desk_id=DESK,
        route=route,
        amount_tiyin=500_000,
        account='{"order_id":"1"}',
        account_key='{"order_id":"1"}',
        created_ms=NOW - 1000,
        state=state,
        step=step,
        stage_ms=NOW,
        attempt=1,
        attempt_key=f"{'a' * 24}-1",
        endpoint="https://shop.example/",
        time_ms=NOW,
        commission_tiyin=5_000,
        error='{"code":-31610}',
    )
    return replace(receipt, **changes)


def happens(receipt: Receipt, outcome: Any, terms: Terms = TERMS) -> Decision[Any]:
    assert receipt.step is not None
    return _STAGES[receipt.step].decide(receipt, outcome, terms)


def created(state: int = 1, *receivers: Receiver) -> Answered[Created]:
    return Answered(Created("5123", state, receivers))


def checked(state: int) -> Answered[Checked]:
    return Answered(Checked("5123", state))
