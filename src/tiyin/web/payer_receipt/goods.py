"""What was bought, as a receipt lists it: each line with its discount and the VAT that its price includes.

The details came from a shop and are shown as text: they are read tolerantly, exactly where they can be, and
what cannot be read is left out. The money never depends on them.

Documentation: subscribe-api/receipts.create (`detail`)
"""

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any, Final

import msgspec

from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Language, read_text

__all__ = ["LINES_MAX", "Goods", "Line", "read_goods"]

LINES_MAX: Final = 200
"""How many lines a receipt shows; the rest are counted and added up in one."""

_TITLE_MAX: Final = 300
_COUNT_MAX: Final = 10**9
_DIGITS_MAX: Final = 20


class Line(msgspec.Struct, frozen=True):
    """One line.

    Args:
        title: What it is.
        count: How many, as text.
        price_tiyin: What one costs, in tiyin.
        discount_tiyin: What is taken off the whole line, in tiyin.
        total_tiyin: What the line costs after its discount, in tiyin.
        vat_percent: The VAT's rate as text, "12"; empty where none was told.
        vat_tiyin: The VAT that `total_tiyin` includes, in tiyin.
        code: The IKPU; empty where none was told.
    """

    title: str
    count: str
    price_tiyin: int
    discount_tiyin: int
    total_tiyin: int
    vat_percent: str
    vat_tiyin: int
    code: str


class Goods(msgspec.Struct, frozen=True):
    """All that was bought.

    Args:
        lines: The lines that are shown.
        hidden: How many lines there are besides.
        hidden_tiyin: What these cost together, in tiyin.
        shipping_title: The delivery; empty where there is none.
        shipping_tiyin: What it costs, in tiyin.
        discount_tiyin: What is taken off the whole, in tiyin.
        vat_tiyin: The VAT that is included, in tiyin; None where it cannot be told from the lines: none of
            them has a rate, or a discount on the whole is not divided among them.
    """

    lines: tuple[Line, ...]
    hidden: int
    hidden_tiyin: int
    shipping_title: str
    shipping_tiyin: int
    discount_tiyin: int
    vat_tiyin: int | None


def read_goods(detail: Any, language: Language) -> Goods | None:
    """Read a receipt's details.

    Args:
        detail: The decoded details, or None.
        language: Whose words and decimal sign to use.

    Returns:
        The goods; None where nothing of them can be shown.
    """
    if not isinstance(detail, Mapping):
        return None
    items = detail.get("items")
    lines = [line for item in (items if isinstance(items, list) else []) if (line := _line(item, language))]
    shipping = detail.get("shipping")
    shipping_tiyin = _tiyin(shipping)
    title = read_text(shipping.get("title")) if isinstance(shipping, Mapping) else None
    if not lines and not shipping_tiyin:
        return None
    discount_tiyin = _tiyin(detail.get("discount"))
    told = any(line.vat_percent for line in lines) and not discount_tiyin
    hidden = lines[LINES_MAX:]
    return Goods(
        lines=tuple(lines[:LINES_MAX]),
        hidden=len(hidden),
        hidden_tiyin=sum(line.total_tiyin for line in hidden),
        shipping_title=_short(title.in_language(language)) if title is not None and shipping_tiyin else "",
        shipping_tiyin=shipping_tiyin,
        discount_tiyin=discount_tiyin,
        vat_tiyin=sum(line.vat_tiyin for line in lines) if told else None,
    )


def _line(item: Any, language: Language) -> Line | None:
    if not isinstance(item, Mapping):
        return None
    title, price_tiyin = read_text(item.get("title")), _tiyin(item.get("price"))
    if title is None or not price_tiyin:
        return None
    count = _number(item.get("count", 1), _COUNT_MAX) or Fraction(1)
    discount_tiyin = _tiyin(item.get("discount"))
    total_tiyin = _rounded(price_tiyin * count) - discount_tiyin
    rate = _number(item.get("vat_percent"), 100)
    code = item.get("code")
    return Line(
        title=_short(title.in_language(language)),
        count=_as_text(count, language),
        price_tiyin=price_tiyin,
        discount_tiyin=discount_tiyin,
        total_tiyin=total_tiyin,
        vat_percent="" if rate is None else _as_text(rate, language),
        vat_tiyin=0 if rate is None else _rounded(max(total_tiyin, 0) * rate / (100 + rate)),
        code=code if isinstance(code, str) and code.isascii() and code.isdigit() and _is_short(code) else "",
    )


def _tiyin(value: Any) -> int:
    """Return an amount, also where it is the `price` of an object; 0 for anything else."""
    if isinstance(value, Mapping):
        value = value.get("price")
    if type(value) is float and value.is_integer():
        value = int(value)
    return value if type(value) is int and 0 < value <= AMOUNT_TIYIN_MAX else 0


def _number(value: Any, largest: int) -> Fraction | None:
    """Return the decimal number that was written, not the float next to it; None for anything else."""
    if type(value) not in {int, float} or not 0 <= value <= largest:
        return None
    return Fraction(repr(value))


def _rounded(value: Fraction) -> int:
    """Round half up."""
    return (2 * value.numerator + value.denominator) // (2 * value.denominator)


def _as_text(number: Fraction, language: Language) -> str:
    decimal = Decimal(number.numerator) / Decimal(number.denominator)
    whole = f"{decimal:f}"
    if len(whole) > _DIGITS_MAX:
        whole = f"{decimal:.3g}"
    return whole if language == "en" else whole.replace(".", ",")


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _TITLE_MAX else line[: _TITLE_MAX - 1] + "…"


def _is_short(code: str) -> bool:
    return len(code) <= _DIGITS_MAX
