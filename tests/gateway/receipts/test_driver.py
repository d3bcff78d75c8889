"""The driver and the worker, over both databases: commits, leases, crashes, stops, callers that hang up."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from helpers_receipts import GOOD_CARD, OTHER_CARD, World, agrees, make_desk, paid_with
from helpers_shop import Crashed
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.moves import PayIntent
from tiyin.gateway.receipts.orders import Orders
from tiyin.gateway.receipts.payment import LEASE_MS
from tiyin.gateway.receipts.records import ATTEMPTS, Receipt
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.protocol.errors import RpcError
from tiyin.runtime.http import HttpAnswer, HttpCall, ScriptedHttp
from tiyin.storage import Lease, StorageUnavailable, Store
from tiyin.storage.schema import WORK


async def test_a_payment_through_a_billing_takes_five_commits(stored: World) -> None:
    receipt = await stored.create()
    assert stored.store.commits == 1
    paid = await paid_with(stored, receipt)
    assert paid.state == 4
    assert stored.store.commits == 5
    assert [method for method, _ in stored.shop.calls] == [
        "CheckPerformTransaction",
        "CheckPerformTransaction",
        "CreateTransaction",
        "PerformTransaction",
    ]
    assert paid == await stored.load(receipt)


async def _lease_ends(world: World, receipt: Receipt) -> list[int]:
    """Pay, and tell when the lease ended as each of the merchant's calls came."""
    ends: list[int] = []
    handle = world.shop._handle  # noqa: SLF001 - the look is put into the shop

    async def look(method: str, params: dict[str, object]) -> dict[str, object]:
        work = await world.store.inner.get(WORK, receipt.id)
        if work is not None:
            ends.append(work.leased_until)
        return await handle(method, params)

    world.shop._handle = look  # type: ignore[method-assign]  # noqa: SLF001
    assert (await paid_with(world, receipt)).state == 4
    return ends


async def test_a_smooth_payment_does_not_renew_its_lease(stored: World) -> None:
    created, performed = await _lease_ends(stored, await stored.create())
    assert created == performed


