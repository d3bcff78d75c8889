"""What a payment costs when much is stored already: ten thousand receipts, a million, ten million.

A real payment is made in each database, and its rows are copied so often that as many receipts stand there,
spread evenly over months up to now, with all that belongs to each and with tokens. Then the databases are
measured in turn, round by round, so that whatever else the machine does hits all of them alike: payments
(receipts.create and receipts.pay), receipts.check of any receipt at all, and the first two pages of
receipts.get_all. The merchant is a function that answers at once. The figure is the median of the rounds; it
must stay within 1.3 times that of the smallest database, in the processor's time (a database server's own
included) and by the clock.

    python -m prove.size --sizes 10000 1000000 --database sqlite
"""

import argparse
import asyncio
import json
import secrets
import shutil
import statistics
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent.parent / "tests"))

import psutil
from bench.databases import KINDS, Databases

from prove.size_filling import named
from prove.size_gateway import Measured, opened
from tiyin.runtime.clock import SystemClock

__all__ = ["MOST", "SIZES", "prove_size"]

SIZES: Final = (10_000, 1_000_000, 10_000_000)
MOST: Final = 1.3
# The gateway's own figure for what 10 million receipts take, with all that belongs to them; rounded up.
_BYTES_EACH: Final = {"sqlite": 2_600, "postgresql": 3_600}
_AT_ONCE: Final = 16


@dataclass
class Cost:
    """What an operation took in each round, in milliseconds."""

    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)


async def _measure(
    into: Cost, ask: Callable[[int], Awaitable[None]], many: int, server: psutil.Process | None
) -> None:
    left = iter(range(many))

    async def some() -> None:
        for number in left:
            await ask(number)

    cpu, wall = _cpu_s(server), time.perf_counter()
    await asyncio.gather(*(some() for _ in range(_AT_ONCE)))
    into.wall.append((time.perf_counter() - wall) * 1000 / many)
    into.cpu.append((_cpu_s(server) - cpu) * 1000 / many)


def _cpu_s(server: psutil.Process | None) -> float:
    processes = [psutil.Process()] if server is None else [psutil.Process(), *server.children(recursive=True)]
    return sum(sum(process.cpu_times()[:2]) for process in processes)


async def prove_size(kind: str, sizes: tuple[int, ...], rounds: int = 9, most: float = MOST) -> bool:
    """Fill one database a size, and compare.

    Args:
        kind: "sqlite" or "postgresql".
        sizes: How many receipts, the fewest first.
        rounds: How often each is measured.
        most: How many times the smallest one's cost the others may reach.

    Returns:
        Whether all of them did.
    """
    with Databases() as databases:
        folder = databases.folder
        needed = sum(sizes) * _BYTES_EACH[kind]
        if (free := shutil.disk_usage(folder).free) < needed:
            print(f"{kind}: {sum(sizes):,} receipts need {needed >> 30} GiB, {free >> 30} GiB are free")
            return False
        server = databases.server if kind == "postgresql" else None
        async with AsyncExitStack() as stack:
            measured: dict[int, Measured] = {}
            for size in sizes:
                began = time.monotonic()
                url = await stack.enter_async_context(databases.fresh(kind))
                measured[size] = await stack.enter_async_context(opened(url, size))
                print(f"{kind}: {size:,} receipts made in {time.monotonic() - began:.0f} s", flush=True)
            costs = {size: {name: Cost() for name in _OPERATIONS} for size in sizes}
            for _ in range(rounds + 1):
                for size in sizes:
                    for name, (ask, many) in _OPERATIONS.items():
                        await _measure(costs[size][name], ask(measured[size], size), many, server)
        return _told(kind, costs, most)


def _told(kind: str, costs: dict[int, dict[str, Cost]], most: float) -> bool:
    """Print what was measured; the first round only warmed up."""
    flat = True
    smallest = min(costs)
    for name in _OPERATIONS:
        for size, all_of_it in costs.items():
            cost, base = all_of_it[name], costs[smallest][name]
            words = []
            for title, ours, theirs in (("cpu", cost.cpu, base.cpu), ("wall", cost.wall, base.wall)):
                figure = statistics.median(ours[1:])
                ratio = statistics.median(a / b for a, b in zip(ours[1:], theirs[1:], strict=True))
                flat = flat and ratio <= most
                words.append(f"{title} {figure:7.3f} ms  {ratio:.2f}{' !' if ratio > most else ''}")
            print(f"{kind:<10}  {name:<22}{size:>12,} receipts  {'   '.join(words)}", flush=True)
    return flat


def _paying(measured: Measured, _: int) -> Callable[[int], Awaitable[None]]:
    return lambda _: measured.pay()


def _checking(measured: Measured, size: int) -> Callable[[int], Awaitable[None]]:
    return lambda _: measured.ask("receipts.check", {"id": named(secrets.randbelow(size), size)})


def _listing(offset: int) -> Callable[[Measured, int], Callable[[int], Awaitable[None]]]:
    def listing(measured: Measured, _: int) -> Callable[[int], Awaitable[None]]:
        period = {"from": 0, "to": SystemClock().now_ms()}
        return lambda _: measured.ask("receipts.get_all", {"count": 50, "offset": offset, **period})

    return listing


_OPERATIONS: Final = {
    "a payment": (_paying, 400),
    "receipts.check": (_checking, 1_000),
    "get_all, first page": (_listing(0), 200),
    "get_all, second page": (_listing(50), 200),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m prove.size", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="how many receipts")
    parser.add_argument("--database", choices=KINDS, help="one of the two databases")
    parser.add_argument("--rounds", type=int, default=9, help="how often each is measured")
    arguments = parser.parse_args()
    kinds = KINDS if arguments.database is None else (arguments.database,)
    sizes = tuple(sorted(arguments.sizes))
    flat = [asyncio.run(prove_size(kind, sizes, arguments.rounds)) for kind in kinds]
    print(json.dumps(dict(zip(kinds, flat, strict=True))))
    sys.exit(not all(flat))


if __name__ == "__main__":
    main()
