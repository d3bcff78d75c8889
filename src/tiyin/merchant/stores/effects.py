"""Running a shop's hooks so that none runs twice at a time, whoever asks, and whoever dies.

An effect has three steps, each durable before the next: the mark (what is begun) together with a lease on the
transaction; the hook; the result together with the end of the lease. Who finds the lease taken waits a little
and asks again. A process that dies in between leaves the mark, and its lease runs out on the database's own
time: the next call takes over and runs the hook again, telling it so.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec

from tiyin.merchant.refusals import Refused
from tiyin.merchant.rules import (
    Answer,
    AskDelivered,
    Fresh,
    Outcome,
    Refuse,
    Rule,
    Run,
    Step,
    finished,
    marked,
    refused,
)
from tiyin.merchant.stores.port import EffectError, GuardTakenError, Ran, ShopEffects, StillRunningError
from tiyin.merchant.stores.tables import TRANSACTIONS
from tiyin.merchant.stores.turns import Turns
from tiyin.runtime.logs import get_logger
from tiyin.runtime.patience import within
from tiyin.storage.errors import LeaseLost, StorageError, Taken
from tiyin.storage.tables import Decision, Done, Expecting, Lease, Schedule

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from tiyin.merchant.records import Row
    from tiyin.runtime.clock import Clock
    from tiyin.runtime.tasks import Tasks
    from tiyin.storage.store import Store

__all__ = ["Effects"]

_KIND = "payme-effect"
_OWNER = "merchant"
LEASE_MS_MIN = 1_000
_LEFT_BEHIND_LEASES = 10
_SETTLE_WAITS_S = (0.05, 0.2, 1.0)
_WAITS_S = (0.01, 0.02, 0.04, 0.08, 0.15, *(0.3,) * 40)

Settled = Answer | Refuse | Fresh | AskDelivered


class Effects:
    """Carries rules out over a store.

    Args:
        store: Where transactions are.
        clock: The time.
        tasks: Owns what must not end with a request.
        patience_s: How long a call waits for a hook, in seconds.
        lease_ms: How long a process may hold a transaction, in milliseconds; hooks are cut shortly before.
    """

    def __init__(self, store: Store, clock: Clock, tasks: Tasks, *, patience_s: float, lease_ms: int) -> None:
        if lease_ms < LEASE_MS_MIN:
            raise ValueError(f"a lease is at least {LEASE_MS_MIN} ms, not {lease_ms}")
        self._store = store
        self._clock = clock
        self._tasks = tasks
        self._patience_s = patience_s
        self._lease_ms = lease_ms
        # A hook is cut this long before its lease ends, so that it is over when another process may begin.
        self._margin_ms = lease_ms // 5
        self._turns = Turns()
        self._log = get_logger("tiyin.merchant")

    async def carry_out(self, key: str, rule: Rule, shop: ShopEffects) -> Settled:
        """Do what `TransactionStore.carry_out` promises."""
        hooks = shop.hooks
        if not (hooks.create or hooks.perform or hooks.cancel):
            # Nothing to run: one commit decides. (`Run` comes only where a hook was there before and was
            # taken out.)
            outcome, lease = await self._decide(key, rule)
            if not isinstance(outcome, Run):
                return outcome
            await self._release(key, lease)
        elif _takes_in(rule(None, self._clock.now_ms())):
            # A new transaction that the shop does nothing for: the same, unless it is there already.
            outcome = await self._decide_at_once(key, rule)
            if not isinstance(outcome, Run):
                return outcome
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Settled | Exception | None] = loop.create_future()
        self._tasks.start(self._carry(key, rule, shop, ended), name=key)
        timer = loop.call_later(self._patience_s, _wait_no_more, ended)
        try:
            result = await ended
        finally:
            timer.cancel()
        if result is None:
            raise StillRunningError(f"the effect of {key} did not end within {self._patience_s} s")
        if isinstance(result, Exception):
            raise result
        return result

    async def _carry(
        self, key: str, rule: Rule, shop: ShopEffects, ended: asyncio.Future[Settled | Exception | None]
    ) -> None:
        """Own the work from first to last, whatever becomes of the request."""
        result: Settled | Exception
        try:
            async with self._turns.take(key):
                result = await self._rounds(key, rule, shop)
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            result = error
        except BaseException:
            if not ended.done():
                ended.set_result(StillRunningError("the process is stopping"))
            raise
        if not ended.done():
            ended.set_result(result)
        elif isinstance(result, Exception) and not isinstance(result, Refused):
            # Nobody waits for it any more.
            self._log.error("payme_effect_failed_late", transaction=key, exc_info=result)

    async def _rounds(self, key: str, rule: Rule, shop: ShopEffects) -> Settled:
        for wait_s in _WAITS_S:
            outcome, lease = await self._decide(key, rule)
            if not isinstance(outcome, Run):
                return outcome
            if lease is None:
                await self._clock.sleep(wait_s)
                continue
            try:
                settled = await self._drive(key, outcome, rule, lease, shop)
            except LeaseLost:
                # Somebody else has it by now, or our own result is there already: ask again how it stands.
                continue
            if settled is not None and outcome.final:
                return settled
        raise StillRunningError(f"another process is busy with {key}")

    async def _decide(self, key: str, rule: Rule) -> tuple[Outcome, Lease | None]:
        now_ms = self._clock.now_ms()

        def decide(row: Row | None) -> Decision[Outcome]:
            step = rule(row, now_ms)
            if isinstance(step.outcome, Run):
                work = Schedule(_work_key(key), _KIND, owner=_OWNER, lease_ms=self._lease_ms)
                return Decision(step.outcome, step.write, work=work)
            return Decision(step.outcome, step.write)

        return await self._decided(key, decide)

    async def _decide_at_once(self, key: str, rule: Rule) -> Outcome:
        """Decide, but leave everything as it is where the shop has something to do: nobody would drive it.

        Whoever called may be cancelled here without harm: what was written is final.
        """
        now_ms = self._clock.now_ms()

        def decide(row: Row | None) -> Decision[Outcome]:
            step = rule(row, now_ms)
            return Decision(step.outcome, None if isinstance(step.outcome, Run) else step.write)

        outcome, _ = await self._decided(key, decide)
        return outcome

    async def _decided(
        self, key: str, decide: Callable[[Row | None], Decision[Outcome]]
    ) -> tuple[Outcome, Lease | None]:
        try:
            # A rule that takes a transaction in expects that there is none, and one that does anything else
            # has nothing to write there.
            hopeful: Expecting[Row, Outcome] = Expecting(decide, None)
            return await self._store.change_and_lease(TRANSACTIONS, key, hopeful)
        except Taken as error:
            raise GuardTakenError(key) from error

    async def _drive(self, key: str, run: Run, rule: Rule, lease: Lease, shop: ShopEffects) -> Settled | None:
        """Run the hook and write what came of it. None: things stand differently, ask again."""
        repeated = bool(run.row.begun & run.effect)
        # As it was written together with the lease, which keeps it so.
        stored = msgspec.structs.replace(marked(run.row, run.effect), version=run.row.version + 1)
        if run.row.begun & ~run.effect:
            # Another effect was left unfinished. We hold the transaction now, so it is not running any more:
            # look again, and leave our own mark beside its.
            again = await self._mark(key, run, rule, lease)
            if again is None:
                await self._release(key, lease)
                return None
            run = again
        seconds = (lease.left_ms() - self._margin_ms) / 1000
        if seconds <= 0:
            # The database took so long to give the lease that it is nearly over: ask for a whole one.
            await self._release(key, lease)
            return None
        hook = shop.run(run, run.row, repeated=repeated)
        try:
            if shop.cuttable:
                ran = await within(seconds, hook)
            else:
                lease, ran = await self._run_to_its_end(key, lease, hook)
        except Refused as refusal:
            await self._settle(key, lease, lambda row: refused(row, run))
            if run.final:
                raise
            # The shop refused what time demands: the call that only noticed it must not answer for that.
            raise EffectError(f"the shop refused to let {key} expire") from refusal
        except asyncio.CancelledError:
            if shop.cuttable:
                await self._release(key, lease)
            raise
        except Exception as error:
            await self._release(key, lease)
            raise EffectError(f"a hook of {key} failed") from error
        now_ms = self._clock.now_ms()
        done = await self._settle(
            key, lease, lambda row: finished(row, run, now_ms, number=ran.number), expected=stored
        )
        shop.committed(ran.afterwards)
        return Answer(done)

    async def _run_to_its_end(
        self, key: str, lease: Lease, hook: Coroutine[Any, Any, Ran]
    ) -> tuple[Lease, Ran]:
        """Run a hook that cannot be cut, and hold the transaction for as long as it takes.

        Nobody else may begin while it runs, so the lease is made longer again and again. If that fails for
        so long that the lease is lost, the hook is still waited for, and its result is then somebody else's.
        """
        running = self._tasks.start(_caught(hook), name=f"a hook of {key}")
        try:
            while not (await asyncio.wait((running,), timeout=self._lease_ms / 3000))[0]:
                lease = await self._renewed(key, lease, self._lease_ms)
        except asyncio.CancelledError:
            # The process is stopping, and its thread runs on for as long as the hook takes. Nobody can hold
            # the transaction for it any more, so it is held once more, and long.
            await self._renewed(key, lease, _LEFT_BEHIND_LEASES * self._lease_ms)
            raise
        result = running.result()
        if isinstance(result, Exception):
            raise result
        return lease, result

    async def _renewed(self, key: str, lease: Lease, lease_ms: int) -> Lease:
        try:
            return await self._store.work.renew(lease, lease_ms)
        except StorageError as error:
            self._log.error("payme_lease_not_renewed", transaction=key, error=type(error).__name__)
            return lease

    async def _mark(self, key: str, run: Run, rule: Rule, lease: Lease) -> Run | None:
        now_ms = self._clock.now_ms()

        def mark(row: Row | None) -> Decision[Run | None]:
            outcome = rule(row, now_ms).outcome
            if not isinstance(outcome, Run) or outcome.effect != run.effect:
                return Decision(None)
            return Decision(outcome, marked(outcome.row, outcome.effect))

        return await self._store.change(TRANSACTIONS, key, mark, lease=lease)

    async def _settle(self, key: str, lease: Lease, after: Any, *, expected: Row | None = None) -> Row:
        """Write the result, stubbornly: the hook has run, and only this makes it known."""

        def settle(row: Row | None) -> Decision[Row]:
            if row is None:
                raise LeaseLost(key)
            done: Row = after(row)
            return Decision(done, done, work=Done(_work_key(key)))

        for wait_s in _SETTLE_WAITS_S:
            try:
                if expected is not None:
                    hopeful: Expecting[Row, Row] = Expecting(settle, expected)
                    return await self._store.change(TRANSACTIONS, key, hopeful, lease=lease)
                return await self._store.change(TRANSACTIONS, key, settle, lease=lease)
            except LeaseLost:
                raise
            except StorageError as error:
                if lease.left_ms() < self._margin_ms:
                    raise
                self._log.warning("payme_result_not_written_yet", transaction=key, error=type(error).__name__)
                await self._clock.sleep(wait_s)
        return await self._store.change(TRANSACTIONS, key, settle, lease=lease)

    async def _release(self, key: str, lease: Lease | None) -> None:
        """Let the transaction go, its mark left standing. If that fails, the lease runs out by itself."""
        if lease is None:
            return
        try:
            await self._store.work.done(lease)
        except StorageError as error:
            self._log.warning("payme_lease_not_released", transaction=key, error=type(error).__name__)


def _takes_in(step: Step) -> bool:
    """Tell whether a rule, asked about a transaction that is not there, takes it in and is done with it."""
    return step.write is not None and not isinstance(step.outcome, Run)


def _wait_no_more(ended: asyncio.Future[Settled | Exception | None]) -> None:
    if not ended.done():
        ended.set_result(None)


async def _caught(hook: Coroutine[Any, Any, Ran]) -> Ran | Exception:
    """Let a hook's failure be told by whoever waits for it, and by nobody else."""
    try:
        return await hook
    except Exception as error:  # noqa: BLE001 - raised again by whoever waits
        return error


def _work_key(key: str) -> str:
    return f"payme:{key}"
