"""When a request is sent again, and what an answer means: scripted, without a network, for both clients."""

import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.merchant.subscribe import (
    AccessDenied,
    AnswerLost,
    BadAnswer,
    NotReached,
    ReceiptState,
    SubscribeError,
    Unavailable,
)
from tiyin.merchant.subscribe.calls import Call, Repeat, receipts_check, receipts_pay
from tiyin.merchant.subscribe.exchange import Exchange, Send, Wait
from tiyin.merchant.subscribe.settings import Settings
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.http import CallFailed, HttpAnswer, NoAnswer, NotSent

ID = "2e0b1bc1f1eb50d487ba268d"
TOKEN = "NTg0YTgxZWYyYWJiNWNhYTMxMDc5OTExXyVwOTY4TzI3MTJRQ28lWmso"
KEY = "Rw712wMJspZBczFvrG09?bHkSNxnD4PY0n1C"
DESK_ID = "100fe486b33784292111b7dc"
Came = HttpAnswer | CallFailed

LOST, UNSENT = NoAnswer("shop.uz:443: gone"), NotSent("shop.uz:443: refused")


def told(code: int, message: Any = "нет", **more: Any) -> HttpAnswer:
    return HttpAnswer(200, {}, json.dumps({"error": {"code": code, "message": message, **more}}).encode())


def result(value: Any, **more: Any) -> HttpAnswer:
    return HttpAnswer(200, {}, json.dumps({"result": value, **more}).encode())


def receipt(**fields: Any) -> HttpAnswer:
    return result({"receipt": {"_id": ID, "state": 4, "amount": 3500, **fields}})


class Script:
    """A transport that answers what was written down, and keeps what it was sent."""

    def __init__(self, *answers: Came) -> None:
        self.answers = list(answers)
        self.sent: list[tuple[dict[str, Any], Mapping[str, str], int]] = []

    def _answer(self, body: bytes, headers: Mapping[str, str], timeout_ms: int) -> HttpAnswer:
        self.sent.append((json.loads(body), headers, timeout_ms))
        answer = self.answers.pop(0)
        if isinstance(answer, CallFailed):
            raise answer
        return answer


class SyncScript(Script):
    def post(self, url: str, *, body: bytes, headers: Any, timeout_ms: int, body_max: int) -> HttpAnswer:
        assert (url, body_max) == ("https://checkout.test.paycom.uz/api", 16 * 1024 * 1024)
        return self._answer(body, headers, timeout_ms)

    def close(self) -> None:
        raise AssertionError("a transport that was given stays open")


class AsyncScript(Script):
    async def post(
        self, url: str, *, body: bytes, headers: Any, timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        assert (url, body_max) == ("https://checkout.test.paycom.uz/api", 16 * 1024 * 1024)
        return self._answer(body, headers, timeout_ms)

    async def close(self) -> None:
        raise AssertionError("a transport that was given stays open")


class Room:
    """A client over a script."""

    def __init__(self, caller: Any, clock: Any, *answers: Came, **settings: Any) -> None:
        self.caller = caller
        self.clock = clock
        self.script = (SyncScript if caller.kind == "sync" else AsyncScript)(*answers)
        self.client = caller.client(
            base_url="test", transport=self.script, clock=clock, chance=SeededChance(1), **settings
        )

    async def ask(self, question: Callable[[Any], Any]) -> Any:
        return await self.caller.ask(self.client, question)


@pytest.fixture
def room(caller: Any, still_clock: Any) -> Callable[..., Room]:
    return lambda *answers, **settings: Room(caller, still_clock, *answers, **settings)


CARD = {"card": {"number": "860006******6311", "expire": "03/99", "token": TOKEN}}
REPEATED: dict[str, tuple[Callable[[Any], Any], HttpAnswer]] = {
    "cards.check": (lambda c: c.cards.check(TOKEN), result(CARD)),
    "cards.create": (lambda c: c.cards.create("8600069195406311", "0399"), result(CARD)),
    "receipts.create": (lambda c: c.receipts.create(3500, {"order_id": 1}), receipt()),
    "receipts.check": (lambda c: c.receipts.check(ID), result({"state": 4})),
    "receipts.get": (lambda c: c.receipts.get(ID), receipt()),
    "receipts.send": (lambda c: c.receipts.send(ID, "998901304527"), result({"success": True})),
    "receipts.set_fiscal_data": (
        lambda c: c.receipts.set_fiscal_data(ID, {"receipt_id": 1, "qr_code_url": "https://x.uz"}),
        result({"success": True}),
    ),
}
ONCE: dict[str, tuple[Callable[[Any], Any], HttpAnswer]] = {
    "cards.get_verify_code": (lambda c: c.cards.get_verify_code(TOKEN), result({"sent": True})),
    "cards.remove": (lambda c: c.cards.remove(TOKEN), result({"success": True})),
    "receipts.pay": (lambda c: c.receipts.pay(ID, TOKEN), receipt()),
    "receipts.hold": (lambda c: c.receipts.hold(ID, TOKEN), receipt(state=5)),
    "receipts.confirm_hold": (lambda c: c.receipts.confirm_hold(ID), receipt()),
    "receipts.cancel": (lambda c: c.receipts.cancel(ID), receipt(state=21)),
}
PASSING: list[Came] = [LOST, UNSENT, HttpAnswer(502, {}, b"<html>"), told(-31001), told(-32400)]


@pytest.mark.parametrize("failure", PASSING, ids=repr)
@pytest.mark.parametrize("method", REPEATED)
async def test_what_may_be_repeated_is_the_same_request_again(room: Any, method: str, failure: Came) -> None:
    question, answer = REPEATED[method]
    opened = room(failure, failure, answer)
    await opened.ask(question)
    bodies = [body for body, _, _ in opened.script.sent]
    assert len(bodies) == 3
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0]["method"] == method
    keys = {headers.get("Idempotency-Key") for _, headers, _ in opened.script.sent}
    assert len(keys) == 1
    assert (None not in keys) == (method in ("cards.create", "receipts.create", "receipts.send"))
    assert len(opened.clock.slept) == 2
    assert 0 <= opened.clock.slept[0] <= 0.25
    assert 0 <= opened.clock.slept[1] <= 0.5


