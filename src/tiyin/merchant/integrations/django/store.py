"""`DjangoStore`: transactions in a shop's own database, through Django."""

import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

from django.db import (
    InterfaceError,
    OperationalError,
    close_old_connections,
    connections,
    reset_queries,
    transaction,
)
from django.db.backends.base.base import BaseDatabaseWrapper

from tiyin.merchant.after_commit import run_afterwards
from tiyin.merchant.integrations.django.databases import (
    ConnectionLostError,
    WriteLockAtBegin,
    bound_lock_waits,
    can_repeat,
    check_committable,
    check_tables,
)
from tiyin.merchant.integrations.django.statements import Statements
from tiyin.merchant.records import Row
from tiyin.merchant.stores.in_transaction import InTransaction
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule
from tiyin.merchant.stores.unit import UNIT, Unit
from tiyin.merchant.stores.wanted import check_wanted, still_wanted
from tiyin.runtime.clock import Clock, SystemClock

__all__ = ["DjangoStore", "Handle"]

P = ParamSpec("P")
T = TypeVar("T")


class Handle:
    """A connection to the database, as the kit's rules use it; see `in_transaction.Session`.

    Args:
        connection: Django's connection.
        statements: The kit's statements for it.
    """

    __slots__ = ("_inserted", "connection", "statements", "using")

    def __init__(self, connection: BaseDatabaseWrapper, statements: Statements) -> None:
        self.connection = connection
        self.statements = statements
        self.using = connection.alias
        self._inserted: Row | None = None

    async def locked(self, key: str) -> Row | None:
        """Return a row, locked."""
        return self.statements.locked(self.connection, key)

    async def insert(self, row: Row) -> bool:
        """Insert a row unless its id or its guard is there."""
        inserted = self.statements.insert(self.connection, row)
        if inserted:
            self._inserted = row
        return inserted

    async def update(self, row: Row) -> None:
        """Write a row, after what a hook did for it."""
        # A hook that ended the transaction would leave this alone outside of it; one that swallowed an error
        # of the database leaves a transaction that can only be undone. The driver knows, and is asked first.
        check_committable(self.connection)
        if row != self._inserted:
            self.statements.update(self.connection, row)


class _Database:
    """The shop's database; see `in_transaction.Database`."""

    def __init__(self, using: str, desk: str, patience_s: float) -> None:
        self.using = using
        self._desk = desk
        self._patience_s = patience_s
        self._made: Statements | None = None

    @property
    def connection(self) -> BaseDatabaseWrapper:
        """This thread's connection."""
        return connections[self.using]

    @contextlib.asynccontextmanager
    async def transaction(self, *, locks: bool) -> AsyncIterator[Handle]:
        connection = self.connection
        if self._made is None:
            self._made = Statements(connection, self._desk)
        handle = Handle(connection, self._made)
        driver = None
        try:
            connection.ensure_connection()
            driver = connection.connection
            if locks:
                with self._writing(connection):
                    yield handle
            else:
                # Whoever only reads needs no transaction, and a round trip less is a round trip less.
                yield handle
        except (OperationalError, InterfaceError) as error:
            if not connection.in_atomic_block:
                connection.close_if_unusable_or_obsolete()
                if driver is None or connection.connection is not driver:
                    raise ConnectionLostError(str(error)) from error
            raise

    @contextlib.contextmanager
    def _writing(self, connection: BaseDatabaseWrapper) -> Iterator[None]:
        own = not connection.in_atomic_block
        if own:
            bound_lock_waits(connection, self._patience_s, begun=False)
        with WriteLockAtBegin(connection), transaction.atomic(self.using):
            if own:
                bound_lock_waits(connection, self._patience_s, begun=True)
            yield
            check_committable(connection)

    def can_repeat(self, error: BaseException) -> bool:
        return can_repeat(error)

    async def pause(self, seconds: float) -> None:
        still_wanted()
        threading.Event().wait(seconds)

    def check_wanted(self) -> None:
        check_wanted()


