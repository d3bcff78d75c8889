"""Senders over HTTP against a real server on 127.0.0.1, through the guarded client."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import msgspec
import pytest

from tiyin.gateway.notifications.eskiz import EskizAccount, EskizSender
from tiyin.gateway.notifications.port import SendingFailed, SendingLater, SendingRefused, SendingUnknown
from tiyin.gateway.notifications.telegram import TelegramSender
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.http import HttpAnswer, HttpCall, NotSent, ScriptedHttp

PHONE = "998901234531"
TOKEN = "123456:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
LATER = {"ok": False, "error_code": 429, "parameters": {"retry_after": 7}}


class Site:
    """A server that answers what a function says: status and JSON, or None to cut the connection."""

    def __init__(self, answer: Callable[[str, dict[str, str], bytes], tuple[int, Any] | None]) -> None:
        self._answer = answer
        self.port = 0
        self.paths: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        line, *fields = head.strip().split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        path = line.split(" ")[1]
        self.paths.append(path)
        told = self._answer(path, headers, body)
        if told is not None:
            data = msgspec.json.encode(told[1])
            start = f"HTTP/1.1 {told[0]} X\r\nContent-Length: {len(data)}\r\nConnection: close\r\n\r\n"
            writer.write(start.encode() + data)
            await writer.drain()
        writer.close()


class Eskiz:
    """An SMS service: a token is good until `forget` is called."""

    def __init__(self) -> None:
        self.good = 0
        self.logins = 0
        self.taken: list[dict[str, list[str]]] = []
        self.script: list[tuple[int, Any] | None] = []

    def answer(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any] | None:
        form = parse_qs(body.decode())
        if path == "/api/auth/login":
            self.logins += 1
            if form["password"] != ["secret"]:
                return 401, {"message": "Invalid credentials"}
            self.good += 1
            return 200, {"message": "token_generated", "data": {"token": f"token-{self.good}"}}
        assert path == "/api/message/sms/send"
        if headers["authorization"] != f"Bearer token-{self.good}":
            return 401, {"message": "Expired"}
        if self.script:
            return self.script.pop(0)
        self.taken.append(form)
        return 200, {"id": "x", "status": "waiting", "message": "Waiting for SMS provider"}


Open = Callable[[Callable[[str, dict[str, str], bytes], tuple[int, Any] | None]], Awaitable[Site]]


@pytest.fixture
async def open_site() -> AsyncIterator[Open]:
    servers: list[asyncio.Server] = []

    async def opened(answer: Callable[[str, dict[str, str], bytes], tuple[int, Any] | None]) -> Site:
        site = Site(answer)
        server = await asyncio.start_server(site.serve, "127.0.0.1", 0)
        servers.append(server)
        site.port = server.sockets[0].getsockname()[1]
        return site

    yield opened
    for server in servers:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def http() -> AsyncIterator[GuardedHttp]:
    http = GuardedHttp(allow_private=True)
    yield http
    await http.close()


def eskiz_at(site: Site, http: GuardedHttp, password: str = "secret") -> EskizSender:
    url = f"http://127.0.0.1:{site.port}"
    return EskizSender(EskizAccount(url=url, email="a@b.uz", password=password, source="4546"), http)


async def test_one_login_serves_many_messages_and_another_follows_when_it_ran_out(
    open_site: Open, http: GuardedHttp
) -> None:
    service = Eskiz()
    sender = eskiz_at(await open_site(service.answer), http)
    await asyncio.gather(*(sender.send_sms(PHONE, f"Toʻlov {number}") for number in range(5)))
    assert service.logins == 1
    assert sorted(form["message"] for form in service.taken) == [[f"To'lov {number}"] for number in range(5)]
    assert service.taken[0]["mobile_phone"] == [PHONE]
    assert service.taken[0]["from"] == ["4546"]

    service.good += 1
    await asyncio.gather(*(sender.send_sms(PHONE, "again") for _ in range(5)))
    assert service.logins == 2
    assert len(service.taken) == 10


@pytest.mark.parametrize(
    ("told", "kind", "word"),
    [
        ((400, {}), SendingRefused, "http_400"),
        ((422, {}), SendingRefused, "http_422"),
        ((429, {}), SendingLater, "throttled"),
        ((500, {}), SendingUnknown, "http_500"),
        ((502, {}), SendingUnknown, "http_502"),
        ((302, {}), SendingUnknown, "http_302"),
        ((200, {"status": "error"}), SendingRefused, "service_error"),
        (None, SendingUnknown, "no_answer"),
    ],
)
async def test_what_an_answer_of_the_service_means(
    open_site: Open, http: GuardedHttp, told: tuple[int, Any] | None, kind: type[SendingFailed], word: str
) -> None:
    service = Eskiz()
    service.script = [told]
    sender = eskiz_at(await open_site(service.answer), http)
    with pytest.raises(SendingFailed) as failed:
        await sender.send_sms(PHONE, "text")
    assert (type(failed.value), failed.value.word) == (kind, word)
    assert service.taken == [], "it never repeats on its own"


async def test_a_login_that_fails_is_for_later_and_is_tried_once(open_site: Open, http: GuardedHttp) -> None:
    service = Eskiz()
    site = await open_site(service.answer)
    sender = eskiz_at(site, http, "wrong")
    with pytest.raises(SendingLater, match="login_refused"):
        await sender.send_sms(PHONE, "text")
    assert site.paths == ["/api/auth/login"]
    assert "wrong" not in repr(sender)


async def test_a_token_that_is_never_taken_ends_after_one_more_login() -> None:
    def script(call: HttpCall) -> HttpAnswer:
        if call.url.endswith("login"):
            return HttpAnswer(200, {}, b'{"data": {"token": "t"}}')
        return HttpAnswer(401, {}, b"{}")

    http = ScriptedHttp(script)
    sender = EskizSender(EskizAccount(url="https://e", email="a", password="b", source="c"), http)
    with pytest.raises(SendingLater, match="http_401"):
        await sender.send_sms(PHONE, "text")
    assert len(http.calls) == 4


async def test_telegram_sends_html_to_a_chat(open_site: Open, http: GuardedHttp) -> None:
    bodies: list[Any] = []

    def answer(_: str, __: dict[str, str], body: bytes) -> tuple[int, Any]:
        bodies.append(msgspec.json.decode(body))
        return 200, {"ok": True, "result": {}}

    site = await open_site(answer)
    sender = TelegramSender(TOKEN, http, url=f"http://127.0.0.1:{site.port}")
    await sender.send_telegram("-100777", "<b>Чек</b>")
    assert site.paths == [f"/bot{TOKEN}/sendMessage"]
    assert bodies[0]["chat_id"] == "-100777"
    assert (bodies[0]["text"], bodies[0]["parse_mode"]) == ("<b>Чек</b>", "HTML")


@pytest.mark.parametrize(
    ("told", "kind", "word", "after_ms"),
    [
        ((400, {"ok": False, "error_code": 400}), SendingRefused, "bad_request", 0),
        ((403, {"ok": False, "error_code": 403}), SendingRefused, "blocked", 0),
        ((401, {"ok": False, "error_code": 401}), SendingRefused, "token", 0),
        ((429, LATER), SendingLater, "throttled", 7_000),
        ((500, {"ok": False, "error_code": 500}), SendingUnknown, "error_500", 0),
        ((502, "bad gateway"), SendingUnknown, "error_502", 0),
        (None, SendingUnknown, "no_answer", 0),
    ],
)
async def test_what_an_answer_of_telegram_means_and_that_no_token_is_told(
    open_site: Open,
    http: GuardedHttp,
    caplog: pytest.LogCaptureFixture,
    told: tuple[int, Any] | None,
    kind: type[SendingFailed],
    word: str,
    after_ms: int,
) -> None:
    site = await open_site(lambda *_: told)
    sender = TelegramSender(TOKEN, http, url=f"http://127.0.0.1:{site.port}")
    with caplog.at_level(logging.DEBUG), pytest.raises(SendingFailed) as failed:
        await sender.send_telegram("777", "text")
    assert (type(failed.value), failed.value.word, failed.value.after_ms) == (kind, word, after_ms)
    assert TOKEN not in caplog.text + repr(sender) + repr(failed.value)


async def test_what_no_call_is_made_for() -> None:
    def not_there(_: HttpCall) -> HttpAnswer:
        raise NotSent("nobody")

    http = ScriptedHttp(not_there)
    with pytest.raises(SendingRefused, match="chat_id"):
        await TelegramSender(TOKEN, http).send_telegram("../x", "text")
    assert http.calls == []
    with pytest.raises(SendingLater, match="not_connected"):
        await TelegramSender(TOKEN, http).send_telegram("777", "text")
    with pytest.raises(ValueError, match="no token"):
        TelegramSender("123/../x", http)
