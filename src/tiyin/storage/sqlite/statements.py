"""The few statements of a table, written once."""
# ruff: noqa: S608  # names of tables and columns are the program's own; every value is bound

from functools import cache

from tiyin.storage.tables import Table

__all__ = ["Statements", "statements_of"]

_FENCE = " AND EXISTS (SELECT 1 FROM work WHERE key = ? AND epoch = ?)"


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


class Statements:
    """A table's statements for SQLite.

    Args:
        table: The table.
    """

    def __init__(self, table: Table) -> None:  # type: ignore[type-arg]  # any record will do
        names = [_quoted(name) for name in table.columns]
        columns = ", ".join(names)
        marks = ", ".join("?" * len(names))
        name = _quoted(table.name)
        key = _quoted(table.key)
        self.read = f"SELECT {columns} FROM {name} WHERE {key} = ?"
        # The key is known to be absent, so what a conflict meets is a guard; without an error nothing needs
        # undoing.
        self.create = f"INSERT INTO {name} ({columns}) VALUES ({marks}) ON CONFLICT DO NOTHING"
        self._names = names
        self._update = f"UPDATE {name} SET "
        self._where = f" WHERE {key} = ? AND version = ?"
        self._updates: dict[tuple[bool, tuple[int, ...]], str] = {}
        self.append = f"INSERT INTO {name} ({columns}) VALUES ({marks})"

    def update(self, changed: tuple[int, ...], *, fenced: bool) -> str:
        """Write the statement that changes some columns; SQLite then leaves the indexes of the others alone.

        Args:
            changed: The columns' places.
            fenced: Whether the row changes only while a lease is good.

        Returns:
            The statement; its values are those of the columns, the key, the version before, and with a fence
            the lease's key and epoch.
        """
        text = self._updates.get((fenced, changed))
        if text is None:
            columns = ", ".join(f"{self._names[place]} = ?" for place in changed)
            fence = _FENCE if fenced else ""
            text = self._updates[(fenced, changed)] = f"{self._update}{columns}{self._where}{fence}"
        return text


@cache
def statements_of(table: Table) -> Statements:  # type: ignore[type-arg]  # any record will do
    """Find the statements of a table; tables are made once and live as long as the process.

    Args:
        table: The table.

    Returns:
        Its statements.
    """
    return Statements(table)
