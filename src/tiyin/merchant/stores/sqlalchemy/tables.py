"""The kit's tables in a shop's own schema: plain tables of SQLAlchemy Core, made and migrated by the shop."""

from collections.abc import Callable
from typing import Final, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import mysql

__all__ = ["KEY_LENGTH", "PaymeTables", "payme_tables"]

KEY_LENGTH: Final = 255
"""How long an id or a guard may be on MySQL, in characters: there an index needs to know."""

# Ids are compared bytewise, whatever the database's own language: a statement's order depends on it, and two
# orders whose names differ in a capital are two orders.
_KEY = (
    sa.Text()
    .with_variant(sa.Text(collation="C"), "postgresql")
    .with_variant(mysql.VARCHAR(KEY_LENGTH, charset="utf8mb4", collation="utf8mb4_bin"), "mysql", "mariadb")
)
_MS = sa.BigInteger()


class PaymeTables(NamedTuple):
    """The kit's tables.

    Attributes:
        transactions: One row for each transaction.
        fiscal: Fiscal data of receipts that the shop does not keep itself.
        keys: What became of a cash desk's key through ChangePassword; digests only.
    """

    transactions: sa.Table
    fiscal: sa.Table
    keys: sa.Table


def payme_tables(
    metadata: sa.MetaData,
    *,
    schema: str | None = None,
    transactions: str = "payme_transactions",
    fiscal: str = "payme_fiscal",
    keys: str = "payme_keys",
) -> PaymeTables:
    """Describe the kit's tables in a shop's `MetaData`.

    So `create_all` and Alembic's autogenerate see them.

    ```python
    class Base(DeclarativeBase): ...

    payme_tables(Base.metadata)
    ```

    Give what it returns to the store only if a name or the schema is not the default.

    Args:
        metadata: The shop's; tables that it has already are returned as they are.
        schema: The database schema to put them in; by default the one of `metadata`.
        transactions: A name for the table of transactions.
        fiscal: A name for the table of fiscal data.
        keys: A name for the table of keys.
    """
    return PaymeTables(
        _described(metadata, schema, transactions, _transactions),
        _described(metadata, schema, fiscal, _fiscal),
        _described(metadata, schema, keys, _keys),
    )


def _described(
    metadata: sa.MetaData,
    schema: str | None,
    name: str,
    describe: Callable[[str, sa.MetaData, str | None], sa.Table],
) -> sa.Table:
    schema = metadata.schema if schema is None else schema
    known = metadata.tables.get(name if schema is None else f"{schema}.{name}")
    return describe(name, metadata, schema) if known is None else known


def _transactions(name: str, metadata: sa.MetaData, schema: str | None) -> sa.Table:
    """Describe them in the order of `records.Row`'s fields."""
    table = sa.Table(
        name,
        metadata,
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("time_ms", _MS, nullable=False),
        sa.Column("amount_tiyin", sa.BigInteger(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("guard", _KEY),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("state", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Integer()),
        sa.Column("create_time_ms", _MS, nullable=False),
        sa.Column("perform_time_ms", _MS, nullable=False),
        sa.Column("cancel_time_ms", _MS, nullable=False),
        sa.Column("receivers", sa.Text()),
        sa.Column("accepted", sa.Integer(), nullable=False),
        sa.Column("begun", sa.Integer(), nullable=False),
        sa.Column("due_ms", _MS),
        schema=schema,
    )
    # One transaction an order: whoever holds the guard waits for it, or has paid it. Rows without one do not
    # meet in a unique index.
    sa.Index(f"{name}_guard", table.c.guard, unique=True)
    sa.Index(f"{name}_due", table.c.due_ms)
    sa.Index(f"{name}_time", table.c.time_ms, table.c.id)
    return table


def _fiscal(name: str, metadata: sa.MetaData, schema: str | None) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("data", sa.Text(), nullable=False),
        sa.Column("received_ms", _MS, nullable=False),
        schema=schema,
    )


def _keys(name: str, metadata: sa.MetaData, schema: str | None) -> sa.Table:
    return sa.Table(
        name,
        metadata,
        sa.Column("id", _KEY, primary_key=True),
        sa.Column("configured", sa.LargeBinary(), nullable=False),
        sa.Column("current", sa.LargeBinary(), nullable=False),
        sa.Column("next", sa.LargeBinary()),
        schema=schema,
    )
