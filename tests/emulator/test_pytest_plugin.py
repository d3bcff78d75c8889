"""Goal: a shop's tests get all of Payme by naming a fixture, and nothing of it outlives them.

Method: pytest runs as a process of its own over small test files, as it would in somebody's project.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tiyin.emulator.process import EmulatorProcess

pytestmark = pytest.mark.kill

PAYS = """
import json, pathlib, pytest

def test_everything_is_there(tiyin_emulator):
    here = pathlib.Path(__file__).parent
    (here / "address").write_text(tiyin_emulator.gateway)
    assert json.loads(tiyin_emulator.manifest_path.read_text())["api"] == tiyin_emulator.api
    desk = tiyin_emulator.desks[0]
    order = tiyin_emulator.new_order(500_000)
    auth = {"X-Auth": desk["id"] + ":" + desk["key"]}

    def call(method, **params):
        answer = tiyin_emulator.call("POST", tiyin_emulator.api, {"method": method, "params": params}, auth)
        return answer["result"]

    tiyin_emulator.snapshot("ordered")
    token = call("cards.create", card={"number": "8600069195406311", "expire": "0399"})["card"]["token"]
    call("cards.get_verify_code", token=token)
    code = tiyin_emulator.inbox()[0]["code"]
    call("cards.verify", token=token, code=code)
    receipt = call("receipts.create", amount=500_000, account={"order_id": order["order_id"]})["receipt"]
    assert call("receipts.pay", id=receipt["_id"], token=token)["receipt"]["state"] == 4
    assert tiyin_emulator.order(order["order_id"])["state"] == "paid"
    assert tiyin_emulator.traffic()
    tiyin_emulator.restore("ordered")
    assert tiyin_emulator.order(order["order_id"])["state"] == "waiting"
    assert tiyin_emulator.advance(60_000)["offset_ms"] == 60_000
    assert desk["key"] not in repr(tiyin_emulator)

def test_it_is_the_same_one(tiyin_emulator):
    from tiyin.emulator.pytest_plugin import EmulatorRefused
    tiyin_emulator.reset()
    assert tiyin_emulator.inbox() == []
    with pytest.raises(EmulatorRefused, match="404"):
        tiyin_emulator.order("1")
    with pytest.raises(EmulatorRefused, match="There is no snapshot"):
        tiyin_emulator.restore("nothing")
"""
NEEDS_NOTHING = """
import sys

def test_nothing_heavy_is_loaded():
    heavy = {"starlette", "uvicorn", "apsw", "sqlalchemy", "msgspec", "jinja2", "cryptography", "typer"}
    assert not heavy & set(sys.modules)
"""
WAITS = """
import pathlib, time

def test_waits(tiyin_emulator):
    (pathlib.Path(__file__).parent / "address").write_text(tiyin_emulator.gateway)
    time.sleep(120)
"""
ONCE = """
def test_once(tiyin_emulator):
    pass
"""


def command(folder: Path, content: str) -> list[str]:
    (folder / "test_shop.py").write_text(content)
    (folder / "pytest.ini").write_text("[pytest]\n")
    options = ["-q", "-p", "tiyin.emulator.pytest_plugin", "-p", "no:cacheprovider"]
    return [sys.executable, "-m", "pytest", *options, "--basetemp", str(folder / "tmp"), str(folder)]


def environ(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TIYIN_", "PYTEST_"))}
    return {**kept, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", **more}


def run_pytest(folder: Path, content: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command(folder, content),
        cwd=folder,
        env=environ(**more),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def answers(address: str) -> bool:
    parts = urlsplit(address)
    with socket.socket() as sock:
        return sock.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def test_the_fixture_pays_and_stops(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, PAYS)
    assert (ran.returncode, "2 passed" in ran.stdout) == (0, True), ran.stdout + ran.stderr
    assert not answers((tmp_path / "address").read_text())


def test_who_does_not_use_it_loads_nothing(tmp_path: Path) -> None:
    ran = run_pytest(tmp_path, NEEDS_NOTHING)
    assert ran.returncode == 0, ran.stdout


def test_why_it_does_not_start_is_said(tmp_path: Path) -> None:
    """Somebody's broken module stands in the emulator's way: what it said is what the test run says."""
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "uvicorn.py").write_text("raise SystemExit('no server on this machine')\n")
    ran = run_pytest(tmp_path, ONCE, PYTHONPATH=str(broken))
    assert ran.returncode == 1
    assert "The emulator ended with code 1 before it was ready" in ran.stdout
    assert "no server on this machine" in ran.stdout
    assert "Traceback" not in ran.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_it_ends_with_a_killed_test_run(tmp_path: Path) -> None:
    process = subprocess.Popen(command(tmp_path, WAITS), cwd=tmp_path, env=environ())
    told = tmp_path / "address"
    try:
        until(lambda: told.exists() and bool(told.read_text()))
        assert answers(told.read_text())
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    until(lambda: not answers(told.read_text()))


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_an_emulator_stops_while_a_forked_process_holds_its_input_open(tmp_path: Path) -> None:
    emulator = EmulatorProcess(tmp_path / "data")
    emulator.start()
    process = emulator._process  # noqa: SLF001 - what a forked process would hold is its pipe
    assert process is not None
    assert process.stdin is not None
    held = os.dup(process.stdin.fileno())
    try:
        emulator.stop()
    finally:
        os.close(held)
    assert process.returncode == 0
