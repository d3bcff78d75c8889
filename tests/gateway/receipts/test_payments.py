"""Payments from end to end: what receipts.pay answers, and where the receipt ends."""

import pytest

from helpers_receipts import (
    FAILING_CARD,
    GOOD_CARD,
    OTHER_CARD,
    SLOW_CARD,
    World,
    make_desk,
    paid_with,
    refused_with,
)
from tiyin.gateway.ledger import ENTRIES
from tiyin.gateway.receipts.records import Receipt
from tiyin.protocol.errors import RpcError


async def test_the_ledger_owes_the_desk_less_its_commission(world: World) -> None:
    receipt = await world.create(amount_tiyin=500_000)
    await paid_with(world, receipt)
    entries = await world.store.inner.query(ENTRIES.schema.select().order_by(ENTRIES.schema.c.id), ENTRIES)
    assert [(entry.what, entry.debit, entry.credit, entry.amount_tiyin) for entry in entries] == [
        ("commission", "in-flight", "commission", 7_500),
        ("earned", "in-flight", f"desk:{world.desk.id}", 492_500),
        ("taken", "acquirer", "in-flight", 500_000),
    ]


async def test_paying_a_paid_receipt_again(world: World) -> None:
    """The same card gets the paid receipt, another one -31602; neither debits."""
    receipt = await world.create()
    paid = await paid_with(world, receipt)
    assert await world.pay(receipt) == paid
    assert (await refused_with(world, receipt, OTHER_CARD)).code == -31602
    assert len(world.acquirer.debits) == 1


async def test_a_declined_debit_cancels_with_reason_2(world: World) -> None:
    receipt = await world.create()
    assert (await refused_with(world, receipt, FAILING_CARD)).code == -31640
    stored = await world.load(receipt)
    assert (stored.state, stored.step, stored.cancelling) == (50, None, 0)
    assert world.shop.transactions[receipt.id].state == -1
    assert world.shop.transactions[receipt.id].reason == 2
    assert (await refused_with(world, receipt)).code == -31602


async def test_a_slow_card_is_answered_after_ten_seconds(terminal: World) -> None:
    receipt = await terminal.create()
    before = terminal.clock.now
    assert (await refused_with(terminal, receipt, SLOW_CARD)).code == -31620
    assert terminal.clock.now - before >= 10_000
    assert (await terminal.load(receipt)).state == 50


async def test_what_check_perform_refuses_is_told_onwards_and_creates_nothing(world: World) -> None:
    first = await world.create()
    second = await world.create()
    await paid_with(world, first)
    refused = await refused_with(world, second)
    assert (refused.code, refused.data, refused.message.en) == (-31610, "order_id", "The order is busy")
    assert (await world.load(second)).state == 0
    with pytest.raises(RpcError) as error:
        await world.create()
    assert (error.value.code, error.value.data) == (-31610, "order_id")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("not_sent", -31622),
        ("lost_before", -31622),
        ("http_500_after", -31622),
        ("system_error", -31622),
        ("malformed_after", -31623),
        ("refused", -31610),
    ],
)
async def test_a_billing_that_fails_at_check_perform(world: World, fault: str, code: int) -> None:
    world.shop.faults = [fault]
    with pytest.raises(RpcError) as error:
        await world.create()
    assert error.value.code == code


async def test_a_create_that_is_refused_outright_leaves_0(world: World) -> None:
    receipt = await world.create()
    world.shop.faults = ["ok", "refused"]
    assert (await refused_with(world, receipt)).code == -31610
    assert (await world.load(receipt)).state == 0
    assert (await paid_with(world, receipt)).state == 4


async def test_a_lost_create_is_repeated_with_the_same_time(world: World) -> None:
    receipt = await world.create()
    world.shop.faults = ["ok", "lost_after"]
    assert (await paid_with(world, receipt)).state == 4
    creates = [params for method, params in world.shop.calls if method == "CreateTransaction"]
    assert len(creates) == 2
    assert creates[0] == creates[1]


async def test_a_billing_that_never_answers_create_debits_nobody(world: World) -> None:
    """After the payer's patience the transaction is cancelled with reason 3; only its answer writes 50."""
    receipt = await world.create()
    world.shop.faults = ["ok", *["lost_after"] * 40]
    answer = await world.pay(receipt)
    assert isinstance(answer, Receipt)
    assert answer.state == 1
    other = await world.create_unchecked(order=1)
    world.shop.faults = ["lost_after"] * 40
    world.clock.now += 121_000
    await world.receipts.wake()
    await world.receipts.worker.run_once()
    await world.idle()
    assert (await world.load(receipt)).step == "cancel"
    world.shop.faults = []
    world.shop.one_time = False
    calls = len(world.shop.calls)
    assert (await refused_with(world, other)).code == -31622, "the order is still held by the old receipt"
    assert len(world.shop.calls) == calls
    await world.recover()
    assert (await world.load(receipt)).state == 50
    assert world.shop.transactions[receipt.id].reason == 3
    assert world.acquirer.debits == []
    assert (await paid_with(world, other)).state == 4


