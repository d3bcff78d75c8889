"""Snapshots: the whole state of an emulator under a name, to come back to.

| in `snapshots/` | what |
|---|---|
| `snapshot-NAME.json` | what the snapshot is: its release's format, whose it is, the sums of its files |
| a folder with a number | the files themselves: both databases, the messages, the clock's offset |

The first names the second, and replacing it is what makes a snapshot under a name that was taken. One that
does not fit (another emulator's, another release's, damaged) is refused before anything is touched.
"""

import asyncio
import hashlib
import os
import re
import secrets
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Literal

import apsw
import msgspec

from tiyin.emulator import restoring
from tiyin.emulator.shop.orders import metadata as books_metadata
from tiyin.gateway.migrations import HEAD
from tiyin.merchant.stores.tables import metadata as kit_metadata

if TYPE_CHECKING:
    from tiyin.emulator.directory import Directory, Keys

__all__ = ["BYTES_MAX", "COUNT_MAX", "Problem", "Snapshot", "SnapshotRefused", "Snapshots", "check_name"]

FORMAT: Final = "tiyin-snapshot-1"
COUNT_MAX: Final = 20
"""How many snapshots an emulator keeps."""
BYTES_MAX: Final = 1024 * 1024 * 1024
"""How large all of them together may be, in bytes."""

Problem = Literal["name", "missing", "damaged", "other-release", "other-emulator", "many", "large", "disk"]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_FOLDER: Final = re.compile(r"[0-9a-f]{16}")
_PREFIX: Final = "snapshot-"
_DATABASES: Final = ("gateway.db", "shop.db")
_SIDE_FILES: Final = ("", "-wal")
_META_MAX: Final = 16 * 1024
_PIECE: Final = 1024 * 1024
_PAGES_AT_A_TIME: Final = 4096
_BINARY: Final = getattr(os, "O_BINARY", 0)


class SnapshotRefused(Exception):  # reads as what happened
    """A snapshot can be neither made nor used; the message is one sentence that says why.

    Args:
        problem: What it is, in a word.
        sentence: The message.
    """

    def __init__(self, problem: Problem, sentence: str) -> None:
        super().__init__(sentence)
        self.problem = problem


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot, as it is listed.

    Args:
        name: Its name.
        made_at_ms: When it was made, by the emulator's clock, in milliseconds since 1970.
        offset_ms: By how much the clock was turned then, in milliseconds.
        size_bytes: How large its files are together.
        problem: Why it cannot be restored, or None.
    """

    name: str
    made_at_ms: int
    offset_ms: int
    size_bytes: int
    problem: Problem | None = None


class _File(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class _Kept(msgspec.Struct, frozen=True):
    """What a snapshot's own file says."""

    format: str
    name: str
    folder: str
    made_at_ms: int
    offset_ms: int
    revision: str
    shop_schema: str
    business_id: str
    keys: str
    files: dict[str, _File]


