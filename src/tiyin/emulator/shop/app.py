"""The demo shop's pages and its small JSON interface.

| request | what |
|---|---|
| `GET /shop` | the page with the products |
| `POST /shop/orders {"amount": 500000}` | makes an order: `{"order_id", "pay_url"}`; a form is led on |
| `GET /shop/orders/1` | `{"order_id", "amount", "state", "hooks"}`; a page for browsers |
| `POST /shop/orders/1/refund` | gives a paid order's money back; answers the order |
"""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tiyin.emulator.bodies import BadBody, json_answer, read_posted, wants_page
from tiyin.emulator.pages import Pages
from tiyin.emulator.shop.billing import ACCOUNT_FIELD
from tiyin.emulator.shop.books import Books, BooksCrowded
from tiyin.emulator.shop.orders import Hook, ShopOrder
from tiyin.emulator.shop.products import PRODUCTS, find_product
from tiyin.emulator.shop.refunds import NotRefunded, Refunds
from tiyin.protocol.checkout_link import CheckoutRequest, write_link
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, DEFAULT_LANGUAGE, LANGUAGES, Language, read_amount
from tiyin.runtime.logs import get_logger
from tiyin.storage.errors import StorageError
from tiyin.web.headers import PAGE_HEADERS
from tiyin.web.render import language_of

__all__ = ["ShopAddresses", "shop_app"]

_ORDERS_SHOWN: Final = 5
_ORDER_ID: Final = re.compile(r"[1-9][0-9]{0,17}")
_BY_ACCEPT: Final = {"Vary": "Accept, Accept-Language"}
_OWN_SITES: Final = ("same-origin", "none")
_METHODS: Final[tuple[tuple[Hook, str], ...]] = (
    ("check", "CheckPerformTransaction"),
    ("create", "CreateTransaction"),
    ("perform", "PerformTransaction"),
    ("cancel", "CancelTransaction"),
)

_log = get_logger("tiyin.shop")


class ShopAddresses(msgspec.Struct, frozen=True):
    """Where the shop is, and where its orders are paid.

    Args:
        shop: The shop's own address, with `/shop` at its end.
        checkout: The root of the checkout.
        desk: The id of the shop's cash desk.
    """

    shop: str
    checkout: str
    desk: str


def shop_app(
    books: Books, addresses: ShopAddresses, pages: Pages, *, refunds: Refunds | None = None
) -> Starlette:
    """Make the shop's site.

    Args:
        books: Its orders.
        addresses: Where everything is.
        pages: Draws the pages.
        refunds: Gives money back; None where nobody does.
    """
    shop = _Shop(books, addresses, pages, refunds)
    return Starlette(
        routes=[
            Route("/shop", shop.front),
            Route("/shop/", shop.front),
            Route("/shop/orders", shop.new_order, methods=["POST"]),
            Route("/shop/orders/{order_id}", shop.order, methods=["GET"]),
            Route("/shop/orders/{order_id}/refund", shop.refund, methods=["POST"]),
            *pages.static_routes(),
        ],
        exception_handlers={StorageError: _books_closed, BooksCrowded: _books_closed},
    )


async def _books_closed(request: Request, error: Exception) -> Response:
    """Answer when the books can be neither read nor written; nothing was written half."""
    _log.error("shop_books_unavailable", path=request.url.path, error=type(error).__name__)
    return json_answer(
        {"error": "The shop's books cannot be used now: try again.", "field": None}, status=503
    )


