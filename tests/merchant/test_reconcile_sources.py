"""The kit's transactions and the client's receipts as sources, as they really come."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from helpers_merchant import KEY, NOW_MS, Books, Payme, payme_id
from merchant.sqlalchemy.shops import AsyncShop, Shop, book_engine, dispose, make_engine, make_store, set_up
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.reconcile import (
    Code,
    OrderState,
    Period,
    Reconciler,
    ShopOrder,
    reconcile,
    transactions_of,
    transactions_of_sync,
)
from tiyin.merchant.reconcile.rows import row_of
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.subscribe.reading import read_receipts
from tiyin.protocol.receipt import AccountRow, Epos, MerchantAnswer, ReceiptAnswer
from tiyin.runtime.clock import ManualClock

PERIOD = Period(NOW_MS - 3_600_000, NOW_MS + 3_600_000)
EVERYTHING = Period(0, 10**13 - 1)


async def _paid_and_refunded(api: MerchantApi) -> None:
    """Pay orders 1 to 3, refund the third, and leave the fourth waiting."""
    payme = Payme(api)
    for number in range(1, 5):
        await payme.create(number, str(number), time=NOW_MS + number)
        if number < 4:
            await payme.perform(number)
    await payme.cancel(3, 5)


def _orders(*, third: OrderState = OrderState.REFUNDED) -> list[ShopOrder]:
    states = (OrderState.PAID, OrderState.PAID, third, OrderState.WAITING)
    return [
        ShopOrder(order=str(number), amount_tiyin=500_000, state=state, paid_at_ms=NOW_MS + number)
        for number, state in enumerate(states, 1)
    ]


async def test_a_shop_agrees_with_what_the_kit_kept(store_url: str) -> None:
    """Over SQLite and PostgreSQL: the kit's own store, opened a second time, by its address alone."""
    async with MerchantApi(Books(), store_url, KEY, clock=ManualClock(NOW_MS)) as api:
        await _paid_and_refunded(api)
        with Reconciler(now_ms=NOW_MS + 9, period=PERIOD, receipts=False) as reconciler:
            async for transaction in transactions_of(store_url, PERIOD):
                reconciler.add_transaction(transaction)
            for order in _orders(third=OrderState.PAID):
                reconciler.add_order(order)
            found = reconciler.finish()
    assert [(one.code, one.order, one.id) for one in found.differences] == [
        (Code.REFUND_NOT_IN_SHOP, "3", payme_id(3))
    ]
    assert found.read == {"orders": 4, "transactions": 4}


async def test_transactions_are_the_statement_s(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'payme.db'}"
    async with MerchantApi(Books(), address, KEY, clock=ManualClock(NOW_MS)) as api:
        await _paid_and_refunded(api)
        stated = await Payme(api).statement(PERIOD.from_ms, PERIOD.to_ms)
    rows = [row async for row in transactions_of(address, PERIOD)]
    assert [(row.id, row.state, row.perform_time) for row in rows] == [
        (row["id"], row["state"], row["perform_time"]) for row in stated
    ]
    assert [row.id async for row in transactions_of(address, Period(NOW_MS + 2, NOW_MS + 3))] == [
        payme_id(2),
        payme_id(3),
    ]


async def test_a_store_that_is_open_stays_open(tmp_path: Path) -> None:
    store = OwnStore(f"sqlite:///{tmp_path / 'payme.db'}", clock=ManualClock(NOW_MS))
    async with MerchantApi(Books(), store, KEY, clock=ManualClock(NOW_MS)) as api:
        await _paid_and_refunded(api)
        assert len([row async for row in transactions_of(store, EVERYTHING)]) == 4
        assert len([row async for row in transactions_of(store, EVERYTHING)]) == 4


def test_a_program_that_does_not_await(tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path / 'payme.db'}"
    asyncio.run(_filled(address))
    found = reconcile(
        _orders(), transactions_of_sync(address, PERIOD), None, now_ms=NOW_MS + 9, period=PERIOD
    )
    assert (found.agrees, found.read) == (True, {"orders": 4, "transactions": 4})
    half_read = transactions_of_sync(address, PERIOD)
    next(half_read)
    half_read.close()


