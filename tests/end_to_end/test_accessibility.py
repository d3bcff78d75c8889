"""Goal: whoever pays without a mouse, without sight, with large letters or without motion, pays as well.

Method: axe looks at every page; then a payment is made by keyboard alone, and pages are looked at as they are
when somebody has asked for large letters, no motion, or colours of his own.
"""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from helpers_axe import problems
from helpers_browser import browser, watched  # noqa: F401 - `browser` is a fixture
from helpers_checkout import DESK, Fresh, Site
from helpers_every_page import EVERY_PAGE, VARIANTS, WRONG_CARD, every_site
from helpers_pages import GOOD_CARD, link_of
from tiyin.protocol.values import LANGUAGES, Language, format_sum

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
LOOKS: tuple[tuple[Any, Any], ...] = (
    (PHONE, "light"),
    (DESKTOP, "dark"),
    (PHONE, "dark"),
    (DESKTOP, "light"),
)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with every_site(tmp_path_factory.mktemp("pages")) as site:
        yield site


@pytest.fixture
def site(shared: Site) -> Site:
    return Fresh(shared)


@pytest.mark.parametrize("language", LANGUAGES)
def test_axe_finds_nothing_on_any_page(
    site: Site,
    browser: Browser,  # noqa: F811
    language: Language,
) -> None:
    """Each page is seen in each language, and over the languages in both sizes and both colour schemes."""
    found: list[str] = []
    turn = LANGUAGES.index(language)
    with watched(browser, site.url) as seen:
        page = seen.page
        for number, (name, open_) in enumerate(EVERY_PAGE.items()):
            if name in VARIANTS and number % len(LANGUAGES) != turn:
                continue
            viewport, scheme = LOOKS[(number + turn) % len(LOOKS)]
            page.set_viewport_size(viewport)
            page.emulate_media(color_scheme=scheme)
            open_(page, site, language)
            found += [f"{name}, {viewport['width']}, {scheme}: {one}" for one in problems(page)]
            assert page.locator("html").get_attribute("lang") == language, name
        assert seen.strangers == []
    assert not found, "\n".join(found)


def focused(page: Page) -> Any:
    """What has the focus: its id or text, and whether that can be seen."""
    return page.evaluate(
        """() => {
          const one = document.activeElement, style = getComputedStyle(one);
          const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
          const text = one.innerText.replaceAll("\u00a0", " ");
          return {id: one.id, text, seen: one.matches(":focus-visible") && ring};
        }"""
    )


def tab_to(page: Page, id_or_text: str) -> None:
    """Press Tab until something has the focus; wherever it stands on the way it is seen."""
    for _ in range(30):
        now = focused(page)
        if id_or_text in {now["id"], now["text"].strip()}:
            assert now["seen"], f"the focus at {id_or_text} cannot be seen"
            return
        page.keyboard.press("Tab")
        now = focused(page)
        assert now["seen"] or now["text"] == page.locator("body").inner_text(), now
    raise AssertionError(f"the keyboard does not come to {id_or_text}")


