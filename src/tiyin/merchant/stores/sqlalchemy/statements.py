"""Every statement of the kit, once: functions of an open `Session`, for those who await too.

An `AsyncSession` runs them by its `run_sync`. They are statements of SQLAlchemy Core: nothing of the kit's is
ever an object in the shop's session.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql, sqlite
from sqlalchemy.engine import CursorResult
from sqlalchemy.orm import Session

from tiyin.merchant.records import Row
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule
from tiyin.merchant.stores.sqlalchemy.tables import KEY_LENGTH, PaymeTables

__all__ = ["DIALECTS", "Statements"]

DIALECTS: Final = ("postgresql", "sqlite", "mysql", "mariadb")
"""The databases that can insert a row unless it is there, in one statement."""

_TRIES = 3


class Statements:
    """The kit's statements over its tables.

    Args:
        tables: The tables.
    """

    def __init__(self, tables: PaymeTables) -> None:
        self.tables = tables
        at = tables.transactions.c
        # What is kept is built once; SQLAlchemy keeps their SQL.
        self._all = sa.select(tables.transactions)
        self._by_id = self._all.where(at.id == sa.bindparam("key"))
        self._by_guard = self._all.where(at.guard == sa.bindparam("key"))
        self._locked = self._by_id.with_for_update()
        self._statement = (
            self._all.where(
                at.time_ms >= sa.bindparam("from_ms"), at.time_ms <= sa.bindparam("to_ms"), at.accepted == 1
            )
            .order_by(at.time_ms, at.id)
            .limit(sa.bindparam("many"))
        )
        self._due = (
            sa.select(at.due_ms, at.id)
            .where(at.due_ms <= sa.bindparam("now_ms"))
            .order_by(at.due_ms, at.id)
            .limit(sa.bindparam("many"))
        )
        self._statement_on = self._statement.where(_beyond(at.time_ms, at.id))
        self._due_on = self._due.where(_beyond(at.due_ms, at.id))
        self._inserts: dict[tuple[str, str], sa.Insert] = {}

    def locked(self, session: Session, key: str) -> Row | None:
        """Return the row of that id, locked where the database locks rows."""
        return self._row(session, self._locked, {"key": key})

    def read(self, session: Session, key: str) -> Row | None:
        """Return the row of that id."""
        return self._row(session, self._by_id, {"key": key})

    def holder(self, session: Session, guard: str) -> Row | None:
        """Return the row that holds a guard."""
        return self._row(session, self._by_guard, {"key": guard})

    def insert(self, session: Session, row: Row) -> bool:
        """Insert a row; False if its id or its guard is there already."""
        # What hooks changed goes first: their mistakes are theirs, and must not look like the kit's.
        session.flush()
        table = self.tables.transactions
        if session.get_bind(clause=table).dialect.name in {"mysql", "mariadb"} and (
            max(len(row.id), len(row.guard or "")) > KEY_LENGTH
        ):
            # IGNORE would cut it off without a word, and two orders could become one.
            raise ValueError(f"an order's key has at most {KEY_LENGTH} characters on MySQL: give Order.key")
        return self._inserted(session, table, row)

    def update(self, session: Session, row: Row) -> None:
        """Write a row that is there."""
        session.flush()
        if not self._updated(session, self.tables.transactions, row):
            raise RuntimeError(f"{row.id} vanished from {self.tables.transactions.name} while it was locked")

    def statement(
        self, session: Session, from_ms: int, to_ms: int, after: Row | None, limit: int
    ) -> list[Row]:
        """Return accepted rows by Payme's time; see `TransactionStore.statement`."""
        values: dict[str, object] = {"from_ms": from_ms, "to_ms": to_ms, "many": limit}
        if after is None:
            found = session.execute(self._statement, values)
        else:
            values |= {"after_ms": after.time_ms, "after_id": after.id}
            found = session.execute(self._statement_on, values)
        return [Row(*row) for row in found]

    def due(
        self, session: Session, now_ms: int, after: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        """Return which rows have expired by now; see `TransactionStore.due`."""
        values: dict[str, object] = {"now_ms": now_ms, "many": limit}
        if after is None:
            found = session.execute(self._due, values)
        else:
            found = session.execute(self._due_on, values | {"after_ms": after[0], "after_id": after[1]})
        return [(int(due_ms), str(key)) for due_ms, key in found]

    def keep_fiscal(self, session: Session, row: FiscalRow) -> None:
        """Keep fiscal data, in the place of what came before under the same id."""
        table = self.tables.fiscal
        for _ in range(_TRIES):
            if self._updated(session, table, row) or self._inserted(session, table, row):
                return
        raise RuntimeError(f"the fiscal data of {row.id} was there and not there")

    def fiscal(self, session: Session, key: str) -> FiscalRow | None:
        """Return kept fiscal data."""
        table = self.tables.fiscal
        found = session.execute(sa.select(table).where(table.c.id == key)).one_or_none()
        return None if found is None else FiscalRow(*found)

    def key_row(self, session: Session, key: str, *, lock: bool = False) -> KeyRow | None:
        """Return what became of a key."""
        table = self.tables.keys
        statement = sa.select(table).where(table.c.id == key)
        found = session.execute(statement.with_for_update() if lock else statement).one_or_none()
        return None if found is None else KeyRow(*found)

    def change_key(self, session: Session, key: str, rule: KeyRule) -> None:
        """Change what became of a key."""
        for _ in range(_TRIES):
            row = self.key_row(session, key, lock=True)
            new = rule(row)
            if new is None:
                return
            if row is not None:
                self._updated(session, self.tables.keys, new)
                return
            if self._inserted(session, self.tables.keys, new):
                return
        raise RuntimeError("a key's row was there and not there")

    def _row(self, session: Session, statement: sa.Select[Any], values: Mapping[str, object]) -> Row | None:
        found = session.execute(statement, values).one_or_none()
        return None if found is None else Row(*found)

    def _inserted(self, session: Session, table: sa.Table, row: msgspec.Struct) -> bool:
        dialect = session.get_bind(clause=table).dialect.name
        statement = self._inserts.get((table.name, dialect))
        if statement is None:
            statement = self._inserts[table.name, dialect] = _insert_if_absent(table, dialect)
        return _touched(session.execute(statement, _values(row))) == 1

    def _updated(self, session: Session, table: sa.Table, row: msgspec.Struct) -> bool:
        values = _values(row)
        statement = sa.update(table).where(table.c.id == values.pop("id")).values(values)
        return _touched(session.execute(statement)) == 1


def _beyond(first: sa.Column[Any], second: sa.Column[Any]) -> sa.ColumnElement[bool]:
    return sa.or_(
        first > sa.bindparam("after_ms"),
        sa.and_(first == sa.bindparam("after_ms"), second > sa.bindparam("after_id")),
    )


def _insert_if_absent(table: sa.Table, dialect: str) -> sa.Insert:
    statement: sa.Insert
    if dialect == "postgresql":
        statement = postgresql.insert(table).on_conflict_do_nothing()
    elif dialect == "sqlite":
        statement = sqlite.insert(table).on_conflict_do_nothing()
    else:
        statement = mysql.insert(table).prefix_with("IGNORE")
    # How many rows there were is asked for: without this, an insert's count is not kept.
    return statement.inline().execution_options(preserve_rowcount=True)


def _touched(result: sa.Result[Any]) -> int:
    assert isinstance(result, CursorResult)  # noqa: S101 - inserts and updates have cursors
    return result.rowcount


def _values(row: msgspec.Struct) -> dict[str, Any]:
    values = msgspec.structs.asdict(row)
    # Rows are locked here: nobody needs to count their versions.
    del values["version"]
    return values
