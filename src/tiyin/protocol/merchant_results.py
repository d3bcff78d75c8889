"""What a merchant's server answers: the results of every method of the Merchant API.

Every key is always there: an unset time is 0, an unset reason null. Only `receivers` is left out where
nothing is split.

Documentation: merchant-api/methods
"""

from enum import IntEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from tiyin.protocol.values import Account

__all__ = [
    "CancelTransactionResult",
    "ChangePasswordResult",
    "CheckPerformTransactionResult",
    "CheckTransactionResult",
    "CreateTransactionResult",
    "GetStatementResult",
    "PerformTransactionResult",
    "Receiver",
    "SetFiscalDataResult",
    "StatementTransaction",
    "TransactionState",
]


class TransactionState(IntEnum):
    """Where a transaction stands. Documentation: merchant-api/data-types, Transaction State."""

    CREATED = 1
    PERFORMED = 2
    CANCELLED = -1
    CANCELLED_AFTER_PERFORM = -2


class Receiver(msgspec.Struct, frozen=True):
    """One share of a split payment.

    Args:
        id: the cash desk that receives it.
        amount: its share in tiyin.
    """

    id: str
    amount: int


class CheckPerformTransactionResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """The answer of CheckPerformTransaction.

    Args:
        allow: True; whatever cannot be paid is an error.
        additional: what the payer may like to know, such as a balance.
        detail: the goods, for the fiscal receipt.
    """

    allow: bool
    additional: dict[str, Any] | None = None
    detail: dict[str, Any] | None = None


class CreateTransactionResult(msgspec.Struct, frozen=True):
    """The answer of CreateTransaction.

    Args:
        create_time: when the merchant's server stored the transaction, milliseconds since 1970.
        transaction: the merchant's own id of it.
        state: 1.
        receivers: who receives the money; unset when the desk alone does.
    """

    create_time: int
    transaction: str
    state: int
    receivers: list[Receiver] | UnsetType = UNSET


class PerformTransactionResult(msgspec.Struct, frozen=True):
    """The answer of PerformTransaction.

    Args:
        transaction: the merchant's own id.
        perform_time: when it was performed, milliseconds since 1970.
        state: 2.
    """

    transaction: str
    perform_time: int
    state: int


class CancelTransactionResult(msgspec.Struct, frozen=True):
    """The answer of CancelTransaction.

    Args:
        transaction: the merchant's own id.
        cancel_time: when it was cancelled, milliseconds since 1970.
        state: -1 or -2.
    """

    transaction: str
    cancel_time: int
    state: int


class CheckTransactionResult(msgspec.Struct, frozen=True):
    """The answer of CheckTransaction; every key is always there.

    Args:
        create_time: when it was stored, milliseconds since 1970.
        perform_time: when it was performed, or 0.
        cancel_time: when it was cancelled, or 0.
        transaction: the merchant's own id.
        state: 1, 2, -1 or -2.
        reason: why it was cancelled, or None.
    """

    create_time: int
    perform_time: int
    cancel_time: int
    transaction: str
    state: int
    reason: int | None


class StatementTransaction(msgspec.Struct, frozen=True):
    """One row of GetStatement; every key is always there, `receivers` only where the payment was split.

    Documentation: merchant-api/data-types, Transaction.
    """

    id: str
    time: int
    amount: int
    account: Account
    create_time: int
    perform_time: int
    cancel_time: int
    transaction: str
    state: int
    reason: int | None
    receivers: list[Receiver] | UnsetType = UNSET


class GetStatementResult(msgspec.Struct, frozen=True):
    """The answer of GetStatement.

    Args:
        transactions: by Payme's `time`, ascending.
    """

    transactions: list[StatementTransaction]


class SetFiscalDataResult(msgspec.Struct, frozen=True):
    """The answer of SetFiscalData."""

    success: bool = True


class ChangePasswordResult(msgspec.Struct, frozen=True):
    """The answer of ChangePassword."""

    success: bool = True