async def test_a_lost_perform_is_repeated_and_goes_to_the_queue(world: World) -> None:
    """3 -> 30, and when the billing is back, 4; the money is taken once."""
    receipt = await world.create()
    world.shop.faults = ["ok", "ok", *["lost_before"] * 12]
    answer = await world.pay(receipt)
    assert isinstance(answer, Receipt)
    assert answer.state in {3, 30}
    world.shop.faults = ["lost_before"] * 4
    for _ in range(4):
        await world.receipts.wake()
        await world.receipts.worker.run_once()
        await world.idle()
    assert (await world.load(receipt)).state == 30
    assert await world.pay(receipt) == await world.load(receipt)
    world.shop.faults = []
    await world.recover()
    assert (await world.load(receipt)).state == 4
    assert len(world.acquirer.debits) == 1


async def test_a_perform_that_stays_lost_for_a_day_waits_for_a_person(world: World) -> None:
    receipt = await world.create()
    world.shop.faults = ["ok", "ok", *["lost_before"] * 200]
    await world.pay(receipt)
    await world.recover(rounds=100)
    stored = await world.load(receipt)
    assert (stored.state, stored.state_from, stored.step) == (20, 30, "perform")
    assert await world.is_debited(receipt.id)


async def test_a_refused_perform_gives_the_money_back(world: World) -> None:
    """The transaction waits still: CancelTransaction(3), then the refund, then 50."""
    receipt = await world.create()
    world.shop.faults = ["ok", "ok", "refused"]
    assert (await refused_with(world, receipt)).code == -31610
    assert (await world.load(receipt)).state == 50
    transaction = world.shop.transactions[receipt.id]
    assert (transaction.state, transaction.reason) == (-1, 3)
    assert not await world.is_debited(receipt.id)


async def test_a_refused_perform_that_was_performed_is_paid(world: World) -> None:
    receipt = await world.create()
    world.shop.faults = ["ok", "ok", "lost_after", "refused"]
    assert (await paid_with(world, receipt)).state == 4


async def test_a_debit_without_answer_is_asked_by_its_key(world: World) -> None:
    receipt = await world.create()
    world.acquirer.faults = ["lost_after"]
    assert (await paid_with(world, receipt)).state == 4
    assert len(world.acquirer.debits) == 1


async def test_a_debit_that_never_arrived_is_repeated_with_the_same_key(terminal: World) -> None:
    receipt = await terminal.create()
    terminal.acquirer.faults = ["late"]
    assert (await paid_with(terminal, receipt)).state == 4
    await terminal.acquirer.arrive()
    assert len(terminal.acquirer.debits) == 2
    assert len(set(terminal.acquirer.debits)) == 1


async def test_a_debit_that_arrives_after_the_payer_left_is_refused(world: World) -> None:
    """The key is voided first, so that the late debit finds a tombstone."""
    receipt = await world.create()
    world.acquirer.faults = ["late", *["lost_before"] * 30]
    await world.pay(receipt)
    world.clock.now += 121_000
    world.acquirer.faults = []
    await world.recover()
    await world.acquirer.arrive()
    assert (await world.load(receipt)).state == 50
    assert not await world.is_debited(receipt.id)


async def test_a_one_time_token_pays_one_receipt(terminal: World) -> None:
    first, second = await terminal.create(), await terminal.create()
    token = f"once:{GOOD_CARD}"
    paid = await paid_with(terminal, first, token)
    assert terminal.cards.spent == {token: first.id}
    assert await terminal.pay(first, token) == paid
    assert (await refused_with(terminal, second, token)).code == -31400


async def test_a_token_is_free_again_after_a_refusal(world: World) -> None:
    first, second = await world.create(order=1), await world.create(order=2)
    token = f"once:{GOOD_CARD}"
    world.shop.faults = ["ok", "refused"]
    await refused_with(world, first, token)
    assert (await paid_with(world, second, token)).state == 4


async def test_another_desks_receipt_is_unknown(world: World) -> None:
    receipt = await world.create()
    foreign = make_desk(id="f" * 24)
    with pytest.raises(RpcError) as error:
        await world.receipts.get(foreign, receipt.id)
    assert error.value.code == -31602
    with pytest.raises(RpcError):
        await world.receipts.get(world.desk, "short")


async def test_numbers_are_unique_and_rise_within_a_process(world: World) -> None:
    receipts = [await world.create_unchecked(order=order) for order in range(5)]
    world.restart()
    receipts.append(await world.create_unchecked(order=9))
    numbers = [receipt.number for receipt in receipts]
    assert numbers == sorted(set(numbers))
    assert numbers[0] == 1


async def test_what_can_be_no_id_is_not_asked_for(stored: World) -> None:
    """A name that PostgreSQL refuses would spoil the read that many payers share."""
    for name in ("\0" * 24, "é" * 24, "0" * 23, "0" * 25, "0" * 24):
        with pytest.raises(RpcError) as refused:
            await stored.receipts.get(stored.desk, name)
        assert refused.value.code == -31602
