"""The acquirer's file of a day, line by line against the ledger's "taken" and "returned".

    missing-here    the acquirer moved money that the ledger does not know of
    missing-there   the ledger booked money that the acquirer's file does not have
    other-amount    both have it, with different amounts
    twice           the file has the same operation more than once

The lines are first stored (the file is kept, and memory stays bounded by a page), then compared in both
directions by their keys. Which day a side counts an operation to does not matter for it to be found: an
answer that was lost is booked when it became known. What the ledger has within ten minutes of the next
midnight and no file has yet is *open*: the clocks differ, and the next day's file will have it.

A debit that was given back before anybody knew of it (an outcome that stayed unknown) has no entry and two
lines, which undo each other: no finding. Comparing a day again reads the file again and replaces the result.
"""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from datetime import date
from typing import Final, Literal

import msgspec
import sqlalchemy as sa
from msgspec.structs import replace

from tiyin.gateway.acquiring.port import DayFiles, DayLine
from tiyin.gateway.ledger.calendar import day_span, next_day
from tiyin.gateway.ledger.entries import ENTRIES, Entry
from tiyin.gateway.ledger.reading import day_entries
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.runtime.clock import Clock
from tiyin.runtime.ids import ID_LENGTH
from tiyin.storage import INTEGER, TEXT, Decision, Store, Table, define, version_column

__all__ = [
    "DAY_FILES",
    "DAY_FILE_FINDINGS",
    "DAY_FILE_LINES",
    "EDGE_MS",
    "DayFile",
    "DayFileFinding",
    "findings_of",
    "reconcile_day",
]

EDGE_MS: Final = 10 * 60 * 1000
"""How far the acquirer's clock may be from the gateway's."""

_PAGE: Final = 1_000
_ATTEMPTS_MAX: Final = 64
_LINE_OF: Final = {"taken": "debit", "returned": "reversal"}
_ENTRY_OF: Final = {line: entry for entry, line in _LINE_OF.items()}
_OPPOSITE: Final = {"debit": "reversal", "reversal": "debit"}

Kind = Literal["missing-here", "missing-there", "other-amount", "twice"]


class DayFile(msgspec.Struct, frozen=True):
    """What came out of comparing a day.

    Attributes:
        id: The day, "2026-11-24".
        run: Which comparison of this day it is, from 1; its findings have it in their keys.
        state: "reading" until the comparison is done, then "done".
        lines: How many lines the file has.
        lines_tiyin: Debits less reversals of the file.
        entries: How many entries of the day were compared.
        entries_tiyin: Taken less returned in the ledger.
        findings: How much does not agree.
        open: How many entries near midnight wait for the next day's file.
        undone: How many lines undo each other and were never booked.
        at_ms: When it was compared.
        version: Counted by storage.
    """

    id: str
    run: int
    state: str
    lines: int = 0
    lines_tiyin: int = 0
    entries: int = 0
    entries_tiyin: int = 0
    findings: int = 0
    open: int = 0
    undone: int = 0
    at_ms: int = 0
    version: int = 1


class DayFileLine(msgspec.Struct, frozen=True):
    """A line as the acquirer gave it.

    Attributes:
        id: "<key> <kind> <day>/<run>"; the key begins with the receipt's id.
        count: How many times the file has it.
        amount_tiyin: How much.
        at_ms: When the acquirer says that it moved.
        terminal: On which terminal.
    """

    id: str
    count: int
    amount_tiyin: int
    at_ms: int
    terminal: str


class DayFileFinding(msgspec.Struct, frozen=True):
    """Something that does not agree.

    Attributes:
        id: "<day>/<run> <key> <line's kind> <kind>".
        kind: "missing-here", "missing-there", "other-amount" or "twice".
        key: The operation's key, or the receipt's id where no operation is known.
        line: "debit" or "reversal".
        there_tiyin: What the acquirer says, 0 for nothing.
        here_tiyin: What the ledger says, 0 for nothing.
    """

    id: str
    kind: str
    key: str
    line: str
    there_tiyin: int
    here_tiyin: int


DAY_FILE_LINES: Final = Table(
    define(
        "acquirer_day_lines",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("count", INTEGER, nullable=False),
        sa.Column("amount_tiyin", INTEGER, nullable=False),
        sa.Column("at_ms", INTEGER, nullable=False),
        sa.Column("terminal", TEXT, nullable=False),
        grows=True,
    ),
    DayFileLine,
)

DAY_FILE_FINDINGS: Final = Table(
    define(
        "acquirer_day_findings",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("kind", TEXT, nullable=False),
        sa.Column("key", TEXT, nullable=False),
        sa.Column("line", TEXT, nullable=False),
        sa.Column("there_tiyin", INTEGER, nullable=False),
        sa.Column("here_tiyin", INTEGER, nullable=False),
    ),
    DayFileFinding,
)

