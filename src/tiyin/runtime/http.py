"""Calls to other people's servers, and what may be known after one failed.

    CallFailed
    ├── NotSent    it never reached the other side: nothing has happened there
    └── NoAnswer   it may have reached the other side: what happened there is unknown

The port (`Http`), its answer and its errors are here; the real form is `tiyin.runtime.guarded_http`.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

import msgspec

from tiyin.protocol.hidden import rich_repr

__all__ = ["CallFailed", "Http", "HttpAnswer", "HttpCall", "NoAnswer", "NotSent", "ScriptedHttp"]


class CallFailed(Exception):
    """A call that brought no whole answer. Its text names host and cause, never a path, header or body."""


class NotSent(CallFailed):
    """The call certainly never reached the other side."""


class NoAnswer(CallFailed):
    """The call may have reached the other side: its outcome there is unknown."""


class HttpAnswer(msgspec.Struct, frozen=True):
    """A whole answer.

    Args:
        status: The HTTP status; a redirect is an answer like any other.
        headers: Names in lower case; of a repeated header the values are joined with ", ".
        body: At most as long as the call allowed.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def __repr__(self) -> str:
        return f"HttpAnswer(status={self.status}, {len(self.body)} bytes)"

    __rich_repr__ = rich_repr


class HttpCall(msgspec.Struct, frozen=True):
    """What a `ScriptedHttp` was asked to send."""

    method: str
    url: str
    body: bytes
    headers: Mapping[str, str]
    timeout_ms: int
    body_max: int

    def __repr__(self) -> str:
        return f"HttpCall(method={self.method!r}, {len(self.body)} bytes)"

    __rich_repr__ = rich_repr


class Http(Protocol):
    """Outgoing HTTP."""

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST once; it is never repeated by this layer once a byte of it may have left.

        Args:
            url: An absolute http or https address without credentials.
            body: What to send.
            headers: Names and values; framing headers (`Host`, `Content-Length`, ...) are set here alone.
            timeout_ms: For everything together, from resolving the name to the answer's last byte; at
                least 1.
            body_max: How many bytes the answer's body may have.

        Raises:
            NotSent: It never reached the other side.
            NoAnswer: It may have.
        """
        ...

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a GET; arguments and errors are those of `post`."""
        ...


class ScriptedHttp:
    """The other side as a function: for tests and simulations.

    Args:
        script: Answers a call, or raises `NotSent` or `NoAnswer`; may be async (then it may sleep on a
            clock).
    """

    def __init__(self, script: Callable[[HttpCall], HttpAnswer | Awaitable[HttpAnswer]]) -> None:
        self._script = script
        self.calls: list[HttpCall] = []

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Ask the script."""
        return await self._ask(HttpCall("POST", url, body, dict(headers), timeout_ms, body_max))

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Ask the script."""
        return await self._ask(HttpCall("GET", url, b"", dict(headers), timeout_ms, body_max))

    async def _ask(self, call: HttpCall) -> HttpAnswer:
        self.calls.append(call)
        answer = self._script(call)
        if isinstance(answer, HttpAnswer):
            return answer
        return await answer
