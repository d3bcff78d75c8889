"""The store over PostgreSQL."""

import asyncio
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import asyncpg as asyncpg_dialect

from tiyin.runtime.tasks import Tasks
from tiyin.storage.compiling import Compiler, plain_row
from tiyin.storage.errors import LeaseLost
from tiyin.storage.forgetting import forget_statement
from tiyin.storage.postgres.batch_sql import read_statement, read_values
from tiyin.storage.postgres.items import AppendItem, ChangeItem
from tiyin.storage.postgres.lanes import Lanes
from tiyin.storage.postgres.readers import LINKS, Pool, Readers
from tiyin.storage.schema import OWN_METADATA, creation_sql, partition_sql
from tiyin.storage.tables import AnySelect, Lease, Rule, Table
from tiyin.storage.work_sql import POSTGRES, new_epoch

if TYPE_CHECKING:
    from tiyin.storage.store import WorkQueue

__all__ = ["PATIENCE_S", "PostgresStore", "PostgresWork", "open_postgres"]

R = TypeVar("R", bound=msgspec.Struct)
A = TypeVar("A")

# How long a change waits for a lost database before it answers that it is unavailable, in seconds.
PATIENCE_S = 15.0
# Any number will do that no other program uses for the same database.
CREATE_LOCK = "SELECT pg_advisory_xact_lock(7238442901)"
CLAIM = POSTGRES.claim("$1", "$2", "$3::bigint", "$4::bigint", "$5", "FOR UPDATE SKIP LOCKED")
RENEW = POSTGRES.renew("$1", "$2", "$3::bigint")
RELEASE = POSTGRES.release("$1", "$2", "$3::bigint")
DONE = POSTGRES.done("$1", "$2")
BACKLOG = POSTGRES.backlog("$1::text")


async def open_postgres(url: str, *, patience_s: float = PATIENCE_S) -> "PostgresStore":
    """Open a store over PostgreSQL.

    Args:
        url: The database's address.
        patience_s: How long a call waits for a database that is gone, in seconds.

    Returns:
        The store.

    Raises:
        StorageUnavailable: If the database cannot be reached now.
    """
    store = PostgresStore(url, patience_s=patience_s)
    try:
        await store.ping()
    except BaseException:
        await store.close()
        raise
    return store


