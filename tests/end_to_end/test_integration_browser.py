"""Merchants' pages bring in the script, in a real browser: it draws, and leads where the kit's link leads."""

import itertools
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
import segno
from playwright.sync_api import Browser, Page, expect
from segno import encoder

from helpers_browser import as_opened, browser, serve, watched  # noqa: F401 - `browser` is a fixture
from helpers_checkout import FakeGateway, opened_checkout
from helpers_integration import FIELDS, SCRIPT, merchant_form, merchants_site, read_qr
from tiyin.merchant.checkout import Checkout as Kit
from tiyin.protocol.checkout_link import CheckoutRequest, read_link
from tiyin.protocol.values import Language
from tiyin.web.integration import checkout_script

pytestmark = pytest.mark.browser

DESK = FIELDS["merchant"]
ACCOUNT = {"order_id": "197", "phone": "998901234567"}
ONLOAD = "Paycom.Button('#form-payme', '#button-container')"
QR_ONLOAD = "Paycom.QR('#form-payme', '#qr-container')"
BUTTON = "#button-container input[type=image]"


class Shop(NamedTuple):
    """A merchant's site on an origin of its own, and the checkout's address."""

    url: str
    checkout: str
    pages: dict[str, str]
    policies: dict[str, str]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    held: list[FakeGateway] = []
    pages: dict[str, str] = {}
    policies: dict[str, str] = {}
    folder = tmp_path_factory.mktemp("checkout")
    with (
        serve(lambda url: opened_checkout(folder, url, held)) as checkout,
        serve(lambda _: as_opened(merchants_site(pages, policies))) as merchant,
    ):
        yield Shop(merchant.url, checkout.url, pages, policies)


class Opened(NamedTuple):
    """A merchant's page that is open, and what its console said."""

    page: Page
    said: list[str]


@contextmanager
def opened(
    browser: Browser,  # noqa: F811
    shop: Shop,
    body: str,
    *,
    onload: str = ONLOAD,
    policy: str | None = None,
    scripts: int = 1,
) -> Iterator[Opened]:
    tag = f'<script src="{shop.checkout}{SCRIPT}"></script>'
    shop.pages["/cart"] = f"<body>{body}{tag * scripts}<script>{onload}</script></body>"
    shop.policies.clear()
    if policy is not None:
        shop.policies["/cart"] = policy
    with watched(browser, shop.url, strict=False) as visitor:
        visitor.page.goto(f"{shop.url}/cart")
        yield Opened(visitor.page, visitor.complaints)
        allowed = (shop.checkout, shop.url, "data:")
        assert [url for url in visitor.asked if not url.startswith(allowed)] == []


def shown(page: Page, selector: str = BUTTON) -> tuple[int, int, int]:
    """Wait for the picture and return its natural and its drawn size: width, width, height."""
    page.wait_for_function("s => document.querySelector(s)?.offsetHeight > 20", arg=selector)
    natural = page.locator(selector).evaluate(
        "async input => { const image = new Image(); image.src = input.src; await image.decode();"
        " return image.naturalWidth; }"
    )
    box = page.locator(selector).bounding_box()
    assert box is not None
    return natural, round(box["width"]), round(box["height"])


def rows_of(page: Page) -> list[list[int]]:
    """Read the drawn code back from the pixels that a camera would see."""
    picture = page.locator("#qr-container svg")
    expect(picture).to_be_visible()
    rows: list[list[int]] = picture.evaluate(
        """async svg => {
          const side = Number(svg.getAttribute("viewBox").split(" ")[2]);
          const copy = svg.cloneNode(true);
          copy.setAttribute("width", side * 4);
          copy.setAttribute("height", side * 4);
          copy.style.cssText = "";
          const image = new Image();
          image.src = "data:image/svg+xml," + encodeURIComponent(new XMLSerializer().serializeToString(copy));
          await image.decode();
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = side * 4;
          const pen = canvas.getContext("2d");
          pen.drawImage(image, 0, 0);
          const pixels = pen.getImageData(0, 0, side * 4, side * 4).data;
          const rows = [];
          for (let y = 0; y < side; y++) {
            rows.push([]);
            for (let x = 0; x < side; x++) {
              const at = (y * 4 + 2) * side * 4 + x * 4 + 2;
              rows[y].push(pixels[at * 4] < 128 ? 1 : 0);
            }
          }
          return rows;
        }"""
    )
    quiet = [*rows[:4], *rows[-4:], *(row[:4] + row[-4:] for row in rows)]
    assert not any(map(any, quiet)), "the code needs four light modules on every side"
    return [row[4:-4] for row in rows[4:-4]]


