"""The card form in a real browser over a real gateway: in a shop's frame, in a web view, by redirect."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Route, expect

from helpers_axe import problems
from helpers_browser import WAIT_S, Served, Watched, browser, serve, watched  # noqa: F401 - a fixture
from helpers_card_form import (
    AMOUNT_TIYIN,
    CODE,
    GOOD_CARD,
    Opened,
    form_address,
    opened_card_form,
    opened_shop,
    type_card,
    type_code,
)
from helpers_cards import DESK_ID, KEY
from helpers_emulator import post_json
from tiyin.gateway.cards.records import TOKENS

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 800}
FIELDS = {"number", "expire", "token", "recurrent", "verify"}

# What the systems put into a web view's pages; each keeps what it was given.
BRIDGES = {
    "android": "window.TiyinCardForm = {onResult: (text) => window.given.push(text)};",
    "flutter": "window.TiyinCardForm = {postMessage: (text) => window.given.push(text)};",
    "ios": "window.webkit = {messageHandlers: {TiyinCardForm: {postMessage: (text) => given.push(text)}}};",
    "react-native": "window.ReactNativeWebView = {postMessage: (text) => window.given.push(text)};",
}
TEST_CARDS = [
    ("8600060921090842", "no SMS notification"),
    ("3333336415804657", "The card was not accepted"),
    ("4444445987459073", "The card was not accepted"),
    ("8600143417770323", ""),
    ("8600134301849596", ""),
    ("8600495473316478", ""),
    (GOOD_CARD, ""),
]

WRONG = [
    (-31110, "The code could not be sent"),
    (-31400, "Enter the card once more"),
    (-31601, "The shop cannot take cards now"),
    (-32400, "The service does not answer"),
    (-31799, "In the server's words"),
    (None, "The connection was lost"),
]


class Form:
    """A served form, the shop beside it, and what is behind the form."""

    def __init__(self, served: Served, opened: Opened, shop: Served) -> None:
        self.url = served.url
        self.run = served.run
        self.opened = opened
        self.shop_url = shop.url

    def tokens(self) -> int:
        return len(self.run(self.opened.gateway.store.query(TOKENS.schema.select())))

    def call(self, method: str, **params: Any) -> Any:
        """Call the Subscribe API as the shop's server does."""
        answer = post_json(
            f"{self.url}/api", {"id": 1, "method": method, "params": params}, {"x-auth": f"{DESK_ID}:{KEY}"}
        )
        return answer.json


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Form]:
    expect.set_options(timeout=WAIT_S * 1000)  # a busy machine is no failure
    held: list[Opened] = []
    folder = tmp_path_factory.mktemp("form")
    with serve(lambda url: opened_card_form(folder, url, held)) as served, serve(opened_shop) as shop:
        yield Form(served, held[0], shop)


def open_in_app(visitor: Watched, form: Form, system: str = "flutter", **asked: Any) -> Page:
    """Open the form in a web view with a system's bridge."""
    page = visitor.page
    page.add_init_script(f"window.given = []; {BRIDGES[system]}")
    page.goto(form_address(form.url, **{"lang": "en", **asked}))
    expect(page.locator("#card-form[data-ready]")).to_be_attached()
    return page


def open_in_shop(visitor: Watched, form: Form, *, width: int = 480, **asked: Any) -> FrameLocator:
    """Open the shop's page with the form in its frame."""
    address = form_address(form.url, way="message", **{"lang": "en", "to": form.shop_url, **asked})
    visitor.page.goto(f"{form.shop_url}/pay?{urlencode({'form': address, 'width': width})}")
    frame = visitor.page.frame_locator("iframe")
    expect(frame.locator("#card-form[data-ready]")).to_be_attached()
    return frame


def given(page: Page) -> list[Any]:
    """What the app was given."""
    return [json.loads(text) for text in page.evaluate("window.given")]


def heard(page: Page) -> list[Any]:
    """What the shop's page heard, but for heights."""
    return [told for told in page.evaluate("window.heard") if "height" not in told["data"]]


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= innerWidth"))


