"""A receipt as the Subscribe API shows it: one shape, the superset of the documentation's samples.

Documentation: subscribe-api/receipts.create, receipts.pay, receipts.get, receipts.get_all, receipt-states,
holds
"""

import re
from collections.abc import Mapping
from enum import IntEnum
from types import MappingProxyType
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from tiyin.protocol.values import CURRENCY_UZS, Text

__all__ = [
    "RECEIPT_STATE_TEXTS",
    "TRANSACTION_ROW_NAME",
    "TRANSACTION_ROW_TITLE",
    "AccountRow",
    "Epos",
    "MerchantAnswer",
    "Payer",
    "ReceiptAnswer",
    "ReceiptCard",
    "ReceiptMeta",
    "ReceiptResult",
    "ReceiptState",
    "ReceiptStateResult",
    "Title",
    "expire_slashed",
    "expire_year_first",
    "read_expire",
]

Title: TypeAlias = str | dict[str, str]
"""A string in one language; in receipts.get_all an object of languages, see `Text.as_dict`."""

TRANSACTION_ROW_NAME: Final = "transaction"
TRANSACTION_ROW_TITLE: Final = Text(ru="Номер чека", uz="Chek raqami", en="Receipt number")

_EXPIRE = re.compile(r"(0[1-9]|1[0-2])\s?/?\s?([0-9]{2})")


class ReceiptState(IntEnum):
    """Where a receipt stands. Documentation: subscribe-api/receipt-states."""

    CREATED = 0
    AT_BILLING = 1
    DEBIT = 2
    CLOSING = 3
    PAID = 4
    HELD = 5
    HOLD_COMMANDED = 6
    PAUSED = 20
    CANCEL_QUEUE = 21
    CLOSING_QUEUE = 30
    CANCELLED = 50

    @property
    def text(self) -> Text:
        """What the state means, in the documentation's words."""
        return RECEIPT_STATE_TEXTS[self]


RECEIPT_STATE_TEXTS: Final[Mapping[ReceiptState, Text]] = MappingProxyType(
    {
        ReceiptState.CREATED: Text(
            ru="Чек создан. Ожидание подтверждения оплаты.",
            uz="Chek yaratildi. Toʻlov tasdiqlanishi kutilmoqda.",
            en="The receipt is created, waiting for the payment to be confirmed.",
        ),
        ReceiptState.AT_BILLING: Text(
            ru="Первая стадия проверок. Создание транзакции в биллинге поставщика.",
            uz="Birinchi tekshiruv bosqichi. Yetkazib beruvchi billingida tranzaksiya yaratilmoqda.",
            en="First checks: the transaction is being created at the merchant's billing.",
        ),
        ReceiptState.DEBIT: Text(
            ru="Списание денег с карты.",
            uz="Kartadan pul yechilmoqda.",
            en="The card is being debited.",
        ),
        ReceiptState.CLOSING: Text(
            ru="Закрытие транзакции в биллинге поставщика.",
            uz="Yetkazib beruvchi billingida tranzaksiya yopilmoqda.",
            en="The transaction is being closed at the merchant's billing.",
        ),
        ReceiptState.PAID: Text(ru="Чек оплачен.", uz="Chek toʻlangan.", en="The receipt is paid."),
        ReceiptState.HELD: Text(
            ru="Чек захолдирован.", uz="Chek puli ushlab turilgan.", en="The receipt's money is held."
        ),
        ReceiptState.HOLD_COMMANDED: Text(
            ru="Получение команды на холдирование средств.",
            uz="Mablagʻni ushlab turish buyrugʻi olinmoqda.",
            en="The command to hold the money is being taken.",
        ),
        ReceiptState.PAUSED: Text(
            ru="Чек стоит на паузе для ручного вмешательства.",
            uz="Chek qoʻlda koʻrib chiqish uchun toʻxtatib turilgan.",
            en="The receipt is paused until a person looks at it.",
        ),
        ReceiptState.CANCEL_QUEUE: Text(
            ru="Чек в очереди на отмену.",
            uz="Chek bekor qilish navbatida.",
            en="The receipt is in the queue to be cancelled.",
        ),
        ReceiptState.CLOSING_QUEUE: Text(
            ru="Чек в очереди на закрытие транзакции в биллинге поставщика.",
            uz="Chek yetkazib beruvchi billingida tranzaksiyani yopish navbatida.",
            en="The receipt is in the queue to close its transaction at the merchant's billing.",
        ),
        ReceiptState.CANCELLED: Text(
            ru="Чек отменён.", uz="Chek bekor qilingan.", en="The receipt is cancelled."
        ),
    }
)


