"""`verify` finds what does not agree, names the receipt, and has nothing to say of what is right."""

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from msgspec.structs import replace

from helpers_receipts import FAILING_CARD, World, make_desk
from tiyin.gateway.acquiring.books import OPERATIONS, Operation
from tiyin.gateway.ledger import ENTRIES, taken
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.verify import verify
from tiyin.storage import Decision, Done, Schedule, Store, WorkChange


@pytest.fixture
async def world(store: Store) -> World:
    await store.create_tables(metadata)
    return World(store, make_desk())


@pytest.fixture
async def quick(sqlite_url: str) -> AsyncIterator[World]:
    """A world on one database only: what is found in what was read does not depend on where it was read."""
    world = await World.open(sqlite_url)
    yield world
    await world.close()


async def overwrite(
    world: World, receipt: Receipt, work: WorkChange | None = None, **changes: object
) -> None:
    def rule(stored: Receipt | None) -> Decision[None]:
        assert stored is not None
        return Decision(None, replace(stored, **changes), work=work)

    await world.store.inner.change(RECEIPTS, receipt.id, rule)


async def a_paid_one(world: World) -> Receipt:
    receipt = await world.create()
    paid = await world.pay(receipt)
    assert isinstance(paid, Receipt)
    return paid


async def findings(world: World, page: int = 500) -> list[tuple[str, str]]:
    report = await verify(world.store.inner, page=page)
    assert report.findings_count == len(report.findings)
    return [(finding.receipt_id, finding.what) for finding in report.findings]


async def test_an_empty_database_is_clean(world: World) -> None:
    report = await verify(world.store.inner)
    assert report.clean
    assert report.receipts == 0


@pytest.mark.parametrize("page", [1, 2, 3, 500])
async def test_receipts_in_any_state_agree_whatever_the_pages(world: World, page: int) -> None:
    world.shop.one_time = False
    for order in range(4):
        await world.pay(await world.create(order))
    await world.pay(await world.create(5), FAILING_CARD)
    await world.create(6)
    world.shop.faults = ["ok", "ok", "ok", *["lost_before"] * 30]
    await world.pay(await world.create(7))
    report = await verify(world.store.inner, page=page)
    assert report.findings == []
    assert (report.receipts, report.operations) == (7, 6)
    totals = report.totals
    assert totals.taken == 5 * 500_000
    assert totals.owed + totals.commission == 4 * 500_000
    assert totals.in_flight == 500_000


async def _state_0_with_money(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    await overwrite(world, receipt, state=0, pay_time_ms=0)
    return receipt


async def _state_50_with_money(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    await overwrite(world, receipt, state=50, cancel_time_ms=1)
    return receipt


async def _paid_without_debit(world: World) -> Receipt:
    receipt = await world.create()
    await overwrite(world, receipt, state=4, pay_time_ms=1, transaction="1")
    await a_paid_one(world)
    return receipt


async def _taken_without_receipt_to_show(world: World) -> Receipt:
    receipt = await world.create()
    await world.store.inner.append(ENTRIES, [taken(receipt.id, 500_000, 1)])
    return receipt


async def _another_amount_in_the_ledger(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    await overwrite(world, receipt, amount_tiyin=receipt.amount_tiyin + 1)
    return receipt


async def _a_second_debit(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    operation = Operation(f"{receipt.id}-2", "c", "t", 500_000, "debited", 0, 1)
    await world.store.inner.change(OPERATIONS, operation.id, lambda _: Decision(None, operation))
    return receipt


async def _a_debit_nobody_knows(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    lost = replace(receipt, id="f" * 24)
    operation = Operation(f"{lost.id}-1", "c", "t", 500_000, "debited", 0, 1)
    await world.store.inner.change(OPERATIONS, operation.id, lambda _: Decision(None, operation))
    return lost


async def _work_without_need(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    await overwrite(world, receipt, Schedule(receipt.id, "receipt", 60_000))
    return receipt


async def _work_without_receipt(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    lost = replace(receipt, id="0" * 24)
    await overwrite(world, receipt, Schedule(lost.id, "receipt", 60_000))
    return lost


async def _unresolved_without_work(world: World) -> Receipt:
    receipt = await world.create()
    world.shop.faults = ["ok", *["lost_after"] * 30]
    await world.pay(receipt)
    await overwrite(world, receipt, Done(receipt.id))
    return receipt


async def _paid_but_never_created(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    await overwrite(world, receipt, transaction=None)
    return receipt


async def _entries_without_receipt(world: World) -> Receipt:
    receipt = await a_paid_one(world)
    lost = replace(receipt, id="1" * 24)
    await world.store.inner.append(ENTRIES, [taken(lost.id, 5, 1)])
    return lost


@pytest.mark.parametrize(
    "plant",
    [
        _state_0_with_money,
        _state_50_with_money,
        _paid_without_debit,
        _taken_without_receipt_to_show,
        _another_amount_in_the_ledger,
        _a_second_debit,
        _a_debit_nobody_knows,
        _work_without_need,
        _work_without_receipt,
        _unresolved_without_work,
        _paid_but_never_created,
        _entries_without_receipt,
    ],
)
@pytest.mark.parametrize("page", [1, 500])
async def test_what_does_not_agree_is_found_and_named(
    quick: World, plant: Callable[[World], Awaitable[Receipt]], page: int
) -> None:
    quick.shop.one_time = False
    await a_paid_one(quick)
    wrong = await plant(quick)
    found = await findings(quick, page)
    assert found
    assert {receipt_id for receipt_id, _ in found} == {wrong.id}
