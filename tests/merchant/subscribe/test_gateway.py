"""Both clients against the project's own gateway, over real HTTP."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from helpers_cards import DESK_ID, KEY, OTHER_DESK_ID, Phone
from helpers_subscribe import Served, open_gateway_for_tests, serve
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.merchant.subscribe import (
    AccessDenied,
    Card,
    CardNotFound,
    CardWrong,
    CodeTriesExceeded,
    CodeWrong,
    DebitFailed,
    ReceiptNotFound,
    ReceiptState,
    SmsNotConnected,
    WrongRequest,
)
from tiyin.merchant.subscribe.calls import Call, Repeat
from tiyin.protocol.receipts_api import ReceiptsCheckParams
from tiyin.web.subscribe import SubscribeEndpoint

NUMBER, EXPIRE = "8600 0691 9540 6311", "03/99"
SMS_OFF = "8600060921090842"
UNKNOWN_ERROR = "8600143417770323"


@pytest.fixture
async def served(sqlite_url: str) -> AsyncIterator[Served]:
    phone = Phone()
    gateway = await open_gateway_for_tests(sqlite_url, phone)
    async with serve(SubscribeEndpoint(SubscribeApi(gateway), gateway.tasks)) as port:
        yield Served(port, gateway, phone)
    await gateway.stop()


def opened(caller: Any, served: Served, *who: str, **settings: Any) -> Any:
    return caller.client(*who, base_url=f"http://127.0.0.1:{served.port}/api", **settings)


async def verified(caller: Any, client: Any, number: str = NUMBER, **options: Any) -> Card:
    card = await caller.ask(client, lambda c: c.cards.create(number, EXPIRE, **options))
    await caller.ask(client, lambda c: c.cards.get_verify_code(card.token))
    proved: Card = await caller.ask(client, lambda c: c.cards.verify(card.token, "666666"))
    return proved


async def test_from_card_to_paid_receipt(caller: Any, served: Served) -> None:
    client = opened(caller, served)
    card = await caller.ask(client, lambda c: c.cards.create(NUMBER, EXPIRE, save=True, customer="17"))
    assert (card.number, card.expire, card.recurrent, card.verify) == (
        "860006******6311",
        "03/99",
        True,
        False,
    )
    sent = await caller.ask(client, lambda c: c.cards.get_verify_code(card.token))
    assert (sent.sent, sent.phone, sent.wait_ms) == (True, "99890*****67", 60_000)
    card = await caller.ask(client, lambda c: c.cards.verify(card.token, "666666"))
    assert card.verify
    assert await caller.ask(client, lambda c: c.cards.check(card.token)) == card

    receipt = await caller.ask(
        client, lambda c: c.receipts.create(500_000, {"order_id": "17"}, description="Заказ 17")
    )
    assert (receipt.state, receipt.amount_tiyin, receipt.pay_time) == (ReceiptState.CREATED, 500_000, None)
    assert (receipt.account, receipt.description) == ({"order_id": "17"}, "Заказ 17")
    assert await caller.ask(client, lambda c: c.receipts.check(receipt.id)) is ReceiptState.CREATED
    paid = await caller.ask(
        client, lambda c: c.receipts.pay(receipt.id, card.token, payer={"phone": "998901304527"})
    )
    assert paid.is_paid
    assert paid.card is not None
    assert paid.card.number == "860006******6311"
    assert paid.pay_time is not None
    assert paid.pay_time >= paid.create_time
    assert await caller.ask(client, lambda c: c.receipts.get(receipt.id)) == paid
    assert await caller.ask(client, lambda c: c.receipts.check(receipt.id)) is ReceiptState.PAID
    # Another card is told that the receipt is paid; nothing of that is unknown.
    other = await verified(caller, client, "8600495473316478", save=True)
    with pytest.raises(ReceiptNotFound) as refused:
        await caller.ask(client, lambda c: c.receipts.pay(receipt.id, other.token))
    assert not refused.value.outcome_unknown

    assert await caller.ask(client, lambda c: c.cards.remove(card.token)) is True
    with pytest.raises(CardNotFound):
        await caller.ask(client, lambda c: c.cards.check(card.token))


async def test_a_wrong_code_thrice(caller: Any, served: Served) -> None:
    client = opened(caller, served, language="en")
    card = await caller.ask(client, lambda c: c.cards.create(NUMBER, EXPIRE))
    await caller.ask(client, lambda c: c.cards.get_verify_code(card.token))
    for _ in range(3):
        with pytest.raises(CodeWrong) as wrong:
            await caller.ask(client, lambda c: c.cards.verify(card.token, "111111"))
    assert wrong.value.text.uz.startswith("SMS-kod")
    assert "Wrong SMS code" in str(wrong.value)
    assert "111111" not in str(wrong.value)
    with pytest.raises(CodeTriesExceeded):
        await caller.ask(client, lambda c: c.cards.verify(card.token, "666666"))


async def test_refused_cards(caller: Any, served: Served) -> None:
    client = opened(caller, served)
    with pytest.raises(CardWrong) as refused:
        await caller.ask(client, lambda c: c.cards.create("3333336415804657", "03/99"))
    assert "3333336415804657" not in str(refused.value)
    silent = await caller.ask(client, lambda c: c.cards.create(SMS_OFF, EXPIRE))
    with pytest.raises(SmsNotConnected):
        await caller.ask(client, lambda c: c.cards.get_verify_code(silent.token))


async def test_a_card_that_cannot_be_debited(caller: Any, served: Served) -> None:
    client = opened(caller, served)
    card = await verified(caller, client, UNKNOWN_ERROR)
    receipt = await caller.ask(client, lambda c: c.receipts.create(3500, {"order_id": "5"}))
    with pytest.raises(DebitFailed) as refused:
        await caller.ask(client, lambda c: c.receipts.pay(receipt.id, card.token))
    assert not refused.value.outcome_unknown
    assert card.token not in str(refused.value) + repr(refused.value)


async def test_access(caller: Any, served: Served) -> None:
    wrong = opened(caller, served, DESK_ID, "not-the-key")
    with pytest.raises(AccessDenied) as denied:
        await caller.ask(wrong, lambda c: c.receipts.check("2e0b1bc1f1eb50d487ba268d"))
    assert (denied.value.code, denied.value.data) == (-32504, "invalid_authorization_header")
    assert "not-the-key" not in str(denied.value)
    nobody = opened(caller, served, "f" * 24)
    with pytest.raises(AccessDenied, match="invalid_id"):
        await caller.ask(nobody, lambda c: c.cards.create(NUMBER, EXPIRE))
    # A payer's own application has no key: cards.* work, anything else is refused before it is sent.
    front = opened(caller, served, DESK_ID)
    card = await verified(caller, front)
    assert await caller.ask(front, lambda c: c.cards.check(card.token)) == card
    with pytest.raises(AccessDenied, match="needs the cash desk's key"):
        await caller.ask(front, lambda c: c.receipts.check("2e0b1bc1f1eb50d487ba268d"))
    other = opened(caller, served, OTHER_DESK_ID)
    with pytest.raises(CardNotFound):
        await caller.ask(other, lambda c: c.cards.check(card.token))
    assert await caller.ask(front, lambda c: c.cards.remove(card.token)) is True


async def test_what_the_server_does_not_know(caller: Any, served: Served) -> None:
    client = opened(caller, served, DESK_ID, KEY)
    with pytest.raises(ReceiptNotFound):
        await caller.ask(client, lambda c: c.receipts.get("2e0b1bc1f1eb50d487ba268d"))
    call = Call("receipts.nothing", ReceiptsCheckParams(id="x"), dict, repeat=Repeat.ALWAYS)
    with pytest.raises(WrongRequest) as unknown:
        await caller.ask(client, lambda c: c.receipts._driver.ask(call))  # noqa: SLF001 - no such method
    assert (unknown.value.code, unknown.value.data) == (-32601, "receipts.nothing")
