"""What waits to be written, and in what order it may go."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tiyin.storage.deciding import checked_values
from tiyin.storage.postgres.batch_sql import Change
from tiyin.storage.tables import Decision, Done, Expecting, Lease, Schedule, Table
from tiyin.storage.work_sql import schedule_values

__all__ = ["TRIES_MAX", "AppendItem", "ChangeItem", "Item", "Queue"]

# A change decides at most so many times; the last time it first waits for the lock, so that nobody overtakes
# it once more.
TRIES_MAX = 5

_astuple = msgspec.structs.astuple


class Item:
    """Something that waits to be written.

    Args:
        future: Where its answer goes.
        key: What no other item in flight of the same queue may share, or None.
        deadline: Until when to wait for a connection, in seconds of the loop's time.
    """

    __slots__ = ("deadline", "future", "key", "tries")

    def __init__(self, future: asyncio.Future[Any], key: str | None, deadline: float) -> None:
        self.future = future
        self.key = key
        self.deadline = deadline
        self.tries = 0

    @property
    def label(self) -> str:
        """The key by which an error speaks of it."""
        return self.key or ""

    def answer(self, value: Any) -> None:
        """Give the answer, if anybody still waits for it."""
        if not self.future.done():
            self.future.set_result(value)

    def fail(self, error: BaseException) -> None:
        """Give an error instead of the answer, if anybody still waits for it."""
        if not self.future.done():
            self.future.set_exception(error)


class AppendItem(Item):
    """Rows to be inserted into an append-only table, all or none.

    Args:
        future: Where the answer goes.
        table: The table.
        records: The rows.
        deadline: Until when to wait for a connection.
    """

    __slots__ = ("records", "table")

    def __init__(
        self,
        future: asyncio.Future[Any],
        table: Table[Any],
        records: Sequence[msgspec.Struct],
        deadline: float,
    ) -> None:
        super().__init__(future, None, deadline)
        self.table = table
        self.records = records

    @property
    def label(self) -> str:
        """The key of the first row."""
        return str(getattr(self.records[0], self.table.key))


class ChangeItem(Item):
    """A change by key.

    Args:
        future: Where the answer goes: the decision's answer and the lease that was taken.
        table: The table.
        key: Key of the row.
        rule: The rule.
        lease: The lease under which it is made.
        deadline: Until when to wait for a connection.
    """

    __slots__ = (
        "decided_at",
        "decision",
        "expecting",
        "insert_lost",
        "inserting",
        "lease",
        "rule",
        "table",
        "work_key",
    )

    def __init__(
        self,
        future: asyncio.Future[Any],
        table: Table[Any],
        key: str,
        rule: Callable[[Any], Decision[Any]],
        lease: Lease | None,
        deadline: float,
    ) -> None:
        super().__init__(future, key, deadline)
        self.table = table
        self.rule = rule
        self.expecting = rule if type(rule) is Expecting else None
        self.lease = lease
        self.decision: Decision[Any] | None = None
        self.decided_at = 0.0
        self.inserting = False
        self.insert_lost = False
        self.work_key: str | None = None

    def decide(self, row: Sequence[Any] | None) -> Change | None:
        """Run the rule on the row as it was read.

        Args:
            row: The row, or None.

        Returns:
            What to write; None if there is nothing to write and `decision` holds the answer.
        """
        self.decision = decision = self.rule(None if row is None else self.table.record(*row))
        work = decision.work
        self.work_key = None if work is None else work.key
        if not decision.writes:
            return None
        plain = None if row is None else tuple(row)
        values = checked_values(self.table, str(self.key), decision, plain)
        version = self.table.version_index
        assert version is not None  # noqa: S101  # `checked_values` has refused an append-only table; for mypy
        self.inserting = row is None
        self.decided_at = time.monotonic()
        return Change(
            key=str(self.key),
            version=0 if plain is None else plain[version],
            values=values,
            fence=None if self.lease is None else (self.lease.key, self.lease.epoch),
            appends=[
                (self.table.appends.index(table), _astuple(record)) for table, record in decision.appends
            ],
            schedule=schedule_values(work, self.lease) if isinstance(work, Schedule) else None,
            done=work.key if isinstance(work, Done) else None,
        )

    def decide_as_expected(self) -> Change | None:
        """Run the rule on the row that is expected, once; the statement that writes finds out if it is so.

        Returns:
            What to write; None if the stored row must be read first: no row is expected, or the rule would
            write nothing or refuse, which only the stored row may tell.
        """
        expecting, self.expecting = self.expecting, None
        if expecting is None:
            return None
        row = expecting.row
        try:
            return self.decide(None if row is None else _astuple(row))
        except Exception:  # noqa: BLE001  # the same rule tells it again if the stored row is to blame
            return None

    def lose(self) -> None:
        """Count a try in which the statement passed this change over."""
        self.tries += 1
        # Under a lease the work row may have been locked for a moment; else only a unique index is left.
        self.insert_lost = self.inserting and (self.lease is None or self.tries >= TRIES_MAX)

    def settle(self, change: Change | None, epoch: int | None) -> None:
        """Give the decision's answer, and the lease if it was taken.

        Args:
            change: What was written.
            epoch: The epoch that the work row has now.
        """
        decision = self.decision
        assert decision is not None  # noqa: S101  # only what was decided is settled
        lease = None
        work = decision.work
        asked = None if change is None else change.schedule
        if isinstance(work, Schedule) and work.owner is not None and asked is not None and epoch == asked[4]:
            lease = Lease(work.key, work.kind, asked[4], self.decided_at + work.lease_ms / 1000)
        self.answer((decision.answer, lease))


class Queue:
    """What waits for one table.

    A key that is in flight is not taken a second time: the next change of it waits here.

    Args:
        table: The table.
    """

    def __init__(self, table: Table[Any]) -> None:
        self.table = table
        self._waiting: deque[Item] = deque()
        self._in_flight: dict[str, deque[Item]] = {}
        self._held_back = 0

    def __len__(self) -> int:
        return len(self._waiting) + self._held_back

    @property
    def ready(self) -> bool:
        """Whether anything can be taken now."""
        return bool(self._waiting)

    def add(self, item: Item) -> None:
        """Let an item wait; behind the one in flight if that has the same key."""
        behind = self._in_flight.get(item.key) if item.key is not None else None
        if behind is None:
            self._waiting.append(item)
        else:
            behind.append(item)
            self._held_back += 1

    def take(self, count_max: int) -> list[Item]:
        """Take what may go together: each key once, and none that is in flight."""
        batch: list[Item] = []
        while self._waiting and len(batch) < count_max:
            item = self._waiting.popleft()
            if item.key is not None:
                behind = self._in_flight.get(item.key)
                if behind is not None:
                    behind.append(item)
                    self._held_back += 1
                    continue
                self._in_flight[item.key] = deque()
            batch.append(item)
        return batch

    def landed(self, batch: Sequence[Item]) -> None:
        """Let the next change of each key go."""
        for item in batch:
            if item.key is None:
                continue
            behind = self._in_flight.pop(item.key)
            self._held_back -= len(behind)
            # Those that waited longest go first, and each batch takes one of them.
            self._waiting.extendleft(reversed(behind))

    def expire(self, now: float) -> list[Item]:
        """Take out what has waited for a connection long enough."""
        late = [item for item in self._waiting if item.deadline <= now]
        if late:
            self._waiting = deque(item for item in self._waiting if item.deadline > now)
        return late

    def again(self, item: Item) -> None:
        """Put an item that lost a race back to the front, before those that came later."""
        self._waiting.appendleft(item)