class Snapshots:
    """The snapshots of a data directory, which the caller has locked.

    Args:
        directory: The directory.
        keys: Its ids and keys: a snapshot of other ones could not be read.
    """

    def __init__(self, directory: "Directory", keys: "Keys") -> None:
        self._directory = directory
        self._path = directory.snapshots
        self._business_id = keys.business_id
        self._keys = _fingerprint(keys)

    def all(self) -> list[Snapshot]:
        """List what there is, newest first; what cannot be restored says why."""
        found = [self._listed(name) for name in self._names()]
        return sorted(found, key=lambda one: (-one.made_at_ms, one.name))

    async def save(self, name: str, now_ms: int) -> Snapshot:
        """Keep the present state under a name; one that was kept under it before is replaced.

        Nothing may write to the databases meanwhile.

        Args:
            name: Small letters, digits, `-` and `_`, at most 40.
            now_ms: The emulator's time, in milliseconds since 1970.

        Raises:
            SnapshotRefused: The name cannot be one, there are too many, or the disk has no room.
        """
        self.check(name)
        return await asyncio.to_thread(self._save, name, now_ms)

    def check(self, name: str) -> None:
        """Look whether a snapshot could be made under this name now.

        Raises:
            SnapshotRefused: It could not.
        """
        check_name(name)
        others = [one for one in self.all() if one.name != name]
        if len(others) >= COUNT_MAX:
            raise SnapshotRefused("many", f"There are {COUNT_MAX} snapshots already: delete one first.")
        size = sum(one.size_bytes for one in others) + self._living_bytes()
        if size > BYTES_MAX:
            raise SnapshotRefused(
                "large", f"All snapshots together would take more than {BYTES_MAX} bytes: delete some first."
            )

    async def stage(self, name: str) -> None:
        """Check a snapshot whole and copy it beside the living files, which stay as they are.

        Raises:
            SnapshotRefused: There is none, it does not fit, or the disk has no room.
        """
        await asyncio.to_thread(self._stage, name)

    async def swap(self) -> None:
        """Put what was staged in the place of the living files; nothing may have the databases open.

        Raises:
            OSError: See `tiyin.emulator.restoring.decide`.
        """
        await asyncio.to_thread(restoring.decide, self._directory.path)

    def delete(self, name: str) -> None:
        """Forget a snapshot, also one that cannot be used.

        Raises:
            SnapshotRefused: There is none of that name.
        """
        check_name(name)
        try:
            self._meta(name).unlink()
        except FileNotFoundError as error:
            raise _missing(name) from error
        self.sweep()

    def sweep(self) -> None:
        """Delete the folders that no snapshot names: what a crash left behind."""
        if not self._path.is_dir():
            return
        named = set()
        for name in self._names():
            try:
                named.add(self._read(name).folder)
            except SnapshotRefused:
                # Which folder a damaged one names cannot be known: none is deleted on its account.
                return
        for path in self._path.iterdir():
            if _FOLDER.fullmatch(path.name) and path.name not in named and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)

    def _names(self) -> list[str]:
        if not self._path.is_dir():
            return []
        stems = [path.stem.removeprefix(_PREFIX) for path in self._path.glob(f"{_PREFIX}*.json")]
        return [stem for stem in stems if _NAME.fullmatch(stem)]

    def _save(self, name: str, now_ms: int) -> Snapshot:
        folder = self._path / secrets.token_hex(8)
        try:
            self._path.mkdir(mode=0o700, exist_ok=True)
            folder.mkdir(mode=0o700)
            for database in _DATABASES:
                _copy_database(self._directory.path / database, folder / database)
            offset_ms = self._directory.read_clock_ms()
            self._directory.write_clock_ms(offset_ms)
            for plain in restoring.RESTORED:
                if plain not in _DATABASES:
                    _copy_plain(self._directory.path / plain, folder / plain)
            files = {one: _sum(folder / one) for one in restoring.RESTORED}
            restoring.sync_folder(folder)
            kept = _Kept(
                FORMAT,
                name,
                folder.name,
                now_ms,
                offset_ms,
                HEAD,
                _shop_schema(),
                self._business_id,
                self._keys,
                files,
            )
            self._write(name, kept)
        except (OSError, apsw.Error) as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise SnapshotRefused("disk", f"The snapshot could not be written: {error}.") from error
        self.sweep()
        return _told(kept, None)

    def _stage(self, name: str) -> None:
        kept = self._read(name)
        problem = self._problem(kept)
        if problem is not None:
            raise _unfit(name, problem)
        try:
            stage = restoring.new_stage(self._directory.path)
            for one in restoring.RESTORED:
                copied = _copy_plain(self._path / kept.folder / one, stage / one)
                if copied != kept.files[one]:
                    raise _unfit(name, "damaged")
        except OSError as error:
            raise SnapshotRefused(
                "disk", f"The snapshot could not be copied: {error.strerror or error}."
            ) from error

    def _listed(self, name: str) -> Snapshot:
        try:
            kept = self._read(name)
        except SnapshotRefused as refused:
            return Snapshot(name, 0, 0, 0, refused.problem)
        return _told(kept, self._problem(kept))

    def _problem(self, kept: _Kept) -> Problem | None:
        """Say why a snapshot does not fit, as far as that is seen without reading it whole."""
        if kept.format != FORMAT or kept.revision != HEAD or kept.shop_schema != _shop_schema():
            return "other-release"
        if kept.business_id != self._business_id or kept.keys != self._keys:
            return "other-emulator"
        folder = self._path / kept.folder
        if folder.is_symlink() or set(kept.files) != set(restoring.RESTORED):
            return "damaged"
        for name, file in kept.files.items():
            path = folder / name
            if path.is_symlink() or not path.is_file() or path.stat().st_size != file.size:
                return "damaged"
        return None

    def _read(self, name: str) -> _Kept:
        check_name(name)
        path = self._meta(name)
        try:
            with path.open("rb") as file:
                content = file.read(_META_MAX + 1)
            mark = msgspec.json.decode(content, type=_Mark)
            if mark.format != FORMAT:
                raise _unfit(name, "other-release")
            kept = msgspec.json.decode(content, type=_Kept)
        except FileNotFoundError as error:
            raise _missing(name) from error
        except (OSError, msgspec.DecodeError) as error:
            raise _unfit(name, "damaged") from error
        if kept.name != name or not _FOLDER.fullmatch(kept.folder):
            raise _unfit(name, "damaged")
        return kept

    def _write(self, name: str, kept: _Kept) -> None:
        """Write a snapshot's own file: the moment from which it is there."""
        beside = self._path / f".{name}.{secrets.token_hex(4)}"
        with beside.open("xb") as file:
            file.write(msgspec.json.encode(kept))
            _make_durable(file)
        beside.replace(self._meta(name))
        restoring.sync_folder(self._path)

    def _meta(self, name: str) -> Path:
        return self._path / f"{_PREFIX}{name}.json"

    def _living_bytes(self) -> int:
        total = 0
        for name in _DATABASES:
            for ending in _SIDE_FILES:
                path = self._directory.path / (name + ending)
                total += path.stat().st_size if path.exists() else 0
        return total


