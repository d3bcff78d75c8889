"""The one statement that a batch of changes is.

Its parts, in the order in which they work on the rows:

- `c`: the changes, from one array a column; `n` is a change's number, `v` the version it was decided on, 0
  for a new row, `fk` and `fe` the work and epoch that fence it.
- `held`: rows whose version is still that one, locked. Rows that another batch holds are skipped, never
  waited for, so two batches cannot wait for each other.
- `fenced`: work rows of fenced changes whose epoch is still the lease's, locked likewise.
- `free`: changes that may be written.
- `moved`, `created`: what was updated and inserted; `done`: their numbers.
- `posted_i`: appended rows of what is done; `planned`, `ended`: work that is scheduled and over.
- `logged`: the batch's own row in `commands`, by which a lost connection can ask what became of it.

The changes are numbered in the order of their keys: what does wait (inserts that meet each other, work rows)
is met in the same order by every batch.
"""
# ruff: noqa: S608  # names of tables and columns are the program's own; every value is bound

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from tiyin.storage.postgres.arrays import array_text
from tiyin.storage.tables import Table
from tiyin.storage.work_sql import COLUMNS, POSTGRES

__all__ = [
    "ASK",
    "EPOCHS",
    "LOCK_WORK",
    "PURGE",
    "Change",
    "append_statement",
    "batch_statement",
    "lock_row",
    "read_statement",
    "read_values",
]

_astuple = msgspec.structs.astuple
_BYTES: Final = "bytea[]"
# To open every month's partition costs a statement more than its one or two rows do. Of more rows each would
# be looked for among the keys of all, which costs more than the months (measured with thirteen of them).
_BOUNDED_MAX: Final = 2
_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves this one untyped

EPOCHS = "SELECT key, epoch FROM work WHERE key = ANY($1::text[])"
LOCK_WORK = "SELECT 1 FROM work WHERE key = $1 FOR NO KEY UPDATE"
# Asked by the next connection after one was lost at a commit. If the batch's row is there, the batch was
# committed. If not, a tombstone now stands in its place: a backend that still works at the lost batch will
# fail on it. The row is written in either case, so that this commit, and with it the batch's, has reached the
# synchronous standby.
ASK = (
    "INSERT INTO commands (id, at, done) VALUES ($1, now(), NULL) "
    "ON CONFLICT (id) DO UPDATE SET at = excluded.at RETURNING done"
)
PURGE = (
    "DELETE FROM commands WHERE id IN (SELECT id FROM commands WHERE at < now() - interval '10 minutes' "
    "AND (done IS NOT NULL OR at < now() - interval '1 day') ORDER BY at LIMIT $1 FOR UPDATE SKIP LOCKED)"
)


class Change(msgspec.Struct):
    """One row's change as the statement wants it.

    Args:
        key: Key of the row.
        version: The version it was decided on, 0 for a new row.
        values: The new values, in the order of the columns.
        fence: Work key and epoch of the lease it is made under, or None.
        appends: Rows to append, by the index of the table among the table's appends.
        schedule: A row for the work table: key, kind, next_in_ms, owner, epoch, lease_ms.
        done: Key of work that is over.
    """

    key: str
    version: int
    values: tuple[Any, ...]
    fence: tuple[str, int] | None = None
    appends: list[tuple[int, tuple[Any, ...]]] = []
    schedule: tuple[str, str, int, str | None, int, int] | None = None
    done: str | None = None


def quoted(name: str) -> str:
    """Quote a name of a table or a column."""
    return '"' + name.replace('"', '""') + '"'


def array_type(column: sa.Column[Any]) -> str:
    """Name the type of the array that carries a column's values."""
    kind = column.type.dialect_impl(_DIALECT)
    if isinstance(kind, sa.String):
        return "text[]"
    if isinstance(kind, sa.Integer):
        return "bigint[]"
    if isinstance(kind, sa.LargeBinary):
        return _BYTES
    raise ValueError(f"storage keeps text, integers and bytes; {column} is none of them")


class _Arguments:
    """Numbers the statement's parameters and collects how to fill them."""

    def __init__(self) -> None:
        self.count = 0

    def next(self, kind: str) -> str:
        self.count += 1
        # Bytes alone are carried as a list, all else as the array's own text: see `arrays`.
        return f"${self.count}::{kind}" if kind in {"text", _BYTES} else f"${self.count}::text::{kind}"

    def unnest(self, alias: str, kinds: Sequence[str], names: Sequence[str]) -> str:
        return f"unnest({', '.join(self.next(kind) for kind in kinds)}) AS {alias}({', '.join(names)})"


