"""`tiyin business create`, `tiyin desk create`, `tiyin desk list`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.table import Table

from tiyin.cli.ending import out, stop
from tiyin.cli.place import database_url, open_current_store, read_or_stop
from tiyin.gateway.desks.checks import DeskRefused
from tiyin.gateway.desks.records import AccountField, DeskKind
from tiyin.gateway.desks.service import Desks
from tiyin.gateway.settings import DeskSettings
from tiyin.gateway.vault import KeyRing, KeyRingError, Vault
from tiyin.protocol.values import Text
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.settings import Secret
from tiyin.storage.errors import StorageError

__all__ = ["create_business", "create_desk", "list_desks"]


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
    endpoint: str | None,
    account: list[str],
    data: Path | None,
) -> None:
    """Make a cash desk and print its id and keys."""
    if kind not in list(DeskKind):
        stop(f"--kind must be one of {', '.join(DeskKind)}, not {kind!r}.")
    fields = tuple(_field(given) for given in account)

    async def make() -> tuple[str, str, str]:
        async with _open_desks(data) as desks:
            desk, key, test_key = await desks.create_desk(
                business_id=business_id,
                name=name,
                kind=DeskKind(kind),
                endpoint=endpoint,
                account_fields=fields,
            )
            return desk.id, key, test_key

    desk_id, key, test_key = asyncio.run(make())
    # A table could cut a key off at the terminal's edge; lines are never cut.
    out.print(f"desk      {desk_id}", markup=False)
    out.print(f"key       {key}", markup=False)
    out.print(f"test key  {test_key}", markup=False)
    out.print("Keep the keys now: they are shown this once.", markup=False)


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
    shown = title or name
    return AccountField(name, Text(ru=shown, uz=shown, en=shown))
