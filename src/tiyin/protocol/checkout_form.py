"""The checkout form: a receipt sent by POST, and how a shop writes such a form.

Documentation: checkout/post-form
"""

import base64
import binascii
import re
from collections.abc import Iterable
from html import escape
from typing import Any, Final

import msgspec

from tiyin.protocol.callback import fill_callback, read_callback
from tiyin.protocol.checkout_link import (
    CALLBACK_TIMEOUT_MS,
    CheckoutRequest,
    PartialRequest,
    read_amount_text,
    read_field,
    read_merchant,
    read_timeout_text,
)
from tiyin.protocol.errors import wrong_field
from tiyin.protocol.fiscal import read_detail
from tiyin.protocol.values import (
    LANGUAGES,
    Account,
    FieldError,
    Text,
    is_clean_text,
    read_account,
    read_language,
    read_text,
)

__all__ = [
    "BUTTON",
    "DETAIL_LENGTH_MAX",
    "FORM_FIELDS",
    "fill_callback",
    "partial_pairs",
    "read_form",
    "read_form_in_part",
    "write_form",
]

PAIRS_MAX: Final = 64
DETAIL_LENGTH_MAX: Final = 128 * 1024
DESCRIPTION_LENGTH_MAX: Final = 1024
BUTTON: Final = Text(ru="Оплатить с помощью Payme", uz="Payme orqali toʻlash", en="Pay with Payme")

_ACCOUNT = re.compile(r"account\[(?P<name>[^\[\]]*)\]")
_NAMES: Final = frozenset(
    {
        "merchant",
        "amount",
        "lang",
        "callback",
        "callback_timeout",
        "description",
        "detail",
        *(f"description[{language}]" for language in LANGUAGES),
    }
)
FORM_FIELDS: Final = frozenset({*_NAMES, "account", "form"})
"""What an error about a form may name; in `account[...]` stands a name that the form's writer chose."""


def write_form(action: str, request: CheckoutRequest, *, button: str | None = None) -> str:
    """Write a checkout form as HTML, every value escaped.

    Args:
        action: the checkout's address.
        request: what to pay. Defaults are left out.
        button: the button's text; by default "pay with Payme" in the request's language.

    Raises:
        ValueError: when the request holds no documented value.

    Documentation: checkout/post-form
    """
    inputs = [
        f'  <input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in form_pairs(request)
    ]
    text = escape(button if button is not None else BUTTON.in_language(request.lang))
    lines = [
        f'<form method="POST" action="{escape(action)}">',
        *inputs,
        f'  <button type="submit">{text}</button>',
    ]
    return "\n".join([*lines, "</form>", ""])


def form_pairs(request: CheckoutRequest) -> list[tuple[str, str]]:
    """Return the names and values of a checkout form's fields.

    Raises:
        ValueError: when the request holds no documented value.
    """
    if not request.account:
        raise FieldError("account", "is required")
    pairs = [
        ("merchant", read_merchant(request.merchant)),
        ("amount", str(read_amount_text(str(request.amount_tiyin)))),
    ]
    for name, value in read_account(request.account).items():
        if "[" in name or "]" in name:
            raise FieldError(name, "a form cannot carry brackets in the name of a field")
        pairs.append((f"account[{name}]", str(value)))
    if request.lang != "ru":
        pairs.append(("lang", request.lang))
    if request.callback is not None:
        pairs.append(("callback", read_callback(request.callback)))
    if request.callback_timeout_ms != CALLBACK_TIMEOUT_MS:
        pairs.append(("callback_timeout", str(read_timeout_text(str(request.callback_timeout_ms)))))
    if request.description is not None:
        pairs += _description_pairs(request.description)
    if request.detail is not None:
        read_detail(request.detail)
        encoded = base64.b64encode(msgspec.json.encode(request.detail)).decode("ascii")
        if len(encoded) > DETAIL_LENGTH_MAX:
            raise FieldError("detail", f"must have at most {DETAIL_LENGTH_MAX} characters in base64")
        pairs.append(("detail", encoded))
    return pairs


def _description_pairs(description: Text) -> list[tuple[str, str]]:
    texts = description.as_dict()
    if len(set(texts.values())) == 1:
        return [("description", description.ru)]
    return [(f"description[{language}]", text) for language, text in texts.items()]


