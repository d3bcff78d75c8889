"""Reads of single rows in the caller's own thread.

Finding one row by its key takes SQLite a few microseconds, while handing the question to another thread and
the answer back takes many times that, and more when both threads want the interpreter. So such a read is made
where it is asked for. It never waits: whatever could make it wait is left to the reading threads.
"""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tiyin.storage.sqlite.connection import open_reader

if TYPE_CHECKING:
    import apsw

__all__ = ["PointReader"]


class PointReader:
    """A connection that belongs to the first thread that reads with it.

    Args:
        path: The database file, which exists.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._cursor: apsw.Cursor | None = None
        self._thread = 0

    def read(self, statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]] | None:
        """Run a statement that finds at most a few rows by an index.

        Args:
            statement: The statement.
            values: Values to bind.

        Returns:
            All its rows, as of the last commit; None if it cannot be said here and now: another thread asks,
            the database is busy, or it fails. The reading threads wait, and say what is wrong.
        """
        try:
            if self._cursor is None:
                self._thread = threading.get_ident()
                self._cursor = open_reader(self._path, 0).cursor()
            elif self._thread != threading.get_ident():
                return None
            return self._cursor.execute(statement, values).fetchall()
        except Exception:  # noqa: BLE001  # whatever it is, the reading threads meet it too and tell it in full
            return None

    def close(self) -> None:
        """Close the connection."""
        cursor, self._cursor = self._cursor, None
        if cursor is not None:
            cursor.connection.close()
            self._thread = 0
