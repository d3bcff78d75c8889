"""The page of snippets: what it asks, what it writes, and what it says of wrong fields."""

import html
import re
from collections.abc import Mapping
from urllib.parse import urlencode

import pytest

from helpers_checkout import DESK, Site
from helpers_pages import Answer, Payer
from tiyin.merchant.checkout import Checkout as Kit
from tiyin.protocol.checkout_link import read_link
from tiyin.protocol.values import Language

ACCOUNT = {"order_id": "197", "phone": "998901234567"}
FULL = {"merchant": DESK.id, "ac.order_id": "197", "ac.phone": "998901234567", "sum": "5000"}


def asked(site: Site, fields: Mapping[str, str], language: Language = "en") -> Answer:
    return Payer(site.url).get(f"/integration?{urlencode({'lang': language, **fields})}")


def snippet_in(page: Answer) -> str:
    found = re.search(r'<pre class="code"[^>]*><code>(.*?)</code></pre>', page.text, re.DOTALL)
    assert found is not None
    return html.unescape(found[1])


def error_of(page: Answer, field: str) -> str:
    found = re.search(rf'id="{re.escape(field)}-error" role="alert">([^<]*)<', page.text)
    assert found is not None
    return html.unescape(found[1])


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("ru", "Кнопка, QR-код или ссылка для вашего сайта"),
        ("uz", "Saytingiz uchun tugma, QR-kod yoki havola"),
        ("en", "Button, QR code or link for your page"),
    ],
)
def test_it_begins_with_the_cash_desk(untouched_site: Site, language: Language, heading: str) -> None:
    page = asked(untouched_site, {}, language)
    assert (page.status, page.heading) == (200, heading)
    assert 'name="merchant"' in page.text
    assert 'name="sum"' not in page.text
    # Only the pictures that the script draws are let in beside what every page may have.
    policy = page.headers["content-security-policy"]
    assert "img-src 'self' data:;" in policy
    assert "script-src 'self';" in policy


def test_a_known_desk_brings_its_own_fields(untouched_site: Site) -> None:
    page = asked(untouched_site, {"merchant": str(DESK.alias)})
    assert DESK.name in page.text
    assert re.findall(r'name="(ac\.\w+)"', page.text) == ["ac.order_id", "ac.phone"]
    assert "Order number" in page.text
    assert "Nomer" not in page.text
    # Nothing is called wrong before it was asked for.
    assert 'aria-invalid="true"' not in page.text


@pytest.mark.parametrize(
    ("merchant", "error"),
    [
        ("nobody", "There is no such cash desk here. Check its id or alias."),
        ("0" * 24, "There is no such cash desk here. Check its id or alias."),
        ("a b;c", "Enter the cash desk's id, 24 characters, or its alias."),
        ("\x00", "Enter the cash desk's id, 24 characters, or its alias."),
        ("<script>alert(1)</script>", "Enter the cash desk's id, 24 characters, or its alias."),
    ],
)
def test_a_desk_that_is_none(untouched_site: Site, merchant: str, error: str) -> None:
    page = asked(untouched_site, {"merchant": merchant, "sum": "1"})
    assert page.status == 200
    assert error_of(page, "merchant") == error
    assert "<script>alert" not in page.text
    assert 'class="code"' not in page.text


@pytest.mark.parametrize(
    ("changes", "field", "error"),
    [
        ({"ac.order_id": " "}, "ac.order_id", "Enter what is being paid for."),
        ({"ac.order_id": "1" * 257}, "ac.order_id", "Enter at most 256 characters."),
        ({"ac.phone": "1;2", "kind": "link"}, "ac.phone", "A link cannot carry the sign ; here."),
        ({"sum": ""}, "sum", "Enter the amount in sums, such as 5000."),
        ({"sum": "-5000"}, "sum", "Enter the amount in sums, such as 5000."),
        ({"sum": "0"}, "sum", "This cash desk takes from UZS 1,000 to UZS 100,000,000."),
        ({"sum": "1e6"}, "sum", "Enter the amount in sums, such as 5000."),
        ({"sum": "999.99"}, "sum", "This cash desk takes from UZS 1,000 to UZS 100,000,000."),
        ({"callback": "javascript:alert(1)"}, "callback", "Enter an address that begins with https://."),
        ({"timeout": "3600001"}, "timeout", "Enter milliseconds, from 0 to 3600000."),
        ({"width": '1" onload="x'}, "width", "Enter a width such as 250px."),
        ({"ac.order_id": "ж" * 256, "ac.phone": "ж" * 256, "callback": "https://s.uz/" + "ж" * 2000,
          "kind": "qr"}, "ac.order_id", "This is too long for a link. Choose a form."),
    ],
)  # fmt: skip
def test_a_wrong_field_says_what_to_do(
    untouched_site: Site, changes: dict[str, str], field: str, error: str
) -> None:
    page = asked(untouched_site, {**FULL, **changes})
    assert error_of(page, field) == error
    assert page.text.count('aria-invalid="true"') == 1
    assert f'<a href="#{field}">' in page.text
    assert 'class="code"' not in page.text


