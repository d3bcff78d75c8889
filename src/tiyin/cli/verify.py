"""`tiyin verify`: does everything agree? Exit code 0 for yes, 1 for no, 2 when nobody could look."""

import asyncio
from pathlib import Path
from typing import Final

from rich.table import Table

from tiyin.cli.ending import FINDINGS, out, stop
from tiyin.cli.place import database_url, open_current_store
from tiyin.gateway.verify import VerifyReport, verify
from tiyin.protocol.values import format_sum
from tiyin.storage.errors import StorageError

__all__ = ["print_report", "run"]

_SHOWN_MAX: Final = 100


def run(*, data: Path | None) -> None:
    """Look, print what was found, and end with the code.

    Args:
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
    """
    url = database_url(data)

    async def look() -> VerifyReport:
        async with open_current_store(url) as store:
            return await verify(store)

    try:
        report = asyncio.run(look())
    except StorageError as error:
        stop(f"The database cannot be read now: {error}.")
    print_report(report)
    if not report.clean:
        raise SystemExit(FINDINGS)


def print_report(report: VerifyReport) -> None:
    """Print a report so that it also reads without colour.

    Args:
        report: What was found.
    """
    totals = report.totals
    sums = Table("money", "sum", box=None, pad_edge=False)
    sums.columns[1].justify = "right"
    for title, amount_tiyin in (
        ("taken from cards", totals.taken),
        ("given back to cards", totals.returned),
        ("owed to cash desks", totals.owed),
        ("commission", totals.commission),
        ("in flight", totals.in_flight),
        ("on its way back", totals.on_its_way_back),
        ("on its way to cash desks", totals.payouts_due),
        ("paid to cash desks", totals.paid_out),
        ("owed by cash desks", totals.suspense),
        ("held on cards", totals.pending),
    ):
        sums.add_row(title, format_sum(amount_tiyin, "en"))
    out.print(sums)
    out.print(
        f"\nRead {report.receipts} receipts, {report.entries} entries, "
        f"{report.operations} of the acquirer's operations, {report.days} closed days "
        f"and {report.payouts} payouts.",
        markup=False,
    )
    if report.late:
        out.print(f"{report.late} entries of closed days wait for the next close.", markup=False)
    if not report.books_compared:
        out.print("The acquirer's books were not there to be compared.", markup=False)
    if report.clean:
        out.print(
            "CLEAN: receipts, work, ledger, days, payouts and acquirer agree.", style="green", markup=False
        )
        return
    found = Table("receipt or day", "what does not agree", box=None, pad_edge=False)
    for finding in report.findings[:_SHOWN_MAX]:
        found.add_row(finding.receipt_id, finding.what, style="red")
    out.print(found)
    shown = min(len(report.findings), _SHOWN_MAX)
    more = "" if shown == report.findings_count else f" (the first {shown} are shown)"
    out.print(
        f"NOT CLEAN: {report.findings_count} findings{more}. "
        "Stop payouts, keep a copy of the database, and look.",
        style="bold red",
        markup=False,
    )
