"""The gateway assembled: real desks, cards, receipts and acquirer over a store; only the shop is scripted."""

import asyncio
from typing import TYPE_CHECKING, cast

import pytest

from helpers_shop import Shop
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway, NoAcquirer, open_gateway
from tiyin.gateway.desks.records import AccountField, Desk, DeskKind
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.gateway.vault import new_vault_key
from tiyin.gateway.verify import verify
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Text
from tiyin.runtime.http import ScriptedHttp
from tiyin.storage import open_store

if TYPE_CHECKING:
    from tiyin.gateway.acquiring.port import Acquirer

VAULT_KEY = new_vault_key()
GOOD = "8600069195406311"
ORDER = AccountField("order_id", Text(ru="Номер", uz="Raqam", en="Number"), main=True)


async def open_test_gateway(url: str, shop: Shop) -> Gateway:
    gateway = await open_gateway(
        database_url=url,
        vault_keys=VAULT_KEY,
        messages=LogMessages(show=True),
        test_cards=TestCards(),
        allow_private_merchants=True,
        http=ScriptedHttp(shop.script),
    )
    await gateway.store.create_tables(metadata)
    await gateway.start()
    return gateway


async def a_desk(gateway: Gateway, *, billing: bool = True) -> Desk:
    business = await gateway.desks.create_business(name="Shop", organization="Shop LLC")
    desk, _, _ = await gateway.desks.create_desk(
        business_id=business.id,
        name="shop",
        kind=DeskKind.BILLING if billing else DeskKind.VIRTUAL_TERMINAL,
        endpoint="http://127.0.0.1:1/payme" if billing else None,
        account_fields=(ORDER,),
    )
    return desk


async def a_token(gateway: Gateway, desk: Desk, number: str = GOOD, *, save: bool = False) -> str:
    card = await gateway.cards.create(desk, number=number, expire="0399", save=save)
    await gateway.cards.get_verify_code(desk, card.token)
    return (await gateway.cards.verify(desk, card.token, "666666")).token


async def always(_: str) -> bool:
    return True


@pytest.mark.parametrize("billing", [True, False])
@pytest.mark.parametrize("save", [True, False])
async def test_a_card_is_verified_and_pays(store_url: str, billing: bool, save: bool) -> None:
    shop = Shop(always)
    gateway = await open_test_gateway(store_url, shop)
    desk = await a_desk(gateway, billing=billing)
    token = await a_token(gateway, desk, save=save)
    receipt = await gateway.receipts.create(desk, NewReceipt(amount_tiyin=500_000, account={"order_id": "1"}))
    paid = await gateway.receipts.pay(desk, receipt.id, token)
    assert paid.state == 4
    assert await gateway.receipts.pay(desk, receipt.id, token) == paid
    other = await gateway.receipts.create(desk, NewReceipt(amount_tiyin=500_000, account={"order_id": "2"}))
    if save:
        assert (await gateway.receipts.pay(desk, other.id, token)).state == 4
    else:
        with pytest.raises(RpcError) as error:
            await gateway.receipts.pay(desk, other.id, token)
        assert error.value.code == -31400
    assert (await verify(gateway.store)).findings == []
    await gateway.stop()


async def test_payments_survive_a_stop_in_the_middle(sqlite_url: str) -> None:
    """Forty payments are under way when the gateway stops; another process finishes every one of them."""
    shop = Shop(always)
    gateway = await open_test_gateway(sqlite_url, shop)
    desk = await a_desk(gateway)
    token = await a_token(gateway, desk, save=True)
    receipts = [
        await gateway.receipts.create(desk, NewReceipt(amount_tiyin=100, account={"order_id": order}))
        for order in range(40)
    ]
    paying = [asyncio.ensure_future(gateway.receipts.pay(desk, receipt.id, token)) for receipt in receipts]
    while not shop.transactions:  # noqa: ASYNC110 - the shop tells nobody
        await asyncio.sleep(0)
    await gateway.receipts.stop()
    answers = await asyncio.gather(*paying, return_exceptions=True)
    assert all(isinstance(answer, Receipt | RpcError) for answer in answers)
    await gateway.stop()
    store = await open_store(sqlite_url)
    assert (await verify(store)).findings == []
    await store.close()
    again = await open_test_gateway(sqlite_url, shop)
    states = {0}
    for _ in range(400):
        rows = [await again.receipts.get(desk, receipt.id) for receipt in receipts]
        states = {row.state for row in rows}
        if states <= {0, 4}:
            break
        await asyncio.sleep(0.05)
    assert states <= {0, 4}
    assert (await verify(again.store)).findings == []
    await again.stop()


async def test_test_cards_are_refused_beside_a_real_acquirer(sqlite_url: str) -> None:
    async def opened(**changes: object) -> None:
        await open_gateway(
            database_url=sqlite_url,
            vault_keys=new_vault_key(),
            messages=LogMessages(),
            **changes,  # type: ignore[arg-type] # whatever a row of this test asks for
        )

    with pytest.raises(NoAcquirer, match="beside a real acquirer"):
        await opened(test_cards=TestCards(), acquirer=cast("Acquirer", object()))
    with pytest.raises(NoAcquirer, match="no acquirer"):
        await opened()
