"""Goal: a shop that is killed anywhere in its handling of a payment is paid, or is not, and knows it.

Method: a first run counts and names the boundaries of the shop's process. Then each boundary gets a
payment; the shop is killed there and started again on the same port, at once or a little later. The gateway
is left to itself: it must end the payment by repeating.
"""

import asyncio
from pathlib import Path

import pytest

from helpers_kill import Nursery
from kill.agreement import disagreements
from kill.gateway_kills import WAYS
from kill.payer import Payer, pay_to_the_end
from kill.shop_kills import kill_shops_at, shop_boundaries
from kill.world import World, open_world
from tiyin.gateway.acquiring.books import OPERATIONS
from tiyin.gateway.receipts.repeating import PATIENCE_MS
from tiyin.gateway.receipts.states import CANCELLED, PAID

pytestmark = pytest.mark.kill

PAID_WAY = next(way for way in WAYS if way.name == "paid")
DECLINED_WAY = next(way for way in WAYS if way.name == "declined")
PASSED = {
    "before the hook check",
    "before the commit of payme_transactions ->0",
    "before the hook create",
    "after the commit of shop_orders waiting>reserved",
    "after the hook create",
    "after the commit of payme_transactions 0>1",
    "before the answer",
    "after the answer",
    "before the hook perform",
    "after the commit of shop_orders reserved>paid",
    "before the commit of payme_transactions 1>2",
    "after the commit of payme_transactions 1>2",
}
PASSED_IN_CANCEL = {
    "before the hook cancel",
    "after the commit of shop_orders reserved>waiting",
    "after the hook cancel",
    "after the commit of payme_transactions 1>-1",
}


async def test_killed_between_any_two_steps(born: Nursery, tmp_path: Path, sqlite_url: str) -> None:
    async with open_world(born, tmp_path, sqlite_url, shops=8) as world:
        boundaries = await shop_boundaries(world, PAID_WAY)
        assert {name for _, _, name in boundaries} >= PASSED
        declined = await shop_boundaries(world, DECLINED_WAY)
        # What comes before the cancel was seen on the other way.
        created = next(number for _, number, name in declined if name.endswith("payme_transactions 0>1"))
        declined = [one for one in declined if one[1] > created + 3]
        assert {name for _, _, name in declined} >= PASSED_IN_CANCEL
        problems = await kill_shops_at(world, boundaries + declined)
        await world.resolved(5)
        await world.kill_all()
        problems += await disagreements(world)
    assert not problems, "\n".join(problems)


async def until_cancelling(world: World, receipt_id: str) -> None:
    """Wait until the gateway has given the payment up and says so to the shop, which is away."""
    for _ in range(200):
        [receipt] = [found for found in await world.receipts() if found.id == receipt_id]
        if receipt.cancelling:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"the gateway still tries: {receipt.state} {receipt.step}")


@pytest.mark.parametrize(
    "boundary",
    ["before the hook create", "after the hook create", "after the commit of payme_transactions 0>1"],
)
async def test_a_shop_that_stays_away_costs_the_payer_nothing(
    born: Nursery, tmp_path: Path, sqlite_url: str, boundary: str
) -> None:
    """The payer has left when the shop is back: he is not debited any more, and the order is free again."""
    async with open_world(born, tmp_path, sqlite_url) as world:
        names = [name for _, _, name in await shop_boundaries(world, PAID_WAY)]
        [gateway], [shop] = world.gateways, world.shops
        payer = Payer(gateway, shop.desk, shop.key)
        order, token = await shop.new_order(), await payer.token()
        receipt_id = await payer.receipt({"order_id": order})
        await shop.process.control("arm", names.index(boundary) + 1)
        paying = asyncio.create_task(pay_to_the_end(payer, receipt_id, token, times=1))
        await shop.process.died()
        await asyncio.sleep(0.2)
        await gateway.control("advance", PATIENCE_MS + 1_000)
        await until_cancelling(world, receipt_id)
        async with world.store() as store:
            assert await store.get(OPERATIONS, f"{receipt_id}-1") is None
        await shop.process.start()
        await gateway.control("advance", PATIENCE_MS)
        assert await paying == CANCELLED
        assert not await disagreements(world)
        again = await payer.receipt({"order_id": order})
        assert await pay_to_the_end(payer, again, await payer.token()) == PAID
        await world.kill_all()
        assert not await disagreements(world)


async def test_a_shop_that_stays_away_after_the_debit_is_told_when_it_is_back(
    born: Nursery, tmp_path: Path, sqlite_url: str
) -> None:
    """The money is taken: however long the shop is away, it gets it when it is back."""
    async with open_world(born, tmp_path, sqlite_url) as world:
        names = [name for _, _, name in await shop_boundaries(world, PAID_WAY)]
        [gateway], [shop] = world.gateways, world.shops
        payer = Payer(gateway, shop.desk, shop.key)
        token = await payer.token()
        receipt_id = await payer.receipt({"order_id": await shop.new_order()})
        await shop.process.control("arm", names.index("before the hook perform") + 1)
        paying = asyncio.create_task(pay_to_the_end(payer, receipt_id, token, times=1))
        await shop.process.died()
        for _ in range(5):
            await asyncio.sleep(0.2)
            await gateway.control("advance", PATIENCE_MS)
        await shop.process.start()
        await gateway.control("advance", PATIENCE_MS)
        assert await paying == PAID
        await world.kill_all()
        assert not await disagreements(world)
