"""The headers that keep a page ours: no foreign script, no frame, no copy left in a cache."""

from collections.abc import Mapping, Sequence
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["PAGE_HEADERS", "SecureHeaders", "framed_by"]

PAGE_HEADERS: Final[Mapping[str, str]] = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # The shop's address bar and ours stay apart; our own pages still send Origin with their forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), usb=()",
    "Cache-Control": "no-store",
}
"""What every page carries. Inline scripts and styles do not run: there are none."""

# The older word for "no frame" knows no list of pages; where the policy names some, it must not be said.
_FRAME_OPTIONS: Final = "X-Frame-Options"
_LEFT_OUT: Final = (_FRAME_OPTIONS.lower().encode(), b"")

# Browsers honour these only where the address is encrypted, and complain in the console where it is not.
_ENCRYPTED_ONLY: Final[Mapping[str, str]] = {
    "Strict-Transport-Security": "max-age=31536000",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def framed_by(ancestors: Sequence[str]) -> Mapping[str, str]:
    """Return the headers of a page with a form of its own script's that some pages may show in a frame.

    Args:
        ancestors: Which pages, in the words of a content security policy; none leaves the page unframed.

    Returns:
        What stands instead of the same names in `PAGE_HEADERS`.
    """
    policy = PAGE_HEADERS["Content-Security-Policy"].replace("form-action 'self'", "form-action 'none'")
    if not ancestors:
        return {"Content-Security-Policy": policy}
    policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {' '.join(ancestors)}")
    return {"Content-Security-Policy": policy, _FRAME_OPTIONS: ""}


class SecureHeaders:
    """An ASGI application whose every answer carries `PAGE_HEADERS`, unless it says otherwise itself.

    An answer whose X-Frame-Options is empty goes out without it.

    Args:
        app: The application.
        encrypted: Whether the outside reaches it by https.
    """

    def __init__(self, app: ASGIApp, *, encrypted: bool) -> None:
        self._app = app
        wanted = {**PAGE_HEADERS, **(_ENCRYPTED_ONLY if encrypted else {})}
        self._headers = [(name.lower().encode(), value.encode()) for name, value in wanted.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = list(message.get("headers", ()))
                present = {name.lower() for name, _ in headers}
                headers.extend(pair for pair in self._headers if pair[0] not in present)
                headers = [pair for pair in headers if pair != _LEFT_OUT]
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, receive, send_with_headers)
