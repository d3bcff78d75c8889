"""Opening a store by its address."""

import asyncio
from pathlib import Path
from urllib.parse import unquote

from tiyin.storage.store import Store

__all__ = ["open_store"]


async def open_store(url: str) -> Store:
    """Open the store that an address names.

    The tables must exist already (migrations), or be made with `Store.create_tables`.

    Args:
        url: `sqlite:///relative/file.db`, `sqlite:////absolute/file.db`, or
            `postgresql://user@host/database`.

    Returns:
        The store; its owner closes it.

    Raises:
        ValueError: If the address names no database that can be used.
        StorageUnavailable: If the database cannot be opened now.
    """
    scheme, separator, rest = url.partition("://")
    if not separator:
        raise ValueError("a database's address begins with sqlite:/// or postgresql://")
    if scheme == "sqlite":
        if not rest.startswith("/") or rest in {"/", "/:memory:"}:
            raise ValueError("SQLite needs a file: sqlite:///relative/file.db or sqlite:////absolute/file.db")
        # Imported here, as its counterpart below: a process loads one database's library, not both.
        from tiyin.storage.sqlite.store import SqliteStore  # noqa: PLC0415  # only the library that is used

        path = Path(unquote(rest[1:]))
        return await asyncio.get_running_loop().run_in_executor(None, lambda: SqliteStore(path))
    if scheme in {"postgresql", "postgres"}:
        from tiyin.storage.postgres.store import open_postgres  # noqa: PLC0415  # only the library that is used

        return await open_postgres(url)
    raise ValueError(f"there is no storage over {scheme!r}: use sqlite or postgresql")
