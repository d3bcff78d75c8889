"""`tiyin sandbox ...` and its options."""
# ruff: noqa: PLC0415, FBT002  # imports stand inside, so that `--help` is quick; typer writes a flag as a default

from pathlib import Path
from typing import Annotated

import typer

__all__ = ["sandbox"]

sandbox = typer.Typer(help="Prove a merchant's server right, in any language.", no_args_is_help=True)

Language = Annotated[str, typer.Option("--lang", help="ru, uz or en.")]


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