def nothing_is_left(visitor: Watched) -> None:
    """No number and no code in an address or in anything that the browser keeps."""
    assert not [url for url in visitor.asked if GOOD_CARD in url or CODE in url]
    assert visitor.context.cookies() == []
    kept = visitor.page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, history.state])")
    assert GOOD_CARD not in kept
    assert GOOD_CARD not in visitor.page.content()


@pytest.mark.parametrize(
    ("system", "lang", "viewport", "scheme", "titles"),
    [
        ("android", "ru", PHONE, "dark", ("Банковская карта", "Код из СМС", "Карта подтверждена")),
        ("flutter", "uz", PHONE, "light", ("Bank kartasi", "SMS-kod", "Karta tasdiqlandi")),
        ("ios", "en", DESKTOP, "light", ("Bank card", "Code from the SMS", "The card is confirmed")),
        ("react-native", "ru", DESKTOP, "dark", ("Банковская карта", "Код из СМС", "Карта подтверждена")),
    ],
)
def test_an_app_is_given_a_token(
    browser: Browser,  # noqa: F811
    form: Form,
    system: str,
    lang: str,
    viewport: dict[str, int],
    scheme: str,
    titles: tuple[str, str, str],
) -> None:
    with watched(browser, form.url, viewport=viewport, color_scheme=scheme) as visitor:
        page = open_in_app(visitor, form, system, lang=lang, state="order 7/ё")
        for number, title in enumerate(titles):
            expect(page.get_by_role("heading", name=title, exact=True)).to_be_visible()
            assert fits(page)
            assert problems(page) == []
            if number == 0:
                expect(page.locator("#continue")).to_be_disabled()
                type_card(page)
            elif number == 1:
                expect(page.locator("#code")).to_be_focused()
                expect(page.locator("#code-sent")).to_contain_text("99890*****67")
                expect(page.locator("#confirm")).to_be_disabled()
                type_code(page)
        (told,) = given(page)
        assert (told["type"], told["state"]) == ("tiyin.card-form", "order 7/ё")
        assert set(told["result"]) == FIELDS
        assert told["result"]["number"] == "860006******6311"
        assert told["result"]["expire"] == "03/99"
        assert (told["result"]["recurrent"], told["result"]["verify"]) == (False, True)
        nothing_is_left(visitor)
        assert visitor.strangers == []


def test_the_token_pays_the_amount_that_was_shown_and_no_other(
    browser: Browser,  # noqa: F811
    form: Form,
) -> None:
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = open_in_app(visitor, form, **{"account[order_id]": "7"})
        type_card(page)
        type_code(page)
        expect(page.locator("#end-screen")).to_be_visible()
        token = given(page)[0]["result"]["token"]
    for amount, state in ((AMOUNT_TIYIN + 100, None), (AMOUNT_TIYIN, 4)):
        receipt = form.call("receipts.create", amount=amount, account={"order_id": "7"})["result"]["receipt"]
        paid = form.call("receipts.pay", id=receipt["_id"], token=token)
        if state is None:
            assert paid["error"]["code"] == -31610
        else:
            assert paid["result"]["receipt"]["state"] == state


def test_a_payer_lets_the_card_be_remembered(browser: Browser, form: Form) -> None:  # noqa: F811
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = open_in_app(visitor, form, save="ask")
        page.get_by_label("Remember the card for later payments").check()
        page.get_by_text("Test cards", exact=True).click()
        page.get_by_role("button", name="8600 0691 9540 6311").click()
        expect(page.locator("#continue")).to_be_focused()
        page.keyboard.press("Enter")
        type_code(page)
        expect(page.locator("#end-screen")).to_be_visible()
        assert given(page)[0]["result"]["recurrent"] is True


def test_the_shops_page_hears_the_result_and_how_high_the_form_is(
    browser: Browser,  # noqa: F811
    form: Form,
) -> None:
    with watched(browser, form.url, viewport=DESKTOP) as visitor:
        frame = open_in_shop(visitor, form, width=360, state="s1")
        type_card(frame)
        expect(frame.locator("#code")).to_be_focused()
        type_code(frame)
        expect(frame.locator("#end-screen")).to_be_visible()
        (told,) = heard(visitor.page)
        assert told["origin"] == form.url
        assert told["data"]["state"] == "s1"
        assert set(told["data"]["result"]) == FIELDS
        assert told["data"]["result"]["verify"] is True
        all_heard = visitor.page.evaluate("window.heard")
        heights = [told["data"]["height"] for told in all_heard if "height" in told["data"]]
        # The last screen is the lowest: the frame can get lower again.
        # A slow machine may tell of two screens at once.
        assert len(heights) >= 2
        assert 0 < heights[-1] < heights[0] < 1000
        nothing_is_left(visitor)


