"""Operators: who resumes, cancels and overrides what is paused, and who pays what is owed to desks."""

import asyncio
from typing import Any

from simulation.process import Process, Processes
from simulation.watch import Watch
from simulation.world import World
from tiyin.gateway.ledger.payouts import PAYOUTS, PayoutRefused
from tiyin.gateway.receipts.interventions import NotPaused, Signature
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.receipts.states import PAUSED
from tiyin.protocol.errors import RpcError
from tiyin.storage import StorageError

__all__ = ["Clerk", "People"]

_TIMEOUT_S = 40.0
_LOOKS_MAX = 12
_ROUNDS = 3


class People:
    """The operators of a run.

    Args:
        world: The world.
        processes: Through whom they act, any of them.
        watch: Is told what they decided, before they do it.
    """

    def __init__(self, world: World, processes: Processes, watch: Watch) -> None:
        self._world = world
        self._processes = processes
        self._watch = watch
        self._acts = 0
        self.gone = False

    async def amid(self, who: str) -> None:
        """Look now and then at what is paused, and do something about it; now and then at anything at all."""
        chance = self._world.chance
        for _ in range(_LOOKS_MAX):
            await asyncio.sleep(chance.choice((60.0, 400.0, 20_000.0)) * chance.random())
            if self.gone:
                return
            receipts = [receipt for receipt in self._receipts() if receipt.state == PAUSED]
            if not receipts and chance.random() < 0.2:
                receipts = self._receipts()
            for receipt in receipts:
                await self._act(who, receipt.id, chance.choice(("resume", "resume", "cancel", "override")))

    async def after(self, turn: int) -> bool:
        """Deal with what is paused once all is healthy: at last by overriding what a billing cannot say.

        Args:
            turn: How often they did so before.

        Returns:
            Whether anything was paused.
        """
        chance = self._world.chance
        paused = [receipt for receipt in self._receipts() if receipt.state == PAUSED]
        if paused and turn and self._watch.merchant_is_honest:
            self._world.problem(f"{paused[0].id} is stuck in 20 again, and everybody is healthy")
        if paused and turn > _ROUNDS:
            self._world.problem(f"{paused[0].id} is stuck in 20, and a person overrode it")
            return False
        for receipt in paused:
            ways = ("resume", "resume", "cancel", "override") if not turn else ("cancel", "override")
            what = chance.choice(ways) if turn < _ROUNDS - 1 else "override"
            doing = [self._act("person-1", receipt.id, what)]
            if chance.random() < 0.3:
                doing.append(self._act("person-2", receipt.id, chance.choice(ways)))
            await asyncio.gather(*doing)
        return bool(paused)

    def _receipts(self) -> list[Receipt]:
        return list(self._world.tables.of(RECEIPTS).values())

    async def _act(self, who: str, receipt_id: str, what: str) -> None:
        world = self._world
        if not self._processes.alive:
            return
        process = world.chance.choice(self._processes.alive)
        self._acts += 1
        by = Signature(who, f"reason {self._acts}")
        self._watch.person_decides(receipt_id, what, by)
        world.say(who, f"asks {process.life.name} to {what}", receipt_id)
        future: asyncio.Future[Any] = world.loop.create_future()
        world.spawn(self._acted(process, future, receipt_id, what, by), process.life)
        timer = world.later(_TIMEOUT_S, _succeed, future, "hears nothing")
        answer = await future
        timer.cancel()
        world.say(who, f"{what}: {answer}", receipt_id)
        if answer == "done":
            self._watch.person_is_told(receipt_id, what, by)

    async def _acted(
        self, process: Process, future: asyncio.Future[Any], receipt_id: str, what: str, by: Signature
    ) -> None:
        desk = process.interventions
        try:
            if what == "resume":
                await desk.resume(receipt_id, by)
            else:
                await desk.cancel(receipt_id, by, override=what == "override")
            answer = "done"
        except (NotPaused, RpcError, StorageError) as error:
            answer = f"refused, {type(error).__name__}"
        self._world.later(self._world.chance.random() * 0.1, _succeed, future, answer)


class Clerk:
    """Somebody who pays payouts at the bank, says so, and says which came back.

    Args:
        world: The world.
        processes: Whom he tells it, any of them.
    """

    def __init__(self, world: World, processes: Processes) -> None:
        self._world = world
        self._processes = processes
        self._acts = 0
        self.told: dict[str, str] = {}
        self.gone = False

    async def work(self, who: str) -> None:
        """Look now and then at what is due."""
        chance = self._world.chance
        while not self.gone:
            await asyncio.sleep(chance.choice((100.0, 20_000.0)) * chance.random())
            for payout in list(self._world.tables.of(PAYOUTS).values()):
                if payout.state == "due" and chance.random() < 0.7:
                    await asyncio.gather(
                        *(self._say(who, payout.id, "pay") for _ in range(chance.choice((1, 2))))
                    )
                elif payout.state == "paid" and chance.random() < 0.2:
                    await self._say(who, payout.id, "give back")

    async def _say(self, who: str, payout_id: str, what: str) -> None:
        world = self._world
        if not self._processes.alive:
            return
        process = world.chance.choice(self._processes.alive)
        self._acts += 1
        reference = f"bank-{self._acts}"
        world.say(who, f"says {what}, {reference}", payout_id)
        future: asyncio.Future[bool] = world.loop.create_future()
        world.spawn(self._said(process, future, payout_id, what, reference), process.life)
        timer = world.later(_TIMEOUT_S, _succeed, future, False)
        if await future and what == "pay" and self.told.setdefault(payout_id, reference) != reference:
            world.problem(f"{payout_id} was paid as {self.told[payout_id]} and as {reference}")
        timer.cancel()

    async def _said(
        self, process: Process, future: asyncio.Future[bool], payout_id: str, what: str, reference: str
    ) -> None:
        done = True
        try:
            if what == "pay":
                await process.payouts.pay(payout_id, who="clerk", reference=reference)
            else:
                await process.payouts.give_back(payout_id, who="clerk", note=reference)
        except (PayoutRefused, StorageError):
            done = False
        self._world.later(0.0, _succeed, future, done)


def _succeed(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)
