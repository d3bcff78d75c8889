"""How one database transaction begins and ends, so that a hook and its outcome are one, on each database.

All of it are functions of a `Session`; an `AsyncSession` runs them by its `run_sync`.
"""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session, SessionTransaction
from sqlalchemy.pool import StaticPool

__all__ = ["begin", "can_repeat", "commit"]

_COMMITS: Final = "tiyin_commits"

# serialization failure, deadlock
_REPEATABLE = frozenset(("40001", "40P01"))
_SQLITE_BUSY = frozenset((5, 6))
_MYSQL_DEADLOCK = 1213


def begin(
    session: Session, anchor: sa.Table, *, locks: bool, lock_timeout_ms: int | None
) -> SessionTransaction:
    """Begin a database transaction in a fresh session.

    Args:
        session: The session.
        anchor: A table of the database that is meant, for a session that knows several.
        locks: False if inside nothing will be locked or written.
        lock_timeout_ms: How long a lock may be waited for on PostgreSQL; None leaves it to the shop.

    Returns:
        The transaction, for `commit`.
    """
    transaction = session.begin()
    connection = session.connection(bind_arguments={"clause": anchor})
    dialect = connection.dialect.name
    if dialect == "sqlite":
        _begin_sqlite(session.get_bind(clause=anchor), connection, locks=locks)
    sa.event.listen(session, "before_commit", _refuse_to_commit)
    if not locks:
        # A hook that only looks writes nothing, not even by accident.
        session.autoflush = False
        return transaction
    if dialect == "postgresql" and lock_timeout_ms is not None:
        connection.execute(_LOCK_TIMEOUT, {"ms": f"{lock_timeout_ms}ms"})
    return transaction


def commit(session: Session, anchor: sa.Table, transaction: SessionTransaction) -> None:
    """Commit what `begin` began.

    Args:
        session: The session.
        anchor: The table that it was begun with.
        transaction: What `begin` returned.

    Raises:
        RuntimeError: If a hook ended it: then a part of the hook's work is not in it.
        sqlalchemy.exc.DBAPIError: If the database cannot commit it.
    """
    if session.get_transaction() is not transaction or not transaction.is_active:
        raise RuntimeError(f"a hook ended the database transaction that it runs in: {_ENDED}")
    session.flush()
    connection = session.connection(bind_arguments={"clause": anchor})
    if connection.dialect.name == "postgresql":
        # A hook may have caught a statement's error. Then PostgreSQL answers COMMIT by rolling back, which no
        # driver tells; any other statement it refuses.
        connection.execute(_ASK)
    elif connection.dialect.name == "sqlite" and not _in_transaction(connection):
        raise RuntimeError(f"SQLite gave the database transaction up, and a hook went on: {_ENDED}")
    session.info[_COMMITS] = True
    try:
        session.commit()
    except sa.exc.DBAPIError:
        if not isinstance(session.get_bind(clause=anchor), sa.Connection):
            _undo_sqlite(connection)
        raise


def can_repeat(error: BaseException) -> bool:
    """Tell whether an error says that the database transaction must only be tried again."""
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    if error.connection_invalidated:
        # Whether a lost connection had committed is seen by whoever looks again.
        return True
    cause: object = error.orig
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    if state in _REPEATABLE:
        return True
    code = getattr(cause, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF in _SQLITE_BUSY
    arguments: tuple[object, ...] = getattr(cause, "args", ())
    return _MYSQL_DEADLOCK in arguments[:1]


_ENDED: Final = (
    "it must not roll back, close the session, or go on after an error of the database "
    "(raise instead, or use session.begin_nested)"
)
_ASK = sa.text("SELECT 1")
_LOCK_TIMEOUT = sa.text("SELECT set_config('lock_timeout', :ms, true)")


def _refuse_to_commit(session: Session) -> None:
    if session.in_nested_transaction() or session.info.get(_COMMITS):
        return
    raise RuntimeError(
        "a hook must not commit: its work is committed together with the transaction's outcome, or not at "
        "all (session.flush writes; session.begin_nested makes a savepoint)"
    )


def _begin_sqlite(bind: sa.Engine | sa.Connection, connection: sa.Connection, *, locks: bool) -> None:
    """Take SQLite's one write lock at the beginning: who reads first and writes later may find it too late.

    Python's `sqlite3` begins a transaction by itself before the first write, and leaves one that is open
    alone. So the shop's other transactions are as they ever were.
    """
    if isinstance(bind, sa.Connection):
        # The shop's tests put one transaction around all of it.
        return
    if _in_transaction(connection):
        if isinstance(bind.pool, StaticPool):
            return
        # Begun by an event of the shop's engine, by `autocommit=False`, or left behind by a COMMIT of the
        # shop's that failed (see `_undo_sqlite`): nothing of this session's was done in it yet.
        connection.exec_driver_sql("ROLLBACK")
    if locks:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _undo_sqlite(connection: sa.Connection) -> None:
    """End a transaction whose COMMIT failed.

    SQLite keeps it open, with its lock and all that was written in it, while SQLAlchemy takes it for ended:
    whoever is given the connection next would read what was never committed.
    """
    if connection.dialect.name != "sqlite" or connection.invalidated or connection.closed:
        return
    if _in_transaction(connection):
        connection.connection.rollback()


def _in_transaction(connection: sa.Connection) -> bool:
    return bool(getattr(connection.connection.driver_connection, "in_transaction", False))
