"""Cancelling through the whole engine: before, during and after a payment, by merchant and person."""

import asyncio

import pytest

from helpers_receipts import GOOD_CARD, World, paid_with
from tiyin.gateway.receipts.interventions import Interventions, NoReceipt, NotPaused, Signature
from tiyin.gateway.receipts.records import Receipt, error_of
from tiyin.protocol.errors import RpcError

BY = Signature("Operator", "asked by the merchant")


async def cancelled(world: World, receipt: Receipt) -> Receipt:
    await world.receipts.cancel(world.desk, receipt.id)
    await world.idle()
    return await world.load(receipt)


async def test_what_was_never_paid_is_cancelled_at_once(world: World) -> None:
    receipt = await world.create()
    assert (await world.receipts.cancel(world.desk, receipt.id)).state == 50
    with pytest.raises(RpcError) as refused:
        await world.receipts.pay(world.desk, receipt.id, GOOD_CARD)
    assert refused.value.code == -31602
    assert (await world.receipts.cancel(world.desk, receipt.id)).state == 50


async def test_what_is_paid_is_given_back_after_the_billing_agreed(world: World) -> None:
    receipt = await paid_with(world, await world.create())
    answered = await world.receipts.cancel(world.desk, receipt.id)
    assert (answered.state, answered.cancel_time_ms) == (21, 0)
    await world.idle()
    ended = await world.load(receipt)
    assert ended.state == 50
    assert ended.pay_time_ms and ended.cancel_time_ms  # noqa: PT018 - both times are told
    assert world.shop.transactions[receipt.id].reason == 5
    assert world.shop.state_of(receipt.id) == -2
    assert not await world.is_debited(receipt.id)


async def test_without_a_billing_the_money_goes_back(terminal: World) -> None:
    receipt = await paid_with(terminal, await terminal.create())
    assert (await cancelled(terminal, receipt)).state == 50
    assert not await terminal.is_debited(receipt.id)


@pytest.mark.parametrize("code", [-31007, -32601])
async def test_what_was_delivered_stays_paid(world: World, code: int) -> None:
    receipt = await paid_with(world, await world.create())
    world.shop.refusals["CancelTransaction"] = code
    kept = await cancelled(world, receipt)
    error = error_of(kept)
    assert kept.state == 4
    assert error is not None
    assert error.code == code
    assert await world.is_debited(receipt.id)
    # Asked again later, he may agree.
    world.shop.refusals.clear()
    assert (await cancelled(world, receipt)).state == 50


async def test_an_unclear_answer_is_for_a_person(world: World) -> None:
    receipt = await paid_with(world, await world.create())
    world.shop.refusals["CancelTransaction"] = -31003
    paused = await cancelled(world, receipt)
    assert (paused.state, paused.state_from) == (20, 21)
    assert await world.is_debited(receipt.id)
    people = Interventions(world.store.inner, world.clock)
    assert [each.id for each in await people.paused()] == [receipt.id]
    world.shop.refusals.clear()
    await people.resume(receipt.id, BY)
    await world.recover()
    assert (await world.load(receipt)).state == 50
    story = await people.story(receipt.id)
    assert [(row.what, row.who) for row in story.interventions] == [("resume", "Operator")]


async def test_a_resumed_cancel_is_sent_anew(world: World) -> None:
    """The billing refused to cancel, and told that the payment stands: to look again would change nothing."""
    receipt = await paid_with(world, await world.create())
    world.shop.refusals["CancelTransaction"] = -31008
    paused = await cancelled(world, receipt)
    assert (paused.state, paused.state_from, paused.step) == (20, 21, "check_cancel")
    world.shop.refusals.clear()
    await Interventions(world.store.inner, world.clock).resume(receipt.id, BY)
    await world.recover()
    assert (await world.load(receipt)).state == 50
    assert world.shop.state_of(receipt.id) == -2


