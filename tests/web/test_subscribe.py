"""The Subscribe API over real HTTP: the documentation's samples, malformed requests, pages, hanging up."""

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from helpers_cards import DESK_ID, KEY, OTHER_DESK_ID, TEST_KEY, Phone
from helpers_subscribe import Served, open_gateway_for_tests, request_body, send_http, serve
from tiyin.gateway.cards.records import TOKENS
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.protocol.errors import message_of
from tiyin.web.subscribe import SubscribeEndpoint

CARD = {"card": {"number": "8600069195406311", "expire": "0399"}, "save": True}
BAD_HEADER = "invalid_authorization_header"
FULL = f"{DESK_ID}:{KEY}"


@pytest.fixture
async def served(sqlite_url: str) -> AsyncIterator[Served]:
    phone = Phone()
    gateway = await open_gateway_for_tests(sqlite_url, phone)
    async with serve(SubscribeEndpoint(SubscribeApi(gateway), gateway.tasks)) as port:
        yield Served(port, gateway, phone)
    await gateway.stop()


async def verified(served: Served, **options: Any) -> str:
    token = (await served.call("cards.create", {**CARD, **options}))["result"]["card"]["token"]
    await served.call("cards.get_verify_code", {"token": token})
    await served.call("cards.verify", {"token": token, "code": "666666"})
    return str(token)


async def test_the_samples_from_card_to_paid_receipt(served: Served) -> None:
    reply = await served.call("cards.create", CARD)
    token = reply["result"]["card"]["token"]
    card = {
        "number": "860006******6311",
        "expire": "03/99",
        "token": token,
        "recurrent": True,
        "verify": False,
    }
    assert reply == {"jsonrpc": "2.0", "id": 123, "result": {"card": card}}
    reply = await served.call("cards.get_verify_code", {"token": token})
    assert reply["result"] == {"sent": True, "phone": "99890*****67", "wait": 60_000}
    reply = await served.call("cards.verify", {"token": token, "code": "666666"})
    assert reply["result"] == {"card": {**card, "verify": True}}
    assert reply == await served.call("cards.check", {"token": token})
    assert reply == await served.call("cards.check", {"token": token}, key=True)

    params = {"amount": 500_000.0, "account": {"order_id": "test"}}
    receipt = (await served.call("receipts.create", params, key=True))["result"]["receipt"]
    assert (receipt["amount"], receipt["state"], receipt["type"], receipt["currency"]) == (500_000, 0, 2, 860)
    reply = await served.call("receipts.check", {"id": receipt["_id"]}, key=True)
    assert reply["result"] == {"state": 0}
    paid = await served.call("receipts.pay", {"id": receipt["_id"], "token": token}, key=True)
    assert paid["result"]["receipt"]["state"] == 4
    assert paid["result"]["receipt"]["card"] == {"number": "860006******6311", "expire": "0399"}
    got = await served.call("receipts.get", {"id": receipt["_id"]}, key=True)
    assert got["result"] == paid["result"]
    reply = await served.call("receipts.check", {"id": receipt["_id"]}, key=True)
    assert reply["result"] == {"state": 4}
    removed = await served.call("cards.remove", {"token": token}, key=True)
    assert removed["result"] == {"success": True}
    assert (await served.call("cards.remove", {"token": token}))["error"]["code"] == -31400


async def test_a_one_time_token_pays_once_and_its_repeat_is_recognised(served: Served) -> None:
    token = await verified(served, save=False)
    create = {"amount": 3500, "account": {"order_id": "5"}}
    first, second = [
        (await served.call("receipts.create", create, key=True))["result"]["receipt"]["_id"] for _ in range(2)
    ]
    paid = await served.call("receipts.pay", {"id": first, "token": token}, key=True)
    assert paid["result"]["receipt"]["state"] == 4
    assert paid == await served.call("receipts.pay", {"id": first, "token": token}, key=True)
    refused = await served.call("receipts.pay", {"id": second, "token": token}, key=True)
    assert refused["error"]["code"] == -31400
    assert (await served.call("cards.check", {"token": token}))["error"]["code"] == -31400


async def test_an_unverified_token_cannot_pay(served: Served) -> None:
    token = (await served.call("cards.create", CARD))["result"]["card"]["token"]
    create = {"amount": 3500, "account": {"order_id": "5"}}
    receipt_id = (await served.call("receipts.create", create, key=True))["result"]["receipt"]["_id"]
    refused = await served.call("receipts.pay", {"id": receipt_id, "token": token}, key=True)
    assert refused["error"]["code"] == -31400
    state = await served.call("receipts.check", {"id": receipt_id}, key=True)
    assert state["result"] == {"state": 0}


