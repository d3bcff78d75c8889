"""Requests that were right until a few of their bytes were not: always an answer, never a trace of it."""

import base64
import json
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers_bad_input import CARDS, CODE, DESK, KEY, SECRETS, SHOP_KEY, TOKEN, Houses, write_request
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.errors import SubscribeCode, message_of

HEX = "0" * 24
ORDER = {"amount": 500000, "account": {"order_id": "1"}}
Calls: TypeAlias = list[tuple[str, dict[str, Any]]]

SUBSCRIBE: Calls = [
    (
        "cards.create",
        {"card": {"number": "4444445987459073", "expire": "0399"}, "save": True, "amount": 500000},
    ),
    ("cards.verify", {"token": TOKEN, "code": CODE}),
    (
        "receipts.create",
        {"amount": 1, "account": {"order_id": CARDS[0]}, "description": KEY, "detail": {"items": []}},
    ),
    ("receipts.pay", {"id": HEX, "token": TOKEN, "payer": {"phone": "998901234567"}, "hold": False}),
    ("receipts.get", {"id": HEX}),
]
MERCHANT: Calls = [
    ("CheckPerformTransaction", {**ORDER, "account": {"order_id": CARDS[0]}}),
    ("CreateTransaction", {"id": HEX, "time": 1_399_114_284_039, **ORDER}),
    ("CancelTransaction", {"id": HEX, "reason": 5}),
    ("GetStatement", {"from": 1_399_114_284_039, "to": 1_399_120_284_000}),
    ("SetFiscalData", {"id": HEX, "type": "PERFORM", "fiscal_data": {"receipt_id": 1, "message": TOKEN}}),
]
MALFORMED = {-32300, -32504, -32600, -32601, -32602, -32700}
SUBSCRIBE_CODES = MALFORMED | {int(code) for code in SubscribeCode}
MERCHANT_CODES = MALFORMED | {-31001, -31003, -31007, -31008, *range(-31099, -31049), -32001}

FEW = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

Edit = Callable[[bytes], bytes]

INTERESTING = [
    *(b"\x00", b"\xff", b"\\ud800", b"\\u0000", b"%00", b"\r\n"),
    *(b'"', b"{", b"]", b",", b":", b"=", b";", b"&", b"[" * 50),
    *(b"null", b"true", b"-1", b"1e400", b"0.5", b"9007199254740993.0", b"99999999999999999999"),
]


def _edits() -> st.SearchStrategy[Edit]:
    """One change somewhere: bytes put in, taken out, repeated, replaced, or the end cut off."""
    where = st.floats(0, 1, allow_nan=False)
    what = st.one_of(st.sampled_from(INTERESTING), st.binary(min_size=1, max_size=4))

    def at(data: bytes, place: float) -> int:
        return int(place * len(data))

    return st.one_of(
        st.builds(lambda p, w: lambda d: d[: at(d, p)] + w + d[at(d, p) :], where, what),
        st.builds(lambda p, w: lambda d: d[: at(d, p)] + w + d[at(d, p) + len(w) :], where, what),
        st.builds(lambda p, n: lambda d: d[: at(d, p)] + d[at(d, p) + n :], where, st.integers(1, 20)),
        st.builds(lambda p, n: lambda d: d[: at(d, p) + n] + d[at(d, p) :], where, st.integers(1, 40)),
        st.builds(lambda p: lambda d: d[: at(d, p)], where),
    )


def changed(seeds: list[bytes]) -> st.SearchStrategy[bytes]:
    def apply(seed: bytes, edits: list[Edit]) -> bytes:
        for edit in edits:
            seed = edit(seed)
        return seed

    return st.builds(apply, st.sampled_from(seeds), st.lists(_edits(), min_size=1, max_size=3))


def bodies(calls: Calls) -> list[bytes]:
    return [
        json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()
        for method, params in calls
    ]


def lines_without_secrets(houses: Houses) -> list[dict[str, Any]]:
    lines = houses.new_lines()
    told = json.dumps(lines, ensure_ascii=False)
    assert "exception" not in told
    assert not [secret for secret in SECRETS if secret in told], told
    return lines


@FEW
@given(body=changed(bodies(SUBSCRIBE)), language=st.sampled_from(["ru", "uz", "en"]))
def test_subscribe_api(houses: Houses, body: bytes, language: Any) -> None:
    rows = houses.rows()
    headers = {"X-Auth": f"{DESK}:{KEY}", "Accept-Language": language}
    reply = houses.ask("gateway", "POST", "/api", headers, body)
    assert reply.status == 200
    lines = lines_without_secrets(houses)
    if "result" in reply.json:
        return
    error = reply.json["error"]
    assert error["code"] in SUBSCRIBE_CODES, error
    assert isinstance(error["message"], str)
    if error["code"] in MALFORMED:
        assert error["message"] == message_of(error["code"]).in_language(language)
    assert len(lines) == 1
    assert houses.rows() == rows


