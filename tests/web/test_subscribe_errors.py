"""Every documented error of the Subscribe API, provoked over HTTP and told in each of the three languages.

One gateway for a language: cards of a test's own, a billing that can be broken, a clock that is turned, and
at the end a stop and a database that is gone.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from helpers_billing_gateway import BillingGateway, billing_gateway
from helpers_cards import DESK_ID, KEY
from helpers_subscribe import request_body, send_http
from tiyin.gateway.acquiring.test_cards import TestCard
from tiyin.protocol.codes import COMMON_ERRORS, SUBSCRIBE_ERRORS
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.runtime.clock import TurnableClock

GOOD, UNPROVED = "8600069195406311", "8600495473316478"
FOREIGN = "4111111111111111"
NO_RECEIPT = "2e0b1bc1f1eb50d487ba268d"
MALFORMED = "no token"
AT_CREATE = (-31002, -31100, -31300)
AT_CODE = (-31301,)
AT_DEBIT = (-31302, -31303, -31620, -31624, -31630, -31640)
"""Codes that a row of the table of test cards brings about, by the call that is refused."""

THIRTY_ONE_DAYS_MS = 31 * 86_400_000
ALL = {*SUBSCRIBE_ERRORS, *COMMON_ERRORS}


def card_number(code: int, first: str = "8600") -> str:
    """Name a card by the code that it brings about."""
    return f"{first}{-code:012d}"


CARDS = (
    *(TestCard(number=card_number(code), create_refusal=code) for code in AT_CREATE),
    *(TestCard(number=card_number(code), code_refusal=code) for code in AT_CODE),
    *(TestCard(number=card_number(code), debit_refusal=code) for code in AT_DEBIT),
    TestCard(number=card_number(-31901, "9860")),
)


class Payer:
    """Speaks to the gateway in one language."""

    def __init__(self, served: BillingGateway, clock: TurnableClock, language: str) -> None:
        self.served, self.clock, self._language = served, clock, language

    async def send(self, body: bytes, http_method: str = "POST", x_auth: str = f"{DESK_ID}:{KEY}") -> Any:
        headers = {"X-Auth": x_auth, "Accept-Language": self._language}
        reply = await send_http(self.served.port, http_method, "/api", headers, body)
        assert reply.status == 200
        return reply.json

    async def call(self, method: str, **params: Any) -> Any:
        return await self.send(request_body(method, params))

    async def token(self, number: str = GOOD, *, proved: bool = True) -> str:
        card = {"number": number, "expire": "0399"}
        made = await self.call("cards.create", card=card, save=True)
        token: str = made["result"]["card"]["token"]
        if proved:
            await self.call("cards.get_verify_code", token=token)
            await self.call("cards.verify", token=token, code="666666")
        return token

    async def create(self, amount_tiyin: int = 500_000, **params: Any) -> Any:
        return await self.call("receipts.create", amount=amount_tiyin, account={"order_id": "1"}, **params)

    async def receipt(self, **params: Any) -> str:
        return str((await self.create(**params))["result"]["receipt"]["_id"])

    async def pay(self, number: str = GOOD) -> Any:
        return await self.call("receipts.pay", id=await self.receipt(), token=await self.token(number))


async def wrong_codes(payer: Payer) -> list[Any]:
    """Verify without a code, with wrong ones, and once too often; then a code that cannot be sent."""
    token = await payer.token(UNPROVED, proved=False)
    replies = [await payer.call("cards.verify", token=token, code="666666")]
    await payer.call("cards.get_verify_code", token=token)
    replies += [await payer.call("cards.verify", token=token, code="111111") for _ in range(4)]
    payer.served.phone.broken = True
    token = await payer.token(UNPROVED, proved=False)
    replies.append(await payer.call("cards.get_verify_code", token=token))
    payer.served.phone.broken = False
    return replies


async def broken_billing(payer: Payer) -> list[Any]:
    replies = []
    for broken in ("silent", "garbage"):
        payer.served.billing.broken = broken
        replies.append(await payer.create())
    payer.served.billing.broken = ""
    return replies


async def old_humo_hold(payer: Payer) -> list[Any]:
    """Documentation: subscribe-api/holds (HUMO, 30 days)."""
    token = await payer.token(card_number(-31901, "9860"))
    receipt_id = await payer.receipt(hold=True)
    held = await payer.call("receipts.pay", id=receipt_id, token=token, hold=True)
    assert held["result"]["receipt"]["state"] == 5
    payer.clock.advance(THIRTY_ONE_DAYS_MS)
    return [await payer.call("receipts.cancel", id=receipt_id)]


async def blocked_desk(payer: Payer) -> list[Any]:
    desks = payer.served.gateway.desks
    await desks.change_desk(DESK_ID, active=False)
    reply = await payer.create()
    await desks.change_desk(DESK_ID, active=True)
    return [reply]


async def stopping(payer: Payer) -> list[Any]:
    """A gateway that stops: it begins no payment, then takes no work, then has no database."""
    token, receipt_id = await payer.token(), await payer.receipt()
    await payer.served.gateway.receipts.stop()
    replies = [await payer.call("receipts.pay", id=receipt_id, token=token)]
    await payer.served.gateway.store.close()
    replies.append(await payer.call("receipts.check", id=receipt_id))
    await payer.served.gateway.tasks.drain(5)
    replies.append(await payer.call("receipts.check", id=receipt_id))
    return replies


async def provoke(payer: Payer) -> list[Any]:
    """Meet every error that can be met, one after another."""
    replies = [
        await payer.send(b"", "GET"),
        await payer.send(b"{"),
        await payer.send(b"[]"),
        await payer.call("receipts.nothing"),
        await payer.call("receipts.check"),
        await payer.send(request_body("receipts.check", {"id": NO_RECEIPT}), x_auth=f"{DESK_ID}:wrong"),
        await payer.call("receipts.check", id=NO_RECEIPT),
        await payer.call("cards.check", token=MALFORMED),
        await payer.call("cards.create", card={"number": FOREIGN, "expire": "0399"}),
        await payer.create(999),
        await payer.create(100_000_001),
        await payer.call("receipts.pay", id=await payer.receipt(), token=await payer.token(), hold=True),
    ]
    removed = await payer.token()
    await payer.call("cards.remove", token=removed)
    replies.append(await payer.call("cards.check", token=removed))
    refused = [{"number": card_number(code), "expire": "0399"} for code in AT_CREATE]
    replies += [await payer.call("cards.create", card=card) for card in refused]
    for code in AT_CODE:
        token = await payer.token(card_number(code), proved=False)
        replies.append(await payer.call("cards.get_verify_code", token=token))
    replies += [await payer.pay(card_number(code)) for code in AT_DEBIT]
    steps: list[Callable[[Payer], Awaitable[list[Any]]]] = [
        wrong_codes,
        broken_billing,
        blocked_desk,
        old_humo_hold,
        stopping,
    ]
    for step in steps:
        replies += await step(payer)
    return replies


@asynccontextmanager
async def opened(url: str, language: str) -> AsyncIterator[Payer]:
    clock = TurnableClock()
    async with billing_gateway(url, cards=CARDS, clock=clock) as served:
        yield Payer(served, clock, language)


@pytest.mark.parametrize("language", LANGUAGES)
async def test_every_error_is_told_in_the_language_that_was_asked_for(sqlite_url: str, language: str) -> None:
    async with opened(sqlite_url, language) as payer:
        replies = await provoke(payer)
    told = {reply["error"]["code"]: reply["error"]["message"] for reply in replies}
    table = {**COMMON_ERRORS, **SUBSCRIBE_ERRORS}
    asked = cast("Language", language)
    assert told == {int(code): table[code].in_language(asked) for code in ALL}
    assert all(message.strip() for message in told.values())


def test_no_two_languages_say_the_same() -> None:
    for code, text in {**COMMON_ERRORS, **SUBSCRIBE_ERRORS}.items():
        different = len({text.ru, text.uz, text.en})
        # Clients compare the two words of -32504, so they are the same in every language.
        assert different == (1 if code == -32504 else 3), code


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_billings_own_words_are_told_in_the_language_that_was_asked_for(
    sqlite_url: str, language: str
) -> None:
    said = {"ru": "Заказ не найден", "uz": "Buyurtma topilmadi", "en": "Order not found"}
    async with opened(sqlite_url, language) as payer:
        refusing = payer.served.billing.refusing
        refusing["CheckPerformTransaction"] = {"code": -31050, "message": said, "data": "order_id"}
        assert (await payer.create())["error"] == {
            "code": -31610,
            "message": said[language],
            "data": "order_id",
        }
