"""Every malformed form of the checkout: a page in the payer's language that says why."""

import base64
import itertools
import json
from urllib.parse import urlencode

import msgspec
import pytest

from helpers_bad_input import (
    CARDS,
    DESK,
    KEY,
    SECRETS,
    TOKEN,
    Houses,
    assert_logged_once,
    assert_page,
    encoded,
)
from tiyin.protocol.values import LANGUAGES

_turn = itertools.cycle(LANGUAGES)

GOOD_LINK = f"m={DESK};ac.order_id=1;a=500000"

DETAIL = {"receipt_type": 0, "items": []}
GOOD_FORM = {"merchant": DESK, "amount": "500000", "account[order_id]": "1"}


def detail(value: object) -> str:
    return base64.b64encode(value if isinstance(value, bytes) else msgspec.json.encode(value)).decode()


FORMS: list[tuple[bytes, str]] = [
    (b"", "merchant"),
    (b"\xff\xfe", "form"),
    (b"%ff=%fe&merchant=" + DESK.encode(), "form"),
    (b"{}", "merchant"),
    (b"&".join(b"a=1" for _ in range(300)), "form"),
    (b"&".join(f"account[f{n}]=1".encode() for n in range(65)), "form"),
    (b"x=" + b"x" * 300_000, "form"),
    (b"merchant=" + DESK.encode() + b"%00", "merchant"),
    (urlencode({**GOOD_FORM, "merchant": ""}).encode(), "merchant"),
    (urlencode({**GOOD_FORM, "merchant": "x" * 65}).encode(), "merchant"),
    (urlencode({**GOOD_FORM, "amount": ""}).encode(), "amount"),
    (urlencode({**GOOD_FORM, "amount": "0"}).encode(), "amount"),
    (urlencode({**GOOD_FORM, "amount": "5000.50"}).encode(), "amount"),
    (urlencode({**GOOD_FORM, "amount": CARDS[0]}).encode(), "amount"),
    (urlencode({"merchant": DESK, "amount": "500000"}).encode(), "account"),
    (urlencode({**GOOD_FORM, "account[order_id]": "x" * 257}).encode(), "account[order_id]"),
    (urlencode({**GOOD_FORM, "account[order_id]": "1\x00"}).encode(), "account[order_id]"),
    (urlencode({**GOOD_FORM, "callback": "javascript:alert(1)"}).encode(), "callback"),
    (urlencode({**GOOD_FORM, "callback": f"https://a:{KEY}@evil.example"}).encode(), "callback"),
    (urlencode({**GOOD_FORM, "callback_timeout": "soon"}).encode(), "callback_timeout"),
    (urlencode({**GOOD_FORM, "description": "x" * 1025}).encode(), "description"),
    (urlencode({**GOOD_FORM, "description": f"{CARDS[0]} {KEY}\x00"}).encode(), "description"),
    (urlencode({**GOOD_FORM, "detail": "!!!"}).encode(), "detail"),
    (urlencode({**GOOD_FORM, "detail": detail(b"{")}).encode(), "detail"),
    (urlencode({**GOOD_FORM, "detail": detail(b"[" * 50_000)}).encode(), "detail"),
    (urlencode({**GOOD_FORM, "detail": detail([CARDS[0]])}).encode(), "detail"),
    (urlencode({**GOOD_FORM, "detail": detail({**DETAIL, "items": [KEY]})}).encode(), "detail"),
    (urlencode({**GOOD_FORM, "detail": "A" * 140_000}).encode(), "detail"),
    (urlencode([*GOOD_FORM.items(), ("amount", "600000")]).encode(), "amount"),
]


@pytest.mark.parametrize(("form", "field"), FORMS, ids=[f"{n}" for n in range(len(FORMS))])
def test_forms_that_are_wrong(houses: Houses, form: bytes, field: str) -> None:
    rows, language = houses.rows(), next(_turn)
    for content_type in ("application/x-www-form-urlencoded", "text/plain; charset=utf-16", "\xff"):
        headers = {
            "Accept-Language": language,
            "Content-Type": content_type,
            "Referer": "https://shop.uz/cart",
        }
        reply = houses.ask("gateway", "POST", "/", headers, form)
        assert_page(reply, 400, language)
        assert f'<span class="mono">{field}</span>'.encode() in reply.body
        assert_logged_once(houses)
    assert houses.rows() == rows


