"""What a cash desk must be like: each refusal is one sentence that says what to change."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from tiyin.gateway.desks.origins import is_app_scheme, is_domain
from tiyin.gateway.desks.records import AccountField, Desk, DeskKind
from tiyin.protocol.values import AMOUNT_TIYIN_MAX, LANGUAGES, is_clean_text

__all__ = ["DeskRefused", "check_desk", "check_id", "check_key", "check_title", "with_main_field"]

_ID: Final = re.compile(r"[0-9a-f]{24}")
_FIELD_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_ALIAS: Final = re.compile(r"[a-z0-9][a-z0-9-]{1,30}[a-z0-9]")
_KEY: Final = re.compile(r"[!-~]{16,128}")
_EPOS: Final = re.compile(r"[0-9A-Za-z]{0,32}")
_TITLE_MAX: Final = 200
_ADDRESS_MAX: Final = 2000
_FIELDS_MAX: Final = 16
_DOMAINS_MAX: Final = 32
_BASIS_POINTS_MAX: Final = 10_000
_RESERVED_FIELD: Final = "transaction"


class DeskRefused(ValueError):
    """A business or a cash desk cannot be as asked.

    Args:
        field: Which of its fields.
        message: A sentence that says what to change.
    """

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def check_id(field: str, value: str) -> None:
    """Refuse an id that is not 24 lower-case hexadecimal characters."""
    if _ID.fullmatch(value) is None:
        raise DeskRefused(
            field, f"{field} must be 24 lower-case hexadecimal characters; leave it out to get a new one."
        )


def check_key(field: str, value: str) -> None:
    """Refuse a key that could not travel in a header or could be guessed; the key is never repeated."""
    if _KEY.fullmatch(value) is None:
        raise DeskRefused(
            field,
            f"{field} must be 16 to 128 printable ASCII characters without spaces; "
            "leave it out to get a new one.",
        )


def check_title(field: str, value: str, *, empty: bool = False) -> None:
    """Refuse a text that is blank (unless it may be), too long, or holds control characters."""
    if not value.strip() and not empty:
        raise DeskRefused(field, f"{field} must not be blank; write what payers should read.")
    if len(value) > _TITLE_MAX:
        raise DeskRefused(field, f"{field} has {len(value)} characters; shorten it to {_TITLE_MAX}.")
    if not is_clean_text(value) or any(ord(character) < ord(" ") for character in value):
        raise DeskRefused(field, f"{field} holds characters that cannot be shown; remove control characters.")


def with_main_field(fields: Sequence[AccountField]) -> tuple[AccountField, ...]:
    """Let the first account field be the main one where none was marked."""
    if not fields or any(field.main for field in fields):
        return tuple(fields)
    return (AccountField(fields[0].name, fields[0].title, main=True), *fields[1:])


def check_desk(desk: Desk) -> None:
    """Refuse a cash desk that could not take payments as its kind says.

    Raises:
        DeskRefused: With the field and a sentence that says what to change.
    """
    check_title("name", desk.name)
    check_title("address", desk.address, empty=True)
    for language in LANGUAGES:
        check_title("category", desk.category.in_language(language), empty=True)
    _check_endpoint(desk)
    _check_account_fields(desk)
    _check_amounts(desk)
    _check_names(desk)
    if len(desk.domains) > _DOMAINS_MAX:
        raise DeskRefused("domains", f"domains has {len(desk.domains)} entries; keep at most {_DOMAINS_MAX}.")
    for domain in desk.domains:
        if not (is_domain(domain) or is_app_scheme(domain)):
            raise DeskRefused(
                "domains",
                f"domains: {domain[:80]!r} is not a host name; write it like shop.uz, *.shop.uz "
                "or shop.uz:8443, in lower case, without https:// and without a path; or an app's own "
                "scheme, like uz.shop.app://.",
            )


def _check_endpoint(desk: Desk) -> None:
    if desk.endpoint is None:
        if desk.kind is DeskKind.BILLING:
            raise DeskRefused(
                "endpoint", "endpoint is missing; a billing desk needs its Merchant API address."
            )
        return
    if desk.kind not in (DeskKind.BILLING, DeskKind.TELEGRAM):
        raise DeskRefused(
            "endpoint", f"endpoint does not belong to a {desk.kind} desk; remove it, or make a billing desk."
        )
    problem = _address_problem(desk.endpoint, secure=not desk.test)
    if problem:
        raise DeskRefused("endpoint", f"endpoint {problem}")


def _address_problem(address: str, *, secure: bool) -> str | None:
    """Say what keeps an address from being called, or None. Where it leads to is judged with every call."""
    if len(address) > _ADDRESS_MAX or not address.isascii() or re.search(r"[\x00-\x20\x7f\\]", address):
        return f"must be at most {_ADDRESS_MAX} ASCII characters without spaces; encode what is not."
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address; write it like https://shop.uz/payme."
    if parts.scheme not in ("http", "https") or not host:
        return "is not a web address; write it like https://shop.uz/payme."
    if secure and parts.scheme != "https":
        return "must begin with https://; plain http is taken only where test cards are on."
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "must hold no login, password or #fragment; remove them."
    return None


def _check_account_fields(desk: Desk) -> None:
    fields = desk.account_fields
    if desk.kind is DeskKind.BILLING and not fields:
        raise DeskRefused(
            "account_fields", "account_fields is empty; a billing desk needs at least one, like order_id."
        )
    if len(fields) > _FIELDS_MAX:
        raise DeskRefused(
            "account_fields", f"account_fields has {len(fields)} fields; keep at most {_FIELDS_MAX}."
        )
    for field in fields:
        if _FIELD_NAME.fullmatch(field.name) is None:
            raise DeskRefused(
                "account_fields",
                f"account_fields: {field.name[:80]!r} is no field name; use 1 to 64 letters, digits, "
                "_, - or ., beginning with a letter or _.",
            )
        if field.name == _RESERVED_FIELD:
            raise DeskRefused(
                "account_fields",
                "account_fields: 'transaction' is the receipt's own number; choose another name.",
            )
        for language in LANGUAGES:
            check_title(
                f"account_fields: the {language} title of {field.name!r}", field.title.in_language(language)
            )
    if len({field.name for field in fields}) < len(fields):
        raise DeskRefused("account_fields", "account_fields has two fields of the same name; rename one.")
    if fields and sum(field.main for field in fields) != 1:
        raise DeskRefused("account_fields", "account_fields must have exactly one main field; mark one.")


def _check_amounts(desk: Desk) -> None:
    if not 1 <= desk.amount_tiyin_min <= AMOUNT_TIYIN_MAX:
        raise DeskRefused(
            "amount_tiyin_min", f"amount_tiyin_min must lie between 1 and {AMOUNT_TIYIN_MAX} tiyin."
        )
    if not desk.amount_tiyin_min <= desk.amount_tiyin_max <= AMOUNT_TIYIN_MAX:
        raise DeskRefused(
            "amount_tiyin_max",
            f"amount_tiyin_max must lie between amount_tiyin_min and {AMOUNT_TIYIN_MAX} tiyin.",
        )
    if not 0 <= desk.commission_basis_points <= _BASIS_POINTS_MAX:
        raise DeskRefused(
            "commission_basis_points",
            f"commission_basis_points must lie between 0 and {_BASIS_POINTS_MAX}; 100 is one per cent.",
        )


def _check_names(desk: Desk) -> None:
    if desk.alias is not None and (_ALIAS.fullmatch(desk.alias) is None or _ID.fullmatch(desk.alias)):
        raise DeskRefused(
            "alias",
            "alias must be 3 to 32 lower-case letters, digits and hyphens, and must not look like an id.",
        )
    if desk.logo is not None and not desk.logo.startswith("/"):
        problem = _address_problem(desk.logo, secure=not desk.test)
        if problem:
            raise DeskRefused("logo", f"logo {problem}")
    for number in (desk.epos.merchant_id, desk.epos.terminal_id):
        if _EPOS.fullmatch(number) is None:
            raise DeskRefused(
                "epos", "epos numbers are at most 32 letters and digits; copy them from the acquirer."
            )
