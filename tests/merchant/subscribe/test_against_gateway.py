"""Both clients against the project's own gateway with a billing: every method, repeats, errors by meaning."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from helpers_billing_gateway import BillingGateway, billing_gateway
from helpers_cards import DESK_ID, KEY
from tiyin.gateway.acquiring.test_cards import TestCard
from tiyin.gateway.cards.records import TOKENS
from tiyin.gateway.notifications.records import MESSAGES
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.merchant.subscribe import (
    AmountNotAllowed,
    CardDeclined,
    CardNotFound,
    DeskNotServed,
    NotReached,
    ReceiptNotFound,
    ReceiptState,
    Unavailable,
    WrongField,
)
from tiyin.merchant.subscribe.transport import PyreqwestTransport, SyncPyreqwestTransport
from tiyin.runtime.http import HttpAnswer, NoAnswer
from tiyin.storage import Table

NUMBER, EXPIRE = "8600069195406311", "03/99"
POOR = TestCard(number="8600000000000008", balance_tiyin=400_000)
ORDER = {"order_id": "17"}
NO_RECEIPT = "2e0b1bc1f1eb50d487ba268d"
FISCAL = {
    "status_code": 0,
    "message": "accepted",
    "terminal_id": "EP000000000025",
    "receipt_id": 121,
    "date": "20220706221021",
    "fiscal_sign": "800031554082",
    "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=121",
}


@pytest.fixture
async def served(sqlite_url: str) -> AsyncIterator[BillingGateway]:
    async with billing_gateway(sqlite_url, cards=(POOR,)) as served:
        yield served


def opened(caller: Any, served: BillingGateway, **settings: Any) -> Any:
    return caller.client(DESK_ID, KEY, base_url=served.url, **settings)


async def token_of(caller: Any, client: Any, number: str = NUMBER) -> str:
    card = await caller.ask(client, lambda c: c.cards.create(number, EXPIRE, save=True))
    await caller.ask(client, lambda c: c.cards.get_verify_code(card.token))
    await caller.ask(client, lambda c: c.cards.verify(card.token, "666666"))
    return str(card.token)


async def created(caller: Any, client: Any, **options: Any) -> str:
    receipt = await caller.ask(client, lambda c: c.receipts.create(500_000, ORDER, **options))
    return str(receipt.id)


async def at_rest(caller: Any, client: Any, receipt_id: str, state: ReceiptState) -> None:
    """Wait until a receipt stands there."""
    async with asyncio.timeout(20):
        while True:
            if await caller.ask(client, lambda c: c.receipts.check(receipt_id)) is state:
                return
            await asyncio.sleep(0.01)


async def count(served: BillingGateway, table: Table[Any]) -> int:
    return len(await served.gateway.store.query(table.schema.select()))


async def test_paid_told_and_cancelled(caller: Any, served: BillingGateway) -> None:
    client = opened(caller, served)
    token = await token_of(caller, client)
    receipt_id = await created(caller, client)
    paid = await caller.ask(client, lambda c: c.receipts.pay(receipt_id, token))
    assert (paid.is_paid, paid.account, paid.amount_tiyin) == (True, ORDER, 500_000)
    assert served.billing.states == {receipt_id: 2}
    assert await caller.ask(client, lambda c: c.receipts.set_fiscal_data(receipt_id, FISCAL)) is True
    another = {**FISCAL, "receipt_id": 122}
    with pytest.raises(WrongField) as other:
        await caller.ask(client, lambda c: c.receipts.set_fiscal_data(receipt_id, another))
    assert other.value.data == "fiscal_data"
    cancelling = await caller.ask(client, lambda c: c.receipts.cancel(receipt_id))
    assert cancelling.state in {ReceiptState.CANCEL_QUEUE, ReceiptState.CANCELLED}
    await at_rest(caller, client, receipt_id, ReceiptState.CANCELLED)
    assert (await caller.ask(client, lambda c: c.receipts.get(receipt_id))).cancel_time is not None
    assert served.billing.states == {receipt_id: -2}
    with pytest.raises(ReceiptNotFound):
        await caller.ask(client, lambda c: c.receipts.pay(receipt_id, token))


async def test_a_hold_is_confirmed_or_given_back(caller: Any, served: BillingGateway) -> None:
    """Documentation: subscribe-api/holds."""
    client = opened(caller, served)
    token = await token_of(caller, client)
    taken, left = [await created(caller, client, hold=True) for _ in range(2)]
    for receipt_id in (taken, left):
        held = await caller.ask(client, lambda c, held=receipt_id: c.receipts.hold(held, token))
        assert (held.is_held, held.pay_time) == (True, None)
    assert served.billing.states == {}
    confirmed = await caller.ask(client, lambda c: c.receipts.confirm_hold(taken))
    assert confirmed.is_paid
    assert served.billing.states == {taken: 2}
    assert (await caller.ask(client, lambda c: c.receipts.confirm_hold(taken))).is_paid
    await caller.ask(client, lambda c: c.receipts.cancel(left))
    await at_rest(caller, client, left, ReceiptState.CANCELLED)
    with pytest.raises(ReceiptNotFound):
        await caller.ask(client, lambda c: c.receipts.confirm_hold(left))
    plain = await created(caller, client)
    with pytest.raises(WrongField) as unequal:
        await caller.ask(client, lambda c: c.receipts.hold(plain, token))
    assert unequal.value.data == "hold"


async def test_all_of_a_period_in_pages(caller: Any, served: BillingGateway) -> None:
    client = opened(caller, served)
    made = [await created(caller, client, description=f"Order {n}") for n in range(5)]
    now_ms = int(time.time() * 1000)
    period = (now_ms - 3_600_000, now_ms + 3_600_000)
    listed = await caller.ask(client, lambda c: c.receipts.get_all(*period, count=2))
    assert [receipt.id for receipt in listed] == made[::-1]
    assert [receipt.description for receipt in listed] == [f"Order {n}" for n in (4, 3, 2, 1, 0)]
    assert all(receipt.account == ORDER for receipt in listed)
    assert await caller.ask(client, lambda c: c.receipts.get_all(0, 1)) == []


class _Losing:
    """Carries requests there, and loses the first answer."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self.keys: list[str | None] = []

    def _lose_first(self, headers: Mapping[str, str], answer: HttpAnswer) -> HttpAnswer:
        self.keys.append(headers.get("Idempotency-Key"))
        if len(self.keys) == 1:
            raise NoAnswer("lost")
        return answer


