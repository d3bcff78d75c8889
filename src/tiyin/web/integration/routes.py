"""The addresses of the integration's script and of the page that writes snippets.

::

    GET /integration/js/checkout.min.js   the script that draws buttons and QR codes
    GET /integration                      the page on which a merchant makes his snippet
"""

from starlette.routing import BaseRoute, Route

from tiyin.web.checkout.context import Checkout
from tiyin.web.integration.checkout_script import SCRIPT_PATH, CheckoutScript
from tiyin.web.integration.page import SnippetPage

__all__ = ["integration_routes"]


def integration_routes(checkout: Checkout, public_url: str = "") -> list[BaseRoute]:
    """Return the routes of the integration.

    Args:
        checkout: What the handlers work with.
        public_url: The checkout's address as the outside sees it; empty for the address that was asked.
    """
    return [
        Route(SCRIPT_PATH, CheckoutScript().serve, methods=["GET"]),
        Route("/integration", SnippetPage(checkout, public_url).show, methods=["GET"]),
    ]