def test_the_documentations_page_gets_a_token(browser: Browser, form: Form) -> None:  # noqa: F811
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = visitor.page
        page.goto(f"{form.shop_url}/documented?{urlencode({'gateway': form.url, 'desk': DESK_ID})}")
        frame = page.frame_locator("iframe")
        expect(frame.locator("#card-form[data-ready]")).to_be_attached()
        type_card(frame)
        with page.expect_request(f"{form.shop_url}/paid") as asked:
            type_code(frame)
        assert set(asked.value.post_data_json or {}) == {"order_id", "token"}
        expect(page.locator("iframe")).to_have_count(0)


def test_a_page_that_was_not_named_hears_nothing(browser: Browser, form: Form) -> None:  # noqa: F811
    with watched(browser, form.url, strict=False) as visitor:
        frame = open_in_shop(visitor, form, to="http://localhost:1")
        frame.locator("#cancel").click()
        expect(frame.locator("#end-screen")).to_be_visible()
        assert visitor.page.evaluate("window.heard") == []
        # The browser itself held the message back.
        assert [text for text in visitor.complaints if "localhost:1" in text]


@pytest.mark.parametrize(("shop", "shown"), [("shop.uz", True), ("evil.uz", False)])
def test_only_the_desks_own_pages_show_the_form(
    browser: Browser,  # noqa: F811
    form: Form,
    shop: str,
    shown: bool,
) -> None:
    address = form_address("http://pay.uz", way="message", to="http://shop.uz").replace("&", "&amp;")
    with watched(browser, "http://", strict=False) as visitor:
        page = visitor.page
        # The gateway under a name of its own: browsers keep other hosts' pages from this machine's addresses.
        page.route(
            "http://pay.uz/**",
            lambda route: route.fulfill(
                response=route.fetch(url=route.request.url.replace("http://pay.uz", form.url))
            ),
        )
        page.route(
            f"http://{shop}/",
            lambda route: route.fulfill(content_type="text/html", body=f'<iframe src="{address}"></iframe>'),
        )
        page.goto(f"http://{shop}/")
        if shown:
            expect(page.frame_locator("iframe").locator("#card-form[data-ready]")).to_be_attached()
        else:
            assert [text for text in visitor.complaints if "frame-ancestors" in text]
            assert not [url for url in visitor.asked if "card_form.js" in url]


@pytest.mark.parametrize("paid", [True, False], ids=["done", "cancelled"])
def test_a_redirect_carries_the_outcome_behind_the_hash(
    browser: Browser,  # noqa: F811
    form: Form,
    paid: bool,
) -> None:
    to = f"{form.shop_url}/done?order=7"
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = visitor.page
        page.goto(form_address(form.url, way="redirect", to=to, state="a&b=c", lang="en"))
        if paid:
            type_card(page)
            type_code(page)
        else:
            page.locator("#cancel").click()
        page.wait_for_url(lambda url: url.startswith(to))
        outcome = dict(parse_qsl(urlsplit(page.url).fragment))
        assert outcome["state"] == "a&b=c"
        if paid:
            assert outcome["status"] == "done"
            assert set(outcome) == {*FIELDS, "status", "state"}
        else:
            assert outcome == {"status": "cancelled", "state": "a&b=c"}
        # The form's page is not in the way back.
        assert page.evaluate("history.length") <= 2


def test_a_redirect_to_an_app_leaves_a_link_where_it_is_not_followed(
    browser: Browser,  # noqa: F811
    form: Form,
) -> None:
    with watched(browser, form.url, viewport=PHONE, strict=False) as visitor:
        page = visitor.page
        page.goto(form_address(form.url, way="redirect", to="uz.shop.app://card", state="7", lang="en"))
        page.locator("#cancel").click()
        link = page.get_by_role("link", name="Back to the shop")
        expect(link).to_have_attribute("href", "uz.shop.app://card#status=cancelled&state=7")


