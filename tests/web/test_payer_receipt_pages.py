"""A payer's receipt over HTTP: page, PDF, and the copy by e-mail with its bounds."""

import re
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest
import sqlalchemy as sa

from helpers_browser import serve
from helpers_checkout import FakeGateway, Site, opened_checkout
from helpers_pages import Answer, Payer
from helpers_payer_receipt import FISCAL_URL, MASK, fiscal_of, item, keep, pdf_text, receipt_of
from tiyin.gateway.cards.limits import Limit
from tiyin.gateway.notifications.invoices import InvoiceLimits
from tiyin.gateway.notifications.records import MESSAGES
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED, HELD, PAID
from tiyin.protocol.subscribe_api import ReceiptState

ADDRESS = "payer@example.uz"
JSON = {"Accept": "application/json"}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    held: list[FakeGateway] = []
    with serve(lambda url: opened_checkout(tmp_path_factory.mktemp("site"), url, held)) as served:
        yield Site(served, held[0])


@pytest.fixture
def site(shared: Site) -> Site:
    """The site with a fresh postman, and with limits that nothing has been counted against."""
    shared.gateway.postman.letters.clear()
    shared.gateway.mail_to(shared.gateway.postman)
    shared.gateway.clock.advance(2 * 24 * 3_600_000)
    return shared


def kept(site: Site, state: int = PAID, *, fiscal: bool = False, **changes: object) -> Receipt:
    """Store a receipt of its own."""
    gateway = site.gateway
    receipt = receipt_of(state, gateway.ids.new(gateway.clock.now_ms()), **changes)
    site.run(keep(gateway, receipt, *([fiscal_of(receipt)] if fiscal else [])))
    return receipt


def mailed(payer: Payer, receipt: Receipt, form: Answer, address: str = ADDRESS, **headers: str) -> Answer:
    """Send the form for a copy that a page holds."""
    fields = {"nonce": form.hidden("nonce"), "proof": form.hidden("proof"), "email": address}
    return payer.post(f"/checkout/{receipt.id}/mail?lang=en", fields, **headers)


def messages(site: Site, receipt: Receipt) -> int:
    columns = MESSAGES.schema.c
    asked = sa.select(columns.id).where(columns.receipt_id == receipt.id)
    return len(site.run(site.gateway.store.query(asked)))


@pytest.mark.parametrize("state", list(ReceiptState))
def test_what_has_no_receipt_leads_to_where_the_payment_stands(site: Site, state: ReceiptState) -> None:
    receipt, payer = kept(site, state, pay_time_ms=0), Payer(site.url)
    shown = state in {PAID, HELD}
    for path in ("receipt", "receipt.pdf"):
        answer = payer.get(f"/checkout/{receipt.id}/{path}?lang=uz")
        assert answer.status == (200 if shown else 303)
        if not shown:
            assert answer.headers["location"] == f"/checkout/{receipt.id}?lang=uz"
    if not shown:
        answer = payer.post(f"/checkout/{receipt.id}/mail?lang=uz", {"email": ADDRESS})
        assert (answer.status, answer.headers["location"]) == (303, f"/checkout/{receipt.id}?lang=uz")


@pytest.mark.parametrize("receipt_id", ["0" * 24, "x", "..", "'; drop table receipts; --"])
def test_a_receipt_that_is_not_there(site: Site, receipt_id: str) -> None:
    payer, path = Payer(site.url, "en"), receipt_id.replace(" ", "%20")
    for answer in (
        payer.get(f"/checkout/{path}/receipt"),
        payer.get(f"/checkout/{path}/receipt.pdf"),
        payer.post(f"/checkout/{path}/mail", {"email": ADDRESS}),
    ):
        assert answer.status == 404
        assert "<h1" in answer.text


def test_the_page_says_what_a_payer_needs_and_no_more(site: Site) -> None:
    receipt = kept(site, fiscal=True, detail={"items": [item()]}, payer='{"phone":"998907654321"}')
    answer = Payer(site.url).get(f"/checkout/{receipt.id}/receipt?lang=ru")
    assert answer.status == 200
    for text in ("Чек № 80", "Бозор: лавка специй", "ООО «Bozor Savdo»", MASK, "10.06.2024, 11:13", "197"):
        assert text in answer.text
    for text in ("Шафран", "НДС 12%", "428,57", "EP000000000356", "168355950146", "<svg"):
        assert text in answer.text
    assert f'href="{FISCAL_URL.replace("&", "&amp;")}"' in answer.text
    for secret in ("1234567", "7654321", "8600069195406311"):
        assert secret not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert '<meta name="robots" content="noindex">' in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert " style=" not in answer.text


