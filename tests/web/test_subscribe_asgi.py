"""The endpoint as a bare ASGI application: what no HTTP client can be made to do on purpose."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from tiyin.gateway.subscribe_api import Answer
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX
from tiyin.runtime.tasks import Tasks
from tiyin.web.subscribe import SubscribeEndpoint


class SlowApi:
    """Answers when the test lets it, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.let_go = asyncio.Event()
        self.done = asyncio.Event()

    async def answer(self, body: bytes, *_: Any) -> Answer:
        self.asked.append(body)
        await self.let_go.wait()
        self.done.set()
        return Answer(b"{}")


class Wire:
    """A connection on which messages come one after the other; then the client is silent or gone."""

    def __init__(self, messages: Sequence[dict[str, Any]]) -> None:
        self.messages = list(messages)
        self.sent: list[Any] = []

    async def receive(self) -> dict[str, Any]:
        if self.messages:
            return self.messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    @property
    def headers(self) -> dict[bytes, bytes]:
        return dict(self.sent[0]["headers"])


SCOPE = {"type": "http", "method": "POST", "path": "/api", "headers": [(b"x-auth", b"a"), (b"x-auth", b"b")]}


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def test_a_cancelled_request_goes_on() -> None:
    """The server cancels the request's task when it stops; the payment inside belongs to the process."""
    api, tasks, wire = SlowApi(), Tasks(), Wire([part(b"{}", more=False)])
    endpoint = SubscribeEndpoint(api, tasks)  # type: ignore[arg-type]  # only `answer` is called
    request = asyncio.create_task(endpoint(SCOPE, wire.receive, wire.send))
    while not api.asked:  # noqa: ASYNC110 - the loop has to turn a few times, nothing signals it
        await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert len(tasks) == 1
    api.let_go.set()
    assert await tasks.drain(1) == ()
    assert api.done.is_set()
    assert wire.sent == []


async def test_a_client_that_leaves_in_the_middle_of_its_body_asks_nothing() -> None:
    api, wire = SlowApi(), Wire([part(b'{"id"', more=True), {"type": "http.disconnect"}])
    await SubscribeEndpoint(api, Tasks())(SCOPE, wire.receive, wire.send)  # type: ignore[arg-type]  # as above
    assert api.asked == []
    assert wire.sent == []


async def test_an_endless_body_is_neither_kept_nor_read_for_ever() -> None:
    """A hundred megabytes in parts: the API gets one just over its cap, and most parts are left."""
    api = SlowApi()
    api.let_go.set()
    wire = Wire([part(b"x" * 65_536, more=True)] * 1600)
    await SubscribeEndpoint(api, Tasks())(SCOPE, wire.receive, wire.send)  # type: ignore[arg-type]  # as above
    assert BODY_BYTES_MAX < len(api.asked[0]) <= BODY_BYTES_MAX + 65_536
    assert len(wire.messages) > 1500
    assert wire.headers[b"connection"] == b"close"


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiyin.web.subscribe._BODY_S", 0.02)
    api, wire = SlowApi(), Wire([part(b"{", more=True)])
    await SubscribeEndpoint(api, Tasks())(SCOPE, wire.receive, wire.send)  # type: ignore[arg-type]  # as above
    assert api.asked == []
    assert wire.sent[0]["status"] == 200
    assert b"-32300" in wire.sent[1]["body"]
    assert wire.headers[b"connection"] == b"close"
