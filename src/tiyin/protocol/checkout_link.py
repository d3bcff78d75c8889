"""The checkout link: a receipt sent by GET, `<checkout>/base64(m=...;ac.order_id=...;a=...)`.

A value of such a link cannot hold the separator `;`: writing one is refused, except in the callback, where
it is written as `%3B`, which means the same in an address. The reader does not guess: a raw `;` always
ends a value, and what follows it under an unknown key is ignored like any other unknown key.

Documentation: checkout/get-link
"""

import base64
import binascii
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from tiyin.protocol.callback import read_callback
from tiyin.protocol.errors import wrong_field
from tiyin.protocol.values import (
    ACCOUNT_FIELDS_MAX,
    AMOUNT_TIYIN_MAX,
    CURRENCY_UZS,
    Account,
    FieldError,
    Language,
    Text,
    is_clean_text,
    read_account,
    read_language,
)

__all__ = [
    "CALLBACK_TIMEOUT_MS",
    "CALLBACK_TIMEOUT_MS_MAX",
    "LINK_FIELDS",
    "LINK_LENGTH_MAX",
    "CheckoutRequest",
    "PartialRequest",
    "read_link",
    "read_link_in_part",
    "write_link",
]

CALLBACK_TIMEOUT_MS: Final = 15_000
CALLBACK_TIMEOUT_MS_MAX: Final = 3_600_000
LINK_LENGTH_MAX: Final = 8192
_NAMES: Final = frozenset({"m", "a", "l", "c", "ct", "cr"})
LINK_FIELDS: Final = _NAMES | {"ac", "params"}
"""What an error about a link may name; behind `ac.` follows a name that the link's writer chose."""

T = TypeVar("T")

_AMOUNT = re.compile(r"([0-9]{1,14})(?:\.0{1,4})?")
_TIMEOUT = re.compile(r"[0-9]{1,8}")
_MERCHANT = re.compile(r"[^\s;=/?#\x00-\x1f]{1,64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")
_TO_STANDARD: Final = str.maketrans("-_", "+/")


class CheckoutRequest(msgspec.Struct, frozen=True):
    """What a shop sends a payer to the checkout page with.

    Args:
        merchant: the cash desk's id or alias.
        account: what is being paid.
        amount_tiyin: how much.
        lang: the page's language.
        callback: where the payer goes afterwards; may hold the placeholders of `callback.fill_callback`.
        callback_timeout_ms: how long the page waits after a payment before it goes there.
        currency: 860.
        description: what the payer reads; only in a form.
        detail: the goods as they were given; only in a form.
    """

    merchant: str
    account: Account
    amount_tiyin: int
    lang: Language = "ru"
    callback: str | None = None
    callback_timeout_ms: int = CALLBACK_TIMEOUT_MS
    currency: int = CURRENCY_UZS
    description: Text | None = None
    detail: dict[str, Any] | None = None


class PartialRequest(msgspec.Struct, frozen=True):
    """A request whose amount or account is left to the payer, as desks without billing take it.

    Args:
        merchant: the cash desk's id or alias.
        account: as much of it as was given; may be empty.
        amount_tiyin: how much, or None where it is left to the payer.
        lang: the page's language.
        callback: as in `CheckoutRequest`.
        callback_timeout_ms: as in `CheckoutRequest`.
        description: what the payer reads; only in a form.
    """

    merchant: str
    account: Account
    amount_tiyin: int | None
    lang: Language = "ru"
    callback: str | None = None
    callback_timeout_ms: int = CALLBACK_TIMEOUT_MS
    description: Text | None = None


def write_link(base_url: str, request: CheckoutRequest, *, with_currency: bool = False) -> str:
    """Write a checkout link.

    Args:
        base_url: the checkout's address, such as `https://checkout.paycom.uz`.
        request: what to pay. Defaults are left out of the link.
        with_currency: whether to write `cr`, which has one value only.

    Returns:
        The address, in base64 with the URL-safe letters for `/` and `+`, which a path does not carry well.

    Raises:
        ValueError: for a value that holds `;`, that the documentation does not allow, or that cannot travel
            in a link, as `detail` cannot. A `FieldError` where one field is to blame.
    """
    pairs = _link_pairs(request)
    if with_currency:
        pairs.append(("cr", str(CURRENCY_UZS)))
    for name, value in pairs:
        if ";" in name or ";" in value:
            raise FieldError(name, "a link cannot carry the character ;")
        if "=" in name or name != name.strip():
            raise FieldError(name, "a link cannot carry such a name")
    text = ";".join(f"{name}={value}" for name, value in pairs)
    encoded = base64.urlsafe_b64encode(text.encode()).decode("ascii")
    if len(encoded) > LINK_LENGTH_MAX:
        raise ValueError(f"a link has at most {LINK_LENGTH_MAX} characters: send a form")
    return f"{base_url.rstrip('/')}/{encoded}"


def _link_pairs(request: CheckoutRequest) -> list[tuple[str, str]]:
    if not request.account:
        raise FieldError("account", "is required")
    if request.detail is not None or request.description is not None:
        raise ValueError("a link carries neither detail nor description: send a form")
    pairs = [("m", read_merchant(request.merchant))]
    pairs += [(f"ac.{name}", str(value)) for name, value in read_account(request.account).items()]
    pairs.append(("a", str(read_amount_text(str(request.amount_tiyin)))))
    if request.lang != "ru":
        pairs.append(("l", request.lang))
    if request.callback is not None:
        pairs.append(("c", read_callback(request.callback).replace(";", "%3B")))
    if request.callback_timeout_ms != CALLBACK_TIMEOUT_MS:
        pairs.append(("ct", str(read_timeout_text(str(request.callback_timeout_ms)))))
    return pairs


