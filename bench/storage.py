"""Durable changes a second through the store, beside the floor: the same rows written by the bare driver.

A change here is what a step of a payment is: read a row, decide, write it, append an entry. The floor does
the same reads and writes in batches of as many rows as there are clients, without rules.
"""

import asyncio
import itertools
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import asyncpg

from bench.databases import KINDS, Databases
from helpers_accounts import ACCOUNTS, METADATA, Account, account_id, add
from tiyin.storage import Decision, Store, open_store
from tiyin.storage.schema import OWN_METADATA, creation_sql
from tiyin.storage.sqlite.connection import open_writer

__all__ = ["Result", "run"]

SECONDS = 2.0
READ = "SELECT id, version, owner, state, balance, note FROM accounts WHERE id "


class Result(NamedTuple):
    """One figure: changes a second, and how long one waited, in milliseconds."""

    name: str
    per_second: float
    p50_ms: float
    p99_ms: float
    floor_per_second: float

    def line(self) -> str:
        """Write it for a person."""
        ratio = self.per_second / self.floor_per_second
        return (
            f"{self.name:<42} {self.per_second:>9,.0f}/s   p50 {self.p50_ms:6.2f} ms   "
            f"p99 {self.p99_ms:6.2f} ms   "
            f"floor {self.floor_per_second:>9,.0f}/s   ratio {ratio:.2f}"
        )


async def run(seconds: float = SECONDS) -> list[Result]:
    """Measure both databases with 1 and 64 clients, on new rows and on rows that exist."""
    results = []
    with Databases() as databases:
        for kind in KINDS:
            for clients in (1, 64):
                for fresh in (True, False):
                    async with databases.fresh(kind) as url:
                        floor = await _floor(url, clients, fresh=fresh, seconds=seconds)
                    async with databases.fresh(kind) as url:
                        results.append(
                            await _measured(kind, url, clients, fresh=fresh, seconds=seconds, floor=floor)
                        )
    return results


async def _measured(
    kind: str, url: str, clients: int, *, fresh: bool, seconds: float, floor: float
) -> Result:
    store = await open_store(url)
    await store.create_tables(METADATA)
    numbers = itertools.count()
    waits: list[float] = []
    if not fresh:
        await asyncio.gather(*(_step(store, account_id(n), next(numbers)) for n in range(1000)))
    began = time.perf_counter()

    async def client(number: int) -> None:
        while time.perf_counter() - began < seconds:
            key = account_id(next(numbers) if fresh else number % 1000)
            number += clients
            before = time.perf_counter()
            await _step(store, key, next(numbers))
            waits.append(time.perf_counter() - before)

    await asyncio.gather(*(client(n) for n in range(clients)))
    took = time.perf_counter() - began
    await store.close()
    cuts = statistics.quantiles(waits, n=100)
    name = f"{kind}, {clients} clients, {'new rows' if fresh else 'changed rows'}"
    return Result(name, len(waits) / took, cuts[49] * 1000, cuts[98] * 1000, floor)


async def _step(store: Store, key: str, number: int) -> int:
    def rule(row: Account | None) -> Decision[int]:
        return add(row, key, 1, account_id(number))

    return await store.change(ACCOUNTS, key, rule)


async def _floor(url: str, clients: int, *, fresh: bool, seconds: float) -> float:
    if url.startswith("sqlite"):
        path = Path(url.removeprefix("sqlite:///"))
        return await asyncio.to_thread(_sqlite_floor, path, clients, fresh=fresh, seconds=seconds)
    return await _postgres_floor(url, clients, fresh=fresh, seconds=seconds)


def _sqlite_floor(path: Path, clients: int, *, fresh: bool, seconds: float) -> float:
    connection = open_writer(path)
    cursor = connection.cursor()
    for statement in [*creation_sql(OWN_METADATA, "sqlite"), *creation_sql(METADATA, "sqlite")]:
        cursor.execute(statement)
    read = READ + "= ?"
    write = "INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, ?, ?)"
    post = "INSERT INTO entries VALUES (?, ?, ?)"
    numbers = itertools.count()

    def batch(count: int) -> None:
        cursor.execute("BEGIN IMMEDIATE")
        for _ in range(count):
            number = next(numbers)
            key = account_id(number if fresh else number % 1000)
            cursor.execute(read, (key,)).fetchone()
            cursor.execute(write, (key, 1, key, "open", 1, None))
            cursor.execute(post, (account_id(number), key, 1))
        cursor.execute("COMMIT")

    done = _timed(batch, clients, seconds)
    connection.close()
    return done


def _timed(batch: Callable[[int], None], clients: int, seconds: float) -> float:
    began = time.perf_counter()
    done = 0
    while time.perf_counter() - began < seconds:
        batch(clients)
        done += clients
    return done / (time.perf_counter() - began)


async def _postgres_floor(url: str, clients: int, *, fresh: bool, seconds: float) -> float:
    connection = await asyncpg.connect(url)
    for statement in [*creation_sql(OWN_METADATA, "postgresql"), *creation_sql(METADATA, "postgresql")]:
        await connection.execute(statement)
    numbers = itertools.count()
    lanes = [connection, *[await asyncpg.connect(url) for _ in range(2 if clients > 1 else 0)]]
    for lane in lanes:
        await lane.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")

    async def batch(lane: "asyncpg.Connection[asyncpg.Record]") -> int:
        count = max(1, clients // len(lanes))
        some = sorted(next(numbers) for _ in range(count))
        keys = [account_id(number if fresh else number % 1000) for number in some]
        await lane.fetch(READ + "= ANY($1)", keys)
        await lane.fetch(
            "WITH moved AS (INSERT INTO accounts SELECT k, 1, k, 'open', 1, NULL FROM unnest($1::text[]) k "
            "ON CONFLICT (id) DO UPDATE SET version = accounts.version + 1 RETURNING id) "
            "INSERT INTO entries SELECT e, k, 1 FROM unnest($2::text[], $1::text[]) AS p(e, k)",
            keys,
            [account_id(number) for number in some],
        )
        return count

    began = time.perf_counter()

    async def serve(lane: "asyncpg.Connection[asyncpg.Record]") -> int:
        done = 0
        while time.perf_counter() - began < seconds:
            done += await batch(lane)
        return done

    done = sum(await asyncio.gather(*(serve(lane) for lane in lanes)))
    took = time.perf_counter() - began
    for lane in lanes:
        await lane.close()
    return done / took


if __name__ == "__main__":
    for result in asyncio.run(run(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS)):
        print(result.line())
