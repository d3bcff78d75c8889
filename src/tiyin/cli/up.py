"""`tiyin up`: the emulator in one process.

Port and directory are taken first and the rest is loaded after that: what cannot work is said at once, and an
`emulator.json` that a killed emulator left behind is gone before anybody takes it for a running one's.
"""

import os
import signal
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tiyin.cli.ending import err, out, stop
from tiyin.emulator.directory import Directory, DirectoryRefused
from tiyin.web.binding import PortRefused, bind

if TYPE_CHECKING:
    from tiyin.emulator.emulator import Emulator

__all__ = ["run"]

_HOST: Final = "127.0.0.1"


def run(*, port: int, data: Path, reset: bool, with_parent: bool = False) -> None:
    """Run the emulator until a signal, or stop with a sentence.

    Args:
        port: Where to listen on 127.0.0.1; 0 takes any free port.
        data: Where everything is kept.
        reset: Whether to forget what is kept there first.
        with_parent: Whether to stop when the standard input ends: when whoever started this is gone.
    """
    if with_parent:
        threading.Thread(target=_stop_with_parent, name="parent", daemon=True).start()
    try:
        sock = bind(_HOST, port)
        port = sock.getsockname()[1]
        with Directory(data) as directory:
            if reset:
                directory.forget_all()
            _serve(directory, sock, f"http://{_HOST}:{port}")
    except (PortRefused, DirectoryRefused) as refused:
        stop(str(refused))
    out.print(f"Stopped. Everything is kept in {data}; tiyin up goes on from there.", markup=False)


def _stop_with_parent() -> None:
    # Not through `sys.stdin`, whose lock a thread may not hold when Python ends.
    while os.read(0, 1024):
        pass
    signal.raise_signal(signal.SIGTERM)


def _serve(directory: Directory, sock: socket.socket, address: str) -> None:
    from tiyin.emulator.desks import new_keys, with_later_desks  # noqa: PLC0415  # see the module's docstring
    from tiyin.emulator.emulator import open_emulator  # noqa: PLC0415  # the same
    from tiyin.gateway.migrations import MigrationRefused  # noqa: PLC0415  # the same
    from tiyin.runtime.logs import configure_logs  # noqa: PLC0415  # the same
    from tiyin.storage.errors import StorageError  # noqa: PLC0415  # the same
    from tiyin.web.serving import Server, run_on_loop  # noqa: PLC0415  # the same

    configure_logs("console", "WARNING")
    keys = directory.read_keys()
    if keys is None:
        err.print("First start: making databases, keys and cash desks ...", style="dim", markup=False)
        keys = new_keys()
        directory.write_keys(keys)
    else:
        known, keys = keys, with_later_desks(keys)
        if keys is not known:
            directory.write_keys(keys)

    async def serve() -> None:
        async with open_emulator(directory, keys, address) as emulator:

            def ready() -> None:
                emulator.write_manifest()
                _greet(emulator, directory)

            await Server(emulator, sock, on_ready=ready, before_end=emulator.stop).listen()

    try:
        run_on_loop(serve)
    except MigrationRefused as refused:
        stop(str(refused))
    except StorageError as error:
        stop(f"The databases in {directory.path} cannot be used: {error}.")


def _greet(emulator: "Emulator", directory: Directory) -> None:
    from rich.table import Table  # noqa: PLC0415  # see the module's docstring

    told = emulator.manifest
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2))
    for title, where in (
        ("Demo shop", told.shop),
        ("Subscribe API", told.api),
        ("Checkout", f"{told.checkout}/<base64>"),
        ("Sandbox", told.sandbox),
        ("Everything else", f"{told.dev}  (traffic, faults, clock, inbox, snapshots)"),
    ):
        table.add_row(title, where)
    out.print("Tiyin emulator is ready.", style="bold", markup=False)
    out.print(table)
    out.print(f"Keys and ids: {directory.manifest}", markup=False)
    out.print(f"Next: open {told.shop} and buy something. Ctrl-C stops.", markup=False)