class _Shop:
    def __init__(self, books: Books, addresses: ShopAddresses, pages: Pages, refunds: Refunds | None) -> None:
        self._books = books
        self._refunds = refunds
        self._addresses = addresses
        self._pages = pages
        checkout = urlsplit(addresses.checkout)
        # The payment page may be another site's: the form's answer leads there, and browsers ask the policy
        # first.
        self._headers = {
            "Content-Security-Policy": PAGE_HEADERS["Content-Security-Policy"].replace(
                "form-action 'self'", f"form-action 'self' {checkout.scheme}://{checkout.netloc}"
            )
        }

    async def front(self, request: Request) -> Response:
        orders = await self._books.newest(_ORDERS_SHOWN)
        context = {"products": PRODUCTS, "orders": orders}
        return self._pages.page(request, "shop/shop.html", context, headers=self._headers)

    async def new_order(self, request: Request) -> Response:
        """Make an order, from a program's JSON or from the page's form."""
        try:
            posted = await read_posted(request, '{"amount": 500000}')
            given = {"lang": language_of(request), **posted.fields} if posted.by_form else posted.fields
            order, language = await self._make(given, by_form=posted.by_form)
        except BadBody as bad:
            return json_answer({"error": str(bad), "field": bad.field}, status=400)
        pay_url = self._pay_url(order, language)
        if posted.by_form:
            return RedirectResponse(pay_url, 303)
        return json_answer({"order_id": order.id, "pay_url": pay_url})

    async def order(self, request: Request) -> Response:
        """Tell how an order stands."""
        as_page = wants_page(request)
        order = await self._find(request)
        if order is None:
            return self._missing(request, as_page=as_page)
        return self._order_page(request, order) if as_page else _told(order)

    async def refund(self, request: Request) -> Response:
        """Give a paid order's money back, asked by a program or by the page's form."""
        if request.headers.get("sec-fetch-site", "none") not in _OWN_SITES:
            return json_answer({"error": "Another site's page cannot refund.", "field": None}, status=403)
        as_page = wants_page(request)
        order = await self._find(request)
        if order is None or self._refunds is None:
            return self._missing(request, as_page=as_page)
        try:
            order = await self._refunds.refund(order)
        except NotRefunded as refused:
            if as_page:
                return self._order_page(request, order, refused=refused)
            return json_answer({"error": str(refused), "field": None}, status=502)
        if as_page:
            return RedirectResponse(f"/shop/orders/{order.id}?lang={language_of(request)}", 303)
        return _told(order)

    async def _find(self, request: Request) -> ShopOrder | None:
        order_id = request.path_params["order_id"]
        return await self._books.find(order_id) if _ORDER_ID.fullmatch(order_id) else None

    def _missing(self, request: Request, *, as_page: bool) -> Response:
        if as_page:
            return self._pages.page(request, "shop/missing.html", {}, status_code=404)
        return json_answer(
            {"error": "There is no such order.", "field": "order_id"}, status=404, headers=_BY_ACCEPT
        )

    def _order_page(
        self, request: Request, order: ShopOrder, *, refused: NotRefunded | None = None
    ) -> Response:
        hooks = order.hooks
        context = {
            "order": order,
            "product": find_product(order.product),
            "hooks": [(name, method, hooks[name]) for name, method in _METHODS],
            "pay_url": self._pay_url(order, language_of(request)),
            "refunds": self._refunds is not None,
            "refused": None if refused is None else refused.text.in_language(language_of(request)),
        }
        status_code = 200 if refused is None else 502
        return self._pages.page(
            request, "shop/order.html", context, headers=_BY_ACCEPT, status_code=status_code
        )

    async def _make(self, given: Mapping[str, Any], *, by_form: bool) -> tuple[ShopOrder, Language | None]:
        """Make what was asked for: a product, or (for programs) any amount."""
        language = given.get("lang")
        if language is not None and language not in LANGUAGES:
            raise BadBody("lang must be ru, uz or en.", "lang")
        if by_form or given.get("product") is not None:
            product = find_product(str(given.get("product")))
            if product is None:
                raise BadBody(f"product must be one of {', '.join(one.code for one in PRODUCTS)}.", "product")
            return await self._books.new_order(product.price_tiyin, product.code), language
        if "amount" not in given:
            raise BadBody("amount is missing: give the order's amount in tiyin.", "amount")
        try:
            amount_tiyin = read_amount(given["amount"])
        except ValueError:
            amount_tiyin = 0
        if not 1 <= amount_tiyin <= AMOUNT_TIYIN_MAX:
            raise BadBody(f"amount must be a whole number of tiyin from 1 to {AMOUNT_TIYIN_MAX}.", "amount")
        return await self._books.new_order(amount_tiyin), language

    def _pay_url(self, order: ShopOrder, language: Language | None) -> str:
        back = f"{self._addresses.shop}/orders/{order.id}"
        return write_link(
            self._addresses.checkout,
            CheckoutRequest(
                merchant=self._addresses.desk,
                account={ACCOUNT_FIELD: order.id},
                amount_tiyin=order.amount_tiyin,
                lang=language or DEFAULT_LANGUAGE,
                callback=back if language is None else f"{back}?lang={language}",
            ),
        )


def _told(order: ShopOrder) -> Response:
    told = {
        "order_id": order.id,
        "amount": order.amount_tiyin,
        "state": order.state,
        "hooks": order.hooks,
    }
    return json_answer(told, headers=_BY_ACCEPT)
