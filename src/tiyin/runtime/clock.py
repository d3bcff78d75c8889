"""Time as a port, so that a test or the emulator can own it.

Two kinds of time exist in the house. *Product time* (how long a code is good, the twelve hours of a
transaction) is read with `now_ms` and waited for with `sleep`; the emulator turns it. *Process time* (how
long a call took, patience with a socket) is `monotonic` and never turned. Leases use neither: they run on
the database's own time.
"""

import asyncio
import heapq
import itertools
import threading
import time
from typing import Protocol

__all__ = ["Clock", "ManualClock", "SystemClock", "TurnableClock"]


class Clock(Protocol):
    """What the house knows of time."""

    def now_ms(self) -> int:
        """Return the product's time, in milliseconds since 1970 (UTC)."""
        ...

    def monotonic(self) -> float:
        """Return seconds of process time from an arbitrary start; it never goes back and is never turned."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait until the product's time has moved on by so many seconds.

        Args:
            seconds: How long to wait; zero or less only lets other tasks run.
        """
        ...


class SystemClock:
    """The machine's own time."""

    def now_ms(self) -> int:
        """Return the time, in milliseconds since 1970 (UTC)."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Return seconds of process time from an arbitrary start."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait so many real seconds."""
        await asyncio.sleep(max(seconds, 0.0))


class _Sleeper:
    """One waiting `TurnableClock.sleep`: a future, the moment that ends it, and the timer set for it."""

    __slots__ = ("due", "future", "loop", "timer")

    def __init__(self, due: float) -> None:
        self.loop = asyncio.get_running_loop()
        self.future: asyncio.Future[None] = self.loop.create_future()
        self.due = due
        self.timer: asyncio.TimerHandle | None = None


class TurnableClock:
    """The machine's time plus an offset that only grows: the emulator's clock.

    `advance` moves `now_ms` and wakes every sleeper whose moment has come by the turned time; the others
    wait so much less. So a countdown of sixty seconds and a timer of twelve hours both end when the clock
    is turned past them. `monotonic` stays real.
    """

    def __init__(self, offset_ms: int = 0) -> None:
        self._offset_ms = offset_ms
        self._lock = threading.Lock()
        self._sleepers: dict[int, _Sleeper] = {}
        self._numbers = itertools.count()

    @property
    def offset_ms(self) -> int:
        """How far this clock is ahead of the machine's, in milliseconds."""
        return self._offset_ms

    def now_ms(self) -> int:
        """Return the turned time, in milliseconds since 1970 (UTC)."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    def monotonic(self) -> float:
        """Return seconds of real process time from an arbitrary start."""
        return time.monotonic()

    def advance(self, ms: int) -> None:
        """Turn the clock forward; safe to call from any thread.

        Args:
            ms: By how much, in milliseconds; at least 0.

        Raises:
            ValueError: If `ms` is negative: times that are stored already must not come to lie in the future.
        """
        if ms < 0:
            raise ValueError(f"a clock is only turned forward, not by {ms} ms")
        with self._lock:
            self._offset_ms += ms
            waiting = sorted(self._sleepers.values(), key=lambda sleeper: sleeper.due)
        for sleeper in waiting:
            # The sleeper looks at the time itself, in its own loop: one that has just ended ignores it, and
            # one whose loop is gone has nobody left to wake.
            if not sleeper.loop.is_closed():
                sleeper.loop.call_soon_threadsafe(self._look, sleeper)

    async def sleep(self, seconds: float) -> None:
        """Wait until the turned time has moved on by so many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        number = next(self._numbers)
        with self._lock:
            sleeper = _Sleeper(self._turned() + seconds)
            self._sleepers[number] = sleeper
        self._look(sleeper)
        try:
            await sleeper.future
        finally:
            with self._lock:
                del self._sleepers[number]
            if sleeper.timer is not None:
                sleeper.timer.cancel()

    def _turned(self) -> float:
        return time.monotonic() + self._offset_ms / 1000

    def _look(self, sleeper: _Sleeper) -> None:
        """Wake the sleeper if its moment has come, else set its timer anew."""
        if sleeper.timer is not None:
            sleeper.timer.cancel()
            sleeper.timer = None
        if sleeper.future.done():
            return
        left = sleeper.due - self._turned()
        if left <= 0:
            sleeper.future.set_result(None)
        else:
            sleeper.timer = sleeper.loop.call_later(left, self._look, sleeper)


class ManualClock:
    """A clock that stands still until a test moves it.

    `advance` moves the time and wakes all sleepers whose moment has come, in the order of their moments
    (ties in the order they went to sleep); they run when the test next awaits, and see the final time.
    `run` does it step by step: each sleeper runs at its own moment, and what it goes on to sleep for is
    honoured within the same run.
    """

    def __init__(self, now_ms: int = 1_700_000_000_000) -> None:
        self._start_ms = now_ms
        self._now_ms = now_ms
        self._heap: list[tuple[int, int, asyncio.Future[None]]] = []
        self._numbers = itertools.count()

    @property
    def sleepers(self) -> int:
        """How many tasks are asleep now."""
        return sum(1 for _, _, future in self._heap if not future.done())

    def now_ms(self) -> int:
        """Return the time that was set, in milliseconds since 1970 (UTC)."""
        return self._now_ms

    def monotonic(self) -> float:
        """Return the seconds by which this clock was moved since it was made."""
        return (self._now_ms - self._start_ms) / 1000

    def advance(self, ms: int) -> None:
        """Move the time forward at once, and wake in order everyone whose moment has come.

        Args:
            ms: By how much, in milliseconds; at least 0.

        Raises:
            ValueError: If `ms` is negative.
        """
        if ms < 0:
            raise ValueError(f"a clock is only turned forward, not by {ms} ms")
        self._now_ms += ms
        self._wake()

    async def run(self, ms: int) -> None:
        """Let time pass: stop at each sleeper's moment, let it run, go on.

        Args:
            ms: How long, in milliseconds; at least 0.

        Raises:
            ValueError: If `ms` is negative.
        """
        if ms < 0:
            raise ValueError(f"a clock is only turned forward, not by {ms} ms")
        end_ms = self._now_ms + ms
        await self._settle()
        while (due_ms := self._next_ms()) is not None and due_ms <= end_ms:
            self._now_ms = max(self._now_ms, due_ms)
            self._wake()
            await self._settle()
        self._now_ms = end_ms

    async def sleep(self, seconds: float) -> None:
        """Wait until the test has moved the time on by so many seconds."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        # A moment between two milliseconds counts as the later one: nobody wakes too early.
        due_ms = self._now_ms + -int(-seconds * 1000 // 1)
        heapq.heappush(self._heap, (due_ms, next(self._numbers), future))
        await future

    def _next_ms(self) -> int | None:
        while self._heap and self._heap[0][2].done():
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None

    def _wake(self) -> None:
        while (due_ms := self._next_ms()) is not None and due_ms <= self._now_ms:
            heapq.heappop(self._heap)[2].set_result(None)

    @staticmethod
    async def _settle() -> None:
        """Give tasks that were woken the turns of the loop they need to get to their next wait."""
        for _ in range(20):
            await asyncio.sleep(0)
