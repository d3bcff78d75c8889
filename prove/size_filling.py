"""Filling a database with receipts: the rows of one real payment, copied under new names.

Names are as the gateway gives them, 48 bits of milliseconds and 48 of chance, and both follow from a
receipt's number; so any of them can be asked for without having been remembered. All rows are written in the
order of their names, as they were if time had really passed: every index grows at its end and is as full as
a real one.
"""
# ruff: noqa: S608  # names of tables are the program's own, and values those of rows that it wrote itself

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import unquote

import apsw
import asyncpg
import sqlalchemy as sa

from tiyin.gateway.cards.records import TOKENS
from tiyin.gateway.migrations.tables import gateway_metadata
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.storage.schema import month_bounds

__all__ = ["Names", "fill"]

_DAY_MS: Final = 86_400_000
_AT_A_TIME: Final = 500_000
_LINES_A_CHUNK: Final = 1_000
_RECEIPTS_A_MONTH: Final = 400_000
_MONTHS_MAX: Final = 24
_STEP: Final = 2_654_435_761
_CHANCE: Final = 1 << 47
_SPREAD: Final = 1 << 46

Row: TypeAlias = tuple[Any, ...]
Say: TypeAlias = Callable[[str], object]


@dataclass(frozen=True)
class Names:
    """How the receipts that `fill` makes are called.

    Args:
        size: How many there are.
        end_ms: When the last of them was made, milliseconds since 1970.
    """

    size: int
    end_ms: int

    @property
    def span_ms(self) -> int:
        """Over how long a time they were made, in milliseconds."""
        return min(max(self.size // _RECEIPTS_A_MONTH, 1), _MONTHS_MAX) * 30 * _DAY_MS

    @property
    def begins_ms(self) -> int:
        """When the oldest of them was made, milliseconds since 1970."""
        return self.end_ms - self.span_ms

    def at_ms(self, number: int) -> int:
        """Tell when one of them was made, milliseconds since 1970."""
        return self.begins_ms + number * self.span_ms // self.size

    def named(self, number: int) -> str:
        """Give the name of one of them; the first is 0."""
        return f"{self.at_ms(number):012x}{number * _STEP % _CHANCE:012x}"


async def fill(url: str, names: Names, say: Say = print) -> None:
    """Copy the one receipt that stands in a database, and all that belongs to it.

    Nobody else may use the database meanwhile, and nothing is safe if it is cut off.

    Args:
        url: The database.
        names: How many receipts, and how they are called.
        say: Told about each part that is done.
    """
    if url.startswith("sqlite:"):
        path = Path(unquote(url.removeprefix("sqlite:///")))
        await asyncio.to_thread(_fill_sqlite, path, names, say)
    else:
        await _fill_postgres(url, names, say)


def _copied(rows: dict[sa.Table, list[Row]]) -> tuple[str, int, list[tuple[sa.Table, Row]]]:
    """Find the rows to copy: whatever bears the one receipt's name, and one token.

    Returns:
        The receipt's name, when it was made, and the rows.
    """
    [receipt] = rows[RECEIPTS.schema]
    columns = RECEIPTS.columns
    sample, created_ms = receipt[columns.index("id")], receipt[columns.index("created_ms")]
    copied = [
        (table, row)
        for table, found in rows.items()
        for row in sorted(found, key=str)
        if any(isinstance(value, str) and sample in value for value in row)
    ]
    copied.append((TOKENS.schema, rows[TOKENS.schema][0]))
    return sample, created_ms, copied


# SQLite: the rows are made by the database itself.


def _fill_sqlite(path: Path, names: Names, say: Say) -> None:
    connection = apsw.Connection(str(path))
    # Without a log and without waiting for the disk; the gateway goes back to its own settings.
    for setting in ("journal_mode = off", "synchronous = off", "locking_mode = exclusive"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("PRAGMA cache_size = -524288")
    rows: dict[sa.Table, list[Row]] = {
        table: list(connection.execute(f'SELECT * FROM "{table.name}"'))
        for table in gateway_metadata().sorted_tables
    }
    sample, created_ms, copied = _copied(rows)
    statements = [_copying(table, row, sample, created_ms, names) for table, row in copied]
    for first in range(0, names.size, _AT_A_TIME):
        after = min(first + _AT_A_TIME, names.size)
        with connection:
            for statement in statements:
                connection.execute(statement, (first, after))
        say(f"{after:,}")
    connection.execute("PRAGMA locking_mode = normal")
    connection.execute("PRAGMA journal_mode = wal")
    connection.close()


def _copying(table: sa.Table, row: Row, sample: str, created_ms: int, names: Names) -> str:
    columns = ", ".join(f'"{column.name}"' for column in table.columns)
    values = []
    for column, value in zip(table.columns, row, strict=True):
        if table is TOKENS.schema and column.name == "id":
            # A token's name is chance alone.
            values.append(f"printf('%012x%012x', i * {_SPREAD // names.size} + 1, i * {_STEP} % {_CHANCE})")
        elif isinstance(value, str) and value == sample:
            values.append("rid")
        elif isinstance(value, str) and value.startswith(sample):
            values.append(f"rid || {_literal(value.removeprefix(sample))}")
        elif isinstance(value, str) and sample in value:
            values.append(f"replace({_literal(value)}, '{sample}', rid)")
        elif isinstance(value, int) and abs(value - created_ms) < _DAY_MS:
            values.append(f"ms + {max(value - created_ms, 0)}")
        elif table is RECEIPTS.schema and column.name == "number":
            values.append("i + 1000000")
        else:
            values.append(_literal(value))
    moment = f"({names.begins_ms} + i * {names.span_ms} / {names.size})"
    name = f"printf('%012x%012x', {moment}, i * {_STEP} % {_CHANCE})"
    return (
        "WITH RECURSIVE s(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM s WHERE i + 1 < ?2) "
        f'INSERT INTO "{table.name}" ({columns}) SELECT {", ".join(values)} '
        f"FROM (SELECT i, {moment} AS ms, {name} AS rid FROM s) n"
    )


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, bytes):
        return f"x'{value.hex()}'"
    return str(value) if isinstance(value, int) else "'" + str(value).replace("'", "''") + "'"


# PostgreSQL: the rows are sent as COPY's own text, one leaf of a table in one transaction. That transaction
# has emptied the leaf, so the rows may be written as frozen ones, and without the log where the server runs
# with wal_level=minimal.


async def _fill_postgres(url: str, names: Names, say: Say) -> None:
    connection = await asyncpg.connect(url)
    rows: dict[sa.Table, list[Row]] = {
        table: [tuple(row) for row in await connection.fetch(f'SELECT * FROM "{table.name}"')]
        for table in gateway_metadata().sorted_tables
    }
    sample, created_ms, copied = _copied(rows)
    for table in dict.fromkeys(table for table, _ in copied):
        lines = [_line(table, row, sample, created_ms) for of, row in copied if of is table]
        for leaf, first, after in _leaves(table, names):
            async with connection.transaction():
                await connection.execute(f'TRUNCATE "{leaf}"')
                await connection.copy_to_table(
                    leaf, source=_chunks(lines, names, first, after), freeze=True, format="text"
                )
        # What stood there before, and was emptied away with the leaf.
        await connection.copy_records_to_table(table.name, records=rows[table])
        say(table.name)
    await connection.close()


def _leaves(table: sa.Table, names: Names) -> Iterator[tuple[str, int, int]]:
    """Give the tables that truly hold the rows, and the numbers that belong into each."""
    if not table.info.get("partition_by_id"):
        yield table.name, 0, names.size
        return
    first = 0
    while first < names.size:
        month, _, end = month_bounds(names.at_ms(first))
        end_ms = int(end[:12], 16)
        low, high = first, names.size
        while low < high:
            middle = (low + high) // 2
            low, high = (middle + 1, high) if names.at_ms(middle) < end_ms else (low, middle)
        yield f"{table.name}_{month}", first, low
        first = low


def _line(table: sa.Table, row: Row, sample: str, created_ms: int) -> str:
    """Write a row as a line of COPY's text, with places for what differs from copy to copy."""
    cells = []
    for column, value in zip(table.columns, row, strict=True):
        if value is None:
            cells.append("\\N")
        elif table is TOKENS.schema and column.name == "id":
            cells.append("%(token)s")
        elif isinstance(value, int) and abs(value - created_ms) < _DAY_MS:
            cells.append(f"%(ms{min(max(value - created_ms, 0), 1)})d")
        elif table is RECEIPTS.schema and column.name == "number":
            cells.append("%(number)d")
        else:
            text = f"\\x{value.hex()}" if isinstance(value, bytes) else str(value)
            text = text.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
            cells.append(text.replace("%", "%%").replace(sample, "%(rid)s"))
    return "\t".join(cells) + "\n"


async def _chunks(lines: list[str], names: Names, first: int, after: int) -> AsyncIterator[bytes]:
    """Write the lines of some receipts, sorted by their names."""
    begins, span, size, spread = names.begins_ms, names.span_ms, names.size, _SPREAD // names.size
    together = "".join(lines)
    numbers = iter(range(first, after))
    while some := list(itertools.islice(numbers, _LINES_A_CHUNK)):
        written = []
        for number in some:
            at_ms = begins + number * span // size
            chance = f"{number * _STEP % _CHANCE:012x}"
            written.append(
                together
                % {
                    "rid": f"{at_ms:012x}{chance}",
                    "token": f"{number * spread + 1:012x}{chance}",
                    "ms0": at_ms,
                    "ms1": at_ms + 1,
                    "number": number + 1_000_000,
                }
            )
        yield "".join(written).encode()
