"""The other side as a function: what tests and simulations put in the place of the network."""

import pytest

from tiyin.runtime.clock import ManualClock
from tiyin.runtime.http import CallFailed, Http, HttpAnswer, HttpCall, NoAnswer, NotSent, ScriptedHttp


async def test_a_script_answers_and_keeps_what_it_was_asked() -> None:
    def script(call: HttpCall) -> HttpAnswer:
        return HttpAnswer(200, {"content-type": "text/plain"}, call.body.upper())

    scripted = ScriptedHttp(script)
    http: Http = scripted
    answer = await http.post("https://shop.uz/", body=b"abc", headers={"A": "b"}, timeout_ms=10, body_max=5)
    assert answer == HttpAnswer(200, {"content-type": "text/plain"}, b"ABC")
    await http.get("https://shop.uz/x", headers={}, timeout_ms=10, body_max=5)
    assert [(call.method, call.url, call.timeout_ms) for call in scripted.calls] == [
        ("POST", "https://shop.uz/", 10),
        ("GET", "https://shop.uz/x", 10),
    ]
    assert scripted.calls[0].headers == {"A": "b"}


async def test_a_script_may_fail_and_may_take_its_time() -> None:
    clock = ManualClock(0)

    async def script(call: HttpCall) -> HttpAnswer:
        await clock.sleep(0)
        if call.method == "GET":
            raise NotSent("shop.uz:443: refused")
        raise NoAnswer("shop.uz:443: silent")

    http = ScriptedHttp(script)
    with pytest.raises(NoAnswer):
        await http.post("https://shop.uz/", body=b"", headers={}, timeout_ms=1, body_max=1)
    with pytest.raises(CallFailed):
        await http.get("https://shop.uz/", headers={}, timeout_ms=1, body_max=1)


def test_a_calls_repr_shows_no_secret() -> None:
    call = HttpCall("POST", "https://shop.uz/?key=abc", b"card", {"Authorization": "Basic abc"}, 1, 1)
    assert repr(call) == "HttpCall(method='POST', 4 bytes)"


def test_an_answers_repr_shows_no_body() -> None:
    assert "card" not in repr(HttpAnswer(200, {}, b"card"))
