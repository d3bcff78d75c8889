"""The commands about receipts; what a command needs is imported when it runs."""
# ruff: noqa: PLC0415, FBT002  # imports stand inside, see above; typer writes a flag as a default

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["receipts"]

receipts = typer.Typer(help="Receipts: what waits for a person, and what he may do.", no_args_is_help=True)

DataDirectory = Annotated[
    Path | None,
    typer.Option(
        "--data", help="An emulator's directory, instead of TIYIN_DATABASE_URL.", show_default=False
    ),
]
ReceiptId = Annotated[str, typer.Argument(metavar="ID", help="The receipt's id.")]
Who = Annotated[str, typer.Option(help="Who decides it; kept with the receipt.")]
Why = Annotated[str, typer.Option(help="For what reason; kept with the receipt.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@receipts.command("paused")
def paused(data: DataDirectory = None, as_json: Json = False) -> None:
    """List the receipts in state 20: they wait for a person."""
    from tiyin.cli.receipts import list_paused

    list_paused(as_json=as_json, data=data)


@receipts.command("show")
def show(receipt_id: ReceiptId, data: DataDirectory = None, as_json: Json = False) -> None:
    """Tell everything that is known of a receipt: its way, what failed, what was booked, who did what."""
    from tiyin.cli.receipts import show as run

    run(receipt_id, as_json=as_json, data=data)


@receipts.command("resume")
def resume(receipt_id: ReceiptId, who: Who, why: Why, data: DataDirectory = None) -> None:
    """Let a receipt in state 20 go on where it was paused."""
    from tiyin.cli.receipts import resume as run

    run(receipt_id, who=who, why=why, data=data)


@receipts.command("cancel")
def cancel(
    receipt_id: ReceiptId,
    who: Who,
    why: Why,
    override: Annotated[
        bool,
        typer.Option("--override", help="Give the money back without the merchant's word (state 20 only)."),
    ] = False,
    data: DataDirectory = None,
) -> None:
    """Cancel a receipt; the merchant's billing cancels first, then the money goes back."""
    from tiyin.cli.receipts import cancel as run

    run(receipt_id, who=who, why=why, override=override, data=data)
