"""Django shops under Granian, at the settings at which they were fastest, with orders that stand ready."""

import asyncio
import contextlib
import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import psutil

from bench.comparing import Cycle
from bench.cycles import MerchantCycle
from bench.servers import ROOT, free_port, running_command

__all__ = ["by_hand", "with_kit"]

ORDERS = 20_000
FIRST_ORDER = 1
# Tried on two processors with 64 clients: gunicorn (gthread) and Granian, 1 or 2 workers of 1 to 16 threads.
# On SQLite a second writer only waits for the first one's commit, by sleeping.
WORKERS = {"sqlite": 1, "postgresql": 2}
THREADS = {"sqlite": 1, "postgresql": 4}


def by_hand(kind: str, url: str) -> contextlib.AbstractAsyncContextManager[tuple[int, psutil.Process, Cycle]]:
    """Run the hand-written view over an empty database that is filled with orders first.

    Args:
        kind: The kind of database.
        url: The database's address.

    Returns:
        A context of the port, the server, and cycles that each pay the next of its orders.
    """
    return _django("bench.handwritten", kind, url)


def with_kit(
    kind: str, url: str
) -> contextlib.AbstractAsyncContextManager[tuple[int, psutil.Process, Cycle]]:
    """Run the same shop with the kit's Django integration; see `by_hand`."""
    return _django("bench.django_shop", kind, url)


@contextlib.asynccontextmanager
async def _django(package: str, kind: str, url: str) -> AsyncIterator[tuple[int, psutil.Process, Cycle]]:
    environment = {"BENCH_DATABASE": url, "DJANGO_SETTINGS_MODULE": f"{package}.settings"}
    orders = [sys.executable, "-m", "bench.handwritten.orders", f"--first={FIRST_ORDER}", f"--many={ORDERS}"]
    await asyncio.to_thread(subprocess.run, orders, cwd=ROOT, env={**os.environ, **environment}, check=True)
    port = free_port()
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "--port", str(port), "--http", "1"]
    command += ["--no-ws", "--log-level", "error", "--workers", str(WORKERS[kind])]
    command += ["--blocking-threads", str(THREADS[kind]), f"{package}.wsgi:application"]
    with running_command(command, port, environment) as server:
        yield port, server, MerchantCycle(itertools.count(FIRST_ORDER))
