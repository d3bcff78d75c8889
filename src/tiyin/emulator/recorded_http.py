"""The gateway's calls to merchants, recorded, and disturbed where a fault rule says so."""

from collections.abc import Mapping
from typing import Final

import msgspec

from tiyin.emulator.desk_names import DeskNames
from tiyin.emulator.fault_rules import Rule
from tiyin.emulator.faults import Faults, faulty_answer
from tiyin.emulator.problems import CUT_OFF, SHOP_ANSWER_LATE, SHOP_ANSWER_LOST, SHOP_REQUEST_LOST
from tiyin.emulator.traffic import Exchange, Hit, Traffic, error_code, method_of, received, sent
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.http import CallFailed, Http, HttpAnswer, HttpCall, NoAnswer
from tiyin.runtime.logs import get_logger

__all__ = ["RecordedHttp"]

_REAL: Final = SystemClock()
"""A delay is real time: a merchant is not quicker because the emulator's clock was turned."""
_log: Final = get_logger("tiyin.emulator.traffic")


class _Outcome(msgspec.Struct):
    """What came of a call: what the merchant answered, and what the gateway hears of it."""

    answer: HttpAnswer | None = None
    error: CallFailed | None = None
    problem: str | None = CUT_OFF


class RecordedHttp:
    """Outgoing HTTP (the port `Http`) over another one, which does the work.

    Args:
        http: Sends.
        traffic: Keeps what was sent and answered.
        faults: The rules in force.
        desks: Tells for which desk a call is.
        clock: Dates the exchanges.
    """

    def __init__(self, http: Http, traffic: Traffic, faults: Faults, desks: DeskNames, clock: Clock) -> None:
        self._http = http
        self._traffic = traffic
        self._faults = faults
        self._desks = desks
        self._clock = clock

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST; see `Http.post`."""
        outcome, _ = await self.ask(HttpCall("POST", url, body, headers, timeout_ms, body_max))
        return _told(outcome)

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a GET; see `Http.get`."""
        outcome, _ = await self.ask(HttpCall("GET", url, b"", headers, timeout_ms, body_max))
        return _told(outcome)

    async def ask(
        self, call: HttpCall, *, resent_from: int | None = None
    ) -> tuple[_Outcome, Exchange | None]:
        """Send a call and record it.

        Args:
            call: What to send.
            resent_from: The number of the exchange that it repeats.

        Returns:
            What came of it, and the exchange.
        """
        method = method_of(call.body)
        desk = await self._desks.of_call(call.url, call.headers.get("authorization"))
        rule = self._faults.strike("merchant", None if desk is None else desk.id, method)
        at_ms, began_s = self._clock.now_ms(), self._clock.monotonic()
        outcome = _Outcome()
        exchange: Exchange | None = None
        try:
            outcome = await self._disturbed(call, rule)
        finally:
            answer = outcome.answer
            exchange = Exchange(
                at_ms=at_ms,
                took_ms=int((self._clock.monotonic() - began_s) * 1000),
                direction="merchant",
                desk=None if desk is None else desk.id,
                desk_name=None if desk is None else desk.name,
                method=method,
                request=sent(call.method, call.url, call.headers, call.body),
                answer=None
                if answer is None
                else received(answer.status, answer.headers, answer.body, call.headers),
                code=None if answer is None else error_code(answer.body),
                problem=outcome.problem,
                fault=None if rule is None else Hit(rule.id, rule.fault),
                resent_from=resent_from,
            )
            try:
                exchange = self._traffic.add(exchange)
            except OSError:
                # A full disk must not stop a payment.
                _log.exception("traffic_not_kept")
        return outcome, exchange

    async def _disturbed(self, call: HttpCall, rule: Rule | None) -> _Outcome:
        made = None if rule is None else faulty_answer(rule, call.body)
        if made is not None:
            return _made(*made, call.body_max)
        if rule is not None and rule.fault == "drop_before":
            # The gateway cannot know that nothing arrived: it is not told more than the network would tell.
            return _lost(None, SHOP_REQUEST_LOST)
        began_s = self._clock.monotonic()
        outcome = await self._plain(call)
        if rule is None or outcome.error is not None:
            return outcome
        if rule.fault == "drop_after":
            return _lost(outcome.answer, SHOP_ANSWER_LOST)
        left_s = call.timeout_ms / 1000 - (self._clock.monotonic() - began_s)
        delay_s = (rule.delay_ms or 0) / 1000
        await _REAL.sleep(min(delay_s, left_s))
        if delay_s >= left_s:
            outcome = _lost(outcome.answer, SHOP_ANSWER_LATE)
        return outcome

    async def _plain(self, call: HttpCall) -> _Outcome:
        try:
            if call.method == "GET":
                answer = await self._http.get(
                    call.url, headers=call.headers, timeout_ms=call.timeout_ms, body_max=call.body_max
                )
            else:
                answer = await self._http.post(
                    call.url,
                    body=call.body,
                    headers=call.headers,
                    timeout_ms=call.timeout_ms,
                    body_max=call.body_max,
                )
        except CallFailed as error:
            return _Outcome(None, error, str(error))
        return _Outcome(answer, None, None)


def _made(status: int, body: bytes, body_max: int) -> _Outcome:
    """Take what a rule answers in the merchant's place."""
    headers = {"content-type": "application/json; charset=UTF-8"}
    return _Outcome(HttpAnswer(status, headers, body[:body_max]), None, None)


def _lost(answer: HttpAnswer | None, why: str) -> _Outcome:
    return _Outcome(answer, NoAnswer(why), why)


def _told(outcome: _Outcome) -> HttpAnswer:
    if outcome.error is not None:
        raise outcome.error
    assert outcome.answer is not None  # noqa: S101  # a call without an error has one
    return outcome.answer
