"""Merchants that read requests too strictly or too loosely, or answer beside the documented code."""

from typing import Any

from sandbox.zoo.edge import Params, Refused
from sandbox.zoo.merchant import Merchant, Order, Transaction, now_ms
from sandbox.zoo.species import wrong
from sandbox.zoo.species_time import Loses
from sandbox.zoo.wire import Request


@wrong("wants-jsonrpc", "jsonrpc-required")
class WantsJsonrpc(Merchant):
    """It refuses a request without jsonrpc."""

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        method, params = super().read_envelope(call)
        if call.get("jsonrpc") != "2.0":
            raise self.bad_envelope()
        return method, params


@wrong("wants-whole-ids", "id-kind-refused")
class WantsWholeIds(Merchant):
    """It refuses a request whose id is no whole number."""

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        method, params = super().read_envelope(call)
        if type(call.get("id")) is not int:
            raise self.bad_envelope()
        return method, params


@wrong("takes-any-id", "id-type-accepted")
class TakesAnyId(Merchant):
    """It takes whatever stands for an id."""

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        if isinstance(call, dict) and "method" in call:
            return super().read_envelope({**call, "id": 1})
        return super().read_envelope(call)


@wrong("wants-application-json", "content-type-refused")
class WantsApplicationJson(Merchant):
    """It reads a body only where it is called application/json."""

    async def reply(self, request: Request) -> dict[str, Any]:
        if not request.headers.get("content-type", "application/json").startswith("application/json"):
            request = request._replace(body=b"")
        return await super().reply(request)


@wrong("types-are-invalid-params", "types-code")
class TypesAreInvalidParams(Merchant):
    """It answers -32602 to parameters of a wrong type."""

    async def dispatch(self, method: str, params: Params, request: Request) -> Any:
        try:
            return await super().dispatch(method, params, request)
        except Refused as refused:
            raise Refused(-32602 if refused.code == -32600 else refused.code, refused.data) from None


@wrong("reads-before-it-asks-who", "authorization-late")
class ReadsFirst(Merchant):
    """It looks at the authorization last."""

    def look_at_authorization(self, header: str | None) -> None:
        self.header = header

    def read_envelope(self, call: Any) -> tuple[str, Params]:
        method, params = super().read_envelope(call)
        super().look_at_authorization(self.header)
        return method, params


@wrong("takes-bearers", "authorization-malformed-accepted")
class TakesBearers(Merchant):
    """It looks at what follows the scheme, whatever the scheme is."""

    def credentials(self, header: str | None) -> tuple[str, str]:
        _, blank, coded = (header or "").partition(" ")
        return super().credentials(f"Basic {coded}" if blank else header)


@wrong("no-point-in-amounts", "amount-float-refused")
class NoPointInAmounts(Merchant):
    """It refuses an amount that is written with a point."""

    def read_amount(self, params: Params) -> int:
        if isinstance(params.get("amount"), float):
            raise Refused(-32600)
        return super().read_amount(params)


@wrong("reads-digits-only", "account-read-loosely")
class ReadsDigitsOnly(Merchant):
    """It reads an order's number up to the first character that is no digit."""

    def find_order(self, account: dict[str, Any]) -> Order:
        value = str(account.get("order_id"))
        digits = value[: next((at for at, sign in enumerate(value) if sign not in "0123456789"), None)]
        return super().find_order({"order_id": digits})


@wrong("numbers-are-no-text", "account-type-strict")
class NumbersAreNoText(Merchant):
    """It knows an order by text only."""

    def find_order(self, account: dict[str, Any]) -> Order:
        if not isinstance(account.get("order_id"), str):
            raise self.no_such_order()
        return super().find_order(account)


@wrong("busy-without-a-code", "busy-order-other-code")
class BusyWithoutACode(Merchant):
    """A busy order is answered -31001."""

    def judge_order(self, order: Order) -> None:
        try:
            super().judge_order(order)
        except Refused as refused:
            raise Refused(-31001 if refused.code == -31008 else refused.code, refused.data) from None


@wrong("checks-nothing", "check-transaction-refused")
class ChecksNothing(Merchant):
    """CheckTransaction knows no transaction."""

    def find_to_check(self, params: Params) -> Transaction:
        super().find_to_check(params)
        raise Refused(-31003)


@wrong("expires-as-unpaid", "expiry-state")
class ExpiresAsUnpaid(Merchant):
    """What expired is refused, and told as waiting."""

    def expire(self, it: Transaction) -> None:
        was = it.state
        super().expire(it)
        if was != it.state:
            it.state = 0

    def told(self, it: Transaction) -> Any:
        told = super().told(it)
        return {**told, "state": 1, "reason": None, "cancel_time": 0} if it.state == 0 else told


@wrong("takes-the-future", "future-accepted")
class TakesTheFuture(Merchant):
    """It creates what Payme will make in a year."""

    def judge_time(self, time_ms: int) -> None:
        super().judge_time(min(time_ms, now_ms()))


@wrong("takes-any-receipt", "fiscal-unknown-code")
class TakesAnyReceipt(Merchant):
    """It refuses fiscal data of a receipt that it does not know, with -31003."""

    async def fiscal_data(self, params: Params) -> Any:
        try:
            return await super().fiscal_data(params)
        except Refused as refused:
            raise Refused(-31003 if refused.code == -32001 else refused.code) from None


@wrong("loses-cancels", "lost-cancel")
class LosesCancels(Loses):
    """A CancelTransaction whose answer was lost cannot be repeated."""

    method = "CancelTransaction"
