"""The data directory: made, marked, locked, and never somebody else's."""

import os
import sys
from pathlib import Path

import pytest

from tiyin.emulator.directory import KEYS_FORMAT, Directory, DirectoryRefused, KeptDesk, Keys
from tiyin.gateway.migrations.databases import sqlite_path

KEYS = Keys(
    KEYS_FORMAT,
    "k1:secret-of-the-vault",
    "b" * 24,
    (KeptDesk("d" * 24, "Demo shop", "billing", "the-key", "the-test-key", ("order_id",)),),
)


def test_keys_and_clock_are_kept(tmp_path: Path) -> None:
    with Directory(tmp_path / "new" / "er") as directory:
        assert directory.read_keys() is None
        assert directory.read_clock_ms() == 0
        directory.write_keys(KEYS)
        directory.write_clock_ms(60_000)
    with Directory(tmp_path / "new" / "er") as directory:
        assert directory.read_keys() == KEYS
        assert directory.read_clock_ms() == 60_000


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_keys_are_their_owners_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with Directory(tmp_path) as directory:
            directory.write_keys(KEYS)
    finally:
        os.umask(before)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_keys_do_not_show_in_a_repr() -> None:
    assert "secret" not in repr(KEYS)
    assert "the-key" not in repr(KEYS)


def test_somebody_elses_directory_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.odt").write_text("years of work")
    with pytest.raises(DirectoryRefused, match="not an emulator's"):
        Directory(tmp_path).open()
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.odt"]


def test_a_keys_file_that_is_not_ours_marks_nothing(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('{"format": "something-else", "vault_keys": "", "business_id": ""}')
    with pytest.raises(DirectoryRefused, match="another release"):
        Directory(tmp_path).open()


def test_a_damaged_keys_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text("{")
    with pytest.raises(DirectoryRefused, match="not what an emulator writes"):
        Directory(tmp_path).open()


def test_a_file_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DirectoryRefused, match="is a file"):
        Directory(tmp_path / "file").open()
    with pytest.raises(DirectoryRefused, match="cannot be written"):
        Directory(tmp_path / "file" / "below").open()


def test_two_emulators_do_not_share_a_directory(tmp_path: Path) -> None:
    with Directory(tmp_path), pytest.raises(DirectoryRefused, match="Another emulator"):
        Directory(tmp_path).open()
    with Directory(tmp_path):
        pass


def test_the_manifest_is_there_only_while_somebody_answers(tmp_path: Path) -> None:
    with Directory(tmp_path) as directory:
        directory.write_keys(KEYS)
        directory.write("emulator.json", b"{}")
    assert not directory.manifest.exists()
    directory.manifest.write_text("left behind by a kill")
    with Directory(tmp_path):
        assert not directory.manifest.exists()


def test_forgetting_touches_only_what_an_emulator_writes(tmp_path: Path) -> None:
    with Directory(tmp_path) as directory:
        directory.write_keys(KEYS)
        directory.write_clock_ms(5)
        for name in ("gateway.db", "gateway.db-wal", "shop.db", "shop.db-shm", "notes.txt"):
            (tmp_path / name).write_text("x")
        directory.forget_data()
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["keys.json", "lock", "notes.txt"]
        directory.forget_all()
        assert sorted(entry.name for entry in tmp_path.iterdir()) == ["lock", "notes.txt"]


@pytest.mark.parametrize("name", ["with space", "sum 100%", "Oʻzbekiston"])
def test_a_database_address_holds_any_path(tmp_path: Path, name: str) -> None:
    directory = Directory(tmp_path / name)
    assert sqlite_path(directory.gateway_url) == directory.gateway_database
