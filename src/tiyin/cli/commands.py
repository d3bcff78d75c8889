"""The commands and their options. What a command needs is imported when it runs: `--help` is quick."""
# ruff: noqa: PLC0415, FBT002  # imports stand inside, see above; typer writes a flag as a default

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["app"]

app = typer.Typer(
    help="Payme Business, whole: the gateway, a demo shop, and an emulator of both for a laptop.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
database = typer.Typer(help="The gateway's database.", no_args_is_help=True)
business = typer.Typer(help="Businesses.", no_args_is_help=True)
desk = typer.Typer(help="Cash desks.", no_args_is_help=True)
vault = typer.Typer(help="The card vault's keys.", no_args_is_help=True)
sandbox = typer.Typer(help="Prove a merchant's server right, in any language.", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(business, name="business")
app.add_typer(desk, name="desk")
app.add_typer(vault, name="vault")
app.add_typer(sandbox, name="sandbox")
snapshot = typer.Typer(help="States of an emulator, kept under a name.", no_args_is_help=True)
app.add_typer(snapshot, name="snapshot")

DataDirectory = Annotated[
    Path | None,
    typer.Option(
        "--data", help="An emulator's directory, instead of TIYIN_DATABASE_URL.", show_default=False
    ),
]
Account = Annotated[
    list[str],
    typer.Option("--account", metavar="FIELD=VALUE", help="A field of the account; may be repeated."),
]
Amount = Annotated[int, typer.Option("--amount", help="The amount, in tiyin (100 tiyin are a sum).")]
Merchant = Annotated[str, typer.Option("--merchant", help="The cash desk's id.")]
Checkout = Annotated[str, typer.Option("--checkout", help="The checkout's address.")]
Language = Annotated[str, typer.Option("--lang", help="ru, uz or en.")]
Callback = Annotated[
    str | None, typer.Option("--callback", help="Where the payer goes afterwards.", show_default=False)
]
_CHECKOUT = "http://127.0.0.1:8080"


def _version(asked: bool) -> None:  # noqa: FBT001  # how typer calls it
    if asked:
        from importlib.metadata import version

        typer.echo(f"tiyin {version('tiyin')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Payme Business, whole: the gateway, a demo shop, and an emulator of both for a laptop."""
    del version


@app.command()
def up(
    port: Annotated[int, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = 8080,
    data: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path("var/emulator"),
    reset: Annotated[bool, typer.Option("--reset", help="Forget what is kept there first.")] = False,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="Stop when the standard input ends.")
    ] = False,
) -> None:
    """Run the emulator: gateway, demo shop, inbox and clock on http://127.0.0.1:PORT."""
    from tiyin.cli.up import run

    run(port=port, data=data, reset=reset, with_parent=with_parent)


@app.command("exec", context_settings={"allow_interspersed_args": False, "ignore_unknown_options": True})
def exec_(
    command: Annotated[list[str], typer.Argument(metavar="CMD...", help="The command and its arguments.")],
    port: Annotated[int, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = 0,
) -> None:
    """Run a command beside an emulator of its own, found by TIYIN_* variables; ends with its code."""
    from tiyin.cli.exec_ import run

    run(port=port, command=command)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="Overrides TIYIN_HOST.", show_default=False)] = None,
    port: Annotated[
        int | None, typer.Option(help="Overrides TIYIN_PORT.", min=1, max=65535, show_default=False)
    ] = None,
) -> None:
    """Run the gateway alone, configured by TIYIN_* variables."""
    from tiyin.cli.serve import run

    run(host=host, port=port)


@app.command()
def verify(data: DataDirectory = None) -> None:
    """Check that receipts, ledger, work and acquirer agree: 0 they do, 1 they do not, 2 could not look."""
    from tiyin.cli.verify import run

    run(data=data)


@app.command()
def link(  # each is an option
    merchant: Merchant,
    amount: Amount,
    account: Account,
    checkout: Checkout = _CHECKOUT,
    lang: Language = "ru",
    callback: Callback = None,
) -> None:
    """Print a link that opens the payment page."""
    from tiyin.cli.links import print_link

    print_link(
        merchant=merchant, amount=amount, account=account, checkout=checkout, lang=lang, callback=callback
    )


@app.command()
def qr(  # each is an option
    merchant: Annotated[str | None, typer.Option(help="The cash desk's id.", show_default=False)] = None,
    amount: Annotated[int | None, typer.Option(help="The amount, in tiyin.", show_default=False)] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE", help="A field of the account; may be repeated.", show_default=False
        ),
    ] = None,
    checkout: Checkout = _CHECKOUT,
    lang: Language = "ru",
    callback: Callback = None,
    url: Annotated[
        str | None, typer.Option(help="A link to draw, instead of the parts above.", show_default=False)
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .svg or .png file; else the terminal.", show_default=False),
    ] = None,
) -> None:
    """Draw a payment link as a QR code: in the terminal, or into a .svg or .png file."""
    from tiyin.cli.links import draw_qr

    draw_qr(
        merchant=merchant,
        amount=amount,
        account=account or [],
        checkout=checkout,
        lang=lang,
        callback=callback,
        url=url,
        output=output,
    )