@cache
def _text(
    table: Table[Any],
    *,
    moves: bool,
    creates: bool,
    fenced: bool,
    appended: tuple[int, ...],
    plans: bool,
    ends: bool,
    bounded: bool,
) -> str:
    """Write the statement for the parts that a batch has; few combinations occur, each is prepared once."""
    arguments = _Arguments()
    command = arguments.next("text")
    names = [quoted(column) for column in table.columns]
    name, key = quoted(table.name), quoted(table.key)
    inner = [f"c{index}" for index in range(len(names))]
    kinds = ["int[]", "text[]", "bigint[]", *(["text[]", "bigint[]"] if fenced else [])]
    kinds += [array_type(column) for column in table.schema.columns]
    fields = ["n", "k", "v", *(["fk", "fe"] if fenced else []), *inner]
    parts = [f"c AS MATERIALIZED (SELECT * FROM {arguments.unnest('c', kinds, fields)})"]
    bounds = ""
    if bounded:
        # The keys once more, and the first and the last of them: by these the server leaves out the months
        # that no row of the batch lies in.
        arguments.count += 1
        wanted, low, high = f"${arguments.count}::text[]", arguments.next("text"), arguments.next("text")
        bounds = f" AND r.{key} = ANY({wanted}) AND r.{key} >= {low} AND r.{key} <= {high}"
    ready = ["c.v = 0"] if creates else []
    if moves:
        parts.append(
            f"held AS MATERIALIZED (SELECT c.n FROM c JOIN {name} r ON r.{key} = c.k AND r.version = c.v "
            f"WHERE c.v > 0{bounds} ORDER BY c.n FOR NO KEY UPDATE OF r SKIP LOCKED)"
        )
        ready.append("c.n IN (SELECT n FROM held)")
    may = f"({' OR '.join(ready)})"
    if fenced:
        parts.append(
            "fenced AS MATERIALIZED (SELECT c.n FROM c JOIN work w ON w.key = c.fk AND w.epoch = c.fe "
            f"WHERE {may} ORDER BY c.fk, c.n FOR NO KEY UPDATE OF w SKIP LOCKED)"
        )
        may += " AND (c.fk IS NULL OR c.n IN (SELECT n FROM fenced))"
    parts.append(f"free AS MATERIALIZED (SELECT c.* FROM c WHERE {may})")
    finished = []
    if moves:
        sets = ", ".join(f"{n} = f.{i}" for n, i in zip(names, inner, strict=True) if n != key)
        parts.append(
            f"moved AS (UPDATE {name} r SET {sets} FROM free f "
            f"WHERE f.v > 0 AND r.{key} = f.k{bounds} RETURNING f.n)"
        )
        finished.append("SELECT n FROM moved")
    if creates:
        parts.append(
            f"created AS (INSERT INTO {name} ({', '.join(names)}) SELECT {', '.join(inner)} FROM free "
            f"WHERE v = 0 ORDER BY n ON CONFLICT DO NOTHING RETURNING {key} AS k)"
        )
        finished.append("SELECT c.n FROM created JOIN c USING (k)")
    parts.append(f"done AS MATERIALIZED ({' UNION ALL '.join(finished)})")
    parts += [_posted(arguments, table.appends[index], index) for index in appended]
    if plans:
        parts.append(_planned(arguments))
    if ends:
        rows = arguments.unnest("e", ["int[]", "text[]"], ["n", "k"])
        parts.append(f"ended AS (DELETE FROM work w USING {rows} JOIN done USING (n) WHERE w.key = e.k)")
    parts.append(
        f"logged AS (INSERT INTO commands (id, at, done) SELECT {command}, now(), ARRAY(SELECT n FROM done))"
    )
    if not plans:
        return f"WITH {', '.join(parts)} SELECT n, NULL::bigint AS epoch FROM done"
    answer = "SELECT n, planned.epoch FROM done LEFT JOIN s USING (n) LEFT JOIN planned ON planned.key = s.k"
    return f"WITH {', '.join(parts)} {answer}"


def _posted(arguments: _Arguments, table: Table[Any], index: int) -> str:
    inner = [f"c{number}" for number in range(len(table.columns))]
    kinds = ["int[]", *(array_type(column) for column in table.schema.columns)]
    rows = arguments.unnest("p", kinds, ["n", *inner])
    columns = ", ".join(quoted(column) for column in table.columns)
    return (
        f"posted_{index} AS (INSERT INTO {quoted(table.name)} ({columns}) "
        f"SELECT {', '.join(inner)} FROM {rows} JOIN done USING (n))"
    )


def _planned(arguments: _Arguments) -> str:
    kinds = ["int[]", "text[]", "text[]", "bigint[]", "text[]", "bigint[]", "bigint[]"]
    rows = arguments.unnest("s", kinds, ["n", "k", "kind", "next_in", "owner", "epoch", "lease"])
    values = POSTGRES.row("s.k", "s.kind", "s.next_in", "s.owner", "s.epoch", "s.lease")
    return (
        f"s AS MATERIALIZED (SELECT * FROM {rows}), planned AS (INSERT INTO work ({COLUMNS}) SELECT {values} "
        f'FROM s JOIN done USING (n) ORDER BY s.k COLLATE "C" {POSTGRES.on_conflict} RETURNING key, epoch)'
    )


