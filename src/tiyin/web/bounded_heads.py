"""Heads of requests that end: uvicorn's fast parser keeps whatever it is sent, for as long as it is sent.

A head is the request line and the headers. Nothing behind it sees a request before its head is whole, so
its bounds can only be held here: a caller who sends a head without end, or none, does not hold memory or a
connection for ever.
"""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

__all__ = ["HEAD_BYTES_MAX", "HEAD_S", "BoundedHeads"]

HEAD_BYTES_MAX: Final = 64 * 1024
"""How many bytes a head may have; what one read of the socket brought may come on top."""
HEAD_S: Final = 20.0
"""How long a head may take, in seconds, from its first byte or from the connection's beginning."""


class BoundedHeads(HttpToolsProtocol):
    """uvicorn's protocol, with bounds on the size and the time of a head."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._went_on = False
        self._bytes = 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin to wait for the first head."""
        super().connection_made(transport)
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """End waiting."""
        self._wait_no_more()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse; then judge what neither ended a head nor brought any of a body."""
        self._went_on = False
        if self._in_head and self._timer is None:
            self._wait()
        super().data_received(data)
        if self._went_on:
            self._bytes = 0
            return
        self._bytes += len(data)
        if self._bytes > HEAD_BYTES_MAX and not self.transport.is_closing():
            self.logger.warning("A request's head is too long.")
            self.send_400_response("The request's head is too long.")

    def on_headers_complete(self) -> None:
        """Note that the head is whole."""
        self._in_head = False
        self._went_on = True
        self._wait_no_more()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Note that the body goes on; what may follow it, trailers, is bounded as a head is."""
        self._went_on = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Note that what comes next is another head."""
        self._in_head = True
        self._went_on = True
        super().on_message_complete()

    def _wait(self) -> None:
        self._timer = self.loop.call_later(HEAD_S, self._late)

    def _wait_no_more(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        # Also a connection that a browser opened in advance and never used, so that it is no news.
        self._timer = None
        self.transport.close()