@database.command()
def upgrade(data: DataDirectory = None) -> None:
    """Bring the database up to date; run it before a new release serves."""
    from tiyin.cli.database import run_upgrade

    run_upgrade(data=data)


@business.command("create")
def create_business(
    name: Annotated[str, typer.Option(help="What payers know it by.")],
    organization: Annotated[
        str | None, typer.Option(help="The legal entity; the name if left out.", show_default=False)
    ] = None,
    data: DataDirectory = None,
) -> None:
    """Make a business and print its id."""
    from tiyin.cli.desks import create_business as run

    run(name=name, organization=organization, data=data)


@desk.command("create")
def create_desk(  # each is an option
    business_id: Annotated[str, typer.Option("--business", help="The id of the business.")],
    name: Annotated[str, typer.Option(help="What payers read.")],
    kind: Annotated[
        str, typer.Option(help="billing, no-billing, on-site, virtual-terminal or telegram.")
    ] = "billing",
    endpoint: Annotated[
        str | None, typer.Option(help="The shop's Merchant API (kind billing).", show_default=False)
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD[=TITLE]",
            help="An account field and its title; may be repeated.",
            show_default=False,
        ),
    ] = None,
    data: DataDirectory = None,
) -> None:
    """Make a cash desk and print its id and both keys: they are shown this once."""
    from tiyin.cli.desks import create_desk as run

    run(business_id=business_id, name=name, kind=kind, endpoint=endpoint, account=account or [], data=data)


@desk.command("list")
def list_desks(data: DataDirectory = None) -> None:
    """List the cash desks, without their keys."""
    from tiyin.cli.desks import list_desks as run

    run(data=data)


@vault.command("new-key")
def new_key(
    name: Annotated[str, typer.Option(help="The key's name, 1 to 16 letters, digits, _ or -.")] = "k1",
) -> None:
    """Print a new key for TIYIN_VAULT_KEYS."""
    from tiyin.cli.keys import print_new_key

    print_new_key(name)


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


@sandbox.command("run")
def run_sandbox(  # noqa: PLR0913, PLR0917 - each is an option
    endpoint: Annotated[
        str | None, typer.Option(help="The address of the Merchant API.", show_default=False)
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The sandbox key; else TIYIN_SANDBOX_KEY.", show_default=False)
    ] = None,
    account: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FIELD=VALUE",
            help="A field of an account that can be paid; may be repeated.",
            show_default=False,
        ),
    ] = None,
    amount: Annotated[
        int | None, typer.Option(help="The amount that it takes, in tiyin.", show_default=False)
    ] = None,
    login: Annotated[str, typer.Option(help="The login of the Basic authorization.")] = "Paycom",
    kind: Annotated[str, typer.Option(help="The kind of account: one-time or accumulating.")] = "one-time",
    new_account_cmd: Annotated[
        str | None,
        typer.Option(
            metavar="CMD",
            help="Makes a fresh payable account and prints its fields as JSON.",
            show_default=False,
        ),
    ] = None,
    junit: Annotated[Path | None, typer.Option(help="Write JUnit XML there.", show_default=False)] = None,
    json: Annotated[Path | None, typer.Option(help="Write JSON there.", show_default=False)] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page there.", show_default=False)] = None,
    lang: Language = "en",
    only: Annotated[
        list[str] | None,
        typer.Option(help="A check or a group, and what it needs; may be repeated.", show_default=False),
    ] = None,
    documented: Annotated[
        bool, typer.Option("--documented", help="Only the documentation's own two scenarios.")
    ] = False,
    timeout_ms: Annotated[int, typer.Option(help="How long one call may take, in milliseconds.")] = 10_000,
    change_password: Annotated[
        bool, typer.Option("--change-password", help="Also test ChangePassword; the key is put back.")
    ] = False,
    listed: Annotated[bool, typer.Option("--list", help="List the checks and stop.")] = False,
) -> None:
    """Run the checks: 0 all passed (warnings allowed), 1 something failed, 2 could not run."""
    from tiyin.cli.sandbox import Options, Reports, list_checks, run

    if listed:
        list_checks(kind=kind, lang=lang)
        return
    run(
        Options(
            endpoint=endpoint,
            key=key,
            account=account or [],
            amount=amount,
            login=login,
            kind=kind,
            new_account_cmd=new_account_cmd,
            timeout_ms=timeout_ms,
            change_password=change_password,
        ),
        Reports(junit=junit, json=json, html=html),
        lang=lang,
        only=only or [],
        documented=documented,
    )


@sandbox.command("list")
def list_sandbox_checks(
    kind: Annotated[str, typer.Option(help="The kind of account: one-time or accumulating.")] = "one-time",
    lang: Language = "en",
) -> None:
    """List the checks by group."""
    from tiyin.cli.sandbox import list_checks

    list_checks(kind=kind, lang=lang)


@app.command()
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


@app.command()
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


@app.command()
def resend(
    number: Annotated[int, typer.Argument(help="The exchange's number, as tiyin listen shows it.", min=1)],
    data: EmulatorDirectory = Path("var/emulator"),
    dev: DevAddress = None,
) -> None:
    """Send a recorded request once more, with the key that is good now."""
    from tiyin.cli.resend import run

    run(number=number, data=data, dev=dev)
