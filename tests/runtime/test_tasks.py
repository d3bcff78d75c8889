"""Work belongs to the process: it survives its caller, it is counted, and its failures are heard once."""

import asyncio
import gc
import logging
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from tiyin.runtime.tasks import Tasks, TasksRefused


class Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


@pytest.fixture
def heard() -> Iterator[list[str]]:
    handler = Heard()
    logging.getLogger("tiyin.tasks").addHandler(handler)
    yield handler.lines
    logging.getLogger("tiyin.tasks").removeHandler(handler)


@pytest.fixture
def complaints() -> Iterator[list[dict[str, Any]]]:
    """Collect what the event loop complains of, "exception was never retrieved" among it."""
    found: list[dict[str, Any]] = []
    yield found
    gc.collect()
    assert found == []


async def failing(after: asyncio.Event | None = None) -> None:
    if after is not None:
        await after.wait()
    raise RuntimeError("lost the card 8600069195406311")


def listen(complaints: list[dict[str, Any]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))


async def test_finish_answers_and_raises_what_the_work_does(
    heard: list[str], complaints: list[dict[str, Any]]
) -> None:
    listen(complaints)
    tasks = Tasks()

    async def answer() -> int:
        return 42

    assert await tasks.finish(answer(), name="answer") == 42
    with pytest.raises(RuntimeError, match="lost the card"):
        await tasks.finish(failing(), name="failing")
    assert len(tasks) == 0
    assert heard == []


async def test_work_goes_on_when_its_caller_is_cancelled(complaints: list[dict[str, Any]]) -> None:
    listen(complaints)
    tasks, go, done = Tasks(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        await go.wait()
        done.set()

    caller = asyncio.create_task(tasks.finish(work(), name="payment"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert tasks.names == ("payment",)
    go.set()
    assert await tasks.drain(5) == ()
    assert done.is_set()


@pytest.mark.parametrize("same_turn", [False, True])
async def test_a_failure_nobody_waits_for_is_logged_once_and_without_the_card(
    heard: list[str], complaints: list[dict[str, Any]], same_turn: bool
) -> None:
    listen(complaints)
    tasks, go = Tasks(), asyncio.Event()
    caller = asyncio.create_task(tasks.finish(failing(go), name="payment"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    if same_turn:
        go.set()
        # The work ends in this turn of the loop, and its caller is cancelled before it runs again.
        await asyncio.sleep(0)
        caller.cancel()
    else:
        caller.cancel()
        await asyncio.sleep(0)
        go.set()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await tasks.drain(5)
    assert len(heard) == 1
    assert "task_failed" in heard[0]
    assert "payment" in heard[0]
    assert "860006******6311" in heard[0]
    assert "8600069195406311" not in heard[0]


async def test_a_started_task_that_fails_is_logged(
    heard: list[str], complaints: list[dict[str, Any]]
) -> None:
    listen(complaints)
    tasks = Tasks()
    tasks.start(failing(), name="sweep")
    await tasks.drain(5)
    assert len(heard) == 1
    assert "sweep" in heard[0]


async def test_a_task_its_owner_cancels_is_not_a_failure(heard: list[str]) -> None:
    tasks = Tasks()
    task = tasks.start(asyncio.sleep(60), name="loop")
    task.cancel()
    assert await tasks.drain(5) == ()
    assert heard == []


async def test_draining_waits_for_work_that_work_begins() -> None:
    tasks, done = Tasks(), asyncio.Event()

    async def child() -> None:
        await asyncio.sleep(0.02)
        done.set()

    async def parent() -> None:
        await asyncio.sleep(0.02)
        tasks.start(child(), name="child")

    tasks.start(parent(), name="parent")
    assert await tasks.drain(5) == ()
    assert done.is_set()


async def test_draining_cuts_off_stragglers_by_name(heard: list[str]) -> None:
    tasks, cleaned = Tasks(), asyncio.Event()

    async def straggler() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleaned.set()

    tasks.start(straggler(), name="slow")
    waiting = asyncio.create_task(tasks.finish(asyncio.sleep(60), name="slower"))
    await asyncio.sleep(0)
    assert await tasks.drain(0.05) == ("slow", "slower")
    assert cleaned.is_set()
    assert "tasks_cut_off" in heard[0]
    with pytest.raises(TasksRefused, match="cut off"):
        await waiting
    work: Coroutine[Any, Any, None] = asyncio.sleep(0)
    with pytest.raises(TasksRefused, match="stopping"):
        tasks.start(work, name="late")


async def test_draining_gives_up_on_a_task_that_will_not_end() -> None:
    tasks, release = Tasks(), asyncio.Event()

    async def stubborn() -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    tasks.start(stubborn(), name="stubborn")
    await asyncio.sleep(0)
    assert await tasks.drain(0.01) == ("stubborn",)
    release.set()
    await asyncio.sleep(0)


async def test_a_task_can_drain_the_others() -> None:
    tasks = Tasks()
    assert await tasks.start(tasks.drain(5), name="shutdown") == ()


async def test_there_is_a_most_that_may_run() -> None:
    tasks = Tasks(count_max=2)
    running = [tasks.start(asyncio.sleep(60), name=f"t{n}") for n in range(2)]
    with pytest.raises(TasksRefused, match="2 tasks are running"):
        await tasks.finish(asyncio.sleep(0), name="third")
    for task in running:
        task.cancel()
    await tasks.drain(1)
