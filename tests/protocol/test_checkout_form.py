"""The checkout form: what shops post is read, what is written reads back, no value breaks out of the HTML."""

import base64
import json
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from helpers_protocol import clean_text, code_and_data, outcome, sample_results
from tiyin.protocol.checkout_form import DETAIL_LENGTH_MAX, form_pairs, read_form, write_form
from tiyin.protocol.checkout_link import CALLBACK_TIMEOUT_MS_MAX, CheckoutRequest
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Text

MERCHANT = "587f72c72cac0d162c722ae2"
DETAIL = next(
    result["detail"]
    for result in sample_results("merchant-api/CheckPerformTransaction")
    if "detail" in result
)
REQUIRED = [("merchant", MERCHANT), ("amount", "500"), ("account[order_id]", "197")]


def encoded(value: Any) -> str:
    return base64.b64encode(json.dumps(value, ensure_ascii=False).encode()).decode()


def refused(*pairs: tuple[str, str]) -> Any:
    with pytest.raises(RpcError) as caught:
        read_form(pairs)
    assert caught.value.code == -31610
    return caught.value.data


class FormReader(HTMLParser):
    """Reads a form as a browser does."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.pairs: list[tuple[str, str]] = []
        self.tags: list[str] = []
        self.action = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = {name: value or "" for name, value in attrs}
        if tag == "input":
            self.pairs.append((named["name"], named["value"]))
        if tag == "form":
            self.action = named["action"]


def test_the_documentations_form_is_read() -> None:
    request = read_form(
        [
            ("merchant", MERCHANT),
            ("amount", "500"),
            ("account[order_id]", "197"),
            ("lang", "en"),
            ("callback", "https://your-service.uz/paycom/:transaction"),
            ("callback_timeout", "15"),
            ("description", "Помидоры"),
            ("detail", encoded(DETAIL)),
            ("button", "colored"),
            ("qr", ""),
        ]
    )
    assert request == CheckoutRequest(
        MERCHANT,
        {"order_id": "197"},
        500,
        lang="en",
        callback="https://your-service.uz/paycom/:transaction",
        callback_timeout_ms=15,
        description=Text.same("Помидоры"),
        detail=DETAIL,
    )


def test_only_merchant_amount_and_account_are_required() -> None:
    request = read_form(REQUIRED)
    assert request == CheckoutRequest(MERCHANT, {"order_id": "197"}, 500)
    assert (request.lang, request.callback, request.callback_timeout_ms, request.currency) == (
        "ru",
        None,
        15_000,
        860,
    )
    empty = [(name, "") for name in ("lang", "callback", "callback_timeout", "description", "detail")]
    assert read_form([*REQUIRED, *empty]) == request


def test_the_page_that_sent_the_form_is_the_callback_when_it_names_none() -> None:
    assert read_form(REQUIRED, "https://shop.uz/cart").callback == "https://shop.uz/cart"
    assert (
        read_form([*REQUIRED, ("callback", "https://shop.uz/x")], "https://shop.uz/cart").callback
        == "https://shop.uz/x"
    )
    for nothing in ("", "about:blank", "android-app://x", "null"):
        assert read_form(REQUIRED, nothing).callback is None


@pytest.mark.parametrize(
    ("pairs", "description"),
    [
        ([("description", "x")], Text.same("x")),
        ([("description[uz]", "u"), ("description[ru]", "r"), ("description[en]", "e")], Text("r", "u", "e")),
        ([("description[uz]", "u"), ("description", "x")], Text("x", "u", "x")),
        ([("description[en]", "e")], Text.same("e")),
        ([("description[de]", "d")], None),
        ([("description", " ")], None),
    ],
)
def test_a_description_comes_in_one_language_or_three(
    pairs: list[tuple[str, str]], description: Text | None
) -> None:
    assert read_form([*REQUIRED, *pairs]).description == description


@pytest.mark.parametrize("lang", ["de", "RUS", "1", "uz", "UZ"])
def test_an_unknown_language_is_russian(lang: str) -> None:
    assert read_form([*REQUIRED, ("lang", lang)]).lang == ("uz" if lang.lower() == "uz" else "ru")


@pytest.mark.parametrize(
    ("pairs", "field"),
    [
        ([], "merchant"),
        (REQUIRED[1:], "merchant"),
        ([REQUIRED[0], REQUIRED[2]], "amount"),
        (REQUIRED[:2], "account"),
        ([*REQUIRED, REQUIRED[0]], "merchant"),
        ([*REQUIRED, REQUIRED[2]], "account[order_id]"),
        ([*REQUIRED[:2], ("account[]", "1")], "account"),
        ([*REQUIRED[:2], ("account", "1")], "account"),
        ([*REQUIRED, ("account[x]", "1" * 257)], "account[x]"),
        ([*REQUIRED, ("account[x]", "a\0")], "account[x]"),
        ([*REQUIRED, ("account[x]", "\ud800")], "account[x]"),
        ([*REQUIRED, *[(f"account[x{number}]", "1") for number in range(20)]], "account"),
        ([*REQUIRED, *[(f"x{number}", "1") for number in range(62)]], "form"),
        ([REQUIRED[0], ("amount", "5.5"), REQUIRED[2]], "amount"),
        ([REQUIRED[0], ("amount", "0"), REQUIRED[2]], "amount"),
        ([*REQUIRED, ("callback", "javascript:alert(1)")], "callback"),
        ([*REQUIRED, ("callback_timeout", "soon")], "callback_timeout"),
        ([*REQUIRED, ("description", "x" * 1025)], "description"),
        ([*REQUIRED, ("description[uz]", "x" * 1025)], "description[uz]"),
        ([*REQUIRED, ("detail", "!")], "detail"),
        ([*REQUIRED, ("detail", "я")], "detail"),
        ([*REQUIRED, ("detail", encoded([]))], "detail"),
        ([*REQUIRED, ("detail", encoded({"items": [{}]}))], "detail"),
        ([*REQUIRED, ("detail", base64.b64encode(b"{").decode())], "detail"),
        ([*REQUIRED, ("detail", base64.b64encode(b'{"a": "\xff"}').decode())], "detail"),
        ([*REQUIRED, ("detail", base64.b64encode(b'{"a": "\\u0000"}').decode())], "detail"),
        ([*REQUIRED, ("detail", base64.b64encode(b'{"a": 1e400}').decode())], "detail"),
        (
            [*REQUIRED, ("detail", base64.b64encode(b'{"a": ' + b"[" * 900 + b"]" * 900 + b"}").decode())],
            "detail",
        ),
        ([*REQUIRED, ("detail", base64.b64encode(b"[" * 90_000).decode())], "detail"),
        ([*REQUIRED, ("detail", "A" * (DETAIL_LENGTH_MAX + 1))], "detail"),
    ],
)
def test_a_malformed_form_names_its_field(pairs: list[tuple[str, str]], field: str) -> None:
    assert refused(*pairs) == field


def test_a_detail_survives_careless_decoding() -> None:
    """Some shops post base64 whose plus signs became spaces, URL-safe letters, or no padding."""
    plain = encoded(DETAIL | {"own": "ююю>>>???"})
    assert "+" in plain
    for text in (
        plain,
        plain.replace("+", " "),
        plain.replace("+", "-").replace("/", "_"),
        plain.rstrip("="),
    ):
        assert read_form([*REQUIRED, ("detail", text)]).detail == DETAIL | {"own": "ююю>>>???"}


def test_a_form_is_written_for_a_page() -> None:
    html = write_form(
        "https://checkout.paycom.uz", CheckoutRequest(MERCHANT, {"order_id": "197"}, 500, lang="uz")
    )
    assert html == (
        '<form method="POST" action="https://checkout.paycom.uz">\n'
        f'  <input type="hidden" name="merchant" value="{MERCHANT}">\n'
        '  <input type="hidden" name="amount" value="500">\n'
        '  <input type="hidden" name="account[order_id]" value="197">\n'
        '  <input type="hidden" name="lang" value="uz">\n'
        '  <button type="submit">Payme orqali toʻlash</button>\n'
        "</form>\n"
    )
    assert ">Buy &lt;now&gt;</button>" in write_form(
        "/", CheckoutRequest(MERCHANT, {"a": "1"}, 5), button="Buy <now>"
    )


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"account": {}}, "required"),
        ({"account": {"a[b]": "1"}}, "brackets"),
        ({"account": {"a": "\0"}}, "0000"),
        ({"amount_tiyin": 0}, "tiyin"),
        ({"merchant": "a b"}, "id"),
        ({"callback": "myapp://paid"}, "http"),
        ({"callback_timeout_ms": -1}, "milliseconds"),
        ({"detail": {"items": [{}]}}, "title"),
    ],
)
def test_what_the_documentation_forbids_is_not_written(change: dict[str, Any], word: str) -> None:
    request = structs.replace(CheckoutRequest(MERCHANT, {"order_id": "1"}, 5), **change)
    with pytest.raises(ValueError, match=word):
        write_form("https://checkout.paycom.uz", request)


def test_markup_in_a_form_stays_text() -> None:
    evil = "\"><script>alert('1')</script>&quot;&lt;"
    request = CheckoutRequest(
        MERCHANT, {evil: evil}, 5, callback='https://shop.uz/?"><b>', description=Text.same(evil)
    )
    form = FormReader(write_form(evil, request, button=evil))
    assert form.pairs == form_pairs(request)
    assert (form.action, form.tags) == (evil, ["form", *["input"] * 5, "button"])


short_text = clean_text.filter(lambda text: len(text) <= 100)
# A parser of HTML makes one line end of all, as a browser does when it posts a form.
requests = st.builds(
    CheckoutRequest,
    merchant=st.from_regex(r"[0-9a-f]{24}|[a-z][a-z0-9.-]{1,30}", fullmatch=True),
    account=st.dictionaries(
        short_text.filter(lambda name: name and len(name) <= 64 and not set("[]") & set(name)),
        short_text,
        min_size=1,
        max_size=4,
    ),
    amount_tiyin=st.integers(1, AMOUNT_TIYIN_MAX),
    lang=st.sampled_from(["ru", "uz", "en"]),
    callback=st.none()
    | st.from_regex(r"https?://shop\.uz/[!-~]{0,40}", fullmatch=True).filter(lambda url: "\\" not in url),
    callback_timeout_ms=st.integers(0, CALLBACK_TIMEOUT_MS_MAX),
    description=st.none() | st.builds(Text, *[short_text.filter(str.strip)] * 3),
    detail=st.none() | st.just(DETAIL),
)


@given(requests)
def test_a_form_reads_back_as_it_was_written(request_: CheckoutRequest) -> None:
    assert read_form(form_pairs(request_)) == request_


@given(requests, st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=30))
def test_no_value_breaks_out_of_the_html(request_: CheckoutRequest, action: str) -> None:
    form = FormReader(write_form(action, request_))
    assert form.tags == ["form", *["input"] * len(form_pairs(request_)), "button"]
    assert form.pairs == form_pairs(request_)
    assert form.action == action


names = st.sampled_from(
    [
        "merchant",
        "amount",
        "account[a]",
        "account[b]",
        "lang",
        "callback",
        "callback_timeout",
        "description",
        "detail",
        "x",
    ]
)


@given(
    st.lists(st.tuples(names | st.text(max_size=20), st.text(max_size=40)), max_size=10),
    st.none() | st.text(),
)
def test_any_pairs_are_a_request_or_a_documented_error(
    pairs: list[tuple[str, str]], referer: str | None
) -> None:
    for start in ([], REQUIRED):
        read = outcome(read_form, [*start, *pairs], referer)
        if isinstance(read, RpcError):
            assert read.code == -31610
            assert read.data
        else:
            assert read.amount_tiyin > 0


@given(st.binary().map(lambda data: base64.b64encode(data).decode()) | st.text())
def test_any_detail_is_read_or_refused(detail: str) -> None:
    read = outcome(read_form, [*REQUIRED, ("detail", detail)])
    assert isinstance(read, CheckoutRequest) or code_and_data(read) == (-31610, "detail")
