"""Transactions in a shop's own database, through its own SQLAlchemy, of either kind."""

import contextlib
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any, Concatenate, Final, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import Session, sessionmaker

from tiyin.merchant.records import Row
from tiyin.merchant.stores.in_transaction import InTransaction
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule
from tiyin.merchant.stores.sqlalchemy.checks import check_database
from tiyin.merchant.stores.sqlalchemy.handles import AwaitingHandle, BlockingHandle, Handle
from tiyin.merchant.stores.sqlalchemy.statements import Statements
from tiyin.merchant.stores.sqlalchemy.tables import PaymeTables, payme_tables
from tiyin.merchant.stores.sqlalchemy.units import begin, can_repeat, commit
from tiyin.merchant.stores.unit import UNIT
from tiyin.merchant.stores.wanted import check_wanted
from tiyin.runtime.clock import Clock, SystemClock

__all__ = ["AsyncSqlAlchemyStore", "SqlAlchemyStore"]

P = ParamSpec("P")
T = TypeVar("T")


class _Database:
    """What both kinds of a shop's database have in common; see `in_transaction.Database`."""

    def __init__(self, statements: Statements, patience_s: float) -> None:
        self.statements = statements
        self.anchor = statements.tables.transactions
        self.patience_ms = max(1, int(patience_s * 1000))
        # None where the shop bounds it by itself.
        self.lock_timeout_ms: int | None = self.patience_ms

    def transaction(self, *, locks: bool) -> contextlib.AbstractAsyncContextManager[Handle]:
        raise NotImplementedError

    def can_repeat(self, error: BaseException) -> bool:
        return can_repeat(error)

    async def pause(self, seconds: float) -> None:
        raise NotImplementedError

    def check_wanted(self) -> None:
        """Commit in any case: who waits for a coroutine cancels it when he does not wait any more."""


