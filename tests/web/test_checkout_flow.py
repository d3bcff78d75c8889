"""The whole way from a shop to "paid", in a real browser, as a payer walks it."""

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from helpers_browser import watched
from helpers_checkout import Site
from helpers_pages import GOOD_CARD, link_of, pairs_of
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import LANGUAGES, Language, Text, format_sum

pytestmark = pytest.mark.browser

PAID = {"ru": "Оплачено", "uz": "Toʻlandi", "en": "Paid"}
ORDER_TITLE = {"ru": "Номер заказа", "uz": "Buyurtma raqami", "en": "Order number"}


def type_card(page: Page, number: str = GOOD_CARD) -> None:
    page.locator("#number").press_sequentially(number)
    page.locator("#expire").press_sequentially("0399")
    page.locator("form[data-form=card] button[type=submit]").click()


def type_code(page: Page, code: str = "666666") -> None:
    page.locator("#code").fill(code)
    page.locator("form[data-form=code] button").click()


def open_form(page: Page, url: str, **changes: object) -> None:
    """Open the checkout as a shop's page does: a form sent by POST."""
    inputs = "".join(
        f'<textarea name="{name}">{value.replace("<", "&lt;")}</textarea>'
        for name, value in pairs_of(**changes)
    )
    page.set_content(f'<form method="post" action="{url}/">{inputs}</form>')
    page.evaluate("document.forms[0].submit()")
    page.wait_for_url("**/checkout/order/**")


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_payer_pays_by_a_link(site: Site, browser: Browser, language: Language, width: int) -> None:
    with watched(browser, site.url, viewport={"width": width, "height": 800}) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang=language))
        expect(page.locator("html")).to_have_attribute("lang", language)
        money = page.locator(".order .money--large")
        expect(money).to_have_text(format_sum(500_000, language).replace("\u00a0", " "), use_inner_text=True)
        expect(page.get_by_text(ORDER_TITLE[language])).to_be_visible()
        assert site.rows() == (0, 0, 0)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        type_card(page)
        expect(page.locator("#code")).to_be_focused()
        assert GOOD_CARD not in page.content()
        assert "860006******6311" in page.content()

        type_code(page, "123456")
        expect(page.locator("#code-error")).not_to_be_empty()
        type_code(page)
        expect(page.locator("h1")).to_have_text(PAID[language])
        assert GOOD_CARD not in page.content()
        assert re.search(r"/checkout/[0-9a-f]{24}\?back=https%3A.*&timeout=15000&lang=" + language, page.url)
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        assert seen.strangers == []
        assert not [address for address in seen.asked if GOOD_CARD in address.replace("%20", "")]
    assert site.gateway.count("receipts.pay") == 1
    assert ("cards.get_verify_code", language) in site.gateway.asked


def test_a_payer_pays_by_a_form_with_goods(site: Site, browser: Browser) -> None:
    item = {
        "title": "Шафран",
        "price": 200_000,
        "count": 2,
        "code": "00702001001000001",
        "package_code": "123456",
        "vat_percent": 12,
    }
    detail = {"receipt_type": 0, "items": [item], "shipping": {"title": "Курьер", "price": 100_000}}
    said = Text(ru="Две пачки", uz="Ikki quti", en="Two packs")
    with watched(browser, site.url, viewport={"width": 1280, "height": 800}, locale="uz") as seen:
        page = seen.page
        open_form(page, site.url, lang="uz", detail=detail, description=said)
        assert site.rows() == (0, 1, 0)
        expect(page.get_by_text("Ikki quti")).to_be_visible()
        expect(page.locator(".goods")).to_contain_text("Шафран × 2")
        expect(page.locator(".goods")).to_contain_text("Курьер")
        page.get_by_role("link", name="Eng").click()
        expect(page.get_by_text("Two packs")).to_be_visible()
        type_card(page)
        type_code(page)
        expect(page.locator("h1")).to_have_text("Paid")
    created = next(call for call in site.gateway.asked if call[0] == "receipts.create")[1]
    assert (created.type, created.source) == (1, "checkout")
    assert created.detail == detail
    assert created.description == said