async def test_another_desk_sees_neither_token_nor_receipt(served: Served) -> None:
    token = await verified(served)
    key = (await served.gateway.desks.keys_of(OTHER_DESK_ID)).key
    create = {"amount": 3500, "account": {"order_id": "5"}}
    receipt_id = (await served.call("receipts.create", create, key=True))["result"]["receipt"]["_id"]
    for method, params, code in [
        ("cards.check", {"token": token}, -31400),
        ("cards.remove", {"token": token}, -31400),
        ("receipts.check", {"id": receipt_id}, -31602),
        ("receipts.get", {"id": receipt_id}, -31602),
        ("receipts.pay", {"id": receipt_id, "token": token}, -31602),
    ]:
        reply = await served.post(request_body(method, params), x_auth=f"{OTHER_DESK_ID}:{key}")
        assert reply.json["error"]["code"] == code, method


MALFORMED: list[tuple[str, bytes, str | None, int, Any, Any]] = [
    # what, body, X-Auth, code, data, id
    ("no header", request_body("cards.create", CARD), None, -32504, BAD_HEADER, 123),
    ("unknown desk", request_body("cards.create", CARD), "0" * 24, -32504, "invalid_id", 123),
    (
        "wrong key",
        request_body("receipts.get", {}),
        f"{DESK_ID}:no",
        -32504,
        BAD_HEADER,
        123,
    ),
    ("no key", request_body("receipts.get", {}), DESK_ID, -32504, BAD_HEADER, 123),
    ("no key", request_body("receipts.cancel", {}), DESK_ID, -32504, ..., 123),
    ("no header and no JSON", b"{", None, -32504, BAD_HEADER, None),
    ("no header and no envelope", b'{"id": 7}', None, -32504, BAD_HEADER, 7),
    ("empty", b"", DESK_ID, -32700, None, None),
    ("no JSON", b"hello", DESK_ID, -32700, None, None),
    ("cut JSON", b'{"id": 1, "method": "cards.create"', DESK_ID, -32700, None, ...),
    ("no UTF-8", b'{"id": 1, "method": "\xff"}', DESK_ID, -32700, None, ...),
    ("comment", b'{"id": 1 /* one */}', DESK_ID, -32700, None, ...),
    ("array", b"[]", DESK_ID, -32600, None, None),
    ("text", b'"cards.create"', DESK_ID, -32600, None, None),
    ("no method", b'{"id": 5}', DESK_ID, -32600, None, 5),
    ("method no text", b'{"id": 5, "method": 7}', DESK_ID, -32600, None, 5),
    ("id a list", b'{"id": [], "method": "cards.check"}', DESK_ID, -32600, None, None),
    ("id a bool", b'{"id": true, "method": "cards.check"}', DESK_ID, -32600, None, None),
    ("params a list", b'{"id": 5, "method": "cards.check", "params": []}', DESK_ID, -32600, None, 5),
    (
        "too deep",
        b'{"id": 5, "method": "a", "params": ' + b"[" * 40 + b"]" * 40 + b"}",
        DESK_ID,
        -32600,
        None,
        ...,
    ),
    ("far too deep", b"[" * 100_000, DESK_ID, -32600, None, None),
    ("unknown method", request_body("cards.creat", CARD), DESK_ID, -32601, "cards.creat", 123),
    ("no receipt", request_body("receipts.cancel", {"id": "1"}), FULL, -31602, None, 123),
    ("no params", b'{"id": 5, "method": "cards.create"}', DESK_ID, -32602, "card", 5),
    (
        "no number",
        request_body("cards.create", {"card": {"expire": "0399"}}),
        DESK_ID,
        -32602,
        "card.number",
        123,
    ),
    (
        "number no text",
        request_body("cards.create", {"card": {"number": 8600069195406311, "expire": "0399"}}),
        DESK_ID,
        -32602,
        "card.number",
        123,
    ),
    (
        "wrong month",
        request_body("cards.create", {"card": {"number": "8600069195406311", "expire": "1399"}}),
        DESK_ID,
        -32602,
        "card.expire",
        123,
    ),
    ("save no bool", request_body("cards.create", {**CARD, "save": "yes"}), DESK_ID, -32602, "save", 123),
    ("no token", request_body("cards.check", {}), DESK_ID, -32602, "token", 123),
    ("token malformed", request_body("cards.check", {"token": "abc"}), DESK_ID, -32500, None, 123),
    ("no amount", request_body("receipts.create", {"account": {"a": 1}}), FULL, -32602, "amount", 123),
    (
        "half a tiyin",
        request_body("receipts.create", {"amount": 0.5, "account": {}}),
        FULL,
        -32602,
        "amount",
        123,
    ),
    (
        "NUL in a text",
        b'{"id":5,"method":"cards.check","params":{"token":"\\u0000"}}',
        DESK_ID,
        -32602,
        "token",
        5,
    ),
]


