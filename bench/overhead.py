"""What the gateway adds to a payment while it is half as busy as it can be, without the merchant's time."""

import asyncio
import itertools
import random
import statistics
import time
from dataclasses import dataclass, field

from bench.databases import Databases
from bench.load import Client
from bench.own_time import ask_own_times
from bench.payments import Running, floor, gateway

__all__ = ["LIMIT_MS", "Overhead", "measure_overhead"]

LIMIT_MS = 25.0
"""The most that 99 of 100 payments may take beyond the merchant's own time."""

WARM_UP_S = 1.0


@dataclass
class Overhead:
    """What rounds of an open load measured.

    Args:
        title: What was measured.
        database: The kind of database.
        per_second: How many payments began in a second, on average.
        rounds: Of each round the milliseconds of each payment, the merchant's own taken off.
        merchant_ms: Of each payment of all rounds what was taken off.
    """

    title: str
    database: str
    per_second: float
    rounds: list[list[float]] = field(default_factory=list)
    merchant_ms: list[float] = field(default_factory=list)

    def percentile(self, part: float) -> float:
        """Tell within what time a part of the payments was done: the median of the rounds."""
        cut = round(part * 1000) - 1
        return statistics.median(
            statistics.quantiles(latencies, n=1000, method="inclusive")[cut] for latencies in self.rounds
        )

    def line(self) -> str:
        """Write it for a person."""
        return (
            f"overhead  {self.database:<10} at {self.per_second:,.0f} payments/s  {self.title:<6}"
            f"  p50 {self.percentile(0.5):>6.2f} ms  p99 {self.percentile(0.99):>6.2f} ms"
            f"  aim {LIMIT_MS:.0f} ms"
            f"  (without the merchant's own {statistics.median(self.merchant_ms):.2f} ms)"
        )


async def measure_overhead(
    databases: Databases, kind: str, per_second: float, rounds: int, seconds: float
) -> list[Overhead]:
    """Load fresh gateways and floors in turn; payments begin whether or not those before have ended.

    A payment's time is from the moment at which it should begin, over receipts.create and receipts.pay, less
    what the merchant's server says its calls took. The acquirer for tests is a part of the gateway's process:
    its time stays in.

    Args:
        databases: Where the databases come from.
        kind: The kind of database.
        per_second: How many payments begin in a second; the gaps between them are those of chance (Poisson).
        rounds: How many fresh gateways are measured.
        seconds: How long each is, once warm.
    """
    sides = {"tiyin": gateway, "floor": floor}
    measured = {title: Overhead(title, kind, per_second) for title in sides}
    for number, title in itertools.product(range(rounds), sides):
        async with sides[title](databases, kind, "--own-times") as there:
            chance = random.Random(number)  # noqa: S311 - arrivals, the same in every run
            took = await _open_load(there, per_second, seconds, chance)
            own = await ask_own_times(there.merchant_port)
        measured[title].rounds.append([ms - own[receipt] for receipt, ms in took.items()])
        measured[title].merchant_ms += [own[receipt] for receipt in took]
    return list(measured.values())


async def _open_load(
    there: Running, per_second: float, seconds: float, chance: random.Random
) -> dict[str, float]:
    """Pay in arrivals of chance; give the milliseconds of each payment, by receipt, of those begun warm."""
    took: dict[str, float] = {}
    idle: list[Client] = []
    start = time.perf_counter()
    counted_from, until = start + WARM_UP_S, start + WARM_UP_S + seconds

    async def pay(due: float) -> None:
        client = idle.pop() if idle else await Client("127.0.0.1", there.port).connect()
        receipt = await there.payment.pay(client)
        if due >= counted_from:
            took[receipt] = (time.perf_counter() - due) * 1000
        idle.append(client)

    due = start
    async with asyncio.TaskGroup() as tasks:
        while (due := due + chance.expovariate(per_second)) < until:
            if (wait := due - time.perf_counter()) > 0:
                await asyncio.sleep(wait)
            tasks.create_task(pay(due))
    for client in idle:
        client.close()
    return took