def test_the_result_leads_back_to_the_shop_by_itself(site: Site, browser: Browser) -> None:
    back = f"{site.url}/healthz?order=:account.order_id&paid=:transaction"
    with watched(browser, site.url) as seen:
        seen.page.goto(link_of(site.url, callback=back, callback_timeout_ms=2000))
        type_card(seen.page)
        type_code(seen.page)
        expect(seen.page.locator("[data-return]")).to_contain_text(re.compile(r"0:0[12]"))
        receipt_id = re.findall(r"[0-9a-f]{24}", seen.page.url)[0]
        seen.page.wait_for_url(f"{site.url}/healthz?order=197&paid={receipt_id}")


def test_the_payer_may_stay_on_the_result(site: Site, browser: Browser) -> None:
    with watched(browser, site.url) as seen:
        seen.page.goto(link_of(site.url, callback=f"{site.url}/healthz", callback_timeout_ms=1500))
        type_card(seen.page)
        type_code(seen.page)
        seen.page.locator("[data-stay]").click()
        seen.page.wait_for_timeout(2000)
        assert "/checkout/" in seen.page.url


def test_a_slow_payment_shows_progress_and_ends_on_the_result(site: Site, browser: Browser) -> None:
    site.gateway.delay_s = 2.5
    with watched(browser, site.url) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang="en"))
        type_card(page, "8600134301849596")
        type_code(page)
        expect(page.locator("li[data-step=now]")).to_have_text("The bank charges the card")
        page.reload()
        expect(page.locator("li[data-step=now]")).to_have_text("The bank charges the card")
        expect(page.locator("h1")).to_have_text("The bank does not answer")
        expect(page.get_by_role("link", name="Pay with another card")).to_be_visible()
    assert site.gateway.count("receipts.pay") == 1


def test_another_code_is_sent_when_the_countdown_is_over(site: Site, browser: Browser) -> None:
    with watched(browser, site.url) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang="en"))
        type_card(page)
        button = page.get_by_role("button", name="Send the code again")
        expect(page.get_by_role("timer")).to_contain_text(re.compile(r"0:5\d|1:00"))
        expect(button).to_be_hidden()
        site.gateway.clock.advance(61_000)
        page.reload()
        button.click()
        expect(page.get_by_role("timer")).to_contain_text(re.compile(r"0:5\d|1:00"))
    assert site.gateway.count("cards.get_verify_code") == 2


@pytest.mark.parametrize(
    ("number", "where", "words"),
    [
        ("3333336415804657", "#number-error", "not accepted"),
        ("4111111111111111", "#number-error", "Uzcard and HUMO"),
        ("8600060921090842", "#trouble", "no SMS notification"),
    ],
)
def test_a_card_that_cannot_pay_is_told_where_it_is_typed(
    site: Site, browser: Browser, number: str, where: str, words: str
) -> None:
    with watched(browser, site.url) as seen:
        seen.page.goto(link_of(site.url, lang="en"))
        type_card(seen.page, number)
        expect(seen.page.locator(where)).to_contain_text(words)
        # The same page takes the next card.
        seen.page.locator("#number").fill("")
        seen.page.locator("#expire").fill("")
        type_card(seen.page)
        type_code(seen.page)
        expect(seen.page.locator("h1")).to_have_text("Paid")


def test_a_declined_card_leads_to_another_one(site: Site, browser: Browser) -> None:
    with watched(browser, site.url) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang="en"))
        type_card(page, "8600143417770323")
        type_code(page)
        expect(page.locator("h1")).to_have_text("The card could not be charged")
        page.get_by_role("link", name="Pay with another card").click()
        type_card(page)
        type_code(page)
        expect(page.locator("h1")).to_have_text("Paid")
    assert site.rows()[0] == 2


