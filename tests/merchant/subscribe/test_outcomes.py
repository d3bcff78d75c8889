"""What may have happened to the money is never told as "nothing": whatever came back, and however often."""

import json
import sys
from typing import Any

import pytest
import structlog
from rich.pretty import pretty_repr

from tiyin.merchant.subscribe import SubscribeClient, SubscribeError
from tiyin.runtime.http import CallFailed, HttpAnswer, NoAnswer, NotSent

DESK = "587f72c72cac0d162c722ae2"
RECEIPT = "5c7f72c72cac0d162c722ae2"
TOKEN = f"{DESK}_{'A' * 40}"
KEY = "KEYKEYKEYKEY"


class Script:
    """The other side: one answer after the other."""

    def __init__(self, *answers: object) -> None:
        self._answers = list(answers)

    def post(self, url: str, **_: Any) -> HttpAnswer:
        del url
        answer = self._answers.pop(0)
        if isinstance(answer, CallFailed):
            raise answer
        if isinstance(answer, HttpAnswer):
            return answer
        return HttpAnswer(200, {}, answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def close(self) -> None:
        pass


class Clock:
    def __init__(self) -> None:
        self._now = 0.0

    def monotonic(self) -> float:
        return self._now

    def sleep(self, seconds: float) -> None:
        self._now += seconds


def client(*answers: object) -> SubscribeClient:
    return SubscribeClient(DESK, KEY, transport=Script(*answers), clock=Clock())


def pay(*answers: object) -> SubscribeError:
    with pytest.raises(SubscribeError) as failure:
        client(*answers).receipts.pay(RECEIPT, TOKEN)
    return failure.value


@pytest.mark.parametrize("code", [-32603, -32000, -31999, 0, 500, "--5", "²"])
def test_a_code_that_nobody_documented_is_no_refusal(code: object) -> None:
    assert pay({"error": {"code": code, "message": "Internal error"}}).outcome_unknown


@pytest.mark.parametrize("status", [100, 303, 402, 409, 422, 499])
def test_a_status_that_says_nothing_is_no_refusal(status: int) -> None:
    assert pay(HttpAnswer(status, {}, b"")).outcome_unknown


def test_a_paid_receipt_beside_a_refusing_status_is_no_refusal() -> None:
    paid = json.dumps({"result": {"receipt": {"_id": RECEIPT, "state": 4, "amount": 1}}}).encode()
    assert pay(HttpAnswer(400, {}, paid)).outcome_unknown


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 413, 415])
def test_a_status_that_refuses_is_a_refusal(status: int) -> None:
    assert not pay(HttpAnswer(status, {}, b"")).outcome_unknown


@pytest.mark.parametrize("code", [-31630, -31303, -31400, -31602, -32504])
def test_a_documented_refusal_is_one(code: int) -> None:
    assert not pay({"error": {"code": code, "message": "no"}}).outcome_unknown


def test_a_bottomless_error_is_told() -> None:
    depth = 900
    nested = b"[" * depth + b"]" * depth
    assert pay(b'{"error":{"code":-31640,"message":"x","data":' + nested + b"}}").code == -31640


@pytest.mark.parametrize(
    "later", [(NotSent("gone"), NotSent("gone")), ({"error": {"code": -32504, "message": "x"}},)]
)
def test_what_an_earlier_try_may_have_done_is_not_forgotten(later: tuple[object, ...]) -> None:
    with pytest.raises(SubscribeError) as failure:
        client(NoAnswer("timeout"), *later).receipts.create(100, {"order_id": "1"})
    assert failure.value.outcome_unknown


def test_no_traceback_with_local_variables_shows_the_key() -> None:
    """Goal: rich and structlog, which look into objects themselves, show no more than `repr` does."""
    try:
        client({"error": {"code": -31640, "message": "x"}}).receipts.pay(RECEIPT, TOKEN)
    except SubscribeError:
        shown = [
            str(structlog.dev.ConsoleRenderer()(None, "", {"event": "x", "exc_info": sys.exc_info()})),
            json.dumps(structlog.processors.dict_tracebacks(None, "", {"exc_info": sys.exc_info()})),
        ]
    assert [KEY in text.replace(f'KEY = "{KEY}"', "") for text in shown] == [False, False]
    card = client({"result": {"card": {"token": TOKEN, "number": "860006******6311"}}}).cards.check(TOKEN)
    assert TOKEN not in pretty_repr(card)
    assert "860006******6311" in pretty_repr(card)


@pytest.mark.parametrize(
    "number",
    ["8600-0691-9540-6311", "8600\u00a00691\u00a09540\u00a06311", "8600.0691.9540.6311", 8600069195406311.0],
)
def test_whatever_parts_its_digits_a_number_is_masked(number: object) -> None:
    card = client({"result": {"card": {"token": TOKEN, "number": number}}}).cards.check(TOKEN)
    assert "69195406" not in "".join(filter(str.isdigit, card.number))
