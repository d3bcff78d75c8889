"""The addresses of the integration's script and of the page that writes snippets."""

from starlette.routing import BaseRoute

from tiyin.web.checkout.context import Checkout

__all__ = ["integration_routes"]


def integration_routes(checkout: Checkout) -> list[BaseRoute]:
    """Return the routes of the integration.

    Args:
        checkout: What the handlers work with.
    """
    del checkout
    return []
