"""Every malformed request to the Subscribe API: its documented error, in the asked language, logged once."""

import itertools
import json
from typing import Any

import pytest

from helpers_bad_input import (
    CARDS,
    CODE,
    DESK,
    KEY,
    SECRETS,
    TERMINAL,
    TEST_KEY,
    TOKEN,
    Houses,
    Reply,
    assert_logged_once,
)
from tiyin.protocol.errors import SubscribeCode, message_of
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX
from tiyin.protocol.values import LANGUAGES, Language

PARSE, INVALID, UNKNOWN, PARAMS, DENIED, TRANSPORT = -32700, -32600, -32601, -32602, -32504, -32300
FULL = f"{DESK}:{KEY}"
HEX = "0" * 24

_turn = itertools.cycle(LANGUAGES)


def text_of(code: int, language: Language) -> str:
    try:
        return message_of(SubscribeCode(code)).in_language(language)
    except ValueError:
        return message_of(code).in_language(language)


def call(method: Any, params: Any, **more: Any) -> bytes:
    return json.dumps({"id": 7, "method": method, "params": params, **more}).encode()


def assert_refused(houses: Houses, reply: Reply, code: int, language: Language, data: Any = None) -> None:
    """The documented error, whole; one line in the log; nothing secret in it."""
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    answer = reply.json
    assert "result" not in answer
    assert answer["error"]["code"] == code, answer
    assert answer["error"]["message"] == text_of(code, language)
    assert answer["error"].get("data") == data
    assert_logged_once(houses)


BODIES = [
    ("empty", b"", PARSE),
    ("blank", b" \n", PARSE),
    ("a word", b"hello", PARSE),
    ("cut off", b'{"id":1,"method":"cards.check"', PARSE),
    ("cut off in a text", b'{"id":1,"method":"cards.ch', PARSE),
    ("two values", b'{"id":1,"method":"cards.check"}{}', PARSE),
    ("single quotes", b"{'id':1}", PARSE),
    ("a comma too many", b'{"id":1,}', PARSE),
    ("a byte that is no UTF-8", b'{"id":1,"method":"\xff"}', PARSE),
    ("an overlong form", b'{"id":1,"method":"\xc0\xaf"}', PARSE),
    ("UTF-16", '{"id":1}'.encode("utf-16"), PARSE),
    ("a byte order mark", b'\xef\xbb\xbf{"id":1}', PARSE),
    ("not a number", b'{"id":1,"method":"cards.check","params":{"x":NaN}}', PARSE),
    ("half of a surrogate pair", b'{"method":"cards.check","params":{"token":"\\ud800"}}', PARSE),
    ("a raw U+0000", b'{"method":"cards.check\x00"}', PARSE),
    ("a form", b"method=cards.check&token=" + TOKEN.encode(), PARSE),
    ("xml", b"<?xml version='1.0'?><a>" + CARDS[0].encode() + b"</a>", PARSE),
    ("null", b"null", INVALID),
    ("a number", b"12", INVALID),
    ("a card number", CARDS[0].encode(), INVALID),
    ("a text", b'"cards.check"', INVALID),
    ("an empty object", b"{}", INVALID),
    ("a batch", b'[{"id":1,"method":"cards.check","params":{}}]', INVALID),
    ("no method", b'{"id":1,"params":{}}', INVALID),
    ("method null", call(None, {}), INVALID),
    ("method a number", call(5, {}), INVALID),
    ("method a list", call(["cards.check"], {}), INVALID),
    ("method empty", call("", {}), INVALID),
    ("method too long", call("m" * 129, {}), INVALID),
    ("method with U+0000", call("cards.check\x00", {}), INVALID),
    ("id a bool", call("cards.check", {}, id=True), INVALID),
    ("id a fraction", call("cards.check", {}, id=1.5), INVALID),
    ("id a list", call("cards.check", {}, id=[KEY]), INVALID),
    ("id an object", call("cards.check", {}, id={"key": KEY}), INVALID),
    ("id a long text", call("cards.check", {}, id="x" * 300), INVALID),
    ("id beyond 64 bits", b'{"id":1e400,"method":"cards.check"}', INVALID),
    ("params a list", call("cards.check", [TOKEN]), INVALID),
    ("params a text", call("cards.check", TOKEN), INVALID),
    ("params null", call("cards.check", None), INVALID),
    ("jsonrpc a number", call("cards.check", {}, jsonrpc=2.0), INVALID),
    ("jsonrpc a long text", call("cards.check", {}, jsonrpc="2" * 17), INVALID),
    ("nested 40 deep", b'{"id":1,"method":"a","params":{"a":' + b"[" * 40 + b"]" * 40 + b"}}", INVALID),
    ("nested a million deep", b"[" * 100_000 + b"]" * 100_000, INVALID),
    ("objects nested deep", b'{"a":' * 40_000 + b"1" + b"}" * 40_000, INVALID),
    ("one byte too large", b" " * (BODY_BYTES_MAX + 1), INVALID),
    ("two megabytes", b'{"id":1,"method":"' + b"x" * 1_900_000 + b'"}', INVALID),
    ("the last of two methods counts", b'{"method":"cards.check","method":1}', INVALID),
]


