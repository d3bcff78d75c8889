"""Merchants that are wrong about accounts, amounts, and what a transaction becomes."""

import itertools
from typing import Any

from sandbox.zoo.edge import Params, Refused
from sandbox.zoo.merchant import AMOUNT, Merchant, Order, Transaction, now_ms
from sandbox.zoo.species import wrong
from tiyin.sandbox.target import AccountKind


@wrong("check-takes-any-amount", "amount-not-checked-at-check")
class CheckTakesAnyAmount(Merchant):
    """It asks the amount at CreateTransaction only."""

    def amount_to_check(self, order: Order, amount: int) -> None:
        del order, amount


@wrong("create-takes-any-amount", "amount-not-checked-at-create")
class CreateTakesAnyAmount(Merchant):
    """It trusts that the amount was checked before."""

    def amount_to_create(self, order: Order, amount: int) -> None:
        del order, amount


@wrong("amount-is-an-account-error", "amount-code")
class AmountCode(Merchant):
    """It refuses a wrong amount as if the account were wrong."""

    def wrong_amount(self) -> Refused:
        return Refused(-31055, "amount")


@wrong("counts-in-sums", "amount-unit")
class CountsInSums(Merchant):
    """It compares the amount with the price in sums, too."""

    def judge_amount(self, order: Order, amount: int) -> None:
        if amount != AMOUNT // 100:
            super().judge_amount(order, amount)


@wrong("check-knows-every-account", "account-not-checked-at-check")
class CheckKnowsEveryAccount(Merchant):
    """CheckPerformTransaction allows what does not exist."""

    def order_to_check(self, account: dict[str, Any]) -> Order:
        return self.orders.get(str(account.get("order_id"))) or Order("0")


@wrong("create-knows-every-account", "account-not-checked-at-create")
class CreateKnowsEveryAccount(Merchant):
    """CreateTransaction takes money for what does not exist."""

    def order_to_create(self, account: dict[str, Any]) -> Order:
        return self.orders.get(str(account.get("order_id"))) or Order("0")


@wrong("account-is-not-found", "account-code")
class AccountCode(Merchant):
    """An unknown account is answered as an unknown transaction is."""

    def no_such_order(self) -> Refused:
        return Refused(-31003)


@wrong("account-unnamed", "account-data")
class AccountData(Merchant):
    """It does not say which field of the account was wrong."""

    def no_such_order(self) -> Refused:
        return Refused(-31050)


@wrong("refuses-good-orders", "check-refuses-good")
class RefusesGood(Merchant):
    """It allows nothing."""

    def is_free_to_check(self, order: Order) -> bool:
        del order
        return False


@wrong("allows-in-silence", "allow-missing")
class AllowsInSilence(Merchant):
    """It answers an empty result for yes."""

    def allowed(self, order: Order) -> Any:
        del order
        return {}


@wrong("creates-nothing", "create-refused")
class CreatesNothing(Merchant):
    """It refuses every CreateTransaction."""

    def judge_time(self, time_ms: int) -> None:
        del time_ms
        raise Refused(-31008)


@wrong("created-in-state-0", "create-result")
class CreatedInState0(Merchant):
    """It answers CreateTransaction with the state before."""

    def created(self, it: Transaction) -> Any:
        return {**super().created(it), "state": 0}


@wrong("create-once-only", "create-repeat-refused")
class CreateOnceOnly(Merchant):
    """A repeated CreateTransaction finds the order busy: by itself."""

    async def create_again(
        self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]
    ) -> Any:
        await super().create_again(known, time_ms, amount, account)
        raise Refused(-31008)


@wrong("create-time-drifts", "create-repeat-differs")
class CreateTimeDrifts(Merchant):
    """A repeated CreateTransaction answers the time of the repeat."""

    async def create_again(
        self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]
    ) -> Any:
        answer = await super().create_again(known, time_ms, amount, account)
        known.create_time += 1
        return {**answer, "create_time": known.create_time}


