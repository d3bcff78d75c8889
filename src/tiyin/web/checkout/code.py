"""The code from the SMS: judged, sent again, and then the payment begins.

Documentation: subscribe-api/cards.verify, subscribe-api/cards.get_verify_code
"""

from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from tiyin.gateway.cards.limits import TooOften, Trying
from tiyin.gateway.checkout_visits import Step, Visit
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Language
from tiyin.runtime.logs import get_logger
from tiyin.web.checkout import card
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.context import Checkout, FormAnswer, wants_json, way_back
from tiyin.web.checkout.failures import Failure
from tiyin.web.checkout.paying import start_payment
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.twice import paid_beside
from tiyin.web.checkout.typed import read_code, read_fields
from tiyin.web.checkout.views import order_view
from tiyin.web.words import N_, translations

__all__ = ["again", "show", "submit"]

_log: Final = get_logger("tiyin.checkout")

# What a payer can put right in the field itself, or by asking for another code.
_FIELD_ERRORS: Final[dict[int, str]] = {
    SubscribeCode.CODE_WRONG: N_("This is not the code. Check the last SMS."),
    SubscribeCode.CODE_EXPIRED: N_("This code is too old. Ask for a new one below."),
}

_WRONG: Final = frozenset({SubscribeCode.CODE_WRONG, SubscribeCode.CODE_TRIES_EXCEEDED})


def show(
    checkout: Checkout,
    request: Request,
    browser: Browser,
    sale: Sale,
    visit: Visit,
    language: Language,
    *,
    error: str = "",
    status_code: int = 200,
) -> Response:
    """Answer with the page that asks for the code.

    Args:
        checkout: The checkout.
        request: The request.
        browser: The browser.
        sale: What is being paid.
        visit: The visit, which waits for the code.
        language: The page's language.
        error: What is wrong with the last code, in the page's language.
        status_code: The HTTP status.
    """
    wait_ms = max(0, visit.code_again_at_ms - checkout.gateway.clock.now_ms())
    address = card.receipt_address(sale, str(sale.receipt_id), language)
    path, _, query = address.partition("?")
    return checkout.page(
        request,
        "code.html",
        language=language,
        status_code=status_code,
        order=order_view(sale.desk, language, amount_tiyin=sale.amount_tiyin, account=sale.account),
        here=path,
        action=f"{path}/code?{query}",
        again_action=f"{path}/code/again?{query}",
        other_card=f"{address}&card=other",
        proof=browser.proof(visit.id),
        visit=visit,
        wait_s=-(-wait_ms // 1000),
        error=error,
        back=way_back(sale.callback, None, sale.account),
        test_cards=sale.desk.test,
    )


async def submit(
    checkout: Checkout, request: Request, sale: Sale, visit: Visit, language: Language
) -> Response:
    """Judge the code; when it is right, begin the payment and lead on to its progress.

    Args:
        checkout: The checkout.
        request: The form.
        sale: What is being paid.
        visit: The browser's newest visit to the receipt.
        language: The page's language.
    """
    browser = checkout.browser(request)
    address = card.receipt_address(sale, str(sale.receipt_id), language)
    fields = await _fields(request)
    token = _token(browser, visit, fields)
    if token is None or await paid_beside(checkout, browser, visit.order_key, visit.receipt_id) is not None:
        # On its way, from here or from another window, or a page of another time: the receipt's page tells.
        return checkout.lead(request, address)
    code, problem = read_code(fields)
    if problem:
        return _correct(checkout, request, browser, sale, visit, language, problem)
    try:
        await _verify(checkout, checkout.trying(request, browser, visit.order_key), sale, token, code)
    except TooOften as error:
        return _refuse(checkout, request, sale, language, error)
    except RpcError as error:
        if error.code in _FIELD_ERRORS:
            return _correct(checkout, request, browser, sale, visit, language, _FIELD_ERRORS[error.code])
        await checkout.visits.failed(visit.id, msgspec.json.encode(Failure.of(error)).decode())
        return checkout.lead(request, address)
    await start_payment(checkout, browser, sale, visit, token)
    return checkout.lead(request, address)


async def _verify(checkout: Checkout, trying: Trying, sale: Sale, token: str, code: str) -> None:
    """Judge the code; wrong ones are counted, before they are compared."""
    tries, wrong = checkout.gateway.cards.code_tries, False
    await tries.spend(trying)
    try:
        await checkout.gateway.cards.verify(sale.desk, token, code)
    except RpcError as error:
        wrong = error.code in _WRONG
        raise
    finally:
        if not wrong:
            await tries.give_back(trying)


async def again(
    checkout: Checkout, request: Request, sale: Sale, visit: Visit, language: Language
) -> Response:
    """Send another code, unless the last one is too young.

    Args:
        checkout: The checkout.
        request: The form.
        sale: What is being paid.
        visit: The browser's newest visit to the receipt.
        language: The page's language.
    """
    browser = checkout.browser(request)
    token = _token(browser, visit, await _fields(request))
    if token is not None and checkout.gateway.clock.now_ms() >= visit.code_again_at_ms:
        await checkout.gateway.tasks.finish(
            card.ask_code(checkout, sale, token, visit.id, language), name="checkout.code_again"
        )
    return checkout.lead(request, card.receipt_address(sale, str(sale.receipt_id), language))


async def _fields(request: Request) -> dict[str, str]:
    """Return the form's fields; none where the body is no form, which leads back to the page."""
    try:
        return dict(await read_fields(request))
    except RpcError as error:
        _log.info("checkout_refused", code=error.code, field=error.data)
        return {}


def _token(browser: Browser, visit: Visit, fields: dict[str, str]) -> str | None:
    """Return the visit's token, where the form is this browser's and the visit waits for a code."""
    if not browser.is_proof(visit.id, fields.get("proof", "")):
        return None
    if visit.step != Step.CODE or visit.token_sealed is None:
        return None
    return browser.unseal(visit.token_sealed, visit.id)


def _refuse(
    checkout: Checkout, request: Request, sale: Sale, language: Language, error: TooOften
) -> Response:
    """Answer that no further code is taken for a while; the visit stays as it is."""
    failure = Failure.of(error)
    if not wants_json(request):
        again = card.receipt_address(sale, str(sale.receipt_id), language)
        return checkout.failure_page(
            request, failure, language=language, sale=sale, again=again, number=str(sale.receipt_id)
        )
    words = failure.words(language)
    return JSONResponse(msgspec.to_builtins(FormAnswer(title=words.title, text=words.advice)), 429)


def _correct(
    checkout: Checkout,
    request: Request,
    browser: Browser,
    sale: Sale,
    visit: Visit,
    language: Language,
    problem: str,
) -> Response:
    text = translations(language).gettext(problem)
    if wants_json(request):
        return JSONResponse(msgspec.to_builtins(FormAnswer(errors={"code": text})), 422)
    return show(checkout, request, browser, sale, visit, language, error=text, status_code=422)
