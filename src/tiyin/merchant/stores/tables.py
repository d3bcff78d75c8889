"""The tables of the kit's own store."""

import sqlalchemy as sa

from tiyin.merchant.records import Row
from tiyin.merchant.stores.port import FiscalRow, KeyRow
from tiyin.storage.schema import BYTES, INTEGER, TEXT, define, version_column
from tiyin.storage.tables import Table

__all__ = ["FISCAL", "HOLDERS", "KEYS", "TRANSACTIONS", "metadata"]

metadata = sa.MetaData()


def _describe(described_in: sa.MetaData, key: str) -> sa.Table:
    columns = (
        sa.Column("id", TEXT),
        sa.Column("time_ms", INTEGER, nullable=False),
        sa.Column("amount_tiyin", INTEGER, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("guard", TEXT),
        sa.Column("number", TEXT, nullable=False),
        sa.Column("state", INTEGER, nullable=False),
        sa.Column("reason", INTEGER),
        sa.Column("create_time_ms", INTEGER, nullable=False),
        sa.Column("perform_time_ms", INTEGER, nullable=False),
        sa.Column("cancel_time_ms", INTEGER, nullable=False),
        sa.Column("receivers", TEXT),
        sa.Column("accepted", INTEGER, nullable=False),
        sa.Column("begun", INTEGER, nullable=False),
        sa.Column("due_ms", INTEGER),
        version_column(),
    )
    return define("payme_transactions", described_in, *columns, sa.PrimaryKeyConstraint(key), key=key)


_transactions = _describe(metadata, "id")
# One transaction an order: whoever holds the guard waits for it, or has paid it.
sa.Index(
    "payme_transactions_guard",
    _transactions.c.guard,
    unique=True,
    sqlite_where=_transactions.c.guard.is_not(None),
    postgresql_where=_transactions.c.guard.is_not(None),
)
sa.Index(
    "payme_transactions_due",
    _transactions.c.due_ms,
    sqlite_where=_transactions.c.due_ms.is_not(None),
    postgresql_where=_transactions.c.due_ms.is_not(None),
)
sa.Index("payme_transactions_time", _transactions.c.time_ms, _transactions.c.id)

TRANSACTIONS = Table(_transactions, Row)

# The same table seen by its guards, for reading alone: the holder of an order is found as fast as a row.
HOLDERS = Table(_describe(sa.MetaData(), "guard"), Row, key="guard")

KEYS = Table(
    define(
        "payme_keys",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("configured", BYTES, nullable=False),
        sa.Column("current", BYTES, nullable=False),
        sa.Column("next", BYTES),
        version_column(),
    ),
    KeyRow,
)

FISCAL = Table(
    define(
        "payme_fiscal",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("data", TEXT, nullable=False),
        sa.Column("received_ms", INTEGER, nullable=False),
        version_column(),
    ),
    FiscalRow,
)
