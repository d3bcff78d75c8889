"""The real gateway's site and a real shop's endpoint, listening, with eyes on what they log and store.

Everything runs in one thread with a loop of its own; the tests speak bytes to it over sockets, because much
of what they send no HTTP client would.
"""

import asyncio
import base64
import io
import json
import logging
import re
import socket
import threading
from collections.abc import Awaitable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from helpers_merchant import QuietShop
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway, open_gateway
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.metadata import metadata as gateway_metadata
from tiyin.gateway.migrations import upgrade
from tiyin.gateway.vault import new_vault_key
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.integrations.asgi import payme_app
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.stores.tables import metadata as shop_metadata
from tiyin.protocol.values import Language, Text
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.logs import configure_logs
from tiyin.storage import Store, open_store
from tiyin.web.binding import bind
from tiyin.web.headers import PAGE_HEADERS
from tiyin.web.serving import Server
from tiyin.web.site import SiteSettings, gateway_site

__all__ = [
    "CARDS",
    "CODE",
    "DESK",
    "KEY",
    "SECRETS",
    "SHOP_KEY",
    "TERMINAL",
    "TEST_KEY",
    "TOKEN",
    "Houses",
    "Reply",
    "assert_logged_once",
    "assert_page",
    "encoded",
    "open_houses",
    "write_request",
]

T = TypeVar("T")

DESK = "5e730e8e0b852a417aa49ceb"
TERMINAL = "62d52ce6ca96effd0777a771"
KEY = "Zx9?q@vT#4mWc&Ls%8hJr:B2nKd*Yp6gE~1f"
TEST_KEY = "uH3!kP$7wQz^5tGb+0yMa-R8xVj_Ns4eC,2d"
SHOP_KEY = TEST_KEY
TOKEN = "5e730e8e0b852a417aa49cec_Vb7KqXw2ZrT9mNc4LpHs8JfGd3Yt6QvA"
CODE = "493817"
CARDS = ("8600069195406311", "8600495473316478", "9860010101010106")
SECRETS = (KEY, TEST_KEY, TOKEN, CODE, *CARDS)
"""What may never be found in the log."""

WAIT_S = 15.0


class Reply(msgspec.Struct, frozen=True):
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def page_language(self) -> str:
        found = re.search(rb'<html lang="([a-z]+)">', self.body)
        return found[1].decode() if found else ""


