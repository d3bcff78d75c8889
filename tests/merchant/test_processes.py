"""Two shops' processes on one database, and processes that are killed inside a hook."""

import asyncio
import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers_merchant import KEY, payme_id
from tiyin.protocol.authorization import write_basic

SCRIPT = Path(__file__).with_name("shop_process.py")

pytestmark = pytest.mark.kill


class Process:
    """One shop's process."""

    def __init__(self, url: str, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        self._process = subprocess.Popen([sys.executable, str(SCRIPT), url, str(self._port), str(log)])

    def wait_ready(self) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", self._port), 1).close()
            except OSError:
                assert self._process.poll() is None
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the shop did not start")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def _call(self, method: str, params: dict[str, Any]) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}/",
            json.dumps({"id": 1, "method": method, "params": params}).encode(),
            {"Authorization": write_basic("Paycom", KEY)},
        )
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310 - and http
            reply = json.load(response)
        return reply["result"] if "result" in reply else reply["error"]["code"]

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method; -32400 is repeated, as Payme does."""
        for _ in range(20):
            answer = await asyncio.to_thread(self._call, method, params)
            if answer != -32400:
                return answer
            await asyncio.sleep(0.2)
        return answer

    async def create(self, number: int, order: int) -> Any:
        return await self.call(
            "CreateTransaction",
            id=payme_id(number),
            time=TIME_MS,
            amount=500_000,
            account={"order_id": order},
        )

    async def perform(self, number: int) -> Any:
        return await self.call("PerformTransaction", id=payme_id(number))

    async def cancel(self, number: int) -> Any:
        return await self.call("CancelTransaction", id=payme_id(number), reason=3)

    async def check(self, number: int) -> Any:
        return await self.call("CheckTransaction", id=payme_id(number))


TIME_MS = int(time.time() * 1000)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "hooks.log"


@pytest.fixture
def start(store_url: str, log: Path) -> Iterator[Callable[[], Process]]:
    started: list[Process] = []

    def start_one() -> Process:
        process = Process(store_url, log)
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


async def until_begun(log: Path) -> None:
    """Wait until a hook says that it has begun."""
    for _ in range(1000):
        if any(line.startswith("begun") for line in lines(log)):
            return
        await asyncio.sleep(0.02)
    raise AssertionError("no hook has begun")


async def test_two_processes_run_each_hook_once(start: Callable[[], Process], log: Path) -> None:
    """Goal: the same calls at both processes at once are answered alike, and each effect runs once."""
    one, two = start(), start()
    one.wait_ready()
    two.wait_ready()

    async def payment(number: int) -> None:
        for step in ("create", "perform", "cancel") if number % 2 else ("create", "cancel"):
            arguments = (number, number) if step == "create" else (number,)
            answers = await asyncio.gather(
                *(getattr(process, step)(*arguments) for process in (one, two) for _ in range(2))
            )
            assert all(answer == answers[0] for answer in answers)
            assert isinstance(answers[0], dict)

    await asyncio.gather(*(payment(number) for number in range(8)))
    ran = Counter(lines(log))
    assert set(ran.values()) == {1}
    assert len(ran) == 4 * 3 + 4 * 2
    assert not any("again" in line for line in ran)


async def test_one_order_at_two_processes(start: Callable[[], Process], log: Path) -> None:
    """Goal: of several transactions for one order exactly one is created, wherever they arrive."""
    one, two = start(), start()
    one.wait_ready()
    two.wait_ready()
    for order in range(4):
        numbers = range(order * 10, order * 10 + 6)
        answers = await asyncio.gather(
            *((one if number % 2 else two).create(number, order) for number in numbers)
        )
        assert sum(isinstance(answer, dict) for answer in answers) == 1
        assert answers.count(-31008) == 5
    assert len(lines(log)) == 4


async def test_perform_and_cancel_at_two_processes(start: Callable[[], Process], log: Path) -> None:
    one, two = start(), start()
    one.wait_ready()
    two.wait_ready()
    for number in range(8):
        await one.create(number, number)
        performed, cancelled = await asyncio.gather(one.perform(number), two.cancel(number))
        ran = [line.split()[0] for line in lines(log) if line.endswith(payme_id(number))]
        if performed == -31008:
            assert cancelled["state"] == -1
            assert ran == ["create", "cancel"]
        else:
            assert performed["state"] == 2
            assert cancelled["state"] == -2
            assert ran == ["create", "perform", "cancel"]


@pytest.mark.parametrize("effect", ["create", "perform", "cancel"])
async def test_killed_inside_a_hook(start: Callable[[], Process], log: Path, effect: str) -> None:
    """Goal: after the kill the transaction stands as before, and the repeated call completes it.

    The hook runs a second time, and is told so: the kit cannot know how far it came.
    """
    process = start()
    process.wait_ready()
    steps = {"create": 1, "perform": 2, "cancel": -2}
    before: Any = -31003
    for step, state in steps.items():
        arguments = (1, 7) if step == "create" else (1,)
        if step != effect:
            assert (await getattr(process, step)(*arguments))["state"] == state
            before = await process.check(1)
            continue
        log.with_suffix(".hang").touch()
        call = asyncio.create_task(getattr(process, step)(*arguments))
        await until_begun(log)
        process.kill()
        with pytest.raises(OSError, match=r"."):
            await call
        log.with_suffix(".hang").unlink()
        process = start()
        process.wait_ready()
        assert await process.check(1) == before
        done = await getattr(process, step)(*arguments)
        assert done["state"] == state
        assert await getattr(process, step)(*arguments) == done
        assert lines(log)[-1] == f"{step}-again {payme_id(1)}"
        return


async def test_killed_inside_create_and_then_cancelled(start: Callable[[], Process], log: Path) -> None:
    """Goal: what a dead process may have reserved is undone, and the order can be bought again."""
    process = start()
    process.wait_ready()
    log.with_suffix(".hang").touch()
    call = asyncio.create_task(process.create(1, 7))
    await until_begun(log)
    process.kill()
    with pytest.raises(OSError, match=r"."):
        await call
    log.with_suffix(".hang").unlink()
    process = start()
    process.wait_ready()
    assert await process.create(2, 7) == -31008
    assert (await process.cancel(1))["state"] == -1
    assert (await process.create(2, 7))["state"] == 1
    assert lines(log)[1:] == [f"cancel {payme_id(1)}", f"create {payme_id(2)}"]
