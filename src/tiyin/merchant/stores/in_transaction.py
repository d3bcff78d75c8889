"""Stores in the shop's own database: a transaction and the shop's effect for it are one database transaction.

So an effect happens exactly once or not at all, and there is nothing to be marked, leased or repeated: a
process that dies takes its database transaction with it. What a store of this kind must bring is small: how
a database transaction is opened (`Database`), and three statements in it (`Session`).

What was read may turn out stale at the end (a serialization failure, a deadlock, a busy SQLite file). Then
everything is undone and done again, the shop's hooks too: in the database none of the first try is left.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol, TypeVar

from tiyin.merchant.records import Row
from tiyin.merchant.refusals import Refused
from tiyin.merchant.rules import Answer, AskDelivered, Fresh, Refuse, Rule, Run, finished
from tiyin.merchant.stores.port import EffectError, GuardTakenError, ShopEffects, StillRunningError
from tiyin.merchant.stores.unit import UNIT, Unit
from tiyin.merchant.stores.wanted import WANTED
from tiyin.runtime.chance import Chance, SystemChance
from tiyin.runtime.clock import Clock
from tiyin.runtime.patience import within

__all__ = ["Database", "InTransaction", "Session"]

T = TypeVar("T")
Settled = Answer | Refuse | Fresh | AskDelivered

_PAUSES_S = (0.01, 0.03, 0.1, 0.3, 0.6)
_LOOKS_MAX = 4


class Session(Protocol):
    """What can be done with transactions' rows inside of an open database transaction."""

    async def locked(self, key: str) -> Row | None:
        """Return the row of that id, locked until the database transaction ends; None if there is none."""
        ...

    async def insert(self, row: Row) -> bool:
        """Insert a row.

        Returns:
            False, with nothing written and the database transaction as usable as before, if its id or its
            guard is there already.
        """
        ...

    async def update(self, row: Row) -> None:
        """Write a row that `locked` returned or `insert` made in this database transaction."""
        ...


class Database(Protocol):
    """The shop's own database, as far as a store of this kind needs it."""

    def transaction(self, *, locks: bool) -> AbstractAsyncContextManager[Any]:
        """Open a database transaction: it commits at the end of the block, and is undone by an exception.

        Args:
            locks: False if inside nothing will be locked or written.

        Returns:
            Gives the `Session`.
        """
        ...

    def can_repeat(self, error: BaseException) -> bool:
        """Tell whether an error says that the database transaction must only be tried again."""
        ...

    async def pause(self, seconds: float) -> None:
        """Wait."""
        ...

    def check_wanted(self) -> None:
        """Raise `StillRunningError` if nobody waits for the result any more: then it is undone."""
        ...


class InTransaction:
    """Carries rules out inside of the shop's own database transactions.

    Args:
        database: The shop's database.
        clock: The time.
        patience_s: How long one hook may take, in seconds, where it can be cut.
        chance: For the length of pauses.
    """

    def __init__(
        self, database: Database, clock: Clock, *, patience_s: float, chance: Chance | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._patience_s = patience_s
        self._chance = SystemChance() if chance is None else chance

    async def together(self, work: Callable[[], Awaitable[T]], *, locks: bool) -> T:
        """Do what `TransactionStore.together` promises."""
        outer = UNIT.get()
        if outer is not None:
            if locks and not outer.locks:
                raise RuntimeError("a database transaction that only reads was asked to lock")
            return await work()
        for pause_s in _PAUSES_S:
            try:
                return await self._once(work, locks=locks)
            except Exception as error:
                if not self._repeatable(error):
                    raise
            wanted = WANTED.get()
            if wanted is not None:
                wanted.reopen()
            await self._database.pause(self._chance.up_to(pause_s))
        return await self._once(work, locks=locks)

    async def carry_out(self, key: str, rule: Rule, shop: ShopEffects) -> Settled:
        """Do what `TransactionStore.carry_out` promises."""

        async def work() -> Settled:
            unit = UNIT.get()
            assert unit is not None  # noqa: S101 - `together` has just opened it
            return await self._settle(unit, key, rule, shop)

        return await self.together(work, locks=True)

    async def _once(self, work: Callable[[], Awaitable[T]], *, locks: bool) -> T:
        async with self._database.transaction(locks=locks) as session:
            unit = Unit(session, locks=locks)
            token = UNIT.set(unit)
            try:
                answer = await work()
            finally:
                UNIT.reset(token)
            if locks:
                self._database.check_wanted()
        self._committed(unit)
        return answer

    def _committed(self, unit: Unit) -> None:
        """Have done what hooks left for afterwards; a store that is itself inside of a transaction waits."""
        for shop, afterwards in unit.afterwards:
            shop.committed(afterwards)

    async def _settle(self, unit: Unit, key: str, rule: Rule, shop: ShopEffects) -> Settled:
        session: Session = unit.session
        for _ in range(_LOOKS_MAX):
            row = None if key in unit.absent else await session.locked(key)
            if row is None:
                unit.absent.add(key)
            step = rule(row, self._clock.now_ms())
            if isinstance(step.outcome, Run):
                settled = await self._run(unit, row, step.outcome, shop)
                if settled is not None and step.outcome.final:
                    return settled
            elif step.write is None or await self._write(unit, row, step.write):
                return step.outcome
        raise StillRunningError(f"{key} changed each time that it was looked at")

    async def _run(self, unit: Unit, row: Row | None, run: Run, shop: ShopEffects) -> Settled | None:
        """Run a hook and write what came of it. None: a call of the same id was quicker, look again."""
        session: Session = unit.session
        done = finished(run.row, run, self._clock.now_ms())
        if row is None and not await self._write(unit, None, done):
            return None
        try:
            ran = await within(self._patience_s, shop.run(run, run.row, repeated=False))
        except Refused as refusal:
            if run.final:
                raise
            raise EffectError(f"the shop refused to let {run.row.id} expire") from refusal
        except Exception as error:
            raise EffectError(f"a hook of {run.row.id} failed") from error
        unit.afterwards.append((shop, ran.afterwards))
        numbered = finished(run.row, run, done.cancel_time_ms or done.perform_time_ms, number=ran.number)
        # Written also where nothing has changed since it was inserted: a hook that swallowed an error of the
        # database leaves a transaction that can only be undone, and this is where that shows.
        await session.update(numbered)
        return Answer(numbered)

    async def _write(self, unit: Unit, row: Row | None, new: Row) -> bool:
        """Write a row. False: a call of the same id was quicker.

        Raises:
            GuardTakenError: If another transaction holds the row's guard.
        """
        session: Session = unit.session
        if row is not None:
            await session.update(new)
            return True
        unit.absent.discard(new.id)
        if await session.insert(new):
            return True
        if await session.locked(new.id) is not None:
            return False
        raise GuardTakenError(new.id)

    def _repeatable(self, error: BaseException | None) -> bool:
        """Look along the causes: a hook's error is told as an `EffectError`."""
        for _ in range(_LOOKS_MAX):
            if error is None:
                return False
            if self._database.can_repeat(error):
                return True
            error = error.__cause__
        return False
