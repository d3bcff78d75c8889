"""Every error of the documentation as a page: what happened, what to do, in three languages, noted once.

Documentation: checkout/errors
"""

import logging
from collections.abc import Iterator

import msgspec
import pytest

from helpers_browser import serve
from helpers_checkout import DESK, FakeGateway, Fresh, Site, opened_checkout
from helpers_pages import Payer, link_of, pairs_of
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.web.words import translations

TITLES = {
    -31601: "The shop cannot take payments now",
    -31610: "The payment link is wrong",
    -31611: "The amount is too small",
    -31612: "The amount is too large",
    -31622: "The shop does not answer",
    -31623: "The shop's system answered with an error",
    -31630: "The bank declined the payment",
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


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", TITLES)
@pytest.mark.parametrize("way", ["link", "form"])
def test_every_documented_error_is_a_page(
    site: Site, caplog: pytest.LogCaptureFixture, way: str, code: int, language: Language
) -> None:
    site.gateway.check_error = RpcError(code)
    if code in {-31611, -31612}:
        site.gateway.check_error = None
    amounts = {-31611: 1, -31612: 10**13}
    order = {"lang": language, "amount_tiyin": amounts.get(code, 500_000)}
    payer = Payer(site.url)
    path = link_of("", **order)
    if way == "form":
        path = payer.post("/", pairs_of(**order)).headers["location"]
    if code == -31601:
        site.gateway.desk = msgspec.structs.replace(DESK, active=False)
    rows = site.rows()
    caplog.set_level(logging.INFO, "tiyin.checkout")
    answer = payer.get(path)
    title = translations(language).gettext(TITLES[code])
    assert answer.status == (404 if code == -31601 else 400)
    assert answer.heading.replace("&#39;", "'") == title
    assert language == "en" or title != TITLES[code]
    assert f'<html lang="{language}">' in answer.text
    assert str(code) in answer.text
    assert caplog.text.count("checkout_refused") == 1
    assert site.rows() == rows
    # What to do: the way back to the shop, where the shop is known.
    assert ("shop.example.uz" in answer.text) is (code != -31601)


@pytest.mark.parametrize("language", ["de", "", "<script>", "RU-ru", "en;ru"])
def test_an_unknown_language_is_russian(site: Site, language: str) -> None:
    pairs = [*[pair for pair in pairs_of() if pair[0] != "lang"], ("lang", language)]
    page = Payer(site.url, "en").get(Payer(site.url).post("/", pairs).headers["location"])
    assert '<html lang="ru">' in page.text
