"""What rounds of measurements say: a figure for each side, and its ratio to the others."""

import statistics
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import psutil

from bench.load import Client, Measured, run_clients

__all__ = ["AT_CLIENTS", "Comparison", "Cycle", "Side", "measure"]

CLIENTS = (1, 64)
AT_CLIENTS = 64
"""The number of clients at which ratios are promised."""

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
    """What the rounds of one comparison measured.

    Args:
        title: What is compared.
        unit: What a client does over and over.
        database: The kind of database.
        peers: What the first side stands beside, each with the words for "as often as it".
        sides: What was measured; the first side is the one that is judged.
    """

    title: str
    unit: str
    database: str
    peers: dict[str, str]
    sides: dict[str, Side]

    def ratio(self, peer: str, clients: int = AT_CLIENTS) -> float:
        """Tell what part of a peer's figure the first side reached: the median of the rounds."""
        first = next(iter(self.sides.values()))
        pairs = zip(first.rounds[clients], self.sides[peer].rounds[clients], strict=True)
        return statistics.median(ours.per_second / theirs.per_second for ours, theirs in pairs)

    def lines(self) -> list[str]:
        """Write it for a person."""
        rows = []
        for clients in CLIENTS:
            ratios = [f"{self.ratio(peer, clients):.2f} {words}" for peer, words in self.peers.items()]
            for name, side in self.sides.items():
                rows.append(
                    f"{self.title:<9} {self.database:<10} {clients:>2} clients  {name:<12}"
                    f"{side.figure(clients, lambda m: m.per_second):>8,.0f} {self.unit}/s"
                    f"  p50 {side.figure(clients, lambda m: m.percentile(0.5)):>7.2f} ms"
                    f"  p99 {side.figure(clients, lambda m: m.percentile(0.99)):>7.2f} ms"
                    f"  {statistics.median(side.cpu_ms[clients]):.3f} ms of CPU each"
                    f"{'  ' + ', '.join(ratios) if ratios else ''}"
                )
                ratios = []
        return rows


async def measure(
    into: Side, port: int, cycle: Cycle, seconds: float, servers: Sequence[psutil.Process]
) -> None:
    """Measure a running server once with each number of clients."""
    for clients in CLIENTS:
        before = _cpu_seconds(servers)
        measured = await run_clients(
            "127.0.0.1", port, clients, cycle, seconds=seconds, warm_up_seconds=seconds / 4
        )
        into.cpu_ms[clients].append((_cpu_seconds(servers) - before) * 1000 / measured.all)
        into.rounds[clients].append(measured)


def _cpu_seconds(servers: Sequence[psutil.Process]) -> float:
    """Add up what the servers used, those that they started included; a database's own is not counted."""
    processes = [process for server in servers for process in (server, *server.children(recursive=True))]
    return sum(sum(process.cpu_times()[:2]) for process in processes)