def test_scripts_in_a_receipt_are_text(site: Site) -> None:
    evil = '"><script>alert(1)</script>'
    account = '{"order_id":"\\"><script>alert(1)</script>"}'
    receipt = kept(site, account=account, detail={"items": [item(evil)]})
    answer = Payer(site.url).get(f"/checkout/{receipt.id}/receipt?lang=ru")
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;alert" in answer.text


@pytest.mark.parametrize(("language", "words"), [("ru", "Оплачено"), ("uz", "Toʻlandi"), ("en", "Paid")])
def test_the_pdf_is_shown_in_the_browser_in_every_language(site: Site, language: str, words: str) -> None:
    receipt = kept(site, fiscal=True)
    answer = Payer(site.url).get(f"/checkout/{receipt.id}/receipt.pdf?lang={language}")
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/pdf"
    assert answer.headers["content-disposition"] == 'inline; filename="receipt-80.pdf"'
    assert (answer.headers["cache-control"], answer.headers["x-robots-tag"]) == ("no-store", "noindex")
    assert words in pdf_text(answer.body)


@pytest.mark.parametrize(("state", "offered"), [(PAID, True), (HELD, True), (CANCELLED, True), (20, False)])
def test_the_result_offers_the_receipt(site: Site, state: int, offered: bool) -> None:
    receipt = kept(site, state)
    answer = Payer(site.url).get(f"/checkout/{receipt.id}?lang=en")
    assert (f"/checkout/{receipt.id}/receipt?lang=en" in answer.text) == offered
    assert (f"/checkout/{receipt.id}/receipt.pdf?lang=en" in answer.text) == offered
    assert (f"/checkout/{receipt.id}/mail?lang=en" in answer.text) == offered


@pytest.mark.parametrize("state", [0, 2, PAID, HELD, 20, CANCELLED])
def test_a_phone_is_whole_only_while_there_is_something_to_pay(site: Site, state: int) -> None:
    receipt = kept(site, state, pay_time_ms=0) if state in {0, 2} else kept(site, state)
    answer = Payer(site.url).get(f"/checkout/{receipt.id}?lang=en")
    assert answer.status == 200
    assert ("998901234567" in answer.text) == (state == 0)
    assert ("99890*****67" in answer.text) == (state != 0)


@pytest.mark.parametrize("path", ["", "/receipt"])
def test_a_copy_arrives_with_the_pdf(site: Site, path: str) -> None:
    receipt, payer = kept(site), Payer(site.url)
    answer = mailed(payer, receipt, payer.get(f"/checkout/{receipt.id}{path}?lang=en"))
    assert (answer.status, answer.headers["location"]) == (
        303,
        f"/checkout/{receipt.id}/receipt?lang=en&mail=sent",
    )
    page = payer.get(answer.headers["location"])
    assert "The receipt is on its way" in page.text
    assert ADDRESS not in page.text

    (letter,) = site.run(site.gateway.deliver())
    assert letter.receiver == ADDRESS
    assert letter.subject == "Receipt: Бозор: лавка специй, UZS 5,000"
    assert f"https://pay.example.uz/checkout/{receipt.id}/receipt?lang=en" in letter.text
    assert "99890*****67" in letter.text
    assert "1234567" not in letter.text + letter.html
    assert letter.attachment is not None
    assert letter.attachment.name == "receipt-80.pdf"
    assert "Paid" in pdf_text(letter.attachment.content)


def test_a_form_pressed_twice_is_one_letter_and_another_address_another(site: Site) -> None:
    receipt, payer = kept(site), Payer(site.url)
    form = payer.get(f"/checkout/{receipt.id}/receipt?lang=en")
    for _ in range(12):
        assert mailed(payer, receipt, form, **JSON).status == 200
    assert messages(site, receipt) == 1
    assert mailed(payer, receipt, form, "other@example.uz", **JSON).status == 200
    assert messages(site, receipt) == 2
    assert len(site.run(site.gateway.deliver())) == 2


