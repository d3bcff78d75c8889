"""Goal: whatever happens to gateways as they are operated, every book agrees afterwards to the tiyin.

Method: a crowd pays two shops through two `tiyin serve` processes over one PostgreSQL database, with money
that is debited at once, or held first and then taken or given back. The acquirer is `tiyin acquirer`, with
books of its own. Proxies before gateways, acquirer and shops lose requests, answers and halves of answers; a
seeded hand kills each of them and starts it again. Then everything comes to rest, and `verify`, the
acquirer's books, the shops' own and what each payer was told are compared. `TIYIN_KILL_SEED` repeats a seed;
the machine's own timing is not repeated with it. `make prove` makes thousands of payments.
"""

import asyncio
import random
import time
from pathlib import Path

import pytest

from helpers_kill import Nursery, Process
from kill.crowd import Crowd
from kill.proof import payments, report
from kill.scene import open_scene
from kill.serving import Acquiring, Serving

pytestmark = pytest.mark.kill

LOSSY = 0.03
DRAIN_S = 32.0
"""The longest that a stop may take: requests, payments and the database each have a bound of their own."""


async def kill_at_random(
    crowd: Crowd, everything: list[Serving | Acquiring | Process], chance: random.Random, count: int
) -> int:
    """Kill one thing after another and start it again until so many payments ended; how often."""
    killed = 0
    while len(crowd.told) < count:
        await asyncio.sleep(chance.uniform(0.2, 1.2))
        dying = chance.choice(everything)
        await dying.kill()
        killed += 1
        await asyncio.sleep(chance.uniform(0, 0.3))
        await dying.start()
    return killed


async def test_everything_agrees_after_kills_behind_lossy_networks(
    born: Nursery, tmp_path: Path, postgres_url: str
) -> None:
    count = payments(100)
    began = time.monotonic()
    async with open_scene(born, tmp_path, postgres_url, lossy=LOSSY, apart=True) as scene:
        chance = random.Random(scene.seed)  # noqa: S311 - chance that can be repeated is what is wanted
        assert scene.acquiring is not None
        shops = [shop.process for shop in scene.world.shops]
        everything: list[Serving | Acquiring | Process] = [*scene.serving, scene.acquiring, *shops]
        killed = await scene.pay_while(count, kill_at_random(scene.crowd, everything, chance, count))
        problems = await scene.wrong()
        assert not problems, "\n".join([*problems, *(gateway.log() for gateway in scene.serving)])
        assert scene.crowd.paid > count / 2
        assert killed > 1
        assert min(scene.crowd.taken, scene.crowd.released) > 0
        assert min(scene.lost.values()) > 0
        crowd = scene.crowd
        report(
            f"kills       {len(crowd.told)} payments, {crowd.paid} of them paid; {crowd.taken} holds taken, "
            f"{crowd.released} given back; {killed} processes killed, {sum(scene.lost.values())} requests "
            f"and answers lost; every book agrees; {time.monotonic() - began:.0f} s; seed {scene.seed}"
        )


async def test_a_stop_hands_over(born: Nursery, tmp_path: Path, postgres_url: str) -> None:
    """Gateways are stopped in turn, as in a rolling update: what was begun ends, and stops are bounded."""
    count = payments(80)
    async with open_scene(born, tmp_path, postgres_url, lossy=0.0) as scene:

        async def update() -> int:
            stops = 0
            while len(scene.crowd.told) < count:
                for gateway in scene.serving:
                    await asyncio.sleep(0.5)
                    assert await gateway.stop(within_s=DRAIN_S) < DRAIN_S
                    await gateway.start()
                    stops += 1
            return stops

        stops = await scene.pay_while(count, update())
        problems = await scene.wrong()
        assert not problems, "\n".join(problems)
        assert stops >= 2
        report(f"updates     {len(scene.crowd.told)} payments while {stops} gateways were stopped; all agree")