def own_lines(caplog: pytest.LogCaptureFixture) -> list[logging.LogRecord]:
    return [record for record in caplog.records if record.name.startswith("tiyin.")]


@pytest.mark.parametrize("language", ["ru", "uz", "en"])
async def test_every_malformed_request(
    served: Served, caplog: pytest.LogCaptureFixture, language: str
) -> None:
    """One server for the whole table: each row has its error in the language asked for, and one log line."""
    for what, body, x_auth, code, data, request_id in MALFORMED:
        caplog.clear()
        headers = {"Accept-Language": language} | ({} if x_auth is None else {"X-Auth": x_auth})
        with caplog.at_level(logging.INFO):
            reply = await send_http(served.port, "POST", "/api", headers, body)
        assert reply.status == 200, what
        assert reply.headers["content-type"] == "application/json; charset=UTF-8"
        assert reply.headers["cache-control"] == "no-store"
        answer = reply.json
        assert "result" not in answer, what
        assert answer["jsonrpc"] == "2.0"
        error = answer["error"]
        assert error["code"] == code, (what, error)
        assert data is ... or error.get("data") == data, (what, error)
        assert request_id is ... or answer["id"] == request_id, what
        assert isinstance(error["message"], str)
        if code == -32504:
            assert error["message"] == "Access denied."
        else:
            assert error["message"] == message_of(code).in_language(language)  # type: ignore[arg-type]  # of three
        assert len(own_lines(caplog)) == 1, (what, caplog.text)
        assert "8600069195406311" not in caplog.text
        assert KEY not in caplog.text
    assert await served.gateway.store.query(TOKENS.schema.select()) == []


async def test_without_accept_language_messages_are_russian(served: Served) -> None:
    reply = await served.post(b"{", x_auth=DESK_ID)
    assert reply.json["error"]["message"] == message_of(-32700).ru


async def test_http_is_taken_as_loosely_as_the_mobile_library_sends_it(served: Served) -> None:
    """No id, no version, no JSON content type, the address with a slash, a fractional amount."""
    body = json.dumps(
        {"method": "cards.create", "params": {**CARD, "save": False, "amount": 500000.0}}
    ).encode()
    for path in ("/api", "/api/"):
        for content_type in ("text/plain", "application/x-www-form-urlencoded", "nonsense"):
            reply = await served.post(body, path, x_auth=DESK_ID, content_type=content_type)
            assert reply.json["id"] is None
            assert reply.json["jsonrpc"] == "2.0"
            assert reply.json["result"]["card"]["recurrent"] is False


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH", "HEAD"])
async def test_other_methods_are_a_transport_error(served: Served, method: str) -> None:
    reply = await send_http(served.port, method, "/api", {"X-Auth": DESK_ID, "Accept-Language": "en"})
    assert reply.status == 200
    if method != "HEAD":
        assert reply.json["error"] == {"code": -32300, "message": message_of(-32300).en}


async def test_a_body_over_the_cap_is_refused_and_a_chunked_one_is_read(served: Served) -> None:
    big = b'{"id": 1, "method": "' + b"x" * 400_000 + b'"}'
    reply = await served.post(big, x_auth=DESK_ID)
    assert reply.json["error"]["code"] == -32600
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"POST /api HTTP/1.1\r\nHost: a\r\nX-Auth: {DESK_ID}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    body = request_body("cards.create", CARD)
    for start in range(0, len(body), 16):
        part = body[start : start + 16]
        writer.write(f"{len(part):x}\r\n".encode() + part + b"\r\n")
        await writer.drain()
    writer.write(b"0\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert b'"result"' in await reader.readuntil(b"}}}")
    writer.close()
    await writer.wait_closed()


