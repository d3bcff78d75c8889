"""Connections to PostgreSQL as this project wants them, and what its errors mean to a caller."""

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any

import asyncpg

from tiyin.runtime.tasks import Tasks, TasksRefused
from tiyin.storage.errors import StorageError, StorageUnavailable, Taken, TooContended, Unstorable
from tiyin.storage.postgres.servers import (
    CONNECT_ERRORS,
    Connected,
    connect,
    each_server,
    first_of,
    hopeless,
)

__all__ = ["Link", "Lost", "Untouched", "may_split", "pause", "refusal"]

# The server gives a statement up before this side does, and a lock before that: what is cut off here is truly
# lost.
LOCK_MS = 5_000
STATEMENT_MS = 30_000
STATEMENT_S = 40.0
CONNECT_S = 5.0
RETRY_FIRST_S = 0.02
RETRY_MAX_S = 0.5
# A server that is silent for so long may be gone without a word (a machine without power, a network that
# swallows everything): then it is looked whether another one leads by now, and again after each pause.
SILENT_S = 3.0
LOOK_S = 2.0
LOOK_PAUSE_S = 1.0

# Plans are made once and never lean towards reading a whole table that was still small when they were made.
_SETTINGS = {
    "application_name": "tiyin",
    "statement_timeout": str(STATEMENT_MS),
    "lock_timeout": str(LOCK_MS),
    "idle_in_transaction_session_timeout": str(STATEMENT_MS),
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
_KEYED = {"enable_seqscan": "off", "enable_mergejoin": "off"}


class Lost(Exception):  # it is not an error yet: whoever meets it asks what happened
    """The connection ended under a statement: whether that was carried out is unknown."""


class Untouched(Lost):
    """The server may not be written (any more), and said so: the statement was not carried out."""


class Link:
    """One connection that is opened when it is needed, and again after it was lost.

    Args:
        url: The database's address.
        tasks: Owner of what looks after a silent server.
        keyed: Whether only statements by key run here, which must never read a whole table.
    """

    def __init__(self, url: str, tasks: Tasks, *, keyed: bool) -> None:
        self._urls = each_server(url)
        self._tasks = tasks
        self._settings = {**_SETTINGS, **(_KEYED if keyed else {})}
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None
        self._server = ""
        self._asked: object = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None and not self._connection.is_closed()

    async def open(self, deadline: float) -> None:
        """Connect to the server that may be written, if there is no connection: try until the deadline.

        Args:
            deadline: Until when to try, in seconds of the loop's time; each server is tried once at least.

        Raises:
            StorageUnavailable: If no connection could be made.
        """
        if self.connected:
            return
        attempts = [self._reach(url, deadline) for url in self._urls]
        found = await first_of(attempts, _let_go, (StorageUnavailable,))
        self._connection, self._server = found

    async def _reach(self, url: str, deadline: float) -> Connected:
        """Try one server until it may be written."""
        loop = asyncio.get_running_loop()
        wait_s = RETRY_FIRST_S
        while True:
            try:
                return await connect(url, CONNECT_S, self._settings)
            except asyncpg.InternalClientError as error:
                # The server that answered is a standby, or not a server: another may stand there soon.
                if loop.time() + wait_s >= deadline:
                    raise StorageUnavailable(f"PostgreSQL cannot be used: {_named(error)}") from error
            except CONNECT_ERRORS as error:
                if loop.time() + wait_s >= deadline or hopeless(error):
                    raise StorageUnavailable(f"PostgreSQL cannot be reached: {_named(error)}") from error
            await pause(wait_s)
            wait_s = min(wait_s * 2, RETRY_MAX_S)

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run one statement.

        Args:
            statement: The statement.
            values: Values to bind.

        Returns:
            Its rows.

        Raises:
            Lost: If the connection ended under it; it is dropped, and `open` makes another.
            Untouched: If the server may not be written now; the connection is dropped likewise.
            asyncpg.PostgresError: If the server refused it; then it was not carried out.
            asyncpg.DataError: If a value cannot be sent at all.
        """
        connection = self._connection
        if connection is None or connection.is_closed():
            raise Lost("the connection is gone")
        # Cutting the connection is the only safe way to give up: asking the server to cancel could hit it
        # while it waits for its standby, and make it report as committed what only one machine has.
        loop = asyncio.get_running_loop()
        self._asked = asked = object()
        timers = [
            loop.call_later(STATEMENT_S, connection.terminate),
            loop.call_later(SILENT_S, self._suspect, asked),
        ]
        try:
            return await connection.fetch(statement, *values)
        except asyncpg.DataError:
            raise
        except asyncpg.PostgresError as error:
            if connection.is_closed() or _ends_connection(error):
                self.drop()
                raise Lost(_named(error)) from error
            if error.sqlstate == "25006":
                # A read-only server is a standby that was a leader: the next connection looks for the new
                # one.
                self.drop()
                raise Untouched(_named(error)) from error
            raise
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self.drop()
            raise Lost(_named(error)) from error
        except BaseException:
            self.drop()
            raise
        finally:
            self._asked = None
            for timer in timers:
                timer.cancel()

    def _suspect(self, asked: object) -> None:
        with contextlib.suppress(TasksRefused):
            self._tasks.start(self._look(asked), name="storage looks for the leader")

    async def _look(self, asked: object) -> None:
        """Cut a silent connection as soon as another server leads: what was asked is then asked there.

        While nobody else leads, the server may only be slow, or wait for its standby.

        Args:
            asked: Stands for the statement that is not answered.
        """
        while self._asked is asked:
            attempts = [connect(url, LOOK_S, self._settings) for url in self._urls]
            try:
                leader = await first_of(attempts, _let_go, CONNECT_ERRORS)
            except CONNECT_ERRORS:
                pass
            else:
                _let_go(leader)
                if self._asked is asked and self._connection is not None and leader.server != self._server:
                    self._connection.terminate()
                    return
            await pause(LOOK_PAUSE_S)

    async def roll_back(self) -> None:
        """Leave no transaction open."""
        if self._connection is None or not self._connection.is_in_transaction():
            return
        try:
            await self.fetch("ROLLBACK")
        except (Lost, asyncpg.PostgresError):
            self.drop()

    def drop(self) -> None:
        """Let go of the connection at once."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def close(self) -> None:
        """End the connection in an orderly way, if there is one."""
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            try:
                await connection.close(timeout=CONNECT_S)
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError):
                connection.terminate()


