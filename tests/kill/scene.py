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
from kill.serving import Acquiring, Serving
from kill.world import World, open_world

__all__ = ["Scene", "open_scene"]

PAYERS = 24
RESTED_S = 45.0
"""A lease of a gateway that was killed, and then some."""
PAYMENT_S = 2.0
"""What one payment may take at the very slowest, on average."""


class Scene:
    """The world, its gateways, its acquirer where it stands apart, and the proxies before all of them."""

    def __init__(
        self,
        world: World,
        serving: list[Serving],
        acquiring: Acquiring | None,
        proxies: list[Dropping],
        seed: int,
    ) -> None:
        self.world = world
        self.serving = serving
        self.acquiring = acquiring
        self.proxies = proxies
        self.seed = seed
        doors = proxies[-len(serving) :]
        self.crowd = Crowd(world, doors, seed=seed, patience_s=90, cancelling=True, holding=True)

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
        if self.acquiring is not None:
            await self.acquiring.kill()
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
    born: Nursery, folder: Path, database_url: str, *, lossy: float, shops: int = 2, apart: bool = False
) -> AsyncIterator[Scene]:
    """Open a world with two gateways as they are operated, whose networks lose things.

    Args:
        born: Where the shops come from.
        folder: Where files go.
        database_url: The gateways' database.
        lossy: The probability that a request or its answer is lost.
        shops: How many shops.
        apart: Whether the acquirer is a process of its own, with its own books, behind such a network too.
    """
    seed = int(os.environ.get("TIYIN_KILL_SEED", secrets.randbits(32)))
    async with AsyncExitStack() as stack:
        proxies: list[Dropping] = []

        async def before(port: int) -> int:
            proxies.append(Dropping(port, lossy=lossy, seed=seed + len(proxies)))
            return (await stack.enter_async_context(proxies[-1])).port

        world = await stack.enter_async_context(
            open_world(born, folder, database_url, shops=shops, before=before)
        )
        acquiring, acquirer_port = None, None
        if apart:
            world.acquirer_url = f"sqlite:///{folder / 'acquirer.db'}"
            acquiring = Acquiring(world.acquirer_url, folder)
            stack.push_async_callback(acquiring.kill)
            acquiring.launch()
            acquirer_port = await before(acquiring.port)
        serving = [
            Serving(database_url, world.vault_keys, folder, acquirer_port=acquirer_port) for _ in range(2)
        ]
        for gateway in serving:
            stack.push_async_callback(gateway.kill)
            gateway.launch()
            await before(gateway.port)
        for shop in world.shops:
            await shop.process.start()
        for process in (*serving, *([] if acquiring is None else [acquiring])):
            await process.answers()
        yield Scene(world, serving, acquiring, proxies, seed)
