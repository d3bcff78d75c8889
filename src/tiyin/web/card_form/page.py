"""The card form's page: judged by its desk, rendered, and left to its own script.

The page holds nothing secret: the desk's id is public, and the card and the token are in the script's memory
only. Nothing is created by opening it.

Documentation: subscribe-api/overview (the form's requirements), mobile/user-interface
"""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tiyin.gateway.desks.origins import frame_ancestors
from tiyin.gateway.desks.records import Desk
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.runtime.logs import get_logger
from tiyin.web.card_form.asked import CardFormAsked, Save, read_asked
from tiyin.web.card_form.words import FIELD_HINTS, error_words, script_words
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.failures import Failure
from tiyin.web.headers import framed_by
from tiyin.web.render import language_of
from tiyin.web.words import translations

__all__ = ["OFFER_PATH", "CardForm"]

OFFER_PATH: Final = "/card-form/offer"

_ID_LENGTH: Final = 24
_NOT_FOUND: Final = frozenset({SubscribeCode.MERCHANT_NOT_FOUND})

_log: Final = get_logger("tiyin.card_form")


class CardForm:
    """The handlers of the card form.

    Args:
        checkout: What they work with.
        offer_url: Where the operator's offer stands; empty leads to a page that says whose it is.
    """

    def __init__(self, checkout: Checkout, *, offer_url: str) -> None:
        self._checkout = checkout
        self._offer_url = offer_url or OFFER_PATH

    async def open(self, request: Request) -> Response:
        """`GET /card-form/<desk id>`: the form, or why there is none."""
        desk_id: str = request.path_params["desk_id"]
        found = desk_id if len(desk_id) == _ID_LENGTH and desk_id.isalnum() and desk_id.isascii() else ""
        desk = await self._checkout.gateway.desks.find(found) if found else None
        try:
            asked = read_asked(desk, request.query_params.multi_items())
        except RpcError as error:
            field = error.data if error.data in FIELD_HINTS else ""
            _log.info("card_form_refused", code=error.code, field=field or None)
            return self._refuse(request, error, field, desk)
        return self._show(request, asked)

    async def offer(self, request: Request) -> Response:
        """`GET /card-form/offer`: whose the offer is, where the operator has named no address of it."""
        return self._checkout.page(request, "card_form/offer.html", language=language_of(request))

    def _show(self, request: Request, asked: CardFormAsked) -> Response:
        language, desk = language_of(request), asked.desk
        settings = {
            "desk": desk.id,
            "amount": asked.amount_tiyin,
            "account": asked.account,
            "save": asked.save is Save.ALWAYS,
            "way": asked.way,
            "to": asked.to,
            "state": asked.state,
            "language": language,
            "errors": error_words(language),
            "words": script_words(language),
        }
        return self._checkout.page(
            request,
            "card_form/form.html",
            language=language,
            headers=_framing(desk),
            desk=desk,
            amount_tiyin=asked.amount_tiyin,
            may_choose=asked.save is Save.ASK,
            keeps=asked.save is Save.ALWAYS,
            way=asked.way,
            settings=msgspec.json.encode(settings).decode(),
            offer_url=self._offer_url,
        )

    def _refuse(self, request: Request, error: RpcError, field: str, desk: Desk | None) -> Response:
        language = language_of(request)
        limit_tiyin = None
        if desk is not None:
            limits: dict[int, int] = {
                SubscribeCode.AMOUNT_TOO_SMALL: desk.amount_tiyin_min,
                SubscribeCode.AMOUNT_TOO_LARGE: desk.amount_tiyin_max,
            }
            limit_tiyin = limits.get(error.code)
        return self._checkout.page(
            request,
            "card_form/refused.html",
            language=language,
            status_code=404 if error.code in _NOT_FOUND else 400,
            headers=_framing(desk),
            words=Failure.of(error).words(language, limit_tiyin=limit_tiyin),
            code=error.code,
            hint=translations(language).gettext(FIELD_HINTS[field]) if field else "",
        )


def _framing(desk: Desk | None) -> dict[str, str]:
    return dict(framed_by(() if desk is None else frame_ancestors(desk.domains, test=desk.test)))
