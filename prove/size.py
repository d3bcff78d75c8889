"""What a payment costs when much is stored already: ten thousand receipts, a million, ten million.

A real payment is made in each database, and its rows are copied so often that as many receipts stand there,
spread evenly over months up to now, with all that belongs to each and with tokens. Each database has a server
of its own, where it is PostgreSQL, and a gateway that is a process of its own; once all are at rest they are
measured in turn, round by round, so that whatever else the machine does hits all of them alike. What is asked
comes over HTTP connections that are kept, as from a shop: payments (receipts.create and receipts.pay),
receipts.check of any receipt at all and of one that was just made, which is what shops ask about, and the
first two pages of receipts.get_all. The merchant is a function in the gateway's process that answers at once.

The figure is the median of the rounds: what an operation takes by the clock, and what it takes of the
processors in the gateway and the database's own server, both counted in nanoseconds. It must stay within 1.3
times that of the smallest database. Lines marked "inside" show receipts.check without HTTP, asked within the
gateway's process; they are told and not judged.

    python -m prove.size --sizes 10000 1000000 --database sqlite --keep /var/tmp/filled
"""

import argparse
import asyncio
import itertools
import json
import secrets
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec
from bench.load import Client
from bench.servers import free_port, running

from prove.size_databases import Place, place, spent_ns
from prove.size_filling import fill
from prove.size_gateway import AMOUNT_TIYIN, AT_ONCE, Inside, Manifest, close_days, prepare
from tiyin.runtime.clock import SystemClock

__all__ = ["MOST", "SIZES", "prove_size"]

KINDS: Final = ("sqlite", "postgresql")
SIZES: Final = (10_000, 1_000_000, 10_000_000)
MOST: Final = 1.3
# What a receipt takes on the disk with all that belongs to it, rounded up; measured.
_BYTES_EACH: Final = {"sqlite": 1_400, "postgresql": 2_200}
_KEPT_FROM: Final = 100_000
_PAYMENTS: Final = 500
_CHECKS: Final = 2_500
_LISTS: Final = 250
_orders = itertools.count(SystemClock().now_ms() << 8)


