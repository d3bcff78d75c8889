"""The page on which a merchant makes his button: he says what is paid, and copies what comes out.

Everything stands in the page's address, so it can be kept and passed on. It asks for no key: a link is no
secret, and what is only looked at creates nothing.

Documentation: checkout/button-and-qr, checkout/get-link, checkout/post-form
"""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.checkout_link import CheckoutRequest, read_merchant
from tiyin.protocol.values import Language, format_sum
from tiyin.web.checkout.context import Checkout
from tiyin.web.headers import PAGE_HEADERS
from tiyin.web.integration.asked import ACCOUNT, Kind, Typed, inputs_of, read_asked
from tiyin.web.integration.checkout_script import SCRIPT_PATH
from tiyin.web.integration.snippets import Look, link_of, preview_of, snippet_of
from tiyin.web.render import language_of
from tiyin.web.words import N_, translations

__all__ = ["SnippetPage"]

_POLICY: Final = "Content-Security-Policy"

_QR_BYTES_MAX: Final = 2953
"""What the largest QR code holds."""

# The script draws its buttons as pictures that stand in their own addresses.
_HEADERS: Final = {_POLICY: PAGE_HEADERS[_POLICY].replace("img-src 'self'", "img-src 'self' data:")}


class _AccountInput(msgspec.Struct, frozen=True):
    """One input for a value of the account."""

    name: str
    label: str
    value: str


class _Result(msgspec.Struct, frozen=True):
    """What came out."""

    link: str | None
    snippet: str
    preview: str


class SnippetPage:
    """The handler of the page.

    Args:
        checkout: What it works with.
        public_url: The checkout's address as the outside sees it; empty for the address that was asked.
    """

    def __init__(self, checkout: Checkout, public_url: str = "") -> None:
        self._checkout = checkout
        self._public_url = public_url.rstrip("/")

    async def show(self, request: Request) -> Response:
        """`GET /integration`: the form, and what comes out where it is filled in."""
        language = language_of(request)
        typed = Typed.of(request.query_params, language)
        desk, errors = await self._desk(typed.merchant)
        result = None
        if desk is not None and typed.complete:
            asked = read_asked(typed, desk)
            errors = asked.errors
            if asked.request is not None:
                result = self._result(request, typed, asked.request)
                if result is None:
                    errors = {inputs_of(desk)[0]: N_("This is too long for a link. Choose a form.")}
        return self._checkout.page(
            request,
            "integration/page.html",
            language=language,
            headers=_HEADERS,
            typed=typed,
            desk=desk,
            inputs=[] if desk is None else _inputs(desk, typed, language),
            errors=_in_words(errors, desk, language),
            kinds=tuple(Kind),
            result=result,
            script=SCRIPT_PATH,
        )

    def _result(self, request: Request, typed: Typed, asked: CheckoutRequest) -> _Result | None:
        base_url = self._public_url or str(request.base_url).rstrip("/")
        link = link_of(base_url, asked)
        if link is None and typed.kind in {Kind.LINK, Kind.QR}:
            return None
        if link is not None and typed.kind is Kind.QR and len(link) > _QR_BYTES_MAX:
            return None
        look = Look(typed.style, typed.format, typed.width)
        return _Result(
            link,
            snippet_of(base_url, typed.kind, asked, look),
            preview_of(base_url, typed.kind, asked, look),
        )

    async def _desk(self, merchant: str) -> tuple[Desk | None, dict[str, str]]:
        if not merchant:
            return None, {}
        try:
            read_merchant(merchant)
        except ValueError:
            return None, {"merchant": N_("Enter the cash desk's id, 24 characters, or its alias.")}
        desks = self._checkout.gateway.desks
        desk = await desks.find(merchant) or await desks.find_by_alias(merchant)
        if desk is None:
            return None, {"merchant": N_("There is no such cash desk here. Check its id or alias.")}
        if not desk.active:
            return None, {"merchant": N_("This cash desk takes no payments now.")}
        return desk, {}


def _inputs(desk: Desk, typed: Typed, language: Language) -> list[_AccountInput]:
    titles = {field.name: field.title.in_language(language) for field in desk.account_fields}
    names = [name.removeprefix(ACCOUNT) for name in inputs_of(desk)]
    return [
        _AccountInput(ACCOUNT + name, titles.get(name, ""), typed.account.get(name, "")) for name in names
    ]


def _in_words(errors: dict[str, str], desk: Desk | None, language: Language) -> dict[str, str]:
    translated = translations(language).gettext
    limits = {}
    if desk is not None:
        limits = {
            "%(least)s": format_sum(desk.amount_tiyin_min, language),
            "%(most)s": format_sum(desk.amount_tiyin_max, language),
        }
    words = {}
    for field, text in errors.items():
        sentence = translated(text)
        for placeholder, value in limits.items():
            sentence = sentence.replace(placeholder, value)
        words[field] = sentence
    return words
