"""The fuzz is worth what it finds: each planted bug must be found within some hundreds of examples."""

import json
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import msgspec
import pytest

from helpers_fuzz_merchant import MerchantWire
from helpers_fuzz_subscribe import SubscribeWire
from helpers_fuzz_wires import Found, Wire
from helpers_receipts import fast_folder
from tiyin.gateway.subscribe_api import Answer
from tiyin.merchant.api import Call, Reply

EXAMPLES = 400

Spoil = Callable[[bytes, bytes], bytes]


def in_answers(wire: SubscribeWire, spoil: Spoil) -> None:
    """Spoil the answers of a gateway."""
    right = wire.api.answer

    async def answer(body: bytes, *more: Any, **named: Any) -> Answer:
        given = await right(body, *more, **named)
        return msgspec.structs.replace(given, body=spoil(body, given.body))

    wire.api.answer = answer  # type: ignore[method-assign]


def in_replies(wire: MerchantWire, spoil: Spoil) -> None:
    """Spoil the answers of a shop."""
    right = wire.api.handle

    async def handle(call: Call) -> Reply:
        given = await right(call)
        return given if given.more else Reply(spoil(call.body, given.body))

    wire.api.handle = handle  # type: ignore[method-assign]


def found_by(wire: Wire, words: str) -> None:
    """Run examples until one finds something, and insist on what it is."""
    chance = random.Random(1)  # noqa: S311 - the examples come from their seed
    examples = [chance.randbytes(chance.randrange(4, 250)) for _ in range(EXAMPLES)]
    with pytest.raises(Found, match=words):
        list(map(wire.one, examples))


@pytest.fixture
def subscribe() -> Iterator[SubscribeWire]:
    with SubscribeWire(fast_folder()) as wire:
        yield wire


@pytest.fixture
def merchant() -> Iterator[MerchantWire]:
    with MerchantWire(fast_folder()) as wire:
        yield wire


def test_an_error_that_is_not_documented(subscribe: SubscribeWire) -> None:
    in_answers(subscribe, lambda _, answer: answer.replace(b'"code":-32602', b'"code":-32603'))
    found_by(subscribe, "-32603 is not documented")


def test_an_answer_that_is_no_json(subscribe: SubscribeWire) -> None:
    in_answers(subscribe, lambda body, answer: b"" if b"NaN" in body else answer)
    found_by(subscribe, "no JSON")


def test_a_result_beside_an_error(subscribe: SubscribeWire) -> None:
    in_answers(subscribe, lambda _, answer: answer.replace(b'"error":{', b'"result":null,"error":{'))
    found_by(subscribe, "no envelope")


def test_a_whole_card_number(subscribe: SubscribeWire) -> None:
    def spoil(body: bytes, answer: bytes) -> bytes:
        del body
        return answer.replace(b"860006******6311", b"8600069195406311")

    in_answers(subscribe, spoil)
    found_by(subscribe, "documented shape|the answer tells")


def test_the_key_in_an_answer(subscribe: SubscribeWire) -> None:
    key = json.dumps("Qs7?w@eR#2tYu&Io%9pAs:D4fGh*Jk3lZ~5x").encode()
    in_answers(subscribe, lambda _, answer: answer.replace(b'"data":"invalid_id"', b'"data":' + key))
    found_by(subscribe, "the answer tells the desk's key")


def test_an_exception(subscribe: SubscribeWire, monkeypatch: pytest.MonkeyPatch) -> None:
    right = subscribe.gateway.cards.check

    async def check(desk: Any, token: str) -> Any:
        if len(token) < 60:
            raise KeyError(token)
        return await right(desk, token)

    monkeypatch.setattr(subscribe.gateway.cards, "check", check)
    found_by(subscribe, "-32400|unforeseen")


@pytest.mark.parametrize("field", ["body", "header"])
def test_a_request_in_the_log(subscribe: SubscribeWire, field: str) -> None:
    right = subscribe.api.answer

    async def answer(body: bytes, x_auth: str | None, *more: Any, **named: Any) -> Answer:
        if b"cards.verify" in body:
            subscribe.logger().info("asked", text=body if field == "body" else f"{x_auth}"[-36:])
        return await right(body, x_auth, *more, **named)

    subscribe.api.answer = answer  # type: ignore[method-assign]
    found_by(subscribe, "the log tells|characters long")


def test_a_payment_without_its_ledger_entries(subscribe: SubscribeWire) -> None:
    """What is half written is found by the books, which are compared every fifty examples."""
    store = subscribe.gateway.store
    right: Callable[..., Awaitable[Any]] = store.change_and_lease

    async def change(table: Any, key: str, rule: Any, **named: Any) -> Any:
        def forgetful(row: Any) -> Any:
            decision = rule(row)
            entries = [append for append in decision.appends if append[0].schema.name != "ledger_entries"]
            return (
                msgspec.structs.replace(decision, appends=entries)
                if entries != decision.appends
                else decision
            )

        return await right(table, key, forgetful, **named)

    store.change_and_lease = change  # type: ignore[method-assign]
    store.change = _only_the_answer(change)  # type: ignore[method-assign, assignment]
    found_by(subscribe, "the books do not agree")


def _only_the_answer(change: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def changed(*given: Any, **named: Any) -> Any:
        return (await change(*given, **named))[0]

    return changed


def test_a_merchants_undocumented_error(merchant: MerchantWire) -> None:
    in_replies(merchant, lambda _, answer: answer.replace(b'"code":-31003', b'"code":-31004'))
    found_by(merchant, "-31004 is not documented")


def test_a_state_that_does_not_fit_its_times(merchant: MerchantWire) -> None:
    in_replies(merchant, lambda _, answer: answer.replace(b'"state":-2', b'"state":-1'))
    found_by(merchant, "half written")


def test_an_effect_that_runs_twice(merchant: MerchantWire) -> None:
    right = merchant.shop.perform

    async def perform(transaction: Any) -> None:
        await right(transaction)
        await right(transaction)

    merchant.shop.perform = perform  # type: ignore[method-assign]
    found_by(merchant, "more than once")
