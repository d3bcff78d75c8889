"""The catalogs are current and whole, and money and dates read as people write them."""

import re
import runpy
import sys
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from tiyin.protocol.values import Language
from tiyin.web.words import LOCALES, format_money, format_when, translations

ROOT = Path(__file__).parents[2]


def test_the_catalogs_are_current_and_nothing_is_untranslated(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["translations.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(ROOT / "scripts" / "translations.py"), run_name="__main__")
    assert ended.value.code == 0, capsys.readouterr().out


@pytest.mark.parametrize("language", ["ru", "uz"])
def test_translations_keep_their_placeholders_and_signs(language: Language) -> None:
    with (LOCALES / language / "LC_MESSAGES" / "tiyin.po").open("rb") as file:
        catalog = read_po(file, locale=language)
    placeholder = re.compile(r"%\(\w+\)s")
    for message in catalog:
        if not message.id:
            continue
        source = message.id if isinstance(message.id, str) else message.id[0]
        for text in [message.string] if isinstance(message.string, str) else message.string or []:
            assert set(placeholder.findall(text)) == set(placeholder.findall(source)), text
            assert source.endswith(".") == text.endswith("."), text
            # Uzbek has letters of its own, U+02BB and U+02BC: neither an apostrophe nor a quotation mark will
            # do.
            assert language != "uz" or not re.search("['’‘`]", text), text


@pytest.mark.parametrize(
    ("count", "words"), [(1, "1 товар"), (2, "2 товара"), (5, "5 товаров"), (21, "21 товар")]
)
def test_russian_counts(count: int, words: str) -> None:
    assert translations("ru").ngettext("%(num)s item", "%(num)s items", count) % {"num": count} == words


@pytest.mark.parametrize(
    ("language", "text"), [("ru", "5 000 сум"), ("uz", "5 000 soʻm"), ("en", "UZS 5,000")]
)
def test_money_is_one_text_with_its_unit_apart(language: Language, text: str) -> None:
    html = format_money(500_000, language)
    assert re.sub(r"<[^>]+>", "", html).replace("\u00a0", " ") == text
    assert "money-number" in html


@pytest.mark.parametrize(
    ("language", "text"),
    [("ru", "01.01.2027, 04:59"), ("uz", "01.01.2027, 04:59"), ("en", "1 Jan 2027, 04:59")],
)
def test_moments_are_tashkents(language: Language, text: str) -> None:
    assert format_when(1_798_761_599_999, language) == text
