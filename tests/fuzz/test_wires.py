"""Hostile requests on both wires: documented answers, nothing secret told, nothing half written."""

import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from helpers_fuzz import CANARIES
from helpers_fuzz_merchant import MerchantWire
from helpers_fuzz_subscribe import SubscribeWire, without_words
from helpers_fuzz_wires import Found, Wire, Written

SMALL = st.binary(min_size=4, max_size=250)
MANY = settings(
    max_examples=400,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
MEMORY_BYTES_MAX = 64 * 1024 * 1024


@MANY
@given(data=SMALL)
def test_the_subscribe_api(subscribe: SubscribeWire, data: bytes) -> None:
    subscribe.one(data)


def test_the_books_agree_afterwards(subscribe: SubscribeWire) -> None:
    """Receipts, work, ledger and acquirer, over all that the examples before left behind."""
    subscribe.run(subscribe.check_books())


@MANY
@given(data=SMALL)
def test_the_merchant_api(merchant: MerchantWire, data: bytes) -> None:
    merchant.one(data)


def _long(kind: str) -> bytes:  # noqa: PLR0911 - a row for each kind
    size = 260_000
    match kind:
        case "deep":
            return b"[" * size
        case "deep objects":
            return b'{"a":' * (size // 5)
        case "many keys":
            return b'{"method":"cards.check","params":{' + b'"k":1,' * (size // 6) + b'"k":1}}'
        case "a number":
            return b'{"id":' + b"9" * size + b',"method":"cards.check"}'
        case "an exponent":
            return b'{"id":1e' + b"9" * size + b',"method":"cards.check"}'
        case "escapes":
            return b'{"id":1,"method":"' + b"\\u0041" * (size // 6) + b'"}'
        case "surrogates":
            return b'{"id":1,"method":"receipts.get","params":{"id":"' + b"\\ud800" * (size // 6) + b'"}}'
        case _:
            return (
                b'{"id":1,"method":"receipts.create","params":{"account":{'
                + b'"a":"b",' * (size // 8)
                + b'"c":1}}}'
            )


LONG = ["deep", "deep objects", "many keys", "a number", "an exponent", "escapes", "surrogates", "an account"]


@pytest.mark.parametrize("kind", LONG)
def test_long_requests_take_little_memory_and_time(
    subscribe: SubscribeWire, merchant: MerchantWire, kind: str
) -> None:
    body = _long(kind)
    tracemalloc.start()
    try:
        subscribe.run(subscribe.send(body))
        merchant.run(merchant.send(body))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < MEMORY_BYTES_MAX


class TestTheFuzzItself:
    """What it looks for, it finds."""

    def test_a_secret_in_the_log(self, subscribe: SubscribeWire) -> None:
        self._found(subscribe, f"the field holds {CANARIES['code']}")

    def test_an_error_in_the_log(self, subscribe: SubscribeWire) -> None:
        log = subscribe.logger()
        log.error("unforeseen")
        with pytest.raises(Found, match="unforeseen"):
            subscribe.log.check(CANARIES)

    @pytest.mark.parametrize("what", ["token", "code"])
    def test_a_secret_in_a_field(self, merchant: MerchantWire, what: str) -> None:
        self._found(merchant, f"it says:{CANARIES[what].replace('_', '-')} {CANARIES['code']}")

    def test_a_secret_that_an_earlier_example_wrote(self) -> None:
        """Its receipt shows it in the writer's fields, and nothing else of any answer may."""
        written = Written(CANARIES, without_words=without_words)
        request = json.dumps({"params": {"description": CANARIES["key"]}}).encode()
        receipt = {"_id": "a" * 24, "description": CANARIES["key"], "meta": {}}

        def check(**answer: Any) -> None:
            written.check(json.dumps(answer).encode(), answer, b"{}")

        with pytest.raises(Found, match="the answer tells key"):
            check(result=[receipt])
        written.add(request)
        check(error={"data": CANARIES["key"]})
        written.begin()
        check(result=[receipt])
        check(result={"receipt": receipt})
        for told in (
            {"error": {"data": CANARIES["key"]}},
            {"result": [{**receipt, "meta": {"owner": CANARIES["key"]}}]},
            {"result": {"receipt": receipt, "description": CANARIES["key"]}},
            {"result": [{**receipt, "description": CANARIES["token"]}]},
        ):
            with pytest.raises(Found, match="the answer tells"):
                check(**told)

    def _found(self, wire: Wire, text: str) -> None:
        wire.logger().info("told", text=text)
        with pytest.raises(Found, match="the log tells"):
            wire.log.check(CANARIES)
