"""Commands to a running emulator, and their options."""
# ruff: noqa: PLC0415, FBT002  # imports stand inside, so that `--help` is quick; typer writes a flag as a default

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["emulator"]

emulator = typer.Typer()
snapshot = typer.Typer(help="States of an emulator, kept under a name.", no_args_is_help=True)
emulator.add_typer(snapshot, name="snapshot")

SnapshotName = Annotated[str, typer.Argument(help="Small letters, digits, - and _.")]
EmulatorDirectory = Annotated[Path, typer.Option("--data", help="The emulator's directory.")]
DevAddress = Annotated[
    str | None,
    typer.Option("--dev", help="A running emulator's /dev, instead of --data.", show_default=False),
]


@snapshot.command("save")
def save_snapshot(
    name: SnapshotName, data: EmulatorDirectory = Path("var/emulator"), dev: DevAddress = None
) -> None:
    """Keep the whole state under a name; one of that name is replaced."""
    from tiyin.cli.snapshots import save

    save(name=name, data=data, dev=dev)


@snapshot.command("restore")
def restore_snapshot(
    name: SnapshotName, data: EmulatorDirectory = Path("var/emulator"), dev: DevAddress = None
) -> None:
    """Come back to a state that was kept; one that does not fit changes nothing."""
    from tiyin.cli.snapshots import restore

    restore(name=name, data=data, dev=dev)


@snapshot.command("list")
def list_snapshots(data: EmulatorDirectory = Path("var/emulator"), dev: DevAddress = None) -> None:
    """List what there is."""
    from tiyin.cli.snapshots import show

    show(data=data, dev=dev)


@snapshot.command("delete")
def delete_snapshot(
    name: SnapshotName, data: EmulatorDirectory = Path("var/emulator"), dev: DevAddress = None
) -> None:
    """Forget a state."""
    from tiyin.cli.snapshots import delete

    delete(name=name, data=data, dev=dev)


@emulator.command()
def listen(
    desk: Annotated[
        str | None, typer.Option(help="Only this cash desk, by id or name.", show_default=False)
    ] = None,
    method: Annotated[str | None, typer.Option(help="Only this method.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    data: EmulatorDirectory = Path("var/emulator"),
    dev: DevAddress = None,
) -> None:
    """Follow a running emulator's traffic: its calls to shops, and calls of the Subscribe API."""
    from tiyin.cli.listen import run

    run(data=data, dev=dev, desk=desk, method=method, as_json=as_json)


@emulator.command()
def trigger(  # noqa: PLR0913, PLR0917 - each is an option
    event: Annotated[
        str | None, typer.Argument(help="What shall happen; --list tells.", show_default=False)
    ] = None,
    show: Annotated[bool, typer.Option("--list", help="List the events and stop.")] = False,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE", help="A field of the account; may be repeated.", show_default=False
        ),
    ] = None,
    amount: Annotated[int | None, typer.Option(help="The amount, in tiyin.", show_default=False)] = None,
    card: Annotated[str | None, typer.Option(help="A test card's number.", show_default=False)] = None,
    expire: Annotated[str | None, typer.Option(help="Its expiry, MMYY.", show_default=False)] = None,
    params: Annotated[
        str | None,
        typer.Option(
            metavar="JSON", help="Parameters of a Merchant API call, over its own.", show_default=False
        ),
    ] = None,
    desk: Annotated[
        str | None,
        typer.Option(help="The cash desk, by id or name; the demo shop's if left out.", show_default=False),
    ] = None,
    data: EmulatorDirectory = Path("var/emulator"),
    dev: DevAddress = None,
) -> None:
    """Make an event happen in a running emulator: 0 it did, 1 it went otherwise, 2 it could not be tried."""
    from tiyin.cli.trigger import run, show_events

    if show:
        show_events()
        return
    if event is None:
        from tiyin.cli.ending import stop

        stop("EVENT is missing: tiyin trigger --list tells what can happen.")
    run(
        event=event,
        account=account or [],
        amount=amount,
        card=card,
        expire=expire,
        params=params,
        desk=desk,
        data=data,
        dev=dev,
    )


@emulator.command()
def resend(
    number: Annotated[int, typer.Argument(help="The exchange's number, as tiyin listen shows it.", min=1)],
    data: EmulatorDirectory = Path("var/emulator"),
    dev: DevAddress = None,
) -> None:
    """Send a recorded request once more, with the key that is good now."""
    from tiyin.cli.resend import run

    run(number=number, data=data, dev=dev)
