"""An open database transaction as the kit's rules use it, and as a shop's hooks get hold of it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, Concatenate, ParamSpec, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from tiyin.merchant.records import Row
from tiyin.merchant.stores.sqlalchemy.statements import Statements
from tiyin.merchant.stores.unit import unit

__all__ = [
    "AwaitingHandle",
    "BlockingHandle",
    "Handle",
    "current_async_session",
    "current_session",
]

P = ParamSpec("P")
T = TypeVar("T")


class Handle:
    """One open session, of either kind.

    Args:
        statements: The kit's statements.
    """

    def __init__(self, statements: Statements) -> None:
        self._statements = statements

    async def do(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do one of the kit's statements with the session.

        Raises:
            sqlalchemy.exc.StatementError: Without its parameters: they are payers' data, and digests of keys.
        """
        raise NotImplementedError

    async def locked(self, key: str) -> Row | None:
        """Return a row, locked; see `in_transaction.Session`."""
        return await self.do(self._statements.locked, key)

    async def insert(self, row: Row) -> bool:
        """Insert a row unless its id or its guard is there; see `in_transaction.Session`."""
        return await self.do(self._statements.insert, row)

    async def update(self, row: Row) -> None:
        """Write a row; see `in_transaction.Session`."""
        await self.do(self._statements.update, row)


class BlockingHandle(Handle):
    """An open `Session`."""

    def __init__(self, statements: Statements, session: Session) -> None:
        super().__init__(statements)
        self.session = session

    async def do(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it at once; see `Handle.do`."""
        with _discreet():
            return work(self.session, *args, **kwargs)


class AwaitingHandle(Handle):
    """An open `AsyncSession`."""

    def __init__(self, statements: Statements, session: AsyncSession) -> None:
        super().__init__(statements)
        self.session = session

    async def do(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do it with the session that is behind the one that awaits; see `Handle.do`."""
        with _discreet():
            return await self.session.run_sync(work, *args, **kwargs)


@contextlib.contextmanager
def _discreet() -> Iterator[None]:
    try:
        yield
    except sa.exc.StatementError as error:
        error.hide_parameters = True
        raise


def current_session() -> Session:
    """Return the session that a hook of plain functions runs in.

    What it writes there is committed together with the outcome, or not at all.

    `RowBilling` has it as `self.session`; this is for a `SyncBilling`.

    ```python
    def perform(self, transaction):
        current_session().add(Payment(order=transaction.account["order_id"], tiyin=transaction.amount_tiyin))
    ```

    Raises:
        RuntimeError: Outside of a hook, or where the store is not a `SqlAlchemyStore`.
    """
    handle: Any = unit().session
    if not isinstance(handle, BlockingHandle):
        raise RuntimeError(  # noqa: TRY004 - it is about where it was called
            "current_session is for hooks over a SqlAlchemyStore; over AsyncSqlAlchemyStore it is "
            "current_async_session"
        )
    return handle.session


def current_async_session() -> AsyncSession:
    """Return the session that a hook runs in that awaits; see `current_session`.

    ```python
    async def perform(self, transaction):
        current_async_session().add(Payment(order=transaction.account["order_id"]))
    ```

    Raises:
        RuntimeError: Outside of a hook, or where the store is not an `AsyncSqlAlchemyStore`.
    """
    handle: Any = unit().session
    if not isinstance(handle, AwaitingHandle):
        raise RuntimeError(  # noqa: TRY004 - it is about where it was called
            "current_async_session is for hooks over an AsyncSqlAlchemyStore; over SqlAlchemyStore it is "
            "current_session"
        )
    return handle.session
