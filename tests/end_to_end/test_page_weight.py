"""Goal: the payment page is light, and on a slow network it stands within a second.

Method: Chromium counts what comes over the wire with an empty cache, and says when it first painted, behind
the network that its own tools call fast 3G: 1.6 Mbit/s, and 150 ms before each answer. What must have come
before that is bounded by bytes and turns besides, which no busy machine changes. `-rP` shows the numbers.

A page itself is not compressed by us. It holds secrets of its browser's (the forms' proofs) beside what
whoever made the link has written into it, and the length of what is compressed together tells the one by the
other to whoever can count bytes on the wire. Style sheets and scripts hold no secret; they are compressed.
"""

import re
import sys
from collections.abc import Iterator
from statistics import median

import pytest
from playwright.sync_api import Browser, Page, Response

from helpers_browser import browser, watched  # noqa: F401 - `browser` is a fixture
from helpers_checkout import Fresh, Site
from helpers_every_page import EVERY_PAGE, GOODS, every_site
from helpers_pages import Payer, link_of, pairs_of
from helpers_throttle import FAST_3G, Network, loading
from tiyin.protocol.fiscal import read_detail
from tiyin.protocol.values import LANGUAGES, Language, Text

pytestmark = pytest.mark.browser

WEIGHT_MAX = 60_000
PAINT_MS_MAX = 1_000
TRIES = 3
TRIES_MORE = 9
PHONE = {"width": 360, "height": 740}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with every_site(tmp_path_factory.mktemp("pages")) as site:
        yield site


@pytest.fixture
def site(shared: Site) -> Site:
    return Fresh(shared)


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def sixty_goods(page: Page, site: Site, language: Language) -> None:
    """Open a payment page with all that it can have: goods, delivery, a long description, test cards."""
    item = {"title": "Шафран, Иран, 2 г, в стеклянной банке", "price": 100_000, "count": 1, "vat_percent": 12}
    items = [{**item, "code": "00702001001000001", "package_code": "123456"}] * 60
    text = "Шестьдесят банок и доставка " * 8
    pairs = pairs_of(
        lang=language,
        amount_tiyin=6_100_000,
        account={"order_id": "197", "phone": "901234567"},
        detail=read_detail({"receipt_type": 0, "items": items, "shipping": GOODS["shipping"]}),
        description=Text(ru=text, uz=text, en=text),
    )
    page.goto(site.url + Payer(site.url).post("/", pairs).headers["location"])


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_weigh_little(
    site: Site,
    browser: Browser,  # noqa: F811
    language: Language,
) -> None:
    """With an empty cache; a payment's later pages find all but themselves in it."""
    names = ["card"]
    # Russian is the longest; the other pages need no more than one language.
    if language == "ru":
        names += ["paid", "the payer's receipt", "a desk without billing", "card form"]
    pages = {"sixty goods": sixty_goods, **{name: EVERY_PAGE[name] for name in names}}
    for name, open_ in pages.items():
        with loading(browser, site.url, viewport=PHONE) as loaded:
            open_(loaded.page, site, language)
            loaded.page.wait_for_load_state("load")
            parts = {
                kind: sum(size for address, size in loaded.bytes_of.items() if address.endswith(kind))
                for kind in (".css", ".js", ".svg")
            }
            assert all(parts.values()), parts
            page = loaded.weight - sum(parts.values())
            assert page > 2_000
            say(f"{language} {name}: {loaded.weight / 1000:.1f} kB, of it the page {page} bytes, {parts}")
            assert loaded.weight < WEIGHT_MAX, name


def first_paint_ms(site: Site, browser: Browser, network: Network, slower: int) -> float:  # noqa: F811
    with loading(browser, site.url, network, slower=slower, viewport=PHONE) as loaded:
        loaded.page.goto(link_of(site.url, lang="ru"))
        return loaded.first_paint_ms


def test_the_first_paint_waits_for_little(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    """Two turns of the network: the page, then the styles that it names. No script is waited for."""
    with loading(browser, site.url, viewport=PHONE) as loaded:
        answer = loaded.page.goto(link_of(site.url, lang="ru"))
        assert answer is not None
        document = answer.text()
        loaded.page.wait_for_load_state("load")
        scripts = re.findall(r"<script[^>]*>", document)
        assert scripts
        assert all('type="module"' in script for script in scripts), "a script holds the page up"
        styles = re.findall(r'rel="stylesheet" href="([^"]+)"', document)
        assert len(styles) == 2
        for style in styles:
            assert "@import" not in loaded.page.request.get(site.url + style).text(), "a third turn"
        not_waited_for = (".js", ".svg")
        first = sum(size for name, size in loaded.bytes_of.items() if not name.endswith(not_waited_for))
    network_ms = 2 * FAST_3G.latency_ms + first * 8_000 / FAST_3G.bits_per_s
    say(f"before the first paint: {first / 1000:.1f} kB, {network_ms:.0f} ms of {FAST_3G.name}")
    assert network_ms < PAINT_MS_MAX / 2


@pytest.mark.parametrize("slower", [1, 4], ids=["this machine", "slow phone"])
def test_the_first_paint_is_early(
    site: Site,
    browser: Browser,  # noqa: F811
    slower: int,
) -> None:
    """Three tries; where other work of the machine, which only adds, has spoiled one, another instead."""
    took = [first_paint_ms(site, browser, FAST_3G, slower) for _ in range(TRIES)]
    for _ in range(TRIES_MORE):
        if median(took) < PAINT_MS_MAX:
            break
        took.remove(max(took))
        took.append(first_paint_ms(site, browser, FAST_3G, slower))
    each = [round(one) for one in took]
    say(f"{FAST_3G.name}, processor 1/{slower}: first paint after {median(took):.0f} ms, {each}")
    # The network was slow in truth.
    assert min(took) > 2 * FAST_3G.latency_ms
    assert median(took) < PAINT_MS_MAX


def test_what_holds_secrets_is_not_compressed(
    site: Site,
    browser: Browser,  # noqa: F811
) -> None:
    answers: list[Response] = []
    with watched(browser, site.url) as seen:
        seen.page.on("response", lambda answer: answers.append(answer))  # noqa: PLW0108 - it wants to mark it
        seen.page.goto(link_of(site.url, lang="en"))
        seen.page.wait_for_load_state("load")
        assert seen.page.locator("[name=proof]").first.input_value()
        kept = {answer.url: answer.headers for answer in answers}
    for address, headers in kept.items():
        text = address.endswith((".css", ".js"))
        assert ("content-encoding" in headers) is (text or address.endswith(".svg")), address
        assert ("immutable" in headers["cache-control"]) is ("/static/" in address)
        assert (headers["cache-control"] == "no-store") is ("/static/" not in address)
