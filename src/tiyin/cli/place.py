"""Which gateway a tool works on: an emulator's directory (`--data`), or what `TIYIN_*` variables name."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar

from tiyin.cli.ending import stop
from tiyin.gateway.settings import DatabaseSettings
from tiyin.runtime.settings import SettingsError, read_settings
from tiyin.storage.errors import StorageError
from tiyin.storage.store import Store

__all__ = ["database_url", "open_current_store", "read_or_stop"]

S = TypeVar("S", bound=DatabaseSettings)

_HINT: Final = "Set what is missing, or name an emulator's directory with --data."


def database_url(data: Path | None) -> str:
    """Tell the address of the database, or stop with a sentence.

    Args:
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
    """
    if data is None:
        return read_or_stop(DatabaseSettings).database_url.reveal()
    from tiyin.emulator.directory import Directory  # noqa: PLC0415  # a server's tool needs no emulator

    directory = Directory(data)
    if not directory.gateway_database.exists():
        stop(f"{data} is not the directory of an emulator that has run: there is no gateway.db in it.")
    return directory.gateway_url


def read_or_stop(kind: type[S]) -> S:
    """Read a tool's settings from the process's variables, or stop with a sentence for each that is wrong.

    Args:
        kind: Which settings.
    """
    try:
        return read_settings(kind, os.environ)
    except SettingsError as error:
        stop("\n".join([*error.problems, _HINT]))


@asynccontextmanager
async def open_current_store(url: str) -> AsyncIterator[Store]:
    """Open the store of a database that is up to date, or stop with a sentence.

    Args:
        url: The database's address.
    """
    from tiyin.gateway.migrations import MigrationRefused, require_current  # noqa: PLC0415  # slow to load
    from tiyin.storage.open import open_store  # noqa: PLC0415  # slow to load

    try:
        await require_current(url)
        store = await open_store(url)
    except (MigrationRefused, StorageError, ValueError) as error:
        stop(f"{error}")
    try:
        yield store
    finally:
        await store.close()
