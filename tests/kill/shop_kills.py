"""Shops that are killed at each boundary of their own, and come back on the same port."""

import asyncio

from helpers_kill import Process
from kill.gateway_kills import Way
from kill.payer import Payer, pay_to_the_end
from kill.world import Shop, World

__all__ = ["kill_shops_at", "shop_boundaries"]

AWAY_S = 0.4
"""How long every second shop stays away; the others come back at once."""


async def shop_boundaries(world: World, way: Way, *, bug: str | None = None) -> list[tuple[Way, int, str]]:
    """Start the gateway and the shops, go a way without any kill, and name the shop's boundaries on it."""
    if not world.gateways:
        await world.new_gateway(bug=bug).start()
        for shop in world.shops:
            await shop.process.start()
    shop = world.shops[0]
    payer = Payer(world.gateways[0], shop.desk, shop.key)
    token = await payer.token(way.card)
    receipt_id = await payer.receipt({"order_id": await shop.new_order()})
    await shop.process.control("arm", 0)
    assert await pay_to_the_end(payer, receipt_id, token, times=1) == way.end
    names: list[str] = await shop.process.control("boundaries")
    return [(way, number, name) for number, name in enumerate(names, 1)]


async def kill_shops_at(
    world: World, boundaries: list[tuple[Way, int, str]], *, again: bool = True
) -> list[str]:
    """Give each boundary a payment during which the shop is killed there, and started again.

    Args:
        world: The world; its gateway and its shops run, and run afterwards.
        boundaries: The ways, the numbers of the shop's boundaries on them from 1, and their names.
        again: Whether payers pay again while nothing was promised.

    Returns:
        What did not end as it must.
    """
    waiting = list(reversed(boundaries))
    problems: list[str] = []

    async def lane(shop: Shop) -> None:
        while waiting:
            way, number, name = waiting.pop()
            try:
                await _kill_one(world.gateways[0], shop, way, number, name, again=again)
            except AssertionError as error:
                problems.append(f"{way.name} {number}: {name}: {error}")

    await asyncio.gather(*(lane(shop) for shop in world.shops))
    return problems


async def _kill_one(gateway: Process, shop: Shop, way: Way, number: int, name: str, *, again: bool) -> None:
    process = shop.process
    payer = Payer(gateway, shop.desk, shop.key)
    token = await payer.token(way.card)
    receipt_id = await payer.receipt({"order_id": await shop.new_order()})
    await process.control("arm", number)
    paying = asyncio.create_task(pay_to_the_end(payer, receipt_id, token, times=5 if again else 1))
    try:
        await process.died()
        told = process.told.read_text()
        if number % 2:
            await asyncio.sleep(AWAY_S)
        await process.start()
        end = await paying
    finally:
        paying.cancel()
    assert told == name, f"it died at {told}"
    assert end == way.end or not again, f"the receipt ended at {end}, not {way.end}"
