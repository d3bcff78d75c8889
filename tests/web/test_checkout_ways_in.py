"""Links and forms as they come in: what opens a page, and what gets the page that says why not.

Documentation: checkout/get-link, checkout/post-form, checkout/errors
"""

import base64
import logging

import msgspec
import pytest

from helpers_checkout import DESK, Site
from helpers_pages import Payer, link_of, pairs_of
from tiyin.protocol.codes import SubscribeCode
from tiyin.protocol.errors import RpcError
from tiyin.protocol.values import LANGUAGES, Language, Text
from tiyin.web.checkout.failures import Failure

ACCOUNT = "ac.order_id=197"
DESK_PAIR = f"m={DESK.id}"

NOTHING = (0, 0, 0)
WRONG_LINK = {
    "ru": "Неверная ссылка на оплату",
    "uz": "Toʻlov havolasi notoʻgʻri",
    "en": "The payment link is wrong",
}
NO_DESK = {
    "ru": "Магазин сейчас не принимает оплату",
    "uz": "Doʻkon hozir toʻlov qabul qilmayapti",
    "en": "The shop cannot take payments now",
}


def encoded(text: str, *, safe: bool = False, pad: bool = True) -> str:
    """Return a link's path."""
    raw = (base64.urlsafe_b64encode if safe else base64.b64encode)(text.encode()).decode()
    return "/" + (raw if pad else raw.rstrip("="))


@pytest.mark.parametrize("pad", [True, False])
@pytest.mark.parametrize("safe", [True, False])
def test_a_link_opens_in_any_order_and_either_alphabet(site: Site, safe: bool, pad: bool) -> None:
    # The question marks and the umlauts bring + and / (or - and _) into the base64.
    text = f"a=500000;ac.phone=??>>ÿÿ~~;l=en;{ACCOUNT};cr=860;m={DESK.id};ct=500"
    answer = Payer(site.url).get(encoded(text, safe=safe, pad=pad))
    assert answer.status == 200
    assert "??&gt;&gt;ÿÿ~~" in answer.text
    assert 'lang="en"' in answer.text
    assert site.rows() == NOTHING
    assert site.gateway.calls == ["receipts.check_payable"]


def test_a_desk_opens_by_its_alias(site: Site) -> None:
    assert Payer(site.url).get(encoded(f"m=bozor;{ACCOUNT};a=500000")).status == 200


BROKEN_LINKS = {
    "no merchant": f"{ACCOUNT};a=500000",
    "no account": f"{DESK_PAIR};a=500000",
    "no amount": f"{DESK_PAIR};{ACCOUNT}",
    "zero": f"{DESK_PAIR};{ACCOUNT};a=0",
    "negative": f"{DESK_PAIR};{ACCOUNT};a=-500000",
    "a fraction": f"{DESK_PAIR};{ACCOUNT};a=5000.5",
    "words for an amount": f"{DESK_PAIR};{ACCOUNT};a=five",
    "an amount that overflows": f"{DESK_PAIR};{ACCOUNT};a={10**30}",
    "another currency": f"{DESK_PAIR};{ACCOUNT};a=500000;cr=840",
    "a script as the way back": f"{DESK_PAIR};{ACCOUNT};a=500000;c=javascript:alert(1)//aaaa",
    "an application as the way back": f"{DESK_PAIR};{ACCOUNT};a=500000;c=shop://paid",
    "the same key twice": f"{DESK_PAIR};{ACCOUNT};a=500000;a=1",
    "no keys at all": "just some words that say nothing",
    "U+0000": f"{DESK_PAIR};{ACCOUNT}\x00;a=500000",
}


