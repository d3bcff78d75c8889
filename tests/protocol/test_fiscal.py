"""Goods and fiscal receipts: the documentation's own sample passes, and what is wrong is named."""

import copy
import json
import math
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_protocol import sample_results
from tiyin.protocol.fiscal import (
    ITEMS_MAX,
    Detail,
    Discount,
    FiscalData,
    Item,
    QrCode,
    Shipping,
    detail_warnings,
    read_detail,
    read_qr_code_url,
    vat_included_tiyin,
    write_qr_code_url,
)
from tiyin.protocol.values import FieldError


def sample_detail() -> dict[str, Any]:
    """Return the object that three pages of the documentation show."""
    found = [
        result["detail"]
        for result in sample_results("merchant-api/CheckPerformTransaction")
        if "detail" in result
    ]
    return copy.deepcopy(found[0])


def problem_of(value: object) -> str:
    with pytest.raises(FieldError) as caught:
        read_detail(value)
    return caught.value.field


def test_the_documentations_sample_passes_with_warnings() -> None:
    """Its items come to 1,500,000 tiyin while 500,000 are paid, and its VAT rate is an old one."""
    detail = read_detail(sample_detail())
    assert detail == Detail(
        items=[
            Item(
                title="Помидоры",
                price=505000,
                count=2,
                code="00702001001000001",
                package_code="123456",
                vat_percent=15,
                units=241092,
                discount=10000,
            )
        ],
        receipt_type=0,
        shipping=Shipping("Доставка до ттз-4 28/23", 500000),
    )
    assert detail.total_tiyin == 1_500_000
    warnings = detail_warnings(detail, 500000)
    assert len(warnings) == 2
    assert "1500000" in warnings[0]
    assert "15%" in warnings[1]


def test_the_answers_sample_has_a_discount_with_a_name() -> None:
    detail = read_detail(sample_results("subscribe-api/receipts.create")[0]["receipt"]["detail"])
    assert detail.discount == Discount("Скидка 5%", 10000)
    assert detail.items[0].discount is None
    assert detail.total_tiyin == 505000 * 2 + 500000 - 10000


def test_goods_that_add_up_have_no_warnings() -> None:
    value = sample_detail()
    value["items"][0]["vat_percent"] = 12
    assert detail_warnings(read_detail(value), 1_500_000) == []


def test_odd_goods_are_let_through_with_warnings() -> None:
    value = sample_detail()
    value["receipt_type"] = 2
    value["items"][0] |= {"discount": 2_000_000, "vat_percent": 0}
    warnings = detail_warnings(read_detail(value), -490_000)
    assert [warning.split(":")[0] for warning in warnings] == [
        "receipt_type 2 is not documented, only 0 is",
        "items[0]",
    ]
    assert "no items" in detail_warnings(Detail(), 0)[0]


def test_reading_changes_nothing_in_what_was_given() -> None:
    value = sample_detail() | {"own": {"field": [1.0]}}
    before = copy.deepcopy(value)
    read_detail(value)
    assert value == before


@pytest.mark.parametrize("discount", [0, 10000, 10000.0, {"title": "Скидка", "price": 10000}])
def test_a_discount_is_a_number_or_an_object(discount: Any) -> None:
    value = sample_detail()
    value["items"][0]["discount"] = discount
    value["discount"] = discount
    detail = read_detail(value)
    assert detail.items[0].discount == detail.discount
    assert detail.total_tiyin == 505000 * 2 + 500000 - 2 * (10000 if discount else 0)


@pytest.mark.parametrize("name", ["title", "price", "count", "code", "package_code", "vat_percent"])
def test_a_missing_field_of_an_item_is_named(name: str) -> None:
    value = sample_detail()
    del value["items"][0][name]
    assert problem_of(value) == f"items[0].{name}"


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        *[("title", wrong) for wrong in ("", "x" * 513, 5, None, "a\0")],
        *[("price", wrong) for wrong in (-1, 1.5, "505000", True, None, 10**14, 10**30)],
        *[("count", wrong) for wrong in (0, -1, "2", True, None, 10**10, math.nan, math.inf)],
        *[
            ("code", wrong)
            for wrong in ("", "1" * 16, "1" * 18, "0070200100100000a", 702001001000001, None, "٠" * 17)
        ],
        *[("package_code", wrong) for wrong in ("", "12a", -1, "1" * 21, None, 1.5)],
        *[("vat_percent", wrong) for wrong in (-1, 101, "12", True, None)],
        *[("units", wrong) for wrong in (1.5, "241092", True)],
        *[("discount", wrong) for wrong in (-1, 1.5, "1", True, {"price": 1}, {"title": "a", "price": -1})],
    ],
)
def test_a_wrong_field_of_an_item_is_named(name: str, wrong: Any) -> None:
    value = sample_detail()
    value["items"].append(value["items"][0] | {name: wrong})
    assert problem_of(value).startswith(f"items[1].{name}")


