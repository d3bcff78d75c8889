"""Who may use `/dev`: the person at this machine, and no web page that happens to be open in their browser.

A page on the internet can make a browser send requests to 127.0.0.1, either straight (cross-site requests)
or by pointing its own name at this machine (DNS rebinding). The first is seen by `Sec-Fetch-Site` and
`Origin`, the second by `Host`. Programs (curl, tests) send neither of the first two and are let through.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.requests import Request

__all__ = ["refusal"]

_OWN_SITES = ("same-origin", "none")
_NAMES = ("localhost", "127.0.0.1", "::1")


def refusal(request: Request) -> str | None:
    """Say why a request may not use `/dev`.

    Args:
        request: Any request below `/dev`.

    Returns:
        A sentence, or None when it may.
    """
    if request.client is None or not _is_loopback(request.client.host):
        return "/dev answers this machine only."
    host = request.headers.get("host", "")
    if _name(host) not in _NAMES:
        return "/dev is opened as 127.0.0.1 or localhost only."
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in _OWN_SITES and not _is_followed_link(request):
        return "/dev does not answer requests that another site's page makes."
    origin = request.headers.get("origin")
    if origin is not None and _netloc(origin) != host:
        return "/dev does not answer requests that another site's page makes."
    return None


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None


def _is_followed_link(request: Request) -> bool:
    """Tell whether a person followed a link here: they see the page, the site they came from does not."""
    return (
        request.method == "GET"
        and request.headers.get("sec-fetch-mode") == "navigate"
        and request.headers.get("sec-fetch-dest") == "document"
    )
