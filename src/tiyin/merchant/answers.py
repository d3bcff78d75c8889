"""From a stored row to what Payme is told. Pure."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from tiyin.merchant.billing import Order
from tiyin.merchant.records import Row, account_fields, receivers_of
from tiyin.protocol.fiscal import read_detail
from tiyin.protocol.merchant_api import (
    CancelTransactionResult,
    CheckPerformTransactionResult,
    CheckTransactionResult,
    CreateTransactionResult,
    PerformTransactionResult,
    StatementTransaction,
)

__all__ = ["allowed", "cancelled", "checked", "created", "performed", "statement_rows"]


def allowed(order: Order) -> CheckPerformTransactionResult:
    """Answer CheckPerformTransaction.

    Raises:
        ValueError: If the order's `detail` is not as documented.
    """
    if order.additional is None and order.detail is None:
        return _ALLOWED
    detail = None
    if order.detail is not None:
        detail = _object(order.detail)
        read_detail(detail)
    return CheckPerformTransactionResult(
        True, None if order.additional is None else _object(order.additional), detail
    )


def created(row: Row) -> CreateTransactionResult:
    """Answer CreateTransaction."""
    receivers = receivers_of(row)
    return CreateTransactionResult(
        create_time=row.create_time_ms,
        transaction=row.number,
        state=row.state,
        receivers=UNSET if receivers is None else list(receivers),
    )


def performed(row: Row) -> PerformTransactionResult:
    """Answer PerformTransaction."""
    return PerformTransactionResult(transaction=row.number, perform_time=row.perform_time_ms, state=row.state)


def cancelled(row: Row) -> CancelTransactionResult:
    """Answer CancelTransaction."""
    return CancelTransactionResult(transaction=row.number, cancel_time=row.cancel_time_ms, state=row.state)


def checked(row: Row) -> CheckTransactionResult:
    """Answer CheckTransaction."""
    return CheckTransactionResult(
        create_time=row.create_time_ms,
        perform_time=row.perform_time_ms,
        cancel_time=row.cancel_time_ms,
        transaction=row.number,
        state=row.state,
        reason=row.reason,
    )


def statement_rows(rows: Iterable[Row]) -> list[StatementTransaction]:
    """Write rows of GetStatement."""
    return [_statement_row(row) for row in rows]


def _statement_row(row: Row) -> StatementTransaction:
    receivers = receivers_of(row)
    return StatementTransaction(
        id=row.id,
        time=row.time_ms,
        amount=row.amount_tiyin,
        account=account_fields(row),
        create_time=row.create_time_ms,
        perform_time=row.perform_time_ms,
        cancel_time=row.cancel_time_ms,
        transaction=row.number,
        state=row.state,
        reason=row.reason,
        receivers=UNSET if receivers is None else list(receivers),
    )


def _object(value: Mapping[str, Any] | msgspec.Struct) -> dict[str, Any]:
    plain = msgspec.to_builtins(value)
    if not isinstance(plain, dict):
        raise TypeError("Order.additional and Order.detail are objects")
    return _without_unset(plain) if isinstance(value, msgspec.Struct) else plain


def _without_unset(plain: Any) -> Any:
    """Leave out what a `Detail` does not say: on the wire such a field is absent."""
    if isinstance(plain, dict):
        return {name: _without_unset(value) for name, value in plain.items() if value is not None}
    return [_without_unset(value) for value in plain] if isinstance(plain, list) else plain


_ALLOWED = CheckPerformTransactionResult(True)
