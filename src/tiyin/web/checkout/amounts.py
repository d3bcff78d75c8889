"""The amount that a payer types, in sums as people write them.

Documentation: introduction (desks without billing)
"""

import re
from typing import Final

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.values import Language, format_sum
from tiyin.web.words import N_, translations

__all__ = ["read_sum", "tiyin_of", "written_sum"]

_TIYIN_IN_SUM: Final = 100
_TYPED_MAX: Final = 40
_BETWEEN: Final = re.compile(r"[\s\u00a0\u2009\u202f'\u2019]")
# Three digits behind a sign are thousands, since a tiyin has two; the sign of the thousands does not come
# back as that of the fraction.
_PLAIN: Final = re.compile(r"([0-9]{1,15})(?:[.,]([0-9]{0,2}))?")
_GROUPED: Final = re.compile(r"([0-9]{1,3}(?:([.,])[0-9]{3})(?:\2[0-9]{3}){0,4})(?:(?!\2)[.,]([0-9]{1,2}))?")

_EMPTY: Final = N_("Enter the amount.")
_NO_AMOUNT: Final = N_("Enter the amount in sums, like 5000 or 5000.50.")
_TOO_SMALL: Final = N_("This shop takes payments from %(amount)s.")
_TOO_LARGE: Final = N_("This shop takes payments up to %(amount)s.")


def read_sum(text: str, desk: Desk, language: Language) -> tuple[int, str]:
    """Read an amount that a payer typed.

    Args:
        text: What he typed: sums, with a comma or a point before the tiyin, thousands apart or not.
        desk: The desk, whose limits and rounding count.
        language: The page's language.

    Returns:
        The amount in tiyin, and what is wrong with it in that language; one of the two is empty.
    """
    catalog = translations(language)
    if not _BETWEEN.sub("", text):
        return 0, catalog.gettext(_EMPTY)
    amount_tiyin = tiyin_of(text)
    if amount_tiyin is None:
        return 0, catalog.gettext(_NO_AMOUNT)
    if desk.round_up:
        amount_tiyin = -(-amount_tiyin // _TIYIN_IN_SUM) * _TIYIN_IN_SUM
    if amount_tiyin < desk.amount_tiyin_min:
        return 0, catalog.gettext(_TOO_SMALL) % {"amount": format_sum(desk.amount_tiyin_min, language)}
    if amount_tiyin > desk.amount_tiyin_max:
        return 0, catalog.gettext(_TOO_LARGE) % {"amount": format_sum(desk.amount_tiyin_max, language)}
    return amount_tiyin, ""


def tiyin_of(text: str) -> int | None:
    """Read an amount in sums; nothing is judged but its form.

    Args:
        text: As for `read_sum`.

    Returns:
        Tiyin; None where it is no amount.
    """
    bare = _BETWEEN.sub("", text) if len(text) <= _TYPED_MAX else ""
    match = _PLAIN.fullmatch(bare) or _GROUPED.fullmatch(bare)
    if match is None:
        return None
    whole, rest = re.sub("[.,]", "", match[1]), match[match.re.groups] or ""
    return int(whole) * _TIYIN_IN_SUM + int(rest.ljust(2, "0"))


def written_sum(amount_tiyin: int | None, language: Language) -> str:
    """Write an amount into the field, as `read_sum` reads it.

    Args:
        amount_tiyin: The amount, in tiyin; None leaves the field empty.
        language: Whose sign stands before the tiyin.
    """
    if amount_tiyin is None:
        return ""
    whole, rest = divmod(amount_tiyin, _TIYIN_IN_SUM)
    return f"{whole}{'.' if language == 'en' else ','}{rest:02}" if rest else str(whole)