def test_a_shops_form_that_is_right_leads_to_its_own_page_only(houses: Houses) -> None:
    """Whatever Host and Referer say, the payer is led along this very site."""
    for host in ("checkout.test", "evil.example", "evil.example/x?", "[::1", "a b", "evil.example\\@x"):
        headers = {"Host": host, "Referer": "https://evil.example/%0d%0aX"}
        reply = houses.ask("gateway", "POST", "/", headers, urlencode(GOOD_FORM).encode())
        assert reply.status in {303, 400}
        if reply.status == 303:
            assert reply.headers["location"].startswith("/checkout/order/")
            assert "evil" not in reply.headers["location"]
    assert [line for line in houses.new_lines() if "exception" in line] == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example/x?", "evil.example#", "[::1", "a b", "@", ":::", ""]
)
def test_no_page_repeats_the_host_header(houses: Houses, host: str) -> None:
    for path in (f"/{encoded(GOOD_LINK)}", "/nothing", f"/checkout/{'0' * 24}"):
        reply = houses.ask("gateway", "GET", path, {"Host": host})
        assert reply.status in {200, 400, 404}
        assert b"evil" not in reply.body
        if reply.status == 200:
            assert f'action="/{encoded(GOOD_LINK)}?'.encode() in reply.body
    assert [line for line in houses.new_lines() if "exception" in line] == []


CARD_FORMS = [
    b"",
    b"\xff",
    b"%ff=1",
    b"x=" + b"x" * 300_000,
    urlencode({"number": CARDS[0], "expire": "0399"}).encode(),
    urlencode({"number": CARDS[0], "expire": "0399", "nonce": KEY, "proof": TOKEN}).encode(),
    urlencode(
        {"number": CARDS[0], "expire": "0399", "nonce": "\ud800", "proof": "ж"}, errors="surrogatepass"
    ).encode(),
]


@pytest.mark.parametrize("form", CARD_FORMS, ids=[f"{n}" for n in range(len(CARD_FORMS))])
@pytest.mark.parametrize("cookie", ["", "tiyin=" + "A" * 43, "tiyin=\xff; =;;; a", "tiyin=" + "ж" * 43])
def test_card_forms_that_no_page_of_ours_gave(houses: Houses, form: bytes, cookie: str) -> None:
    """Another site's form has no proof: nothing is made of it, and the card is not repeated."""
    rows, language = houses.rows(), next(_turn)
    link = encoded(f"{GOOD_LINK};l={language}")
    headers = [("Accept-Language", language)] + ([("Cookie", cookie)] if cookie else [])
    reply = houses.ask("gateway", "POST", f"/{link}", headers, form)
    assert reply.status in {400, 422}
    assert_page(reply, reply.status, language)
    assert not [secret for secret in SECRETS if secret.encode() in reply.body]
    lines = houses.new_lines()
    assert not [secret for secret in SECRETS if secret in json.dumps(lines)]
    assert [line for line in lines if "exception" in line] == []
    assert houses.rows() == rows


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/checkout/x", "/checkout/x/code", "/static/1/forms.js", "/healthz"]
)
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "PROPFIND"])
def test_other_http_methods(houses: Houses, path: str, method: str) -> None:
    rows = houses.rows()
    reply = houses.ask("gateway", method, path, {"Accept-Language": "uz"}, b"" if method != "TRACE" else None)
    assert reply.status in {404, 405}
    for name in ("content-security-policy", "x-content-type-options", "x-frame-options", "cache-control"):
        assert name in reply.headers
    assert not [line for line in houses.new_lines() if "exception" in line]
    assert houses.rows() == rows


@pytest.mark.parametrize("form", CARD_FORMS[1:4], ids=["no UTF-8", "no UTF-8, encoded", "too large"])
def test_a_card_form_that_cannot_be_read_is_logged_once(houses: Houses, form: bytes) -> None:
    houses.new_lines()
    assert houses.ask("gateway", "POST", f"/{encoded(GOOD_LINK)}", body=form).status == 400
    assert_logged_once(houses)
