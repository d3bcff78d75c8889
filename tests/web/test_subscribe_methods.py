"""Every further method of the Subscribe API over real HTTP, on each kind of database."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from msgspec.structs import replace

from helpers_cards import DESK_ID, OTHER_DESK_ID, Phone
from helpers_subscribe import Served, open_gateway_for_tests, request_body, serve
from tiyin.gateway.cards.records import TOKENS
from tiyin.gateway.idempotency import IDEMPOTENCY, IdempotencyRow
from tiyin.gateway.notifications.records import MESSAGES
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.protocol.errors import message_of
from tiyin.storage import Decision
from tiyin.web.subscribe import SubscribeEndpoint

CARD = {"card": {"number": "8600069195406311", "expire": "0399"}, "save": True}
ORDER = {"amount": 3500, "account": {"order_id": "5"}}
FISCAL = {
    "status_code": 0,
    "message": "accepted",
    "terminal_id": "EP000000000025",
    "receipt_id": 121,
    "date": "20220706221021",
    "fiscal_sign": "800031554082",
    "qr_code_url": "fiscal receipt url",
}
NO_RECEIPT = "2e0b1bc1f1eb50d487ba268d"


@pytest.fixture
async def served(store_url: str) -> AsyncIterator[Served]:
    phone = Phone()
    gateway = await open_gateway_for_tests(store_url, phone)
    async with serve(SubscribeEndpoint(SubscribeApi(gateway), gateway.tasks)) as port:
        yield Served(port, gateway, phone)
    await gateway.stop()


async def created(served: Served, **headers: str) -> dict[str, Any]:
    reply = await served.call("receipts.create", ORDER, key=True, **headers)
    receipt: dict[str, Any] = reply["result"]["receipt"]
    return receipt


async def paid(served: Served) -> dict[str, Any]:
    token = (await served.call("cards.create", CARD))["result"]["card"]["token"]
    await served.call("cards.get_verify_code", {"token": token})
    await served.call("cards.verify", {"token": token, "code": "666666"})
    receipt = await created(served)
    reply = await served.call("receipts.pay", {"id": receipt["_id"], "token": token}, key=True)
    done: dict[str, Any] = reply["result"]["receipt"]
    assert done["state"] == 4
    return done


async def count(served: Served, table: Any) -> int:
    return len(await served.gateway.store.query(table.schema.select()))


def leaving(left: IdempotencyRow) -> Callable[[IdempotencyRow | None], Decision[None]]:
    return lambda _: Decision(None, left)


@pytest.mark.parametrize("language", ["ru", "uz", "en"])
async def test_a_receipt_that_there_is_not_is_refused_alike_by_every_method(
    served: Served, language: str
) -> None:
    asked: dict[str, dict[str, Any]] = {
        "receipts.cancel": {},
        "receipts.confirm_hold": {},
        "receipts.send": {"phone": "998901304527"},
        "receipts.set_fiscal_data": {"fiscal_data": FISCAL},
    }
    for method, params in asked.items():
        for sent in ({"id": NO_RECEIPT, **params}, {"id": NO_RECEIPT, **params, "unknown": 1}):
            reply = await served.call(method, sent, key=True, accept_language=language)
            message = message_of(-31602).in_language(language)  # type: ignore[arg-type]  # one of three
            assert reply["error"] == {"code": -31602, "message": message}, method
        missing = await served.call(method, params, key=True, accept_language=language)
        assert (missing["error"]["code"], missing["error"]["data"]) == (-32602, "id")
        denied = await served.call(method, {"id": NO_RECEIPT, **params})
        assert denied["error"]["code"] == -32504


async def test_cancelling(served: Served) -> None:
    """Documentation: subscribe-api/receipts.cancel."""
    receipt = await created(served)
    for _ in range(2):
        reply = await served.call("receipts.cancel", {"id": receipt["_id"]}, key=True)
        assert reply["result"]["receipt"]["state"] == 50
    receipt = await paid(served)
    reply = await served.call("receipts.cancel", {"id": receipt["_id"]}, key=True)
    assert reply["result"]["receipt"]["state"] in {21, 50}


async def test_a_desk_without_the_right_holds_nothing(served: Served) -> None:
    reply = await served.call("receipts.create", {**ORDER, "hold": True}, key=True)
    assert (reply["error"]["code"], reply["error"]["data"]) == (-31610, "hold")
    receipt = await created(served)
    reply = await served.call("receipts.confirm_hold", {"id": receipt["_id"]}, key=True)
    assert reply["error"]["code"] == -31602


async def test_a_list_as_the_sample_has_it(served: Served) -> None:
    """Documentation: subscribe-api/receipts.get_all."""
    first = await paid(served)
    second = await created(served)
    now_ms = int(time.time() * 1000)
    period = {"from": now_ms - 3_600_000, "to": now_ms + 3_600_000}
    listed = (await served.call("receipts.get_all", period, key=True))["result"]
    assert [receipt["_id"] for receipt in listed] == [second["_id"], first["_id"]]
    assert listed[1]["card"] == {"number": "860006******6311", "expire": "9903"}
    row = listed[0]["account"][-1]
    assert (row["name"], type(row["value"]), row["title"]["uz"]) == ("transaction", int, "Chek raqami")
    one = await served.call("receipts.get_all", {**period, "count": 1, "offset": 1}, key=True)
    assert [receipt["_id"] for receipt in one["result"]] == [first["_id"]]
    assert (await served.call("receipts.get_all", {**period, "count": 500.0}, key=True))["result"] == listed
    for bad in ({"count": -1}, {"offset": -1}, {"offset": 1_000_001}, {"from": "x"}, {"to": None}):
        refused = await served.call("receipts.get_all", {**period, **bad}, key=True)
        assert (refused["error"]["code"], refused["error"]["data"]) == (-32602, *bad)


async def test_fiscal_data_of_the_merchant(served: Served) -> None:
    """Documentation: subscribe-api/receipts.set_fiscal_data."""
    receipt = await created(served)
    params = {"id": receipt["_id"], "fiscal_data": FISCAL}
    for _ in range(2):
        reply = await served.call("receipts.set_fiscal_data", params, key=True)
        assert reply["result"] == {"success": True}
    other = {**params, "fiscal_data": {**FISCAL, "receipt_id": 122}}
    reply = await served.call("receipts.set_fiscal_data", other, key=True)
    assert (reply["error"]["code"], reply["error"]["data"]) == (-31610, "fiscal_data")
    empty = {"id": receipt["_id"], "fiscal_data": {"receipt_id": 1}}
    reply = await served.call("receipts.set_fiscal_data", empty, key=True)
    assert (reply["error"]["code"], reply["error"]["data"]) == (-32602, "fiscal_data.qr_code_url")
    kept = (await served.gateway.fiscal_receipts.of(receipt["_id"])).perform
    assert kept is not None
    assert kept.source == "merchant"


async def test_sending(served: Served) -> None:
    """Documentation: subscribe-api/receipts.send."""
    receipt = await created(served)
    params = {"id": receipt["_id"], "phone": "+998 90 130-45-27"}
    assert (await served.call("receipts.send", params, key=True))["result"] == {"success": True}
    assert await count(served, MESSAGES) == 1
    bad = await served.call("receipts.send", {**params, "phone": "901"}, key=True)
    assert (bad["error"]["code"], bad["error"]["data"]) == (-32602, "phone")
    await served.call("receipts.cancel", {"id": receipt["_id"]}, key=True)
    late = await served.call("receipts.send", params, key=True)
    assert late["error"]["code"] == -31602
    assert await count(served, MESSAGES) == 1


async def test_a_key_makes_one_receipt_one_token_and_one_message(served: Served) -> None:
    receipt = await created(served)
    before = await count(served, RECEIPTS)
    send = {"id": receipt["_id"], "phone": "998901304527"}
    for method, params, table, there in (
        ("receipts.create", ORDER, RECEIPTS, before),
        ("cards.create", CARD, TOKENS, 0),
        ("receipts.send", send, MESSAGES, 0),
    ):
        asked = [served.call(method, params, key=True, idempotency_key="order-17") for _ in range(4)]
        replies = await asyncio.gather(*asked)
        assert "result" in replies[0]
        assert replies == [replies[0]] * 4, method
        assert await count(served, table) == there + 1
        other = await served.call(
            method, {**params, "id": "other", "amount": 9}, key=True, idempotency_key="order-17"
        )
        assert (other["error"]["code"], other["error"]["data"]) == (-31610, "Idempotency-Key")
        wrong = await served.call(method, params, key=True, idempotency_key="x" * 256)
        assert (wrong["error"]["code"], wrong["error"]["data"]) == (-31610, "Idempotency-Key")


async def test_what_was_made_before_a_crash_is_answered(served: Served) -> None:
    """The answer was not stored any more: the row is put back to where the dead process left it."""
    store = served.gateway.store
    receipt = await created(served, idempotency_key="k")
    card = await served.call("cards.create", CARD, key=True, idempotency_key="k")
    for row in await store.query(IDEMPOTENCY.schema.select(), IDEMPOTENCY):
        left = replace(row, answer_sealed=None, runner="dead", running_until_ms=0)
        await store.change(IDEMPOTENCY, row.id, leaving(left))
    assert await created(served, idempotency_key="k") == receipt
    assert await served.call("cards.create", CARD, key=True, idempotency_key="k") == card
    assert (await count(served, RECEIPTS), await count(served, TOKENS)) == (1, 1)


async def test_a_verified_token_is_not_repeated_to_whoever_knows_only_the_id(served: Served) -> None:
    first = await served.call("cards.create", CARD, idempotency_key="order-1")
    assert await served.call("cards.create", CARD, idempotency_key="order-1") == first
    token = first["result"]["card"]["token"]
    await served.call("cards.get_verify_code", {"token": token})
    await served.call("cards.verify", {"token": token, "code": "666666"})
    stranger = await served.call("cards.create", CARD, idempotency_key="order-1")
    assert stranger["error"]["code"] == -31400
    assert await served.call("cards.create", CARD, key=True, idempotency_key="order-1") == first


async def test_without_a_key_nothing_is_kept_and_other_methods_ignore_it(served: Served) -> None:
    receipt = await created(served)
    for _ in range(2):
        reply = await served.call(
            "receipts.check", {"id": receipt["_id"]}, key=True, idempotency_key="x" * 300
        )
        assert reply["result"] == {"state": 0}
    assert await count(served, IDEMPOTENCY) == 0


async def test_another_desks_receipt_is_nobodys(served: Served) -> None:
    receipt = await created(served)
    desk = await served.gateway.desks.find(OTHER_DESK_ID)
    assert desk is not None
    key = await served.gateway.desks.keys_of(OTHER_DESK_ID)
    for method in ("receipts.cancel", "receipts.confirm_hold"):
        body = request_body(method, {"id": receipt["_id"]})
        reply = await served.post(body, x_auth=f"{OTHER_DESK_ID}:{key.key}")
        assert reply.json["error"]["code"] == -31602
    assert DESK_ID != OTHER_DESK_ID
