"""Goal: a gateway killed between any two steps of a payment leaves nothing that does not agree in the end.

Method: a first run of each way that a payment can take counts and names its boundaries. Then each boundary
gets a payment and a gateway process of its own, which is killed there. At last a gateway is started over
the same database, as after any crash; it must bring every receipt to its end within a bounded time, and
whoever was promised nothing can simply pay again.
"""

import asyncio
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

import pytest

from helpers_kill import Nursery
from kill.agreement import disagreements
from kill.gateway_kills import (
    LATER_WAYS,
    WAYS,
    Way,
    kill_at_each_boundary,
    kill_twice,
    pay_again,
    recover,
    walk,
)
from kill.world import open_world

pytestmark = pytest.mark.kill

PASSED = {
    "made": {
        "while CheckPerformTransaction is under way",
        "before the commit of receipts ->0",
        "after the commit of receipts ->0",
        "before the answer",
    },
    "paid": {
        "after the commit of card_tokens live>live",
        "before the commit of receipts 0>1 create",
        "after the commit of receipts 0>1 create",
        "before CreateTransaction is sent",
        "while CreateTransaction is under way",
        "after CreateTransaction was answered",
        "after the commit of receipts 1>2 debit",
        "before the acquirer's debit",
        "after the commit of acquirer_operations ->debited",
        "after the acquirer's debit",
        "after the commit of card_tokens live>spent",
        "before the commit of receipts 2>3 perform, with ledger_entries",
        "after the commit of receipts 2>3 perform, with ledger_entries",
        "while PerformTransaction is under way",
        "after PerformTransaction was answered",
        "before the commit of receipts 3>4, with ledger_entries",
        "after the commit of receipts 3>4, with ledger_entries",
        "before the answer",
        "after the answer",
    },
    "declined": {
        "after the commit of acquirer_operations ->declined",
        "before the commit of receipts 2>2 cancel, with receipt_attempts",
        "while CancelTransaction is under way",
        "after the commit of receipts 2>50",
    },
    "refused": {
        "after the commit of receipts 3>3 check_perform, with receipt_attempts",
        "while CheckTransaction is under way",
        "after the commit of receipts 3>3 cancel, with receipt_attempts",
        "while CancelTransaction is under way",
        "after the commit of receipts 3>3 refund, with ledger_entries, receipt_attempts",
        "before the acquirer's reversal",
        "after the commit of acquirer_operations debited>reversed",
        "after the commit of receipts 3>50, with ledger_entries",
    },
    "direct": {
        "after the commit of receipts 0>2 debit",
        "after the acquirer's debit",
        "after the commit of receipts 2>4, with ledger_entries",
    },
    "held": {
        "after the commit of receipts 0>6 hold",
        "before the acquirer's hold",
        "after the commit of acquirer_operations ->held",
        "after the acquirer's hold",
        "after the answer",
    },
    "confirmed": {
        "after the commit of receipts 5>1 create",
        "while CreateTransaction is under way",
        "after the commit of receipts 1>2 capture",
        "before the acquirer's capture",
        "after the commit of acquirer_operations held>debited",
        "while PerformTransaction is under way",
        "after the answer",
    },
    "returned": {
        "after the commit of receipts 4>21 cancel, with receipt_attempts",
        "while CancelTransaction is under way",
        "before the acquirer's reversal",
        "after the commit of acquirer_operations debited>reversed",
        "after the commit of receipts 21>50, with ledger_entries",
    },
}
"""Boundaries that must be on each way, so that a step which was renamed or not wrapped is noticed."""

PAID, DECLINED, REFUSED = (
    next(way for way in WAYS if way.name == name) for name in ("paid", "declined", "refused")
)
TWICE = (
    (PAID, "after the commit of receipts 0>1 create", {"while CreateTransaction is under way"}),
    (
        PAID,
        "after the commit of receipts 1>2 debit",
        {"after the acquirer's question", "after the acquirer's debit"},
    ),
    (PAID, "after the acquirer's debit", {"after the commit of receipts 2>3 perform, with ledger_entries"}),
    (
        PAID,
        "after PerformTransaction was answered",
        {"before the commit of receipts 3>4, with ledger_entries"},
    ),
    (DECLINED, "after the acquirer's debit", {"after CancelTransaction was answered"}),
    (REFUSED, "after CancelTransaction was answered", {"after the acquirer's reversal"}),
)
"""Where the first gateway dies, and boundaries that must be on the way of the one that takes it up."""


@pytest.mark.timeout(180)
async def test_killed_between_any_two_steps(born: Nursery, tmp_path: Path, sqlite_url: str) -> None:
    await kill_on(WAYS, born, tmp_path, sqlite_url)


@pytest.mark.timeout(180)
async def test_killed_between_any_two_steps_on_postgresql(
    born: Nursery, tmp_path: Path, postgres_url: str
) -> None:
    # The other ways' steps are of the same kinds.
    await kill_on([REFUSED], born, tmp_path, postgres_url)


@pytest.mark.long
@pytest.mark.timeout(180)
async def test_killed_between_any_two_steps_of_any_way_on_postgresql(
    born: Nursery, tmp_path: Path, postgres_url: str
) -> None:
    await kill_on(WAYS, born, tmp_path, postgres_url)


@pytest.mark.timeout(180)
async def test_killed_between_any_two_steps_of_a_hold_or_a_cancel(
    born: Nursery, tmp_path: Path, sqlite_url: str
) -> None:
    await kill_on(LATER_WAYS, born, tmp_path, sqlite_url)


async def kill_on(ways: Sequence[Way], born: Nursery, tmp_path: Path, store_url: str) -> None:
    """Kill a gateway at each boundary of some ways, and see that all comes to what it must."""
    async with open_world(born, tmp_path, store_url) as world:
        await world.shops[0].process.start()
        boundaries = []
        for way in ways:
            names = await walk(world, way)
            assert PASSED[way.name] <= set(names)
            boundaries += [(way, number, name) for number, name in enumerate(names, 1)]
        killed = await kill_at_each_boundary(world, boundaries)
        assert len(killed) == len(boundaries)
        problems = await recover(world, killed)
        problems += await disagreements(world, hooks_once=True)
        assert not problems, "\n".join(problems)
        problems = await pay_again(world, killed)
        await world.kill_all()
        problems += await disagreements(world, hooks_once=True)
        assert not problems, "\n".join(problems)


@pytest.mark.parametrize("twice", [TWICE[::2], pytest.param(TWICE[1::2], marks=pytest.mark.long)])
async def test_killed_again_while_another_takes_it_up(
    twice: Sequence[tuple[Way, str, set[str]]], born: Nursery, tmp_path: Path
) -> None:
    """Who takes up what a dead gateway left may die at any boundary of its own, and a third one ends it."""

    async def kill_in_world(way: Way, first: str, seconds: set[str]) -> list[str]:
        folder = tmp_path / f"{way.name} {first.replace('>', '-')}"
        folder.mkdir()
        async with open_world(born, folder, f"sqlite:///{folder / 'gateway.db'}") as world:
            await world.shops[0].process.start()
            names = await kill_twice(world, way, first)
            assert seconds <= set(names), f"{way.name}: {first}: {names}"
            await world.kill_all()
            return [
                f"{way.name}: {first}: {problem}" for problem in await disagreements(world, hooks_once=True)
            ]

    problems = await asyncio.gather(*(kill_in_world(*each) for each in twice))
    assert not any(problems), "\n".join(chain.from_iterable(problems))
