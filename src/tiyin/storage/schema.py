"""How tables are described and created, on either database.

Columns are text, integers and bytes, nothing else: JSON is text that its writer made. Text compares bytewise
(`COLLATE "C"` on PostgreSQL, the default on SQLite), so ids sort the same way everywhere.

Tables that grow without end are marked with `grows=True` and are partitioned by ranges of their id on
PostgreSQL (ids begin with 48 bits of milliseconds, so a range of ids is a month). **A unique index on such a
table must include its id**, and so cannot guard anything: two rows that should exclude each other have
different ids and may lie in different partitions. A guard ("one waiting transaction per account") therefore
stands on a table that does not grow by id: either a partial unique index on an unpartitioned table, or a
small changing table whose *key* is the guarded thing.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from tiyin.storage.tables import Table

__all__ = [
    "BYTES",
    "INTEGER",
    "OWN_METADATA",
    "TEXT",
    "WORK",
    "Work",
    "creation_sql",
    "define",
    "month_bounds",
    "partition_sql",
    "version_column",
]

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
INTEGER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
BYTES = sa.LargeBinary()

# Storage's own tables; `Store.create_tables` makes them beside the caller's, migrations by `creation_sql`.
OWN_METADATA = sa.MetaData()


def version_column() -> sa.Column[int]:
    """Make the column that turns a table into a changing one; storage alone counts it.

    Returns:
        The column `version`.
    """
    return sa.Column("version", INTEGER, nullable=False)


def define(
    name: str, metadata: sa.MetaData, *items: sa.schema.SchemaItem, grows: bool = False, key: str = "id"
) -> sa.Table:
    """Describe a table with what both databases need.

    Args:
        name: Name of the table.
        metadata: Where it belongs.
        items: Columns, indexes, check constraints.
        grows: Whether it is partitioned by ranges of its key on PostgreSQL; see the module's docstring for
            what that does to guards.
        key: The key column.

    Returns:
        The description.

    Raises:
        ValueError: If a unique index of a growing table does not include the key.
    """
    options: dict[str, Any] = {"sqlite_strict": True, "info": {"partition_by_id": grows}}
    if grows:
        options["postgresql_partition_by"] = f"RANGE ({key})"
    table = sa.Table(name, metadata, *items, **options)
    for index in table.indexes:
        if grows and index.unique and key not in index.columns:
            raise ValueError(
                f"{index.name} cannot be unique: {name} is partitioned by {key}, which it does not include"
            )
    return table


class Work(msgspec.Struct, frozen=True):
    """A row of the work table, as a person or a report sees it.

    Args:
        key: Key of the work.
        kind: Which driver it is for.
        next_at: When it is due, in milliseconds since 1970 by the database's clock.
        owner: Who drives it, or None.
        epoch: The lease's fence, 0 when nobody holds it.
        leased_until: When the lease ends, in milliseconds since 1970 by the database's clock; 0 when nobody
            holds it.
    """

    key: str
    kind: str
    next_at: int
    owner: str | None
    epoch: int
    leased_until: int


WORK = Table(
    define(
        "work",
        OWN_METADATA,
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("next_at", INTEGER, nullable=False),
        sa.Column("owner", TEXT),
        sa.Column("epoch", INTEGER, nullable=False),
        sa.Column("leased_until", INTEGER, nullable=False),
        sa.Index("work_due", "kind", "next_at"),
        key="key",
    ),
    Work,
    key="key",
)

# What each batch of a PostgreSQL store leaves behind in its own commit, so that a lost connection can be
# asked about. It exists there alone: SQLite has no connection to lose.
POSTGRES_METADATA = sa.MetaData()
COMMANDS = sa.Table(
    "commands",
    POSTGRES_METADATA,
    sa.Column("id", TEXT, primary_key=True),
    sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("done", postgresql.ARRAY(sa.Integer())),
    sa.Index("commands_at", "at"),
)


def creation_sql(metadata: sa.MetaData, dialect_name: str) -> list[str]:
    """Write the statements that create tables, default partitions and indexes where they do not exist yet.

    Args:
        metadata: The tables; pass `OWN_METADATA` for storage's own.
        dialect_name: `sqlite` or `postgresql`.

    Returns:
        One statement each, in the order in which they must run.
    """
    if metadata is OWN_METADATA and dialect_name == "postgresql":
        return _statements(OWN_METADATA, dialect_name) + _statements(POSTGRES_METADATA, dialect_name)
    return _statements(metadata, dialect_name)


def _statements(metadata: sa.MetaData, dialect_name: str) -> list[str]:
    dialect: Any = (
        sqlite.dialect() if dialect_name == "sqlite" else postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped
    )
    return [
        str(item.compile(dialect=dialect)).strip() if not isinstance(item, str) else item
        for table in metadata.sorted_tables
        for item in _creation(table, dialect_name)
    ]


def _creation(table: sa.Table, dialect_name: str) -> Iterator[sa.schema.ExecutableDDLElement | str]:
    yield CreateTable(table, if_not_exists=True)
    if dialect_name == "postgresql" and table.info.get("partition_by_id"):
        yield f'CREATE TABLE IF NOT EXISTS "{table.name}_rest" PARTITION OF "{table.name}" DEFAULT'
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        yield CreateIndex(index, if_not_exists=True)


def month_bounds(at_ms: int) -> tuple[str, str, str]:
    """Find the range of ids that were or will be made in one month (UTC).

    Args:
        at_ms: Any moment of the month, in milliseconds since 1970.

    Returns:
        The month as `YYYYMM`, the first id of the month, and the first id of the month after it.
    """
    moment = datetime.fromtimestamp(at_ms // 1000, tz=UTC)
    first = datetime(moment.year, moment.month, 1, tzinfo=UTC)
    after = datetime(moment.year + moment.month // 12, moment.month % 12 + 1, 1, tzinfo=UTC)
    return f"{first:%Y%m}", _first_id(first), _first_id(after)


def _first_id(moment: datetime) -> str:
    return f"{int(moment.timestamp()) * 1000:012x}" + "0" * 12


def partition_sql(table: sa.Table, at_ms: int, months_ahead: int = 3) -> list[str]:
    """Write the statements that make the partitions of this month and of those to come.

    They are made ahead of time, while no row of theirs exists: a month whose rows already lie in the default
    partition stays there.

    Args:
        table: A table that grows, on PostgreSQL.
        at_ms: Now, in milliseconds since 1970.
        months_ahead: How many months after this one.

    Returns:
        One statement a month.
    """
    statements = []
    for _ in range(months_ahead + 1):
        month, first, after = month_bounds(at_ms)
        statements.append(
            f'CREATE TABLE IF NOT EXISTS "{table.name}_{month}" PARTITION OF "{table.name}" '
            f"FOR VALUES FROM ('{first}') TO ('{after}')"
        )
        at_ms = int(after[:12], 16)
    return statements