async def test_a_person_overrides_a_billing_that_never_agrees(world: World) -> None:
    receipt = await paid_with(world, await world.create())
    world.shop.refusals["CancelTransaction"] = -31003
    await cancelled(world, receipt)
    people = Interventions(world.store.inner, world.clock)
    await people.cancel(receipt.id, BY, override=True)
    await world.recover()
    assert (await world.load(receipt)).state == 50
    assert not await world.is_debited(receipt.id)
    # The merchant's books stay as they are: that is what an override means.
    assert world.shop.state_of(receipt.id) == 2
    world.problems.clear()


async def test_a_person_needs_a_name_a_reason_and_a_receipt(world: World) -> None:
    people = Interventions(world.store.inner, world.clock)
    receipt = await world.create()
    with pytest.raises(NoReceipt):
        await people.resume("0" * 24, BY)
    with pytest.raises(NotPaused):
        await people.resume(receipt.id, BY)
    for by in (Signature("", "x"), Signature("x", " "), Signature("x", "y" * 501)):
        with pytest.raises(ValueError, match="must be 1 to"):
            await people.cancel(receipt.id, by)
    assert (await people.cancel(receipt.id, BY)).state == 50


async def test_a_cancel_during_the_debit_gives_the_money_back(world: World) -> None:
    receipt = await world.create()
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_: str) -> None:
        reached.set()
        await go_on.wait()

    world.acquirer.before_debit = wait
    paying = asyncio.create_task(world.pay(receipt))
    await reached.wait()
    assert (await world.receipts.cancel(world.desk, receipt.id)).state == 2
    go_on.set()
    await paying
    await world.recover()
    assert (await world.load(receipt)).state == 50
    assert world.shop.state_of(receipt.id) == -1
    assert not await world.is_debited(receipt.id)


async def test_a_cancel_while_perform_is_repeated_waits_for_the_word(world: World) -> None:
    receipt = await world.create()
    world.shop.faults = ["ok", "ok", *["lost_after"] * 6]
    await world.pay(receipt)
    assert (await world.load(receipt)).state in {3, 30}
    await world.receipts.cancel(world.desk, receipt.id)
    await world.recover()
    assert (await world.load(receipt)).state == 50
    methods = [method for method, _ in world.shop.calls]
    assert methods.index("CancelTransaction") > max(
        index for index, method in enumerate(methods) if method == "PerformTransaction"
    )


async def test_two_cancels_at_once_give_back_once(world: World) -> None:
    receipt = await paid_with(world, await world.create())
    await asyncio.gather(*(world.receipts.cancel(world.desk, receipt.id) for _ in range(5)))
    await world.idle()
    assert (await world.load(receipt)).state == 50
    assert [method for method, _ in world.shop.calls].count("CancelTransaction") == 1


async def test_a_foreign_receipt_is_not_cancelled(world: World) -> None:
    receipt = await world.create()
    from msgspec.structs import replace  # noqa: PLC0415 - only here

    other = replace(world.desk, id="0" * 24)
    with pytest.raises(RpcError) as refused:
        await world.receipts.cancel(other, receipt.id)
    assert refused.value.code == -31602


async def test_a_split_is_earned_and_given_back_by_its_shares(world: World) -> None:
    other = "b" * 24
    world.commissions[other] = 0
    world.shop.receivers = [{"id": other, "amount": 200_000}, {"id": world.desk.id, "amount": 300_000}]
    receipt = await paid_with(world, await world.create())
    assert receipt.commission_tiyin == 4_500
    story = await Interventions(world.store.inner, world.clock).story(receipt.id)
    booked = {(entry.what, entry.credit): entry.amount_tiyin for entry in story.entries}
    assert booked[("earned", f"desk:{other}")] == 200_000
    assert booked[("earned", f"desk:{world.desk.id}")] == 295_500
    assert (await cancelled(world, receipt)).state == 50
    assert not await world.is_debited(receipt.id)
