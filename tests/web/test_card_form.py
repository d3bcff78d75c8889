"""The card form's page over HTTP: who may frame it, what is refused, and that what is asked stays text."""

import json
import re
from collections.abc import Iterator
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest

from helpers_browser import Served, serve
from helpers_card_form import DOMAINS, Opened, form_address, opened_card_form
from helpers_cards import DESK_ID, OTHER_DESK_ID
from helpers_pages import Answer, Payer
from tiyin.gateway.cards.records import TOKENS
from tiyin.web.headers import PAGE_HEADERS, framed_by

WEIGHT_BYTES_MAX = 40 * 1024
LOOPBACK = "http://localhost:* http://*.localhost:* http://127.0.0.1:*"


class Form:
    """A served form and what is behind it."""

    def __init__(self, served: Served, opened: Opened) -> None:
        self.url = served.url
        self.run = served.run
        self.opened = opened

    def open(self, *, lang: str = "en", **asked: Any) -> Answer:
        return self.ask(form_address(self.url, lang=lang, **asked))

    def ask(self, address: str) -> Answer:
        return Payer(self.url).get(address.removeprefix(self.url))

    def tokens(self) -> int:
        return len(self.run(self.opened.gateway.store.query(TOKENS.schema.select())))


@pytest.fixture(scope="module")
def form(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Form]:
    held: list[Opened] = []
    folder = tmp_path_factory.mktemp("form")
    with serve(lambda url: opened_card_form(folder, url, held)) as served:
        form = Form(served, held[0])
        yield form
        assert form.tokens() == 0


def settings_of(answer: Answer) -> Any:
    found = re.search(r'data-settings="([^"]*)"', answer.text)
    assert found is not None, answer.text
    return json.loads(unescape(found[1]))


def ancestors(answer: Answer) -> str:
    found = re.search(r"frame-ancestors ([^;]+)", answer.headers["content-security-policy"])
    assert found is not None
    return found[1]


def test_the_form_may_be_framed_by_the_desks_own_domains_only(form: Form) -> None:
    answer = form.open()
    assert answer.status == 200
    assert "x-frame-options" not in answer.headers
    https = "https://shop.uz https://*.market.uz https://pay.shop.uz:8443"
    assert ancestors(answer) == f"{https} {https.replace('https', 'http')} {LOOPBACK}"
    assert "form-action 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers


def test_a_desk_without_domains_is_framed_by_nobody_but_the_developers_machine(form: Form) -> None:
    assert ancestors(form.open(desk_id=OTHER_DESK_ID)) == LOOPBACK


def test_no_other_page_may_be_framed(form: Form) -> None:
    for path in ("/card-form/offer", "/card-form/" + "0" * 24, "/card-form/", "/integration", "/no"):
        answer = form.ask(path)
        assert answer.headers["x-frame-options"] == "DENY", path
        assert ancestors(answer) == "'none'"


def test_a_page_that_nobody_frames_keeps_both_words() -> None:
    headers = {**PAGE_HEADERS, **framed_by(())}
    assert headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]


def test_inputs_have_no_names_and_forms_no_action(form: Form) -> None:
    text = form.open(save="ask").text
    inputs = re.findall(r"<input[^>]*>", text)
    assert len(inputs) == 4
    assert not [tag for tag in inputs if " name=" in tag]
    forms = re.findall(r"<form[^>]*>", text)
    assert len(forms) == 3
    assert not [tag for tag in forms if "action" in tag]
    assert "Powered by Payme" in text
    assert 'href="/card-form/offer"' in text
    assert "Card data is kept by the payment service and is not given to the shop." in text
    # Dead until the script came.
    assert re.search(r'<button[^>]*id="continue"[^>]*disabled', text)
    assert "<noscript" in text
    assert not re.search(r"<script(?! type=\"module\" src=)", text)
    assert " style=" not in text


def test_what_is_asked_reaches_the_script_as_it_was(form: Form) -> None:
    hostile = "\"><script>alert(1)</script>' &amp; ;"
    answer = form.open(state=hostile, **{"account[order_id]": hostile}, save="ask", lang="uz")
    assert "<script>alert" not in answer.text
    told = settings_of(answer)
    assert told["state"] == hostile
    assert told["account"] == {"order_id": hostile}
    assert (told["desk"], told["amount"], told["save"], told["way"]) == (DESK_ID, 500_000, False, "bridge")
    assert told["language"] == "uz"
    assert 'id="keep"' in answer.text


@pytest.mark.parametrize(
    ("asked", "to"),
    [
        ({"way": "message"}, "https://shop.uz"),
        ({"way": "message"}, "http://localhost:3000"),
        ({"way": "redirect"}, "https://a.market.uz/done?order=7"),
        ({"way": "redirect"}, "uz.shop.app://card"),
        ({"way": "redirect"}, "http://127.0.0.1:9/x"),
    ],
)
def test_a_result_goes_to_what_is_the_desks_own(form: Form, asked: dict[str, str], to: str) -> None:
    answer = form.open(**asked, to=to)
    assert answer.status == 200
    assert settings_of(answer)["to"] == to


