"""Whose pages may call ``cards.*`` from a browser.

A desk lists its own domains, and an ``Origin`` header is matched against them so:

- ``shop.uz`` matches ``https://shop.uz`` and nothing else: no subdomain, no other port, no plain http.
- ``shop.uz:8443`` matches ``https://shop.uz:8443``.
- ``*.shop.uz`` matches every subdomain of any depth, and not ``shop.uz`` itself.
- Host names are compared as browsers send them: in lower case, international names in their ``xn--`` form.
- ``null`` (a file, a sandboxed frame) and every other scheme match nothing.
- Where test cards are on, two things are let pass for development: plain http for the desk's domains, and
  every page that the developer's own machine serves (``localhost``, ``*.localhost``, 127.0.0.0/8, ``[::1]``,
  any port).

Documentation: subscribe-api/overview (Front-End)
"""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["is_domain", "is_own_origin"]

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?")
_DOMAIN_MAX: Final = 253
_ORIGIN_MAX: Final = 300
_PORTS: Final = {"https": 443, "http": 80}


def is_domain(entry: str) -> bool:
    """Tell whether an entry of a desk's domains has a form that can match anything."""
    if len(entry) > _DOMAIN_MAX or _DOMAIN.fullmatch(entry) is None:
        return False
    host, _, port = entry.partition(":")
    # A bare top-level wildcard would let in half the country.
    return (not port or 1 <= int(port) <= 65535) and (not host.startswith("*.") or host.count(".") >= 2)


def is_own_origin(origin: str, domains: tuple[str, ...], *, test: bool) -> bool:
    """Tell whether a page of this origin may call the desk's ``cards.*``.

    Args:
        origin: The header ``Origin`` as the browser sent it.
        domains: The desk's own domains.
        test: Whether this gateway runs with test cards.
    """
    read = _read_origin(origin)
    if read is None:
        return False
    scheme, host, port = read
    if test and _is_loopback(host):
        return True
    if scheme != "https" and not test:
        return False
    return any(_matches(entry, host, port, _PORTS[scheme]) for entry in domains)


def _read_origin(origin: str) -> tuple[str, str, int] | None:
    """Split an origin into scheme, host and port; None for what no web page has."""
    if len(origin) > _ORIGIN_MAX:
        return None
    try:
        parts = urlsplit(origin)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    # Whatever does not read back as scheme://host:port alone (a path, a login) is not an origin.
    if not host or "@" in parts.netloc or origin != f"{parts.scheme}://{parts.netloc}":
        return None
    if parts.scheme not in _PORTS:
        return None
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port


def _matches(entry: str, host: str, port: int, default_port: int) -> bool:
    domain, _, entry_port = entry.partition(":")
    if port != (int(entry_port) if entry_port else default_port):
        return False
    if domain.startswith("*."):
        return host.endswith(domain[1:]) and len(host) >= len(domain)
    return host == domain


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