async def _filled(address: str) -> None:
    async with MerchantApi(Books(), address, KEY, clock=ManualClock(NOW_MS)) as api:
        await _paid_and_refunded(api)


async def test_a_store_of_the_wrong_kind_is_told(tmp_path: Path) -> None:
    store = OwnStore(f"sqlite:///{tmp_path / 'payme.db'}")
    with pytest.raises(TypeError, match="use transactions_of"):
        next(transactions_of_sync(store, PERIOD))


async def test_pages_are_walked_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiyin.merchant.reconcile.sources._PAGE", 2)
    address = f"sqlite:///{tmp_path / 'payme.db'}"
    await _filled(address)
    assert [row.id async for row in transactions_of(address, PERIOD)] == [payme_id(n) for n in range(1, 5)]


WIRE: dict[str, Any] = {
    "_id": payme_id(1), "create_time": NOW_MS, "pay_time": NOW_MS + 9, "cancel_time": 0, "state": 4,
    "amount": 500_000, "commission": 5, "detail": {"items": []},
    "account": [{"name": "order_id", "value": "1", "title": "Заказ"},
                {"name": "transaction", "value": 15, "title": "Номер чека"}],
    "merchant": {"_id": "587f72c72cac0d162c722ae2", "name": "Shop"},
}  # fmt: skip


def test_receipts_of_the_client_and_of_the_wire_are_read_alike() -> None:
    (of_client,) = read_receipts([json.loads(json.dumps(WIRE))])
    of_wire = ReceiptAnswer(
        id=WIRE["_id"],
        create_time=NOW_MS,
        pay_time=NOW_MS + 9,
        cancel_time=0,
        state=4,
        type=2,
        amount=500_000,
        commission=5,
        detail={"items": []},
        account=[AccountRow("order_id", "Заказ", "1"), AccountRow("transaction", "Номер чека", 15)],
        merchant=MerchantAnswer(
            id="587f72c72cac0d162c722ae2", name="Shop", organization="", epos=Epos(), date=0, type="Shop"
        ),
    )
    row = row_of(of_wire)
    assert row_of(of_client) == row
    assert row_of(row) is row
    assert (row.account, row.desk_id, row.fiscal) == ({"order_id": "1"}, "587f72c72cac0d162c722ae2", True)
    given = {"now_ms": NOW_MS + 9_000, "period": PERIOD}
    for receipt in (of_client, of_wire, row):
        found = reconcile(_orders()[:1], None, [receipt], **given)  # type: ignore[arg-type]  # of both kinds
        assert (found.counts, found.whole.commission_tiyin) == ({}, 5)


@pytest.mark.parametrize("kind", ["psycopg", "asyncpg"])
async def test_a_store_in_the_shop_s_own_database(postgres_url: str, kind: str) -> None:
    """One that blocks and one that awaits, in PostgreSQL, over an engine of the shop's."""
    books = book_engine(postgres_url)
    engine = make_engine(kind, postgres_url)
    try:
        await asyncio.to_thread(set_up, books)
        store = make_store(engine, clock=ManualClock(NOW_MS))
        shop = AsyncShop() if kind == "asyncpg" else Shop()
        async with MerchantApi(shop, store, KEY, clock=ManualClock(NOW_MS)) as api:
            await _paid_and_refunded(api)
            if kind == "asyncpg":
                rows = [row async for row in transactions_of(store, PERIOD)]
            else:
                rows = await asyncio.to_thread(lambda: list(transactions_of_sync(store, PERIOD)))
                with pytest.raises(TypeError, match="use transactions_of_sync"):
                    await anext(transactions_of(store, PERIOD))
    finally:
        await dispose(engine)
        books.dispose()
    assert [(row.id, row.state) for row in rows] == [
        (payme_id(1), 2), (payme_id(2), 2), (payme_id(3), -2), (payme_id(4), 1),
    ]  # fmt: skip
