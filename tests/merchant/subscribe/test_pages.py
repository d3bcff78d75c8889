"""receipts.get_all as one walk: complete, each receipt once, whatever arrives meanwhile."""

import json
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.merchant.subscribe import BadAnswer, Receipt
from tiyin.merchant.subscribe.pages import Pages

TASHKENT = timezone(timedelta(hours=5))


def receipts(*numbers: int) -> list[Receipt]:
    return [Receipt(id=str(number), state=4, amount_tiyin=number) for number in numbers]


@given(
    first=st.integers(0, 40),
    count=st.integers(1, 9),
    arrivals=st.lists(st.integers(0, 3), max_size=30),
    fewer=st.integers(0, 3),
)
def test_complete_and_each_once(first: int, count: int, arrivals: list[int], fewer: int) -> None:
    """Newest first; new ones come between two pages, and the server answers fewer than it was asked."""
    stored = list(range(first))
    pages, seen = Pages(0, 1, count=count), []
    most = max(1, count - fewer)
    coming = iter(arrivals)
    while not pages.over:
        offset = json.loads(pages.call().params)["offset"]
        page = receipts(*stored[::-1][offset : offset + most])
        try:
            seen += [receipt.amount_tiyin for receipt in pages.take(page)]
        except BadAnswer:
            # Pages of new ones arrived between two calls: told rather than left out.
            assert max(arrivals) >= count
            return
        stored += range(len(stored), len(stored) + next(coming, 0))
    assert len(seen) == len(set(seen))
    if not set(range(first)) <= set(seen):
        # Only of a server that answers too few and gets pages of new ones between two calls.
        assert most < count
        assert max(arrivals) >= most


def test_a_server_that_repeats_itself_is_told_of() -> None:
    pages = Pages(0, 1, count=2)
    assert len(pages.take(receipts(1, 2))) == 2
    assert pages.take(receipts(1, 2)) == []
    assert pages.take(receipts(1, 2)) == []
    with pytest.raises(BadAnswer, match="would not be complete"):
        pages.take(receipts(1, 2))


def test_one_new_receipt_before_every_page_does_not_keep_the_walk_going() -> None:
    pages = Pages(0, 1, count=2)
    assert len(pages.take(receipts(2, 1))) == 2
    assert pages.take(receipts(1)) == []
    assert pages.over


def test_periods() -> None:
    day = datetime(2026, 9, 1, tzinfo=TASHKENT)
    call = Pages(day, day + timedelta(milliseconds=5), count=50).call()
    assert call.params == b'{"from":1788202800000,"to":1788202800005,"count":50,"offset":0}'
    with pytest.raises(ValueError, match="from_ has no time zone"):
        Pages(datetime(2026, 9, 1), day, count=50)  # noqa: DTZ001 - that is the mistake
    with pytest.raises(ValueError, match="ends before it begins"):
        Pages(day, day - timedelta(days=1), count=50)
    for wrong in (0, 51, True, 1.0):
        with pytest.raises(ValueError, match="from 1 to 50"):
            Pages(day, day, count=wrong)  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(TypeError, match="to is a datetime"):
        Pages(day, 1.5, count=50)  # type: ignore[arg-type]  # that is the mistake
    with pytest.raises(ValueError, match="from"):
        Pages(-1, day, count=50)