@pytest.mark.parametrize(("body", "code"), [case[1:] for case in BODIES], ids=[case[0] for case in BODIES])
@pytest.mark.parametrize("path", ["/api", "/api/"])
def test_what_is_no_request(houses: Houses, path: str, body: bytes, code: int) -> None:
    rows, language = houses.rows(), next(_turn)
    headers = {"X-Auth": FULL, "Accept-Language": language, "Content-Type": "text/plain"}
    assert_refused(houses, houses.ask("gateway", "POST", path, headers, body), code, language)
    assert houses.rows() == rows


METHODS = [
    "cards.Check",
    " cards.check",
    "CheckPerformTransaction",
    "receipts.p2p",
    "__class__",
    "../../etc/passwd",
    "cards.check\r\nX-Auth: 1",
    CARDS[0],
    f"{CARDS[1][:4]} {CARDS[1][4:8]} {CARDS[1][8:12]} {CARDS[1][12:]}",
    KEY,
    TEST_KEY,
    TOKEN,
    CODE,
    f"{DESK}:{KEY}",
    "\x1b[2J\x1b[31m",
    "метод",
]


@pytest.mark.parametrize("method", METHODS, ids=ascii)
def test_methods_that_do_not_exist(houses: Houses, method: str) -> None:
    """The method's name comes back in `data`, and is a stranger's text in the log."""
    rows, language = houses.rows(), next(_turn)
    headers = {"X-Auth": FULL, "Accept-Language": language}
    reply = houses.ask("gateway", "POST", "/api", headers, call(method, {"token": TOKEN, "code": CODE}))
    assert_refused(houses, reply, UNKNOWN, language, method)
    assert houses.rows() == rows


