"""The merchant endpoint and the gateway, each beside its floor: rounds of floor and real thing in turn."""

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from bench.cycles import MerchantCycle, Payment, saved_card
from bench.databases import Databases
from bench.load import Client, Measured, run_clients
from bench.servers import free_port, running

__all__ = ["Comparison", "compare_gateway", "compare_merchant", "compare_reserving"]

CLIENTS = (1, 64)
Cycle = Callable[[Client, int], Awaitable[None]]


@dataclass
class Side:
    """What the rounds of one side measured, by number of clients."""

    rounds: dict[int, list[Measured]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})
    cpu_ms: dict[int, list[float]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})

    def figure(self, clients: int, figure: Callable[[Measured], float]) -> float:
        return statistics.median(figure(measured) for measured in self.rounds[clients])


@dataclass
class Comparison:
    """What the rounds of one comparison measured, by number of clients."""

    title: str
    unit: str
    database: str
    real: Side = field(default_factory=Side)
    floor: Side = field(default_factory=Side)

    def ratio(self, clients: int) -> float:
        """Tell what part of its floor the real thing reached: the median of the rounds."""
        pairs = zip(self.real.rounds[clients], self.floor.rounds[clients], strict=True)
        return statistics.median(real.per_second / floor.per_second for real, floor in pairs)

    def lines(self) -> list[str]:
        rows = []
        for clients in CLIENTS:
            for name, side in (("tiyin", self.real), ("floor", self.floor)):
                part = f"  {self.ratio(clients):4.2f} of its floor" if name == "tiyin" else ""
                rows.append(
                    f"{self.title:<9} {self.database:<10} {clients:>2} clients  {name}  "
                    f"{side.figure(clients, lambda m: m.per_second):>8,.0f} {self.unit}/s"
                    f"  p50 {side.figure(clients, lambda m: m.percentile(0.5)):>7.2f} ms"
                    f"  p99 {side.figure(clients, lambda m: m.percentile(0.99)):>7.2f} ms"
                    f"  {statistics.median(side.cpu_ms[clients]):.3f} ms of CPU each{part}"
                )
        return rows


async def _measure(
    into: "Side", port: int, cycle: Cycle, seconds: float, servers: list[psutil.Process]
) -> None:
    for clients in CLIENTS:
        before = _cpu_seconds(servers)
        measured = await run_clients(
            "127.0.0.1", port, clients, cycle, seconds=seconds, warm_up_seconds=seconds / 4
        )
        into.cpu_ms[clients].append((_cpu_seconds(servers) - before) * 1000 / measured.all)
        into.rounds[clients].append(measured)


def _cpu_seconds(servers: list[psutil.Process]) -> float:
    return sum(sum(server.cpu_times()[:2]) for server in servers)


async def compare_merchant(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """Full cycles per second of the merchant endpoint, for the shop of the kit's own first page.

    CreateTransaction is one commit, and PerformTransaction two: the effect is claimed, then its outcome kept.
    """
    commits = ["--create-commits=1", "--perform-commits=2"]
    return await _compare_merchant(
        Comparison("merchant", "cycles", kind), databases, rounds, seconds, commits, []
    )


async def compare_reserving(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """The same for a shop that also acts when an order is reserved: one commit more in CreateTransaction."""
    comparison = Comparison("reserving", "cycles", kind)
    commits = ["--create-commits=2", "--perform-commits=2"]
    return await _compare_merchant(comparison, databases, rounds, seconds, commits, ["--reserving"])


async def _compare_merchant(
    comparison: Comparison,
    databases: Databases,
    rounds: int,
    seconds: float,
    commits: list[str],
    shop: list[str],
) -> Comparison:
    for _ in range(rounds):
        async with databases.fresh(comparison.database) as url:
            port = free_port()
            with running("bench.floor", port, "merchant", "--database", url, *commits) as server:
                await _measure(comparison.floor, port, MerchantCycle(), seconds, [server])
        async with databases.fresh(comparison.database) as url:
            port = free_port()
            with running("bench.merchant_server", port, "--database", url, *shop) as server:
                await _measure(comparison.real, port, MerchantCycle(), seconds, [server])
    return comparison


async def compare_gateway(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """Payments per second of the gateway, with the merchant's server beside it."""
    comparison = Comparison("gateway", "payments", kind)
    for _ in range(rounds):
        async with _floor(databases, kind) as (port, servers):
            await _measure(comparison.floor, port, Payment("floor", "floor", "floor"), seconds, servers)
        async with _gateway(databases, kind) as (port, servers, desk, key):
            token = await saved_card(port, desk, key)
            await _measure(comparison.real, port, Payment(desk, key, token), seconds, servers)
    return comparison


@contextlib.asynccontextmanager
async def _floor(databases: Databases, kind: str) -> AsyncIterator[tuple[int, list[psutil.Process]]]:
    async with databases.fresh(kind) as url, databases.fresh(kind) as merchant_url:
        port, merchant_port = free_port(), free_port()
        merchant = ["merchant", "--database", merchant_url, "--create-commits=2", "--perform-commits=2"]
        # receipts.create stores the receipt. receipts.pay stores the intent; then the merchant's answer with
        # the intent to debit, and the acquirer's books; then the debit; then that it is paid.
        gateway = ["gateway", "--database", url, "--merchant", f"http://127.0.0.1:{merchant_port}/"]
        with (
            running("bench.floor", merchant_port, *merchant) as shop,
            running("bench.floor", port, *gateway, "--debit-commits=3") as server,
        ):
            yield port, [server, shop]


@contextlib.asynccontextmanager
async def _gateway(
    databases: Databases, kind: str
) -> AsyncIterator[tuple[int, list[psutil.Process], str, str]]:
    async with databases.fresh(kind) as url, databases.fresh(kind) as merchant_url:
        port, merchant_port = free_port(), free_port()
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / "manifest.json"
            endpoint = f"http://127.0.0.1:{merchant_port}/"
            reserving = ["--database", merchant_url, "--reserving"]
            arguments = ["--database", url, "--merchant", endpoint, "--manifest", str(manifest)]
            with (
                running("bench.merchant_server", merchant_port, *reserving) as shop,
                running("bench.gateway_server", port, *arguments) as server,
            ):
                made = json.loads(_await_text(manifest))
                yield port, [server, shop], made["desk"], made["key"]


def _await_text(path: Path) -> str:
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, "the gateway wrote no manifest"
        time.sleep(0.05)
    return path.read_text()
