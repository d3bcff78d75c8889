"""What the writer thread is asked to do."""
# ruff: noqa: S608  # names of tables and columns are the program's own; every value is bound

import asyncio
import time
from collections.abc import Callable, Sequence
from itertools import compress, count
from operator import ne
from typing import Any

import apsw
import msgspec

from tiyin.storage.deciding import checked_values
from tiyin.storage.errors import LeaseLost, Taken
from tiyin.storage.sqlite.connection import translated
from tiyin.storage.sqlite.statements import statements_of
from tiyin.storage.tables import Decision, Done, Expecting, Lease, Table, WorkChange
from tiyin.storage.work_sql import COLUMNS, SQLITE, schedule_values

__all__ = ["AppendJob", "CallJob", "ChangeJob", "Job"]

_astuple = msgspec.structs.astuple

SCHEDULED = SQLITE.row("?1", "?2", "?3", "?4", "?5", "?6")
TAKE = f"INSERT INTO work ({COLUMNS}) VALUES ({SCHEDULED}) ON CONFLICT (key) DO NOTHING"
SCHEDULE = f"INSERT INTO work ({COLUMNS}) VALUES ({SCHEDULED}) {SQLITE.on_conflict} RETURNING epoch"
DELETE_WORK = "DELETE FROM work WHERE key = ?"
EPOCH = "SELECT epoch FROM work WHERE key = ?"
FINISH = "DELETE FROM work WHERE key = ?1 AND epoch = ?2"


class Job:
    """One piece of work for the writer, and where its answer goes.

    Args:
        future: Where the answer goes; set in its own loop.
    """

    __slots__ = ("answer", "error", "future", "loop")

    def __init__(self, future: asyncio.Future[Any]) -> None:
        self.future = future
        self.loop = future.get_loop()
        self.answer: Any = None
        self.error: BaseException | None = None

    def run(self, cursor: apsw.Cursor) -> Any:
        """Do it, inside a transaction; maybe again in another one when the first was rolled back."""
        raise NotImplementedError

    def deliver(self) -> None:
        """Hand the answer to whoever still waits, in the future's own loop."""
        if self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.answer)


class CallJob(Job):
    """Anything that is one call with the writer's cursor.

    Args:
        future: Where the answer goes.
        call: The call.
    """

    __slots__ = ("_call",)

    def __init__(self, future: asyncio.Future[Any], call: Callable[[apsw.Cursor], Any]) -> None:
        super().__init__(future)
        self._call = call

    def run(self, cursor: apsw.Cursor) -> Any:
        """Make the call."""
        try:
            return self._call(cursor)
        except Exception as error:
            raise translated(error) from error


class AppendJob(Job):
    """Rows for an append-only table, all or none.

    Args:
        future: Where the answer goes.
        table: The table.
        records: The rows.
    """

    __slots__ = ("_records", "_table")

    def __init__(
        self, future: asyncio.Future[Any], table: Table[Any], records: Sequence[msgspec.Struct]
    ) -> None:
        super().__init__(future)
        self._table = table
        self._records = records

    def run(self, cursor: apsw.Cursor) -> None:
        """Insert the rows."""
        _append(cursor, [(self._table, record) for record in self._records])