def test_all_test_cards(browser: Browser, form: Form) -> None:  # noqa: F811
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = open_in_app(visitor, form)
        for number, words in TEST_CARDS:
            page.locator("#number").fill("")
            page.locator("#expire").fill("")
            type_card(page, number)
            if words:
                expect(page.locator("#number-error")).to_contain_text(words)
                expect(page.locator("#number")).to_be_focused()
                continue
            expect(page.locator("#code-screen")).to_be_visible()
            page.locator("#other-card").click()
            expect(page.locator("#card-screen")).to_be_visible()
        assert given(page) == []


def test_a_card_that_cannot_be_is_told_before_it_is_sent(browser: Browser, form: Form) -> None:  # noqa: F811
    before = form.tokens()
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = open_in_app(visitor, form)
        page.locator("#number").press_sequentially(GOOD_CARD)
        page.locator("#expire").press_sequentially("1327")
        expect(page.locator("#expire-error")).to_contain_text("Month and year")
        expect(page.locator("#continue")).to_be_disabled()
        page.locator("#expire").fill("01/20")
        page.locator("#continue").click()
        expect(page.locator("#expire-error")).to_contain_text("expired")
        page.locator("#number").fill("4111 1111 1111 1111")
        page.locator("#expire").fill("03/99")
        page.locator("#continue").click()
        expect(page.locator("#number-error")).to_contain_text("Only Uzcard and HUMO")
    assert form.tokens() == before


def test_three_wrong_codes_then_a_new_one(browser: Browser, form: Form) -> None:  # noqa: F811
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = visitor.page
        page.clock.install()
        open_in_app(visitor, form)
        type_card(page)
        expect(page.locator("#code")).to_be_visible()
        sent = len(form.opened.phone.messages)
        for words in ("not the code",) * 3 + ("wrong too often",):
            type_code(page, "123456")
            expect(page.locator("#code-error")).to_contain_text(words)
            expect(page.locator("#code")).to_have_value("")
            expect(page.locator("#confirm")).to_be_disabled()
        expect(page.locator("#again-button")).to_be_hidden()
        form.opened.clock.advance(61_000)
        page.clock.fast_forward(61_000)
        page.get_by_role("button", name="Send the code again").click()
        expect(page.locator("#again-timer")).to_be_visible()
        assert len(form.opened.phone.messages) == sent + 1
        type_code(page)
        expect(page.locator("#end-screen")).to_be_visible()
        assert given(page)[0]["result"]["verify"] is True


def test_a_lost_answer_makes_no_second_token(browser: Browser, form: Form) -> None:  # noqa: F811
    before = form.tokens()
    lost: list[str] = []

    def lose_once(route: Route) -> None:
        method = json.loads(route.request.post_data or "")["method"]
        if method in lost:
            route.continue_()
            return
        # The server did what it was asked; the answer did not arrive.
        route.fetch()
        lost.append(method)
        route.abort()

    with watched(browser, form.url, viewport=PHONE, strict=False) as visitor:
        page = open_in_app(visitor, form)
        page.route("**/api", lose_once)
        type_card(page)
        for method in ("cards.create", "cards.get_verify_code"):
            expect(page.locator("#trouble-text")).to_contain_text("The connection was lost")
            assert lost[-1] == method
            page.locator("#continue").click()
        type_code(page)
        expect(page.locator("#trouble-text")).to_contain_text("The connection was lost")
        page.locator("#confirm").click()
        expect(page.locator("#end-screen")).to_be_visible()
        assert len(given(page)) == 1
    assert form.tokens() == before + 1


def test_pressed_twice_it_asks_once(browser: Browser, form: Form) -> None:  # noqa: F811
    before = form.tokens()
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = open_in_app(visitor, form)
        page.locator("#number").fill(GOOD_CARD)
        page.locator("#expire").fill("0399")
        page.evaluate("for (let n = 0; n < 5; n++) document.getElementById('card').requestSubmit()")
        type_code(page)
        expect(page.locator("#end-screen")).to_be_visible()
        assert len([url for url in visitor.asked if url.endswith("/api")]) == 3
    assert form.tokens() == before + 1


