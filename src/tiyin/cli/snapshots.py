"""`tiyin snapshot save|restore|list|delete`: by `/dev` while the emulator runs, else on its directory."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.request import ProxyHandler, build_opener

from rich.table import Table

from tiyin.cli.dev_client import DevClient, DevSilent
from tiyin.cli.ending import out, stop
from tiyin.emulator.directory import Directory, DirectoryRefused
from tiyin.emulator.snapshots import SnapshotRefused, Snapshots, check_name
from tiyin.gateway.migrations import HEAD, MigrationRefused, read_revision
from tiyin.runtime.clock import SystemClock

__all__ = ["delete", "restore", "save", "show"]

_ANSWER_S: Final = 120.0


def save(*, name: str, data: Path, dev: str | None) -> None:
    """Keep the present state under a name."""
    _check(name)
    running = dev or _dev_of(data)
    if running is not None:
        _ask(running, "POST", "/snapshots", {"name": name})
    else:
        with _offline(data) as (directory, snapshots):
            if (
                asyncio.run(read_revision(directory.gateway_url)) != HEAD
                or not directory.shop_database.exists()
            ):
                stop(f"{data} holds no state of this release: start the emulator on it once.")
            now_ms = SystemClock().now_ms() + directory.read_clock_ms()
            asyncio.run(snapshots.save(name, now_ms))
    out.print(f"Kept: {name}. Next: tiyin snapshot restore {name} comes back to it.", markup=False)


def restore(*, name: str, data: Path, dev: str | None) -> None:
    """Come back to a state that was kept."""
    _check(name)
    running = dev or _dev_of(data)
    if running is not None:
        _ask(running, "POST", f"/snapshots/{name}/restore", {})
    else:
        with _offline(data) as (_, snapshots):

            async def come_back() -> None:
                await snapshots.stage(name)
                await snapshots.swap()

            asyncio.run(come_back())
    out.print(f"Everything is as it was: {name}.", markup=False)


def delete(*, name: str, data: Path, dev: str | None) -> None:
    """Forget a state."""
    _check(name)
    running = dev or _dev_of(data)
    if running is not None:
        _ask(running, "DELETE", f"/snapshots/{name}")
    else:
        with _offline(data) as (_, snapshots):
            snapshots.delete(name)
    out.print(f"Deleted: {name}.", markup=False)


def show(*, data: Path, dev: str | None) -> None:
    """List what there is."""
    running = dev or _dev_of(data)
    if running is not None:
        found: list[dict[str, Any]] = _ask(running, "GET", "/snapshots")["snapshots"]
    else:
        with _offline(data) as (_, snapshots):
            found = [
                {"name": one.name, "size_bytes": one.size_bytes, "problem": one.problem}
                for one in snapshots.all()
            ]
    if not found:
        out.print("No snapshots yet. Next: tiyin snapshot save NAME.", markup=False)
        return
    table = Table("name", "bytes", "", box=None, pad_edge=False)
    table.columns[1].justify = "right"
    for one in found:
        table.add_row(
            one["name"], str(one["size_bytes"]), f"cannot be used: {one['problem']}" if one["problem"] else ""
        )
    out.print(table)


def _dev_of(data: Path) -> str | None:
    """Give the address of the emulator that runs on a directory, or None when none does."""
    try:
        told = json.loads((data / "emulator.json").read_bytes())
        dev = str(told["dev"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    try:
        with build_opener(ProxyHandler({})).open(f"{dev}/clock", timeout=_ANSWER_S):
            return dev
    except (OSError, HTTPException, ValueError):
        # A killed emulator could not take back that it answers.
        return None


@contextmanager
def _offline(data: Path) -> Iterator[tuple[Directory, Snapshots]]:
    if not (data / "keys.json").exists():
        stop(f"{data} is not the directory of an emulator that has run: name one with --data.")
    try:
        with Directory(data) as directory:
            keys = directory.read_keys()
            assert keys is not None  # noqa: S101 - looked at above
            yield directory, Snapshots(directory, keys)
    except (DirectoryRefused, SnapshotRefused, MigrationRefused) as refused:
        stop(str(refused))
    except OSError as error:
        stop(f"{data} cannot be written ({error.strerror or error}).")


def _ask(dev: str, verb: str, path: str, content: object = None) -> Any:
    try:
        return DevClient(data=Path(), dev=dev).ask(verb, path, content)
    except DevSilent as silent:
        stop(str(silent))


def _check(name: str) -> None:
    """Refuse what can be no name, before it becomes part of an address."""
    try:
        check_name(name)
    except SnapshotRefused as refused:
        stop(str(refused))