DAY_FILES: Final = Table(
    define(
        "acquirer_day_files",
        metadata,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("run", INTEGER, nullable=False),
        sa.Column("state", TEXT, nullable=False),
        *(
            sa.Column(name, INTEGER, nullable=False)
            for name in (
                "lines",
                "lines_tiyin",
                "entries",
                "entries_tiyin",
                "findings",
                "open",
                "undone",
                "at_ms",
            )
        ),
        version_column(),
    ),
    DayFile,
)


async def reconcile_day(
    store: Store, files: DayFiles, clock: Clock, day: date, *, page: int = _PAGE
) -> DayFile:
    """Compare the acquirer's file of a day with the ledger, and store the result.

    Args:
        store: The gateway's store.
        files: The acquirer.
        clock: The gateway's clock.
        day: A day that is over.
        page: How many lines or entries are read at a time.

    Returns:
        The result; `findings_of` reads what does not agree.

    Raises:
        OutcomeUnknown: When the acquirer did not answer.
        ValueError: If the day is not over yet.
    """
    if day_span(day)[1] >= clock.now_ms():
        raise ValueError(f"{day.isoformat()} is not over yet")
    day_id = day.isoformat()

    def begin(stored: DayFile | None) -> Decision[DayFile]:
        run = 1 if stored is None else stored.run + 1
        version = 1 if stored is None else stored.version + 1
        new = DayFile(day_id, run, "reading", version=version)
        return Decision(new, new)

    begun = await store.change(DAY_FILES, day_id, begin)
    found = await _Comparison(store, files, day, begun.run, page).compare()
    done = replace(found, at_ms=clock.now_ms())

    def end(stored: DayFile | None) -> Decision[DayFile]:
        if stored is None or stored.run != done.run:
            # Somebody compares this day again, and later.
            return Decision(done)
        return Decision(done, done)

    return await store.change(DAY_FILES, day_id, end)


async def findings_of(
    store: Store, found: DayFile, *, after: str = "", limit: int = 100
) -> list[DayFileFinding]:
    """Read what does not agree.

    Args:
        store: The gateway's store.
        found: The result.
        after: The id of the last finding that the caller has.
        limit: How many at most.
    """
    key = DAY_FILE_FINDINGS.schema.c.id
    prefix = f"{found.id}/{found.run} "
    low = max(after, prefix)
    statement = sa.select(DAY_FILE_FINDINGS.schema).where(key > low, key < prefix[:-1] + "!")
    return await store.query(statement.order_by(key).limit(limit), DAY_FILE_FINDINGS)


