"""Connections to SQLite as this project wants them, and what SQLite's errors mean to a caller."""

import time
from pathlib import Path

import apsw

from tiyin.storage.errors import StorageError, StorageUnavailable, Taken, Unstorable

__all__ = ["BUSY_MS", "open_reader", "open_writer", "translated"]

# How long a writer waits for another process that writes, in milliseconds.
BUSY_MS = 10_000

# How long to stand aside before the write-ahead log is asked for again, in seconds.
_ASK_AGAIN_S = 0.005

_TAKEN = {
    apsw.SQLITE_CONSTRAINT_UNIQUE,
    apsw.SQLITE_CONSTRAINT_PRIMARYKEY,
    apsw.SQLITE_CONSTRAINT_ROWID,
}
_REFUSED = (apsw.ConstraintError, apsw.MismatchError, apsw.TooBigError)
_UNBINDABLE = (OverflowError, UnicodeEncodeError)


def open_writer(path: Path, busy_ms: int = BUSY_MS) -> apsw.Connection:
    """Open the connection that writes, and make every commit of it durable.

    Args:
        path: The database file; made if it does not exist.
        busy_ms: How long to wait for another process that writes, in milliseconds.

    Returns:
        The connection.

    Raises:
        StorageUnavailable: If the file cannot be opened, or is not in WAL mode in the end.
    """
    try:
        connection = apsw.Connection(
            str(path), flags=apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE, statementcachesize=300
        )
        connection.set_busy_timeout(busy_ms)
        mode = _keep_log(connection, busy_ms)
        if mode != "wal":
            raise StorageUnavailable(
                f"{path} cannot be used with a write-ahead log (its journal mode is {mode})"
            )
        # NORMAL would lose the last commits with the power; on macOS a plain fsync leaves them in the disk's
        # own cache.
        connection.pragma("synchronous", "full")
        connection.pragma("fullfsync", value=True)
        connection.pragma("checkpoint_fullfsync", value=True)
        connection.pragma("wal_autocheckpoint", 4000)
        connection.pragma("journal_size_limit", 64 * 1024 * 1024)
        connection.pragma("cache_size", -32 * 1024)
    except apsw.Error as error:
        raise translated(error) from error
    return connection


def _keep_log(connection: apsw.Connection, busy_ms: int) -> str:
    """Have the database keep a write-ahead log, and wait for others that ask for the same.

    Processes that open a new file together all hold it for reading and all want to write its first page.
    SQLite sees that none of them could go on by waiting, so it refuses at once and leaves the busy timeout
    aside; the refused one lets go and asks again.

    Returns:
        The journal mode that the database has now.
    """
    until = time.monotonic() + busy_ms / 1000
    while True:
        try:
            return str(connection.pragma("journal_mode", "wal"))
        except apsw.BusyError:
            if time.monotonic() >= until:
                raise
            time.sleep(_ASK_AGAIN_S)


def open_reader(path: Path, busy_ms: int = BUSY_MS) -> apsw.Connection:
    """Open a connection that only reads.

    Args:
        path: The database file, which exists.
        busy_ms: How long to wait while the log is being recovered or restarted, in milliseconds.

    Returns:
        The connection.

    Raises:
        StorageUnavailable: If the file cannot be opened.
    """
    try:
        connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READWRITE, statementcachesize=300)
        connection.set_busy_timeout(busy_ms)
        connection.pragma("query_only", value=True)
        connection.pragma("cache_size", -16 * 1024)
    except apsw.Error as error:
        raise translated(error) from error
    return connection


def translated(error: BaseException, table: str = "", key: str = "") -> BaseException:
    """Tell a caller what an error of SQLite means to it; errors of rules stay what they are.

    Args:
        error: What was raised.
        table: Name of the table that was written.
        key: Key of the row that was written.

    Returns:
        An error of `tiyin.storage.errors`, or the error itself.
    """
    if isinstance(error, StorageError):
        return error
    if isinstance(error, apsw.ConstraintError) and getattr(error, "extendedresult", 0) in _TAKEN:
        return Taken(table, key)
    if isinstance(error, (*_REFUSED, *_UNBINDABLE)):
        return Unstorable(f"{table} refuses the values of {key!r}: {type(error).__name__}")
    if isinstance(error, apsw.Error):
        return StorageUnavailable(f"SQLite answers {type(error).__name__}: {error}")
    return error
