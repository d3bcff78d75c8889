"""The commands of businesses and cash desks; what a command needs is imported when it runs."""
# ruff: noqa: PLC0415  # imports stand inside, see above

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["business", "desk"]

business = typer.Typer(help="Businesses.", no_args_is_help=True)
desk = typer.Typer(help="Cash desks.", no_args_is_help=True)

Data = Annotated[
    Path | None,
    typer.Option(
        "--data", help="An emulator's directory, instead of TIYIN_DATABASE_URL.", show_default=False
    ),
]
Endpoint = Annotated[
    str | None, typer.Option(help="The shop's Merchant API (kind billing).", show_default=False)
]
Account = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FIELD[=TITLE]",
        help="An account field and its title, in one language or as RU|UZ|EN; may be repeated.",
        show_default=False,
    ),
]
Holds = Annotated[
    bool | None,
    typer.Option("--holds/--no-holds", help="Whether it may hold money on cards.", show_default=False),
]
Domain = Annotated[
    list[str] | None,
    typer.Option(
        metavar="HOST",
        help="Whose pages may call cards.*, like shop.uz; may be repeated; an empty one is none.",
        show_default=False,
    ),
]
Alias = Annotated[
    str | None,
    typer.Option(help="A short name for addresses; an empty one is none.", show_default=False),
]
Least = Annotated[
    str | None,
    typer.Option("--min", metavar="SUM", help="The smallest payment, in sums.", show_default=False),
]
Most = Annotated[
    str | None, typer.Option("--max", metavar="SUM", help="The largest payment, in sums.", show_default=False)
]
Commission = Annotated[
    str | None, typer.Option(metavar="PERCENT", help="The gateway's commission.", show_default=False)
]


@business.command("create")
def create_business(
    name: Annotated[str, typer.Option(help="What payers know it by.")],
    organization: Annotated[
        str | None, typer.Option(help="The legal entity; the name if left out.", show_default=False)
    ] = None,
    data: Data = None,
) -> None:
    """Make a business and print its id."""
    from tiyin.cli.desks import create_business as run

    run(name=name, organization=organization, data=data)


@desk.command("create")
def create_desk(  # noqa: PLR0913, PLR0917 - each is an option
    business_id: Annotated[str, typer.Option("--business", help="The id of the business.")],
    name: Annotated[str, typer.Option(help="What payers read.")],
    kind: Annotated[
        str, typer.Option(help="billing, no-billing, on-site, virtual-terminal or telegram.")
    ] = "billing",
    endpoint: Endpoint = None,
    account: Account = None,
    holds: Holds = None,
    domain: Domain = None,
    alias: Alias = None,
    least: Least = None,
    most: Most = None,
    commission: Commission = None,
    data: Data = None,
) -> None:
    """Make a cash desk and print its id and both keys: they are shown this once."""
    from tiyin.cli.desks import DeskOptions
    from tiyin.cli.desks import create_desk as run

    options = DeskOptions(
        endpoint=endpoint,
        account=account,
        holds=holds,
        domains=domain,
        alias=alias,
        least=least,
        most=most,
        commission=commission,
    )
    run(business_id=business_id, name=name, kind=kind, options=options, data=data)


@desk.command("change")
def change_desk(  # noqa: PLR0913, PLR0917 - each is an option
    desk_id: Annotated[str, typer.Argument(metavar="DESK", help="The cash desk's id.")],
    name: Annotated[str | None, typer.Option(help="What payers read.", show_default=False)] = None,
    endpoint: Endpoint = None,
    account: Account = None,
    holds: Holds = None,
    domain: Domain = None,
    alias: Alias = None,
    least: Least = None,
    most: Most = None,
    commission: Commission = None,
    active: Annotated[
        bool | None,
        typer.Option("--active/--blocked", help="Whether it takes new payments.", show_default=False),
    ] = None,
    data: Data = None,
) -> None:
    """Change a cash desk: only what is named; --account and --domain replace what was there."""
    from tiyin.cli.desks import DeskOptions
    from tiyin.cli.desks import change_desk as run

    options = DeskOptions(
        name=name,
        endpoint=endpoint,
        account=account,
        holds=holds,
        domains=domain,
        alias=alias,
        least=least,
        most=most,
        commission=commission,
        active=active,
    )
    run(desk_id=desk_id, options=options, data=data)


@desk.command("list")
def list_desks(data: Data = None) -> None:
    """List the cash desks, without their keys."""
    from tiyin.cli.desks import list_desks as run

    run(data=data)