class _Mark(msgspec.Struct, frozen=True):
    format: str


def check_name(name: str) -> None:
    """Look whether a snapshot may be called so.

    Raises:
        SnapshotRefused: It may not.
    """
    if not _NAME.fullmatch(name):
        raise SnapshotRefused(
            "name",
            "A snapshot's name has 1 to 40 small letters, digits, - and _, a letter or digit first.",
        )


def _missing(name: str) -> SnapshotRefused:
    return SnapshotRefused("missing", f"There is no snapshot {name!r}.")


def _unfit(name: str, problem: Problem) -> SnapshotRefused:
    why = {
        "damaged": "it is damaged",
        "other-release": "another release made it",
        "other-emulator": "it is another emulator's, whose keys do not fit",
    }[problem]
    return SnapshotRefused(problem, f"The snapshot {name!r} cannot be used: {why}. Nothing was changed.")


def _told(kept: _Kept, problem: Problem | None) -> Snapshot:
    size = sum(file.size for file in kept.files.values())
    return Snapshot(kept.name, kept.made_at_ms, kept.offset_ms, size, problem)


def _fingerprint(keys: "Keys") -> str:
    """Name the keys without telling them: they are chosen by chance and long."""
    return hashlib.sha256(b"tiyin snapshot keys\0" + msgspec.json.encode(keys.oldest)).hexdigest()


def _shop_schema() -> str:
    """Name the shop's tables as this release makes them."""
    tables = [
        [str(table.name), [(str(column.name), str(column.type)) for column in table.columns]]
        for metadata in (books_metadata, kit_metadata)
        for table in metadata.sorted_tables
    ]
    return hashlib.sha256(msgspec.json.encode(tables)).hexdigest()[:16]


def _copy_database(source: Path, copy: Path) -> None:
    """Copy a database as its last commit left it, what stands in its log included."""
    reading = apsw.Connection(str(source), flags=apsw.SQLITE_OPEN_READWRITE)
    try:
        writing = apsw.Connection(str(copy))
        try:
            with writing.backup("main", reading, "main") as backup:
                while not backup.done:
                    backup.step(_PAGES_AT_A_TIME)
            # The copy is one file, which its checksum covers whole.
            writing.pragma("journal_mode", "delete")
        finally:
            writing.close()
    finally:
        reading.close()


def _copy_plain(source: Path, copy: Path) -> _File:
    """Copy a file durably; one that is missing is an empty one. Gives what was copied."""
    digest, size = hashlib.sha256(), 0
    with os.fdopen(os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600), "wb") as writing:
        try:
            with source.open("rb") as reading:
                while piece := reading.read(_PIECE):
                    digest.update(piece)
                    size += len(piece)
                    writing.write(piece)
        except FileNotFoundError:
            pass
        _make_durable(writing)
    return _File(size, digest.hexdigest())


def _sum(path: Path) -> _File:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
        return _File(file.tell(), digest.hexdigest())


def _make_durable(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
