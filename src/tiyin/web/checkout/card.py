"""The card: the page where it is typed, and what its form begins.

Opening the page asks the merchant once whether the order can be paid, so that a wrong order is told before a
card is typed. The form makes the card's token, then the receipt, then sends the code; a form that arrives
twice makes them once.

Documentation: subscribe-api/cards.create, subscribe-api/receipts.create, subscribe-api/cards.get_verify_code
"""

from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tiyin.gateway.cards.limits import TooOften, Trying
from tiyin.gateway.checkout_visits import Step, Visit
from tiyin.gateway.receipts.payable import Payable
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.gateway.receipts.states import CREATED
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Language
from tiyin.runtime.logs import get_logger
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.context import Checkout, FormAnswer, wants_json, way_back
from tiyin.web.checkout.failures import Failure, Way, old_form
from tiyin.web.checkout.sales import Sale
from tiyin.web.checkout.twice import paid_beside, show_first
from tiyin.web.checkout.typed import CardTyped, read_card, read_fields
from tiyin.web.checkout.views import order_view
from tiyin.web.words import N_, translations

__all__ = ["Trouble", "ask_code", "open_page", "receipt_address", "refusal", "show", "submit"]

_TYPE_CHECKOUT: Final = 1
_SECOND_FORM_WAIT_S: Final = 0.2
_SECOND_FORM_TRIES_MAX: Final = 150

# What a payer can put right in a field of the form, in which words.
_FIELD_ERRORS: Final[dict[int, str]] = {
    SubscribeCode.CARD_WRONG: N_(
        "The card was not accepted. Check the number and the expiry; an expired or blocked card cannot pay."
    ),
    SubscribeCode.CARD_TYPE_UNSUPPORTED: N_("Only Uzcard and HUMO cards are accepted."),
}

_REFUSED_CARDS: Final = frozenset(
    {SubscribeCode.CARD_WRONG, SubscribeCode.CARD_TYPE_UNSUPPORTED, SubscribeCode.SMS_NOT_CONNECTED}
)

_log: Final = get_logger("tiyin.checkout")


class Trouble(msgspec.Struct, frozen=True):
    """What is to be corrected before the payment can begin.

    Args:
        errors: Errors by field, in the page's language.
        failure: What is wrong with the whole, or why the last try did not succeed.
    """

    errors: dict[str, str] = {}
    failure: Failure | None = None


async def open_page(checkout: Checkout, request: Request, sale: Sale, language: Language) -> Response:
    """Show a sale and ask for the card, or tell why it cannot be paid.

    Args:
        checkout: The checkout.
        request: The request.
        sale: What is to be paid.
        language: The page's language.
    """
    browser = checkout.browser(request)
    try:
        payable = await checkout.gateway.receipts.check_payable(sale.desk, sale.amount_tiyin, sale.account)
    except RpcError as error:
        known = await _paid_here(checkout, browser, sale)
        if known is not None:
            return RedirectResponse(receipt_address(sale, known, language), 303)
        _log.info("checkout_refused", code=error.code, desk_id=sale.desk.id)
        return refusal(checkout, request, sale, language, error)
    first = await paid_beside(checkout, browser, sale.order_key, sale.receipt_id)
    if first is not None:
        again = f"{sale.path}?{urlencode({'again': first.id, 'lang': language})}"
        return show_first(checkout, request, sale, first, language, again="" if sale.receipt_id else again)
    return show(checkout, request, browser, sale, language, payable=payable)


def show(
    checkout: Checkout,
    request: Request,
    browser: Browser,
    sale: Sale,
    language: Language,
    *,
    payable: Payable | None = None,
    trouble: Trouble | None = None,
) -> Response:
    """Answer with the page that asks for the card.

    Args:
        checkout: The checkout.
        request: The request.
        browser: The browser; it gets its secret with this page.
        sale: What is to be paid.
        language: The page's language.
        payable: What the merchant added at the check.
        trouble: What is to be corrected.
    """
    nonce = browser.new_nonce()
    payable, trouble = payable or Payable(), trouble or Trouble()
    response = checkout.page(
        request,
        "card.html",
        language=language,
        status_code=422 if request.method == "POST" else 200,
        order=order_view(
            sale.desk,
            language,
            amount_tiyin=sale.amount_tiyin,
            account=sale.account,
            description=sale.description,
            detail=sale.detail if sale.detail is not None else payable.detail,
            additional=payable.additional,
        ),
        here=sale.path,
        action=f"{sale.path}?{urlencode(_kept(request, language))}",
        nonce=nonce,
        proof=browser.proof(nonce),
        errors={"number": "", "expire": "", **trouble.errors},
        failure=None if trouble.failure is None else trouble.failure.words(language),
        back=way_back(sale.callback, None, sale.account),
        change=sale.change,
        test_cards=sale.desk.test,
    )
    browser.remember(response)
    return response