@pytest.mark.parametrize("text", BROKEN_LINKS.values(), ids=BROKEN_LINKS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_broken_link_gets_its_page_and_creates_nothing(
    untouched_site: Site, caplog: pytest.LogCaptureFixture, text: str, language: Language
) -> None:
    caplog.set_level(logging.INFO, "tiyin.checkout")
    answer = Payer(untouched_site.url, language).get(encoded(text))
    assert answer.status == 400
    assert answer.heading == WRONG_LINK[language]
    assert f'<html lang="{language}">' in answer.text
    assert "-31610" in answer.text
    assert untouched_site.rows() == NOTHING
    assert untouched_site.gateway.calls == []
    assert caplog.text.count("checkout_refused") == 1


@pytest.mark.parametrize(
    "path",
    [
        "/" + "A" * 41,
        "/" + "%D0%B0" * 30,
        "/" + "A" * 9000,
        "/bT0xMjM0NTY3ODkwMTIzNDU2Nzg5MDEyMzQ1Njc4OTA=%00%00",
    ],
    ids=["no base64", "letters of another alphabet", "huge", "U+0000 behind it"],
)
def test_what_is_no_base64_gets_a_page_too(untouched_site: Site, path: str) -> None:
    answer = Payer(untouched_site.url, "en").get(path)
    assert answer.status in {400, 404}
    assert answer.heading in {WRONG_LINK["en"], "There is no such page"}
    assert untouched_site.rows() == NOTHING


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_unknown_desk_gets_its_page(untouched_site: Site, language: Language) -> None:
    answer = Payer(untouched_site.url).get(link_of("", merchant="0" * 24, lang=language))
    assert (answer.status, answer.heading) == (404, NO_DESK[language])
    assert untouched_site.rows() == NOTHING


def test_a_desk_that_is_switched_off_gets_its_page(site: Site) -> None:
    site.gateway.desk = msgspec.structs.replace(DESK, active=False)
    assert Payer(site.url).get(link_of("", lang="en")).heading == NO_DESK["en"]


@pytest.mark.parametrize(
    ("amount_tiyin", "words"),
    [(99_999, "This shop takes payments from UZS 1,000."), (10**13, "up to UZS 100,000,000")],
)
def test_an_amount_outside_the_desks_bounds_names_the_bound(
    site: Site, amount_tiyin: int, words: str
) -> None:
    answer = Payer(site.url).get(link_of("", lang="en", amount_tiyin=amount_tiyin))
    assert answer.status == 400
    assert words in answer.text.replace("\u00a0", " ")
    assert "https://shop.example.uz/back/null?order=197" in answer.text


@pytest.mark.parametrize(
    ("error", "words", "again"),
    [
        (RpcError(-31622), "The shop does not answer", True),
        (RpcError(-31623), "The shop&#39;s system answered with an error", True),
        (RpcError(-31700), "Payments are being maintained", True),
        (RpcError(-31630), "The bank declined the payment", True),
        (RpcError(-32400), "The payment did not go through", True),
        (
            RpcError(-31610, Text("Уже оплачен", "Toʻlangan", "Already <b>paid</b>"), "order_id"),
            "did not accept",
            False,
        ),
    ],
)
def test_what_the_shop_answers_is_told(site: Site, error: RpcError, words: str, again: bool) -> None:
    site.gateway.check_error = error
    answer = Payer(site.url).get(link_of("", lang="en"))
    assert words in answer.text
    assert ("Try again" in answer.text) is again
    assert "Back to the shop" in answer.text
    assert str(error.code) in answer.text
    assert "<b>paid" not in answer.text
    assert ("Already &lt;b&gt;paid" in answer.text) is not again
    assert site.rows() == NOTHING


def test_a_form_is_kept_once_and_leads_to_its_page(site: Site) -> None:
    payer = Payer(site.url)
    first, second = payer.post("/", pairs_of(lang="uz")), payer.post("/", pairs_of(lang="uz"))
    assert (first.status, first.headers["location"]) == (303, second.headers["location"])
    page = payer.get(first.headers["location"])
    assert page.status == 200
    assert 'lang="uz"' in page.text
    assert site.rows() == (0, 1, 0)


def test_a_form_without_a_way_back_takes_the_page_that_sent_it(site: Site) -> None:
    payer = Payer(site.url)
    kept = payer.post("/", pairs_of(callback=None), Referer="https://shop.example.uz/cart")
    assert 'href="https://shop.example.uz/cart"' in payer.get(kept.headers["location"]).text


BROKEN_FORMS: dict[str, list[tuple[str, str]] | bytes] = {
    "empty": b"",
    "no merchant": [pair for pair in pairs_of() if pair[0] != "merchant"],
    "no amount": [pair for pair in pairs_of() if pair[0] != "amount"],
    "no account": [pair for pair in pairs_of() if not pair[0].startswith("account")],
    "an amount that overflows": [*[pair for pair in pairs_of() if pair[0] != "amount"], ("amount", "9" * 40)],
    "detail that is no base64": [*pairs_of(), ("detail", "{}")],
    "detail that is no object": [*pairs_of(), ("detail", base64.b64encode(b"[1]").decode())],
    "a script as the way back": [*pairs_of(callback=None), ("callback", "javascript:alert(1)")],
    "a field twice": [*pairs_of(), ("amount", "1")],
    "too large": b"merchant=" + b"a" * 300_000,
    "no UTF-8": b"merchant=%FF%FE&amount=500000&account[order_id]=1",
    "bytes": bytes(range(256)),
    "too many fields": [(f"f{i}", "1") for i in range(500)],
}


@pytest.mark.parametrize("fields", BROKEN_FORMS.values(), ids=BROKEN_FORMS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_a_broken_form_gets_its_page_and_creates_nothing(
    untouched_site: Site,
    caplog: pytest.LogCaptureFixture,
    fields: list[tuple[str, str]] | bytes,
    language: Language,
) -> None:
    caplog.set_level(logging.INFO, "tiyin.checkout")
    answer = Payer(untouched_site.url, language).post("/", fields)
    assert (answer.status, answer.heading) == (400, WRONG_LINK[language])
    assert untouched_site.rows() == NOTHING
    assert caplog.text.count("checkout_refused") == 1


@pytest.mark.parametrize(
    "path", ["/", "/about", "/favicon.ico", "/checkout/", "/a/b/c", "/static/0/none.css", "/%2e%2e"]
)
def test_an_unknown_address_gets_a_friendly_page(untouched_site: Site, path: str) -> None:
    answer = Payer(untouched_site.url, "ru").get(path)
    assert answer.status == 404
    assert "static" in path or answer.heading == "Такой страницы нет"


@pytest.mark.parametrize("receipt_id", ["0" * 24, "x", "%F0%9F%98%80", "a" * 3000])
def test_an_unknown_receipt_gets_its_page(untouched_site: Site, receipt_id: str) -> None:
    for path in (f"/checkout/{receipt_id}", f"/checkout/order/{receipt_id}"):
        answer = Payer(untouched_site.url, "en").get(path)
        assert (answer.status, answer.heading) == (404, "The receipt was not found")


def test_an_unknown_language_is_russian(site: Site) -> None:
    answer = Payer(site.url, "en").get(encoded(f"{DESK_PAIR};{ACCOUNT};a=500000;l=de"))
    assert '<html lang="ru">' in answer.text


def test_what_the_merchant_adds_is_shown(site: Site) -> None:
    site.gateway.payable = type(site.gateway.payable)(
        additional={"Баланс": "12 500", "nested": {"is": "left out"}, "<i>": "<script>"},
        detail={"items": [{"title": "Хлеб", "price": 400_000, "count": 1.5}, {"title": 5}, "nonsense"]},
    )
    answer = Payer(site.url).get(link_of("", lang="ru"))
    assert "Баланс" in answer.text
    assert "Хлеб" in answer.text
    assert "× 1,5" in answer.text
    assert "left out" not in answer.text
    assert "<script>" not in answer.text


def test_a_code_of_the_table_is_told_in_its_own_words_only() -> None:
    """The table's message is not taken for the merchant's, whichever table it stands in."""
    for code in SubscribeCode:
        assert Failure.of(RpcError(code)).said is None
        assert Failure.of(RpcError(int(code))).said is None
