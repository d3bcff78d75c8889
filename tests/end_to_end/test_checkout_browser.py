"""The payment page as payers meet it: every way in, every test card, two windows, slow scripts."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize, expect

from helpers_browser import browser, serve, watched  # noqa: F401 - `browser` is a fixture
from helpers_checkout import DESK, FakeGateway, Fresh, Site, opened_checkout
from helpers_pages import GOOD_CARD, Payer, link_of, pairs_of
from tiyin.gateway.desks.records import DeskKind
from tiyin.gateway.receipts.service import NewReceipt
from tiyin.protocol.values import LANGUAGES, Language, format_sum

pytestmark = pytest.mark.browser

PHONE: ViewportSize = {"width": 360, "height": 740}
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
NO_BILLING = msgspec.structs.replace(DESK, kind=DeskKind.NO_BILLING, endpoint=None)
ON_SITE = msgspec.structs.replace(DESK, kind=DeskKind.ON_SITE, endpoint=None, account_fields=())
OPEN = f"/fallback/merchant/?id={DESK.id}"
WRONG_ANSWERS = {
    "8600 0609 2109 0842": ("#trouble", "This card has no SMS notification"),
    "3333 3364 1580 4657": ("#number-error", "The card was not accepted"),
    "4444 4459 8745 9073": ("#number-error", "The card was not accepted"),
}
AFTER_THE_CODE = {
    "8600 0691 9540 6311": "Paid",
    "8600 4954 7331 6478": "Paid",
    "8600 1434 1777 0323": "The card could not be charged",
    "8600 1343 0184 9596": "The bank does not answer",
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all of these tests."""
    held: list[FakeGateway] = []
    with serve(lambda url: opened_checkout(tmp_path_factory.mktemp("site"), url, held)) as served:
        yield Site(served, held[0])


@pytest.fixture
def site(shared: Site) -> Site:
    """The pages, new to each test."""
    return Fresh(shared)


def link(site: Site, order_id: str, **changes: Any) -> str:
    """Return the English link of an order."""
    return link_of(site.url, **{"lang": "en", "account": {"order_id": order_id, "phone": "1"}, **changes})


def type_card(page: Page, number: str = GOOD_CARD) -> None:
    page.locator("#number").fill(number)
    page.locator("#expire").fill("03/99")
    page.locator("form[data-form=card] button[type=submit]").click()


def type_code(page: Page) -> None:
    page.locator("#code").fill("666666")
    page.locator("form[data-form=code] button").click()


