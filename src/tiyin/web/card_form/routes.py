"""The card form's addresses."""

from starlette.routing import BaseRoute

from tiyin.web.checkout.context import Checkout

__all__ = ["card_form_routes"]


def card_form_routes(checkout: Checkout) -> list[BaseRoute]:
    """Return the routes of the card form.

    Args:
        checkout: What the handlers work with.
    """
    del checkout
    return []
