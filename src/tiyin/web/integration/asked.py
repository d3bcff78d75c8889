"""What a merchant asked the snippets' page for, as it stands in its address.

Documentation: checkout/button-and-qr, checkout/get-link
"""

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Final

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.callback import read_callback
from tiyin.protocol.checkout_link import (
    CALLBACK_TIMEOUT_MS,
    CheckoutRequest,
    read_timeout_text,
)
from tiyin.protocol.values import (
    ACCOUNT_NAME_LENGTH_MAX,
    ACCOUNT_VALUE_LENGTH_MAX,
    Language,
    is_clean_text,
    read_language,
)
from tiyin.web.checkout.amounts import tiyin_of
from tiyin.web.words import N_

__all__ = ["ACCOUNT", "Asked", "Kind", "Typed", "inputs_of", "read_asked"]

ACCOUNT: Final = "ac."
"""What the name of an account's field begins with, as in a link."""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WIDTH: Final = re.compile(r"[0-9]{1,4}(?:px|%|em|rem)?")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class Kind(StrEnum):
    """What is put into the merchant's page."""

    BUTTON = "button"
    QR = "qr"
    FORM = "form"
    LINK = "link"


class Typed(msgspec.Struct, frozen=True):
    """The fields as they were typed; nothing is judged yet.

    Args:
        merchant: The cash desk's id or alias.
        account: Values by the names of the account's fields.
        field: The name of the account's field, where the cash desk names none itself.
        sums: The amount, in sums.
        pay_lang: The payment page's language.
        callback: Where the payer returns.
        timeout: How long the result stands, milliseconds.
        kind: What is wanted.
        style: The button's style.
        format: The button's format.
        width: The picture's width.
        complete: Whether more than the cash desk was asked for.
    """

    merchant: str
    account: dict[str, str]
    field: str
    sums: str
    pay_lang: Language
    callback: str
    timeout: str
    kind: Kind
    style: str
    format: str
    width: str
    complete: bool

    @classmethod
    def of(cls, values: Mapping[str, str], language: Language) -> "Typed":
        """Take the fields from the page's address.

        Args:
            values: The address's names and values.
            language: The page's own language, where none is asked for the payment page.
        """
        kind = values.get("kind", "")
        return cls(
            merchant=values.get("merchant", "").strip(),
            account={k.removeprefix(ACCOUNT): v for k, v in values.items() if k.startswith(ACCOUNT)},
            field=values.get("field", "order_id").strip(),
            sums=values.get("sum", "").strip(),
            pay_lang=read_language(values["pay_lang"]) if values.get("pay_lang") else language,
            callback=values.get("callback", "").strip(),
            timeout=values.get("timeout", "").strip(),
            kind=Kind(kind) if kind in set(Kind) else Kind.BUTTON,
            style="white" if values.get("style") == "white" else "colored",
            format="png" if values.get("format") == "png" else "svg",
            width=values.get("width", "").strip(),
            complete="sum" in values,
        )


class Asked(msgspec.Struct, frozen=True):
    """What was asked for.

    Args:
        request: What the snippet asks to be paid; None where a field is wrong.
        errors: What is wrong, by field, to be translated; `%(least)s` and `%(most)s` stand for the cash
            desk's limits.
    """

    request: CheckoutRequest | None
    errors: dict[str, str]


def read_asked(typed: Typed, desk: Desk) -> Asked:
    """Judge the fields.

    Args:
        typed: The fields.
        desk: The cash desk that they name.
    """
    errors: dict[str, str] = {}
    account = _account(typed, desk, errors)
    amount_tiyin = tiyin_of(typed.sums)
    if amount_tiyin is None:
        errors["sum"] = N_("Enter the amount in sums, such as 5000.")
    elif not desk.amount_tiyin_min <= amount_tiyin <= desk.amount_tiyin_max:
        errors["sum"] = N_("This cash desk takes from %(least)s to %(most)s.")
    if typed.callback and not _reads(read_callback, typed.callback):
        errors["callback"] = N_("Enter an address that begins with https://.")
    if typed.timeout and not _reads(read_timeout_text, typed.timeout):
        errors["timeout"] = N_("Enter milliseconds, from 0 to 3600000.")
    if typed.width and _WIDTH.fullmatch(typed.width) is None:
        errors["width"] = N_("Enter a width such as 250px.")
    if errors or amount_tiyin is None:
        return Asked(None, errors)
    request = CheckoutRequest(
        merchant=typed.merchant,
        account=dict(account),
        amount_tiyin=amount_tiyin,
        lang=typed.pay_lang,
        callback=typed.callback or None,
        callback_timeout_ms=read_timeout_text(typed.timeout) if typed.timeout else CALLBACK_TIMEOUT_MS,
    )
    return Asked(request, {})


def inputs_of(desk: Desk) -> list[str]:
    """Return the names of the account's inputs; one without a name where the cash desk takes any field."""
    return [ACCOUNT + field.name for field in desk.account_fields] or [ACCOUNT]


def _account(typed: Typed, desk: Desk, errors: dict[str, str]) -> dict[str, str]:
    account = {}
    if not desk.account_fields and not _is_name(typed.field):
        errors["field"] = N_("Enter the field's name, such as order_id.")
    for field in inputs_of(desk):
        name = field.removeprefix(ACCOUNT)
        value = typed.account.get(name, "").strip()
        if not value:
            errors[field] = N_("Enter what is being paid for.")
        elif len(value) > ACCOUNT_VALUE_LENGTH_MAX or not is_clean_text(value) or _CONTROL.search(value):
            errors[field] = N_("Enter at most 256 characters.")
        elif ";" in value and typed.kind in {Kind.LINK, Kind.QR}:
            errors[field] = N_("A link cannot carry the sign ; here.")
        account[name or typed.field] = value
    return account


def _is_name(text: str) -> bool:
    return len(text) <= ACCOUNT_NAME_LENGTH_MAX and _NAME.fullmatch(text) is not None


def _reads(read: Callable[[str], object], text: str) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True
