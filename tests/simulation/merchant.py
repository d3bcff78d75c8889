"""A merchant's server: the documentation's rules in its own words, and ways of being loose or wrong.

It shares no code with the kit.

Documentation: merchant-api/interaction.
"""
# methods are named as the documentation names them

import json
from typing import Any

import msgspec

from simulation.fixture import BILLING_DESK, BLOCKED_DESK, EAST_DESK, WEST_DESK

__all__ = ["Merchant", "Transaction"]

_LIFE_MS = 43_200_000
_SPLITS = (
    *("alone", "another alone", "two", "two", "three", "three", "one twice", "another each time"),
    *("too little", "too much", "nobody", "blocked"),
)
_CREATED, _PERFORMED, _CANCELLED, _CANCELLED_AFTER = 1, 2, -1, -2


class Transaction(msgspec.Struct):
    """What the merchant knows of a transaction."""

    id: str
    time: int
    amount: int
    order: str
    state: int
    create_time: int
    perform_time: int = 0
    cancel_time: int = 0
    reason: int | None = None
    split: str = ""
    receivers: Any = None


class Refused(Exception):
    def __init__(self, code: int, data: str | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.data = data


class Merchant:
    """One merchant's server.

    Args:
        world: The world: its time, its troubles, its chance.
        kind: "kit", "loose", "flaky" or "bad"; see `simulation.faults.MERCHANTS`.
        delivers: Whether orders are delivered at once, so that nothing can be cancelled any more.
        knows_cancel: Whether the server knows how to cancel what is paid.
    """

    def __init__(self, world: Any, kind: str, *, delivers: bool, knows_cancel: bool = True) -> None:
        self._world = world
        self._chance = world.chance
        self.kind = kind
        self.delivers = delivers
        self.knows_cancel = knows_cancel
        self.transactions: dict[str, Transaction] = {}
        self.asked: dict[str, list[dict[str, Any]]] = {}
        self.fiscal: dict[tuple[str, str], list[Any]] = {}
        self.named: dict[str, list[Any]] = {}
        """The receivers of each answer to CreateTransaction; None where it named none."""

    @property
    def honest(self) -> bool:
        """Whether what it believes can be relied on."""
        return self.kind != "bad"

    def state_of(self, transaction_id: str) -> int | None:
        """Tell where a transaction stands; one that is too old is over, whether or not anybody noticed."""
        found = self.transactions.get(transaction_id)
        return None if found is None else found.state

    def __call__(self, body: bytes) -> tuple[int, bytes]:
        """Answer a request."""
        if self._world.outage == "merchant":
            return 502, b""
        request = json.loads(body)
        method, params = request["method"], request["params"]
        wrong = self._world.happens(self._world.faults.merchant_wrong)
        if wrong and self.kind in {"flaky", "bad"}:
            how = self._chance.choice(("500", "system", "garbage", "done 500", "done garbage"))
            if how.startswith("done"):
                self._answer(request, method, params)
            if how == "system":
                return self._error(request, Refused(-32400))
            return (500, b"") if how.endswith("500") else (200, b"<html>it works</html>")
        if wrong and self.kind == "bad" and method != "CheckPerformTransaction":
            return self._lie(request, method, params)
        return self._answer(request, method, params)

    def _answer(self, request: dict[str, Any], method: str, params: dict[str, Any]) -> tuple[int, bytes]:
        self.asked.setdefault(params.get("id", ""), []).append({"method": method, **params})
        try:
            result = getattr(self, f"_{method}")(params)
        except Refused as refused:
            return self._error(request, refused)
        answer: dict[str, Any] = {"jsonrpc": "2.0", "id": request["id"], "result": result}
        if self.kind == "loose":
            answer = {"result": self._loosely(result), "error": None}
        return 200, json.dumps(answer).encode()

    def _error(self, request: dict[str, Any], refused: Refused) -> tuple[int, bytes]:
        error = {
            "code": refused.code,
            "message": {"ru": "нет", "uz": "yoʻq", "en": "no"},
            "data": refused.data,
        }
        if self.kind == "loose":
            error["message"] = "no"
            return 200, json.dumps({"error": error, "result": None}).encode()
        return 200, json.dumps({"id": request["id"], "error": error}).encode()

    def _loosely(self, result: dict[str, Any]) -> dict[str, Any]:
        if "create_time" in result and self._chance.random() < 0.5:
            result = {**result, "create_time": result["create_time"] + self._chance.randint(0, 5)}
        if "transaction" in result:
            result = {**result, "transaction": 7}
        return {
            name: None if name.endswith("time") and value == 0 else value for name, value in result.items()
        }

    def _lie(self, request: dict[str, Any], method: str, params: dict[str, Any]) -> tuple[int, bytes]:
        """Answer what is not so, or forget what was."""
        name = params.get("id", "")
        lie = self._chance.choice(("forget", "cancel itself", "busy", "unknown", "state", "32601", "31007"))
        if lie == "forget":
            self.transactions.pop(name, None)
        elif lie == "cancel itself" and name in self.transactions:
            self.transactions[name].state = _CANCELLED
        elif lie == "state":
            result = {"state": self._chance.choice((1, 2, -1, -2, 0)), "transaction": "1", "create_time": 1}
            return 200, json.dumps({"id": request["id"], "result": result}).encode()
        elif lie in {"busy", "unknown", "32601", "31007"}:
            code = {"busy": -31008, "unknown": -31003, "32601": -32601, "31007": -31007}[lie]
            return self._error(request, Refused(code))
        return self._answer(request, method, params)

    def _payable(self, params: dict[str, Any], busy_code: int) -> str:
        order = str(params["account"].get("order_id"))
        if not order.startswith("order-"):
            raise Refused(-31050, "order_id")
        if params["amount"] != 500_000:
            raise Refused(-31001, "amount")
        for transaction in self.transactions.values():
            if transaction.order == order and transaction.id != params.get("id"):
                self._notice_age(transaction)
                if transaction.state == _PERFORMED:
                    raise Refused(-31051, "order_id")
                if transaction.state == _CREATED:
                    raise Refused(busy_code, "order_id")
                if transaction.state == _CANCELLED_AFTER:
                    raise Refused(-31052, "order_id")
        return order

    def _notice_age(self, transaction: Transaction) -> None:
        now = self._world.now_ms()
        if transaction.state == _CREATED and now - transaction.time > _LIFE_MS:
            transaction.state, transaction.reason, transaction.cancel_time = _CANCELLED, 4, now

    def _find(self, params: dict[str, Any]) -> Transaction:
        transaction = self.transactions.get(params["id"])
        if transaction is None:
            raise Refused(-31003)
        self._notice_age(transaction)
        return transaction

    def _CheckPerformTransaction(self, params: dict[str, Any]) -> dict[str, Any]:
        self._payable(params, -31050)
        return {"allow": True}

    def _CreateTransaction(self, params: dict[str, Any]) -> dict[str, Any]:
        known = self.transactions.get(params["id"])
        now = self._world.now_ms()
        if known is None:
            order = self._payable(params, -31099 if self.kind == "loose" else -31008)
            if now - params["time"] > _LIFE_MS:
                raise Refused(-31008)
            known = Transaction(params["id"], params["time"], params["amount"], order, _CREATED, now)
            if self._world.happens(self._world.faults.splits):
                known.split = self._chance.choice(_SPLITS)
                known.receivers = self._receivers(known.split, known.amount)
            self.transactions[known.id] = known
        else:
            self._notice_age(known)
            same = (known.time, known.amount, known.order) == (
                params["time"],
                params["amount"],
                str(params["account"].get("order_id")),
            )
            if not same or known.state != _CREATED:
                raise Refused(-31008)
        if known.split == "another each time":
            known.receivers = self._receivers(self._chance.choice(("two", "three", "none")), known.amount)
        self.named.setdefault(known.id, []).append(known.receivers)
        answer = {"create_time": known.create_time, "transaction": known.id[-6:], "state": known.state}
        return answer if known.receivers is None else {**answer, "receivers": known.receivers}

    def _receivers(self, split: str, amount: int) -> Any:
        """Name receivers, rightly or wrongly."""
        part = self._chance.randint(1, amount - 1)
        own, rest = (BILLING_DESK, part), amount - part
        half = rest // 2
        parts = {
            "alone": [(BILLING_DESK, amount)],
            "another alone": [(EAST_DESK, amount)],
            "three": [own, (EAST_DESK, half or 1), (WEST_DESK, rest - half or 1)],
            "one twice": [own, (EAST_DESK, half or 1), (EAST_DESK, rest - half or 1)],
            "too little": [own, (EAST_DESK, rest + 1)],
            "too much": [own, (EAST_DESK, rest), (WEST_DESK, 1)],
            "nobody": [own, ("9" * 24, rest)],
            "blocked": [own, (BLOCKED_DESK, rest)],
            "none": None,
        }.get(split, [own, (EAST_DESK, rest)])
        return None if parts is None else [{"id": desk, "amount": tiyin} for desk, tiyin in parts]

    def _PerformTransaction(self, params: dict[str, Any]) -> dict[str, Any]:
        known = self._find(params)
        if known.state == _CREATED:
            known.state, known.perform_time = _PERFORMED, self._world.now_ms()
        if known.state != _PERFORMED:
            raise Refused(-31008)
        return {"perform_time": known.perform_time, "transaction": known.id[-6:], "state": known.state}

    def _CancelTransaction(self, params: dict[str, Any]) -> dict[str, Any]:
        known = self._find(params)
        if known.state == _PERFORMED:
            if not self.knows_cancel:
                raise Refused(-32601)
            if self.delivers:
                raise Refused(-31007)
            known.state = _CANCELLED_AFTER
        elif known.state == _CREATED:
            known.state = _CANCELLED
        if not known.cancel_time:
            known.cancel_time, known.reason = self._world.now_ms(), params["reason"]
        return {"cancel_time": known.cancel_time, "transaction": known.id[-6:], "state": known.state}

    def _CheckTransaction(self, params: dict[str, Any]) -> dict[str, Any]:
        known = self._find(params)
        return {
            "create_time": known.create_time,
            "perform_time": known.perform_time,
            "cancel_time": known.cancel_time,
            "transaction": known.id[-6:],
            "state": known.state,
            "reason": known.reason,
        }

    def _SetFiscalData(self, params: dict[str, Any]) -> dict[str, Any]:
        self.fiscal.setdefault((params["id"], params["type"]), []).append(params["fiscal_data"])
        return {"success": True}
