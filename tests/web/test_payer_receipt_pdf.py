"""The PDF of a payer's receipt, read back: the page's facts, whatever stands in them."""

import io
from typing import Any

import msgspec
import pytest
from pypdf import PdfReader

from helpers_checkout import DESK
from helpers_payer_receipt import AT_MS, FISCAL_URL, fiscal_of, item, pdf_text, receipt_of
from tiyin.gateway.fiscal.receipts import OfReceipt
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED, HELD
from tiyin.protocol.values import LANGUAGES, Language, format_sum
from tiyin.web.payer_receipt.facts import ReceiptFacts, receipt_facts
from tiyin.web.payer_receipt.pdf import write_pdf
from tiyin.web.payer_receipt.sentences import receipt_title
from tiyin.web.words import translations

BYTES_MAX = 100_000
DETAIL = {
    "items": [item("Шафран «Имом»"), item("Oʻzbek zirasi", price=100_000, count=0.29, discount=1_000)],
    "shipping": {"title": "Курьер", "price": 100_000},
    "discount": 5_000,
}


def facts_of(receipt: Receipt, language: Language = "ru", fiscal: OfReceipt | None = None) -> ReceiptFacts:
    facts = receipt_facts(DESK, receipt, fiscal or OfReceipt(), AT_MS, language)
    assert facts is not None
    return facts


def plain(text: str) -> str:
    return " ".join(text.split())


def texts_in(value: Any) -> list[str]:
    """Collect every text that facts hold."""
    if isinstance(value, str):
        return [value] if value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()
    return [text for one in inner for text in texts_in(one)]


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_tells_every_fact(language: Language) -> None:
    receipt = receipt_of(CANCELLED, detail=DETAIL, description='"Две пачки"')
    fiscal = OfReceipt(fiscal_of(receipt), fiscal_of(receipt, "CANCEL", receipt_id=7))
    facts = facts_of(receipt, language, fiscal)
    content = write_pdf(facts, language)
    text = pdf_text(content)
    told = msgspec.to_builtins(facts)
    told.pop("kind")
    for view in told["fiscal"]:
        for unseen in ("of", "standing", "link"):
            view.pop(unseen)
    for line in told["goods"]["lines"]:
        line.pop("count")
    for value in texts_in(told):
        assert plain(value) in text, value
    amounts = (500_000, 400_000, 28_000, 100_000, -5_000, 42_857)
    for amount_tiyin in amounts:
        assert plain(format_sum(amount_tiyin, language)) in text
    say = translations(language).gettext
    for words in ("Total", "Discount", "Fiscal receipt of the refund", "Check it at the tax service"):
        assert say(words) in text
    assert len(content) < BYTES_MAX


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_pdf_says_what_it_is(language: Language) -> None:
    facts = facts_of(receipt_of(), language)
    content = write_pdf(facts, language)
    read = PdfReader(io.BytesIO(content))
    assert read.metadata is not None
    assert read.metadata.title == f"{receipt_title(facts, language)} · {DESK.name}"
    assert read.metadata.author == DESK.name
    assert str(read.root_object["/Lang"]) == language
    assert content == write_pdf(facts, language), "the same receipt has the same bytes"
    width, height = float(read.pages[0].mediabox.width), float(read.pages[0].mediabox.height)
    assert (round(width), round(height)) == (595, 842)


def test_only_the_documented_address_is_a_link() -> None:
    receipt = receipt_of()

    def links(url: str) -> list[str]:
        fiscal = OfReceipt(fiscal_of(receipt, qr_code_url=url))
        page = PdfReader(io.BytesIO(write_pdf(facts_of(receipt, fiscal=fiscal), "ru"))).pages[0]
        return [one.get_object()["/A"]["/URI"] for one in page.get("/Annots", [])]

    assert links(FISCAL_URL) == [FISCAL_URL]
    assert links("javascript:alert(1)") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"state": HELD}, "Деньги захолдированы"),
        ({"fiscal_due": 1}, "Появится в течение нескольких минут"),
        ({}, "Оплачено"),
    ],
)
def test_how_it_stands_is_told(changes: dict[str, Any], words: str) -> None:
    text = pdf_text(write_pdf(facts_of(receipt_of(**changes)), "ru"))
    assert words in text
    assert ("Фискальный" in text) == ("fiscal_due" in changes)


def test_goods_flow_over_pages_and_each_page_is_numbered() -> None:
    long = "с длинным именем, которое занимает больше одной строки на листе бумаги " * 2
    titles = [f"Товар {number:03d} {long}" for number in range(230)]
    content = write_pdf(facts_of(receipt_of(detail={"items": [item(title) for title in titles]})), "ru")
    pages = PdfReader(io.BytesIO(content)).pages
    text = pdf_text(content)
    assert len(pages) > 5
    assert len(content) < BYTES_MAX
    for number in range(200):
        assert f"Товар {number:03d}" in text
    assert "Товар 200" not in text
    assert "и ещё 30" in text
    for number, page in enumerate(pages, 1):
        assert f"Страница {number} из {len(pages)}" in plain(page.extract_text())


def test_a_word_wider_than_the_paper_stays_on_it() -> None:
    word = "W" * 290
    content = write_pdf(facts_of(receipt_of(detail={"items": [item(word)]}, description=f'"{word}"')), "ru")
    right_edges = []

    def note(text: str, _cm: Any, tm: Any, _font: Any, size: float) -> None:
        # Every W of this font is some nine tenths of its size wide.
        right_edges.append(tm[4] + 0.9 * size * text.count("W"))

    PdfReader(io.BytesIO(content)).pages[0].extract_text(visitor_text=note)
    assert max(right_edges) < 595 - 45
    assert pdf_text(content).replace(" ", "").count("W") == 2 * 290


@pytest.mark.parametrize(
    "nasty",
    [
        "\u202egnp.exe\u202c",
        "cake 🎂 and 中文",
        "שלום ברוך",
        "مرحبا",
        "(unbalanced \\ parentheses (",
        "%PDF-1.7 endstream endobj",
        "**bold** __x__ <b>y</b> {nb} {page}",
        "a" * 5_000,
        "\x1b[31mred",
    ],
)
def test_hostile_texts_do_not_break_it(nasty: str) -> None:
    desk = msgspec.structs.replace(DESK, name=nasty, organization=nasty, address=nasty)
    receipt = receipt_of(
        detail={"items": [item(nasty), item()], "shipping": {"title": nasty, "price": 1}},
        account=msgspec.json.encode({nasty[:20]: nasty}).decode(),
        description=msgspec.json.encode(nasty).decode(),
    )
    fiscal = OfReceipt(
        fiscal_of(receipt, terminal_id=nasty[:200], date=nasty[:200], qr_code_url=nasty[:2000])
    )
    facts = receipt_facts(desk, receipt, fiscal, AT_MS, "uz")
    assert facts is not None
    content = write_pdf(facts, "uz")
    text = pdf_text(content)
    assert "5 000 soʻm" in text
    assert "414622483" in text
    assert not set(text) & set("\u202e\u202c\x1b🎂中ש")
    assert len(content) < BYTES_MAX
