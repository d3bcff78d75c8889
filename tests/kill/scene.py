"""A world as it is operated: `tiyin serve` processes, networks that lose things, and a crowd that pays."""

import asyncio
import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from helpers_kill import Nursery
from kill.agreement import disagreements
from kill.crowd import Crowd
from kill.dropping import Dropping
from kill.serving import Serving
from kill.world import World, open_world

__all__ = ["Scene", "open_scene"]

PAYERS = 24
RESTED_S = 45.0
"""A lease of a gateway that was killed, and then some."""
PAYMENT_S = 2.0
"""What one payment may take at the very slowest, on average."""


class Scene:
    """The world, its gateways, and the proxies before them and before the shops."""

    def __init__(self, world: World, serving: list[Serving], proxies: list[Dropping], seed: int) -> None:
        self.world = world
        self.serving = serving
        self.proxies = proxies
        self.seed = seed
        self.crowd = Crowd(world, proxies[-len(serving) :], seed=seed, patience_s=90, cancelling=True)

    async def pay_while(self, count: int, disaster: Awaitable[int]) -> int:
        """Let the crowd pay so often at least, and until a disaster is over; what that counted."""
        async with asyncio.TaskGroup() as group:
            happening = group.create_task(_awaited(disaster))
            for _ in range(PAYERS):
                group.create_task(self.crowd.payer())
            await self.crowd.more(count, 60 + count * PAYMENT_S)
            counted = await happening
            self.crowd.over.set()
        return counted

    async def wrong(self) -> list[str]:
        """Wait until nothing is under way, end everything, and compare whatever was written or said."""
        await self.world.resolved(RESTED_S)
        for gateway in self.serving:
            await gateway.kill()
        await self.world.kill_all()
        found = await disagreements(self.world) + await self.crowd.wrong()
        return [f"seed {self.seed}: {problem}" for problem in found]

    @property
    def lost(self) -> Counter[str]:
        """What the proxies lost."""
        return sum((Counter(proxy.lost) for proxy in self.proxies), Counter())


async def _awaited(disaster: Awaitable[int]) -> int:
    return await disaster


@asynccontextmanager
async def open_scene(
    born: Nursery, folder: Path, database_url: str, *, lossy: float, shops: int = 2
) -> AsyncIterator[Scene]:
    """Open a world with two gateways as they are operated, whose networks lose things."""
    seed = int(os.environ.get("TIYIN_KILL_SEED", secrets.randbits(32)))
    async with AsyncExitStack() as stack:
        proxies: list[Dropping] = []

        async def before(port: int) -> int:
            proxies.append(Dropping(port, lossy=lossy, seed=seed + len(proxies)))
            return (await stack.enter_async_context(proxies[-1])).port

        world = await stack.enter_async_context(
            open_world(born, folder, database_url, shops=shops, before=before)
        )
        serving = [Serving(database_url, world.vault_keys, folder) for _ in range(2)]
        for gateway in serving:
            stack.push_async_callback(gateway.kill)
            gateway.launch()
            await before(gateway.port)
        for shop in world.shops:
            await shop.process.start()
        for gateway in serving:
            await gateway.answers()
        yield Scene(world, serving, proxies, seed)
