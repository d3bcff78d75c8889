"""Asking an ASGI application of this process, without a socket."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message

__all__ = ["RECORDED", "RESENT_FROM", "Dropped", "Reply", "ask"]

RESENT_FROM = "tiyin.resent_from"
"""In the scope of such a request: the number of the exchange that it repeats."""
RECORDED = "tiyin.recorded"
"""In the scope afterwards: the number under which the exchange was recorded."""


class Dropped(Exception):  # a connection that there is not
    """The application wanted to cut the connection."""


class Reply(msgspec.Struct, frozen=True):
    """What came.

    Args:
        status: The HTTP status; 0 when the connection was cut instead.
        body: The body.
        exchange: The number under which it was recorded, or None.
    """

    status: int
    body: bytes
    exchange: int | None


async def ask(
    app: ASGIApp, path: str, body: bytes, headers: Mapping[str, str], *, resent_from: int | None = None
) -> Reply:
    """Send a POST.

    Args:
        app: The application.
        path: The path.
        body: The body.
        headers: Further headers; names in lower case.
        resent_from: The number of the exchange that it repeats.
    """
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            *(
                (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
                for name, value in headers.items()
            ),
        ],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
        RESENT_FROM: resent_from,
    }
    status = 0
    parts: list[bytes] = []
    unread = [body]

    async def receive() -> Message:
        return {"type": "http.request", "body": unread.pop() if unread else b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            parts.append(message.get("body", b""))

    try:
        await app(scope, receive, send)
    except Dropped:
        status = 0
    return Reply(status, b"".join(parts), scope.get(RECORDED))
