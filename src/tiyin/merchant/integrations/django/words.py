"""What people read in the admin, in the language that Django speaks at the moment."""

from typing import Any, Final

from django.utils.functional import lazystr
from django.utils.translation import get_language

from tiyin.protocol.values import Language, Text

__all__ = ["REASONS", "STATES", "language", "lazy", "told"]

STATES: Final = {
    0: Text(ru="создаётся", uz="yaratilmoqda", en="being created"),
    1: Text(ru="ожидает оплаты", uz="toʻlov kutilmoqda", en="waiting"),
    2: Text(ru="оплачена", uz="toʻlangan", en="paid"),
    -1: Text(ru="отменена", uz="bekor qilingan", en="cancelled"),
    -2: Text(ru="отменена после оплаты", uz="toʻlovdan keyin bekor qilingan", en="refunded"),
    -3: Text(ru="не создана", uz="yaratilmagan", en="never created"),
}
"""A transaction's states, by the number that is stored."""

REASONS: Final = {
    1: Text(ru="получатель не найден", uz="qabul qiluvchi topilmadi", en="receiver not found or inactive"),
    2: Text(ru="ошибка при списании", uz="pul yechishda xatolik", en="the debit failed"),
    3: Text(ru="ошибка выполнения", uz="bajarishda xatolik", en="the payment failed"),
    4: Text(ru="истекло время", uz="vaqt tugadi", en="timeout"),
    5: Text(ru="возврат денег", uz="pul qaytarildi", en="refund"),
    10: Text(ru="неизвестная ошибка", uz="nomaʼlum xatolik", en="unknown error"),
}
"""Why a transaction was cancelled. Documentation: merchant-api/data-types"""


def language() -> Language:
    """Return the protocol's language that is nearest to Django's."""
    spoken = (get_language() or "en").lower()
    if spoken.startswith("ru"):
        return "ru"
    return "uz" if spoken.startswith("uz") else "en"


def told(text: Text) -> str:
    """Return a text in Django's language.

    Args:
        text: The text.
    """
    return text.in_language(language())


class _Told:
    """A text that is put into a language when it is shown."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def __str__(self) -> str:
        return told(self._text)


def lazy(*, ru: str, uz: str, en: str) -> str:
    """Make a text for places that Django reads when it starts and shows later.

    Args:
        ru: In Russian.
        uz: In Uzbek.
        en: In English.
    """
    text: Any = lazystr(_Told(Text(ru=ru, uz=uz, en=en)))
    named: str = text
    return named
