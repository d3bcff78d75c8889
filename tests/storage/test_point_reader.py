"""Reads in the caller's own thread: what they answer, and what they leave to the reading threads."""

import asyncio
from pathlib import Path

import apsw
import pytest

from helpers_accounts import ACCOUNTS, METADATA, account_id, adding
from tiyin.storage import StorageUnavailable, open_store
from tiyin.storage.sqlite.point_reader import PointReader

COUNT = "SELECT count(*) FROM rows"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    database = apsw.Connection(str(tmp_path / "rows.db"))
    assert database.pragma("journal_mode", "wal") == "wal"
    database.execute("CREATE TABLE rows(id TEXT); INSERT INTO rows VALUES ('a')")
    database.close()
    return tmp_path / "rows.db"


def test_it_sees_each_commit_and_holds_none_up(path: Path) -> None:
    reader, writer = PointReader(path), apsw.Connection(str(path))
    for expected in (1, 2, 3):
        assert reader.read(COUNT, ()) == [(expected,)]
        writer.execute("INSERT INTO rows VALUES ('b')")
    # A reader that kept its snapshot would keep the log from being emptied.
    busy, _, _ = writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone() or (1, 0, 0)
    assert busy == 0
    reader.close()


async def test_another_thread_is_sent_to_the_reading_threads(path: Path) -> None:
    reader = PointReader(path)
    assert reader.read(COUNT, ()) == [(1,)]
    assert await asyncio.to_thread(reader.read, COUNT, ()) is None
    assert reader.read(COUNT, ()) == [(1,)]
    reader.close()


def test_what_fails_is_left_to_the_reading_threads(path: Path) -> None:
    reader = PointReader(path)
    assert reader.read("SELECT * FROM nothing", ()) is None
    assert reader.read(COUNT, ()) == [(1,)]
    reader.close()


async def test_a_closed_store_reads_nothing_in_place_either(sqlite_url: str) -> None:
    store = await open_store(sqlite_url)
    await store.create_tables(METADATA)
    await store.change(ACCOUNTS, account_id(1), adding(account_id(1), 5, "e1"))
    assert await store.get(ACCOUNTS, account_id(1)) is not None
    await store.close()
    with pytest.raises(StorageUnavailable):
        await store.get(ACCOUNTS, account_id(1))