def refusal(
    checkout: Checkout, request: Request, sale: Sale, language: Language, error: RpcError
) -> Response:
    """Answer why a sale cannot be paid."""
    limits: dict[int, int] = {
        SubscribeCode.AMOUNT_TOO_SMALL: sale.desk.amount_tiyin_min,
        SubscribeCode.AMOUNT_TOO_LARGE: sale.desk.amount_tiyin_max,
    }
    return checkout.failure_page(
        request,
        Failure.of(error),
        language=language,
        sale=sale,
        again=f"{sale.path}?lang={language}",
        limit_tiyin=limits.get(error.code),
    )


async def submit(checkout: Checkout, request: Request, sale: Sale, language: Language) -> Response:
    """Take the card: make token and receipt, send the code, lead on to the receipt's page.

    Args:
        checkout: The checkout.
        request: The form.
        sale: What is to be paid.
        language: The page's language.
    """
    browser = checkout.browser(request)
    try:
        fields = dict(await read_fields(request))
    except RpcError as error:
        _log.info("checkout_refused", code=error.code, field=error.data, desk_id=sale.desk.id)
        return refusal(checkout, request, sale, language, error)
    typed = read_card(fields)
    trouble = _trouble(browser, fields, typed, language)
    if trouble is not None:
        return _correct(checkout, request, browser, sale, language, trouble)
    visit_id = browser.visit_id(fields["nonce"])
    first = await paid_beside(checkout, browser, sale.order_key, sale.receipt_id)
    if first is not None and await checkout.visits.get(visit_id) is None:
        # Another window was quicker: the page tells of it.
        return checkout.lead(request, f"{sale.path}?{urlencode(_kept(request, language))}")
    mine, visit = await checkout.visits.claim(
        visit_id,
        browser=browser.name,
        order_key=sale.order_key,
        opened_from="" if sale.receipt_id else sale.path,
        receipt_id=sale.receipt_id,
    )
    if not mine:
        return await _lead_after_first(checkout, request, sale, visit, language)
    # The browser may hang up now; what was begun is finished, so that its next request finds it.
    trying = checkout.trying(request, browser, sale.order_key)
    try:
        receipt_id = await checkout.gateway.tasks.finish(
            _begin(checkout, browser, trying, sale, typed, visit_id, language), name="checkout.begin"
        )
    except RpcError as error:
        return _refused(checkout, request, browser, sale, language, error)
    return checkout.lead(request, receipt_address(sale, receipt_id, language))


def _trouble(
    browser: Browser, fields: dict[str, str], typed: CardTyped, language: Language
) -> Trouble | None:
    """Return what is wrong with a form at first sight, or None."""
    nonce = fields.get("nonce", "")
    if not nonce or not browser.is_proof(nonce, fields.get("proof", "")):
        return Trouble(failure=old_form())
    if not typed.errors:
        return None
    catalog = translations(language)
    return Trouble({name: catalog.gettext(text) for name, text in typed.errors.items()})


async def _begin(
    checkout: Checkout,
    browser: Browser,
    trying: Trying,
    sale: Sale,
    typed: CardTyped,
    visit_id: str,
    language: Language,
) -> str:
    """Make token and receipt, send the code; answer the receipt's id. Cards that are refused are counted."""
    tries, code = checkout.gateway.cards.card_tries, 0
    try:
        await tries.spend(trying)
    except BaseException:
        await checkout.visits.let_go(visit_id)
        raise
    try:
        receipt_id, code = await _open(checkout, browser, sale, typed, visit_id, language)
    except RpcError as error:
        code = error.code
        raise
    finally:
        if code not in _REFUSED_CARDS:
            await tries.give_back(trying)
    return receipt_id


async def _open(
    checkout: Checkout, browser: Browser, sale: Sale, typed: CardTyped, visit_id: str, language: Language
) -> tuple[str, int]:
    """Make token and receipt, send the code; answer the receipt's id, and why no code was sent or 0."""
    gateway, visits = checkout.gateway, checkout.visits
    try:
        answer = await gateway.cards.create(
            sale.desk,
            number=typed.number,
            expire=typed.expire,
            account=sale.account,
            amount_tiyin=sale.amount_tiyin,
        )
        receipt_id = sale.receipt_id or (await gateway.receipts.create(sale.desk, _new_receipt(sale))).id
        await visits.opened(
            visit_id,
            receipt_id=receipt_id,
            token_sealed=browser.seal(answer.token, visit_id),
            card_number=answer.number,
        )
    except BaseException:
        await visits.let_go(visit_id)
        raise
    return receipt_id, await ask_code(checkout, sale, answer.token, visit_id, language)


