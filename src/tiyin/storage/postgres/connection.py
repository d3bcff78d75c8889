"""Connections to PostgreSQL as this project wants them, and what its errors mean to a caller."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
from asyncpg.connect_utils import SessionAttribute

from tiyin.storage.errors import StorageError, StorageUnavailable, Taken, TooContended, Unstorable

__all__ = ["Link", "Lost", "may_split", "pause", "refusal"]

# The server gives a statement up before this side does, and a lock before that: what is cut off here is truly
# lost.
LOCK_MS = 5_000
STATEMENT_MS = 30_000
STATEMENT_S = 40.0
CONNECT_S = 5.0
RETRY_FIRST_S = 0.02
RETRY_MAX_S = 0.5

# Every commit waits for the disk (and for the standby, where the server has a synchronous one). Plans are
# made once and never lean towards reading a whole table that was still small when they were made.
_SETTINGS = {
    "application_name": "tiyin",
    "statement_timeout": str(STATEMENT_MS),
    "lock_timeout": str(LOCK_MS),
    "idle_in_transaction_session_timeout": str(STATEMENT_MS),
    "plan_cache_mode": "force_generic_plan",
    "jit": "off",
}
_KEYED = {"enable_seqscan": "off", "enable_mergejoin": "off"}
_DURABLE = (
    "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') "
    "WHEN 'remote_apply' THEN 'remote_apply' ELSE 'on' END, false)"
)


class Lost(Exception):  # it is not an error yet: whoever meets it asks what happened
    """The connection ended under a statement: whether that was carried out is unknown."""


class Link:
    """One connection that is opened when it is needed, and again after it was lost.

    Args:
        url: The database's address.
        keyed: Whether only statements by key run here, which must never read a whole table.
    """

    def __init__(self, url: str, *, keyed: bool) -> None:
        self._url = url
        self._settings = {**_SETTINGS, **(_KEYED if keyed else {})}
        self._connection: asyncpg.Connection[asyncpg.Record] | None = None

    @property
    def connected(self) -> bool:
        """Whether there is a connection now."""
        return self._connection is not None and not self._connection.is_closed()

    async def open(self, deadline: float) -> None:
        """Connect, if there is no connection: once at least, and until the deadline.

        Args:
            deadline: Until when to try, in seconds of the loop's time.

        Raises:
            StorageUnavailable: If no connection could be made.
        """
        if self.connected:
            return
        loop = asyncio.get_running_loop()
        wait_s = RETRY_FIRST_S
        while True:
            try:
                self._connection = await self._connected()
            except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
                if loop.time() + wait_s >= deadline or _hopeless(error):
                    raise StorageUnavailable(f"PostgreSQL cannot be reached: {_named(error)}") from error
            except asyncpg.InternalClientError as error:
                # The server that answered is a standby, or not a server: another may stand there soon.
                if loop.time() + wait_s >= deadline:
                    raise StorageUnavailable(f"PostgreSQL cannot be used: {_named(error)}") from error
            else:
                return
            await pause(wait_s)
            wait_s = min(wait_s * 2, RETRY_MAX_S)

    async def _connected(self) -> "asyncpg.Connection[asyncpg.Record]":
        connection = await asyncpg.connect(
            self._url,
            timeout=CONNECT_S,
            server_settings=self._settings,
            statement_cache_size=500,
            # Of several hosts the one that is the leader now; a single one must be it.
            target_session_attrs=None if "target_session_attrs" in self._url else SessionAttribute.read_write,
        )
        try:
            await connection.execute(_DURABLE)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def fetch(self, statement: str, *values: Any) -> list[asyncpg.Record]:
        """Run one statement.

        Args:
            statement: The statement.
            values: Values to bind.

        Returns:
            Its rows.

        Raises:
            Lost: If the connection ended under it; it is dropped, and `open` makes another.
            asyncpg.PostgresError: If the server refused it; then it was not carried out.
            asyncpg.DataError: If a value cannot be sent at all.
        """
        connection = self._connection
        if connection is None or connection.is_closed():
            raise Lost("the connection is gone")
        # Cutting the connection is the only safe way to give up: asking the server to cancel could hit it
        # while it waits for its standby, and make it report as committed what only one machine has.
        timer = asyncio.get_running_loop().call_later(STATEMENT_S, connection.terminate)
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
            raise
        except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
            self.drop()
            raise Lost(_named(error)) from error
        except BaseException:
            self.drop()
            raise
        finally:
            timer.cancel()

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


def _hopeless(error: BaseException) -> bool:
    """Tell whether trying again within seconds is vain: a wrong password, no such database."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "")[:2] in {"28", "3D"}
    return isinstance(error, asyncpg.InterfaceError)


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
