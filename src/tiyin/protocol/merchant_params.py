"""What Payme asks a merchant's server: the parameters of every method of the Merchant API.

Documentation: merchant-api/methods
"""

from enum import IntEnum
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from tiyin.protocol.fiscal import FiscalData
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.params import AccountField, Whole, set_field, set_whole
from tiyin.protocol.values import read_account, read_id, read_timestamp

__all__ = [
    "CancelTransactionParams",
    "ChangePasswordParams",
    "CheckPerformTransactionParams",
    "CheckTransactionParams",
    "CreateTransactionParams",
    "GetStatementParams",
    "PerformTransactionParams",
    "Reason",
    "SetFiscalDataParams",
]

PASSWORD_LENGTH_MIN: Final = 8
PASSWORD_LENGTH_MAX: Final = 128


class Reason(IntEnum):
    """Why a transaction was cancelled. Documentation: merchant-api/data-types, Reason."""

    RECEIVER_NOT_FOUND = 1
    DEBIT_FAILED = 2
    EXECUTION_FAILED = 3
    TIMEOUT = 4
    REFUND = 5
    UNKNOWN = 10


class CheckPerformTransactionParams(msgspec.Struct, frozen=True):
    """Can this be paid? Documentation: merchant-api/CheckPerformTransaction.

    Args:
        amount: in tiyin.
        account: what is being paid.
    """

    amount: Whole
    account: AccountField

    def __post_init__(self) -> None:
        set_whole(self, "amount", self.amount)
        set_field(self, "account", self.account, read_account)


class CreateTransactionParams(msgspec.Struct, frozen=True):
    """Reserve the order. Documentation: merchant-api/CreateTransaction.

    Args:
        id: Payme's id of the transaction.
        time: when Payme created it, milliseconds since 1970.
        amount: in tiyin.
        account: what is being paid.
    """

    id: str
    time: Whole
    amount: Whole
    account: AccountField

    def __post_init__(self) -> None:
        set_field(self, "id", self.id, read_id)
        set_field(self, "time", self.time, read_timestamp)
        set_whole(self, "amount", self.amount)
        set_field(self, "account", self.account, read_account)


class _IdParams(msgspec.Struct, frozen=True):
    id: str

    def __post_init__(self) -> None:
        set_field(self, "id", self.id, read_id)


class PerformTransactionParams(_IdParams, frozen=True):
    """The money is taken: mark the order paid. Documentation: merchant-api/PerformTransaction.

    Args:
        id: Payme's id of the transaction.
    """


class CheckTransactionParams(_IdParams, frozen=True):
    """Where does the transaction stand? Documentation: merchant-api/CheckTransaction.

    Args:
        id: Payme's id of the transaction.
    """


class CancelTransactionParams(msgspec.Struct, frozen=True):
    """Undo the transaction. Documentation: merchant-api/CancelTransaction.

    Args:
        id: Payme's id of the transaction.
        reason: one of the documented reasons.
    """

    id: str
    reason: Reason

    def __post_init__(self) -> None:
        set_field(self, "id", self.id, read_id)


class GetStatementParams(msgspec.Struct, frozen=True):
    """Which transactions are there? Documentation: merchant-api/GetStatement.

    Args:
        from_ms: the first moment, milliseconds since 1970; `from` on the wire.
        to_ms: the last moment, inclusive; `to` on the wire.
    """

    from_ms: Whole = msgspec.field(name="from")
    to_ms: Whole = msgspec.field(name="to")

    def __post_init__(self) -> None:
        set_field(self, "from_ms", self.from_ms, read_timestamp, "from")
        set_field(self, "to_ms", self.to_ms, read_timestamp, "to")


class SetFiscalDataParams(msgspec.Struct, frozen=True):
    """The receipt was registered with the tax service. Documentation: merchant-api/SetFiscalData.

    Args:
        id: Payme's id of the receipt.
        type: PERFORM for a payment's receipt, CANCEL for a refund's; they are kept apart.
        fiscal_data: what the tax service answered.
    """

    id: Annotated[str, Meta(min_length=1, max_length=64)]
    type: Literal["PERFORM", "CANCEL"]
    fiscal_data: FiscalData


class ChangePasswordParams(msgspec.Struct, frozen=True):
    """Payme changes the cash desk's key.

    Args:
        password: the new key.
    """

    password: Annotated[str, Meta(min_length=PASSWORD_LENGTH_MIN, max_length=PASSWORD_LENGTH_MAX)]

    def __repr__(self) -> str:
        return "ChangePasswordParams(password=<hidden>)"

    __rich_repr__ = rich_repr
