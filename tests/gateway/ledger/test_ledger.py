"""The ledger's entries: each balances, and together they tell what happened to the money."""

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.ledger import (
    Entry,
    Share,
    commission_of,
    desk_account,
    desk_of_account,
    earned,
    held,
    paid_out,
    payout,
    payout_returned,
    posted,
    recovered,
    refunding,
    returned,
    returning,
    suspended,
    suspense_account,
    taken,
    voided,
)
from tiyin.gateway.verify import Totals

amounts = st.integers(1, 10**13)
basis_points = st.integers(0, 10_000)


def added(entries: Iterable[Entry]) -> Totals:
    totals = Totals()
    seen = set()
    for entry in entries:
        assert entry.amount_tiyin > 0
        assert entry.debit != entry.credit
        assert entry.id not in seen
        seen.add(entry.id)
        totals.add(entry)
        assert totals.balanced
    return totals


@st.composite
def payments(draw: st.DrawFn) -> list[Share]:
    parts = draw(st.lists(st.tuples(amounts, basis_points), min_size=1, max_size=4))
    return [
        Share(f"desk{place}", amount, commission_of(amount, points))
        for place, (amount, points) in enumerate(parts)
    ]


@given(payments(), st.booleans())
def test_a_paid_receipt_leaves_nothing_in_flight_and_a_refund_nothing_anywhere(
    shares: list[Share], on_hold: bool
) -> None:
    amount_tiyin = sum(share.amount_tiyin for share in shares)
    commission_tiyin = sum(share.commission_tiyin for share in shares)
    before = [held("r", amount_tiyin, 1), posted("r", amount_tiyin, 1)] if on_hold else []
    paid = [*before, taken("r", amount_tiyin, 1), *earned("r", shares, 2)]
    totals = added(paid)
    assert totals.owed == amount_tiyin - commission_tiyin
    assert (totals.commission, totals.in_flight, totals.pending) == (commission_tiyin, 0, 0)
    assert added([*paid, *refunding("r", shares, 3)]).on_its_way_back == amount_tiyin
    totals = added([*paid, *refunding("r", shares, 3), returned("r", amount_tiyin, 4)])
    assert (totals.taken, totals.returned) == (amount_tiyin, amount_tiyin)
    assert (totals.owed, totals.commission, totals.in_flight, totals.on_its_way_back) == (0, 0, 0, 0)


@given(amounts)
def test_what_was_never_earned_goes_back_whole(amount_tiyin: int) -> None:
    way = [taken("r", amount_tiyin, 1), returning("r", amount_tiyin, 2)]
    assert (added(way).in_flight, added(way).on_its_way_back) == (0, amount_tiyin)
    assert added([*way, returned("r", amount_tiyin, 3)]) == Totals(taken=amount_tiyin, returned=amount_tiyin)


@given(amounts)
def test_a_hold_is_pending_until_it_is_posted_or_voided(amount_tiyin: int) -> None:
    assert added([held("r", amount_tiyin, 1)]).pending == amount_tiyin
    assert added([held("r", amount_tiyin, 1), voided("r", amount_tiyin, 2)]).pending == 0


@given(amounts, amounts)
def test_payouts_and_debts_balance(owed_tiyin: int, debt_tiyin: int) -> None:
    way = [taken("r", owed_tiyin, 1), *earned("r", [Share("d", owed_tiyin, 0)], 1)]
    way += [payout("d", owed_tiyin, 9), paid_out("d", owed_tiyin, 9, 11)]
    totals = added(way)
    assert (totals.owed, totals.payouts_due, totals.paid_out) == (0, 0, owed_tiyin)
    totals = added([*way, payout_returned("d", owed_tiyin, 9, 12)])
    assert (totals.owed, totals.paid_out) == (owed_tiyin, 0)
    totals = added([*way, suspended("d", debt_tiyin, 19)])
    assert (totals.owed, totals.suspense) == (debt_tiyin, debt_tiyin)
    totals = added([*way, suspended("d", debt_tiyin, 19), recovered("d", debt_tiyin, 29)])
    assert (totals.owed, totals.suspense) == (0, 0)


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
    assert payout("d", 1, 255).id == payout("d", 2, 255).id == "0000000000ff000000000000:payout:d"
    assert payout("d", 1, 255).id != payout("d", 1, 256).id


def test_accounts_say_whose_they_are() -> None:
    assert desk_of_account(desk_account("d")) == "d"
    assert desk_of_account(suspense_account("d")) is None
    assert desk_of_account("commission") is None
