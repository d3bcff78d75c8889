"""The emulator's data directory: what lies in it, whose it is, and that only one emulator uses it.

| file | what |
|---|---|
| `keys.json` | the vault's keys and the desks' keys (0600); the mark of an emulator's directory |
| `gateway.db`, `shop.db` | the two databases, apart as they are in life |
| `clock.json` | by how much the clock has been turned |
| `inbox.jsonl` | the messages that the gateway sent (0600) |
| `traffic.jsonl` | the exchanges with merchants and callers, secrets hidden (0600) |
| `faults.json` | the fault rules in force (0600) |
| `emulator.json` | addresses and desks, there only while the emulator answers |
| `snapshots/` | whole states that were kept under a name (0700) |
| `plug/` | what "pull the plug" works on, there only meanwhile |
| `lock` | held by the running emulator |

Nothing else is ever touched, also not by `--reset`.
"""

import contextlib
import os
import shutil
import sys
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote

import msgspec

from tiyin.emulator import restoring
from tiyin.protocol.hidden import rich_repr

__all__ = ["KEYS_FORMAT", "Directory", "DirectoryRefused", "KeptDesk", "Keys"]

S = TypeVar("S", bound=msgspec.Struct)

KEYS_FORMAT = "tiyin-emulator-1"
FIRST_DESKS = 2
"""How many desks the first release made; a state without the later ones is filled up when it is opened."""
_DATABASE_ENDINGS = ("", "-wal", "-shm", "-journal")
_PLAIN_FILES = ("clock.json", "inbox.jsonl", "traffic.jsonl", "faults.json", "emulator.json")


class DirectoryRefused(Exception):  # reads as what happened
    """The directory cannot be used; the message is one sentence that says why and what to do."""


class KeptDesk(msgspec.Struct, frozen=True):
    """A cash desk as the emulator remembers it between starts.

    Args:
        id: The desk's id, 24 hexadecimal characters.
        name: What it is called.
        kind: A kind of desk, as in `emulator.json`.
        key: Its key.
        test_key: Its key for the sandbox.
        account: The names of its account fields.
    """

    id: str
    name: str
    kind: str
    key: str
    test_key: str
    account: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"KeptDesk(id={self.id!r}, name={self.name!r}, kind={self.kind!r}, keys hidden)"

    __rich_repr__ = rich_repr


class Keys(msgspec.Struct, frozen=True):
    """What `keys.json` holds.

    Args:
        format: The mark of the directory.
        vault_keys: The keys of the card vault, as `TIYIN_VAULT_KEYS` takes them.
        business_id: The id of the business that owns the desks.
        desks: The desks, the demo shop's first; later releases add theirs behind.
    """

    format: str
    vault_keys: str
    business_id: str
    desks: tuple[KeptDesk, ...]

    @property
    def oldest(self) -> "Keys":
        """The keys as the first release wrote them: what an old state may be known by."""
        return msgspec.structs.replace(self, desks=self.desks[:FIRST_DESKS])

    def __repr__(self) -> str:
        return f"Keys(format={self.format!r}, desks={self.desks!r}, vault_keys hidden)"

    __rich_repr__ = rich_repr


