"""`tiyin exec -- CMD`: an emulator around one command, in whatever language that is written."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

from tiyin.cli.ending import err, stop
from tiyin.emulator.process import EmulatorNotStarted, EmulatorProcess

__all__ = ["run", "variables"]

# What shells answer for a command that cannot be run, is not there, or was ended by a signal.
_NOT_RUNNABLE: Final = 126
_NOT_FOUND: Final = 127
_BY_SIGNAL: Final = 128


def run(*, port: int, command: Sequence[str]) -> None:
    """Start an emulator in an empty directory, run the command, and end with its code.

    Args:
        port: Where the emulator listens on 127.0.0.1; 0 takes any free port.
        command: The command and its arguments.

    Raises:
        SystemExit: Always, with the command's code.
    """
    with tempfile.TemporaryDirectory(prefix="tiyin-", ignore_cleanup_errors=True) as folder:
        emulator = EmulatorProcess(Path(folder) / "data", port)
        try:
            told = emulator.start()
        except EmulatorNotStarted as error:
            stop(str(error))
        try:
            code = _run(command, {**os.environ, **variables(told, emulator.manifest)})
        finally:
            emulator.stop()
    raise SystemExit(code)


def variables(told: Mapping[str, Any], manifest: Path) -> dict[str, str]:
    """Give the variables by which a program finds the emulator: the first desk is the demo shop's.

    Args:
        told: What `emulator.json` tells.
        manifest: Where that file is.
    """
    desk = told["desks"][0]
    return {
        "TIYIN_GATEWAY": told["gateway"],
        "TIYIN_API": told["api"],
        "TIYIN_CHECKOUT": told["checkout"],
        "TIYIN_SHOP": told["shop"],
        "TIYIN_DEV": told["dev"],
        "TIYIN_SANDBOX": told["sandbox"],
        "TIYIN_DESK_ID": desk["id"],
        "TIYIN_DESK_KEY": desk["key"],
        "TIYIN_DESK_TEST_KEY": desk["test_key"],
        "TIYIN_MANIFEST": str(manifest),
    }


def _run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    child: list[subprocess.Popen[bytes]] = []
    with _passing_on(child):
        try:
            process = subprocess.Popen(command, env=environ)  # noqa: S603 - the user's own command
        except FileNotFoundError:
            err.print(f"{command[0]}: there is no such command.", style="red", markup=False)
            return _NOT_FOUND
        except OSError as error:
            err.print(f"{command[0]} cannot be run ({error.strerror or error}).", style="red", markup=False)
            return _NOT_RUNNABLE
        child.append(process)
        code = process.wait()
    return _BY_SIGNAL - code if code < 0 else code


@contextmanager
def _passing_on(child: Sequence["subprocess.Popen[bytes]"]) -> Iterator[None]:
    """Pass signals on to the command, whose end is then this command's end."""

    def pass_on(received: int, frame: FrameType | None) -> None:
        del frame
        # A terminal gives its Ctrl-C to the command itself.
        if child and not (received == signal.SIGINT and sys.stdin.isatty()):
            child[0].send_signal(received)

    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2")
    if sys.platform == "win32":
        names = ("SIGINT",)
    before = {one: signal.signal(one, pass_on) for name in names if (one := getattr(signal, name, None))}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
