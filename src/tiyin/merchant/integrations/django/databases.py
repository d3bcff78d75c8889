"""What the kinds of databases need so that a hook and its outcome are one, whatever the settings say."""

import contextlib
from types import TracebackType
from typing import Any, Final

from django.db import DatabaseError, Error, OperationalError, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tiyin.merchant.integrations.django.models import Transaction
from tiyin.merchant.integrations.django.statements import VENDORS

__all__ = [
    "ConnectionLostError",
    "WriteLockAtBegin",
    "bound_lock_waits",
    "can_repeat",
    "check_committable",
    "check_tables",
]

# serialization failure, deadlock
_REPEATABLE: Final = frozenset(("40001", "40P01"))
_SQLITE_BUSY: Final = frozenset((5, 6))
_MYSQL_REPEATABLE: Final = frozenset((1205, 1213))
_OPEN: Final = 2
_BOUNDED: Final = "_tiyin_bounded"


class ConnectionLostError(Exception):
    """The connection is gone, and Django has another one. Whoever looks again sees what was committed."""


class WriteLockAtBegin:
    """Has SQLite take its one write lock when a transaction begins inside the block.

    Who reads first and writes later may find that somebody else was quicker, and then no waiting helps. The
    shop's own transactions stay as its settings have them.

    Args:
        connection: This thread's connection; of another kind of database, nothing is done.
    """

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self._connection: Any = connection if connection.vendor == "sqlite" else None
        self._mode: Any = None

    def __enter__(self) -> None:
        if self._connection is not None:
            # The settings are read when it connects.
            self._connection.ensure_connection()
            self._mode = self._connection.transaction_mode
            self._connection.transaction_mode = "IMMEDIATE"

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._connection is not None:
            self._connection.transaction_mode = self._mode


def bound_lock_waits(connection: BaseDatabaseWrapper, patience_s: float, *, begun: bool) -> None:
    """Bound how long this connection waits for a lock, unless the shop's settings do.

    One order that somebody has locked and forgotten would otherwise hold a thread of the kit for each call
    about it, until there are none left.

    Args:
        connection: A connection of a thread of the kit's own.
        patience_s: How long, in seconds.
        begun: Whether it is asked a second time, now in a transaction.
    """
    if connection.vendor == "sqlite":
        return
    options = connection.settings_dict.get("OPTIONS", {})
    if "lock_timeout" in str(options.get("options", "")) or "lock_wait" in str(
        options.get("init_command", "")
    ):
        return
    # A pool gives the connection to others afterwards: there the bound is the transaction's own.
    pooled = bool(options.get("pool"))
    if begun is not pooled:
        return
    if not pooled:
        connection.ensure_connection()
        if getattr(connection, _BOUNDED, None) is connection.connection:
            return
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            bound = f"{max(1, int(patience_s * 1000))}ms"
            cursor.execute("SELECT set_config('lock_timeout', %s, %s)", (bound, pooled))
        else:
            cursor.execute("SET SESSION innodb_lock_wait_timeout = %s", (max(1, int(patience_s)),))
    setattr(connection, _BOUNDED, connection.connection)


def check_committable(connection: BaseDatabaseWrapper) -> None:
    """Look whether what was done will really be committed, all of it.

    Raises:
        RuntimeError: If a hook ended the transaction, or had it undone.
    """
    if connection.needs_rollback or connection.closed_in_transaction or not _is_open(connection):
        raise RuntimeError(
            "a hook ended the database transaction that it runs in: it must not commit, roll back or "
            "close the connection (raise instead; transaction.atomic() makes a savepoint)"
        )


def _is_open(connection: BaseDatabaseWrapper) -> bool:
    """Tell whether the driver still is in a transaction; drivers that do not say are believed."""
    driver: Any = connection.connection
    if connection.vendor == "sqlite":
        return bool(driver.in_transaction)
    if connection.vendor == "postgresql":
        return bool(driver.info.transaction_status == _OPEN)
    return True


def can_repeat(error: BaseException) -> bool:
    """Tell whether an error says that the database transaction must only be tried again.

    Args:
        error: The driver's error, Django's, or the kit's.
    """
    if isinstance(error, ConnectionLostError):
        return True
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if state in _REPEATABLE:
        return True
    code = getattr(error, "sqlite_errorcode", None)
    if isinstance(code, int):
        return code & 0xFF in _SQLITE_BUSY
    return isinstance(error, OperationalError) and bool(set(error.args[:1]) & _MYSQL_REPEATABLE)


def check_tables(connection: BaseDatabaseWrapper) -> None:
    """Look whether the kit's tables are there.

    Raises:
        RuntimeError: If they are not, or the database is of a kind that cannot do it.
    """
    if connection.vendor not in VENDORS:
        raise RuntimeError(
            f"the kit keeps its transactions in PostgreSQL, SQLite, MySQL or MariaDB, and the database "
            f"{connection.alias!r} is {connection.display_name}"
        )
    try:
        # A statement that fails must not spoil a transaction that is open around it.
        with transaction.atomic(connection.alias) if connection.in_atomic_block else contextlib.nullcontext():
            Transaction.objects.using(connection.alias).only("desk").first()
    except DatabaseError as error:
        if can_repeat(error) or _is_away(connection):
            raise
        raise RuntimeError(
            f"the kit's tables are missing in the database {connection.alias!r}: run "
            f"`manage.py migrate {Transaction._meta.app_label} --database {connection.alias}`"  # noqa: SLF001 - documented
        ) from error


def _is_away(connection: BaseDatabaseWrapper) -> bool:
    try:
        return connection.connection is None or not connection.is_usable()
    except Error:
        return True
