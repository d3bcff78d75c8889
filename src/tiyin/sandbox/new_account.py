"""A shell command that makes a fresh payable account: how a shop in any language lends the sandbox orders."""

import asyncio
import contextlib
import os
import signal
from collections.abc import Collection
from typing import Any, Final

import msgspec

from tiyin.sandbox.problems import CannotRun
from tiyin.sandbox.target import NewAccount

__all__ = ["account_from_command"]

_OUTPUT_MAX: Final = 1024 * 1024
_LINE_MAX: Final = 300
_WAIT_S: Final = 30.0
_WAIT_END_S: Final = 2.0


def account_from_command(
    command: str, fields: Collection[str], *, option: str = "--new-account-cmd", wait_s: float = _WAIT_S
) -> NewAccount:
    """Return what makes an account by a command.

    Each call raises `CannotRun` with a sentence where the command fails, takes too long, or does not print a
    JSON object that holds the fields.

    Args:
        command: For the shell.
        fields: The names of the account's fields; others that it prints are ignored.
        option: What the command was given by, for the sentence.
        wait_s: How long it may take, in seconds.
    """

    async def make() -> dict[str, str | int]:
        output = await _run(command, option, wait_s)
        return _read(output, fields, option)

    return make


async def _run(command: str, option: str, wait_s: float) -> bytes:
    process = await asyncio.create_subprocess_shell(
        command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,  # so that what the shell started can be ended with it
    )
    assert process.stdout is not None  # noqa: S101 - both are pipes
    assert process.stderr is not None  # noqa: S101
    ended = False
    try:
        async with asyncio.timeout(wait_s):
            output, complaint = await asyncio.gather(
                _bounded(process.stdout, process), _bounded(process.stderr, process)
            )
            if len(output) > _OUTPUT_MAX or len(complaint) > _OUTPUT_MAX:
                raise CannotRun(f"{option} printed more than {_OUTPUT_MAX} bytes.")
            code = await process.wait()
            ended = True
    except TimeoutError:
        raise CannotRun(f"{option} did not end within {wait_s:g} seconds.") from None
    finally:
        if not ended:
            _end(process)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WAIT_END_S):
                    await process.communicate()  # its pipes too are read to the end, and closed
    if code:
        last = _last_line(complaint) or _last_line(output) or "it said nothing"
        raise CannotRun(f"{option} failed with exit code {code}: {last}")
    return output


async def _bounded(stream: asyncio.StreamReader, process: asyncio.subprocess.Process) -> bytes:
    """Read to the end; past the bound the process is ended, and with it what it writes."""
    parts: list[bytes] = []
    length = 0
    while length <= _OUTPUT_MAX and (part := await stream.read(65_536)):
        parts.append(part)
        length += len(part)
    if length > _OUTPUT_MAX:
        _end(process)
    return b"".join(parts)


def _end(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:  # pragma: no cover - Windows
            process.kill()


def _last_line(output: bytes) -> str:
    lines = [line.strip() for line in output.decode("utf-8", "replace").splitlines() if line.strip()]
    last = lines[-1] if lines else ""
    return last if len(last) <= _LINE_MAX else last[: _LINE_MAX - 1] + "…"


def _read(output: bytes, fields: Collection[str], option: str) -> dict[str, str | int]:
    try:
        told: Any = msgspec.json.decode(output)
    except (msgspec.DecodeError, RecursionError):
        raise CannotRun(
            f"{option} must print one JSON object with {_named(fields)}; it printed: "
            f"{_last_line(output) or 'nothing'}"
        ) from None
    account: dict[str, str | int] = {}
    for field in fields:
        value = told.get(field) if isinstance(told, dict) else None
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise CannotRun(
                f"{option} must print one JSON object with {_named(fields)}, each a string or a whole "
                f"number; {field} is neither."
            )
        account[field] = value
    return account


def _named(fields: Collection[str]) -> str:
    return ", ".join(fields)
