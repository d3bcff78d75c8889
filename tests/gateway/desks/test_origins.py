"""Which pages are a desk's own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.desks.origins import (
    frame_ancestors,
    is_app_scheme,
    is_domain,
    is_own_address,
    is_own_origin,
)

DOMAINS = ("shop.uz", "pay.shop.uz:8443", "*.market.uz", "uz.shop.app://")

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
    "https://evil.uz\\.market.uz",
    "https://evil.uz%2f.market.uz",
    "https://evil.uz\t.market.uz",
    "https://uz.shop.app",
    "uz.shop.app://",
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


@pytest.mark.parametrize("entry", ["uz.shop.app://", "com.shop-1.x+y://", "a.b://"])
def test_app_schemes(entry: str) -> None:
    assert is_app_scheme(entry)
    assert not is_domain(entry)
    assert not is_own_origin(entry, (entry,), test=True)
    assert is_own_address(f"{entry}card?order=7", (entry,), test=False)
    assert frame_ancestors((entry,), test=False) == ()


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "://",
        "shop://",
        "javascript://",
        "https://",
        "uz.shop.app",
        "uz.shop.app:",
        "uz.shop.app://x",
        "Uz.shop.app://",
        ".shop.app://",
        "uz..app://",
        "1.shop.app://",
        "uz.shop.app:// ",
        "a." * 150 + "b://",
    ],
)
def test_what_is_no_app_scheme(entry: str) -> None:
    assert not is_app_scheme(entry)


@pytest.mark.parametrize(
    "address",
    [
        "https://shop.uz",
        "https://shop.uz/",
        "https://shop.uz?x=1",
        "https://shop.uz/done?order=7&a=%2F..%2F",
        "https://pay.shop.uz:8443/a:b@c/",
        "https://a.b.market.uz/x?next=//evil.uz",
        "uz.shop.app://",
        "uz.shop.app://card/done",
    ],
)
def test_own_addresses(address: str) -> None:
    assert is_own_address(address, DOMAINS, test=False)


@pytest.mark.parametrize(
    "address",
    [
        "",
        "/done",
        "//shop.uz/",
        "shop.uz/",
        "https:shop.uz",
        "https:/shop.uz/",
        "https:///shop.uz/",
        "http://shop.uz/",
        "https://shop.uz/#token",
        "https://shop.uz@evil.uz/",
        "https://shop.uz:443@evil.uz/",
        "https://evil.uz?@shop.uz/",
        "https://evil.uz/shop.uz",
        "https://evil.uz\\@shop.uz/",
        "https://evil.uz\\.market.uz/",
        "https://evil.uz%2f.market.uz/",
        "https://evil.uz;.market.uz/",
        "https://evil.uz,.market.uz/",
        "https://shop.uz/\r\nSet-Cookie: a=b",
        " https://shop.uz/",
        "https://shop.uz/ ",
        "https://sh\u043ep.uz/",
        "https://shop.uz:99999/",
        "https://localhost/",
        "javascript:alert(1)",
        "javascript://shop.uz/%0aalert(1)",
        "data:text/html,https://shop.uz/",
        "intent://shop.uz/#Intent;scheme=https;end",
        "uz.shop.app:card",
        "UZ.SHOP.APP://card",
        "uz.shop.app2://card",
        "https://shop.uz/" + "a" * 2000,
    ],
)
def test_foreign_addresses(address: str) -> None:
    assert not is_own_address(address, DOMAINS, test=False)


@given(st.text("shop.uz:/@#?*-8%\\&", max_size=24))
def test_addresses_that_look_alike_are_judged(text: str) -> None:
    """What is let pass leads a browser to the shop, whatever stands behind the host."""
    address = f"https://{text}"
    if is_own_address(address, ("shop.uz",), test=False):
        host, _, _ = text.replace("?", "/").partition("/")
        assert host in {"shop.uz", "shop.uz:443"}
        assert "#" not in text
        assert "\\" not in text


def test_frames_are_shown_by_the_desks_pages() -> None:
    https = ("https://shop.uz", "https://pay.shop.uz:8443", "https://*.market.uz")
    assert frame_ancestors(DOMAINS, test=False) == https
    assert frame_ancestors((), test=False) == ()
    in_test = frame_ancestors(DOMAINS, test=True)
    assert in_test[:3] == https
    assert set(in_test[3:]) == {
        *(source.replace("https", "http") for source in https),
        "http://localhost:*",
        "http://*.localhost:*",
        "http://127.0.0.1:*",
    }
