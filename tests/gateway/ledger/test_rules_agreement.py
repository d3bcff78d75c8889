"""What is said when something does not agree with a receipt: each sentence, and nothing beside it."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from tiyin.gateway.acquiring.books import DEBITED, DECLINED, HELD, REVERSED, Operation
from tiyin.gateway.ledger import Entry, Share, earned, held, posted, returned, returning, taken
from tiyin.gateway.receipts.agreement import Beside, disagreements
from tiyin.gateway.receipts.records import Receipt, write_shares

KEY = "0199" + "0" * 20
H, T = held(KEY, 1_000, 5), taken(KEY, 1_000, 5)
UNDONE = (H, posted(KEY, 1_000, 5), T, returning(KEY, 1_000, 5), returned(KEY, 1_000, 5))
E = earned(KEY, [Share("a" * 24, 1_000, 10)], 5)
ON_HOLD: dict[str, Any] = {"held": 1, "held_ms": 5}
ANY_ENTRIES = "state {} with the ledger entries {}"


def receipt(state: int, step: str | None = None, **changes: Any) -> Receipt:
    """A receipt in a state, as the engine leaves it."""
    made = Receipt(
        id=KEY,
        number=1,
        desk_id="a" * 24,
        route="billing",
        amount_tiyin=1_000,
        account="{}",
        account_key="{}",
        created_ms=1,
        state=state,
        commission_tiyin=10,
        attempt=1,
        attempt_key=f"{KEY}-1",
        transaction="t",
        pay_time_ms=5 if state == 4 else 0,
        cancel_time_ms=5 if state == 50 else 0,
    )
    return replace(made, step=step, **changes)


def operation(outcome: str, attempt: int = 1, amount_tiyin: int = 1_000) -> Operation:
    return Operation(f"{KEY}-{attempt}", "c", "t", amount_tiyin, outcome, 0, 1)


SAID: list[tuple[Receipt, Sequence[Entry], str | None, str | None, list[str]]] = [
    (receipt(0), (), None, "receipt", ["state 0 with a work row"]),
    (receipt(1, "create"), (), None, None, ["state 1 without its work row"]),
    (receipt(4, fiscal_due=1), (T, *E), DEBITED, None,
     ["state 4, a fiscal receipt due, without its work row"]),
    (receipt(1, "create"), (), None, "fiscal",
     ["state 1 with a work row of the kind fiscal instead of receipt"]),
    (receipt(20, "perform"), (), None, None, ["paused, and nobody knows where it came from"]),
    (receipt(1, "create", pay_time_ms=5), (), None, "receipt", ["state 1 with the time of paying 5"]),
    (receipt(20, "create", state_from=1, pay_time_ms=5), (), None, None,
     ["state 20 with the time of paying 5"]),
    (receipt(4, pay_time_ms=0), (T, *E), DEBITED, None, ["state 4 with the time of paying 0"]),
    (receipt(50, cancel_time_ms=0), (), None, None, ["cancelled, without a time"]),
    (receipt(4, transaction=None), (T, *E), DEBITED, None, ["paid, and never created at the billing"]),
    (receipt(50, held_ms=5), UNDONE, REVERSED, None, []),
    (receipt(50), UNDONE[2:], REVERSED, None, []),
    (receipt(50, held_ms=5), UNDONE[2:], REVERSED, None,
     ["state 50 with the ledger entries returned, returning, taken; missing: held, posted"]),
    (receipt(4, state_from=1), (T, *E), DEBITED, None, []),
    (receipt(4, transaction=None, route="direct"), (T, *E), DEBITED, None, []),
    (receipt(1, "create", transaction=None), (), None, "receipt", []),
    (receipt(0, "create"), (), None, None, ["state 0, and yet something is under way: create"]),
    (receipt(50, None, cancelling=1), (), None, None, ["state 50, and yet something is under way: None"]),
    (receipt(3), (T,), DEBITED, "receipt", ["state 3, and nothing is under way"]),
    (receipt(1, "create", held=1), (), HELD, "receipt", ["money is held, and nobody knows since when"]),
    (receipt(5, "watch"), (), None, "receipt", ["state 5, and no money is held"]),
    (receipt(0, **ON_HOLD), (H,), HELD, None, ["state 0, and yet money is held"]),
    (receipt(0, shares=write_shares([Share("a", 999, 1)])), (), None, None,
     ["the shares do not add up to the receipt"]),
    (receipt(0, shares=write_shares([Share("a", 1_000, 1_001)])), (), None, None,
     ["a share's commission is more than the share"]),
    (receipt(0, shares=write_shares([Share("a", 1_000, -1)])), (), None, None,
     ["a share's commission is more than the share"]),
    (receipt(0, shares=write_shares([Share("a", 500, 0), Share("a", 500, 500)])), (), None, None,
     ["a desk has two shares"]),
    (receipt(3, "perform"), (T, T), DEBITED, "receipt", ["the ledger has the same entry twice"]),
    (receipt(3, "perform"), (), DEBITED, "receipt",
     ["state 3 with the ledger entries none; missing: taken"]),
    (receipt(4), (), DEBITED, None,
     ["state 4 with the ledger entries none; missing: commission, earned, taken"]),
    (receipt(0), (T, *E), None, None, ["state 0 with the ledger entries commission, earned, taken"]),
    (receipt(3, "perform"), (replace(T, amount_tiyin=999),), DEBITED, "receipt",
     ["the entry taken has other accounts or another amount than the receipt"]),
    (receipt(3, "perform"), (replace(T, amount_tiyin=0),), DEBITED, "receipt",
     ["the entry taken does not balance",
      "the entry taken has other accounts or another amount than the receipt"]),
    (receipt(3, "perform"), (replace(T, debit="in-flight"),), DEBITED, "receipt",
     ["the entry taken does not balance",
      "the entry taken has other accounts or another amount than the receipt"]),
    (receipt(3, "perform"), (replace(T, amount_tiyin=1),), DEBITED, "receipt",
     ["the entry taken has other accounts or another amount than the receipt"]),
    (receipt(4), (T, *E), None, None, ["state 4, and the acquirer says nothing instead of debited"]),
    (receipt(3, "refund"), (T, *()), HELD, "receipt",
     ["state 3 with the ledger entries taken; missing: returning",
      "state 3, and the acquirer says held instead of debited or reversed"]),
    (receipt(0), (), DEBITED, None,
     ["state 0, and the acquirer says debited instead of declined or nothing or reversed"]),
]  # fmt: skip


@pytest.mark.parametrize(("stored", "entries", "outcome", "work", "said"), SAID)
def test_what_is_wrong_is_said(
    stored: Receipt, entries: Sequence[Entry], outcome: str | None, work: str | None, said: list[str]
) -> None:
    operations = [] if outcome is None else [operation(outcome)]
    assert disagreements(stored, Beside(list(entries), operations, work)) == said


def test_money_that_was_taken_twice_or_otherwise_is_said() -> None:
    paid = receipt(4, attempt=2, attempt_key=f"{KEY}-2")
    twice = Beside([T, *E], [operation(HELD), operation(DEBITED, 2, 999)], None)
    assert disagreements(paid, twice) == [
        "the acquirer debited or held 2 times",
        f"the acquirer keeps the money of an earlier attempt, {KEY}-1",
        "the acquirer took 999 tiyin for 1000",
    ]
    assert disagreements(paid, Beside([T, *E], [operation(REVERSED), operation(DEBITED, 2)], None)) == []


ALL = {None, DECLINED, REVERSED, DEBITED, HELD}
MAY_SAY: list[tuple[int, str, bool, set[str | None]]] = [
    (1, "create", False, {None, DECLINED, REVERSED}),
    (1, "void", False, {None, DECLINED, REVERSED}),
    (1, "cancel", False, {None, DECLINED, REVERSED}),
    *((2, step, False, ALL - {HELD}) for step in ("debit", "void", "cancel", "check_cancel")),
    (2, "watch", False, {None, DECLINED, REVERSED}),
    (6, "hold", False, ALL - {DEBITED}),
    (6, "void", False, ALL - {DEBITED}),
    (21, "void", False, ALL - {DEBITED}),
    (21, "cancel", False, {None, DECLINED, REVERSED}),
    (1, "create", True, {HELD, REVERSED}),
    (2, "capture", True, ALL),
    *((1, step, True, {HELD, REVERSED, DECLINED, None}) for step in ("void", "cancel", "check_cancel")),
]


@pytest.mark.parametrize(("state", "step", "on_hold", "may"), MAY_SAY)
def test_what_the_acquirer_may_say_meanwhile(
    state: int, step: str, on_hold: bool, may: set[str | None]
) -> None:
    stored = receipt(state, step, **(ON_HOLD if on_hold else {}))
    entries = [H] if on_hold else []
    for outcome in ALL:
        operations = [] if outcome is None else [operation(outcome)]
        said = disagreements(stored, Beside(entries, operations, "receipt"))
        assert (said == []) is (outcome in may), (outcome, said)
