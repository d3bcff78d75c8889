"""What the ways in share: finding the desk, and refusing what cannot be read."""

from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.checkout_form import FORM_FIELDS
from tiyin.protocol.checkout_link import LINK_FIELDS
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.params import known_path
from tiyin.protocol.values import Language
from tiyin.runtime.logs import get_logger
from tiyin.web.checkout.context import Checkout
from tiyin.web.checkout.failures import Failure

__all__ = ["find_desk", "refuse"]

_FIELDS: Final = LINK_FIELDS | FORM_FIELDS

_log: Final = get_logger("tiyin.checkout")


async def find_desk(checkout: Checkout, merchant: str) -> Desk:
    """Return the desk that a link or a form names.

    Args:
        checkout: The checkout.
        merchant: The desk's id or alias.

    Raises:
        RpcError: -31601, there is none or it is switched off.
    """
    desks = checkout.gateway.desks
    desk = await desks.find(merchant) or await desks.find_by_alias(merchant)
    if desk is None or not desk.active:
        raise RpcError(SubscribeCode.MERCHANT_NOT_FOUND)
    return desk


def refuse(
    checkout: Checkout, request: Request, error: RpcError, language: Language | None = None
) -> Response:
    """Answer why a link or a form opens nothing, and note it once.

    Args:
        checkout: The checkout.
        request: The request.
        error: What is wrong.
        language: The page's language, where it is known.
    """
    # A name that the link's or the form's writer chose is his own word, and no line of ours.
    field = known_path(error.data, _FIELDS) if isinstance(error.data, str) else ""
    _log.info("checkout_refused", code=error.code, field=field or None, method=request.method)
    return checkout.failure_page(request, Failure.of(error), language=language)