def read_form(pairs: Iterable[tuple[str, str]], referer: str | None = None) -> CheckoutRequest:
    """Read a checkout form.

    Args:
        pairs: the names and values as they were posted, in any order. Unknown names are ignored, as
            `button` and `qr` are.
        referer: the request's Referer header, the callback when the form names none.

    Returns:
        The request. An unknown language is Russian.

    Raises:
        RpcError: -31610 whose `data` is the name of the field that is missing, wrong or there twice.

    Documentation: checkout/post-form, checkout/errors
    """
    values, account = _split(pairs)
    callback = values.get("callback")
    timeout = values.get("callback_timeout")
    detail = values.get("detail")
    return CheckoutRequest(
        merchant=read_field("merchant", read_merchant, values.get("merchant", "").strip()),
        account=_account(account),
        amount_tiyin=read_field("amount", read_amount_text, values.get("amount", "")),
        lang=read_language(values.get("lang")),
        callback=read_field("callback", read_callback, callback) if callback else _callback_of(referer),
        callback_timeout_ms=(
            read_field("callback_timeout", read_timeout_text, timeout) if timeout else CALLBACK_TIMEOUT_MS
        ),
        description=_description(values),
        detail=read_field("detail", _read_detail_text, detail) if detail else None,
    )


def read_form_in_part(pairs: Iterable[tuple[str, str]], referer: str | None = None) -> PartialRequest:
    """Read a form that may leave amount and account to the payer; all else is read as `read_form` does.

    The goods of `detail` are left out: they belong to an amount that the shop has named.

    Args:
        pairs: as for `read_form`.
        referer: as for `read_form`.

    Raises:
        RpcError: -31610 as from `read_form`; what is absent or empty is not wrong.

    Documentation: checkout/post-form, introduction (desks without billing)
    """
    values, account = _split(pairs)
    callback = values.get("callback")
    timeout = values.get("callback_timeout")
    amount = values.get("amount", "")
    return PartialRequest(
        merchant=read_field("merchant", read_merchant, values.get("merchant", "").strip()),
        account=_account(account) if account else {},
        amount_tiyin=read_field("amount", read_amount_text, amount) if amount.strip() else None,
        lang=read_language(values.get("lang")),
        callback=read_field("callback", read_callback, callback) if callback else _callback_of(referer),
        callback_timeout_ms=(
            read_field("callback_timeout", read_timeout_text, timeout) if timeout else CALLBACK_TIMEOUT_MS
        ),
        description=_description(values),
    )


def partial_pairs(request: PartialRequest) -> list[tuple[str, str]]:
    """Return the names and values by which `read_form_in_part` reads the same request again.

    Args:
        request: what is known so far.
    """
    pairs = [("merchant", request.merchant)]
    pairs += [(f"account[{name}]", str(value)) for name, value in request.account.items()]
    if request.amount_tiyin is not None:
        pairs.append(("amount", str(request.amount_tiyin)))
    pairs.append(("lang", request.lang))
    if request.callback is not None:
        pairs.append(("callback", request.callback))
    if request.callback_timeout_ms != CALLBACK_TIMEOUT_MS:
        pairs.append(("callback_timeout", str(request.callback_timeout_ms)))
    if request.description is not None:
        pairs += _description_pairs(request.description)
    return pairs


def _split(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, str], dict[str, str]]:
    """Part the form's fields into its own and the account's."""
    values: dict[str, str] = {}
    account: dict[str, str] = {}
    for count, (name, value) in enumerate(pairs):
        if count >= PAIRS_MAX:
            raise wrong_field("form")
        match = _ACCOUNT.fullmatch(name)
        if match is None and name not in _NAMES:
            continue
        into, key = (values, name) if match is None else (account, match["name"])
        if key in into or not is_clean_text(value):
            raise wrong_field(name)
        into[key] = value
    return values, account


def _account(fields: dict[str, str]) -> Account:
    if not fields:
        raise wrong_field("account")
    try:
        return read_account(fields)
    except FieldError as error:
        raise wrong_field(f"account[{error.field}]" if error.field else "account") from error


def _description(values: dict[str, str]) -> Text | None:
    for name, value in values.items():
        if name.startswith("description") and len(value) > DESCRIPTION_LENGTH_MAX:
            raise wrong_field(name)
    common = values.get("description", "")
    return read_text({language: values.get(f"description[{language}]") or common for language in LANGUAGES})


def _callback_of(referer: str | None) -> str | None:
    """Take the page that sent the form as the callback, unless it is no address to go back to."""
    if not referer:
        return None
    try:
        return read_callback(referer)
    except ValueError:
        return None


def _read_detail_text(text: str) -> dict[str, Any]:
    if len(text) > DETAIL_LENGTH_MAX:
        raise ValueError(f"must have at most {DETAIL_LENGTH_MAX} characters")
    # A form body that was decoded carelessly has spaces where base64 has plus signs.
    digits = text.strip().replace(" ", "+").replace("-", "+").replace("_", "/").rstrip("=")
    try:
        value = msgspec.json.decode(base64.b64decode(digits + "=" * (-len(digits) % 4), validate=True))
    except (binascii.Error, msgspec.DecodeError, UnicodeError, RecursionError):
        raise ValueError("must be JSON in base64") from None
    if not isinstance(value, dict):
        raise ValueError("must be an object")  # noqa: TRY004  # one kind of error for every wrong value
    read_detail(value)
    return value
