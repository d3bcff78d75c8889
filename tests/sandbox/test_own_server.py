"""The project's own servers pass their own sandbox with no finding: the kit, and the emulator's shop."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from helpers_emulator import emulator_process, post_json
from helpers_merchant import KEY, PRICE_TIYIN, Books, QuietShop
from sandbox.zoo.serving import served
from tiyin.merchant import MerchantApi, payme_app
from tiyin.merchant.stores.own import OwnStore
from tiyin.sandbox.findings import Report, Verdict
from tiyin.sandbox.runner import run
from tiyin.sandbox.target import AccountKind, Target

RUN_CPU_S_MAX = 20.0


@asynccontextmanager
async def own_server(url: str, kind: AccountKind) -> AsyncIterator[Target]:
    """Serve the kit over its own store."""
    one_time = kind is AccountKind.ONE_TIME
    api = MerchantApi(Books() if one_time else QuietShop(), OwnStore(url), KEY, allow_change_password=True)
    numbers = iter(range(1, 1001))

    async def new_account() -> dict[str, str | int]:
        return {"order_id": str(next(numbers)) if one_time else "b1"}

    async with served(payme_app(api)) as port:
        yield Target(
            endpoint=f"http://127.0.0.1:{port}/",
            key=KEY,
            account=await new_account(),
            amount_tiyin=PRICE_TIYIN,
            kind=kind,
            new_account=new_account,
            change_password=True,
        )


def told(report: Report) -> list[str]:
    """List what a report has against a server."""
    return [
        f"{finding.check}: {finding.problem.kind.code}: expected {finding.problem.expected}, "
        f"got {finding.problem.got}"
        for finding in report.findings
        if finding.problem is not None
    ]


@pytest.mark.parametrize("kind", list(AccountKind))
async def test_the_kit_passes_with_no_finding(sqlite_url: str, kind: AccountKind) -> None:
    """Goal: every check is made, nothing is found, and a run costs less than twenty seconds.

    The bound is on this process's own work, server included: waits for expiry and other people's processes
    on the same machine are not what makes a run slow.
    """
    async with own_server(sqlite_url, kind) as target:
        began = time.process_time()
        report = await run(target)
        cost = time.process_time() - began
    assert told(report) == []
    assert report.count(Verdict.SKIPPED) == 0
    assert cost < RUN_CPU_S_MAX


async def test_the_emulators_shop_passes_with_no_finding(tmp_path: Path) -> None:
    """Goal: the demo shop, as a process of its own, with orders made the way anybody makes them."""
    with emulator_process(tmp_path / "data") as (_, manifest):
        desk = next(desk for desk in manifest["desks"] if desk["kind"] == "billing")

        def order() -> dict[str, str | int]:
            made = post_json(f"{manifest['shop']}/orders", {"amount": PRICE_TIYIN}).json
            return {"order_id": made["order_id"]}

        async def new_account() -> dict[str, str | int]:
            return await asyncio.to_thread(order)

        report = await run(
            Target(
                endpoint=desk["endpoint"],
                key=desk["test_key"],
                account=await new_account(),
                amount_tiyin=PRICE_TIYIN,
                new_account=new_account,
            )
        )
    assert told(report) == []
    # The shop keeps its two keys: the emulator's manifest has promised them.
    assert {finding.group for finding in report.findings if finding.verdict is Verdict.SKIPPED} <= {
        "password"
    }