@wrong("repeat-with-any-params", "create-repeat-other-params")
class RepeatWithAnyParams(Merchant):
    """A known id is enough for it."""

    def is_same(self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]) -> bool:
        del known, time_ms, amount, account
        return True


@wrong("sells-twice", "busy-order-accepted")
class SellsTwice(Merchant):
    """An order that waits for one payment is offered to another."""

    def judge_order(self, order: Order) -> None:
        if order.state != "reserved":
            super().judge_order(order)

    def is_free_to_check(self, order: Order) -> bool:
        return order.state in {"waiting", "reserved"}


@wrong("busy-as-an-account-error", "busy-order-code")
class BusyCode(Merchant):
    """A busy order is answered -31050."""

    def judge_order(self, order: Order) -> None:
        try:
            super().judge_order(order)
        except Refused as refused:
            raise Refused(-31050 if refused.code == -31008 else refused.code, "order_id") from None


@wrong("balance-is-busy", "accumulating-refused", kind=AccountKind.ACCUMULATING)
class BalanceIsBusy(Merchant):
    """It reserves a balance as if it were an order."""

    def reserve(self, order: Order, id_: str) -> None:
        order.state, order.held_by = "reserved", id_

    def is_free_to_check(self, order: Order) -> bool:
        del order
        return True

    def do_perform(self, it: Transaction) -> None:
        super().do_perform(it)
        it.order.state, it.order.held_by = "waiting", ""

    def release(self, it: Transaction) -> None:
        it.order.state, it.order.held_by = "waiting", ""


@wrong("performs-nothing", "perform-refused")
class PerformsNothing(Merchant):
    """It refuses every PerformTransaction of a transaction that waits."""

    def may_perform(self, it: Transaction) -> None:
        del it
        raise Refused(-31008)


@wrong("performed-without-time", "perform-result")
class PerformedWithoutTime(Merchant):
    """It answers PerformTransaction without its time."""

    def performed(self, it: Transaction) -> Any:
        return {"transaction": it.number, "state": it.state}


@wrong("perform-once-only", "perform-repeat-refused")
class PerformOnceOnly(Merchant):
    """A repeated PerformTransaction is refused."""

    async def perform_again(self, it: Transaction) -> Any:
        del it
        raise Refused(-31008)


@wrong("perform-time-drifts", "perform-repeat-differs")
class PerformTimeDrifts(Merchant):
    """A repeated PerformTransaction answers another time."""

    _later = itertools.count(1)

    async def perform_again(self, it: Transaction) -> Any:
        return {**self.performed(it), "perform_time": it.perform_time + next(self._later)}


@wrong("unknown-is-impossible", "unknown-transaction-code")
class UnknownIsImpossible(Merchant):
    """An unknown transaction is answered -31008."""

    def find(self, params: Params) -> Transaction:
        try:
            return super().find(params)
        except Refused as refused:
            raise Refused(-31008 if refused.code == -31003 else refused.code) from None


@wrong("performs-the-cancelled", "perform-after-cancel")
class PerformsTheCancelled(Merchant):
    """A cancelled transaction can be performed."""

    def may_perform(self, it: Transaction) -> None:
        if it.state == -2:
            super().may_perform(it)


@wrong("cancels-nothing", "cancel-refused")
class CancelsNothing(Merchant):
    """It refuses every CancelTransaction."""

    def state_when_cancelled(self, it: Transaction) -> int:
        del it
        raise Refused(-31007)


@wrong("cancelled-is-always-1", "cancel-result")
class CancelledIsAlways1(Merchant):
    """A paid transaction becomes -1 when it is cancelled."""

    def state_when_cancelled(self, it: Transaction) -> int:
        del it
        return -1

    def release(self, it: Transaction) -> None:
        if self.one_time:
            it.order.state = "cancelled" if it.perform_time else "waiting"
            it.order.held_by = ""


@wrong("cancel-once-only", "cancel-repeat-refused")
class CancelOnceOnly(Merchant):
    """A repeated CancelTransaction is refused."""

    async def cancel_again(self, it: Transaction, reason: int) -> Any:
        del it, reason
        raise Refused(-31008)