REFUSED = [
    ("amount", {"amount": None}),
    ("amount", {"amount": "0"}),
    ("amount", {"amount": "-5"}),
    ("amount", {"amount": "5000.5"}),
    ("amount", {"amount": "9" * 15}),
    ("amount", {"amount": "99999999999999"}),
    ("amount", {"amount": "٥٠٠٠٠٠"}),
    ("amount", {"amount": None, "save": "ask"}),
    ("save", {"save": "yes"}),
    ("return", {"way": "post"}),
    ("to", {"to": "https://shop.uz"}),
    ("to", {"way": "message"}),
    ("to", {"way": "message", "to": "*"}),
    ("to", {"way": "message", "to": "null"}),
    ("to", {"way": "message", "to": "https://evil.uz"}),
    ("to", {"way": "message", "to": "https://shop.uz/"}),
    ("to", {"way": "message", "to": "uz.shop.app://"}),
    ("to", {"way": "message", "to": "https://evil.uz\\.market.uz"}),
    ("to", {"way": "message", "to": "https://evil.uz%2f.market.uz"}),
    ("to", {"way": "redirect"}),
    ("to", {"way": "redirect", "to": "javascript:alert(1)"}),
    ("to", {"way": "redirect", "to": "data:text/html,x"}),
    ("to", {"way": "redirect", "to": "//shop.uz/"}),
    ("to", {"way": "redirect", "to": "https://user@shop.uz/"}),
    ("to", {"way": "redirect", "to": "https://shop.uz/#already"}),
    ("to", {"way": "redirect", "to": "https://evil.uz\\@shop.uz/"}),
    ("to", {"way": "redirect", "to": "https://shop.uz/\n"}),
    ("to", {"way": "redirect", "to": "https://shop.uz/" + "a" * 2000}),
    ("to", {"way": "redirect", "to": "uz.other.app://card"}),
    ("to", {"way": "redirect", "to": "https://uz.shop.app/"}),
    ("state", {"state": "s" * 513}),
    ("state", {"state": "\x00"}),
    ("account", {"account[]": "7"}),
    ("account", {f"account[f{n}]": n for n in range(40)}),
]


@pytest.mark.parametrize(("field", "asked"), REFUSED)
def test_what_cannot_be_is_refused_with_its_field(form: Form, field: str, asked: dict[str, Any]) -> None:
    answer = form.open(**asked)
    assert answer.status == 400
    assert "-31610" in answer.text
    assert f'For developers: <span lang="en">{field}' in answer.text
    assert "data-settings" not in answer.text
    assert "card_form.js" not in answer.text


def test_a_name_that_stands_twice_is_refused(form: Form) -> None:
    for twice in ("amount=500000", "to=https%3A%2F%2Fshop.uz", "account[a]=1&account[a]=2"):
        answer = form.ask(f"{form_address(form.url, way='message', to='https://shop.uz')}&{twice}")
        assert answer.status == 400, twice


def test_limits_are_told(form: Form) -> None:
    gateway = form.opened.gateway
    form.run(gateway.desks.change_desk(OTHER_DESK_ID, amount_tiyin_min=100_000, amount_tiyin_max=900_000))
    for amount, words in ((99_999, "from UZS 1,000"), (900_001, "up to UZS 9,000")):
        answer = form.open(desk_id=OTHER_DESK_ID, amount=amount)
        assert answer.status == 400
        assert words in answer.text.replace("\xa0", " ")


def test_a_card_is_added_without_an_amount(form: Form) -> None:
    answer = form.open(amount=None, save="1")
    assert answer.status == 200
    assert settings_of(answer)["amount"] is None
    assert "The card will be remembered" in answer.text


@pytest.mark.parametrize("desk_id", ["0" * 24, "x", "%00", "a" * 5000, quote("../offer", safe="")])
def test_an_unknown_desk_has_no_form(form: Form, desk_id: str) -> None:
    answer = form.ask(form_address(form.url, desk_id=desk_id))
    assert answer.status == 404
    assert "data-settings" not in answer.text


def test_a_blocked_desk_has_no_form(form: Form) -> None:
    gateway = form.opened.gateway
    form.run(gateway.desks.change_desk(OTHER_DESK_ID, active=False))
    answer = form.open(desk_id=OTHER_DESK_ID)
    form.run(gateway.desks.change_desk(OTHER_DESK_ID, active=True))
    assert answer.status == 404
    assert "-31601" in answer.text
    assert "data-settings" not in answer.text


def test_nothing_can_be_posted_to_it(form: Form) -> None:
    fields = {"number": "8600069195406311", "expire": "0399"}
    answer = Payer(form.url).post(f"/card-form/{DESK_ID}", fields)
    assert 400 <= answer.status < 500
    assert "data-settings" not in answer.text


def test_the_language_switch_keeps_what_was_asked(form: Form) -> None:
    text = unescape(form.open(state="a b&c", way="message", to="https://shop.uz", lang="ru").text)
    found = re.search(r'href="([^"]+)" hreflang="uz"', text)
    assert found is not None
    answer = form.ask(found[1])
    assert settings_of(answer) == {
        **settings_of(form.open(state="a b&c", way="message", to="https://shop.uz", lang="uz"))
    }


def test_it_weighs_little(form: Form) -> None:
    page = form.open()
    names = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.text))
    assert any(name.endswith("/card_form.js") for name in names)
    asked = [Payer(form.url).get(name, **{"Accept-Encoding": "gzip"}) for name in names]
    assert {answer.status for answer in asked} == {200}
    assert len(page.body) + sum(len(answer.body) for answer in asked) < WEIGHT_BYTES_MAX


def test_domains_are_as_the_tests_think(form: Form) -> None:
    desk = form.run(form.opened.gateway.desks.find(DESK_ID))
    assert desk is not None
    assert desk.domains == DOMAINS