def test_what_goes_wrong_is_said(browser: Browser, form: Form) -> None:  # noqa: F811
    answers: list[str] = []
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = open_in_app(visitor, form)
        page.route("**/api", lambda route: route.fulfill(body=answers[-1]))
        page.locator("#number").fill(GOOD_CARD)
        page.locator("#expire").fill("0399")
        for code, words in WRONG:
            error = {"code": code, "message": "In the server's words", "data": None}
            answers.append("<h1>Bad gateway</h1>" if code is None else json.dumps({"error": error}))
            # What was said before is gone, and the same can be tried again.
            page.locator("#continue").click()
            expect(page.locator("#trouble")).to_contain_text(words)
            expect(page.locator("#trouble")).to_be_focused()
        page.unroute("**/api")
        page.locator("#continue").click()
        expect(page.locator("#code-screen")).to_be_visible()
        expect(page.locator("#trouble")).to_be_hidden()


def test_the_way_back_leads_from_the_code_to_the_card(browser: Browser, form: Form) -> None:  # noqa: F811
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = open_in_app(visitor, form)
        type_card(page)
        expect(page.locator("#code-screen")).to_be_visible()
        page.go_back()
        expect(page.locator("#card-screen")).to_be_visible()
        page.locator("#continue").click()
        expect(page.locator("#code-screen")).to_be_visible()
        page.reload()
        expect(page.locator("#card-form[data-ready]")).to_be_attached()
        expect(page.locator("#card-screen")).to_be_visible()
        expect(page.locator("#number")).to_have_value("")
        page.get_by_role("button", name="Cancel").click()
        expect(page.get_by_role("heading", name="Cancelled")).to_be_visible()
        assert given(page) == [{"type": "tiyin.card-form", "cancelled": True, "state": ""}]


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({}, "This page belongs to an app"),
        ({"way": "message", "to": "http://127.0.0.1:1"}, "This page belongs to the shop"),
    ],
)
def test_where_nobody_takes_the_result_no_card_is_asked_for(
    browser: Browser,  # noqa: F811
    form: Form,
    asked: dict[str, str],
    words: str,
) -> None:
    with watched(browser, form.url, viewport=PHONE) as visitor:
        visitor.page.goto(form_address(form.url, lang="en", **asked))
        expect(visitor.page.locator("#astray")).to_contain_text(words)
        expect(visitor.page.locator("#number")).to_be_hidden()
        assert not [url for url in visitor.asked if url.endswith("/api")]


def test_the_button_is_dead_until_the_script_came(browser: Browser, form: Form) -> None:  # noqa: F811
    waiting: list[Route] = []
    with watched(browser, form.url, viewport=PHONE) as visitor:
        page = visitor.page
        page.add_init_script(f"window.given = []; {BRIDGES['flutter']}")
        page.route("**/card_form.js", lambda route: waiting.append(route))  # noqa: PLW0108 - it wants a function
        page.goto(form_address(form.url, lang="en"), wait_until="commit")
        expect(page.get_by_text("The form is still loading.")).to_be_visible()
        page.locator("#number").press_sequentially(GOOD_CARD)
        page.locator("#expire").press_sequentially("0399")
        page.keyboard.press("Enter")
        expect(page.locator("#continue")).to_be_disabled()
        waiting[0].continue_()
        # What was typed meanwhile is kept.
        expect(page.locator("#number")).to_have_value("8600 0691 9540 6311")
        page.locator("#continue").click()
        expect(page.locator("#code-screen")).to_be_visible()
        assert not [url for url in visitor.asked if GOOD_CARD in url]


def test_without_scripts_it_says_what_it_needs(browser: Browser, form: Form) -> None:  # noqa: F811
    with watched(browser, form.url, viewport=PHONE, java_script_enabled=False) as visitor:
        visitor.page.goto(form_address(form.url, lang="uz"))
        expect(visitor.page.locator("noscript .notice")).to_be_visible()
        assert "Bu sahifaga JavaScript kerak" in visitor.page.content()
        expect(visitor.page.locator("#number")).to_be_hidden()
