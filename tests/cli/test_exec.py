"""Goal: `tiyin exec` gives a command in any language an emulator, and ends as the command does.

Method: real processes; the commands are small scripts that tell what they see.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from helpers_emulator import run_tiyin

pytestmark = pytest.mark.kill

LOOKS = """
import json, os, sys, urllib.request
told = {name: value for name, value in os.environ.items() if name.startswith("TIYIN_")}
manifest = json.load(open(os.environ["TIYIN_MANIFEST"]))
order = urllib.request.Request(told["TIYIN_SHOP"] + "/orders", b'{"amount": 500000}')
made = json.load(urllib.request.urlopen(order))
print(json.dumps({"told": told, "manifest": manifest, "made": made, "arguments": sys.argv[1:]}))
sys.exit(7)
"""
WAITS = """
import os, pathlib, signal, sys, time
def ended(number, frame):
    sys.exit(40 + number)
signal.signal(signal.SIGTERM, ended)
signal.signal(signal.SIGINT, ended)
pathlib.Path(sys.argv[1]).write_text(os.environ["TIYIN_GATEWAY"])
time.sleep(60)
"""


def answers(address: str) -> bool:
    parts = urlsplit(address)
    with socket.socket() as sock:
        return sock.connect_ex((parts.hostname or "", parts.port or 0)) == 0


def test_the_command_finds_the_emulator_and_its_code_is_the_code() -> None:
    ran = run_tiyin("exec", "--", sys.executable, "-c", LOOKS, "--port", "-x", "a b")
    assert ran.returncode == 7, ran.stderr
    seen = json.loads(ran.stdout)
    told, manifest = seen["told"], seen["manifest"]
    desk = manifest["desks"][0]
    assert seen["arguments"] == ["--port", "-x", "a b"]
    assert {name: value for name, value in told.items() if name != "TIYIN_MANIFEST"} == {
        "TIYIN_GATEWAY": manifest["gateway"],
        "TIYIN_API": manifest["api"],
        "TIYIN_CHECKOUT": manifest["checkout"],
        "TIYIN_SHOP": manifest["shop"],
        "TIYIN_DEV": manifest["dev"],
        "TIYIN_SANDBOX": manifest["sandbox"],
        "TIYIN_DESK_ID": desk["id"],
        "TIYIN_DESK_KEY": desk["key"],
        "TIYIN_DESK_TEST_KEY": desk["test_key"],
    }
    assert seen["made"]["order_id"] == "1"
    assert not answers(manifest["gateway"])
    assert not Path(told["TIYIN_MANIFEST"]).parent.parent.exists()


def test_a_command_that_cannot_run_has_a_shells_codes(tmp_path: Path) -> None:
    missing = run_tiyin("exec", "--", "no-such-command-anywhere")
    assert (missing.returncode, "there is no such command" in missing.stderr) == (127, True)
    (tmp_path / "text").write_text("no program")
    refused = run_tiyin("exec", "--", str(tmp_path / "text"))
    assert (refused.returncode, "cannot be run" in refused.stderr) == (126, True)
    nothing = run_tiyin("exec")
    assert nothing.returncode == 2


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        port = sock.getsockname()[1]
        refused = run_tiyin("exec", "--port", str(port), "--", sys.executable, "-c", "pass")
    assert (refused.returncode, f"Port {port} is in use" in refused.stderr) == (2, True), refused.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_signals_are_passed_on(tmp_path: Path, sent: signal.Signals) -> None:
    told = tmp_path / "address"
    process = subprocess.Popen(
        [sys.executable, "-m", "tiyin.cli", "exec", "--", sys.executable, "-c", WAITS, str(told)],
        env={name: value for name, value in os.environ.items() if not name.startswith("TIYIN_")},
        stdin=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not (told.exists() and told.read_text()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(sent)
        assert process.wait(60) == 40 + sent
        assert not answers(told.read_text())
    finally:
        process.kill()
        process.wait()


@pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX")
def test_a_command_that_a_signal_ended_has_a_shells_code() -> None:
    ran = run_tiyin("exec", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert ran.returncode == 128 + 9
