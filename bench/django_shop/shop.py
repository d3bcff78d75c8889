"""What the shop says to the kit: what an order costs, and what happens when it is paid or called off."""

from bench.handwritten.models import Order
from tiyin import merchant
from tiyin.merchant import OrderState
from tiyin.merchant.integrations.django import ModelBilling

__all__ = ["Shop"]

_STATES = {
    Order.State.OPEN: OrderState.WAITING,
    Order.State.PAID: OrderState.PAID,
    Order.State.CANCELLED: OrderState.CANCELLED,
}


class Shop(ModelBilling[Order]):
    """Sells each order once. That an order is reserved, the kit knows by its own row."""

    model = Order
    account_fields = ("order_id",)

    def check(self, order: Order, amount_tiyin: int) -> merchant.Order:  # noqa: ARG002
        return merchant.Order(amount_tiyin=order.amount_tiyin, state=_STATES[Order.State(order.state)])

    def perform(self, order: Order, transaction: merchant.Transaction) -> None:  # noqa: ARG002
        order.state = Order.State.PAID
        order.save(update_fields=["state"])

    def cancel(self, order: Order, transaction: merchant.Transaction) -> None:
        order.state = Order.State.CANCELLED if transaction.paid else Order.State.OPEN
        order.save(update_fields=["state"])
