"""A person buys in the demo shop with a real browser, and every set of books agrees afterwards."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from helpers_browser import Watched, browser, watched  # noqa: F401 - `browser` is a fixture
from helpers_emulator import EmulatorProcess, call, emulator_process, get_json, post_json, run_tiyin

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
PAY = {"ru": "Оплатить через Payme", "uz": "Payme orqali toʻlash", "en": "Pay with Payme"}
PAID = {"ru": "Оплачено", "uz": "Toʻlandi", "en": "Paid"}
ORDER_PAID = {"ru": "Заказ оплачен", "uz": "Buyurtma toʻlangan", "en": "The order is paid"}
GOOD_CARD = "8600069195406311"
REFUSED_CARD = "8600143417770323"
SLOW_CARD = "8600134301849596"


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmulatorProcess]:
    with emulator_process(tmp_path_factory.mktemp("emulator") / "data") as (process, _):
        yield process


def order_of(emulator: EmulatorProcess, number: str) -> Any:
    return get_json(f"{emulator.address}/shop/orders/{number}")


def code_from_inbox(emulator: EmulatorProcess) -> str:
    return str(get_json(f"{emulator.address}/dev/inbox")["messages"][0]["code"])


def choose_and_type_card(shopper: Watched, emulator: EmulatorProcess, language: str, card: str) -> None:
    page = shopper.page
    page.goto(f"{emulator.address}/shop?lang={language}")
    page.get_by_role("button", name=PAY[language]).first.click()
    page.wait_for_url(lambda url: "/shop" not in url)
    assert page.locator("html").get_attribute("lang") == language
    page.locator("#number").press_sequentially(card)
    page.locator("#expire").press_sequentially("0399")
    page.locator("form[data-form=card] button[type=submit]").click()


def type_code(shopper: Watched, code: str) -> None:
    page = shopper.page
    page.locator("#code").press_sequentially(code)
    page.locator("form[data-form=code] button[type=submit]").click()


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize("language", ["ru", "uz", "en"])
def test_a_person_buys_and_the_order_is_paid(
    browser: Browser,  # noqa: F811
    emulator: EmulatorProcess,
    language: str,
    viewport: dict[str, int],
    tmp_path: Path,
) -> None:
    with watched(browser, emulator.address, viewport=viewport) as shopper:
        choose_and_type_card(shopper, emulator, language, GOOD_CARD)
        expect(shopper.page.locator("#code")).to_be_visible()
        type_code(shopper, code_from_inbox(emulator))
        expect(shopper.page.get_by_role("heading", name=PAID[language], exact=True)).to_be_visible()
        assert GOOD_CARD not in shopper.page.content()
        shopper.page.screenshot(path=tmp_path / f"paid-{language}.png")

        shopper.page.locator("main a.button").first.click()
        expect(shopper.page.get_by_text(ORDER_PAID[language], exact=True)).to_be_visible()
        number = shopper.page.url.split("/shop/orders/")[1].split("?")[0]
        assert not [url for url in shopper.asked if GOOD_CARD in url or "666666" in url]
        assert shopper.strangers == []

    order = order_of(emulator, number)
    assert order["state"] == "paid"
    assert order["hooks"]["create"] == 1
    assert order["hooks"]["perform"] == 1
    assert order["hooks"]["cancel"] == 0


def test_a_refused_debit_leaves_the_order_to_be_paid_with_another_card(
    browser: Browser,  # noqa: F811
    emulator: EmulatorProcess,
) -> None:
    with watched(browser, emulator.address, viewport=PHONE) as shopper:
        choose_and_type_card(shopper, emulator, "en", REFUSED_CARD)
        type_code(shopper, "666666")
        expect(shopper.page.locator(".sign--bad")).to_be_visible()
        number = max(int(order) for order in known_orders(emulator))
        assert order_of(emulator, str(number))["state"] == "waiting"

        shopper.page.get_by_role("link", name="Pay with another card").click()
        shopper.page.locator("#number").press_sequentially(GOOD_CARD)
        shopper.page.locator("#expire").press_sequentially("0399")
        shopper.page.locator("form[data-form=card] button[type=submit]").click()
        type_code(shopper, "666666")
        expect(shopper.page.get_by_role("heading", name="Paid", exact=True)).to_be_visible()
    assert order_of(emulator, str(number))["hooks"]["perform"] == 1


def test_a_card_that_takes_ten_seconds_is_waited_for_and_then_told(
    browser: Browser,  # noqa: F811
    emulator: EmulatorProcess,
) -> None:
    """Goal: the documented card of ten seconds; the clock is turned instead of waiting."""
    with watched(browser, emulator.address, viewport=PHONE) as shopper:
        choose_and_type_card(shopper, emulator, "en", SLOW_CARD)
        type_code(shopper, "666666")
        # The shop has confirmed the order, and the card is being charged.
        expect(shopper.page.locator(".steps li").nth(1)).to_have_attribute("data-step", "now")
        number = str(max(int(order) for order in known_orders(emulator)))
        assert order_of(emulator, number)["state"] == "reserved"
        post_json(f"{emulator.address}/dev/clock", {"advance_ms": 10_000})
        expect(shopper.page.locator(".sign--bad")).to_be_visible()
        expect(shopper.page.get_by_role("link", name="Pay with another card")).to_be_visible()
    order = order_of(emulator, number)
    assert order["state"] == "waiting"
    assert order["hooks"] == {**order["hooks"], "perform": 0, "cancel": 1}


@pytest.mark.parametrize("kind", ["no-billing", "on-site"])
def test_a_desk_without_billing_is_paid_what_the_payer_types(
    browser: Browser,  # noqa: F811
    emulator: EmulatorProcess,
    kind: str,
) -> None:
    told = json.loads((emulator.data / "emulator.json").read_text())
    desk = next(desk for desk in told["desks"] if desk["kind"] == kind)
    with watched(browser, emulator.address, viewport=PHONE) as shopper:
        page = shopper.page
        page.goto(f"{emulator.address}/dev?lang=en")
        page.locator(f"a[href*='{desk['id']}']", has_text="Open its payment page").click()
        if kind == "no-billing":
            page.get_by_label("Contract number").fill("A-77")
        page.locator("#sum").fill("12 500")
        page.keyboard.press("Enter")
        page.locator("#number").press_sequentially(GOOD_CARD)
        page.locator("#expire").press_sequentially("0399")
        page.keyboard.press("Enter")
        type_code(shopper, "666666")
        expect(page.get_by_role("heading", name="Paid", exact=True)).to_be_visible()
        receipt_id = page.url.split("/checkout/")[1].split("?")[0]
        assert shopper.strangers == []
    paid = call(told, desk, "receipts.get", key=True, id=receipt_id)["receipt"]
    assert (paid["state"], paid["amount"]) == (4, 1_250_000)


def test_the_books_agree_after_all_of_it(emulator: EmulatorProcess) -> None:
    told = run_tiyin("verify", "--data", str(emulator.data))
    assert told.returncode == 0, told.stdout + told.stderr


def known_orders(emulator: EmulatorProcess) -> list[str]:
    """Count the orders that exist: they are numbered in a row."""
    numbers = []
    number = 1
    while True:
        try:
            numbers.append(order_of(emulator, str(number))["order_id"])
        except AssertionError:
            return numbers
        number += 1
