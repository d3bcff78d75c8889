"""A merchant that is merely loose: the sandbox warns, and the gateway copes."""

from contextlib import AsyncExitStack

from sandbox.zoo.edge import KEY
from sandbox.zoo.loose import LooseMerchant
from sandbox.zoo.merchant import AMOUNT
from sandbox.zoo.species import Species, opened
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import open_gateway
from tiyin.gateway.desks.records import AccountField, DeskKind
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.gateway.vault import new_vault_key
from tiyin.gateway.verify import verify
from tiyin.protocol.values import Text
from tiyin.sandbox.findings import Verdict
from tiyin.sandbox.runner import run

LOOSE = Species("loose", "", LooseMerchant)
CARD = "8600069195406311"
ORDER = AccountField("order_id", Text(ru="Номер", uz="Raqam", en="Number"), main=True)


async def test_what_is_loose_is_warned_of_and_passes() -> None:
    """Goal: every looseness of this merchant is told once, none of it fails, and nothing else is found."""
    async with opened(LOOSE) as (target, _):
        report = await run(target)
    assert report.passed
    assert not report.count(Verdict.FAIL)
    assert {finding.problem.kind.code for finding in report.primary if finding.problem is not None} == {
        "busy-order-code",
        "content-type",
        "error-beside-result",
        "id-missing",
        "message-not-localized",
        "result-beside-error",
        "time-null",
        "transaction-not-string",
    }
    assert len(report.primary) == 8


async def test_its_payments_work_in_the_gateway(sqlite_url: str) -> None:
    """Goal: a receipt is paid to the end, with every loose answer on its way."""
    async with opened(LOOSE) as (target, merchant), AsyncExitStack() as stopping:
        gateway = await open_gateway(
            database_url=sqlite_url,
            vault_keys=new_vault_key(),
            messages=LogMessages(show=True),
            test_cards=TestCards(),
            allow_private_merchants=True,
        )
        await gateway.store.create_tables(metadata)
        await gateway.start()
        stopping.push_async_callback(gateway.stop)
        business = await gateway.desks.create_business(name="Loose", organization="Loose LLC")
        desk, key, test_key = await gateway.desks.create_desk(
            business_id=business.id,
            name="loose",
            kind=DeskKind.BILLING,
            endpoint=target.endpoint,
            account_fields=(ORDER,),
        )
        merchant.keys = [key, test_key]
        card = await gateway.cards.create(desk, number=CARD, expire="0399", save=True)
        await gateway.cards.get_verify_code(desk, card.token)
        token = (await gateway.cards.verify(desk, card.token, "666666")).token
        account = {name: str(value) for name, value in target.account.items()}
        receipt = await gateway.receipts.create(desk, NewReceipt(amount_tiyin=AMOUNT, account=account))
        paid = await gateway.receipts.pay(desk, receipt.id, token)
        assert paid.state == 4
        assert [transaction.state for transaction in merchant.transactions.values()] == [2]
        assert {"CheckPerformTransaction", "CreateTransaction", "PerformTransaction"} <= set(merchant.asked)
        assert KEY not in merchant.keys
        assert (await verify(gateway.store)).findings == []
