"""The other sides of a payment: a shop and an acquirer behind networks that keep nothing, and crashes."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, TypeVar

import msgspec

from tiyin.gateway.acquiring.port import (
    CaptureAnswer,
    CardNumber,
    DebitAnswer,
    HoldAnswer,
    OutcomeUnknown,
    Reversed,
    StatusAnswer,
)
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.runtime.http import HttpAnswer, HttpCall, NoAnswer, NotSent

T = TypeVar("T")

START_MS = 1_700_000_000_000

SHOP_FAULTS = (
    "ok",
    "not_sent",
    "lost_before",
    "lost_after",
    "http_500_after",
    "system_error",
    "system_error_after",
    "refused",
    "malformed_after",
    "loose",
    "twice",
)
ACQUIRER_FAULTS = ("ok", "lost_before", "lost_after", "late")


class Crashed(Exception):
    """The process died here."""


class Crashes:
    """Kills the driver at chosen moments: before or after any commit or call, counted from the start."""

    def __init__(self, at: Sequence[int] = ()) -> None:
        self.at = set(at)
        self.count = 0

    def maybe(self) -> None:
        self.count += 1
        if self.count in self.at:
            raise Crashed(f"at moment {self.count}")


class Transaction:
    """A transaction at the shop."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params = params
        self.state = 1
        self.reason: int | None = None


