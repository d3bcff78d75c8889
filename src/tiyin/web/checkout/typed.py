"""What a payer typed: the form's fields, the card, the code.

The first look is only for what a payer can see himself: digits missing, a month that does not exist. Whether
the card is one is for the gateway's cards to say.
"""

import asyncio
import re
from typing import Final
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import ClientDisconnect, Request

from tiyin.protocol.errors import wrong_field
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import is_clean_text
from tiyin.web.words import N_

__all__ = ["CardTyped", "read_card", "read_code", "read_fields"]

_FORM_BYTES_MAX: Final = 256 * 1024
_FORM_S: Final = 30.0
_FIELDS_MAX: Final = 200
_TYPED_MAX: Final = 64
_NUMBER_DIGITS: Final = 16
_CODE_DIGITS: Final = 6
_BETWEEN: Final = re.compile(r"[\s\u00a0\u2009.-]")
_EXPIRY: Final = re.compile(r"(0?[1-9]|1[0-2])\s*[/.\s-]\s*(?:20)?([0-9]{2})|(0[1-9]|1[0-2])([0-9]{2})")


class CardTyped(msgspec.Struct, frozen=True):
    """A card as typed, and what is wrong with it at first sight.

    Args:
        number: Digits.
        expire: Month and year, "0399".
        errors: Errors by field, to be translated; empty where there are none.
    """

    number: str
    expire: str
    errors: dict[str, str]

    def __repr__(self) -> str:
        return f"CardTyped(errors={sorted(self.errors)})"

    __rich_repr__ = rich_repr


async def read_fields(request: Request) -> list[tuple[str, str]]:
    """Read a form's body as names and values.

    Args:
        request: The request; any content type is read as a plain form.

    Raises:
        RpcError: -31610, the form is too large, no form at all, or the browser went away.
    """
    body = bytearray()
    try:
        async with asyncio.timeout(_FORM_S):
            async for part in request.stream():
                body += part
                if len(body) > _FORM_BYTES_MAX:
                    raise wrong_field("form")
        return parse_qsl(
            body.decode(),
            keep_blank_values=True,
            max_num_fields=_FIELDS_MAX,
            encoding="utf-8",
            errors="strict",
        )
    except (ClientDisconnect, TimeoutError, ValueError):
        raise wrong_field("form") from None


def read_card(fields: dict[str, str]) -> CardTyped:
    """Read the card's two fields.

    Args:
        fields: The form.
    """
    number = _BETWEEN.sub("", _plain(fields.get("number", "")))
    expiry = _plain(fields.get("expire", ""))
    match = _EXPIRY.fullmatch(expiry)
    errors = {}
    if not number:
        errors["number"] = N_("Enter the card number.")
    elif not (number.isascii() and number.isdigit() and len(number) == _NUMBER_DIGITS):
        errors["number"] = N_("The card number has 16 digits. Check what is missing.")
    if not expiry:
        errors["expire"] = N_("Enter the card expiry.")
    elif match is None:
        errors["expire"] = N_("Month and year, as on the card: 03/27.")
    expire = "" if match is None else (match[1] or match[3]).zfill(2) + (match[2] or match[4])
    return CardTyped(number, expire, errors)


def read_code(fields: dict[str, str]) -> tuple[str, str]:
    """Read the code from the SMS.

    Args:
        fields: The form.

    Returns:
        The code, and what is wrong with it, to be translated; empty where nothing is.
    """
    code = _BETWEEN.sub("", _plain(fields.get("code", "")))
    if not code:
        return "", N_("Enter the code from the SMS.")
    if not (code.isascii() and code.isdigit() and len(code) == _CODE_DIGITS):
        return "", N_("The code has 6 digits.")
    return code, ""


def _plain(text: str) -> str:
    return text.strip() if len(text) <= _TYPED_MAX and is_clean_text(text) else "?"
