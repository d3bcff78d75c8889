"""The builder of goods: what it writes is what the documentation draws, and it adds up to the tiyin."""

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.merchant.answers import allowed
from tiyin.merchant.billing import Order
from tiyin.merchant.detail import Detail, Discount, Item, Shipping
from tiyin.protocol.fiscal import read_detail
from tiyin.protocol.values import FieldError

IKPU = "00702001001000001"


def tomatoes(**changed: Any) -> Item:
    values: dict[str, Any] = {
        "title": "Помидоры",
        "price_tiyin": 505_000,
        "count": 2,
        "code": IKPU,
        "package_code": "123456",
        "vat_percent": 12,
    }
    return Item(**(values | changed))


def test_it_writes_the_documented_object() -> None:
    detail = Detail(
        [tomatoes(units=241092, discount_tiyin=10_000)], shipping=Shipping("Доставка до ттз-4 28/23", 500_000)
    )
    assert detail == {
        "receipt_type": 0,
        "shipping": {"title": "Доставка до ттз-4 28/23", "price": 500_000},
        "items": [
            {
                "discount": 10_000,
                "title": "Помидоры",
                "price": 505_000,
                "count": 2,
                "code": IKPU,
                "units": 241092,
                "vat_percent": 12,
                "package_code": "123456",
            }
        ],
    }
    assert detail.total_tiyin == 1_500_000
    assert detail.warnings() == []
    assert detail.check(1_500_000) is detail


def test_named_discounts_are_objects() -> None:
    detail = Detail(
        [tomatoes(discount_tiyin=5_000, discount_title="Акция")], discount=Discount("Скидка", 100_000)
    )
    assert detail["items"][0]["discount"] == {"title": "Акция", "price": 5_000}
    assert detail["discount"] == {"title": "Скидка", "price": 100_000}
    assert detail.total_tiyin == 1_010_000 - 5_000 - 100_000


def test_goods_that_do_not_come_to_the_amount_are_refused_with_both_sums() -> None:
    detail = Detail([tomatoes()])
    with pytest.raises(FieldError, match=r"1010000 tiyin, but 500000 tiyin"):
        detail.check(500_000)
    assert "1010000" in detail.warnings(500_000)[0]
    with pytest.raises(TypeError):
        detail.check(1_010_000.0)  # type: ignore[arg-type]  # the point


def test_old_rates_are_warned_about() -> None:
    assert "15%" in Detail([tomatoes(vat_percent=15)]).warnings()[0]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"code": "123"}, "items[0].code"),
        ({"code": "0070200100100000x"}, "items[0].code"),
        ({"package_code": "12a"}, "items[0].package_code"),
        ({"title": ""}, "items[0].title"),
        ({"title": "a\x00b"}, "items[0].title"),
        ({"price_tiyin": -1}, "items[0].price"),
        ({"count": 0}, "items[0].count"),
        ({"vat_percent": 101}, "items[0].vat_percent"),
        ({"discount_tiyin": -1}, "items[0].discount"),
    ],
)
def test_what_is_not_as_documented_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        Detail([tomatoes(**changed)])
    assert caught.value.field == field


@pytest.mark.parametrize(
    "changed",
    [
        {"price_tiyin": 505_000.0},
        {"price_tiyin": True},
        {"price_tiyin": "505000"},
        {"count": 2.0},
        {"count": True},
        {"vat_percent": 12.0},
        {"discount_tiyin": 1.5},
    ],
)
def test_floats_are_refused(changed: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        tomatoes(**changed)
    for part in (Shipping, Discount):
        with pytest.raises(TypeError):
            part("x", 1.0)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize(
    "count", ["NaN", "Infinity", "-1", "1E+999999", "1000000001", "0.12345678901234567890"]
)
def test_counts_that_cannot_be_written_are_refused(count: str) -> None:
    with pytest.raises(FieldError) as caught:
        tomatoes(count=Decimal(count))
    assert caught.value.field == "count"


def test_a_discounts_name_needs_a_discount() -> None:
    with pytest.raises(FieldError, match="discount_tiyin"):
        tomatoes(discount_title="Акция")


def test_weights_are_exact() -> None:
    """0.29 as a float times 50 tiyin is 14.499999999999998: half a tiyin is rounded up all the same."""
    detail = Detail([tomatoes(count=Decimal("0.29"), price_tiyin=50)])
    assert detail["items"][0]["count"] == 0.29
    assert detail.total_tiyin == 15
    assert Detail([tomatoes(count=Decimal("2.000"))])["items"][0]["count"] == 2


@given(st.lists(st.tuples(st.integers(0, 10**9), st.integers(1, 10**6)), max_size=5), st.integers(0, 10**9))
def test_it_adds_up(positions: list[tuple[int, int]], shipping: int) -> None:
    items = [tomatoes(price_tiyin=price, count=grams / Decimal(1000)) for price, grams in positions]
    detail = Detail(items, shipping=Shipping("Доставка", shipping))
    expected = sum((2 * price * grams + 1000) // 2000 for price, grams in positions) + shipping
    assert detail.total_tiyin == expected
    assert read_detail(msgspec.json.decode(msgspec.json.encode(detail))).total_tiyin == expected


def test_the_vat_that_is_included() -> None:
    assert Detail([tomatoes(price_tiyin=112_000, count=1), tomatoes(vat_percent=0)]).vat_tiyin == 12_000
    with pytest.raises(ValueError, match="round"):
        _ = Detail([tomatoes(vat_percent=Decimal("7.5"))]).vat_tiyin


def test_written_goods_are_taken_as_they_are() -> None:
    written = dict(Detail([tomatoes()]), more={"own": 1})
    detail = Detail.read(written)
    assert detail == written
    assert detail.total_tiyin == 1_010_000
    with pytest.raises(FieldError):
        Detail.read({"items": [{"title": "x"}]})


def test_goods_that_were_changed_afterwards_are_read_again() -> None:
    detail = Detail([tomatoes()])
    detail["items"][0]["count"] = "many"
    with pytest.raises(FieldError):
        detail.check(1_010_000)


def test_an_order_takes_it_to_the_wire() -> None:
    detail = Detail([tomatoes(count=Decimal("0.5"))])
    answer = msgspec.json.encode(allowed(Order(amount_tiyin=detail.total_tiyin, detail=detail)))
    assert msgspec.json.decode(answer)["detail"] == dict(detail)