def batch_statement(table: Table[Any], command: str, changes: Sequence[Change]) -> tuple[str, list[Any]]:
    """Write the statement for a batch, and the values to bind.

    Args:
        table: The table.
        command: The batch's own id.
        changes: The changes, at most one a key and one a piece of work, sorted by key; a change's number is
            its place.

    Returns:
        The statement, whose rows are the numbers of the changes that were made and the epochs of their work;
        and its values.
    """
    fenced = any(change.fence for change in changes)
    posts: dict[int, list[tuple[Any, ...]]] = {}
    plans: list[tuple[Any, ...]] = []
    ends: list[tuple[Any, ...]] = []
    rows: list[tuple[Any, ...]] = []
    for n, change in enumerate(changes):
        fence = (change.fence or (None, None)) if fenced else ()
        rows.append((n, change.key, change.version, *fence, *change.values))
        for index, values in change.appends:
            posts.setdefault(index, []).append((n, *values))
        if change.schedule is not None:
            plans.append((n, *change.schedule))
        if change.done is not None:
            ends.append((n, change.done))
    appended = tuple(sorted(posts))
    moves = any(change.version for change in changes)
    creates = not all(change.version for change in changes)
    bounded = moves and _grows(table) and len(changes) <= _BOUNDED_MAX
    text = _text(
        table,
        moves=moves,
        creates=creates,
        fenced=fenced,
        appended=appended,
        plans=bool(plans),
        ends=bool(ends),
        bounded=bounded,
    )
    bound: list[Any] = [command]
    bound += _carried(rows, table, before=5 if fenced else 3)
    if bounded:
        bound += [[change.key for change in changes], changes[0].key, changes[-1].key]
    for index in appended:
        bound += _carried(posts[index], table.appends[index], before=1)
    for part in (plans, ends):
        bound += [array_text(column) for column in zip(*part, strict=True)]
    return text, bound


def _carried(rows: Sequence[tuple[Any, ...]], table: Table[Any], *, before: int = 0) -> list[Any]:
    """Turn rows into columns, as the statement's parameters have them.

    Args:
        rows: The rows: at least one.
        table: Whose they are.
        before: How many columns stand before the table's own.
    """
    as_lists = _bytes_places(table)
    return [
        list(column) if place - before in as_lists else array_text(column)
        for place, column in enumerate(zip(*rows, strict=True))
    ]


@cache
def _bytes_places(table: Table[Any]) -> frozenset[int]:
    return frozenset(
        place for place, column in enumerate(table.schema.columns) if array_type(column) == _BYTES
    )


@cache
def _append_text(table: Table[Any]) -> str:
    arguments = _Arguments()
    command = arguments.next("text")
    names = [quoted(column) for column in table.columns]
    rows = arguments.unnest("p", [array_type(column) for column in table.schema.columns], names)
    columns = ", ".join(names)
    return (
        f"WITH posted AS (INSERT INTO {quoted(table.name)} ({columns}) SELECT {columns} FROM {rows}) "
        f"INSERT INTO commands (id, at, done) VALUES ({command}, now(), '{{}}')"
    )


def append_statement(
    table: Table[Any], command: str, records: Sequence[msgspec.Struct]
) -> tuple[str, list[Any]]:
    """Write the statement that inserts rows into an append-only table, and the values to bind.

    Args:
        table: The table.
        command: The batch's own id.
        records: The rows.

    Returns:
        The statement and its values.
    """
    return _append_text(table), [command, *_carried([_astuple(record) for record in records], table)]


@cache
def read_statement(table: Table[Any]) -> str:
    """Write the statement that reads rows by an array of keys; `read_values` gives what it binds.

    The server leaves partitions out for bounds, not for an array: without them it would look for each key in
    every month there is.
    """
    columns = ", ".join(quoted(column) for column in table.columns)
    key = quoted(table.key)
    bounds = f" AND {key} >= $2::text AND {key} <= $3::text" if _grows(table) else ""
    return f"SELECT {columns} FROM {quoted(table.name)} WHERE {key} = ANY($1::text[]){bounds}"


def read_values(table: Table[Any], keys: Sequence[str]) -> list[Any]:
    """Give the values to bind to `read_statement`.

    Args:
        table: The table.
        keys: At least one key.
    """
    return [keys, min(keys), max(keys)] if _grows(table) else [keys]


def _grows(table: Table[Any]) -> bool:
    return bool(table.schema.info.get("partition_by_id"))


@cache
def lock_row(table: Table[Any]) -> str:
    """Write the statement that waits for a row's lock."""
    return f"SELECT 1 FROM {quoted(table.name)} WHERE {quoted(table.key)} = $1 FOR NO KEY UPDATE"
