"""The sandbox's client: whatever a server does, it becomes an exchange, soon, and shows no key."""

import asyncio
import base64
import json
import ssl
from pathlib import Path
from typing import Any

import pytest

from helpers_wire import Handler, Seen, answer, answering, json_answer, raw_server, read_request
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.addresses import StaticResolver
from tiyin.sandbox.caller import RECONNECTED, Caller
from tiyin.sandbox.exchange import Failure, Request
from tiyin.sandbox.wire import BODY_BYTES_MAX
from tiyin.sandbox.wire_secrets import WRONG_AUTHORIZATION, Hiding

KEY = 'q?&%:"key/of+36=characters-and-more'
OK = json_answer({"result": {}})


async def send(
    url: str, *, body: bytes = b"{}", timeout_ms: int = 10_000, cut: bool = False
) -> tuple[Any, Failure | None, str]:
    caller = Caller(allow_private=True, secrets=(KEY, f"Paycom:{KEY}"))
    try:
        exchange = await caller.send(url, Request(body=body, timeout_ms=timeout_ms, cut=cut))
        return exchange.answer, exchange.failure, exchange.detail
    finally:
        await caller.close()


async def test_an_answer_comes_whole_with_its_status_and_headers() -> None:
    async with raw_server(answering(lambda _: answer(b"[1]", "500 Oh", "X-One: a\r\n"))) as seen:
        found, failure, detail = await send(seen.url, body=b'{"a": 1}')
    assert failure is None
    assert detail == ""
    assert (found.status, found.body, found.header("x-one")) == (500, b"[1]", "a")
    assert seen.bodies == [b'{"a": 1}']
    assert seen.heads[0].startswith(b"POST /payme HTTP/1.1\r\nHost: 127.0.0.1:")


async def test_a_redirect_is_an_answer() -> None:
    async with raw_server(answering(lambda _: answer(b"", "302 Found", "Location: /login\r\n"))) as seen:
        found, failure, _ = await send(seen.url)
    assert failure is None
    assert (found.status, found.header("location")) == (302, "/login")
    assert len(seen.heads) == 1


async def test_a_chunked_answer_and_one_that_ends_with_the_connection_are_whole() -> None:
    async def chunked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await read_request(reader, seen)
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(b"2\r\n{}\r\n0\r\n\r\n")
        await writer.drain()

    async def closing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await read_request(reader, seen)
        writer.write(b"HTTP/1.0 200 OK\r\n\r\n{}")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    for handle in (chunked, closing):
        async with raw_server(handle) as seen:
            found, failure, _ = await send(seen.url)
        assert failure is None
        assert found.body == b"{}"


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
    del writer
    await read_request(reader, seen)
    await asyncio.Event().wait()


async def _drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
    await read_request(reader, seen)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
    await read_request(reader, seen)
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


