"""The pages' words in three languages, from Babel catalogs.

The English sentence in the source is the key; `locales/` holds the Russian and the Uzbek catalog, compiled
ones beside them (`scripts/translations.py` makes them, a test holds them current).
"""

import datetime as dt
import functools
import gettext
from pathlib import Path
from typing import Final

from markupsafe import Markup, escape

from tiyin.protocol.values import Language, format_sum
from tiyin.runtime.tashkent import TASHKENT

__all__ = ["LANGUAGE_NAMES", "N_", "format_money", "format_when", "translations"]

LANGUAGE_NAMES: Final[tuple[tuple[Language, str], ...]] = (("ru", "Рус"), ("uz", "Oʻzb"), ("en", "Eng"))
"""The languages as the switch shows them, in its order."""

LOCALES: Final = Path(__file__).parent / "locales"

# Uzbekistan has kept one time all year since 1991, so a fixed zone serves where no zone database is
# installed.
_ENGLISH_MONTHS: Final = "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"


def N_(text: str) -> str:  # noqa: N802 - the name by which Babel finds words that are translated later
    """Mark a sentence of a table for translation; it is translated where it is shown."""
    return text


@functools.cache
def translations(language: Language) -> gettext.NullTranslations:
    """Return the catalog of a language; English needs none.

    Args:
        language: One of the three.
    """
    if language == "en":
        return gettext.NullTranslations()
    return gettext.translation("tiyin", LOCALES, [language])


def format_money(amount_tiyin: int, language: Language) -> Markup:
    """Return an amount as the pages show it, number and currency apart for the eye and one text for the ear.

    Args:
        amount_tiyin: The amount, in tiyin.
        language: The page's language.
    """
    text = format_sum(amount_tiyin, language)
    first = next(i for i, sign in enumerate(text) if sign.isdigit())
    last = len(text) - next(i for i, sign in enumerate(reversed(text)) if sign.isdigit())
    parts = (("unit", text[:first]), ("number", text[first:last]), ("unit", text[last:]))
    spans = (f'<span class="money-{kind}">{escape(part)}</span>' for kind, part in parts if part)
    return Markup('<span class="money">{}</span>').format(Markup("").join(map(Markup, spans)))


def format_when(moment_ms: int, language: Language) -> str:
    """Return a moment in Tashkent's time, to the minute.

    Args:
        moment_ms: Milliseconds since 1970 (UTC).
        language: The page's language.
    """
    when = dt.datetime.fromtimestamp(moment_ms / 1000, TASHKENT)
    if language == "en":
        return f"{when.day} {_ENGLISH_MONTHS[when.month - 1]} {when:%Y, %H:%M}"
    return f"{when:%d.%m.%Y, %H:%M}"
