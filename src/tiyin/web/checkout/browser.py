"""The payer's browser: the one secret that it holds, and what is derived from it.

The cookie holds 256 bits of chance, readable by no script. From it come, by keyed hashes with different
names: the name under which the browser's visits are stored, the name of one visit, the proof that a form was
given to this browser, and the key that seals a card's token. So the database alone opens nothing, and neither
does the page.
"""

import hashlib
import hmac
import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["Browser"]

_SECRET_BYTES: Final = 32
_SECRET_LENGTH: Final = 43  # 32 bytes in URL-safe base64 without padding
_NONCE_BYTES: Final = 16
_SEAL_NONCE_BYTES: Final = 12
_COOKIE_AGE_S: Final = 24 * 60 * 60


class Browser:
    """One browser, known by its cookie.

    Args:
        secret: What the cookie holds.
        known: Whether the browser sent it; otherwise it is new and has to be handed over.
        encrypted: Whether the outside reaches us by https.
    """

    def __init__(self, secret: str, *, known: bool, encrypted: bool) -> None:
        self._secret = secret
        self.known = known
        self._encrypted = encrypted

    def __repr__(self) -> str:
        return f"Browser(known={self.known})"

    @classmethod
    def of(cls, request: Request, *, encrypted: bool) -> "Browser":
        """Recognise a request's browser, or begin a new one.

        Args:
            request: The request.
            encrypted: Whether the outside reaches us by https; then the cookie is bound to this host and to
                https.
        """
        secret = request.cookies.get(_cookie_name(encrypted=encrypted), "")
        if len(secret) == _SECRET_LENGTH and secret.isascii():
            return cls(secret, known=True, encrypted=encrypted)
        return cls(secrets.token_urlsafe(_SECRET_BYTES), known=False, encrypted=encrypted)

    def remember(self, response: Response) -> None:
        """Hand the secret to a browser that is new."""
        if self.known:
            return
        response.set_cookie(
            _cookie_name(encrypted=self._encrypted),
            self._secret,
            max_age=_COOKIE_AGE_S,
            path="/",
            secure=self._encrypted,
            httponly=True,
            samesite="lax",
        )

    @property
    def name(self) -> str:
        """The name under which its visits are stored."""
        return self._derive("browser").hex()

    def new_nonce(self) -> str:
        """Return a nonce for a form: the form may arrive many times, and counts once."""
        return secrets.token_urlsafe(_NONCE_BYTES)

    def proof(self, what: str) -> str:
        """Return what a form carries to show that it was given to this browser.

        Args:
            what: The form's nonce, or what it acts upon.
        """
        return self._derive("proof", what).hex()

    def is_proof(self, what: str, proof: str) -> bool:
        """Tell whether a form was given to this browser.

        Args:
            what: The form's nonce, or what it acts upon.
            proof: What the form carried.
        """
        return self.known and hmac.compare_digest(self.proof(what).encode(), proof.encode("utf-8", "replace"))

    def visit_id(self, nonce: str) -> str:
        """Return the name of the visit that a form begins."""
        return self._derive("visit", nonce).hex()

    def seal(self, token: str, visit_id: str) -> bytes:
        """Seal a card's token, so that only this browser's requests can open it.

        Args:
            token: The token.
            visit_id: The visit it belongs to; it opens in no other.
        """
        nonce = secrets.token_bytes(_SEAL_NONCE_BYTES)
        return nonce + AESGCM(self._derive("seal")).encrypt(nonce, token.encode(), visit_id.encode())

    def unseal(self, sealed: bytes, visit_id: str) -> str | None:
        """Open a sealed token, or answer None where it was sealed for another browser or visit."""
        nonce, rest = sealed[:_SEAL_NONCE_BYTES], sealed[_SEAL_NONCE_BYTES:]
        try:
            return AESGCM(self._derive("seal")).decrypt(nonce, rest, visit_id.encode()).decode()
        except InvalidTag:
            return None

    def _derive(self, purpose: str, what: str = "") -> bytes:
        return hmac.new(
            self._secret.encode(), f"{purpose}:{what}".encode("utf-8", "replace"), hashlib.sha256
        ).digest()


def _cookie_name(*, encrypted: bool) -> str:
    # With the prefix browsers take the cookie from this very host by https only, and from no subdomain.
    return "__Host-tiyin" if encrypted else "tiyin"
