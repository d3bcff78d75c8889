"""A Django shop in several processes, under real servers, and processes that are killed inside a hook."""

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any

import psutil
import pytest
from django.db import connections

from helpers_examples import Example, running
from helpers_merchant import payme_id
from merchant.django.shop.models import Effect, Order
from merchant.django.shop.settings import KEY
from tiyin.merchant.integrations.django.models import Transaction
from tiyin.protocol.authorization import write_basic

ROOT = Path(__file__).parents[3]
GUNICORN = ["gunicorn", "-b", "127.0.0.1:{port}", "--graceful-timeout", "5", "-w", "2"]
UVICORN = ["uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--log-level", "warning", "--workers", "2"]
SERVERS = {
    "sync": [*GUNICORN, "merchant.django.shop.wsgi"],
    "gthread": [*GUNICORN, "--threads", "4", "merchant.django.shop.wsgi"],
    "uvicorn": [*UVICORN, "merchant.django.shop.asgi:application"],
}
TIME_MS = int(time.time() * 1000)

pytestmark = pytest.mark.kill


class Shop:
    """Calls a server as Payme does; -32400 is repeated."""

    def __init__(self, server: Example) -> None:
        self.server = server
        self._headers = {"Authorization": write_basic("Paycom", KEY), "Content-Type": "application/json"}

    def call(self, method: str, **params: Any) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        answer: Any = -32400
        for _ in range(40):
            status, _, reply = self.server.ask("POST", "/payme", body, self._headers)
            assert status == 200
            read = json.loads(reply)
            answer = read["result"] if "result" in read else read["error"]["code"]
            if answer != -32400:
                return answer
            time.sleep(0.1)
        return answer

    def create(self, number: int, order: int) -> Any:
        return self.call(
            "CreateTransaction",
            id=payme_id(number),
            time=TIME_MS,
            amount=500_000,
            account={"order_id": order},
        )

    def perform(self, number: int) -> Any:
        return self.call("PerformTransaction", id=payme_id(number))

    def cancel(self, number: int) -> Any:
        return self.call("CancelTransaction", id=payme_id(number), reason=5)


@contextmanager
def shop(server: str, using: str, folder: Path, **environ: str) -> Iterator[Shop]:
    """Serve the shop over the database of this process."""
    kept = connections[using].settings_dict
    url = (
        f"sqlite:///{kept['NAME']}"
        if using == "default"
        else f"postgresql://{kept['USER']}@{kept['HOST']}:{kept['PORT']}/{kept['NAME']}"
    )
    settings = {
        "SHOP_DATABASE": url,
        "DJANGO_SETTINGS_MODULE": "merchant.django.shop.settings",
        "PYTHONPATH": os.pathsep.join((str(ROOT / "tests"), str(ROOT / "src"))),
    }
    with running(SERVERS[server], folder, **settings, **environ) as example:
        yield Shop(example)


@pytest.mark.parametrize(
    ("server", "using"),
    [("sync", "default"), ("gthread", "postgres"), ("uvicorn", "default"), ("uvicorn", "postgres")],
    indirect=["using"],
)
def test_races_across_processes(server: str, using: str, tmp_path: Path) -> None:
    """Goal: whatever arrives where and when, each effect is in the books exactly once."""
    with shop(server, using, tmp_path) as served, ThreadPoolExecutor(12) as threads:

        def same_id(number: int) -> None:
            for step in ("create", "perform", "cancel"):
                arguments = (number, number) if step == "create" else (number,)
                answers = list(threads.map(lambda _: getattr(served, step)(*arguments), range(4)))  # noqa: B023 - done at once
                assert all(answer == answers[0] for answer in answers)
                assert isinstance(answers[0], dict)

        def two_ids(order: int) -> None:
            numbers = range(order * 100, order * 100 + 6)
            answers = list(threads.map(lambda number: served.create(number, order), numbers))
            assert sum(isinstance(answer, dict) for answer in answers) == 1
            assert answers.count(-31008) == 5

        def perform_and_cancel(number: int) -> list[str]:
            served.create(number, number)
            performing = threads.submit(served.perform, number)
            cancelling = threads.submit(served.cancel, number)
            performed, cancelled = performing.result(), cancelling.result()
            if performed == -31008:
                assert cancelled["state"] == -1
                return ["create", "cancel"]
            assert (performed["state"], cancelled["state"]) == (2, -2)
            return ["create", "perform", "cancel"]

        for number in (1, 2, 3):
            same_id(number)
        for order in (11, 12, 13):
            two_ids(order)
        expected = {number: perform_and_cancel(number) for number in range(21, 27)}
        assert "Traceback" not in served.server.log
    ran = Counter(Effect.objects.using(using).values_list("name", "transaction_id"))
    assert set(ran.values()) == {1}
    assert len(ran) == 3 * 3 + 3 + sum(map(len, expected.values()))
    for number, names in expected.items():
        rows = Effect.objects.using(using).filter(order_id=number).order_by("id")
        assert list(rows.values_list("name", flat=True)) == names


def test_killed_inside_a_hook(using: str, tmp_path: Path) -> None:
    """Goal: what a dead process had begun is not there, and the repeated call completes it, once."""
    hang, begun = tmp_path / "hang", tmp_path / "hang.begun"
    effects: list[str] = []
    with shop("sync", using, tmp_path, SHOP_HANG=str(hang)) as served:
        for step, state in (("create", 1), ("perform", 2), ("cancel", -2)):
            arguments = (1, 7) if step == "create" else (1,)
            before = books(using)
            hang.touch()
            calling = threading.Thread(target=breaking_off, args=(getattr(served, step), arguments))
            calling.start()
            until(begun.exists)
            kill_workers(served.server.process.pid)
            calling.join()
            hang.unlink()
            begun.unlink()
            assert books(using) == before
            # The server has new workers by now, or soon.
            done = getattr(served, step)(*arguments)
            assert done["state"] == state
            assert getattr(served, step)(*arguments) == done
            effects.append(step)
            assert list(Effect.objects.using(using).order_by("id").values_list("name", flat=True)) == effects


def books(using: str) -> Any:
    """All that a hook or the kit may have written."""
    return (
        list(Transaction.objects.using(using).values()),
        list(Effect.objects.using(using).values()),
        Order.objects.using(using).get(pk=7).state,
    )


def breaking_off(call: Any, arguments: Any) -> None:
    with pytest.raises((OSError, HTTPException)):
        call(*arguments)


def until(happened: Any) -> None:
    deadline = time.monotonic() + 30
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_workers(pid: int) -> None:
    """Kill a server's workers, as a machine without memory does."""
    workers = psutil.Process(pid).children(recursive=True)
    assert workers
    for worker in workers:
        worker.kill()
    psutil.wait_procs(workers, timeout=30)
