"""A payment, seen from both sides: of the shop's transaction and Payme's receipt what is compared."""

from collections.abc import Iterator
from typing import Final

import msgspec

from tiyin.protocol.merchant_results import TransactionState
from tiyin.protocol.receipt import ReceiptState

__all__ = ["RESTING", "Pair", "Receipt", "Transaction"]

RESTING: Final = frozenset((ReceiptState.CREATED, ReceiptState.PAID, ReceiptState.CANCELLED))
"""States in which nothing happens to a receipt by itself."""


class Transaction(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of a transaction what is compared; times in milliseconds, 0 for none."""

    id: str
    order: str
    amount_tiyin: int
    state: int
    time_ms: int
    perform_time_ms: int
    cancel_time_ms: int

    @property
    def paid_ms(self) -> int:
        """When it was performed; its beginning where nobody wrote that down."""
        return self.perform_time_ms or self.time_ms


class Receipt(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Of a receipt what is compared. `fiscal`: 1 known, 0 missing, -1 nobody can tell."""

    id: str
    order: str
    amount_tiyin: int
    commission_tiyin: int
    state: int
    create_time_ms: int
    pay_time_ms: int
    cancel_time_ms: int
    billing: bool
    fiscal: int

    @property
    def paid_ms(self) -> int:
        """When it was paid; 0 when it never was."""
        if self.pay_time_ms or self.state != ReceiptState.PAID:
            return self.pay_time_ms
        return self.create_time_ms


class Pair(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A payment: the transaction, the receipt of the same id, or both."""

    transaction: Transaction | None
    receipt: Receipt | None

    @property
    def id(self) -> str:
        """Payme's id of it."""
        return (self.transaction or self.receipt).id  # type: ignore[union-attr]  # one of them is there

    @property
    def order(self) -> str:
        """What its account names; empty if it names nothing."""
        return (self.transaction or self.receipt).order  # type: ignore[union-attr]  # the same

    @property
    def amount_tiyin(self) -> int:
        """What was paid, in tiyin."""
        return (self.transaction or self.receipt).amount_tiyin  # type: ignore[union-attr]  # the same

    @property
    def moment_ms(self) -> int:
        """When it happened, as well as that is known."""
        if self.transaction is not None:
            return self.transaction.paid_ms
        assert self.receipt is not None  # noqa: S101 - one of them is there
        return self.receipt.paid_ms or self.receipt.create_time_ms

    @property
    def moments(self) -> Iterator[int]:
        """Every moment that is known of it."""
        if self.transaction is not None:
            yield from (
                self.transaction.time_ms,
                self.transaction.perform_time_ms,
                self.transaction.cancel_time_ms,
            )
        if self.receipt is not None:
            yield from (self.receipt.create_time_ms, self.receipt.pay_time_ms, self.receipt.cancel_time_ms)

    @property
    def kept(self) -> bool:
        """Whether the shop has the payment's money, by its own books where it has any."""
        if self.transaction is not None:
            return self.transaction.state == TransactionState.PERFORMED
        return self.receipt is not None and self.receipt.state == ReceiptState.PAID

    @property
    def returned(self) -> bool:
        """Whether it was paid and refunded."""
        if self.transaction is not None:
            return self.transaction.state == TransactionState.CANCELLED_AFTER_PERFORM
        return (
            self.receipt is not None
            and self.receipt.state == ReceiptState.CANCELLED
            and self.receipt.paid_ms > 0
        )

    @property
    def moving(self) -> bool:
        """Whether it may still become one or the other."""
        if self.transaction is not None:
            return self.transaction.state == TransactionState.CREATED
        return self.receipt is not None and self.receipt.state not in RESTING
