"""Filling a database with receipts: the rows of one real payment, copied under new names.

Names are as the gateway gives them, 48 bits of milliseconds and 48 of chance, and both follow from a
receipt's number; so any of them can be asked for without having been remembered.
"""
# ruff: noqa: S608  # names of tables are the program's own, and values those of rows that it wrote itself

import asyncio
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

import apsw
import asyncpg
import sqlalchemy as sa

from tiyin.gateway.cards.records import TOKENS
from tiyin.gateway.migrations.tables import gateway_metadata
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.runtime.clock import SystemClock

__all__ = ["begins_ms", "fill", "named"]

_DAY_MS: Final = 86_400_000
_AT_A_TIME: Final = 200_000
_RECEIPTS_A_MONTH: Final = 400_000
_MONTHS_MAX: Final = 24
_STEP: Final = 2_654_435_761
_CHANCE: Final = 1 << 47
# The last receipts are a little older than what is made while they are measured.
_END_MS: Final = SystemClock().now_ms() // 60_000 * 60_000 - 120_000


def _span_ms(size: int) -> int:
    return min(max(size // _RECEIPTS_A_MONTH, 1), _MONTHS_MAX) * 30 * _DAY_MS


def named(number: int, size: int) -> str:
    """Give the name of a receipt that `fill` makes.

    Args:
        number: Which one, from 0.
        size: How many there are.
    """
    at_ms = _END_MS - _span_ms(size) + number * _span_ms(size) // size
    return f"{at_ms:012x}{number * _STEP % _CHANCE:012x}"


def begins_ms(size: int) -> int:
    """Tell when the oldest of so many receipts was made, milliseconds since 1970."""
    return _END_MS - _span_ms(size)


async def fill(url: str, size: int) -> None:
    """Copy the one receipt that stands in a database, and all that belongs to it.

    Args:
        url: The database.
        size: How often.
    """
    if url.startswith("sqlite:"):
        await asyncio.to_thread(_fill_sqlite, Path(unquote(url.removeprefix("sqlite:///"))), size)
    else:
        await _fill_postgres(url, size)


def _sources(size: int, *, sqlite: bool) -> str:
    """Write what the copies are made from: a number, a moment and a name for each."""
    span, start = _span_ms(size), _END_MS - _span_ms(size)
    moment = f"({start} + i * {span} / {size})"
    chance = f"(i * {_STEP} % {_CHANCE})"
    if sqlite:
        numbers = (
            "WITH RECURSIVE s(i) AS (SELECT {first} UNION ALL SELECT i + 1 FROM s WHERE i + 1 < {after}) "
        )
        name = f"printf('%012x%012x', {moment}, {chance})"
        return f"{numbers}SELECT i, {moment} AS ms, {name} AS rid FROM s"
    name = f"lpad(to_hex({moment}), 12, '0') || lpad(to_hex({chance}), 12, '0')"
    numbers = "generate_series({first}::bigint, {after} - 1) AS g(i)"
    return f"SELECT i, {moment} AS ms, {name} AS rid FROM {numbers}"


def _copying(
    table: sa.Table, row: tuple[Any, ...], sample: str, created_ms: int, size: int, *, sqlite: bool
) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    values = []
    for column, value in zip(table.columns, row, strict=True):
        if table is TOKENS.schema and column.name == "id":
            # A token's name is chance alone.
            values.append("substr(rid, 13) || substr(rid, 1, 12)")
        elif isinstance(value, str) and sample in value:
            values.append(f"replace({_literal(value)}, '{sample}', rid)")
        elif isinstance(value, int) and abs(value - created_ms) < _DAY_MS:
            values.append(f"ms + {max(value - created_ms, 0)}")
        elif table is RECEIPTS.schema and column.name == "number":
            values.append("i + 1000000")
        else:
            values.append(_literal(value, sqlite=sqlite))
    into, source = f'"{table.name}" ({columns})', _sources(size, sqlite=sqlite)
    return f"INSERT INTO {into} SELECT {', '.join(values)} FROM ({source}) n"


def _literal(value: Any, *, sqlite: bool = True) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'" if sqlite else f"'\\x{value.hex()}'::bytea"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


def _copies(rows: dict[sa.Table, list[tuple[Any, ...]]], size: int, *, sqlite: bool) -> list[str]:
    """Write the statements that copy whatever bears the one receipt's name, and one token."""
    [receipt] = rows[RECEIPTS.schema]
    columns = RECEIPTS.columns
    sample, created_ms = receipt[columns.index("id")], receipt[columns.index("created_ms")]
    copied = [
        (table, row)
        for table, found in rows.items()
        for row in found
        if any(isinstance(value, str) and sample in value for value in row)
    ]
    copied.append((TOKENS.schema, rows[TOKENS.schema][0]))
    return [_copying(table, row, sample, created_ms, size, sqlite=sqlite) for table, row in copied]


def _parts(size: int) -> list[tuple[int, int]]:
    return [(first, min(first + _AT_A_TIME, size)) for first in range(0, size, _AT_A_TIME)]


def _fill_sqlite(path: Path, size: int) -> None:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute("PRAGMA synchronous = off")
    connection.execute("PRAGMA cache_size = -262144")
    rows = {
        table: list(connection.execute(f'SELECT * FROM "{table.name}"'))
        for table in gateway_metadata().sorted_tables
    }
    statements = _copies(rows, size, sqlite=True)
    for first, after in _parts(size):
        with connection:
            for statement in statements:
                connection.execute(statement.replace("{first}", str(first)).replace("{after}", str(after)))
    connection.execute("PRAGMA wal_checkpoint(truncate)")
    connection.close()


async def _fill_postgres(url: str, size: int) -> None:
    connection = await asyncpg.connect(url)
    tables = gateway_metadata().sorted_tables
    rows = {
        table: [tuple(row) for row in await connection.fetch(f'SELECT * FROM "{table.name}"')]
        for table in tables
    }
    await connection.execute("SET synchronous_commit = off")
    statements = _copies(rows, size, sqlite=False)
    for first, after in _parts(size):
        for statement in statements:
            await connection.execute(statement.replace("{first}", str(first)).replace("{after}", str(after)))
    await connection.execute("VACUUM (ANALYZE)")
    await connection.execute("CHECKPOINT")
    await connection.close()
