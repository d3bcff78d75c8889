"""Every malformed link, form and address of the checkout: a page in the payer's language that says why."""

import itertools
import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from helpers_bad_input import (
    CARDS,
    CODE,
    DESK,
    KEY,
    SECRETS,
    TERMINAL,
    TOKEN,
    Houses,
    assert_logged_once,
    assert_page,
    encoded,
)
from tiyin.protocol.values import LANGUAGES, Language, is_clean_text

_turn = itertools.cycle(LANGUAGES)

GOOD_LINK = f"m={DESK};ac.order_id=1;a=500000"


# What a link says, and the field that the page names.
LINKS: list[tuple[str | bytes, str]] = [
    ("x" * 24, "params"),
    (b"\xff\xfe" * 12, "params"),
    ("m=" + DESK + "\x00;ac.order_id=1;a=500000", "params"),
    ("m=" + DESK + "\ud800;ac.order_id=1;a=500000", "params"),
    (f"ac.order_id=1;a=500000;l=en;cr={KEY}", "cr"),
    ("ac.order_id=1;a=500000;l=en;x=1", "m"),
    (f"m={DESK} {DESK};ac.order_id=1;a=500000", "m"),
    (f"m={'x' * 65};ac.order_id=1;a=500000", "m"),
    (f"m={DESK};ac.order_id=1", "a"),
    (f"m={DESK};ac.order_id=1;a=", "a"),
    (f"m={DESK};ac.order_id=1;a=0", "a"),
    (f"m={DESK};ac.order_id=1;a=-5", "a"),
    (f"m={DESK};ac.order_id=1;a=5.5", "a"),
    (f"m={DESK};ac.order_id=1;a=1e5", "a"),
    (f"m={DESK};ac.order_id=1;a=٥٠٠", "a"),
    (f"m={DESK};ac.order_id=1;a=10000000000001", "a"),
    (f"m={DESK};ac.order_id=1;a={CARDS[0]}", "a"),
    (f"m={DESK};ac.order_id=1;a={'9' * 5000}", "a"),
    (f"m={DESK};a=500000", "ac"),
    (f"m={DESK};a=500000;ac.=1", "ac"),
    (f"m={DESK};a=500000;ac.order_id={'x' * 257}", "ac.order_id"),
    (f"m={DESK};a=500000;" + ";".join(f"ac.f{n}=1" for n in range(21)), "ac"),
    (f"m={DESK};a=500000;ac.order_id=1;c=javascript:alert(1)", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;c=data:text/html,x", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;c=//evil.example", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;c=https://user:{KEY}@evil.example/", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;c=https://a.uz/\r\nX: 1", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;c=uzshop://back", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;c=https://[::1/", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;c=https://:transaction.evil.example/", "c"),
    (f"m={DESK};a=500000;ac.order_id=1;ct=-1", "ct"),
    (f"m={DESK};a=500000;ac.order_id=1;ct={CODE}999999", "ct"),
    (f"m={DESK};a=500000;ac.order_id=1;ct=soon", "ct"),
    (f"m={DESK};a=500000;ac.order_id=1;a=600000", "a"),
    (f"m={DESK};a=500000;ac.order_id=1;ac.order_id=2", "ac.order_id"),
    (f"m={DESK};a=500000;ac.order_id=1;junk", "params"),
]


@pytest.mark.parametrize(("link", "field"), LINKS, ids=[f"{n}" for n in range(len(LINKS))])
def test_links_that_are_wrong(houses: Houses, link: str | bytes, field: str) -> None:
    rows, language = houses.rows(), next(_turn)
    for path in (f"/{encoded(link)}", f"/{encoded(link).rstrip('=')}"):
        reply = houses.ask("gateway", "GET", path, {"Accept-Language": language})
        assert_page(reply, 400, language)
        assert b"-31610" in reply.body
        assert f'<span class="mono">{field}</span>'.encode() in reply.body
        assert_logged_once(houses)
    reply = houses.ask(
        "gateway", "POST", f"/{encoded(link)}?lang={language}", body=b"number=" + CARDS[0].encode()
    )
    assert_page(reply, 400, language)
    assert_logged_once(houses)
    assert houses.rows() == rows


STRANGE_NAMES = [KEY, CARDS[0], TOKEN, f"code {CODE}", "<script>alert(1)</script>", "x" * 2000]


@pytest.mark.parametrize("name", [KEY, f"code {CODE}", "x" * 2000], ids=["a key", "a code", "long"])
def test_no_strangers_name_is_logged(houses: Houses, name: str) -> None:
    houses.new_lines()
    houses.ask("gateway", "GET", f"/{encoded(f'{GOOD_LINK};ac.{name}=1;ac.{name}=2')}")
    assert_logged_once(houses)


@pytest.mark.parametrize("name", STRANGE_NAMES, ids=[f"{n}" for n in range(len(STRANGE_NAMES))])
def test_a_links_keys_are_a_strangers_words(houses: Houses, name: str) -> None:
    """A name that stands twice is named on the page, where it is text."""
    reply = houses.ask("gateway", "GET", f"/{encoded(f'{GOOD_LINK};ac.{name}=1;ac.{name}=2')}?lang=uz")
    assert_page(reply, 400, "uz")
    assert b"<script>alert" not in reply.body
    assert len(houses.new_lines()) == 1


@pytest.mark.parametrize("name", STRANGE_NAMES, ids=[f"{n}" for n in range(len(STRANGE_NAMES))])
def test_unknown_keys_of_a_link_are_ignored(houses: Houses, name: str) -> None:
    houses.new_lines()
    reply = houses.ask("gateway", "GET", f"/{encoded(f'{GOOD_LINK};{name}=1;{name}=2')}?lang=uz")
    assert_page(reply, 200, "uz")
    assert houses.new_lines() == []


@pytest.mark.parametrize(
    ("link", "status"), [("m=1;ac.x=1;a=5", 404), ("m=1;a=5", 400), ("m=1;a=x", 400), ("a=5", 400)]
)
def test_a_short_link_is_a_link(houses: Houses, link: str, status: int) -> None:
    rows, language = houses.rows(), next(_turn)
    houses.new_lines()
    reply = houses.ask("gateway", "GET", f"/{encoded(link)}", {"Accept-Language": language})
    assert_page(reply, status, language)
    assert_logged_once(houses)
    assert houses.rows() == rows


@pytest.mark.parametrize("merchant", ["0" * 24, TERMINAL[:-1] + "0", "nobody", CARDS[0], "..", "'--"])
def test_a_shop_that_does_not_exist(houses: Houses, merchant: str) -> None:
    rows, language = houses.rows(), next(_turn)
    link = encoded(f"m={merchant};ac.order_id=1;a=500000;l={language}")
    houses.new_lines()
    assert_page(houses.ask("gateway", "GET", f"/{link}"), 404, language)
    assert_logged_once(houses)
    assert houses.rows() == rows


PATHS = [
    "/nothing",
    "/favicon.ico",
    "/../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/%00",
    "/%ff%fe" * 12,
    "/" + "%D0%B6" * 24,
    "///evil.example/%2e",
    "/\\evil.example/a",
    "/<script>alert(1)</script>",
    "/checkout",
    "/checkout/",
    "/checkout/order",
    "/checkout/order/",
    "/dev",
    "/dev/clock",
    "/dev/inbox",
    "/shop",
    "/cabinet",
    "/docs",
    "/openapi.json",
    "/.git/config",
    "/static/",
    "/" + "x" * 9000 + "!",
]


@pytest.mark.parametrize("path", PATHS, ids=[f"{n}" for n in range(len(PATHS))])
def test_addresses_where_nothing_is(houses: Houses, path: str) -> None:
    """Also everything of the emulator: a gateway alone has no `/dev`."""
    language = next(_turn)
    reply = houses.ask("gateway", "GET", path, {"Accept-Language": language})
    assert_page(reply, 404, language)
    assert b'href="//' not in reply.body, "the page links to another host"
    assert b"/\\evil" not in reply.body
    assert not [line for line in houses.new_lines() if "exception" in line]


@pytest.mark.parametrize("path", ["//evil.example", "//evil.example/", "//evil.example/%2e?lang=uz"])
def test_the_language_switch_leads_to_no_other_host(houses: Houses, path: str) -> None:
    reply = houses.ask("gateway", "GET", path)
    assert reply.status == 404
    assert b'href="//' not in reply.body


RECEIPTS = ["0" * 24, "x", "%00", "%00" * 24, "%ED%A0%80" * 8, "%D0%B6" * 24, "x" * 5000, CARDS[0], "'--"]


@pytest.mark.parametrize("receipt", RECEIPTS, ids=[f"{n}" for n in range(len(RECEIPTS))])
def test_receipts_and_orders_that_do_not_exist(houses: Houses, receipt: str) -> None:
    rows, language = houses.rows(), next(_turn)
    form = urlencode(
        {"number": CARDS[0], "expire": "0399", "code": CODE, "proof": TOKEN, "nonce": KEY}
    ).encode()
    for method, path in (
        ("GET", f"/checkout/{receipt}?back=javascript:alert(1)&timeout=-1&card=other"),
        ("GET", f"/checkout/order/{receipt}"),
        ("POST", f"/checkout/{receipt}"),
        ("POST", f"/checkout/{receipt}/code"),
        ("POST", f"/checkout/{receipt}/code/again"),
        ("POST", f"/checkout/order/{receipt}"),
    ):
        reply = houses.ask(
            "gateway", method, path, {"Accept-Language": language}, form if method == "POST" else None
        )
        assert_page(reply, 404, language)
        assert b"javascript:" not in reply.body.replace(b"back=javascript", b"")
        lines = houses.new_lines()
        assert len(lines) <= 1
        assert not [secret for secret in SECRETS if secret in json.dumps(lines)]
    assert houses.ask("gateway", "GET", f"/checkout/{receipt}/progress").status == 404
    houses.new_lines()
    assert houses.rows() == rows


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_method_that_no_page_has_is_answered_in_the_payers_language(
    houses: Houses, language: Language
) -> None:
    assert_page(houses.ask("gateway", "PUT", "/", {"Accept-Language": language}, b""), 405, language)


@pytest.mark.parametrize("path", ["/checkout/%00", "/checkout/order/%00"])
def test_the_database_is_asked_for_clean_names_only(
    houses: Houses, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    get = houses.gateway.store.get

    async def watched(table: Any, key: str) -> Any:
        asked.append(key)
        return await get(table, key)

    monkeypatch.setattr(houses.gateway.store, "get", watched)
    assert houses.ask("gateway", "GET", path).status == 404
    assert all(is_clean_text(key) for key in asked)


@pytest.mark.parametrize(
    "path", ["/", "/nothing", "/" + encoded(GOOD_LINK), f"/checkout/{'0' * 24}", "/healthz"]
)
def test_head_answers_the_head_alone(houses: Houses, path: str) -> None:
    reply = houses.ask("gateway", "HEAD", path)
    assert reply.status in {200, 400, 404, 405}
    assert reply.body == b""
    assert "content-security-policy" in reply.headers
    assert not [line for line in houses.new_lines() if "exception" in line]


@pytest.mark.parametrize(
    "name",
    ["..%2f..%2fetc%2fpasswd", "%2e%2e", "forms.js%00", "x" * 5000, "%ff", CARDS[0], quote("<script>")],
)
def test_static_files_that_do_not_exist(houses: Houses, name: str) -> None:
    reply = houses.ask("gateway", "GET", f"/static/1/{name}")
    assert reply.status == 404
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["cache-control"] == "no-store"
    assert not houses.new_lines()
