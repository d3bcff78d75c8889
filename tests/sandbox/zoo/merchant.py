"""A merchant's server that keeps the documentation, in memory.

It shares no code with the project's own kit, so that a mistake there is not made here once more. Each of the
zoo's wrong merchants is this one with one method overridden: what stands in a method of its own is what
somebody once got wrong.
"""

import itertools
import time
from dataclasses import dataclass, field
from typing import Any

from sandbox.zoo.edge import Edge, Params, Refused

__all__ = ["AMOUNT", "HOURS_12_MS", "Merchant", "Order", "Transaction", "now_ms"]

AMOUNT = 500_000
HOURS_12_MS = 43_200_000
DAY_MS = 86_400_000
REASONS = (1, 2, 3, 4, 5, 10)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class Order:
    """What is paid."""

    id: str
    state: str = "waiting"
    """waiting, reserved, paid or cancelled; a balance is always waiting."""
    held_by: str = ""


@dataclass
class Transaction:
    """What Payme made."""

    id: str
    number: str
    time: int
    amount: int
    account: dict[str, Any]
    order: Order
    create_time: int = field(default_factory=now_ms)
    perform_time: int = 0
    cancel_time: int = 0
    state: int = 1
    reason: int | None = None


def whole(value: Any) -> int:
    """Read a whole number, also one that is written with a fraction of zero."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise Refused(-32600)
    return value


class Merchant(Edge):
    """The correct one.

    Args:
        one_time: Whether an account is paid once, or any number of times.
    """

    def __init__(self, *, one_time: bool = True) -> None:
        super().__init__()
        self.one_time = one_time
        self.orders: dict[str, Order] = {}
        self.transactions: dict[str, Transaction] = {}
        self.fiscal: dict[tuple[str, str], Any] = {}
        self._numbers = itertools.count(5001)
        self._order_numbers = itertools.count(101)

    def new_account(self) -> dict[str, str | int]:
        """Make a payable account."""
        order = Order(str(next(self._order_numbers)))
        self.orders[order.id] = order
        return {"order_id": order.id}

    # The methods

    def methods(self) -> dict[str, Any]:
        """Name what is served."""
        return {
            "CheckPerformTransaction": self.check_perform,
            "CreateTransaction": self.create,
            "PerformTransaction": self.perform,
            "CancelTransaction": self.cancel,
            "CheckTransaction": self.check,
            "GetStatement": self.statement,
            "SetFiscalData": self.fiscal_data,
            "ChangePassword": self.change_password,
        }

    async def window(self, where: str) -> None:
        """Do nothing: where a careless merchant leaves time between looking and writing."""

    async def check_perform(self, params: Params) -> Any:
        amount, account = self.read_amount(params), self.read_account(params)
        order = self.order_to_check(account)
        self.amount_to_check(order, amount)
        if not self.is_free_to_check(order):
            raise Refused(-31051, "order_id")
        return self.allowed(order)

    def order_to_check(self, account: dict[str, Any]) -> Order:
        return self.find_order(account)

    def amount_to_check(self, order: Order, amount: int) -> None:
        self.judge_amount(order, amount)

    def is_free_to_check(self, order: Order) -> bool:
        return order.state == "waiting"

    def allowed(self, order: Order) -> Any:
        del order
        return {"allow": True}

    async def create(self, params: Params) -> Any:
        id_, time_ms = self.read_id(params), self.read_time(params, "time")
        amount, account = self.read_amount(params), self.read_account(params)
        known = self.transactions.get(id_)
        if known is not None:
            return await self.create_again(known, time_ms, amount, account)
        order = self.order_to_create(account)
        self.amount_to_create(order, amount)
        self.judge_order(order)
        self.judge_time(time_ms)
        await self.window("create")
        return self.created(self.store(id_, time_ms, amount, account, order))

    async def create_again(
        self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]
    ) -> Any:
        """Answer a repeat."""
        self.expire(known)
        if not self.is_same(known, time_ms, amount, account) or known.state != 1:
            raise Refused(-31008)
        return self.created(known)

    def is_same(self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]) -> bool:
        return (known.time, known.amount, known.order.id) == (time_ms, amount, str(account.get("order_id")))

    def order_to_create(self, account: dict[str, Any]) -> Order:
        return self.find_order(account)

    def amount_to_create(self, order: Order, amount: int) -> None:
        self.judge_amount(order, amount)

    def judge_order(self, order: Order) -> None:
        """Refuse what cannot be paid."""
        if order.held_by:
            self.expire(self.transactions[order.held_by])
        if order.state == "reserved":
            raise Refused(-31008)
        if order.state != "waiting":
            raise Refused(-31051, "order_id")

    def judge_time(self, time_ms: int) -> None:
        """Refuse what has expired before it came."""
        if not now_ms() - HOURS_12_MS < time_ms <= now_ms() + DAY_MS:
            raise Refused(-31008)

    def store(
        self, id_: str, time_ms: int, amount: int, account: dict[str, Any], order: Order
    ) -> Transaction:
        made = Transaction(id_, str(next(self._numbers)), time_ms, amount, account, order)
        self.transactions[id_] = made
        self.reserve(order, id_)
        return made

    def reserve(self, order: Order, id_: str) -> None:
        if self.one_time:
            order.state, order.held_by = "reserved", id_

    def created(self, it: Transaction) -> Any:
        return {"create_time": it.create_time, "transaction": it.number, "state": it.state}

    async def perform(self, params: Params) -> Any:
        it = self.find(params)
        self.expire(it)
        if it.state == 2:
            return await self.perform_again(it)
        self.may_perform(it)
        await self.window("perform")
        self.do_perform(it)
        return self.performed(it)

    def may_perform(self, it: Transaction) -> None:
        if it.state != 1:
            raise Refused(-31008)

    def do_perform(self, it: Transaction) -> None:
        it.state, it.perform_time = 2, max(now_ms(), it.create_time)
        if self.one_time:
            it.order.state = "paid"

    async def perform_again(self, it: Transaction) -> Any:
        return self.performed(it)

    def performed(self, it: Transaction) -> Any:
        return {"transaction": it.number, "perform_time": it.perform_time, "state": it.state}

    async def cancel(self, params: Params) -> Any:
        reason = whole(params.get("reason"))
        if reason not in REASONS:
            raise Refused(-32600)
        it = self.find(params)
        self.expire(it)
        if it.state < 0:
            return await self.cancel_again(it, reason)
        becomes = self.state_when_cancelled(it)
        await self.window("cancel")
        self.do_cancel(it, becomes, reason)
        return self.cancelled(it)

    def state_when_cancelled(self, it: Transaction) -> int:
        return -it.state

    def do_cancel(self, it: Transaction, becomes: int, reason: int) -> None:
        it.state, it.cancel_time, it.reason = becomes, now_ms(), reason
        self.release(it)

    def release(self, it: Transaction) -> None:
        """Give a cancelled transaction's order back, or end it."""
        if self.one_time:
            it.order.state = "waiting" if it.state == -1 else "cancelled"
            it.order.held_by = ""

    async def cancel_again(self, it: Transaction, reason: int) -> Any:
        del reason
        return self.cancelled(it)

    def cancelled(self, it: Transaction) -> Any:
        return {"transaction": it.number, "cancel_time": it.cancel_time, "state": it.state}

    def expire(self, it: Transaction) -> None:
        """End a transaction that waited for twelve hours."""
        if it.state == 1 and now_ms() >= it.time + HOURS_12_MS:
            self.do_cancel(it, -1, 4)

    async def check(self, params: Params) -> Any:
        it = self.find_to_check(params)
        self.expire(it)
        return self.told(it)

    def find_to_check(self, params: Params) -> Transaction:
        return self.find(params)

    def told(self, it: Transaction) -> Any:
        return {
            "create_time": it.create_time,
            "perform_time": it.perform_time,
            "cancel_time": it.cancel_time,
            "transaction": it.number,
            "state": it.state,
            "reason": it.reason,
        }

    async def statement(self, params: Params) -> Any:
        from_ms, to_ms = self.read_time(params, "from"), self.read_time(params, "to")
        found = [it for it in self.transactions.values() if self.is_within(it, from_ms, to_ms)]
        for it in found:
            self.expire(it)
        return {"transactions": [self.row(it) for it in self.in_order(found)]}

    def is_within(self, it: Transaction, from_ms: int, to_ms: int) -> bool:
        return from_ms <= it.time <= to_ms

    def in_order(self, found: list[Transaction]) -> list[Transaction]:
        return sorted(found, key=lambda it: (it.time, it.id))

    def row(self, it: Transaction) -> Any:
        row = {"id": it.id, "time": it.time, "amount": it.amount, "account": it.account, "receivers": None}
        return row | self.told(it)

    async def fiscal_data(self, params: Params) -> Any:
        type_, data = params.get("type"), params.get("fiscal_data")
        if not isinstance(params.get("id"), str) or type_ not in {"PERFORM", "CANCEL"}:
            raise Refused(-32602)
        if not isinstance(data, dict) or not str(data.get("receipt_id", "")).isdecimal():
            raise Refused(-32602)
        if params["id"] not in self.transactions:
            raise Refused(-32001)
        self.fiscal[params["id"], type_] = data
        return {"success": True}

    async def change_password(self, params: Params) -> Any:
        password = params.get("password")
        if not isinstance(password, str) or len(password) < 8:
            raise Refused(-32600)
        self.keys = [password]
        return {"success": True}

    # What the methods have in common

    def find(self, params: Params) -> Transaction:
        found = self.transactions.get(self.read_id(params))
        if found is None:
            raise Refused(-31003)
        return found

    def find_order(self, account: dict[str, Any]) -> Order:
        order = self.orders.get(str(account.get("order_id")))
        if order is None:
            raise self.no_such_order()
        return order

    def no_such_order(self) -> Refused:
        return Refused(-31050, "order_id")

    def judge_amount(self, order: Order, amount: int) -> None:
        """Refuse a wrong amount; on a balance the payer chooses it, within bounds."""
        del order
        right = amount == AMOUNT if self.one_time else 100_000 <= amount <= 10_000_000
        if not right:
            raise self.wrong_amount()

    def wrong_amount(self) -> Refused:
        return Refused(-31001)

    def read_id(self, params: Params) -> str:
        value = params.get("id")
        if not isinstance(value, str) or len(value) != 24:
            raise Refused(-32600)
        return value

    def read_time(self, params: Params, name: str) -> int:
        value = whole(params.get(name))
        if value < 0:
            raise Refused(-32600)
        return value

    def read_amount(self, params: Params) -> int:
        return whole(params.get("amount"))

    def read_account(self, params: Params) -> dict[str, Any]:
        value = params.get("account")
        if not isinstance(value, dict):
            raise Refused(-32600)
        if any(type(part) not in {str, int} for part in value.values()):
            raise Refused(-32600)
        return value
