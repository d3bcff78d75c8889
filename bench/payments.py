"""The merchant endpoint and the gateway, each beside its floor: rounds of floor and real thing in turn."""

import contextlib
import json
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import psutil

from bench.comparing import Comparison, Side, measure
from bench.cycles import MerchantCycle, Payment, saved_card
from bench.databases import Databases
from bench.servers import free_port, running
from bench.shops import by_hand, with_kit

__all__ = [
    "Running",
    "compare_django",
    "compare_gateway",
    "compare_merchant",
    "compare_reserving",
    "floor",
    "gateway",
]

_FLOOR = {"floor": "of its floor"}
_BY_HAND = {"by hand": "times the view by hand"}


async def compare_merchant(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """Full cycles per second of the merchant endpoint, for the shop of the kit's own first page.

    CreateTransaction is one commit, and PerformTransaction two: the effect is claimed, then its outcome kept.
    Beside it stand its floor, and a view that does the same, written by hand with Django.
    """
    sides = {"tiyin": Side(), "floor": Side(), "by hand": Side()}
    comparison = Comparison("merchant", "cycles", kind, _FLOOR | _BY_HAND, sides)
    for _ in range(rounds):
        await _floor_and_kit(comparison, databases, seconds, ["--create-commits=1"], [])
        async with databases.fresh(kind) as url, by_hand(kind, url) as (port, server, cycle):
            await measure(sides["by hand"], port, cycle, seconds, [server])
    return comparison


async def compare_django(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """The kit's Django integration beside the hand-written view: one shop, one server, one database each."""
    sides = {"tiyin": Side(), "by hand": Side()}
    for _ in range(rounds):
        for name, shop in (("by hand", by_hand), ("tiyin", with_kit)):
            async with databases.fresh(kind) as url, shop(kind, url) as (port, server, cycle):
                await measure(sides[name], port, cycle, seconds, [server])
    return Comparison("django", "cycles", kind, _BY_HAND, sides)


async def compare_reserving(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """The same for a shop that also acts when an order is reserved: one commit more in CreateTransaction."""
    comparison = Comparison("reserving", "cycles", kind, _FLOOR, {"tiyin": Side(), "floor": Side()})
    for _ in range(rounds):
        await _floor_and_kit(comparison, databases, seconds, ["--create-commits=2"], ["--reserving"])
    return comparison


async def _floor_and_kit(
    comparison: Comparison, databases: Databases, seconds: float, commits: list[str], shop: list[str]
) -> None:
    async with databases.fresh(comparison.database) as url:
        port = free_port()
        floor = ["merchant", "--database", url, *commits, "--perform-commits=2"]
        with running("bench.floor", port, *floor) as server:
            await measure(comparison.sides["floor"], port, MerchantCycle(), seconds, [server])
    async with databases.fresh(comparison.database) as url:
        port = free_port()
        with running("bench.merchant_server", port, "--database", url, *shop) as server:
            await measure(comparison.sides["tiyin"], port, MerchantCycle(), seconds, [server])


async def compare_gateway(databases: Databases, kind: str, rounds: int, seconds: float) -> Comparison:
    """Payments per second of the gateway, with the merchant's server beside it."""
    sides = {"tiyin": Side(), "floor": Side()}
    comparison = Comparison("gateway", "payments", kind, _FLOOR, sides)
    for _ in range(rounds):
        async with floor(databases, kind) as there:
            await measure(sides["floor"], there.port, there.payment, seconds, there.servers)
        async with gateway(databases, kind) as there:
            await measure(sides["tiyin"], there.port, there.payment, seconds, there.servers)
    return comparison


class Running(NamedTuple):
    """A gateway and its merchant as processes, and what pays there."""

    port: int
    merchant_port: int
    servers: list[psutil.Process]
    payment: Payment


@contextlib.asynccontextmanager
async def floor(databases: Databases, kind: str, *of_merchant: str) -> AsyncIterator[Running]:
    """Run the gateway's floor over an empty database, beside the merchant's; see `gateway`."""
    async with databases.fresh(kind) as url, databases.fresh(kind) as merchant_url:
        port, merchant_port = free_port(), free_port()
        merchant = ["merchant", "--database", merchant_url, "--create-commits=2", "--perform-commits=2"]
        merchant += of_merchant
        # receipts.create stores the receipt. receipts.pay stores the intent; then the merchant's answer with
        # the intent to debit, and the acquirer's books; then the debit; then that it is paid.
        gateway = ["gateway", "--database", url, "--merchant", f"http://127.0.0.1:{merchant_port}/"]
        with (
            running("bench.floor", merchant_port, *merchant) as shop,
            running("bench.floor", port, *gateway, "--debit-commits=3") as server,
        ):
            yield Running(port, merchant_port, [server, shop], Payment("floor", "floor", "floor"))


@contextlib.asynccontextmanager
async def gateway(databases: Databases, kind: str, *of_merchant: str) -> AsyncIterator[Running]:
    """Run the gateway over an empty database, beside the reserving merchant.

    Args:
        databases: Where the databases of both come from.
        kind: The kind of database.
        of_merchant: More arguments for the merchant's server.
    """
    async with databases.fresh(kind) as url, databases.fresh(kind) as merchant_url:
        port, merchant_port = free_port(), free_port()
        with tempfile.TemporaryDirectory() as folder:
            manifest = Path(folder) / "manifest.json"
            endpoint = f"http://127.0.0.1:{merchant_port}/"
            reserving = ["--database", merchant_url, "--reserving", *of_merchant]
            arguments = ["--database", url, "--merchant", endpoint, "--manifest", str(manifest)]
            with (
                running("bench.merchant_server", merchant_port, *reserving) as shop,
                running("bench.gateway_server", port, *arguments) as server,
            ):
                made = json.loads(_await_text(manifest))
                token = await saved_card(port, made["desk"], made["key"])
                payment = Payment(made["desk"], made["key"], token)
                yield Running(port, merchant_port, [server, shop], payment)


def _await_text(path: Path) -> str:
    deadline = time.monotonic() + 10
    while not (path.exists() and path.read_text()):
        assert time.monotonic() < deadline, "the gateway wrote no manifest"
        time.sleep(0.05)
    return path.read_text()