def test_keys_alone_are_enough(site: Site, browser: Browser) -> None:
    with watched(browser, site.url) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang="en"))
        expect(page.locator("#number")).to_be_focused()
        page.keyboard.type("8600 0691-9540 6311")
        expect(page.locator("#number")).to_have_value("8600 0691 9540 6311")
        expect(page.locator("#expire")).to_be_focused()
        page.keyboard.type("399")
        expect(page.locator("#expire")).to_have_value("03/99")
        page.keyboard.press("Enter")
        expect(page.locator("#code")).to_be_focused()
        page.keyboard.type("666666")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Paid")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_double_press_counts_once(site: Site, browser: Browser, script: bool) -> None:
    site.gateway.step_s = 0.4
    with watched(browser, site.url, java_script_enabled=script) as seen:
        page = seen.page
        sent: list[str] = []
        page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
        page.goto(link_of(site.url, lang="en"))
        page.locator("#number").fill(GOOD_CARD)
        page.locator("#expire").fill("0399")
        page.locator("form[data-form=card] button[type=submit]").dblclick()
        if script:
            expect(page.locator("form[data-form=card] button[type=submit]")).to_be_disabled()
        page.locator("#code").fill("666666")
        page.locator("form[data-form=code] button").dblclick()
        expect(page.locator("h1")).to_have_text("Paid")
        assert not script or len(sent) == 2
    assert site.rows() == (1, 0, 1)
    assert site.gateway.count("receipts.pay") == 1


def test_a_lost_connection_is_told_and_the_same_form_goes_on(site: Site, browser: Browser) -> None:
    with watched(browser, site.url, strict=False) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang="en"))
        seen.context.set_offline(offline=True)
        type_card(page)
        expect(page.locator("#trouble")).to_contain_text("The connection was lost")
        expect(page.locator("#number")).to_have_value("8600 0691 9540 6311")
        seen.context.set_offline(offline=False)
        page.locator("form[data-form=card] button[type=submit]").click()
        expect(page.locator("#code")).to_be_visible()
    assert site.rows() == (1, 0, 1)


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_reloading_and_going_back_at_every_step_pays_once(site: Site, browser: Browser, script: bool) -> None:
    with watched(browser, site.url, java_script_enabled=script) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang="en"))
        page.reload()
        type_card(page)
        expect(page.locator("#code")).to_be_visible()
        page.reload()
        expect(page.locator("#code")).to_be_visible()
        page.go_back()
        expect(page.locator("#number")).to_be_visible()
        page.go_forward()
        type_code(page)
        expect(page.locator("h1")).to_have_text("Paid")
        page.reload()
        expect(page.locator("h1")).to_have_text("Paid")
        # The shop takes no second payment for the order: its link leads to the one that was made.
        site.gateway.check_error = RpcError(SubscribeCode.WRONG_FIELD, Text.same("paid already"), "order_id")
        page.goto(link_of(site.url, lang="en"))
        expect(page.locator("h1")).to_have_text("Paid")
    assert site.gateway.count("receipts.pay") == 1
    assert site.gateway.count("receipts.create") == 1


def test_all_of_it_works_without_script(site: Site, browser: Browser) -> None:
    site.gateway.step_s = 0.7
    with watched(browser, site.url, java_script_enabled=False) as seen:
        page = seen.page
        page.goto(link_of(site.url, lang="uz", callback=f"{site.url}/healthz", callback_timeout_ms=2000))
        page.locator("form[data-form=card] button[type=submit]").click()
        expect(page.locator("#number-error")).to_have_text("Karta raqamini kiriting.")
        expect(page.locator("#expire-error")).not_to_be_empty()
        page.locator("#number").fill("8600 0691 9540 6311")
        page.locator("#expire").fill("3/2099")
        page.locator("form[data-form=card] button[type=submit]").click()
        type_code(page, "12")
        expect(page.locator("#code-error")).to_have_text("Kodda 6 ta raqam bor.")
        type_code(page)
        # The page of progress asks by itself, then the result leads back by itself.
        expect(page.locator(".steps")).to_be_visible()
        expect(page.locator("h1")).to_have_text("Toʻlandi")
        page.wait_for_url(f"{site.url}/healthz")
