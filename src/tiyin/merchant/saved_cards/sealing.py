"""How tokens and PINs stand in the shop's store: plainly, or sealed under a key of the shop.

A token pays without the card. A shop whose store may be read by more people and backups than its server
gives a key that is kept apart from the store:

```python
cards = SavedCards(keeper, client, secrets=SealedSecrets(os.environ["CARDS_KEY"]))
```
"""

import base64
import binascii
import secrets
from typing import Final, Protocol

from tiyin.merchant.saved_cards.errors import SealBroken

__all__ = ["PlainSecrets", "SealedSecrets", "Secrets"]

_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_HEAD: Final = "s1."


class Secrets(Protocol):
    """Hides a secret before it is stored."""

    def seal(self, secret: str, place: str) -> str:
        """Hide a secret; place is where it will stand, and it opens nowhere else."""
        ...

    def open(self, sealed: str, place: str) -> str:
        """Show it again.

        Raises:
            SealBroken: If it does not open.
        """
        ...


class PlainSecrets:
    """Hides nothing: to keep the store closed, and its backups, is the shop's duty then."""

    def seal(self, secret: str, place: str) -> str:  # noqa: ARG002 - the port's
        """Return the secret."""
        return secret

    def open(self, sealed: str, place: str) -> str:  # noqa: ARG002 - the port's
        """Return the secret."""
        return sealed


class SealedSecrets:
    """Seals with AES-256-GCM; needs the library ``cryptography``.

    ```python
    SealedSecrets(os.environ["CARDS_KEY"])  # openssl rand -base64 32
    ```

    Args:
        key: 32 bytes in base64. It seals and opens.
        older: Keys that only open, while their cards last.

    Raises:
        ValueError: If a key is not 32 bytes in base64.
        RuntimeError: If ``cryptography`` is not installed.
    """

    def __init__(self, key: str, *older: str) -> None:
        try:
            from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - not everybody's
        except ImportError:
            raise RuntimeError("SealedSecrets needs cryptography: pip install cryptography") from None
        self._ciphers = tuple(AESGCM(_read_key(text)) for text in (key, *older))

    def __repr__(self) -> str:
        return f"SealedSecrets({len(self._ciphers)} keys)"

    def seal(self, secret: str, place: str) -> str:
        """Encrypt a secret for one place."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = nonce + self._ciphers[0].encrypt(nonce, secret.encode(), place.encode())
        return _HEAD + base64.b64encode(sealed).decode("ascii")

    def open(self, sealed: str, place: str) -> str:
        """Decrypt what `seal` made for this place.

        Raises:
            SealBroken: If it was changed, made for another place or by another key, or never sealed.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - not everybody's

        try:
            if not sealed.startswith(_HEAD):
                raise SealBroken
            raw = base64.b64decode(sealed.removeprefix(_HEAD), validate=True)
        except binascii.Error:
            raise SealBroken from None
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], place.encode()).decode()
            except (InvalidTag, ValueError):
                continue
        raise SealBroken


def _read_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ValueError("a key is 32 bytes in base64; `openssl rand -base64 32` makes one")
    return key
