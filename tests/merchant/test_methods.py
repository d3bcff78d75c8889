"""What each method answers, against the documentation and the rulings, over a real database without HTTP."""

import json
from collections.abc import AsyncIterator
from typing import Any

import apsw
import asyncpg
import pytest

from helpers_merchant import KEY, NOW_MS, TIMEOUT_MS, Books, Payme, QuietShop, payme_id
from tiyin.merchant import methods
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Billing, OrderState
from tiyin.merchant.stores.own import OwnStore
from tiyin.runtime.clock import ManualClock


class World:
    """An api on a clock that stands still."""

    def __init__(self, url: str, shop: Billing, **options: Any) -> None:
        self.shop = shop
        self.clock = ManualClock(NOW_MS)
        self.store = OwnStore(url, clock=self.clock, patience_s=0.3)
        self.api = MerchantApi(shop, self.store, KEY, clock=self.clock, patience_s=0.3, **options)
        self.payme = Payme(self.api)


@pytest.fixture(params=["hooks", "quiet"])
async def world(request: pytest.FixtureRequest, sqlite_url: str) -> AsyncIterator[World]:
    """Both kinds of shop must look the same to Payme."""
    opened = World(sqlite_url, Books() if request.param == "hooks" else QuietShop())
    async with opened.api:
        yield opened


@pytest.fixture
async def books(sqlite_url: str) -> AsyncIterator[World]:
    opened = World(sqlite_url, Books())
    async with opened.api:
        yield opened


async def test_a_payment_from_check_to_refund(world: World) -> None:
    payme = world.payme
    assert await payme.check_perform() == {"allow": True}
    created = await payme.create(1)
    assert created == {"create_time": NOW_MS, "transaction": created["transaction"], "state": 1}
    world.clock.advance(1000)
    assert await payme.create(1) == created
    performed = await payme.perform(1)
    assert performed == {"transaction": created["transaction"], "perform_time": NOW_MS + 1000, "state": 2}
    world.clock.advance(1000)
    assert await payme.perform(1) == performed
    cancelled = await payme.cancel(1, 5)
    assert cancelled == {"transaction": created["transaction"], "cancel_time": NOW_MS + 2000, "state": -2}
    world.clock.advance(1000)
    assert await payme.cancel(1, 3) == cancelled
    assert await payme.check(1) == {
        "create_time": NOW_MS,
        "perform_time": NOW_MS + 1000,
        "cancel_time": NOW_MS + 2000,
        "transaction": created["transaction"],
        "state": -2,
        "reason": 5,
    }
    assert await payme.perform(1) == -31008
    assert await payme.create(1) == -31008


async def test_unset_times_are_zero_and_the_reason_null(world: World) -> None:
    created = await world.payme.create(1)
    assert await world.payme.check(1) == {
        "create_time": NOW_MS,
        "perform_time": 0,
        "cancel_time": 0,
        "transaction": created["transaction"],
        "state": 1,
        "reason": None,
    }


async def test_unknown_transactions(world: World) -> None:
    for method in (world.payme.perform, world.payme.cancel, world.payme.check):
        assert await method(9) == -31003


@pytest.mark.parametrize("amount", [499_999, 500_001, 0, -500_000, 10**14])
async def test_wrong_amounts(world: World, amount: int) -> None:
    assert await world.payme.check_perform(amount=amount) == -31001
    assert await world.payme.create(1, amount=amount) == -31001
    assert await world.payme.check(1) == -31003


async def test_a_whole_float_is_an_amount(world: World) -> None:
    assert await world.payme.check_perform(amount=500000.0) == {"allow": True}  # type: ignore[arg-type]  # the wire's


@pytest.mark.parametrize("order", ["0", "no such", 5000])
async def test_an_unknown_account(world: World, order: str | int) -> None:
    for method in ("CheckPerformTransaction", "CreateTransaction"):
        params = {"id": payme_id(1), "time": NOW_MS, "amount": 500000, "account": {"order_id": order}}
        reply = await world.payme.send(json.dumps({"id": 1, "method": method, "params": params}).encode())
        assert reply["error"]["code"] == -31050
        assert reply["error"]["data"] == "order_id"
        assert set(reply["error"]["message"]) == {"ru", "uz", "en"}


async def test_a_known_id_with_other_parameters_is_refused(world: World) -> None:
    await world.payme.create(1)
    assert await world.payme.create(1, order="2") == -31008
    assert await world.payme.create(1, amount=500_001) == -31008
    assert await world.payme.create(1, time=NOW_MS + 1) == -31008
    assert (await world.payme.create(1, order=1))["state"] == 1  # an integer and its text are one account


async def test_one_waiting_transaction_for_an_order(world: World) -> None:
    await world.payme.create(1)
    assert await world.payme.create(2) == -31008
    assert -31099 <= await world.payme.check_perform() <= -31050
    assert await world.payme.check(2) == -31003
    assert (await world.payme.cancel(1))["state"] == -1
    assert await world.payme.check_perform() == {"allow": True}
    assert (await world.payme.create(2))["state"] == 1


async def test_a_paid_order_is_paid_once(world: World) -> None:
    await world.payme.create(1)
    await world.payme.perform(1)
    assert -31099 <= await world.payme.check_perform() <= -31050
    assert -31099 <= await world.payme.create(2) <= -31050
    await world.payme.cancel(1, 5)
    assert -31099 <= await world.payme.check_perform() <= -31050
    assert -31099 <= await world.payme.create(2) <= -31050