class PostgresStore:
    """A `Store` over PostgreSQL, which any number of processes may share. It belongs to one event loop.

    Args:
        url: The database's address.
        patience_s: How long a call waits for a database that is gone, in seconds.
    """

    def __init__(self, url: str, *, patience_s: float = PATIENCE_S) -> None:
        self._loop = asyncio.get_running_loop()
        self._tasks = Tasks()
        self._patience_s = patience_s
        self._lanes = Lanes(url, patience_s, self._tasks)
        self._pool = Pool(url, LINKS, patience_s, self._tasks)
        self._readers = Readers(self._pool, self._tasks)
        self._compiler = Compiler(asyncpg_dialect.dialect())  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
        self.work: WorkQueue = PostgresWork(self._pool)
        self._closing = asyncio.Lock()

    async def change(self, table: Table[R], key: str, rule: Rule[R, A], *, lease: Lease | None = None) -> A:
        """Read, decide and write in one durable commit; see `Store.change`."""
        answer, _ = await self.change_and_lease(table, key, rule, lease=lease)
        return answer

    async def change_and_lease(
        self, table: Table[R], key: str, rule: Rule[R, A], *, lease: Lease | None = None
    ) -> tuple[A, Lease | None]:
        """Change, and answer the lease that was taken too; see `Store.change_and_lease`."""
        future: asyncio.Future[tuple[A, Lease | None]] = self._loop.create_future()
        item = ChangeItem(future, table, key, rule, lease, self._loop.time() + self._patience_s)
        self._lanes.submit(table, item, appends=False)
        return await future

    async def get(self, table: Table[R], key: str) -> R | None:
        """Read one row; see `Store.get`."""
        record: R | None = await self._readers.get(table, key)
        return record

    async def get_many(self, table: Table[R], keys: Iterable[str]) -> dict[str, R]:
        """Read rows by their keys; see `Store.get_many`."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            return {}
        rows = await self._pool.fetch(read_statement(table), *read_values(table, wanted))
        return {row[table.key_index]: table.record(*row) for row in rows}

    async def append(self, table: Table[R], records: Sequence[R]) -> None:
        """Insert rows, all or none; see `Store.append`."""
        if records:
            future: asyncio.Future[None] = self._loop.create_future()
            item = AppendItem(future, table, records, self._loop.time() + self._patience_s)
            self._lanes.submit(table, item, appends=True)
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
        text, bound = self._compiler.compile(statement, values)
        rows = await self._pool.fetch(text, *bound)
        if table is None:
            return [plain_row(tuple(row)) for row in rows]
        return [table.record(*row) for row in rows]

    async def forget(self, table: Table[Any], before: int, limit: int) -> int:
        """Delete rows that are too old to be needed; see `Store.forget`."""
        statement = forget_statement(table, "$1", "$2", "FOR UPDATE SKIP LOCKED")
        return len(await self._pool.fetch(statement, before, limit))

    async def create_tables(self, metadata: sa.MetaData) -> None:
        """Create what does not exist yet; see `Store.create_tables`."""
        statements = [*creation_sql(OWN_METADATA, "postgresql"), *creation_sql(metadata, "postgresql")]
        await self._pool.script([CREATE_LOCK, *statements])

    async def add_partitions(self, metadata: sa.MetaData, now_ms: int, months_ahead: int = 3) -> None:
        """Make the partitions of this month and of those to come for each table that grows.

        Args:
            metadata: The tables.
            now_ms: Now, in milliseconds since 1970.
            months_ahead: How many months after this one.
        """
        growing = [table for table in metadata.sorted_tables if table.info.get("partition_by_id")]
        statements = [line for table in growing for line in partition_sql(table, now_ms, months_ahead)]
        await self._pool.script([CREATE_LOCK, *statements])

    async def ping(self) -> None:
        """Ask the database whether it is there.

        Raises:
            StorageUnavailable: If it is not.
        """
        await self._pool.fetch("SELECT 1")

    async def close(self) -> None:
        """Finish what was accepted and let go of the database; see `Store.close`."""
        # Who closes it a second time waits for the first, and finds nothing left to do.
        async with self._closing:
            self._readers.refuse()
            await self._lanes.close()
            await self._tasks.drain(self._patience_s)
            await self._pool.close()


class PostgresWork:
    """The work queue over PostgreSQL; see `WorkQueue`. Its time is the server's.

    Args:
        pool: The connections it uses.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def claim(self, kind: str, owner: str, lease_ms: int, limit: int) -> list[Lease]:
        """Take work that is due and that nobody holds; see `WorkQueue.claim`."""
        epoch = new_epoch()
        until = time.monotonic() + lease_ms / 1000
        rows = await self._pool.fetch(CLAIM, kind, owner, epoch, lease_ms, limit)
        return [Lease(row[0], kind, epoch, until) for row in rows]

    async def renew(self, lease: Lease, lease_ms: int) -> Lease:
        """Hold the work for longer; see `WorkQueue.renew`."""
        until = time.monotonic() + lease_ms / 1000
        await self._fenced(RENEW, lease, lease_ms)
        return Lease(lease.key, lease.kind, lease.epoch, until)

    async def release(self, lease: Lease, next_in_ms: int = 0) -> None:
        """Give the work back; see `WorkQueue.release`."""
        await self._fenced(RELEASE, lease, next_in_ms, ends=True)

    async def done(self, lease: Lease) -> None:
        """Delete the work; see `WorkQueue.done`."""
        await self._fenced(DONE, lease, ends=True)

    async def backlog(self, kind: str | None = None) -> int:
        """Count the work that is due and not held; see `WorkQueue.backlog`."""
        [(count,)] = await self._pool.fetch(BACKLOG, kind)
        return int(count)

    async def _fenced(self, statement: str, lease: Lease, *values: int, ends: bool = False) -> None:
        rows, again = await self._pool.fetch_again(statement, lease.key, lease.epoch, *values)
        # The lease may have ended with a first sending whose answer was lost: then it is over, as wished.
        if not rows and not (ends and again):
            raise LeaseLost(lease.key)
