"""The same order twice: a second window finds the payment of the first one instead of paying again.

Only one browser's own windows are looked at. What the shop takes only once its own server refuses; a desk
without a server would take both.
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tiyin.gateway.checkout_visits import Step, Visit
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED, CREATED, HELD, PAID
from tiyin.protocol.values import Language
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.views import order_view

__all__ = ["PAYING_MS_MAX", "is_starting", "paid_beside", "show_first", "start_alone"]

PAYING_MS_MAX: Final = 60_000
"""How long a payment may stand at its beginning before the page calls it interrupted."""

PAID_MS_MAX: Final = 900_000
"""How long after a payment the same order in the same browser is taken for a mistake first."""

_TURN_WAIT_S: Final = 0.1
_TURN_TRIES_MAX: Final = 100


def is_starting(checkout: Checkout, visit: Visit | None) -> bool:
    """Tell whether a visit's payment has only just been handed over.

    Args:
        checkout: The checkout.
        visit: The visit, where there is one.
    """
    # A visit without its token has been answered: the receipt itself says how.
    if visit is None or visit.step != Step.PAYING or visit.token_sealed is None:
        return False
    return checkout.gateway.clock.now_ms() - visit.paying_at_ms < PAYING_MS_MAX


async def paid_beside(
    checkout: Checkout, browser: Browser, order_key: str, receipt_id: str | None
) -> Receipt | None:
    """Return the receipt by which this browser is paying the same order, or paid it minutes ago.

    Args:
        checkout: The checkout.
        browser: The browser.
        order_key: What is being paid.
        receipt_id: The receipt that is not looked for: the page's own.
    """
    if not browser.known:
        return None
    now_ms = checkout.gateway.clock.now_ms()
    for visit in await checkout.visits.handed_over(browser.name, order_key):
        if visit.receipt_id is None or visit.receipt_id == receipt_id:
            continue
        receipt = await checkout.receipt(visit.receipt_id)
        if receipt is None or receipt.state == CANCELLED:
            continue
        if receipt.state == CREATED and not is_starting(checkout, visit):
            continue
        if receipt.state in {PAID, HELD} and now_ms - visit.paying_at_ms >= PAID_MS_MAX:
            continue
        return receipt
    return None


def show_first(
    checkout: Checkout, request: Request, sale: Sale, first: Receipt, language: Language, *, again: str
) -> Response:
    """Answer with the page that tells of the first payment.

    Args:
        checkout: The checkout.
        request: The request.
        sale: What was to be paid here.
        first: The first payment's receipt.
        language: The page's language.
        again: Where it can be paid once more on purpose; empty where it cannot.
    """
    return checkout.page(
        request,
        "twice.html",
        language=language,
        order=order_view(
            sale.desk,
            language,
            amount_tiyin=sale.amount_tiyin,
            account=sale.account,
            description=sale.description,
        ),
        receipt=first,
        paid=first.state in {PAID, HELD},
        see=f"/checkout/{first.id}?lang={language}",
        again=again,
        here=sale.path,
    )


async def start_alone(checkout: Checkout, browser: Browser, visit: Visit) -> bool:
    """Hand a visit to its payment, unless the same order is being paid beside it.

    Args:
        checkout: The checkout.
        browser: The browser.
        visit: The visit, whose code was right.

    Returns:
        Whether this caller is the one to pay.
    """
    visits = checkout.visits
    for _ in range(_TURN_TRIES_MAX):
        if await visits.take_turn(browser.name, visit.order_key):
            break
        await checkout.gateway.clock.sleep(_TURN_WAIT_S)
    else:
        return False
    try:
        if await paid_beside(checkout, browser, visit.order_key, visit.receipt_id) is not None:
            return False
        return await visits.start_paying(visit.id)
    finally:
        await visits.end_turn(browser.name, visit.order_key)
