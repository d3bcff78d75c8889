"""Every malformed request to a shop's endpoint: its documented error in three languages, logged once."""

import base64
import json
from typing import Any

import pytest

from helpers_bad_input import CARDS, CODE, KEY, SECRETS, SHOP_KEY, TOKEN, Houses, Reply, assert_logged_once
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.errors import message_of
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX

PARSE, INVALID, UNKNOWN, PARAMS, DENIED, TRANSPORT = -32700, -32600, -32601, -32602, -32504, -32300
PAYME = {"Authorization": write_basic("Paycom", SHOP_KEY)}
ID = "5305e3bab097f420a62ced0b"
TIME = 1_399_114_284_039


def call(method: Any, params: Any, **more: Any) -> bytes:
    return json.dumps({"id": 7, "method": method, "params": params, **more}).encode()


def assert_refused(houses: Houses, reply: Reply, code: int, data: Any = None) -> None:
    """The documented error, whole; one line in the log; nothing secret in it."""
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    answer = reply.json
    assert "result" not in answer
    assert answer["error"]["code"] == code, answer
    assert answer["error"]["message"] == message_of(code).as_dict()
    assert set(answer["error"]["message"]) == {"ru", "uz", "en"}
    assert answer["error"].get("data") == data
    assert_logged_once(houses)