class _Comparison:
    """One comparison of one day."""

    def __init__(self, store: Store, files: DayFiles, day: date, run: int, page: int) -> None:
        self._store = store
        self._files = files
        self._day = day
        self._page = page
        self._name = f"{day.isoformat()}/{run}"
        self._found = DayFile(day.isoformat(), run, "done")

    async def compare(self) -> DayFile:
        """Store the file, then compare in both directions."""
        async for lines in self._read():
            await self._keep(lines)
            await self._known_here(lines)
        async for entries in day_entries(self._store, self._day, self._page):
            await self._known_there([entry for entry in entries if entry.what in _LINE_OF])
        return self._found

    async def _read(self) -> AsyncIterator[list[DayLine]]:
        """Read the file; lines of one operation and kind come together."""
        after = ""
        limit = self._page
        while True:
            lines = await self._files.day_lines(self._day, after, limit)
            last = len(lines) < limit
            # The last operation may go on behind the page's end: it is read again with the next page.
            whole = lines if last else [line for line in lines if _name(line) != _name(lines[-1])]
            if lines and not whole:
                limit *= 2
                continue
            if whole:
                yield whole
                after, limit = _name(whole[-1]), self._page
            if last:
                return

    async def _keep(self, lines: Sequence[DayLine]) -> None:
        """Store lines, each operation and kind once with how often it is there."""
        times = Counter(_name(line) for line in lines)
        rows = {
            _name(line): DayFileLine(
                f"{_name(line)} {self._name}",
                times[_name(line)],
                line.amount_tiyin,
                line.at_ms,
                line.terminal,
            )
            for line in lines
        }
        await self._store.append(DAY_FILE_LINES, list(rows.values()))
        sign = {"debit": 1, "reversal": -1}
        self._add(
            lines=len(lines), lines_tiyin=sum(sign.get(line.kind, 0) * line.amount_tiyin for line in lines)
        )

    async def _known_here(self, lines: Sequence[DayLine]) -> None:
        """Find lines that the ledger does not have, or has otherwise."""
        keys = {line.key for line in lines}
        wanted = {_entry_id(key, kind) for key in keys for kind in _OPPOSITE}
        entries = await self._store.get_many(
            ENTRIES, wanted | {_entry_id(line.key, line.kind) for line in lines}
        )
        receipts = await self._store.get_many(RECEIPTS, {line.key[:ID_LENGTH] for line in lines})
        findings = []
        times = Counter(_name(line) for line in lines)
        for line in {_name(line): line for line in lines}.values():
            receipt = receipts.get(line.key[:ID_LENGTH])
            own = receipt is not None and receipt.attempt_key == line.key
            entry = entries.get(_entry_id(line.key, line.kind)) if own else None
            booked = any(_entry_id(line.key, kind) in entries for kind in _OPPOSITE)
            if times[_name(line)] > 1:
                here_tiyin = 0 if entry is None else entry.amount_tiyin
                there_tiyin = times[_name(line)] * line.amount_tiyin
                findings.append(self._finding("twice", line.key, line.kind, there_tiyin, here_tiyin))
            elif entry is None and not (own and booked) and await self._undone(line):
                self._add(undone=1)
            elif entry is None:
                findings.append(self._finding("missing-here", line.key, line.kind, line.amount_tiyin, 0))
            elif entry.amount_tiyin != line.amount_tiyin:
                findings.append(
                    self._finding("other-amount", line.key, line.kind, line.amount_tiyin, entry.amount_tiyin)
                )
        await self._store.append(DAY_FILE_FINDINGS, findings)
        self._add(findings=len(findings))

    async def _known_there(self, entries: Sequence[Entry]) -> None:
        """Find entries that no line speaks of."""
        receipts = await self._store.get_many(RECEIPTS, {entry.receipt_id for entry in entries})
        wanted: dict[str, Entry] = {}
        for entry in entries:
            receipt = receipts.get(entry.receipt_id)
            key = None if receipt is None else receipt.attempt_key
            wanted[f"{key or entry.receipt_id} {_LINE_OF[entry.what]}"] = entry
        lines = await self._store.get_many(DAY_FILE_LINES, {f"{name} {self._name}" for name in wanted})
        findings = []
        for name, entry in wanted.items():
            if f"{name} {self._name}" in lines or await self._elsewhere(name, entry):
                continue
            if self._near_midnight(entry):
                self._add(open=1)
                continue
            key, _, kind = name.partition(" ")
            findings.append(self._finding("missing-there", key, kind, 0, entry.amount_tiyin))
        await self._store.append(DAY_FILE_FINDINGS, findings)
        sign = {"taken": 1, "returned": -1}
        self._add(
            findings=len(findings),
            entries=len(entries),
            entries_tiyin=sum(sign[entry.what] * entry.amount_tiyin for entry in entries),
        )

    def _near_midnight(self, entry: Entry) -> bool:
        return day_span(self._day)[1] - entry.at_ms <= EDGE_MS

    async def _elsewhere(self, name: str, entry: Entry) -> bool:
        """Tell whether another day's file has the operation: one that was stored, or a neighbour's."""
        key = DAY_FILE_LINES.schema.c.id
        statement = sa.select(key).where(key > f"{name} ", key < f"{name}!").limit(1)
        if await self._store.query(statement):
            return True
        # What was booked late was moved before: yesterday's file may have it, and not be stored.
        neighbours = [next_day(self._day, -1)]
        if self._near_midnight(entry):
            neighbours.append(next_day(self._day))
        for day in neighbours:
            if await self._line_of(day, name) is not None:
                return True
        return False

    async def _undone(self, line: DayLine) -> bool:
        """Tell whether a line that nobody booked is undone by another of the same operation."""
        if line.kind not in _OPPOSITE:
            return False
        opposite = f"{line.key} {_OPPOSITE[line.kind]}"
        neighbour = next_day(self._day, 1 if line.kind == "debit" else -1)
        for day in (self._day, neighbour):
            found = await self._line_of(day, opposite)
            if found is not None and found.amount_tiyin == line.amount_tiyin:
                return True
        return False

    async def _line_of(self, day: date, name: str) -> DayLine | None:
        """Ask the acquirer for one line of a day, from behind where the operation's key would begin."""
        key, _, _kind = name.rpartition(" ")
        for line in await self._files.day_lines(day, f"{key[:-1]} reversal", _ATTEMPTS_MAX):
            if _name(line) == name:
                return line
        return None

    def _finding(self, kind: Kind, key: str, line: str, there_tiyin: int, here_tiyin: int) -> DayFileFinding:
        return DayFileFinding(f"{self._name} {key} {line} {kind}", kind, key, line, there_tiyin, here_tiyin)

    def _add(self, **counts: int) -> None:
        self._found = replace(
            self._found, **{name: getattr(self._found, name) + count for name, count in counts.items()}
        )


def _name(line: DayLine) -> str:
    return f"{line.key} {line.kind}"


def _entry_id(key: str, kind: str) -> str:
    return f"{key[:ID_LENGTH]}:{_ENTRY_OF.get(kind, kind)}"
