"""Goal: whatever is killed while payments are in flight, everything agrees afterwards to the tiyin.

Method: thirty payers buy one thing after another, at two shops, through two gateways over one database,
while a seeded hand kills gateways and shops and starts them again. Then the kills end, the payers end what
they began, and all books are compared. `TIYIN_KILL_SEED` repeats a seed; the machine's own timing is not
repeated with it.
"""

import asyncio
import os
import random
import secrets
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from helpers_kill import Nursery, Process
from kill.agreement import disagreements
from kill.gateway_process import LEASE_MS
from kill.payer import CARD, DECLINED_CARD, Payer, Refused, patiently, pay_to_the_end
from kill.world import Shop, World, open_world
from tiyin.gateway.receipts.states import CANCELLED, PAID
from tiyin.protocol.errors import SubscribeCode

pytestmark = pytest.mark.kill

PAYERS = 30
KILLS = 12
ENDED_S = LEASE_MS / 1000 + 25
DECLINED_PART = 0.2


class Wanderer(Payer):
    """A payer whose every call may reach any of the gateways, as behind a balancer."""

    def __init__(self, gateways: list[Process], shop: Shop, chance: random.Random) -> None:
        super().__init__(gateways[0], shop.desk, shop.key)
        self._gateways = gateways
        self._chance = chance

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method at one of them."""
        self._gateway = self._chance.choice(self._gateways)
        return await super().call(method, **params)


class Crowd:
    """The payers, and what they were told."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.told_paid: list[str] = []
        self.told_cancelled: list[str] = []
        self.over = asyncio.Event()
        self._world = world
        self._chance = chance

    async def payer(self) -> None:
        """Buy one thing after another until it is over; what was begun is brought to its end."""
        while not self.over.is_set():
            shop = self._chance.choice(self._world.shops)
            payer = Wanderer(self._world.gateways, shop, self._chance)
            amount_tiyin = self._chance.randrange(100_000, 999_999)
            order = await patiently(partial(shop.new_order, amount_tiyin))
            card = DECLINED_CARD if self._chance.random() < DECLINED_PART else CARD
            await self._buy(payer, order, amount_tiyin, card)
            await asyncio.sleep(self._chance.uniform(0, 0.2))

    async def _buy(self, payer: Payer, order: str, amount_tiyin: int, card: str) -> None:
        token = await patiently(lambda: payer.token(card))
        try:
            receipt_id = await patiently(lambda: payer.receipt({"order_id": order}, amount_tiyin))
        except Refused as refused:
            if refused.code != SubscribeCode.MERCHANT_UNAVAILABLE:
                raise
            return  # The shop is away, and the payer with it.
        end = await pay_to_the_end(payer, receipt_id, token)
        if end == PAID:
            self.told_paid.append(receipt_id)
        elif end == CANCELLED:
            self.told_cancelled.append(receipt_id)


async def kill_at_random(world: World, chance: random.Random) -> None:
    """Kill one thing after another, sometimes several at a time, and start them again."""
    everything = [*world.gateways, *(shop.process for shop in world.shops)]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.05, 0.6))
        dying = chance.sample(everything, chance.choice((1, 1, 1, 2)))
        for process in dying:
            await process.kill()
        await asyncio.sleep(chance.uniform(0, 0.3))
        for process in dying:
            await process.start()


async def test_everything_agrees_after_random_kills(born: Nursery, tmp_path: Path, store_url: str) -> None:
    seed = int(os.environ.get("TIYIN_KILL_SEED", secrets.randbits(32)))
    chance = random.Random(seed)  # noqa: S311 - chance that can be repeated is what is wanted
    async with open_world(born, tmp_path, store_url, shops=2) as world:
        for process in (world.new_gateway(), world.new_gateway(), *(shop.process for shop in world.shops)):
            await process.start()
        crowd = Crowd(world, chance)
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(PAYERS):
                    group.create_task(crowd.payer())
                await kill_at_random(world, chance)
                crowd.over.set()
            receipts = {receipt.id: receipt for receipt in await world.resolved(ENDED_S)}
        except (AssertionError, ExceptionGroup) as error:
            raise AssertionError(f"seed {seed}: {error!r}\n{world.log()}") from error
        await world.kill_all()
        problems = await disagreements(world)
        problems += [f"{key} was told to be paid" for key in crowd.told_paid if receipts[key].state != PAID]
        problems += [
            f"{key} was told to be cancelled"
            for key in crowd.told_cancelled
            if receipts[key].state != CANCELLED
        ]
        assert not problems, f"seed {seed}:\n" + "\n".join(problems)
        assert len(crowd.told_paid) > PAYERS, f"seed {seed}: hardly anybody could pay: {len(crowd.told_paid)}"
