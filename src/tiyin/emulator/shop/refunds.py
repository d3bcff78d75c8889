"""The demo shop gives a paid order's money back, as any shop's server does: receipts.cancel with its key.

Documentation: subscribe-api/receipts.cancel
"""

from typing import Final

from tiyin.emulator.shop.books import Books
from tiyin.emulator.shop.orders import ShopOrder
from tiyin.merchant.billing import OrderState
from tiyin.merchant.subscribe import AsyncSubscribeClient, SubscribeError
from tiyin.protocol.values import Text
from tiyin.runtime.clock import Clock

__all__ = ["NotRefunded", "Refunds"]

_LOOKS: Final = 100
_BETWEEN_LOOKS_S: Final = 0.05


class NotRefunded(Exception):  # reads as what happened
    """The gateway did not take the refund up.

    Args:
        text: Why, for people.
    """

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class Refunds:
    """Gives money back.

    Args:
        books: The orders.
        client: The Subscribe API, with the desk's key.
        clock: Waits.
    """

    def __init__(self, books: Books, client: AsyncSubscribeClient, clock: Clock) -> None:
        self._books = books
        self._client = client
        self._clock = clock

    async def refund(self, order: ShopOrder) -> ShopOrder:
        """Give a paid order's money back; any other order is left as it is.

        The gateway asks the shop first (CancelTransaction), and that is what moves the order. So the order is
        looked at for a few seconds.

        Args:
            order: The order.

        Returns:
            The order as it stands then: cancelled, or still paid while the gateway is at it.

        Raises:
            NotRefunded: If the gateway refuses, or nobody knows whether it heard.
        """
        if order.state != OrderState.PAID or order.transaction is None:
            return order
        try:
            # A transaction's id is the receipt's.
            await self._client.receipts.cancel(order.transaction)
        except SubscribeError as error:
            raise NotRefunded(error.text) from error
        for _ in range(_LOOKS):
            found = await self._books.find(order.id)
            if found is not None and found.state != OrderState.PAID:
                return found
            await self._clock.sleep(_BETWEEN_LOOKS_S)
        return order
