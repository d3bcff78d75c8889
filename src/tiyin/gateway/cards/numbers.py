"""Card numbers and expiry dates: reading what a payer typed, and refusing what can be no card.

Documentation: subscribe-api/cards.create, introduction (Uzcard and HUMO)
"""

import re
from collections.abc import Callable
from datetime import datetime
from enum import StrEnum
from typing import Final

from tiyin.protocol import receipt
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.runtime.tashkent import TASHKENT

__all__ = [
    "Scheme",
    "is_expired",
    "is_luhn",
    "read_expire",
    "read_number",
    "scheme_of",
]


class Scheme(StrEnum):
    """The payment system that a card belongs to."""

    UZCARD = "uzcard"
    HUMO = "humo"


_SCHEMES: Final = {
    "8600": Scheme.UZCARD,
    "5614": Scheme.UZCARD,
    "6262": Scheme.UZCARD,
    "5440": Scheme.UZCARD,
    "9860": Scheme.HUMO,
}
_NUMBER: Final = re.compile(r"[0-9]{16}")
_TYPED_MAX: Final = 40


def is_luhn(number: str) -> bool:
    """Tell whether the digits end in the right check digit."""
    total = 0
    for place, digit in enumerate(reversed(number)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def scheme_of(number: str) -> Scheme | None:
    """Give the payment system of a number, or None where it is neither Uzcard nor HUMO."""
    return _SCHEMES.get(number[:4])


def read_number(typed: str, *, is_test_card: Callable[[str], bool] = lambda _: False) -> str:
    """Read a card number as a payer types it.

    Args:
        typed: Digits; spaces between them are let pass, as the documentation prints numbers with spaces.
        is_test_card: Tells the numbers that pass whatever their scheme: the test cards, where they are on.

    Returns:
        16 digits.

    Raises:
        RpcError: -31300 if it is no card number, -31900 if it is neither Uzcard nor HUMO.

    Documentation: subscribe-api/cards.create
    """
    number = typed.replace(" ", "") if len(typed) <= _TYPED_MAX else ""
    if _NUMBER.fullmatch(number) is None:
        raise RpcError(SubscribeCode.CARD_WRONG, data="number")
    if is_test_card(number):
        return number
    if not is_luhn(number):
        raise RpcError(SubscribeCode.CARD_WRONG, data="number")
    if scheme_of(number) is None:
        raise RpcError(SubscribeCode.CARD_TYPE_UNSUPPORTED, data="number")
    return number


def read_expire(typed: str) -> str:
    """Read an expiry date, ``0399`` or ``03/99``.

    Returns:
        Month and year, four digits: ``0399``.

    Raises:
        RpcError: -31300 if it is no month and year.

    Documentation: subscribe-api/cards.create
    """
    try:
        return receipt.read_expire(typed)
    except ValueError:
        raise RpcError(SubscribeCode.CARD_WRONG, data="expire") from None


def is_expired(expire: str, now_ms: int) -> bool:
    """Tell whether a card's last month is over in Tashkent.

    Args:
        expire: Four digits, month and year; the years are 2000 to 2099.
        now_ms: The present moment, milliseconds since 1970.
    """
    now = datetime.fromtimestamp(now_ms / 1000, TASHKENT)
    return (2000 + int(expire[2:]), int(expire[:2])) < (now.year, now.month)
