"""Scenarios of payments for Hypothesis: what happens around receipts, and what must hold whatever happens."""

import asyncio
import logging
import shutil
from typing import Final

import msgspec
from hypothesis import strategies as st

from helpers_receipts import FAILING_CARD, GOOD_CARD, OTHER_CARD, World, fast_folder, make_desk
from helpers_shop import ACQUIRER_FAULTS, SHOP_FAULTS, Crashed
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID, PAUSED
from tiyin.gateway.verify import verify
from tiyin.protocol.errors import RpcError

__all__ = ["Scenario", "run_scenario", "scenarios"]

DOCUMENTED: Final = {-31400, -31602, -31610, -31620, -31622, -31623, -31630, -31640}


class Pay(msgspec.Struct, frozen=True):
    """Somebody pays: which receipt, with which token, and how many times at once."""

    receipt: int
    token: str
    at_once: int


class Scenario(msgspec.Struct, frozen=True):
    """What happens.

    Attributes:
        billing: Whether the desk has a billing.
        one_time: Whether the order can be paid once only.
        pays: Who pays, one after the other.
        shop_faults: What the network does to the calls to the shop, in their order.
        acquirer_faults: The same for the acquirer.
        crashes: At which moments the process dies: before or after a commit or a call.
        passes_ms: How much time passes between the payments.
        late: Whether what was late arrives between the payments.
    """

    billing: bool
    one_time: bool
    pays: list[Pay]
    shop_faults: list[str]
    acquirer_faults: list[str]
    crashes: list[int]
    passes_ms: int
    late: bool


_tokens = st.sampled_from([GOOD_CARD, OTHER_CARD, FAILING_CARD, f"once:{GOOD_CARD}", f"once:{OTHER_CARD}"])

scenarios = st.builds(
    Scenario,
    billing=st.sampled_from([True, True, True, False]),
    one_time=st.booleans(),
    pays=st.lists(
        st.builds(Pay, receipt=st.integers(0, 1), token=_tokens, at_once=st.sampled_from([1, 1, 2])),
        min_size=1,
        max_size=3,
    ),
    # CheckPerformTransaction takes the first answer; most scenarios should get past it.
    shop_faults=st.lists(st.sampled_from(SHOP_FAULTS), max_size=8).map(lambda faults: ["ok", *faults]),
    acquirer_faults=st.lists(st.sampled_from(ACQUIRER_FAULTS), max_size=5),
    crashes=st.lists(st.integers(1, 30), max_size=3, unique=True),
    passes_ms=st.sampled_from([0, 0, 1_000, 119_000, 121_000, 13 * 3_600_000]),
    late=st.booleans(),
)


def run_scenario(scenario: Scenario) -> None:
    """Play a scenario over a real store, let the worker recover, and check what must hold."""
    folder = fast_folder()
    # Every crash and every lost answer is logged, and here they come by the thousand.
    logging.disable(logging.CRITICAL)
    try:
        asyncio.run(_play(scenario, f"sqlite:///{folder / 'store.db'}"))
    finally:
        logging.disable(logging.NOTSET)
        shutil.rmtree(folder)


async def _play(scenario: Scenario, url: str) -> None:
    world = await World.open(url, make_desk(billing=scenario.billing))
    try:
        world.shop.one_time = scenario.one_time
        receipts = [await world.create_unchecked(order=1) for _ in range(2)]
        world.crashes.count, world.crashes.at = 0, set(scenario.crashes)
        world.shop.faults = list(scenario.shop_faults)
        world.acquirer.faults = list(scenario.acquirer_faults)
        for pay in scenario.pays:
            await asyncio.gather(*(world.pay(receipts[pay.receipt], pay.token) for _ in range(pay.at_once)))
            world.clock.now += scenario.passes_ms
            if scenario.late:
                await world.acquirer.arrive()
            if any(isinstance(answer, Crashed) for answer in world.answers):
                await world.expire_leases()
                world.restart()
            await world.receipts.worker.run_once()
            await world.idle()
        await _recover(world)
        await world.acquirer.arrive()
        await _check(scenario, world, receipts)
    finally:
        await world.close()


async def _recover(world: World) -> None:
    """Let everything come to rest: no faults any more, and crashes that were not reached stay away."""
    world.crashes.at = set()
    world.restart()
    world.shop.faults, world.acquirer.faults = [], []
    await world.recover()


async def _check(scenario: Scenario, world: World, receipts: list[Receipt]) -> None:
    assert world.problems == []
    assert world.shop.problems == []
    assert world.cards.problems == []
    report = await verify(world.store.inner)
    assert report.findings == []
    kept_tiyin = 0
    for receipt in receipts:
        stored = await world.load(receipt)
        assert stored.state in {CREATED, PAID, PAUSED, CANCELLED}
        at_shop = world.shop.state_of(receipt.id)
        if stored.state == PAID:
            kept_tiyin += stored.amount_tiyin
            assert await world.is_debited(receipt.id)
            assert at_shop == (2 if stored.route == "billing" else None)
        elif stored.state != PAUSED:
            assert not await world.is_debited(receipt.id)
            assert at_shop in {None, -1, -2}
        # A person is needed after a day without an answer, or where a refusal was answered unclearly.
        unclear = {"refused", "malformed_after"}.intersection(scenario.shop_faults)
        assert stored.state != PAUSED or unclear or scenario.passes_ms > 12 * 3_600_000
    totals = report.totals
    assert totals.owed + totals.commission == kept_tiyin
    for answer in world.answers:
        if isinstance(answer, RpcError):
            assert answer.code in DOCUMENTED
