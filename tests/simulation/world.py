"""The simulated world: its time, its chance, its processes, its network, and what was seen to go wrong."""

import asyncio
import contextvars
import random
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from simulation.faults import Faults
from simulation.loop import LIFE, Life, SimLoop
from simulation.tables import MemoryTables
from tiyin.storage import Lease

__all__ = ["BASE_MS", "SimClock", "SimLease", "World"]

BASE_MS = 1_790_000_000_000
_POLL_S = 0.5
_POLL_S_MAX = 3_600.0
_LOOK_AT_DAYS_S = 60.0
_DAY_MS = 86_400_000
_GRACE_MS = 300_000
_DAY_CLOSES_MS = 68_700_000
"""When a day of Tashkent closes: five minutes after its end, in the day of Greenwich."""
_HOUR_S = 3_600.0


class SimLease(Lease, frozen=True):
    """A lease that ends by virtual time."""

    def left_ms(self) -> int:
        return max(0, int((self.until - asyncio.get_running_loop().time()) * 1000))


class World:
    """Everything that processes, merchants, the acquirer and clients share.

    Args:
        seed: What everything depends on.
        traced: Whether to keep a trace that a person can read.
    """

    def __init__(self, seed: int, *, traced: bool = False) -> None:
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - to be repeated, not a secret
        self.faults = Faults.drawn(self.chance)
        self.loop = SimLoop()
        self.start_s = self.loop.time()
        self.turned_ms = 0
        self.tables = MemoryTables(self.database_ms, SimLease)
        self.problems: list[str] = []
        self.trace: list[tuple[float, str, str, str]] = []
        self.traced = traced
        self.free = contextvars.Context()
        self.sleepers: dict[int, tuple[int, asyncio.Future[None], SimClock]] = {}
        self.pollers: list[asyncio.Future[None]] = []
        self._wake_at = float("inf")
        self._numbers = 0
        self.outage = ""
        self.on_crash: Callable[[Life], None] = lambda life: None

    def database_ms(self) -> int:
        """Give the database's real time."""
        return BASE_MS + int(self.loop.time() * 1000)

    def now_ms(self) -> int:
        """Give the product's time, as it is without any machine's error."""
        return BASE_MS + int(self.loop.time() * 1000) + self.turned_ms

    def say(self, who: str, what: str, about: str = "") -> None:
        """Keep an event for the trace."""
        if self.traced:
            self.trace.append((self.loop.time() - self.start_s, who, what, about))

    def problem(self, text: str) -> None:
        """Note that something that must hold does not."""
        self.say("!!", text)
        self.problems.append(text)

    def happens(self, probability: float) -> bool:
        """Draw once."""
        return probability > 0 and self.chance.random() < probability

    def later(self, delay_s: float, callback: Callable[..., object], *args: Any) -> asyncio.TimerHandle:
        """Let something happen that belongs to no process, and that no crash prevents."""
        return self.loop.call_at(self.loop.time() + delay_s, callback, *args, context=self.free)

    def spawn(self, coro: Any, life: Life | None = None) -> asyncio.Task[Any]:
        """Start a task of nobody, or of a process."""
        context = contextvars.Context()
        if life is not None:
            context.run(LIFE.set, life)
        return self.loop.create_task(coro, context=context)

    def crash(self, life: Life) -> None:
        """Kill a process where it stands."""
        if life.alive:
            life.alive = False
            self.say(life.name, "is killed")
            self.on_crash(life)

    def stall(self, life: Life) -> None:
        """Let a process stand still for a while, as one that is swapped out or collects garbage."""
        seconds = self.chance.choice((0.5, 5.0, 25.0, 60.0, 200.0)) * self.chance.random()
        life.stalled_until = self.loop.time() + seconds
        self.say(life.name, f"stands still for {seconds:.1f} s")

    def turn(self, ms: int) -> None:
        """Turn the product's clock forward."""
        self.turned_ms += ms
        self.say("clock", f"is turned by {ms} ms")
        for number, (due_ms, future, clock) in list(self.sleepers.items()):
            if clock.now_ms() >= due_ms and not future.done():
                self.sleepers.pop(number, None)
                self.later(0, _wake, future)

    async def have_outage(self) -> None:
        """Let somebody answer nobody for as long as the run has it; it begins at some moment."""
        if not self.faults.outage:
            return
        await asyncio.sleep(self.chance.random() * 90)
        self.outage = self.faults.outage
        self.say("world", f"the {self.outage} answers nobody any more")
        await asyncio.sleep(_HOUR_S)
        self.faults.calm_down()
        await asyncio.sleep(self.faults.outage_s - _HOUR_S)
        self.outage = ""
        self.say("world", f"the {self.faults.outage} answers again")

    async def poll(self) -> None:
        """Wait as somebody who looks for work twice a second: until there may be some."""
        future: asyncio.Future[None] = self.loop.create_future()
        self.pollers.append(future)
        self.look_for_work(_POLL_S * (0.2 + self.chance.random()))
        await future

    def look_for_work(self, earliest_s: float = 0.0) -> None:
        """Have the pollers wake when work is due; called whenever the work may have changed."""
        if not self.pollers:
            return
        due_ms = self.tables.next_due_ms()
        now = self.loop.time()
        due = now + _POLL_S_MAX if due_ms is None else (due_ms - BASE_MS) / 1000
        at = max(due + 0.001, now + earliest_s)
        if at < self._wake_at:
            self._wake_at = at
            self.loop.call_at(at, self._wake_pollers, at, context=self.free)

    def _wake_pollers(self, at: float) -> None:
        if at != self._wake_at:
            return
        self._wake_at = float("inf")
        pollers, self.pollers = self.pollers, []
        for poller in pollers:
            self.later(_POLL_S * self.chance.random(), _wake, poller)

    def day_is_due(self, now_ms: int) -> bool:
        """Tell whether there is a day to be closed, where the run has days."""
        over_ms = (now_ms - _DAY_CLOSES_MS) // _DAY_MS * _DAY_MS + _DAY_CLOSES_MS - _GRACE_MS
        days = self.tables.rows.get("ledger_days", {})
        closed = max((name for name, day in days.items() if day.state == "closed"), default=None)
        if closed is not None:
            # The day after it ends a day later.
            end = datetime.fromisoformat(f"{closed}T00:00:00+05:00") + timedelta(days=2)
            return int(end.timestamp() * 1000) <= over_ms
        return any(entry.at_ms < over_ms for entry in self.tables.rows.get("ledger_entries", {}).values())

    def number(self) -> int:
        """Give a new number."""
        self._numbers += 1
        return self._numbers


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


class SimClock:
    """One machine's clock: the world's time, and its own error.

    Args:
        world: The world.
        skew_ms: By how much it is ahead.
    """

    def __init__(self, world: World, skew_ms: int = 0) -> None:
        self._world = world
        self.skew_ms = skew_ms

    def now_ms(self) -> int:
        return self._world.now_ms() + self.skew_ms

    def monotonic(self) -> float:
        return self._world.loop.time()

    async def sleep(self, seconds: float) -> None:
        world = self._world
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        if seconds == _POLL_S:
            await world.poll()
            return
        if seconds == _LOOK_AT_DAYS_S and not world.day_is_due(self.now_ms()):
            # Whoever looks before the day is over finds nothing: he may as well come when it is.
            seconds += (_DAY_CLOSES_MS - self.now_ms()) % _DAY_MS / 1000
        future: asyncio.Future[None] = world.loop.create_future()
        number = world.number()
        world.sleepers[number] = (self.now_ms() + int(seconds * 1000), future, self)
        world.later(seconds, _wake, future)
        try:
            await future
        finally:
            world.sleepers.pop(number, None)
