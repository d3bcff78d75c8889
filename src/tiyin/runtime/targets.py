"""What of an outgoing call is judged before anything is resolved or sent: its address and its headers."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

from pyreqwest.http import Url

from tiyin.runtime.addresses import read_address
from tiyin.runtime.http import NotSent

__all__ = ["Target", "check_headers", "read_target"]

_URL_LENGTH_MAX = 8192
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]{0,8192}")
_HOST_NAME = re.compile(r"[a-z0-9_][a-z0-9_.-]{0,253}")
_PATH = re.compile(r"/[\x21-\x7e]*")
_FRAMING_HEADERS = frozenset(
    (
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "trailer",
        "upgrade",
        "expect",
    )
)


class Target(NamedTuple):
    """Where a call goes.

    Args:
        scheme: `https` or `http`.
        host: A name, or a literal address as it stands in a URL.
        port: The port, also where the address named none.
        authority: What the header `Host` says.
        path: Path and query as they are sent: ASCII, and nothing in it ends a line.
    """

    scheme: str
    host: str
    port: int
    authority: str
    path: str

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@lru_cache(maxsize=1024)
def read_target(url: str, *, allow_http: bool) -> Target:
    """Read an address as browsers do. What is connected to, sent and judged comes from here alone.

    Args:
        url: An absolute address without a login or password.
        allow_http: Whether `http://` is good too.

    Raises:
        NotSent: The address is not one to be called; the text says why, without its path.
    """
    if len(url) > _URL_LENGTH_MAX or any(character <= " " or character == "\x7f" for character in url):
        raise NotSent("the address is too long, or holds spaces or control characters")
    try:
        parsed = Url(url)
    except ValueError:
        raise NotSent("the address cannot be read") from None
    host, port = parsed.host_str, parsed.port_or_known_default
    if parsed.scheme not in ("https", "http") or not host or not port:
        raise NotSent("the address must begin with https:// and name a host")
    if parsed.scheme == "http" and not allow_http:
        raise NotSent(f"{host}: only https:// addresses are called")
    if parsed.username or parsed.password is not None:
        raise NotSent(f"{host}: an address must not hold a login or password")
    if read_address(host) is None and not _HOST_NAME.fullmatch(host):
        raise NotSent("the address's host is not a host name")
    query = parsed.query_string
    path = parsed.path if query is None else f"{parsed.path}?{query}"
    if not _PATH.fullmatch(path):
        raise NotSent(f"{host}: the address's path cannot be sent")
    authority = host if parsed.port is None else f"{host}:{parsed.port}"
    return Target(parsed.scheme, host, port, authority, path)


def check_headers(headers: Iterable[tuple[str, str]]) -> None:
    """Refuse what would write a second header, and what frames the message.

    Raises:
        NotSent: Naming what is wrong, never a value.
    """
    for name, value in headers:
        if not _HEADER_NAME.fullmatch(name) or not _HEADER_VALUE.fullmatch(value):
            raise NotSent("a header's name or value holds characters that no header may have")
        if name.lower() in _FRAMING_HEADERS:
            raise NotSent(f"the header {name} is written by this layer alone")