CARD = {"number": CARDS[0], "expire": "0399"}
PAY = {"id": HEX, "token": TOKEN}
ORDER = {"amount": 500000, "account": {"order_id": "1"}}
BAD_PARAMS: list[tuple[str, dict[str, Any], str | None]] = [
    ("cards.create", {}, "card"),
    ("cards.create", {"card": None}, "card"),
    ("cards.create", {"card": CARDS[0]}, "card"),
    ("cards.create", {"card": [CARDS[0], "0399"]}, "card"),
    ("cards.create", {"card": {"expire": "0399"}}, "card.number"),
    ("cards.create", {"card": {"number": CARDS[0]}}, "card.expire"),
    ("cards.create", {"card": {"number": int(CARDS[0]), "expire": "0399"}}, "card.number"),
    ("cards.create", {"card": {"number": CARDS[0] + "12345", "expire": "0399"}}, "card.number"),
    ("cards.create", {"card": {"number": "8600-0691-9540-6311", "expire": "0399"}}, "card.number"),
    ("cards.create", {"card": {"number": CARDS[0] + "\x00", "expire": "0399"}}, "card.number"),
    ("cards.create", {"card": {"number": CARDS[0], "expire": "1399"}}, "card.expire"),
    ("cards.create", {"card": {"number": CARDS[0], "expire": 399}}, "card.expire"),
    ("cards.create", {"card": {"number": CARDS[0], "expire": CARDS[1]}}, "card.expire"),
    ("cards.create", {"card": CARD, "save": "yes"}, "save"),
    ("cards.create", {"card": CARD, "save": 1}, "save"),
    ("cards.create", {"card": CARD, "amount": 0}, "amount"),
    ("cards.create", {"card": CARD, "amount": -1}, "amount"),
    ("cards.create", {"card": CARD, "amount": 10**13 + 1}, "amount"),
    ("cards.create", {"card": CARD, "amount": 1.5}, "amount"),
    ("cards.create", {"card": CARD, "amount": True}, "amount"),
    ("cards.create", {"card": CARD, "amount": "500000"}, "amount"),
    ("cards.create", {"card": CARD, "amount": 10**30}, "amount"),
    ("cards.create", {"card": CARD, "account": "1"}, "account"),
    ("cards.create", {"card": CARD, "account": {KEY: [1]}}, f"account.{KEY}"),
    ("cards.create", {"card": CARD, "account": {CARDS[1]: None}}, f"account.{CARDS[1]}"),
    ("cards.create", {"card": CARD, "account": {TOKEN: {}}}, f"account.{TOKEN}"),
    ("cards.create", {"card": CARD, "account": {"code " + CODE: 1.5}}, f"account.code {CODE}"),
    ("cards.create", {"card": CARD, "account": {"a\x00": "1"}}, "account"),
    ("cards.create", {"card": CARD, "account": {"order_id": "1\x00"}}, "account.order_id"),
    ("cards.create", {"card": CARD, "account": {"order_id": 2**63}}, "account.order_id"),
    ("cards.create", {"card": CARD, "account": {"": "1"}}, "account"),
    ("cards.create", {"card": CARD, "account": {f"f{n}": 1 for n in range(21)}}, "account"),
    ("cards.create", {"card": CARD, "account": {"order_id": "x" * 257}}, "account.order_id"),
    ("cards.create", {"card": CARD, "customer": "x" * 257}, "customer"),
    ("cards.create", {"card": CARD, "customer": 998901234567}, "customer"),
    ("cards.create", {"card": CARD, "extra": {KEY + "\x00": 1}}, "extra"),
    ("cards.get_verify_code", {}, "token"),
    ("cards.get_verify_code", {"token": 5}, "token"),
    ("cards.get_verify_code", {"token": ""}, "token"),
    ("cards.get_verify_code", {"token": "x" * 1025}, "token"),
    ("cards.verify", {"token": TOKEN}, "code"),
    ("cards.verify", {"code": CODE}, "token"),
    ("cards.verify", {"token": TOKEN, "code": int(CODE)}, "code"),
    ("cards.verify", {"token": TOKEN, "code": f"{CODE}x"}, "code"),
    ("cards.verify", {"token": TOKEN, "code": "1" * 17}, "code"),
    ("cards.verify", {"token": f"{TOKEN}\x00", "code": CODE}, "token"),
    ("cards.check", {"token": None}, "token"),
    ("cards.remove", {"token": [TOKEN]}, "token"),
    ("receipts.create", {}, "amount"),
    ("receipts.create", {"amount": 500000}, "account"),
    ("receipts.create", {**ORDER, "amount": "500000"}, "amount"),
    ("receipts.create", {**ORDER, "amount": 9007199254740993.0}, "amount"),
    ("receipts.create", {**ORDER, "account": None}, "account"),
    ("receipts.create", {**ORDER, "account": {"order_id": [CARDS[0]]}}, "account.order_id"),
    ("receipts.create", {**ORDER, "description": 5}, "description"),
    ("receipts.create", {**ORDER, "description": "x" * 1025}, "description"),
    ("receipts.create", {**ORDER, "description": f"card {CARDS[0]}\x00"}, "description"),
    ("receipts.create", {**ORDER, "hold": "true"}, "hold"),
    ("receipts.create", {**ORDER, "detail": []}, "detail"),
    ("receipts.create", {**ORDER, "detail": {"receipt_type": 0, "items": {}}}, "detail.items"),
    ("receipts.create", {**ORDER, "detail": {"items": [{}], KEY: f"{CARDS[0]}\x00"}}, None),
    ("receipts.pay", {"id": HEX}, "token"),
    ("receipts.pay", {"token": TOKEN}, "id"),
    ("receipts.pay", {**PAY, "id": 5}, "id"),
    ("receipts.pay", {**PAY, "id": "x" * 65}, "id"),
    ("receipts.pay", {**PAY, "id": "x\x00"}, "id"),
    ("receipts.pay", {**PAY, "payer": KEY}, "payer"),
    ("receipts.pay", {**PAY, "payer": {"phone": 998901234567}}, "payer.phone"),
    ("receipts.pay", {**PAY, "payer": {"ip": "x" * 257}}, "payer.ip"),
    ("receipts.pay", {**PAY, "hold": None}, "hold"),
    ("receipts.check", {"id": None}, "id"),
    ("receipts.get", {"id": ""}, "id"),
    ("receipts.get", {"id": {"$ne": ""}}, "id"),
]