@FEW
@given(body=changed(bodies(MERCHANT)))
def test_merchant_api(houses: Houses, body: bytes) -> None:
    rows = houses.rows()
    reply = houses.ask("shop", "POST", "/payme", {"Authorization": write_basic("Paycom", SHOP_KEY)}, body)
    assert reply.status == 200
    lines = lines_without_secrets(houses)
    if "result" in reply.json:
        return
    error = reply.json["error"]
    assert error["code"] in MERCHANT_CODES, error
    texts = [error["message"]] if isinstance(error["message"], str) else list(error["message"].values())
    assert all(texts)
    assert len(texts) == (1 if b"SetFiscalData" in body and len(texts) == 1 else 3)
    assert len(lines) == (1 if error["code"] in MALFORMED else 0)
    assert houses.rows() == rows


LINKS = [
    f"m={DESK};ac.order_id=1;a=500000;l=uz;c=https://shop.uz/:transaction?o=:account.order_id;ct=15000;cr=860".encode(),
    f"m={DESK};ac.order_id={CARDS[0]};a=500000".encode(),
]


@FEW
@given(link=changed(LINKS), safe=st.booleans())
def test_links(houses: Houses, link: bytes, safe: bool) -> None:
    rows = houses.rows()
    encoded = (base64.urlsafe_b64encode if safe else base64.b64encode)(link).decode()
    reply = houses.ask("gateway", "GET", f"/{encoded}", {"Accept-Language": "en"})
    assert reply.status in {200, 400, 404}
    assert reply.page_language in {"ru", "uz", "en"}
    lines = houses.new_lines()
    assert "exception" not in json.dumps(lines)
    # A short remainder in which no field stands is no link at all but an address where nothing is.
    is_link = len(encoded.rstrip("=")) > 23 or b"=" in link
    assert len(lines) == (1 if is_link and reply.status != 200 else 0)
    assert b"javascript:" not in reply.body
    assert houses.rows() == rows


FORMS = [
    urlencode(
        {
            "merchant": DESK,
            "amount": "500000",
            "account[order_id]": "1",
            "description[uz]": "Buyurtma",
            "callback": "https://shop.uz/:transaction",
            "detail": base64.b64encode(b'{"receipt_type":0,"items":[]}').decode(),
        }
    ).encode()
]


@FEW
@given(form=changed(FORMS))
def test_forms(houses: Houses, form: bytes) -> None:
    rows = houses.rows()
    reply = houses.ask("gateway", "POST", "/", {"Accept-Language": "uz"}, form)
    lines = houses.new_lines()
    assert "exception" not in json.dumps(lines)
    if reply.status == 303:
        assert lines == []
        return
    assert reply.status in {400, 404}
    assert reply.page_language == "uz"
    assert len(lines) == 1
    assert houses.rows() == rows


HEAD = {
    "X-Auth": f"{DESK}:{KEY}",
    "Accept-Language": "uz",
    "Cookie": "tiyin=" + "A" * 43,
    "Origin": "https://shop.uz",
}
RAW = [
    write_request("POST", "/api", HEAD, bodies(SUBSCRIBE)[4]),
    write_request("GET", "/" + base64.b64encode(LINKS[0]).decode(), HEAD),
    write_request("POST", f"/checkout/{HEX}/code", HEAD, urlencode({"proof": TOKEN, "code": CODE}).encode()),
    write_request("GET", f"/checkout/{HEX}?back=null&timeout=15000&lang=ru", HEAD),
    write_request("OPTIONS", "/api/", HEAD),
]


@settings(FEW, max_examples=120)
@given(request=changed(RAW))
def test_whole_requests(houses: Houses, request: bytes) -> None:
    """Heads too: names, values, lengths, methods, addresses and the frame itself."""
    reply = houses.send("gateway", request, wait_s=0.1)
    assert reply is None or reply.status in {200, 204, 400, 404, 405, 422}, reply
    lines_without_secrets(houses)


@pytest.mark.parametrize("house", ["gateway", "shop"])
@settings(FEW, max_examples=60)
@given(request=st.binary(max_size=300))
def test_any_bytes(houses: Houses, house: str, request: bytes) -> None:
    reply = houses.send(house, request + b"\r\n\r\n", wait_s=0.1)
    assert reply is None or reply.status == 400
    assert len(lines_without_secrets(houses)) <= 1
