"""A payer's receipt as a PDF: the facts of the page, on one sheet of A4 or as many as the goods take."""

from typing import Final

from tiyin.protocol.values import Language, format_sum
from tiyin.web.payer_receipt.facts import ReceiptFacts
from tiyin.web.payer_receipt.fiscal import FiscalView
from tiyin.web.payer_receipt.goods import Goods, Line
from tiyin.web.payer_receipt.paper import MARGIN_MM, WIDTH_MM, About, Paper
from tiyin.web.payer_receipt.qr import draw_qr
from tiyin.web.payer_receipt.sentences import FISCAL_TITLES, STANDINGS, line_notes, receipt_title
from tiyin.web.words import N_, translations

__all__ = ["write_pdf"]

_QR_MM: Final = 38.0


def write_pdf(facts: ReceiptFacts, language: Language) -> bytes:
    """Write a receipt. It is work of some ten milliseconds: call it in a thread.

    Args:
        facts: What the receipt says.
        language: In which language.
    """
    say = translations(language).gettext
    title = receipt_title(facts, language)
    page = say(N_("Page %(page)s of %(pages)s")) % {"page": "{page}", "pages": "{pages}"}
    paper = Paper(
        About(f"{title} · {facts.merchant}", facts.merchant, language, facts.moment_ms, f"{title} · {page}")
    )
    paper.write(title, size=10, muted=True)
    paper.space(2)
    paper.write(facts.merchant, size=18, bold=True)
    for text in (facts.organization, facts.address):
        if text:
            paper.write(text, muted=True)
    paper.space(6)
    paper.write(facts.headline, size=12, bold=True)
    paper.write(format_sum(facts.amount_tiyin, language), size=26, bold=True)
    if facts.description:
        paper.space(1)
        paper.write(facts.description)
    paper.space(4)
    paper.rule()
    paper.space(3)
    for name, value in (*facts.account, *facts.rows):
        paper.pair(name, value, muted_left=True)
    if facts.goods is not None:
        _write_goods(paper, facts.goods, language)
    paper.space(3)
    paper.need(20)
    paper.rule()
    paper.space(3)
    paper.pair(say(N_("Total")), format_sum(facts.amount_tiyin, language), size=12, bold=True)
    if facts.goods is not None and facts.goods.vat_tiyin is not None:
        paper.pair(say(N_("VAT included")), format_sum(facts.goods.vat_tiyin, language), muted_left=True)
    for view in facts.fiscal:
        _write_fiscal(paper, view, language)
    paper.space(6)
    paper.need(16)
    paper.rule()
    paper.space(3)
    paper.pair(say(N_("Receipt")), facts.receipt_id, size=8, muted_left=True)
    return paper.bytes()


def _write_goods(paper: Paper, goods: Goods, language: Language) -> None:
    catalog = translations(language)
    say = catalog.gettext
    paper.space(4)
    paper.need(20)
    paper.rule()
    paper.space(3)
    for line in goods.lines:
        _write_line(paper, line, language)
    if goods.hidden:
        text = catalog.ngettext("and %(num)s more", "and %(num)s more", goods.hidden)
        paper.pair(text % {"num": goods.hidden}, format_sum(goods.hidden_tiyin, language), right_mm=60)
    if goods.shipping_tiyin:
        title = goods.shipping_title or say(N_("Delivery"))
        paper.pair(title, format_sum(goods.shipping_tiyin, language), right_mm=60)
    if goods.discount_tiyin:
        paper.pair(say(N_("Discount")), format_sum(-goods.discount_tiyin, language), right_mm=60)


def _write_line(paper: Paper, line: Line, language: Language) -> None:
    paper.pair(
        line.title,
        format_sum(line.total_tiyin, language),
        right_mm=60,
        note=" · ".join(line_notes(line, language)),
    )
    paper.space(1.5)


def _write_fiscal(paper: Paper, view: FiscalView, language: Language) -> None:
    say = translations(language).gettext
    paper.space(5)
    paper.need(_QR_MM + 16 if view.link else 20)
    paper.rule()
    paper.space(3)
    paper.write(say(FISCAL_TITLES[view.of]), size=12, bold=True)
    paper.space(1.5)
    if view.standing != "registered":
        paper.write(say(STANDINGS[view.standing]))
        return
    top_mm, x_mm, width_mm = paper.y_mm, MARGIN_MM, WIDTH_MM
    if view.link:
        drawing = draw_qr(view.link)
        quiet_mm = 4 * _QR_MM / drawing.size
        # The margin of the sheet is white enough for the code's own on the left.
        paper.squares(drawing.runs, MARGIN_MM - quiet_mm, _QR_MM / drawing.size)
        x_mm, width_mm = MARGIN_MM + _QR_MM, WIDTH_MM - _QR_MM
        paper.space(quiet_mm)
    rows = (
        (N_("Terminal"), view.terminal),
        (N_("Fiscal receipt number"), view.number),
        (N_("Fiscal sign"), view.sign),
        (N_("Registered on, Tashkent time"), view.date),
    )
    for name, value in rows:
        if value:
            paper.write(f"{say(name)}: {value}", x_mm=x_mm, width_mm=width_mm)
    if view.link:
        text = say(N_("Check it at the tax service"))
        paper.write(text, x_mm=x_mm, width_mm=width_mm, link=view.link)
        paper.y_mm = max(paper.y_mm, top_mm + _QR_MM)
