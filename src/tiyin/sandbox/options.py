"""Options that people write, read into a target; each that does not fit is named, with why."""

import os
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from tiyin.protocol.values import AMOUNT_TIYIN_MAX, LANGUAGES, Language, read_language
from tiyin.sandbox.new_account import account_from_command
from tiyin.sandbox.problems import CannotRun
from tiyin.sandbox.target import AccountKind, Target

__all__ = ["KEY_VARIABLE", "TIMEOUT_MS", "read_lang", "read_only", "read_target"]

KEY_VARIABLE: Final = "TIYIN_SANDBOX_KEY"
TIMEOUT_MS: Final = (100, 60_000)
"""How long one call may take, at least and at most, in milliseconds."""


def read_target(  # noqa: PLR0913 - each is an option
    *,
    endpoint: str | None,
    key: str | None,
    account: Sequence[str],
    amount: int | str | None,
    login: str = "Paycom",
    kind: str = "one-time",
    new_account_cmd: str | None = None,
    timeout_ms: int | str = 10_000,
    change_password: bool = False,
    prefix: str = "--",
    environ: Mapping[str, str] = os.environ,
) -> Target:
    """Make a target of what a person wrote.

    Args:
        endpoint: An http or https address.
        key: The key, or None for the environment's `TIYIN_SANDBOX_KEY`.
        account: `FIELD=VALUE` each.
        amount: The amount, in tiyin.
        login: The login of the Basic authorization.
        kind: `one-time` or `accumulating`.
        new_account_cmd: A shell command that prints a fresh account, or None.
        timeout_ms: How long one call may take, in milliseconds.
        change_password: Whether ChangePassword may be called.
        prefix: What the options' names begin with.
        environ: The environment.

    Raises:
        CannotRun: With one sentence that names the option.
    """
    if endpoint is None or not _is_address(endpoint):
        told = "missing" if endpoint is None else repr(_without_key(endpoint))
        raise CannotRun(
            f"{prefix}endpoint must be the http or https address of the Merchant API, such as "
            f"https://shop.example/payme; it is {told}."
        )
    key = environ.get(KEY_VARIABLE) if key is None else key
    if not key or not key.isprintable():
        raise CannotRun(
            f"{prefix}key must be the sandbox key (TEST_KEY); {KEY_VARIABLE} may hold it instead."
        )
    if not login or ":" in login or not login.isprintable():
        raise CannotRun(f"{prefix}login must be a name without a colon, not {login!r}.")
    if kind not in set(AccountKind):
        raise CannotRun(f"{prefix}kind must be one-time or accumulating, not {kind!r}.")
    amount_tiyin = _number(f"{prefix}amount", amount, 1, AMOUNT_TIYIN_MAX, "tiyin (100 tiyin are a sum)")
    fields = _account(account, prefix)
    if new_account_cmd is not None and not new_account_cmd.strip():
        raise CannotRun(f"{prefix}new-account-cmd must be a command, not nothing.")
    return Target(
        endpoint=endpoint,
        key=key,
        account=fields,
        amount_tiyin=amount_tiyin,
        login=login,
        kind=AccountKind(kind),
        new_account=None
        if new_account_cmd is None
        else account_from_command(new_account_cmd, tuple(fields), option=f"{prefix}new-account-cmd"),
        timeout_ms=_number(f"{prefix}timeout-ms", timeout_ms, *TIMEOUT_MS, "milliseconds"),
        change_password=change_password,
    )


def read_lang(lang: str, option: str = "--lang") -> Language:
    """Read a language.

    Args:
        lang: What was written.
        option: The option's name.

    Raises:
        CannotRun: If it is none of the three.
    """
    if lang not in LANGUAGES:
        raise CannotRun(f"{option} must be ru, uz or en, not {lang!r}.")
    return read_language(lang)


def read_only(only: Sequence[str]) -> frozenset[str] | None:
    """Read ids of checks or groups, each option one or several with commas; None for all.

    Args:
        only: What was written.
    """
    named = frozenset(part.strip() for one in only for part in one.split(",") if part.strip())
    return named or None


def _is_address(endpoint: str) -> bool:
    try:
        parts = urlsplit(endpoint)
        parts.port  # noqa: B018 - reading it tells whether it can be read
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.username is None


def _without_key(endpoint: str) -> str:
    """Show an address without a login and key that somebody wrote into it."""
    before, at, after = endpoint.rpartition("@")
    return f"{before.partition('://')[0]}://…@{after}" if at else endpoint


def _number(option: str, value: int | str | None, low: int, high: int, unit: str) -> int:
    sentence = f"{option} must be a whole number of {unit} from {low} to {high}"
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) <= len(str(high)) + 1):
            raise CannotRun(f"{sentence}, not {value!r}.")
        value = int(value)
    if value is None or not low <= value <= high:
        raise CannotRun(f"{sentence}; it is {'missing' if value is None else value}.")
    return value


def _account(pairs: Sequence[str], prefix: str) -> dict[str, str | int]:
    fields: dict[str, str | int] = {}
    for pair in pairs:
        field, equals, value = pair.partition("=")
        if not equals or not field or not value:
            raise CannotRun(f"{prefix}account must be FIELD=VALUE, such as order_id=1, not {pair!r}.")
        if field in fields:
            raise CannotRun(f"{prefix}account {field} is given twice.")
        fields[field] = value
    if not fields:
        raise CannotRun(f"{prefix}account must name a payable account, FIELD=VALUE, such as order_id=1.")
    return fields