@pytest.mark.parametrize(
    ("method", "params", "field"), BAD_PARAMS, ids=[f"{n}" for n in range(len(BAD_PARAMS))]
)
def test_wrong_parameters_are_named(
    houses: Houses, method: str, params: dict[str, Any], field: str | None
) -> None:
    rows, language = houses.rows(), next(_turn)
    headers = {"X-Auth": FULL, "Accept-Language": language}
    reply = houses.ask("gateway", "POST", "/api", headers, call(method, params))
    named = reply.json["error"].get("data")
    assert named == field if field is not None else named.startswith("detail")
    assert_refused(houses, reply, PARAMS, language, named)
    assert houses.rows() == rows


ID, HEADER = "invalid_id", "invalid_authorization_header"
X_AUTHS: list[tuple[list[tuple[str, str | bytes]], str]] = [
    ([], HEADER),
    ([("X-Auth", "")], HEADER),
    ([("X-Auth", " ")], HEADER),
    ([("X-Auth", ":")], HEADER),
    ([("X-Auth", f":{KEY}")], HEADER),
    ([("X-Auth", f"{DESK}:")], HEADER),
    ([("X-Auth", DESK)], HEADER),
    ([("X-Auth", f"{DESK}:{KEY}x")], HEADER),
    ([("X-Auth", f"{DESK}:{KEY[:-1]}")], HEADER),
    ([("X-Auth", f"{DESK}:{KEY.lower()}")], HEADER),
    ([("X-Auth", f"{DESK}:{DESK}")], HEADER),
    ([("X-Auth", f"{DESK} {KEY}")], ID),
    ([("X-Auth", f"{TERMINAL}:{KEY}")], HEADER),
    ([("X-Auth", f"{HEX}:{KEY}")], ID),
    ([("X-Auth", HEX)], ID),
    ([("X-Auth", KEY)], ID),
    ([("X-Auth", CARDS[0])], ID),
    ([("X-Auth", f"{DESK.upper()}:{KEY}")], ID),
    ([("X-Auth", f"{'a' * 3000}:{KEY}")], HEADER),
    ([("X-Auth", DESK.encode() + b":\xff\xfe" + KEY.encode())], HEADER),
    ([("X-Auth", "Ж" * 24)], ID),
    ([("X-Auth", HEX), ("X-Auth", f"{DESK}:{KEY}")], ID),
    ([("X-Auth", f"Basic {KEY}")], ID),
    ([("Authorization", f"Basic {KEY}")], HEADER),
    ([("X-Auth", "'; drop table desks; --")], ID),
]


