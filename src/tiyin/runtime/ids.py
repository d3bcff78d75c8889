"""Identifiers and secrets: two sources that must never be mixed.

Ids (`Ids`) are names: ordered by time, told to anybody, and seedable for a simulation. Secrets (`new_key`,
`new_token`, `new_code`) must not be guessed: they always come from the operating system and cannot be seeded.
"""

import random
import secrets
import string
import threading
from typing import Protocol

__all__ = ["ID_LENGTH", "Ids", "SeededIds", "SystemIds", "new_code", "new_key", "new_token"]

ID_LENGTH = 24
"""Characters in an id: 48 bits of milliseconds and 48 of chance, in lower-case hexadecimal."""

_TIME_MAX = 1 << 48
_CHANCE_START_BITS = 47
_CHANCE_STEP_BITS = 16

# A real key may hold any printable character. Ours keep to those that survive a shell, a .env file, a form,
# a YAML file and a double click; a few marks are in because real keys have them too, and code that cannot
# carry `?`, `&` or `%` should be found on the laptop. No quotes, spaces, backslashes, `$`, `#` or `:`.
_KEY_MARKS = "?&%@*="
_LETTERS = string.ascii_letters + string.digits
_KEY_ALPHABET = _LETTERS + _KEY_MARKS
_KEY_LENGTH = 36
_TOKEN_SECRET_LENGTH = 43


class Ids(Protocol):
    """A source of ids."""

    def new(self, now_ms: int) -> str:
        """Make an id that sorts after the earlier ones of this source.

        Args:
            now_ms: The present moment, in milliseconds since 1970; 0 <= now_ms < 2**48.

        Returns:
            24 lower-case hexadecimal characters; 48 bits are `now_ms`, 48 are chance.

        Raises:
            ValueError: If `now_ms` is out of bounds.
        """
        ...


class _Sequence:
    """Ids out of a source of chance: ordered by time, and within one millisecond by when they were made."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._lock = threading.Lock()
        self._last_ms = -1
        self._last_chance = 0

    def new(self, now_ms: int) -> str:
        """Make an id; see `Ids.new`."""
        if not 0 <= now_ms < _TIME_MAX:
            raise ValueError(f"an id's moment lies between 0 and 2**48 milliseconds, not at {now_ms}")
        with self._lock:
            if now_ms == self._last_ms:
                # Start below 2**47 and step by at most 2**16: two thousand million ids fit into one
                # millisecond.
                self._last_chance += 1 + self._chance.getrandbits(_CHANCE_STEP_BITS)
            else:
                self._last_ms = now_ms
                self._last_chance = self._chance.getrandbits(_CHANCE_START_BITS)
            return f"{now_ms:012x}{self._last_chance:012x}"


class SystemIds(_Sequence):
    """Ids whose chance comes from the operating system, so that processes never need to agree."""

    def __init__(self) -> None:
        super().__init__(random.SystemRandom())


class SeededIds(_Sequence):
    """Ids that come out the same for the same seed and the same moments: for tests and simulations.

    Args:
        seed: What the row of ids depends on.
    """

    def __init__(self, seed: int = 0) -> None:
        super().__init__(random.Random(seed))  # noqa: S311 - a name to be repeated, not a secret


def new_key() -> str:
    """Make a cash desk's key: 36 printable characters (about 218 bits), from the operating system.

    Returns:
        Letters, digits and at least one of the marks ``?&%@*=``; the first and the last are letters or
        digits.
    """
    while True:
        key = "".join(secrets.choice(_KEY_ALPHABET) for _ in range(_KEY_LENGTH))
        marked = any(character in _KEY_MARKS for character in key)
        if marked and key[0] not in _KEY_MARKS and key[-1] not in _KEY_MARKS:
            return key


def new_token(prefix: str | None = None) -> str:
    """Make an opaque token, `<24 hex>_<43 letters and digits>` (over 250 bits of chance after the prefix).

    Args:
        prefix: An id to begin with; by default 24 hexadecimal characters of chance that tell nothing.
    """
    if prefix is None:
        prefix = secrets.token_hex(ID_LENGTH // 2)
    return f"{prefix}_{''.join(secrets.choice(_LETTERS) for _ in range(_TOKEN_SECRET_LENGTH))}"


def new_code() -> str:
    """Make a six-digit code for an SMS, every one from 000000 to 999999 equally likely."""
    return f"{secrets.randbelow(1_000_000):06d}"
