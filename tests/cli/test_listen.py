"""`tiyin listen`, `trigger` and `resend` beside a running emulator."""

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers_emulator import EmulatorProcess, emulator_process, get_json, invoke, post_json
from tiyin.cli.exchanges import block

pytestmark = pytest.mark.kill


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorProcess, dict[str, Any]]]:
    with emulator_process(tmp_path_factory.mktemp("listen") / "data") as started:
        yield started


@pytest.fixture
def data(running: tuple[EmulatorProcess, dict[str, Any]]) -> str:
    return str(running[0].data)


class Listening:
    """`tiyin listen` as a process."""

    def __init__(self, *options: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tiyin.cli", "listen", *options],
            env={**os.environ, "NO_COLOR": "1", "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.out: queue.Queue[str] = queue.Queue()
        self.err: queue.Queue[str] = queue.Queue()
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream: Any, lines: "queue.Queue[str]") -> None:
        for line in stream:
            lines.put(line.rstrip("\n"))

    def wait_for(self, words: str, *, err: bool = False) -> str:
        """Read until a line holds the words."""
        lines = self.err if err else self.out
        while words not in (line := lines.get(timeout=40)):
            pass
        return line

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        return self.end()

    def end(self) -> int:
        try:
            return self.process.wait(timeout=30)
        finally:
            self.process.kill()
            self.process.wait()
            for reader in self._readers:
                reader.join()
            for stream in (self.process.stdout, self.process.stderr):
                assert stream is not None
                stream.close()


def test_listen_follows_filters_and_ends_well(data: str) -> None:
    listening = Listening("--data", data, "--method", "PerformTransaction", "--desk", "Tiyin demo shop")
    try:
        listening.wait_for("Listening to", err=True)
        assert invoke("trigger", "payment", "--data", data).exit_code == 0
        assert "answered" in listening.wait_for("#")
        listening.wait_for('"perform_time"')
    finally:
        code = listening.interrupt()
    assert code == 0
    listening.wait_for("Stopped listening.", err=True)
    assert not any("cards.create" in line for line in list(listening.out.queue))


def test_listen_goes_on_after_a_restart_and_a_reset(tmp_path: Path) -> None:
    process = EmulatorProcess(tmp_path / "data")
    listening = None
    try:
        process.start()
        listening = Listening("--data", str(process.data), "--json")
        listening.wait_for("Listening to", err=True)
        told = process
        post_json(f"{told.address}/api", {"method": "cards.check"})
        first = json.loads(listening.wait_for("cards.check"))
        process.stop()
        listening.wait_for("does not answer", err=True)
        process.start("--reset")
        listening.wait_for("is back", err=True)
        post_json(f"{told.address}/api", {"method": "cards.remove"})
        second = json.loads(listening.wait_for("cards.remove"))
        # Everything was forgotten, and so were the numbers.
        assert (first["number"], second["number"]) == (1, 1)
    finally:
        process.kill()
        if listening is not None:
            assert listening.interrupt() == 0


def test_trigger_says_what_came_of_it(data: str) -> None:
    paid = invoke("trigger", "payment", "--data", data, "--amount", "250000")
    assert paid.exit_code == 0
    assert "is paid" in paid.output
    refused = invoke("trigger", "payment", "--data", data, "--card", "8600143417770323")
    assert refused.exit_code == 1
    assert "-31640" in refused.output
    made = invoke("trigger", "merchant.create", "--data", data)
    assert made.exit_code == 0
    (transaction,) = (line.split()[1] for line in made.output.splitlines() if line.startswith("transaction"))
    params = json.dumps({"id": transaction})
    assert invoke("trigger", "merchant.perform", "--params", params, "--data", data).exit_code == 0
    listed = invoke("trigger", "--list")
    assert listed.exit_code == 0
    assert "merchant.statement" in listed.output


def test_resend_shows_the_new_exchange(running: tuple[EmulatorProcess, dict[str, Any]], data: str) -> None:
    assert invoke("trigger", "payment", "--data", data).exit_code == 0
    dev = running[1]["dev"]
    number = get_json(f"{dev}/traffic?method=PerformTransaction")["exchanges"][0]["number"]
    for where in (("--data", data), ("--dev", dev), ("--dev", running[1]["gateway"])):
        again = invoke("resend", str(number), *where)
        assert again.exit_code == 0
        assert f"repeats #{number}" in again.output
    hidden = get_json(f"{dev}/traffic?method=cards.verify")["exchanges"][0]["number"]
    refused = invoke("resend", str(hidden), "--data", data)
    assert refused.exit_code == 2
    assert "was hidden" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["trigger"], "EVENT is missing"),
        (["trigger", "earthquake"], "EVENT must be one of"),
        (["trigger", "payment", "--account", "5"], "--account must be FIELD=VALUE"),
        (["trigger", "payment", "--card", "5"], "card must be a text of 16 digits"),
        (["trigger", "payment", "--amount", "0"], "amount must be a whole number"),
        (["trigger", "payment", "--desk", "nobody"], "desk must be the id or the name"),
        (["trigger", "merchant.check", "--params", "{"], "--params must be a JSON object"),
        (["trigger", "merchant.check", "--params", "[]"], "--params must be a JSON object"),
        (["trigger", "order", "--card", "8600495473316478"], "card does not belong"),
        (["resend", "999999"], "There is no exchange 999999"),
        (["listen", "--method", "Perform"], "--method must be one of"),
        (["listen", "--desk", "nobody"], "desk must be the id or the name"),
        (["listen", "--dev", "nonsense"], "--dev must be an address"),
        (["listen", "--dev", "http://127.0.0.1:1/dev"], "does not answer"),
        (["listen", "--dev", "http://127.0.0.1:port"], "--dev must be an address"),
        (["listen", "--dev", "http://127.0.0.1:99999"], "--dev must be an address"),
        (["snapshot", "list", "--dev", "http://[::1"], "--dev must be an address"),
        (["snapshot", "delete", "../data"], "A snapshot's name has"),
    ],
)
def test_wrong_values_say_which_and_why(data: str, command: list[str], said: str) -> None:
    result = invoke(*command, "--data", data)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())


def test_what_is_no_http_does_not_answer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def greet() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(b"SSH-2.0-somebody\r\n")

        greeting = threading.Thread(target=greet)
        greeting.start()
        result = invoke("resend", "1", "--dev", f"http://127.0.0.1:{server.getsockname()[1]}")
        greeting.join()
    assert (result.exit_code, "does not answer" in result.output) == (2, True)


def test_without_an_emulator_the_way_on_is_said(tmp_path: Path) -> None:
    for command in (["listen"], ["trigger", "payment"], ["resend", "1"]):
        result = invoke(*command, "--data", str(tmp_path))
        assert result.exit_code == 2
        assert "tiyin up" in result.output


def test_other_peoples_bytes_do_not_reach_the_terminal() -> None:
    shown = block(
        {
            "number": 1,
            "at_ms": 0,
            "took_ms": 1,
            "direction": "merchant",
            "desk_name": None,
            "method": "\x1b[2J",
            "request": {"http_method": "POST", "url": "http://x/\x07", "body": "\x1b]0;title\x07"},
            "answer": {"status": 200, "body": "plain \x9b31m\r\n[bold]not markup[/bold]"},
            "code": None,
            "problem": None,
            "fault": None,
            "resent_from": None,
        }
    ).plain
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "[bold]not markup[/bold]" in shown
