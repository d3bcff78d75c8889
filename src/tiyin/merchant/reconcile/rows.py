"""What is compared: a shop's orders, rows of a statement, receipts of Payme, and the period they are from."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Protocol, Self, TypeAlias

import msgspec

from tiyin.merchant.sums import check_tiyin
from tiyin.protocol.receipt import TRANSACTION_ROW_NAME, ReceiptAnswer
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, TIMESTAMP_MS_MAX

__all__ = ["AnyReceipt", "OrderState", "Period", "ReceiptLike", "ReceiptRow", "ShopOrder", "day_of", "row_of"]

DAY_MS: Final = 86_400_000
_TASHKENT_MS: Final = 5 * 3_600_000
_EPOCH: Final = date(1970, 1, 1)
_EPOCH_MOMENT: Final = datetime(1970, 1, 1, tzinfo=UTC)


class OrderState(StrEnum):
    """Where an order stands in the shop's own books."""

    WAITING = "waiting"
    PAID = "paid"
    CANCELLED = "cancelled"
    REFUNDED = "refunded"


class ShopOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order, or a customer's balance, as the shop's own books have it.

    ```python
    ShopOrder(order="197", amount_tiyin=500_000, state=OrderState.PAID, paid_at_ms=1_700_000_000_000)
    ```

    Args:
        order: What names it in the account of a payment, as text: the value of `order_id`.
        amount_tiyin: What is paid for it, in tiyin. For a balance: what the shop booked in the period, less
            what it gave back.
        state: An `OrderState`.
        paid_at_ms: When the shop booked the payment, in milliseconds since 1970; 0 if that is not known or
            it is not paid.
        refunded_at_ms: When the shop booked the refund; 0 likewise.
        one_time: False for a balance that is paid many times, such as a telephone's.

    Raises:
        TypeError: If an amount is no int.
        ValueError: If a value is out of bounds.
    """

    order: str
    amount_tiyin: int
    state: OrderState
    paid_at_ms: int = 0
    refunded_at_ms: int = 0
    one_time: bool = True

    def __post_init__(self) -> None:
        if not self.order:
            raise ValueError("an order has a name: the value of the account's field")
        if not 0 <= check_tiyin(self.amount_tiyin) <= AMOUNT_TIYIN_MAX:
            raise ValueError(f"an amount is from 0 to {AMOUNT_TIYIN_MAX} tiyin")
        for time_ms in (self.paid_at_ms, self.refunded_at_ms):
            if not 0 <= time_ms <= TIMESTAMP_MS_MAX:
                raise ValueError("a time is milliseconds since 1970, a number of at most 13 digits")


class ReceiptRow(msgspec.Struct, frozen=True, kw_only=True):
    """Of a receipt what is compared.

    ```python
    ReceiptRow(id="5305e3bab097f420a62ced0b", state=4, amount_tiyin=500_000, account={"order_id": "197"})
    ```

    Args:
        id: The receipt's id. Where the cash desk has a billing, its transaction has the same.
        state: A `ReceiptState`, or a number that the documentation does not know.
        amount_tiyin: In tiyin.
        commission_tiyin: What the payer pays beside it, in tiyin.
        create_time_ms: When it was made, in milliseconds since 1970.
        pay_time_ms: When it was paid, or 0.
        cancel_time_ms: When it was cancelled, or 0.
        account: The account's fields.
        desk_id: The cash desk that is paid; empty if that is not known.
        fiscal: Whether the goods are known for the fiscal receipt; None if nobody can tell.
    """

    id: str
    state: int
    amount_tiyin: int
    commission_tiyin: int = 0
    create_time_ms: int = 0
    pay_time_ms: int = 0
    cancel_time_ms: int = 0
    account: Mapping[str, str | int] = {}
    desk_id: str = ""
    fiscal: bool | None = None


class ReceiptLike(Protocol):
    """A receipt as `tiyin.merchant.subscribe` returns it."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as `ReceiptRow`'s, and so all below
    @property
    def state(self) -> int: ...  # noqa: D102
    @property
    def amount_tiyin(self) -> int: ...  # noqa: D102
    @property
    def commission_tiyin(self) -> int: ...  # noqa: D102
    @property
    def create_time_ms(self) -> int: ...  # noqa: D102
    @property
    def pay_time_ms(self) -> int: ...  # noqa: D102
    @property
    def cancel_time_ms(self) -> int: ...  # noqa: D102
    @property
    def account(self) -> Mapping[str, str | int]: ...  # noqa: D102
    @property
    def detail(self) -> Mapping[str, Any] | None: ...  # noqa: D102
    @property
    def desk(self) -> Any: ...  # noqa: D102


