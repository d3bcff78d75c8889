"""The floors: the same HTTP calls and as many durable commits as the real thing, without any logic.

A floor answers constants. It knows no states, keys or errors; what it does have is what no implementation can
do without: a request read, rows of the same tables made durable (all that wait share one commit), merchant
calls, an answer written. What the real thing reaches of it is what its rules cost.
"""

import argparse
import asyncio
import queue
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import apsw
import asyncpg
import msgspec
import sqlalchemy as sa
import uvicorn

from bench.own_time import OwnTime
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.merchant.stores.tables import TRANSACTIONS
from tiyin.runtime.memory import settle_memory
from tiyin.runtime.pinned import PinnedClient, Stage
from tiyin.runtime.targets import read_target
from tiyin.storage.schema import creation_sql

Send = Callable[[dict[str, Any]], Awaitable[None]]
Receive = Callable[[], Awaitable[dict[str, Any]]]
PADDING = "x" * 600


class Commits(Protocol):
    """Durable rows, committed together with all others that wait."""

    async def commit(self, key: str) -> None: ...


def row_of(table: sa.Table) -> dict[str, int | str]:
    """Make a row like a real one, in which `KEY` stands for its key."""
    unique = {column.name for index in table.indexes if index.unique for column in index.columns}
    unique |= {column.name for column in table.primary_key.columns}
    filled = 1, "text of a usual length"
    return {
        column.name: "KEY" if column.name in unique else filled[not isinstance(column.type, sa.Integer)]
        for column in table.columns
    }


def upsert(table: sa.Table, values: str) -> str:
    """Write the statement that inserts a row, or moves the one that is there."""
    moved = ", ".join(
        f"{name} = {table.name}.{name} + 1"
        for name in table.columns.keys()  # noqa: SIM118  # of columns, not of a mapping
        if name in {"version", "state"}
    )
    return f"INSERT INTO {table.name} {values} ON CONFLICT (id) DO UPDATE SET {moved}"


