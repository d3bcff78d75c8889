"""A process of "pull the plug" as its parent sees it: what it is goes in, what happens comes out."""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import msgspec

from tiyin.emulator.plug_worker import GatewayPart, ShopPart

__all__ = ["Child", "ChildFailed", "start_child"]

_LINE_BYTES_MAX: Final = 64 * 1024
_LOG_SHOWN: Final = 2_000


class ChildFailed(Exception):
    """A process did not do what it was started for."""


class Child:
    """A process of ours.

    Args:
        process: It.
        log: What it logs.
    """

    def __init__(self, process: asyncio.subprocess.Process, log: Path) -> None:
        self._process = process
        self._log = log

    async def lines(self) -> AsyncIterator[dict[str, Any]]:
        """Give what it tells, until it ends."""
        assert self._process.stdout is not None  # noqa: S101 - it was asked for
        async for line in self._process.stdout:
            yield json.loads(line)

    async def first(self, name: str) -> dict[str, Any]:
        """Wait until it tells something.

        Raises:
            ChildFailed: It ended before.
        """
        async for told in self.lines():
            if name in told:
                return told
        raise ChildFailed(f"a process ended before it told {name!r}: {self.said()}")

    async def kill(self) -> int:
        """Kill it, which nothing in it can hinder, and give how it ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        return await self._process.wait()

    def said(self) -> str:
        """Give the end of what it logged."""
        return self._log.read_text(errors="replace")[-_LOG_SHOWN:] if self._log.exists() else ""


async def start_child(part: ShopPart | GatewayPart, log: Path) -> Child:
    """Start a process.

    Args:
        part: What it is to be.
        log: Where what it logs goes.
    """
    with log.open("wb") as file:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "tiyin.emulator.plug_worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=file,
            limit=_LINE_BYTES_MAX,
            env={name: value for name, value in os.environ.items() if not name.startswith("TIYIN_")},
        )
    assert process.stdin is not None  # noqa: S101 - it was asked for
    process.stdin.write(msgspec.json.encode(part) + b"\n")
    await process.stdin.drain()
    return Child(process, log)