@pytest.mark.parametrize("method", ONCE)
async def test_what_may_have_been_done_is_not_repeated(room: Any, method: str) -> None:
    question, answer = ONCE[method]
    for failure in (LOST, HttpAnswer(500, {}, b""), HttpAnswer(504, {}, b""), HttpAnswer(200, {}, b"<html>")):
        opened = room(failure, answer)
        with pytest.raises(SubscribeError) as unknown:
            await opened.ask(question)
        assert unknown.value.outcome_unknown
        assert len(opened.script.sent) == 1
        if method in ("receipts.pay", "receipts.hold"):
            assert "ask receipts.check before anything else" in str(unknown.value)
    # What certainly never left may be sent again.
    opened = room(UNSENT, answer)
    await opened.ask(question)
    assert len(opened.script.sent) == 2
    opened = room(UNSENT, UNSENT, UNSENT)
    with pytest.raises(NotReached) as unsent:
        await opened.ask(question)
    assert not unsent.value.outcome_unknown
    assert unsent.value.attempts == 3


@pytest.mark.parametrize("failure", PASSING, ids=repr)
async def test_verify_is_never_repeated(room: Any, failure: Came) -> None:
    opened = room(failure, result(CARD))
    with pytest.raises(Unavailable):
        await opened.ask(lambda c: c.cards.verify(TOKEN, "666666"))
    assert len(opened.script.sent) == 1


@pytest.mark.parametrize("code", [-31001, -31002, -31100, -31620, -31622, -31623, -31624, -32400])
async def test_with_money_something_that_did_not_work_is_no_refusal(room: Any, code: int) -> None:
    for question in (lambda c: c.receipts.pay(ID, TOKEN), lambda c: c.receipts.cancel(ID)):
        opened = room(told(code))
        with pytest.raises(Unavailable) as unknown:
            await opened.ask(question)
        assert (unknown.value.code, unknown.value.outcome_unknown) == (code, True)


@pytest.mark.parametrize("code", [-31303, -31400, -31602, -31610, -31630, -31640, -31700, -31900, -32504])
async def test_a_refusal_is_certain_and_final(room: Any, code: int) -> None:
    for question in (lambda c: c.receipts.pay(ID, TOKEN), lambda c: c.receipts.check(ID)):
        opened = room(told(code))
        with pytest.raises(SubscribeError) as refused:
            await opened.ask(question)
        assert (refused.value.code, refused.value.outcome_unknown) == (code, False)
        assert len(opened.script.sent) == 1