AnyReceipt: TypeAlias = ReceiptRow | ReceiptAnswer | ReceiptLike


def row_of(receipt: AnyReceipt) -> ReceiptRow:
    """Return of a receipt what is compared.

    ```python
    row_of(client.receipts.get("5305e3bab097f420a62ced0b"))
    ```

    Args:
        receipt: One that `tiyin.merchant.subscribe` returned, or one as it stands on the wire.
    """
    if isinstance(receipt, ReceiptRow):
        return receipt
    if isinstance(receipt, ReceiptAnswer):
        return ReceiptRow(
            id=receipt.id,
            state=receipt.state,
            amount_tiyin=receipt.amount,
            commission_tiyin=receipt.commission,
            create_time_ms=receipt.create_time,
            pay_time_ms=receipt.pay_time,
            cancel_time_ms=receipt.cancel_time,
            account={
                row.name: row.value
                for row in receipt.account
                if row.main or row.name != TRANSACTION_ROW_NAME  # the automatic one is Payme's own number
            },
            desk_id=receipt.merchant.id,
            fiscal=bool(receipt.detail),
        )
    return ReceiptRow(
        id=receipt.id,
        state=int(receipt.state),
        amount_tiyin=receipt.amount_tiyin,
        commission_tiyin=receipt.commission_tiyin,
        create_time_ms=receipt.create_time_ms,
        pay_time_ms=receipt.pay_time_ms,
        cancel_time_ms=receipt.cancel_time_ms,
        account=receipt.account,
        desk_id="" if receipt.desk is None else receipt.desk.id,
        fiscal=bool(receipt.detail),
    )


class Period(msgspec.Struct, frozen=True):
    """A span of time, both ends included.

    ```python
    Period.days(date(2026, 11, 1), date(2026, 11, 30))
    ```

    Args:
        from_ms: Its first moment, in milliseconds since 1970.
        to_ms: Its last moment.

    Raises:
        ValueError: If it ends before it begins.
    """

    from_ms: int
    to_ms: int

    def __post_init__(self) -> None:
        if self.to_ms < self.from_ms:
            raise ValueError("the period ends before it begins")

    @classmethod
    def days(cls, first: date, last: date | None = None) -> Self:
        """Return whole days of Tashkent (UTC+5).

        Args:
            first: The first day.
            last: The last day; the first by default.

        Raises:
            ValueError: If the last day is before the first.
        """
        from_ms = (first - _EPOCH).days * DAY_MS - _TASHKENT_MS
        to_ms = ((first if last is None else last) - _EPOCH).days * DAY_MS - _TASHKENT_MS + DAY_MS - 1
        return cls(from_ms, to_ms)

    def holds(self, time_ms: int) -> bool:
        """Tell whether a moment is in the period."""
        return self.from_ms <= time_ms <= self.to_ms


def day_of(time_ms: int) -> str:
    """Return the day of a moment in Tashkent, as `2026-11-24`."""
    return _day_text(day_number(time_ms))


def day_number(time_ms: int) -> int:
    """Return the day of a moment in Tashkent, counted from 1970."""
    return (time_ms + _TASHKENT_MS) // DAY_MS


@lru_cache(maxsize=1024)
def _day_text(number: int) -> str:
    return (_EPOCH + timedelta(days=number)).isoformat()


def moment_text(time_ms: int) -> str:
    """Return a moment in Tashkent's time, as `2026-11-24 18:30:05`; `-` for none."""
    if time_ms <= 0:
        return "-"
    moment = _EPOCH_MOMENT + timedelta(milliseconds=time_ms + _TASHKENT_MS)
    return moment.strftime("%Y-%m-%d %H:%M:%S")