class ChangeJob(Job):
    """A change by key.

    Args:
        future: Where the answer goes: the decision's answer and the lease that was taken.
        table: The table.
        key: Key of the row.
        rule: The rule.
        lease: The lease under which it is made.
    """

    __slots__ = ("_key", "_lease", "_rule", "_table")

    def __init__(
        self,
        future: asyncio.Future[Any],
        table: Table[Any],
        key: str,
        rule: Callable[[Any], Decision[Any]],
        lease: Lease | None,
    ) -> None:
        super().__init__(future)
        self._table = table
        self._key = key
        self._rule = rule
        self._lease = lease

    def run(self, cursor: apsw.Cursor) -> tuple[Any, Lease | None]:
        """Decide and write: on the row that is expected, or else on the one that is read."""
        rule = self._rule
        if type(rule) is Expecting:
            done = self._on_expected(cursor, rule)
            if done is not None:
                return done
        lease = self._lease
        row = cursor.execute(statements_of(self._table).read, (self._key,)).fetchone()
        try:
            decision = rule(None if row is None else self._table.record(*row))
        except BaseException:
            _fence(cursor, lease)
            raise
        work = decision.work
        if lease is not None and isinstance(work, Done) and work.key == lease.key:
            # Most leases end so, and the deletion itself tells whether the lease was still good.
            _finish(cursor, lease)
            work = None
        else:
            _fence(cursor, lease)
        if not decision.writes:
            return decision.answer, None
        if not self._write(cursor, decision, row):
            raise Taken(self._table.name, self._key)
        return decision.answer, self._write_rest(cursor, decision, work)

    def _on_expected(self, cursor: apsw.Cursor, rule: Expecting[Any, Any]) -> tuple[Any, Lease | None] | None:
        """Decide on the row that is expected, and write if it is stored so.

        Returns:
            None if nothing was written: the stored row is another one, or the rule has nothing to write or
            refuses, which only the stored row may tell.
        """
        row = None if rule.row is None else _astuple(rule.row)
        lease = self._lease
        try:
            decision = rule(rule.row)
            work = decision.work
            # Most leases end so, and the deletion itself tells whether the lease was still good.
            ends = lease is not None and isinstance(work, Done) and work.key == lease.key
            # A row that is there can look after the lease in its own statement.
            fence = lease if row is not None and not ends else None
            if decision.record is None or not self._write(cursor, decision, row, fence):
                return None
        except Exception:  # noqa: BLE001  # a statement that fails writes nothing, and the stored row tells it again
            return None
        if lease is not None and ends:
            _finish(cursor, lease)
            work = None
        elif fence is None:
            _fence(cursor, lease)
        return decision.answer, self._write_rest(cursor, decision, work)

    def _write(
        self,
        cursor: apsw.Cursor,
        decision: Decision[Any],
        row: tuple[Any, ...] | None,
        fence: Lease | None = None,
    ) -> bool:
        """Write the row itself; tells whether it was written, which a lease that was lost prevents."""
        values = checked_values(self._table, self._key, decision, row)
        version = self._table.version_index
        assert version is not None  # noqa: S101  # `checked_values` has refused an append-only table; for mypy
        statements = statements_of(self._table)
        try:
            if row is None:
                cursor.execute(statements.create, values)
            else:
                differs = list(map(ne, values, row))
                changed, bound = tuple(compress(count(), differs)), compress(values, differs)
                guard = () if fence is None else (fence.key, fence.epoch)
                update = statements.update(changed, fenced=fence is not None)
                cursor.execute(update, (*bound, self._key, row[version], *guard))
        except (apsw.Error, OverflowError, UnicodeEncodeError) as error:
            raise translated(error, self._table.name, self._key) from error
        return cursor.connection.changes() > 0

    def _write_rest(
        self, cursor: apsw.Cursor, decision: Decision[Any], work: WorkChange | None
    ) -> Lease | None:
        if decision.appends:
            _append(cursor, decision.appends)
        return None if work is None else _write_work(cursor, work, self._lease)


def _finish(cursor: apsw.Cursor, lease: Lease) -> None:
    cursor.execute(FINISH, (lease.key, lease.epoch))
    if not cursor.connection.changes():
        raise LeaseLost(lease.key)


def _fence(cursor: apsw.Cursor, lease: Lease | None) -> None:
    if lease is not None and cursor.execute(EPOCH, (lease.key,)).fetchall() != [(lease.epoch,)]:
        raise LeaseLost(lease.key)


def _append(cursor: apsw.Cursor, appends: Sequence[tuple[Table[Any], msgspec.Struct]]) -> None:
    for table, record in appends:
        values = _astuple(record)
        try:
            cursor.execute(statements_of(table).append, values)
        except (apsw.Error, OverflowError, UnicodeEncodeError) as error:
            raise translated(error, table.name, str(values[table.key_index])) from error


def _write_work(cursor: apsw.Cursor, change: WorkChange, lease: Lease | None) -> Lease | None:
    if isinstance(change, Done):
        cursor.execute(DELETE_WORK, (change.key,))
        return None
    values = schedule_values(change, lease)
    before = time.monotonic()
    # Without a lease the work is new, as a rule; only what is there already needs to be weighed against.
    new = lease is None and cursor.execute(TAKE, values).connection.changes() > 0
    if not new and cursor.execute(SCHEDULE, values).fetchall() != [(values[4],)]:
        return None
    if change.owner is None:
        return None
    return Lease(change.key, change.kind, values[4], before + change.lease_ms / 1000)