def test_the_link_is_the_kits(untouched_site: Site) -> None:
    kit = Kit(DESK.id, base_url=untouched_site.url, language="uz", callback="https://shop.uz/:transaction")
    link = kit.link(500_000, ACCOUNT, callback_timeout_ms=3_000)
    for kind in ("link", "form", "button", "qr"):
        wishes = {
            "kind": kind,
            "pay_lang": "uz",
            "callback": "https://shop.uz/:transaction",
            "timeout": "3000",
        }
        page = asked(untouched_site, {**FULL, **wishes})
        assert f'href="{link}"' in page.text
        if kind == "link":
            assert link in snippet_in(page)
    assert read_link(link.rsplit("/", 1)[1]).callback_timeout_ms == 3_000


def test_the_form_is_the_kits(untouched_site: Site) -> None:
    page = asked(untouched_site, {**FULL, "kind": "form", "pay_lang": "ru"})
    assert snippet_in(page) == str(Kit(DESK.id, base_url=untouched_site.url).form(500_000, ACCOUNT))


@pytest.mark.parametrize("kind", ["button", "qr"])
def test_the_scripts_html(untouched_site: Site, kind: str) -> None:
    wishes = {"kind": kind, "style": "white", "format": "png", "width": "250px", "pay_lang": "en"}
    snippet = snippet_in(asked(untouched_site, {**FULL, "ac.order_id": '"><b>&', **wishes}))
    assert f'<form id="form-payme" method="POST" action="{untouched_site.url}/">' in snippet
    assert f'<script src="{untouched_site.url}/integration/js/checkout.min.js"></script>' in snippet
    assert '<input type="hidden" name="account[order_id]" value="&quot;&gt;&lt;b&gt;&amp;">' in snippet
    if kind == "qr":
        assert '<input type="hidden" name="qr" data-width="250px">' in snippet
        assert "Paycom.QR('#form-payme', '#qr-container');" in snippet
    else:
        assert 'name="button" data-type="png" data-width="250px" value="white"' in snippet
        assert "Paycom.Button('#form-payme', '#button-container');" in snippet


def test_everything_stands_in_the_address(untouched_site: Site) -> None:
    wishes = {**FULL, "kind": "qr", "pay_lang": "uz", "style": "white", "format": "png", "width": "200"}
    page = asked(untouched_site, wishes)
    assert re.findall(r'value="(\w+)" checked', page.text) == ["qr", "white", "png"]
    assert re.search(r'value="uz" selected', page.text)
    # The language of the page and of the payment page are two things.
    assert page.hidden("lang") == "en"
    assert "kind=qr" in html.unescape(page.text.split('class="languages"')[1].split("</ul>")[0])


def test_unknown_wishes_are_the_usual_ones(untouched_site: Site) -> None:
    page = asked(untouched_site, {**FULL, "kind": "<b>", "style": "x", "format": "y", "pay_lang": "zz"})
    assert 'name="button" data-type="svg" value="colored"' in snippet_in(page)


@pytest.mark.parametrize(("text", "amount_tiyin"), [("5\u00a0000,5", 500_050), ("5,000", 500_000)])
def test_sums_are_read_as_a_payers_are(untouched_site: Site, text: str, amount_tiyin: int) -> None:
    snippet = snippet_in(asked(untouched_site, {**FULL, "sum": text}))
    assert f'name="amount" value="{amount_tiyin}"' in snippet
