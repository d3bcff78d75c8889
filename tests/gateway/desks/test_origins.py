"""Which pages are a desk's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.desks.origins import is_domain, is_own_origin

DOMAINS = ("shop.uz", "pay.shop.uz:8443", "*.market.uz")

OWN = [
    "https://shop.uz",
    "https://shop.uz:443",
    "https://pay.shop.uz:8443",
    "https://a.market.uz",
    "https://a.b.market.uz",
]
FOREIGN = [
    "http://shop.uz",
    "https://shop.uz:8443",
    "https://www.shop.uz",
    "https://shop.uz.evil.uz",
    "https://evilshop.uz",
    "https://market.uz",
    "https://evilmarket.uz",
    "https://pay.shop.uz",
    "https://a.market.uz:8443",
    "https://shop.uz/",
    "https://shop.uz@evil.uz",
    "https://user@shop.uz",
    "ftp://shop.uz",
    "chrome-extension://shop.uz",
    "https://",
    "https://[",
    "https://shop.uz:99999",
    "null",
    "file://",
    "",
    "shop.uz",
    "https://shop.uz https://evil.uz",
    "http://localhost:3000",
    "https://127.0.0.1",
    "https://" + "a." * 200 + "market.uz",
]


@pytest.mark.parametrize("origin", OWN)
def test_own_pages(origin: str) -> None:
    assert is_own_origin(origin, DOMAINS, test=False)


@pytest.mark.parametrize("origin", FOREIGN)
def test_foreign_pages(origin: str) -> None:
    assert not is_own_origin(origin, DOMAINS, test=False)


@pytest.mark.parametrize(
    ("origin", "own"),
    [
        ("http://shop.uz", True),
        ("http://localhost:3000", True),
        ("http://app.localhost", True),
        ("http://127.0.0.1:5173", True),
        ("http://[::1]:8080", True),
        ("http://localhost.evil.uz", False),
        ("http://10.0.0.1", False),
        ("https://evil.uz", False),
        ("null", False),
    ],
)
def test_where_test_cards_are_on_the_developers_own_machine_is_let_in(origin: str, own: bool) -> None:
    assert own is is_own_origin(origin, DOMAINS, test=True)


@given(st.text(max_size=60))
def test_any_text_is_judged(origin: str) -> None:
    assert is_own_origin(origin, DOMAINS, test=False) is (origin in OWN or origin.endswith(".market.uz"))


@given(st.text("shop.uz:/@#?*-8%", max_size=24))
def test_texts_that_look_alike_are_judged(text: str) -> None:
    own = is_own_origin(f"https://{text}", ("shop.uz",), test=False)
    assert own is (text in {"shop.uz", "shop.uz:443"})


@pytest.mark.parametrize("entry", ["shop.uz", "shop.uz:8443", "*.shop.uz", "localhost", "xn--80ak6aa92e.uz"])
def test_domains(entry: str) -> None:
    assert is_domain(entry)


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "*",
        "*.uz",
        "https://shop.uz",
        "shop.uz/",
        "SHOP.uz",
        "shop..uz",
        "-a.uz",
        "a.uz:0",
        "a.uz:99999",
        "a.*.uz",
    ],
)
def test_what_is_no_domain(entry: str) -> None:
    assert not is_domain(entry)
