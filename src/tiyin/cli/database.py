"""`tiyin db upgrade`."""

import asyncio
from pathlib import Path

from tiyin.cli.ending import out, stop
from tiyin.cli.place import database_url
from tiyin.gateway.migrations import HEAD, MigrationRefused, Upgraded, upgrade
from tiyin.runtime.clock import SystemClock

__all__ = ["run_upgrade"]


def run_upgrade(*, data: Path | None) -> None:
    """Bring the database up to date and say what was done.

    Args:
        data: An emulator's directory, or None for `TIYIN_DATABASE_URL`.
    """
    url = database_url(data)
    try:
        upgraded: Upgraded = asyncio.run(upgrade(url, SystemClock().now_ms()))
    except MigrationRefused as refused:
        stop(str(refused))
    if not upgraded.steps:
        out.print(f"Nothing to do: the database is at revision {HEAD}.", markup=False)
        return
    for step in upgraded.steps:
        out.print(f"  {step}", markup=False)
    before = "empty" if upgraded.before is None else f"at revision {upgraded.before}"
    out.print(f"Done: the database was {before} and is at revision {HEAD} now.", markup=False)
