"""The commands and their options. What a command needs is imported when it runs: `--help` is quick."""
# ruff: noqa: PLC0415, FBT002  # imports stand inside, see above; typer writes a flag as a default

from pathlib import Path
from typing import Annotated

import typer

from tiyin.cli.commands_desks import business, desk
from tiyin.cli.commands_emulator import emulator
from tiyin.cli.commands_ledger import days, payouts
from tiyin.cli.commands_receipts import receipts
from tiyin.cli.commands_sandbox import sandbox

__all__ = ["app"]

app = typer.Typer(
    help="Payme Business, whole: the gateway, a demo shop, and an emulator of both for a laptop.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
)
database = typer.Typer(help="The gateway's database.", no_args_is_help=True)
vault = typer.Typer(help="The card vault's keys.", no_args_is_help=True)
app.add_typer(database, name="db")
app.add_typer(business, name="business")
app.add_typer(desk, name="desk")
app.add_typer(vault, name="vault")
app.add_typer(receipts, name="receipts")
app.add_typer(days, name="days")
app.add_typer(payouts, name="payouts")
app.add_typer(sandbox, name="sandbox")
app.add_typer(emulator)

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
def acquirer(  # each is an option
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port; 0 takes any free one.", min=0, max=65535)] = 8090,
    database_url: Annotated[
        str, typer.Option("--database", help="Where its books are kept: sqlite:///... or postgresql://...")
    ] = "sqlite:///acquirer.db",
    card: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER=BALANCE",
            help="A test card and its balance in tiyin; may be repeated.",
            show_default=False,
        ),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            metavar="OPERATION:KIND[:PROBABILITY[:DELAY_MS]]",
            help="What goes wrong; may be repeated.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="What the draws of the faults depend on.")] = 1,
) -> None:
    """Run the acquirer of test cards as a process of its own; TIYIN_ACQUIRER_SECRET is its secret."""
    from tiyin.cli.acquirer import run

    run(host=host, port=port, database=database_url, cards=card or [], faults=fault or [], seed=seed)


@app.command()
def verify(data: DataDirectory = None) -> None:
    """Check that receipts, ledger, work and acquirer agree: 0 they do, 1 they do not, 2 could not look."""
    from tiyin.cli.verify import run

    run(data=data)


@app.command()
def reconcile(  # noqa: PLR0913, PLR0917  # each is an option
    orders: Annotated[
        Path | None, typer.Option(help="The shop's orders: .csv, .json or .jsonl.", show_default=False)
    ] = None,
    statement: Annotated[
        Path | None, typer.Option(help="What GetStatement answered: .json or .jsonl.", show_default=False)
    ] = None,
    receipts_file: Annotated[
        Path | None,
        typer.Option(
            "--receipts", help="What receipts.get_all answered: .json or .jsonl.", show_default=False
        ),
    ] = None,
    first: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="DAY", help="The first day, in Tashkent; else all.", show_default=False
        ),
    ] = None,
    last: Annotated[
        str | None,
        typer.Option("--to", metavar="DAY", help="The last day; else the first alone.", show_default=False),
    ] = None,
    field: Annotated[
        str | None,
        typer.Option(help="The account's field that names the order; else order_id.", show_default=False),
    ] = None,
    no_billing: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DESK", help="A desk without transactions; may be repeated.", show_default=False
        ),
    ] = None,
    fiscal: Annotated[bool, typer.Option("--fiscal", help="Tell of paid receipts without goods.")] = False,
    json: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write all of it there; - prints it.", show_default=False),
    ] = None,
    lang: Language = "ru",
) -> None:
    """Compare orders, statement and receipts: 0 they agree, 1 they differ, 2 could not look."""
    from tiyin.cli.reconcile import run

    run(
        statement=statement,
        orders=orders,
        receipts=receipts_file,
        first=first,
        last=last,
        field=field,
        no_billing=no_billing or [],
        fiscal=fiscal,
        json=json,
        lang=lang,
    )


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


@vault.command("new-key")
def new_key(
    name: Annotated[str, typer.Option(help="The key's name, 1 to 16 letters, digits, _ or -.")] = "k1",
) -> None:
    """Print a new key for TIYIN_VAULT_KEYS."""
    from tiyin.cli.keys import print_new_key

    print_new_key(name)
