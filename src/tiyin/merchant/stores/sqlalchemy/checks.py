"""Whether a shop's database can keep what the store promises: asked once, when it is opened."""

from typing import Final

import sqlalchemy as sa
from sqlalchemy.orm import Session

from tiyin.merchant.stores.sqlalchemy.statements import DIALECTS
from tiyin.merchant.stores.sqlalchemy.tables import PaymeTables
from tiyin.runtime.logs import get_logger

__all__ = ["check_database"]

_FULL: Final = 2
_PREPARE = "call tiyin.merchant.stores.sqlalchemy.prepare_sqlite(engine) where the engine is made"


def check_database(session: Session, tables: PaymeTables) -> bool:
    """Look at the database and the engine.

    Args:
        session: Open, in a transaction.
        tables: The kit's tables.

    Returns:
        Whether the shop bounds by itself how long a lock is waited for.

    Raises:
        RuntimeError: If something is missing or cannot work; the text says what to do.
    """
    connection = session.connection(bind_arguments={"clause": tables.transactions})
    dialect = connection.dialect.name
    if dialect not in DIALECTS:
        raise RuntimeError(
            f"the store works on {', '.join(DIALECTS)}, and this database is {dialect}: "
            "keep transactions in the kit's own store, MerchantApi(shop, 'sqlite:///payme.db', ...)"
        )
    in_memory = dialect == "sqlite" and not connection.exec_driver_sql("PRAGMA database_list").all()[0][2]
    _check_tables(connection, tables, in_memory=in_memory)
    if dialect == "sqlite" and not in_memory:
        _check_sqlite(connection)
    if dialect != "postgresql":
        return True
    _check_transactions(connection)
    return str(connection.scalar(sa.text("SELECT current_setting('lock_timeout')"))) not in {"0", "0ms"}


def _check_tables(connection: sa.Connection, tables: PaymeTables, *, in_memory: bool) -> None:
    look = sa.inspect(connection)
    for table in tables:
        if not look.has_table(table.name, schema=table.schema):
            hint = (
                " (a SQLite database in memory is another one in each connection: "
                "create_engine(..., poolclass=StaticPool))"
                if in_memory
                else ""
            )
            raise RuntimeError(
                f"the table {table.fullname} is missing: call payme_tables(metadata) with your MetaData, and "
                f"make the tables by metadata.create_all(engine) or an Alembic migration "
                f"(alembic revision --autogenerate){hint}"
            )
        there = {column["name"] for column in look.get_columns(table.name, schema=table.schema)}
        missing = [column.name for column in table.columns if column.name not in there]
        if missing:
            raise RuntimeError(
                f"the table {table.fullname} lacks {', '.join(missing)}: make an Alembic migration "
                "(alembic revision --autogenerate) and run it"
            )
    _check_guard(look, tables.transactions)


def _check_guard(look: "sa.Inspector", table: sa.Table) -> None:
    """Without it one order could be paid twice, so it is looked for by itself."""
    unique: list[list[str | None]] = [
        index["column_names"]
        for index in look.get_indexes(table.name, schema=table.schema)
        if index["unique"]
    ]
    unique.extend(
        [*one["column_names"]] for one in look.get_unique_constraints(table.name, schema=table.schema)
    )
    if ["guard"] not in unique:
        raise RuntimeError(
            f"the table {table.fullname} has no unique index on guard, which keeps an order from being paid "
            "twice: make it by an Alembic migration, as payme_tables describes it"
        )


def _check_sqlite(connection: sa.Connection) -> None:
    if int(connection.exec_driver_sql("PRAGMA synchronous").scalar_one()) < _FULL:
        raise RuntimeError(
            "this engine's SQLite connections are below synchronous=FULL, and a payment that was confirmed "
            f"could be forgotten when the power fails: {_PREPARE}"
        )
    if connection.exec_driver_sql("PRAGMA journal_mode").scalar_one() != "wal":
        get_logger("tiyin.merchant").warning(
            "payme_sqlite_without_wal", hint=f"readers and writers stand in each other's way: {_PREPARE}"
        )


def _check_transactions(connection: sa.Connection) -> None:
    """Two statements of one transaction see its number; in autocommit each is one of its own."""
    ask = sa.text("SELECT txid_current()")
    if connection.scalar(ask) != connection.scalar(ask):
        raise RuntimeError(
            "this engine is in AUTOCOMMIT, where nothing can be undone: give the store sessions of "
            'engine.execution_options(isolation_level="READ COMMITTED")'
        )
