"""Deleting rows that are too old to be needed: never of a table that does not say so itself."""

from typing import Any

from tiyin.storage.tables import Table

__all__ = ["forget_statement"]


def forget_statement(table: Table[Any], before: str, limit: str, lock: str) -> str:
    """Write the statement that deletes the oldest rows; it returns a row for each.

    Args:
        table: The table.
        before: The parameter below which a row is too old.
        limit: The parameter of how many at most.
        lock: How the rows are locked first, where that is needed.

    Raises:
        ValueError: If the table forgets nothing.
    """
    if table.forgets_by is None:
        raise ValueError(f"{table.name} forgets nothing")
    name, key, age = f'"{table.name}"', f'"{table.key}"', f'"{table.forgets_by}"'
    # Names are the program's own; values are bound.
    oldest = f"SELECT {key} FROM {name} WHERE {age} < {before} ORDER BY {age} LIMIT {limit} {lock}"  # noqa: S608
    return f"DELETE FROM {name} WHERE {key} IN ({oldest}) RETURNING {key}"  # noqa: S608