@pytest.mark.parametrize(("headers", "data"), X_AUTHS, ids=[str(n) for n in range(len(X_AUTHS))])
def test_who_may_not_ask(houses: Houses, headers: list[tuple[str, str | bytes]], data: str) -> None:
    """Whatever else is wrong with a request, a stranger learns only that he is one."""
    rows = houses.rows()
    for body in (call("receipts.get", {"id": HEX}), call("receipts.get", {})):
        language = next(_turn)
        reply = houses.ask("gateway", "POST", "/api", [*headers, ("Accept-Language", language)], body)
        assert_refused(houses, reply, DENIED, language, data)
        assert reply.json["id"] == 7
    assert houses.rows() == rows


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND", "HEAD"])
@pytest.mark.parametrize("path", ["/api", "/api/", f"/api?key={KEY}&number={CARDS[0]}"])
def test_other_http_methods(houses: Houses, method: str, path: str) -> None:
    rows, language = houses.rows(), next(_turn)
    reply = houses.ask("gateway", method, path, {"X-Auth": FULL, "Accept-Language": language})
    if method == "HEAD":
        assert (reply.status, reply.body) == (200, b"")
        assert_logged_once(houses)
    else:
        assert_refused(houses, reply, TRANSPORT, language)
    assert houses.rows() == rows


def test_a_browsers_question_is_no_mistake(houses: Houses) -> None:
    reply = houses.ask("gateway", "OPTIONS", "/api", {"Origin": "https://shop.uz"})
    assert reply.status == 204
    assert houses.new_lines() == []


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "ru"),
        ("*", "ru"),
        ("de", "ru"),
        ("uz-Cyrl-UZ", "uz"),
        ("EN_us", "en"),
        ("en;q=0, uz;q=0.1", "uz"),
        ("en;q=banana", "ru"),
        ("en;q=1e999", "ru"),
        (",;,;=,", "ru"),
        ("en," * 20_000, "en"),
        ("x" * 60_000, "ru"),
        ("\N{SNOWMAN}", "ru"),
        ("../../en", "ru"),
        (CARDS[0], "ru"),
    ],
    ids=ascii,
)
def test_any_accept_language(houses: Houses, header: str, language: Language) -> None:
    reply = houses.ask("gateway", "POST", "/api", {"X-Auth": FULL, "Accept-Language": header[:60_000]}, b"{")
    assert_refused(houses, reply, PARSE, language)


def test_a_chunked_body_is_read_like_any_other(houses: Houses) -> None:
    head = {"X-Auth": FULL, "Accept-Language": "en", "Transfer-Encoding": "chunked"}
    for chunks, code in (
        (b'3\r\n{"i\r\n5\r\nd": 1\r\n0\r\n\r\n', PARSE),
        (b"0\r\n\r\n", PARSE),
        (b"2\r\n{}\r\n0\r\nX-Auth: none\r\n\r\n", INVALID),
        (
            b"8000\r\n"
            + b" " * 0x8000
            + b"\r\n"
            + (b"8000\r\n" + b" " * 0x8000 + b"\r\n") * 9
            + b"0\r\n\r\n",
            INVALID,
        ),
    ):
        assert_refused(houses, houses.ask("gateway", "POST", "/api", head, chunks), code, "en")


def test_bytes_that_are_no_http_at_all(houses: Houses) -> None:
    rows = houses.rows()
    for request in (
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64,
        b"POST /api HTTP/1.1\r\nContent-Length: banana\r\n\r\n",
        b"POST /api HTTP/1.1\r\nHost: a\r\nContent-Length: -5\r\n\r\n",
        b"POST /api HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST /api HTTP/9.9\r\nHost: a\r\n\r\n",
        b"GET /" + CARDS[0].encode() + b" \x00\r\n\r\n",
        b"X-Auth: " + FULL.encode() + b"\r\n\r\n",
    ):
        reply = houses.send("gateway", request, wait_s=0.3)
        assert reply is None or reply.status == 400
        lines = json.dumps(houses.new_lines())
        assert not [secret for secret in SECRETS if secret in lines]
        assert "Traceback" not in lines
    assert houses.rows() == rows


def test_an_answer_that_refuses_says_nothing_more_than_it_should(houses: Houses) -> None:
    """No error of any kind repeats a card, a key, a token or a code."""
    for method, params, field in BAD_PARAMS:
        if any(secret in str(field) for secret in SECRETS):
            continue  # The secret is the name of the field, and the field is named.
        reply = houses.ask("gateway", "POST", "/api", {"X-Auth": FULL}, call(method, params))
        assert not [secret for secret in SECRETS if secret.encode() in reply.body], reply.body
    houses.new_lines()
