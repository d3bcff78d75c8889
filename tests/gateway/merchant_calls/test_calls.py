"""Calls to merchants: what is sent, what is bounded, and that one merchant's trouble is nobody else's."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from tiyin.gateway.merchant_calls.answers import Allowed, Answered, Created, Malformed, Unknown
from tiyin.gateway.merchant_calls.breaker import Breaker
from tiyin.gateway.merchant_calls.calls import MerchantCalls, Target
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.http import HttpAnswer, HttpCall, NoAnswer, NotSent, ScriptedHttp

TARGET = Target("a" * 24, "https://shop.example/payme")
OTHER = Target("b" * 24, "https://other.example/payme")
ALLOWED = HttpAnswer(200, {}, b'{"result": {"allow": true}}')


async def key_of(desk_id: str) -> str:
    return f"key:of:{desk_id[0]}"


def calls_to(
    script: Callable[[HttpCall], HttpAnswer | Awaitable[HttpAnswer]], *, in_flight_max: int = 64
) -> tuple[MerchantCalls, ScriptedHttp, ManualClock]:
    clock = ManualClock()
    http = ScriptedHttp(script)
    return MerchantCalls(http, clock, key_of, in_flight_max=in_flight_max), http, clock


async def test_a_call_carries_the_documented_request() -> None:
    body = b'{"result": {"create_time": 1, "transaction": "5123", "state": 1}}'
    calls, http, _ = calls_to(lambda _: HttpAnswer(200, {}, body))
    account = msgspec.Raw(b'{"order_id":"1"}')
    outcome = await calls.create(TARGET, "c" * 24, 1_700_000_000_000, 500_000, account)
    assert outcome == Answered(Created("5123", 1))
    (sent,) = http.calls
    assert sent.url == TARGET.endpoint
    assert sent.headers["authorization"] == "Basic UGF5Y29tOmtleTpvZjph"
    assert sent.headers["content-type"] == "application/json; charset=UTF-8"
    request = msgspec.json.decode(sent.body)
    assert request == {
        "jsonrpc": "2.0",
        "id": request["id"],
        "method": "CreateTransaction",
        "params": {
            "id": "c" * 24,
            "time": 1_700_000_000_000,
            "amount": 500_000,
            "account": {"order_id": "1"},
        },
    }


async def test_every_method_is_called_by_its_name() -> None:
    calls, http, _ = calls_to(lambda _: HttpAnswer(200, {}, b'{"result": {"state": 1}}'))
    await calls.perform(TARGET, "c" * 24)
    await calls.cancel(TARGET, "c" * 24, 3)
    await calls.check(TARGET, "c" * 24)
    requests = [msgspec.json.decode(call.body) for call in http.calls]
    assert [(request["method"], request["params"]) for request in requests] == [
        ("PerformTransaction", {"id": "c" * 24}),
        ("CancelTransaction", {"id": "c" * 24, "reason": 3}),
        ("CheckTransaction", {"id": "c" * 24}),
    ]
    assert len({request["id"] for request in requests}) == 3


async def test_a_failed_call_says_whether_it_may_have_arrived() -> None:
    def fail(call: HttpCall) -> HttpAnswer:
        raise NotSent("refused") if b"Perform" in call.body else NoAnswer("timeout")

    calls, _, _ = calls_to(fail)
    performed = await calls.perform(TARGET, "c" * 24)
    checked = await calls.check(TARGET, "c" * 24)
    assert isinstance(performed, Unknown)
    assert isinstance(checked, Unknown)
    assert (performed.sent, checked.sent) == (False, True)


async def test_an_unknown_outcome_is_logged_and_redacted(caplog: pytest.LogCaptureFixture) -> None:
    """Lines go through the house's chain: a line that structlog printed by itself would hide nothing."""

    def fail(_: HttpCall) -> HttpAnswer:
        raise NoAnswer("shop.example: 8600069195406311")

    await calls_to(fail)[0].check(TARGET, "c" * 24)
    assert "merchant_call_unknown" in caplog.text
    assert "860006******6311" in caplog.text


