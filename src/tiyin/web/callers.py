"""Requests that came through an operator's own proxies, with the address of who really asks."""

from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from tiyin.runtime.proxies import Proxies

__all__ = ["KnownCallers"]

_FORWARDED: Final = b"x-forwarded-for"


class KnownCallers:
    """An ASGI application whose requests carry the caller's address instead of an own proxy's.

    Args:
        app: The application.
        proxies: The proxies that are believed; nobody else's header is.
    """

    def __init__(self, app: ASGIApp, proxies: Proxies) -> None:
        self._app = app
        self._proxies = proxies

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] == "http" and scope.get("client") is not None:
            said = [value.decode("latin-1") for name, value in scope["headers"] if name == _FORWARDED]
            peer, port = scope["client"]
            caller = self._proxies.caller(peer, ",".join(said) if said else None)
            scope = {**scope, "client": None if caller is None else (str(caller), port)}
        await self._app(scope, receive, send)
