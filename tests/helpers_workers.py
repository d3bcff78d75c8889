"""Processes of their own that write to one database: `python helpers_workers.py URL ROLE NAME COUNT`.

Each answers on its standard output what was acknowledged to it, a line a piece, so that the test that started
it can kill it at any moment and still knows what must be there.
"""
# ruff: noqa: T201  # printing is how it answers

import asyncio
import os
import subprocess
import sys
from pathlib import Path

from msgspec.structs import replace

from helpers_accounts import ACCOUNTS, ENTRIES, Account, Entry, account_id, becoming, counting, numbered
from tiyin.storage import StorageError, Store, Taken, open_store

__all__ = ["start"]

KEYS = [account_id(n) for n in range(12)]


def start(url: str, role: str, name: str, count: int) -> "subprocess.Popen[str]":
    """Start a worker.

    Args:
        url: The database's address.
        role: `count`, `guard` or `claim`.
        name: Begins the ids of what it writes.
        count: How many changes it makes.

    Returns:
        The process; its standard output has a line for each acknowledged piece.
    """
    folder = Path(__file__).parent
    path = os.pathsep.join([str(folder), str(folder.parent / "src")])
    return subprocess.Popen(
        [sys.executable, __file__, url, role, name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )


async def count_up(store: Store, name: str, count: int) -> None:
    """Count one up on contended keys; each line is the key that was counted."""
    new_id = numbered(f"{name}-")

    async def client(number: int) -> None:
        for step in range(count):
            key = KEYS[(number + step) % len(KEYS)]
            await store.change(ACCOUNTS, key, counting(key, new_id))
            print(key, flush=True)

    await asyncio.gather(*(client(n) for n in range(16)))


async def guarding(store: Store, name: str, count: int) -> None:
    """Race for guards; each line is an owner whose guard this process holds."""
    for number in range(count):
        account = Account(f"{name}-{number:06d}", 0, f"owner {number}", "waiting", 0)
        try:
            await store.change(ACCOUNTS, account.id, becoming(account))
        except Taken:
            continue
        print(account.owner, flush=True)
        if number % 2:
            # Letting go opens it for the slower ones: then several may have held it, one after another.
            await store.change(ACCOUNTS, account.id, becoming(replace(account, state="closed")))


async def claiming(store: Store, name: str, count: int) -> None:
    """Claim work until there is none; each line is a key that was claimed."""
    while leases := await store.work.claim("pay", name, 60_000, count):
        for lease in leases:
            print(lease.key, flush=True)


async def appending(store: Store, name: str, count: int) -> None:
    """Append rows; each line is an id that is durable."""

    async def client(number: int) -> None:
        for step in range(count):
            entry = Entry(f"{name}-{number:03d}-{step:06d}", KEYS[0], 1)
            await store.append(ENTRIES, [entry])
            print(entry.id, flush=True)

    await asyncio.gather(*(client(n) for n in range(8)))


ROLES = {"count": count_up, "guard": guarding, "claim": claiming, "append": appending}


async def _main(url: str, role: str, name: str, count: str) -> None:
    store = await open_store(url)
    try:
        await ROLES[role](store, name, int(count))
    except StorageError as error:
        print(f"worker {name}: {error!r}", file=sys.stderr)
        raise SystemExit(3) from error
    finally:
        await store.close()


if __name__ == "__main__":
    asyncio.run(_main(*sys.argv[1:]))