BODIES = [
    ("empty", b"", PARSE),
    ("cut off", b'{"id":1,"method":"CheckTransaction"', PARSE),
    ("two values", b"{}{}", PARSE),
    ("no UTF-8", b'{"id":1,"method":"\xff"}', PARSE),
    ("UTF-16", '{"id":1}'.encode("utf-16"), PARSE),
    ("half of a surrogate pair", b'{"method":"CheckTransaction","params":{"id":"\\udc00"}}', PARSE),
    ("infinity", b'{"method":"CheckTransaction","params":{"id":Infinity}}', PARSE),
    ("a form", f"number={CARDS[0]}&code={CODE}".encode(), PARSE),
    ("null", b"null", INVALID),
    ("a batch", b'[{"id":1,"method":"CheckTransaction","params":{}}]', INVALID),
    ("no method", b'{"id":1,"params":{}}', INVALID),
    ("method a number", call(5, {}), INVALID),
    ("method empty", call("", {}), INVALID),
    ("method too long", call("m" * 129, {}), INVALID),
    ("method with U+0000", call("CheckTransaction\x00", {}), INVALID),
    ("id a bool", call("CheckTransaction", {"id": ID}, id=False), INVALID),
    ("id a fraction", call("CheckTransaction", {"id": ID}, id=1.0), INVALID),
    ("id an object", call("CheckTransaction", {"id": ID}, id={"key": KEY}), INVALID),
    ("id beyond all bounds", b'{"id":1e400,"method":"CheckTransaction"}', INVALID),
    ("params a list", call("CheckTransaction", [ID]), INVALID),
    ("params null", call("CheckTransaction", None), INVALID),
    ("jsonrpc a number", call("CheckTransaction", {"id": ID}, jsonrpc=2), INVALID),
    ("nested 40 deep", b'{"id":1,"method":"a","params":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", INVALID),
    ("nested a hundred thousand deep", b"[" * 100_000 + b"]" * 100_000, INVALID),
    ("one byte too large", b" " * (BODY_BYTES_MAX + 1), INVALID),
    ("two megabytes", b'{"id":1,"method":"' + b"x" * 1_900_000 + b'"}', INVALID),
]


@pytest.mark.parametrize(("body", "code"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
def test_what_is_no_request(houses: Houses, body: bytes, code: int) -> None:
    rows = houses.rows()
    headers = {**PAYME, "Content-Type": "text/json", "Accept-Language": "en"}
    assert_refused(houses, houses.ask("shop", "POST", "/payme", headers, body), code)
    assert houses.rows() == rows


@pytest.mark.parametrize(
    "method",
    ["checkTransaction", "ChangePassword", "cards.create", "__init__", CARDS[0], KEY, SHOP_KEY, TOKEN, CODE],
    ids=ascii,
)
def test_methods_that_do_not_exist(houses: Houses, method: str) -> None:
    reply = houses.ask("shop", "POST", "/payme", PAYME, call(method, {"password": SHOP_KEY}))
    assert_refused(houses, reply, UNKNOWN, method)


ORDER = {"amount": 500000, "account": {"order_id": "1"}}
NEW = {"id": ID, "time": TIME, **ORDER}
BAD_PARAMS: list[tuple[str, dict[str, Any]]] = [
    ("CheckPerformTransaction", {}),
    ("CheckPerformTransaction", {**ORDER, "amount": "500000"}),
    ("CheckPerformTransaction", {**ORDER, "amount": 1.5}),
    ("CheckPerformTransaction", {**ORDER, "amount": True}),
    ("CheckPerformTransaction", {**ORDER, "amount": None}),
    ("CheckPerformTransaction", {**ORDER, "amount": [500000]}),
    ("CheckPerformTransaction", {**ORDER, "amount": 9007199254740993.0}),
    ("CheckPerformTransaction", {**ORDER, "account": None}),
    ("CheckPerformTransaction", {**ORDER, "account": CARDS[0]}),
    ("CheckPerformTransaction", {**ORDER, "account": [KEY]}),
    ("CheckPerformTransaction", {**ORDER, "account": {"order_id": {"code": CODE}}}),
    ("CheckPerformTransaction", {**ORDER, "account": {KEY: None}}),
    ("CheckPerformTransaction", {**ORDER, "account": {"order_id": "1\x00"}}),
    ("CheckPerformTransaction", {**ORDER, "account": {"order_id": 10**30}}),
    ("CheckPerformTransaction", {**ORDER, "account": {"order_id": 9007199254740993.0}}),
    ("CheckPerformTransaction", {**ORDER, "account": {f"f{n}": 1 for n in range(21)}}),
    ("CreateTransaction", {}),
    ("CreateTransaction", {**NEW, "id": ID[:-1]}),
    ("CreateTransaction", {**NEW, "id": int(CARDS[0])}),
    ("CreateTransaction", {**NEW, "id": CARDS[0]}),
    ("CreateTransaction", {**NEW, "id": ID[:-1] + "\x00"}),
    ("CreateTransaction", {**NEW, "time": "1399114284039"}),
    ("CreateTransaction", {**NEW, "time": -1}),
    ("CreateTransaction", {**NEW, "time": 10**13}),
    ("CreateTransaction", {**NEW, "time": TIME + 0.5}),
    ("CreateTransaction", {**NEW, "amount": "many"}),
    ("CreateTransaction", {**NEW, "account": {"order_id": []}}),
    ("PerformTransaction", {}),
    ("PerformTransaction", {"id": None}),
    ("PerformTransaction", {"id": [ID]}),
    ("CancelTransaction", {"id": ID}),
    ("CancelTransaction", {"id": ID, "reason": 6}),
    ("CancelTransaction", {"id": ID, "reason": "5"}),
    ("CancelTransaction", {"id": ID, "reason": True}),
    ("CheckTransaction", {"id": ""}),
    ("GetStatement", {"from": 1}),
    ("GetStatement", {"from": 1, "to": "2"}),
    ("GetStatement", {"from": -1, "to": 2}),
    ("GetStatement", {"from": 1, "to": 10**13}),
]


@pytest.mark.parametrize(("method", "params"), BAD_PARAMS, ids=[f"{n}" for n in range(len(BAD_PARAMS))])
def test_wrong_parameters(houses: Houses, method: str, params: dict[str, Any]) -> None:
    rows = houses.rows()
    reply = houses.ask("shop", "POST", "/payme", PAYME, call(method, params))
    assert_refused(houses, reply, INVALID, reply.json["error"].get("data"))
    assert not [secret for secret in SECRETS if secret.encode() in reply.body and KEY not in str(params)]
    assert houses.rows() == rows


FISCAL = {
    "status_code": 0,
    "message": "accepted",
    "terminal_id": "EP000000000025",
    "receipt_id": 121,
    "date": "20220706221021",
    "fiscal_sign": "800031554082",
    "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=121&c=20220706221021&s=800031554082",
}


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({}, "id"),
        ({"id": ID, "type": "PERFORM"}, "fiscal_data"),
        ({"id": ID, "type": "REFUND", "fiscal_data": FISCAL}, "type"),
        ({"id": "", "type": "PERFORM", "fiscal_data": FISCAL}, "id"),
        ({"id": ID, "type": "PERFORM", "fiscal_data": CARDS[0]}, "fiscal_data"),
        (
            {"id": ID, "type": "PERFORM", "fiscal_data": {**FISCAL, "receipt_id": [1]}},
            "fiscal_data.receipt_id",
        ),
        (
            {"id": ID, "type": "PERFORM", "fiscal_data": {**FISCAL, "fiscal_sign": KEY}},
            "fiscal_data.fiscal_sign",
        ),
    ],
)
def test_fiscal_data_is_refused_by_name(houses: Houses, params: dict[str, Any], field: str) -> None:
    rows = houses.rows()
    reply = houses.ask("shop", "POST", "/payme", PAYME, call("SetFiscalData", params))
    error = reply.json["error"]
    assert (error["code"], error["data"]) == (PARAMS, field)
    assert isinstance(error["message"], str)
    assert field in error["message"]
    assert_logged_once(houses)
    assert houses.rows() == rows


def basic(text: str | bytes) -> str:
    return "Basic " + base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


AUTHORIZATIONS: list[list[tuple[str, str | bytes]]] = [
    [],
    [("Authorization", "")],
    [("Authorization", "Basic")],
    [("Authorization", "Basic ")],
    [("Authorization", "Basic !!!")],
    [("Authorization", f"Basic Paycom:{SHOP_KEY}")],
    [("Authorization", f"Bearer {TOKEN}")],
    [("Authorization", SHOP_KEY)],
    [("Authorization", basic(SHOP_KEY))],
    [("Authorization", basic(f"Paycom{SHOP_KEY}"))],
    [("Authorization", basic("Paycom:"))],
    [("Authorization", basic(":"))],
    [("Authorization", basic(f":{SHOP_KEY}"))],
    [("Authorization", basic(f"paycom:{SHOP_KEY}"))],
    [("Authorization", basic(f"Paycom:{SHOP_KEY} "))],
    [("Authorization", basic(f"Paycom:{SHOP_KEY}\n"))],
    [("Authorization", basic(f"Paycom:{SHOP_KEY}\x00"))],
    [("Authorization", basic(f"Paycom:{KEY}"))],
    [("Authorization", basic("Paycom:Uzcard:someRandomString1545343543545"))],
    [("Authorization", basic(b"Paycom:\xff\xfe"))],
    [("Authorization", basic("Paycom:" + "x" * 3000))],
    [("Authorization", basic(f"Paycom:{SHOP_KEY}") + "x")],
    [("Authorization", b"Basic \xd0\xb6")],
    [("X-Auth", f"Paycom:{SHOP_KEY}")],
    [("Proxy-Authorization", basic(f"Paycom:{SHOP_KEY}"))],
]


@pytest.mark.parametrize("headers", AUTHORIZATIONS, ids=[f"{n}" for n in range(len(AUTHORIZATIONS))])
def test_who_may_not_call(houses: Houses, headers: list[tuple[str, str | bytes]]) -> None:
    """A stranger gets -32504 for anything he sends, and the id echoed where one can be read."""
    rows = houses.rows()
    for body, request_id in ((call("CheckTransaction", {"id": ID}), 7), (b'{"id":9,', None), (b"[]", None)):
        reply = houses.ask("shop", "POST", "/payme", headers, body)
        assert_refused(houses, reply, DENIED)
        assert reply.json["id"] == request_id
    assert houses.rows() == rows


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "OPTIONS", "HEAD"])
def test_other_http_methods(houses: Houses, method: str) -> None:
    reply = houses.ask("shop", method, f"/payme?key={KEY}", PAYME, call("CheckTransaction", {"id": ID}))
    if method == "HEAD":
        assert (reply.status, reply.body) == (200, b"")
        assert_logged_once(houses)
    else:
        assert_refused(houses, reply, TRANSPORT)
        assert reply.json["id"] == 7


