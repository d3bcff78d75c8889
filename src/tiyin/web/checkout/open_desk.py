"""A desk without billing: the payer types what he pays and for what, then goes on as with a shop's form.

::

    GET  /fallback/merchant/?id=<desk>   amount and account to be typed; what the address knows is filled in
    POST /fallback/merchant/?id=<desk>   keeps the order, and leads to its page

Documentation: introduction (desks without billing, on-site desks)
"""

from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tiyin.gateway.desks.records import Desk, DeskKind
from tiyin.protocol.checkout_form import partial_pairs, read_form_in_part
from tiyin.protocol.checkout_link import CheckoutRequest, PartialRequest
from tiyin.protocol.errors import RpcError, wrong_field
from tiyin.protocol.values import (
    ACCOUNT_VALUE_LENGTH_MAX,
    Account,
    FieldError,
    Language,
    Text,
    is_clean_text,
    read_account,
)
from tiyin.web.checkout.amounts import read_sum, written_sum
from tiyin.web.checkout.context import Checkout, FormAnswer, wants_json, way_back
from tiyin.web.checkout.refusals import find_desk, refuse
from tiyin.web.checkout.typed import read_fields
from tiyin.web.checkout.views import order_view
from tiyin.web.render import language_of
from tiyin.web.words import N_, translations

__all__ = ["PATH", "OpenDesk", "address_of", "is_left_open", "lacks_fields", "partly"]

PATH: Final = "/fallback/merchant/"

_ABOUT_MAX: Final = 200
_EMPTY: Final = N_("Fill this in.")
_TOO_LONG: Final = N_("This is too long. Keep it under %(count)s characters.")
_UNREADABLE: Final = N_("There are characters here that cannot be sent. Type it once more.")


class OpenDesk:
    """The handlers of the page on which a payer types amount and account.

    Args:
        checkout: What they work with.
    """

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout

    async def open(self, request: Request) -> Response:
        """`GET /fallback/merchant/`: ask for what is missing. Nothing is created."""
        try:
            asked, desk = await self._asked(request)
        except RpcError as error:
            return refuse(self._checkout, request, error)
        typed = {f"account[{name}]": str(value) for name, value in asked.account.items()}
        language = language_of(request)
        typed["sum"] = written_sum(asked.amount_tiyin, language)
        return self._show(request, desk, asked, language, typed, {})

    async def submit(self, request: Request) -> Response:
        """`POST /fallback/merchant/`: keep what was typed as an order, and lead to its page."""
        language = language_of(request)
        try:
            asked, desk = await self._asked(request)
            typed = dict(await read_fields(request))
        except RpcError as error:
            return refuse(self._checkout, request, error)
        amount_tiyin, problem = read_sum(typed.get("sum", ""), desk, language)
        account, errors = _read_account(desk, asked.account, typed, language)
        if problem:
            errors["sum"] = problem
        about, problem = _read_about(desk, typed, language)
        if problem:
            errors["about"] = problem
        if errors:
            if wants_json(request):
                return JSONResponse(msgspec.to_builtins(FormAnswer(errors=errors)), 422)
            return self._show(request, desk, asked, language, typed, errors)
        order = CheckoutRequest(
            merchant=desk.id,
            account=account,
            amount_tiyin=amount_tiyin,
            lang=language,
            callback=asked.callback,
            callback_timeout_ms=asked.callback_timeout_ms,
            description=Text.same(about) if about else asked.description,
        )
        order_id = await self._checkout.visits.remember_order(msgspec.json.encode(order).decode())
        return self._checkout.lead(request, f"/checkout/order/{order_id}?lang={language}")

    async def _asked(self, request: Request) -> tuple[PartialRequest, Desk]:
        """Read the address.

        Raises:
            RpcError: -31610, -31601; -31610 with data `merchant` for a desk that takes no typed amounts.
        """
        pairs = request.query_params.multi_items()
        asked = read_form_in_part([("merchant" if name == "id" else name, value) for name, value in pairs])
        desk = await find_desk(self._checkout, asked.merchant)
        if not is_left_open(desk):
            raise wrong_field("merchant")
        return asked, desk

    def _show(
        self,
        request: Request,
        desk: Desk,
        asked: PartialRequest,
        language: Language,
        typed: dict[str, str],
        errors: dict[str, str],
    ) -> Response:
        fixed = {name: value for name, value in asked.account.items() if name not in _names(desk)}
        return self._checkout.page(
            request,
            "open_desk.html",
            language=language,
            status_code=422 if errors else 200,
            order=order_view(desk, language, amount_tiyin=0, account=fixed, description=asked.description),
            here=PATH,
            action=f"{PATH}?{urlencode([*_pairs(asked), ('lang', language)])}",
            fields=[
                (f"account[{field.name}]", field.title.in_language(language)) for field in desk.account_fields
            ],
            typed=typed,
            errors=errors,
            about_max=_ABOUT_MAX,
            asks_about=not desk.account_fields and asked.description is None,
            value_max=ACCOUNT_VALUE_LENGTH_MAX,
            amount_tiyin_min=desk.amount_tiyin_min,
            amount_tiyin_max=desk.amount_tiyin_max,
            round_up=desk.round_up,
            back=way_back(asked.callback, None, asked.account),
        )


