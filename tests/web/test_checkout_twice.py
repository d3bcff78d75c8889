"""Two windows, one order: the second one finds the payment of the first instead of paying again.

The desk asks no merchant, so that two receipts for one order are both payable: only the pages themselves keep
them apart.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import msgspec
import pytest

from helpers_browser import serve
from helpers_checkout import DESK, FakeGateway, Fresh, Site, opened_checkout
from helpers_pages import GOOD_CARD, Answer, Payer, link_of
from tiyin.gateway.desks.records import DeskKind

JUST_PAID = "You have just paid this"
IN_ANOTHER = "This is being paid in another window"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for all of these tests."""
    held: list[FakeGateway] = []
    with serve(lambda url: opened_checkout(tmp_path_factory.mktemp("site"), url, held)) as served:
        yield Site(served, held[0])


@pytest.fixture
def site(shared: Site) -> Site:
    """The pages of a desk without billing, new to each test."""
    fresh = Fresh(shared)
    fresh.gateway.desk = msgspec.structs.replace(DESK, kind=DeskKind.NO_BILLING, endpoint=None)
    return fresh


@pytest.fixture
def path(request: pytest.FixtureRequest) -> str:
    """The link of an order of the test's own."""
    return link_of("", lang="en", account={"order_id": request.node.name, "phone": "1"})


def at_the_code(payer: Payer, path: str) -> str:
    """Hand in a card; return the address of the page that asks for the code."""
    page = payer.get(path)
    fields = {"nonce": page.hidden("nonce"), "proof": page.hidden("proof")}
    led = payer.post(path, {**fields, "number": GOOD_CARD, "expire": "0399"})
    assert led.status == 303, led.text
    return led.headers["location"]


def code_form(payer: Payer, address: str) -> tuple[str, dict[str, str]]:
    """Return where the code of a page is sent, and what is sent."""
    parts = urlsplit(address)
    form = {"proof": payer.get(address).hidden("proof"), "code": "666666"}
    return f"{parts.path}/code?{parts.query}", form


def pay(payer: Payer, address: str) -> Answer:
    """Give the code, and open the receipt's page."""
    payer.post(*code_form(payer, address))
    return payer.get(address)


@pytest.mark.parametrize("windows", [2, 4])
def test_windows_that_race_pay_once(site: Site, path: str, windows: int) -> None:
    site.gateway.step_s = 0.05
    payer = Payer(site.url)
    addresses = [at_the_code(payer, path) for _ in range(windows)]
    assert len(set(addresses)) == windows
    forms = [code_form(payer, address) for address in addresses]
    with ThreadPoolExecutor(windows) as pool:
        answers = list(pool.map(lambda form: payer.post(*form), forms))
    assert {answer.status for answer in answers} == {303}
    assert site.gateway.count("receipts.pay") == 1
    headings = sorted(payer.get(address).heading for address in addresses)
    assert headings == ["Paid", *[JUST_PAID] * (windows - 1)]


def test_the_second_window_says_so_and_shows_the_first(site: Site, path: str) -> None:
    payer = Payer(site.url)
    first, second = at_the_code(payer, path), at_the_code(payer, path)
    assert pay(payer, first).heading == "Paid"
    told = payer.get(second)
    assert told.heading == JUST_PAID
    receipt_id = urlsplit(first).path.rsplit("/", 1)[1]
    assert f'href="/checkout/{receipt_id}?lang=en"' in told.text
    # A card typed into a page that was open all the while pays nothing either.
    assert payer.get(path).heading == JUST_PAID
    assert site.gateway.count("receipts.pay") == 1


def test_a_card_page_that_was_open_all_the_while_takes_no_card(site: Site, path: str) -> None:
    payer = Payer(site.url)
    page = payer.get(path)
    pay(payer, at_the_code(payer, path))
    made = site.gateway.count("cards.create")
    fields = {"nonce": page.hidden("nonce"), "proof": page.hidden("proof")}
    led = payer.post(path, {**fields, "number": GOOD_CARD, "expire": "0399"})
    assert payer.get(led.headers["location"]).heading == JUST_PAID
    assert site.gateway.count("cards.create") == made


def test_another_card_in_the_second_window_pays_nothing(site: Site, path: str) -> None:
    payer = Payer(site.url)
    first, second = at_the_code(payer, path), at_the_code(payer, path)
    other = f"{second}&card=other"
    page = payer.get(other)
    pay(payer, first)
    fields = {"nonce": page.hidden("nonce"), "proof": page.hidden("proof")}
    led = payer.post(other, {**fields, "number": GOOD_CARD, "expire": "0399"})
    assert payer.get(led.headers["location"]).heading == JUST_PAID
    assert site.gateway.count("receipts.pay") == 1


def test_a_payment_under_way_is_told_in_the_other_window(site: Site, path: str) -> None:
    site.gateway.lost = True
    payer = Payer(site.url)
    first, second = at_the_code(payer, path), at_the_code(payer, path)
    payer.post(*code_form(payer, first))
    assert payer.get(second).heading == IN_ANOTHER
    assert payer.get(path).heading == IN_ANOTHER
    # A payment that never began keeps nobody for longer than a minute.
    site.gateway.clock.advance(61_000)
    site.gateway.lost = False
    assert pay(payer, second).heading == "Paid"


def test_once_more_on_purpose_pays_once_more_and_not_three_times(site: Site, path: str) -> None:
    payer = Payer(site.url)
    first = at_the_code(payer, path)
    pay(payer, first)
    receipt_id = urlsplit(first).path.rsplit("/", 1)[1]
    again = f"{path}?again={receipt_id}&lang=en"
    assert again.replace("&", "&amp;") in payer.get(path).text
    windows = [at_the_code(payer, again) for _ in range(2)]
    assert pay(payer, windows[0]).heading == "Paid"
    assert payer.get(windows[1]).heading == JUST_PAID
    assert payer.get(again).heading == JUST_PAID
    assert site.gateway.count("receipts.pay") == 2


def test_a_refused_payment_keeps_nobody_from_another_card(site: Site, path: str) -> None:
    payer = Payer(site.url)
    page = payer.get(path)
    fields = {"nonce": page.hidden("nonce"), "proof": page.hidden("proof")}
    refused = payer.post(path, {**fields, "number": "8600143417770323", "expire": "0399"}).headers["location"]
    assert pay(payer, refused).heading == "The card could not be charged"
    assert pay(payer, at_the_code(payer, path)).heading == "Paid"


@pytest.mark.parametrize("change", ["another browser", "another order", "later"])
def test_what_is_no_mistake_is_not_kept_back(site: Site, path: str, change: str) -> None:
    payer = Payer(site.url)
    pay(payer, at_the_code(payer, path))
    if change == "another browser":
        payer = Payer(site.url)
    elif change == "another order":
        path = link_of("", lang="en", account={"order_id": "another", "phone": "2"})
    else:
        site.gateway.clock.advance(901_000)
    assert pay(payer, at_the_code(payer, path)).heading == "Paid"
    assert site.gateway.count("receipts.pay") == 2


@pytest.mark.parametrize("again", ["1", "0" * 23, "<script>", "../x"])
def test_what_is_no_receipt_opens_no_way_around(site: Site, path: str, again: str) -> None:
    payer = Payer(site.url)
    pay(payer, at_the_code(payer, path))
    assert payer.get(f"{path}?again={again}").heading == JUST_PAID
