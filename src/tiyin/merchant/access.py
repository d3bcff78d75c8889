"""Who may call: Payme's addresses, and the cash desk's key."""

import hashlib
from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.proxies import Proxies, is_within, read_networks

__all__ = ["PAYME_ADDRESSES", "AddressList", "Keys", "Mode", "digest_of"]

PAYME_ADDRESSES: tuple[str, ...] = tuple(f"185.234.113.{last}" for last in range(1, 16))
"""The addresses from which Payme calls, all of them. Documentation: merchant-api/interaction"""

Mode: TypeAlias = Literal["production", "test", "either"]
"""Which key opens a shop. ``either`` is for a laptop's emulator and never for a server that sells."""


class Keys(msgspec.Struct, frozen=True, kw_only=True):
    """A cash desk's keys as the shop's settings have them.

    Args:
        production: The key that the cabinet shows.
        test: The key for the sandbox.
        mode: Which one opens the shop.

    Raises:
        ValueError: If the mode's key is missing.
    """

    production: str | None = None
    test: str | None = None
    mode: Mode = "production"

    def __post_init__(self) -> None:
        if self.mode not in ("production", "test", "either"):
            raise ValueError(f"the mode of a shop is 'production', 'test' or 'either', not {self.mode!r}")
        if not self.accepted:
            raise ValueError(f"in mode {self.mode!r} a shop needs that key: it is empty")

    def __repr__(self) -> str:
        return f"Keys(mode={self.mode!r}, ...)"

    __rich_repr__ = rich_repr

    @property
    def accepted(self) -> tuple[str, ...]:
        """The keys that open the shop."""
        wanted = {
            "production": (self.production,),
            "test": (self.test,),
            "either": (self.production, self.test),
        }
        return tuple(key for key in wanted[self.mode] if key)


class AddressList:
    """The addresses that may call.

    Args:
        allowed: Addresses or networks; None lets everybody through.
        trusted_proxies: Addresses or networks of the shop's own proxies: only their `X-Forwarded-For` is
            believed.

    Raises:
        ValueError: If one of them is no address and no network.
    """

    def __init__(self, allowed: Iterable[str] | None = None, trusted_proxies: Iterable[str] = ()) -> None:
        self._allowed = None if allowed is None else read_networks(allowed)
        self._proxies = Proxies(trusted_proxies)

    def admits(self, peer: str | None, forwarded: str | None = None) -> bool:
        """Tell whether a call may come in.

        Args:
            peer: The address at the other end of the connection.
            forwarded: The header `X-Forwarded-For`, if there is one.
        """
        if self._allowed is None:
            return True
        caller = self._proxies.caller(peer, forwarded)
        return caller is not None and is_within(caller, self._allowed)


def digest_of(key: str) -> bytes:
    """Return a key's digest.

    Keys are long and made by chance, so a plain hash hides them, and it is compared in equal time.
    """
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