ORIGINS = [
    ("https://shop.uz", True),
    ("http://localhost:3000", True),
    ("https://evil.uz", False),
    ("null", False),
]


@pytest.mark.parametrize(("origin", "own"), ORIGINS)
async def test_only_the_desks_own_pages_may_read_answers(served: Served, origin: str, own: bool) -> None:
    allowed = origin if own else None
    for body in (request_body("cards.create", CARD), b"{", request_body("cards.creat", CARD)):
        reply = await served.post(body, x_auth=DESK_ID, origin=origin)
        assert reply.headers.get("access-control-allow-origin") == allowed
        assert reply.headers["vary"] == "Origin"
    receipts = await served.post(request_body("receipts.get", {"id": "1"}), x_auth=FULL, origin=origin)
    assert "access-control-allow-origin" not in receipts.headers
    foreign = await served.post(
        request_body("cards.create", CARD), x_auth=OTHER_DESK_ID, origin="https://shop.uz"
    )
    assert "access-control-allow-origin" not in foreign.headers


async def test_a_browsers_question_is_answered(served: Served) -> None:
    asked = {"Origin": "https://shop.uz", "Access-Control-Request-Method": "POST"}
    reply = await send_http(served.port, "OPTIONS", "/api", asked)
    assert reply.status == 204
    assert reply.headers["access-control-allow-origin"] == "https://shop.uz"
    assert reply.headers["access-control-allow-methods"] == "POST"
    assert "X-Auth" in reply.headers["access-control-allow-headers"]
    assert "access-control-allow-credentials" not in reply.headers
    for headers in ({}, {"Origin": "null"}):
        reply = await send_http(served.port, "OPTIONS", "/api", headers)
        assert reply.status == 204
        assert "access-control-allow-origin" not in reply.headers


async def test_whoever_hangs_up_has_still_asked(served: Served) -> None:
    """The connection is reset right after the request; the token is made all the same."""
    body = request_body("cards.create", CARD)
    _, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(
        f"POST /api HTTP/1.1\r\nHost: a\r\nX-Auth: {DESK_ID}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )
    writer.write(body)
    await writer.drain()
    writer.transport.abort()
    for _ in range(400):
        if await served.gateway.store.query(TOKENS.schema.select()):
            return
        await asyncio.sleep(0.005)
    raise AssertionError("nothing was stored")


async def test_an_unforeseen_failure_tells_nothing_and_is_logged_once(
    served: Served, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the cause, with 8600069195406311 in it")

    monkeypatch.setattr(served.gateway.cards, "create", broken)
    with caplog.at_level(logging.INFO):
        reply = await served.post(request_body("cards.create", CARD), x_auth=DESK_ID, accept_language="uz")
    assert reply.json == {
        "jsonrpc": "2.0",
        "id": 123,
        "error": {"code": -32400, "message": message_of(-32400).uz},
    }
    assert len(own_lines(caplog)) == 1
    assert "RuntimeError" in caplog.text
    assert "123" in caplog.text
    assert "8600069195406311" not in caplog.text


async def test_a_process_that_stops_says_so(served: Served) -> None:
    await served.gateway.tasks.drain(0)
    reply = await served.post(request_body("cards.create", CARD), x_auth=DESK_ID)
    assert reply.json["error"]["code"] == -31001


async def test_nothing_secret_is_stored_or_logged(
    served: Served, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A payment, a refused one and wrong keys; then the database's files and the whole log are searched."""
    with caplog.at_level(logging.DEBUG):
        token = await verified(served)
        create = {"amount": 3500, "account": {"order_id": "5"}}
        receipt_id = (await served.call("receipts.create", create, key=True))["result"]["receipt"]["_id"]
        await served.call("receipts.pay", {"id": receipt_id, "token": token}, key=True)
        await served.call("cards.create", {"card": {"number": "8600495473316478", "expire": "0330"}})
        await served.call("cards.verify", {"token": token, "code": "000000"})
        await served.post(request_body("cards.check", {"token": token}), x_auth=f"{DESK_ID}:{TEST_KEY}x")
        await served.post(request_body("8600069195406311", CARD, "8600069195406311"), x_auth=DESK_ID)
    stored = stored_in(tmp_path)
    assert DESK_ID.encode() in stored
    for secret in ("8600069195406311", "8600495473316478", token, KEY, TEST_KEY):
        assert secret.encode() not in stored
        assert secret not in caplog.text


def stored_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())
