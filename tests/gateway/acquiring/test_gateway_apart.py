"""A gateway whose acquirer and issuer are a process of their own: a card is entered, verified and debited."""

import pytest

from helpers_acquirer import apart
from tiyin.gateway.acquiring.faults import Fault
from tiyin.gateway.app import open_gateway
from tiyin.gateway.desks.records import DeskKind
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.gateway.vault import new_vault_key
from tiyin.protocol.errors import RpcError


async def test_a_payment_is_made_through_an_acquirer_apart(store_url: str, tmp_path: object) -> None:
    async with apart(f"sqlite:///{tmp_path}/books.db") as far:
        gateway = await open_gateway(
            database_url=store_url,
            vault_keys=new_vault_key(),
            messages=LogMessages(show=True),
            acquirer=far.acquirer,
            issuer=far.issuer,
        )
        try:
            await gateway.store.create_tables(metadata)
            await gateway.start()
            business = await gateway.desks.create_business(name="Shop", organization="Shop LLC")
            desk, _, _ = await gateway.desks.create_desk(
                business_id=business.id, name="shop", kind=DeskKind.VIRTUAL_TERMINAL
            )
            with pytest.raises(RpcError):
                await gateway.cards.create(desk, number="8600495473316478", expire="0499", save=False)
            card = await gateway.cards.create(desk, number="8600495473316478", expire="0399", save=False)
            await gateway.cards.get_verify_code(desk, card.token)
            token = (await gateway.cards.verify(desk, card.token, "666666")).token
            wanted = NewReceipt(amount_tiyin=500_000, account={"order_id": "1"})
            receipt = await gateway.receipts.create(desk, wanted)
            await far.fail(Fault(kind="after-drop", operation="debit", times=1))
            paid = await gateway.receipts.pay(desk, receipt.id, token)
            assert paid.state == 4
            assert await far.inside.taken_tiyin("8600495473316478") == 500_000
        finally:
            await gateway.stop()
