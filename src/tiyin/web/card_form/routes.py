"""The card form's addresses.

::

    GET /card-form/offer       whose the offer is, where the operator has named no address of it
    GET /card-form/<desk id>   the form
"""

from starlette.routing import BaseRoute, Route

from tiyin.web.card_form.page import OFFER_PATH, CardForm
from tiyin.web.checkout.context import Checkout

__all__ = ["card_form_routes"]


def card_form_routes(checkout: Checkout, *, offer_url: str = "") -> list[BaseRoute]:
    """Return the routes of the card form.

    Args:
        checkout: What the handlers work with.
        offer_url: Where the operator's offer stands; empty leads to a page of ours.
    """
    form = CardForm(checkout, offer_url=offer_url)
    return [
        Route(OFFER_PATH, form.offer, methods=["GET"]),
        Route("/card-form/{desk_id:str}", form.open, methods=["GET"]),
    ]
