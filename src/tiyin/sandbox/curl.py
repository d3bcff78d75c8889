"""An exchange as a curl command that can be copied; the key is the shell's `$KEY`."""

import base64
import binascii
import re
import shlex
from typing import Final

from tiyin.runtime.redaction import HIDDEN
from tiyin.sandbox.exchange import Exchange

__all__ = ["curl"]

_HIDDEN: Final = re.compile(rb"(?<!\*)\*\*\*(?!\*)|" + re.escape(HIDDEN).encode())
"""What stands where a secret was; the row of stars in a masked card number is none."""
_BODY_MAX: Final = 32_768
"""A longer body does not belong on a command line; shells and people refuse it."""
_LEFT_TO_CURL: Final = frozenset(
    ("host", "content-length", "connection", "transfer-encoding", "accept-encoding")
)
_PRINTABLE_ASCII_MIN: Final = 0x20
_PRINTABLE_ASCII_MAX: Final = 0x7E


def curl(exchange: Exchange, *, login: str = "Paycom") -> str | None:
    """Write a command that sends the same request again, for a POSIX shell.

    Args:
        exchange: What was sent.
        login: The login of the Basic authorization, where the header itself is hidden whole.

    Returns:
        The command, several lines long, or None where the body is too long for one.
    """
    if len(exchange.body) > _BODY_MAX:
        return None
    parts = ["curl -i"]
    if exchange.method != ("POST" if exchange.body else "GET"):
        parts.append(f"-X {shlex.quote(exchange.method)}")
    parts[0] = " ".join([*parts, _quoted(exchange.url)])
    del parts[1:]
    for name, value in exchange.headers:
        lowered = name.lower()
        if lowered in _LEFT_TO_CURL:
            continue
        if lowered == "authorization" and _hides(value):
            parts.append(f'-u "{_login(value, login)}:$KEY"')
        else:
            parts.append(f"-H {_quoted(f'{name}: {value}' if value else f'{name};')}")
    if exchange.body and not any(name.lower() == "content-type" for name, _ in exchange.headers):
        parts.append("-H 'Content-Type:'")  # curl would add a type of its own
    if exchange.body:
        parts.append(f"--data-binary {_with_key(exchange.body)}")
    return " \\\n  ".join(parts)


def _hides(value: str) -> bool:
    return any(_HIDDEN.search(told.encode("utf-8", "replace")) for told in (value, _decoded(value)))


def _login(value: str, login: str) -> str:
    """Read the login of a header whose secret part alone is hidden; double quotes must not end by it."""
    named, colon, _ = _decoded(value).partition(":")
    told = named if colon else login
    return "".join(f"\\{char}" if char in '"\\$`' else char for char in told)


def _decoded(value: str) -> str:
    scheme, _, rest = value.partition(" ")
    if scheme.lower() != "basic":
        return ""
    if ":" in rest:
        return rest
    try:
        return base64.b64decode(rest, validate=True).decode()
    except (binascii.Error, ValueError):
        return ""


def _with_key(body: bytes) -> str:
    """Quote a body; where a key in it was hidden, the shell's own stands."""
    parts = _HIDDEN.split(body)
    return '"$KEY"'.join(_quoted_bytes(part) if part else "" for part in parts)


def _quoted(text: str) -> str:
    try:
        return _quoted_bytes(text.encode("utf-8", "surrogateescape"))  # a header's byte that is no UTF-8
    except UnicodeEncodeError:
        return _quoted_bytes(text.encode("utf-8", "replace"))


def _quoted_bytes(data: bytes) -> str:
    r"""Quote bytes: as they are where they are readable text, else as `$'\x00'`, which bash and zsh read."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = ""
    if text and text.replace("\n", "").isprintable():
        return shlex.quote(text)
    return (
        "$'"
        + "".join(
            f"\\x{byte:02x}"
            if not _PRINTABLE_ASCII_MIN <= byte <= _PRINTABLE_ASCII_MAX
            else f"\\{chr(byte)}"
            if byte in b"'\\"
            else chr(byte)
            for byte in data
        )
        + "'"
    )
