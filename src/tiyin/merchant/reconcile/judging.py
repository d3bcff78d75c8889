"""The rules: what differs between an order, its transactions and their receipts. Pure.

A transaction and a receipt belong together when their ids are equal; a payment and an order when the account
names the order. What Payme and the kit say of a payment is compared first; where they contradict each other,
the order is not judged by it, so that one cause is one difference.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from tiyin.merchant.reconcile.kinds import KINDS, Code, Severity
from tiyin.merchant.reconcile.payments import RESTING, Pair, Receipt, Transaction
from tiyin.merchant.reconcile.rows import OrderState, Period, ShopOrder, day_number
from tiyin.protocol.merchant_api import TRANSACTION_TIMEOUT_MS
from tiyin.protocol.merchant_results import TransactionState
from tiyin.protocol.receipt import ReceiptState

__all__ = ["Difference", "Judge"]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """Something that differs, or looks as if it did.

    Args:
        code: Its kind; `KINDS` has the words for it.
        order: The order's name; empty if the account names none.
        id: Payme's id of the transaction and of the receipt; empty if there is none.
        amount_tiyin: The money that it is about, in tiyin.
        time_ms: When it happened, in milliseconds since 1970; 0 if nobody knows.
        suspected: For `at-edge`: what it would be in the middle of the period.
        order_state: What the shop's order says, where there is one.
        order_tiyin: The order's amount.
        transaction_state: What the transaction says, where there is one.
        transaction_tiyin: The transaction's amount.
        receipt_state: What the receipt says, where there is one.
        receipt_tiyin: The receipt's amount.
    """

    code: Code
    order: str
    id: str
    amount_tiyin: int
    time_ms: int
    suspected: Code | None = None
    order_state: str | None = None
    order_tiyin: int | None = None
    transaction_state: int | None = None
    transaction_tiyin: int | None = None
    receipt_state: int | None = None
    receipt_tiyin: int | None = None

    @property
    def severity(self) -> Severity:
        """How bad it is."""
        return KINDS[self.code].severity


_EARLY: Final = frozenset((ReceiptState.AT_BILLING, ReceiptState.DEBIT))


class Judge:
    """Judges one order and its payments at a time.

    Args:
        period: What is compared; it ends now at the latest.
        now_ms: When the sources were taken.
        edge_ms: How near to an end of the period a counterpart may be missing, in milliseconds.
        orders: Whether the shop's orders are compared.
        transactions: Whether transactions are.
        receipts: Whether receipts are.
        fiscal: Whether data for the fiscal receipt are demanded.
    """

    def __init__(
        self,
        period: Period,
        *,
        now_ms: int,
        edge_ms: int,
        orders: bool,
        transactions: bool,
        receipts: bool,
        fiscal: bool,
    ) -> None:
        self._period = period
        self._now_ms = now_ms
        self._end_ms = min(period.to_ms, now_ms)
        self._edge_ms = edge_ms
        self._orders = orders
        self._transactions = transactions
        self._receipts = receipts
        self._fiscal = fiscal

    def judge(self, order: ShopOrder | None, pairs: Sequence[Pair]) -> Iterator[Difference]:
        """Tell what differs.

        Args:
            order: The order that the payments' account names, if the shop has it.
            pairs: Its payments.
        """
        contradicted: set[str] = set()
        for pair in pairs:
            inside = any(map(self._period.holds, pair.moments))
            code, sure = self._payment(pair)
            codes = [] if code is None else [(code, sure)]
            codes += [(beside, True) for beside in self._beside(pair)]
            for code, sure in codes:
                if code not in _UNCONTRADICTED:
                    contradicted.add(pair.id)
                if inside:
                    yield self._tell(code, pair, order, sure=sure)
        if not self._orders:
            return
        # In the order of time, whatever order they came in.
        clear = sorted(
            (pair for pair in pairs if pair.id not in contradicted),
            key=lambda pair: (pair.moment_ms, pair.id),
        )
        if order is None:
            yield from self._unknown(pairs, contradicted)
        elif order.one_time:
            yield from self._one_time(order, clear, pairs, certain=not contradicted)
        else:
            yield from self._balance(order, clear, certain=not contradicted)

    def _payment(self, pair: Pair) -> tuple[Code | None, bool]:
        """Compare what the two sides say of one payment: what differs, and whether that is sure."""
        here, there = pair.transaction, pair.receipt
        if here is not None and there is not None:
            return self._both(here, there), True
        if here is not None:
            return self._without_receipt(here) if self._receipts else (self._waiting(here), True)
        assert there is not None  # noqa: S101 - one of them is there
        if self._transactions and there.billing:
            return self._without_transaction(there)
        return (None if there.state in RESTING else Code.IN_FLIGHT), True

    def _both(self, here: Transaction, there: Receipt) -> Code | None:
        if there.state not in RESTING:
            return self._unsettled(here, there)
        code = _SETTLED[_stand(there)].get(here.state)
        return self._waiting(here) if code is None else code

    def _unsettled(self, here: Transaction, there: Receipt) -> Code:
        old = self._now_ms - max(there.create_time_ms, here.time_ms) > TRANSACTION_TIMEOUT_MS
        if here.state == TransactionState.PERFORMED and (
            there.state == ReceiptState.HELD or (there.state in _EARLY and old)
        ):
            return Code.PERFORMED_NOT_PAID
        return Code.IN_FLIGHT

    def _without_receipt(self, here: Transaction) -> tuple[Code | None, bool]:
        if here.state == TransactionState.PERFORMED:
            # Receipts are listed by the time they were made at, which was before the transaction's.
            return Code.PERFORMED_WITHOUT_RECEIPT, here.time_ms > self._period.from_ms + self._edge_ms
        if here.state == TransactionState.CANCELLED_AFTER_PERFORM:
            return Code.RETURNED, True
        return self._waiting(here), True

    def _without_transaction(self, there: Receipt) -> tuple[Code | None, bool]:
        if there.state == ReceiptState.PAID:
            # A statement goes by the transaction's time: between the receipt's making and its paying.
            late = there.paid_ms > self._end_ms
            early = (
                there.create_time_ms < self._period.from_ms
                and there.paid_ms <= self._period.from_ms + self._edge_ms
            )
            return Code.PAID_ONLY_AT_PAYME, not late and not early
        if there.state == ReceiptState.CANCELLED:
            return (Code.RETURNED if there.pay_time_ms else None), True
        return (None if there.state in RESTING else Code.IN_FLIGHT), True

    def _waiting(self, here: Transaction) -> Code | None:
        late = self._now_ms - here.time_ms > TRANSACTION_TIMEOUT_MS
        return Code.WAITING_TOO_LONG if late and here.state == TransactionState.CREATED else None

    def _beside(self, pair: Pair) -> Iterator[Code]:
        """Compare what can differ although both sides agree on what happened."""
        here, there = pair.transaction, pair.receipt
        if there is not None and there.state == ReceiptState.PAID and self._fiscal and there.fiscal == 0:
            yield Code.FISCAL_MISSING
        if here is None or there is None or here.state not in _LIVE or there.state == ReceiptState.CANCELLED:
            return
        if here.amount_tiyin != there.amount_tiyin:
            yield _amounts(here.amount_tiyin, there.amount_tiyin, there, Code.AMOUNT_DIFFERS_AT_PAYME)
        elif here.perform_time_ms and there.pay_time_ms and _days_differ(here.paid_ms, there.paid_ms):
            yield Code.OTHER_DAY

    def _unknown(self, pairs: Sequence[Pair], contradicted: set[str]) -> Iterator[Difference]:
        for pair in pairs:
            wanted = pair.kept or (pair.moving and pair.transaction is not None)
            if wanted and pair.id not in contradicted and any(map(self._period.holds, pair.moments)):
                yield self._tell(Code.UNKNOWN_ORDER, pair, None, sure=not self._near(pair.moment_ms))

    def _one_time(
        self, order: ShopOrder, clear: Sequence[Pair], pairs: Sequence[Pair], *, certain: bool
    ) -> Iterator[Difference]:
        if not self._concerns(order, pairs):
            return
        kept = [pair for pair in clear if pair.kept]
        if len(kept) > 1:
            too_much_tiyin = sum(pair.amount_tiyin for pair in kept[1:])
            yield self._tell(Code.PAID_TWICE, kept[-1], order, amount_tiyin=too_much_tiyin)
        if not kept:
            if order.state is OrderState.PAID and order.amount_tiyin and certain:
                returned = next((pair for pair in clear if pair.returned), None)
                if returned is not None:
                    yield self._tell(Code.REFUND_NOT_IN_SHOP, returned, order)
                else:
                    yield self._without_payment(order, clear)
            return
        code = _WHILE_KEPT[order.state]
        if code is not None:
            yield self._tell(code, kept[0], order, amount_tiyin=sum(pair.amount_tiyin for pair in kept))
        elif len(kept) == 1:
            yield from self._booked(order, kept[0])

    def _booked(self, order: ShopOrder, pair: Pair) -> Iterator[Difference]:
        if order.amount_tiyin != pair.amount_tiyin:
            code = _amounts(order.amount_tiyin, pair.amount_tiyin, pair.receipt, Code.AMOUNT_DIFFERS_IN_SHOP)
            yield self._tell(code, pair, order, amount_tiyin=abs(order.amount_tiyin - pair.amount_tiyin))
        elif order.paid_at_ms and _days_differ(order.paid_at_ms, pair.moment_ms):
            yield self._tell(Code.OTHER_DAY, pair, order)

    def _balance(self, order: ShopOrder, clear: Sequence[Pair], *, certain: bool) -> Iterator[Difference]:
        kept = [pair for pair in clear if pair.kept and self._period.holds(pair.moment_ms)]
        paid_tiyin = sum(pair.amount_tiyin for pair in kept)
        if not certain or paid_tiyin == order.amount_tiyin:
            return
        if not kept:
            yield self._without_payment(order, clear)
            return
        sure = not any(self._near(pair.moment_ms) for pair in kept)
        difference_tiyin = abs(order.amount_tiyin - paid_tiyin)
        yield self._tell(
            Code.AMOUNT_DIFFERS_IN_SHOP, kept[-1], order, amount_tiyin=difference_tiyin, sure=sure
        )

    def _without_payment(self, order: ShopOrder, clear: Sequence[Pair]) -> Difference:
        near = self._near(order.paid_at_ms)
        return self._tell(Code.PAID_WITHOUT_PAYMENT, clear[-1] if clear else None, order, sure=not near)

    def _concerns(self, order: ShopOrder, pairs: Sequence[Pair]) -> bool:
        """Tell whether an order is the period's: by its own times, its payments', or for want of any."""
        own = [moment for moment in (order.paid_at_ms, order.refunded_at_ms) if moment]
        moments = [*own, *(moment for pair in pairs for moment in pair.moments if moment)]
        return not moments or any(map(self._period.holds, moments))

    def _near(self, moment_ms: int) -> bool:
        if not moment_ms:
            return False
        return moment_ms <= self._period.from_ms + self._edge_ms or moment_ms >= self._end_ms - self._edge_ms

    def _tell(
        self,
        code: Code,
        pair: Pair | None,
        order: ShopOrder | None,
        *,
        amount_tiyin: int | None = None,
        sure: bool = True,
    ) -> Difference:
        here = None if pair is None else pair.transaction
        there = None if pair is None else pair.receipt
        if amount_tiyin is None:
            amount_tiyin = _money(code, pair, order)
        return Difference(
            code=code if sure else Code.AT_EDGE,
            order=order.order if order is not None else pair.order if pair is not None else "",
            id="" if pair is None else pair.id,
            amount_tiyin=amount_tiyin,
            time_ms=pair.moment_ms if pair is not None else order.paid_at_ms if order is not None else 0,
            suspected=None if sure else code,
            order_state=None if order is None else order.state.value,
            order_tiyin=None if order is None else order.amount_tiyin,
            transaction_state=None if here is None else here.state,
            transaction_tiyin=None if here is None else here.amount_tiyin,
            receipt_state=None if there is None else there.state,
            receipt_tiyin=None if there is None else there.amount_tiyin,
        )


_UNCONTRADICTED: Final = frozenset(
    (
        Code.CANCELLED_ONLY_AT_PAYME,
        Code.FISCAL_MISSING,
        Code.OTHER_DAY,
        Code.RETURNED,
        Code.WAITING_TOO_LONG,
    )
)
"""After these it is still clear whether the shop has the money: the order is judged as well."""
_LIVE: Final = frozenset((TransactionState.CREATED, TransactionState.PERFORMED))
_CREATED: Final = TransactionState.CREATED
_PERFORMED: Final = TransactionState.PERFORMED
_CANCELLED: Final = TransactionState.CANCELLED
_REFUNDED: Final = TransactionState.CANCELLED_AFTER_PERFORM
_SETTLED: Final[dict[str, dict[int, Code]]] = {
    "created": {_PERFORMED: Code.PERFORMED_NOT_PAID, _REFUNDED: Code.RETURNED},
    "paid": {
        _CREATED: Code.PAID_NOT_PERFORMED,
        _CANCELLED: Code.PAID_CANCELLED_HERE,
        _REFUNDED: Code.REFUNDED_ONLY_HERE,
    },
    "cancelled": {
        _CREATED: Code.CANCELLED_ONLY_AT_PAYME,
        _PERFORMED: Code.PERFORMED_CANCELLED_AT_PAYME,
        # Both gave everything back, but one side's totals show the payment and the other's do not.
        _REFUNDED: Code.RETURNED,
    },
    "refunded": {
        _CREATED: Code.CANCELLED_ONLY_AT_PAYME,
        _PERFORMED: Code.REFUNDED_ONLY_AT_PAYME,
        _CANCELLED: Code.RETURNED,
    },
}
"""What a receipt at rest and its transaction say to each other; what is not in it agrees."""
_WHILE_KEPT: Final[dict[OrderState, Code | None]] = {
    OrderState.PAID: None,
    OrderState.WAITING: Code.NOT_MARKED_PAID,
    OrderState.CANCELLED: Code.CANCELLED_ORDER_PAID,
    OrderState.REFUNDED: Code.REFUNDED_ONLY_IN_SHOP,
}


def _stand(receipt: Receipt) -> str:
    if receipt.state == ReceiptState.CANCELLED:
        return "refunded" if receipt.pay_time_ms else "cancelled"
    return "paid" if receipt.state == ReceiptState.PAID else "created"


def _money(code: Code, pair: Pair | None, order: ShopOrder | None) -> int:
    """Return what a difference is about: of two amounts that differ, by how much."""
    if pair is None or code is Code.PAID_WITHOUT_PAYMENT:
        return 0 if order is None else order.amount_tiyin
    here, there = pair.transaction, pair.receipt
    if code in _OF_AMOUNTS and here is not None and there is not None:
        return abs(here.amount_tiyin - there.amount_tiyin)
    return pair.amount_tiyin


_OF_AMOUNTS: Final = frozenset((Code.AMOUNT_DIFFERS_AT_PAYME, Code.COMMISSION_IN_AMOUNT))


def _amounts(one_tiyin: int, other_tiyin: int, receipt: Receipt | None, otherwise: Code) -> Code:
    commission_tiyin = 0 if receipt is None else receipt.commission_tiyin
    if commission_tiyin > 0 and abs(one_tiyin - other_tiyin) == commission_tiyin:
        return Code.COMMISSION_IN_AMOUNT
    return otherwise


def _days_differ(one_ms: int, other_ms: int) -> bool:
    return day_number(one_ms) != day_number(other_ms)