def fits(page: Page) -> bool:
    """Tell whether nothing stands beyond the page's right edge."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def ways_in(site: Site, language: Language) -> list[str]:
    """Return the addresses of every way to a card's form."""
    account: dict[str, str | int] = {"order_id": "197", "phone": "901234567"}
    payer = Payer(site.url)
    kept = payer.post("/", pairs_of(lang=language, account=account)).headers["location"]
    typed = payer.post(
        f"{OPEN}&lang={language}",
        {"account[order_id]": "197", "account[phone]": "901234567", "sum": "5 000"},
    ).headers["location"]
    new = NewReceipt(amount_tiyin=500_000, account=account, type=1)
    receipt = site.run(site.gateway.receipts.create(site.gateway.desk, new))
    by_hand = link_of("", lang=language, account=account, merchant="bozor")
    return [by_hand, kept, typed, f"/checkout/{receipt.id}?lang={language}"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_way_in_leads_to_the_same_page(
    site: Site,
    browser: Browser,  # noqa: F811
    language: Language,
) -> None:
    site.gateway.desk = NO_BILLING
    with watched(browser, site.url, viewport=PHONE) as seen:
        page = seen.page
        shown = set()
        for path in ways_in(site, language):
            page.goto(site.url + path)
            expect(page.locator("html")).to_have_attribute("lang", language)
            expect(page.locator("#number")).to_be_focused()
            expect(page.locator(".order .facts")).to_contain_text("901234567")
            shown.add((page.locator(".order .money--large").inner_text(), page.title()))
            for size in (DESKTOP, PHONE):
                page.set_viewport_size(size)
                assert fits(page)
        assert len(shown) == 1
        amount = format_sum(500_000, language).replace("\u00a0", " ")
        assert shown.pop()[0].replace("\u00a0", " ").replace("\n", " ") == amount
        assert seen.strangers == []


def test_every_test_card_does_what_the_documentation_says(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    site.gateway.delay_s = 2.0
    with watched(browser, site.url, viewport=PHONE) as seen:
        page = seen.page
        page.goto(link(site, "wrong cards"))
        for number, (place, words) in WRONG_ANSWERS.items():
            # The list of test cards fills the form.
            page.locator(".test-cards summary").click()
            page.get_by_role("button", name=number).click()
            expect(page.locator("#number")).to_have_value(number)
            page.locator("form[data-form=card] button[type=submit]").click()
            expect(page.locator(place)).to_contain_text(words)
            page.goto(link(site, "wrong cards"))
        for number, heading in AFTER_THE_CODE.items():
            page.goto(link(site, number[-4:]))
            type_card(page, number)
            type_code(page)
            if heading == "The bank does not answer":
                expect(page.locator("li[data-step=now]")).to_have_text("The bank charges the card")
            expect(page.locator("h1")).to_have_text(heading)
        assert not [address for address in seen.asked if re.search(r"\d{16}", address)]


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_a_payer_types_what_he_pays(
    site: Site,
    browser: Browser,  # noqa: F811
    script: bool,
) -> None:
    site.gateway.desk = NO_BILLING if script else ON_SITE
    with watched(browser, site.url, viewport=PHONE, java_script_enabled=script) as seen:
        page = seen.page
        page.goto(f"{site.url}{OPEN}&lang=en")
        page.get_by_role("button", name="Next: the card").click()
        expect(page.locator("#sum-error")).to_have_text("Enter the amount.")
        if script:
            expect(page.get_by_label("Order number")).to_be_focused()
            page.get_by_label("Order number").fill("7")
            page.get_by_label("Phone").fill("901234567")
            button = page.get_by_role("button", name="Next: the card")
            before = button.bounding_box()
            page.locator("#sum").press_sequentially("12500,5")
            expect(page.locator("#sum-shown")).to_have_text("UZS\u00a012,500.50")
            expect(page.locator("#sum-error")).to_be_empty()
            page.locator("#sum").fill("")
            page.locator("#sum").press_sequentially("12500")
            now = button.bounding_box()
            assert before is not None
            assert now is not None
            assert now["y"] <= before["y"]
        else:
            page.locator("#sum").fill("12 500")
            page.locator("#about").fill("Plov for two")
        page.keyboard.press("Enter")
        expect(page.locator(".order .money--large")).to_have_text("UZS 12,500", use_inner_text=True)
        assert script or page.get_by_text("Plov for two").is_visible()
        type_card(page)
        type_code(page)
        expect(page.locator("h1")).to_have_text("Paid")
        assert fits(page)


def test_two_windows_of_a_desk_without_billing_pay_once(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    site.gateway.desk = NO_BILLING
    with watched(browser, site.url, viewport=PHONE) as seen:
        first, second = seen.page, seen.context.new_page()
        for page in (first, second):
            page.goto(link(site, "two windows"))
            type_card(page)
            expect(page.locator("#code")).to_be_visible()
        type_code(first)
        expect(first.locator("h1")).to_have_text("Paid")
        type_code(second)
        expect(second.locator("h1")).to_have_text("You have just paid this")
        assert site.gateway.count("receipts.pay") == 1
        second.get_by_role("link", name="See that payment").click()
        expect(second.locator("h1")).to_have_text("Paid")
        second.go_back()
        second.get_by_role("link", name="Pay this once more").click()
        type_card(second)
        type_code(second)
        expect(second.locator("h1")).to_have_text("Paid")
    assert site.gateway.count("receipts.pay") == 2


def test_a_card_that_is_pasted_finds_its_fields(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    with watched(browser, site.url) as seen:
        page = seen.page
        for pasted, expire in (
            ("8600 0691 9540 6311", ""),
            ("8600-0691-9540-6311", ""),
            ("8600 0691 9540 6311 03/99", "03/99"),
            ("8600069195406311\t03/2099", "03/99"),
        ):
            page.goto(link(site, "pasted"))
            page.locator("#number").focus()
            page.keyboard.insert_text(pasted)
            expect(page.locator("#number")).to_have_value("8600 0691 9540 6311")
            expect(page.locator("#expire")).to_have_value(expire)
            expect(page.locator("#expire")).to_be_focused()


def test_six_digits_move_nothing_and_send_nothing(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    with watched(browser, site.url, viewport=PHONE) as seen:
        page = seen.page
        page.goto(link(site, "six digits"))
        type_card(page)
        code, button = page.locator("#code"), page.locator("form[data-form=code] button")
        expect(code).to_have_attribute("autocomplete", "one-time-code")
        expect(code).to_have_attribute("inputmode", "numeric")
        before = button.bounding_box()
        code.press_sequentially("666 666")
        expect(code).to_have_value("666666")
        expect(code).to_be_focused()
        assert button.bounding_box() == before
        assert site.gateway.count("cards.verify") == 0
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Paid")


@pytest.mark.parametrize("slow", ["checkout", "*"])
def test_a_script_that_does_not_come_keeps_nobody_from_paying(
    site: Site,
    browser: Browser,  # noqa: F811
    slow: str,
) -> None:
    """The network has not brought it yet: the forms are plain ones, and no text waits for it."""
    site.gateway.step_s = 1.0
    kept: list[Route] = []
    with watched(browser, site.url, viewport=PHONE) as seen:
        page = seen.page
        page.route(f"**/{slow}*.js", lambda route: kept.append(route))  # noqa: PLW0108 - Playwright marks what it is given
        page.goto(link(site, f"slow {slow}"), wait_until="commit")
        type_card(page)
        type_code(page)
        # Progress without its script: a link to look again stands there instead.
        expect(page.get_by_role("link", name="Look again")).to_be_visible()
        while page.locator("h1").inner_text() != "Paid":
            page.reload(wait_until="commit")
        # Nothing says that the way back will open by itself: only the script could.
        assert not page.locator("[data-return]").is_visible()
        assert kept
        page.unroute_all(behavior="ignoreErrors")
    assert site.gateway.count("receipts.pay") == 1


@pytest.mark.parametrize("timeout_ms", [0, 1000])
def test_the_way_back_opens_when_its_time_has_come(
    site: Site,
    browser: Browser,  # noqa: F811
    timeout_ms: int,
) -> None:
    with watched(browser, site.url) as seen:
        back = f"{site.url}/healthz?o=:account.order_id"
        seen.page.goto(link(site, f"back {timeout_ms}", callback=back, callback_timeout_ms=timeout_ms))
        type_card(seen.page)
        type_code(seen.page)
        seen.page.wait_for_url(f"{site.url}/healthz?o=back%20{timeout_ms}")


def test_the_default_is_fifteen_seconds_and_cancelling_leads_back_too(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    with watched(browser, site.url) as seen:
        page = seen.page
        page.goto(link(site, "default", callback=f"{site.url}/healthz?t=:transaction"))
        back = page.get_by_role("link", name="Do not pay, back to the shop")
        expect(back).to_have_attribute("href", f"{site.url}/healthz?t=null")
        type_card(page)
        type_code(page)
        expect(page.locator("[data-return]")).to_contain_text(re.compile(r"0:1[2345]"))
        page.get_by_role("button", name="Stay here").click()
        expect(page.locator("[data-return]")).to_be_hidden()
