"""`tiyin business create`, `tiyin desk create`, `change` and `list`."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.table import Table

from tiyin.cli.ending import out, stop
from tiyin.cli.place import database_url, open_current_store, read_or_stop
from tiyin.gateway.desks.checks import DeskRefused
from tiyin.gateway.desks.records import AccountField, Desk, DeskKind
from tiyin.gateway.desks.service import Desks
from tiyin.gateway.settings import DeskSettings
from tiyin.gateway.vault import KeyRing, KeyRingError, Vault
from tiyin.protocol.values import LANGUAGES, Text, format_sum
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.settings import Secret
from tiyin.storage.errors import StorageError

__all__ = ["DeskOptions", "change_desk", "create_business", "create_desk", "list_desks"]

_HUNDREDTHS: Final = re.compile(r"([0-9]{1,12})(?:[.,]([0-9]{1,2}))?")


class DeskOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for of a cash desk, as it was typed; None is what was not named.

    Attributes:
        name: What payers read.
        endpoint: The merchant's Merchant API address.
        account: Fields, each `FIELD`, `FIELD=TITLE` or `FIELD=RU|UZ|EN`; an empty text is none.
        holds: Whether it may hold money on cards.
        domains: Whose pages may call ``cards.*``; an empty text is none.
        alias: A short name for addresses; an empty text is none.
        least: The smallest payment, in sums.
        most: The largest payment, in sums.
        commission: The gateway's commission, per cent.
        active: Whether it takes new payments.
    """

    name: str | None = None
    endpoint: str | None = None
    account: list[str] | None = None
    holds: bool | None = None
    domains: list[str] | None = None
    alias: str | None = None
    least: str | None = None
    most: str | None = None
    commission: str | None = None
    active: bool | None = None

    def read(self) -> dict[str, Any]:
        """Give the fields of a `Desk` that were named, or stop with a sentence."""
        given = {
            "name": self.name,
            "endpoint": self.endpoint,
            "account_fields": None
            if self.account is None
            else tuple(_field(text) for text in self.account if text),
            "holds": self.holds,
            "domains": None if self.domains is None else tuple(filter(None, self.domains)),
            "amount_tiyin_min": None if self.least is None else _hundredths("--min", self.least, "sums"),
            "amount_tiyin_max": None if self.most is None else _hundredths("--max", self.most, "sums"),
            "commission_basis_points": (
                None
                if self.commission is None
                else _hundredths("--commission", self.commission.removesuffix("%"), "per cent")
            ),
            "active": self.active,
        }
        named = {field: value for field, value in given.items() if value is not None}
        return named if self.alias is None else {**named, "alias": self.alias or None}


def create_business(*, name: str, organization: str | None, data: Path | None) -> None:
    """Make a business and print its id."""

    async def make() -> str:
        async with _open_desks(data) as desks:
            return (await desks.create_business(name=name, organization=organization)).id

    business_id = asyncio.run(make())
    out.print(f"business  {business_id}", markup=False)
    out.print(f"Next: tiyin desk create --business {business_id} --name ... --endpoint ...", markup=False)


def create_desk(  # the command's options
    *,
    business_id: str,
    name: str,
    kind: str,
    options: DeskOptions,
    data: Path | None,
) -> None:
    """Make a cash desk and print its id and keys."""
    if kind not in list(DeskKind):
        stop(f"--kind must be one of {', '.join(DeskKind)}, not {kind!r}.")
    named = options.read()

    async def make() -> tuple[str, str, str]:
        async with _open_desks(data) as desks:
            desk, key, test_key = await desks.create_desk(
                business_id=business_id, name=name, kind=DeskKind(kind), **named
            )
            return desk.id, key, test_key

    desk_id, key, test_key = asyncio.run(make())
    # A table could cut a key off at the terminal's edge; lines are never cut.
    out.print(f"desk      {desk_id}", markup=False)
    out.print(f"key       {key}", markup=False)
    out.print(f"test key  {test_key}", markup=False)
    out.print("Keep the keys now: they are shown this once.", markup=False)


