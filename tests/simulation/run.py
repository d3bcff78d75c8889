"""Runs one seed: troubles first, then peace, then everything must have come to an end that all agree on."""

import asyncio
import gc
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from unittest import mock

import msgspec
from msgspec.structs import replace

from simulation.acquirer import Bank
from simulation.books import next_midnight_ms
from simulation.clients import Clients
from simulation.fixture import fixture, quiet_logs
from simulation.loop import Stuck
from simulation.merchant import Merchant
from simulation.network import Network
from simulation.people import Clerk, People
from simulation.process import Processes
from simulation.registry import Registry
from simulation.watch import Watch
from simulation.world import BASE_MS, World
from tiyin.gateway.ledger import closing
from tiyin.gateway.receipts.records import Receipt

__all__ = ["Outcome", "run_seed", "run_seeds", "story"]

_DAY_S = 86_400.0
_PEACE_S = 5 * _DAY_S
_LOOK_S = 600.0
_DAYS_MAX = 6
_LATE_DAYS = 5


class Outcome(msgspec.Struct):
    """What a run came to.

    Attributes:
        seed: Which run.
        problems: What must not be so; none is good.
        trace: Events, where they were wanted: seconds, who, what, about what.
        steps: How many callbacks ran.
        states: In which states the receipts ended.
    """

    seed: int
    problems: list[str]
    trace: list[tuple[float, str, str, str]]
    steps: int
    states: list[int]


def run_seed(seed: int, *, traced: bool = False) -> Outcome:
    """Run one seed.

    Args:
        seed: The seed.
        traced: Whether to keep a trace.
    """
    # A close looks back a month for what came late; days here are few, and looking costs time.
    with quiet_logs() as errors, mock.patch.object(closing, "LATE_DAYS", _LATE_DAYS):
        return _run(seed, errors, traced=traced)


def run_seeds(seeds: range) -> Iterator[Outcome]:
    """Run many seeds, one after the other."""
    fixture()
    gc.collect()
    gc.freeze()
    gc.disable()
    try:
        for n, seed in enumerate(seeds):
            yield run_seed(seed)
            if n % 20 == 19:
                gc.collect()
    finally:
        gc.enable()
        gc.collect()


def _run(seed: int, errors: list[str], *, traced: bool) -> Outcome:
    base = fixture()
    world = World(seed, traced=traced)
    world.tables.rows = {name: dict(rows) for name, rows in base.rows.items()}
    network, bank = Network(world), Bank(world)
    chance = world.chance
    merchant = Merchant(
        world,
        world.faults.merchant,
        delivers=chance.random() < 0.15,
        knows_cancel=chance.random() < 0.9,
    )
    registry = Registry(world) if world.happens(world.faults.fiscal) else None
    watch = Watch(world, bank, merchant, registry)
    states: list[int] = []
    try:
        world.loop.run(
            _live(world, Processes(world, network, bank, merchant, watch, registry), network, watch)
        )
        watch.look_at_end()
    except Stuck as stuck:
        world.problem(str(stuck))
    states = [receipt.state for receipt in world.tables.rows.get("receipts", {}).values()]
    for error in [*errors, *world.loop.errors]:
        world.problem(f"unforeseen: {error}")
    return Outcome(seed, world.problems, world.trace, world.loop.steps, states)


async def _live(world: World, processes: Processes, network: Network, watch: Watch) -> None:
    if world.faults.days:
        world.turned_ms = int(_before_midnight_s(world) * 1000)
    processes.begin()
    clients = Clients(world, network, processes, watch)
    for _ in range(world.faults.jumps):
        world.later(
            world.chance.random() * 300, world.turn, world.chance.randint(1, world.faults.jump_ms_max)
        )
    people = People(world, processes, watch)
    for n in range(world.faults.people):
        world.spawn(people.amid(f"person-{n + 1}"))
    await asyncio.gather(clients.run(), world.have_outage())
    clerk = Clerk(world, processes)
    for day in range(1, world.faults.days):
        world.spawn(clerk.work(f"clerk-{day}"))
        await _calm_until_midnight(world)
        await asyncio.gather(clients.run(day), clients.regret())
    if world.faults.month:
        await clients.come_late()
    world.say("world", "troubles end")
    world.faults.stop()
    people.gone = clerk.gone = True
    await asyncio.sleep(160)
    if not processes.alive:
        processes.start()
    await _peace(world)
    if world.faults.month:
        # A hold that stands is looked at once a day.
        await asyncio.sleep(_DAY_S + 2 * _LOOK_S)
        await _peace(world)
    turn = 0
    while world.faults.people and not world.problems and await people.after(turn):
        await _peace(world)
        turn += 1
    if world.faults.days:
        await _close_days(world, watch)


async def _calm_until_midnight(world: World) -> None:
    """Let a day pass without troubles until shortly before its end."""
    troubled = replace(world.faults)
    world.faults.stop()
    await asyncio.sleep(_before_midnight_s(world))
    world.faults.take(troubled)


def _before_midnight_s(world: World) -> float:
    left_s = (next_midnight_ms(world.now_ms()) - world.now_ms()) / 1000
    return max(0.0, left_s - world.chance.random() * _LOOK_S)


async def _close_days(world: World, watch: Watch) -> None:
    """Wait until everything that was booked lies in a closed day."""
    for _ in range(_DAYS_MAX):
        if watch.books.open_day is None or world.problems:
            return
        await asyncio.sleep(_before_midnight_s(world) + 2 * _LOOK_S)
        await _peace(world)


async def _peace(world: World) -> None:
    """Let time pass until nothing is under way any more."""
    end_s = world.loop.time() + _PEACE_S
    while world.tables.work and world.loop.time() < end_s and not world.problems:
        due_ms = world.tables.next_due_ms()
        assert due_ms is not None
        due_s = (due_ms - BASE_MS) / 1000 - world.loop.time()
        await asyncio.sleep(max(due_s, 0.0) + 30)
        if all(row.state == 5 for row in _worked(world)):
            break


def _worked(world: World) -> list[Receipt]:
    receipts = world.tables.rows.get("receipts", {})
    return [receipts[key] for key in world.tables.work if key in receipts]


def story(outcome: Outcome) -> str:
    """Tell a run so that a person can follow it."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines = []
    for seconds, who, what, about in outcome.trace:
        at = start + timedelta(seconds=seconds)
        lines.append(f"  {(at - start)!s:>18.18}  {who:<12} {what}  {about}".rstrip())
    problems = "\n".join(f"  - {problem}" for problem in outcome.problems)
    return (
        "\n".join(lines) + f"\nseed {outcome.seed}:\n{problems}\nreplay: make simulate SEEDS={outcome.seed}\n"
    )
