"""Holds through the whole engine: set aside, confirmed, given back, raced, crashed, left for thirty days."""

import asyncio
import shutil
from collections.abc import AsyncIterator

import pytest

from helpers_receipts import GOOD_CARD, OTHER_CARD, World, agrees, fast_folder, make_desk
from tiyin.gateway.acquiring.books import DEBITED, OPERATIONS
from tiyin.gateway.receipts.holds import HOLD_MS
from tiyin.gateway.receipts.records import Receipt
from tiyin.protocol.errors import RpcError

DAY_MS = 24 * 3_600_000


@pytest.fixture(params=["billing", "direct"])
async def holding(request: pytest.FixtureRequest) -> AsyncIterator[World]:
    """A desk that may hold money, with a billing and without one."""
    folder = fast_folder()
    desk = make_desk(billing=request.param == "billing", holds=True)
    world = await World.open(f"sqlite:///{folder / 'store.db'}", desk)
    yield world
    await agrees(world)
    await world.close()
    shutil.rmtree(folder)


async def hold(world: World, token: str = GOOD_CARD) -> Receipt:
    receipt = await world.create(hold=True)
    held = await world.receipts.pay(world.desk, receipt.id, token, hold=True)
    assert held.state == 5
    return held


async def debited(world: World, receipt: Receipt) -> bool:
    return await world.is_debited(receipt.id)


async def test_a_hold_is_taken_when_it_is_confirmed(holding: World) -> None:
    held = await hold(holding)
    assert not await debited(holding, held)
    assert holding.shop.transactions == {}, "the billing hears of it when it is confirmed"
    holding.clock.now += 3 * DAY_MS
    paid = await holding.receipts.confirm_hold(holding.desk, held.id)
    assert paid.state == 4
    assert await debited(holding, held)
    assert (await holding.receipts.confirm_hold(holding.desk, held.id)).state == 4
    if held.route == "billing":
        assert holding.shop.transactions[held.id].params["time"] == paid.time_ms == holding.clock.now
        assert holding.shop.state_of(held.id) == 2


async def test_a_hold_is_given_back_when_it_is_cancelled(holding: World) -> None:
    held = await hold(holding)
    assert (await holding.receipts.cancel(holding.desk, held.id)).state == 21
    await holding.idle()
    assert (await holding.load(held)).state == 50
    operation = await holding.store.inner.get(OPERATIONS, held.attempt_key or "")
    assert operation is not None
    assert operation.state == "reversed"
    with pytest.raises(RpcError) as refused:
        await holding.receipts.confirm_hold(holding.desk, held.id)
    assert refused.value.code == -31602


async def test_both_calls_must_say_hold_and_the_desk_must_have_the_right(holding: World) -> None:
    plain, to_hold = await holding.create(), await holding.create(order=2, hold=True)
    for receipt, flag in ((plain, True), (to_hold, False)):
        with pytest.raises(RpcError) as refused:
            await holding.receipts.pay(holding.desk, receipt.id, GOOD_CARD, hold=flag)
        assert (refused.value.code, refused.value.data) == (-31610, "hold")
    with pytest.raises(RpcError) as refused:
        await holding.receipts.confirm_hold(holding.desk, plain.id)
    assert refused.value.code == -31602
    without = make_desk(billing=holding.desk.endpoint is not None, holds=False)
    from tiyin.gateway.receipts.service import NewReceipt  # noqa: PLC0415 - only here

    with pytest.raises(RpcError) as refused:
        await holding.receipts.create(
            without, NewReceipt(amount_tiyin=100, account={"order_id": 3}, hold=True)
        )
    assert (refused.value.code, refused.value.data) == (-31610, "hold")


async def test_of_confirm_and_cancel_at_once_one_wins(holding: World) -> None:
    held = await hold(holding)
    confirm, cancel = await asyncio.gather(
        holding.receipts.confirm_hold(holding.desk, held.id),
        holding.receipts.cancel(holding.desk, held.id),
        return_exceptions=True,
    )
    await holding.idle()
    await holding.recover()
    ended = await holding.load(held)
    assert not isinstance(cancel, BaseException)
    if ended.state == 4:
        assert isinstance(confirm, Receipt)
    else:
        assert ended.state == 50, "a wish that came during the confirmation is obeyed"
    assert await debited(holding, held) is (ended.state == 4)


async def test_the_processing_ends_a_hold_by_itself(holding: World) -> None:
    held = await hold(holding)
    holding.clock.now += HOLD_MS + 1
    await holding.recover()
    ended = await holding.load(held)
    assert ended.state == 50
    with pytest.raises(RpcError):
        await holding.receipts.confirm_hold(holding.desk, held.id)


async def test_a_hold_that_stands_goes_on_standing(holding: World) -> None:
    held = await hold(holding)
    for _ in range(5):
        holding.clock.now += DAY_MS
        await holding.receipts.wake()
        await holding.receipts.worker.run_once()
        await holding.idle()
        assert (await holding.load(held)).state == 5


async def test_a_confirmation_while_it_is_looked_at_goes_on_at_once(holding: World) -> None:
    """The one who looks has the work: he takes up the confirmation, and nobody waits for his lease."""
    held = await hold(holding)
    asked = asyncio.Event()
    go_on = asyncio.Event()
    status = holding.acquirer.status

    async def slow(key: str) -> object:
        asked.set()
        await go_on.wait()
        return await status(key)

    holding.acquirer.status = slow  # type: ignore[assignment,method-assign]
    await holding.receipts.wake()
    await holding.receipts.worker.run_once()
    await asked.wait()
    confirming = asyncio.create_task(holding.receipts.confirm_hold(holding.desk, held.id))
    answered = await confirming
    assert answered.state in {1, 2}
    go_on.set()
    await holding.idle()
    assert (await holding.load(held)).state == 4


async def test_a_lost_capture_is_asked_about_and_taken_once(holding: World) -> None:
    held = await hold(holding)
    holding.acquirer.faults = ["lost_after", "lost_before", "ok"]
    paid = await holding.receipts.confirm_hold(holding.desk, held.id)
    assert paid.state == 4
    rows = await holding.store.inner.query(OPERATIONS.schema.select(), OPERATIONS)
    assert [row.state for row in rows] == [DEBITED]


async def test_a_refused_create_gives_the_hold_back(holding: World) -> None:
    if holding.desk.endpoint is None:
        return
    held = await hold(holding)
    holding.shop.faults = ["refused"]
    with pytest.raises(RpcError) as refused:
        await holding.receipts.confirm_hold(holding.desk, held.id)
    assert refused.value.code == -31610
    assert (await holding.load(held)).state == 50


async def test_a_repeat_of_the_hold_answers_the_same_card_alone(holding: World) -> None:
    held = await hold(holding)
    assert (await holding.receipts.pay(holding.desk, held.id, GOOD_CARD, hold=True)).state == 5
    with pytest.raises(RpcError) as refused:
        await holding.receipts.pay(holding.desk, held.id, OTHER_CARD, hold=True)
    assert refused.value.code == -31602
