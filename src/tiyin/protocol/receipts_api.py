"""The receipts of the Subscribe API: parameters of the methods receipts.*; the answer is in `receipt`.

Documentation: subscribe-api/methods, subscribe-api/holds
"""

import re
from typing import Annotated, Any, Final, TypeAlias

import msgspec
from msgspec import Meta

from tiyin.protocol.cards_api import Customer, Token
from tiyin.protocol.fiscal import FiscalData, read_detail
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.params import AccountField, Whole, set_field
from tiyin.protocol.values import read_account, read_amount, read_timestamp, read_whole_number

__all__ = [
    "COUNT_MAX",
    "DESCRIPTION_LENGTH_MAX",
    "OFFSET_MAX",
    "PayerParams",
    "ReceiptsCancelParams",
    "ReceiptsCheckParams",
    "ReceiptsConfirmHoldParams",
    "ReceiptsCreateParams",
    "ReceiptsGetAllParams",
    "ReceiptsGetParams",
    "ReceiptsPayParams",
    "ReceiptsSendParams",
    "ReceiptsSetFiscalDataParams",
]

COUNT_MAX: Final = 50
"""How many receipts receipts.get_all answers at most."""
OFFSET_MAX: Final = 1_000_000
DESCRIPTION_LENGTH_MAX: Final = 1024

_ReceiptId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=64)]

_PHONE = re.compile(r"[0-9]{9,15}")
_PHONE_SIGNS: Final = str.maketrans("", "", " -()")


class ReceiptsCreateParams(msgspec.Struct, frozen=True):
    """Make a receipt to be paid. Documentation: subscribe-api/receipts.create, subscribe-api/holds.

    Args:
        amount: in tiyin.
        account: what is being paid.
        description: what the payer reads.
        detail: the goods, checked but kept exactly as they were given.
        hold: whether the money will only be held.
    """

    amount: Whole
    account: AccountField
    description: Annotated[str, Meta(max_length=DESCRIPTION_LENGTH_MAX)] | None = None
    detail: dict[str, Any] | None = None
    hold: bool = False

    def __post_init__(self) -> None:
        set_field(self, "amount", self.amount, read_amount)
        set_field(self, "account", self.account, read_account)
        if self.detail is not None:
            set_field(self, "detail", self.detail, _checked_detail)


class PayerParams(msgspec.Struct, frozen=True):
    """What the merchant knows about the payer, against fraud.

    Args:
        id: the merchant's own id of the payer.
        phone: the payer's phone.
        email: the payer's mail address.
        name: the payer's name.
        ip: the payer's network address.
    """

    id: Customer | None = None
    phone: Customer | None = None
    email: Customer | None = None
    name: Customer | None = None
    ip: Customer | None = None


class ReceiptsPayParams(msgspec.Struct, frozen=True):
    """Pay a receipt with a card's token. Documentation: subscribe-api/receipts.pay, subscribe-api/holds.

    Args:
        id: the receipt.
        token: the card's token.
        payer: who pays.
        hold: whether the money is only held.
    """

    id: _ReceiptId
    token: Token
    payer: PayerParams | None = None
    hold: bool = False

    def __repr__(self) -> str:
        return f"ReceiptsPayParams(id={self.id!r}, token=<hidden>, hold={self.hold!r})"

    __rich_repr__ = rich_repr


class ReceiptsSendParams(msgspec.Struct, frozen=True):
    """Send a receipt to be paid by SMS. Documentation: subscribe-api/receipts.send.

    Args:
        id: the receipt.
        phone: whose phone; digits with the country's code. A plus sign, spaces, dashes and brackets are
            taken out.
    """

    id: _ReceiptId
    phone: str

    def __post_init__(self) -> None:
        set_field(self, "phone", self.phone, _read_phone)


class _ReceiptIdParams(msgspec.Struct, frozen=True):
    id: _ReceiptId


class ReceiptsCancelParams(_ReceiptIdParams, frozen=True):
    """Queue a receipt for cancelling. Documentation: subscribe-api/receipts.cancel.

    Args:
        id: the receipt.
    """


class ReceiptsCheckParams(_ReceiptIdParams, frozen=True):
    """Tell a receipt's state. Documentation: subscribe-api/receipts.check.

    Args:
        id: the receipt.
    """


class ReceiptsGetParams(_ReceiptIdParams, frozen=True):
    """Tell all about a receipt. Documentation: subscribe-api/receipts.get.

    Args:
        id: the receipt.
    """


class ReceiptsConfirmHoldParams(_ReceiptIdParams, frozen=True):
    """Take the money that is held. Documentation: subscribe-api/holds.

    Args:
        id: the receipt.
    """


class ReceiptsGetAllParams(msgspec.Struct, frozen=True):
    """List receipts of a period. Documentation: subscribe-api/receipts.get_all.

    Args:
        from_ms: the first moment, milliseconds since 1970; `from` on the wire.
        to_ms: the last moment, inclusive; `to` on the wire.
        count: how many; more than `COUNT_MAX` is read as `COUNT_MAX`.
        offset: how many to skip, at most `OFFSET_MAX`.
    """

    from_ms: Whole = msgspec.field(name="from")
    to_ms: Whole = msgspec.field(name="to")
    count: Whole = COUNT_MAX
    offset: Whole = 0

    def __post_init__(self) -> None:
        set_field(self, "from_ms", self.from_ms, read_timestamp, "from")
        set_field(self, "to_ms", self.to_ms, read_timestamp, "to")
        set_field(self, "count", self.count, _read_count)
        set_field(self, "offset", self.offset, _read_offset)


class ReceiptsSetFiscalDataParams(msgspec.Struct, frozen=True):
    """Tell Payme the fiscal receipt that the merchant made itself.

    Args:
        id: the receipt.
        fiscal_data: what the tax service answered.

    Documentation: subscribe-api/receipts.set_fiscal_data
    """

    id: _ReceiptId
    fiscal_data: FiscalData


def _read_phone(value: str) -> str:
    digits = value.translate(_PHONE_SIGNS).removeprefix("+")
    if _PHONE.fullmatch(digits) is None:
        raise ValueError("must be the digits of a phone number")
    return digits


def _read_count(value: object) -> int:
    count = read_whole_number(value)
    if count < 0:
        raise ValueError("must not be negative")
    return min(count, COUNT_MAX)


def _read_offset(value: object) -> int:
    offset = read_whole_number(value)
    if not 0 <= offset <= OFFSET_MAX:
        raise ValueError(f"must be from 0 to {OFFSET_MAX}")
    return offset


def _checked_detail(value: dict[str, Any]) -> dict[str, Any]:
    read_detail(value)
    return value
