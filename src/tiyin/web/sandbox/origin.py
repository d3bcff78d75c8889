"""Whose page sent a form: only our own may act for a visitor.

Browsers say it in `Sec-Fetch-Site` and `Origin`; programs send neither and are let through, since nobody's
cookie is in them. A shop's form is not asked: it only fills fields in.
"""

from typing import Final
from urllib.parse import urlsplit

from starlette.requests import Request

from tiyin.protocol.errors import wrong_field

__all__ = ["FOREIGN", "require_own"]

FOREIGN: Final = "origin"
"""The field that is named where another site's page sent the form."""


def require_own(request: Request) -> None:
    """Refuse a form that another site's page sent.

    Args:
        request: The request.

    Raises:
        RpcError: -31610, naming `FOREIGN`.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        # Told by every browser of today over https and on this machine; a proxy may have changed the host.
        if site not in {"same-origin", "none"}:
            raise wrong_field(FOREIGN)
        return
    origin = request.headers.get("origin")
    if origin is not None and _netloc(origin) != request.headers.get("host", ""):
        raise wrong_field(FOREIGN)


def _netloc(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return None