@pytest.mark.parametrize(
    ("name", "wrong", "field"),
    [
        ("receipt_type", "0", "receipt_type"),
        ("receipt_type", 0.5, "receipt_type"),
        ("shipping", 5, "shipping"),
        ("shipping", {"title": "a"}, "shipping.price"),
        ("shipping", {"title": "a", "price": -1}, "shipping.price"),
        ("items", {}, "items"),
        ("items", [5], "items[0]"),
        ("items", None, "items"),
        ("discount", "5%", "discount"),
        ("own", ["\ud800"], "own[0]"),
    ],
)
def test_a_wrong_field_is_named(name: str, wrong: Any, field: str) -> None:
    assert problem_of(sample_detail() | {name: wrong}) == field


def test_goods_are_bounded() -> None:
    item = sample_detail()["items"][0]
    assert len(read_detail({"items": [item] * ITEMS_MAX}).items) == ITEMS_MAX
    assert problem_of({"items": [item] * (ITEMS_MAX + 1)}) == "items"
    wrongs: tuple[object, ...] = (None, [], 5, "detail")
    for wrong in wrongs:
        assert problem_of(wrong) == ""
    deep: list[Any] = []
    for _ in range(5000):
        deep = [deep]
    assert problem_of({"own": deep}).startswith("own")


def test_loose_numbers_become_exact_ones() -> None:
    value = sample_detail()
    value["items"][0] |= {"package_code": 1520627, "price": 505000.0, "units": 241092.0, "count": 1.5}
    item = read_detail(value).items[0]
    assert (item.package_code, item.price, item.units, item.count) == ("1520627", 505000, 241092, 1.5)
    assert type(item.price) is int


@pytest.mark.parametrize("receipt_id", [121, "121", 121.0, "000121"])
def test_a_fiscal_receipts_number_is_an_integer_or_digits(receipt_id: Any) -> None:
    data = msgspec.convert(
        {"receipt_id": receipt_id, "qr_code_url": "url", "fiscal_sign": 800031554082}, FiscalData
    )
    assert (data.receipt_id, data.fiscal_sign, data.status_code) == (121, "800031554082", 0)
    assert type(data.receipt_id) is int


@pytest.mark.parametrize("receipt_id", ["", "12a", "-1", "1" * 19, 10**18, "١٢١", " 121"])
def test_other_numbers_are_refused(receipt_id: Any) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"receipt_id": receipt_id, "qr_code_url": "url"}, FiscalData)


@pytest.mark.parametrize(
    ("price_tiyin", "rate", "vat_tiyin"), [(112, 12, 12), (100000, 12, 10714), (100, 0, 0), (5, 12, 1)]
)
def test_vat_is_included_in_the_price(price_tiyin: int, rate: int, vat_tiyin: int) -> None:
    assert vat_included_tiyin(price_tiyin, rate) == vat_tiyin


@given(st.integers(0, 10**13), st.integers(0, 100))
def test_vat_is_rounded_to_the_nearest_tiyin(price_tiyin: int, rate: int) -> None:
    vat_tiyin = vat_included_tiyin(price_tiyin, rate)
    assert 2 * abs(vat_tiyin * (100 + rate) - price_tiyin * rate) <= 100 + rate


def test_a_receipts_address_is_read() -> None:
    url = "https://ofd.soliq.uz/epi?t=EP000000000356&r=414622483&c=20240610160048&s=168355950146"
    code = QrCode("EP000000000356", 414622483, "20240610160048", "168355950146")
    assert read_qr_code_url(url) == code
    assert write_qr_code_url(code) == url
    assert read_qr_code_url(url.replace("/epi", "/check")) == code


@pytest.mark.parametrize(
    "url",
    [
        "fiscal receipt url",
        "",
        "https://example.uz/epi?t=E&r=1&c=20240610160048&s=1",
        "https://ofd.soliq.uz/other?t=E&r=1&c=20240610160048&s=1",
        "ftp://ofd.soliq.uz/epi?t=E&r=1&c=20240610160048&s=1",
        "https://ofd.soliq.uz/epi?t=E&r=1&c=20240610160048",
        "https://ofd.soliq.uz/epi?t=E&r=a&c=20240610160048&s=1",
        "https://ofd.soliq.uz/epi?t=E&r=1&r=2&c=20240610160048&s=1",
        "https://ofd.soliq.uz/epi?t=E&r=1&c=2024&s=1",
        "https://ofd.soliq.uz/epi",
        "https://[ofd/epi?t=E",
        "x" * 5000,
    ],
)
def test_other_addresses_are_nothing(url: str) -> None:
    assert read_qr_code_url(url) is None


@given(st.text())
def test_any_text_is_an_address_or_nothing(url: str) -> None:
    assert read_qr_code_url(url) is None


@given(
    st.from_regex(r"EP[0-9]{12}", fullmatch=True),
    st.integers(0, 10**12),
    st.from_regex(r"[0-9]{14}", fullmatch=True),
    st.from_regex(r"[0-9]{12}", fullmatch=True),
)
def test_an_address_reads_back(terminal_id: str, receipt_id: int, date: str, sign: str) -> None:
    code = QrCode(terminal_id, receipt_id, date, sign)
    assert read_qr_code_url(write_qr_code_url(code)) == code


def test_fiscal_data_says_the_documentations_keys() -> None:
    keys = ["receipt_id", "qr_code_url", "status_code", "message", "terminal_id", "fiscal_sign", "date"]
    assert list(json.loads(msgspec.json.encode(FiscalData(121, "url")))) == keys
