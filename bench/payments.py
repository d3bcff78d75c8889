"""The merchant endpoint and the gateway, each beside its floor: rounds of floor and real thing in turn."""

import contextlib
import json
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.cycles import MerchantCycle, Payment, saved_card
from bench.databases import Databases
from bench.load import Client, Measured, run_clients
from bench.servers import free_port, running

__all__ = ["Comparison", "compare_gateway", "compare_merchant"]

CLIENTS = (1, 64)
Cycle = Callable[[Client, int], Awaitable[None]]


@dataclass
class Comparison:
    """What the rounds of one comparison measured, by number of clients."""

    title: str
    unit: str
    database: str
    real: dict[int, list[Measured]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})
    floor: dict[int, list[Measured]] = field(default_factory=lambda: {clients: [] for clients in CLIENTS})

    def ratio(self, clients: int) -> float:
        """Tell what part of its floor the real thing reached: the median of the rounds."""
        pairs = zip(self.real[clients], self.floor[clients], strict=True)
        return statistics.median(real.per_second / floor.per_second for real, floor in pairs)

    def lines(self) -> list[str]:
        rows = []
        for clients in CLIENTS:
            for name, rounds in (("tiyin", self.real[clients]), ("floor", self.floor[clients])):
                part = f"  {self.ratio(clients):4.2f} of its floor" if name == "tiyin" else ""
                rows.append(
                    f"{self.title:<8} {self.database:<10} {clients:>2} clients  {name}  "
                    f"{_median(rounds, lambda m: m.per_second):>8,.0f} {self.unit}/s"
                    f"  p50 {_median(rounds, lambda m: m.percentile(0.5)):>7.2f} ms"
                    f"  p99 {_median(rounds, lambda m: m.percentile(0.99)):>7.2f} ms{part}"
                )
        return rows


def _median(rounds: list[Measured], figure: Callable[[Measured], float]) -> float:
    return statistics.median(figure(measured) for measured in rounds)


async def _measure(into: dict[int, list[Measured]], port: int, cycle: Cycle, seconds: float) -> None:
    for clients in CLIENTS:
        into[clients].append(
            await run_clients("127.0.0.1", port, clients, cycle, seconds=seconds, warm_up_seconds=seconds / 4)
        )


async def compare_merchant(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """Full cycles per second of the merchant endpoint."""
    comparison = Comparison("merchant", "cycles", kind)
    # CreateTransaction and PerformTransaction each claim the shop's effect, run it, and store the outcome.
    commits = ["--create-commits=2", "--perform-commits=2"]
    for _ in range(rounds):
        async with databases.fresh(kind) as url:
            port = free_port()
            with running("bench.floor", port, "merchant", "--database", url, *commits):
                await _measure(comparison.floor, port, MerchantCycle(), seconds)
        async with databases.fresh(kind) as url:
            port = free_port()
            with running("bench.merchant_server", port, "--database", url):
                await _measure(comparison.real, port, MerchantCycle(), seconds)
    return comparison


async def compare_gateway(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """Payments per second of the gateway, with the merchant's server beside it."""
    comparison = Comparison("gateway", "payments", kind)
    for _ in range(rounds):
        async with _floor(databases, kind) as port:
            await _measure(comparison.floor, port, Payment("floor", "floor", "floor"), seconds)
        async with _gateway(databases, kind) as (port, desk, key):
            token = await saved_card(port, desk, key)
            await _measure(comparison.real, port, Payment(desk, key, token), seconds)
    return comparison


@contextlib.asynccontextmanager
async def _floor(databases: Databases, kind: str) -> AsyncIterator[int]:
    async with databases.fresh(kind) as url, databases.fresh(kind) as merchant_url:
        port, merchant_port = free_port(), free_port()
        merchant = ["merchant", "--database", merchant_url, "--create-commits=2", "--perform-commits=2"]
        # receipts.create stores the receipt. receipts.pay stores the intent; then the merchant's answer with
        # the intent to debit, and the acquirer's books; then the debit; then that it is paid.
        gateway = ["gateway", "--database", url, "--merchant", f"http://127.0.0.1:{merchant_port}/"]
        with (
            running("bench.floor", merchant_port, *merchant),
            running("bench.floor", port, *gateway, "--debit-commits=3"),
        ):
            yield port


@contextlib.asynccontextmanager
async def _gateway(databases: Databases, kind: str) -> AsyncIterator[tuple[int, str, str]]:
    async with databases.fresh(kind) as url, databases.fresh(kind) as merchant_url:
        port, merchant_port = free_port(), free_port()
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / "manifest.json"
            endpoint = f"http://127.0.0.1:{merchant_port}/"
            arguments = ["--database", url, "--merchant", endpoint, "--manifest", str(manifest)]
            with (
                running("bench.merchant_server", merchant_port, "--database", merchant_url),
                running("bench.gateway_server", port, *arguments),
            ):
                made = json.loads(_await_text(manifest))
                yield port, made["desk"], made["key"]


def _await_text(path: Path) -> str:
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, "the gateway wrote no manifest"
        time.sleep(0.05)
    return path.read_text()
