"""A payer keeps a receipt: read, printed, sent by e-mail; in a real browser, and in a whole emulator."""

import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, PdfMargins, expect
from pypdf import PdfReader

from helpers_browser import browser, serve, watched  # noqa: F401 - `browser` is a fixture
from helpers_checkout import FakeGateway, Site, opened_checkout
from helpers_emulator import Browser, call, emulator_process, get_json, post_json, verified_token
from helpers_pages import GOOD_CARD, link_of
from helpers_payer_receipt import fiscal_of, item, keep, pdf_text, receipt_of
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED, HELD, PAID

pytestmark = pytest.mark.browser

DETAIL = {
    "items": [
        item(),
        item("Зира бухарская, 50 г, в пакете с застёжкой", count=0.29, discount=1_000),
        item("W" * 200, price=99_999_999_999, count=1),
    ],
    "shipping": {"title": "Курьер", "price": 100_000},
}
SENT = {"ru": "Чек отправлен", "uz": "Chek yuborildi", "en": "The receipt is on its way"}
WAIT_S = 20.0


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    held: list[FakeGateway] = []
    with serve(lambda url: opened_checkout(tmp_path_factory.mktemp("site"), url, held)) as served:
        yield Site(served, held[0])


def kept(site: Site, state: int = PAID, **changes: object) -> Receipt:
    gateway = site.gateway
    receipt = receipt_of(state, gateway.ids.new(gateway.clock.now_ms()), DETAIL, **changes)
    site.run(keep(gateway, receipt, fiscal_of(receipt)))
    return receipt


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def until(true: Callable[[], bool]) -> None:
    ends = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < ends, "it did not happen"
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("language", "width", "scheme", "state"),
    [("ru", 360, "light", PAID), ("uz", 1280, "dark", CANCELLED), ("en", 360, "dark", HELD)],
)
def test_a_payer_has_the_receipt_sent(
    site: Site,
    browser: Chromium,  # noqa: F811
    language: str,
    width: int,
    scheme: str,
    state: int,
    tmp_path: Path,
) -> None:
    receipt = kept(site, state)
    before = len(site.gateway.postman.letters)
    viewport = {"width": width, "height": 800}
    with watched(browser, site.url, viewport=viewport, color_scheme=scheme) as seen:
        page = seen.page
        page.goto(f"{site.url}/checkout/{receipt.id}?lang={language}")
        assert fits(page)
        page.locator(".keep-links a").first.click()
        expect(page.locator("h1")).to_contain_text("80")
        expect(page.locator(".receipt-goods > div")).to_have_count(4)
        assert fits(page)
        page.screenshot(path=tmp_path / "receipt.png", full_page=True)

        send = page.locator("form[data-form=mail] button")
        page.locator("#email").fill("payer@example")
        send.click()
        expect(page.locator("#email-error")).not_to_be_empty()
        expect(page.locator("#email")).to_be_focused()
        page.locator("#email").press("End")
        page.locator("#email").press_sequentially(".uz")
        expect(page.locator("#email-error")).to_be_empty()
        send.click()
        expect(page.get_by_role("status")).to_contain_text(SENT[language])
        assert fits(page)
        assert "payer@example.uz" not in page.content()
        assert not [url for url in seen.asked if "example" in url]
        assert seen.strangers == []
    letters = site.run(site.gateway.deliver())
    assert [letter.receiver for letter in letters[before:]] == ["payer@example.uz"]


def test_without_script_the_same_can_be_done(site: Site, browser: Chromium) -> None:  # noqa: F811
    receipt = kept(site)
    with watched(browser, site.url, java_script_enabled=False) as seen:
        page = seen.page
        page.goto(f"{site.url}/checkout/{receipt.id}?lang=en")
        page.locator("#email").fill("nobody")
        page.locator("form[data-form=mail] button").click()
        expect(page.locator("#email-error")).to_contain_text("looks like")
        expect(page.locator("#email")).to_have_value("nobody")
        page.locator("#email").fill("plain@example.uz")
        page.locator("form[data-form=mail] button").click()
        expect(page.get_by_role("status")).to_contain_text(SENT["en"])
        expect(page.locator("[data-print]")).to_be_hidden()
    assert "plain@example.uz" in [letter.receiver for letter in site.run(site.gateway.deliver())]


