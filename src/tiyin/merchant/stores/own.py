"""The kit's own store: transactions in SQLite or PostgreSQL, whatever the shop itself keeps its orders in."""

from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

import sqlalchemy as sa

from tiyin.merchant.records import Row
from tiyin.merchant.rules import Answer, AskDelivered, Fresh, Refuse, Rule
from tiyin.merchant.stores.effects import Effects
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule, ShopEffects
from tiyin.merchant.stores.tables import FISCAL, HOLDERS, KEYS, TRANSACTIONS, metadata
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.forks import forget_after_fork
from tiyin.runtime.tasks import Tasks
from tiyin.storage.open import open_store
from tiyin.storage.store import Store
from tiyin.storage.tables import Decision

__all__ = ["OwnStore"]

T = TypeVar("T")

_DRAIN_S = 10.0
_PARENTS: Final[list[Store]] = []


class OwnStore:
    """Transactions in a database of the kit's own. Effects run at least once, and never two at a time.

    Args:
        database: ``sqlite:///payme.db`` or ``postgresql://...``, where tables are created if they are
            missing; or a store that is open already, which then stays open.
        clock: The time.
        tasks: Owns running effects; by default a set of its own, drained by `stop`.
        patience_s: How long a call waits for a hook before it is answered -32400, in seconds.
        lease_ms: How long one process may hold a transaction for a hook, in milliseconds, at least 1,000.
    """

    blocking: Final = False
    detached: Final = True

    def __init__(
        self,
        database: str | Store,
        *,
        clock: Clock | None = None,
        tasks: Tasks | None = None,
        patience_s: float = 15.0,
        lease_ms: int = 30_000,
    ) -> None:
        self._database = database
        self._clock = SystemClock() if clock is None else clock
        self._own_tasks = tasks is None
        self._tasks = Tasks() if tasks is None else tasks
        self._patience_s = patience_s
        self._lease_ms = lease_ms
        self._store: Store | None = None
        self._effects: Effects | None = None
        forget_after_fork(self)

    def forget_parent(self) -> None:
        """Begin anew in a child process: the connection and its threads are the parent's."""
        if self._store is not None:
            # Kept for ever, so that nobody closes in a child what the parent has open.
            _PARENTS.append(self._store)
        self._store = self._effects = None
        if self._own_tasks:
            self._tasks = Tasks()

    async def start(self) -> None:
        """Open the database and create what is missing."""
        if self._store is not None:
            return
        store = await open_store(self._database) if isinstance(self._database, str) else self._database
        await store.create_tables(metadata)
        self._effects = Effects(
            store, self._clock, self._tasks, patience_s=self._patience_s, lease_ms=self._lease_ms
        )
        self._store = store

    async def stop(self) -> None:
        """Let running effects end, and close the database if this store opened it."""
        if self._store is None:
            return
        if self._own_tasks:
            await self._tasks.drain(_DRAIN_S)
            self._tasks = Tasks()
        store, self._store, self._effects = self._store, None, None
        if isinstance(self._database, str):
            await store.close()

    # Those that only hand on are not `async`: each coroutine around another one is woken with it, every time.
    def carry_out(
        self, key: str, rule: Rule, shop: ShopEffects
    ) -> Coroutine[Any, Any, Answer | Refuse | Fresh | AskDelivered]:
        """Decide by a rule and do what it says; see `TransactionStore.carry_out`."""
        if self._effects is None:
            raise _not_started()
        return self._effects.carry_out(key, rule, shop)

    def together(self, work: Callable[[], Coroutine[Any, Any, T]], *, locks: bool) -> Coroutine[Any, Any, T]:  # noqa: ARG002 - the port's
        """Do the work: this store is apart from the shop's data, and each of its changes stands alone."""
        return work()

    def read(self, key: str) -> Coroutine[Any, Any, Row | None]:
        """Return the row as last committed, or None."""
        return self._opened.get(TRANSACTIONS, key)

    def holder(self, guard: str) -> Coroutine[Any, Any, Row | None]:
        """Return the row that holds a guard, or None."""
        return self._opened.get(HOLDERS, guard)

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        """Return accepted rows by Payme's time; see `TransactionStore.statement`."""
        values = {"from_ms": from_ms, "to_ms": to_ms, "many": limit}
        if after is None:
            return await self._opened.query(_STATEMENT, TRANSACTIONS, values)
        values |= {"after_ms": after.time_ms}
        return await self._opened.query(_STATEMENT_ON, TRANSACTIONS, values | {"after_id": after.id})

    async def due(self, now_ms: int, after: tuple[int, str] | None, limit: int) -> list[tuple[int, str]]:
        """Return which rows have expired by now; see `TransactionStore.due`."""
        after_ms, after_id = (0, "") if after is None else after
        values = {"now_ms": now_ms, "after_ms": after_ms, "after_id": after_id, "many": limit}
        rows = await self._opened.query(_DUE, None, values)
        return [(int(due_ms), str(key)) for due_ms, key in rows]

    async def keep_fiscal(self, row: FiscalRow) -> None:
        """Keep fiscal data, in the place of what came before under the same id."""
        await self._opened.change(FISCAL, row.id, lambda _: Decision(None, row))

    async def fiscal(self, key: str) -> FiscalRow | None:
        """Return kept fiscal data, or None."""
        return await self._opened.get(FISCAL, key)

    async def key_row(self, key: str) -> KeyRow | None:
        """Return what became of a key."""
        return await self._opened.get(KEYS, key)

    async def change_key(self, key: str, rule: KeyRule) -> None:
        """Change what became of a key."""
        await self._opened.change(KEYS, key, lambda row: Decision(None, rule(row)))

    @property
    def _opened(self) -> Store:
        if self._store is None:
            raise _not_started()
        return self._store


# Kept statements are compiled once.
_AT = TRANSACTIONS.schema.c
_STATEMENT = (
    sa.select(TRANSACTIONS.schema)
    .where(_AT.time_ms >= sa.bindparam("from_ms"), _AT.time_ms <= sa.bindparam("to_ms"), _AT.accepted == 1)
    .order_by(_AT.time_ms, _AT.id)
    .limit(sa.bindparam("many"))
)
_STATEMENT_ON = _STATEMENT.where(
    sa.or_(
        _AT.time_ms > sa.bindparam("after_ms"),
        sa.and_(_AT.time_ms == sa.bindparam("after_ms"), _AT.id > sa.bindparam("after_id")),
    )
)
_DUE = (
    sa.select(_AT.due_ms, _AT.id)
    .where(
        _AT.due_ms <= sa.bindparam("now_ms"),
        sa.or_(
            _AT.due_ms > sa.bindparam("after_ms"),
            sa.and_(_AT.due_ms == sa.bindparam("after_ms"), _AT.id > sa.bindparam("after_id")),
        ),
    )
    .order_by(_AT.due_ms, _AT.id)
    .limit(sa.bindparam("many"))
)


def _not_started() -> RuntimeError:
    return RuntimeError("the store is not open: await MerchantApi.start() first, or use `async with api:`")
