"""The two databases as a migration sees them: run a script in one transaction, and say what is there."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, Protocol
from urllib.parse import unquote

import apsw

if TYPE_CHECKING:
    import asyncpg
from asyncpg.connect_utils import SessionAttribute

__all__ = ["Database", "MigrationRefused", "open_database", "sqlite_path"]

_SQLITE: Final = "sqlite:///"
_POSTGRES: Final = ("postgresql://", "postgres://")
_BUSY_MS: Final = 10_000
_CONNECT_S: Final = 10
# "tiyin" in ASCII: whoever migrates holds this lock of PostgreSQL.
_LOCK_KEY: Final = 0x746979696E


class MigrationRefused(Exception):  # reads as what happened
    """The database is not touched; the message is one sentence that says why and what to do."""


class Database(Protocol):
    """An open database."""

    @property
    def dialect(self) -> Literal["sqlite", "postgresql"]:
        """Which of the two it is."""
        ...

    def locked(self) -> AbstractAsyncContextManager[None]:
        """Keep every other migration out, and commit at the end of the block or undo everything."""
        ...

    async def run(self, script: str) -> None:
        """Run statements that end with semicolons."""
        ...

    async def tables(self) -> set[str]:
        """Name the tables that are there."""
        ...

    async def revision(self) -> str | None:
        """Read Alembic's table, which is there."""
        ...


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[Database]:
    """Open a database for the length of a block.

    Args:
        url: `sqlite:///path/to/file.db` or `postgresql://...`.

    Raises:
        MigrationRefused: It cannot be opened, or what is done in the block fails in the database.
    """
    if (path := sqlite_path(url)) is not None:
        async with _open_sqlite(path) as database:
            yield database
    elif url.startswith(_POSTGRES):
        async with _open_postgres(url) as database:
            yield database
    else:
        raise MigrationRefused(
            "TIYIN_DATABASE_URL must be sqlite:///path/to/file.db or postgresql://user:password@host/name."
        )


def sqlite_path(url: str) -> Path | None:
    """Tell the file that `sqlite:///relative.db` or `sqlite:////absolute.db` names, else None."""
    name = unquote(url.removeprefix(_SQLITE)) if url.startswith(_SQLITE) else ""
    return Path(name) if name not in {"", "/", ":memory:"} else None


class _Sqlite:
    dialect: Literal["sqlite"] = "sqlite"

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    async def run(self, script: str) -> None:
        # apsw pauses at every row that a statement gives back, and Alembic writes RETURNING: read them all.
        self._connection.execute(script).fetchall()

    async def tables(self) -> set[str]:
        return _names(
            self._connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            )
        )

    async def revision(self) -> str | None:
        return next(iter(_names(self._connection.execute("SELECT version_num FROM alembic_version"))), None)


@asynccontextmanager
async def _open_sqlite(path: Path) -> AsyncIterator[Database]:
    try:
        connection = apsw.Connection(str(path))
        try:
            connection.set_busy_timeout(_BUSY_MS)
            connection.execute("PRAGMA synchronous = FULL")
            yield _Sqlite(connection)
        finally:
            connection.close()
    except apsw.Error as error:
        raise MigrationRefused(
            f"The database {path} cannot be used ({error}): "
            "look at its directory, its permissions and the disk."
        ) from error


class _Postgres:
    dialect: Literal["postgresql"] = "postgresql"

    def __init__(self, connection: "asyncpg.Connection[Any]") -> None:
        self._connection = connection

    @asynccontextmanager
    async def locked(self) -> AsyncIterator[None]:
        async with self._connection.transaction():
            await self._connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK_KEY)
            yield

    async def run(self, script: str) -> None:
        await self._connection.execute(script)

    async def tables(self) -> set[str]:
        return _names(
            await self._connection.fetch(
                "SELECT tablename FROM pg_tables WHERE schemaname = current_schema()"
            )
        )

    async def revision(self) -> str | None:
        found: str | None = await self._connection.fetchval("SELECT version_num FROM alembic_version")
        return found


@asynccontextmanager
async def _open_postgres(url: str) -> AsyncIterator[Database]:
    import asyncpg  # noqa: PLC0415  # only an operator with PostgreSQL needs it

    try:
        connection = await asyncpg.connect(
            url, timeout=_CONNECT_S, target_session_attrs=SessionAttribute.read_write
        )
        try:
            yield _Postgres(connection)
        finally:
            await connection.close()
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
        raise MigrationRefused(
            f"The database cannot be used ({type(error).__name__}: {error}): "
            "look at TIYIN_DATABASE_URL and at the server."
        ) from error


def _names(rows: Iterable[Any]) -> set[str]:
    return {row[0] for row in rows}
