"""Fresh databases for a measurement: SQLite files, and PostgreSQL from the wheel the tests use."""

import contextlib
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, Self

import psutil

from helpers_storage import PostgresServer

__all__ = ["KINDS", "Databases"]

KINDS = ("sqlite", "postgresql")


class Databases:
    """Gives databases; a context that removes all of them at its end."""

    def __init__(self) -> None:
        self._server = PostgresServer()
        self.folder: Final = Path(tempfile.mkdtemp(prefix="tiyin-bench-"))

    def __enter__(self) -> Self:
        self._server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.remove()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def server(self) -> psutil.Process:
        """PostgreSQL's own process, the parent of all that work for it."""
        process = self._server._process  # noqa: SLF001  # the helper has no other use for it
        assert process is not None
        return psutil.Process(process.pid)

    @contextlib.asynccontextmanager
    async def fresh(self, kind: str) -> AsyncIterator[str]:
        """Give the address of an empty database."""
        name = f"b{secrets.token_hex(6)}"
        if kind == "sqlite":
            yield f"sqlite:///{self.folder / name}.db"
            return
        await self._server.create_database(name)
        yield self._server.url(name)
        await self._server.drop_database(name)
