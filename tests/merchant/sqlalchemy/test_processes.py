"""Two processes of a shop on one database, and processes that are killed inside a hook: each effect once."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from helpers_merchant import payme_id
from merchant.sqlalchemy.shops import Effect, Order
from merchant.test_processes import Process, until_begun

SCRIPT = Path(__file__).with_name("shop_process.py")

pytestmark = pytest.mark.kill


class ShopProcess(Process):
    """One process of a shop over SQLAlchemy."""

    def __init__(self, kind: str, url: str, log: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = int(free.getsockname()[1])
        self._process = subprocess.Popen([sys.executable, str(SCRIPT), kind, url, str(self._port), str(log)])


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "hooks.log"


@pytest.fixture
def start(kind_url: tuple[str, str], books: sa.Engine, log: Path) -> Iterator[Callable[[], ShopProcess]]:
    del books
    started: list[ShopProcess] = []

    def start_one() -> ShopProcess:
        process = ShopProcess(*kind_url, log)
        started.append(process)
        return process

    yield start_one
    for process in started:
        process.kill()


def ran(books: sa.Engine, number: int) -> list[str]:
    """What hooks did for a transaction."""
    with Session(books) as session:
        wanted = sa.select(Effect.name).where(Effect.transaction_id == payme_id(number)).order_by(Effect.id)
        return list(session.scalars(wanted))


def hang(log: Path) -> None:
    """Have the next hook hang."""
    log.with_suffix(".hang").touch()


def hang_no_more(log: Path) -> None:
    """Let hooks end again, and forget who hung."""
    log.with_suffix(".hang").unlink()
    log.unlink()


def state_of(books: sa.Engine, order: int) -> str:
    with Session(books) as session:
        return session.get_one(Order, order).state


async def test_races_between_processes(start: Callable[[], ShopProcess], books: sa.Engine) -> None:
    """Goal: whatever arrives where, and at once: one transaction an order, and each effect once."""
    one, two = start(), start()
    one.wait_ready()
    two.wait_ready()

    async def same_id(number: int) -> None:
        for step in ("create", "perform", "cancel"):
            arguments = (number, number) if step == "create" else (number,)
            answers = await asyncio.gather(
                *(getattr(process, step)(*arguments) for process in (one, two) for _ in range(2))
            )
            assert all(answer == answers[0] for answer in answers), (step, answers)
            assert isinstance(answers[0], dict)
        assert ran(books, number) == ["create", "perform", "cancel"]

    async def two_ids(order: int) -> None:
        numbers = range(order * 100, order * 100 + 4)
        answers = await asyncio.gather(*((one if n % 2 else two).create(n, order) for n in numbers))
        assert sum(isinstance(answer, dict) for answer in answers) == 1, answers
        assert answers.count(-31008) == 3
        assert [len(ran(books, n)) for n in numbers].count(1) == 1

    async def perform_and_cancel(number: int) -> None:
        assert (await one.create(number, number))["state"] == 1
        performed, cancelled, again = await asyncio.gather(
            one.perform(number), two.cancel(number), two.perform(number)
        )
        done = [answer for answer in (performed, again) if isinstance(answer, dict) and answer["state"] == 2]
        assert cancelled["state"] == (-2 if done else -1)
        expected = ["create", "perform", "cancel"] if done else ["create", "cancel"]
        assert ran(books, number) == expected
        assert state_of(books, number) == ("cancelled" if done else "waiting")

    await asyncio.gather(
        *(same_id(number) for number in range(1, 4)),
        *(two_ids(order) for order in range(10, 13)),
        *(perform_and_cancel(number) for number in range(20, 24)),
    )


@pytest.mark.parametrize("kind_url", ["pysqlite", "asyncpg"], indirect=True)
async def test_killed_inside_a_hook(start: Callable[[], ShopProcess], books: sa.Engine, log: Path) -> None:
    """Goal: order and transaction stand as before the kill, and the repeat completes it, exactly once."""
    process = start()
    process.wait_ready()
    before: Any = -31003
    order = "waiting"
    done: list[str] = []
    for step, state in {"create": 1, "perform": 2, "cancel": -2}.items():
        arguments = (1, 7) if step == "create" else (1,)
        hang(log)
        call = asyncio.create_task(getattr(process, step)(*arguments))
        await until_begun(log)
        process.kill()
        with pytest.raises(OSError, match=r"."):
            await call
        hang_no_more(log)
        assert (ran(books, 1), state_of(books, 7)) == (done, order)
        process = start()
        process.wait_ready()
        assert await process.check(1) == before
        answer = await getattr(process, step)(*arguments)
        assert answer["state"] == state
        assert await getattr(process, step)(*arguments) == answer
        done.append(step)
        assert ran(books, 1) == done
        before, order = await process.check(1), state_of(books, 7)
