"""`tiyin days list`, `close` and `reconcile`: 0 all is well, 1 something does not agree, 2 could not run."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec
import sqlalchemy as sa
from rich.table import Table

from tiyin.cli.ending import FINDINGS, out, stop
from tiyin.cli.place import database_url, open_current_store
from tiyin.gateway.acquiring.port import DayFiles, OutcomeUnknown
from tiyin.gateway.ledger.closing import Closer
from tiyin.gateway.ledger.day_files import DayFile, DayFileFinding, findings_of, reconcile_day
from tiyin.gateway.ledger.days import DAYS, DESK_DAYS, Day, DeskDay
from tiyin.gateway.ledger.reading import run_rows
from tiyin.protocol.values import format_sum
from tiyin.runtime.clock import Clock
from tiyin.storage import StorageError, Store

__all__ = ["close_days", "list_days", "open_ledger", "parse_day", "reconcile", "show_day", "write_json"]

_SHOWN_MAX: Final = 100


def parse_day(text: str, name: str) -> date:
    """Read a day, or stop with a sentence.

    Args:
        text: A day such as 2026-11-24.
        name: What the command calls it.
    """
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(f"{name} must be a day such as 2026-11-24, not {text!r}.")


def write_json(value: Any) -> None:
    """Print something for another program."""
    print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())  # noqa: T201 - the output


@asynccontextmanager
async def open_ledger(data: Path | None) -> AsyncIterator[Store]:
    """Open the gateway's database; what goes wrong in the block ends the command with a sentence.

    Args:
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
    """
    async with open_current_store(database_url(data)) as store:
        try:
            yield store
        except StorageError as error:
            stop(f"The database cannot be used now: {error}.")


def close_days(*, clock: Clock, until: str | None, data: Path | None, json: bool) -> None:
    """Close the days that are over, and say what each made due.

    Args:
        clock: Tells which days are over.
        until: The last day to close; None for all that are over.
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        json: Whether the output is for another program.
    """
    last = None if until is None else parse_day(until, "--until")

    async def close() -> tuple[list[Day], date | None]:
        async with open_ledger(data) as store:
            closer = Closer(store, clock, owner="tiyin days close")
            return await closer.close_due(last), await closer.next_due()

    closed, left = asyncio.run(close())
    if json:
        write_json({"closed": closed, "next": None if left is None else left.isoformat()})
        return
    if closed:
        out.print(_days_table(closed))
    waiting = left is not None and (last is None or left <= last)
    if waiting:
        out.print(f"{left} is being closed by another process now.", style="yellow", markup=False)
    elif not closed:
        out.print("Nothing to do: every day that is over is closed.", markup=False)


def list_days(*, data: Path | None, limit: int, json: bool) -> None:
    """List the newest closed days.

    Args:
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        limit: How many at most.
        json: Whether the output is for another program.
    """

    async def read() -> list[Day]:
        statement = sa.select(DAYS.schema).order_by(DAYS.schema.c.id.desc()).limit(limit)
        async with open_ledger(data) as store:
            return await store.query(statement, DAYS)

    days = asyncio.run(read())
    if json:
        write_json(days)
    elif days:
        out.print(_days_table(days))
    else:
        out.print("No day is closed yet. Next: tiyin days close.", markup=False)


def show_day(*, day: str, data: Path | None, json: bool) -> None:
    """Show each desk's report of a closed day.

    Args:
        day: The day.
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        json: Whether the output is for another program.
    """
    wanted = parse_day(day, "The day").isoformat()

    async def read() -> list[DeskDay] | None:
        async with open_ledger(data) as store:
            stored = await store.get(DAYS, wanted)
            if stored is None or not stored.run:
                return None
            return [desk async for desks in run_rows(store, DESK_DAYS, stored) for desk in desks]

    desks = asyncio.run(read())
    if desks is None:
        stop(f"{wanted} is not closed. Next: tiyin days close.")
    if json:
        write_json(desks)
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("desk", no_wrap=True, min_width=24)
    for title in ("payments", "gross", "commission", "refunds", "net", "before", "debt", "payout"):
        table.add_column(title, justify="right", overflow="fold")
    for desk in desks:
        sums = (desk.refunds_tiyin, desk.net_tiyin, desk.balance_tiyin)
        debt_tiyin = desk.debt_tiyin + desk.suspended_tiyin - desk.recovered_tiyin
        table.add_row(
            desk.desk_id,
            str(desk.payments),
            *(
                format_sum(amount, "en")
                for amount in (desk.gross_tiyin, desk.commission_tiyin, *sums, debt_tiyin, desk.payout_tiyin)
            ),
        )
    out.print(table)


def reconcile(*, clock: Clock, day: str, data: Path | None, json: bool) -> None:
    """Compare the acquirer's file of a day with the ledger; ends with 1 when something does not agree.

    The file is the acquirer's that `TIYIN_ACQUIRER_URL` names. Without one, and for an emulator, it is made
    of the books of test cards, which stand in the gateway's database.

    Args:
        clock: The gateway's clock.
        day: The day.
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        json: Whether the output is for another program.
    """
    wanted = parse_day(day, "The day")

    async def compare() -> tuple[DayFile, list[DayFileFinding]]:
        async with open_ledger(data) as store, _open_files(clock, store, data) as files:
            found = await reconcile_day(store, files, clock, wanted)
            return found, await findings_of(store, found, limit=_SHOWN_MAX)

    try:
        found, findings = asyncio.run(compare())
    except ValueError as error:
        stop(f"{error}.")
    except OutcomeUnknown as error:
        stop(f"The acquirer's file cannot be had now: {error}.")
    if json:
        write_json({"day": found, "findings": findings})
    else:
        _print_file(found, findings)
    if found.findings:
        raise SystemExit(FINDINGS)


@asynccontextmanager
async def _open_files(clock: Clock, store: Store, data: Path | None) -> AsyncIterator[DayFiles]:
    if data is not None:
        yield _TestFiles(store)
        return
    from tiyin.cli.acquirer_line import open_day_files  # noqa: PLC0415 - only this command speaks to it

    async with open_day_files(clock) as files:
        yield _TestFiles(store) if files is None else files


class _TestFiles:
    """The day files of the test acquirer, made of its books."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def day_lines(self, day: date, after: str, limit: int) -> Any:
        """Give a part of a day's file; see `DayFiles.day_lines`."""
        from tiyin.gateway.acquiring.day_file import day_file  # noqa: PLC0415 - only test cards need it

        return await day_file(self._store, day, after, limit)


