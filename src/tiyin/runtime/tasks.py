"""Tasks that belong to the process, not to the request that began them.

A client that hangs up cancels its request, and with it everything the request awaits. Work that carries
money must not be cut there: it is handed to `Tasks`, which keeps it, lets it end, logs what went wrong, and
drains at shutdown.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tiyin.runtime.logs import get_logger

__all__ = ["Tasks", "TasksRefused"]

T = TypeVar("T")

_CANCEL_PATIENCE_S = 1.0


class TasksRefused(RuntimeError):
    """The process takes no more work: too much is running already, or it is stopping."""


class Tasks:
    """The process's running tasks.

    Args:
        count_max: How many may run at once.
    """

    def __init__(self, *, count_max: int = 10_000) -> None:
        self._count_max = count_max
        self._running: set[asyncio.Task[Any]] = set()
        self._awaited: set[asyncio.Task[Any]] = set()
        self._closed = False
        self._log = get_logger("tiyin.tasks")

    def __len__(self) -> int:
        return len(self._running)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of what is running, sorted."""
        return tuple(sorted(task.get_name() for task in self._running))

    def start(self, coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
        """Run a coroutine that nobody waits for; if it fails, the failure is logged.

        Args:
            coro: The work.
            name: What a person should read in the log; no secrets.

        Returns:
            The task, which its owner may cancel.

        Raises:
            TasksRefused: If too many are running or the process has stopped; the coroutine is closed, not
                begun.
        """
        if self._closed or len(self._running) >= self._count_max:
            coro.close()
            why = "the process is stopping" if self._closed else f"{self._count_max} tasks are running"
            raise TasksRefused(f"cannot start {name!r}: {why}")
        task = asyncio.get_running_loop().create_task(coro, name=name)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def finish(self, coro: Coroutine[Any, Any, T], *, name: str) -> T:
        """Run a coroutine to its end, and answer what it answers.

        If the caller is cancelled meanwhile, the work goes on without it.

        Args:
            coro: The work.
            name: What a person should read in the log; no secrets.

        Returns:
            What the coroutine returned.

        Raises:
            TasksRefused: If the work was not begun, or was cut off by the end of a drain.
            Exception: Whatever the coroutine raised. If the caller is gone by then, it is logged instead.
        """
        task = self.start(coro, name=name)
        ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._awaited.add(task)
        task.add_done_callback(lambda _: None if ended.done() else ended.set_result(None))
        try:
            await ended
        except asyncio.CancelledError:
            self._awaited.discard(task)
            if task.done():
                # It ended in the same turn of the loop in which the caller was cancelled: nobody else will
                # look.
                self._report(task)
            raise
        self._awaited.discard(task)
        if task.cancelled():
            raise TasksRefused(f"{name!r} was cut off: the process is stopping")
        return task.result()

    async def drain(self, timeout_s: float) -> tuple[str, ...]:
        """Wait for everything that runs, then cancel what is left and refuse anything new.

        What runs may still start the work it needs until the time is over.

        Args:
            timeout_s: How long to wait before cancelling, in seconds.

        Returns:
            The names of those that had to be cancelled, sorted.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_s
        while (waiting := self._others()) and (left := deadline - loop.time()) > 0:
            await asyncio.wait(waiting, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        self._closed = True
        stragglers = self._others()
        for task in stragglers:
            task.cancel("the process is stopping")
        if stragglers:
            await asyncio.wait(stragglers, timeout=_CANCEL_PATIENCE_S)
            names = tuple(sorted(task.get_name() for task in stragglers))
            self._log.warning("tasks_cut_off", tasks=names)
            return names
        return ()

    def _others(self) -> set[asyncio.Task[Any]]:
        """Everything but the task that is draining, which would wait for itself."""
        return self._running - {asyncio.current_task()}

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task not in self._awaited:
            self._report(task)

    def _report(self, task: asyncio.Task[Any]) -> None:
        """Log a failure that nobody else will hear of."""
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._log.error("task_failed", task=task.get_name(), exc_info=error)
