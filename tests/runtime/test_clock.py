"""Product time can be owned by a test and turned by the emulator; process time cannot."""

import asyncio
import time

import pytest

from tiyin.runtime.clock import Clock, ManualClock, SystemClock, TurnableClock


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_system_clock_tells_the_machines_time() -> None:
    clock: Clock = SystemClock()
    assert abs(clock.now_ms() - time.time() * 1000) < 1000
    before = clock.monotonic()
    await clock.sleep(0.01)
    await clock.sleep(-1)
    assert 0.009 < clock.monotonic() - before < 1


async def test_a_manual_clock_wakes_in_the_order_of_moments() -> None:
    clock = ManualClock(1000)
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [
        asyncio.create_task(sleeper(n, s)) for n, s in (("c", 3), ("a", 1), ("b", 2), ("a2", 1), ("z", 9))
    ]
    await settle()
    assert clock.sleepers == 5
    clock.advance(999)
    await settle()
    assert woken == []
    clock.advance(2001)
    await settle()
    assert woken == ["a", "a2", "b", "c"]
    assert (clock.now_ms(), clock.monotonic()) == (4000, 3.0)
    tasks[-1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert clock.sleepers == 0
    clock.advance(60_000)


async def test_running_a_manual_clock_stops_at_every_moment() -> None:
    """A loop that sleeps ten times sees ten moments within one run, each at its own time."""
    clock = ManualClock(0)
    seen: list[int] = []

    async def every_second() -> None:
        for _ in range(10):
            await clock.sleep(1)
            seen.append(clock.now_ms())

    task = asyncio.create_task(every_second())
    await clock.run(5500)
    assert seen == [1000, 2000, 3000, 4000, 5000]
    assert clock.now_ms() == 5500
    await clock.run(4500)
    await task
    assert seen[-1] == 10_000


async def test_a_manual_clock_never_wakes_early() -> None:
    clock = ManualClock(0)
    task = asyncio.create_task(clock.sleep(0.0015))
    await settle()
    clock.advance(1)
    await settle()
    assert not task.done()
    clock.advance(1)
    await task


async def test_turning_the_clock_wakes_those_whose_moment_has_come() -> None:
    clock = TurnableClock()
    woken: list[str] = []

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append(name)

    tasks = [
        asyncio.create_task(sleeper(n, s)) for n, s in (("hours", 43_200), ("minute", 60), ("day", 86_400))
    ]
    await settle()
    now_ms, real = clock.now_ms(), clock.monotonic()
    clock.advance(60_000)
    await settle()
    assert woken == ["minute"]
    clock.advance(43_200_000)
    await settle()
    assert woken == ["minute", "hours"]
    assert clock.now_ms() - now_ms >= 43_260_000
    assert clock.monotonic() - real < 5
    assert clock.offset_ms == 43_260_000
    tasks[-1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_one_turn_wakes_many_in_the_order_of_their_moments() -> None:
    clock = TurnableClock()
    woken: list[int] = []

    async def sleeper(seconds: int) -> None:
        await clock.sleep(seconds)
        woken.append(seconds)

    tasks = [asyncio.create_task(sleeper(seconds)) for seconds in (300, 100, 200, 400)]
    await settle()
    clock.advance(1_000_000)
    await asyncio.gather(*tasks)
    assert woken == [100, 200, 300, 400]


async def test_turning_the_clock_shortens_what_is_left() -> None:
    """After a turn to 50 ms before the moment, the sleeper wakes by itself in real time."""
    clock = TurnableClock(5)
    task = asyncio.create_task(clock.sleep(60))
    await settle()
    clock.advance(59_950)
    await settle()
    assert not task.done()
    async with asyncio.timeout(5):
        await task


async def test_the_clock_can_be_turned_from_another_thread() -> None:
    clock = TurnableClock()
    task = asyncio.create_task(clock.sleep(3600))
    await settle()
    await asyncio.to_thread(clock.advance, 3_600_000)
    async with asyncio.timeout(5):
        await task


async def test_turned_sleeps_of_nothing_only_yield() -> None:
    clock = TurnableClock()
    await clock.sleep(0)
    await ManualClock().sleep(0)


async def test_no_clock_goes_back() -> None:
    manual = ManualClock()
    for turn in (manual.advance, TurnableClock().advance):
        with pytest.raises(ValueError, match="forward"):
            turn(-1)
    with pytest.raises(ValueError, match="forward"):
        await manual.run(-1)
