"""Desks without billing: the payer types amount and account, and goes on as with a shop's form."""

import base64
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlencode, urlsplit

import msgspec
import pytest

from helpers_browser import serve
from helpers_checkout import DESK, FakeGateway, Fresh, Site, opened_checkout
from helpers_pages import GOOD_CARD, Answer, Payer, link_of, pairs_of
from tiyin.gateway.desks.records import Desk, DeskKind
from tiyin.protocol.checkout_link import PartialRequest
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.web.checkout.amounts import read_sum, written_sum
from tiyin.web.checkout.open_desk import address_of

PATH = f"/fallback/merchant/?id={DESK.id}"
TYPED = {"account[order_id]": "42/7", "account[phone]": "901234567", "sum": "5 000"}
NOTHING = (0, 0, 0)


def open_desk(kind: DeskKind = DeskKind.NO_BILLING, *, fields: bool = True, round_up: bool = False) -> Desk:
    """Return a desk whose payers type what they pay."""
    return msgspec.structs.replace(
        DESK,
        kind=kind,
        endpoint=None,
        round_up=round_up,
        account_fields=DESK.account_fields if fields else (),
    )


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
def at(site: Site) -> Site:
    """The pages of a desk without billing."""
    site.gateway.desk = open_desk()
    return site


def link(text: str) -> str:
    """Return a link's path."""
    return "/" + base64.b64encode(text.encode()).decode()


def value_of(page: Answer, name: str) -> str:
    """Return what stands in a field."""
    found = re.search(rf'name="{re.escape(name)}"[^>]*? value="([^"]*)"', page.text)
    assert found is not None, f"there is no field {name}"
    return found[1]


@pytest.mark.parametrize("language", LANGUAGES)
def test_opening_asks_for_amount_and_account_and_creates_nothing(at: Site, language: Language) -> None:
    page = Payer(at.url).get(f"{PATH}&lang={language}")
    assert (page.status, page.headers["cache-control"]) == (200, "no-store")
    assert f'<html lang="{language}">' in page.text
    for field in DESK.account_fields:
        assert field.title.in_language(language) in page.text
        assert value_of(page, f"account[{field.name}]") == ""
    assert at.rows() == NOTHING
    assert at.gateway.calls == []


def test_a_desk_opens_by_its_alias_and_with_an_amount(at: Site) -> None:
    page = Payer(at.url, "en").get("/fallback/merchant?id=bozor&amount=500050&account[order_id]=%3C7%3E")
    assert (value_of(page, "sum"), value_of(page, "account[order_id]")) == ("5000.50", "&lt;7&gt;")


@pytest.mark.parametrize("json", [False, True], ids=["no script", "script"])
def test_what_was_typed_is_kept_and_paid(at: Site, json: bool) -> None:
    payer = Payer(at.url)
    query = f"{PATH}&lang=en&callback=https%3A%2F%2Fshop.example.uz%2F%3Aaccount.order_id&callback_timeout=0"
    order_id = f"42/{json}"
    typed = {**TYPED, "account[order_id]": order_id}
    led = payer.post(query, typed, **({"Accept": "application/json"} if json else {}))
    path = msgspec.json.decode(led.body)["go"] if json else led.headers["location"]
    assert at.rows() == (0, 1, 0)
    page = payer.get(path)
    assert "UZS" in page.text
    assert "5,000" in page.text
    assert order_id in page.text
    assert f'href="https://shop.example.uz/42%2F{json}"' in page.text
    fields = {"nonce": page.hidden("nonce"), "proof": page.hidden("proof")}
    begun = payer.post(path, {**fields, "number": GOOD_CARD, "expire": "0399"})
    code = payer.get(begun.headers["location"])
    parts = urlsplit(begun.headers["location"])
    payer.post(f"{parts.path}/code?{parts.query}", {"proof": code.hidden("proof"), "code": "666666"})
    assert payer.get(begun.headers["location"]).heading == "Paid"
    created = next(call[1] for call in at.gateway.asked if call[0] == "receipts.create")
    assert (created.amount_tiyin, created.account) == (500_000, {"order_id": order_id, "phone": "901234567"})


def test_the_order_can_be_changed_from_the_card_page(at: Site) -> None:
    payer = Payer(at.url)
    page = payer.get(payer.post(f"{PATH}&lang=en", TYPED).headers["location"])
    change = re.search(r'href="(/fallback/merchant/[^"]*)"', page.text)
    assert change is not None
    again = payer.get(change[1].replace("&amp;", "&"))
    assert {name: value_of(again, name) for name in TYPED} == {**TYPED, "sum": "5000"}