def asked_by(url: str) -> CheckoutRequest:
    return read_link(urlsplit(url).path[1:])


@pytest.mark.parametrize(
    ("form", "container"),
    [
        ("'#form-payme'", "'#button-container'"),
        ("document.getElementById('form-payme')", "document.getElementById('button-container')"),
        ("jquery('#form-payme')", "jquery('#button-container')"),
    ],
)
def test_a_button_leads_where_the_kits_link_leads(
    browser: Browser,  # noqa: F811
    shop: Shop,
    form: str,
    container: str,
) -> None:
    kit = Kit(DESK, base_url=shop.checkout, language="uz", callback="https://shop.uz/a;b?x=:transaction")
    link = kit.link(500_000, ACCOUNT, callback_timeout_ms=3_000)
    fields = {
        **FIELDS,
        "lang": "uz",
        "callback": "https://shop.uz/a;b?x=:transaction",
        "callback_timeout": "3000",
    }
    jquery = "function jquery(s) { return {0: document.querySelector(s), length: 1}; }"
    with opened(
        browser,
        shop,
        merchant_form(shop.checkout, fields),
        onload=f"{jquery} Paycom.Button({form}, {container})",
    ) as (page, said):
        button = page.get_by_role("button", name="Payme orqali toʻlash")
        expect(button).to_be_visible()
        expect(page.locator("#button-container")).to_have_text("")
        button.focus()
        page.keyboard.press("Enter")
        page.wait_for_url(f"{shop.checkout}/**")
        assert page.url == link
        assert asked_by(page.url) == asked_by(link)
        expect(page.locator("h1, .order-amount").first).to_be_visible()
        assert said == []


def test_what_no_link_carries_is_sent_as_the_form_it_is(browser: Browser, shop: Shop) -> None:  # noqa: F811
    for name, value in (("description", "Специи; 2 кг"), ("account[phone]", "90;91")):
        fields = {**FIELDS, name: value}
        with opened(browser, shop, merchant_form(shop.checkout, fields)) as (page, said):
            page.locator(BUTTON).click()
            page.wait_for_url(f"{shop.checkout}/checkout/order/**")
            expect(page.get_by_text(value)).to_be_visible()
            assert said == []


@pytest.mark.parametrize("lang", ["ru", "uz", "en"])
def test_every_style_and_format_is_drawn(browser: Browser, shop: Shop, lang: Language) -> None:  # noqa: F811
    kinds = list(itertools.product(("colored", "white"), ("svg", "png"), ("", "200")))
    forms = "".join(
        merchant_form(
            shop.checkout,
            {**FIELDS, "lang": lang},
            f'<input type="hidden" name="button" data-type="{form}" data-width="{width}" value="{style}">',
        )
        .replace("form-payme", f"form-{i}")
        .replace("button-container", f"button-{i}")
        for i, (style, form, width) in enumerate(kinds)
    )
    calls = "".join(f"Paycom.Button('#form-{i}', '#button-{i}');" for i in range(len(kinds)))
    with opened(browser, shop, forms, onload=calls) as (page, said):
        pictures = set()
        for i, (_, form, width) in enumerate(kinds):
            natural, wide, high = shown(page, f"#button-{i} input")
            source = page.locator(f"#button-{i} input").get_attribute("src") or ""
            assert source.startswith("data:image/png" if form == "png" else "data:image/svg+xml")
            assert natural >= 180
            assert (wide == 200) if width else (wide >= 180 and high == 48)
            pictures.add(source)
        assert len(pictures) == 4
        assert said == []


def test_a_code_says_the_kits_link(browser: Browser, shop: Shop) -> None:  # noqa: F811
    kit = Kit(DESK, base_url=shop.checkout, language="en")
    for order in ("1", "Заказ № 197 для Oʻktam", "ж" * 200):
        account = {**ACCOUNT, "order_id": order}
        fields = {**FIELDS, "account[order_id]": order, "lang": "en"}
        extra = '<input type="hidden" name="qr" data-width="180">'
        with opened(browser, shop, merchant_form(shop.checkout, fields, extra), onload=QR_ONLOAD) as (
            page,
            said,
        ):
            assert read_qr(rows_of(page)) == kit.link(500_000, account)
            expect(page.get_by_role("img", name="QR code to pay UZS 5,000 with Payme")).to_be_visible()
            box = page.locator("#qr-container svg").bounding_box()
            assert box is not None
            assert (round(box["width"]), round(box["height"])) == (180, 180)
            expect(page.locator("#qr-container")).not_to_contain_text("was here")
            assert said == []