class SqliteCommits:
    """One writer thread; every commit takes what waits. Durable: WAL with synchronous=FULL."""

    def __init__(self, path: str, table: sa.Table) -> None:
        self._waiting: queue.SimpleQueue[tuple[str, asyncio.Future[None]]] = queue.SimpleQueue()
        self._loop = asyncio.get_running_loop()
        self._db = apsw.Connection(path)
        for name, value in (("journal_mode", "wal"), ("synchronous", "full"), ("wal_autocheckpoint", 4000)):
            self._db.pragma(name, value)
        for statement in creation_sql(table.metadata, "sqlite"):
            self._db.execute(statement)
        self._read = f"SELECT * FROM {table.name} WHERE id = ?"
        self._row = row_of(table)
        self._upsert = upsert(table, f"VALUES ({', '.join('?' * len(self._row))})")
        threading.Thread(target=self._write, daemon=True).start()

    async def commit(self, key: str) -> None:
        done = self._loop.create_future()
        self._waiting.put((key, done))
        await done

    def _write(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while not self._waiting.empty():
                batch.append(self._waiting.get())
            self._db.execute("BEGIN IMMEDIATE")
            for key, _ in batch:
                self._db.execute(self._read, (key,)).fetchall()
                values = [key if value == "KEY" else value for value in self._row.values()]
                self._db.execute(self._upsert, values)
            self._db.execute("COMMIT")
            self._loop.call_soon_threadsafe(_answer, [done for _, done in batch])


def _answer(waiting: Sequence[asyncio.Future[None]]) -> None:
    for done in waiting:
        if not done.done():
            done.set_result(None)


class PostgresCommits:
    """A few connections; every statement takes what waits. Durable: synchronous_commit=on."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", table: sa.Table) -> None:
        self._pool = pool
        self._waiting: list[tuple[str, asyncio.Future[None]]] = []
        self._wake = asyncio.Event()
        self._read = f"SELECT * FROM {table.name} WHERE id = ANY($1)"
        values = ["k" if value == "KEY" else _literal(value) for value in row_of(table).values()]
        self._upsert = upsert(table, f"SELECT {', '.join(values)} FROM unnest($1::text[]) k ORDER BY k")
        self._tasks = [asyncio.create_task(self._write()) for _ in range(3)]

    async def commit(self, key: str) -> None:
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((key, done))
        self._wake.set()
        await done

    async def _write(self) -> None:
        async with self._pool.acquire() as connection:
            while True:
                await self._wake.wait()
                batch, self._waiting = self._waiting, []
                self._wake.clear()
                if not batch:
                    continue
                keys = sorted({key for key, _ in batch})
                await connection.fetch(self._read, keys)
                await connection.execute(self._upsert, keys)
                _answer([done for _, done in batch])


def _literal(value: int | str) -> str:
    return str(value) if isinstance(value, int) else f"'{value}'"


async def open_commits(url: str, table: sa.Table) -> Commits:
    if url.startswith("sqlite:///"):
        return SqliteCommits(url.removeprefix("sqlite:///"), table)
    pool = await asyncpg.create_pool(url, min_size=3, max_size=3)
    for statement in creation_sql(table.metadata, "postgresql"):
        await pool.execute(statement)
    return PostgresCommits(pool, table)


class Call(msgspec.Struct):
    """As much of a request as a floor reads."""

    method: str
    params: msgspec.Raw
    id: int | str | None = None


class Keyed(msgspec.Struct):
    id: str = ""


_call = msgspec.json.Decoder(Call)
_keyed = msgspec.json.Decoder(Keyed)


class Floor:
    """A raw ASGI app over `handle`, opened in its lifespan."""

    table: sa.Table

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.commits: Commits | None = None

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await receive()
            self.commits = await open_commits(self.arguments.database, self.table)
            settle_memory()
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        answer = await self.handle(body)
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def commit(self, key: str, times: int = 1) -> None:
        assert self.commits is not None
        for _ in range(times):
            await self.commits.commit(key)

    async def handle(self, body: bytes) -> bytes:
        raise AssertionError(body)


class MerchantFloor(Floor):
    """Answers each method with a constant, after as many commits as the real endpoint makes."""

    table = TRANSACTIONS.schema

    async def handle(self, body: bytes) -> bytes:
        call = _call.decode(body)
        key = _keyed.decode(call.params).id
        if call.method == "CheckPerformTransaction":
            return b'{"jsonrpc":"2.0","id":1,"result":{"allow":true}}'
        times = (
            self.arguments.create_commits
            if call.method == "CreateTransaction"
            else self.arguments.perform_commits
        )
        await self.commit(key, times)
        return b'{"jsonrpc":"2.0","id":1,"result":{"create_time":1,"transaction":"1","state":2}}'


class GatewayFloor(Floor):
    """Makes the calls and commits of a payment in their order."""

    table = RECEIPTS.schema

    def __init__(self, arguments: argparse.Namespace) -> None:
        super().__init__(arguments)
        self._target = read_target(arguments.merchant, allow_http=True)
        self._http: PinnedClient | None = None
        self._number = 0

    async def _ask(self, method: str, key: str) -> None:
        named = key.encode()
        body = b'{"jsonrpc":"2.0","id":1,"method":"%b","params":{"id":"%b","account":{"order_id":"%b"}}}' % (
            method.encode(),
            named,
            named,
        )
        # The gateway's own client, so that both pay the same for a call; nothing is judged or bounded here.
        if self._http is None:
            self._http = PinnedClient(self._target, "127.0.0.1", None, connect_timeout_s=5.0, idle_max=256)
        target = self._target
        head = b"POST %b HTTP/1.1\r\nHost: %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        request = head % (target.path.encode(), f"{target.host}:{target.port}".encode(), len(body)) + body
        stage = Stage(asyncio.get_running_loop().time() + 30.0)
        _call_answer.decode((await self._http.send(request, 1 << 20, stage)).body)

    async def handle(self, body: bytes) -> bytes:
        call = _call.decode(body)
        if call.method == "receipts.create":
            self._number += 1
            key = f"{self._number:024x}"
            await self._ask("CheckPerformTransaction", key)
            await self.commit(key, self.arguments.receipt_commits)
        else:
            key = _keyed.decode(call.params).id
            await self._ask("CheckPerformTransaction", key)
            await self.commit(key, self.arguments.intent_commits)
            await self._ask("CreateTransaction", key)
            await self.commit(key, self.arguments.debit_commits)
            await self._ask("PerformTransaction", key)
            await self.commit(key, self.arguments.paid_commits)
        return b'{"jsonrpc":"2.0","id":1,"result":{"receipt":{"_id":"%b","state":4,"padding":"%b"}}}' % (
            key.encode(),
            PADDING.encode(),
        )


_call_answer = msgspec.json.Decoder(dict[str, Any])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["merchant", "gateway"])
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--merchant", default="")
    parser.add_argument("--own-times", action="store_true")
    for name in ("create", "perform", "receipt", "intent", "debit", "paid"):
        parser.add_argument(f"--{name}-commits", type=int, default=1)
    arguments = parser.parse_args()
    app: Any = MerchantFloor(arguments) if arguments.kind == "merchant" else GatewayFloor(arguments)
    uvicorn.run(
        OwnTime(app) if arguments.own_times else app,
        host="127.0.0.1",
        port=arguments.port,
        log_level="warning",
        access_log=False,
    )


if __name__ == "__main__":
    main()