async def ask_code(checkout: Checkout, sale: Sale, token: str, visit_id: str, language: Language) -> int:
    """Send the code, and note where it went or why it did not go.

    Args:
        checkout: The checkout.
        sale: What is being paid.
        token: The card's token.
        visit_id: The visit.
        language: The language of the SMS.

    Returns:
        0, or the code of the error that kept it from being sent.
    """
    try:
        sent = await checkout.gateway.cards.get_verify_code(sale.desk, token, language=language)
    except RpcError as error:
        await checkout.visits.failed(visit_id, msgspec.json.encode(Failure.of(error)).decode())
        return error.code
    await checkout.visits.code_sent(visit_id, phone=sent.phone, wait_ms=sent.wait_ms)
    return 0


def _new_receipt(sale: Sale) -> NewReceipt:
    return NewReceipt(
        amount_tiyin=sale.amount_tiyin,
        account=sale.account,
        description=sale.description if sale.description is not None else "",
        detail=sale.detail,
        type=_TYPE_CHECKOUT,
        source="checkout",
        back_url=sale.callback,
    )


def receipt_address(sale: Sale, receipt_id: str, language: Language) -> str:
    """Return a receipt's address, with what the documentation's own addresses carry.

    `back` is there for those who look at the address; the page itself leads back only to what the receipt has
    stored.

    Args:
        sale: What is being paid.
        receipt_id: The receipt.
        language: The page's language.
    """
    back = quote(way_back(sale.callback, receipt_id, sale.account) or "null", safe="")
    return f"/checkout/{receipt_id}?back={back}&timeout={sale.return_ms}&lang={language}"


async def _paid_here(checkout: Checkout, browser: Browser, sale: Sale) -> str | None:
    """Return the receipt by which this very browser paid the order before, or is paying it."""
    if not browser.known or sale.receipt_id is not None:
        return None
    visit = await checkout.visits.newest(browser.name, order_key=sale.order_key)
    if visit is None or visit.receipt_id is None:
        return None
    receipt = await checkout.receipt(visit.receipt_id)
    return (
        receipt.id
        if receipt is not None and (receipt.state != CREATED or visit.step == Step.PAYING)
        else None
    )


async def _lead_after_first(
    checkout: Checkout, request: Request, sale: Sale, visit: Visit, language: Language
) -> Response:
    """Wait for what the same form began a moment ago, and lead to where it led."""
    for _ in range(_SECOND_FORM_TRIES_MAX):
        if visit.step != Step.OPENING or visit.claimed_at_ms == 0:
            break
        await checkout.gateway.clock.sleep(_SECOND_FORM_WAIT_S)
        visit = await checkout.visits.get(visit.id) or visit
    if visit.step == Step.OPENING or visit.receipt_id is None:
        return checkout.lead(request, f"{sale.path}?{urlencode(_kept(request, language))}")
    return checkout.lead(request, receipt_address(sale, visit.receipt_id, language))


def _refused(
    checkout: Checkout, request: Request, browser: Browser, sale: Sale, language: Language, error: RpcError
) -> Response:
    """Answer a card or an order that a service refused."""
    failure = Failure.of(error)
    if isinstance(error, TooOften):
        if not wants_json(request):
            return refusal(checkout, request, sale, language, error)
        trouble = Trouble(failure=failure)
    elif error.code in _FIELD_ERRORS:
        field = "expire" if error.data == "expire" else "number"
        trouble = Trouble({field: translations(language).gettext(_FIELD_ERRORS[error.code])})
    elif failure.words(language).way is Way.CARD or wants_json(request):
        trouble = Trouble(failure=failure)
    else:
        return refusal(checkout, request, sale, language, error)
    return _correct(checkout, request, browser, sale, language, trouble)


def _correct(
    checkout: Checkout, request: Request, browser: Browser, sale: Sale, language: Language, trouble: Trouble
) -> Response:
    """Answer what is to be corrected. What was typed of the card is never sent back."""
    if not wants_json(request):
        return show(checkout, request, browser, sale, language, trouble=trouble)
    if trouble.failure == old_form():
        # Only a fresh page has a form that counts.
        return checkout.lead(request, f"{sale.path}?{urlencode(_kept(request, language))}")
    words = None if trouble.failure is None else trouble.failure.words(language)
    answer = FormAnswer(
        errors=trouble.errors,
        title="" if words is None else words.title,
        text="" if words is None else f"{words.said} {words.advice}".strip(),
    )
    limited = trouble.failure is not None and trouble.failure.until_ms
    return JSONResponse(msgspec.to_builtins(answer), 429 if limited else 422)


def _kept(request: Request, language: Language) -> dict[str, Any]:
    """Return what an address carries from step to step."""
    names = ("back", "timeout", "again")
    kept = {name: request.query_params[name] for name in names if name in request.query_params}
    return {**kept, "lang": language}
