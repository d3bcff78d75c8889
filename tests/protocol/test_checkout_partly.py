"""Links and forms that leave amount or account to the payer: what is absent is no error, what is wrong is."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from helpers_protocol import clean_text, code_and_data, outcome
from tiyin.protocol.checkout_form import partial_pairs, read_form, read_form_in_part
from tiyin.protocol.checkout_link import PartialRequest, read_link, read_link_in_part
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Account, Text

LINK_NAMES = ["m", "a", "ac.x", "ac.y", "l", "c", "ct", "cr", "zz"]
FORM_NAMES = [
    "merchant",
    "amount",
    "account[x]",
    "account[y]",
    "lang",
    "callback",
    "callback_timeout",
    "detail",
]


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("text", "account", "amount_tiyin"),
    [
        ("m=shop", {}, None),
        ("m=shop;a=", {}, None),
        ("m=shop;a= ", {}, None),
        ("m=shop;a=500", {}, 500),
        ("ac.order_id=7;m=shop", {"order_id": "7"}, None),
        ("m=shop;a=500;ac.order_id=7", {"order_id": "7"}, 500),
    ],
)
def test_a_link_may_leave_things_open(text: str, account: Account, amount_tiyin: int | None) -> None:
    assert read_link_in_part(encoded(text)) == PartialRequest("shop", account, amount_tiyin)


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("a=500", "m"),
        ("m=shop;a=0", "a"),
        ("m=shop;a=-5", "a"),
        ("m=shop;a=5.5", "a"),
        ("m=shop;a=" + "9" * 30, "a"),
        ("m=shop;a=1;a=2", "a"),
        ("m=shop;cr=840", "cr"),
        ("m=shop;cr=usd", "cr"),
        ("m=shop;c=javascript:alert(1)", "c"),
        ("m=shop;c=//shop.uz", "c"),
        ("m=shop;c=https://me@shop.uz", "c"),
        ("m=shop;ct=soon", "ct"),
        ("m=shop;ac.=7", "ac"),
        ("shop", "params"),
        ("m=shop\x00", "params"),
    ],
)
def test_what_is_wrong_in_a_link_stays_wrong(text: str, field: str) -> None:
    assert code_and_data(outcome(read_link_in_part, encoded(text))) == (-31610, field)


@pytest.mark.parametrize("currency", ["860", "UZS", ""])
def test_the_one_currency_is_read(currency: str) -> None:
    assert read_link_in_part(encoded(f"m=shop;cr={currency}")).merchant == "shop"


def test_a_form_may_leave_things_open() -> None:
    pairs = [("merchant", "shop"), ("lang", "uz"), ("description", "Tea"), ("detail", "no base64 at all")]
    read = read_form_in_part(pairs, "https://shop.uz/cart")
    assert read == PartialRequest(
        "shop", {}, None, lang="uz", callback="https://shop.uz/cart", description=Text.same("Tea")
    )


@pytest.mark.parametrize(
    ("pair", "field"),
    [
        (("merchant", "a b"), "merchant"),
        (("amount", "five"), "amount"),
        (("callback", "data:text/html,x"), "callback"),
        (("callback_timeout", "-1"), "callback_timeout"),
        (("account[x]", "x" * 5000), "account[x]"),
        (("account[x]", "\x00"), "account[x]"),
    ],
)
def test_what_is_wrong_in_a_form_stays_wrong(pair: tuple[str, str], field: str) -> None:
    pairs = [pair] if pair[0] == "merchant" else [("merchant", "shop"), pair]
    assert code_and_data(outcome(read_form_in_part, pairs)) == (-31610, field)


@given(st.lists(st.tuples(st.sampled_from(LINK_NAMES), clean_text), max_size=8))
def test_what_a_whole_link_says_is_said_in_part_too(pairs: list[tuple[str, str]]) -> None:
    text = ";".join(f"{name}={value}" for name, value in pairs)
    same(outcome(read_link, encoded(text)), outcome(read_link_in_part, encoded(text)))


@given(st.lists(st.tuples(st.sampled_from(FORM_NAMES), clean_text), max_size=8))
def test_what_a_whole_form_says_is_said_in_part_too(pairs: list[tuple[str, str]]) -> None:
    same(outcome(read_form, pairs), outcome(read_form_in_part, pairs))


def same(whole: Any, part: Any) -> None:
    """Compare two readings: only what is absent may be taken differently."""
    if isinstance(whole, RpcError):
        if isinstance(part, RpcError):
            assert part.code == -31610
        else:
            assert whole.data in {"a", "ac", "amount", "account"}
        return
    assert isinstance(part, PartialRequest)
    for name in structs.asdict(part):
        assert getattr(part, name) == getattr(whole, name)


@given(
    st.dictionaries(st.text("abc_", min_size=1, max_size=5), st.text("0 ü&=;#", min_size=1), max_size=3),
    st.none() | st.integers(1, 10**13),
    st.sampled_from(["ru", "uz", "en"]),
    st.none() | st.just("https://shop.uz/?a=1&b=:account.x"),
    st.integers(0, 3_600_000),
    st.none() | st.just(Text("чай", "choy", "tea")) | st.just(Text.same("tea")),
)
def test_what_is_written_is_read_back(
    account: dict[str, str | int],
    amount_tiyin: int | None,
    lang: Any,
    callback: str | None,
    timeout_ms: int,
    description: Text | None,
) -> None:
    asked = PartialRequest("shop", account, amount_tiyin, lang, callback, timeout_ms, description)
    assert read_form_in_part(partial_pairs(asked)) == asked
