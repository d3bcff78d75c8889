"""The store: one operation that carries the money, and the few that go with it."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar, overload

import msgspec
import sqlalchemy as sa

from tiyin.storage.errors import (
    LeaseLost,
    OutcomeUnknown,
    StorageError,
    StorageUnavailable,
    Taken,
    TooContended,
    Unstorable,
)
from tiyin.storage.tables import AnySelect, Lease, Rule, Table

__all__ = [
    "LeaseLost",
    "OutcomeUnknown",
    "StorageError",
    "StorageUnavailable",
    "Store",
    "Taken",
    "TooContended",
    "Unstorable",
    "WorkQueue",
]

R = TypeVar("R", bound=msgspec.Struct)
A = TypeVar("A")


class WorkQueue(Protocol):
    """Work that goes on without a caller: who drives what, by leases on the database's real time."""

    async def claim(self, kind: str, owner: str, lease_ms: int, limit: int) -> list[Lease]:
        """Take work that is due and that nobody holds, the longest due first.

        Args:
            kind: Which work.
            owner: Name of the driver, for a person who looks.
            lease_ms: How long each lease is.
            limit: How many at most.

        Returns:
            The leases; two claims never hold one key at a time.

        Raises:
            StorageUnavailable: If the database cannot be reached or written.
        """
        ...

    async def renew(self, lease: Lease, lease_ms: int) -> Lease:
        """Hold the work for longer.

        Args:
            lease: The lease as it was given.
            lease_ms: How long from now.

        Returns:
            The same lease with a later end.

        Raises:
            LeaseLost: If another driver holds the work by now, or it is done.
            StorageUnavailable: If the database cannot be reached or written.
        """
        ...

    async def release(self, lease: Lease, next_in_ms: int = 0) -> None:
        """Give the work back, to be due later. What was made due sooner while the lease was held stays so.

        Args:
            lease: The lease as it was given; it is over with this.
            next_in_ms: Due in so many milliseconds.

        Raises:
            LeaseLost: If another driver holds the work by now, or it is done.
            StorageUnavailable: If the database cannot be reached or written.
        """
        ...

    async def done(self, lease: Lease) -> None:
        """Delete the work.

        Args:
            lease: The lease as it was given; it is over with this.

        Raises:
            LeaseLost: If another driver holds the work by now, or it is done.
            StorageUnavailable: If the database cannot be reached or written.
        """
        ...

    async def backlog(self, kind: str | None = None) -> int:
        """Count the work that is due and that nobody holds.

        Args:
            kind: Which work; None counts every kind.

        Returns:
            How many pieces.
        """
        ...


class Store(Protocol):
    """A database in which changes by key are durable when they answer.

    Every method may raise `StorageUnavailable`: the database is full, locked, read-only or gone, or this
    store is closed. Then nothing was written, and a later call succeeds once the cause is gone.
    """

    work: WorkQueue

    async def change(self, table: Table[R], key: str, rule: Rule[R, A], *, lease: Lease | None = None) -> A:
        """Read the row at a key, decide, and write what was decided, in one durable commit.

        The commit is shared with whatever else waits at that moment, so many callers at once are cheap. A
        caller that is cancelled no longer hears the answer; the change happens all the same.

        Args:
            table: A changing table.
            key: Key of the row.
            rule: Pure. Called with the row or None, maybe several times; what it raises is raised here and
                harms no one else.
            lease: The lease under which a driver writes; the write is refused once another driver has the
                work.

        Returns:
            The decision's answer, once it is durable.

        Raises:
            Taken: If the row meets a unique index that another row holds.
            LeaseLost: If the lease is not the work's current one.
            TooContended: If other processes kept overtaking this change.
            Unstorable: If the database refuses the values.
            OutcomeUnknown: If the connection was lost at the commit and did not come back.
            StorageUnavailable: If nothing could be written.
        """
        ...

    async def change_and_lease(
        self, table: Table[R], key: str, rule: Rule[R, A], *, lease: Lease | None = None
    ) -> tuple[A, Lease | None]:
        """Do what `change` does, and also answer the lease that the decision's `Schedule` took.

        Args:
            table: As for `change`.
            key: As for `change`.
            rule: As for `change`.
            lease: As for `change`.

        Returns:
            The decision's answer, and the lease: None if the decision asked for none or another driver holds
            the work.
        """
        ...

    async def get(self, table: Table[R], key: str) -> R | None:
        """Read one row.

        Args:
            table: Any table.
            key: Key of the row.

        Returns:
            The row as last committed, or None.
        """
        ...

    async def get_many(self, table: Table[R], keys: Iterable[str]) -> dict[str, R]:
        """Read rows by their keys.

        Args:
            table: Any table.
            keys: Keys of the rows, at most 10,000.

        Returns:
            The rows that exist, by key.
        """
        ...

    async def append(self, table: Table[R], records: Sequence[R]) -> None:
        """Insert rows, all or none, durable when it answers.

        Args:
            table: An append-only table.
            records: The rows.

        Raises:
            Taken: If a row meets a unique index, that of its own key included.
            Unstorable: If the database refuses the values.
        """
        ...

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
        """Run a query that SQLAlchemy Core describes. The caller bounds it with a limit.

        A statement that is kept (a constant with `sa.bindparam` in it) is compiled once. One that is built
        for each call is compiled each time, which costs more than running it.

        Args:
            statement: The query. With a table it must select exactly the table's columns
                (`sa.select(table.schema)`).
            table: Whose records the rows are.
            values: Values of the statement's named parameters.

        Returns:
            Records, or plain tuples.
        """
        ...

    async def forget(self, table: Table[Any], before: int, limit: int) -> int:
        """Delete rows that are too old to be needed, the oldest first.

        Args:
            table: A table that says by which column it forgets.
            before: Rows with a smaller value there are deleted.
            limit: How many at most; the caller comes again for more.

        Returns:
            How many were deleted.

        Raises:
            ValueError: If the table forgets nothing.
        """
        ...

    async def create_tables(self, metadata: sa.MetaData) -> None:
        """Create what does not exist yet, storage's own tables included. Safe from several processes at once.

        It never alters a table that exists: a gateway's database is upgraded by migrations.

        Args:
            metadata: The tables.
        """
        ...

    async def close(self) -> None:
        """Finish what was accepted, refuse anything new, and let go of the database.

        It may be called again, also while the first call is under way: the second does nothing.
        """
        ...
