"""What messages about receipts say: short enough, escaped, in three languages."""

from email import message_from_string
from html.parser import HTMLParser
from itertools import product

import pytest

from tiyin.gateway.notifications.sms_coding import count_parts
from tiyin.gateway.notifications.texts import PURPOSES, Facts, Purpose, letter_of, sms_of, telegram_of
from tiyin.protocol.values import LANGUAGES, Language

LINK = "https://checkout.example.uz/checkout/2e0b1bc1f1eb50d487ba268d"
FACTS = Facts(
    name="Интернет-магазин «Ромашка»", amount_tiyin=1_250_000_00, link=LINK, account=(("Заказ", "197"),)
)
NASTY = '<script>alert("&")</script>'

ALL = list(product(PURPOSES, LANGUAGES))


@pytest.mark.parametrize(("purpose", "language"), ALL)
@pytest.mark.parametrize("name", ["Online Shop", "Интернет-магазин «Ромашка» и сыновья", "Doʻkon «Gʻuncha»"])
@pytest.mark.parametrize("amount_tiyin", [500_000, 12_500_000_050])
def test_an_sms_takes_two_parts_at_most(
    purpose: Purpose, language: Language, name: str, amount_tiyin: int
) -> None:
    text = sms_of(purpose, language, Facts(name=name, amount_tiyin=amount_tiyin, link=LINK))
    assert count_parts(text) <= 2
    assert text.endswith(LINK), "no mark follows the link: phones would take it for a part of it"
    assert text.startswith(name[:20].rstrip())


def test_uzbek_and_english_of_a_latin_name_take_one_part() -> None:
    facts = Facts(name="Doʻkon", amount_tiyin=5_000_000, link=LINK)
    for purpose in PURPOSES:
        assert count_parts(sms_of(purpose, "uz", facts)) == 1
        assert count_parts(sms_of(purpose, "en", facts)) == 1


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str | None] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.mark.parametrize(("purpose", "language"), ALL)
def test_a_letter_and_a_telegram_message_tell_all_and_hold_no_foreign_tag(
    purpose: Purpose, language: Language
) -> None:
    facts = Facts(
        name=NASTY, amount_tiyin=500_000, link=LINK + '?a="&b=<', account=((NASTY, "<b>197</b>"), ("№", "5"))
    )
    letter = letter_of(purpose, language, facts, "payer@example.uz")
    for html in (letter.html, telegram_of(purpose, language, facts)):
        read = Tags()
        read.feed(html)
        assert "script" not in read.tags
        assert read.links == [facts.link]
        for shown in (NASTY, "<b>197</b>"):
            assert shown in read.text
    read = Tags()
    read.feed(telegram_of(purpose, language, facts))
    assert read.tags == ["b", "a"], "Telegram refuses any other"
    assert facts.link in letter.text
    assert NASTY in letter.text


def test_a_name_with_line_breaks_begins_no_line_of_its_own() -> None:
    facts = Facts(name="Shop\r\nBcc: all@example.uz\n\nfree text", amount_tiyin=1, link=LINK)
    letter = letter_of("paid", "en", facts, "payer@example.uz")
    assert "\n" not in letter.subject
    assert message_from_string(f"Subject: {letter.subject}\n\n")["Bcc"] is None
    assert "\n" not in sms_of("paid", "en", facts)
    assert "Bcc" not in [line.partition(":")[0] for line in letter.text.splitlines()]


def test_a_letter_says_what_is_to_be_paid_and_to_whom() -> None:
    letter = letter_of("invoice", "ru", FACTS, "payer@example.uz")
    for said in ("Счёт на оплату", FACTS.name, "Заказ: 197", LINK):
        assert said in letter.text
    assert "1 250 000" in letter.subject.replace("\u00a0", " ")
    assert repr(FACTS) == "Facts(125000000 tiyin)"
