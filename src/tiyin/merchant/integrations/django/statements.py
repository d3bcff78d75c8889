"""Every statement of the kit, once, over a Django connection.

What each payment needs is written as SQL, which is the same on every database but for two clauses: building
a query of the ORM's takes longer than running it. All of it goes through Django's cursors, and so through the
shop's instrumentation.
"""

import hashlib
import re
from typing import Any, Final

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Q

from tiyin.merchant.integrations.django.models import DeskKey, FiscalDocument, Transaction
from tiyin.merchant.records import Row
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule

__all__ = ["VENDORS", "Statements", "kept_guard"]

VENDORS: Final = ("sqlite", "postgresql", "mysql")
"""The databases that can insert a row unless it is there, in one statement; MariaDB is ``mysql`` here."""

_COLUMNS: Final = (
    "id",
    "time_ms",
    "amount_tiyin",
    "account",
    "guard",
    "number",
    "state",
    "reason",
    "create_time_ms",
    "perform_time_ms",
    "cancel_time_ms",
    "receivers",
    "accepted",
    "due_ms",
)
_CHANGING: Final = (
    "guard",
    "number",
    "state",
    "reason",
    "create_time_ms",
    "perform_time_ms",
    "cancel_time_ms",
    "receivers",
    "accepted",
    "due_ms",
)
_TRIES: Final = 3
_PLAIN_GUARD: Final = re.compile(r"[a-z0-9_.:-]{1,200}")


