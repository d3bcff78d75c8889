"""What both databases do with a decision before they write it."""

from typing import Any

import msgspec

from tiyin.storage.tables import Decision, Table

__all__ = ["checked_values"]

_astuple = msgspec.structs.astuple


def checked_values(
    table: Table[Any], key: str, decision: Decision[Any], row: tuple[Any, ...] | None
) -> tuple[Any, ...]:
    """Find the values a row is to have, its version counted up.

    Args:
        table: The table.
        key: Key of the row.
        decision: A decision that writes something.
        row: The row as it was read, or None.

    Returns:
        The values in the order of the columns.

    Raises:
        ValueError: If the rule broke its contract: it moved a row to another key, wrote beside a row that
            does not exist, or appended to a table that is not among the table's own.
    """
    version = table.version_index
    if version is None:
        raise ValueError(f"{table.name} is append-only: nothing in it changes")
    for appended, _ in decision.appends:
        if appended not in table.appends:
            raise ValueError(f"a change of {table.name} cannot write to {appended.name}")
    if decision.record is not None:
        values = _astuple(decision.record)
        if values[table.key_index] != key or type(decision.record) is not table.record:
            raise ValueError(f"the rule for {table.name} at {key!r} decided on another row")
    elif row is not None:
        values = row
    else:
        raise ValueError(f"{table.name} has no row at {key!r} beside which something could be written")
    return (*values[:version], 1 if row is None else row[version] + 1, *values[version + 1 :])
