"""Invoices: what is posted to whom, and how often it may be."""

import msgspec
import pytest

from tiyin.gateway.cards.limits import Limit
from tiyin.gateway.desks.records import AccountField, Desk, DeskKind, Epos
from tiyin.gateway.metadata import metadata
from tiyin.gateway.notifications.invoices import InvoiceLimits, Invoices, facts_of
from tiyin.gateway.notifications.outbox import Outbox, Senders
from tiyin.gateway.notifications.port import LogMessages
from tiyin.gateway.notifications.records import MESSAGES, message_place
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.vault import KeyRing, Vault, new_vault_key
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Text
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.ids import SeededIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Store

PHONE, OTHER_PHONE = "998901234531", "998901234532"
DESK = Desk(
    id="5" * 24,
    business_id="6" * 24,
    name="Ромашка",
    organization="ООО",
    kind=DeskKind.BILLING,
    endpoint=None,
    account_fields=(AccountField("order_id", Text(ru="Заказ", uz="Buyurtma", en="Order"), main=True),),
    amount_tiyin_min=1,
    amount_tiyin_max=10**12,
    round_up=False,
    holds=False,
    active=True,
    test=True,
    alias=None,
    logo=None,
    address="",
    category=Text.same(""),
    epos=Epos(),
    domains=(),
    created_at_ms=0,
    commission_basis_points=0,
)
RECEIPT = Receipt(
    id="2e0b1bc1f1eb50d487ba268d",
    number=1,
    desk_id=DESK.id,
    route="billing",
    amount_tiyin=500_000,
    account='{"order_id": 197, "note": "x"}',
    account_key="",
    created_ms=0,
)


class Office:
    def __init__(self, store: Store) -> None:
        self.store, self.clock, self.vault = store, ManualClock(), Vault(KeyRing.read(new_vault_key()))
        self.tasks = Tasks()
        self.outbox = Outbox(
            store, self.clock, SeededIds(), self.tasks, self.vault, Senders(sms=LogMessages()), owner="test"
        )
        limits = InvoiceLimits(receiver=Limit(2, 60_000), desk=Limit(4, 60_000))
        self.invoices = Invoices(
            store, self.clock, self.vault, self.outbox, "https://pay.example.uz/", limits=limits
        )

    async def content(self, message_id: str) -> dict[str, str]:
        row = await self.store.get(MESSAGES, message_id)
        assert row is not None
        opened: dict[str, str] = msgspec.json.decode(self.vault.open(row.sealed, message_place(message_id)))
        return opened


@pytest.fixture
async def office(store: Store) -> Office:
    await store.create_tables(metadata)
    return Office(store)


async def test_the_three_ways_of_an_invoice(office: Office) -> None:
    sms = await office.content(await office.invoices.send_invoice(DESK, RECEIPT, PHONE, "ru"))
    assert sms["receiver"] == PHONE
    assert sms["text"].endswith(f"https://pay.example.uz/checkout/{RECEIPT.id}")
    mail = await office.content(
        await office.invoices.send_invoice_by_mail(DESK, RECEIPT, "payer@example.uz", "uz")
    )
    assert "Buyurtma: 197" in mail["text"]
    assert "Buyurtma" in mail["html"]
    chat = await office.content(await office.invoices.send_invoice_by_telegram(DESK, RECEIPT, "777", "en"))
    assert "Order: 197" in chat["text"]
    row = await office.store.get(MESSAGES, await office.invoices.send_invoice(DESK, RECEIPT, PHONE, "ru"))
    assert row is not None
    assert (row.desk_id, row.receipt_id, row.purpose) == (DESK.id, RECEIPT.id, "invoice")


async def test_a_phone_and_a_desk_get_so_many(office: Office) -> None:
    for _ in range(2):
        await office.invoices.send_invoice(DESK, RECEIPT, PHONE, "ru")
    with pytest.raises(RpcError) as refused:
        await office.invoices.send_invoice(DESK, RECEIPT, PHONE, "ru")
    assert (refused.value.code, refused.value.data) == (-31610, "phone")
    assert "слишком много" in refused.value.message.ru
    for number in range(2):
        await office.invoices.send_invoice(DESK, RECEIPT, f"99890123450{number}", "ru")
    with pytest.raises(RpcError) as refused:
        await office.invoices.send_invoice(DESK, RECEIPT, OTHER_PHONE, "ru")
    assert (refused.value.code, refused.value.data) == (-31610, "phone")
    other_desk = msgspec.structs.replace(DESK, id="7" * 24)
    await office.invoices.send_invoice(other_desk, RECEIPT, OTHER_PHONE, "ru")

    office.clock.advance(60_000)
    await office.invoices.send_invoice(DESK, RECEIPT, PHONE, "ru")


async def test_what_is_told_by_itself_is_told_once_and_needs_no_leave(office: Office) -> None:
    ids = {await office.invoices.tell("paid", DESK, RECEIPT, "ru", phone=PHONE) for _ in range(5)}
    assert len(ids) == 1
    assert {await office.invoices.tell("refunded", DESK, RECEIPT, "ru", phone=PHONE)} != ids
    assert await office.store.work.backlog() == 2
    with pytest.raises(ValueError, match="receiver"):
        await office.invoices.tell("paid", DESK, RECEIPT, "ru")


def test_facts_have_the_fields_titles_where_there_are_any() -> None:
    facts = facts_of(DESK, RECEIPT, "uz", "https://pay.example.uz")
    assert facts.account == (("Buyurtma", "197"), ("note", "x"))