@dataclass
class Cost:
    """What an operation took in each round, in milliseconds."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


class Measured:
    """A gateway of its own process over one database, and what is asked of it.

    Args:
        there: The database.
        manifest: What stands in it.
        port: Where the gateway listens.
    """

    def __init__(self, there: Place, manifest: Manifest, port: int) -> None:
        self.names: Final = manifest.names
        self.new: list[str] = []
        self._there = there
        self._port = port
        self._clients: list[Client] = []
        self._token = manifest.token.encode()
        self._x_auth = f"X-Auth: {manifest.x_auth}\r\n".encode()

    async def connect(self) -> None:
        """Connect anew; a gateway lets go of connections over which nothing is asked for half a minute."""
        self.close()
        self._clients = [await Client("127.0.0.1", self._port).connect() for _ in range(AT_ONCE)]

    def close(self) -> None:
        """Let go of the connections."""
        for client in self._clients:
            client.close()

    async def measure(self, into: Cost, ask: Callable[[Client], Awaitable[None]], many: int) -> None:
        """Ask so often, over all connections at once."""
        left = iter(range(many))

        async def some(client: Client) -> None:
            for _ in left:
                await ask(client)

        database, gateway, wall = self._there.cpu_ns(), await self._used_ns(), time.perf_counter_ns()
        await asyncio.gather(*(some(client) for client in self._clients))
        wall = time.perf_counter_ns() - wall
        cpu = await self._used_ns() - gateway + spent_ns(database, self._there.cpu_ns())
        into.wall.append(wall / many / 1e6)
        into.cpu.append(cpu / many / 1e6)

    async def measure_inside(self, into: Cost, receipts: Sequence[str]) -> None:
        """Have the gateway ask itself receipts.check, without HTTP."""
        database = self._there.cpu_ns()
        answer = await self._clients[0].post(b"/size/inside", msgspec.json.encode(receipts))
        told = msgspec.json.decode(answer, type=Inside)
        cpu = told.cpu_ns + spent_ns(database, self._there.cpu_ns())
        into.wall.append(told.wall_ns / len(receipts) / 1e6)
        into.cpu.append(cpu / len(receipts) / 1e6)

    async def pay(self, client: Client) -> None:
        """Make a receipt and pay it."""
        order = next(_orders)
        answer = await self._ask(
            client, b"receipts.create", b'{"amount":%d,"account":{"order_id":"%d"}}' % (AMOUNT_TIYIN, order)
        )
        start = answer.index(b'"_id":"') + 7
        receipt = answer[start : start + 24]
        answer = await self._ask(
            client, b"receipts.pay", b'{"id":"%b","token":"%b"}' % (receipt, self._token)
        )
        if b'"state":4' not in answer:
            raise AssertionError(answer)
        self.new.append(receipt.decode())

    async def check(self, client: Client, receipt: str) -> None:
        """Ask for the state of a receipt."""
        await self._ask(client, b"receipts.check", b'{"id":"%b"}' % receipt.encode())

    async def list(self, client: Client, offset: int) -> None:
        """Ask for a page of fifty receipts."""
        params = b'{"count":50,"offset":%d,"from":0,"to":%d}' % (offset, SystemClock().now_ms())
        await self._ask(client, b"receipts.get_all", params)

    def any_receipt(self) -> str:
        """Name one of all that were copied."""
        return self.names.named(secrets.randbelow(self.names.size))

    def new_receipt(self) -> str:
        """Name one of those that were made last."""
        return secrets.choice(self.new[-_PAYMENTS:])

    async def _ask(self, client: Client, method: bytes, params: bytes) -> bytes:
        body = b'{"jsonrpc":"2.0","id":1,"method":"%b","params":%b}' % (method, params)
        answer = await client.post(b"/api", body, self._x_auth)
        if b'"result"' not in answer:
            raise AssertionError(answer)
        return answer

    async def _used_ns(self) -> int:
        return msgspec.json.decode(await self._clients[0].post(b"/size/used", b""), type=int)


async def prove_size(
    kind: str, sizes: tuple[int, ...], rounds: int = 9, most: float = MOST, keep: Path | None = None
) -> bool:
    """Fill one database a size, and compare.

    Args:
        kind: "sqlite" or "postgresql".
        sizes: How many receipts, the fewest first.
        rounds: How often each is measured.
        most: How many times the smallest one's cost the others may reach.
        keep: Where large databases are kept for the next time, and found if they were; or None.

    Returns:
        Whether all of them did.
    """
    async with AsyncExitStack() as stack:
        places = {
            size: stack.enter_context(place(kind, size, keep if size >= _KEPT_FROM else None))
            for size in sizes
        }
        lacking = sum(size for size, there in places.items() if not there.manifest.exists())
        free = shutil.disk_usage(tempfile.gettempdir() if keep is None else keep).free
        if free < (needed := lacking * _BYTES_EACH[kind]):
            print(f"{kind}: {lacking:,} receipts need {needed >> 30} GiB, {free >> 30} GiB are free")
            return False
        for size, there in places.items():
            if not there.manifest.exists():
                await _filled(there, kind, size)
        measured = {size: await _measured(stack, there) for size, there in places.items()}
        costs = {size: {name: Cost() for name in (*_OPERATIONS, *_INSIDE)} for size in sizes}
        for number in range(rounds + 1):
            # Forth and back, so that a machine that grows slower or faster favours none.
            for size in sizes if number % 2 else reversed(sizes):
                await _round(measured[size], costs[size])
    return _told(kind, costs, most)


async def _filled(there: Place, kind: str, size: int) -> None:
    began = time.monotonic()

    def say(done: str) -> None:
        print(f"{kind}: {size:,} receipts: {done} after {time.monotonic() - began:.0f} s", flush=True)

    await there.begin_filling()
    manifest = await prepare(there.url, size)
    await fill(there.url, manifest.names, say)
    await there.learn()
    await close_days(there.url, manifest.names)
    there.end()
    there.manifest.write_bytes(msgspec.json.encode(manifest))
    bytes_each = sum(file.stat().st_size for file in there.folder.rglob("*") if file.is_file()) / size
    say(f"made, {bytes_each:,.0f} bytes each,")


async def _measured(stack: AsyncExitStack, there: Place) -> Measured:
    began = time.monotonic()
    await there.begin_measuring()
    port = free_port()
    arguments = ("--database", there.url, "--manifest", str(there.manifest))
    stack.enter_context(running("prove.size_gateway", port, *arguments))
    manifest = msgspec.json.decode(there.manifest.read_bytes(), type=Manifest)
    print(f"{manifest.size:,} receipts are at rest after {time.monotonic() - began:.0f} s", flush=True)
    return Measured(there, manifest, port)


async def _round(measured: Measured, costs: dict[str, Cost]) -> None:
    await measured.connect()
    for name, (ask, many) in _OPERATIONS.items():
        await measured.measure(costs[name], ask(measured), many)
    for name, receipt in _INSIDE.items():
        await measured.measure_inside(costs[name], [receipt(measured) for _ in range(_CHECKS)])
    measured.close()


def _told(kind: str, costs: dict[int, dict[str, Cost]], most: float) -> bool:
    """Print what was measured; the first round only warmed up."""
    flat = True
    smallest = min(costs)
    for name in (*_OPERATIONS, *_INSIDE):
        judged = name in _OPERATIONS
        for size, all_of_it in costs.items():
            cost, base = all_of_it[name], costs[smallest][name]
            words = []
            for title, ours, theirs in (("cpu", cost.cpu, base.cpu), ("wall", cost.wall, base.wall)):
                figure = statistics.median(ours[1:])
                ratio = statistics.median(a / b for a, b in zip(ours[1:], theirs[1:], strict=True))
                flat = flat and (ratio <= most or not judged)
                words.append(
                    f"{title} {figure:7.3f} ms  {ratio:.2f} {'!' if judged and ratio > most else ' '}"
                )
            print(f"{kind:<10}  {name:<22}{size:>12,} receipts  {'  '.join(words)}".rstrip(), flush=True)
    return flat


def _listing(offset: int) -> Callable[[Measured], Callable[[Client], Awaitable[None]]]:
    return lambda measured: lambda client: measured.list(client, offset)


# A round has payments first: they make the new receipts.
_OPERATIONS: Final[dict[str, tuple[Callable[[Measured], Callable[[Client], Awaitable[None]]], int]]] = {
    "a payment": (lambda measured: measured.pay, _PAYMENTS),
    "check, any receipt": (lambda m: lambda client: m.check(client, m.any_receipt()), _CHECKS),
    "check, a new one": (lambda m: lambda client: m.check(client, m.new_receipt()), _CHECKS),
    "get_all, first page": (_listing(0), _LISTS),
    "get_all, second page": (_listing(50), _LISTS),
}
_INSIDE: Final[dict[str, Callable[[Measured], str]]] = {
    "  any receipt, inside": Measured.any_receipt,
    "  a new one, inside": Measured.new_receipt,
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m prove.size", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="how many receipts")
    parser.add_argument("--database", choices=KINDS, help="one of the two databases")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured")
    parser.add_argument("--keep", type=Path, help="where large databases are kept, and found the next time")
    arguments = parser.parse_args()
    kinds = KINDS if arguments.database is None else (arguments.database,)
    sizes = tuple(sorted(arguments.sizes))
    flat: dict[str, bool] = {}

    async def prove() -> None:
        for kind in kinds:
            flat[kind] = await prove_size(kind, sizes, arguments.rounds, keep=arguments.keep)

    asyncio.run(prove())
    print(json.dumps(flat))
    sys.exit(not all(flat.values()))


if __name__ == "__main__":
    main()
