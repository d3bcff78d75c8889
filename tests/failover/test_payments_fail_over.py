"""Goal: payments outlive the loss of the database's leader: nothing is lost, nothing is done twice.

Method: a crowd pays two shops through two `tiyin serve` processes over a leader and its synchronous standby.
The leader is killed, or falls silent with all its connections open; the standby is promoted, and the old
leader is rewound and follows, until it is its turn to lead again. Nobody tells the gateways: they find the
new leader by themselves. Then every book is compared. `make prove` repeats it.
"""

import secrets
import time
from pathlib import Path

import pytest

from helpers_failover import Cluster
from helpers_kill import Nursery
from kill.proof import payments, report, rounds
from kill.scene import Scene, open_scene

pytestmark = pytest.mark.kill

CALM = 25
"""So many payments end between two disasters."""
CALM_S = 60.0


async def lose_leaders(cluster: Cluster, scene: Scene, gaps: list[float], *, times: int) -> int:
    """Lose one leader after another, each in another way; how often."""
    for number in range(times):
        await scene.crowd.more(CALM, CALM_S)
        frozen = bool(number % 2)
        began = time.monotonic()
        await cluster.fail_over(frozen=frozen)
        await scene.crowd.more(1, CALM_S)
        gaps.append(time.monotonic() - began)
        await cluster.take_back(frozen=frozen)
    return times


async def test_payments_outlive_the_leader(born: Nursery, tmp_path: Path, cluster: Cluster) -> None:
    name = f"t{secrets.token_hex(8)}"
    await cluster.leader.create_database(name)
    gaps: list[float] = []
    async with open_scene(born, tmp_path, cluster.url(name), lossy=0.0) as scene:
        disaster = lose_leaders(cluster, scene, gaps, times=rounds(2))
        times = await scene.pay_while(payments(80), disaster)
        problems = await scene.wrong()
        assert not problems, "\n".join([*problems, *(gateway.log() for gateway in scene.serving)])
    report(
        f"failovers   {len(scene.crowd.told)} payments, {scene.crowd.paid} of them paid, while {times} "
        f"leaders were lost; the next payment ended {max(gaps):.1f} s later at most; every book agrees"
    )
