"""An event loop on virtual time: nothing is waited for, and whatever chance decides comes from the seed.

It runs what is ready in the order in which it became ready, as asyncio promises to one process. What two
tasks may do in either order waits for the store, the network or the clock, and those waits are drawn. When
nothing is ready, time goes on to the next timer.

A *process* of the simulation is a mark in the context of its tasks. Once it is killed, none of its callbacks
runs any more: its tasks stand where they stood for ever, with no `finally` and no `except`, as after SIGKILL.
"""
# a loop and its handles know each other inside, as asyncio's own do

import asyncio
import contextvars
import heapq
import inspect
from asyncio import events
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, TypeVar

__all__ = ["LIFE", "Life", "SimLoop", "Stuck"]

T = TypeVar("T")


if TYPE_CHECKING:
    _Loop = asyncio.BaseEventLoop
else:
    # What it does not do, such as sockets and threads, raises NotImplementedError.
    _Loop = asyncio.AbstractEventLoop


class Stuck(AssertionError):
    """Nothing will ever happen any more, or far too much happens, and the run is not over."""


class Life:
    """The life of one process.

    Args:
        name: For the trace.
    """

    __slots__ = ("alive", "name", "stalled_until")

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.stalled_until = 0.0


LIFE: contextvars.ContextVar[Life | None] = contextvars.ContextVar("life", default=None)


class SimLoop(_Loop):
    """The loop.

    Args:
        steps_max: So many callbacks at most: a run that needs more goes in circles.
    """

    def __init__(self, steps_max: int = 100_000) -> None:
        self._now = 1_000.0
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.Handle]] = []
        self._number = 0
        self._steps_left = steps_max
        self._steps_max = steps_max
        self._tasks: list[asyncio.Task[Any]] = []
        self.errors: list[str] = []

    @property
    def steps(self) -> int:
        return self._steps_max - self._steps_left

    def time(self) -> float:
        return self._now

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override] # no name but asyncio's own is looked at
        self,
        coro: Coroutine[Any, Any, T],
        *,
        name: str | None = None,
        context: contextvars.Context | None = None,
        **_: Any,
    ) -> asyncio.Task[T]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def call_soon(  # type: ignore[override] # arguments are passed on unseen
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override] # arguments are passed on unseen
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self._now + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override] # arguments are passed on unseen
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: contextvars.Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self._number += 1
        heapq.heappush(self._timers, (when, self._number, handle))
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Nothing: a cancelled timer is passed over when its time comes."""

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {error!r}")

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine to its end, and then let everything else stand."""
        events._set_running_loop(self)
        try:
            task = self.create_task(main)
            self._run_until(task)
            return task.result()
        finally:
            for left in self._tasks:
                left._log_destroy_pending = False  # type: ignore[attr-defined] # standing still is meant
                coro: Any = left.get_coro()
                if not left.done() and inspect.getcoroutinestate(coro) == inspect.CORO_CREATED:
                    coro.close()
            self._ready.clear()
            self._timers.clear()
            events._set_running_loop(None)

    def _run_until(self, task: asyncio.Task[Any]) -> None:
        ready, timers = self._ready, self._timers
        while not task.done():
            while ready:
                handle = ready.popleft()
                if handle._cancelled:
                    continue
                life = handle._context.get(LIFE)  # type: ignore[attr-defined]
                if life is not None:
                    if not life.alive:
                        continue
                    if life.stalled_until > self._now:
                        # It stands still: what it would do now it does then, in the same order.
                        self._number += 1
                        heapq.heappush(timers, (life.stalled_until, self._number, handle))
                        continue
                self._steps_left -= 1
                if self._steps_left < 0:
                    raise Stuck(f"{self._steps_max} steps, and no end")
                handle._run()
            if task.done():
                return
            while timers and timers[0][2]._cancelled:
                heapq.heappop(timers)
            if not timers:
                raise Stuck("nothing will happen any more")
            when, _, handle = heapq.heappop(timers)
            self._now = max(self._now, when)
            ready.append(handle)
