"""Merchants whose books look right until they are compared, and whose refusals say the wrong thing."""

from typing import Any

from sandbox.zoo.edge import Params, Refused
from sandbox.zoo.merchant import Merchant, Order, Transaction
from sandbox.zoo.species import wrong


@wrong("statement-without-the-paid", "statement-empty")
class StatementWithoutThePaid(Merchant):
    """Its statements hold what waits and what was cancelled, and no money."""

    def is_within(self, it: Transaction, from_ms: int, to_ms: int) -> bool:
        return not it.perform_time and super().is_within(it, from_ms, to_ms)


@wrong("statement-without-perform-times", "statement-fields")
class StatementWithoutPerformTimes(Merchant):
    """Its rows do not say when something was performed."""

    def row(self, it: Transaction) -> Any:
        return {**super().row(it), "perform_time": 0}


@wrong("repeat-with-any-account", "create-repeat-other-params")
class RepeatWithAnyAccount(Merchant):
    """A known id is accepted for another account."""

    def is_same(self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]) -> bool:
        return super().is_same(known, time_ms, amount, {**account, "order_id": known.order.id})


@wrong("known-ids-are-not-found", "create-known-id-code")
class KnownIdsAreNotFound(Merchant):
    """It refuses a known id as if it were unknown."""

    async def create_again(
        self, known: Transaction, time_ms: int, amount: int, account: dict[str, Any]
    ) -> Any:
        if not self.is_same(known, time_ms, amount, account):
            raise Refused(-31003)
        return await super().create_again(known, time_ms, amount, account)


@wrong("not-free-is-a-breakdown", "check-not-free-code")
class NotFreeIsABreakdown(Merchant):
    """CheckPerformTransaction of an order that is not free breaks down."""

    def is_free_to_check(self, order: Order) -> bool:
        if not super().is_free_to_check(order):
            raise Refused(-32400)
        return True


@wrong("keeps-the-second-key", "password-not-put-back", change_password=True)
class KeepsTheSecondKey(Merchant):
    """It takes a new key once, and never again."""

    async def change_password(self, params: Params) -> Any:
        if getattr(self, "changed", False):
            raise Refused(-32400)
        self.changed = True
        return await super().change_password(params)