class LosingTransport(_Losing):
    def post(self, url: str, **sent: Any) -> HttpAnswer:
        return self._lose_first(sent["headers"], self._inner.post(url, **sent))

    def close(self) -> None:
        self._inner.close()


class AsyncLosingTransport(_Losing):
    async def post(self, url: str, **sent: Any) -> HttpAnswer:
        return self._lose_first(sent["headers"], await self._inner.post(url, **sent))

    async def close(self) -> None:
        await self._inner.close()


def losing(caller: Any) -> LosingTransport | AsyncLosingTransport:
    if caller.kind == "sync":
        return LosingTransport(SyncPyreqwestTransport())
    return AsyncLosingTransport(PyreqwestTransport())


async def test_a_repeat_after_a_lost_answer_makes_nothing_twice(caller: Any, served: BillingGateway) -> None:
    """receipts.create, cards.create and receipts.send carry one key through their repeats."""
    receipt_id = await created(caller, opened(caller, served))
    asked: list[tuple[Any, Table[Any], int]] = [
        (lambda c: c.receipts.create(500_000, {"order_id": "18"}), RECEIPTS, 2),
        (lambda c: c.cards.create(NUMBER, EXPIRE), TOKENS, 1),
        (lambda c: c.receipts.send(receipt_id, "998901304527"), MESSAGES, 1),
    ]
    for question, table, there in asked:
        transport = losing(caller)
        client = opened(caller, served, transport=transport)
        await caller.ask(client, question)
        assert len(transport.keys) == 2
        assert transport.keys[0] == transport.keys[1] is not None
        assert await count(served, table) == there
        closed = transport.close()
        if closed is not None:
            await closed


