"""Whose pages and apps are a desk's own.

They may call ``cards.*`` from a browser, show the card form in a frame, and be handed its result.

A desk lists its own domains, and an ``Origin`` header is matched against them so:

- ``shop.uz`` matches ``https://shop.uz`` and nothing else: no subdomain, no other port, no plain http.
- ``shop.uz:8443`` matches ``https://shop.uz:8443``.
- ``*.shop.uz`` matches every subdomain of any depth, and not ``shop.uz`` itself.
- Host names are compared as browsers send them: in lower case, international names in their ``xn--`` form.
- ``null`` (a file, a sandboxed frame) and every other scheme match nothing.
- Where test cards are on, two things are let pass for development: plain http for the desk's domains, and
  every page that the developer's own machine serves (``localhost``, ``*.localhost``, 127.0.0.0/8, ``[::1]``,
  any port).

Among the domains may stand the address scheme of the desk's own app, ``uz.shop.app://``. It has a dot, as the
reversed domain names of apps have: so it is none of the schemes that browsers themselves act upon. Such an
entry lets the card form lead to the app, and is the origin of no page.

Documentation: subscribe-api/overview (Front-End)
"""

import ipaddress
import re
from typing import Final
from urllib.parse import urlsplit

__all__ = ["frame_ancestors", "is_app_scheme", "is_domain", "is_own_address", "is_own_origin"]

_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*(?::[0-9]{{1,5}})?")
_APP_SCHEME: Final = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+://")
# What an address may be made of, so that this reader and every browser split it at the same places.
_ADDRESS: Final = re.compile(r"([a-z][a-z0-9+.-]*://)([!$-\[\]_a-z~]*)", re.IGNORECASE)
_HOST: Final = re.compile(r"[a-z0-9._-]+|[0-9a-f:]*:[0-9a-f:.]*")
_AUTHORITY_ENDS: Final = re.compile(r"[/?]")
_DOMAIN_MAX: Final = 253
_ORIGIN_MAX: Final = 300
_ADDRESS_MAX: Final = 2000
_PORTS: Final = {"https": 443, "http": 80}


def is_domain(entry: str) -> bool:
    """Tell whether an entry of a desk's domains has a form that can match anything."""
    if len(entry) > _DOMAIN_MAX or _DOMAIN.fullmatch(entry) is None:
        return False
    host, _, port = entry.partition(":")
    # A bare top-level wildcard would let in half the country.
    return (not port or 1 <= int(port) <= 65535) and (not host.startswith("*.") or host.count(".") >= 2)


def is_app_scheme(entry: str) -> bool:
    """Tell whether an entry of a desk's domains is the scheme of an app: ``uz.shop.app://``."""
    return len(entry) <= _DOMAIN_MAX and _APP_SCHEME.fullmatch(entry) is not None


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


def is_own_address(address: str, domains: tuple[str, ...], *, test: bool) -> bool:
    """Tell whether a payer may be led to this address with a result: a page of the desk's own, or its app.

    Args:
        address: A whole address of at most 2,000 printable ASCII characters; a ``#fragment`` is refused,
            since the result goes there, and so is a login.
        domains: The desk's own domains and app schemes.
        test: Whether this gateway runs with test cards.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None or len(address) > _ADDRESS_MAX:
        return False
    scheme, rest = match.groups()
    if scheme in domains:
        return is_app_scheme(scheme)
    authority = _AUTHORITY_ENDS.split(rest, maxsplit=1)[0]
    return is_own_origin(f"{scheme}{authority}", domains, test=test)


def frame_ancestors(domains: tuple[str, ...], *, test: bool) -> tuple[str, ...]:
    """Return which pages may show the desk's card form in a frame, in the words of a content security policy.

    Args:
        domains: The desk's own domains; app schemes among them frame nothing.
        test: Whether this gateway runs with test cards.
    """
    hosts = [entry for entry in domains if is_domain(entry)]
    sources = [f"https://{host}" for host in hosts]
    if test:
        sources += [f"http://{host}" for host in hosts]
        sources += ["http://localhost:*", "http://*.localhost:*", "http://127.0.0.1:*"]
    return tuple(sources)


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
    # A browser takes "\\" for "/" and "%2e" for ".", and so another host out of the same characters.
    if _HOST.fullmatch(host) is None:
        return None
    if parts.scheme not in _PORTS:
        return None
    return parts.scheme, host, _PORTS[parts.scheme] if port is None else port


def _matches(entry: str, host: str, port: int, default_port: int) -> bool:
    if entry.endswith("://"):
        return False
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
