"""Each kind of entry, whole: its key, its accounts, its amount and its time."""

from collections.abc import Callable

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
    ("book", "what", "debit", "credit"),
    [
        (held, "held", "acquirer-holds", "held"),
        (posted, "posted", "held", "acquirer-holds"),
        (voided, "voided", "held", "acquirer-holds"),
        (taken, "taken", "acquirer", "in-flight"),
        (returning, "returning", "in-flight", "returns"),
        (returned, "returned", "returns", "acquirer"),
    ],
)
def test_an_entry_of_a_receipt(
    book: Callable[[str, int, int], Entry], what: str, debit: str, credit: str
) -> None:
    assert book(R, 7, 9) == Entry(f"{R}:{what}", R, what, debit, credit, 7, 9)


@pytest.mark.parametrize(
    ("book", "times_ms", "what", "debit", "credit"),
    [
        (suspended, (255,), "suspended", "suspense:d", "desk:d"),
        (recovered, (255,), "recovered", "desk:d", "suspense:d"),
        (payout, (255,), "payout", "desk:d", "payouts"),
        (paid_out, (255, 300), "paid-out", "payouts", "bank"),
        (payout_returned, (255, 300), "payout-returned", "bank", "desk:d"),
    ],
)
def test_an_entry_of_a_day(
    book: Callable[..., Entry], times_ms: tuple[int, ...], what: str, debit: str, credit: str
) -> None:
    entry = book("d", 7, *times_ms)
    assert entry == Entry(f"{DAY}:{what}:d", "", what, debit, credit, 7, times_ms[-1])


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
    [
        (1, 5_000, 1),
        (1, 4_999, 0),
        (10_000, 1, 1),
        (9_999, 10_000, 9_999),
        (3, 5_000, 2),
        (5_000, 1, 1),
        (9_007_199_254_740_993, 10_000, 9_007_199_254_740_993),
    ],
)
def test_half_a_tiyin_is_rounded_up(amount_tiyin: int, basis_points: int, commission_tiyin: int) -> None:
    assert commission_of(amount_tiyin, basis_points) == commission_tiyin


@pytest.mark.parametrize("basis_points", [-1, 10_001])
def test_a_commission_beyond_its_bounds_says_so(basis_points: int) -> None:
    with pytest.raises(ValueError, match=f"^a commission is 0 to 10,000 basis points, not {basis_points}$"):
        commission_of(100, basis_points)
