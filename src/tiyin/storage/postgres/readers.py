"""The reading side of a store over PostgreSQL: a few connections, one statement for all that ask at once."""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import asyncpg

from tiyin.runtime.tasks import Tasks, TasksRefused
from tiyin.storage.errors import StorageUnavailable
from tiyin.storage.postgres.batch_sql import read_statement, read_values
from tiyin.storage.postgres.connection import Link, Lost, Untouched, refusal
from tiyin.storage.tables import Table

__all__ = ["Pool", "Readers"]

LINKS = 3
WAITING_MAX = 20_000
KEYS_MAX = 500


class Pool:
    """A few connections for statements that run one at a time.

    Args:
        url: The database's address.
        count: How many.
        patience_s: How long a statement waits for a connection, in seconds.
        tasks: Owner of what looks after silent servers.
    """

    def __init__(self, url: str, count: int, patience_s: float, tasks: Tasks) -> None:
        self._links = [Link(url, tasks, keyed=False) for _ in range(count)]
        self._free = deque(self._links)
        self._waiters: deque[asyncio.Future[Link]] = deque()
        self._patience_s = patience_s
        self._closed = False

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run a statement that may be run again if the connection is lost under it.

        Args:
            statement: The statement.
            values: Values to bind.

        Returns:
            Its rows.

        Raises:
            StorageUnavailable: If the database cannot be used, or the store is closed.
            StorageError: If it refuses the statement.
        """
        rows, _ = await self.fetch_again(statement, *values)
        return rows

    async def fetch_again(self, statement: str, *values: Any) -> tuple[list[asyncpg.Record], bool]:
        """Do what `fetch` does, and tell whether the statement had to be sent a second time.

        Args:
            statement: The statement.
            values: Values to bind.

        Returns:
            Its rows, and whether an earlier sending may have been carried out already.

        Raises:
            StorageUnavailable: If the database cannot be used, or the store is closed.
            StorageError: If it refuses the statement.
        """
        if self._closed:
            raise StorageUnavailable("this store is closed")
        deadline = asyncio.get_running_loop().time() + self._patience_s
        link = await self._taken(deadline)
        again = False
        try:
            while True:
                await link.open(deadline)
                try:
                    return await link.fetch(statement, *values), again
                except Lost as error:
                    again = again or not isinstance(error, Untouched)
                    if asyncio.get_running_loop().time() >= deadline:
                        raise StorageUnavailable(
                            "PostgreSQL was lost, and did not come back in time"
                        ) from error
        except (asyncpg.PostgresError, asyncpg.DataError, UnicodeEncodeError, OverflowError) as error:
            # The driver's text may hold the values that were bound.
            raise refusal(error, "the query", "") from None
        finally:
            self._give_back(link)

    async def script(self, statements: Sequence[str]) -> None:
        """Run statements in one transaction.

        Args:
            statements: The statements.

        Raises:
            StorageUnavailable: If they could not be run.
        """
        link = await self._taken()
        try:
            await link.open(asyncio.get_running_loop().time() + self._patience_s)
            for statement in ("BEGIN", *statements, "COMMIT"):
                await link.fetch(statement)
        except (asyncpg.PostgresError, Lost) as error:
            raise refusal(error, "the schema", "") from error
        finally:
            await link.roll_back()
            self._give_back(link)

    async def close(self) -> None:
        """Let running statements finish, then close the connections."""
        self._closed = True
        while self._links:
            link = await self._taken()
            self._links.remove(link)
            await link.close()

    async def _taken(self, deadline: float | None = None) -> Link:
        """Take a connection that nobody uses; wait for one until the deadline, in the loop's time."""
        if self._free:
            return self._free.popleft()
        if len(self._waiters) >= WAITING_MAX:
            raise StorageUnavailable(f"{WAITING_MAX} statements wait already")
        waiter: asyncio.Future[Link] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout_at(deadline):
                return await waiter
        except (asyncio.CancelledError, TimeoutError) as error:
            if waiter.done() and not waiter.cancelled():
                self._give_back(waiter.result())
            if isinstance(error, TimeoutError):
                raise StorageUnavailable("no connection to PostgreSQL became free in time") from error
            raise

    def _give_back(self, link: Link) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(link)
                return
        self._free.append(link)


class Readers:
    """Reads rows by key: one statement answers all that asked while the one before was under way.

    Args:
        pool: The connections.
        tasks: Owner of the reading tasks.
    """

    def __init__(self, pool: Pool, tasks: Tasks) -> None:
        self._pool = pool
        self._tasks = tasks
        self._loop = asyncio.get_running_loop()
        self._asked: dict[Table[Any], dict[str, list[asyncio.Future[Any]]]] = {}
        self._closed = False

    def refuse(self) -> None:
        """Take nothing new; what was asked already is answered."""
        self._closed = True

    async def get(self, table: Table[Any], key: str) -> Any:
        """Read one row.

        Args:
            table: The table.
            key: Key of the row.

        Returns:
            The record or None.

        Raises:
            StorageUnavailable: If the database cannot be read, or the store is closed.
        """
        if self._closed:
            raise StorageUnavailable("this store is closed")
        future: asyncio.Future[Any] = self._loop.create_future()
        asked = self._asked.get(table)
        if asked is None:
            # The task first runs in the loop's next turn, so whatever asks in this one shares the statement.
            try:
                self._tasks.start(self._read(table), name=f"storage read {table.name}")
            except TasksRefused as error:
                raise StorageUnavailable(f"too many reads wait already: {error}") from error
            asked = self._asked[table] = {}
        asked.setdefault(key, []).append(future)
        return await future

    async def _read(self, table: Table[Any]) -> None:
        asked = self._asked.pop(table)
        keys = list(asked)
        try:
            for start in range(0, len(keys), KEYS_MAX):
                some = keys[start : start + KEYS_MAX]
                rows = await self._pool.fetch(read_statement(table), *read_values(table, some))
                found = {row[table.key_index]: table.record(*row) for row in rows}
                for key in some:
                    for future in asked.pop(key):
                        if not future.done():
                            future.set_result(found.get(key))
        except BaseException as error:
            # Whatever it is, also the end of the process: it is told to all that asked.
            for futures in asked.values():
                for future in futures:
                    if not future.done():
                        future.set_exception(StorageUnavailable(str(error)))
            if not isinstance(error, Exception):
                raise