class Directory:
    """An emulator's data directory, locked from `open` to `close`.

    Args:
        path: Where it is; made when it does not exist.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._lock: int | None = None

    @property
    def gateway_database(self) -> Path:
        """The gateway's database file."""
        return self.path / "gateway.db"

    @property
    def shop_database(self) -> Path:
        """The demo shop's database file."""
        return self.path / "shop.db"

    @property
    def gateway_url(self) -> str:
        """The gateway's database as an address."""
        return _sqlite_url(self.gateway_database)

    @property
    def shop_url(self) -> str:
        """The demo shop's database as an address."""
        return _sqlite_url(self.shop_database)

    @property
    def inbox(self) -> Path:
        """The file of messages."""
        return self.path / "inbox.jsonl"

    @property
    def traffic(self) -> Path:
        """The file of exchanges."""
        return self.path / "traffic.jsonl"

    @property
    def faults(self) -> Path:
        """The file of fault rules."""
        return self.path / "faults.json"

    @property
    def snapshots(self) -> Path:
        """The folder of states that were kept under a name."""
        return self.path / "snapshots"

    @property
    def plug(self) -> Path:
        """The folder of what "pull the plug" works on."""
        return self.path / "plug"

    @property
    def manifest(self) -> Path:
        """The file that says the emulator is ready, and where everything is."""
        return self.path / "emulator.json"

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def open(self) -> None:
        """Make the directory if need be, check that it is an emulator's, and lock it.

        Raises:
            DirectoryRefused: It is a file, cannot be written, holds somebody else's files, or is in use.
        """
        existed = self.path.exists()
        if existed and not self.path.is_dir():
            raise DirectoryRefused(f"{self.path} is a file, not a directory: name another one with --data.")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            if existed and not self._is_ours():
                raise DirectoryRefused(
                    f"{self.path} holds files that are not an emulator's, and they are left alone: "
                    "name an empty or a new directory with --data."
                )
            self._take_lock()
            self.manifest.unlink(missing_ok=True)
            restoring.finish(self.path)
            shutil.rmtree(self.plug, ignore_errors=True)
        except OSError as error:
            self.close()
            raise DirectoryRefused(
                f"{self.path} cannot be written ({error.strerror or error}): "
                "name another directory with --data, or mend its permissions."
            ) from error

    def close(self) -> None:
        """Let go of the directory: it no longer says that somebody answers. Harmless when repeated."""
        if self._lock is None:
            return
        with contextlib.suppress(OSError):
            self.manifest.unlink(missing_ok=True)
        os.close(self._lock)
        self._lock = None

    def forget_all(self) -> None:
        """Delete everything an emulator writes, keys included (what `--reset` means)."""
        self.forget_data()
        # Without the keys they could not be read any more.
        shutil.rmtree(self.snapshots, ignore_errors=True)
        (self.path / "keys.json").unlink(missing_ok=True)

    def forget_data(self) -> None:
        """Delete databases, clock, messages, traffic and fault rules; keys and snapshots stay."""
        for database in (self.gateway_database, self.shop_database):
            for ending in _DATABASE_ENDINGS:
                database.with_name(database.name + ending).unlink(missing_ok=True)
        for name in _PLAIN_FILES:
            (self.path / name).unlink(missing_ok=True)

    def read_keys(self) -> Keys | None:
        """Read `keys.json`.

        Returns:
            The keys, or None on the first start.

        Raises:
            DirectoryRefused: The file is damaged or somebody else's.
        """
        mark = self._read("keys.json", _Mark)
        if mark is None:
            return None
        if mark.format != KEYS_FORMAT:
            raise DirectoryRefused(
                f"{self.path} is another program's, or another release's of the emulator "
                f"({mark.format[:40]!r}): name another directory with --data."
            )
        return self._read("keys.json", Keys)

    def write_keys(self, keys: Keys) -> None:
        """Keep the keys, readable by their owner alone."""
        self.write("keys.json", msgspec.json.encode(keys), mode=0o600)

    def read_clock_ms(self) -> int:
        """Read by how many milliseconds the clock was turned; 0 when it never was."""
        kept = self._read("clock.json", _KeptClock)
        return 0 if kept is None else kept.offset_ms

    def write_clock_ms(self, offset_ms: int) -> None:
        """Remember by how many milliseconds the clock was turned."""
        self.write("clock.json", msgspec.json.encode(_KeptClock(offset_ms)))

    def write(self, name: str, content: bytes, *, mode: int = 0o644) -> None:
        """Write a file so that a reader finds the old one or the new one whole, never a part.

        Args:
            name: The file's name in the directory.
            content: What it shall hold.
            mode: Its permissions where the system has them (the process's umask still applies).
        """
        beside = self.path / f".{name}.{os.getpid()}"
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(self.path / name)

    def _is_ours(self) -> bool:
        """Tell whether the directory is empty or carries the mark; leftovers of our own do not count."""
        if (self.path / "keys.json").exists():
            return self.read_keys() is not None
        return all(
            entry.name == "lock" or entry.name.startswith(".keys.json.") for entry in self.path.iterdir()
        )

    def _read(self, name: str, kind: type[S]) -> S | None:
        try:
            content = (self.path / name).read_bytes()
        except FileNotFoundError:
            return None
        try:
            return msgspec.json.decode(content, type=kind)
        except msgspec.DecodeError as error:
            raise DirectoryRefused(
                f"{self.path / name} is not what an emulator writes there: "
                "name another directory with --data."
            ) from error

    def _take_lock(self) -> None:
        """Hold `lock` until `close` or the end of the process, however it ends."""
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            _lock_file(lock)
        except OSError as error:
            os.close(lock)
            raise DirectoryRefused(
                f"Another emulator is running on {self.path}: stop it, or name another directory with --data."
            ) from error
        self._lock = lock


def _sqlite_url(path: Path) -> str:
    return f"sqlite:///{quote(path.as_posix())}"


class _Mark(msgspec.Struct, frozen=True):
    format: str


class _KeptClock(msgspec.Struct, frozen=True):
    offset_ms: int


if sys.platform == "win32":
    import msvcrt

    def _lock_file(file: int) -> None:
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock_file(file: int) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
