"""Which network addresses an outgoing call may reach.

A merchant types the address of his own server, so without a judge the gateway could be sent to its own
database, to its neighbours or to the cloud's metadata service. Only addresses that the whole internet
reaches are good; the emulator, where everything lives on one laptop, allows private and loopback addresses
too.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Sequence
from typing import Protocol

__all__ = [
    "Address",
    "Resolver",
    "StaticResolver",
    "SystemResolver",
    "is_allowed",
    "is_global",
    "read_address",
]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# What the standard library's tables of some Python versions do not refuse, or what wraps another address
# that nobody would judge: refused here whatever those tables say.
_REFUSED_IPV4 = tuple(
    ipaddress.IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this network
        "100.64.0.0/10",  # shared by carriers
        "169.254.0.0/16",  # link-local, a cloud's metadata service
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/3",  # multicast, reserved, broadcast
    )
)
_REFUSED_IPV6 = tuple(
    ipaddress.IPv6Network(text)
    for text in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)
_UNICAST_IPV6 = ipaddress.IPv6Network("2000::/3")
"""The only part of IPv6 given out for the internet; IPv4-mapped and NAT64 forms lie outside of it."""

_PRIVATE_IPV4 = tuple(
    ipaddress.IPv4Network(text) for text in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
)
_PRIVATE_IPV6 = tuple(ipaddress.IPv6Network(text) for text in ("::1/128", "fc00::/7"))


def read_address(host: str) -> Address | None:
    """Read a literal address, in brackets or not.

    Args:
        host: A host as it stands in a URL.

    Returns:
        The address, or None if the host is a name.
    """
    try:
        return ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
    except ValueError:
        return None


def is_global(address: Address) -> bool:
    """Tell whether the address is an ordinary one of the internet.

    Refused are, among others: loopback, private, link-local (169.254.169.254 too), shared (100.64.0.0/10),
    multicast, unspecified, reserved, documentation and benchmark ranges, and every IPv6 form that wraps an
    IPv4 address.
    """
    if isinstance(address, ipaddress.IPv6Address):
        if address.scope_id is not None or address not in _UNICAST_IPV6:
            return False
        return address.is_global and not any(address in network for network in _REFUSED_IPV6)
    return address.is_global and not any(address in network for network in _REFUSED_IPV4)


def is_allowed(address: Address, *, allow_private: bool) -> bool:
    """Tell whether an outgoing call may connect to the address.

    Args:
        address: Where the call would go.
        allow_private: The emulator's mode: loopback and private addresses are good too. Link-local ones (a
            cloud's metadata), multicast, broadcast and unspecified ones never are.
    """
    if is_global(address):
        return True
    if not allow_private:
        return False
    if isinstance(address, ipaddress.IPv6Address):
        return address.scope_id is None and any(address in network for network in _PRIVATE_IPV6)
    return any(address in network for network in _PRIVATE_IPV4)


class Resolver(Protocol):
    """Where host names are turned into addresses."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Return the addresses of a host, the preferred one first.

        Raises:
            OSError: If there are none or the name service does not answer.
        """
        ...


class SystemResolver:
    """Names as the operating system resolves them."""

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Ask the operating system, in a thread of the loop's executor."""
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(sockaddr[0]) for *_, sockaddr in found))


class StaticResolver:
    """Names from a table: for tests.

    Args:
        table: Host name -> its addresses. Anything else does not exist.
    """

    def __init__(self, table: dict[str, list[str]]) -> None:
        self.table = table
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """Look the host up in the table."""
        self.asked.append(host)
        if host not in self.table:
            raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} is not in the table")
        return self.table[host]