class Statements:
    """The kit's statements, for one cash desk on one kind of database.

    Args:
        connection: A connection to it.
        desk: The desk's name: it sees its own transactions.
    """

    def __init__(self, connection: BaseDatabaseWrapper, desk: str) -> None:
        self._desk = desk
        quote = connection.ops.quote_name
        table = quote(Transaction._meta.db_table)  # noqa: SLF001 - documented
        columns = ", ".join(quote(name) for name in _COLUMNS)
        key, guard, at = quote("id"), quote("guard"), quote("desk")
        by_id = f"SELECT {columns} FROM {table} WHERE {key} = %s AND {at} = %s"  # noqa: S608 - names of our own
        self._read = by_id
        self._locked = f"{by_id} FOR UPDATE" if connection.features.has_select_for_update else by_id
        # Whoever holds an order holds it for every desk.
        self._holder = f"SELECT {columns} FROM {table} WHERE {guard} = %s"  # noqa: S608 - the same
        places = ", ".join(["%s"] * (len(_COLUMNS) + 1))
        ignore, on_conflict = (
            ("IGNORE ", "") if connection.vendor == "mysql" else ("", " ON CONFLICT DO NOTHING")
        )
        self._insert = f"INSERT {ignore}INTO {table} ({columns}, {at}) VALUES ({places}){on_conflict}"  # noqa: S608 - the same
        changing = ", ".join(f"{quote(name)} = %s" for name in _CHANGING)
        self._update = f"UPDATE {table} SET {changing} WHERE {key} = %s"  # noqa: S608 - the same

    def read(self, connection: BaseDatabaseWrapper, key: str) -> Row | None:
        """Return the row of that id."""
        return _row(connection, self._read, (key, self._desk))

    def locked(self, connection: BaseDatabaseWrapper, key: str) -> Row | None:
        """Return the row of that id, locked where the database locks rows."""
        return _row(connection, self._locked, (key, self._desk))

    def holder(self, connection: BaseDatabaseWrapper, guard: str) -> Row | None:
        """Return the row that holds a guard."""
        return _row(connection, self._holder, (kept_guard(guard),))

    def insert(self, connection: BaseDatabaseWrapper, row: Row) -> bool:
        """Insert a row; False if its id or its guard is there already."""
        values = (
            row.id,
            row.time_ms,
            row.amount_tiyin,
            row.account,
            kept_guard(row.guard),
            row.number,
            row.state,
            row.reason,
            row.create_time_ms,
            row.perform_time_ms,
            row.cancel_time_ms,
            row.receivers,
            row.accepted,
            row.due_ms,
            self._desk,
        )
        with connection.cursor() as cursor:
            cursor.execute(self._insert, values)
            return bool(cursor.rowcount == 1)

    def update(self, connection: BaseDatabaseWrapper, row: Row) -> None:
        """Write a row that is there."""
        values = (
            kept_guard(row.guard),
            row.number,
            row.state,
            row.reason,
            row.create_time_ms,
            row.perform_time_ms,
            row.cancel_time_ms,
            row.receivers,
            row.accepted,
            row.due_ms,
            row.id,
        )
        with connection.cursor() as cursor:
            cursor.execute(self._update, values)
            if cursor.rowcount != 1:
                raise RuntimeError(f"the transaction {row.id} vanished while it was locked")

    def statement(
        self, connection: BaseDatabaseWrapper, from_ms: int, to_ms: int, after: Row | None, limit: int
    ) -> list[Row]:
        """Return accepted rows by Payme's time; see `TransactionStore.statement`."""
        rows = Transaction.objects.using(connection.alias).filter(
            desk=self._desk, time_ms__gte=from_ms, time_ms__lte=to_ms, accepted=1
        )
        if after is not None:
            rows = rows.filter(
                Q(time_ms__gt=after.time_ms) | Q(time_ms=after.time_ms, id__gt=after.id),
                time_ms__gte=after.time_ms,
            )
        return [_made(row) for row in rows.order_by("time_ms", "id").values_list(*_COLUMNS)[:limit]]

    def due(
        self, connection: BaseDatabaseWrapper, now_ms: int, after: tuple[int, str] | None, limit: int
    ) -> list[tuple[int, str]]:
        """Return which rows have expired by now; see `TransactionStore.due`."""
        rows = Transaction.objects.using(connection.alias).filter(due_ms__lte=now_ms, desk=self._desk)
        if after is not None:
            rows = rows.filter(Q(due_ms__gt=after[0]) | Q(due_ms=after[0], id__gt=after[1]))
        found = rows.order_by("due_ms", "id").values_list("due_ms", "id")[:limit]
        return [(due_ms, key) for due_ms, key in found if due_ms is not None]

    def keep_fiscal(self, connection: BaseDatabaseWrapper, row: FiscalRow) -> None:
        """Keep fiscal data, in the place of what came before under the same id."""
        FiscalDocument.objects.using(connection.alias).update_or_create(
            id=row.id, defaults={"data": row.data, "received_ms": row.received_ms}
        )

    def fiscal(self, connection: BaseDatabaseWrapper, key: str) -> FiscalRow | None:
        """Return kept fiscal data."""
        found = FiscalDocument.objects.using(connection.alias).filter(id=key).first()
        return None if found is None else FiscalRow(found.id, found.data, found.received_ms)

    def key_row(self, connection: BaseDatabaseWrapper, key: str, *, lock: bool = False) -> KeyRow | None:
        """Return what became of a key."""
        rows = DeskKey.objects.using(connection.alias).filter(id=self._key_id(key))
        found = (rows.select_for_update() if lock else rows).first()
        if found is None:
            return None
        following = None if found.next is None else bytes(found.next)
        return KeyRow(key, bytes(found.configured), bytes(found.current), following)

    def change_key(self, connection: BaseDatabaseWrapper, key: str, rule: KeyRule) -> None:
        """Change what became of a key."""
        rows = DeskKey.objects.using(connection.alias)
        for _ in range(_TRIES):
            row = self.key_row(connection, key, lock=True)
            new = rule(row)
            if new is None:
                return
            values = {"configured": new.configured, "current": new.current, "next": new.next}
            if row is not None:
                rows.filter(id=self._key_id(key)).update(**values)
                return
            if rows.get_or_create(id=self._key_id(key), defaults=values)[1]:
                return
        raise RuntimeError("a key's row was there and not there")

    def _key_id(self, key: str) -> str:
        return f"{self._desk}:{key}"


def kept_guard(guard: str | None) -> str | None:
    """Return a guard as it is stored: as it is if every database tells it from others, else its digest.

    Some compare without regard to case or accents, and columns have their lengths.

    Args:
        guard: The guard, or one that was stored before.
    """
    if guard is None or _PLAIN_GUARD.fullmatch(guard):
        return guard
    return f"sha256:{hashlib.sha256(guard.encode()).hexdigest()}"


def _row(connection: BaseDatabaseWrapper, statement: str, values: tuple[str | None, ...]) -> Row | None:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchone()
    return None if found is None else _made(found)


def _made(found: tuple[Any, ...]) -> Row:
    # Effects that were begun are no matter here: they and their outcome are one.
    values: list[Any] = [*found[:13], 0, found[13]]
    return Row(*values)
