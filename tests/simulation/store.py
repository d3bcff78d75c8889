"""The store as a process sees it: commits take their time, may be refused, and may outlive their caller."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from simulation.loop import Life
from simulation.tables import MemoryTables
from simulation.world import World
from tiyin.storage import Lease, OutcomeUnknown, StorageUnavailable, Table
from tiyin.storage.store import WorkQueue

__all__ = ["InstantStore", "SimStore"]

_FAST_S = 0.004
_SLOW_S = 8.0


class InstantStore:
    """The tables as a `Store`, without troubles: to be compared with real ones.

    Args:
        tables: The tables.
        now_s: Process time, in seconds.
    """

    def __init__(self, tables: MemoryTables, now_s: Callable[[], float]) -> None:
        self.tables = tables
        self.now_s = now_s
        self.work: WorkQueue = _Work(self)

    async def _do(self, what: str, apply: Callable[[], Any], *, writes: bool = True) -> Any:
        return apply()

    async def change(self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None) -> Any:
        return (await self.change_and_lease(table, key, rule, lease=lease))[0]

    async def change_and_lease(
        self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None
    ) -> tuple[Any, Lease | None]:
        sent_s = self.now_s()
        answer: tuple[Any, Lease | None] = await self._do(
            f"change {_shown(table, key)}", lambda: self.tables.change(table, key, rule, lease, sent_s)
        )
        return answer

    async def get(self, table: Table[Any], key: str) -> Any:
        return await self._do("get", lambda: self.tables.of(table).get(key), writes=False)

    async def get_many(self, table: Table[Any], keys: Iterable[str]) -> dict[str, Any]:
        wanted = list(keys)
        rows = self.tables.of(table)
        found: dict[str, Any] = await self._do(
            "get_many", lambda: {key: rows[key] for key in wanted if key in rows}, writes=False
        )
        return found

    async def append(self, table: Table[Any], records: Sequence[Any]) -> None:
        await self._do(f"append {table.name}", lambda: self.tables.append(table, records))

    async def query(
        self, statement: Any, table: Table[Any] | None = None, values: Mapping[str, Any] | None = None
    ) -> Any:
        return await self._do("query", lambda: self.tables.query(statement, table, values), writes=False)

    async def forget(self, table: Table[Any], before: int, limit: int) -> int:
        count: int = await self._do("forget", lambda: self.tables.forget(table, before, limit))
        return count

    async def create_tables(self, metadata: sa.MetaData) -> None:
        """Nothing: tables are there when they are asked for."""

    async def close(self) -> None:
        """Nothing."""


class _Work(WorkQueue):
    """The work queue."""

    def __init__(self, store: InstantStore) -> None:
        self._store = store

    async def claim(self, kind: str, owner: str, lease_ms: int, limit: int) -> list[Lease]:
        sent_s, tables = self._store.now_s(), self._store.tables
        leases: list[Lease] = await self._store._do(
            f"claim {kind}", lambda: tables.claim(kind, owner, lease_ms, limit, sent_s)
        )
        return leases

    async def renew(self, lease: Lease, lease_ms: int) -> Lease:
        sent_s, tables = self._store.now_s(), self._store.tables
        renewed: Lease = await self._store._do(
            f"renew {lease.key}", lambda: tables.renew(lease, lease_ms, sent_s)
        )
        return renewed

    async def release(self, lease: Lease, next_in_ms: int = 0) -> None:
        tables = self._store.tables
        await self._store._do(f"release {lease.key}", lambda: tables.release(lease, next_in_ms))

    async def done(self, lease: Lease) -> None:
        await self._store._do(f"done {lease.key}", lambda: self._store.tables.done(lease))

    async def backlog(self, kind: str | None = None) -> int:
        count: int = await self._store._do("backlog", lambda: self._store.tables.backlog(kind), writes=False)
        return count


class SimStore(InstantStore):
    """The store of one process of the simulation.

    Args:
        world: The world, with its tables and troubles.
        life: Whose store it is.
    """

    def __init__(self, world: World, life: Life) -> None:
        super().__init__(world.tables, world.loop.time)
        self._world = world
        self._life = life

    async def _do(self, what: str, apply: Callable[[], Any], *, writes: bool = True) -> Any:
        world, faults = self._world, self._world.faults
        future: asyncio.Future[Any] = world.loop.create_future()
        dies = writes and world.happens(faults.crash)
        if dies and world.chance.random() < 0.3:
            world.crash(self._life)
            await future
        if world.happens(faults.stall):
            world.stall(self._life)
        slow = world.happens(faults.store_slow)
        seconds = world.chance.random() * (_SLOW_S if slow else _FAST_S)
        if world.happens(faults.store_refused):
            world.later(seconds, _fail, future, StorageUnavailable("the simulated database is away"))
        elif writes and world.happens(faults.store_unknown):
            world.later(seconds, self._unknown, future, what, apply)
        else:
            world.later(seconds, self._apply, future, what, apply, writes, dies)
        return await future

    def _apply(
        self, future: asyncio.Future[Any], what: str, apply: Callable[[], Any], writes: bool, dies: bool
    ) -> None:
        world = self._world
        if writes:
            world.say(self._life.name, what)
        try:
            answer, error = apply(), None
        except Exception as failed:  # noqa: BLE001 - whatever a rule raises is the caller's
            answer, error = None, failed
        if writes:
            world.look_for_work()
        if dies:
            world.crash(self._life)
        slow = world.happens(world.faults.store_slow)
        seconds = world.chance.random() * (_SLOW_S if slow else _FAST_S)
        if error is not None:
            world.later(seconds, _fail, future, error)
        else:
            world.later(seconds, _succeed, future, answer)

    def _unknown(self, future: asyncio.Future[Any], what: str, apply: Callable[[], Any]) -> None:
        world = self._world
        happened = world.chance.random() < 0.5
        world.say(
            self._life.name, f"{what}: the connection is lost, {'after' if happened else 'before'} the commit"
        )
        if happened:
            try:
                apply()
            except Exception as failed:  # noqa: BLE001 - whatever a rule raises is the caller's
                _fail(future, failed)
                return
            world.look_for_work()
        _fail(future, OutcomeUnknown("the simulated connection was lost"))


def _shown(table: Table[Any], key: str) -> str:
    """Name a row in the trace; the keys of tokens come from real chance, and would differ each time."""
    return f"{table.name} {key}" if table.name.startswith("receipt") else table.name


def _succeed(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
