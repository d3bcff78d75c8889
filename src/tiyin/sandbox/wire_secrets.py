"""What of an exchange is hidden before anybody sees it: keys in every spelling, and card numbers."""

import base64
import json
import urllib.parse
from collections.abc import Iterable
from typing import Final

from tiyin.runtime.redaction import redact_bytes, redact_text
from tiyin.sandbox.exchange import Headers

__all__ = ["WRONG_AUTHORIZATION", "Hiding"]

WRONG_AUTHORIZATION: Final = "Basic UGF5Y29tOlV6Y2FyZDpzb21lUmFuZG9tU3RyaW5nMTU0NTM0MzU0MzU0NQ=="
"""What Payme's own sandbox sends as a wrong authorization, to everybody: it is no secret, and is shown."""

_HIDDEN: Final = "***"
_SECRET_LENGTH_MIN: Final = 4
"""Shorter texts stand in too many innocent places; no real key is so short."""
_SECRET_HEADERS: Final = frozenset(("cookie", "set-cookie", "proxy-authorization", "x-auth"))
_SHOWN_BYTES_MAX: Final = 64 * 1024
_TOLD_MAX: Final = 500


class Hiding:
    """Hides what must not be shown.

    Args:
        secrets: Keys, and whole credentials such as `login:key`.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._spellings: list[str] = []
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Hide one more secret, in each form in which it may come back.

        Args:
            secret: The secret; a very short one is hidden only where it is an Authorization.
        """
        if len(secret) < _SECRET_LENGTH_MIN:
            return
        encoded = base64.b64encode(secret.encode()).decode()
        forms = {
            secret,
            encoded,
            encoded.rstrip("="),
            json.dumps(secret)[1:-1],
            repr(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
            json.dumps(secret)[1:-1].replace("/", "\\/"),
            urllib.parse.quote(secret, safe=""),
            urllib.parse.quote_plus(secret),
            encoded.replace("/", "\\/"),
        }
        # The longer first: a form that holds another must go before it is torn.
        self._spellings = sorted({*self._spellings, *forms}, key=lambda form: (-len(form), form))

    def text(self, text: str) -> str:
        """Hide secrets and card numbers in a text."""
        return redact_text(self._without_secrets(text))

    def told(self, text: str) -> str:
        """Hide what is secret in what a problem says, bound it, and keep out what no report can hold.

        Args:
            text: The text, whole: half a secret is not known for one.
        """
        text = self.text(text).encode("utf-8", "backslashreplace").decode()
        return text if len(text) <= _TOLD_MAX else f"{text[:_TOLD_MAX]}..."

    def body(self, body: bytes) -> bytes:
        """Hide secrets and card numbers in a body, and of a very long one the end."""
        for form in self._spellings:
            body = body.replace(form.encode(), _HIDDEN.encode())
        if len(body) > _SHOWN_BYTES_MAX:
            end = f"... ({len(body)} bytes)".encode()
            body = body[:_SHOWN_BYTES_MAX] + end
        return redact_bytes(body)

    def headers(self, headers: Headers) -> Headers:
        """Hide secrets in headers: of an Authorization its scheme stays."""
        return tuple((self.text(name), self._header(name, value)) for name, value in headers)

    def _header(self, name: str, value: str) -> str:
        plain = name.lower()
        if plain == "authorization":
            return self._authorization(value)
        return _HIDDEN if plain in _SECRET_HEADERS else self.text(value)

    def _authorization(self, value: str) -> str:
        if value == WRONG_AUTHORIZATION and self._without_secrets(value) == value:
            return value
        scheme, space, _ = value.partition(" ")
        if not space or not scheme.isalpha() or self._without_secrets(scheme) != scheme:
            return _HIDDEN
        return f"{scheme} {_HIDDEN}"

    def _without_secrets(self, text: str) -> str:
        for form in self._spellings:
            text = text.replace(form, _HIDDEN)
        return text
