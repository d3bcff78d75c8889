"""What stands beside a receipt in each state, as a table: what is right is quiet, what is wrong is not."""

from collections.abc import Sequence
from typing import Any

import pytest
from msgspec.structs import replace

from tiyin.gateway.acquiring.books import DEBITED, DECLINED, HELD, REVERSED, Operation
from tiyin.gateway.ledger import (
    Entry,
    Share,
    earned,
    held,
    posted,
    refunding,
    returned,
    returning,
    taken,
    voided,
)
from tiyin.gateway.receipts.agreement import Beside, disagreements
from tiyin.gateway.receipts.records import Receipt, write_shares

KEY = "0199" + "0" * 20
ALONE = (Share("a" * 24, 1_000, 10),)
SPLIT = (Share("a" * 24, 700, 10), Share("b" * 24, 290, 0), Share("c" * 24, 10, 10))

H, P, V = held(KEY, 1_000, 5), posted(KEY, 1_000, 5), voided(KEY, 1_000, 5)
T, RG, RD = taken(KEY, 1_000, 5), returning(KEY, 1_000, 5), returned(KEY, 1_000, 5)
E, F = earned(KEY, ALONE, 5), refunding(KEY, ALONE, 5)
ES, FS = earned(KEY, SPLIT, 5), refunding(KEY, SPLIT, 5)


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


def beside(entries: Sequence[Entry], outcome: str | None, work: str | None) -> Beside:
    operations = [] if outcome is None else [Operation(f"{KEY}-1", "c", "t", 1_000, outcome, 0, 1)]
    return Beside(list(entries), operations, work)


WORK, FISCAL = "receipt", "fiscal"
ON_HOLD: dict[str, Any] = {"held": 1, "held_ms": 5}
WAS_HELD: dict[str, Any] = {"held": 0, "held_ms": 5}
SPLIT_UP: dict[str, Any] = {"shares": write_shares(SPLIT)}
PAID_BEFORE: dict[str, Any] = {"pay_time_ms": 5}

RIGHT = [
    (receipt(0), (), None, None),
    (receipt(0), (), DECLINED, None),
    (receipt(1, "create"), (), None, WORK),
    (receipt(2, "debit"), (), None, WORK),
    (receipt(2, "debit"), (), DEBITED, WORK),
    (receipt(2, "void"), (), REVERSED, WORK),
    (receipt(6, "hold"), (), None, WORK),
    (receipt(6, "hold"), (), HELD, WORK),
    (receipt(5, "watch", **ON_HOLD), (H,), HELD, WORK),
    (receipt(5, "watch", **ON_HOLD), (H,), REVERSED, WORK),
    (receipt(1, "create", **ON_HOLD), (H,), HELD, WORK),
    (receipt(2, "capture", **ON_HOLD), (H,), HELD, WORK),
    (receipt(2, "capture", **ON_HOLD), (H,), DEBITED, WORK),
    (receipt(2, "cancel", **WAS_HELD), (H, V), REVERSED, WORK),
    (receipt(21, "void", **ON_HOLD), (H,), HELD, WORK),
    (receipt(21, "void", **ON_HOLD), (H,), REVERSED, WORK),
    (receipt(50, **WAS_HELD), (H, V), REVERSED, None),
    (receipt(3, "perform", **WAS_HELD), (H, P, T), DEBITED, WORK),
    (receipt(4, **WAS_HELD), (H, P, T, *E), DEBITED, None),
    (receipt(3, "perform"), (T,), DEBITED, WORK),
    (receipt(30, "refund"), (T, RG), DEBITED, WORK),
    (receipt(30, "refund"), (T, RG), REVERSED, WORK),
    (receipt(50), (T, RG, RD), REVERSED, None),
    (receipt(50), (), DECLINED, None),
    (receipt(4), (T, *E), DEBITED, None),
    (receipt(4, **SPLIT_UP), (T, *ES), DEBITED, None),
    (receipt(4, fiscal=1, fiscal_due=1), (T, *E), DEBITED, FISCAL),
    (receipt(21, "cancel", **PAID_BEFORE), (T, *E), DEBITED, WORK),
    (receipt(21, "check_cancel", fiscal_due=1, **PAID_BEFORE), (T, *E), DEBITED, WORK),
    (receipt(21, "refund", **PAID_BEFORE), (T, *E, *F), DEBITED, WORK),
    (receipt(21, "refund", **PAID_BEFORE, **SPLIT_UP), (T, *ES, *FS), REVERSED, WORK),
    (receipt(50, **PAID_BEFORE), (T, *E, *F, RD), REVERSED, None),
    (receipt(50, fiscal_due=2, **PAID_BEFORE, **SPLIT_UP), (T, *ES, *FS, RD), REVERSED, FISCAL),
    (receipt(20, "perform", state_from=3), (T,), DEBITED, None),
    (receipt(20, "cancel", state_from=21, **PAID_BEFORE), (T, *E), DEBITED, None),
    (receipt(20, "create", state_from=1, **ON_HOLD), (H,), HELD, None),
]