def read_link(encoded: str) -> CheckoutRequest:
    """Read what stands in a checkout link behind the checkout's address.

    Args:
        encoded: base64 of the standard or the URL-safe alphabet, padded or not; keys in any order.

    Returns:
        The request. An unknown language is Russian; unknown keys are ignored.

    Raises:
        RpcError: -31610 whose `data` is the link's key that is missing or wrong (`m`, `a`, `ac`,
            `ac.order_id`, `c`, `ct`, `cr`), or `params` when nothing in the link can be read.

    Documentation: checkout/get-link, checkout/errors
    """
    values, account = _split(_decode(encoded))
    _check_currency(values.get("cr"))
    callback, timeout_ms = _way_back(values)
    return CheckoutRequest(
        merchant=read_field("m", read_merchant, values.get("m", "")),
        account=_account(account),
        amount_tiyin=read_field("a", read_amount_text, values.get("a", "")),
        lang=read_language(values.get("l")),
        callback=callback,
        callback_timeout_ms=timeout_ms,
    )


def read_link_in_part(encoded: str) -> PartialRequest:
    """Read a link that may leave amount and account to the payer; all else is read as `read_link` does.

    Args:
        encoded: as for `read_link`.

    Raises:
        RpcError: -31610 as from `read_link`; what is absent or empty is not wrong.

    Documentation: checkout/get-link, introduction (desks without billing)
    """
    values, account = _split(_decode(encoded))
    _check_currency(values.get("cr"))
    callback, timeout_ms = _way_back(values)
    amount = values.get("a", "")
    return PartialRequest(
        merchant=read_field("m", read_merchant, values.get("m", "")),
        account=_account(account) if account else {},
        amount_tiyin=read_field("a", read_amount_text, amount) if amount.strip() else None,
        lang=read_language(values.get("l")),
        callback=callback,
        callback_timeout_ms=timeout_ms,
    )


def _check_currency(currency: str | None) -> None:
    if currency not in (None, "", str(CURRENCY_UZS), "UZS"):
        raise wrong_field("cr")


def _way_back(values: Mapping[str, str]) -> tuple[str | None, int]:
    callback, timeout = values.get("c"), values.get("ct")
    return (
        read_field("c", read_callback, callback) if callback else None,
        read_field("ct", read_timeout_text, timeout) if timeout else CALLBACK_TIMEOUT_MS,
    )


def _decode(encoded: str) -> str:
    if len(encoded) > LINK_LENGTH_MAX or _BASE64.fullmatch(encoded) is None:
        raise wrong_field("params")
    digits = encoded.rstrip("=").translate(_TO_STANDARD)
    try:
        text = base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError):
        raise wrong_field("params") from None
    if not is_clean_text(text):
        raise wrong_field("params")
    return text


def _split(text: str) -> tuple[dict[str, str], dict[str, str]]:
    """Part the link's text into its own values and the account's."""
    values: dict[str, str] = {}
    account: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        name = name.strip()
        if not part.strip():
            continue
        if not equals:
            raise wrong_field("params")
        if name not in _NAMES and not name.startswith("ac."):
            continue
        into, key = (account, name[3:]) if name.startswith("ac.") else (values, name)
        if key in into:
            raise wrong_field(name)
        into[key] = value
    return values, account


def _account(fields: Mapping[str, str]) -> Account:
    if not fields:
        raise wrong_field("ac")
    if len(fields) > ACCOUNT_FIELDS_MAX:
        raise wrong_field("ac")
    try:
        return read_account(fields)
    except FieldError as error:
        raise wrong_field(f"ac.{error.field}" if error.field else "ac") from error


def read_field(name: str, read: Callable[[str], T], text: str) -> T:
    """Read one value of a link or a form; -31610 with the field's name when it is wrong."""
    try:
        return read(text)
    except ValueError as error:
        raise wrong_field(name) from error


def read_merchant(text: str) -> str:
    """Read a cash desk's id or alias. Raises ValueError."""
    if _MERCHANT.fullmatch(text) is None or not is_clean_text(text):
        raise ValueError("must be a cash desk's id or alias")
    return text


def read_amount_text(text: str) -> int:
    """Read an amount in tiyin from digits; `500000.0` is 500000. Raises ValueError."""
    match = _AMOUNT.fullmatch(text.strip())
    if match is None or not 0 < int(match[1]) <= AMOUNT_TIYIN_MAX:
        raise ValueError(f"must be from 1 to {AMOUNT_TIYIN_MAX} tiyin")
    return int(match[1])


def read_timeout_text(text: str) -> int:
    """Read a callback timeout in milliseconds, at most `CALLBACK_TIMEOUT_MS_MAX`. Raises ValueError."""
    if _TIMEOUT.fullmatch(text.strip()) is None or int(text) > CALLBACK_TIMEOUT_MS_MAX:
        raise ValueError(f"must be from 0 to {CALLBACK_TIMEOUT_MS_MAX} milliseconds")
    return int(text)