async def test_the_answer_to_a_payment_must_be_about_that_receipt(room: Any) -> None:
    with pytest.raises(BadAnswer, match="another receipt") as wrong:
        await room(receipt(_id="f" * 24)).ask(lambda c: c.receipts.pay(ID, TOKEN))
    assert wrong.value.outcome_unknown


async def test_a_payment_has_more_patience(room: Any) -> None:
    opened = room(receipt(), result({"state": 4}))
    await opened.ask(lambda c: c.receipts.pay(ID, TOKEN))
    await opened.ask(lambda c: c.receipts.check(ID))
    assert [timeout_ms for _, _, timeout_ms in opened.script.sent] == [60_000, 15_000]


async def test_headers_and_bodies(room: Any) -> None:
    opened = room(result(CARD), result(CARD), receipt(), receipt(), language="uz")
    await opened.ask(lambda c: c.cards.create("8600 0691 9540 6311", "03/99", account={"a": 1}))
    await opened.ask(lambda c: c.cards.check(TOKEN))
    await opened.ask(
        lambda c: c.receipts.create(3500, {"order_id": "1"}, hold=True, idempotency_key="order-1")
    )
    await opened.ask(lambda c: c.receipts.pay(ID, TOKEN))
    (create, front, _), _, (made, full, _), (paid, _, _) = opened.script.sent
    assert create["params"] == {
        "card": {"number": "8600069195406311", "expire": "0399"},
        "save": False,
        "account": {"a": 1},
    }
    assert front["X-Auth"] == DESK_ID
    assert full["X-Auth"] == f"{DESK_ID}:{KEY}"
    assert (full["Accept-Language"], full["Idempotency-Key"]) == ("uz", "order-1")
    assert made["params"] == {"amount": 3500, "account": {"order_id": "1"}, "hold": True}
    assert paid["params"] == {"id": ID, "token": TOKEN}
    ids = [body["id"] for body, _, _ in opened.script.sent]
    assert len(set(ids)) == 4
    assert all(type(one) is int and one < 2**53 for one in ids)


@pytest.mark.parametrize(
    "question",
    [
        lambda c: c.receipts.create(5000.0, {"a": 1}),
        lambda c: c.receipts.create("5000", {"a": 1}),
        lambda c: c.receipts.create(True, {"a": 1}),
        lambda c: c.receipts.create(0, {"a": 1}),
        lambda c: c.receipts.create(10**13 + 1, {"a": 1}),
        lambda c: c.receipts.create(1, {"a": 1.5}),
        lambda c: c.receipts.create(1, {"a": 1}, idempotency_key="a\nb"),
        lambda c: c.receipts.create(1, {"a": 1}, description="\x00"),
        lambda c: c.receipts.pay(ID, ""),
        lambda c: c.receipts.pay(None, TOKEN),
        lambda c: c.receipts.send(ID, "not a phone"),
        lambda c: c.cards.create("8600069195406311", 399),
        lambda c: c.cards.create("my card", "0399"),
        lambda c: c.cards.create("8600069195406311", "1399"),
        lambda c: c.cards.create("8600069195406311", "0399", amount_tiyin=1.0),
        lambda c: c.cards.verify(TOKEN, "six"),
        lambda c: c.receipts.set_fiscal_data(ID, {"receipt_id": 1}),
    ],
)
async def test_what_cannot_be_right_is_not_sent(room: Any, question: Any) -> None:
    opened = room()
    with pytest.raises((ValueError, TypeError)) as wrong:
        await opened.ask(question)
    assert not isinstance(wrong.value, SubscribeError)
    assert "8600069195406311" not in str(wrong.value)
    assert TOKEN not in str(wrong.value)
    assert opened.script.sent == []


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (HttpAnswer(200, {}, b""), "no JSON-RPC"),
        (HttpAnswer(200, {}, b"<html>"), "no JSON-RPC"),
        (HttpAnswer(200, {}, b"[]"), "no JSON-RPC"),
        (HttpAnswer(200, {}, b"[" * 100_000), "no JSON-RPC"),
        (HttpAnswer(200, {}, b'{"result": "\xff"}'), "no JSON-RPC|broken"),
        (HttpAnswer(200, {}, b'{"id": 1}'), "no JSON-RPC"),
        (HttpAnswer(200, {}, b'{"result": null, "error": "no"}'), "no JSON-RPC"),
        (HttpAnswer(200, {}, b'{"error": {"message": "no"}}'), "without a code"),
        (result({"state": "paid"}), "state is no whole number"),
        (result({"state": None}), "state is missing"),
        (result([]), "result is no object"),
        (HttpAnswer(302, {}, b""), "redirects are not followed"),
        (HttpAnswer(404, {}, b"no"), "is base_url right"),
    ],
)
async def test_answers_that_cannot_be_understood(room: Any, answer: HttpAnswer, words: str) -> None:
    opened = room(answer)
    with pytest.raises(BadAnswer, match=words) as bad:
        await opened.ask(lambda c: c.receipts.check(ID))
    assert not bad.value.outcome_unknown  # it only asked
    assert len(opened.script.sent) == 1