async def test_a_balance_takes_any_number_of_payments(world: World) -> None:
    for number in range(3):
        assert (await world.payme.create(number, order="b1", amount=1000 + number))["state"] == 1
    for number in range(3):
        assert (await world.payme.perform(number))["state"] == 2
    assert await world.payme.create(4, order="b1", amount=99) == -31001
    assert await world.payme.create(4, order="b1", amount=1_000_001) == -31001


async def test_the_reason_is_kept_as_given(world: World) -> None:
    for number, reason in enumerate((1, 2, 3, 4, 5, 10)):
        await world.payme.create(number, order=str(number + 1))
        await world.payme.cancel(number, reason)
        assert (await world.payme.check(number))["reason"] == reason


async def test_expiry_is_noticed_by_each_call_that_touches_it(world: World) -> None:
    for number in range(1, 6):
        await world.payme.create(number, order=str(number))
    world.clock.advance(TIMEOUT_MS - 1)
    assert (await world.payme.check(1))["state"] == 1
    world.clock.advance(1)
    now_ms = world.clock.now_ms()
    checked = await world.payme.check(1)
    assert (checked["state"], checked["reason"], checked["cancel_time"]) == (-1, 4, now_ms)
    assert await world.payme.perform(2) == -31008
    assert await world.payme.create(3, order="3") == -31008
    assert (await world.payme.cancel(4, 3))["state"] == -1
    for number in (2, 3, 4):
        assert (await world.payme.check(number))["reason"] == 4
    # Another transaction for the same order notices too, and gets it.
    assert await world.payme.check_perform(order="5") == {"allow": True}
    assert (await world.payme.create(6, order="5", time=now_ms))["state"] == 1
    assert (await world.payme.check(5))["reason"] == 4


async def test_a_new_transaction_finds_that_the_old_one_has_expired(world: World) -> None:
    await world.payme.create(1)
    world.clock.advance(TIMEOUT_MS)
    assert (await world.payme.create(2, time=world.clock.now_ms()))["state"] == 1


async def test_a_transaction_out_of_its_time_is_not_stored(world: World) -> None:
    for time in (NOW_MS - TIMEOUT_MS, NOW_MS - TIMEOUT_MS - 1, NOW_MS + 86_400_001, 0):
        assert await world.payme.create(1, time=time) == -31008
        assert await world.payme.check(1) == -31003
    assert (await world.payme.create(2, order="2", time=NOW_MS - TIMEOUT_MS + 1))["state"] == 1
    assert (await world.payme.create(3, order="3", time=NOW_MS + 86_400_000))["state"] == 1


async def test_the_sweep_frees_orders(world: World) -> None:
    for number in range(1, 4):
        await world.payme.create(number, order=str(number))
    await world.payme.perform(3)
    world.clock.advance(TIMEOUT_MS)
    await world.api.expire_due()
    for row in await world.payme.statement():
        expected = (2, None, 0) if row["id"] == payme_id(3) else (-1, 4, world.clock.now_ms())
        assert (row["state"], row["reason"], row["cancel_time"]) == expected
    if isinstance(world.shop, Books):
        assert world.shop.orders == {"1": OrderState.WAITING, "2": OrderState.WAITING, "3": OrderState.PAID}
        assert world.shop.ran["cancel", payme_id(1)] == 1
    assert await world.api.expire_due() == 0


async def test_the_statement(world: World) -> None:
    for number, time in ((3, 5), (1, 9), (2, 5), (4, 20)):
        await world.payme.create(number, order=number, time=NOW_MS + time)
    assert await world.payme.create(5, order="nobody", time=NOW_MS + 5) == -31050
    await world.payme.perform(2)
    await world.payme.cancel(3)
    rows = await world.payme.statement(NOW_MS + 5, NOW_MS + 9)
    assert [(row["id"], row["state"]) for row in rows] == [
        (payme_id(2), 2),
        (payme_id(3), -1),
        (payme_id(1), 1),
    ]
    assert rows[0] == {
        "id": payme_id(2),
        "time": NOW_MS + 5,
        "amount": 500_000,
        "account": {"order_id": 2},
        "create_time": NOW_MS,
        "perform_time": NOW_MS,
        "cancel_time": 0,
        "transaction": rows[0]["transaction"],
        "state": 2,
        "reason": None,
    }
    assert await world.payme.statement(NOW_MS + 10, NOW_MS + 19) == []
    assert await world.payme.statement(NOW_MS + 9, NOW_MS + 5) == []


async def without_the_index(url: str) -> None:
    """Let no index hand the rows out in the right order by luck."""
    statement = "DROP INDEX payme_transactions_time"
    if url.startswith("sqlite"):
        apsw.Connection(url.removeprefix("sqlite:///")).execute(statement)
        return
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def test_a_statement_breaks_ties_by_id(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one moment, the ids decide; also where a page ends between them, and on each kind of database."""
    monkeypatch.setattr(methods, "STATEMENT_PAGE", 2)
    numbers = [0xB0, 0x0A, 0xFF, 0x1, 0xA1, 0x9]
    world = World(store_url, QuietShop())
    async with world.api:
        await without_the_index(store_url)
        for order, number in enumerate(numbers, 1):
            assert (await world.payme.create(number, str(order), time=NOW_MS - number % 2))["state"] == 1
        rows = [(row["time"], row["id"]) for row in await world.payme.statement()]
    assert rows == sorted((NOW_MS - number % 2, payme_id(number)) for number in numbers)
