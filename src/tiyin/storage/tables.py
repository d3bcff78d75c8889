"""What storage and its callers speak of: tables, decisions, work, leases."""

import time
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import msgspec
import sqlalchemy as sa

__all__ = ["AnySelect", "Decision", "Done", "Expecting", "Lease", "Rule", "Schedule", "Table", "WorkChange"]

R = TypeVar("R", bound=msgspec.Struct)
A = TypeVar("A")


class Table(Generic[R]):
    """A table of the schema, and the struct that one of its rows is.

    A table with the column `version` is a *changing* table: its rows are changed by `Store.change`, and
    storage alone counts the version (1 for a new row). A table without it is append-only.

    Args:
        schema: Columns and indexes. Partial unique indexes are the guards that `Taken` speaks of.
        record: A struct whose fields are the columns: same names, same order. Values are int, str, bytes or
            None; records are never changed in place (`msgspec.structs.replace`).
        key: The text column that names a row; its primary key, alone.
        appends: The append-only tables in which a change of this table may write rows in the same commit.
        forgets_by: The indexed integer column by whose value old rows may be deleted (`Store.forget`); None
            for whatever must be kept, money above all.

    Raises:
        ValueError: If the struct does not match the columns, or the tables break the rules above.
    """

    def __init__(
        self,
        schema: sa.Table,
        record: type[R],
        *,
        key: str = "id",
        appends: "tuple[Table[Any], ...]" = (),
        forgets_by: str | None = None,
    ) -> None:
        self.schema = schema
        self.record = record
        self.key = key
        self.appends = appends
        self.forgets_by = forgets_by
        self.name: str = schema.name
        self.columns: tuple[str, ...] = tuple(column.name for column in schema.columns)
        if self.columns != record.__struct_fields__:
            fields = record.__struct_fields__
            raise ValueError(
                f"{record.__name__} has the fields {fields}, {self.name} the columns {self.columns}"
            )
        if [column.name for column in schema.primary_key.columns] != [key]:
            raise ValueError(f"the primary key of {self.name} must be {key!r} alone")
        if forgets_by is not None and forgets_by not in self.columns:
            raise ValueError(f"{self.name} has no column {forgets_by!r} to forget by")
        self.key_index = self.columns.index(key)
        self.version_index = self.columns.index("version") if "version" in self.columns else None
        for appended in appends:
            if appended.version_index is not None:
                raise ValueError(
                    f"{appended.name} changes: only append-only tables can be written beside {self.name}"
                )
            if appended.schema.metadata is not schema.metadata:
                raise ValueError(f"{appended.name} and {self.name} are not of one MetaData")

    def __repr__(self) -> str:
        return f"Table({self.name})"


class Schedule(msgspec.Struct, frozen=True):
    """Work that must go on: written in the same commit as the change that makes it necessary.

    Without an owner the work is due in `next_in_ms`; a lease that another driver holds is left alone, so that
    a wish can be recorded beside a running driver. If the change was made under a lease, the lease is given
    back.

    With an owner the change also takes the lease (`Store.change_and_lease` answers it): the driver that
    begins a piece of work needs no claim. Under its own lease that is a renewal. If another driver holds the
    work, no lease is given and the work is only made due.

    Args:
        key: Key of the work, as a rule the key of the row it drives.
        kind: Which driver takes it.
        next_in_ms: Due in so many milliseconds of the database's real time, at least 0. Under a lease taken
            with it the work is due when the lease ends, or then if that is later.
        owner: Name of the driver that takes the lease.
        lease_ms: How long the lease is, with an owner only.
    """

    key: str
    kind: str
    next_in_ms: int = 0
    owner: str | None = None
    lease_ms: int = 0

    def __post_init__(self) -> None:
        if self.next_in_ms < 0 or (self.lease_ms > 0) is not (self.owner is not None):
            raise ValueError("work is due now or later, and a lease has both an owner and a length")


class Done(msgspec.Struct, frozen=True):
    """The work is over: its row is deleted in the same commit as the change.

    Args:
        key: Key of the work; it is no error if there is none.
    """

    key: str


WorkChange: TypeAlias = Schedule | Done

# A query of SQLAlchemy Core, whatever it selects.
AnySelect: TypeAlias = sa.Select[*tuple[Any, ...]]


class Decision(msgspec.Struct, Generic[A], frozen=True):
    """What a rule decided: the answer, and what to write with it in one commit.

    Args:
        answer: What `Store.change` answers once everything below is durable.
        record: The row's new values; for a key that has no row yet, the row to insert. None leaves the row as
            it is. Its `version` is ignored: storage sets it.
        appends: Rows for append-only tables, each of which must be among the table's `appends`.
        work: What becomes of the work that belongs to it.
    """

    answer: A
    record: msgspec.Struct | None = None
    appends: Sequence[tuple[Table[Any], msgspec.Struct]] = ()
    work: WorkChange | None = None

    @property
    def writes(self) -> bool:
        """Whether anything is to be written at all."""
        return self.record is not None or bool(self.appends) or self.work is not None


# A rule is pure: it sees the row as it stands (None if there is none) and may be called several times for one
# change.
Rule: TypeAlias = Callable[[R | None], Decision[A]]


class Expecting(Generic[R, A]):
    """A rule with the row that its caller expects to be stored, for instance because it has just read it.

    The rule decides on that row first, and what it decides is written only if the row is still stored as
    expected: that saves a read. Otherwise the stored row is read and decided on, as for any other rule, so
    that what is expected never changes what is answered.

    Args:
        rule: The rule.
        row: The row, its version included; None for no row.
    """

    __slots__ = ("row", "rule")

    def __init__(self, rule: Rule[R, A], row: R | None) -> None:
        self.rule = rule
        self.row = row

    def __call__(self, row: R | None) -> Decision[A]:
        """Decide, as the rule does."""
        return self.rule(row)


class Lease(msgspec.Struct, frozen=True):
    """The right to drive one piece of work for a while.

    Args:
        key: Key of the work.
        kind: Which driver it is for.
        epoch: A number that no other lease on this key has ever had; each write of the driver is fenced by
            it.
        until: When it ends, in seconds of `time.monotonic` of this process, never later than the database
            thinks.
    """

    key: str
    kind: str
    epoch: int
    until: float

    def left_ms(self) -> int:
        """Tell how many whole milliseconds are left; no outside call may start that could take longer.

        Returns:
            Milliseconds, 0 when the lease is over.
        """
        return max(0, int((self.until - time.monotonic()) * 1000))
