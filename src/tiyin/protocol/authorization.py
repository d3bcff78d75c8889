"""The headers that say who calls: Basic for the Merchant API, X-Auth for the Subscribe API.

Documentation: merchant-api/interaction, subscribe-api/overview
"""

import base64
import binascii
import hmac
from typing import Final

import msgspec

from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import is_clean_text

__all__ = ["Basic", "XAuth", "read_basic", "read_x_auth", "same_secret", "write_basic", "write_x_auth"]

_HEADER_LENGTH_MAX: Final = 2048


class Basic(msgspec.Struct, frozen=True):
    """Who calls a merchant's server.

    Args:
        login: `Paycom`, unless agreed otherwise.
        password: the cash desk's key; may hold any character, colons too.
    """

    login: str
    password: str

    def __repr__(self) -> str:
        return f"Basic(login={self.login!r}, password=<hidden>)"

    __rich_repr__ = rich_repr


class XAuth(msgspec.Struct, frozen=True):
    """Who calls the gateway.

    Args:
        desk_id: the cash desk.
        key: its key, which a merchant's server sends; None from a browser or an application.
    """

    desk_id: str
    key: str | None = None

    def __repr__(self) -> str:
        return f"XAuth(desk_id={self.desk_id!r}, key={'None' if self.key is None else '<hidden>'})"

    __rich_repr__ = rich_repr


def read_basic(header: str | None) -> Basic | None:
    """Read an Authorization header of the Basic scheme.

    Args:
        header: its value, or None.

    Returns:
        Login and password, split at the first colon; None when the header is missing or malformed.

    Documentation: merchant-api/interaction
    """
    if header is None or len(header) > _HEADER_LENGTH_MAX:
        return None
    scheme, _, encoded = header.strip().partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip().encode("ascii"), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeError):
        return None
    login, colon, password = decoded.partition(":")
    if not colon or not is_clean_text(decoded):
        return None
    return Basic(login=login, password=password)


def write_basic(login: str, password: str) -> str:
    """Write the value of an Authorization header.

    Raises:
        ValueError: when the login holds a colon, which no reader could tell from the separator.
    """
    if ":" in login:
        raise ValueError("a login cannot hold a colon")
    return "Basic " + base64.b64encode(f"{login}:{password}".encode()).decode("ascii")


def read_x_auth(header: str | None) -> XAuth | None:
    """Read an X-Auth header: `{id}` or `{id}:{key}`, split at the first colon.

    Returns:
        None when the header is missing, too long, or has an empty id or an empty key.

    Documentation: subscribe-api/overview
    """
    if header is None or len(header) > _HEADER_LENGTH_MAX:
        return None
    desk_id, colon, key = header.strip().partition(":")
    if not desk_id or (colon and not key) or not is_clean_text(header):
        return None
    return XAuth(desk_id=desk_id, key=key if colon else None)


def write_x_auth(desk_id: str, key: str | None = None) -> str:
    """Write the value of an X-Auth header.

    Raises:
        ValueError: when the id is empty or holds a colon.
    """
    if not desk_id or ":" in desk_id:
        raise ValueError("a cash desk's id is not empty and holds no colon")
    return desk_id if key is None else f"{desk_id}:{key}"


def same_secret(given: str, expected: str) -> bool:
    """Compare two secrets in a time that does not tell where they differ."""
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), expected.encode("utf-8", "surrogatepass")
    )