def _name(value: object) -> str | None:
    return f"{value.state}-{value.step}" if isinstance(value, Receipt) else None


@pytest.mark.parametrize(("stored", "entries", "outcome", "work"), RIGHT, ids=_name)
def test_the_right_picture_is_quiet_and_any_other_is_not(
    stored: Receipt, entries: tuple[Entry, ...], outcome: str | None, work: str | None
) -> None:
    assert disagreements(stored, beside(entries, outcome, work)) == []
    for other in {None, WORK, FISCAL} - {work}:
        assert disagreements(stored, beside(entries, outcome, other))
    for entry in entries:
        left = [kept for kept in entries if kept is not entry]
        assert disagreements(stored, beside(left, outcome, work)), f"without {entry.what}"
        assert disagreements(stored, beside([*left, replace(entry, amount_tiyin=7)], outcome, work))
        assert disagreements(stored, beside([*left, replace(entry, credit="commission-2")], outcome, work))
        assert disagreements(stored, beside([*entries, entry], outcome, work))
    for entry in {H, P, V, T, RG, RD, *E, *F, *ES, *FS} - set(entries):
        if entry.id not in {there.id for there in entries}:
            assert disagreements(stored, beside([*entries, entry], outcome, work)), f"with {entry.what}"


@pytest.mark.parametrize(
    ("stored", "entries", "outcome", "work"),
    [
        (receipt(0), (), DEBITED, None),
        (receipt(0), (), HELD, None),
        (receipt(1, "create"), (), HELD, WORK),
        (receipt(2, "debit"), (), HELD, WORK),
        (receipt(6, "hold"), (), DEBITED, WORK),
        (receipt(5, "watch", **ON_HOLD), (H,), DEBITED, WORK),
        (receipt(5, "watch", **ON_HOLD), (H,), None, WORK),
        (receipt(5, "watch"), (), None, WORK),
        (receipt(50), (), DEBITED, None),
        (receipt(50, **WAS_HELD), (H, V), HELD, None),
        (receipt(50, **ON_HOLD), (H,), HELD, None),
        (receipt(4), (T, *E), REVERSED, None),
        (receipt(4), (T, *E), None, None),
        (receipt(3, "perform"), (T,), HELD, WORK),
        (receipt(21, "cancel", **PAID_BEFORE), (T, *E), REVERSED, WORK),
        (receipt(4, pay_time_ms=0), (T, *E), DEBITED, None),
        (receipt(4, "perform"), (T, *E), DEBITED, None),
        (receipt(20, "perform"), (), None, None),
        (receipt(4, amount_tiyin=999, **SPLIT_UP), (), None, None),
        (receipt(4, shares=write_shares([Share("a", 1_000, 1_001)])), (), None, None),
    ],
    ids=_name,
)
def test_wrong_pictures_are_found(
    stored: Receipt, entries: tuple[Entry, ...], outcome: str | None, work: str | None
) -> None:
    assert disagreements(stored, beside(entries, outcome, work))


def test_money_of_an_earlier_attempt_is_found() -> None:
    paid = receipt(4, attempt=2, attempt_key=f"{KEY}-2")
    operations = [Operation(f"{KEY}-{attempt}", "c", "t", 1_000, DEBITED, 0, 1) for attempt in (1, 2)]
    found = disagreements(paid, Beside([T, *E], operations, None))
    assert any("earlier attempt" in what for what in found)
    assert disagreements(paid, Beside([T, *E], operations, None), books=False) == []