class AccountRow(msgspec.Struct, frozen=True):
    """One field of the account, with the title that a payer reads.

    Args:
        name: the field's name.
        title: its title.
        value: its value as it was given.
        main: whether it is the field by which the order is found.
    """

    name: str
    title: Title
    value: str | int
    main: bool = False


class ReceiptCard(msgspec.Struct, frozen=True):
    """The card that paid.

    Args:
        number: the masked number, everywhere, also where a sample of the documentation shows one whole.
        expire: `0399` in receipts.*; `9903` in receipts.get_all and for held receipts.
    """

    number: str
    expire: str


class Epos(msgspec.Struct, frozen=True, rename={"merchant_id": "merchantId", "terminal_id": "terminalId"}):
    """The terminal at the bank.

    Args:
        merchant_id: the bank's number of the merchant.
        terminal_id: the bank's number of the terminal.
    """

    merchant_id: str = ""
    terminal_id: str = ""


class Payer(msgspec.Struct, frozen=True):
    """Who paid.

    Args:
        phone: the phone, digits.
    """

    phone: str


class MerchantAnswer(msgspec.Struct, frozen=True, rename={"id": "_id"}):
    """The cash desk that is paid.

    Args:
        id: the desk; `_id` on the wire.
        name: its name.
        organization: the legal name.
        epos: its terminal.
        date: when the desk was made, milliseconds since 1970.
        type: what it sells.
        address: where it is.
        business_id: the business that owns it.
        logo: the address of its picture.
        terms: the address of its terms.
        payer: who paid; only after the payment.
    """

    id: str
    name: str
    organization: str
    epos: Epos
    date: int
    type: Title
    address: str = ""
    business_id: str | None = None
    logo: str | None = None
    terms: str | None = None
    payer: Payer | UnsetType = UNSET


class ReceiptMeta(msgspec.Struct, frozen=True):
    """Where the receipt came from.

    Args:
        source: `subscribe` or `checkout`.
        owner: the desk that made it.
    """

    source: str
    owner: str


class ReceiptAnswer(msgspec.Struct, frozen=True, rename={"id": "_id"}):
    """A receipt.

    Args:
        id: 24 characters; `_id` on the wire.
        create_time: milliseconds since 1970.
        pay_time: the same, or 0.
        cancel_time: the same, or 0.
        state: a `ReceiptState`.
        type: 2 when an API made it, 1 when the checkout page did.
        amount: in tiyin.
        account: the account's fields, then the row `transaction` with the receipt's number.
        merchant: the desk.
        description: what the payer reads.
        detail: the goods exactly as they were given.
        commission: in tiyin.
        card: what paid, or None.
        meta: where it came from.
        processing_id: which processing took the money, or None.
        currency: 860.
        sensitive_data: always empty; held receipts of the documentation carry it.
    """

    id: str
    create_time: int
    pay_time: int
    cancel_time: int
    state: int
    type: int
    amount: int
    account: list[AccountRow]
    merchant: MerchantAnswer
    external: bool = False
    operation: int = -1
    category: Any = None
    error: Any = None
    description: str = ""
    detail: dict[str, Any] | None = None
    currency: int = CURRENCY_UZS
    commission: int = 0
    sensitive_data: list[Any] = []
    card: ReceiptCard | None = None
    meta: ReceiptMeta | None = None
    processing_id: int | None = None


class ReceiptResult(msgspec.Struct, frozen=True):
    """The answer of receipts.create, pay, get, cancel and confirm_hold; get_all answers a bare list."""

    receipt: ReceiptAnswer


class ReceiptStateResult(msgspec.Struct, frozen=True):
    """The answer of receipts.check.

    Args:
        state: a `ReceiptState`.
    """

    state: int


def read_expire(value: str) -> str:
    """Read a card's expiry: `0399`, `03/99`, `03 / 99`.

    Returns:
        Month and year, `0399`, as receipts.* shows it.

    Raises:
        ValueError: when there is no such month.
    """
    match = _EXPIRE.fullmatch(value.strip())
    if match is None or not value.isascii():
        raise ValueError("must be a month and a year, as 0399")
    return match[1] + match[2]


def expire_slashed(expire: str) -> str:
    """Write `0399` as cards.* shows it: `03/99`."""
    return f"{expire[:2]}/{expire[2:]}"


def expire_year_first(expire: str) -> str:
    """Write `0399` as receipts.get_all and held receipts show it: `9903`."""
    return expire[2:] + expire[:2]
