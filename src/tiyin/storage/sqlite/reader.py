"""Threads that read, each with its own connection, beside the one that writes."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from tiyin.storage.errors import StorageUnavailable
from tiyin.storage.sqlite.connection import open_reader, translated

__all__ = ["Readers"]

THREADS = 2
WAITING_MAX = 20_000

Read = tuple[str, Sequence[Any], "asyncio.Future[list[tuple[Any, ...]]]"]


class Readers:
    """A few reading threads over one database file, started when they are first needed.

    Args:
        path: The database file, which exists.
        busy_ms: How long to wait while the log is being recovered or restarted, in milliseconds.
    """

    def __init__(self, path: Path, busy_ms: int) -> None:
        self._path = path
        self._busy_ms = busy_ms
        self._waiting: SimpleQueue[Read | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self.closed = False

    async def read(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        """Run a statement that only reads.

        Args:
            statement: The statement.
            values: Values to bind.

        Returns:
            All its rows, as of the last commit.

        Raises:
            StorageUnavailable: If the database cannot be read, or the store is closed.
        """
        if self.closed:
            raise StorageUnavailable("this store is closed")
        if self._waiting.qsize() >= WAITING_MAX:
            raise StorageUnavailable(f"{WAITING_MAX} reads wait already")
        if not self._threads:
            self._start()
        future: asyncio.Future[list[tuple[Any, ...]]] = asyncio.get_running_loop().create_future()
        self._waiting.put((statement, values, future))
        return await future

    def close(self) -> None:
        """Finish what was accepted, then close the connections; blocks until that is done."""
        self.closed = True
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()

    def _start(self) -> None:
        for number in range(THREADS):
            name = f"reader {number} of {self._path.name}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self) -> None:
        connection = None
        while (read := self._waiting.get()) is not None:
            statement, values, future = read
            rows: list[tuple[Any, ...]] = []
            failure: BaseException | None = None
            try:
                if connection is None:
                    connection = open_reader(self._path, self._busy_ms)
                rows = connection.execute(statement, values).fetchall()
            except BaseException as error:  # noqa: BLE001  # it belongs to whoever asked; this thread serves the next
                failure = translated(error)
            try:
                future.get_loop().call_soon_threadsafe(_deliver, future, rows, failure)
            except RuntimeError:
                # The loop was closed while the rows were read: nobody waits any more.
                continue
        if connection is not None:
            connection.close()


def _deliver(
    future: "asyncio.Future[list[tuple[Any, ...]]]",
    rows: list[tuple[Any, ...]],
    failure: BaseException | None,
) -> None:
    if future.done():
        return
    if failure is not None:
        future.set_exception(failure)
    else:
        future.set_result(rows)