@pytest.mark.parametrize(
    ("typed", "field", "words"),
    [
        ({"sum": ""}, "sum", "Введите сумму."),
        ({"sum": "пять"}, "sum", "Введите сумму в сумах"),
        ({"sum": "9" * 60}, "sum", "Введите сумму в сумах"),
        ({"sum": "999,99"}, "sum", "принимает оплату от 1 000 сум"),
        ({"sum": "100000000,01"}, "sum", "принимает оплату до 100 000 000 сум"),
        ({"sum": "99999999999999"}, "sum", "принимает оплату до"),
        ({"account[order_id]": "  "}, "account[order_id]", "Заполните это поле."),
        ({"account[order_id]": "7" * 257}, "account[order_id]", "Слишком длинно."),
        ({"account[order_id]": "a\x00b"}, "account[order_id]", "нельзя отправить"),
    ],
)
def test_what_is_wrong_stands_under_its_field(
    at: Site, typed: dict[str, str], field: str, words: str
) -> None:
    answer = Payer(at.url).post(f"{PATH}&lang=ru", {**TYPED, **typed})
    assert answer.status == 422
    place = re.search(rf'id="{re.escape(field)}-error"[^>]*>([^<]*)<', answer.text)
    assert place is not None
    assert words in place[1].replace("\u00a0", " ")
    json = Payer(at.url).post(f"{PATH}&lang=ru", {**TYPED, **typed}, Accept="application/json")
    assert (json.status, list(msgspec.json.decode(json.body)["errors"])) == (422, [field])
    assert at.rows() == NOTHING


def test_scripts_in_every_typed_field_are_text(at: Site) -> None:
    attack = '"><script>alert(1)</script>'
    payer = Payer(at.url)
    wrong = payer.post(f"{PATH}&lang=en", {**TYPED, "account[order_id]": attack, "sum": attack})
    kept = payer.post(f"{PATH}&lang=en", {**TYPED, "account[order_id]": attack})
    for page in (wrong, payer.get(kept.headers["location"])):
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text


def test_a_desk_without_fields_asks_what_for_and_keeps_it_as_the_description(site: Site) -> None:
    site.gateway.desk = open_desk(DeskKind.ON_SITE, fields=False, round_up=True)
    payer = Payer(site.url)
    assert 'name="about"' in payer.get(f"{PATH}&lang=en").text
    kept = payer.post(f"{PATH}&lang=en", {"sum": "5 000,01", "about": " Plov \n for two"})
    page = payer.get(kept.headers["location"])
    assert "Plov for two" in page.text
    assert "5,001" in page.text
    assert payer.post(f"{PATH}&lang=en", {"sum": "5000", "about": "x" * 201}).status == 422
    assert payer.post(f"{PATH}&lang=en", {"sum": "5000"}).status == 303


