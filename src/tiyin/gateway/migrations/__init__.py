"""The gateway's database as it grows from release to release.

Alembic keeps the row of revisions and writes the SQL that leads from one to another; it never opens the
database. The drivers that serve (apsw, asyncpg) run that SQL in one transaction: a migration happens whole
or not at all, also on SQLite, whose standard library driver cannot promise it, and no second SQLite library
ever comes into the process.
"""

from tiyin.gateway.migrations.upgrade import (
    HEAD,
    MigrationRefused,
    Upgraded,
    read_revision,
    require_current,
    upgrade,
)

__all__ = ["HEAD", "MigrationRefused", "Upgraded", "read_revision", "require_current", "upgrade"]