def change_desk(*, desk_id: str, options: DeskOptions, data: Path | None) -> None:
    """Change a cash desk and print it as it is then."""
    named = options.read()
    if not named:
        stop("Nothing to change: name what is to be different, such as --holds or --max 5000000.")

    async def change() -> Desk:
        async with _open_desks(data) as desks:
            return await desks.change_desk(desk_id, **named)

    desk = asyncio.run(change())
    for title, value in _lines_of(desk):
        out.print(f"{title:<11} {value}", markup=False)


def _lines_of(desk: Desk) -> list[tuple[str, str]]:
    fields = [
        f"{field.name} ({' | '.join(field.title.in_language(language) for language in LANGUAGES)})"
        for field in desk.account_fields
    ]
    bounds = (desk.amount_tiyin_min, desk.amount_tiyin_max)
    percent = f"{desk.commission_basis_points / 100:.2f}".rstrip("0").rstrip(".")
    return [
        ("desk", desk.id),
        ("name", desk.name),
        ("kind", desk.kind.value),
        ("state", "active" if desk.active else "blocked"),
        ("endpoint", desk.endpoint or "none"),
        ("account", ", ".join(fields) or "any"),
        ("amount", " to ".join(format_sum(amount_tiyin, "en") for amount_tiyin in bounds)),
        ("commission", f"{percent} %"),
        ("holds", "yes" if desk.holds else "no"),
        ("alias", desk.alias or "none"),
        ("domains", ", ".join(desk.domains) or "none"),
    ]


def list_desks(*, data: Path | None) -> None:
    """List the cash desks."""

    async def read() -> Table:
        table = Table(box=None, pad_edge=False)
        # An id that is cut to fit the terminal is of no use to anybody.
        table.add_column("id", no_wrap=True, min_width=24)
        for title in ("name", "kind", "endpoint", "account", "state"):
            table.add_column(title, overflow="fold")
        async with _open_desks(data) as desks:
            for desk in await desks.desks():
                table.add_row(
                    desk.id,
                    desk.name,
                    desk.kind.value,
                    desk.endpoint or "",
                    ", ".join(field.name for field in desk.account_fields),
                    "active" if desk.active else "blocked",
                )
        return table

    table = asyncio.run(read())
    if table.row_count == 0:
        out.print("No cash desks yet. Next: tiyin business create, then tiyin desk create.", markup=False)
        return
    out.print(table)


@asynccontextmanager
async def _open_desks(data: Path | None) -> AsyncIterator[Desks]:
    """Open the desks of a gateway; what goes wrong in the block ends the command with a sentence."""
    settings = _settings(data)
    try:
        vault = Vault(KeyRing.read(settings.vault_keys.reveal()))
    except KeyRingError as error:
        stop(f"TIYIN_VAULT_KEYS cannot be used: {error}.")
    async with open_current_store(settings.database_url.reveal()) as store:
        try:
            yield Desks(store, SystemClock(), SystemIds(), vault, test=settings.test_cards)
        except DeskRefused as refused:
            stop(str(refused))
        except StorageError as error:
            stop(f"The database cannot be used now: {error}.")


def _settings(data: Path | None) -> DeskSettings:
    if data is None:
        return read_or_stop(DeskSettings)
    from tiyin.emulator.directory import Directory  # noqa: PLC0415  # a server's tool needs no emulator

    url = Secret(database_url(data))
    keys = Directory(data).read_keys()
    return DeskSettings(
        database_url=url, vault_keys=Secret("" if keys is None else keys.vault_keys), test_cards=True
    )


def _field(given: str) -> AccountField:
    name, _, title = given.partition("=")
    titles = [part.strip() for part in title.split("|")] if title else [name]
    if len(titles) == 1:
        return AccountField(name, Text.same(titles[0]))
    if len(titles) != len(LANGUAGES):
        stop(f"--account {name}: write its title once, or in three languages as RU|UZ|EN.")
    ru, uz, en = titles
    return AccountField(name, Text(ru=ru, uz=uz, en=en))


def _hundredths(option: str, text: str, unit: str) -> int:
    """Read a number with two decimals at most as hundredths: sums as tiyin, per cent as basis points."""
    match = _HUNDREDTHS.fullmatch(text.replace(" ", ""))
    if match is None or not text.isascii():
        stop(f"{option} is a number of {unit} with at most two decimals, such as 1500 or 1.5, not {text!r}.")
    return int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
