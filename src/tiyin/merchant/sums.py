"""Sums and tiyin: exact both ways, and never a float.

Payme counts in tiyin (1 sum = 100 tiyin), shops and people in sums:

```python
tiyin_from_sums(Decimal("12500.50"))   # 1250050
tiyin_from_sums("1 250 000,50")        # 125000050, as a person types it
sums_from_tiyin(1_250_050)             # Decimal("12500.50")
sums_text(1_250_050, "ru")             # "12 500,50 сум"
```
"""

import decimal
import re
from decimal import Decimal
from typing import Final

from tiyin.protocol.values import AMOUNT_TIYIN_MAX, Language, format_sum

__all__ = ["check_tiyin", "sums_from_tiyin", "sums_text", "tiyin_from_sums"]

_TIYIN_IN_SUM: Final = 100
_SUMS_MAX: Final = AMOUNT_TIYIN_MAX // _TIYIN_IN_SUM
_TYPED_LENGTH_MAX: Final = 40
# People group digits by threes with a space; the ones that do not break a line are typed by programs.
_TYPED: Final = re.compile(r"(?:[0-9]+|[0-9]{1,3}(?:[ \u00a0\u2009\u202f][0-9]{3})+)(?:[.,]([0-9]+))?")
_SPACES: Final = re.compile("[ \u00a0\u2009\u202f]")
# Whatever would lose a digit raises instead.
_EXACT: Final = decimal.Context(prec=20, traps=[decimal.Inexact, decimal.InvalidOperation])

_BOUNDS: Final = f"an amount is from 0.01 to {_SUMS_MAX} sums"
_WHOLE_TIYIN: Final = "a sum has at most two decimals (1 tiyin is 0.01 sum); round it yourself, on purpose"


def tiyin_from_sums(value: Decimal | int | str) -> int:
    """Turn sums into tiyin, exactly.

    ```python
    order.amount_tiyin = tiyin_from_sums(product.price)  # a DecimalField
    ```

    Args:
        value: Sums: a Decimal, an int, or text such as ``"12500.5"`` or ``"1 250 000,50"`` (groups of three
            digits parted by a space, a comma or a point before at most two decimals).

    Returns:
        Tiyin, from 1 to `tiyin.protocol.values.AMOUNT_TIYIN_MAX`.

    Raises:
        TypeError: For a float, a bool and anything else.
        ValueError: If it is no number, has more than two decimals, or is out of bounds.
    """
    if isinstance(value, bool):
        raise TypeError("a bool is no sum of money")
    if isinstance(value, float):
        raise TypeError(
            "a float cannot hold every sum exactly (0.1 + 0.2 is not 0.3): keep money in Decimal, int or str"
        )
    if isinstance(value, str):
        value = _read_typed(value)
    if isinstance(value, int):
        # Compared first: a number of a million digits is not worth multiplying.
        return _in_bounds(value * _TIYIN_IN_SUM) if abs(value) <= _SUMS_MAX else _in_bounds(0)
    if isinstance(value, Decimal):
        return _from_decimal(value)
    raise TypeError(f"a sum is a Decimal, an int or a str, not {type(value).__name__}")


def sums_from_tiyin(amount_tiyin: int) -> Decimal:
    """Turn tiyin into sums, exactly, with two decimals.

    ```python
    sums_from_tiyin(1_250_050)  # Decimal("12500.50")
    ```

    Args:
        amount_tiyin: In tiyin; may be negative.

    Raises:
        TypeError: For anything but an int.
    """
    return _EXACT.scaleb(Decimal(check_tiyin(amount_tiyin)), -2)


def sums_text(amount_tiyin: int, language: Language) -> str:
    """Write an amount for people: ``5 000 сум``, ``5 000 soʻm``, ``UZS 5,000``; tiyin only if there are some.

    ```python
    sums_text(1_250_050, "uz")  # "12 500,50 soʻm"
    ```

    Args:
        amount_tiyin: In tiyin; may be negative.
        language: Whose words and separators to use.

    Raises:
        TypeError: For anything but an int.
    """
    return format_sum(check_tiyin(amount_tiyin), language)


def check_tiyin(amount_tiyin: int) -> int:
    """Refuse what is no number of tiyin by its type, a float above all; bounds are the caller's.

    ```python
    check_tiyin(500_000)  # 500000
    ```

    Args:
        amount_tiyin: In tiyin.

    Raises:
        TypeError: For anything but an int.
    """
    if isinstance(amount_tiyin, bool) or not isinstance(amount_tiyin, int):
        raise TypeError(
            f"an amount in tiyin is an int, not {type(amount_tiyin).__name__}; "
            "tiyin_from_sums turns sums into tiyin"
        )
    return amount_tiyin


def _read_typed(text: str) -> Decimal:
    match = _TYPED.fullmatch(text.strip()) if len(text) <= _TYPED_LENGTH_MAX else None
    if match is None:
        raise ValueError("a sum is written as 12500, 12500.50 or 12 500,50")
    # "12.500" may mean twelve thousand as well: whoever writes three decimals is asked, not guessed.
    if len(match[1] or "") > 2:
        raise ValueError(_WHOLE_TIYIN)
    return Decimal(_SPACES.sub("", match[0]).replace(",", "."))


def _from_decimal(sums: Decimal) -> int:
    if not sums.is_finite():
        raise ValueError("a sum is a finite number")
    if not 0 < sums <= _SUMS_MAX:
        raise ValueError(_BOUNDS)
    try:
        return _in_bounds(int(_EXACT.scaleb(_EXACT.quantize(sums, Decimal("0.01")), 2)))
    except decimal.Inexact:
        raise ValueError(_WHOLE_TIYIN) from None


def _in_bounds(amount_tiyin: int) -> int:
    if not 0 < amount_tiyin <= AMOUNT_TIYIN_MAX:
        raise ValueError(_BOUNDS)
    return amount_tiyin
