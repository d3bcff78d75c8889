"""The addresses of a payer's receipt."""

from starlette.routing import BaseRoute

from tiyin.web.checkout.context import Checkout

__all__ = ["payer_receipt_routes"]


def payer_receipt_routes(checkout: Checkout) -> list[BaseRoute]:
    """Return the routes of a payer's receipt.

    Args:
        checkout: What the handlers work with.
    """
    del checkout
    return []