@pytest.mark.parametrize(
    "request_id", [KEY[:3] + CARDS[0], f"number {CARDS[1]}", "x" * 52 + CARDS[0], int(CARDS[0])], ids=ascii
)
def test_a_request_id_may_be_a_card_number(houses: Houses, request_id: object) -> None:
    """It is echoed, because it is the caller's own, and hidden in the log, also where the log cuts it."""
    reply = houses.ask("shop", "POST", "/payme", PAYME, call("NoSuch", {}, id=request_id))
    assert reply.json["id"] == request_id
    (line,) = houses.new_lines()
    assert CARDS[0][6:12] not in str(line["request_id"])
    assert CARDS[1][6:12] not in str(line["request_id"])


def test_a_payers_mistake_is_no_malformed_request(houses: Houses) -> None:
    """A wrong order or amount is everyday business: it is answered, and not logged."""
    rows = houses.rows()
    for method, params, code in (
        ("CheckPerformTransaction", {**ORDER, "account": {"order_id": CARDS[0]}}, -31050),
        ("CheckPerformTransaction", {**ORDER, "account": {"order_id": "1" + KEY, KEY: TOKEN}}, -31050),
        ("CheckPerformTransaction", {**ORDER, "amount": 0}, -31001),
        ("CheckPerformTransaction", {**ORDER, "amount": -(10**30)}, -31001),
        ("CreateTransaction", {**NEW, "amount": 1}, -31008),  # Its time is long over.
        ("PerformTransaction", {"id": ID}, -31003),
        ("CheckTransaction", {"id": ID}, -31003),
        ("CancelTransaction", {"id": ID, "reason": 5}, -31003),
    ):
        error = houses.ask("shop", "POST", "/payme", PAYME, call(method, params)).json["error"]
        assert error["code"] == code, (method, params, error)
        assert set(error["message"]) == {"ru", "uz", "en"}
    assert houses.new_lines() == []
    assert houses.rows() == rows


def test_chunks_and_broken_frames(houses: Houses) -> None:
    head = {**PAYME, "Transfer-Encoding": "chunked"}
    assert_refused(houses, houses.ask("shop", "POST", "/payme", head, b"1\r\n{\r\n0\r\n\r\n"), PARSE)
    big = b"8000\r\n" + b" " * 0x8000 + b"\r\n"
    assert_refused(houses, houses.ask("shop", "POST", "/payme", head, big * 10 + b"0\r\n\r\n"), INVALID)
    for request in (b"POST /payme HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"\x00\x01\x02\r\n\r\n"):
        reply = houses.send("shop", request, wait_s=0.3)
        assert reply is None or reply.status == 400
        assert len(houses.new_lines()) <= 1
