"""Goal: a database that cannot be used is the documented system error, and nothing worse.

Method: a gateway serves over SQLite and PostgreSQL, and its database is made full, read-only, locked, or is
gone. Whatever writes then answers -32400 over HTTP 200, without a word of what is behind; what only reads is
answered where the database can. When it is whole again the same process pays, and `verify` finds nothing.
"""

import asyncio
import contextlib
import json
import os
import pwd
import subprocess
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import apsw
import asyncpg
import pytest

from helpers_storage import ACCOUNT, PostgresServer
from tiyin.gateway import app as gateway_app
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway, open_gateway
from tiyin.gateway.migrations import upgrade
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.vault import new_vault_key
from tiyin.gateway.verify import verify
from tiyin.runtime.clock import SystemClock
from tiyin.storage import Store
from tiyin.storage.postgres import connection as postgres_connection
from tiyin.storage.postgres.store import open_postgres
from tiyin.storage.sqlite.store import SqliteStore
from tiyin.web.binding import bind
from tiyin.web.serving import Server
from tiyin.web.site import SiteSettings, gateway_site

CARD = "8600069195406311"
AMOUNT_TIYIN = 500_000
PAID = 4
RECEIPTS_MAX = 500
SYSTEM = -32400
HIDDEN = ("SQL", "sql", "postgres", "/", "disk", "Traceback", "locked", "read-only", "readonly", "tiyin")
"""What an answer to a stranger must not tell."""

Trouble = Callable[[], AbstractAsyncContextManager[None]]


class _Server(Server):
    """The house's own server, which leaves signals to the test runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class Till:
    """A cash desk without a shop's server, and the gateway behind it."""

    def __init__(self, gateway: Gateway, port: int, desk: str, key: str) -> None:
        self.gateway = gateway
        self._port = port
        self._auth = f"{desk}:{key}"

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method over HTTP; the whole answer."""
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        head = f"POST /api HTTP/1.1\r\nHost: t\r\nX-Auth: {self._auth}\r\nConnection: close\r\n"
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            told, _, answer = (await asyncio.wait_for(reader.read(), 30)).partition(b"\r\n\r\n")
        finally:
            writer.close()
        assert told.startswith(b"HTTP/1.1 200 ")
        return json.loads(answer)

    async def result(self, method: str, **params: Any) -> Any:
        """Call a method that must answer a result."""
        answer = await self.call(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    async def token(self) -> str:
        """Make a token that pays."""
        made = await self.result("cards.create", card={"number": CARD, "expire": "0399"}, save=True)
        token = str(made["card"]["token"])
        await self.result("cards.get_verify_code", token=token)
        await self.result("cards.verify", token=token, code="666666")
        return token

    async def receipt(self) -> str:
        """Make a receipt."""
        made = await self.result("receipts.create", amount=AMOUNT_TIYIN, account={})
        return str(made["receipt"]["_id"])


@asynccontextmanager
async def serving(url: str) -> AsyncIterator[Till]:
    """Serve a gateway over a database, with a desk that needs nobody else."""
    await upgrade(url, SystemClock().now_ms())
    sock = bind("127.0.0.1", 0)
    gateway = await open_gateway(
        database_url=url,
        vault_keys=new_vault_key(),
        messages=LogMessages(show=True),
        test_cards=TestCards(),
    )
    site = gateway_site(gateway, SiteSettings(public_url="http://127.0.0.1"))
    server = _Server(site, sock)
    running = asyncio.create_task(server.listen())
    try:
        business = await gateway.desks.create_business(name="Shops")
        desk, key, _ = await gateway.desks.create_desk(
            business_id=business.id, name="Terminal", kind="virtual-terminal"
        )
        await gateway.start()
        yield Till(gateway, sock.getsockname()[1], desk.id, key)
    finally:
        server.should_exit = True
        await running
        await site.close()
        await gateway.stop()


def assert_system_error(answer: Any) -> None:
    """The documented error for what went wrong here, with a text for people and nothing of what is behind."""
    assert answer["error"]["code"] == SYSTEM, answer
    told = answer["error"]["message"]
    assert isinstance(told, str)
    assert told
    assert not [word for word in HIDDEN if word in told], told


async def until_refused(till: Till) -> Any:
    """Make receipts until one has no room any more; its answer."""
    for _ in range(RECEIPTS_MAX):
        answer = await till.call("receipts.create", amount=AMOUNT_TIYIN, account={})
        if "error" in answer:
            return answer
    raise AssertionError("there was always room")


async def is_refused_and_recovers(
    till: Till, trouble: Trouble, *, readable: bool, full: bool = False
) -> None:
    """Meet the trouble, see what is answered, and pay when it is over.

    Args:
        till: Where.
        trouble: Makes the trouble for the length of a block.
        readable: Whether the database can still be read.
        full: Whether the trouble is a lack of room: what is small may still fit.
    """
    token, receipt_id = await till.token(), await till.receipt()
    async with trouble():
        if full:
            assert_system_error(await until_refused(till))
        else:
            answers = await asyncio.gather(
                till.call("receipts.create", amount=AMOUNT_TIYIN, account={}),
                till.call("cards.create", card={"number": CARD, "expire": "0399"}),
                till.call("receipts.pay", id=receipt_id, token=token),
            )
            for answer in answers:
                assert_system_error(answer)
        looked = await till.call("receipts.check", id=receipt_id)
        if readable:
            assert looked["result"] == {"state": 0}
        else:
            assert_system_error(looked)
    paid = await till.result("receipts.pay", id=receipt_id, token=token)
    assert paid["receipt"]["state"] == PAID
    again = await till.result("receipts.pay", id=await till.receipt(), token=await till.token())
    assert again["receipt"]["state"] == PAID
    assert not (await verify(till.gateway.store)).findings


@pytest.fixture(autouse=True)
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The patience of a server is too long for a test."""

    async def opened(url: str) -> Store:
        if url.startswith("postgres"):
            return await open_postgres(url, patience_s=1.5)
        return SqliteStore(Path(url.removeprefix("sqlite:///")), busy_ms=300)

    monkeypatch.setattr(gateway_app, "open_store", opened)
    monkeypatch.setattr(postgres_connection, "LOCK_MS", 300)
    monkeypatch.setitem(postgres_connection._SETTINGS, "lock_timeout", "300")  # noqa: SLF001