async def test_loose_answers_are_read(room: Any) -> None:
    opened = room(
        HttpAnswer(200, {}, b'{"id": null, "error": null, "result": {"state": "4"}}'),
        HttpAnswer(200, {}, b'{"result": {"state": 77.0}}'),
        HttpAnswer(400, {}, b'{"error": {"code": "-32504", "message": {"ru": "A", "uz": "B"}}}'),
    )
    assert await opened.ask(lambda c: c.receipts.check(ID)) is ReceiptState.PAID
    assert await opened.ask(lambda c: c.receipts.check(ID)) == 77
    with pytest.raises(AccessDenied, match="A"):
        await opened.ask(lambda c: c.receipts.check(ID))


async def test_logs_tell_the_call_and_no_secret(room: Any, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    opened = room(
        LOST, result(CARD), told(-31630, f"card 8600069195406311 of {TOKEN}", data=[{TOKEN: KEY}]), LOST
    )
    await opened.ask(lambda c: c.cards.create("8600069195406311", "0399"))
    for kind in (SubscribeError, AnswerLost):
        with pytest.raises(kind) as refused:
            await opened.ask(lambda c: c.receipts.pay(ID, TOKEN))
        shown = f"{refused.value} {refused.value!r} {vars(refused.value)}"
        assert KEY not in shown
        assert TOKEN not in shown
        assert "8600069195406311" not in shown
    lines = [str(record.msg) for record in caplog.records if record.name == "tiyin.subscribe"]
    assert len(lines) == 4
    assert "subscribe_call_repeated" in lines[0]
    assert "attempts=2" in lines[1]
    assert "error=-31630" in lines[2]
    assert "outcome_unknown=True" in lines[3]
    for secret in (TOKEN, KEY, "8600069195406311"):
        assert secret not in " ".join(lines)
        assert secret not in repr(opened.client) + repr(vars(opened.client))


SETTINGS = Settings(
    desk_id=DESK_ID,
    key=KEY,
    base_url="test",
    timeout_ms=1000,
    pay_timeout_ms=1000,
    total_ms=2500,
    retries=10,
    language="ru",
    allow_http=False,
)


@given(
    took=st.lists(st.integers(0, 1000), min_size=11, max_size=11),
    seed=st.integers(),
    pays=st.booleans(),
    failure=st.sampled_from([LOST, UNSENT, told(-31001)]),
)
def test_a_call_ends_in_time(took: list[int], seed: int, pays: bool, failure: Came) -> None:
    """However slowly it fails and however the pauses fall, all tries together keep to the whole time."""
    now = 0.0
    call: Call[Any] = receipts_pay(ID, TOKEN, payer=None, hold=False) if pays else receipts_check(ID)
    steps = Exchange(call, SETTINGS, lambda: now, SeededChance(seed)).steps()
    came: Came | None = None
    tries = 0
    try:
        while True:
            step = steps.send(came)
            if isinstance(step, Wait):
                assert 0 <= step.seconds <= 4
                now, came = now + step.seconds, None
            else:
                assert isinstance(step, Send)
                now += min(step.timeout_ms, took[tries]) / 1000
                tries += 1
                came = failure
    except SubscribeError as error:
        assert error.attempts == tries  # noqa: PT017 - what matters is the time
    assert now <= 2.5
    assert tries <= 11
    if pays and failure is not UNSENT:
        assert tries == 1


def test_every_method_says_when_it_may_be_repeated() -> None:
    """No payment is ever sent again when it may have arrived, whoever changes the table of methods."""
    assert receipts_pay(ID, TOKEN, payer=None, hold=True).repeat is Repeat.NOT_SENT
    assert TOKEN not in repr(receipts_pay(ID, TOKEN, payer=None, hold=True))
