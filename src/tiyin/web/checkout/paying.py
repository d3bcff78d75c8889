"""The payment, which runs on its own: a browser that goes away takes nothing with it.

Documentation: subscribe-api/receipts.pay
"""

import asyncio
from typing import Final

import msgspec

from tiyin.gateway.checkout_visits import Visit
from tiyin.protocol.errors import RpcError
from tiyin.runtime.logs import get_logger
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.failures import Failure
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.twice import start_alone

__all__ = ["start_payment"]

_QUICK_S: Final = 1.5
"""A payment that ends within this many seconds shows its result at once, without a page of progress."""

_log: Final = get_logger("tiyin.checkout")


async def start_payment(checkout: Checkout, browser: Browser, sale: Sale, visit: Visit, token: str) -> None:
    """Begin the payment once, and give it a moment to end; not while the same order is paid beside it.

    Args:
        checkout: The checkout.
        browser: The browser.
        sale: What is being paid.
        visit: The visit, whose code was right.
        token: The card's token.
    """
    if not await start_alone(checkout, browser, visit):
        return
    task = checkout.gateway.tasks.start(_pay(checkout, sale, visit.id, token), name="checkout.pay")
    await asyncio.wait({task}, timeout=_QUICK_S)


async def _pay(checkout: Checkout, sale: Sale, visit_id: str, token: str) -> None:
    receipt_id = str(sale.receipt_id)
    try:
        await checkout.gateway.receipts.pay(sale.desk, receipt_id, token)
    except RpcError as error:
        _log.info("checkout_payment_refused", receipt_id=receipt_id, code=error.code)
        await checkout.visits.failed(visit_id, msgspec.json.encode(Failure.of(error)).decode())
    else:
        await checkout.visits.paid(visit_id)
