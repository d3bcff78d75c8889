"""A caller who promises a body and does not send it holds a connection for a while, and not for ever."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request

from helpers_merchant import KEY, QuietShop
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations import asgi
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.errors import RpcError
from tiyin.runtime.tasks import Tasks
from tiyin.web import subscribe
from tiyin.web.checkout import typed


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "_BODY_PATIENCE_S", 0.05)
    monkeypatch.setattr(subscribe, "_BODY_S", 0.05)
    monkeypatch.setattr(typed, "_FORM_S", 0.05, raising=False)


def scope(headers: list[tuple[bytes, bytes]]) -> dict[str, Any]:
    return {"type": "http", "method": "POST", "path": "/api", "headers": headers, "client": ("127.0.0.1", 1)}


class Caller:
    """Sends some messages, then nothing; keeps what it is answered."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self._messages = list(messages)
        self.headers: dict[bytes, bytes] = {}
        self.body = b""

    async def receive(self) -> dict[str, Any]:
        if self._messages:
            return self._messages.pop(0)
        await asyncio.Event().wait()
        raise AssertionError

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.headers = dict(message["headers"])
        self.body += message.get("body", b"")


PART = {"type": "http.request", "body": b'{"id": 1, ', "more_body": True}


@pytest.mark.parametrize("messages", [[], [PART], [PART, PART]], ids=["nothing", "a part", "two parts"])
async def test_merchant_api(tmp_path: Path, messages: list[dict[str, Any]]) -> None:
    async with MerchantApi(QuietShop(), f"sqlite:///{tmp_path / 'payme.db'}", KEY) as api:
        caller = Caller(*messages)
        headers = [(b"authorization", write_basic("Paycom", KEY).encode())]
        async with asyncio.timeout(2):
            await asgi.payme_app(api)(scope(headers), caller.receive, caller.send)
    assert json.loads(caller.body)["error"]["code"] == -32700
    assert caller.headers[b"connection"] == b"close"


@pytest.mark.parametrize("messages", [[], [PART], [PART, PART]], ids=["nothing", "a part", "two parts"])
async def test_subscribe_api(messages: list[dict[str, Any]]) -> None:
    # The gateway is not asked: nothing came that could be answered by it.
    endpoint = subscribe.SubscribeEndpoint(SubscribeApi(None), Tasks())  # type: ignore[arg-type]
    caller = Caller(*messages)
    async with asyncio.timeout(2):
        await endpoint(scope([]), caller.receive, caller.send)
    assert json.loads(caller.body)["error"]["code"] == -32300
    assert caller.headers[b"connection"] == b"close"


async def test_forms() -> None:
    caller = Caller(PART)
    with pytest.raises(RpcError):
        async with asyncio.timeout(0.2):
            await typed.read_fields(Request(scope([]), caller.receive))
