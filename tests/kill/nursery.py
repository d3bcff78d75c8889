"""Gives birth to gateways and shops: everything is imported once, and each process is a fork of this one.

Run as a module, it reads a JSON line for each wish and answers a JSON line: `{"start": settings, "log":
file}` with `{"pid": n}`, `{"poll": pid}` with `{"status": null or the exit code, below zero for a signal}`.
When its standard input ends, so do it and all that it bore: they are one process group.
"""

import json
import os
import signal
import sys
from typing import Any, NoReturn

import asyncpg  # noqa: F401  # loaded once here and not in every fork
import msgspec
import uvloop

from kill.gateway_process import GatewaySettings, serve_gateway
from kill.shop_process import ShopSettings, serve_shop
from tiyin.emulator.pages import Pages
from tiyin.runtime.logs import configure_logs

_PAGES = Pages()
_ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)


def _answer(wish: dict[str, Any]) -> dict[str, Any]:
    if "poll" in wish:
        pid, status = os.waitpid(wish["poll"], os.WNOHANG)
        return {"status": os.waitstatus_to_exitcode(status) if pid else None}
    settings = msgspec.convert(wish["start"], GatewaySettings | ShopSettings)
    pid = os.fork()
    if not pid:
        _live(settings, wish["log"])
    return {"pid": pid}


def _live(settings: GatewaySettings | ShopSettings, log: str) -> NoReturn:
    """Become the process that was wished for."""
    status = 1
    try:
        _ANSWERS.close()
        nothing = os.open(os.devnull, os.O_RDONLY)
        out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        for descriptor, target in ((nothing, 0), (out, 1), (out, 2)):
            os.dup2(descriptor, target)
        configure_logs()
        if isinstance(settings, GatewaySettings):
            uvloop.run(serve_gateway(settings))
        else:
            uvloop.run(serve_shop(settings, _PAGES))
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
        raise
    finally:
        sys.stderr.flush()
        os._exit(status)


def main() -> None:
    """Serve wishes until nobody has any more."""
    try:
        for line in sys.stdin:
            _ANSWERS.write(json.dumps(_answer(json.loads(line))) + "\n")
    finally:
        # Only a group of its own may be ended whole.
        if os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)


if __name__ == "__main__":
    main()
