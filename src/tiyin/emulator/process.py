"""An emulator in a process of its own, for programs that start one, use it and stop it.

Only the standard library is used: a test run that has this plugin installed and does not use it pays nothing.
"""

import json
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

__all__ = ["EmulatorNotStarted", "EmulatorProcess"]

READY_S: Final = 60.0
STOP_S: Final = 40.0
_HINT_S: Final = 2.0
_LOOK_S: Final = 0.02
_LOG_SHOWN: Final = 4_000


class EmulatorNotStarted(Exception):  # reads as what happened
    """The emulator ended or did not answer; the message holds the end of what it said."""


class EmulatorProcess:
    """`tiyin up` as a child, which also ends when this process does, however that ends.

    Args:
        data: Its directory.
        port: Where it listens on 127.0.0.1; 0 takes any free port.
        ready_s: How long it may take to start, in seconds.
    """

    def __init__(self, data: Path, port: int = 0, *, ready_s: float = READY_S) -> None:
        self.data = data
        self._port = port
        self._ready_s = ready_s
        self._log = data.with_name(f"{data.name}.log")
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def manifest(self) -> Path:
        """The file that tells where everything is."""
        return self.data / "emulator.json"

    def start(self) -> dict[str, Any]:
        """Start it and wait until it answers.

        Returns:
            What `emulator.json` tells.

        Raises:
            EmulatorNotStarted: It ended, or does not answer in time; nothing is left running.
        """
        command = [sys.executable, "-m", "tiyin.cli", "up", "--with-parent"]
        command += ["--port", str(self._port), "--data", str(self.data)]
        # A group of its own: the terminal's Ctrl-C is for the program that uses the emulator, which may still
        # need it while it ends.
        apart: dict[str, Any] = {"start_new_session": True}
        if sys.platform == "win32":
            apart = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - this very Python, and our own module
                command, stdin=subprocess.PIPE, stdout=log, stderr=log, **apart
            )
        try:
            return self._wait()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop it, at the latest by force. Harmless when repeated."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101 - it was asked for
        process.stdin.close()
        for wait_s, end in ((_HINT_S, process.terminate), (STOP_S, process.kill)):
            try:
                process.wait(wait_s)
            except subprocess.TimeoutExpired:
                # Its input has not ended for it where a process that was forked here meanwhile holds it open.
                end()
        process.wait()

    def said(self) -> str:
        """Give the end of what it wrote."""
        return self._log.read_text(errors="replace")[-_LOG_SHOWN:].strip() if self._log.exists() else ""

    def _wait(self) -> dict[str, Any]:
        assert self._process is not None  # noqa: S101 - it was just started
        until = time.monotonic() + self._ready_s
        while time.monotonic() < until:
            code = self._process.poll()
            if code is not None:
                raise EmulatorNotStarted(
                    f"The emulator ended with code {code} before it was ready. It said:\n{self.said()}"
                )
            if self.manifest.exists():
                told: dict[str, Any] = json.loads(self.manifest.read_bytes())
                return told
            time.sleep(_LOOK_S)
        raise EmulatorNotStarted(
            f"The emulator was not ready after {self._ready_s:.0f} s. It said:\n{self.said()}"
        )
