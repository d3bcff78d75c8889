"""Several that open one new database at the same moment: each waits for the others, and none is refused."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw
import pytest

from tiyin.storage.errors import StorageUnavailable
from tiyin.storage.sqlite.connection import open_writer


def test_a_new_file_is_opened_by_all_who_come_together(tmp_path: Path) -> None:
    """Method: connections of one process lock each other out just as those of several do."""
    together = threading.Barrier(4)

    def open_one(path: Path) -> None:
        together.wait()
        open_writer(path).close()

    with ThreadPoolExecutor(4) as pool:
        for n in range(100):
            path = tmp_path / f"{n}.db"
            list(pool.map(open_one, [path] * 4))


def test_a_file_that_stays_locked_is_given_up_in_time(tmp_path: Path) -> None:
    path = tmp_path / "held.db"
    holder = apsw.Connection(str(path))
    holder.execute("CREATE TABLE t (x); BEGIN EXCLUSIVE")
    with pytest.raises(StorageUnavailable, match="locked"):
        open_writer(path, 50)
    holder.execute("COMMIT")
    open_writer(path, 50).close()
    holder.close()
