"""The vault: seals secrets under a ring of keys, so that the database alone tells nobody a card number.

A sealed value is ``format (1 byte) | length of the key's name (1) | name | nonce (12) | ciphertext and tag``:
AES-256-GCM, with everything before the nonce and the *place* of the secret (``card:<id>``, ``desk:<id>:key``)
as associated data. A sealed value that is moved to another row does not open.

The ring's first key seals; the others only open what they sealed. To rotate: put a new key in front, seal
every row anew (`Vault.reseal`), then take the old key away.

A fingerprint (HMAC-SHA-256) lets equal secrets be found without opening them. It too names its key, so that a
ring in the middle of a rotation still finds what was stored under the old one (`Vault.fingerprints`).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

__all__ = ["KeyRing", "KeyRingError", "SealBroken", "Vault", "VaultError", "new_vault_key"]

_FORMAT: Final = 1
_KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEYS_MAX: Final = 16
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,16}")


class VaultError(Exception):
    """The vault cannot do what was asked.

    ::

        VaultError
        ├── KeyRingError   the keys cannot be read
        └── SealBroken     a sealed value does not open
    """


class KeyRingError(VaultError, ValueError):
    """The text of a key ring cannot be used; the sentence says what to change and never shows a key."""


class SealBroken(VaultError):
    """A sealed value does not open: it was changed, moved to another place, or its key is not on the ring."""


class KeyRing:
    """The vault's keys by name; the first one seals.

    Args:
        keys: Names (1 to 16 letters, digits, `_`, `-`) and keys of 32 bytes, the sealing one first;
            1 to 16 of them.

    Raises:
        KeyRingError: If a name or a key is not as it must be.
    """

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        if not keys:
            raise KeyRingError("the vault needs at least one key; `openssl rand -base64 32` makes one")
        if len(keys) > _KEYS_MAX:
            raise KeyRingError(f"the vault takes at most {_KEYS_MAX} keys; re-seal, then drop the oldest")
        for name, key in keys.items():
            if _NAME.fullmatch(name) is None:
                raise KeyRingError("a vault key's name is 1 to 16 letters, digits, _ or -; rename it")
            if len(key) != _KEY_BYTES:
                raise KeyRingError(f"the vault key {name!r} has {len(key)} bytes, not 32; make a new one")
        self._keys = dict(keys)
        self.sealing_name: Final = next(iter(self._keys))

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._keys)})"

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the keys, the sealing one first."""
        return tuple(self._keys)

    def derive(self, name: str, purpose: str) -> bytes:
        """Make the 32 bytes that the key of this name gives for one purpose; no key serves two purposes."""
        return HKDF(SHA256(), length=_KEY_BYTES, salt=None, info=b"tiyin/" + purpose.encode()).derive(
            self._keys[name]
        )

    @classmethod
    def read(cls, text: str) -> "KeyRing":
        """Read a ring from a setting: ``name:base64`` pairs separated by commas, the sealing key first.

        Args:
            text: For example ``k2:<44 characters of base64>,k1:<44 characters of base64>``.

        Raises:
            KeyRingError: If it cannot be read.
        """
        keys: dict[str, bytes] = {}
        for place, part in enumerate(text.split(","), start=1):
            name, colon, encoded = part.strip().partition(":")
            if not colon:
                raise KeyRingError(f"vault key no. {place} has no name; write it as name:base64")
            if name in keys:
                raise KeyRingError(f"vault key no. {place} has the name of an earlier one; rename it")
            try:
                keys[name] = base64.b64decode(encoded, validate=True)
            except (binascii.Error, ValueError):
                raise KeyRingError(
                    f"vault key no. {place} is not base64; `openssl rand -base64 32` makes one"
                ) from None
        return cls(keys)


def new_vault_key(name: str = "k1") -> str:
    """Make a fresh key in the form that `KeyRing.read` reads."""
    return f"{name}:{base64.b64encode(secrets.token_bytes(_KEY_BYTES)).decode()}"


class Vault:
    """Seals, opens and fingerprints secrets.

    Args:
        ring: The keys.
    """

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._ciphers = {name: AESGCM(ring.derive(name, "seal")) for name in ring.names}
        self._macs = {name: ring.derive(name, "fingerprint") for name in ring.names}

    def __repr__(self) -> str:
        return f"Vault({self._ring!r})"

    def seal(self, secret: str, place: str) -> bytes:
        """Encrypt a secret for one place.

        Args:
            secret: What to hide.
            place: Where it will stand, for example ``card:<id>``; it opens nowhere else.
        """
        name = self._ring.sealing_name
        head = bytes((_FORMAT, len(name))) + name.encode()
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return head + nonce + self._ciphers[name].encrypt(nonce, secret.encode(), head + place.encode())

    def open(self, sealed: bytes, place: str) -> str:
        """Decrypt what `seal` made for this place.

        Raises:
            SealBroken: If it was changed, made for another place, or its key is not on the ring.
        """
        name, head, rest = _read_head(sealed)
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise SealBroken(f"the vault key {name!r} is not on the ring")
        try:
            opened = cipher.decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], head + place.encode())
        except InvalidTag:
            raise SealBroken("a sealed value was changed, or belongs to another place") from None
        return opened.decode()

    def is_current(self, sealed: bytes) -> bool:
        """Tell whether a sealed value is under the ring's sealing key already."""
        return _read_head(sealed)[0] == self._ring.sealing_name

    def reseal(self, sealed: bytes, place: str) -> bytes:
        """Seal anew under the sealing key; a value that is under it already comes back unchanged.

        Raises:
            SealBroken: If it does not open.
        """
        return sealed if self.is_current(sealed) else self.seal(self.open(sealed, place), place)

    def fingerprint(self, secret: str, purpose: str) -> str:
        """Make a text that is equal for equal secrets and tells nothing of them without the key.

        Args:
            secret: The secret; the same under each purpose gives unrelated fingerprints.
            purpose: What the fingerprint is for, for example ``card``.

        Returns:
            ``<key's name>:<32 hexadecimal characters>``.
        """
        return self._fingerprint(self._ring.sealing_name, secret, purpose)

    def fingerprints(self, secret: str, purpose: str) -> tuple[str, ...]:
        """Make the fingerprints under every key of the ring, the sealing one first: what to look it up by."""
        return tuple(self._fingerprint(name, secret, purpose) for name in self._ring.names)

    def has_fingerprint(self, fingerprint: str, secret: str, purpose: str) -> bool:
        """Tell, in constant time, whether a stored fingerprint is this secret's; False if its key is gone."""
        name = fingerprint.partition(":")[0]
        if name not in self._macs:
            return False
        return hmac.compare_digest(fingerprint.encode(), self._fingerprint(name, secret, purpose).encode())

    def _fingerprint(self, name: str, secret: str, purpose: str) -> str:
        # The length in front keeps two different pairs of purpose and secret from becoming one message.
        message = f"{len(purpose)}:{purpose}{secret}".encode("utf-8", "surrogatepass")
        return f"{name}:{hmac.new(self._macs[name], message, hashlib.sha256).hexdigest()[:32]}"


def _read_head(sealed: bytes) -> tuple[str, bytes, bytes]:
    """Split a sealed value into its key's name, its head and what is left."""
    name_end = 2 + sealed[1] if len(sealed) > 1 else 0
    if len(sealed) < name_end + _NONCE_BYTES + _TAG_BYTES or sealed[:1] != bytes((_FORMAT,)):
        raise SealBroken("this is not a sealed value")
    head = sealed[:name_end]
    return head[2:].decode("ascii", "replace"), head, sealed[name_end:]