def test_whoever_types_an_address_is_not_led_back_to_the_shop(
    site: Site,
    browser: Chromium,  # noqa: F811
) -> None:
    with watched(browser, site.url, viewport={"width": 1280, "height": 1200}) as seen:
        page = seen.page
        page.clock.install()
        page.goto(link_of(site.url, lang="en", callback=f"{site.url}/healthz"))
        page.locator("#number").press_sequentially(GOOD_CARD)
        page.locator("#expire").press_sequentially("0399")
        page.locator("form[data-form=card] button[type=submit]").click()
        page.locator("#code").fill("666666")
        page.locator("form[data-form=code] button").click()
        expect(page.locator("#code")).to_have_count(0)
        page.clock.run_for(3_000)
        expect(page.locator("[data-return]")).to_be_visible()
        place = page.locator("#email").bounding_box()
        page.locator("#email").focus()
        expect(page.locator("[data-return]")).to_be_hidden()
        assert page.locator("#email").bounding_box() == place, "nothing moves under the finger"
        page.clock.run_for(60_000)
        page.locator("#email").fill("still here")
        assert "/checkout/" in page.url


@pytest.mark.parametrize(("width", "height"), [("210mm", "297mm"), ("80mm", "400mm")])
def test_the_receipt_is_printed_on_one_piece_of_paper(
    site: Site,
    browser: Chromium,  # noqa: F811
    width: str,
    height: str,
    tmp_path: Path,
) -> None:
    receipt = kept(site)
    with watched(browser, site.url, color_scheme="dark") as seen:
        page = seen.page
        page.goto(f"{site.url}/checkout/{receipt.id}/receipt?lang=ru")
        margin: PdfMargins = {"top": "4mm", "right": "4mm", "bottom": "4mm", "left": "4mm"}
        content = page.pdf(width=width, height=height, margin=margin)
        (tmp_path / "printed.pdf").write_bytes(content)
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.querySelector('.receipt')).color") == "rgb(0, 0, 0)"
    assert len(PdfReader(io.BytesIO(content)).pages) == 1
    text = pdf_text(content)
    for said in ("Чек № 80", "Зира бухарская", "5 000 сум", "168355950146", receipt.id):
        assert said in text
    for unsaid in ("Печать", "Отправить", "Назад", "Eng"):
        assert unsaid not in text


def test_in_the_emulator_the_fiscal_receipt_comes_and_the_letter_arrives(tmp_path: Path) -> None:
    with emulator_process(tmp_path / "data") as (_, told):
        desk = told["desks"][0]
        order = post_json(f"{told['shop']}/orders", {"amount": 500_000}).json["order_id"]
        sold = {"amount": 500_000, "account": {"order_id": order}, "detail": {"items": [item(price=250_000)]}}
        made = call(told, desk, "receipts.create", key=True, **sold)
        receipt_id = made["receipt"]["_id"]
        token = verified_token(told, desk)
        assert call(told, desk, "receipts.pay", key=True, id=receipt_id, token=token)["receipt"]["state"] == 4

        address = f"{told['checkout']}/checkout/{receipt_id}/receipt?lang=en"
        until(lambda: "EP000000000356" in Browser().get(address).text)
        payer = Browser()
        page = payer.get(address)
        assert "<svg viewBox=" in page.text
        assert "https://ofd.soliq.uz/epi?t=EP000000000356" in page.text
        assert "EP000000000356" in pdf_text(payer.get(address.replace("/receipt?", "/receipt.pdf?")).body)
        assert SENT["en"] in payer.submit(page, email="payer@example.uz").text

        def letters() -> list[str]:
            messages = get_json(f"{told['dev']}/inbox")["messages"]
            return [one["text"] for one in messages if one["phone"] == "payer@example.uz"]

        until(lambda: len(letters()) == 1)
        assert address in letters()[0]
        assert letters()[0].startswith("Receipt: ")
