"""Who is at the far end of a connection, where own proxies stand between: only their word is believed."""

import ipaddress
from collections.abc import Iterable
from typing import Final, TypeAlias

__all__ = ["Address", "Network", "Proxies", "is_within", "read_networks"]

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address
Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

_FORWARDED_MAX: Final = 32


class Proxies:
    """Own proxies, whose `X-Forwarded-For` is believed.

    Args:
        trusted: Their addresses or networks.

    Raises:
        ValueError: If one of them is no address and no network.
    """

    def __init__(self, trusted: Iterable[str] = ()) -> None:
        self._trusted = read_networks(trusted)

    def __bool__(self) -> bool:
        return bool(self._trusted)

    def caller(self, peer: str | None, forwarded: str | None) -> Address | None:
        """Walk from the connection towards the caller, as far as own proxies vouch for the next step.

        Args:
            peer: The address at the other end of the connection.
            forwarded: The header `X-Forwarded-For`, if there is one; several of them joined with commas.

        Returns:
            The caller's address, or None where none can be read.
        """
        caller = _address(peer)
        hops = [] if forwarded is None else forwarded.split(",")[-_FORWARDED_MAX:]
        while caller is not None and hops and is_within(caller, self._trusted):
            caller = _address(hops.pop().strip())
        return caller


def read_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Read addresses and networks.

    Raises:
        ValueError: If one of them is neither.
    """
    return tuple(ipaddress.ip_network(text, strict=False) for text in texts)


def is_within(address: Address, networks: Iterable[Network]) -> bool:
    """Tell whether an address lies in one of some networks."""
    return any(address.version == network.version and address in network for network in networks)


def _address(text: str | None) -> Address | None:
    if not text:
        return None
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return address if mapped is None else mapped
