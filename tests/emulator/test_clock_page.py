"""Goal: the pages of clock, inbox, snapshots and plug work in a browser, without scripts too, on a phone.

Method: one real emulator; Chromium looks, clicks and complains, if there is anything to complain about.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from helpers_browser import browser, watched
from helpers_emulator import Browser as Plain
from helpers_emulator import emulator_process, get_json, post_json, verified_token

__all__ = ["browser"]

pytestmark = pytest.mark.browser

PAGES = ("", "/clock", "/inbox", "/snapshots", "/plug")


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with emulator_process(tmp_path_factory.mktemp("clock") / "data") as (_, started):
        yield started


def offset_ms(told: dict[str, Any]) -> int:
    return int(get_json(f"{told['dev']}/clock")["offset_ms"])


def test_a_jump_and_a_free_value_turn_the_clock(told: dict[str, Any], browser: Browser) -> None:
    with watched(browser, told["gateway"], java_script_enabled=False) as seen:
        before = offset_ms(told)
        seen.page.goto(f"{told['dev']}/clock?lang=en")
        seen.page.get_by_role("button", name="+ 12 hours").click()
        assert seen.page.url.endswith("/dev/clock?lang=en")
        assert offset_ms(told) - before == 43_200_000
        seen.page.get_by_label("How much").fill("3")
        seen.page.get_by_label("Of what").select_option("days")
        seen.page.get_by_role("button", name="Turn the clock").click()
        assert offset_ms(told) - before == 43_200_000 + 3 * 86_400_000
        expect(seen.page.get_by_text("3 d 12:00:00")).to_be_visible()


@pytest.mark.parametrize("wrong", ["-1", "1.5", "soon", "99999999"])
def test_a_wrong_value_is_said_and_kept(told: dict[str, Any], browser: Browser, wrong: str) -> None:
    before = offset_ms(told)
    with watched(browser, told["gateway"]) as seen:
        seen.page.goto(f"{told['dev']}/clock?lang=en")
        seen.page.get_by_label("How much").fill(wrong)
        seen.page.get_by_role("button", name="Turn the clock").click()
        expect(seen.page.get_by_role("alert")).to_contain_text("Write a whole number")
        expect(seen.page.get_by_label("How much")).to_have_value(wrong)
    assert offset_ms(told) == before


def test_a_program_still_gets_json(told: dict[str, Any]) -> None:
    answer = Plain().ask("GET", f"{told['dev']}/clock", headers={"accept": "*/*"})
    assert set(answer.json) == {"now_ms", "offset_ms", "now"}
    for wrong in (-1, 1.5, "60000", True, None, 10**14):
        refused = post_json(f"{told['dev']}/clock", {"advance_ms": wrong})
        assert (refused.status, refused.json["field"]) == (400, "advance_ms")


def test_a_code_is_copied_and_messages_are_found_by_phone(told: dict[str, Any], browser: Browser) -> None:
    verified_token(told, told["desks"][1])
    message = get_json(f"{told['dev']}/inbox")["messages"][0]
    with watched(browser, told["gateway"], permissions=["clipboard-read", "clipboard-write"]) as seen:
        seen.page.goto(f"{told['dev']}/inbox?lang=en")
        seen.page.get_by_role("button", name="Copy").first.click()
        expect(seen.page.get_by_role("button", name="Copied")).to_be_visible()
        assert seen.page.evaluate("navigator.clipboard.readText()") == message["code"]
        seen.page.get_by_label("Digits of a phone number").fill("+" + message["phone"])
        seen.page.get_by_role("button", name="Show").click()
        expect(seen.page.get_by_text(message["code"], exact=True)).to_be_visible()
        seen.page.goto(f"{told['dev']}/inbox?lang=en&phone=000000000")
        expect(seen.page.get_by_text("No message went to a number")).to_be_visible()
    assert get_json(f"{told['dev']}/inbox?phone={message['phone'][-7:]}")["messages"][0] == message
    assert get_json(f"{told['dev']}/inbox?phone=000000000")["messages"] == []


def test_a_run_is_followed_to_its_end(told: dict[str, Any], browser: Browser, tmp_path: Path) -> None:
    with watched(browser, told["gateway"]) as seen:
        seen.page.goto(f"{told['dev']}/plug?lang=en")
        seen.page.get_by_label("When").select_option("after-debit")
        seen.page.get_by_role("button", name="Pull the plug").click()
        expect(seen.page.get_by_text("The gateway is killed")).to_be_visible(timeout=20_000)
        expect(seen.page.get_by_text("Everything agrees")).to_be_visible(timeout=40_000)
        expect(seen.page.get_by_role("button", name="Pull the plug")).to_be_visible()
        seen.page.screenshot(path=tmp_path / "run.png", full_page=True)


@pytest.mark.parametrize("language", ["ru", "uz", "en"])
def test_nothing_runs_over_the_edge_of_a_phone(told: dict[str, Any], browser: Browser, language: str) -> None:
    post_json(f"{told['dev']}/snapshots", {"name": "a" * 40})
    for width in (360, 1280):
        with watched(browser, told["gateway"], viewport={"width": width, "height": 800}) as seen:
            for path in PAGES:
                seen.page.goto(f"{told['dev']}{path}?lang={language}")
                assert seen.page.evaluate("document.documentElement.scrollWidth") <= width, path
            assert seen.strangers == []
