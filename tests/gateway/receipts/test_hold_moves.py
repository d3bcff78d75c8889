"""A row for every move of a hold: where it stands, what happens, where it stands then. Without I/O."""

from typing import Any

import pytest
from msgspec.structs import replace

from helpers_moves import NOW, TERMS, TOO_LATE, a_receipt, created, happens
from tiyin.gateway.acquiring.port import Debited, Declined, Held, NotFound, Reversed
from tiyin.gateway.ledger import Entry
from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Cancelled,
    Performed,
    RefusedByMerchant,
    Unknown,
)
from tiyin.gateway.receipts.at_acquirer import NotKnown
from tiyin.gateway.receipts.cancelling import ask_to_cancel
from tiyin.gateway.receipts.holds import HOLD_MS, confirm_hold
from tiyin.gateway.receipts.moves import PayIntent, Terms, begin_payment
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.repeating import EXPIRY_MS
from tiyin.gateway.receipts.states import Route, may_move
from tiyin.protocol.errors import RpcError
from tiyin.storage import Decision, Schedule

EXPIRED = replace(TERMS, now_ms=NOW + EXPIRY_MS)
HUMO_MASK = "986001******1234"
UZCARD_MASK = "860006******6311"
REFUSED = RefusedByMerchant(-31008)
LOST = Unknown("timeout")


def a_hold(state: int, step: Any, route: Route = "billing", **changes: Any) -> Receipt:
    standing: dict[str, Any] = {
        "hold": 1,
        "held": int(state != 6),
        "held_ms": NOW * (state != 6),
        "card_mask": UZCARD_MASK,
    }
    return a_receipt(state, step, route, **(standing | changes))


def check(
    receipt: Receipt, decision: Decision[Any], after: tuple[int, Any], held: int, entries: list[str]
) -> None:
    moved = decision.answer.receipt
    assert (moved.state, moved.step, moved.held) == (*after, held)
    assert [entry.what for _, entry in decision.appends if isinstance(entry, Entry)] == entries
    assert may_move(receipt.route, receipt.state, moved.state)
    assert moved.attempt_key == receipt.attempt_key, "one key for hold, capture and reversal"
    if decision.work is not None:
        assert isinstance(decision.work, Schedule) is moved.worked


# Where it stands, what happens, under which terms -> state, step, whether money is held, entries.
ROWS: list[tuple[str, tuple[int, str], Any, Terms, tuple[int, str | None], int, list[str]]] = [
    ("held", (6, "hold"), Held("r"), TERMS, (5, "watch"), 1, ["held"]),
    ("held, learnt too late", (6, "hold"), Held("r"), TOO_LATE, (5, "watch"), 1, ["held"]),
    ("hold declined", (6, "hold"), Declined(-31630), TERMS, (50, None), 0, []),
    ("hold was reversed", (6, "hold"), Reversed(), TERMS, (50, None), 0, []),
    ("hold lost", (6, "hold"), NotKnown(), TERMS, (6, "hold"), 0, []),
    ("hold not found", (6, "hold"), NotFound(), TERMS, (6, "hold"), 0, []),
    ("hold not found, too late", (6, "hold"), NotFound(), TOO_LATE, (6, "void"), 0, []),
    ("hold is a debit", (6, "hold"), Debited("r"), TERMS, (20, "hold"), 0, []),
    ("forbidden", (6, "void"), Reversed(), TERMS, (50, None), 0, []),
    ("stands", (5, "watch"), Held("r"), TERMS, (5, "watch"), 1, []),
    ("not known", (5, "watch"), NotKnown(), TERMS, (5, "watch"), 1, []),
    ("ended by the processing", (5, "watch"), Reversed(), TERMS, (50, None), 0, ["voided"]),
    ("created", (1, "create"), created(), TERMS, (2, "capture"), 1, []),
    ("created after the patience", (1, "create"), created(), TOO_LATE, (2, "capture"), 1, []),
    ("created after twelve hours", (1, "create"), created(), EXPIRED, (1, "cancel"), 1, []),
    ("create lost for long", (1, "create"), LOST, TOO_LATE, (1, "create"), 1, []),
    ("create lost for twelve hours", (1, "create"), LOST, EXPIRED, (1, "cancel"), 1, []),
    ("create refused", (1, "create"), REFUSED, TERMS, (1, "void"), 1, []),
    ("let go at the billing", (1, "cancel"), Answered(Cancelled(-1)), TERMS, (1, "void"), 1, []),
    ("given back", (1, "void"), Reversed(), TERMS, (50, None), 0, ["voided"]),
    ("captured", (2, "capture"), Debited("r"), TERMS, (3, "perform"), 0, ["posted", "taken"]),
    ("capture lost", (2, "capture"), NotKnown(), TERMS, (2, "capture"), 1, []),
    ("capture did not arrive", (2, "capture"), Held("r"), TERMS, (2, "capture"), 1, []),
    ("capture did not arrive in twelve hours", (2, "capture"), Held("r"), EXPIRED, (2, "cancel"), 1, []),
    ("capture declined", (2, "capture"), Declined(-31640), TERMS, (2, "cancel"), 1, []),
    ("the hold was gone", (2, "capture"), Reversed(), TERMS, (2, "cancel"), 0, ["voided"]),
    ("let go after a declined capture", (2, "cancel"), Answered(Cancelled(-1)), TERMS, (2, "void"), 1, []),
    ("given back after it", (2, "void"), Reversed(), TERMS, (50, None), 0, ["voided"]),
    ("void lost", (2, "void"), NotKnown(), TERMS, (2, "void"), 1, []),
    ("cancelled", (21, "void"), Reversed(), TERMS, (50, None), 0, ["voided"]),
    ("cancel lost", (21, "void"), NotKnown(), TERMS, (21, "void"), 1, []),
]  # fmt: skip

