"""The demo shop's `Billing`: how its orders are paid with Payme."""

from collections.abc import Mapping
from typing import Any, Final

from tiyin.emulator.shop.books import Books
from tiyin.emulator.shop.orders import Effect, Outcome, ShopOrder
from tiyin.emulator.shop.products import find_product
from tiyin.merchant.billing import Account, Billing, Order, OrderState, Transaction
from tiyin.merchant.refusals import AccountNotFound, CannotPerform

__all__ = ["ACCOUNT_FIELD", "ShopBilling"]

ACCOUNT_FIELD: Final = "order_id"
"""The one field of the desk's account: the order's number."""

_VAT_PERCENT: Final = 12


class ShopBilling(Billing):
    """Orders that are paid once, by their number.

    Args:
        books: The shop's orders.
    """

    account_fields = (ACCOUNT_FIELD,)

    def __init__(self, books: Books) -> None:
        self._books = books

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        """Say what an order costs and whether it is open.

        An order that a transaction has reserved is told as waiting: the kit knows its own transactions, and
        answers for them with the documented codes.
        """
        del amount_tiyin  # the kit compares it with the order's
        order = await self._books.count_check(account[ACCOUNT_FIELD])
        if order is None:
            raise AccountNotFound(ACCOUNT_FIELD)
        reserved = order.state == OrderState.RESERVED
        return Order(
            amount_tiyin=order.amount_tiyin,
            state=OrderState.WAITING if reserved else OrderState(order.state),
            detail=_detail(order),
        )

    async def create(self, transaction: Transaction) -> str | int | None:
        """Reserve the order."""
        await self._act(transaction, Effect.RESERVE)
        return None

    async def perform(self, transaction: Transaction) -> None:
        """Mark the order paid."""
        await self._act(transaction, Effect.PAY)

    async def cancel(self, transaction: Transaction) -> None:
        """Open the order again if it was never paid, else cancel it; what is not there needs no undoing."""
        effect = Effect.REFUND if transaction.paid else Effect.RELEASE
        await self._books.act(transaction.account[ACCOUNT_FIELD], transaction.id, effect)

    async def _act(self, transaction: Transaction, effect: Effect) -> None:
        outcome = await self._books.act(transaction.account[ACCOUNT_FIELD], transaction.id, effect)
        if outcome is Outcome.NO_ORDER:
            raise AccountNotFound(ACCOUNT_FIELD)
        if outcome is Outcome.REFUSED:
            raise CannotPerform


def _detail(order: ShopOrder) -> Mapping[str, Any] | None:
    """Describe the goods for the fiscal receipt; an order that was made by amount alone has none."""
    product = find_product(order.product)
    if product is None:
        return None
    return {
        "receipt_type": 0,
        "items": [
            {
                "title": product.title.ru,
                "price": product.price_tiyin,
                "count": 1,
                "code": product.ikpu,
                "package_code": "1000001",
                "vat_percent": _VAT_PERCENT,
            }
        ],
    }
