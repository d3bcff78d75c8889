"""How an SMS's text becomes bytes: the phones' own seven-bit alphabet (GSM 03.38) or UCS-2, in parts.

One part holds 160 characters of the seven-bit alphabet or 70 of UCS-2; of a longer text each part holds 153
or 67, since six bytes tell the phone how to put the parts together. Russian needs UCS-2. Uzbek in Latin
letters would, too, but only for U+02BB and the quotation marks, so these are written with their look-alikes
wherever that lets the whole text stay in the seven-bit alphabet.
"""

from typing import Final

import msgspec

from tiyin.protocol.hidden import rich_repr

__all__ = ["Coded", "code_sms", "count_parts", "plain_sms"]

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_ESCAPE: Final = 0x1B
_SEPTETS: Final = {
    **{character: bytes((place,)) for place, character in enumerate(_BASIC) if place != _ESCAPE},
    **{character: bytes((_ESCAPE, place)) for character, place in _EXTENDED.items()},
}
_LOOK_ALIKES: Final = str.maketrans(
    {
        **dict.fromkeys("\u02bb\u02bc\u2018\u2019", "'"),
        **dict.fromkeys("«»\u201c\u201d", '"'),
        **dict.fromkeys("\u2013\u2014", "-"),
        **dict.fromkeys("\u00a0\u202f", " "),
        "…": "...",
    }
)

_GSM_ALONE: Final = 160
_GSM_PART: Final = 153
_UCS_ALONE: Final = 140
_UCS_PART: Final = 134
_PARTS_MAX: Final = 255

GSM_7: Final = 0
UCS_2: Final = 8


class Coded(msgspec.Struct, frozen=True):
    """A text as bytes.

    Args:
        data_coding: SMPP's word for the alphabet: 0 for the seven-bit one, 8 for UCS-2.
        parts: What each part carries; seven-bit characters unpacked, one to a byte.
    """

    data_coding: int
    parts: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"Coded({self.data_coding}, {len(self.parts)} parts)"

    __rich_repr__ = rich_repr


def plain_sms(text: str) -> str:
    """Write look-alikes where that lets a text be sent in the seven-bit alphabet; else leave it unchanged."""
    plain = text.translate(_LOOK_ALIKES)
    return plain if all(character in _SEPTETS for character in plain) else text


def code_sms(text: str) -> Coded:
    """Code a text in as few parts as it takes.

    Args:
        text: What to say.

    Raises:
        ValueError: If it takes more than 255 parts.
    """
    plain = plain_sms(text)
    if all(character in _SEPTETS for character in plain):
        units, alone, part, coding = [_SEPTETS[one] for one in plain], _GSM_ALONE, _GSM_PART, GSM_7
    else:
        # A character beyond the basic plane is a pair that no part may divide.
        units, alone, part, coding = (
            [one.encode("utf-16-be", "replace") for one in text],
            _UCS_ALONE,
            _UCS_PART,
            UCS_2,
        )
    if sum(map(len, units)) <= alone:
        return Coded(coding, (b"".join(units),))
    parts, filling = [], bytearray()
    for unit in units:
        if len(filling) + len(unit) > part:
            parts.append(bytes(filling))
            filling.clear()
        filling += unit
    parts.append(bytes(filling))
    if len(parts) > _PARTS_MAX:
        raise ValueError("an SMS has at most 255 parts")
    return Coded(coding, tuple(parts))


def count_parts(text: str) -> int:
    """Count the parts that a text is sent, and paid for, in."""
    return len(code_sms(text).parts)
