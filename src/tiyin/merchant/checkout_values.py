"""What a shop gives its checkout, read early: a payer must never be the one who meets a mistake.

Every refusal is a `FieldError` that names the argument and says what to change.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from tiyin.protocol.callback import read_callback as read_address
from tiyin.protocol.checkout_form import DESCRIPTION_LENGTH_MAX
from tiyin.protocol.checkout_link import CALLBACK_TIMEOUT_MS, CALLBACK_TIMEOUT_MS_MAX
from tiyin.protocol.checkout_link import read_merchant as read_id_or_alias
from tiyin.protocol.values import (
    LANGUAGES,
    Account,
    FieldError,
    Language,
    Text,
    is_clean_text,
    read_account,
    read_amount,
)

__all__ = [
    "check_drawing",
    "read_amount_tiyin",
    "read_base_url",
    "read_callback",
    "read_description",
    "read_desk",
    "read_fields",
    "read_language",
    "read_timeout",
]

_PLACEHOLDER: Final = re.compile(r"(?<=[/=?&#]):([A-Za-z_][A-Za-z0-9_]*)(?:\.([^/?&#=]*))?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_ADDRESS = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,2048}")  # printable ASCII but a backslash
_WIDTH: Final = re.compile(r"[0-9]{1,4}(?:px|%|em|rem)?")
_ID: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")
_NONCE: Final = re.compile(r"[A-Za-z0-9+/_=-]{1,256}")


def read_desk(desk: str) -> str:
    """Read a cash desk's id or alias."""
    try:
        return read_id_or_alias(desk)
    except (TypeError, ValueError):
        raise FieldError("desk", "must be a cash desk's id (24 characters) or its alias") from None


def read_fields(account: Mapping[str, str | int], known: Sequence[str]) -> Account:
    """Read an account; known are the cash desk's fields, or none if they are not known.

    Raises:
        FieldError: If it is empty, or not as documented, or has other fields.
    """
    fields = read_account(account)
    if not fields:
        raise FieldError("account", "must have at least one field")
    for name, value in fields.items():
        if value == "":
            raise FieldError(name, "is empty: nothing can be paid for by it")
        # An address and a form each change line ends on their way.
        if _CONTROL.search(name) or (isinstance(value, str) and _CONTROL.search(value)):
            raise FieldError(name, "must have no control characters")
    if known and set(fields) != set(known):
        raise FieldError("account", f"must have the cash desk's fields ({', '.join(known)}) and no others")
    return fields


def read_base_url(text: str) -> str:
    """Read a checkout's address, without a slash at its end."""
    if not _ADDRESS.fullmatch(text):
        raise FieldError("base_url", "is no address")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise FieldError("base_url", "is no address") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or "?" in text or "#" in text:
        raise FieldError(
            "base_url", "must be production, test, or the http(s) address of a gateway's checkout"
        )
    if parts.username is not None:
        raise FieldError("base_url", "must have no name and no password in it")
    return text.rstrip("/")


def read_language(language: str) -> Language:
    """Read one of the page's languages, strictly."""
    for known in LANGUAGES:
        if language == known:
            return known
    raise FieldError("language", f"must be one of {', '.join(LANGUAGES)}")


def read_amount_tiyin(amount_tiyin: int) -> int:
    """Read an amount in tiyin."""
    if isinstance(amount_tiyin, bool) or not isinstance(amount_tiyin, int):
        raise FieldError(
            "amount_tiyin",
            f"must be an int, not {type(amount_tiyin).__name__}; tiyin_from_sums turns sums into tiyin",
        )
    try:
        return read_amount(int(amount_tiyin))
    except ValueError as error:
        raise FieldError("amount_tiyin", str(error)) from None


def read_timeout(timeout_ms: int | None) -> int:
    """Read how long the page waits, in milliseconds; None is Payme's own."""
    if timeout_ms is None:
        return CALLBACK_TIMEOUT_MS
    if isinstance(timeout_ms, bool) or not isinstance(timeout_ms, int):
        raise FieldError("callback_timeout_ms", "must be a whole number of milliseconds")
    if not 0 <= timeout_ms <= CALLBACK_TIMEOUT_MS_MAX:
        raise FieldError("callback_timeout_ms", f"must be from 0 to {CALLBACK_TIMEOUT_MS_MAX} milliseconds")
    return timeout_ms


def read_callback(callback: str, fields: Sequence[str]) -> str:
    """Read a callback and its placeholders; fields are the account's, as far as they are known."""
    try:
        read_address(callback)
    except (TypeError, ValueError) as error:
        raise FieldError("callback", str(error)) from None
    for match in _PLACEHOLDER.finditer(callback):
        name, field = match[1], match[2]
        if name == "transaction":
            continue
        if name != "account" or not field:
            raise FieldError(
                "callback",
                f"has :{name} in it, but Payme fills in :transaction and :account.<field> only "
                "(write %3A for a colon that is meant)",
            )
        if fields and not any(re.match(rf"{re.escape(known)}(?![A-Za-z0-9_])", field) for known in fields):
            raise FieldError("callback", f"has :account.{field} in it, but the account has no such field")
    return callback


def read_description(description: Text | str) -> Text:
    """Read what the payer reads."""
    text = Text.same(description) if isinstance(description, str) else description
    if not isinstance(text, Text):
        raise FieldError("description", "must be a Text or a str")
    for words in (text.ru, text.uz, text.en):
        if not words.strip() or len(words) > DESCRIPTION_LENGTH_MAX or not is_clean_text(words):
            raise FieldError("description", f"must have 1 to {DESCRIPTION_LENGTH_MAX} characters")
    return text


def check_drawing(style: str, picture: str, width: str | None, html_id: str, nonce: str | None) -> None:
    """Refuse what stands in HTML and a script unescaped, unless it is as narrow as this."""
    if style not in ("colored", "white"):
        raise FieldError("style", "must be colored or white")
    if picture not in ("svg", "png"):
        raise FieldError("picture", "must be svg or png")
    if width is not None and _WIDTH.fullmatch(width) is None:
        raise FieldError("width", "must be a width such as 200px")
    if _ID.fullmatch(html_id) is None:
        raise FieldError("html_id", "must be a letter, then letters, digits, - and _")
    if nonce is not None and _NONCE.fullmatch(nonce) is None:
        raise FieldError("nonce", "must be the base64 text of the policy's nonce")
