"""A receipt's page: the card while it waits, the code, progress while it is being paid, and the result.

What is shown follows the receipt's own state; the browser's visit only adds which step this payer is at.

Documentation: subscribe-api/receipt-states, checkout/get-link
"""

from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tiyin.gateway.checkout_visits import Step, Visit
from tiyin.gateway.receipts.records import Receipt, error_of
from tiyin.gateway.receipts.states import (
    BILLING,
    CANCELLED,
    CANCELLING,
    CLOSING,
    CREATED,
    DEBIT,
    HELD,
    HOLDING,
    PAID,
    PAUSED,
    QUEUED,
)
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.merchant_params import Reason
from tiyin.protocol.values import Language
from tiyin.web.checkout import card, code
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.context import Checkout, way_back
from tiyin.web.checkout.failures import Failure, Way, expired, interrupted, refunded, withdrawn
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.twice import is_starting, paid_beside, show_first
from tiyin.web.checkout.views import order_view
from tiyin.web.payer_receipt.keeping import keeping_of
from tiyin.web.render import language_of

__all__ = ["ReceiptPage"]

RETURN_FRESH_MS: Final = 300_000
"""How long after the payment the page still leads back by itself; opened later, it only tells."""

_PROGRESS: Final = {BILLING: 1, DEBIT: 2, HOLDING: 2, CLOSING: 3, QUEUED: 3}