def test_a_wrong_address_is_told_under_its_field(site: Site) -> None:
    receipt, payer = kept(site), Payer(site.url)
    form = payer.get(f"/checkout/{receipt.id}?lang=en")
    answer = mailed(payer, receipt, form, '"><b>nobody')
    assert answer.status == 422
    assert re.search(r'id="email-error" role="alert">An e-mail address looks like', answer.text)
    assert 'value="&#34;&gt;&lt;b&gt;nobody"' in answer.text
    answer = mailed(payer, receipt, form, "", **JSON)
    assert (answer.status, answer.text) == (422, '{"errors":{"email":"Enter an e-mail address."}}')
    assert messages(site, receipt) == 0


def test_only_this_browsers_own_form_sends(site: Site) -> None:
    receipt, payer, stranger = kept(site), Payer(site.url), Payer(site.url)
    form = payer.get(f"/checkout/{receipt.id}/receipt?lang=en")
    again = f"/checkout/{receipt.id}/receipt?lang=en&mail=again"
    stranger.get(f"/checkout/{receipt.id}/receipt?lang=en")
    for who in (stranger, Payer(site.url)):
        answer = mailed(who, receipt, form)
        assert (answer.status, answer.headers["location"]) == (303, again)
    for body in ({"email": ADDRESS}, {"email": ADDRESS, "nonce": "", "proof": ""}, b"\xff" * 300_000):
        answer = payer.post(f"/checkout/{receipt.id}/mail?lang=en", body)
        assert (answer.status, answer.headers["location"]) == (303, again)
    assert messages(site, receipt) == 0
    assert "Nothing was sent" in payer.get(again).text


def test_sending_is_bounded_by_receipt_address_and_browser(site: Site) -> None:
    few = Limit(2, 3_600_000)
    limits = InvoiceLimits(copies_to_address=few, copies_by_browser=few, copies_of_receipt=few)
    site.gateway.mail_to(site.gateway.postman, limits)

    def send(receipt: Receipt, address: str, payer: Payer) -> Answer:
        return mailed(payer, receipt, payer.get(f"/checkout/{receipt.id}/receipt?lang=en"), address, **JSON)

    # One address, whatever receipt and browser.
    assert [send(kept(site), ADDRESS.upper(), Payer(site.url)).status for _ in range(2)] == [200, 200]
    refused = send(kept(site), ADDRESS, Payer(site.url))
    assert (refused.status, "to this address" in refused.text) == (422, True)
    # One browser, whatever receipt and address.
    payer = Payer(site.url)
    assert [send(kept(site), f"b{number}@example.uz", payer).status for number in range(2)] == [200, 200]
    refused = send(kept(site), "b@example.uz", payer)
    assert (refused.status, "from this device" in refused.text) == (422, True)
    # One receipt, whatever browser and address.
    first = kept(site)
    told = [send(first, f"r{number}@example.uz", Payer(site.url)).status for number in range(2)]
    assert told == [200, 200]
    refused = send(first, "r@example.uz", Payer(site.url))
    assert (refused.status, "This receipt was sent many times" in refused.text) == (422, True)
    # Without script the same stands on the page.
    page = mailed(payer, first, payer.get(f"/checkout/{first.id}/receipt?lang=en"))
    assert (page.status, 'role="alert">Many receipts' in page.text) == (422, True)

    site.gateway.clock.advance(3_600_000)
    assert send(first, ADDRESS, payer).status == 200


def test_where_nobody_brings_mail_it_is_not_offered(site: Site) -> None:
    receipt, payer = kept(site), Payer(site.url)
    form = payer.get(f"/checkout/{receipt.id}/receipt?lang=en")
    site.gateway.mail_to(None)
    for path in ("", "/receipt"):
        page = payer.get(f"/checkout/{receipt.id}{path}?lang=en")
        assert page.status == 200
        assert "email" not in page.text
    answer = mailed(payer, receipt, form)
    assert (answer.status, answer.headers["location"]) == (303, f"/checkout/{receipt.id}/receipt?lang=en")
    assert messages(site, receipt) == 0


def test_the_address_is_in_no_address(site: Site) -> None:
    receipt, payer = kept(site), Payer(site.url)
    query = urlencode({"lang": "en", "email": ADDRESS})
    assert payer.get(f"/checkout/{receipt.id}/mail?{query}").status >= 400
    assert messages(site, receipt) == 0
