"""Shops whose orders are rows of their own database: the kit finds one, locks it, and gives it to the hooks.

`OrderBilling` is for plain functions (Django's ORM, SQLAlchemy's `Session`), `AsyncOrderBilling` for those
who await (`AsyncSession`). A store says how its rows are found: take `ModelBilling` from the Django
integration, or
`RowBilling` and `AsyncRowBilling` from `tiyin.merchant.stores.sqlalchemy`.

Three things that are easily done wrong by hand are done here. The row is locked before a hook sees it, so
that no other transaction, and no code of the shop that locks it too, changes the order meanwhile. What the
payer typed is only looked up: ``01`` and ``1`` are one order, and it is reserved once, by the row's own key.
And a transaction whose order is gone can still be cancelled.
"""

from typing import Generic, TypeVar

from tiyin.merchant.billing import Account, FiscalNotice, Order, Transaction

__all__ = ["AsyncOrderBilling", "OrderBilling"]

O = TypeVar("O")  # noqa: E741 - an order


class OrderBilling(Generic[O]):
    """A shop whose orders are rows. Only `check` must be written (`find` and `key_of` where no store does).

    Every hook runs in the database transaction that its outcome is written in: both are there, or neither.
    Mail and HTTP belong in `after_commit`.

    ```python
    class Shop(ModelBilling[Order]):                     # Django; SQLAlchemy: RowBilling
        model = Order
        account_fields = ("order_id",)

        def check(self, order, amount_tiyin):
            return payme.Order(amount_tiyin=order.total_tiyin)

        def perform(self, order, transaction):
            order.paid = True
            order.save(update_fields=["paid"])
    ```
    """

    account_fields: tuple[str, ...] = ()
    """Names of the cash desk's account fields, the main one first: the one that names the order."""

    def find(self, account: Account, *, lock: bool) -> O:
        """Find the order that an account names.

        Args:
            account: What the payer typed.
            lock: Whether to hold the row until the database transaction ends.

        Raises:
            AccountNotFound: If there is none.
        """
        raise NotImplementedError(
            "say how an order is found: override find, or take a store's own base class"
        )

    def key_of(self, order: O) -> str:
        """Return what names an order for good, such as its primary key: one of its transactions may wait.

        Args:
            order: The order.
        """
        raise NotImplementedError(
            "say what names an order: override key_of, or take a store's own base class"
        )

    def check(self, order: O, amount_tiyin: int) -> Order:
        """Say what may be paid; see `Billing.check`. The row is locked only while a transaction is created.

        Args:
            order: The order that the account names.
            amount_tiyin: What the payer wants to pay, in tiyin.
        """
        raise NotImplementedError("a shop must say what may be paid: override check")

    def create(self, order: O, transaction: Transaction) -> str | int | None:  # noqa: ARG002 - for those who override it
        """Reserve the order; see `Billing.create`.

        Args:
            order: The order, locked.
            transaction: In state 0.
        """
        return None

    def perform(self, order: O, transaction: Transaction) -> None:
        """Mark the order paid; see `Billing.perform`.

        Args:
            order: The order, locked.
            transaction: In state 1.
        """

    def may_cancel(self, order: O, transaction: Transaction) -> bool:  # noqa: ARG002 - the same
        """Say whether a paid order can still be undone; see `Billing.may_cancel`.

        Args:
            order: The order, locked.
            transaction: In state 2.
        """
        return True

    def cancel(self, order: O, transaction: Transaction) -> None:
        """Undo what was done; see `Billing.cancel`. It is left out where the order is gone.

        Args:
            order: The order, locked.
            transaction: In state 1 (never paid) or 2 (paid).
        """

    def fiscal_data(self, notice: FiscalNotice) -> bool:  # noqa: ARG002 - the same
        """Take in the fiscal data of a receipt; see `Billing.fiscal_data`.

        Args:
            notice: The data.
        """
        return False

    def change_password(self, password: str) -> None:
        """Learn that Payme sets another key; see `Billing.change_password`.

        Args:
            password: The new key.
        """


class AsyncOrderBilling(Generic[O]):
    """`OrderBilling` for those who await; each hook means what the hook of that name means there."""

    account_fields: tuple[str, ...] = ()
    """Names of the cash desk's account fields, the main one first."""

    async def find(self, account: Account, *, lock: bool) -> O:
        """Find the order that an account names; see `OrderBilling.find`.

        Args:
            account: What the payer typed.
            lock: Whether to hold the row until the database transaction ends.
        """
        raise NotImplementedError(
            "say how an order is found: override find, or take a store's own base class"
        )

    def key_of(self, order: O) -> str:
        """Return what names an order for good; see `OrderBilling.key_of`.

        Args:
            order: The order.
        """
        raise NotImplementedError(
            "say what names an order: override key_of, or take a store's own base class"
        )

    async def check(self, order: O, amount_tiyin: int) -> Order:
        """Say what may be paid; see `OrderBilling.check`.

        Args:
            order: The order that the account names.
            amount_tiyin: What the payer wants to pay, in tiyin.
        """
        raise NotImplementedError("a shop must say what may be paid: override check")

    async def create(self, order: O, transaction: Transaction) -> str | int | None:  # noqa: ARG002 - for those who override it
        """Reserve the order; see `OrderBilling.create`.

        Args:
            order: The order, locked.
            transaction: In state 0.
        """
        return None

    async def perform(self, order: O, transaction: Transaction) -> None:
        """Mark the order paid; see `OrderBilling.perform`.

        Args:
            order: The order, locked.
            transaction: In state 1.
        """

    async def may_cancel(self, order: O, transaction: Transaction) -> bool:  # noqa: ARG002 - the same
        """Say whether a paid order can still be undone; see `OrderBilling.may_cancel`.

        Args:
            order: The order, locked.
            transaction: In state 2.
        """
        return True

    async def cancel(self, order: O, transaction: Transaction) -> None:
        """Undo what was done; see `OrderBilling.cancel`.

        Args:
            order: The order, locked.
            transaction: In state 1 (never paid) or 2 (paid).
        """

    async def fiscal_data(self, notice: FiscalNotice) -> bool:  # noqa: ARG002 - the same
        """Take in the fiscal data of a receipt; see `Billing.fiscal_data`.

        Args:
            notice: The data.
        """
        return False

    async def change_password(self, password: str) -> None:
        """Learn that Payme sets another key; see `Billing.change_password`.

        Args:
            password: The new key.
        """
