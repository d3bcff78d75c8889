"""What the methods of the Subscribe API answer, typed.

Documentation: subscribe-api/receipts.create, receipt-states, cards.create
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

import msgspec

from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.receipt import TRANSACTION_ROW_NAME, ReceiptState
from tiyin.protocol.values import CURRENCY_UZS, Account, Language, Text

__all__ = ["AccountRow", "Card", "CodeSent", "Desk", "Payer", "Receipt", "ReceiptCard", "State"]

State: TypeAlias = ReceiptState | int
"""A `ReceiptState`; a plain integer where a server knows a state that the documentation does not."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME_MS_MAX: Final = 10**14


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A card as its owner may see it.

    Args:
        token: What pays. As good as money: keep it like a password, never log it.
        number: The masked number, `860006******6311`; may be shown and stored.
        expire: `03/99`.
        recurrent: Whether the token pays more than once.
        verify: Whether a code proved it; only then it pays.
    """

    token: str
    number: str
    expire: str
    recurrent: bool
    verify: bool

    def __repr__(self) -> str:
        return (
            f"Card(number={self.number!r}, expire={self.expire!r}, token=<hidden>, "
            f"recurrent={self.recurrent!r}, verify={self.verify!r})"
        )

    __rich_repr__ = rich_repr


class CodeSent(msgspec.Struct, frozen=True, kw_only=True):
    """A code that is on its way to the card's phone.

    Args:
        sent: Whether it went out.
        phone: The masked phone.
        wait_ms: How long until another may be asked for, in milliseconds.
    """

    sent: bool
    phone: str
    wait_ms: int

    @property
    def wait(self) -> timedelta:
        """The same as a span of time."""
        return timedelta(milliseconds=self.wait_ms)


class AccountRow(msgspec.Struct, frozen=True, kw_only=True):
    """One field of a receipt's account.

    Args:
        name: The field's name.
        value: Its value.
        title: What a payer reads; None where the server named none.
        main: Whether the order is found by it.
    """

    name: str
    value: str | int
    title: Text | None = None
    main: bool = False


class ReceiptCard(msgspec.Struct, frozen=True, kw_only=True):
    """The card that paid.

    Args:
        number: The masked number, also where the server answered it whole.
        expire: As the server writes it: `0399`, or `9903` in lists and held receipts.
    """

    number: str
    expire: str


class Payer(msgspec.Struct, frozen=True, kw_only=True):
    """Who paid.

    Args:
        phone: The phone, digits.
    """

    phone: str | None = None

    def __repr__(self) -> str:
        return "Payer(phone=<hidden>)"

    __rich_repr__ = rich_repr


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """The cash desk that is paid.

    Args:
        id: The desk.
        name: Its name.
        organization: The legal name.
        business_id: The business that owns it.
        merchant_id: The bank's number of the merchant.
        terminal_id: The bank's number of the terminal.
    """

    id: str
    name: str = ""
    organization: str = ""
    business_id: str | None = None
    merchant_id: str = ""
    terminal_id: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """A receipt.

    Args:
        id: 24 characters.
        state: Where it stands.
        amount_tiyin: What is paid, in tiyin.
        commission_tiyin: What the payer pays beside it, in tiyin.
        create_time_ms: When it was made, milliseconds since 1970 (UTC).
        pay_time_ms: When it was paid; 0 when it was not.
        cancel_time_ms: When it was cancelled; 0 when it was not.
        rows: The account's fields as the server shows them, with the automatic row of the receipt's number.
        description: What the payer reads.
        detail: The goods, as they were given.
        currency: 860, the sum.
        type: 2 for receipts made by API, 1 for those of the checkout page.
        card: What paid, or will pay once the hold is confirmed; None when nothing did.
        payer: Who paid, where the server tells.
        desk: The cash desk.
        source: `subscribe` or `checkout`, where the server tells.
        error: What the server says went wrong.
        processing_id: Which processing took the money.
        raw: The whole receipt as it was answered, but for the card's number, which is masked.
    """

    id: str
    state: State
    amount_tiyin: int
    commission_tiyin: int = 0
    create_time_ms: int = 0
    pay_time_ms: int = 0
    cancel_time_ms: int = 0
    rows: tuple[AccountRow, ...] = ()
    description: str = ""
    detail: Mapping[str, Any] | None = None
    currency: int = CURRENCY_UZS
    type: int | None = None
    card: ReceiptCard | None = None
    payer: Payer | None = None
    desk: Desk | None = None
    source: str | None = None
    error: Any = None
    processing_id: int | str | None = None
    raw: Mapping[str, Any] = {}

    def __repr__(self) -> str:
        state = f"{self.state.name}" if isinstance(self.state, ReceiptState) else str(self.state)
        return f"Receipt(id={self.id!r}, state={state}, amount_tiyin={self.amount_tiyin})"

    __rich_repr__ = rich_repr

    @property
    def account(self) -> Account:
        """The account by the names of its fields, without the automatic row of the receipt's number."""
        return {row.name: row.value for row in self.rows if not _is_number_row(row)}

    @property
    def number(self) -> str | None:
        """The receipt's number that payers see («Номер чека»), where the server tells it."""
        return next((str(row.value) for row in self.rows if _is_number_row(row)), None)

    @property
    def is_paid(self) -> bool:
        """Whether the money was taken and the shop was told."""
        return self.state == ReceiptState.PAID

    @property
    def is_held(self) -> bool:
        """Whether the money is held on the card, to be taken by `receipts.confirm_hold`."""
        return self.state == ReceiptState.HELD

    @property
    def is_cancelled(self) -> bool:
        """Whether nothing of the money is kept."""
        return self.state == ReceiptState.CANCELLED

    @property
    def create_time(self) -> datetime | None:
        """When it was made, with the time zone UTC."""
        return _moment(self.create_time_ms)

    @property
    def pay_time(self) -> datetime | None:
        """When it was paid, with the time zone UTC; None when it was not."""
        return _moment(self.pay_time_ms)

    @property
    def cancel_time(self) -> datetime | None:
        """When it was cancelled, with the time zone UTC; None when it was not."""
        return _moment(self.cancel_time_ms)

    def state_text(self, language: Language = "ru") -> str:
        """Return what the state means, in the documentation's words; empty for an unknown state."""
        return self.state.text.in_language(language) if isinstance(self.state, ReceiptState) else ""


def _is_number_row(row: AccountRow) -> bool:
    return row.name == TRANSACTION_ROW_NAME and not row.main


def _moment(time_ms: int) -> datetime | None:
    return _EPOCH + timedelta(milliseconds=time_ms) if 0 < time_ms < _TIME_MS_MAX else None