class ReceiptPage:
    """The handlers of a receipt's page.

    Args:
        checkout: What they work with.
    """

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    async def open(self, request: Request) -> Response:
        """`GET /checkout/<receipt id>`: where the receipt and this payer stand."""
        found = await self._find(request)
        if isinstance(found, Response):
            return found
        receipt, sale, visit, language = found
        if receipt.state == CREATED:
            return await self._waiting(request, receipt, sale, visit, language)
        if receipt.state in _PROGRESS:
            return self._progress(request, sale, language, _PROGRESS[receipt.state])
        if receipt.state in {PAUSED, CANCELLING}:
            return self._told(request, "unclear.html", receipt, sale, language)
        if receipt.state == CANCELLED:
            return self._cancelled(request, receipt, sale, visit, language)
        return self._paid(request, receipt, sale, visit, language)

    async def submit_card(self, request: Request) -> Response:
        """`POST /checkout/<receipt id>`: the card typed on its page."""
        found = await self._find(request)
        if isinstance(found, Response):
            return found
        receipt, sale, visit, language = found
        if visit is not None:
            sale = msgspec.structs.replace(sale, order=visit.order_key)
        if receipt.state != CREATED:
            return self._checkout.lead(request, card.receipt_address(sale, receipt.id, language))
        return await card.submit(self._checkout, request, sale, language)

    async def submit_code(self, request: Request) -> Response:
        """`POST /checkout/<receipt id>/code`: the code from the SMS."""
        found = await self._find(request)
        if isinstance(found, Response):
            return found
        receipt, sale, visit, language = found
        if visit is None or receipt.state != CREATED:
            return self._checkout.lead(request, card.receipt_address(sale, receipt.id, language))
        return await code.submit(self._checkout, request, sale, visit, language)

    async def code_again(self, request: Request) -> Response:
        """`POST /checkout/<receipt id>/code/again`: send another code."""
        found = await self._find(request)
        if isinstance(found, Response):
            return found
        receipt, sale, visit, language = found
        if visit is None or receipt.state != CREATED:
            return self._checkout.lead(request, card.receipt_address(sale, receipt.id, language))
        return await code.again(self._checkout, request, sale, visit, language)

    async def progress(self, request: Request) -> Response:
        """`GET /checkout/<receipt id>/progress`: how far the payment is, for the page's script."""
        found = await self._find(request)
        if isinstance(found, Response):
            return JSONResponse({"step": 0}, 404)
        receipt, _, visit, _ = found
        under_way = receipt.state in _PROGRESS or (
            receipt.state == CREATED and is_starting(self._checkout, visit)
        )
        return JSONResponse({"step": _PROGRESS.get(receipt.state, 1) if under_way else 0})

    async def _find(self, request: Request) -> tuple[Receipt, Sale, Visit | None, Language] | Response:
        """Return receipt, sale, this browser's visit and the language; or the page that says it is gone."""
        language = language_of(request)
        receipt = await self._checkout.receipt(request.path_params["receipt_id"])
        desk = None if receipt is None else await self._checkout.gateway.desks.find(receipt.desk_id)
        if receipt is None or desk is None:
            failure = Failure.of(RpcError(SubscribeCode.RECEIPT_NOT_FOUND))
            return self._checkout.failure_page(request, failure, language=language)
        timeout = request.query_params.get("timeout", "")
        return_ms = int(timeout) if timeout.isascii() and timeout.isdigit() and len(timeout) < 10 else None
        sale = Sale.of_receipt(desk, receipt, f"/checkout/{receipt.id}", language, return_ms)
        browser = self._checkout.browser(request)
        visit = (
            await self._checkout.visits.newest(browser.name, receipt_id=receipt.id) if browser.known else None
        )
        return receipt, sale, visit, language

    async def _waiting(
        self, request: Request, receipt: Receipt, sale: Sale, visit: Visit | None, language: Language
    ) -> Response:
        checkout = self._checkout
        browser = checkout.browser(request)
        if is_starting(checkout, visit):
            return self._progress(request, sale, language, 1)
        first = await self._paid_beside(browser, receipt, visit)
        if first is not None and visit is not None:
            again = f"{visit.opened_from}?again={first.id}&lang={language}" if visit.opened_from else ""
            return show_first(checkout, request, sale, first, language, again=again)
        if not sale.desk.active:
            error = RpcError(SubscribeCode.MERCHANT_NOT_FOUND)
            return card.refusal(checkout, request, sale, language, error)
        if visit is not None and visit.step == Step.CODE and "card" not in request.query_params:
            return code.show(checkout, request, browser, sale, visit, language)
        failure = _failure_of(visit, receipt)
        if failure is not None:
            return self._failed(request, browser, sale, failure, language)
        return await card.open_page(checkout, request, sale, language)

    def _failed(
        self, request: Request, browser: Browser, sale: Sale, failure: Failure, language: Language
    ) -> Response:
        """Tell why the last try did not succeed, with the card's form where another card may."""
        checkout = self._checkout
        if failure.words(language).way is Way.CARD or "card" in request.query_params:
            trouble = card.Trouble(failure=None if "card" in request.query_params else failure)
            return card.show(checkout, request, browser, sale, language, trouble=trouble)
        again = f"{card.receipt_address(sale, str(sale.receipt_id), language)}&card=other"
        return checkout.failure_page(
            request, failure, language=language, sale=sale, again=again, number=str(sale.receipt_id)
        )

    async def _paid_beside(self, browser: Browser, receipt: Receipt, visit: Visit | None) -> Receipt | None:
        """Return what another window paid, where this one came by an order's page and not a receipt's."""
        if visit is None or visit.order_key == receipt.id:
            return None
        return await paid_beside(self._checkout, browser, visit.order_key, receipt.id)

    def _progress(self, request: Request, sale: Sale, language: Language, step: int) -> Response:
        return self._checkout.page(
            request,
            "progress.html",
            language=language,
            order=order_view(
                sale.desk,
                language,
                amount_tiyin=sale.amount_tiyin,
                account=sale.account,
                for_anybody=True,
            ),
            step=step,
            number=sale.receipt_id,
            poll=f"/checkout/{sale.receipt_id}/progress",
            look_again=card.receipt_address(sale, str(sale.receipt_id), language),
        )

    def _paid(
        self, request: Request, receipt: Receipt, sale: Sale, visit: Visit | None, language: Language
    ) -> Response:
        age_ms = self._checkout.gateway.clock.now_ms() - receipt.pay_time_ms
        back = way_back(sale.callback, receipt.id, sale.account)
        fresh = visit is not None and receipt.state == PAID and age_ms < RETURN_FRESH_MS
        return self._told(
            request,
            "held.html" if receipt.state == HELD else "paid.html",
            receipt,
            sale,
            language,
            back=back,
            return_s=-(-sale.return_ms // 1000) if fresh and back is not None else None,
            fresh=fresh,
            card_number=visit.card_number if visit is not None else "",
        )

    def _cancelled(
        self, request: Request, receipt: Receipt, sale: Sale, visit: Visit | None, language: Language
    ) -> Response:
        if receipt.reference is not None:
            words = refunded(language)
        elif receipt.cancel_reason == Reason.TIMEOUT:
            words = expired(language)
        else:
            failure = _failure_of(visit, receipt)
            words = withdrawn(language) if failure is None else failure.words(language)
        again = visit.opened_from if visit is not None and words.way is not Way.SHOP else ""
        return self._told(
            request,
            "cancelled.html",
            receipt,
            sale,
            language,
            words=words,
            back=way_back(sale.callback, receipt.id if receipt.attempt else None, sale.account),
            again=f"{again}?lang={language}" if again else "",
        )

    def _told(
        self,
        request: Request,
        name: str,
        receipt: Receipt,
        sale: Sale,
        language: Language,
        **context: Any,
    ) -> Response:
        context.setdefault("back", way_back(sale.callback, receipt.id, sale.account))
        browser = self._checkout.browser(request)
        response = self._checkout.page(
            request,
            name,
            language=language,
            order=order_view(
                sale.desk,
                language,
                amount_tiyin=sale.amount_tiyin,
                account=sale.account,
                description=sale.description,
                detail=sale.detail,
                for_anybody=True,
            ),
            receipt=receipt,
            keeping=keeping_of(self._checkout, browser, receipt, language),
            **context,
        )
        browser.remember(response)
        return response


def _failure_of(visit: Visit | None, receipt: Receipt) -> Failure | None:
    """Return why the last try to pay did not succeed, where there was one."""
    error = error_of(receipt)
    if receipt.state == CANCELLED and error is not None:
        return Failure.of(error)
    if visit is None:
        return None
    if visit.failure:
        return msgspec.json.decode(visit.failure, type=Failure)
    if visit.step != Step.PAYING:
        return None
    # Handed to the payment, and the receipt waits again: refused, or never begun.
    return interrupted() if error is None else Failure.of(error)
