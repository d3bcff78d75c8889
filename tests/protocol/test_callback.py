"""Callbacks: only real addresses of the web, and a filled value stays where it was put."""

from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given

from helpers_protocol import accounts, clean_text
from tiyin.protocol.callback import CALLBACK_LENGTH_MAX, fill_callback, read_callback

START = "https://shop.uz/"


@pytest.mark.parametrize(
    "url",
    [
        "https://your-service.uz/paycom/:transaction",
        "http://127.0.0.1:8080/shop/orders/1?x=1#done",
        "http://localhost:3000",
        "https://[2001:db8::1]:8443/x",
        "HTTPS://SHOP.UZ/a;b?c=d;e",
        "https://shop.uz/заказ?имя=Алишер",
        "https://shop.uz/:account.order_id",
        START + "x" * (CALLBACK_LENGTH_MAX - len(START)),
    ],
)
def test_addresses_of_the_web_are_callbacks(url: str) -> None:
    assert read_callback(url) == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop.uz",
        "/relative",
        "//shop.uz/x",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "myapp://paid",
        "file:///etc/passwd",
        "https:",
        "https://",
        "https:///path",
        "https://:80/x",
        "https://:account.host/x",
        "https://shop:transaction/x",
        "https://good.uz@evil.uz/x",
        "https://a:b@evil.uz/x",
        "https://good.uz\\@evil.uz/x",
        "https://shop.uz\\x",
        "https://shop.uz/\r\nSet-Cookie: a=b",
        "https://shop.uz/a b",
        "https://shop.uz/\0",
        "https://shop.uz/\x7f",
        "https://shop.uz/\u2028",
        "https://shop.uz/\ud800",
        "https://shop.uz:123456/x",
        "https://shop.uz:8o/x",
        "https://[::1/x",
        "https://[x]/x",
        "https://[1::2::3]/",
        "https://магазин.uz/x",
        " https://shop.uz/x",
        START + "x" * CALLBACK_LENGTH_MAX,
    ],
)
def test_nothing_else_is_a_callback(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # the standard library's own messages are among them
        read_callback(url)


@pytest.mark.parametrize(
    ("url", "filled"),
    [
        ("https://s.uz/:transaction", "https://s.uz/5305e3bab097f420a62ced0b"),
        (
            "https://s.uz/?t=:transaction&o=:account.order_id",
            "https://s.uz/?t=5305e3bab097f420a62ced0b&o=AC-532",
        ),
        ("https://s.uz/:transactions", "https://s.uz/:transactions"),
        ("https://s.uz/:account", "https://s.uz/:account"),
        ("https://s.uz/:account.order", "https://s.uz/%26%3D%2F%3F%23%20%3Atransaction"),
        ("https://s.uz/:account.order_id-x", "https://s.uz/AC-532-x"),
        ("https://s.uz/:account.pay-er/", "https://s.uz/7/"),
        ("https://s.uz/:account.nobody/x", "https://s.uz//x"),
        ("https://s.uz/:account.имя", "https://s.uz/%D0%AF"),
        ("https://s.uz/я?a=%20%3B;b", "https://s.uz/%D1%8F?a=%20%3B;b"),
    ],
)
def test_placeholders_are_filled(url: str, filled: str) -> None:
    account: dict[str, str | int] = {
        "order_id": "AC-532",
        "order": "&=/?# :transaction",
        "pay-er": 7,
        "имя": "Я",
    }
    assert fill_callback(url, "5305e3bab097f420a62ced0b", account) == filled


def test_without_a_transaction_it_is_null() -> None:
    assert fill_callback("https://s.uz/:transaction?o=:account.id", None, {}) == "https://s.uz/null?o="


@given(accounts, clean_text)
def test_a_filled_value_cannot_leave_its_place(account: dict[str, str | int], value: str) -> None:
    """Whatever the payer put into the account, host, path and fragment stay the shop's."""
    url = "https://shop.uz/back/:account.order_id/end?value=:account.order_id#done"
    filled = fill_callback(read_callback(url), None, account | {"order_id": value})
    parts = urlsplit(filled)
    assert filled.isascii()
    assert (parts.scheme, parts.netloc, parts.fragment) == ("https", "shop.uz", "done")
    assert parts.path.count("/") == 3
    assert unquote(parts.path) == f"/back/{value}/end"
    assert unquote(parts.query) == f"value={value}"
