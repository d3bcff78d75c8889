"""What each side counts, day by day in Tashkent (UTC+5), in tiyin."""

from typing import Final

import msgspec

from tiyin.merchant.reconcile.payments import Receipt, Transaction
from tiyin.merchant.reconcile.rows import OrderState, Period, ShopOrder, day_of
from tiyin.protocol.merchant_results import TransactionState
from tiyin.protocol.receipt import ReceiptState

__all__ = ["DayTotals", "Days", "SideTotals"]

NO_DAY: Final = ""
"""Of what the shop's orders do not say when it was paid."""


class SideTotals(msgspec.Struct, kw_only=True):
    """What one side counts.

    Args:
        paid: How many payments.
        paid_tiyin: What they come to, in tiyin.
        refunded: How many refunds.
        refunded_tiyin: What they come to.
    """

    paid: int = 0
    paid_tiyin: int = 0
    refunded: int = 0
    refunded_tiyin: int = 0

    @property
    def net_tiyin(self) -> int:
        """What was paid less what was refunded, in tiyin."""
        return self.paid_tiyin - self.refunded_tiyin

    def add(self, other: "SideTotals") -> None:
        """Add what another counts."""
        self.paid += other.paid
        self.paid_tiyin += other.paid_tiyin
        self.refunded += other.refunded
        self.refunded_tiyin += other.refunded_tiyin


class DayTotals(msgspec.Struct, kw_only=True):
    """What every side counts on one day; a side that was not given is None.

    Args:
        day: As `2026-11-24`; empty for orders without a date, and for the whole period.
        orders: The shop's orders.
        transactions: The shop's transactions.
        receipts: Payme's receipts.
        commission_tiyin: Payme's commission on the receipts paid that day, in tiyin.
    """

    day: str
    orders: SideTotals | None
    transactions: SideTotals | None
    receipts: SideTotals | None
    commission_tiyin: int = 0

    @property
    def difference_tiyin(self) -> int:
        """How far the sides are apart: the largest net less the smallest, in tiyin; 0 when they agree."""
        nets = [
            side.net_tiyin for side in (self.orders, self.transactions, self.receipts) if side is not None
        ]
        return max(nets) - min(nets) if nets else 0


class Days:
    """Adds up what the sides count within a period.

    Args:
        period: What is outside of it is not counted.
        orders: Whether there are orders.
        transactions: Whether there are transactions.
        receipts: Whether there are receipts.
    """

    def __init__(self, period: Period, *, orders: bool, transactions: bool, receipts: bool) -> None:
        self._period = period
        self._sides = (orders, transactions, receipts)
        self._days: dict[str, DayTotals] = {}

    def order(self, order: ShopOrder) -> None:
        """Count an order, or what was booked to a balance."""
        booked = order.state in (OrderState.PAID, OrderState.REFUNDED) or not order.one_time
        if booked and order.amount_tiyin:
            self._pay(self._of(order.paid_at_ms, "orders", undated=True), order.amount_tiyin)
        if order.state is OrderState.REFUNDED and order.amount_tiyin:
            self._refund(self._of(order.refunded_at_ms, "orders", undated=True), order.amount_tiyin)

    def transaction(self, row: Transaction) -> None:
        """Count a transaction."""
        if row.state in (TransactionState.PERFORMED, TransactionState.CANCELLED_AFTER_PERFORM):
            self._pay(self._of(row.paid_ms, "transactions"), row.amount_tiyin)
        if row.state == TransactionState.CANCELLED_AFTER_PERFORM:
            self._refund(self._of(row.cancel_time_ms, "transactions"), row.amount_tiyin)

    def receipt(self, row: Receipt) -> None:
        """Count a receipt."""
        if not row.paid_ms:
            return
        side = self._of(row.paid_ms, "receipts")
        self._pay(side, row.amount_tiyin)
        if side is not None:
            self._days[day_of(row.paid_ms)].commission_tiyin += row.commission_tiyin
        if row.state == ReceiptState.CANCELLED:
            self._refund(self._of(row.cancel_time_ms, "receipts"), row.amount_tiyin)

    def result(self) -> tuple[DayTotals, ...]:
        """Return the days on which anything was counted, in order; what has no date comes last."""
        return tuple(self._days[day] for day in sorted(self._days, key=lambda day: (day == NO_DAY, day)))

    def whole(self) -> DayTotals:
        """Return what the sides count in the whole period."""
        whole = self._empty(NO_DAY)
        for day in self._days.values():
            whole.commission_tiyin += day.commission_tiyin
            for name in ("orders", "transactions", "receipts"):
                side, of_day = getattr(whole, name), getattr(day, name)
                if side is not None:
                    side.add(of_day)
        return whole

    def _of(self, moment_ms: int, side: str, *, undated: bool = False) -> SideTotals | None:
        if not moment_ms:
            if not undated:
                return None
            day = NO_DAY
        elif self._period.holds(moment_ms):
            day = day_of(moment_ms)
        else:
            return None
        if day not in self._days:
            self._days[day] = self._empty(day)
        found: SideTotals | None = getattr(self._days[day], side)
        return found

    def _empty(self, day: str) -> DayTotals:
        orders, transactions, receipts = (SideTotals() if given else None for given in self._sides)
        return DayTotals(day=day, orders=orders, transactions=transactions, receipts=receipts)

    @staticmethod
    def _pay(side: SideTotals | None, amount_tiyin: int) -> None:
        if side is not None:
            side.paid += 1
            side.paid_tiyin += amount_tiyin

    @staticmethod
    def _refund(side: SideTotals | None, amount_tiyin: int) -> None:
        if side is not None:
            side.refunded += 1
            side.refunded_tiyin += amount_tiyin
