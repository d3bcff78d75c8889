"""The checkout link: every way people write it is read, and what cannot travel in one is refused."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from helpers_protocol import clean_text, outcome
from tiyin.protocol.checkout_link import (
    CALLBACK_TIMEOUT_MS_MAX,
    LINK_LENGTH_MAX,
    CheckoutRequest,
    read_link,
    write_link,
)
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Text

MERCHANT = "587f72c72cac0d162c722ae2"
SAMPLE = "bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw"
BASE = "https://checkout.paycom.uz"


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def read(more: str, start: str = f"m={MERCHANT};ac.order_id=197;a=500") -> CheckoutRequest:
    return read_link(encoded(f"{start};{more}"))


def refused(link: str) -> Any:
    with pytest.raises(RpcError) as caught:
        read_link(link)
    assert caught.value.code == -31610
    return caught.value.data


def test_the_documentations_link_is_read_and_written() -> None:
    request = CheckoutRequest(MERCHANT, {"order_id": "197"}, 500)
    assert read_link(SAMPLE) == request
    assert write_link(BASE, request) == f"{BASE}/{SAMPLE}"
    assert write_link(BASE + "/", request) == f"{BASE}/{SAMPLE}"


def test_keys_come_in_any_order() -> None:
    text = f"l=uz;ct=5000;a=500;cr=860;ac.order=AC-532;c=https://shop.uz/?a=b&c=d==;m={MERCHANT};ac.user=2599"
    assert read_link(encoded(text)) == CheckoutRequest(
        MERCHANT,
        {"order": "AC-532", "user": "2599"},
        500,
        lang="uz",
        callback="https://shop.uz/?a=b&c=d==",
        callback_timeout_ms=5000,
    )


@pytest.mark.parametrize("padding", ["", "=", "=="])
@pytest.mark.parametrize("alphabet", [base64.b64encode, base64.urlsafe_b64encode])
def test_both_alphabets_are_read_padded_or_not(padding: str, alphabet: Any) -> None:
    text = f"m={MERCHANT};ac.name=Я???>>>ю;a=5"
    for filling in range(3):
        link = alphabet((text + ";" * filling).encode()).decode().rstrip("=") + padding
        assert read_link(link).account == {"name": "Я???>>>ю"}


def test_values_may_hold_equals_signs_and_an_alias_is_a_merchant() -> None:
    request = read_link(encoded("m=my-shop.uz;ac.order_id=a=b==;a=500"))
    assert (request.merchant, request.account) == ("my-shop.uz", {"order_id": "a=b=="})


@pytest.mark.parametrize("currency", ["860", "UZS", ""])
def test_sums_are_the_currency(currency: str) -> None:
    assert read(f"cr={currency}").currency == 860


@pytest.mark.parametrize("currency", ["840", "USD", "uzs", "0860"])
def test_other_currencies_are_refused(currency: str) -> None:
    assert refused(encoded(f"m={MERCHANT};ac.order_id=197;a=500;cr={currency}")) == "cr"


@pytest.mark.parametrize("lang", ["de", "", "russian", "0"])
def test_an_unknown_language_is_russian(lang: str) -> None:
    assert read(f"l={lang}").lang == "ru"


def test_unknown_keys_and_empty_parts_are_ignored() -> None:
    assert read("x=1;;utm=2;") == read_link(SAMPLE)
    assert read("c=;ct=;l=") == read_link(SAMPLE)


def test_a_separator_ends_a_callback() -> None:
    assert read("c=https://shop.uz/?a=1;b=2").callback == "https://shop.uz/?a=1"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "params"),
        ("nonsense", "params"),
        ("ac.order_id=197;a=500", "m"),
        ("m=;ac.order_id=197;a=500", "m"),
        ("m=a b;ac.order_id=197;a=500", "m"),
        ("m=" + "x" * 65 + ";ac.order_id=197;a=500", "m"),
        (f"m={MERCHANT};m={MERCHANT};ac.order_id=197;a=500", "m"),
        (f"m={MERCHANT};a=500", "ac"),
        (f"m={MERCHANT};ac.=1;a=500", "ac"),
        (f"m={MERCHANT};ac.x=1;ac.x=2;a=500", "ac.x"),
        (f"m={MERCHANT};ac.x={'1' * 257};a=500", "ac.x"),
        (f"m={MERCHANT};{''.join(f'ac.x{number}=1;' for number in range(21))}a=500", "ac"),
        (f"m={MERCHANT};ac.order_id=197", "a"),
        *[
            (f"m={MERCHANT};ac.order_id=197;a={amount}", "a")
            for amount in ("", "0", "-5", "5.5", "1e3", "٥", "5 0", "+5")
        ],
        (f"m={MERCHANT};ac.order_id=197;a={AMOUNT_TIYIN_MAX + 1}", "a"),
        (f"m={MERCHANT};ac.order_id=197;a=500;a=600", "a"),
        (f"m={MERCHANT};ac.order_id=197;a=500;c=javascript:alert(1)", "c"),
        (f"m={MERCHANT};ac.order_id=197;a=500;c=myapp://paid", "c"),
        *[
            (f"m={MERCHANT};ac.order_id=197;a=500;ct={ms}", "ct")
            for ms in ("-1", "1.5", "soon", "3600001", "٥")
        ],
        (f"m={MERCHANT};ac.order_id=197;a=500;free", "params"),
        (f"m={MERCHANT};ac.order_id=1\x0097;a=500", "params"),
    ],
)
def test_a_malformed_link_names_its_field(text: str, field: str) -> None:
    assert refused(encoded(text)) == field


@pytest.mark.parametrize(
    "link",
    [
        "",
        "=",
        "я",
        "a",
        "abc!",
        "====",
        SAMPLE + "\n",
        " " + SAMPLE,
        base64.b64encode(b"m=\xff").decode(),
        "A" * 8193,
    ],
)
def test_what_is_no_base64_of_text_is_refused(link: str) -> None:
    assert refused(link) == "params"


def test_an_amount_with_a_zero_fraction_is_read() -> None:
    assert read("", f"m={MERCHANT};ac.order_id=197;a=500000.0").amount_tiyin == 500000


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"account": {"order_id": "a;b"}}, ";"),
        ({"account": {"a;b": "1"}}, ";"),
        ({"account": {"a=b": "1"}}, "name"),
        ({"account": {"a ": "1"}}, "name"),
        ({"account": {}}, "required"),
        ({"account": {"order_id": "a\0"}}, "0000"),
        ({"amount_tiyin": 0}, "tiyin"),
        ({"amount_tiyin": -5}, "tiyin"),
        ({"amount_tiyin": AMOUNT_TIYIN_MAX + 1}, "tiyin"),
        ({"merchant": "a;b"}, "id"),
        ({"merchant": ""}, "id"),
        ({"callback": "myapp://paid"}, "http"),
        ({"callback_timeout_ms": -1}, "milliseconds"),
        ({"callback_timeout_ms": CALLBACK_TIMEOUT_MS_MAX + 1}, "milliseconds"),
        ({"detail": {"items": []}}, "form"),
        ({"description": Text.same("x")}, "form"),
        ({"account": {str(number): "я" * 256 for number in range(20)}}, str(LINK_LENGTH_MAX)),
    ],
)
def test_what_cannot_travel_in_a_link_is_not_written(change: dict[str, Any], word: str) -> None:
    request = structs.replace(CheckoutRequest(MERCHANT, {"order_id": "1"}, 5), **change)
    with pytest.raises(ValueError, match=word):
        write_link(BASE, request)


def test_a_separator_in_a_callback_is_written_as_its_escape() -> None:
    request = CheckoutRequest(MERCHANT, {"order_id": "1"}, 5, callback="https://shop.uz/a;b?c;d")
    assert read_link(write_link(BASE, request).rpartition("/")[2]).callback == "https://shop.uz/a%3Bb?c%3Bd"


travelling = clean_text.filter(lambda text: ";" not in text and len(text) <= 100)
requests = st.builds(
    CheckoutRequest,
    merchant=st.from_regex(r"[0-9a-f]{24}|[a-z][a-z0-9.-]{1,30}", fullmatch=True),
    account=st.dictionaries(
        travelling.filter(lambda name: name == name.strip() and name and "=" not in name and len(name) <= 64),
        travelling,
        min_size=1,
        max_size=4,
    ),
    amount_tiyin=st.integers(1, AMOUNT_TIYIN_MAX),
    lang=st.sampled_from(["ru", "uz", "en"]),
    callback=st.none()
    | st.from_regex(r"https?://shop\.uz/[!-:<-~]{0,40}", fullmatch=True).filter(lambda url: "\\" not in url),
    callback_timeout_ms=st.integers(0, CALLBACK_TIMEOUT_MS_MAX),
)


@given(requests)
def test_a_link_reads_back_as_it_was_written(request_: CheckoutRequest) -> None:
    link = write_link(BASE, request_)
    assert link.isascii()
    assert read_link(link.removeprefix(BASE + "/")) == request_


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()) | clean_text.map(encoded))
def test_any_text_is_a_request_or_a_documented_error(link: str) -> None:
    read = outcome(read_link, link)
    if isinstance(read, RpcError):
        assert read.code == -31610
        assert read.data
    else:
        assert read.amount_tiyin > 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["m", "a", "ac.x", "l", "c", "ct", "cr", "zz"]), clean_text), max_size=8
    )
)
def test_any_pairs_are_a_request_or_a_documented_error(pairs: list[tuple[str, str]]) -> None:
    text = ";".join(f"{name}={value}" for name, value in [("m", "shop"), ("ac.y", "1"), *pairs])
    result = outcome(read_link, encoded(text))
    assert isinstance(result, CheckoutRequest) or result.code == -31610


def test_an_unknown_key_may_stand_twice() -> None:
    """It is ignored like any other, so that no stranger's text comes back as the name of a field."""
    text = "m=587f72c72cac0d162c722ae2;ac.order_id=197;a=500;x-secret=1;x-secret=2"
    encoded = base64.b64encode(text.encode()).decode()
    assert read_link(encoded).account == {"order_id": "197"}
