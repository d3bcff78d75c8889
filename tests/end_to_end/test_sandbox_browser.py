"""A developer tests the demo shop on the sandbox's page, with a real browser, and without its scripts."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from helpers_browser import Watched, browser, watched  # noqa: F401 - `browser` is a fixture
from helpers_emulator import EmulatorProcess, emulator_process, get_json, post_json

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
RUN_MS = 120_000
ALL_IS_WELL = {"ru": "Всё в порядке", "uz": "Hammasi joyida", "en": "All is well"}


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorProcess, dict[str, Any]]]:
    with emulator_process(tmp_path_factory.mktemp("emulator") / "data") as (process, told):
        yield process, told


def enter(page: Page, told: dict[str, Any], language: str) -> None:
    desk = told["desks"][0]
    page.goto(f"{told['sandbox']}?lang={language}")
    page.locator("#merchant").fill(desk["id"])
    page.locator("#key").fill(desk["test_key"])
    page.locator("main form button").click()
    expect(page.locator(".bench")).to_be_visible()


def run_to_end(page: Page) -> None:
    page.locator(".parameters button[type=submit]").click()
    expect(page.locator(".counts")).to_be_visible(timeout=RUN_MS)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def no_key_left(visitor: Watched, told: dict[str, Any]) -> None:
    keys = (told["desks"][0]["test_key"], told["desks"][0]["key"])
    assert not [url for url in visitor.asked if any(key in url for key in keys)]
    assert not any(key in visitor.page.content() for key in keys)
    assert not any(key in str(cookie) for cookie in visitor.context.cookies() for key in keys)
    assert visitor.strangers == []


@pytest.mark.parametrize(
    ("language", "viewport", "scheme"),
    [("ru", DESKTOP, "light"), ("uz", PHONE, "dark"), ("en", DESKTOP, "dark")],
)
def test_the_demo_shop_passes_the_documented_scenarios(
    browser: Browser,  # noqa: F811
    started: tuple[EmulatorProcess, dict[str, Any]],
    language: str,
    viewport: dict[str, int],
    scheme: str,
    tmp_path: Path,
) -> None:
    process, told = started
    with watched(browser, process.address, viewport=viewport, color_scheme=scheme) as visitor:
        page = visitor.page
        enter(page, told, language)
        assert fits(page)
        run_to_end(page)
        expect(page.get_by_text(ALL_IS_WELL[language], exact=True)).to_be_visible()
        assert fits(page)
        page.screenshot(path=tmp_path / f"run-{language}.png", full_page=True)

        # A finding that was not shown at once is fetched when it is opened.
        fold = page.locator("details.finding-fold").first
        if fold.get_attribute("open") is None:
            fold.locator("summary").click()
        expect(fold.locator("[data-finding]")).to_be_visible()
        assert fits(page)
        no_key_left(visitor, told)


def test_a_run_of_everything_is_followed_and_its_report_taken(
    browser: Browser,  # noqa: F811
    started: tuple[EmulatorProcess, dict[str, Any]],
    tmp_path: Path,
) -> None:
    process, told = started
    with watched(browser, process.address, viewport=DESKTOP) as visitor:
        page = visitor.page
        enter(page, told, "en")
        page.get_by_role("link", name="All checks").click()
        run_to_end(page)
        expect(page.locator(".badge--bad")).to_have_count(0)
        with page.expect_download() as download:
            page.get_by_role("link", name="HTML").click()
        report = tmp_path / "report.html"
        download.value.save_as(report)
        assert told["desks"][0]["test_key"] not in report.read_text(encoding="utf-8")
        # The run stands in the history, and the menu remembers how it ended.
        expect(page.locator(".history a")).to_have_count(1)
        no_key_left(visitor, told)


def test_a_shops_order_is_tested_from_its_link(
    browser: Browser,  # noqa: F811
    started: tuple[EmulatorProcess, dict[str, Any]],
) -> None:
    process, told = started
    order = post_json(f"{told['shop']}/orders", {"amount": 700_000}).json
    link = order["pay_url"].rsplit("/", 1)[1]
    with watched(browser, process.address, viewport=DESKTOP) as visitor:
        page = visitor.page
        page.goto(f"{told['sandbox']}/{link}?lang=en")
        expect(page.locator("#merchant")).to_have_value(told["desks"][0]["id"])
        page.locator("#key").fill("not the key")
        page.locator("main form button").click()
        expect(page.get_by_text("This is not the TEST_KEY of this cash desk.")).to_be_visible()
        page.locator("#key").fill(told["desks"][0]["test_key"])
        page.locator("main form button").click()
        expect(page.get_by_role("heading", name="CreateTransaction", exact=True)).to_be_visible()
        expect(page.locator("[name='account[order_id]']")).to_have_value(order["order_id"])
        expect(page.locator("#amount")).to_have_value("700000")
        expect(page.locator("[data-sums-shown]")).to_have_text("UZS 7,000")
        page.locator("#amount").fill("123450")
        expect(page.locator("[data-sums-shown]")).to_have_text("UZS 1,234.50")
        # What was typed stays when another test is chosen, without its being run.
        page.get_by_role("link", name="PerformTransaction", exact=True).click()
        expect(page.locator("#amount")).to_have_value("123450")
        expect(page.locator("[data-sums-shown]")).to_have_text("UZS 1,234.50")


def test_an_account_that_does_not_exist_is_refused(
    browser: Browser,  # noqa: F811
    started: tuple[EmulatorProcess, dict[str, Any]],
) -> None:
    process, told = started
    with watched(browser, process.address, viewport=DESKTOP) as visitor:
        page = visitor.page
        enter(page, told, "en")
        page.goto(f"{told['sandbox']}/tests/create?lang=en")
        page.locator("[name='account[order_id]']").fill("987654321")
        page.locator("#state").select_option("missing")
        run_to_end(page)
        expect(page.get_by_text("All is well", exact=True)).to_be_visible()
        # An order that can be paid is not blocked: accepting it is told, and the order is left as it was.
        order = post_json(f"{told['shop']}/orders", {"amount": 500_000}).json["order_id"]
        page.goto(f"{told['sandbox']}/tests/create?lang=en")
        page.locator("[name='account[order_id]']").fill(order)
        page.locator("#amount").fill("500000")
        page.locator("#state").select_option("blocked")
        run_to_end(page)
        expect(page.get_by_role("heading", name="An account that cannot be paid is accepted")).to_be_visible()
        expect(page.locator(".history a").first).to_contain_text("2 failed")
    assert get_json(f"{told['shop']}/orders/{order}")["state"] == "waiting"


def test_it_works_without_scripts(
    browser: Browser,  # noqa: F811
    started: tuple[EmulatorProcess, dict[str, Any]],
) -> None:
    process, told = started
    with watched(browser, process.address, viewport=PHONE, java_script_enabled=False) as visitor:
        page = visitor.page
        enter(page, told, "en")
        run_to_end(page)
        fold = page.locator("details.finding-fold", has=page.locator(".finding-link")).first
        fold.locator("summary").click()
        fold.get_by_role("link", name="Show request and answer").click()
        expect(page.locator("article [data-finding]")).to_be_visible()
        no_key_left(visitor, told)
