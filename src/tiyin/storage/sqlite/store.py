"""The store over SQLite."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import apsw
import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from tiyin.storage.compiling import Compiler, plain_row
from tiyin.storage.errors import LeaseLost, StorageUnavailable
from tiyin.storage.forgetting import forget_statement
from tiyin.storage.schema import OWN_METADATA, creation_sql
from tiyin.storage.sqlite.connection import BUSY_MS
from tiyin.storage.sqlite.jobs import AppendJob, CallJob, ChangeJob
from tiyin.storage.sqlite.point_reader import PointReader
from tiyin.storage.sqlite.reader import Readers
from tiyin.storage.sqlite.statements import statements_of
from tiyin.storage.sqlite.writer import Writer
from tiyin.storage.tables import AnySelect, Lease, Rule, Table
from tiyin.storage.work_sql import SQLITE, new_epoch

if TYPE_CHECKING:
    from tiyin.storage.store import WorkQueue

__all__ = ["SqliteStore", "SqliteWork"]

R = TypeVar("R", bound=msgspec.Struct)
A = TypeVar("A")
T = TypeVar("T")

CLAIM = SQLITE.claim("?1", "?2", "?3", "?4", "?5", "")
RENEW = SQLITE.renew("?1", "?2", "?3")
RELEASE = SQLITE.release("?1", "?2", "?3")
DONE = SQLITE.done("?1", "?2")
BACKLOG = SQLITE.backlog("?1")


class SqliteStore:
    """A `Store` over one SQLite file; several processes may open the same file.

    Args:
        path: The database file; made if it does not exist, its directory too.
        busy_ms: How long to wait for another process that writes, in milliseconds.

    Raises:
        StorageUnavailable: If the file cannot be opened.
    """

    def __init__(self, path: Path, *, busy_ms: int = BUSY_MS) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageUnavailable(f"the directory of {path} cannot be made: {error}") from error
        self._writer = Writer(path, busy_ms)
        self._readers = Readers(path, busy_ms)
        self._points = PointReader(path)
        self._compiler = Compiler(sqlite.dialect(paramstyle="qmark"))
        self.work: WorkQueue = SqliteWork(self._call, self._readers)

    async def change(self, table: Table[R], key: str, rule: Rule[R, A], *, lease: Lease | None = None) -> A:
        """Read, decide and write in one durable commit; see `Store.change`."""
        answer, _ = await self.change_and_lease(table, key, rule, lease=lease)
        return answer

    async def change_and_lease(
        self, table: Table[R], key: str, rule: Rule[R, A], *, lease: Lease | None = None
    ) -> tuple[A, Lease | None]:
        """Change, and answer the lease that was taken too; see `Store.change_and_lease`."""
        future: asyncio.Future[tuple[A, Lease | None]] = asyncio.get_running_loop().create_future()
        self._writer.submit(ChangeJob(future, table, key, rule, lease))
        return await future

    async def get(self, table: Table[R], key: str) -> R | None:
        """Read one row; see `Store.get`."""
        statement = statements_of(table).read
        rows = None if self._readers.closed else self._points.read(statement, (key,))
        if rows is None:
            rows = await self._readers.read(statement, (key,))
        return table.record(*rows[0]) if rows else None

    async def get_many(self, table: Table[R], keys: Iterable[str]) -> dict[str, R]:
        """Read rows by their keys; see `Store.get_many`."""
        schema = table.schema
        wanted = list(dict.fromkeys(keys))
        records = (
            await self.query(sa.select(schema).where(schema.c[table.key].in_(wanted)), table)
            if wanted
            else []
        )
        return {getattr(record, table.key): record for record in records}

    async def append(self, table: Table[R], records: Sequence[R]) -> None:
        """Insert rows, all or none; see `Store.append`."""
        if records:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._writer.submit(AppendJob(future, table, records))
            await future

    @overload
    async def query(
        self, statement: AnySelect, table: Table[R], values: Mapping[str, Any] | None = None
    ) -> list[R]: ...

    @overload
    async def query(
        self, statement: AnySelect, table: None = None, values: Mapping[str, Any] | None = None
    ) -> list[tuple[Any, ...]]: ...

    async def query(
        self, statement: AnySelect, table: Table[R] | None = None, values: Mapping[str, Any] | None = None
    ) -> list[R] | list[tuple[Any, ...]]:
        """Run a query; see `Store.query`."""
        rows = await self._readers.read(*self._compiler.compile(statement, values))
        if table is None:
            return [plain_row(row) for row in rows]
        return [table.record(*row) for row in rows]

    async def forget(self, table: Table[Any], before: int, limit: int) -> int:
        """Delete rows that are too old to be needed; see `Store.forget`."""
        statement = forget_statement(table, "?1", "?2", "")
        return await self._call(lambda cursor: len(cursor.execute(statement, (before, limit)).fetchall()))

    async def create_tables(self, metadata: sa.MetaData) -> None:
        """Create what does not exist yet; see `Store.create_tables`."""
        statements = [*creation_sql(OWN_METADATA, "sqlite"), *creation_sql(metadata, "sqlite")]

        def create(cursor: apsw.Cursor) -> None:
            for statement in statements:
                cursor.execute(statement)

        await self._call(create)

    async def close(self) -> None:
        """Finish what was accepted and let go of the file; see `Store.close`."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._writer.close)
        await loop.run_in_executor(None, self._readers.close)
        self._points.close()

    async def _call(self, call: Callable[[apsw.Cursor], T]) -> T:
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._writer.submit(CallJob(future, call))
        return await future


class SqliteWork:
    """The work queue over SQLite; see `WorkQueue`. Its time is the operating system's.

    Args:
        call: Runs a call in the writer's transaction.
        readers: Where the backlog is read.
    """

    def __init__(self, call: Any, readers: Readers) -> None:
        self._call = call
        self._readers = readers

    async def claim(self, kind: str, owner: str, lease_ms: int, limit: int) -> list[Lease]:
        """Take work that is due and that nobody holds; see `WorkQueue.claim`."""
        epoch = new_epoch()

        def claim(cursor: apsw.Cursor) -> list[Lease]:
            until = time.monotonic() + lease_ms / 1000
            rows = cursor.execute(CLAIM, (kind, owner, epoch, lease_ms, limit)).fetchall()
            return [Lease(str(key), kind, epoch, until) for (key,) in rows]

        leases: list[Lease] = await self._call(claim)
        return leases

    async def renew(self, lease: Lease, lease_ms: int) -> Lease:
        """Hold the work for longer; see `WorkQueue.renew`."""
        until = time.monotonic() + lease_ms / 1000
        await self._fenced(RENEW, lease, lease_ms)
        return Lease(lease.key, lease.kind, lease.epoch, until)

    async def release(self, lease: Lease, next_in_ms: int = 0) -> None:
        """Give the work back; see `WorkQueue.release`."""
        await self._fenced(RELEASE, lease, next_in_ms)

    async def done(self, lease: Lease) -> None:
        """Delete the work; see `WorkQueue.done`."""
        await self._fenced(DONE, lease)

    async def backlog(self, kind: str | None = None) -> int:
        """Count the work that is due and not held; see `WorkQueue.backlog`."""
        [(count,)] = await self._readers.read(BACKLOG, (kind,))
        return int(count)

    async def _fenced(self, statement: str, lease: Lease, *values: int) -> None:
        def write(cursor: apsw.Cursor) -> None:
            if not cursor.execute(statement, (lease.key, lease.epoch, *values)).fetchall():
                raise LeaseLost(lease.key)

        await self._call(write)
