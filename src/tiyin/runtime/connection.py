"""One HTTP/1.1 connection to one server, in the loop's own thread: one call at a time, counted, in time.

What belongs to a call is bounded here: the length of the answer's head and of its body, what frames them, and
the time. A connection that met anything unexpected is not used again.
"""

import asyncio
import select
from collections.abc import Callable
from typing import Final

from httptools import HttpParserError, HttpResponseParser

from tiyin.runtime.http import HttpAnswer

__all__ = ["AnswerFailed", "Connection"]

_HEAD_BYTES_MAX: Final = 64 * 1024
_HEADERS_MAX: Final = 100
_FRAMING_OF_A_BYTE_MAX: Final = 8
"""How many bytes of a chunked answer may come for each byte of its body, its chunks being that small."""


class AnswerFailed(Exception):
    """The call may have reached the other side, and brought no whole answer. Its text says why."""


class Connection(asyncio.Protocol):
    """A connection that was made; `ask` sends a call over it.

    Attributes:
        idle_since: When its last answer ended, in seconds of the loop's time.
    """

    __slots__ = (
        "_answer",
        "_body",
        "_body_max",
        "_headers",
        "_is_usable",
        "_length",
        "_lines",
        "_loop",
        "_lost",
        "_parser",
        "_poll",
        "_received",
        "_stands",
        "_status",
        "_transport",
        "idle_since",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop, lost: Callable[["Connection"], None]) -> None:
        """Make what stands for a connection that the loop makes.

        Args:
            loop: The loop.
            lost: Called once when the connection has ended.
        """
        self._loop = loop
        self._lost = lost
        self._parser: HttpResponseParser | None = None
        self._transport: asyncio.Transport | None = None
        self._poll: Callable[[int], list[tuple[int, int]]] | None = None
        self._answer: asyncio.Future[HttpAnswer] | None = None
        self._is_usable = True
        self.idle_since = 0.0
        self._begin(0)

    def _begin(self, body_max: int) -> None:
        self._body_max = body_max
        self._received = self._length = self._status = self._lines = 0
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        # Whether the head of the answer is whole.
        self._stands = False

    @property
    def is_lost(self) -> bool:
        """Whether it has ended."""
        return self._transport is None

    @property
    def is_usable(self) -> bool:
        """Whether another call may be sent: the last answer ended well, and the other side is still there.

        The loop hears of a connection that was closed a little later than the operating system, so that one
        is asked.
        """
        if not self._is_usable or self._transport is None or self._transport.is_closing():
            return False
        return self._poll is None or not self._poll(0)

    async def ask(self, request: bytes, body_max: int, deadline: float) -> HttpAnswer:
        """Send a call and wait for its answer. Whatever else ends it ends the connection.

        Args:
            request: The whole request, head and body.
            body_max: How many bytes the answer's body may have.
            deadline: Until when, in seconds of the loop's time.

        Raises:
            TimeoutError: If there was no whole answer by then.
            AnswerFailed: If there will be none.
        """
        self._begin(body_max)
        answer: asyncio.Future[HttpAnswer] = self._loop.create_future()
        self._answer = answer
        if self._transport is None:
            raise AnswerFailed("the connection was closed")
        self._is_usable = False
        timer = self._loop.call_at(deadline, self._late)
        try:
            self._transport.write(request)
            return await answer
        finally:
            timer.cancel()
            self._answer = None
            if not self._is_usable:
                self.abort()

    def abort(self) -> None:
        """End the connection at once; a call that waits fails."""
        self._fail(AnswerFailed("the connection was closed"))
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # no other kind comes
        """Take the connection."""
        self._transport = transport
        self._parser = HttpResponseParser(self)
        sock = transport.get_extra_info("socket")
        if sock is not None and hasattr(select, "poll"):
            poll = select.poll()
            poll.register(sock.fileno(), select.POLLIN)
            self._poll = poll.poll

    def connection_lost(self, exc: Exception | None) -> None:
        """Note its end; a call that waits fails."""
        self._fail(AnswerFailed("the connection was closed" if exc is None else type(exc).__name__))
        self._is_usable = False
        self._transport = self._parser = self._poll = None
        self._lost(self)

    def eof_received(self) -> None:
        """End an answer that says nothing of its length: it goes as far as the connection."""
        self._is_usable = False
        framed = "content-length" in self._headers or "transfer-encoding" in self._headers
        if self._stands and not framed:
            self._give()

    def data_received(self, data: bytes) -> None:
        """Read on, counting."""
        if self._answer is None or self._answer.done() or self._parser is None:
            # Nobody asked for it.
            self._is_usable = False
            self.abort()
            return
        self._received += len(data)
        try:
            self._parser.feed_data(data)
        except HttpParserError as error:
            # What a callback below raised is the cause of what the parser raises.
            cause = error.__context__
            self._fail(cause if isinstance(cause, AnswerFailed) else AnswerFailed("it cannot be read"))
            return
        if not self._stands and self._received > _HEAD_BYTES_MAX:
            self._fail(AnswerFailed(f"its head is longer than {_HEAD_BYTES_MAX} bytes"))
        elif self._received > _HEAD_BYTES_MAX + _FRAMING_OF_A_BYTE_MAX * self._body_max:
            self._fail(AnswerFailed("its chunks are too many"))

    # What the parser calls.

    def on_message_begin(self) -> None:
        """Refuse to read what comes behind the answer."""
        if self._answer is None or self._answer.done():
            self._is_usable = False
            raise AnswerFailed("something comes behind it")

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; a value that is not text is left out, and trailers are."""
        if self._stands:
            return
        self._lines += 1
        if self._lines > _HEADERS_MAX:
            raise AnswerFailed(f"it has more than {_HEADERS_MAX} headers")
        if not value.isascii():
            value = b""
        key, text = name.decode("latin-1").lower(), value.decode()
        self._headers[key] = f"{self._headers[key]}, {text}" if key in self._headers else text

    def on_headers_complete(self) -> None:
        """Judge the head."""
        assert self._parser is not None  # noqa: S101 - it is the parser that calls
        self._status = self._parser.get_status_code()
        self._stands = True
        declared = self._headers.get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > self._body_max:
            raise AnswerFailed(f"it is longer than {self._body_max} bytes")

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._length += len(body)
        if self._length > self._body_max:
            raise AnswerFailed(f"it is longer than {self._body_max} bytes")
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Give the answer, if it is one: 1xx only say that it will come."""
        if self._status < 200:
            self._headers, self._body, self._stands = {}, [], False
            return
        assert self._parser is not None  # noqa: S101 - it is the parser that calls
        self._is_usable = self._parser.should_keep_alive()
        self._give()

    def _give(self) -> None:
        if self._answer is not None and not self._answer.done():
            self.idle_since = self._loop.time()
            self._answer.set_result(HttpAnswer(self._status, self._headers, b"".join(self._body)))

    def _late(self) -> None:
        self._fail(TimeoutError())

    def _fail(self, error: Exception) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)
