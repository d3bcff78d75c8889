"""The gateway's site with its Subscribe API recorded, and disturbed where a fault rule says so."""

from typing import Final

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tiyin.emulator.asking import RECORDED, RESENT_FROM, Dropped
from tiyin.emulator.desk_names import DeskNames
from tiyin.emulator.fault_rules import Rule
from tiyin.emulator.faults import Faults, faulty_answer
from tiyin.emulator.problems import API_ANSWER_LOST, API_REQUEST_LOST, CALLER_GONE, GATEWAY_FAILED
from tiyin.emulator.traffic import Exchange, Hit, Received, Traffic, error_code, method_of, received, sent
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.patience import within
from tiyin.web.subscribe import PATHS

__all__ = ["RecordedSite"]

_BODY_S: Final = 30
_REAL: Final = SystemClock()
_JSON: Final = b"application/json; charset=UTF-8"
_log: Final = get_logger("tiyin.emulator.traffic")


class _Answer(msgspec.Struct):
    """What the application sends, held back until it is whole."""

    messages: list[Message] = []

    async def send(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int | None:
        return self.messages[0]["status"] if self.messages else None

    @property
    def headers(self) -> dict[str, str]:
        return _headers(self.messages[0].get("headers", ())) if self.messages else {}

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages[1:])


class RecordedSite:
    """An ASGI application over the gateway's site; all but the Subscribe API passes through.

    Args:
        site: The gateway's site.
        traffic: Keeps what was asked and answered.
        faults: The rules in force.
        desks: Tells whose caller asks.
        clock: Dates the exchanges.
        address: The emulator's root address.
    """

    def __init__(
        self,
        site: ASGIApp,
        traffic: Traffic,
        faults: Faults,
        desks: DeskNames,
        clock: Clock,
        address: str,
    ) -> None:
        self._site = site
        self._traffic = traffic
        self._faults = faults
        self._desks = desks
        self._clock = clock
        self._address = address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        # What a browser asks before it asks (OPTIONS) is no exchange.
        if scope["type"] != "http" or scope["path"] not in PATHS or scope["method"] == "OPTIONS":
            await self._site(scope, receive, send)
            return
        at_ms, began_s = self._clock.now_ms(), self._clock.monotonic()
        read: list[Message] = []
        await _read_body(receive, read)
        body = b"".join(message.get("body", b"") for message in read)
        asked = _headers(scope["headers"])
        method = method_of(body)
        desk = await self._desks.of_caller(asked.get("x-auth"))
        rule = self._faults.strike("api", None if desk is None else desk.id, method)
        answer = _Answer(messages=[])
        problem: str | None = GATEWAY_FAILED
        try:
            problem = await self._answer(scope, _replayed(read, receive), answer, body, rule)
        finally:
            exchange = Exchange(
                at_ms=at_ms,
                took_ms=int((self._clock.monotonic() - began_s) * 1000),
                direction="api",
                desk=None if desk is None else desk.id,
                desk_name=None if desk is None else desk.name,
                method=method,
                request=sent(scope["method"], f"{self._address}{scope['path']}", asked, body),
                answer=_seen(answer, asked),
                code=error_code(answer.body),
                problem=problem,
                fault=None if rule is None else Hit(rule.id, rule.fault),
                resent_from=scope.get(RESENT_FROM),
            )
            try:
                scope[RECORDED] = self._traffic.add(exchange).number
            except OSError:
                _log.exception("traffic_not_kept")
        if rule is not None and rule.fault in ("drop_before", "drop_after"):
            await _hang_up(receive, send)
            return
        for message in answer.messages:
            await send(message)

    async def _answer(
        self, scope: Scope, receive: Receive, answer: _Answer, body: bytes, rule: Rule | None
    ) -> str | None:
        """Have a request answered, and say what kept the answer from the caller."""
        if rule is not None and rule.fault == "drop_before":
            return API_REQUEST_LOST
        made = None if rule is None else faulty_answer(rule, body)
        if made is not None:
            status, content = made
            if status in (204, 304):
                content = b""  # HTTP has no room for one there
            headers = [(b"content-type", _JSON), (b"content-length", str(len(content)).encode())]
            answer.messages = [
                {"type": "http.response.start", "status": status, "headers": headers},
                {"type": "http.response.body", "body": content},
            ]
            return None
        await self._site(scope, receive, answer.send)
        if rule is not None and rule.delay_ms is not None:
            await _REAL.sleep(rule.delay_ms / 1000)
        if rule is not None and rule.fault == "drop_after":
            return API_ANSWER_LOST
        return None if answer.messages else CALLER_GONE


async def _read_body(receive: Receive, read: list[Message]) -> None:
    """Read a request's body as far as it counts; whoever answers reads on and judges."""

    async def read_all() -> None:
        length = 0
        while length <= BODY_BYTES_MAX:
            message = await receive()
            read.append(message)
            length += len(message.get("body", b""))
            if message["type"] != "http.request" or not message.get("more_body", False):
                return

    try:
        await within(_BODY_S, read_all())
    except TimeoutError:
        return


def _replayed(read: list[Message], receive: Receive) -> Receive:
    waiting = list(reversed(read))

    async def replay() -> Message:
        return waiting.pop() if waiting else await receive()

    return replay


def _headers(pairs: object) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in pairs:  # type: ignore[attr-defined]  # as ASGI has them
        headers.setdefault(name.decode("latin-1").lower(), value.decode("latin-1"))
    return headers


def _seen(answer: _Answer, asked: dict[str, str]) -> Received | None:
    if answer.status is None:
        return None
    return received(answer.status, answer.headers, answer.body, asked)


async def _hang_up(receive: Receive, send: Send) -> None:
    """Cut the connection without a word: ASGI has no message for that; uvicorn itself does it so."""
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        raise Dropped
    transport.close()
    # To end before the server has noticed would look like a broken application.
    while (await receive())["type"] != "http.disconnect":
        pass