@wrong("cancel-time-drifts", "cancel-repeat-differs")
class CancelTimeDrifts(Merchant):
    """A repeated CancelTransaction is a new one."""

    async def cancel_again(self, it: Transaction, reason: int) -> Any:
        del reason
        it.cancel_time = max(now_ms(), it.cancel_time + 1)
        return self.cancelled(it)


@wrong("keeps-cancelled-orders", "cancelled-order-blocked")
class KeepsCancelledOrders(Merchant):
    """An order whose payment was cancelled stays reserved."""

    def release(self, it: Transaction) -> None:
        if self.one_time and (it.state == -2 or it.reason == 4):
            super().release(it)


@wrong("sells-the-paid", "paid-order-accepted")
class SellsThePaid(Merchant):
    """An order that is paid can be paid again."""

    def do_perform(self, it: Transaction) -> None:
        super().do_perform(it)
        it.order.state, it.order.held_by = "waiting", ""


@wrong("check-forgets-times", "check-transaction-differs")
class CheckForgetsTimes(Merchant):
    """CheckTransaction tells the time of asking as the time of creation."""

    async def check(self, params: Params) -> Any:
        told = await super().check(params)
        return {**told, "create_time": told["create_time"] + 1_000}


@wrong("forgets-reasons", "check-transaction-reason")
class ForgetsReasons(Merchant):
    """It keeps no reason of a cancelling."""

    def told(self, it: Transaction) -> Any:
        return {**super().told(it), "reason": None}


@wrong("creates-the-finished", "create-after-final")
class CreatesTheFinished(Merchant):
    """CreateTransaction answers well for what is performed or cancelled."""

    async def create_again(
        self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]
    ) -> Any:
        if known.state in {2, -1, -2} and self.is_same(known, time_ms, amount, account):
            return self.created(known)
        return await super().create_again(known, time_ms, amount, account)


@wrong("numbers-are-numbers", "transaction-not-string")
class NumbersAreNumbers(Merchant):
    """It writes the transaction's number as an integer."""

    def created(self, it: Transaction) -> Any:
        return {**super().created(it), "transaction": int(it.number)}

    def performed(self, it: Transaction) -> Any:
        return {**super().performed(it), "transaction": int(it.number)}

    def cancelled(self, it: Transaction) -> Any:
        return {**super().cancelled(it), "transaction": int(it.number)}

    def told(self, it: Transaction) -> Any:
        return {**super().told(it), "transaction": int(it.number)}


@wrong("null-times", "time-null")
class NullTimes(Merchant):
    """It writes null for times that are not set."""

    def told(self, it: Transaction) -> Any:
        told = super().told(it)
        return {**told, "perform_time": it.perform_time or None, "cancel_time": it.cancel_time or None}


@wrong("no-reasons", "reason-missing")
class NoReasons(Merchant):
    """It leaves the reason out where there is none."""

    def told(self, it: Transaction) -> Any:
        return {name: value for name, value in super().told(it).items() if name != "reason" or value}


@wrong("check-creates", "check-creates-transaction")
class CheckCreates(Merchant):
    """CheckPerformTransaction stores a transaction already."""

    def allowed(self, order: Order) -> Any:
        id_ = f"{len(self.transactions) + 1:024x}"
        made = Transaction(id_, "0", now_ms(), AMOUNT, {"order_id": order.id}, order)
        self.transactions[id_] = made
        return super().allowed(order)


@wrong("additional-is-text", "check-additional")
class AdditionalIsText(Merchant):
    """Its additional is a string."""

    def allowed(self, order: Order) -> Any:
        return {**super().allowed(order), "additional": f"order {order.id}"}


@wrong("detail-without-code", "check-detail")
class DetailWithoutCode(Merchant):
    """Its goods lack the code that a fiscal receipt needs."""

    def allowed(self, order: Order) -> Any:
        item = {"title": "Чай", "price": AMOUNT, "count": 1, "vat_percent": 12, "package_code": "1234567"}
        return {**super().allowed(order), "detail": {"receipt_type": 0, "items": [item]}}