class DjangoStore(InTransaction):
    """Transactions in a shop's own database, through Django. The shop's effect and they are one.

    `payme_view` makes it from the settings; by hand it is made like this:

    ```python
    api = MerchantApi(Shop(), DjangoStore(), key="...")
    ```

    Args:
        using: The database, as ``DATABASES`` names it: the one where the shop's orders are.
        desk: The cash desk's name: each one sees its own transactions.
        clock: The time.
        patience_s: How long a lock is waited for, in seconds, where the database can be told so.
    """

    blocking: Final = True
    detached: Final = False

    def __init__(
        self,
        using: str = "default",
        *,
        desk: str = "default",
        clock: Clock | None = None,
        patience_s: float = 15.0,
    ) -> None:
        self._at = _Database(using, desk, patience_s)
        super().__init__(self._at, SystemClock() if clock is None else clock, patience_s=patience_s)
        self._guard = threading.Lock()
        self._kept_open: set[BaseDatabaseWrapper] = set()

    async def start(self) -> None:
        """Look at the database.

        Raises:
            RuntimeError: If the kit's tables are missing, or the database is of a kind that cannot do it.
        """
        connection = self._at.connection
        opened_here = connection.connection is None
        try:
            check_tables(connection)
        finally:
            if opened_here:
                # This may be anybody's thread, and whose it is may never close it.
                connection.close()

    async def stop(self) -> None:
        """Close the connections that threads of the kit have kept open."""
        with self._guard:
            kept, self._kept_open = self._kept_open, set()
        for connection in kept:
            # Made in a thread that has ended by now.
            connection.inc_thread_sharing()
            connection.close()

    @contextlib.contextmanager
    def thread(self) -> Iterator[None]:
        """Surround what a thread does as Django surrounds a request: old connections are closed."""
        reset_queries()
        close_old_connections()
        try:
            yield
        finally:
            close_old_connections()
            with self._guard:
                for connection in connections.all(initialized_only=True):
                    if connection.connection is None:
                        self._kept_open.discard(connection)
                    else:
                        self._kept_open.add(connection)

    def stays_in_thread(self) -> bool:
        """Tell whether this thread has a database transaction open, as in a `TestCase`."""
        return self._at.connection.in_atomic_block

    async def read(self, key: str) -> Row | None:
        """Return the row as last committed, or None."""
        return await self._look(Statements.read, key)

    async def holder(self, guard: str) -> Row | None:
        """Return the row that holds a guard, or None."""
        return await self._look(Statements.holder, guard)

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        """Return accepted rows by Payme's time; see `TransactionStore.statement`."""
        return await self._look(Statements.statement, from_ms, to_ms, after, limit)

    async def due(self, now_ms: int, after: tuple[int, str] | None, limit: int) -> list[tuple[int, str]]:
        """Return which rows have expired by now; see `TransactionStore.due`."""
        return await self._look(Statements.due, now_ms, after, limit)

    async def keep_fiscal(self, row: FiscalRow) -> None:
        """Keep fiscal data, in the place of what came before under the same id."""
        await self._change(Statements.keep_fiscal, row)

    async def fiscal(self, key: str) -> FiscalRow | None:
        """Return kept fiscal data, or None."""
        return await self._look(Statements.fiscal, key)

    async def key_row(self, key: str) -> KeyRow | None:
        """Return what became of a key."""
        return await self._look(Statements.key_row, key)

    async def change_key(self, key: str, rule: KeyRule) -> None:
        """Change what became of a key."""
        await self._change(Statements.change_key, key, rule)

    def _committed(self, unit: Unit) -> None:
        if not self._at.connection.in_atomic_block:
            super()._committed(unit)
            return
        # Inside of somebody's transaction nothing is durable yet. Django knows when it is, and a test's
        # captureOnCommitCallbacks knows too.
        for _, afterwards in unit.afterwards:
            if afterwards:
                transaction.on_commit(lambda left=afterwards: run_afterwards(left), using=self._at.using)  # type: ignore[misc]  # bound now, not at the end of the loop

    async def _look(
        self,
        work: Callable[Concatenate[Statements, BaseDatabaseWrapper, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self.together(lambda: self._do(work, *args, **kwargs), locks=False)

    async def _change(
        self,
        work: Callable[Concatenate[Statements, BaseDatabaseWrapper, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        return await self.together(lambda: self._do(work, *args, **kwargs), locks=True)

    async def _do(
        self,
        work: Callable[Concatenate[Statements, BaseDatabaseWrapper, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        unit = UNIT.get()
        assert unit is not None  # noqa: S101 - `together` has opened it
        handle: Any = unit.session
        return work(handle.statements, handle.connection, *args, **kwargs)