async def _endless_head(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
    await read_request(reader, seen)
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X-More: more\r\n" * 100)
        await writer.drain()


async def _endless_informing(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
    await read_request(reader, seen)
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n" * 1000)
        await writer.drain()


def _says(data: bytes) -> Handler:
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await read_request(reader, seen)
        writer.write(data)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return handle


@pytest.mark.parametrize(
    ("handle", "failure", "word"),
    [
        pytest.param(_hang, Failure.TIMEOUT, "no answer", id="hangs"),
        pytest.param(_drip, Failure.TIMEOUT, "no end", id="drips"),
        pytest.param(_endless_body, Failure.TOO_LONG, "body", id="endless-body"),
        pytest.param(_endless_head, Failure.TOO_LONG, "headers", id="endless-head"),
        pytest.param(_endless_informing, Failure.TOO_LONG, "no end", id="endless-1xx"),
        pytest.param(_says(b""), Failure.CLOSED, "before any byte", id="closes"),
        pytest.param(
            _says(b"HTTP/1.1 200 OK\r\nCont"), Failure.CLOSED, "before the answer's end", id="cut-head"
        ),
        pytest.param(
            _says(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"), Failure.CLOSED, "end", id="cut-body"
        ),
        pytest.param(_says(b"SSH-2.0-OpenSSH_9.9\r\n"), Failure.NOT_HTTP, "SSH", id="ssh"),
        pytest.param(_says(b"{}"), Failure.NOT_HTTP, "{}", id="bare-json"),
        pytest.param(_says(b"HTTP/1.1 two hundred\r\n\r\n"), Failure.NOT_HTTP, "", id="bad-status"),
    ],
)
async def test_a_bad_server_is_told_by_its_kind(handle: Handler, failure: Failure, word: str) -> None:
    timeout_ms = 400 if failure is Failure.TIMEOUT else 20_000
    async with raw_server(handle) as seen:
        found, failed, detail = await send(seen.url, timeout_ms=timeout_ms)
    assert found is None
    assert failed is failure
    assert word in detail


async def test_nobody_listens() -> None:
    async with raw_server(_hang) as seen:
        url = seen.url
    assert (await send(url))[1] is Failure.NOT_CONNECTED


async def test_the_longest_body_is_still_read() -> None:
    async with raw_server(answering(lambda _: answer(b" " * BODY_BYTES_MAX))) as seen:
        caller = Caller(allow_private=True, secrets=())
        sent = await caller.send_raw(seen.url, Request(body=b"{}"))
        await caller.close()
    assert sent.answer is not None
    assert len(sent.answer.body) == BODY_BYTES_MAX
    assert sent.exchange.answer is not None
    assert len(sent.exchange.answer.body) < 70_000, "what is shown has its bound"


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("ftp://example.com/", "http"),
        ("https://", "host"),
        ("https://user:secret@example.com/", "login"),
        ("https://example.com:99999/", ""),
        ("https://exa mple.com/", "spaces"),
        ("https://example.com\r\nX: y/", "spaces"),
        ("https://nowhere.example/", "not known"),
        ("https://inside.example/", "no address"),
        ("https://metadata.example/", "no address"),
        ("https://10.0.0.1/", "no address"),
        ("https://[::1]/", "no address"),
        ("https://2130706433/", ""),
        ("http://outside.example/", "https://"),
    ],
)
async def test_an_address_that_may_not_be_called_is_not(url: str, word: str) -> None:
    table = {
        "inside.example": ["127.0.0.1", "10.1.1.1"],
        "metadata.example": ["169.254.169.254"],
        "outside.example": ["8.8.8.8"],
    }
    caller = Caller(allow_private=False, secrets=(), resolver=StaticResolver(table))
    exchange = await caller.send(url, Request(body=b"{}"))
    assert exchange.failure is Failure.REFUSED_ADDRESS
    assert word in exchange.detail
    assert "secret" not in repr(exchange)


async def test_a_name_leads_to_the_judged_address_and_stays_in_the_host_header() -> None:
    async with raw_server(answering(lambda _: OK)) as seen:
        port = int(seen.url.rpartition(":")[2].partition("/")[0])
        resolver = StaticResolver({"shop.example": ["169.254.169.254", "127.0.0.1"]})
        caller = Caller(allow_private=True, secrets=(), resolver=resolver)
        exchange = await caller.send(f"http://shop.example:{port}/a?b=c#d", Request(body=b"{}"))
        await caller.close()
    assert exchange.failure is None
    assert seen.heads[0].startswith(f"POST /a?b=c HTTP/1.1\r\nHost: shop.example:{port}\r\n".encode())


async def test_a_certificate_that_nobody_trusts_and_one_that_is_trusted(tmp_path: Path) -> None:
    certificate = _certificate(tmp_path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate))
    async with raw_server(answering(lambda _: OK), tls=server) as seen:
        assert (await send(seen.url))[1] is Failure.TLS
        caller = Caller(allow_private=True, secrets=(), tls=trusting)
        exchange = await caller.send(seen.url, Request(body=b"{}"))
        cut = await caller.send(seen.url, Request(body=b'{"cut": 1}', cut=True))
        await seen.until(2)
        await caller.close()
    assert exchange.failure is None
    assert cut.failure is Failure.CUT
    assert seen.bodies[1] == b'{"cut": 1}'


async def test_tls_to_a_server_without_it() -> None:
    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        del seen
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await reader.read()

    async with raw_server(plain) as seen:
        assert (await send(seen.url.replace("http://", "https://")))[1] is Failure.TLS