def _days_table(days: list[Day]) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("day", no_wrap=True)
    table.add_column("state")
    for title in ("entries", "late", "payouts", "sum"):
        table.add_column(title, justify="right")
    for day in days:
        table.add_row(
            day.id,
            day.state,
            str(day.entries),
            str(day.late_entries),
            str(day.payouts),
            format_sum(day.payouts_tiyin, "en"),
        )
    return table


def _print_file(found: DayFile, findings: list[DayFileFinding]) -> None:
    sides = Table("side", "count", "sum", box=None, pad_edge=False)
    sides.columns[1].justify = sides.columns[2].justify = "right"
    sides.add_row("acquirer's file", str(found.lines), format_sum(found.lines_tiyin, "en"))
    sides.add_row("ledger", str(found.entries), format_sum(found.entries_tiyin, "en"))
    out.print(sides)
    if found.undone:
        out.print(f"{found.undone} lines were undone before anybody knew of them.", markup=False)
    if found.open:
        out.print(
            f"{found.open} near midnight: compare again when the next day's file is there.", markup=False
        )
    if not found.findings:
        out.print("AGREES: the acquirer's file and the ledger say the same.", style="green", markup=False)
        return
    table = Table("operation", "line", "what", "acquirer", "ledger", box=None, pad_edge=False)
    table.columns[3].justify = table.columns[4].justify = "right"
    for finding in findings:
        sums = (format_sum(amount, "en") for amount in (finding.there_tiyin, finding.here_tiyin))
        table.add_row(finding.key, finding.line, finding.kind, *sums, style="red")
    out.print(table)
    more = "" if len(findings) == found.findings else f" (the first {len(findings)} are shown)"
    out.print(f"DIFFERS: {found.findings} findings{more}.", style="bold red", markup=False)
