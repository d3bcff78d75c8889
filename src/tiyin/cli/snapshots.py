"""`tiyin snapshot save|restore|list|delete`: by `/dev` while the emulator runs, else on its directory."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

from rich.table import Table

from tiyin.cli.ending import out, stop
from tiyin.emulator.directory import Directory, DirectoryRefused
from tiyin.emulator.snapshots import SnapshotRefused, Snapshots
from tiyin.gateway.migrations import HEAD, MigrationRefused, read_revision
from tiyin.runtime.clock import SystemClock

__all__ = ["delete", "restore", "save", "show"]

_ANSWER_S: Final = 120.0


def save(*, name: str, data: Path, dev: str | None) -> None:
    """Keep the present state under a name."""
    running = dev or _dev_of(data)
    if running is not None:
        _ask("POST", f"{running}/snapshots", {"name": name})
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
    running = dev or _dev_of(data)
    if running is not None:
        _ask("POST", f"{running}/snapshots/{quote(name, safe='')}/restore", {})
    else:
        with _offline(data) as (_, snapshots):

            async def come_back() -> None:
                await snapshots.stage(name)
                await snapshots.swap()

            asyncio.run(come_back())
    out.print(f"Everything is as it was: {name}.", markup=False)


def delete(*, name: str, data: Path, dev: str | None) -> None:
    """Forget a state."""
    running = dev or _dev_of(data)
    if running is not None:
        _ask("DELETE", f"{running}/snapshots/{quote(name, safe='')}")
    else:
        with _offline(data) as (_, snapshots):
            snapshots.delete(name)
    out.print(f"Deleted: {name}.", markup=False)


def show(*, data: Path, dev: str | None) -> None:
    """List what there is."""
    running = dev or _dev_of(data)
    if running is not None:
        found: list[dict[str, Any]] = _ask("GET", f"{running}/snapshots")["snapshots"]
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
    except (OSError, ValueError, KeyError):
        return None
    try:
        with build_opener(ProxyHandler({})).open(f"{dev}/clock", timeout=_ANSWER_S):
            return dev
    except (OSError, ValueError):
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


def _ask(method: str, url: str, content: object = None) -> Any:
    body = None if content is None else json.dumps(content).encode()
    headers = {"content-type": "application/json", "accept": "application/json"}
    if not url.startswith(("http://", "https://")):
        stop("--dev is an address such as http://127.0.0.1:8080/dev.")
    request = Request(url, body, headers, method=method)  # noqa: S310 - looked at above
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=_ANSWER_S) as answer:
            return json.loads(answer.read())
    except HTTPError as error:
        with error:
            told = error.read()
        try:
            sentence = str(json.loads(told)["error"])
        except (ValueError, KeyError, TypeError):
            sentence = f"The emulator answered {error.code}."
        stop(sentence)
    except (OSError, ValueError) as error:
        stop(f"The emulator at {url} does not answer ({error}): start it, or name its directory with --data.")
