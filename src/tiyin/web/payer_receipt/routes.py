"""The addresses of a payer's receipt.

::

    GET  /checkout/<receipt id>/receipt        the page
    GET  /checkout/<receipt id>/receipt.pdf    the PDF
    POST /checkout/<receipt id>/mail           send it to an e-mail address
"""

from starlette.routing import BaseRoute, Route

from tiyin.web.checkout.context import Checkout
from tiyin.web.payer_receipt.page import PayerReceipt

__all__ = ["payer_receipt_routes"]


def payer_receipt_routes(checkout: Checkout) -> list[BaseRoute]:
    """Return the routes of a payer's receipt.

    Args:
        checkout: What the handlers work with.
    """
    receipts, receipt = PayerReceipt(checkout), "/checkout/{receipt_id:str}"
    return [
        Route(f"{receipt}/receipt", receipts.open, methods=["GET"]),
        Route(f"{receipt}/receipt.pdf", receipts.pdf, methods=["GET"]),
        Route(f"{receipt}/mail", receipts.mail, methods=["POST"]),
    ]