class _Server(Server):
    """The house's own server, which leaves signals to the test runner."""

    def __init__(self, app: Any, sock: socket.socket) -> None:
        self.listens = asyncio.Event()
        super().__init__(app, sock, on_ready=self.listens.set)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Houses:
    """The gateway's site, the shop, and what they leave behind.

    Attributes:
        log: What the configured logging wrote.
        phone: The messages that were sent.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = io.StringIO()
        self.phone: list[tuple[str, str]] = []
        self.sockets = {"gateway": bind("127.0.0.1", 0), "shop": bind("127.0.0.1", 0)}
        self.ports = {name: sock.getsockname()[1] for name, sock in self.sockets.items()}
        self.vault_keys = new_vault_key()
        self.gateway: Gateway
        self.shop_store: Store
        self._loop: asyncio.AbstractEventLoop
        self._ready = threading.Event()
        self._end: asyncio.Event
        self._seen = 0
        self._thread = threading.Thread(target=self._run, name="houses")
        self._error: BaseException | None = None

    async def send_sms(self, phone: str, text: str) -> None:
        """Keep a message; the houses are their own phone."""
        self.phone.append((phone, text))

    def start(self) -> None:
        """Open everything and begin to listen."""
        self._thread.start()
        self._ready.wait(WAIT_S)
        if self._error is not None:
            raise RuntimeError("the houses did not open") from self._error

    def stop(self) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(WAIT_S)

    def run(self, coro: Awaitable[T]) -> T:
        """Run a coroutine in the houses' loop."""

        async def awaited() -> T:
            return await coro

        return asyncio.run_coroutine_threadsafe(awaited(), self._loop).result(WAIT_S)

    def new_lines(self) -> list[dict[str, Any]]:
        """Return what was logged since the last look."""
        text = self.log.getvalue()
        new, self._seen = text[self._seen :], len(text)
        return [json.loads(line) for line in new.splitlines()]

    def rows(self) -> dict[str, int]:
        """Count the rows of every table of both databases."""
        return self.run(self._rows())

    def send(self, house: str, request: bytes, *, wait_s: float = WAIT_S) -> Reply | None:
        """Send the bytes of one request on a connection of its own, and read the answer.

        Args:
            house: `gateway` or `shop`.
            request: Everything, head and body.
            wait_s: How long to wait for an answer.

        Returns:
            The answer; None where the connection was closed without one, or none came in time because the
            request has no end.
        """
        with socket.create_connection(("127.0.0.1", self.ports[house]), timeout=wait_s) as connection:
            try:
                connection.sendall(request)
                return _read_reply(connection.makefile("rb"), head_only=request.startswith(b"HEAD "))
            except (TimeoutError, ConnectionError):
                return None

    def ask(
        self,
        house: str,
        method: str,
        path: str,
        headers: Sequence[tuple[str, str | bytes]] | Mapping[str, str] = (),
        body: bytes | None = None,
    ) -> Reply:
        """Send one request whose frame is right."""
        reply = self.send(house, write_request(method, path, headers, body))
        assert reply is not None, f"{method} {path[:100]} was not answered"
        return reply

    def _run(self) -> None:
        try:
            asyncio.run(self._main())
        except BaseException as error:
            self._error = error
            raise
        finally:
            self._ready.set()

    async def _main(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        async with AsyncExitStack() as stack:
            shop = await self._open_shop(stack)
            site = await self._open_gateway(stack)
            servers = [_Server(site, self.sockets["gateway"]), _Server(shop, self.sockets["shop"])]
            running = [asyncio.create_task(server.listen()) for server in servers]
            await asyncio.gather(*(server.listens.wait() for server in servers))
            self._ready.set()
            await self._end.wait()
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*running)

    async def _open_shop(self, stack: AsyncExitStack) -> Any:
        self.shop_store = await open_store(f"sqlite:///{self.folder / 'shop.db'}")
        stack.push_async_callback(self.shop_store.close)
        api = MerchantApi(QuietShop(), OwnStore(self.shop_store), SHOP_KEY)
        await stack.enter_async_context(api)
        return payme_app(api)

    async def _open_gateway(self, stack: AsyncExitStack) -> Any:
        url = f"sqlite:///{self.folder / 'gateway.db'}"
        await upgrade(url, SystemClock().now_ms())
        gateway = await open_gateway(
            database_url=url,
            vault_keys=self.vault_keys,
            messages=self,
            test_cards=TestCards(),
            allow_private_merchants=True,
        )
        self.gateway = gateway
        stack.push_async_callback(gateway.stop)
        business = await gateway.desks.create_business(name="Online Shop")
        title = Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number")
        await gateway.desks.create_desk(
            business_id=business.id,
            name="Shop",
            kind="billing",
            endpoint=f"http://127.0.0.1:{self.ports['shop']}/payme",
            account_fields=[AccountField("order_id", title, main=True)],
            domains=("shop.uz",),
            desk_id=DESK,
            key=KEY,
            test_key=TEST_KEY,
        )
        await gateway.desks.create_desk(
            business_id=business.id, name="Terminal", kind="virtual-terminal", desk_id=TERMINAL
        )
        await gateway.start()
        return gateway_site(gateway, SiteSettings(public_url=f"http://127.0.0.1:{self.ports['gateway']}"))

    async def _rows(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for prefix, metadata, store in (
            ("gateway", gateway_metadata, self.gateway.store),
            ("shop", shop_metadata, self.shop_store),
        ):
            tables = metadata.sorted_tables
            counted = [sa.select(sa.func.count()).select_from(table).scalar_subquery() for table in tables]
            (row,) = await store.query(sa.select(*counted))
            counts |= {f"{prefix}.{table.name}": int(count) for table, count in zip(tables, row, strict=True)}
        return counts


def write_request(
    method: str,
    path: str,
    headers: Sequence[tuple[str, str | bytes]] | Mapping[str, str] = (),
    body: bytes | None = None,
) -> bytes:
    """Write a request whose frame is right; `Host` is added unless it is there."""
    pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
    names = {name.lower() for name, _ in pairs}
    lines = [f"{method} {path} HTTP/1.1".encode()]
    if "host" not in names:
        lines.append(b"Host: checkout.test")
    lines += [name.encode() + b": " + (v if isinstance(v, bytes) else v.encode()) for name, v in pairs]
    if body is not None and not names & {"content-length", "transfer-encoding"}:
        lines.append(f"Content-Length: {len(body)}".encode())
    return b"\r\n".join([*lines, b"Connection: close", b"", b""]) + (body or b"")


def _read_reply(stream: Any, *, head_only: bool) -> Reply | None:
    status_line = stream.readline()
    if not status_line:
        return None
    headers: dict[str, str] = {}
    while line := stream.readline().decode("latin-1").strip():
        name, _, value = line.partition(":")
        before = headers.get(name.lower())
        headers[name.lower()] = value.strip() if before is None else f"{before}, {value.strip()}"
    body = b""
    if not head_only and "transfer-encoding" in headers:
        body = _read_chunks(stream)
    elif not head_only:
        body = stream.read(int(headers.get("content-length", 0)))
    return Reply(int(status_line.split(b" ")[1]), headers, body)


def _read_chunks(stream: Any) -> bytes:
    body = b""
    while length := int(stream.readline(), 16):
        body += stream.read(length)
        stream.readline()
    return body


@contextmanager
def open_houses(folder: Path) -> Iterator[Houses]:
    """Open both houses for the length of a block, with the logging that a server would have."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    houses = Houses(folder)
    configure_logs("json", "INFO", stream=houses.log)
    try:
        houses.start()
        yield houses
    finally:
        houses.stop()
        root.setLevel(level)
        root.handlers[:] = handlers


def encoded(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    return base64.urlsafe_b64encode(data).decode()


def assert_page(reply: Reply, status: int, language: Language) -> None:
    """A whole page of ours, in the language that was asked for, with all that keeps it ours."""
    assert reply.status == status
    assert reply.page_language == language
    for name, value in PAGE_HEADERS.items():
        assert reply.headers[name.lower()] == value
    assert b"Traceback" not in reply.body
    assert b"<script>" not in reply.body
    assert b"onerror=" not in reply.body.replace(b"onerror=&", b"")


def assert_logged_once(houses: Houses, secrets: tuple[str, ...] = SECRETS) -> None:
    lines = houses.new_lines()
    assert len(lines) == 1, lines
    assert "exception" not in lines[0]
    told = json.dumps(lines, ensure_ascii=False)
    assert not [secret for secret in secrets if secret in told], told
    assert len(told) < 600
