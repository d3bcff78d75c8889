"""Writing: what waits is written together, and one commit serves it.

A commit waits for the disk, so a thread of its own makes it. All that comes before the commit only computes:
statements on pages that are in memory, as a rule. Where one loop alone uses the store, that part runs in the
loop's own thread. Two threads that both want the interpreter take it from each other at every statement, and
that took more time than the statements themselves. What asks from another loop, and what may compute for
long, is the thread's from beginning to end.
"""

import asyncio
import threading
from pathlib import Path
from queue import SimpleQueue

import apsw

from tiyin.storage.errors import StorageUnavailable
from tiyin.storage.sqlite.connection import BUSY_MS, open_writer, translated
from tiyin.storage.sqlite.jobs import CallJob, Job

__all__ = ["Writer"]

BATCH_MAX = 256
WAITING_MAX = 20_000


class _Begun:
    """A batch that a loop ran, up to its commit.

    Args:
        batch: The jobs.
        stands: Whether all of them have their answers, and the transaction is open.
    """

    __slots__ = ("batch", "stands")

    def __init__(self, batch: list[Job], *, stands: bool) -> None:
        self.batch = batch
        self.stands = stands


class Writer:
    """The one that writes to a database file.

    Args:
        path: The database file.
        busy_ms: How long to wait for another process that writes, in milliseconds.

    Raises:
        StorageUnavailable: If the file cannot be opened.
    """

    def __init__(self, path: Path, busy_ms: int = BUSY_MS) -> None:
        self.connection = open_writer(path, busy_ms)
        self._busy_ms = busy_ms
        self._cursor = self.connection.cursor()
        self._waiting: SimpleQueue[Job | _Begun | None] = SimpleQueue()
        # What each loop asked for and nobody has begun yet.
        self._gathered: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        # Who holds it uses the connection. A loop takes it only if it is free, and whoever took it passes
        # it to the thread with `_Begun`.
        self._turn = threading.Lock()
        self._only_loop: asyncio.AbstractEventLoop | None = None
        self._shared = False
        # Whether a batch of the only loop is on its way: what it asks for meanwhile becomes the next one.
        self._on_its_way = False
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
        loop = job.loop
        gathered = self._gathered.get(loop)
        if self._waiting.qsize() + (len(gathered) if gathered else 0) >= WAITING_MAX:
            raise StorageUnavailable(f"{WAITING_MAX} changes wait to be written already")
        if loop is not self._only_loop:
            self._shared = self._only_loop is not None
            self._only_loop = self._only_loop or loop
        if gathered is None:
            # They are begun when the loop's turn is over, so that all of the turn's jobs share a commit.
            gathered = self._gathered[loop] = []
            loop.call_soon(self._hand_over, loop)
        gathered.append(job)

    def close(self) -> None:
        """Finish what was accepted, then close the connection; blocks until that is done."""
        if not self._closed:
            self._closed = True
            for loop in list(self._gathered):
                self._leave_to_thread(self._gathered.pop(loop, []))
            self._waiting.put(None)
        self._thread.join()

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin, in the loop itself, what it asked for; or leave it to the thread."""
        if self._shared or self._closed:
            self._leave_to_thread(self._gathered.pop(loop, []))
            return
        if self._on_its_way or not (jobs := self._gathered.pop(loop, [])):
            return
        self._on_its_way = True
        batch = jobs[:BATCH_MAX]
        if any(type(job) is CallJob for job in batch) or not self._turn.acquire(blocking=False):
            self._leave_to_thread(jobs)
            return
        self._leave_to_thread(jobs[BATCH_MAX:])
        self._begin(batch)

    def _leave_to_thread(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._waiting.put(job)

    def _begin(self, batch: list[Job]) -> None:
        """Run a batch in this thread, which holds the turn, and leave its commit to the other."""
        stands = False
        try:
            # A loop never waits for another process that writes: then the thread does, with the whole batch.
            self.connection.set_busy_timeout(0)
            self._cursor.execute("BEGIN IMMEDIATE")
            stands = all(self._one(job) for job in batch)
        except apsw.Error:
            stands = False
        finally:
            self._waiting.put(_Begun(batch, stands=stands))

    def _landed(self, loop: asyncio.AbstractEventLoop, batch: list[Job]) -> None:
        """Answer a batch in its loop, then begin what was asked for since."""
        self._on_its_way = False
        for job in batch:
            job.deliver()
        if loop in self._gathered:
            # In the loop's next turn, so that those who are answered now can ask for more first.
            loop.call_soon(self._hand_over, loop)

    def _serve(self) -> None:
        waiting: list[Job] = []
        while self._take(waiting):
            if waiting and self._turn.acquire(blocking=False):
                batch, waiting = waiting, []
                self._write(batch)
                self._turn.release()
                self._deliver(batch)
        while not self._turn.acquire(blocking=False):
            # A loop has the turn, so its batch is what comes next.
            self._take(waiting)
        if waiting:
            self._write(waiting)
            self._deliver(waiting)
        self.connection.close()

    def _take(self, waiting: list[Job]) -> bool:
        """Wait for something to do, and take what else has come by then; a loop's batch is finished at once.

        Where a loop has the turn its batch comes next, so that nobody waits for the turn anywhere else.

        Returns:
            False once the end has come.
        """
        while (item := self._waiting.get()) is not None:
            if type(item) is _Begun:
                self._finish(item)
            elif isinstance(item, Job):
                waiting.append(item)
            if len(waiting) >= BATCH_MAX or self._waiting.empty():
                return True
        return False

    def _finish(self, begun: _Begun) -> None:
        """Make the commit of a batch that a loop ran, and give the turn back."""
        try:
            self.connection.set_busy_timeout(self._busy_ms)
            if not (begun.stands and self._committed()):
                self._roll_back()
                self._write(begun.batch)
        finally:
            self._turn.release()
        self._deliver(begun.batch)

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
            for job in batch:
                job.error = translated(error)
            return True
        if all(self._one(job) for job in batch) and self._committed():
            return True
        self._roll_back()
        return False

    def _committed(self) -> bool:
        """Try to commit."""
        try:
            self._cursor.execute("COMMIT")
        except apsw.Error:
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

    def _deliver(self, batch: list[Job]) -> None:
        """Wake each loop once for all its answers."""
        loops: dict[asyncio.AbstractEventLoop, list[Job]] = {}
        for job in batch:
            loops.setdefault(job.loop, []).append(job)
        for loop, jobs in loops.items():
            try:
                loop.call_soon_threadsafe(self._landed, loop, jobs)
            except RuntimeError:
                # The loop was closed while its changes were written: nobody waits any more, but what it had
                # asked for since is still to be written.
                self._on_its_way = False
                self._leave_to_thread(self._gathered.pop(loop, []))
