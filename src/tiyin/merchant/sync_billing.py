"""`SyncBilling`: a shop whose hooks are plain functions, for everybody who does not await."""

from tiyin.merchant.billing import Account, FiscalNotice, Order, Transaction

__all__ = ["SyncBilling"]


class SyncBilling:
    """A shop, as Payme needs it, in plain functions: each means what `Billing`'s hook of that name means.

    Only `check` must be written. Where the kit keeps its transactions in the shop's own database (Django,
    SQLAlchemy), an effect runs in the very database transaction that its outcome is written in: once, or not
    at all. With the kit's own store the hooks run in threads, at least once, as `Billing` describes.

    ```python
    class Shop(SyncBilling):
        def check(self, account, amount_tiyin):
            return Order(amount_tiyin=price_of(account["order_id"]))

        def perform(self, transaction):
            mark_paid(transaction.account["order_id"])
    ```
    """

    account_fields: tuple[str, ...] = ()
    """Names of the cash desk's account fields, the main one first; see `Billing.account_fields`."""

    def check(self, account: Account, amount_tiyin: int) -> Order:
        """Say what may be paid to an account; see `Billing.check`.

        Args:
            account: What the payer typed.
            amount_tiyin: What he wants to pay, in tiyin.

        Raises:
            AccountNotFound: If there is no such order.
            OrderUnavailable: If it cannot be paid for a reason that `OrderState` has no word for.
            WrongAmount: If the amount is wrong in a way that `Order` cannot say.
            SystemDown: If a system that the payment would need is down.
        """
        raise NotImplementedError("a shop must say what may be paid: override SyncBilling.check")

    def create(self, transaction: Transaction) -> str | int | None:  # noqa: ARG002 - for those who override it
        """Reserve the order until it is paid or cancelled; see `Billing.create`.

        Args:
            transaction: In state 0.

        Returns:
            The shop's own number for the transaction, or None.

        Raises:
            CannotPerform: If somebody else was quicker.
            AccountNotFound: If the order is gone.
            OrderUnavailable: If it can no longer be paid.
            SystemDown: If a system that this needs is down.
        """
        return None

    def perform(self, transaction: Transaction) -> None:
        """Mark the order paid; see `Billing.perform`.

        Args:
            transaction: In state 1.

        Raises:
            CannotPerform: If the order can really not be fulfilled.
            AccountNotFound: If the account was closed meanwhile.
            OrderUnavailable: If the order can no longer be fulfilled.
            SystemDown: If a system that this needs is down; Payme tries again, for days.
        """

    def may_cancel(self, transaction: Transaction) -> bool:  # noqa: ARG002 - the same
        """Say whether a paid transaction can still be undone; see `Billing.may_cancel`.

        Args:
            transaction: In state 2.
        """
        return True

    def cancel(self, transaction: Transaction) -> None:
        """Undo what `create` and, if ``transaction.paid``, what `perform` did; see `Billing.cancel`.

        Args:
            transaction: In state 0 or 1 (never paid) or 2 (paid).

        Raises:
            AlreadyDelivered: If a paid order was handed over in full.
            SystemDown: If a system that this needs is down; Payme tries again.
        """

    def fiscal_data(self, notice: FiscalNotice) -> bool:  # noqa: ARG002 - the same
        """Take in the fiscal data of a receipt; see `Billing.fiscal_data`.

        Args:
            notice: The data, and the transaction that it belongs to, if there is one.

        Returns:
            True if the shop knows the receipt.
        """
        return False

    def change_password(self, password: str) -> None:
        """Learn that Payme sets another key for this desk; see `Billing.change_password`.

        Args:
            password: The new key; never log it.

        Raises:
            SystemDown: If it cannot be taken over now; the old key stays.
        """
