"""Where a database stands, and how it is brought up to date."""

from typing import Final

import msgspec

from tiyin.gateway.migrations.databases import Database, MigrationRefused, open_database, sqlite_path
from tiyin.gateway.migrations.partitions import partition_script

__all__ = ["HEAD", "MigrationRefused", "Upgraded", "read_revision", "require_current", "upgrade"]

HEAD: Final = "0001"
"""The newest revision: what this release of the gateway works with."""

_KNOWN: Final = ("0001",)


class Upgraded(msgspec.Struct, frozen=True):
    """What an upgrade did.

    Args:
        before: The revision that stood there; None when the database was empty.
        steps: What was done, oldest first; empty when it was up to date already.
    """

    before: str | None
    steps: tuple[str, ...]


async def read_revision(url: str) -> str | None:
    """Tell the revision of a database; it is not changed, nor made when it does not exist.

    Args:
        url: `sqlite:///path/to/file.db` or `postgresql://...`.

    Returns:
        The revision, or None when there is no database or nothing in it.

    Raises:
        MigrationRefused: It cannot be reached, or it is not a gateway's.
    """
    if (path := sqlite_path(url)) is not None and not path.exists():
        return None
    async with open_database(url) as database:
        return await _revision(database)


async def require_current(url: str) -> None:
    """Make sure that a database is as this release needs it.

    Args:
        url: The database.

    Raises:
        MigrationRefused: It is not; the sentence says what to do.
    """
    revision = await read_revision(url)
    if revision is None:
        raise MigrationRefused("The database is empty: run `tiyin db upgrade` once, then start again.")
    if revision != HEAD:
        raise MigrationRefused(
            f"The database is at revision {revision} and this release needs {HEAD}: "
            "make a copy of it, run `tiyin db upgrade`, then start again."
        )


async def upgrade(url: str, now_ms: int) -> Upgraded:
    """Bring a database up to date, in one transaction; two that try at once do it once.

    Args:
        url: The database; a SQLite file is made when it does not exist.
        now_ms: The present moment, in milliseconds since 1970, for the partitions of the months to come.

    Raises:
        MigrationRefused: It cannot be reached or written, or it is not a gateway's of this or an earlier
        release.
    """
    # Alembic is slow to load, and most starts find nothing to do.
    from tiyin.gateway.migrations.script import upgrade_script, upgrade_steps  # noqa: PLC0415

    async with open_database(url) as database, database.locked():
        before = await _revision(database)
        steps = [] if before == HEAD else upgrade_steps(before)
        if steps:
            await database.run(upgrade_script(database.dialect, before))
        await database.run(partition_script(database.dialect, now_ms))
    return Upgraded(before, tuple(steps))


async def _revision(database: Database) -> str | None:
    tables = await database.tables()
    if "alembic_version" not in tables:
        if tables:
            raise MigrationRefused(
                "The database holds tables that are not a gateway's: "
                "name an empty database in TIYIN_DATABASE_URL."
            )
        return None
    revision = await database.revision()
    if revision not in _KNOWN:
        raise MigrationRefused(
            f"The database is at revision {revision!r}, which this release does not know: "
            "it was upgraded by a newer one. Install that release."
        )
    return revision