def test_a_payment_by_keyboard_alone(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    with watched(browser, site.url, viewport=DESKTOP) as seen:
        page, keys = seen.page, seen.page.keyboard
        page.goto(link_of(site.url, lang="ru"))
        tab_to(page, "Eng")
        keys.press("Enter")
        expect(page.locator("html")).to_have_attribute("lang", "en")
        # The card's number waits for it; the expiry follows by itself.
        assert focused(page)["id"] == "number"
        keys.type(WRONG_CARD)
        expect(page.locator("#expire")).to_be_focused()
        keys.type("0399")
        keys.press("Enter")
        expect(page.locator("#number-error")).not_to_be_empty()
        expect(page.locator("#number")).to_be_focused()
        expect(page.locator("#number")).to_have_attribute("aria-invalid", "true")
        keys.press("Control+A")
        keys.type(GOOD_CARD)
        tab_to(page, "Pay UZS 5,000")
        keys.press("Enter")
        expect(page.locator("#code")).to_be_focused()
        assert focused(page)["seen"]
        keys.type("123456")
        keys.press("Enter")
        expect(page.locator("#code-error")).not_to_be_empty()
        expect(page.locator("#code")).to_be_focused()
        keys.press("Control+A")
        keys.type("666666")
        keys.press("Enter")
        expect(page.locator("h1")).to_have_text("Paid")
        tab_to(page, "Back to the shop")
        tab_to(page, "Stay here")
        keys.press("Space")
        expect(page.locator("[data-return]")).to_be_hidden()
    assert site.gateway.count("receipts.pay") == 1


NAMES: dict[Language, tuple[str, str, str, str]] = {
    "ru": ("Номер карты", "Срок действия карты", "Оплатить", "6 цифр"),
    "uz": ("Karta raqami", "Kartaning amal qilish muddati", "toʻlash", "6 ta raqam"),
    "en": ("Card number", "Card expiry", "Pay", "6 digits"),
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_screen_reader_is_told(
    site: Site,
    browser: Browser,  # noqa: F811
    language: Language,
) -> None:
    number, expire, pay, digits = NAMES[language]
    sum_ = format_sum(500_000, language)
    with watched(browser, site.url, viewport=PHONE) as seen:
        page = seen.page
        EVERY_PAGE["a wrong card"](page, site, language)
        first = page.title()
        assert DESK.name in first
        field = page.get_by_role("textbox", name=number, exact=True)
        error = page.locator("#number-error")
        expect(field).to_have_accessible_description(error.inner_text())
        expect(error).to_have_role("alert")
        expect(page.get_by_role("textbox", name=expire, exact=True)).to_be_visible()
        expect(page.get_by_role("button", name=sum_)).to_have_accessible_name(page_words(pay, sum_))
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        # What is paid is said as it is read: to whom first, then how much.
        expect(page.get_by_role("region", name=DESK.name)).to_contain_text(sum_)

        EVERY_PAGE["code"](page, site, language)
        assert DESK.name in page.title()
        assert page.title() != first
        expect(page.get_by_role("textbox", name=digits, exact=True)).to_be_focused()
        # A clock that is read out every second lets nobody type.
        timer = page.get_by_role("timer")
        expect(timer).to_be_visible()
        assert not timer.evaluate("one => one.closest('[aria-live]:not([aria-live=off]), [role=alert]')")

        EVERY_PAGE["paid just now"](page, site, language)
        assert DESK.name in page.title()
        timer = page.get_by_role("timer")
        assert not timer.evaluate("one => one.closest('[aria-live]:not([aria-live=off]), [role=alert]')")


def page_words(pay: str, sum_: str) -> Any:
    """The button says what happens, whatever comes first in a language."""
    return re.compile(f"({pay} {re.escape(sum_)}|{re.escape(sum_)} {pay})")


CUT = """() => [...document.querySelectorAll("body *")].filter((one) => {
  const style = getComputedStyle(one);
  const hides = style.overflowX !== "visible" || style.textOverflow === "ellipsis";
  const hidden = one.closest(".visually-hidden, [hidden]") || style.display === "inline"
    || style.clipPath !== "none";
  return hides && !hidden && one.clientWidth && one.tagName !== "INPUT"
    && style.overflowX !== "auto" && style.overflowX !== "scroll" && one.scrollWidth > one.clientWidth + 1;
}).map((one) => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("width", [640, 320], ids=["200 percent", "400 percent"])
def test_large_letters_cut_nothing(
    site: Site,
    browser: Browser,  # noqa: F811
    width: int,
) -> None:
    """A window of 1280 pixels holds 640 of them at 200 percent, and 320 at 400."""
    viewport: Any = {"width": width, "height": 400}
    with watched(browser, site.url, viewport=viewport, device_scale_factor=1280 / width) as seen:
        for name, open_ in EVERY_PAGE.items():
            if name in VARIANTS and not name.startswith("a wrong"):
                continue
            open_(seen.page, site, "uz")
            told = seen.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
            assert told[0] <= told[1], f"{name}: {told}"
            assert seen.page.evaluate(CUT) == [], name


MOVING = """() => [...document.querySelectorAll("*")].flatMap((one) => {
  const style = getComputedStyle(one), seconds = (text) => Math.max(...text.split(",").map(parseFloat));
  const moves = style.animationName !== "none" && seconds(style.animationDuration) > 0.01;
  return moves || seconds(style.transitionDuration) > 0.01 ? [one.outerHTML.slice(0, 120)] : [];
})"""


def test_nothing_moves_for_whoever_wants_no_motion(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    for wish, expected in (("reduce", False), ("no-preference", True)):
        with watched(browser, site.url, reduced_motion=wish) as seen:
            for name in ("code", "progress", "paid just now", "card form"):
                EVERY_PAGE[name](seen.page, site, "en")
                moving = seen.page.evaluate(MOVING)
                assert bool(moving) is expected, f"{name}: {moving}"


def test_colours_of_ones_own(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    """Where the system's colours are forced, fields and buttons still have edges."""
    with watched(browser, site.url, forced_colors="active", viewport=PHONE) as seen:
        for name in ("card", "code", "paid", "a desk without billing", "card form"):
            EVERY_PAGE[name](seen.page, site, "ru")
            edges = seen.page.evaluate(
                """() => [...document.querySelectorAll(".button:not(.button--link), .input")]
                  .filter((one) => one.offsetWidth)
                  .filter((one) => {
                    const style = getComputedStyle(one);
                    return style.borderTopStyle === "none" || parseFloat(style.borderTopWidth) < 1;
                  }).map((one) => one.outerHTML.slice(0, 120))"""
            )
            assert edges == [], name
