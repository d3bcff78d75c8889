"""The network that a request comes from, for counting what fails."""

import ipaddress
from typing import Final

from starlette.requests import Request

__all__ = ["network_of"]

_V6_HOUSEHOLD_BITS: Final = 64


def network_of(request: Request) -> str:
    """Return the address of the connection, one for a household; empty where it says nothing of a payer.

    Own proxies are looked through before (`tiyin.web.callers`); what other headers say, anybody may write. An
    address that is not one of the whole internet (a proxy that was not named, this machine) stands for all
    payers behind it, and is not counted.

    Args:
        request: The request.
    """
    try:
        address = ipaddress.ip_address("" if request.client is None else request.client.host)
    except ValueError:
        return ""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            if not address.is_global:
                return ""
            return str(ipaddress.IPv6Network((int(address), _V6_HOUSEHOLD_BITS), strict=False))
        address = address.ipv4_mapped
    return str(address) if address.is_global else ""