def test_codes_are_the_standards(browser: Browser, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    # The library adds an empty byte where the data ends at a byte's end already; the standard does not.
    monkeypatch.setattr(
        encoder, "write_padding_bits", lambda buff, _, length: buff.extend([0] * (-length % 8))
    )
    source = (Path(checkout_script.__file__).parent / "script" / "qr.js").read_text(encoding="utf-8")
    sizes = [1, 14, 15, 26, 27, 62, 106, 122, 180, 213, 251, 370, 666, 1000, 2331, 2953]
    with watched(browser, "about:") as visitor:
        drawn = visitor.page.evaluate(
            f"sizes => {{ {source}; return sizes.map(size => {{ const bytes = [];"
            " for (let i = 0; i < size; i++) bytes.push(33 + (i * i * 7 + size + i) % 90);"
            " return [bytes, qrOf(bytes)]; }); }",
            sizes,
        )
        for data, code in drawn:
            expected = segno.make_qr(
                bytes(data), mode="byte", error=code["level"], mask=code["mask"], boost_error=False
            )
            assert code["rows"] == [list(row) for row in expected.matrix], len(data)
            assert code["version"] == expected.version
            assert read_qr(code["rows"]) == bytes(data).decode()
        assert [code["level"] for _, code in drawn] == ["M"] * 15 + ["L"]
        too_much = f"() => {{ {source}; return qrOf(new Array(2954).fill(65)); }}"
        assert visitor.page.evaluate(too_much) is None


WRONG = [
    ({"merchant": "a b"}, "Неверный идентификатор поставщика"),
    ({"merchant": ""}, "Неверный идентификатор поставщика"),
    ({"amount": "0"}, "Неверная сумма"),
    ({"amount": "50,5"}, "Неверная сумма"),
    ({"amount": "10000000000001"}, "Неверная сумма"),
    ({"account[]": "1"}, "Неверный аккаунт"),
    ({"account[order_id]": "1" * 257}, "Неверный аккаунт"),
    ({"callback": "javascript:alert(1)"}, "Неверный адрес возврата"),
    ({"callback": "https://shop.uz\\@other.uz/"}, "Неверный адрес возврата"),
    ({"callback_timeout": "-1"}, "Неверное время ожидания"),
]
WRONG_ACTIONS = ["", "javascript:alert(1)", "https://user@shop.uz/", "https://shop.uz/?a=1"]


def numbered(forms: list[str]) -> tuple[str, str]:
    """Return forms of one page, each with its own ids, and the calls that draw button and code for each."""
    body = "".join(
        re.sub(r'id="(form|button|qr)-[a-z]+"', rf'id="\1-{i}"', form) for i, form in enumerate(forms)
    )
    calls = "".join(
        f"Paycom.Button('#form-{i}', '#button-{i}'); Paycom.QR('#form-{i}', '#qr-{i}');"
        for i in range(len(forms))
    )
    return body, calls


def test_a_wrong_field_is_told_to_the_console(browser: Browser, shop: Shop) -> None:  # noqa: F811
    forms = [merchant_form(shop.checkout, {**FIELDS, **change}) for change, _ in WRONG]
    forms += [merchant_form(action, FIELDS) for action in WRONG_ACTIONS]
    body, calls = numbered(forms)
    with opened(browser, shop, body, onload=calls) as (page, said):
        messages = [message for _, message in WRONG] + ["Неверный URL формы"] * len(WRONG_ACTIONS)
        assert said == [message for message in messages for _ in ("button", "code")]
        for i in range(len(forms)):
            expect(page.locator(f"#button-{i}")).to_be_empty()
            expect(page.locator(f"#qr-{i}")).to_be_empty()


def test_a_missing_form_or_container_is_told_to_the_console(browser: Browser, shop: Shop) -> None:  # noqa: F811
    form = merchant_form(shop.checkout, FIELDS)
    calls = (
        "Paycom.Button('#none', '#button-container');"
        "Paycom.Button('div', '#button-container');"
        "Paycom.Button('#form-payme', '#none');"
        "Paycom.QR('[[', '#qr-container');"
        "Paycom.QR('#form-payme', null);"
    )
    with opened(browser, shop, form, onload=calls) as (_, said):
        assert said == [
            "Форма не найдена",
            "Форма не найдена",
            "Контейнер кнопки не найден",
            "Форма не найдена",
            "Контейнер QR-кода не найден",
        ]


def test_an_amount_that_a_payer_types(browser: Browser, shop: Shop) -> None:  # noqa: F811
    fields = {name: value for name, value in FIELDS.items() if name != "amount"}
    body = merchant_form(shop.checkout, fields, '<input name="amount" id="typed">')
    with opened(browser, shop, body, onload=f"{ONLOAD}; {QR_ONLOAD}") as (page, said):
        expect(page.locator("#qr-container svg")).to_have_count(0)
        page.locator("#typed").fill("700000")
        page.locator("#typed").blur()
        assert asked_by(read_qr(rows_of(page))).amount_tiyin == 700_000
        page.locator(BUTTON).click()
        page.wait_for_url(f"{shop.checkout}/**")
        assert asked_by(page.url).amount_tiyin == 700_000
        assert said == []


def test_included_twice_and_drawn_again(browser: Browser, shop: Shop) -> None:  # noqa: F811
    body = merchant_form(shop.checkout, FIELDS)
    before = (
        "window.sent = 0; document.querySelector('form').addEventListener('submit', () => { window.sent++ });"
    )
    with opened(browser, shop, body, onload=f"{before} {ONLOAD}; {ONLOAD}", scripts=2) as (page, said):
        expect(page.locator(BUTTON)).to_have_count(1)
        page.locator(BUTTON).click()
        page.wait_for_url(f"{shop.checkout}/**")
        assert asked_by(page.url).account == ACCOUNT
        assert said == []


def test_nothing_but_paycom_is_added(browser: Browser, shop: Shop) -> None:  # noqa: F811
    before = "<script>window.before = Object.keys(window).concat('before');</script>"
    with opened(browser, shop, before + merchant_form(shop.checkout, FIELDS)) as (page, _):
        added: Any = page.evaluate("Object.keys(window).filter(name => !window.before.includes(name))")
        assert added == ["Paycom"]


def test_a_strict_policy_leaves_a_plain_button(browser: Browser, shop: Shop) -> None:  # noqa: F811
    strict = f"default-src 'none'; script-src {shop.checkout} 'nonce-abc'"
    body = merchant_form(shop.checkout, FIELDS)
    for policy, kind in ((f"{strict}; img-src data:", "image"), (strict, "submit")):
        shop.pages["/strict"] = (
            f'<body>{body}<script src="{shop.checkout}{SCRIPT}"></script>'
            f'<script nonce="abc">{ONLOAD}; {QR_ONLOAD}</script></body>'
        )
        shop.policies["/strict"] = policy
        with watched(browser, shop.url, strict=False) as visitor:
            visitor.page.goto(f"{shop.url}/strict")
            button = visitor.page.locator(f"#button-container input[type={kind}]")
            expect(button).to_be_visible()
            expect(visitor.page.locator("#qr-container svg")).to_be_visible()
            button.click()
            visitor.page.wait_for_url(f"{shop.checkout}/**")
            assert asked_by(visitor.page.url).amount_tiyin == 500_000


def test_the_kits_own_html_works_with_it(browser: Browser, shop: Shop) -> None:  # noqa: F811
    kit = Kit(DESK, base_url=shop.checkout)
    shop.pages["/kit"] = str(kit.button(500_000, ACCOUNT, style="white", picture="png", width="200px"))
    with watched(browser, shop.url) as visitor:
        visitor.page.goto(f"{shop.url}/kit")
        assert shown(visitor.page, "input[type=image]")[1] == 200
        visitor.page.locator("input[type=image]").click()
        visitor.page.wait_for_url(f"{shop.checkout}/**")
        assert visitor.page.url == kit.link(500_000, ACCOUNT)


@pytest.mark.parametrize("kind", ["button", "qr"])
def test_the_page_of_snippets_previews_what_it_writes(browser: Browser, shop: Shop, kind: str) -> None:  # noqa: F811
    with watched(browser, shop.checkout, viewport={"width": 360, "height": 740}) as visitor:
        page = visitor.page
        page.goto(f"{shop.checkout}/integration?lang=en")
        page.get_by_label("Cash desk: id or alias").fill("bozor")
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Order number").fill("197")
        page.get_by_label("Phone", exact=True).fill("998901234567")
        page.get_by_label("Amount, sums").fill("5 000")
        page.locator(f"input[name=kind][value={kind}]").check()
        page.get_by_role("button", name="Show the code").click()
        link = Kit("bozor", base_url=shop.checkout, language="en").link(500_000, ACCOUNT)
        expect(page.get_by_role("link", name=link)).to_have_attribute("href", link)
        if kind == "qr":
            assert read_qr(rows_of(page)) == link
        else:
            assert shown(page)[0] > 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        snippet = page.locator(".code").inner_text()
    shop.pages["/pasted"] = snippet
    with watched(browser, shop.url) as visitor:
        visitor.page.goto(f"{shop.url}/pasted")
        if kind == "qr":
            assert read_qr(rows_of(visitor.page)) == link
        else:
            visitor.page.locator(BUTTON).click()
            visitor.page.wait_for_url(link)