def writer_of(till: Till) -> apsw.Connection:
    """The connection that writes."""
    store = till.gateway.store
    assert isinstance(store, SqliteStore)
    return store._writer.connection  # noqa: SLF001  # its limits are a connection's own


async def test_sqlite_is_full(sqlite_url: str) -> None:
    async with serving(sqlite_url) as till:

        @asynccontextmanager
        async def full() -> AsyncIterator[None]:
            connection = writer_of(till)
            pages = int(str(connection.pragma("page_count")))
            connection.pragma("max_page_count", pages)
            yield
            connection.pragma("max_page_count", 2**30)

        await is_refused_and_recovers(till, full, readable=True, full=True)


async def test_sqlite_is_read_only(sqlite_url: str) -> None:
    async with serving(sqlite_url) as till:

        @asynccontextmanager
        async def read_only() -> AsyncIterator[None]:
            writer_of(till).pragma("query_only", 1)
            yield
            writer_of(till).pragma("query_only", 0)

        await is_refused_and_recovers(till, read_only, readable=True)


async def test_sqlite_is_locked(sqlite_url: str) -> None:
    async with serving(sqlite_url) as till:

        @asynccontextmanager
        async def locked() -> AsyncIterator[None]:
            other = apsw.Connection(sqlite_url.removeprefix("sqlite:///"))
            other.execute("BEGIN IMMEDIATE")
            yield
            other.execute("ROLLBACK")
            other.close()

        await is_refused_and_recovers(till, locked, readable=True)