class Shop:
    """A merchant's billing that keeps the documentation, behind a network that keeps nothing.

    Args:
        is_debited: Tells whether the acquirer took a receipt's money, to be asked when it is performed.
    """

    def __init__(self, is_debited: Callable[[str], Awaitable[bool]]) -> None:
        self.transactions: dict[str, Transaction] = {}
        self.faults: list[str] = []
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.problems: list[str] = []
        self.crashes = Crashes()
        self.one_time = True
        self.refusals: dict[str, int] = {}
        self.receivers: list[dict[str, Any]] | None = None
        self._is_debited = is_debited
        self._times: dict[str, set[int]] = {}

    def state_of(self, receipt_id: str) -> int | None:
        found = self.transactions.get(receipt_id)
        return None if found is None else found.state

    async def script(self, call: HttpCall) -> HttpAnswer:
        request = msgspec.json.decode(call.body)
        method, params = request["method"], request["params"]
        fault = self.faults.pop(0) if self.faults else "ok"
        self.crashes.maybe()
        answer = await self._answer(method, params, fault)
        self.crashes.maybe()
        return answer

    async def _answer(self, method: str, params: dict[str, Any], fault: str) -> HttpAnswer:
        match fault:
            case "not_sent":
                raise NotSent("shop.example: refused")
            case "lost_before":
                raise NoAnswer("shop.example: timeout")
            case "system_error":
                return _http({"error": {"code": -32400, "message": "busy"}})
            case "refused":
                return _http({"error": {"code": -31008, "message": {"ru": "Нельзя"}, "data": None}})
            case "twice":
                await self._handle(method, params)
        return _spoil(await self._handle(method, params), fault)

    async def _handle(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self.calls.append((method, params))
        if method in self.refusals:
            return {
                "error": {"code": self.refusals[method], "message": {"ru": "нет", "uz": "yoʻq", "en": "no"}}
            }
        if method == "CheckPerformTransaction":
            busy = self.one_time and any(
                found.state in {1, 2} and found.params["account"] == params["account"]
                for found in self.transactions.values()
            )
            return _account_error() if busy else {"result": {"allow": True}}
        if method == "CreateTransaction":
            answer = self._create(params)
            if self.receivers is not None and "result" in answer:
                answer["result"]["receivers"] = self.receivers
            return answer
        found = self.transactions.get(params["id"])
        if found is None:
            return {"error": {"code": -31003, "message": {"ru": "нет", "uz": "yoʻq", "en": "no"}}}
        if method == "PerformTransaction":
            return await self._perform(found)
        if method == "CancelTransaction" and found.state in {1, 2}:
            found.state, found.reason = -found.state, params["reason"]
        return _result(found)

    def _create(self, params: dict[str, Any]) -> dict[str, Any]:
        found = self.transactions.get(params["id"])
        if found is not None:
            if found.params != params:
                self.problems.append(f"a repeated create differs: {found.params} and {params}")
                return {"error": {"code": -31008, "message": "other"}}
            return (
                _result(found) if found.state == 1 else {"error": {"code": -31008, "message": "not waiting"}}
            )
        if self.one_time and any(
            other.state in {1, 2} and other.params["account"] == params["account"]
            for other in self.transactions.values()
        ):
            return {"error": {"code": -31008, "message": "busy"}}
        self.transactions[params["id"]] = found = Transaction(params)
        return _result(found)

    async def _perform(self, found: Transaction) -> dict[str, Any]:
        if found.state == 1:
            if not await self._is_debited(found.params["id"]):
                self.problems.append(f"{found.params['id']} was performed without the money")
            found.state = 2
        if found.state != 2:
            return {"error": {"code": -31008, "message": "cancelled"}}
        return _result(found)


def _result(found: Transaction) -> dict[str, Any]:
    times = {"create_time": START_MS, "perform_time": START_MS, "cancel_time": START_MS}
    return {"result": {**times, "transaction": "5123", "state": found.state, "reason": found.reason}}


def _account_error() -> dict[str, Any]:
    message = {"ru": "Заказ оплачивается", "uz": "Buyurtma band", "en": "The order is busy"}
    return {"error": {"code": -31051, "message": message, "data": "order_id"}}


def _loosen(body: dict[str, Any]) -> dict[str, Any]:
    """Answer as merchants in the wild do."""
    if "error" in body:
        return {"error": {**body["error"], "message": "строка"}, "result": None}
    result = dict(body["result"])
    if "transaction" in result:
        result.update(transaction=5123, perform_time=None, cancel_time=None)
    return {"error": None, "result": result}


def _spoil(body: dict[str, Any], fault: str) -> HttpAnswer:
    """Let the answer be lost or spoiled on its way back: the effect has happened."""
    match fault:
        case "lost_after":
            raise NoAnswer("shop.example: cut")
        case "http_500_after":
            return HttpAnswer(500, {}, b"oops")
        case "system_error_after":
            return _http({"error": {"code": -32400}})
        case "malformed_after":
            return HttpAnswer(200, {}, b"<html>hello</html>")
        case "loose":
            return _http(_loosen(body))
        case _:
            return _http(body)


def _http(body: dict[str, Any]) -> HttpAnswer:
    return HttpAnswer(200, {}, msgspec.json.encode(body))


class FaultyAcquirer:
    """The test acquirer behind a network that keeps nothing."""

    def __init__(self, inner: TestAcquirer) -> None:
        self.inner = inner
        self.faults: list[str] = []
        self.crashes = Crashes()
        self.debits: list[tuple[str, int]] = []
        self.before_debit: Callable[[str], Awaitable[None]] | None = None
        self._late: list[Callable[[], Awaitable[Any]]] = []

    @property
    def timeout_ms(self) -> int:
        return self.inner.timeout_ms

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        self.debits.append((key, amount_tiyin))
        if self.before_debit is not None:
            await self.before_debit(key)
        return await self._through(lambda: self.inner.debit(key, card, amount_tiyin, terminal))

    async def hold(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> HoldAnswer:
        return await self._through(lambda: self.inner.hold(key, card, amount_tiyin, terminal))

    async def capture(self, key: str) -> CaptureAnswer:
        return await self._through(lambda: self.inner.capture(key))

    async def status(self, key: str) -> StatusAnswer:
        return await self._through(lambda: self.inner.status(key))

    async def reverse(self, key: str) -> Reversed:
        return await self._through(lambda: self.inner.reverse(key))

    async def arrive(self) -> None:
        """Let what was late arrive now."""
        late, self._late = self._late, []
        for call in late:
            await call()

    async def _through(self, call: Callable[[], Awaitable[T]]) -> T:
        fault = self.faults.pop(0) if self.faults else "ok"
        self.crashes.maybe()
        if fault == "lost_before":
            raise OutcomeUnknown(fault)
        if fault == "late":
            self._late.append(call)
            raise OutcomeUnknown(fault)
        answer = await call()
        self.crashes.maybe()
        if fault == "lost_after":
            raise OutcomeUnknown(fault)
        return answer