async def test_a_connection_is_kept_and_used_by_one_request_at_a_time() -> None:
    async with raw_server(answering(lambda _: OK)) as seen:
        caller = Caller(allow_private=True, secrets=())
        one = await caller.send(seen.url, Request(body=b"{}"))
        two = await caller.send(seen.url, Request(body=b"{}"))
        assert (one.connection, two.connection, seen.connections) == (1, 1, 1)
        at_once = await asyncio.gather(*(caller.send(seen.url, Request(body=b"{}")) for _ in range(5)))
        assert len({exchange.connection for exchange in at_once}) == 5
        await caller.close()


async def test_a_connection_that_says_close_is_not_kept() -> None:
    closing = answer(b"{}", headers="Connection: close\r\n")
    async with raw_server(answering(lambda _: closing)) as seen:
        caller = Caller(allow_private=True, secrets=())
        used = [(await caller.send(seen.url, Request(body=b"{}"))).connection for _ in range(3)]
        await caller.close()
    assert used == [1, 2, 3]


async def test_a_kept_connection_that_was_closed_is_opened_anew_once() -> None:
    async def one_each(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        await read_request(reader, seen)
        writer.write(OK)
        await writer.drain()
        await read_request(reader, seen)

    async with raw_server(one_each) as seen:
        caller = Caller(allow_private=True, secrets=())
        one = await caller.send(seen.url, Request(body=b"1"))
        two = await caller.send(seen.url, Request(body=b"2"))
        await caller.close()
    assert (one.detail, two.detail) == ("", RECONNECTED)
    assert two.failure is None
    assert (one.connection, two.connection) == (1, 2)
    assert seen.bodies == [b"1", b"2", b"2"]


async def test_a_cut_request_arrives_whole_and_its_answer_is_lost() -> None:
    body = b'{"long": "' + b"x" * 20_000_000 + b'"}'
    async with raw_server(answering(lambda _: OK)) as seen:
        found, failure, _ = await send(seen.url, body=body, cut=True)
        await seen.until(1)
    assert (found, failure) == (None, Failure.CUT)
    assert seen.bodies == [body]


async def test_no_key_is_shown_in_any_spelling() -> None:
    encoded = base64.b64encode(f"Paycom:{KEY}".encode()).decode()
    echo = json.dumps({"key": KEY, "auth": f"Basic {encoded}", "bare": encoded.rstrip("=")}).encode()
    async with raw_server(answering(lambda _: answer(echo, headers=f"X-Echo: {encoded}\r\n"))) as seen:
        caller = Caller(allow_private=True, secrets=(KEY, f"Paycom:{KEY}"))
        headers = (("Authorization", write_basic("Paycom", KEY)), ("X-Other", KEY))
        sent = await caller.send_raw(seen.url, Request(body=json.dumps({"x": KEY}).encode(), headers=headers))
        await caller.close()
    assert sent.answer is not None
    assert sent.answer.body == echo, "what is read is what came"
    shown = repr(sent.exchange)
    assert KEY not in shown
    assert json.dumps(KEY)[1:-1] not in shown
    assert encoded.rstrip("=") not in shown
    assert ("Authorization", "Basic ***") in sent.exchange.headers
    assert sent.exchange.body == b'{"x": "***"}'


def test_the_documented_wrong_authorization_is_shown_and_others_keep_only_their_scheme() -> None:
    hiding = Hiding((KEY,))
    headers = (
        ("Authorization", WRONG_AUTHORIZATION),
        ("authorization", "Bearer abc"),
        ("AUTHORIZATION", "abc"),
        ("Set-Cookie", "s=1"),
        ("X", "1"),
    )
    assert [value for _, value in hiding.headers(headers)] == [
        WRONG_AUTHORIZATION,
        "Bearer ***",
        "***",
        "***",
        "1",
    ]


def test_a_card_number_is_masked() -> None:
    assert b"8600069195406311" not in Hiding(()).body(b'{"number": "8600069195406311"}')


async def test_a_header_that_cannot_be_written_is_the_callers_mistake() -> None:
    async with raw_server(answering(lambda _: OK)) as seen:
        caller = Caller(allow_private=True, secrets=())
        with pytest.raises(ValueError, match="cannot be written"):
            await caller.send(seen.url, Request(body=b"{}", headers=(("X", "a\r\nY: b"),)))
        await caller.close()


def _certificate(folder: Path) -> Path:
    """Write a certificate for 127.0.0.1 with its key, good for a day."""
    import datetime as dt  # noqa: PLC0415 - used here alone
    import ipaddress  # noqa: PLC0415

    from cryptography import x509  # noqa: PLC0415
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path