async def pause(seconds: float) -> None:
    """Wait real seconds: the database's outages do not follow the product's clock.

    Args:
        seconds: How long.
    """
    loop = asyncio.get_running_loop()
    waiter: asyncio.Future[None] = loop.create_future()
    timer = loop.call_later(seconds, waiter.set_result, None)
    try:
        await waiter
    finally:
        timer.cancel()


def _let_go(connected: Connected) -> None:
    connected.connection.terminate()


def _ends_connection(error: asyncpg.PostgresError) -> bool:
    state = error.sqlstate or ""
    return state.startswith(("57P", "08")) or getattr(error, "severity_en", "") in {"FATAL", "PANIC"}


def _named(error: BaseException) -> str:
    """Name an error without the values that its text may hold."""
    if isinstance(error, asyncpg.PostgresError):
        return f"{type(error).__name__} ({error.sqlstate})"
    return type(error).__name__


def may_split(error: Exception) -> bool:
    """Tell whether a batch failed because of one of its rows, so that the others can go on without it.

    Args:
        error: What the batch raised; with any of these errors nothing of it was written.

    Returns:
        Whether the rows should be tried apart.
    """
    if isinstance(error, asyncpg.PostgresError):
        # Bad data, broken constraints, serialisation and deadlocks, limits such as the size of an index
        # entry.
        return (error.sqlstate or "")[:2] in {"22", "23", "40", "54"}
    return isinstance(error, (asyncpg.DataError, UnicodeEncodeError, OverflowError))


def refusal(error: Exception, table: str, key: str, appended: Sequence[str] = ()) -> StorageError:
    """Tell the caller of one change what an error of the server means to it.

    Args:
        error: What was raised for this change alone.
        table: Name of the table.
        key: Key of the row.
        appended: Names of the tables that are written with it.

    Returns:
        The error to raise.
    """
    state = error.sqlstate or "" if isinstance(error, asyncpg.PostgresError) else ""
    if state == "23505":
        # The server names the partition; its name begins with the table's.
        met = str(getattr(error, "table_name", None) or table)
        return Taken(next((name for name in (table, *appended) if met.startswith(name)), table), key)
    if state[:2] == "40" or state == "55P03":
        return TooContended(table, key)
    if may_split(error):
        return Unstorable(f"{table} refuses the values of {key!r}: {_named(error)}")
    text = getattr(error, "message", "") if isinstance(error, asyncpg.PostgresError) else ""
    return StorageUnavailable(f"PostgreSQL answers {_named(error)}: {text}")
