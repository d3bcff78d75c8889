"""Every edge answers alike, under its real server: methods, bodies of every kind, addresses, statements."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from helpers_examples import Example, running
from helpers_merchant import KEY, payme_id
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX

HERE = Path(__file__).parent
CONTENT_TYPE = "application/json; charset=UTF-8"
AUTHORIZATION = {"Authorization": write_basic("Paycom", KEY)}
PAYER_OF_PROXY = "203.0.113.7"
UVICORN = ["uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning"]
GUNICORN = ["gunicorn", "--no-control-socket", "-b", "127.0.0.1:{port}", "--graceful-timeout", "5"]
# `--limit-request-*` and the like stay as they come: these are the servers as shops start them.
SERVERS = {
    "asgi": [*UVICORN, "edges_app:app"],
    "fastapi": [*UVICORN, "edges_app:app"],
    "litestar": [*UVICORN, "edges_app:app"],
    "wsgi": [*GUNICORN, "-w", "3", "edges_app:app"],
    "flask": [*GUNICORN, "--threads", "4", "edges_app:app"],
}


@pytest.fixture(scope="module", params=list(SERVERS))
def edge(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp(request.param)
    path = f"{HERE}:{HERE.parent.parent}"
    with running(SERVERS[request.param], folder, EDGE=request.param, PYTHONPATH=path) as shop:
        yield shop
    assert "Traceback" not in shop.log


def call(method: str, **params: Any) -> bytes:
    return json.dumps({"id": 7, "method": method, "params": params}).encode()


CHECK = call("CheckTransaction", id=payme_id(999))


def answered(edge: Example, body: bytes, headers: dict[str, str] | None = None, path: str = "/payme") -> Any:
    """Call, look at the HTTP side, and return the result or the error's code."""
    status, got, content = edge.ask("POST", path, body, AUTHORIZATION | (headers or {}))
    assert (status, got["content-type"]) == (200, CONTENT_TYPE)
    reply = json.loads(content)
    return reply["result"] if "result" in reply else reply["error"]["code"]


def test_other_http_methods(edge: Example) -> None:
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"):
        status, headers, body = edge.ask(method, "/payme", b"", AUTHORIZATION)
        assert (method, status, headers["content-type"]) == (method, 200, CONTENT_TYPE)
        assert json.loads(body)["error"]["code"] == -32300
    status, headers, body = edge.ask("HEAD", "/payme")
    assert (status, headers["content-type"], body) == (200, CONTENT_TYPE, b"")


def test_with_a_slash_at_its_end_and_without(edge: Example) -> None:
    assert [answered(edge, CHECK, path=path) for path in ("/payme", "/payme/")] == [-31003, -31003]


