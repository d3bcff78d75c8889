"""What a client of the Subscribe API was made with. What cannot work is refused at once.

Documentation: subscribe-api/overview
"""

import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

import msgspec

from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import ID_LENGTH, LANGUAGES, Language
from tiyin.runtime.addresses import is_allowed, is_global, read_address

__all__ = ["PRODUCTION", "TEST", "Settings"]

PRODUCTION: Final = "https://checkout.paycom.uz/api"
"""Where real money moves; `base_url="production"` means the same."""
TEST: Final = "https://checkout.test.paycom.uz/api"
"""Payme's test cash desks; `base_url="test"` means the same."""

_NAMES: Final = {"production": PRODUCTION, "test": TEST}
_TIMEOUT_MS_MAX: Final = 600_000
_RETRIES_MAX: Final = 10
_DESK_ID: Final = re.compile(r"[\x21-\x39\x3b-\x7e]{24}")  # anything printable but a colon
_KEY: Final = re.compile(r"[\x21-\x7e]{1,1024}")
_ADDRESS: Final = re.compile(r"[\x21-\x5b\x5d-\x7e]{1,2048}")  # printable ASCII but a backslash


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a client was made with; see `SubscribeClient`.

    Raises:
        TypeError: If something is of a kind that cannot work.
        ValueError: If a value cannot work.
    """

    desk_id: str
    key: str | None
    base_url: str
    timeout_ms: int
    pay_timeout_ms: int
    total_ms: int
    retries: int
    language: Language
    allow_http: bool

    def __post_init__(self) -> None:
        _check_desk(self.desk_id, self.key)
        msgspec.structs.force_setattr(self, "base_url", _read_base_url(self.base_url, self.allow_http))
        for name in ("timeout_ms", "pay_timeout_ms", "total_ms"):
            _check_whole(name, getattr(self, name), 1, _TIMEOUT_MS_MAX, " milliseconds")
        _check_whole("retries", self.retries, 0, _RETRIES_MAX, "")
        if self.language not in LANGUAGES:
            raise ValueError(f"language is one of {', '.join(LANGUAGES)}")

    def __repr__(self) -> str:
        return f"Settings(desk_id={self.desk_id!r}, key=<hidden>, base_url={self.base_url!r})"

    __rich_repr__ = rich_repr

    def x_auth(self, *, front: bool) -> str:
        """Return the value of the header X-Auth.

        Args:
            front: For the methods that the documentation shows with the desk's id alone.
        """
        return self.desk_id if front or self.key is None else f"{self.desk_id}:{self.key}"


def _check_desk(desk_id: object, key: object) -> None:
    if not isinstance(desk_id, str):
        raise TypeError("desk_id is the cash desk's id, a string")
    if ":" in desk_id:
        raise ValueError("desk_id holds a colon: give id and key apart, SubscribeClient(desk_id, key)")
    if not _DESK_ID.fullmatch(desk_id):
        raise ValueError(
            f"desk_id is the cash desk's id, {ID_LENGTH} characters, as its settings in the cabinet show it "
            f"(got {len(desk_id)} characters); the key is the second argument"
        )
    if key is None:
        return
    if not isinstance(key, str):
        raise TypeError("key is the cash desk's key, a string")
    if not key:
        raise ValueError("key is empty: set the cash desk's key, or leave it out to call cards.* alone")
    if not _KEY.fullmatch(key):
        raise ValueError("key holds spaces or characters that no key has: copy it again from the cabinet")
    if key.startswith(f"{desk_id}:"):
        raise ValueError("key begins with the desk's id: give the key alone, without the id and the colon")


def _read_base_url(base_url: object, allow_http: object) -> str:
    if not isinstance(base_url, str):
        raise TypeError("base_url is 'production', 'test' or the address of a gateway's API, a string")
    if base_url in _NAMES:
        return _NAMES[base_url]
    parts = _split(base_url)
    if parts is None:
        raise ValueError(
            "base_url is 'production', 'test' or an address such as https://pay.example.uz/api, without "
            "login, question mark or #"
        )
    if parts.path in ("", "/"):
        raise ValueError(f"base_url names no path: write {base_url.rstrip('/')}/api")
    if parts.scheme == "http" and allow_http is not True and not _is_near(parts.hostname or ""):
        raise ValueError(
            f"base_url would send the key to {parts.hostname} unencrypted: write https://, or say "
            "allow_http=True if that network is yours"
        )
    return base_url


def _split(base_url: str) -> SplitResult | None:
    """Take an address to pieces; None if it is none that can be called."""
    if not _ADDRESS.fullmatch(base_url):
        return None
    try:
        parts = urlsplit(base_url)
        port_is_good = parts.port != 0
    except ValueError:
        return None
    named = parts.scheme in ("https", "http") and parts.hostname and port_is_good
    plain = "@" not in parts.netloc and "?" not in base_url and "#" not in base_url
    return parts if named and plain else None


def _is_near(host: str) -> bool:
    """Tell whether a host is this machine or stands in a private network."""
    address = read_address(host)
    if address is None:
        return host == "localhost" or host.endswith(".localhost")
    return is_allowed(address, allow_private=True) and not is_global(address)


def _check_whole(name: str, value: object, least: int, most: int, unit: str) -> None:
    if type(value) is not int:
        raise TypeError(f"{name} is an integer, not {type(value).__name__}")
    if not least <= value <= most:
        raise ValueError(f"{name} is from {least} to {most}{unit}, not {value}")
