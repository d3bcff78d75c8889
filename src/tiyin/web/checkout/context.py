"""What every handler of the checkout works with: the gateway, the memory of visits, and how it answers."""

import re
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tiyin.gateway.cards.limits import Trying
from tiyin.gateway.checkout_visits import Visits
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.protocol.callback import fill_callback
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.values import Account, Language
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.failures import Failure, Way
from tiyin.web.checkout.network import network_of
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.services import CheckoutGateway
from tiyin.web.render import Templates, language_of

__all__ = ["Checkout", "FormAnswer", "way_back"]

_ID: Final = re.compile(r"[0-9a-f]{24}")
_NOT_FOUND: Final = frozenset({SubscribeCode.MERCHANT_NOT_FOUND, SubscribeCode.RECEIPT_NOT_FOUND})


class FormAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a form's own script is answered, where a plain form gets a page or is led on.

    Args:
        go: Where to go; empty where something has to be corrected first.
        errors: Errors by field.
        title: What is wrong with the whole, where it is no field.
        text: What to do about it.
    """

    go: str = ""
    errors: dict[str, str] = {}
    title: str = ""
    text: str = ""


class Checkout:
    """The checkout of one gateway.

    Args:
        gateway: The gateway.
        templates: The pages' templates.
        encrypted: Whether the outside reaches us by https.
        powered_by: The brand text at the foot of the pages; may be empty.
    """

    def __init__(
        self, gateway: CheckoutGateway, templates: Templates, *, encrypted: bool, powered_by: str
    ) -> None:
        self.gateway: Final = gateway
        self.visits: Final = Visits(gateway.store, gateway.clock)
        self._templates = templates
        self._encrypted = encrypted
        self._powered_by = powered_by

    def browser(self, request: Request) -> Browser:
        """Recognise the request's browser."""
        return Browser.of(request, encrypted=self._encrypted)

    def trying(self, request: Request, browser: Browser, order_key: str) -> Trying:
        """Return who tries a card or a code, for counting what fails.

        Args:
            request: The request.
            browser: Its browser.
            order_key: What is being paid.
        """
        return Trying(browser.name, order_key, network_of(request))

    async def receipt(self, receipt_id: str) -> Receipt | None:
        """Return a receipt of any desk: its address is all that a payer has."""
        # What no id can be is not asked for: PostgreSQL refuses some texts, and calls that a failure.
        return await self.gateway.store.get(RECEIPTS, receipt_id) if _ID.fullmatch(receipt_id) else None

    def page(
        self, request: Request, name: str, *, language: Language, status_code: int = 200, **context: Any
    ) -> Response:
        """Answer with a page of the checkout, or of another room: then its name says which."""
        return self._templates.page(
            request,
            name if "/" in name else f"checkout/{name}",
            language=language,
            status_code=status_code,
            powered_by=self._powered_by,
            **context,
        )

    def not_found(self, request: Request, *, status_code: int = 404) -> Response:
        """Answer that nothing is at this address, or nothing that is asked for in this way."""
        return self.page(request, "not_found.html", language=language_of(request), status_code=status_code)

    def broken(self, request: Request, *, busy: bool) -> Response:
        """Answer that we ourselves failed.

        Args:
            request: The request.
            busy: Whether it will pass by itself, as when the database cannot be reached.
        """
        language = language_of(request)
        return self.page(
            request, "broken.html", language=language, status_code=503 if busy else 500, busy=busy
        )

    def failure_page(
        self,
        request: Request,
        failure: Failure,
        *,
        language: Language | None = None,
        sale: Sale | None = None,
        back: str | None = None,
        again: str = "",
        number: str = "",
        limit_tiyin: int | None = None,
    ) -> Response:
        """Answer with a page that says what happened and what to do.

        Args:
            request: The request.
            failure: What happened.
            language: The page's language, where it is known.
            sale: What was to be paid, where that could be read.
            back: Where the way back leads, where it is not the sale's.
            again: Where the same can be tried again; empty where it cannot.
            number: A number to quote to support; may be empty.
            limit_tiyin: The desk's limit, where the failure is about one.
        """
        language = language or language_of(request)
        words = failure.words(language, limit_tiyin=limit_tiyin)
        if back is None and sale is not None:
            back = way_back(sale.callback, None, sale.account)
        return self.page(
            request,
            "failure.html",
            language=language,
            status_code=_status_of(failure),
            headers=_retry(failure, self.gateway.clock.now_ms()),
            words=words,
            code=failure.code,
            field=failure.field if failure.said is None else "",
            back=back,
            again="" if words.way is Way.SHOP or (words.way is Way.LATER and failure.until_ms) else again,
            number=number,
        )

    def lead(self, request: Request, path: str) -> Response:
        """Lead a browser on after a form."""
        if wants_json(request):
            return JSONResponse(msgspec.to_builtins(FormAnswer(go=path)))
        return RedirectResponse(path, 303)


def _status_of(failure: Failure) -> int:
    if failure.until_ms:
        return 429
    return 404 if failure.code in _NOT_FOUND else 400


def _retry(failure: Failure, now_ms: int) -> dict[str, str] | None:
    if not failure.until_ms:
        return None
    return {"Retry-After": str(max(1, -(-(failure.until_ms - now_ms) // 1000)))}


def wants_json(request: Request) -> bool:
    """Tell whether a form was sent by the page's own script."""
    return request.headers.get("accept", "").startswith("application/json")


def way_back(callback: str | None, transaction_id: str | None, account: Account) -> str | None:
    """Return where the way back to the shop leads, or None where the shop named nothing that is safe to open.

    Args:
        callback: The shop's address with its placeholders.
        transaction_id: The transaction at the shop, once there is one.
        account: The account, for the placeholders.
    """
    return None if callback is None else fill_callback(callback, transaction_id, account)