DIRECT_ROWS: list[tuple[str, tuple[int, str], Any, Terms, tuple[int, str | None], int, list[str]]] = [
    ("held", (6, "hold"), Held("r"), TERMS, (5, "watch"), 1, ["held"]),
    ("captured", (2, "capture"), Debited("r"), TERMS, (4, None), 0,
     ["posted", "taken", "earned", "commission"]),
    ("capture declined", (2, "capture"), Declined(-31640), TERMS, (2, "void"), 1, []),
    ("the hold was gone", (2, "capture"), Reversed(), TERMS, (50, None), 0, ["voided"]),
    ("given back after it", (2, "void"), Reversed(), TERMS, (50, None), 0, ["voided"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "before", "outcome", "terms", "after", "held", "entries"), ROWS, ids=[row[0] for row in ROWS]
)
def test_a_row_of_the_table(
    name: str, before: Any, outcome: Any, terms: Terms, after: Any, held: int, entries: list[str]
) -> None:
    del name
    receipt = a_hold(*before, cancelling=int(before[1] == "cancel"))
    check(receipt, happens(receipt, outcome, terms), after, held, entries)


@pytest.mark.parametrize(
    ("name", "before", "outcome", "terms", "after", "held", "entries"),
    DIRECT_ROWS,
    ids=[row[0] for row in DIRECT_ROWS],
)
def test_a_row_of_a_desk_without_billing(
    name: str, before: Any, outcome: Any, terms: Terms, after: Any, held: int, entries: list[str]
) -> None:
    del name
    receipt = a_hold(before[0], before[1], "direct")
    check(receipt, happens(receipt, outcome, terms), after, held, entries)


@pytest.mark.parametrize("route", ["billing", "direct"])
def test_a_hold_begins_at_six(route: Route) -> None:
    intent = PayIntent(
        attempt=1,
        route=route,
        endpoint=None,
        terminal="",
        commission_tiyin=0,
        card_id="c",
        token_id=None,
        card_mask=UZCARD_MASK,
        card_expire="0399",
        hold=True,
    )
    begun = begin_payment(a_receipt(0, None, route, attempt=0, hold=1), intent, TERMS).answer.receipt
    assert (begun.state, begun.step, begun.held) == (6, "hold", 0)


@pytest.mark.parametrize(("route", "after"), [("billing", (1, "create")), ("direct", (2, "capture"))])
def test_confirming_takes_a_fresh_time_and_keeps_the_key(route: Route, after: tuple[int, str]) -> None:
    held = a_hold(5, "watch", route)
    decision = confirm_hold(held, TOO_LATE)
    moved = decision.answer.receipt
    assert (moved.state, moved.step) == after
    assert moved.time_ms == TOO_LATE.now_ms
    assert moved.attempt_key == held.attempt_key
    assert not confirm_hold(moved, TOO_LATE).writes, "of two who confirm, one begins"


def test_a_cancel_of_a_hold_waits_for_the_acquirer() -> None:
    decision = ask_to_cancel(a_hold(5, "watch"), TERMS, by="merchant")
    moved = decision.answer.receipt
    assert (moved.state, moved.step, moved.held) == (21, "void", 1)
    assert not confirm_hold(moved, TERMS).writes, "cancel came first"


@pytest.mark.parametrize(("mask", "days", "allowed"), [
    (HUMO_MASK, 29, True), (HUMO_MASK, 30, False), (UZCARD_MASK, 30, True),
])  # fmt: skip
def test_a_humo_hold_of_thirty_days_can_only_be_confirmed(mask: str, days: int, allowed: bool) -> None:
    held = a_hold(5, "watch", card_mask=mask)
    then = replace(TERMS, now_ms=NOW + days * 24 * 3_600_000)
    if allowed:
        assert ask_to_cancel(held, then, by="merchant").answer.receipt.state == 21
    else:
        with pytest.raises(RpcError) as refused:
            ask_to_cancel(held, then, by="merchant")
        assert refused.value.code == -31901
    assert confirm_hold(held, then).answer.receipt.state == 1


def test_a_hold_is_looked_at_every_day_and_soon_after_its_end() -> None:
    day = 24 * 3_600_000
    first = happens(a_hold(5, "watch"), Held("r"), TERMS).work
    assert isinstance(first, Schedule)
    assert (first.next_in_ms, first.owner) == (day, None)
    last = happens(a_hold(5, "watch"), Held("r"), replace(TERMS, now_ms=NOW + HOLD_MS - 3_600_000)).work
    assert isinstance(last, Schedule)
    assert 3_600_000 < last.next_in_ms <= 3_700_000


def test_a_performed_hold_is_paid_like_any_receipt() -> None:
    decision = happens(a_hold(3, "perform", held=0), Answered(Performed("1", 2)))
    assert decision.answer.receipt.state == 4
