"""Phone numbers among an account's fields: hidden where a page is opened by anybody who has its link. Pure.

Before the payment a payer has to see what he pays for; afterwards the page may be passed on, printed and
mailed, and says only as much as he needs to know his own number again.
"""

import re
from typing import Final

from tiyin.gateway.notifications.port import mask_phone

__all__ = ["hide_phone"]

# "tel" is a word of its own, so that a hotel's room and a Telegram id stay readable.
_NAMED: Final = re.compile(
    r"(?i:phone|telefon|msisdn|(?<![a-z])mobile|телефон|мобильн)|(?:(?<![A-Za-z])(?:tel|TEL)|Tel)(?![A-Za-z])"
)
_DIGITS_MIN: Final = 6
_NOT_DIGITS: Final = re.compile(r"[^0-9]")
_BETWEEN: Final = re.compile(r"[\s().\u2010-\u2015-]")
# A number of Uzbekistan's plan, in whatever field it stands.
_OF_UZBEKISTAN: Final = re.compile(
    r"(?:\+998|998(?=(?:20|33|50|55|61|62|65|66|67|69|7[0-9]|88|9[0-9])[0-9]{7}$))[0-9]{9}"
)


def hide_phone(value: str, *names: str) -> str:
    """Return an account's value with the middle of a phone number hidden; any other value as it is.

    Args:
        value: The value.
        names: What the field is called: its name, and its title where it has one.
    """
    digits = _NOT_DIGITS.sub("", value)
    named = len(digits) >= _DIGITS_MIN and any(_NAMED.search(name) for name in names)
    if named or _OF_UZBEKISTAN.fullmatch(_BETWEEN.sub("", value)) is not None:
        return mask_phone(digits)
    return value
