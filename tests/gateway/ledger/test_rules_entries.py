"""Each kind of entry, whole: its key, its accounts, its amount and its time."""

import pytest

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

R = "a" * 24
DAY = "0000000000ff000000000000"
SPLIT = [Share("d", 700, 10), Share("e", 290, 0), Share("f", 10, 10), Share("g", 1, 0)]


@pytest.mark.parametrize(
    ("entry", "what", "debit", "credit"),
    [
        (held(R, 7, 9), "held", "acquirer-holds", "held"),
        (posted(R, 7, 9), "posted", "held", "acquirer-holds"),
        (voided(R, 7, 9), "voided", "held", "acquirer-holds"),
        (taken(R, 7, 9), "taken", "acquirer", "in-flight"),
        (returning(R, 7, 9), "returning", "in-flight", "returns"),
        (returned(R, 7, 9), "returned", "returns", "acquirer"),
    ],
)
def test_an_entry_of_a_receipt(entry: Entry, what: str, debit: str, credit: str) -> None:
    assert entry == Entry(f"{R}:{what}", R, what, debit, credit, 7, 9)


@pytest.mark.parametrize(
    ("entry", "what", "debit", "credit", "at_ms"),
    [
        (suspended("d", 7, 255), "suspended", "suspense:d", "desk:d", 255),
        (recovered("d", 7, 255), "recovered", "desk:d", "suspense:d", 255),
        (payout("d", 7, 255), "payout", "desk:d", "payouts", 255),
        (paid_out("d", 7, 255, 300), "paid-out", "payouts", "bank", 300),
        (payout_returned("d", 7, 255, 300), "payout-returned", "bank", "desk:d", 300),
    ],
)
def test_an_entry_of_a_day(entry: Entry, what: str, debit: str, credit: str, at_ms: int) -> None:
    assert entry == Entry(f"{DAY}:{what}:d", "", what, debit, credit, 7, at_ms)


def test_a_desk_alone_earns_and_gives_back_under_short_keys() -> None:
    assert earned(R, [Share("d", 700, 10)], 9) == (
        Entry(f"{R}:earned", R, "earned", "in-flight", "desk:d", 690, 9),
        Entry(f"{R}:commission", R, "commission", "in-flight", "commission", 10, 9),
    )
    assert refunding(R, [Share("d", 700, 10)], 9) == (
        Entry(f"{R}:refunding", R, "refunding", "desk:d", "returns", 690, 9),
        Entry(f"{R}:uncommission", R, "uncommission", "commission", "returns", 10, 9),
    )


def test_a_split_is_booked_by_desk_and_a_part_of_nothing_is_not() -> None:
    assert earned(R, SPLIT, 9) == (
        Entry(f"{R}:earned:d", R, "earned", "in-flight", "desk:d", 690, 9),
        Entry(f"{R}:earned:e", R, "earned", "in-flight", "desk:e", 290, 9),
        Entry(f"{R}:earned:g", R, "earned", "in-flight", "desk:g", 1, 9),
        Entry(f"{R}:commission", R, "commission", "in-flight", "commission", 20, 9),
    )
    assert refunding(R, SPLIT, 9) == (
        Entry(f"{R}:refunding:d", R, "refunding", "desk:d", "returns", 690, 9),
        Entry(f"{R}:refunding:e", R, "refunding", "desk:e", "returns", 290, 9),
        Entry(f"{R}:refunding:g", R, "refunding", "desk:g", "returns", 1, 9),
        Entry(f"{R}:uncommission", R, "uncommission", "commission", "returns", 20, 9),
    )


def test_without_a_commission_none_is_booked() -> None:
    assert earned(R, [Share("d", 700, 0)], 9) == (
        Entry(f"{R}:earned", R, "earned", "in-flight", "desk:d", 700, 9),
    )


def test_accounts_have_these_names() -> None:
    assert (desk_account("d"), suspense_account("d")) == ("desk:d", "suspense:d")
    assert desk_of_account("desk:desk:d") == "desk:d"
    assert desk_of_account("suspense:d") is None


@pytest.mark.parametrize(
    ("amount_tiyin", "basis_points", "commission_tiyin"),
    [(1, 5_000, 1), (1, 4_999, 0), (10_000, 1, 1), (9_999, 10_000, 9_999), (3, 5_000, 2), (5_000, 1, 1)],
)
def test_half_a_tiyin_is_rounded_up(amount_tiyin: int, basis_points: int, commission_tiyin: int) -> None:
    assert commission_of(amount_tiyin, basis_points) == commission_tiyin


@pytest.mark.parametrize("basis_points", [-1, 10_001])
def test_a_commission_beyond_its_bounds_says_so(basis_points: int) -> None:
    with pytest.raises(ValueError, match=f"^a commission is 0 to 10,000 basis points, not {basis_points}$"):
        commission_of(100, basis_points)
