"""The handlers of a payer's receipt: the page, the PDF, and the copy by e-mail.

Whoever has a receipt's address may read it, as he may read the payment page; sending is bound to a form that
this browser was given, and is counted.
"""

import asyncio
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tiyin.gateway.desks.records import Desk
from tiyin.gateway.notifications.invoices import Copy
from tiyin.gateway.notifications.port import Attachment
from tiyin.gateway.receipts.records import Receipt
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Language
from tiyin.runtime.logs import get_logger
from tiyin.web.checkout.browser import Browser
from tiyin.web.checkout.context import Checkout, FormAnswer, wants_json
from tiyin.web.checkout.failures import Failure
from tiyin.web.checkout.typed import read_fields
from tiyin.web.payer_receipt.facts import ReceiptFacts, receipt_facts
from tiyin.web.payer_receipt.keeping import keeping_of, message_id_of, read_address
from tiyin.web.payer_receipt.qr import draw_qr
from tiyin.web.payer_receipt.sentences import FISCAL_TITLES, STANDINGS, line_notes, receipt_title
from tiyin.web.render import language_of
from tiyin.web.words import translations

__all__ = ["PayerReceipt"]

PRINTING_MAX: Final = 2
"""How many PDFs are written at a time; the rest wait, so that printing never takes all of a machine."""

_PDF_HEADERS: Final = {
    # A browser's own viewer of PDFs is a page with styles and a plugin of its own.
    "Content-Security-Policy": (
        "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Robots-Tag": "noindex",
}

_log: Final = get_logger("tiyin.checkout")


class PayerReceipt:
    """The handlers.

    Args:
        checkout: What they work with.
    """

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._printing = asyncio.Semaphore(PRINTING_MAX)

    async def open(self, request: Request) -> Response:
        """`GET /checkout/<receipt id>/receipt`: the receipt, to read and to print."""
        found = await self._find(request)
        if isinstance(found, Response):
            return found
        _, receipt, facts, language = found
        return self._show(request, receipt, facts, language, self._checkout.browser(request))

    async def pdf(self, request: Request) -> Response:
        """`GET /checkout/<receipt id>/receipt.pdf`: the same as a PDF."""
        found = await self._find(request)
        if isinstance(found, Response):
            return found
        _, _, facts, language = found
        file = await self._print(facts, language)
        headers = {"Content-Disposition": f'inline; filename="{file.name}"', **_PDF_HEADERS}
        return Response(file.content, headers=headers, media_type=file.media_type)

    async def mail(self, request: Request) -> Response:
        """`POST /checkout/<receipt id>/mail`: send it to the payer's e-mail."""
        found = await self._find(request)
        if isinstance(found, Response):
            return found
        desk, receipt, facts, language = found
        checkout = self._checkout
        page = f"/checkout/{receipt.id}/receipt?lang={language}"
        if not checkout.gateway.invoices.sends_mail:
            return checkout.lead(request, page)
        browser = checkout.browser(request)
        try:
            fields = dict(await read_fields(request))
        except RpcError as error:
            _log.info("copy_refused", code=error.code, field=error.data, desk_id=desk.id)
            fields = {}
        proof = fields.get("proof", "")
        if not browser.is_proof(fields.get("nonce", ""), proof):
            return checkout.lead(request, f"{page}&mail=again")
        typed = read_address(fields.get("email", ""))
        problem = translations(language).gettext(typed.error) if typed.error else ""
        if not problem:
            copy = Copy(
                address=typed.address,
                purpose=facts.kind,
                account=facts.account,
                attach=lambda: self._print(facts, language),
                browser=browser.name,
                message_id=message_id_of(receipt, proof, typed.address),
            )
            try:
                # The browser may hang up now; what it asked for is kept.
                await checkout.gateway.tasks.finish(
                    checkout.gateway.invoices.send_copy(desk, receipt, language, copy), name="checkout.copy"
                )
            except RpcError as error:
                _log.info("copy_refused", code=error.code, field=error.data, desk_id=desk.id)
                problem = error.message.in_language(language)
        if not problem:
            return checkout.lead(request, f"{page}&mail=sent")
        if wants_json(request):
            return JSONResponse(msgspec.to_builtins(FormAnswer(errors={"email": problem})), 422)
        return self._show(
            request, receipt, facts, language, browser, typed=fields.get("email", ""), error=problem
        )

    async def _find(self, request: Request) -> tuple[Desk, Receipt, ReceiptFacts, Language] | Response:
        """Return what the receipt says; or the page that says it is gone, or where the payment stands."""
        checkout, language = self._checkout, language_of(request)
        receipt = await checkout.receipt(request.path_params["receipt_id"])
        desk = None if receipt is None else await checkout.gateway.desks.find(receipt.desk_id)
        if receipt is None or desk is None:
            failure = Failure.of(RpcError(SubscribeCode.RECEIPT_NOT_FOUND))
            return checkout.failure_page(request, failure, language=language)
        fiscal = await checkout.gateway.fiscal_receipts.of(receipt.id)
        facts = receipt_facts(desk, receipt, fiscal, checkout.gateway.clock.now_ms(), language)
        if facts is None:
            # Nothing was taken, or nobody knows yet: the payment's own page tells.
            path = f"/checkout/{receipt.id}?lang={language}"
            return checkout.lead(request, path) if request.method == "POST" else RedirectResponse(path, 303)
        return desk, receipt, facts, language

    async def _print(self, facts: ReceiptFacts, language: Language) -> Attachment:
        async with self._printing:
            content = await asyncio.to_thread(_written, facts, language)
        return Attachment(f"receipt-{facts.number}.pdf", "application/pdf", content)

    def _show(
        self,
        request: Request,
        receipt: Receipt,
        facts: ReceiptFacts,
        language: Language,
        browser: Browser,
        *,
        typed: str = "",
        error: str = "",
    ) -> Response:
        keeping = keeping_of(self._checkout, browser, receipt, language, typed=typed[:254], error=error)
        say = translations(language).gettext
        mailed = request.query_params.get("mail")
        response = self._checkout.page(
            request,
            "payer_receipt/receipt.html",
            language=language,
            status_code=422 if error else 200,
            here=f"/checkout/{receipt.id}/receipt",
            facts=facts,
            title=receipt_title(facts, language),
            notes=lambda line: line_notes(line, language),
            fiscal_title=lambda view: say(FISCAL_TITLES[view.of]),
            standing=lambda view: say(STANDINGS[view.standing]),
            qr=draw_qr,
            keeping=keeping,
            mailed=mailed if mailed in {"sent", "again"} and not error else "",
            payment=f"/checkout/{receipt.id}?lang={language}",
        )
        if keeping is not None and keeping.action:
            browser.remember(response)
        return response


def _written(facts: ReceiptFacts, language: Language) -> bytes:
    # What writes PDFs takes half a second to be imported: only a process that is asked for one pays for it.
    from tiyin.web.payer_receipt.pdf import write_pdf  # noqa: PLC0415 - as said above

    return write_pdf(facts, language)