class _Blocking(_Database):
    def __init__(self, statements: Statements, patience_s: float, made_by: Callable[[], Session]) -> None:
        super().__init__(statements, patience_s)
        self._made_by = made_by

    @contextlib.asynccontextmanager
    async def transaction(self, *, locks: bool) -> AsyncIterator[Handle]:
        with self._made_by() as session:
            begun = begin(
                session,
                self.anchor,
                locks=locks,
                lock_timeout_ms=self.lock_timeout_ms,
            )
            yield BlockingHandle(self.statements, session)
            if locks:
                commit(session, self.anchor, begun)

    async def pause(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def check_wanted(self) -> None:
        check_wanted()


class _Awaiting(_Database):
    def __init__(
        self, statements: Statements, patience_s: float, made_by: Callable[[], AsyncSession]
    ) -> None:
        super().__init__(statements, patience_s)
        self._made_by = made_by
        # Conflicts are of the real time, whatever the product's clock says.
        self._clock = SystemClock()

    @contextlib.asynccontextmanager
    async def transaction(self, *, locks: bool) -> AsyncIterator[Handle]:
        async with self._made_by() as session:
            begun = await session.run_sync(
                begin,
                self.anchor,
                locks=locks,
                lock_timeout_ms=self.lock_timeout_ms,
            )
            yield AwaitingHandle(self.statements, session)
            if locks:
                await session.run_sync(commit, self.anchor, begun)

    async def pause(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class _Store(InTransaction):
    """The port, for both kinds."""

    detached: Final = False

    def __init__(self, database: _Database, clock: Clock | None, patience_s: float) -> None:
        if not patience_s > 0:
            raise ValueError(f"patience_s is how many seconds a hook may take: more than 0, not {patience_s}")
        super().__init__(database, SystemClock() if clock is None else clock, patience_s=patience_s)
        self._at = database
        self._do = database.statements

    async def start(self) -> None:
        """Look at the database.

        Raises:
            RuntimeError: If tables are missing or the engine cannot keep the store's promises; the text says
                what to do.
        """
        async with self._at.transaction(locks=False) as handle:
            bounds_locks = await handle.do(check_database, self._do.tables)
        self._at.lock_timeout_ms = None if bounds_locks else self._at.patience_ms

    async def stop(self) -> None:
        """Do nothing: the engine is the shop's."""

    async def read(self, key: str) -> Row | None:
        """Return the row as last committed, or None."""
        return await self._look(self._do.read, key)

    async def holder(self, guard: str) -> Row | None:
        """Return the row that holds a guard, or None."""
        return await self._look(self._do.holder, guard)

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        """Return accepted rows by Payme's time; see `TransactionStore.statement`."""
        return await self._look(self._do.statement, from_ms, to_ms, after, limit)

    async def due(self, now_ms: int, after: tuple[int, str] | None, limit: int) -> list[tuple[int, str]]:
        """Return which rows have expired by now; see `TransactionStore.due`."""
        return await self._look(self._do.due, now_ms, after, limit)

    async def keep_fiscal(self, row: FiscalRow) -> None:
        """Keep fiscal data, in the place of what came before under the same id."""
        await self._write_in_unit(self._do.keep_fiscal, row)

    async def fiscal(self, key: str) -> FiscalRow | None:
        """Return kept fiscal data, or None."""
        return await self._look(self._do.fiscal, key)

    async def key_row(self, key: str) -> KeyRow | None:
        """Return what became of a key."""
        return await self._look(self._do.key_row, key)

    async def change_key(self, key: str, rule: KeyRule) -> None:
        """Change what became of a key."""
        await self._write_in_unit(self._do.change_key, key, rule)

    async def _look(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Read in the open database transaction, else in a short one: never on a second connection."""
        open_unit = UNIT.get()
        if open_unit is not None:
            handle: Handle = open_unit.session
            return await handle.do(work, *args, **kwargs)
        return await self.together(lambda: self._look(work, *args, **kwargs), locks=False)

    async def _write_in_unit(
        self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        return await self.together(lambda: self._look(work, *args, **kwargs), locks=True)


class SqlAlchemyStore(_Store):
    """Transactions in a shop's own database, through its own `sessionmaker`: for plain functions.

    The shop's effect and the transaction's outcome are one database transaction, in the session that hooks
    have as `self.session` (`RowBilling`) or `current_session()`. So an effect happens once, or not at all.

    ```python
    payme_tables(Base.metadata)                     # before create_all, or for Alembic
    store = SqlAlchemyStore(sessionmaker(engine))
    api = MerchantApi(Shop(), store, key="...")
    ```

    Args:
        sessions: The shop's `sessionmaker`, or a function that returns a new `Session`.
        tables: What `payme_tables` returned, if it was given other names or a schema.
        clock: The time.
        patience_s: How long a lock is waited for on PostgreSQL, in seconds, unless the shop's connections
            have a ``lock_timeout`` of their own. How long a hook may take is `MerchantApi`'s ``patience_s``.

    Raises:
        TypeError: If `sessions` makes no sessions of that kind.
        ValueError: If a value cannot work.
    """

    blocking: Final = True

    def __init__(
        self,
        sessions: "sessionmaker[Any] | Callable[[], Session]",
        *,
        tables: PaymeTables | None = None,
        clock: Clock | None = None,
        patience_s: float = 15.0,
    ) -> None:
        _check_sessions(sessions, sessionmaker)
        statements = Statements(payme_tables(sa.MetaData()) if tables is None else tables)
        super().__init__(_Blocking(statements, patience_s, sessions), clock, patience_s)
        self._sessions = sessions

    def thread(self) -> contextlib.AbstractContextManager[None]:
        """Do nothing: every session is closed where it was opened."""
        return contextlib.nullcontext()

    def stays_in_thread(self) -> bool:
        """Tell whether sessions are bound to one connection, as in tests that undo all at their end."""
        return isinstance(getattr(self._sessions, "kw", {}).get("bind"), sa.Connection)


class AsyncSqlAlchemyStore(_Store):
    """Transactions in a shop's own database, through its own `async_sessionmaker`: for those who await.

    What `SqlAlchemyStore` says holds here too; hooks have an `AsyncSession`.

    ```python
    payme_tables(Base.metadata)
    store = AsyncSqlAlchemyStore(async_sessionmaker(engine))
    api = MerchantApi(Shop(), store, key="...")
    ```

    Args:
        sessions: The shop's `async_sessionmaker`, or a function that returns a new `AsyncSession`.
        tables: What `payme_tables` returned, if it was given other names or a schema.
        clock: The time.
        patience_s: How long one hook may take, and how long a lock is waited for on PostgreSQL unless the
            shop's connections have a ``lock_timeout`` of their own; in seconds.

    Raises:
        TypeError: If `sessions` makes no sessions of that kind.
        ValueError: If a value cannot work.
    """

    blocking: Final = False

    def __init__(
        self,
        sessions: "async_sessionmaker[Any] | Callable[[], AsyncSession]",
        *,
        tables: PaymeTables | None = None,
        clock: Clock | None = None,
        patience_s: float = 15.0,
    ) -> None:
        _check_sessions(sessions, async_sessionmaker)
        statements = Statements(payme_tables(sa.MetaData()) if tables is None else tables)
        super().__init__(_Awaiting(statements, patience_s, sessions), clock, patience_s)


def _check_sessions(sessions: object, wanted: type) -> None:
    other = async_sessionmaker if wanted is sessionmaker else sessionmaker
    if isinstance(sessions, other):
        store = "AsyncSqlAlchemyStore" if other is async_sessionmaker else "SqlAlchemyStore"
        raise TypeError(f"{_an(other)} belongs to {store}; this store takes {_an(wanted)}")
    if hasattr(sessions, "session_factory"):
        raise TypeError(
            "a scoped session is one that other code has in its hands too: give what makes new ones, "
            f"{_an(wanted)} over the engine"
        )
    if isinstance(sessions, Session | AsyncSession) or not callable(sessions):
        raise TypeError(f"give {_an(wanted)}, which makes a session for each call, not {_an(type(sessions))}")


def _an(kind: type) -> str:
    return f"{'an' if kind.__name__[0].lower() in 'aeiou' else 'a'} {kind.__name__}"
