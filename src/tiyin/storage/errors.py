"""What storage can answer instead of a result.

::

    StorageError
    ├── StorageUnavailable   nothing was written: full, locked, read-only, gone, overloaded, closed. Later it
    may work.
    ├── OutcomeUnknown       the connection broke at the commit and did not come back: it happened once or not
    at all.
    ├── Taken                another row already holds what a unique guard gives out once.
    ├── LeaseLost            the work belongs to another driver by now; nothing was written.
    ├── TooContended         others were faster at this key every time; nothing was written.
    └── Unstorable           the database refuses these values for ever: a broken constraint, a value out of
    bounds.
"""
# each name is what happened; "Error" behind it would say less

__all__ = [
    "LeaseLost",
    "OutcomeUnknown",
    "StorageError",
    "StorageUnavailable",
    "Taken",
    "TooContended",
    "Unstorable",
]


class StorageError(Exception):
    """Anything that storage refuses or fails at."""


class StorageUnavailable(StorageError):
    """The database cannot be written or read now; nothing was written, and a later call may succeed."""


class OutcomeUnknown(StorageError):
    """The connection was lost while a commit was under way and did not come back in time to ask.

    The change happened exactly once or not at all, and nobody can say which before the database is back:
    read, and decide again.
    """


class Taken(StorageError):
    """A unique guard other than the row's own key is held by another row; nothing was written.

    Args:
        table: Name of the table whose guard it is.
        key: Key of the row that was refused.
    """

    def __init__(self, table: str, key: str) -> None:
        super().__init__(
            f"a row of {table} that would stand at {key!r} met a unique index that another row holds"
        )
        self.table = table
        self.key = key


class LeaseLost(StorageError):
    """The work is not held by this lease any more; nothing was written.

    Args:
        key: Key of the work.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"the lease on {key!r} is over: another driver holds the work, or it is done")
        self.key = key


class TooContended(StorageError):
    """Every try to change the key was overtaken by another process; nothing was written.

    Args:
        table: Name of the table.
        key: Key of the row.
    """

    def __init__(self, table: str, key: str) -> None:
        super().__init__(f"the row of {table} at {key!r} kept changing under every try")
        self.table = table
        self.key = key


class Unstorable(StorageError):
    """The database refuses the values themselves: trying again will not help; nothing was written."""
