"""What Payme may ask of this shop."""

from shop.models import Order
from tiyin.merchant import Transaction
from tiyin.merchant.billing import Order as Offer
from tiyin.merchant.billing import OrderState
from tiyin.merchant.integrations.django import ModelBilling
from tiyin.merchant.sums import tiyin_from_sums


class Shop(ModelBilling[Order]):
    """Each hook gets the order's row, locked when it may change."""

    model, account_fields = Order, ("order_id",)

    def check(self, order: Order, amount_tiyin: int) -> Offer:
        """Say what an order costs, and whether it can be paid."""
        return Offer(amount_tiyin=tiyin_from_sums(order.total), state=OrderState(order.state))

    def perform(self, order: Order, transaction: Transaction) -> None:
        """Mark the order paid."""
        order.state = Order.State.PAID
        order.save(update_fields=["state"])

    def cancel(self, order: Order, transaction: Transaction) -> None:
        """Call off an order whose money goes back; one that was never paid can be sold again."""
        order.state = Order.State.CANCELLED if transaction.paid else Order.State.WAITING
        order.save(update_fields=["state"])