def is_left_open(desk: Desk) -> bool:
    """Tell whether a desk's payers may type amount and account themselves.

    Args:
        desk: The desk.
    """
    return desk.kind in {DeskKind.NO_BILLING, DeskKind.ON_SITE}


def lacks_fields(desk: Desk, account: Account) -> bool:
    """Tell whether an account lacks what the desk asks for.

    Args:
        desk: The desk.
        account: The account.
    """
    return any(account.get(field.name) in {None, ""} for field in desk.account_fields)


def partly(request: CheckoutRequest) -> PartialRequest:
    """Return a whole request as one that the payer may change.

    Args:
        request: The request.
    """
    return PartialRequest(
        merchant=request.merchant,
        account=request.account,
        amount_tiyin=request.amount_tiyin,
        lang=request.lang,
        callback=request.callback,
        callback_timeout_ms=request.callback_timeout_ms,
        description=request.description,
    )


def address_of(desk: Desk, asked: PartialRequest, language: Language) -> str:
    """Return where a payer types what a request leaves open.

    Args:
        desk: The desk.
        asked: What is known already.
        language: The page's language.
    """
    known = msgspec.structs.replace(asked, merchant=desk.id)
    return f"{PATH}?{urlencode([*_pairs(known), ('lang', language)])}"


def _pairs(asked: PartialRequest) -> list[tuple[str, str]]:
    pairs = partial_pairs(asked)
    return [("id" if name == "merchant" else name, value) for name, value in pairs if name != "lang"]


def _names(desk: Desk) -> set[str]:
    return {field.name for field in desk.account_fields}


def _read_account(
    desk: Desk, known: Account, typed: dict[str, str], language: Language
) -> tuple[Account, dict[str, str]]:
    """Return the account, and what is wrong with its fields."""
    catalog = translations(language)
    account: dict[str, str | int] = {name: value for name, value in known.items() if name not in _names(desk)}
    errors: dict[str, str] = {}
    for field in desk.account_fields:
        name = f"account[{field.name}]"
        value = typed.get(name, "").strip()
        if not value:
            errors[name] = catalog.gettext(_EMPTY)
        elif len(value) > ACCOUNT_VALUE_LENGTH_MAX:
            errors[name] = catalog.gettext(_TOO_LONG) % {"count": ACCOUNT_VALUE_LENGTH_MAX}
        else:
            try:
                account |= read_account({field.name: value})
            except FieldError:
                errors[name] = catalog.gettext(_UNREADABLE)
    return account, errors


def _read_about(desk: Desk, typed: dict[str, str], language: Language) -> tuple[str, str]:
    """Return what the payer wrote about the payment, and what is wrong with it."""
    about = "" if desk.account_fields else " ".join(typed.get("about", "").split())
    catalog = translations(language)
    if len(about) > _ABOUT_MAX:
        return "", catalog.gettext(_TOO_LONG) % {"count": _ABOUT_MAX}
    if not is_clean_text(about):
        return "", catalog.gettext(_UNREADABLE)
    return about, ""
