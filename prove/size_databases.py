"""Where the proof's databases stand, new or kept from before: each on a server of its own for PostgreSQL.

A PostgreSQL server is filled under other settings than those it is measured under. While it is filled nothing
is safe (no log, no waiting for the disk). Measured it has what the bench's servers have, commits that wait
for the disk among it, and as much shared memory as an operator gives a server of that size.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import asyncpg
import psutil

from helpers_storage import PostgresServer, _binaries
from tiyin.runtime.clock import SystemClock

__all__ = ["Place", "place", "spent_ns"]

SHARED_BUFFERS: Final = "1GB"

_FILLING: Final = (
    "fsync=off",
    "full_page_writes=off",
    "synchronous_commit=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "max_wal_size=8GB",
    "checkpoint_timeout=1h",
    "autovacuum=off",
    "shared_buffers=512MB",
)
_MEASURED: Final = ("synchronous_commit=on", f"shared_buffers={SHARED_BUFFERS}")
_START_S: Final = 600
_STOP_S: Final = 600
# A server is at rest when it takes less than this of one processor, over so many seconds.
_IDLE: Final = 0.01
_LOOK_S: Final = 2.0
_LOOKS_MAX: Final = 90
_AUTOVACUUM: Final = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"


class _Server(PostgresServer):
    """A PostgreSQL server whose data may be there already.

    Args:
        folder: Where the data is or will be.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__()
        made, self._folder, self._data = self._folder, folder, folder / "data"
        if not self._data.exists():
            shutil.move(made / "data", self._data)
        shutil.rmtree(made)

    @property
    def pid(self) -> int:
        """The process that is the parent of all that work for it."""
        assert self._process is not None  # noqa: S101  # for mypy
        return self._process.pid

    def run(self, *settings: str) -> None:
        """Start it under some settings, and wait until it answers."""
        own = (f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories=")
        arguments = [argument for setting in (*own, *settings) for argument in ("-c", setting)]
        command = [str(_binaries() / "postgres"), "-D", str(self._data), *arguments]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=log, cwd=self._folder, start_new_session=True, **self._account
            )
        ready = [str(_binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + _START_S
        while subprocess.run(ready, check=False).returncode != 0:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()[-4000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """Let it write everything down and end, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(timeout=_STOP_S)


class Place:
    """A database of the proof: to be filled, then to be measured.

    Args:
        kind: "sqlite" or "postgresql".
        folder: Where all of it stands.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.folder: Final = folder
        self._server = _Server(folder) if kind == "postgresql" else None

    @property
    def url(self) -> str:
        """The database's address."""
        return (
            self._server.url("size") if self._server is not None else f"sqlite:///{self.folder / 'size.db'}"
        )

    @property
    def manifest(self) -> Path:
        """Where it is written what stands in the database, once it is full."""
        return self.folder / "manifest.json"

    async def begin_filling(self) -> None:
        """Make an empty database that can be filled fast."""
        if self._server is not None:
            self._server.run(*_FILLING)
            await self._server.create_database("size")

    async def learn(self) -> None:
        """Have the database know what it holds, once it is full."""
        if self._server is not None:
            await self._execute("VACUUM (ANALYZE, FREEZE)")

    async def begin_measuring(self) -> None:
        """Serve the database as in earnest, and wait until it is at rest: three minutes at most."""
        if self._server is not None:
            self._server.run(*_MEASURED)
            await self._execute("VACUUM (ANALYZE, FREEZE)")
            await self._execute("CHECKPOINT")
        await asyncio.to_thread(os.sync)
        if self._server is not None:
            await self._rest()

    def end(self) -> None:
        """End what serves it."""
        if self._server is not None:
            self._server.stop()

    def cpu_ns(self) -> dict[int, int]:
        """Tell what each process of the database's own server has taken of the processors, in nanoseconds."""
        if self._server is None:
            return {}
        server = psutil.Process(self._server.pid)
        return {process.pid: _cpu_ns(process.pid) for process in (server, *server.children(recursive=True))}

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.url)
        await connection.execute(statement)
        await connection.close()

    async def _rest(self) -> None:
        clock = SystemClock()
        connection = await asyncpg.connect(self.url)
        for _ in range(_LOOKS_MAX):
            before, began = self.cpu_ns(), time.perf_counter_ns()
            await clock.sleep(_LOOK_S)
            took = spent_ns(before, self.cpu_ns())
            cleaning = await connection.fetchval(_AUTOVACUUM)
            if not cleaning and took < _IDLE * (time.perf_counter_ns() - began):
                break
        else:
            print("PostgreSQL did not come to rest; it is measured as it is", flush=True)
        await connection.close()


def spent_ns(before: dict[int, int], after: dict[int, int]) -> int:
    """Tell what processes took between two looks; one that has ended meanwhile is left out."""
    return sum(ns - before.get(pid, 0) for pid, ns in after.items())


def _cpu_ns(pid: int) -> int:
    """Read what a process of one thread took; psutil's clock ticks a hundred times a second only."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0


@contextmanager
def place(kind: str, size: int, keep: Path | None) -> Iterator[Place]:
    """Give a place for a database; it is removed at the end unless it is to be kept.

    Args:
        kind: "sqlite" or "postgresql".
        size: How many receipts stand there, or will.
        keep: Where databases are kept, or None.
    """
    if keep is None:
        folder = Path(tempfile.mkdtemp(prefix="tiyin-size-"))
    else:
        folder = keep.absolute() / f"{kind}-{size}"
        if folder.exists() and not (folder / "manifest.json").exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True, exist_ok=True)
    # PostgreSQL runs under an account of its own where this process is root's.
    folder.chmod(0o755)
    there = Place(kind, folder)
    try:
        yield there
    finally:
        there.end()
        if keep is None:
            shutil.rmtree(folder, ignore_errors=True)
