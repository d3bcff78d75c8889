"""A merchant that answers as loosely as real ones do, and is right about money."""

from typing import Any

from sandbox.zoo.edge import Refused
from sandbox.zoo.merchant import Merchant, Order, Transaction
from sandbox.zoo.wire import Response

__all__ = ["LooseMerchant"]


class LooseMerchant(Merchant):
    """Everything that is merely loose, at once."""

    def write_result(self, id_: Any, result: Any) -> dict[str, Any]:
        """Write no id, no jsonrpc, and a null error."""
        del id_
        return {"result": result, "error": None}

    def write_error(self, id_: Any, code: int, data: Any) -> dict[str, Any]:
        """Write no id, no jsonrpc, and a null result."""
        error = super().write_error(id_, code, data)["error"]
        return {"result": None, "error": error}

    def message(self, code: int) -> Any:
        """Write messages as strings."""
        return f"Ошибка {code}"

    def respond(self, reply: dict[str, Any]) -> Response:
        """Send JSON as a page."""
        return super().respond(reply)._replace(headers=(("Content-Type", "text/html; charset=utf-8"),))

    def judge_order(self, order: Order) -> None:
        """Answer a busy order with an account's code."""
        try:
            super().judge_order(order)
        except Refused as refused:
            raise Refused(-31050 if refused.code == -31008 else refused.code, "order_id") from None

    def created(self, it: Transaction) -> Any:
        return {**super().created(it), "transaction": int(it.number)}

    def performed(self, it: Transaction) -> Any:
        return {**super().performed(it), "transaction": int(it.number)}

    def cancelled(self, it: Transaction) -> Any:
        return {**super().cancelled(it), "transaction": int(it.number)}

    def told(self, it: Transaction) -> Any:
        """Write null for what is not set."""
        return {
            "create_time": it.create_time,
            "perform_time": it.perform_time or None,
            "cancel_time": it.cancel_time or None,
            "transaction": int(it.number),
            "state": it.state,
            "reason": it.reason,
        }