async def test_a_key_of_the_programs_own(caller: Any, served: BillingGateway) -> None:
    """A program that died makes the call again; the key for something else is refused."""
    client = opened(caller, served)
    first = await created(caller, client, idempotency_key="order-17")
    assert await created(caller, client, idempotency_key="order-17") == first
    with pytest.raises(WrongField) as other:
        await caller.ask(client, lambda c: c.receipts.create(600_000, ORDER, idempotency_key="order-17"))
    assert other.value.data == "Idempotency-Key"
    cards = [
        await caller.ask(client, lambda c: c.cards.create(NUMBER, EXPIRE, idempotency_key="card-17"))
        for _ in range(2)
    ]
    assert cards[0].token == cards[1].token
    # Both sides have the same bound.
    assert await created(caller, client, idempotency_key="k" * 255)
    with pytest.raises(ValueError, match="255"):
        await created(caller, client, idempotency_key="k" * 256)
    for _ in range(2):
        send = client.receipts.send
        assert await caller.ask(client, lambda _, s=send: s(first, "998901304527", idempotency_key="send-17"))
    assert await count(served, MESSAGES) == 1


async def test_a_lost_payment_is_never_repeated_and_the_truth_is_told(
    caller: Any, served: BillingGateway
) -> None:
    client = opened(caller, served)
    token, receipt_id = await token_of(caller, client), await created(caller, client)
    transport = losing(caller)
    with pytest.raises(Unavailable) as lost:
        await caller.ask(
            opened(caller, served, transport=transport), lambda c: c.receipts.pay(receipt_id, token)
        )
    assert lost.value.outcome_unknown
    assert transport.keys == [None]
    await at_rest(caller, client, receipt_id, ReceiptState.PAID)
    assert served.billing.calls.count("PerformTransaction") == 1
    closed = transport.close()
    if closed is not None:
        await closed


async def test_what_the_billing_refuses_is_told_by_meaning(caller: Any, served: BillingGateway) -> None:
    client = opened(caller, served, language="uz", retries=0)
    said = {"ru": "Заказ не найден", "uz": "Buyurtma topilmadi", "en": "Order not found"}
    served.billing.refusing["CheckPerformTransaction"] = {"code": -31050, "message": said, "data": "order_id"}
    with pytest.raises(WrongField) as refused:
        await created(caller, client)
    assert (refused.value.code, refused.value.data, refused.value.message) == (
        -31610,
        "order_id",
        "Buyurtma topilmadi",
    )
    served.billing.refusing.clear()
    for broken, code in (("silent", -31622), ("http", -31622), ("garbage", -31623)):
        served.billing.broken = broken
        with pytest.raises(Unavailable) as away:
            await created(caller, client)
        assert (away.value.code, away.value.outcome_unknown) == (code, False)
    served.billing.broken = ""
    for amount_tiyin, code in ((999, -31611), (100_000_001, -31612)):
        with pytest.raises(AmountNotAllowed) as bounds:
            await caller.ask(client, lambda c, a=amount_tiyin: c.receipts.create(a, ORDER))
        assert bounds.value.code == code
    await served.gateway.desks.change_desk(DESK_ID, active=False)
    with pytest.raises(DeskNotServed):
        await created(caller, client)


async def test_cards_that_do_not_pay(caller: Any, served: BillingGateway) -> None:
    client = opened(caller, served)
    poor = await token_of(caller, client, POOR.number)
    receipt_id = await created(caller, client)
    with pytest.raises(CardDeclined) as declined:
        await caller.ask(client, lambda c: c.receipts.pay(receipt_id, poor))
    assert not declined.value.outcome_unknown
    assert await caller.ask(client, lambda c: c.receipts.check(receipt_id)) is ReceiptState.CANCELLED
    # Nothing was proved by a code: the token exists, and cannot pay.
    fresh = await caller.ask(client, lambda c: c.cards.create(NUMBER, EXPIRE))
    receipt_id = await created(caller, client)
    with pytest.raises(CardNotFound):
        await caller.ask(client, lambda c: c.receipts.pay(receipt_id, fresh.token))
    with pytest.raises(ReceiptNotFound):
        await caller.ask(client, lambda c: c.receipts.send(NO_RECEIPT, "998901304527"))


async def test_a_gateway_that_is_not_there(caller: Any) -> None:
    client = caller.client(DESK_ID, KEY, base_url="http://127.0.0.1:1/api", retries=0)
    with pytest.raises(NotReached) as away:
        await caller.ask(client, lambda c: c.receipts.create(500_000, ORDER))
    assert not away.value.outcome_unknown
