"""The commands of the ledger's days and payouts; what a command needs is imported when it runs."""
# ruff: noqa: PLC0415, FBT002  # imports stand inside, see above; typer writes a flag as a default

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["days", "payouts"]

days = typer.Typer(
    help="The ledger's days: closing them, and the acquirer's file of each.", no_args_is_help=True
)
payouts = typer.Typer(help="What is paid to cash desks for closed days.", no_args_is_help=True)

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="An emulator's directory, instead of TIYIN_DATABASE_URL.", show_default=False
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]
Who = Annotated[str, typer.Option("--who", help="Who says so; it is kept.")]
PayoutId = Annotated[str, typer.Argument(help="The payout's id, as `tiyin payouts list` shows it.")]
Day = Annotated[str, typer.Argument(help="A day of Tashkent, such as 2026-11-24.")]
Limit = Annotated[int, typer.Option("--limit", min=1, max=100_000, help="How many at most.")]


@days.command("list")
def list_days(limit: Limit = 31, data: Data = None, json: Json = False) -> None:
    """List the newest closed days."""
    from tiyin.cli.days import list_days as run

    run(data=data, limit=limit, json=json)


@days.command("show")
def show_day(day: Day, data: Data = None, json: Json = False) -> None:
    """Show each cash desk's report of a closed day."""
    from tiyin.cli.days import show_day as run

    run(day=day, data=data, json=json)


@days.command("close")
def close(
    until: Annotated[
        str | None,
        typer.Option(help="The last day to close; every day that is over by default.", show_default=False),
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Close the days that are over and book what is due to cash desks; a gateway does it by itself."""
    from tiyin.cli.days import close_days
    from tiyin.runtime.clock import SystemClock

    close_days(clock=SystemClock(), until=until, data=data, json=json)


@days.command("reconcile")
def reconcile(day: Day, data: Data = None, json: Json = False) -> None:
    """Compare the acquirer's file of a day with the ledger: 0 they agree, 1 they do not, 2 could not."""
    from tiyin.cli.days import reconcile as run
    from tiyin.runtime.clock import SystemClock

    run(clock=SystemClock(), day=day, data=data, json=json)


@payouts.command("list")
def list_payouts(
    state: Annotated[str | None, typer.Option(help="due, paid or returned.", show_default=False)] = None,
    day: Annotated[str | None, typer.Option(help="Only those of a day.", show_default=False)] = None,
    desk: Annotated[str | None, typer.Option(help="Only those of a cash desk.", show_default=False)] = None,
    limit: Limit = 100,
    data: Data = None,
    json: Json = False,
) -> None:
    """List payouts by day and cash desk."""
    from tiyin.cli.payouts import list_payouts as run
    from tiyin.runtime.clock import SystemClock

    run(clock=SystemClock(), state=state, day=day, desk=desk, data=data, limit=limit, json=json)


@payouts.command("show")
def show(payout: PayoutId, data: Data = None, json: Json = False) -> None:
    """Show a payout with its cash desk's report of the day."""
    from tiyin.cli.payouts import show as run
    from tiyin.runtime.clock import SystemClock

    run(clock=SystemClock(), payout_id=payout, data=data, json=json)


@payouts.command("paid")
def paid(
    payout: PayoutId,
    who: Who,
    reference: Annotated[str, typer.Option(help="The bank's name of the payment.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Say that the bank has paid a payout."""
    from tiyin.cli.payouts import paid as run
    from tiyin.runtime.clock import SystemClock

    run(clock=SystemClock(), payout_id=payout, who=who, reference=reference, data=data, json=json)


@payouts.command("returned")
def returned(
    payout: PayoutId,
    who: Who,
    why: Annotated[str, typer.Option(help="The bank's reason.")],
    data: Data = None,
    json: Json = False,
) -> None:
    """Say that the bank sent a payout back: it is owed to the desk again and part of its next payout."""
    from tiyin.cli.payouts import returned as run
    from tiyin.runtime.clock import SystemClock

    run(clock=SystemClock(), payout_id=payout, who=who, why=why, data=data, json=json)
