"""The ways in from a shop: the link, the form, and the order that a form left.

Documentation: checkout/get-link, checkout/post-form, checkout/errors
"""

import base64
import re
from collections.abc import Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.protocol.checkout_form import read_form, read_form_in_part
from tiyin.protocol.checkout_link import CheckoutRequest, PartialRequest, read_link, read_link_in_part
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.web.checkout import card
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.open_desk import address_of, is_left_open, lacks_fields, partly
from tiyin.web.checkout.refusals import find_desk, refuse
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.typed import read_fields
from tiyin.web.render import language_of

__all__ = ["Links"]

# A short word is an address that somebody typed, unless a field stands in it when it is decoded: it gets "not
# found", and not "broken link".
_LIKE_A_LINK: Final = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_WORD_LENGTH_MAX: Final = 23

_ORDER_ID: Final = re.compile(r"[0-9a-f]{32}")
# What a payer may type himself at a desk without billing, as the errors name it.
_LEFT_OPEN: Final = frozenset({"a", "ac", "amount", "account"})


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
        referer = request.headers.get("referer")
        try:
            fields = await read_fields(request)
        except RpcError as error:
            return refuse(self._checkout, request, error)
        try:
            asked = read_form(fields, referer)
        except RpcError as error:
            return await self._leave_open(request, error, lambda: read_form_in_part(fields, referer))
        try:
            await find_desk(self._checkout, asked.merchant)
        except RpcError as error:
            return refuse(self._checkout, request, error)
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
            return await self._leave_open(request, error, lambda: read_link_in_part(link))
        return await self._sell(request, asked, submitted=submitted)

    async def _order(self, request: Request, *, submitted: bool) -> Response:
        order_id: str = request.path_params["order_id"]
        kept = await self._checkout.visits.order(order_id) if _ORDER_ID.fullmatch(order_id) else None
        if kept is None:
            return refuse(self._checkout, request, RpcError(SubscribeCode.RECEIPT_NOT_FOUND))
        asked = msgspec.json.decode(kept, type=CheckoutRequest)
        return await self._sell(request, asked, submitted=submitted, typed=True)

    async def _sell(
        self, request: Request, asked: CheckoutRequest, *, submitted: bool, typed: bool = False
    ) -> Response:
        language = language_of(request, asked.lang)
        try:
            desk = await find_desk(self._checkout, asked.merchant)
        except RpcError as error:
            return refuse(self._checkout, request, error, language)
        change = address_of(desk, partly(asked), language) if is_left_open(desk) else ""
        if change and lacks_fields(desk, asked.account):
            return RedirectResponse(change, 303)
        sale = Sale.of_request(
            desk,
            asked,
            request.url.path,
            change=change if typed and asked.detail is None else "",
            again=request.query_params.get("again", ""),
        )
        if submitted:
            return await card.submit(self._checkout, request, sale, language)
        return await card.open_page(self._checkout, request, sale, language)

    async def _leave_open(
        self, request: Request, error: RpcError, read_in_part: Callable[[], PartialRequest]
    ) -> Response:
        """Lead to where the payer types what is missing, where the desk takes that; else refuse."""
        if error.data not in _LEFT_OPEN:
            return refuse(self._checkout, request, error)
        try:
            asked = read_in_part()
            desk = await find_desk(self._checkout, asked.merchant)
        except RpcError:
            return refuse(self._checkout, request, error)
        if not is_left_open(desk):
            return refuse(self._checkout, request, error)
        return RedirectResponse(address_of(desk, asked, language_of(request, asked.lang)), 303)


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
