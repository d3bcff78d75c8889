"""The one thread that writes: it takes all that waits, and one commit serves it."""

import threading
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import apsw

from tiyin.storage.errors import StorageUnavailable
from tiyin.storage.sqlite.connection import BUSY_MS, open_writer, translated
from tiyin.storage.sqlite.jobs import Job

if TYPE_CHECKING:
    import asyncio

__all__ = ["Writer"]

BATCH_MAX = 256
WAITING_MAX = 20_000


class Writer:
    """The writer thread of one database file.

    Args:
        path: The database file.
        busy_ms: How long to wait for another process that writes, in milliseconds.

    Raises:
        StorageUnavailable: If the file cannot be opened.
    """

    def __init__(self, path: Path, busy_ms: int = BUSY_MS) -> None:
        self.connection = open_writer(path, busy_ms)
        self._cursor = self.connection.cursor()
        self._waiting: SimpleQueue[Job | None] = SimpleQueue()
        # What each loop asked for in its present turn.
        self._gathered: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        self._closed = False
        self._thread = threading.Thread(target=self._serve, name=f"writer of {path.name}", daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> None:
        """Hand over a job; it will be answered even if whoever asked is gone.

        Args:
            job: The job.

        Raises:
            StorageUnavailable: If the writer is closed, or too much waits already.
        """
        if self._closed:
            raise StorageUnavailable("this store is closed")
        gathered = self._gathered.get(job.loop)
        if self._waiting.qsize() + (len(gathered) if gathered else 0) >= WAITING_MAX:
            raise StorageUnavailable(f"{WAITING_MAX} changes wait to be written already")
        if gathered is None:
            # The thread is woken when the loop's turn is over: it then finds all of the turn's jobs, and does
            # not take the interpreter away in its middle for the first one alone.
            gathered = self._gathered[job.loop] = []
            job.loop.call_soon(self._hand_over, job.loop)
        gathered.append(job)

    def close(self) -> None:
        """Finish what was accepted, then close the connection; blocks until that is done."""
        if not self._closed:
            self._closed = True
            for loop in list(self._gathered):
                self._hand_over(loop)
            self._waiting.put(None)
        self._thread.join()

    def _hand_over(self, loop: "asyncio.AbstractEventLoop") -> None:
        for job in self._gathered.pop(loop, ()):
            self._waiting.put(job)

    def _serve(self) -> None:
        while (first := self._waiting.get()) is not None:
            batch = [first]
            last = False
            while len(batch) < BATCH_MAX and not self._waiting.empty():
                job = self._waiting.get_nowait()
                if job is None:
                    last = True
                    break
                batch.append(job)
            self._write(batch)
            _deliver(batch)
            if last:
                break
        self.connection.close()

    def _write(self, batch: list[Job]) -> None:
        """Run a batch in one transaction; where that cannot stand, each job in its own."""
        if not self._together(batch):
            for job in batch:
                self._alone(job)

    def _together(self, batch: list[Job]) -> bool:
        """Try the whole batch in one commit.

        Returns:
            Whether every job has its answer; if not, nothing was written.
        """
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
        except apsw.Error as error:
            _fail(batch, error)
            return True
        try:
            for job in batch:
                if not self._one(job):
                    self._roll_back()
                    return False
            self._cursor.execute("COMMIT")
        except apsw.Error:
            self._roll_back()
            return False
        return True

    def _one(self, job: Job) -> bool:
        """Run a job inside the open transaction.

        Returns:
            False if it failed half-way or took the transaction down with it, so that the batch cannot stand.
        """
        written = self.connection.total_changes()
        job.error = None
        try:
            job.answer = job.run(self._cursor)
        except BaseException as error:  # noqa: BLE001  # whatever a rule raises is its caller's, and the writer lives on
            job.error = translated(error)
            # A full disk rolls the whole transaction back, and a job that wrote something before it failed
            # would be written half.
            return self.connection.in_transaction and self.connection.total_changes() == written
        return True

    def _alone(self, job: Job) -> None:
        try:
            self._cursor.execute("BEGIN IMMEDIATE")
            if self._one(job) and job.error is None:
                self._cursor.execute("COMMIT")
            else:
                self._roll_back()
        except apsw.Error as error:
            self._roll_back()
            job.error = translated(error)

    def _roll_back(self) -> None:
        """Leave no transaction open, whatever state the error left behind."""
        if self.connection.in_transaction:
            try:
                self._cursor.execute("ROLLBACK")
            except apsw.Error:
                # SQLite rolls back by itself when it cannot be told to; the next BEGIN finds out.
                return


def _fail(batch: list[Job], error: apsw.Error) -> None:
    for job in batch:
        job.error = translated(error)


def _deliver(batch: list[Job]) -> None:
    """Wake each loop once for all its answers."""
    loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in batch:
        loops.setdefault(job.loop, []).append(job)
    for loop, jobs in loops.items():
        try:
            loop.call_soon_threadsafe(_deliver_here, jobs)
        except RuntimeError:
            # The loop was closed while its changes were written: nobody waits any more.
            continue


def _deliver_here(jobs: list[Job]) -> None:
    for job in jobs:
        job.deliver()
