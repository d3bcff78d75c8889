"""A database in memory: what SQLite and PostgreSQL do behind the store, at one moment, for one caller.

It shares no code with them but the check of a decision, and `test_store.py` compares it with the real ones.
"""

import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from simulation.query import holds, run_query
from tiyin.storage import Decision, Done, Lease, LeaseLost, Schedule, Table, Taken
from tiyin.storage.deciding import checked_values
from tiyin.storage.schema import Work
from tiyin.storage.tables import Expecting

__all__ = ["MemoryTables"]

_asdict = msgspec.structs.asdict
_EPOCHS_FROM = 1_000_000


class MemoryTables:
    """Rows and work.

    Args:
        now_ms: The database's real time.
        lease_of: Makes a lease of key, kind, epoch, and the time at which it ends.
    """

    def __init__(
        self, now_ms: Callable[[], int], lease_of: Callable[[str, str, int, float], Lease] = Lease
    ) -> None:
        self._now_ms = now_ms
        self._lease_of = lease_of
        self._epochs = itertools.count(_EPOCHS_FROM)
        self.rows: dict[str, dict[str, Any]] = {}
        self.work: dict[str, Work] = {}
        self.written: Callable[[Table[Any], Any, Any], None] = lambda table, before, after: None
        self.appended: Callable[[Table[Any], Any], None] = lambda table, record: None

    def of(self, table: Table[Any]) -> dict[str, Any]:
        """Give the rows of a table by their keys."""
        rows = self.rows.get(table.name)
        if rows is None:
            rows = self.rows[table.name] = {}
        return rows

    def change(
        self,
        table: Table[Any],
        key: str,
        rule: Callable[[Any], Decision[Any]],
        lease: Lease | None,
        sent_s: float,
    ) -> tuple[Any, Lease | None]:
        """Do what `Store.change_and_lease` does."""
        rows = self.of(table)
        row = rows.get(key)
        if isinstance(rule, Expecting):
            expected, rule = rule.row, rule.rule
            if row is not None and expected is not None and expected.version == row.version:
                # As real stores do: the decision is made on what the caller believes to be stored.
                row = expected
        try:
            decision = rule(row)
        except BaseException:
            self._fence(lease)
            raise
        self._fence(lease)
        if not decision.writes:
            return decision.answer, None
        values = checked_values(table, key, decision, None if row is None else msgspec.structs.astuple(row))
        record = table.record(*values)
        self._guard(table, key, record)
        fresh: set[tuple[str, str]] = set()
        for appended, each in decision.appends:
            name = getattr(each, appended.key)
            if name in self.of(appended) or (appended.name, name) in fresh:
                raise Taken(appended.name, name)
            fresh.add((appended.name, name))
        rows[key] = record
        for appended, each in decision.appends:
            self.of(appended)[getattr(each, appended.key)] = each
            self.appended(appended, each)
        taken = None if decision.work is None else self._write_work(decision.work, lease, sent_s)
        self.written(table, row, record)
        return decision.answer, taken

    def append(self, table: Table[Any], records: Iterable[Any]) -> None:
        """Do what `Store.append` does."""
        rows, fresh = self.of(table), {}
        for record in records:
            key = getattr(record, table.key)
            if key in rows or key in fresh:
                raise Taken(table.name, key)
            self._guard(table, key, record)
            fresh[key] = record
        rows.update(fresh)
        for record in fresh.values():
            self.appended(table, record)

    def query(self, statement: Any, table: Table[Any] | None, values: Mapping[str, Any] | None) -> list[Any]:
        """Do what `Store.query` does."""
        found = run_query(statement, self._rows_of, values)
        return found if table is None else [table.record(*row) for row in found]

    def _rows_of(self, name: str) -> Iterable[Mapping[str, Any]]:
        rows = self.work if name == "work" else self.rows.get(name, {})
        return [_asdict(rows[key]) for key in sorted(rows)]

    def forget(self, table: Table[Any], before: int, limit: int) -> int:
        """Do what `Store.forget` does."""
        if table.forgets_by is None:
            raise ValueError(f"{table.name} forgets nothing")
        by, rows = table.forgets_by, self.of(table)
        old = sorted(
            (key for key in rows if getattr(rows[key], by) < before), key=lambda key: getattr(rows[key], by)
        )
        for key in old[:limit]:
            del rows[key]
        return len(old[:limit])

    def _guard(self, table: Table[Any], key: str, record: Any) -> None:
        for index in table.schema.indexes:
            if not index.unique:
                continue
            where = [index.dialect_options["sqlite"]["where"]]
            where = [] if where[0] is None else where
            if not holds(where, _asdict(record), {}):
                continue
            names = [column.name for column in index.columns]
            values = [getattr(record, name) for name in names]
            if None in values:
                continue
            for other_key, other in self.of(table).items():
                same = other_key != key and [getattr(other, name) for name in names] == values
                if same and holds(where, _asdict(other), {}):
                    raise Taken(table.name, key)

    def _fence(self, lease: Lease | None) -> None:
        if lease is None:
            return
        work = self.work.get(lease.key)
        if work is None or work.epoch != lease.epoch:
            raise LeaseLost(lease.key)

    def _write_work(self, change: Schedule | Done, lease: Lease | None, sent_s: float) -> Lease | None:
        if isinstance(change, Done):
            self.work.pop(change.key, None)
            return None
        now = self._now_ms()
        if lease is not None and lease.key == change.key:
            epoch = lease.epoch
        else:
            epoch = next(self._epochs) if change.owner is not None else 0
        until = now + change.lease_ms if change.lease_ms else 0
        new = Work(
            change.key, change.kind, now + max(change.next_in_ms, change.lease_ms), change.owner, epoch, until
        )
        old = self.work.get(change.key)
        if old is not None:
            new = _on_conflict(old, new, now)
        self.work[change.key] = new
        if change.owner is None or new.epoch != epoch:
            return None
        return self._lease_of(change.key, change.kind, epoch, sent_s + change.lease_ms / 1000)

    def claim(self, kind: str, owner: str, lease_ms: int, limit: int, sent_s: float) -> list[Lease]:
        """Do what `WorkQueue.claim` does."""
        now = self._now_ms()
        due = [w for w in self.work.values() if w.kind == kind and w.next_at <= now and w.leased_until <= now]
        due.sort(key=lambda work: (work.next_at, work.key))
        leases = []
        for work in due[:limit]:
            epoch = next(self._epochs)
            self.work[work.key] = Work(work.key, kind, now + lease_ms, owner, epoch, now + lease_ms)
            leases.append(self._lease_of(work.key, kind, epoch, sent_s + lease_ms / 1000))
        return leases

    def renew(self, lease: Lease, lease_ms: int, sent_s: float) -> Lease:
        """Do what `WorkQueue.renew` does."""
        self._fence(lease)
        work, until = self.work[lease.key], self._now_ms() + lease_ms
        next_at = work.next_at if work.next_at < work.leased_until else until
        self.work[lease.key] = msgspec.structs.replace(work, leased_until=until, next_at=next_at)
        return self._lease_of(lease.key, lease.kind, lease.epoch, sent_s + lease_ms / 1000)

    def release(self, lease: Lease, next_in_ms: int) -> None:
        """Do what `WorkQueue.release` does."""
        self._fence(lease)
        work, due = self.work[lease.key], self._now_ms() + next_in_ms
        next_at = min(work.next_at, due) if work.next_at < work.leased_until else due
        self.work[lease.key] = Work(work.key, work.kind, next_at, None, 0, 0)

    def done(self, lease: Lease) -> None:
        """Do what `WorkQueue.done` does."""
        self._fence(lease)
        self.work.pop(lease.key, None)

    def backlog(self, kind: str | None) -> int:
        """Do what `WorkQueue.backlog` does."""
        now = self._now_ms()
        return sum(
            (kind is None or work.kind == kind) and work.next_at <= now and work.leased_until <= now
            for work in self.work.values()
        )

    def next_due_ms(self) -> int | None:
        """Give the moment at which a driver could next take something."""
        return min((max(work.next_at, work.leased_until) for work in self.work.values()), default=None)


def _on_conflict(old: Work, new: Work, now: int) -> Work:
    """Decide what scheduling does to work that is there already; see `Schedule`."""
    held = old.leased_until > now and old.epoch != new.epoch
    if held:
        next_at = min(old.next_at, now if new.leased_until else new.next_at)
        return Work(old.key, new.kind, next_at, old.owner, old.epoch, old.leased_until)
    wished = old.next_at < old.leased_until
    next_at = min(old.next_at, new.next_at) if wished else new.next_at
    return Work(old.key, new.kind, next_at, new.owner, new.epoch if new.leased_until else 0, new.leased_until)