@pytest.mark.parametrize(
    ("query", "code", "status"),
    [
        ("id=" + "0" * 24, -31601, 404),
        ("", -31610, 400),
        ("id=bozor&amount=abc", -31610, 400),
        ("id=bozor&amount=" + "9" * 40, -31610, 400),
        ("id=bozor&callback=javascript:alert(1)", -31610, 400),
        ("id=bozor&id=bozor", -31610, 400),
        ("id=bozor&account[order_id]=%00", -31610, 400),
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_wrong_address_gets_its_page(
    at: Site, query: str, code: int, status: int, language: Language
) -> None:
    for answer in (
        Payer(at.url, language).get(f"/fallback/merchant/?{query}"),
        Payer(at.url, language).post(f"/fallback/merchant/?{query}", TYPED),
    ):
        assert (answer.status, str(code) in answer.text) == (status, True)
        assert f'<html lang="{language}">' in answer.text
    assert at.rows() == NOTHING


@pytest.mark.parametrize("kind", [DeskKind.BILLING, DeskKind.VIRTUAL_TERMINAL, DeskKind.TELEGRAM])
def test_a_desk_of_another_kind_takes_no_typed_amounts(site: Site, kind: DeskKind) -> None:
    site.gateway.desk = msgspec.structs.replace(DESK, kind=kind)
    payer = Payer(site.url, "en")
    for path in (PATH, link(f"m={DESK.id};a=500000"), link(f"m={DESK.id};ac.order_id=1")):
        answer = payer.get(path)
        assert (answer.status, answer.heading) == (400, "The payment link is wrong")
    assert payer.post("/", [pair for pair in pairs_of() if pair[0] != "amount"]).status == 400
    assert site.rows() == NOTHING


@pytest.mark.parametrize(
    ("text", "known"),
    [
        (f"m={DESK.id}", {}),
        (f"m={DESK.id};a=500000", {"amount": "500000"}),
        ("m=bozor;ac.order_id=7;l=uz", {"account[order_id]": "7", "lang": "uz"}),
        (f"m={DESK.id};ac.order_id=7;a=500000", {"account[order_id]": "7", "amount": "500000"}),
        (
            f"m={DESK.id};a=;c=https://shop.example.uz/?a=1;ct=500",
            {"callback": "https://shop.example.uz/?a=1", "callback_timeout": "500"},
        ),
    ],
)
def test_a_link_with_gaps_leads_to_where_they_are_filled(at: Site, text: str, known: dict[str, str]) -> None:
    answer = Payer(at.url).get(link(text))
    assert answer.status == 303
    parts = urlsplit(answer.headers["location"])
    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert (parts.path, asked) == ("/fallback/merchant/", {"lang": "ru", **known, "id": DESK.id})
    assert at.rows() == NOTHING


def test_a_form_with_gaps_leads_there_too(at: Site) -> None:
    fields = [pair for pair in pairs_of(callback=None, lang="en") if pair[0] != "amount"]
    answer = Payer(at.url).post(
        "/", [*fields, ("description", "Tea")], Referer="https://shop.example.uz/cart"
    )
    page = Payer(at.url).get(answer.headers["location"])
    assert value_of(page, "account[order_id]") == "197"
    assert "Tea" in page.text
    assert 'href="https://shop.example.uz/cart"' in page.text
    assert at.rows() == NOTHING


@pytest.mark.parametrize("text", ["a=-1", "a=5.5", "a=1;a=2", "cr=840", "c=javascript:1", "ct=x"])
def test_what_is_wrong_is_not_a_gap(at: Site, text: str) -> None:
    answer = Payer(at.url, "en").get(link(f"m={DESK.id};{text}"))
    assert (answer.status, answer.heading) == (400, "The payment link is wrong")


def test_a_whole_link_opens_at_once(at: Site) -> None:
    account = {"order_id": "7", "phone": "1"}
    page = Payer(at.url).get(link_of("", account=account, lang="en"))
    assert (page.status, 'name="number"' in page.text) == (200, True)


SUMS = [
    ("5000", 500_000),
    ("5 000", 500_000),
    ("5\u00a0000", 500_000),
    ("5'000", 500_000),
    ("5000,5", 500_050),
    ("5000.50", 500_050),
    ("5000,05", 500_005),
    ("5000,", 500_000),
    ("5,000", 500_000),
    ("5.000", 500_000),
    ("5.000,50", 500_050),
    ("5,000.5", 500_050),
    ("1.234.567", 123_456_700),
    ("1,234,567.89", 123_456_789),
    ("0005000", 500_000),
    ("1.234.56", None),
    ("1,23,456", None),
    ("5000,505", None),
    ("-5000", None),
    ("+5000", None),
    ("5e3", None),
    ("٥٠٠٠", None),
    ("5000 сум", None),
    (".5", None),
]


@pytest.mark.parametrize(("text", "amount_tiyin"), SUMS)
def test_sums_are_read_as_people_write_them(text: str, amount_tiyin: int | None) -> None:
    read, problem = read_sum(text, open_desk(), "en")
    assert (read or None, bool(problem)) == (amount_tiyin, amount_tiyin is None)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("amount_tiyin", [100_000, 100_001, 123_456_789])
def test_a_written_sum_is_read_back(language: Language, amount_tiyin: int) -> None:
    text = written_sum(amount_tiyin, language)
    assert read_sum(text, open_desk(), language) == (amount_tiyin, "")


def test_rounding_up_is_to_whole_sums() -> None:
    desk = open_desk(round_up=True)
    assert [read_sum(text, desk, "ru")[0] for text in ("1000", "1000,01", "1000,99")] == [
        100_000,
        100_100,
        100_100,
    ]
    # The smallest amount is judged as it will be paid.
    assert read_sum("999,01", desk, "ru") == (100_000, "")


def test_an_address_holds_what_is_known_and_nothing_that_leads_elsewhere() -> None:
    asked = PartialRequest(merchant="bozor", account={"a b": "x&id=1"}, amount_tiyin=None)
    address = address_of(open_desk(), asked, "uz")
    assert address == f"{PATH}&" + urlencode([("account[a b]", "x&id=1"), ("lang", "uz")])
