"""`tiyin serve` as an operator runs it: processes over one database, killed, stopped and started again."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from helpers_kill import free_port

__all__ = ["Serving"]

START_S = 40.0
SRC = Path(__file__).parent.parent.parent / "src"


class Serving:
    """One process of the gateway, always on the same port.

    Args:
        database_url: Its database, tables included.
        vault_keys: The vault's keys.
        folder: Where its log goes.
    """

    def __init__(self, database_url: str, vault_keys: str, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / f"serve{self.port}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(SRC),
            "TIYIN_DATABASE_URL": database_url,
            "TIYIN_PUBLIC_URL": f"http://127.0.0.1:{self.port}",
            "TIYIN_VAULT_KEYS": vault_keys,
            "TIYIN_TEST_CARDS": "true",
            "TIYIN_ALLOW_PRIVATE_MERCHANTS": "true",
            "TIYIN_LOG_LEVEL": "WARNING",
        }

    def launch(self) -> None:
        """Start it, without waiting for anything."""
        assert self._process is None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tiyin.cli", "serve", "--port", str(self.port)],
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
        with contextlib.suppress(OSError, urllib.error.URLError):
            address = f"http://127.0.0.1:{self.port}/healthz"
            with urllib.request.urlopen(address, timeout=2) as answer:
                return bool(answer.status == 200)
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
