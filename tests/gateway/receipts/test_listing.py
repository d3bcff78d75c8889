"""Lists of receipts: what is in a period, in which order, page by page, on each kind of database."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from helpers_receipts import make_desk
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts import listing
from tiyin.gateway.receipts.listing import DAY_MS, ReceiptLists, last_ms_of
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.receipts.shape import shape_receipt
from tiyin.runtime.ids import SeededIds
from tiyin.storage import Decision, Store

DESK_ID = "62d52ce6ca96effd0777a771"
MIDNIGHT_MS = 1_636_398_000_000
"""The sample's: 9 November 2021, 00:00 in Tashkent."""


def receipt_at(ids: SeededIds, at_ms: int, number: int, *, late_ms: int = 0) -> Receipt:
    return Receipt(
        id=ids.new(at_ms - late_ms),
        number=number,
        desk_id=DESK_ID,
        route="direct",
        amount_tiyin=100_000,
        account='{"loan_id":"2"}',
        account_key='{"loan_id":"2"}',
        created_ms=at_ms,
    )


async def filled(store: Store, receipts: Sequence[Receipt]) -> ReceiptLists:
    await store.create_tables(metadata)
    for receipt in receipts:
        decision: Decision[None] = Decision(None, receipt)
        await store.change(RECEIPTS, receipt.id, lambda _, made=decision: made)  # type: ignore[misc]  # bound at once
    return ReceiptLists(store)


async def test_pages_are_the_newest_first_and_hold_each_receipt_once(store: Store) -> None:
    ids = SeededIds(1)
    receipts = [receipt_at(ids, MIDNIGHT_MS + minute // 3 * 60_000, minute) for minute in range(130)]
    foreign = replace(receipt_at(ids, MIDNIGHT_MS + 1, 900), desk_id="f" * 24)
    lists = await filled(store, [*receipts, foreign])
    expected = [r.id for r in sorted(receipts, key=lambda r: (r.created_ms, r.id), reverse=True)]
    found: list[str] = []
    for offset in range(0, 180, 50):
        page = await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS, offset=offset)
        found += [receipt.id for receipt in page]
    assert found == expected
    few = await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS, count=2, offset=1)
    assert [receipt.id for receipt in few] == expected[1:3]
    assert len(await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS, count=1000)) == 50
    assert await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS, count=0) == []
    assert await lists.page(DESK_ID, MIDNIGHT_MS + 1, MIDNIGHT_MS) != []
    assert await lists.page(DESK_ID, MIDNIGHT_MS + 2, MIDNIGHT_MS + 1) == []


async def test_both_ends_are_in_the_period(store: Store) -> None:
    ids = SeededIds(1)
    moments = [MIDNIGHT_MS - 1, MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS - 1, MIDNIGHT_MS + DAY_MS]
    lists = await filled(store, [receipt_at(ids, at_ms, n) for n, at_ms in enumerate(moments)])

    async def numbers(from_ms: int, to_ms: int) -> list[int]:
        return [receipt.number for receipt in await lists.page(DESK_ID, from_ms, to_ms)]

    assert await numbers(MIDNIGHT_MS, MIDNIGHT_MS) == [2, 1]
    assert await numbers(MIDNIGHT_MS, MIDNIGHT_MS + DAY_MS) == [3, 2, 1]
    assert await numbers(MIDNIGHT_MS - 1, MIDNIGHT_MS - 1) == [0]
    assert await numbers(MIDNIGHT_MS + 1, MIDNIGHT_MS + DAY_MS - 1) == [2]
    assert await numbers(0, 9_999_999_999_999) == [3, 2, 1, 0]


async def test_a_receipt_whose_id_was_promised_earlier_is_found(store: Store) -> None:
    ids = SeededIds(1)
    lists = await filled(store, [receipt_at(ids, MIDNIGHT_MS, 1, late_ms=2 * DAY_MS)])
    assert len(await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS)) == 1


async def test_a_deep_offset_gives_the_same_page(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deep offsets are found another way; with many receipts of one moment both must agree."""
    ids = SeededIds(1)
    receipts = [receipt_at(ids, MIDNIGHT_MS + n // 7 * 1000, n) for n in range(60)]
    lists = await filled(store, receipts)
    for offset in range(0, 70, 3):
        monkeypatch.setattr(listing, "_SHALLOW_MAX", 1_000)
        shallow = await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS, count=5, offset=offset)
        monkeypatch.setattr(listing, "_SHALLOW_MAX", 0)
        deep = await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS, count=5, offset=offset)
        assert deep == shallow, offset
    assert await lists.page(DESK_ID, MIDNIGHT_MS, MIDNIGHT_MS, offset=10**9) == []


@given(st.integers(0, 10**13))
def test_only_midnight_in_tashkent_means_the_day(to_ms: int) -> None:
    last_ms = last_ms_of(to_ms)
    if to_ms % DAY_MS == 19 * 3600 * 1000:
        assert last_ms == to_ms + DAY_MS - 1
    else:
        assert last_ms == to_ms


def test_a_midnight_is_tashkents() -> None:
    assert last_ms_of(MIDNIGHT_MS) == MIDNIGHT_MS + DAY_MS - 1
    assert last_ms_of(MIDNIGHT_MS + 5 * 3600 * 1000) == MIDNIGHT_MS + 5 * 3600 * 1000


def test_a_listed_receipt_is_as_the_sample_shows_it() -> None:
    """Documentation: subscribe-api/receipts.get_all."""
    ids = SeededIds(1)
    paid = replace(
        receipt_at(ids, MIDNIGHT_MS, 1544),
        state=4,
        attempt=1,
        card_mask="860006******6311",
        card_expire="0399",
    )
    shown: Any = shape_receipt(paid, make_desk(billing=False), "en", listed=True)
    assert shown.card.expire == "9903"
    row = shown.account[-1]
    assert (row.name, row.value, row.main) == ("transaction", 1544, False)
    assert row.title == {"ru": "Номер чека", "uz": "Chek raqami", "en": "Receipt number"}
    assert shown.account[0].title == {"ru": "loan_id", "uz": "loan_id", "en": "loan_id"}
    assert shown.account[0].main is True
    assert shown.merchant.type == {"ru": "Интернет", "uz": "Internet", "en": "Internet"}
    assert shape_receipt(paid, make_desk(billing=False), "en").card == replace(shown.card, expire="0399")
