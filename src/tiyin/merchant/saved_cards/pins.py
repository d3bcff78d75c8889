"""PINs for saved cards: which ones are taken, and how they are kept."""

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from tiyin.merchant.saved_cards.errors import PinMalformed, PinRefused

if TYPE_CHECKING:
    from argon2 import PasswordHasher

__all__ = ["Pins", "check_new_pin", "read_pin"]

_PIN: Final = re.compile(r"[0-9]{4,8}")
_SHOWN_DIGITS: Final = 4


def read_pin(typed: str) -> str:
    """Read what a payer typed.

    ```python
    read_pin("4071")
    ```

    Args:
        typed: 4 to 8 digits.

    Raises:
        PinMalformed: If it is anything else.
    """
    if _PIN.fullmatch(typed) is None:
        raise PinMalformed
    return typed


def check_new_pin(typed: str, number: str = "") -> str:
    """Read a new PIN, and refuse one that anybody would try first.

    ```python
    check_new_pin("1234")  # raises PinRefused, whose text says why
    ```

    Args:
        typed: 4 to 8 digits: no single digit or pattern repeated, no row such as 1234, 8642 or 7890, and not
            the four digits of the card that everybody sees.
        number: The card's masked number.

    Raises:
        PinMalformed: If it is no PIN.
        PinRefused: If it is easy to guess.
    """
    pin = read_pin(typed)
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    repeats = any(pin == pin[:length] * (len(pin) // length) for length in range(1, len(pin) // 2 + 1))
    if len(steps) == 1 or repeats or pin == number[-_SHOWN_DIGITS:]:
        raise PinRefused
    return pin


class Pins:
    """Hashes and compares PINs with argon2id.

    A PIN has few digits: whoever takes the store away can try them all. The three tries protect a PIN where
    it is typed; in the store only the shop's key does (`SealedSecrets`).
    """

    def __init__(self) -> None:
        self._made: PasswordHasher | None = None

    def hash(self, pin: str) -> str:
        """Return what is kept of a PIN."""
        return self._hasher.hash(pin)

    def matches(self, kept: str, pin: str) -> bool:
        """Tell whether a PIN is the one that was kept.

        Raises:
            argon2.exceptions.Argon2Error: If they could not be compared.
        """
        from argon2.exceptions import VerifyMismatchError  # noqa: PLC0415 - an extra's library

        try:
            return self._hasher.verify(kept, pin)
        except VerifyMismatchError:
            return False

    @property
    def _hasher(self) -> "PasswordHasher":
        if self._made is None:
            try:
                from argon2 import PasswordHasher  # noqa: PLC0415 - an extra's library
            except ImportError:
                raise RuntimeError(
                    "PINs for saved cards need argon2-cffi: pip install 'tiyin[client]'"
                ) from None
            # 19 MiB each: many payers at once must not take a small server's memory.
            self._made = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
        return self._made
