"""`tiyin listen`: an emulator's traffic, as it happens."""

import json
import sys
import time
from pathlib import Path
from typing import Any, Final

from tiyin.cli.dev_client import DevClient, DevSilent
from tiyin.cli.ending import err, out, stop
from tiyin.cli.exchanges import block

__all__ = ["run"]

_WAIT_MS: Final = 20_000
_RETRY_S: Final = 0.5


def run(*, data: Path, dev: str | None, desk: str | None, method: str | None, as_json: bool) -> None:
    """Follow the traffic until Ctrl-C.

    Args:
        data: The emulator's directory.
        dev: The address of its `/dev`, instead.
        desk: Only this cash desk, by id or name.
        method: Only this method.
        as_json: Whether to print one JSON object a line.
    """
    _check_method(method)
    client = DevClient(data=data, dev=dev)
    try:
        # The first request carries the filters, so that a wrong one is refused before anything is followed.
        newest = client.ask("GET", "/traffic", desk=desk, method=method, limit=1)["newest"]
        err.print(f"Listening to {client.address}. Ctrl-C ends.", style="dim", markup=False)
        _follow(client, newest, desk, method, as_json=as_json)
    except DevSilent as silent:
        stop(str(silent))
    except BrokenPipeError:
        # Whoever read has seen enough; what is left in the buffer has nowhere to go.
        sys.stderr.close()
    except KeyboardInterrupt:
        err.print("\nStopped listening.", style="dim", markup=False)


def _follow(client: DevClient, newest: int, desk: str | None, method: str | None, *, as_json: bool) -> None:
    silent = False
    while True:
        began_s = time.monotonic()
        try:
            told = client.ask("GET", "/traffic", desk=desk, method=method, after=newest, wait_ms=_WAIT_MS)
        except DevSilent:
            if not silent:
                err.print("The emulator does not answer now: waiting for it.", style="yellow", markup=False)
            silent = True
            time.sleep(_RETRY_S)
            continue
        if silent:
            err.print(f"The emulator is back: {client.address}.", style="green", markup=False)
            silent = False
        if told["newest"] < newest:
            newest = 0  # everything was forgotten: the numbers began anew
            continue
        for exchange in reversed(told["exchanges"]):
            _show(exchange, as_json=as_json)
        newest = told["newest"]
        if not told["exchanges"] and time.monotonic() - began_s < _RETRY_S:
            time.sleep(_RETRY_S)  # a stopping emulator lets everybody go at once


def _show(exchange: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(json.dumps(exchange, ensure_ascii=False) + "\n")
        sys.stdout.flush()
    else:
        out.print(block(exchange))


def _check_method(method: str | None) -> None:
    from tiyin.emulator.fault_rules import METHODS  # noqa: PLC0415  # slow to load

    known = [name for names in METHODS.values() for name in names]
    if method is not None and method not in known:
        stop(f"--method must be one of {', '.join(known)}, not {method!r}.")
