"""The SQL of the work queue: the same for both databases but for how they tell the time.

Every lease has an epoch of its own, so equal epochs mean the same lease, and a fence needs no more than that.

While a lease runs, `next_at` is its end. When somebody makes the work due sooner meanwhile, `next_at` lies
before `leased_until`; giving the lease back keeps that sooner time, so that a wish that was recorded beside a
running driver is not slept over.
"""
# ruff: noqa: S608  # names of tables and columns are the program's own; every value is bound

import itertools
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from tiyin.storage.tables import Lease, Schedule

__all__ = ["POSTGRES", "SQLITE", "WorkSql", "new_epoch", "schedule_values"]

COLUMNS = "key, kind, next_at, owner, epoch, leased_until"


@dataclass(frozen=True)
class WorkSql:
    """The statements for one database; their parameters are written as the callers' dialects want them.

    Args:
        now: An expression for the database's real time, in milliseconds since 1970.
        least: Name of the function that takes the smaller of two values.
        greatest: Name of the function that takes the larger of two values.
    """

    now: str
    least: str
    greatest: str

    def row(self, key: str, kind: str, next_in_ms: str, owner: str, epoch: str, lease_ms: str) -> str:
        """Write the values of a scheduled row.

        Args:
            key: Expression for the key; the others likewise.
            kind: The driver.
            next_in_ms: How far away it is due.
            owner: The owner or null.
            epoch: The epoch of the lease that is taken or that the change was made under, else 0.
            lease_ms: How long the lease is, 0 for none.

        Returns:
            Expressions in the order of `COLUMNS`.
        """
        due = f"{self.now} + {self.greatest}({next_in_ms}, {lease_ms})"
        until = f"CASE WHEN {lease_ms} > 0 THEN {self.now} + {lease_ms} ELSE 0 END"
        return f"{key}, {kind}, {due}, {owner}, {epoch}, {until}"

    @property
    def on_conflict(self) -> str:
        """What scheduling does to work that is there already; see `Schedule`."""
        held = f"(work.leased_until > {self.now} AND work.epoch <> excluded.epoch)"
        wished = "(work.next_at < work.leased_until)"
        return (
            "ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, "
            f"next_at = CASE WHEN {held} AND excluded.leased_until > 0 "
            f"THEN {self.least}(work.next_at, {self.now}) "
            f"WHEN {held} OR {wished} THEN {self.least}(work.next_at, excluded.next_at) "
            "ELSE excluded.next_at END, "
            f"owner = CASE WHEN {held} THEN work.owner ELSE excluded.owner END, "
            f"epoch = CASE WHEN {held} THEN work.epoch "
            "WHEN excluded.leased_until = 0 THEN 0 ELSE excluded.epoch END, "
            f"leased_until = CASE WHEN {held} THEN work.leased_until ELSE excluded.leased_until END"
        )

    def claim(self, kind: str, owner: str, epoch: str, lease_ms: str, limit: str, lock: str) -> str:
        """Write the statement that takes due work; it returns the keys."""
        return (
            f"WITH due AS (SELECT key FROM work WHERE kind = {kind} AND next_at <= {self.now} "
            f"AND leased_until <= {self.now} ORDER BY next_at LIMIT {limit} {lock}) "
            f"UPDATE work SET owner = {owner}, epoch = {epoch}, leased_until = {self.now} + {lease_ms}, "
            f"next_at = {self.now} + {lease_ms} WHERE key IN (SELECT key FROM due) RETURNING key"
        )

    def renew(self, key: str, epoch: str, lease_ms: str) -> str:
        """Write the statement that holds the work for longer; it returns the key if the epoch is right."""
        until = f"{self.now} + {lease_ms}"
        return (
            f"UPDATE work SET leased_until = {until}, "
            f"next_at = CASE WHEN next_at < leased_until THEN next_at ELSE {until} END "
            f"WHERE key = {key} AND epoch = {epoch} RETURNING key"
        )

    def release(self, key: str, epoch: str, next_in_ms: str) -> str:
        """Write the statement that gives the work back; it returns the key if the epoch is right."""
        due = f"{self.now} + {next_in_ms}"
        return (
            "UPDATE work SET owner = NULL, epoch = 0, leased_until = 0, "
            f"next_at = CASE WHEN next_at < leased_until THEN {self.least}(next_at, {due}) ELSE {due} END "
            f"WHERE key = {key} AND epoch = {epoch} RETURNING key"
        )

    def done(self, key: str, epoch: str) -> str:
        """Write the statement that deletes the work; it returns the key if the epoch is right."""
        return f"DELETE FROM work WHERE key = {key} AND epoch = {epoch} RETURNING key"

    def backlog(self, kind: str) -> str:
        """Write the statement that counts what is due and not held; a null kind counts every kind."""
        return (
            f"SELECT count(*) FROM work WHERE ({kind} IS NULL OR kind = {kind}) "
            f"AND next_at <= {self.now} AND leased_until <= {self.now}"
        )


SQLITE = WorkSql("CAST(round(unixepoch('subsec') * 1000) AS INTEGER)", "min", "max")
# The time of the statement, not of its transaction: a transaction that waited for a lock would give shorter
# leases.
POSTGRES = WorkSql("(extract(epoch FROM statement_timestamp()) * 1000)::bigint", "least", "greatest")


def _from_a_chance_place() -> Iterator[int]:
    return itertools.count(secrets.randbits(61) + 1)


_epochs = _from_a_chance_place()


def _count_anew() -> None:
    """Let a forked process count from a place of its own."""
    global _epochs  # noqa: PLW0603  # a process has one count, and a fork makes a process
    _epochs = _from_a_chance_place()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_count_anew)


def new_epoch() -> int:
    """Give the number of a new lease: never 0, and none that this process or another one gave before.

    Each process counts from a place that it draws by chance among 2^61: that two of them come near each other
    is not to be expected in the life of a database, and a draw for each lease would cost a system call.

    Returns:
        The epoch.
    """
    return next(_epochs)


def schedule_values(change: Schedule, lease: Lease | None) -> tuple[str, str, int, str | None, int, int]:
    """Tell what a schedule writes: key, kind, next_in_ms, owner, epoch, lease_ms.

    Args:
        change: The schedule.
        lease: The lease under which it is made; it counts only if it is on the same work.

    Returns:
        The values: the lease's own epoch when it is renewed or given back, a new one when a lease is taken,
        else 0.
    """
    if lease is not None and lease.key == change.key:
        epoch = lease.epoch
    else:
        epoch = new_epoch() if change.owner is not None else 0
    return change.key, change.kind, change.next_in_ms, change.owner, epoch, change.lease_ms