async def test_postgres_is_read_only(postgres_url: str, postgres_server: PostgresServer) -> None:
    async with serving(postgres_url) as till:
        await is_refused_and_recovers(
            till,
            altered(postgres_url, postgres_server, "SET default_transaction_read_only = on", "RESET ALL"),
            readable=False,
        )


async def test_postgres_refuses_connections(postgres_url: str, postgres_server: PostgresServer) -> None:
    async with serving(postgres_url) as till:
        await is_refused_and_recovers(
            till,
            altered(postgres_url, postgres_server, "ALLOW_CONNECTIONS false", "ALLOW_CONNECTIONS true"),
            readable=False,
        )


@asynccontextmanager
async def connected(url: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection of somebody else, for the length of a block."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


def altered(url: str, server: PostgresServer, trouble: str, cure: str) -> Trouble:
    """Change a database for the length of a block; whoever is connected is sent away."""
    name = url.rpartition("/")[2]

    @asynccontextmanager
    async def change() -> AsyncIterator[None]:
        await server.execute(f'ALTER DATABASE "{name}" {trouble}')
        await server.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608
        )
        yield
        await server.execute(f'ALTER DATABASE "{name}" {cure}')

    return change


async def test_postgres_is_locked(postgres_url: str) -> None:
    """Somebody holds the tables that are written, as a careless migration does."""
    async with serving(postgres_url) as till:

        @asynccontextmanager
        async def locked() -> AsyncIterator[None]:
            async with connected(postgres_url) as other, other.transaction():
                tables = await other.fetch(
                    "SELECT relname FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition "
                    "AND relnamespace = 'public'::regnamespace"
                )
                names = ", ".join(f'"{row[0]}"' for row in tables)
                await other.execute(f"LOCK TABLE {names} IN EXCLUSIVE MODE")
                yield

        await is_refused_and_recovers(till, locked, readable=True)


@pytest.fixture
def small_disk(postgres_server: PostgresServer) -> Iterator[Path]:  # noqa: ARG001 - makes the account
    """A file system of a few megabytes, which the server may use."""
    folder = Path(tempfile.mkdtemp(prefix="tiyin-small-"))
    command = ["mount", "-t", "tmpfs", "-o", "size=40m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        folder.rmdir()
        pytest.skip("mounting a small file system needs the right to mount")
    owner = pwd.getpwnam(ACCOUNT)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


async def test_postgres_is_full(small_disk: Path, postgres_server: PostgresServer) -> None:
    await postgres_server.execute(f"CREATE TABLESPACE small LOCATION '{small_disk}'")
    await postgres_server.execute("CREATE DATABASE small TABLESPACE small STRATEGY file_copy")
    url = postgres_server.url("small")
    try:
        async with serving(url) as till:

            @asynccontextmanager
            async def full() -> AsyncIterator[None]:
                async with connected(url) as other:
                    await other.execute("CREATE TABLE filler (x text)")
                    await other.execute("ALTER TABLE filler ALTER x SET STORAGE EXTERNAL")
                    for size in (1_000_000, 30_000):
                        with contextlib.suppress(asyncpg.DiskFullError):
                            while True:
                                await other.execute(f"INSERT INTO filler VALUES (repeat('x', {size}))")  # noqa: S608
                    yield
                    await other.execute("DROP TABLE filler")
                    await other.execute("CHECKPOINT")  # Only then its files are really gone.

            await is_refused_and_recovers(till, full, readable=True, full=True)
    finally:
        await postgres_server.drop_database("small")
        await postgres_server.execute("DROP TABLESPACE small")


async def test_postgres_is_gone() -> None:
    server = PostgresServer()
    server.start()
    try:
        async with serving(server.url()) as till:

            @asynccontextmanager
            async def gone() -> AsyncIterator[None]:
                await asyncio.to_thread(server.kill)
                yield
                await asyncio.to_thread(server.start)

            await is_refused_and_recovers(till, gone, readable=False)
    finally:
        server.remove()
