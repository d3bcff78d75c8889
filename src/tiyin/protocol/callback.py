"""The address to which a payer returns: which ones are allowed, and how its placeholders are filled.

Documentation: checkout/post-form
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, urlsplit

__all__ = ["CALLBACK_LENGTH_MAX", "fill_callback", "read_callback"]

CALLBACK_LENGTH_MAX: Final = 2048

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f-\x9f\\\ud800-\udfff\u2028\u2029]")
_NAME_END: Final = "(?![A-Za-z0-9_])"
_AUTHORITY = re.compile(r"(?:[A-Za-z0-9_.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?")
_PRINTABLE: Final = "".join(map(chr, range(0x21, 0x7F)))


def read_callback(text: str) -> str:
    """Read a callback: an http or https address.

    Args:
        text: the address, at most `CALLBACK_LENGTH_MAX` characters; may hold `:transaction` and
            `:account.{field}` behind its host.

    Returns:
        The address as it was given.

    Raises:
        ValueError: for any other scheme (also an application's own), an address without a host or with a
            name and password, and characters that no address holds.

    Documentation: checkout/post-form
    """
    if not 0 < len(text) <= CALLBACK_LENGTH_MAX or _FORBIDDEN.search(text):
        raise ValueError("must be an address")
    parts = urlsplit(text)  # Raises ValueError itself for brackets that hold no address.
    if parts.scheme not in ("http", "https"):
        raise ValueError("must be an http or https address")
    if _AUTHORITY.fullmatch(parts.netloc) is None:
        raise ValueError("must have a host, and only a port besides it")
    return text


def fill_callback(url: str, transaction_id: str | None, account: Mapping[str, str | int]) -> str:
    """Fill a callback's placeholders.

    Args:
        url: an address that `read_callback` let through.
        transaction_id: what `:transaction` becomes; None becomes `null`, as when no transaction could be
            made.
        account: what `:account.{field}` becomes; an unknown field becomes nothing.

    Returns:
        The address in ASCII. Every filled value is percent-encoded, so that it can neither end the part of
        the address it stands in nor bring a placeholder of its own.

    Documentation: checkout/post-form
    """
    names = "|".join(map(re.escape, sorted(account, key=len, reverse=True)))
    known = f"(?:{names}){_NAME_END}|" if names else ""
    placeholder = re.compile(rf":transaction{_NAME_END}|:account\.({known}[A-Za-z0-9_]+)")

    def value_of(match: re.Match[str]) -> str:
        name = match[1]
        value = (transaction_id or "null") if name is None else str(account.get(name, ""))
        return quote(value, safe="")

    return quote(placeholder.sub(value_of, url), safe=_PRINTABLE)
