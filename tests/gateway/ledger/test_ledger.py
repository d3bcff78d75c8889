"""The ledger's entries: each balances, and together they tell what happened to the money."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.ledger import commission_of, earned, returned, returning, taken
from tiyin.gateway.verify import Totals

amounts = st.integers(1, 10**13)
basis_points = st.integers(0, 10_000)


@given(amounts, basis_points)
def test_a_paid_receipt_leaves_nothing_in_flight(amount_tiyin: int, points: int) -> None:
    commission_tiyin = commission_of(amount_tiyin, points)
    totals = Totals()
    for entry in (
        taken("r", amount_tiyin, 1),
        *earned("r", "d", amount_tiyin, commission_tiyin, 2),
    ):
        assert entry.amount_tiyin > 0
        assert entry.debit != entry.credit
        totals.add(entry)
    assert totals.balanced
    assert (totals.owed, totals.commission, totals.in_flight) == (
        amount_tiyin - commission_tiyin,
        commission_tiyin,
        0,
    )


@given(amounts)
def test_a_refund_leaves_nothing_anywhere(amount_tiyin: int) -> None:
    totals = Totals()
    for entry in (taken("r", amount_tiyin, 1), returning("r", amount_tiyin, 2)):
        totals.add(entry)
    assert (totals.in_flight, totals.on_its_way_back) == (0, amount_tiyin)
    totals.add(returned("r", amount_tiyin, 3))
    assert totals.balanced
    assert totals == Totals(taken=amount_tiyin, returned=amount_tiyin)


@pytest.mark.parametrize(
    ("amount_tiyin", "points", "commission_tiyin"),
    [(500_000, 150, 7_500), (1, 150, 0), (33, 150, 0), (34, 150, 1), (100, 10_000, 100), (100, 0, 0)],
)
def test_a_commission_is_whole_tiyin_halves_rounded_up(
    amount_tiyin: int, points: int, commission_tiyin: int
) -> None:
    assert commission_of(amount_tiyin, points) == commission_tiyin


@pytest.mark.parametrize("points", [-1, 10_001])
def test_a_commission_out_of_bounds_is_an_error(points: int) -> None:
    with pytest.raises(ValueError, match="basis points"):
        commission_of(1, points)


def test_the_same_thing_has_the_same_key() -> None:
    assert taken("r", 1, 1).id == taken("r", 1, 2).id == "r:taken"
