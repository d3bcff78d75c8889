"""Links, forms and buttons of the kit: the checkout reads what it writes, and mistakes are met early."""

import base64
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.merchant.checkout import PRODUCTION_URL, TEST_URL, Checkout, Html
from tiyin.merchant.detail import Detail, Item
from tiyin.protocol.checkout_form import read_form
from tiyin.protocol.checkout_link import CheckoutRequest, read_link
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, LANGUAGES, Account, FieldError, Language, Text

DESK = "587f72c72cac0d162c722ae2"
ORDER: Account = {"order_id": "197"}
SAMPLE = "bT01ODdmNzJjNzJjYWMwZDE2MmM3MjJhZTI7YWMub3JkZXJfaWQ9MTk3O2E9NTAw"

names = st.text(st.characters(exclude_categories=["C"], exclude_characters=";=[]"), min_size=1, max_size=64)
names = names.filter(lambda name: name == name.strip())
values = st.text(st.characters(exclude_categories=["C"], exclude_characters=";"), min_size=1, max_size=40)
accounts = st.dictionaries(names, values | st.integers(-(2**63) + 1, 2**63 - 1), min_size=1, max_size=4)
amounts = st.integers(1, AMOUNT_TIYIN_MAX)
languages = st.sampled_from(LANGUAGES)
callbacks = st.none() | st.sampled_from(
    ["https://shop.uz/paid/:transaction?q=a;b&c=<d>", "http://127.0.0.1:8000/", "https://shop.uz/#я"]
)
timeouts = st.none() | st.integers(0, 3_600_000)


