"""What a shop implements: `Billing`, and the words it speaks in (`Account`, `Order`, `Transaction`).

A shop says what it knows (does this order exist, what does it cost, is it open) and does what only it can do
(mark an order paid). Everything that the protocol demands around that is the kit's: codes, states, repeats,
races, expiry.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal

import msgspec

from tiyin.merchant.refusals import AccountNotFound, OrderUnavailable
from tiyin.protocol.errors import MerchantCode
from tiyin.protocol.merchant_api import Receiver
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, read_id

__all__ = [
    "Account",
    "Billing",
    "Effect",
    "FiscalNotice",
    "Order",
    "OrderState",
    "Receiver",
    "Transaction",
]

Effect = Literal["create", "perform", "cancel"]
"""The three things that a shop does for a transaction. (transaction id, effect) is what each is known by."""


class Account(dict[str, str]):
    """What the payer typed: the fields of the cash desk and their values.

    Every value is text, also where Payme sent a number: `1` and `"1"` are one account. Asking for a field
    that was not sent refuses the payment with that field's name, so a shop may simply write
    ``account["order_id"]``.
    """

    def __missing__(self, field: str) -> str:
        raise AccountNotFound(field)


class OrderState(StrEnum):
    """What an order is to someone who wants to pay it."""

    WAITING = "waiting"
    RESERVED = "reserved"
    PAID = "paid"
    CANCELLED = "cancelled"
    BLOCKED = "blocked"


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a shop says about an account: what may be paid to it.

    Args:
        amount_tiyin: The only right amount, in tiyin; None if the payer chooses it.
        amount_tiyin_min: The least a payer may choose, in tiyin.
        amount_tiyin_max: The most a payer may choose, in tiyin.
        state: Whether it can be paid. Anything but `WAITING` is refused with words of its own.
        one_time: True for an order, which is paid once; False for a balance, which takes any number of
            payments.
        field: The account's field to name when the order is refused; the account's first one by default.
        key: What a waiting transaction reserves; by default the whole account. Give the order's number if
            your account has further fields that do not name the order.
        receivers: How the payment is split, if it is: cash desks and their parts, which add up to the amount.
        additional: What Payme shows beside the payment (a balance, an order's contents).
        detail: The goods, for the fiscal receipt; the shape that `merchant-api/CheckPerformTransaction`
            draws.

    Raises:
        ValueError: If an amount is not a whole number of tiyin in bounds, the amounts contradict each other,
            or a receiver's id is not one.
    """

    amount_tiyin: int | None = None
    amount_tiyin_min: int = 1
    amount_tiyin_max: int = AMOUNT_TIYIN_MAX
    state: OrderState = OrderState.WAITING
    one_time: bool = True
    field: str | None = None
    key: str | None = None
    receivers: Sequence[Receiver] | None = None
    additional: Mapping[str, Any] | None = None
    detail: Mapping[str, Any] | msgspec.Struct | None = None

    def __post_init__(self) -> None:
        if self.amount_tiyin is not None and not _is_amount(self.amount_tiyin):
            raise _no_amount("amount_tiyin", self.amount_tiyin)
        low, high = self.amount_tiyin_min, self.amount_tiyin_max
        if not (_is_amount(low) and _is_amount(high) and low <= high):
            raise _no_amount("each bound (the lower one first)", (low, high))
        for receiver in self.receivers or ():
            read_id(receiver.id)
            if not _is_amount(receiver.amount):
                raise _no_amount("a receiver's amount", receiver.amount)


class Transaction(msgspec.Struct, frozen=True, kw_only=True):
    """A payment as the hooks see it, as it stood before the hook.

    Attributes:
        id: Payme's id of it, 24 characters.
        number: Its number on the shop's side, as Payme is told.
        account: What the payer typed.
        amount_tiyin: The amount, in tiyin.
        state: 0 while `create` runs, 1 waiting, 2 paid, -1 cancelled, -2 cancelled after it was paid.
        time_ms: When Payme made it, in milliseconds since 1970.
        create_time_ms: When the shop took it in, in milliseconds since 1970.
        perform_time_ms: When it was paid, in milliseconds since 1970; 0 if it was not.
        reason: For `cancel`: why (1-5, 10; 4 is the timeout). None otherwise.
        receivers: How the payment is split; None if it is not.
        repeated: True if the same effect was begun before and its end is not known (a crash, an exception).
        perform_unfinished: For `cancel`: True if `perform` was begun for it and its end is not known.
    """

    id: str
    number: str
    account: Account
    amount_tiyin: int
    state: int
    time_ms: int
    create_time_ms: int
    perform_time_ms: int = 0
    reason: int | None = None
    receivers: tuple[Receiver, ...] | None = None
    repeated: bool = False
    perform_unfinished: bool = False

    @property
    def paid(self) -> bool:
        """Whether the payment was performed."""
        return self.state == 2


class FiscalNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Fiscal data of a receipt, as the tax office registered it.

    Documentation: merchant-api/SetFiscalData

    Attributes:
        id: Payme's id of the receipt. It is a transaction's id only for payments made through this desk's
            billing.
        type: ``PERFORM`` for the payment, ``CANCEL`` for its refund: two documents of their own.
        fiscal_data: The document's fields as they were sent.
        transaction: The transaction of that id, if there is one.
    """

    id: str
    type: Literal["PERFORM", "CANCEL"]
    fiscal_data: Mapping[str, Any]
    transaction: Transaction | None


class Billing:
    """A shop, as Payme needs it. Only `check` must be written; the rest does nothing until it is overridden.

    **Effects.** `create`, `perform` and `cancel` change the shop. With the kit's own store each of them runs
    at least once, never two at a time for one transaction (not even in two processes), and never again after
    it has returned. Only a crash, an exception or a lost database in the middle makes it run a second time,
    with ``transaction.repeated`` set: (``transaction.id``, the effect's name) is the key by which a shop
    recognises its own work. Write it down in the same database transaction as the work, and the effect
    happens exactly once.

    **Saying no.** A hook raises what `tiyin.merchant.refusals` offers, and then it must have changed nothing.
    Any other exception is answered -32400, the cause is logged, the transaction stands as it stood, and Payme
    asks again.

    **Never** in a hook: change a `Transaction` yourself, call Payme about the same transaction, or wait for a
    person. A hook that takes longer than the kit's patience is answered -32400 for it, and it is cancelled
    when its lease ends.
    """

    account_fields: tuple[str, ...] = ()
    """Names of the cash desk's account fields, the main one first. If given, a missing or a foreign field is
    refused before `check` is asked."""

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        """Say what may be paid to an account.

        When: with CheckPerformTransaction and with a CreateTransaction that is new. It may run any number of
            times, also
        for people who then do not pay, also at the same time as anything else.

        Never: reserve, change or promise anything here.

        Args:
            account: What the payer typed.
            amount_tiyin: What he wants to pay, in tiyin. The kit compares it with the answer; look at it only
                if the answer depends on it.

        Returns:
            What may be paid. The kit turns it into the documented codes.

        Raises:
            AccountNotFound: If there is no such order (`account[field]` raises it for a field that was not
                sent).
            OrderUnavailable: If it cannot be paid for a reason that `OrderState` has no word for.
            WrongAmount: If the amount is wrong in a way that `Order` cannot say.
            SystemDown: If a system that the payment would need is down.
        """
        raise NotImplementedError("a shop must say what may be paid: override Billing.check")

    async def create(self, transaction: Transaction) -> str | int | None:  # noqa: ARG002 - for those who override it
        """Reserve the order and its goods until it is paid or cancelled.

        When: once for each transaction that passed `check`, before Payme is told that it stands.

        Never: treat the order as paid.

        Args:
            transaction: In state 0.

        Returns:
            The shop's own number for the transaction, at most 255 characters, which Payme will show; None
            lets the kit give one.

        Raises:
            CannotPerform: If somebody else was quicker.
            AccountNotFound: If the order is gone.
            OrderUnavailable: If it can no longer be paid.
            SystemDown: If a system that this needs is down.
        """
        return None

    async def perform(self, transaction: Transaction) -> None:
        """Mark the order paid. The money has already left the payer's card.

        When: once for each transaction that Payme performs. It never runs after `cancel`.

        Never: refuse for convenience: a refusal sends the money back.

        Args:
            transaction: In state 1.

        Raises:
            CannotPerform: If the order can really not be fulfilled.
            AccountNotFound: If the account was closed meanwhile.
            OrderUnavailable: If the order can no longer be fulfilled.
            SystemDown: If a system that this needs is down; Payme tries again, for days.
        """

    async def may_cancel(self, transaction: Transaction) -> bool:  # noqa: ARG002 - the same
        """Say whether a paid transaction can still be undone.

        When: with CancelTransaction of a paid transaction, before `cancel`. It may run any number of times.

        Never: change anything here.

        Args:
            transaction: In state 2.

        Returns:
            False if the goods were handed over in full: Payme gets -31007 and the payment stays.
        """
        return True

    async def cancel(self, transaction: Transaction) -> None:
        """Undo what `create` and, if ``transaction.paid``, what `perform` did.

        When: once for each transaction that is cancelled: by Payme, by a refund, or because it was not paid
            within
        twelve hours (then ``transaction.reason`` is 4). In state 0 `create` may have run or not; with
        ``transaction.perform_unfinished`` `perform` may have run or not: undo whatever is there.

        Never: send money back yourself; Payme does it when this has returned.

        Args:
            transaction: In state 0 or 1 (never paid: the order may be sold again) or 2 (paid: the order is
                off).

        Raises:
            AlreadyDelivered: If a paid order was handed over in full.
            SystemDown: If a system that this needs is down; Payme tries again.
        """

    async def fiscal_data(self, notice: FiscalNotice) -> bool:  # noqa: ARG002 - the same
        """Take in the fiscal data of a receipt.

        When: with SetFiscalData, for any receipt of the cash desk, also one that never was a transaction
            here. It comes
        at least once for each of the two types, and may come again.

        Returns:
            True if the shop knows the receipt. With False (the default) the kit keeps the data for receipts
            that are its transactions and answers -32001 for others.
        """
        return False

    async def change_password(self, password: str) -> None:
        """Learn that Payme sets another key for this desk.

        When: with ChangePassword, where `MerchantApi` allows it, before the kit stores the key's digest. The
            kit accepts
        the old key until the new one was used once.

        Never: log it.

        Args:
            password: The new key.

        Raises:
            SystemDown: If it cannot be taken over now; the old key stays.
        """


_STATE_CODES = {
    OrderState.RESERVED: MerchantCode.ACCOUNT_BUSY,
    OrderState.PAID: MerchantCode.ACCOUNT_PAID,
    OrderState.CANCELLED: MerchantCode.ACCOUNT_CANCELLED,
    OrderState.BLOCKED: MerchantCode.ACCOUNT_OTHER,
}


def unavailable(state: OrderState, field: str) -> OrderUnavailable:
    """Return the refusal of an order that is not waiting, with its state's own code and words."""
    return OrderUnavailable(field, code=_STATE_CODES[state])


def _is_amount(value: object) -> bool:
    return type(value) is int and 0 < value <= AMOUNT_TIYIN_MAX


def _no_amount(name: str, value: object) -> ValueError:
    return ValueError(f"{name} is a whole number of tiyin from 1 to {AMOUNT_TIYIN_MAX}, not {value!r}")
