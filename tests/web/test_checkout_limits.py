"""Cards tried in a row and codes tried by force: each has an end, and a page that says when to come back."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request

from helpers_browser import serve
from helpers_checkout import FakeGateway, Fresh, Site, opened_checkout
from helpers_pages import GOOD_CARD, Answer, Payer, link_of
from tiyin.gateway.cards.limits import CARD_TRIES, CODE_TRIES, Limit, TooOften
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.web.checkout.network import network_of

WRONG_CARD = "3333336415804657"
CARDS = {
    "ru": "Слишком много карт не подошло",
    "uz": "Juda koʻp karta qabul qilinmadi",
    "en": "Too many cards were refused",
}
CODES = {
    "ru": "Слишком много неверных кодов",
    "uz": "Juda koʻp notoʻgʻri kod kiritildi",
    "en": "Too many codes were wrong",
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


@pytest.fixture
def order_id(request: pytest.FixtureRequest) -> str:
    """An order of the test's own."""
    return str(request.node.name)


def path_of(order_id: str, language: Language = "en") -> str:
    """Return the link of an order."""
    return link_of("", lang=language, account={"order_id": order_id})


def try_card(payer: Payer, path: str, number: str = WRONG_CARD, **headers: str) -> Answer:
    """Hand in a card."""
    page = payer.get(path)
    fields = {"nonce": page.hidden("nonce"), "proof": page.hidden("proof")}
    return payer.post(path, {**fields, "number": number, "expire": "0399"}, **headers)


def try_code(payer: Payer, address: str, code: str, **headers: str) -> Answer:
    """Give a code."""
    parts = urlsplit(address)
    fields = {"proof": payer.get(address).hidden("proof"), "code": code}
    return payer.post(f"{parts.path}/code?{parts.query}", fields, **headers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_browser_may_try_so_many_cards(site: Site, order_id: str, language: Language) -> None:
    payer = Payer(site.url)
    for count in range(CARD_TRIES.browser.count_max):
        # The orders may change, the browser is one.
        assert try_card(payer, path_of(f"{order_id}{count}", language)).status == 422
    path = path_of(f"{order_id}-last", language)
    answer = try_card(payer, path, GOOD_CARD)
    assert (answer.status, answer.heading) == (429, CARDS[language])
    assert 3_500 < int(answer.headers["retry-after"]) <= 3_600
    assert GOOD_CARD not in answer.text
    json = try_card(payer, path, GOOD_CARD, Accept="application/json")
    assert (json.status, CARDS[language] in json.text) == (429, True)
    assert site.gateway.count("cards.create") == CARD_TRIES.browser.count_max
    assert site.rows()[0] == 0
    site.gateway.clock.advance(CARD_TRIES.browser.window_ms)
    assert try_card(payer, path, GOOD_CARD).status == 303


def test_one_order_may_see_so_many_cards_whoever_brings_them(site: Site, order_id: str) -> None:
    path = path_of(order_id)
    for _ in range(CARD_TRIES.order.count_max):
        assert try_card(Payer(site.url), path).status == 422
    assert try_card(Payer(site.url), path).heading == CARDS["en"]
    assert try_card(Payer(site.url), path_of(order_id + "x"), GOOD_CARD).status == 303


def test_cards_tried_at_the_same_time_are_no_more(site: Site, order_id: str) -> None:
    payer = Payer(site.url)
    pages = [payer.get(path_of(f"{order_id}{count}")) for count in range(16)]

    def submit(count: int) -> int:
        fields = {"nonce": pages[count].hidden("nonce"), "proof": pages[count].hidden("proof")}
        path = path_of(f"{order_id}{count}")
        return payer.post(path, {**fields, "number": WRONG_CARD, "expire": "0399"}).status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(submit, range(16)))
    assert sorted(statuses) == [422] * CARD_TRIES.browser.count_max + [429] * (
        16 - CARD_TRIES.browser.count_max
    )


def test_good_cards_are_not_counted(site: Site, order_id: str) -> None:
    payer = Payer(site.url)
    for count in range(CARD_TRIES.browser.count_max + 2):
        assert try_card(payer, path_of(f"{order_id}{count}"), GOOD_CARD).status == 303


def test_a_card_without_messages_counts_as_refused(site: Site, order_id: str) -> None:
    payer = Payer(site.url)
    for count in range(CARD_TRIES.browser.count_max):
        assert try_card(payer, path_of(f"{order_id}{count}"), "8600060921090842").status == 303
    assert try_card(payer, path_of(order_id), GOOD_CARD).status == 429


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_browser_may_try_so_many_codes(site: Site, order_id: str, language: Language) -> None:
    payer = Payer(site.url)
    addresses = [
        try_card(payer, path_of(f"{order_id}{count}", language), GOOD_CARD).headers["location"]
        for count in range(4)
    ]
    for count in range(CODE_TRIES.browser.count_max):
        assert try_code(payer, addresses[count % 3], "123456").status == 422
    answer = try_code(payer, addresses[3], "666666")
    assert (answer.status, answer.heading) == (429, CODES[language])
    assert "retry-after" in answer.headers
    json = try_code(payer, addresses[3], "666666", Accept="application/json")
    assert (json.status, CODES[language] in json.text) == (429, True)
    assert site.gateway.count("receipts.pay") == 0
    site.gateway.clock.advance(CODE_TRIES.browser.window_ms)
    assert try_code(payer, addresses[3], "666666").status == 303
    assert site.gateway.count("receipts.pay") == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_too_many_codes_for_one_card_say_when_to_come_back(
    site: Site, order_id: str, language: Language
) -> None:
    site.gateway.code_error = TooOften(SubscribeCode.CODE_NOT_SENT, site.gateway.clock.now_ms() + 600_000)
    payer = Payer(site.url)
    page = payer.get(try_card(payer, path_of(order_id, language), GOOD_CARD).headers["location"])
    words = {
        "ru": "Отправлено слишком много кодов",
        "uz": "Juda koʻp kod yuborildi",
        "en": "Too many codes were sent",
    }
    assert words[language] in page.text
    assert {"ru": "по ташкентскому", "uz": "Toshkent vaqti", "en": "Tashkent time"}[language] in page.text
    # Another card may be typed at once.
    assert 'name="number"' in page.text


def asked_from(host: str | None) -> Request:
    """Return a request of a connection."""
    return Request({"type": "http", "headers": [], "client": None if host is None else (host, 1)})


@pytest.mark.parametrize(
    ("host", "network"),
    [
        ("213.230.64.1", "213.230.64.1"),
        ("::ffff:213.230.64.1", "213.230.64.1"),
        ("2a02:e180:1:2:3:4:5:6", "2a02:e180:1:2::/64"),
        ("127.0.0.1", ""),
        ("10.0.0.7", ""),
        ("::1", ""),
        ("fd00::1", ""),
        ("unix:/run/tiyin.sock", ""),
        (None, ""),
    ],
)
def test_a_household_is_one_network_and_a_proxy_none(host: str | None, network: str) -> None:
    assert network_of(asked_from(host)) == network


def test_limits_are_wide_enough_for_an_office() -> None:
    for limits in (CARD_TRIES, CODE_TRIES):
        assert isinstance(limits.network, Limit)
        assert limits.network.count_max >= 10 * limits.browser.count_max
        assert limits.order.count_max >= limits.browser.count_max