class Page(HTMLParser):
    """What a browser makes of the HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words += data

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]

    def posted(self) -> list[tuple[str, str]]:
        return [(str(field["name"]), str(field["value"])) for field in self.named("input")]


def texts(account: dict[str, Any]) -> Account:
    return {name: str(value) for name, value in account.items()}


def read(link: str) -> CheckoutRequest:
    return read_link(link.rpartition("/")[2])


def test_it_writes_the_documentations_link() -> None:
    assert Checkout(DESK).link(500, {"order_id": 197}) == f"https://checkout.paycom.uz/{SAMPLE}"
    assert Checkout(DESK, base_url="test").link(500, ORDER) == f"https://test.paycom.uz/{SAMPLE}"
    own = Checkout(DESK, base_url="http://127.0.0.1:8080/")
    assert own.link(500, ORDER) == f"http://127.0.0.1:8080/{SAMPLE}"


def test_the_currency_is_written_on_demand() -> None:
    links = [Checkout(DESK, currency=currency).link(500, ORDER) for currency in (None, 860)]
    assert [base64.b64decode(link.rpartition("/")[2]).endswith(b";cr=860") for link in links] == [False, True]


def test_a_call_overrides_what_the_checkout_was_made_with() -> None:
    checkout = Checkout(DESK, language="uz", callback="https://a.uz/", callback_timeout_ms=0, currency=860)
    assert read(checkout.link(500, ORDER)) == CheckoutRequest(DESK, ORDER, 500, "uz", "https://a.uz/", 0)
    link = checkout.link(500, ORDER, language="en", callback="https://b.uz/", callback_timeout_ms=7)
    assert read(link) == CheckoutRequest(DESK, ORDER, 500, "en", "https://b.uz/", 7)


@given(accounts, amounts, languages, callbacks, timeouts, st.sampled_from([None, 860]))
def test_the_checkout_reads_every_link(
    account: dict[str, Any],
    amount: int,
    language: Language,
    callback: str | None,
    timeout_ms: int | None,
    currency: int | None,
) -> None:
    checkout = Checkout(
        DESK, language=language, callback=callback, callback_timeout_ms=timeout_ms, currency=currency
    )
    assert read(checkout.link(amount, account)) == CheckoutRequest(
        DESK,
        texts(account),
        amount,
        language,
        None if callback is None else callback.replace(";", "%3B"),
        15_000 if timeout_ms is None else timeout_ms,
    )


descriptions = st.none() | values | st.builds(Text, ru=values, uz=values, en=values)


@given(accounts, amounts, languages, callbacks, timeouts, descriptions, st.booleans())
def test_the_checkout_reads_every_form_and_button(
    account: dict[str, Any],
    amount: int,
    language: Language,
    callback: str | None,
    timeout_ms: int | None,
    description: Text | str | None,
    goods: bool,
) -> None:
    if description is not None and not (
        description.strip()
        if isinstance(description, str)
        else all(words.strip() for words in description.as_dict().values())
    ):
        description = "Заказ"
    detail = (
        Detail(
            [
                Item(
                    "<Сыр>",
                    price_tiyin=amount,
                    count=1,
                    code="0" * 17,
                    package_code="1",
                    vat_percent=0,
                )
            ]
        )
        if goods
        else None
    )
    checkout = Checkout(DESK, language=language, callback=callback, callback_timeout_ms=timeout_ms)
    expected = CheckoutRequest(
        DESK,
        texts(account),
        amount,
        language,
        callback,
        15_000 if timeout_ms is None else timeout_ms,
        description=Text.same(description) if isinstance(description, str) else description,
        detail=None if detail is None else dict(detail),
    )
    for html in (
        checkout.form(amount, account, description=description, detail=detail),
        checkout.button(amount, account, description=description, detail=detail),
    ):
        assert read_form(Page(html).posted()) == expected


def test_a_form_is_posted_to_the_checkout_and_says_what_its_button_does() -> None:
    page = Page(Checkout(DESK, base_url="test", language="uz").form(500, ORDER))
    assert page.named("form") == [{"method": "POST", "action": TEST_URL}]
    assert page.named("button") == [{"type": "submit"}]
    assert "Payme orqali toʻlash" in page.words


def test_a_button_is_as_payme_s_script_wants_it() -> None:
    html = Checkout(DESK).button(500, ORDER, style="white", picture="png", width="200px", nonce="abc+/=")
    page = Page(html)
    assert page.named("form") == [{"id": "payme", "method": "POST", "action": PRODUCTION_URL}]
    assert page.named("input")[-1] == {
        "type": "hidden",
        "name": "button",
        "data-type": "png",
        "data-width": "200px",
        "value": "white",
    }
    assert page.named("div") == [{"id": "payme-button"}]
    assert page.named("script") == [
        {"src": "https://cdn.paycom.uz/integration/js/checkout.min.js", "nonce": "abc+/="},
        {"nonce": "abc+/="},
    ]
    assert "Paycom.Button('#payme', '#payme-button');" in page.words
    assert "<noscript><button" in html


def test_a_button_for_an_own_gateway_takes_its_script() -> None:
    html = Checkout(DESK, base_url="https://pay.shop.uz/").button(500, ORDER, html_id="pay-2")
    assert Page(html).named("script")[0] == {
        "src": "https://pay.shop.uz/integration/js/checkout.min.js",
    }
    assert "Paycom.Button('#pay-2', '#pay-2-button')" in html


def test_a_link_button_is_a_link() -> None:
    page = Page(Checkout(DESK, language="en").link_button(500, ORDER))
    link = Checkout(DESK, language="en").link(500, ORDER)
    assert page.tags == [("a", {"class": "payme-button", "href": link})]
    assert page.words == "Pay with Payme"
    assert Page(Checkout(DESK).link_button(500, ORDER, text="<b>", css_class='"x')).words == "<b>"


def test_templates_leave_the_html_as_it_is() -> None:
    html = Checkout(DESK).form(500, ORDER)
    assert isinstance(html, Html)
    assert html.__html__() == str(html)


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"desk": ""}, "desk"),
        ({"desk": "a;b"}, "desk"),
        ({"desk": None}, "desk"),
        ({"base_url": "prod"}, "base_url"),
        ({"base_url": "ftp://shop.uz"}, "base_url"),
        ({"base_url": "https://a:b@shop.uz"}, "base_url"),
        ({"base_url": "https://[shop.uz"}, "base_url"),
        ({"language": "de"}, "language"),
        ({"language": "RU"}, "language"),
        ({"callback": "shop.uz"}, "callback"),
        ({"callback": "javascript:alert(1)"}, "callback"),
        ({"callback": ""}, "callback"),
        ({"callback": "https://shop.uz/:transactions"}, "callback"),
        ({"callback": "https://shop.uz/?id=:order_id"}, "callback"),
        ({"callback": "https://shop.uz/:account"}, "callback"),
        ({"callback": "https://shop.uz/:account."}, "callback"),
        ({"callback": "https://shop.uz/:account.id", "account_fields": ["order_id"]}, "callback"),
        ({"callback_timeout_ms": -1}, "callback_timeout_ms"),
        ({"callback_timeout_ms": 3_600_001}, "callback_timeout_ms"),
        ({"callback_timeout_ms": 1.0}, "callback_timeout_ms"),
        ({"callback_timeout_ms": True}, "callback_timeout_ms"),
        ({"currency": 840}, "currency"),
    ],
)
def test_wrong_settings_are_refused_at_once(arguments: dict[str, Any], field: str) -> None:
    with pytest.raises(FieldError) as caught:
        Checkout(**({"desk": DESK} | arguments))
    assert caught.value.field == field


@pytest.mark.parametrize("amount", [0, -1, AMOUNT_TIYIN_MAX + 1, 500.0, True, "500", None])
def test_what_is_no_amount_is_refused(amount: Any) -> None:
    checkout = Checkout(DESK)
    for method in (checkout.link, checkout.form, checkout.button, checkout.link_button, checkout.qr):
        with pytest.raises(FieldError) as caught:
            method(amount, ORDER)
        assert caught.value.field == "amount_tiyin"


@pytest.mark.parametrize(
    ("account", "field"),
    [
        ({}, "account"),
        ({"order_id": ""}, "order_id"),
        ({"order_id": None}, "order_id"),
        ({"order_id": True}, "order_id"),
        ({"order_id": "a\nb"}, "order_id"),
        ({"order_id": "x" * 257}, "order_id"),
        ({"order\nid": "1"}, "order\nid"),
        ({"": "1"}, ""),
    ],
)
def test_what_is_no_account_is_refused(account: Any, field: str) -> None:
    checkout = Checkout(DESK)
    for method in (checkout.link, checkout.form, checkout.button, checkout.qr):
        with pytest.raises(FieldError) as caught:
            method(500, account)
        assert caught.value.field == field


def test_a_link_says_which_value_it_cannot_carry() -> None:
    with pytest.raises(FieldError, match=r"ac\.order_id: .*;"):
        Checkout(DESK).link(500, {"order_id": "1;a=1"})
    assert "1;a=1" in Checkout(DESK).form(500, {"order_id": "1;a=1"})


def test_fields_of_another_desk_are_refused_where_the_desk_s_are_known() -> None:
    checkout = Checkout(DESK, account_fields=["order_id", "user"])
    for account in ({"order_id": 1}, {"order_id": 1, "user": 2, "x": 3}, {"order": 1, "user": 2}):
        with pytest.raises(FieldError, match="order_id, user"):
            checkout.link(500, account)
    assert checkout.link(500, {"user": 1, "order_id": 2})


def test_the_callback_s_fields_are_the_account_s() -> None:
    checkout = Checkout(DESK, callback="https://shop.uz/:account.order_id/:transaction")
    assert read(checkout.link(500, ORDER)).callback == "https://shop.uz/:account.order_id/:transaction"
    with pytest.raises(FieldError, match=r":account\.order_id"):
        checkout.link(500, {"order": "1"})
    with pytest.raises(FieldError):
        Checkout(DESK).link(500, ORDER, callback="https://shop.uz/:order")


def test_a_colon_that_is_no_placeholder_may_stay() -> None:
    callback = "https://shop.uz:8443/a:b/10:30?t=1:2&u=%3Aorder"
    assert read(Checkout(DESK, callback=callback).link(500, ORDER)).callback == callback


@pytest.mark.parametrize("description", ["", " ", "x" * 1025, Text(ru="a", uz="", en="b"), 5])
def test_what_is_no_description_is_refused(description: Any) -> None:
    with pytest.raises(FieldError) as caught:
        Checkout(DESK).form(500, ORDER, description=description)
    assert caught.value.field == "description"


def test_goods_that_are_not_as_documented_or_too_many_are_refused() -> None:
    with pytest.raises(FieldError, match=r"items\[0\]"):
        Checkout(DESK).form(500, ORDER, detail={"items": [{"title": "x"}]})
    item = Item("х" * 500, price_tiyin=1, count=1, code="0" * 17, package_code="1", vat_percent=0)
    with pytest.raises(FieldError, match="at most"):
        Checkout(DESK).form(500, ORDER, detail=Detail([item] * 500))


@pytest.mark.parametrize(
    "drawing",
    [
        {"style": "red"},
        {"picture": "gif"},
        {"width": '1"><script>'},
        {"html_id": "1"},
        {"html_id": "a'b"},
        {"nonce": '"'},
    ],
)
def test_a_button_s_drawing_cannot_break_the_page(drawing: dict[str, Any]) -> None:
    with pytest.raises(FieldError) as caught:
        Checkout(DESK).button(500, ORDER, **drawing)
    assert caught.value.field == next(iter(drawing))


def test_values_cannot_break_the_page() -> None:
    evil = "\"><script>alert(1)</script>'"
    html = Checkout(DESK, callback="https://shop.uz/?a='b'&amp;").form(500, {"a": evil}, description=evil)
    assert "<script" not in html
    assert read_form(Page(html).posted()).account == {"a": evil}
