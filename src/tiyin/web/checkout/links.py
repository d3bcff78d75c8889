"""The ways in from a shop: the link, the form, and the order that a form left.

Documentation: checkout/get-link, checkout/post-form, checkout/errors
"""

import base64
import re
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.checkout_form import FORM_FIELDS, read_form
from tiyin.protocol.checkout_link import LINK_FIELDS, CheckoutRequest, read_link
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.params import known_path
from tiyin.protocol.values import Language
from tiyin.runtime.logs import get_logger
from tiyin.web.checkout import card
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.failures import Failure
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.typed import read_fields
from tiyin.web.render import language_of

__all__ = ["Links"]

# A short word is an address that somebody typed, unless a field stands in it when it is decoded: it gets "not
# found", and not "broken link".
_LIKE_A_LINK: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_WORD_LENGTH_MAX: Final = 23

_ORDER_ID: Final = re.compile(r"[0-9a-f]{32}")
_FIELDS: Final = LINK_FIELDS | FORM_FIELDS

_log: Final = get_logger("tiyin.checkout")


class Links:
    """The handlers of the ways in.

    Args:
        checkout: What they work with.
    """

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    async def open_link(self, request: Request) -> Response:
        """`GET /<base64>`: show what is to be paid. Nothing is created."""
        return await self._link(request, submitted=False)

    async def submit_link(self, request: Request) -> Response:
        """`POST /<base64>`: the card typed on a link's page."""
        return await self._link(request, submitted=True)

    async def take_form(self, request: Request) -> Response:
        """`POST /`: a shop's form. It is kept, and the payer led to its page; a reload sends nothing."""
        try:
            asked = read_form(await read_fields(request), request.headers.get("referer"))
            await self._desk(asked.merchant)
        except RpcError as error:
            return self._refuse(request, error)
        order_id = await self._checkout.visits.remember_order(msgspec.json.encode(asked).decode())
        return RedirectResponse(f"/checkout/order/{order_id}?lang={asked.lang}", 303)

    async def open_order(self, request: Request) -> Response:
        """`GET /checkout/order/<id>`: the page of an order that a form left."""
        return await self._order(request, submitted=False)

    async def submit_order(self, request: Request) -> Response:
        """`POST /checkout/order/<id>`: the card typed on its page."""
        return await self._order(request, submitted=True)

    async def _link(self, request: Request, *, submitted: bool) -> Response:
        link: str = request.path_params["link"]
        if not _is_like_a_link(link):
            return self._checkout.not_found(request)
        try:
            asked = read_link(link)
        except RpcError as error:
            return self._refuse(request, error)
        return await self._sell(request, asked, submitted=submitted)

    async def _order(self, request: Request, *, submitted: bool) -> Response:
        order_id: str = request.path_params["order_id"]
        kept = await self._checkout.visits.order(order_id) if _ORDER_ID.fullmatch(order_id) else None
        if kept is None:
            return self._refuse(request, RpcError(SubscribeCode.RECEIPT_NOT_FOUND))
        return await self._sell(request, msgspec.json.decode(kept, type=CheckoutRequest), submitted=submitted)

    async def _sell(self, request: Request, asked: CheckoutRequest, *, submitted: bool) -> Response:
        language = language_of(request, asked.lang)
        try:
            desk = await self._desk(asked.merchant)
        except RpcError as error:
            return self._refuse(request, error, language)
        sale = Sale.of_request(desk, asked, request.url.path)
        if submitted:
            return await card.submit(self._checkout, request, sale, language)
        return await card.open_page(self._checkout, request, sale, language)

    async def _desk(self, merchant: str) -> Desk:
        desks = self._checkout.gateway.desks
        desk = await desks.find(merchant) or await desks.find_by_alias(merchant)
        if desk is None or not desk.active:
            raise RpcError(SubscribeCode.MERCHANT_NOT_FOUND)
        return desk

    def _refuse(self, request: Request, error: RpcError, language: Language | None = None) -> Response:
        # A name that the link's or the form's writer chose is his own word, and no line of ours.
        field = known_path(error.data, _FIELDS) if isinstance(error.data, str) else ""
        _log.info("checkout_refused", code=error.code, field=field or None, method=request.method)
        return self._checkout.failure_page(request, Failure.of(error), language=language)


def _is_like_a_link(text: str) -> bool:
    """Tell a link, be it a broken one, from an address that leads nowhere."""
    if _LIKE_A_LINK.fullmatch(text) is None:
        return False
    bare = text.rstrip("=").replace("+", "-").replace("/", "_")
    if len(bare) > _WORD_LENGTH_MAX:
        return True
    try:
        return b"=" in base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except ValueError:
        return False
