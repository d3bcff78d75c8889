"""The checkout's addresses.

::

    POST /                                 a shop's form
    GET, POST /fallback/merchant/          a desk without billing: the payer types amount and account
    GET, POST /checkout/order/<order id>   the order that it left
    GET, POST /checkout/<receipt id>       a receipt: card, code, progress, result
    POST /checkout/<receipt id>/code       the code; /code/again for another one
    GET  /checkout/<receipt id>/progress   how far the payment is, for the page's script
    GET, POST /<base64>                    a link; last, since it takes what is left
"""

from starlette.routing import BaseRoute, Route

from tiyin.web.checkout import open_desk
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.links import Links
from tiyin.web.checkout.receipt_page import ReceiptPage

__all__ = ["checkout_routes"]


def checkout_routes(checkout: Checkout) -> list[BaseRoute]:
    """Return the checkout's routes; the last of them takes every path that is left.

    Args:
        checkout: What the handlers work with.
    """
    links, receipts, desks = Links(checkout), ReceiptPage(checkout), open_desk.OpenDesk(checkout)
    order, receipt = "/checkout/order/{order_id:str}", "/checkout/{receipt_id:str}"
    return [
        Route("/", links.take_form, methods=["POST"]),
        *(
            Route(path, handler, methods=[method])
            for path in (open_desk.PATH, open_desk.PATH.rstrip("/"))
            for method, handler in (("GET", desks.open), ("POST", desks.submit))
        ),
        Route(order, links.open_order, methods=["GET"]),
        Route(order, links.submit_order, methods=["POST"]),
        Route(f"{receipt}/code", receipts.submit_code, methods=["POST"]),
        Route(f"{receipt}/code/again", receipts.code_again, methods=["POST"]),
        Route(f"{receipt}/progress", receipts.progress, methods=["GET"]),
        Route(receipt, receipts.open, methods=["GET"]),
        Route(receipt, receipts.submit_card, methods=["POST"]),
        Route("/{link:path}", links.open_link, methods=["GET"]),
        Route("/{link:path}", links.submit_link, methods=["POST"]),
    ]
