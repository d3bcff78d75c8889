"""A whole gateway without merchants, and a plain HTTP client that sends exactly what a test writes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec
import uvicorn

from helpers_cards import DESK_ID, KEY, OTHER_DESK_ID, TEST_KEY, Phone, new_vault
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway
from tiyin.gateway.cards import Issuer, TestIssuer
from tiyin.gateway.metadata import metadata
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.http import HttpAnswer, HttpCall, ScriptedHttp
from tiyin.runtime.ids import SeededIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import open_store

__all__ = ["HttpReply", "Served", "open_gateway_for_tests", "request_body", "send_http", "serve"]

HEADERS_MAX = 64 * 1024


class HttpReply(msgspec.Struct):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Served(msgspec.Struct):
    """An endpoint that listens."""

    port: int
    gateway: Gateway
    phone: Phone

    async def post(self, body: bytes, path: str = "/api", **headers: str) -> HttpReply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await send_http(self.port, "POST", path, named, body)

    async def call(self, method: str, params: Any, *, key: bool = False, **headers: str) -> Any:
        """Call one method as the shop's desk, and answer the reply's JSON."""
        x_auth = f"{DESK_ID}:{KEY}" if key else DESK_ID
        reply = await self.post(request_body(method, params), x_auth=x_auth, **headers)
        assert reply.status == 200
        return reply.json


def request_body(method: str, params: Any, request_id: Any = 123) -> bytes:
    return json.dumps({"id": request_id, "method": method, "params": params}).encode()


async def no_merchant(call: HttpCall) -> HttpAnswer:
    raise AssertionError(f"no merchant should be called: {call}")


async def open_gateway_for_tests(
    url: str, phone: Phone, *, issuer: Issuer | None = None, clock: Clock | None = None
) -> Gateway:
    """Open a gateway with two virtual terminals; the first has the domain shop.uz."""
    store = await open_store(url)
    await store.create_tables(metadata)
    clock, cards = SystemClock() if clock is None else clock, TestCards()
    gateway = Gateway(
        store=store,
        clock=clock,
        ids=SeededIds(3),
        tasks=Tasks(),
        http=ScriptedHttp(no_merchant),
        acquirer=TestAcquirer(store, clock, cards),
        issuer=TestIssuer(cards) if issuer is None else issuer,
        messages=phone,
        vault=new_vault(),
        test=True,
    )
    business = await gateway.desks.create_business(name="Online Shop", organization="ЧП «Online Shop»")
    await gateway.desks.create_desk(
        business_id=business.id,
        name="Online Shop LLC",
        kind="virtual-terminal",
        domains=("shop.uz",),
        desk_id=DESK_ID,
        key=KEY,
        test_key=TEST_KEY,
    )
    await gateway.desks.create_desk(
        business_id=business.id, name="Terminal", kind="virtual-terminal", desk_id=OTHER_DESK_ID
    )
    return gateway


class QuietServer(uvicorn.Server):
    """A server that leaves signals to the test runner and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens = asyncio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets=sockets)
        self.listens.set()


@asynccontextmanager
async def serve(app: Any) -> AsyncIterator[int]:
    """Serve an ASGI application with uvicorn in this process, on a free port."""
    config = uvicorn.Config(app, port=0, lifespan="off", log_config=None, access_log=False, ws="none")
    server = QuietServer(config)
    running = asyncio.create_task(server.serve())
    await server.listens.wait()
    yield server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    await running


async def send_http(
    port: int, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b""
) -> HttpReply:
    """Send one request on a connection of its own and read the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    lines = [f"{method} {path} HTTP/1.1", "Host: checkout.test"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode("utf-8") + body)
    head = await reader.readuntil(b"\r\n\r\n")
    status_line, *header_lines = head.decode("latin-1").strip().split("\r\n")
    found = {}
    for line in header_lines:
        name, _, value = line.partition(":")
        found[name.lower()] = value.strip()
    content = await reader.readexactly(int(found.get("content-length", "0"))) if method != "HEAD" else b""
    writer.close()
    await writer.wait_closed()
    return HttpReply(int(status_line.split(" ")[1]), found, content)
