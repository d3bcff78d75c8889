"""`tiyin serve` and `tiyin acquirer` as they are operated: processes that are killed and started again."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from helpers_acquirer import SECRET
from helpers_kill import free_port

__all__ = ["Acquiring", "Serving"]

START_S = 40.0
SRC = Path(__file__).parent.parent.parent / "src"


class _Command:
    """A command that serves, always on the same port.

    Args:
        name: Which command of `tiyin`.
        arguments: What it is given beside its port.
        environment: The variables it needs.
        folder: Where its log goes.
    """

    def __init__(self, name: str, arguments: list[str], environment: dict[str, str], folder: Path) -> None:
        self.port = free_port()
        self._words = [name, "--port", str(self.port), *arguments]
        self._log = folder / f"{name}{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {**os.environ, "PYTHONPATH": str(SRC), **environment}

    def launch(self) -> None:
        """Start it, without waiting for anything."""
        assert self._process is None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tiyin.cli", *self._words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment,
                start_new_session=True,
            )

    async def start(self) -> None:
        """Start it and wait until it answers."""
        self.launch()
        await self.answers()

    async def answers(self) -> None:
        """Wait until it answers."""
        assert self._process is not None
        deadline = time.monotonic() + START_S
        while not await asyncio.to_thread(self._is_healthy):
            assert self._process.poll() is None, f"it ended while it started:\n{self.log()}"
            assert time.monotonic() < deadline, f"it does not answer:\n{self.log()}"
            await asyncio.sleep(0.05)

    def _is_healthy(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 2):
            return True
        return False

    async def kill(self) -> None:
        """Kill it, wherever it stands."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            await self._ended(-signal.SIGKILL, 10)

    async def stop(self, within_s: float) -> float:
        """Ask it to end as an operator does; how long it took, in seconds."""
        assert self._process is not None
        began = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        await self._ended(0, within_s)
        return time.monotonic() - began

    async def _ended(self, status: int, within_s: float) -> None:
        assert self._process is not None
        found = await asyncio.to_thread(self._process.wait, within_s)
        self._process = None
        assert found == status, f"it ended with {found}:\n{self.log()}"

    def log(self) -> str:
        """The end of what it wrote."""
        return self._log.read_text()[-6000:] if self._log.exists() else ""


class Serving(_Command):
    """One process of the gateway.

    Args:
        database_url: Its database, tables included.
        vault_keys: The vault's keys.
        folder: Where its log goes.
        acquirer_port: Where its acquirer is reached; None for the one of test cards in the process itself.
    """

    def __init__(
        self, database_url: str, vault_keys: str, folder: Path, *, acquirer_port: int | None = None
    ) -> None:
        environment = {
            "TIYIN_DATABASE_URL": database_url,
            "TIYIN_PUBLIC_URL": "http://127.0.0.1",
            "TIYIN_VAULT_KEYS": vault_keys,
            "TIYIN_TEST_CARDS": "true",
            "TIYIN_ALLOW_PRIVATE_MERCHANTS": "true",
            "TIYIN_LOG_LEVEL": "WARNING",
        }
        if acquirer_port is not None:
            environment |= {
                "TIYIN_TEST_CARDS": "false",
                "TIYIN_SMS": f"file:{folder / 'sms.txt'}",
                "TIYIN_ACQUIRER_URL": f"http://127.0.0.1:{acquirer_port}",
                "TIYIN_ACQUIRER_SECRET": SECRET,
            }
        super().__init__("serve", [], environment, folder)

    def _is_healthy(self) -> bool:
        with contextlib.suppress(OSError, urllib.error.URLError):
            address = f"http://127.0.0.1:{self.port}/healthz"
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(answer.status == 200)
        return False


class Acquiring(_Command):
    """The acquirer as a process of its own.

    Args:
        database_url: Its books.
        folder: Where its log goes.
    """

    def __init__(self, database_url: str, folder: Path) -> None:
        arguments = ["--database", database_url]
        super().__init__("acquirer", arguments, {"TIYIN_ACQUIRER_SECRET": SECRET}, folder)