async def test_a_lease_that_would_not_cover_the_next_call_is_renewed_with_the_write(
    stored: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No commit is spent on it: a renewal of its own would be one more."""
    monkeypatch.setattr(stored.receipts._driver, "_enough_ms", LEASE_MS)  # noqa: SLF001 - as if time had passed
    receipt = await stored.create()
    before = stored.store.commits
    created, performed = await _lease_ends(stored, receipt)
    assert created < performed
    assert stored.store.commits == before + 4


async def test_a_payment_without_billing_is_0_2_4(stored_terminal: World) -> None:
    receipt = await stored_terminal.create()
    paid = await paid_with(stored_terminal, receipt)
    assert paid.state == 4
    assert stored_terminal.store.commits == 3
    assert stored_terminal.shop.calls == []


async def test_two_payments_at_once_debit_once(stored: World) -> None:
    receipt = await stored.create()
    answers = await asyncio.gather(
        *(stored.pay(receipt, card) for card in (GOOD_CARD, OTHER_CARD, GOOD_CARD))
    )
    assert sum(isinstance(answer, Receipt) and answer.state == 4 for answer in answers) >= 1
    assert (await stored.load(receipt)).state == 4
    assert len(stored.acquirer.debits) == 1


async def test_a_client_that_hangs_up_cancels_nothing(stored: World) -> None:
    receipt = await stored.create()
    paying = asyncio.ensure_future(stored.pay(receipt))
    await stored.reached(receipt, 1)
    paying.cancel()
    await stored.idle()
    assert (await stored.load(receipt)).state == 4


async def test_a_driver_that_lost_its_lease_writes_nothing(stored: World) -> None:
    """A call hangs, the lease ends, another driver finishes; the first one wakes up and must not write."""
    receipt = await stored.create()
    hanging, answered = asyncio.Event(), asyncio.Event()
    handle = stored.shop._handle  # noqa: SLF001 - the hang is put into the shop

    async def hang(method: str, params: dict[str, object]) -> dict[str, object]:
        if method == "PerformTransaction" and not hanging.is_set():
            hanging.set()
            await answered.wait()
        return await handle(method, params)

    stored.shop._handle = hang  # type: ignore[method-assign]  # noqa: SLF001
    paying = asyncio.ensure_future(stored.pay(receipt))
    await hanging.wait()
    await stored.expire_leases()
    await stored.receipts.worker.run_once()
    await stored.reached(receipt, 4)
    version = (await stored.load(receipt)).version
    answered.set()
    answer = await paying
    assert isinstance(answer, Receipt)
    assert (answer.state, answer.version) == (4, version)


async def test_a_stopping_process_hands_over(stored: World) -> None:
    receipt = await stored.create()
    stored.shop.faults = ["ok", "lost_after"]
    paying = asyncio.ensure_future(stored.pay(receipt))
    await stored.reached(receipt, 1)
    await stored.receipts.stop()
    answer = await paying
    assert isinstance(answer, Receipt)
    assert answer.state == 1
    stored.restart()
    await stored.recover()
    assert (await stored.load(receipt)).state == 4


@pytest.mark.parametrize("billing", [True, False])
async def test_a_crash_at_any_moment_is_recovered(store: Store, billing: bool) -> None:
    """The process dies before or after each commit and each call of a payment; then the worker recovers."""
    await store.create_tables(metadata)
    world = World(store, make_desk(billing=billing))
    world.shop.one_time = False
    states = []
    for moment in range(1, 100):
        receipt = await world.create(moment)
        world.crashes.count, world.crashes.at = 0, {moment}
        answer = await world.pay(receipt)
        if isinstance(answer, Receipt):
            break
        assert isinstance(answer, Crashed)
        world.crashes.at = set()
        world.restart()
        await world.recover()
        states.append((await world.load(receipt)).state)
    else:
        pytest.fail("no payment ever got through")
    # Before the first intent nothing has happened; from then on every payment comes to its end.
    begun = next(index for index, state in enumerate(states) if state != 0)
    assert set(states[begun:]) == {4}
    assert len(states) == (16 if billing else 6)
    await agrees(world)


async def test_a_payment_that_takes_long_is_answered_as_it_stands(store: Store) -> None:
    """The client hears of state 3 within the bound, and the driver goes on to 4 without him."""
    await store.create_tables(metadata)
    world = World(store, make_desk())
    world.receipts._paying._answer_ms = 1_000  # noqa: SLF001 - nobody should wait 25 seconds for a test
    receipt = await world.create()
    answered = asyncio.Event()
    handle = world.shop._handle  # noqa: SLF001 - the wait is put into the shop

    async def wait(method: str, params: dict[str, object]) -> dict[str, object]:
        if method == "PerformTransaction":
            await answered.wait()
        return await handle(method, params)

    world.shop._handle = wait  # type: ignore[method-assign]  # noqa: SLF001
    standing = await paid_with(world, receipt)
    assert standing.state == 3
    answered.set()
    await world.idle()
    assert (await world.load(receipt)).state == 4
    await agrees(world)


async def test_one_silent_merchant_holds_only_its_own_places(store: Store) -> None:
    """The worker drives at most so many receipts of one desk; what is above is put back, not waited for."""
    await store.create_tables(metadata)
    world = World(store, make_desk())
    world.shop.one_time = False
    world.shop.faults = []
    receipts = [await world.create(order) for order in range(4)]
    for receipt in receipts:
        world.shop.faults = ["ok", *["lost_before"] * 12]
        await world.pay(receipt)
    world.shop.faults = []
    world.receipts.worker._running_max_a_desk = 1  # noqa: SLF001 - the bound is what is tested
    world.clock.now += 60_000
    await world.receipts.wake()
    assert await world.receipts.worker.run_once() == 4
    await world.idle()
    states = [(await world.load(receipt)).state for receipt in receipts]
    assert sorted(states) == [1, 1, 1, 4]
    await world.recover()
    assert {(await world.load(receipt)).state for receipt in receipts} <= {4, 50}
    await agrees(world)


async def test_no_call_starts_that_could_outlive_the_lease(stored: World) -> None:
    """A driver whose lease is nearly over renews it first; one whose lease is gone does not call at all."""
    receipt = await stored.create()
    stored.shop.faults = ["ok", *["lost_before"] * 12]
    await stored.pay(receipt)
    stored.shop.faults = []
    calls = len(stored.shop.calls)
    await stored.receipts.wake()
    (lease,) = await stored.store.work.claim("receipt", "another", 20_000, 1)
    soon = replace(lease, until=time.monotonic() + 2)
    await stored.store.inner.work.release(lease)
    driver = stored.receipts._driver  # noqa: SLF001 - the driver alone is what is tested
    assert (await driver.drive(await stored.load(receipt), soon, fresh=False)).state == 1
    assert len(stored.shop.calls) == calls
    (lease,) = await stored.store.work.claim("receipt", "another", 20_000, 1)
    soon = replace(lease, until=time.monotonic() + 2)
    assert (await driver.drive(await stored.load(receipt), soon, fresh=False)).state == 4


async def test_a_stopping_process_begins_no_payment(stored: World) -> None:
    receipt = await stored.create()
    await stored.receipts.stop()
    refused = await stored.pay(receipt)
    assert isinstance(refused, RpcError)
    assert refused.code == -31700
    assert (await stored.load(receipt)).state == 0


async def test_what_waits_for_hours_is_woken_and_what_is_held_afterwards(stored: World) -> None:
    """A turned clock makes all of it due at once; a driver that is at work is left to it."""
    waiting, held = await stored.create(1), await stored.create(2)
    for receipt in (waiting, held):
        stored.shop.faults = ["ok", *["lost_before"] * 12]
        await stored.pay(receipt)
    stored.shop.faults = []
    work = stored.store.inner.work
    assert await work.backlog() == 0
    assert await stored.receipts.wake() == 2
    assert await work.backlog() == 2
    leases = {lease.key: lease for lease in await work.claim("receipt", "another", 20_000, 2)}
    await work.release(leases[waiting.id], 3_600_000)
    assert await work.backlog() == 0
    assert await stored.receipts.wake() == 2
    assert await work.backlog() == 1
    await work.release(leases[held.id], 3_600_000)
    assert await work.backlog() == 2
    await stored.recover()


async def test_a_renewal_that_took_too_long_is_asked_for_again(stored: World) -> None:
    """The database was away while the lease was renewed: what came back is nearly over."""
    receipt = await stored.create()
    stored.shop.faults = ["ok", *["lost_before"] * 12]
    await stored.pay(receipt)
    stored.shop.faults = []
    await stored.receipts.wake()
    (lease,) = await stored.store.work.claim("receipt", "another", 20_000, 1)
    renew, renewals = stored.store.inner.work.renew, 0

    async def renew_slowly(held: Lease, lease_ms: int) -> Lease:
        nonlocal renewals
        renewals += 1
        renewed = await renew(held, lease_ms)
        return replace(renewed, until=time.monotonic() + 5) if renewals == 1 else renewed

    stored.store.work.renew = renew_slowly  # type: ignore[attr-defined]  # it is found before the real one
    driver = stored.receipts._driver  # noqa: SLF001 - the driver alone is what is tested
    soon = replace(lease, until=time.monotonic() + 2)
    assert (await driver.drive(await stored.load(receipt), soon, fresh=False)).state == 4
    assert renewals == 2


async def test_a_debit_does_not_leave_when_its_card_was_found_too_late(
    stored_terminal: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database was away while the card was read: the lease would end before the acquirer's answer."""
    late: list[int] = []
    opened, left_ms = stored_terminal.cards.open, Lease.left_ms

    async def open_late(card_id: str) -> Any:
        if len(late) < 2:
            late.append(1)
        return await opened(card_id)

    def left(lease: Lease) -> int:
        if late == [1]:
            late.append(2)
            return 14_000
        return left_ms(lease)

    monkeypatch.setattr(stored_terminal.cards, "open", open_late)
    monkeypatch.setattr(Lease, "left_ms", left)
    receipt = await stored_terminal.create()
    assert (await paid_with(stored_terminal, receipt)).state == 4
    assert late == [1, 2]
    assert len(stored_terminal.acquirer.debits) == 1
    (attempt,) = await stored_terminal.store.inner.query(ATTEMPTS.schema.select(), ATTEMPTS)
    assert (attempt.step, attempt.outcome) == ("debit", "unknown")


async def test_an_order_that_closes_while_the_database_is_asked_is_closed(stored: World) -> None:
    """Method: the answer of the database comes from before the order closed."""
    receipt = replace(await stored.create(), cancelling=1)
    orders = Orders(stored.store.inner, stored.clock)
    asked, go_on = asyncio.Event(), asyncio.Event()
    query = stored.store.inner.query

    async def query_slowly(*arguments: Any) -> Any:
        rows = await query(*arguments)
        asked.set()
        await go_on.wait()
        return rows

    orders._store = SimpleNamespace(query=query_slowly)  # noqa: SLF001 - it only asks
    looking = asyncio.ensure_future(orders.are_open("another", "order"))
    await asked.wait()
    orders.changed(receipt)
    go_on.set()
    assert await looking
    assert not await orders.are_open(receipt.desk_id, receipt.account_key)


async def test_what_a_dead_merchant_left_does_not_hold_up_another(stored: World) -> None:
    """A hundred and fifty receipts of a merchant that hangs were due before the one of another."""
    dead = make_desk(id="b" * 24, endpoint="https://dead.example/payme")
    stored.shop.one_time = False
    new = NewReceipt(amount_tiyin=500_000, account={"order_id": 1})
    left = [await stored.receipts.create(dead, new) for _ in range(150)]
    fine = await stored.create(2)
    intent = PayIntent(
        attempt=1,
        route="billing",
        endpoint="https://dead.example/payme",
        terminal="",
        commission_tiyin=7_500,
        card_id=GOOD_CARD,
        token_id=None,
        card_mask="860006******6311",
        card_expire="0399",
    )
    driver = stored.receipts._driver  # noqa: SLF001 - what its process died over is made with it
    for receipt in left:
        await driver.begin(receipt, intent)
    await driver.begin(fine, replace(intent, endpoint="https://shop.example/payme"))
    await stored.expire_leases()
    awake = asyncio.Event()

    async def hang(call: HttpCall) -> HttpAnswer:
        if "dead.example" in call.url:
            await awake.wait()
        return await stored.shop.script(call)

    stored.calls._http = ScriptedHttp(hang)  # noqa: SLF001 - the network is put in
    rounds = 0
    while (await stored.load(fine)).state != 4:
        rounds += await stored.receipts.worker.run_once() > 0
        assert rounds <= 4
        await asyncio.sleep(0.01)
    awake.set()
    await stored.idle()
    await stored.recover()
    assert {(await stored.load(receipt)).state for receipt in left} <= {4, 50}


async def test_the_worker_survives_whatever_goes_wrong_in_it(stored: World) -> None:
    """An error that nobody foresaw is logged, and the worker looks again; so does one of the database."""
    receipt = await stored.create()
    stored.shop.faults = ["ok", *["lost_before"] * 12]
    await stored.pay(receipt)
    stored.shop.faults = []
    await stored.receipts.wake()
    claim, errors = stored.store.work.claim, [RuntimeError("a bug"), StorageUnavailable("gone")]

    async def claim_badly(*arguments: Any) -> list[Lease]:
        if errors:
            raise errors.pop(0)
        return await claim(*arguments)

    stored.store.work.claim = claim_badly  # type: ignore[assignment, method-assign]
    await stored.receipts.start()
    await asyncio.wait_for(stored.reached(receipt, 4), 20)
    await stored.receipts.stop()
    await stored.idle()
    assert not errors
