"""`tiyin payouts list`, `show`, `paid` and `returned`: what is paid to desks, and what became of it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from rich.table import Table

from tiyin.cli.days import open_ledger, parse_day, write_json
from tiyin.cli.ending import out, stop
from tiyin.gateway.ledger.days import DAYS, DESK_DAYS, DeskDay
from tiyin.gateway.ledger.payouts import STATES, Payout, PayoutRefused, Payouts
from tiyin.protocol.values import format_sum
from tiyin.runtime.clock import Clock

__all__ = ["list_payouts", "paid", "returned", "show"]

_PAGE: Final = 500


def list_payouts(
    *,
    clock: Clock,
    state: str | None,
    day: str | None,
    desk: str | None,
    data: Path | None,
    limit: int,
    json: bool,
) -> None:
    """List payouts by day and desk.

    Args:
        clock: The gateway's clock.
        state: Only those that are due, paid or returned.
        day: Only those of a day.
        desk: Only those of a desk.
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        limit: How many at most.
        json: Whether the output is for another program.
    """
    if state is not None and state not in STATES:
        stop(f"--state must be one of {', '.join(STATES)}, not {state!r}.")
    wanted = None if day is None else parse_day(day, "--day").isoformat()

    async def read() -> list[Payout]:
        found: list[Payout] = []
        async with open_ledger(data) as store:
            payouts = Payouts(store, clock)
            while len(found) < limit:
                page = await payouts.find(
                    state=state,
                    day=wanted,
                    desk_id=desk,
                    after=found[-1].id if found else "",
                    limit=min(_PAGE, limit - len(found)),
                )
                found += page
                if not page:
                    break
        return found

    found = asyncio.run(read())
    if json:
        write_json(found)
        return
    if not found:
        out.print("No payouts.", markup=False)
        return
    table = Table(box=None, pad_edge=False)
    # An id that is cut to fit the terminal is of no use to anybody.
    table.add_column("id", no_wrap=True, min_width=35)
    table.add_column("sum", justify="right", no_wrap=True)
    table.add_column("state")
    table.add_column("bank's reference", overflow="fold")
    for payout in found:
        table.add_row(payout.id, format_sum(payout.amount_tiyin, "en"), payout.state, payout.bank_reference)
    out.print(table)
    total_tiyin = sum(payout.amount_tiyin for payout in found)
    more = " The list is cut: --limit shows more." if len(found) == limit else ""
    out.print(f"{len(found)} payouts, {format_sum(total_tiyin, 'en')}.{more}", markup=False)


def show(*, clock: Clock, payout_id: str, data: Path | None, json: bool) -> None:
    """Show a payout with its desk's report of the day.

    Args:
        clock: The gateway's clock.
        payout_id: Which.
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        json: Whether the output is for another program.
    """

    async def read() -> tuple[Payout | None, DeskDay | None]:
        async with open_ledger(data) as store:
            payout = await Payouts(store, clock).get(payout_id)
            day = None if payout is None else await store.get(DAYS, payout.day)
            if payout is None or day is None:
                return payout, None
            return payout, await store.get(DESK_DAYS, f"{day.id}:{day.run}:{payout.desk_id}")

    payout, report = asyncio.run(read())
    if payout is None:
        stop(f"There is no payout {payout_id!r}: tiyin payouts list shows them.")
    if json:
        write_json({"payout": payout, "report": report})
        return
    _print(payout)
    if report is None:
        return
    out.print(f"\npayments      {report.payments}", markup=False)
    for title, amount_tiyin in (
        ("gross", report.gross_tiyin),
        ("commission", report.commission_tiyin),
        ("refunds", report.refunds_tiyin),
        ("net", report.net_tiyin),
        ("came late", report.late_tiyin),
        ("sent back", report.returned_tiyin),
        ("balance", report.balance_tiyin),
        ("debt before", report.debt_tiyin),
        ("recovered", report.recovered_tiyin),
        ("payout", report.payout_tiyin),
    ):
        out.print(f"{title:<13} {format_sum(amount_tiyin, 'en')}", markup=False)


def paid(*, clock: Clock, payout_id: str, who: str, reference: str, data: Path | None, json: bool) -> None:
    """Say that the bank has paid a payout.

    Args:
        clock: The gateway's clock.
        payout_id: Which.
        who: Who says so.
        reference: The bank's name of the payment.
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        json: Whether the output is for another program.
    """
    _say(lambda payouts: payouts.pay(payout_id, who=who, reference=reference), clock, data, json=json)


def returned(*, clock: Clock, payout_id: str, who: str, why: str, data: Path | None, json: bool) -> None:
    """Say that the bank sent a payout back.

    Args:
        clock: The gateway's clock.
        payout_id: Which.
        who: Who says so.
        why: The bank's reason.
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
        json: Whether the output is for another program.
    """
    _say(lambda payouts: payouts.give_back(payout_id, who=who, note=why), clock, data, json=json)


def _say(
    what: Callable[[Payouts], Awaitable[Payout]], clock: Clock, data: Path | None, *, json: bool
) -> None:
    async def change() -> Payout:
        async with open_ledger(data) as store:
            return await what(Payouts(store, clock))

    try:
        payout = asyncio.run(change())
    except PayoutRefused as refused:
        stop(f"{refused}.")
    if json:
        write_json(payout)
    else:
        _print(payout)


def _print(payout: Payout) -> None:
    lines = [
        ("payout", payout.id),
        ("sum", format_sum(payout.amount_tiyin, "en")),
        ("state", payout.state),
    ]
    if payout.paid_by:
        lines += [("paid, says", payout.paid_by), ("reference", payout.bank_reference)]
    if payout.returned_by:
        lines += [("returned, says", payout.returned_by), ("because", payout.return_note)]
    for title, value in lines:
        out.print(f"{title:<14} {value}", markup=False)