@pytest.mark.parametrize(
    "kind", ["text/json", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_any_content_type_is_read(edge: Example, kind: str) -> None:
    assert answered(edge, CHECK, {"Content-Type": kind}) == -31003


def test_who_calls(edge: Example) -> None:
    """Goal: the key and both addresses, the connection's and the proxy's, arrive where they are judged."""
    assert answered(edge, CHECK, {"Authorization": write_basic("Paycom", "guess")}) == -32504
    assert answered(edge, CHECK, {"X-Forwarded-For": PAYER_OF_PROXY}) == -31003
    assert answered(edge, CHECK, {"X-Forwarded-For": "198.51.100.1"}) == -32504
    assert answered(edge, CHECK, {"X-Forwarded-For": f"{PAYER_OF_PROXY}, 198.51.100.1"}) == -32504


@pytest.mark.parametrize("size", [BODY_BYTES_MAX, BODY_BYTES_MAX + 1, 3_000_000])
def test_large_bodies(edge: Example, size: int) -> None:
    code = -31003 if size == BODY_BYTES_MAX else -32600
    assert answered(edge, CHECK + b" " * (size - len(CHECK))) == code
    assert answered(edge, CHECK) == -31003


@pytest.mark.parametrize(
    ("body", "code"),
    [(b"", -32700), (b"{", -32700), (b"[]", -32600), (b"\xff\xfe", -32700), (CHECK, -31003)],
)
def test_bodies_of_every_kind(edge: Example, body: bytes, code: int) -> None:
    assert answered(edge, body) == code


def exchange(edge: Example, *pieces: bytes, wait_s: float = 20.0) -> bytes:
    """Send bytes as they are, say no more, and return all that comes back."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=wait_s) as connection:
        for piece in pieces:
            connection.sendall(piece)
        received = b""
        while b"}" not in received[-3:] and (got := connection.recv(65_536)):
            received += got
        return received


def head(*lines: str) -> bytes:
    first = ("POST /payme HTTP/1.1", "Host: shop", f"Authorization: {AUTHORIZATION['Authorization']}")
    return "\r\n".join((*first, *lines, "", "")).encode()


def code_in(received: bytes) -> int:
    top, _, content = received.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.1 200"), received
    code: int = json.loads(content[content.index(b"{") : content.rindex(b"}") + 1])["error"]["code"]
    return code


def chunks(*parts: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)


def test_a_chunked_body(edge: Example) -> None:
    sent = chunks(CHECK[:10], CHECK[10:]) + b"0\r\n\r\n"
    assert code_in(exchange(edge, head("Transfer-Encoding: chunked"), sent)) == -31003
    large = chunks(CHECK, *[b" " * 50_000] * 40) + b"0\r\n\r\n"
    assert code_in(exchange(edge, head("Transfer-Encoding: chunked"), large)) == -32600


def test_no_length_is_no_body(edge: Example) -> None:
    assert code_in(exchange(edge, head())) == -32700


def drip(edge: Example) -> bytes:
    """Send one byte now and then, until an answer comes."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
        connection.sendall(head("Content-Length: 5000"))
        connection.settimeout(0.1)
        began = time.monotonic()
        while time.monotonic() - began < 20:
            with contextlib.suppress(TimeoutError):
                connection.sendall(b" ")
                return connection.recv(65_536)
    raise AssertionError("it was listened to for twenty seconds")


def test_bodies_that_never_end(edge: Example) -> None:
    """Goal: each is answered when the patience with it is over, and holds nobody up for longer."""
    with ThreadPoolExecutor(3) as threads:
        short = threads.submit(exchange, edge, head("Content-Length: 500"), CHECK)
        unended = threads.submit(exchange, edge, head("Transfer-Encoding: chunked"), chunks(CHECK))
        dripping = threads.submit(drip, edge)
    assert dripping.result().startswith(b"HTTP/1.1 200")
    # Broken off behind its last brace it is whole JSON; gunicorn forgets what it has read of broken chunks.
    assert code_in(short.result()) in {-31003, -32700}
    assert code_in(unended.result()) in {-31003, -32700}
    assert answered(edge, CHECK) == -31003


def test_callers_who_hang_up(edge: Example) -> None:
    for sent in (head("Content-Length: 500") + CHECK, head("Transfer-Encoding: chunked") + b"5\r\n{"):
        with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
            connection.sendall(sent)
    assert answered(edge, CHECK) == -31003


def test_a_long_statement(edge: Example) -> None:
    """Goal: it comes in pieces and whole, and a client that goes away in the middle harms nobody."""
    now_ms = int(time.time() * 1000)
    ids = [payme_id(number) for number in range(1, 31)]
    for number, transaction in enumerate(ids, 1):
        account = {"order_id": number}
        create = call("CreateTransaction", id=transaction, time=now_ms, amount=500_000, account=account)
        assert answered(edge, create)["state"] == 1
    statement = call("GetStatement", **{"from": now_ms, "to": now_ms})
    assert [row["id"] for row in answered(edge, statement)["transactions"]] == ids
    _, headers, _ = edge.ask("POST", "/payme", statement, AUTHORIZATION)
    assert headers.get("transfer-encoding") == "chunked"
    for _ in range(6):
        with socket.create_connection(("127.0.0.1", edge.port), timeout=20) as connection:
            connection.sendall(head(f"Content-Length: {len(statement)}") + statement)
            assert connection.recv(20)
    assert [row["id"] for row in answered(edge, statement)["transactions"]] == ids


def test_many_at_once_are_answered_alike(edge: Example) -> None:
    account = {"order_id": "b1"}
    create = call(
        "CreateTransaction", id=payme_id(500), time=int(time.time() * 1000), amount=500, account=account
    )
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: answered(edge, create), range(24)))
    assert answers[0]["state"] == 1
    assert answers == [answers[0]] * 24