async def test_a_merchant_that_never_answers_is_spared_and_tried_again() -> None:
    """Five calls in a row open the circuit; after the pause one call tries, and its answer closes it."""
    silent = True

    def script(call: HttpCall) -> HttpAnswer:
        if silent and "shop.example" in call.url:
            raise NoAnswer("timeout")
        return ALLOWED

    calls, http, clock = calls_to(script)
    for _ in range(5):
        await calls.check_perform(TARGET, 1, {})
    assert await calls.check_perform(TARGET, 1, {}) == Unknown("circuit_open", sent=False)
    assert len(http.calls) == 5
    assert await calls.check_perform(OTHER, 1, {}) == Answered(Allowed())
    silent = False
    clock.advance(1_000)
    assert await calls.check_perform(TARGET, 1, {}) == Answered(Allowed())
    assert await calls.check_perform(TARGET, 1, {}) == Answered(Allowed())


@pytest.mark.parametrize("status", [200, 500])
async def test_any_answer_at_all_opens_no_circuit(status: int) -> None:
    calls, http, _ = calls_to(lambda _: HttpAnswer(status, {}, b"?"))
    for _ in range(20):
        assert isinstance(await calls.check_perform(TARGET, 1, {}), Malformed | Unknown)
    assert len(http.calls) == 20


async def test_calls_to_one_merchant_are_bounded_and_others_do_not_wait() -> None:
    release = asyncio.Event()
    running = {"shop": 0, "most": 0}

    async def script(call: HttpCall) -> HttpAnswer:
        if "other" in call.url:
            return ALLOWED
        running["shop"] += 1
        running["most"] = max(running["most"], running["shop"])
        await release.wait()
        running["shop"] -= 1
        return ALLOWED

    calls, _, _ = calls_to(script, in_flight_max=2)
    waiting = [asyncio.ensure_future(calls.check_perform(TARGET, 1, {})) for _ in range(6)]
    await asyncio.sleep(0.01)
    assert await calls.check_perform(OTHER, 1, {}) == Answered(Allowed())
    release.set()
    assert await asyncio.gather(*waiting) == [Answered(Allowed())] * 6
    assert running["most"] == 2


async def test_a_call_does_not_wait_for_a_place_for_ever() -> None:
    release = asyncio.Event()

    async def script(_: HttpCall) -> HttpAnswer:
        await release.wait()
        return ALLOWED

    calls, _, _ = calls_to(script, in_flight_max=1)
    hanging = asyncio.ensure_future(calls.check_perform(TARGET, 1, {}))
    await asyncio.sleep(0)
    assert await calls.check_perform(TARGET, 1, {}) == Unknown("too_many_calls", sent=False)
    release.set()
    assert await hanging == Answered(Allowed())


async def test_a_cancelled_trial_leaves_the_circuit_as_it_was() -> None:
    calls, _, clock = calls_to(lambda _: asyncio.get_running_loop().create_future())
    breaker = Breaker(clock, failures_max=1)
    assert breaker.allows()
    breaker.failed()
    assert not breaker.allows()
    clock.advance(1_000)
    assert breaker.allows()
    assert not breaker.allows(), "one trial at a time"
    breaker.left()
    assert breaker.allows()
    hanging = asyncio.ensure_future(calls.check_perform(TARGET, 1, {}))
    await asyncio.sleep(0)
    hanging.cancel()
    await asyncio.gather(hanging, return_exceptions=True)


def test_pauses_double_up_to_a_bound() -> None:
    clock = ManualClock()
    breaker = Breaker(clock, failures_max=1)
    pauses = []
    for _ in range(7):
        breaker.failed()
        waited = 0
        while not breaker.allows():
            clock.advance(1_000)
            waited += 1
        pauses.append(waited)
    assert pauses == [1, 2, 4, 8, 15, 15, 15]


async def test_a_clock_that_is_set_back_does_not_spare_a_merchant_for_hours() -> None:
    clock = ManualClock()
    breaker = Breaker(clock)
    for _ in range(5):
        breaker.failed()
    assert not breaker.allows()
    breaker.clock = ManualClock(clock.now_ms() - 3_600_000)
    assert breaker.allows()


async def test_a_call_whose_key_came_late_does_not_leave() -> None:
    """A driver counted on the call's bound when it looked at its lease; a slow database must not break it."""
    slow = True

    async def slow_key_of(desk_id: str) -> str:
        if slow:
            clock.advance(2_001)
        return await key_of(desk_id)

    clock = ManualClock()
    http = ScriptedHttp(lambda _: ALLOWED)
    calls = MerchantCalls(http, clock, slow_key_of)
    for _ in range(9):
        assert await calls.check_perform(TARGET, 1, {}) == Unknown("left_too_late", sent=False)
    assert http.calls == []
    slow = False
    assert await calls.check_perform(TARGET, 1, {}) == Answered(Allowed())
