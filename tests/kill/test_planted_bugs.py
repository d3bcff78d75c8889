"""Goal: the tests of this folder find what they look for.

Method: a bug is planted in the processes. Without a kill everything agrees all the same; after the kills it
must not.
"""

from pathlib import Path

import pytest

from helpers_kill import Nursery
from kill.agreement import disagreements
from kill.gateway_kills import WAYS, kill_at_each_boundary, recover, walk
from kill.gateway_process import LEASE_MS
from kill.shop_kills import kill_shops_at, shop_boundaries
from kill.world import open_world

pytestmark = pytest.mark.kill

PAID = next(way for way in WAYS if way.name == "paid")


@pytest.mark.parametrize(
    ("bug", "told"),
    [
        ("work_apart", "without its work row"),
        ("new_key", "the acquirer keeps the money of an earlier attempt"),
    ],
)
async def test_a_bug_of_the_gateway_is_found(
    born: Nursery, tmp_path: Path, sqlite_url: str, bug: str, told: str
) -> None:
    async with open_world(born, tmp_path, sqlite_url) as world:
        await world.shops[0].process.start()
        names = await walk(world, PAID, bug=bug)
        assert not await disagreements(world, hooks_once=True)
        boundaries = [(PAID, number, name) for number, name in enumerate(names, 1) if " commit of " in name]
        killed = await kill_at_each_boundary(world, boundaries, bug=bug)
        problems = await recover(world, killed, bug=bug, within_s=LEASE_MS / 1000 + 3)
        problems += await disagreements(world, hooks_once=True)
    assert any(told in problem for problem in problems), problems


async def test_an_unknown_create_that_counts_as_refused_is_found(
    born: Nursery, tmp_path: Path, sqlite_url: str
) -> None:
    async with open_world(born, tmp_path, sqlite_url, shops=4) as world:
        boundaries = await shop_boundaries(world, PAID, bug="create_is_refused")
        assert not await disagreements(world, hooks_once=True)
        in_create = [one for one in boundaries if 7 <= one[1] <= 20]
        problems = await kill_shops_at(world, in_create, again=False)
        problems += await disagreements(world)
    assert any(" at 0, and its transaction at the shop at 1" in problem for problem in problems), problems
