"""Opening a store, describing tables, and what a process loads for it."""

import asyncio
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from helpers_accounts import ACCOUNTS, ENTRIES, METADATA, Account, Entry
from tiyin.storage import TEXT, Decision, Schedule, StorageUnavailable, Table, open_store
from tiyin.storage.postgres.store import open_postgres


@pytest.mark.parametrize(
    "url", ["store.db", "sqlite://", "sqlite:///", "sqlite:///:memory:", "mysql://host/db"]
)
async def test_an_address_that_names_no_usable_database_is_told(url: str) -> None:
    with pytest.raises(ValueError, match=r"sqlite|SQLite"):
        await open_store(url)


async def test_a_server_that_is_not_there_is_told() -> None:
    with pytest.raises(StorageUnavailable):
        await open_postgres("postgresql://nobody@127.0.0.1:1/none", patience_s=0.2)


async def test_a_store_may_be_closed_again_and_by_two_at_once(store_url: str) -> None:
    store = await open_store(store_url)
    await store.create_tables(METADATA)
    account = Account(id="a", version=1, owner="o", state="open", balance=0)
    await store.change(ACCOUNTS, "a", lambda _: Decision(None, account))
    await asyncio.wait_for(asyncio.gather(store.close(), store.close()), 20)
    await asyncio.wait_for(store.close(), 20)
    with pytest.raises(StorageUnavailable):
        await store.get(ACCOUNTS, "a")


async def test_the_directory_of_a_new_file_is_made(tmp_path: Path) -> None:
    store = await open_store(f"sqlite:///{tmp_path / 'a' / 'b c' / 'store.db'}")
    await store.close()
    assert (tmp_path / "a" / "b c" / "store.db").exists()


class Wrong(msgspec.Struct, frozen=True):
    id: str
    account_id: str


def test_a_record_must_be_the_columns_in_their_order() -> None:
    with pytest.raises(ValueError, match="fields"):
        Table(ENTRIES.schema, Wrong)


def test_the_key_alone_is_the_primary_key() -> None:
    two = sa.Table(
        "two", sa.MetaData(), sa.Column("id", TEXT, primary_key=True), sa.Column("account_id", TEXT)
    )
    with pytest.raises(ValueError, match="primary key"):
        Table(two, Wrong, key="account_id")


def test_only_append_only_tables_are_written_beside_a_change() -> None:
    with pytest.raises(ValueError, match="append-only"):
        Table(ACCOUNTS.schema, Account, appends=(ACCOUNTS,))
    elsewhere = Table(ENTRIES.schema.to_metadata(sa.MetaData()), Entry)
    with pytest.raises(ValueError, match="one MetaData"):
        Table(ACCOUNTS.schema, Account, appends=(elsewhere,))


@pytest.mark.parametrize(("owner", "lease_ms", "next_in_ms"), [("a", 0, 0), (None, 5, 0), (None, 0, -1)])
def test_a_schedule_that_makes_no_sense_is_refused(owner: str | None, lease_ms: int, next_in_ms: int) -> None:
    with pytest.raises(ValueError, match="lease"):
        Schedule("key", "pay", next_in_ms, owner, lease_ms)


def test_one_sqlite_library_in_a_process() -> None:
    """The standard library's own beside apsw would break file locks: nothing here may load it."""
    code = (
        "import sys, asyncio, tempfile, sqlalchemy as sa\n"
        "from tiyin.storage import open_store\n"
        "async def main():\n"
        "    store = await open_store('sqlite:///' + tempfile.mkdtemp() + '/store.db')\n"
        "    await store.create_tables(sa.MetaData())\n"
        "    assert await store.query(sa.select(sa.literal(1))) == [(1,)]\n"
        "    await store.close()\n"
        "asyncio.run(main())\n"
        "assert not {'sqlite3', '_sqlite3', 'asyncpg'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
