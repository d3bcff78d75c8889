"""Gateways and shops as processes that are killed and started again, and JSON sent to them."""

import asyncio
import contextlib
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from kill.gateway_process import GatewaySettings
from kill.shop_process import ShopSettings

__all__ = ["Lost", "Nursery", "Process", "free_port", "nursery", "post"]

START_S = 20.0
ANSWER_S = 30.0
PORT_MIN, PORT_MAX = 15_000, 32_000


class Lost(Exception):  # it is what happened to the answer
    """No whole answer came back."""


async def post(port: int, path: str, given: Any, headers: dict[str, str] | None = None) -> Any:
    """Send JSON to a process of this machine and read the JSON that it answers.

    Raises:
        Lost: When nothing whole came back, for whatever reason.
    """
    body = json.dumps(given).encode()
    fields = {"host": "127.0.0.1", "connection": "close", "content-length": str(len(body)), **(headers or {})}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    try:
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                answer = await reader.read()
            finally:
                writer.close()
                with contextlib.suppress(OSError):
                    await writer.wait_closed()
        return json.loads(answer.partition(b"\r\n\r\n")[2])
    except (OSError, TimeoutError, ValueError) as error:
        raise Lost(repr(error)) from error


class Nursery:
    """Starts gateways and shops as forks of one process that has all imported; see `kill/nursery.py`."""

    def __init__(self) -> None:
        here = Path(__file__).parent
        path = os.pathsep.join([str(here), str(here.parent / "src")])
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "kill.nursery"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,
        )

    def ask(self, **wish: Any) -> dict[str, Any]:
        """Send a wish and read the answer; each takes milliseconds."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(wish) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, f"the nursery has ended: {self._process.poll()}"
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        """End it and everything it started."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            with contextlib.suppress(OSError):
                pipe.close()


@contextmanager
def nursery() -> Iterator[Nursery]:
    """Have a nursery for the length of a block."""
    opened = Nursery()
    try:
        yield opened
    finally:
        opened.close()


def free_port() -> int:
    """Find a port that nobody listens on now, and that nobody is given while its owner is dead.

    Connections leave from higher ports: one of them could take a dead shop's port, and a connection to a port
    of that range on which nobody listens can even meet itself.
    """
    while True:
        port = PORT_MIN + secrets.randbelow(PORT_MAX - PORT_MIN)
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port))
            return port


class Process:
    """A gateway or a shop that can be killed and started again, on the same port over the same database."""

    def __init__(self, nursery: Nursery, settings: GatewaySettings | ShopSettings, folder: Path) -> None:
        self.settings = settings
        self.told = Path(settings.told)
        self._nursery = nursery
        self._log = folder / "processes.log"
        self._pid: int | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        return self.settings.port

    def launch(self, **changes: Any) -> None:
        """Start it, without waiting for anything.

        Args:
            changes: Settings that differ from the last time's.
        """
        assert self._pid is None
        self.told.unlink(missing_ok=True)
        self.settings = msgspec.structs.replace(self.settings, **changes)
        wish = msgspec.to_builtins(self.settings)
        self._pid = self._nursery.ask(start=wish, log=str(self._log))["pid"]

    async def start(self, **changes: Any) -> None:
        """Start it and wait until it answers; arguments are those of `launch`."""
        self.launch(**changes)
        deadline = time.monotonic() + START_S
        while True:
            assert self._status() is None, f"it ended while it started:\n{self.log()}"
            assert time.monotonic() < deadline, f"it does not answer:\n{self.log()}"
            with contextlib.suppress(Lost):
                await self.control("boundaries")
                return
            await asyncio.sleep(0.01)

    async def kill(self) -> None:
        """Kill it, wherever it stands."""
        if self._pid is not None:
            os.kill(self._pid, signal.SIGKILL)
            await self.died()

    async def died(self, timeout_s: float = 10.0) -> None:
        """Wait until it has been killed."""
        deadline = time.monotonic() + timeout_s
        while (status := self._status()) is None:
            assert time.monotonic() < deadline, "it was not killed"
            await asyncio.sleep(0.005)
        self._pid = None
        assert status == -signal.SIGKILL, f"it ended by itself ({status}):\n{self.log()}"

    async def control(self, name: str, given: Any = None) -> Any:
        """Tell it something that only these tests tell."""
        return await post(self.port, f"/control/{name}", given)

    def log(self) -> str:
        """The end of what processes wrote."""
        return self._log.read_text()[-6000:] if self._log.exists() else ""

    def _status(self) -> int | None:
        assert self._pid is not None
        status: int | None = self._nursery.ask(poll=self._pid)["status"]
        return status
