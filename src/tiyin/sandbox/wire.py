"""One connection to a merchant's server: a request goes out, an answer within bounds comes back."""

import asyncio
import contextlib
import ssl
from typing import Final

import h11

from tiyin.sandbox.exchange import Answer, Failure, Request

__all__ = ["BODY_BYTES_MAX", "Connection", "WireFailed", "open_connection"]

BODY_BYTES_MAX: Final = 8 * 1024 * 1024
"""The longest body that is read."""
_HEAD_BYTES_MAX: Final = 64 * 1024
_READ_BYTES: Final = 64 * 1024
_STATUS_LINE: Final = b"HTTP/"
_INFORMING_MAX: Final = 100
_HEAD_TOO_LONG: Final = 431


class WireFailed(Exception):
    """No whole answer came.

    Args:
        failure: Why.
        detail: The same in technical words.
    """

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


class Connection:
    """An open connection; one request at a time.

    Args:
        number: Which one of the caller's it is, from 1.
        reader: What comes from the server.
        writer: What goes to it.
    """

    def __init__(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.number = number
        self.answers = 0
        self.received = 0
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(our_role=h11.CLIENT, max_incomplete_event_size=_HEAD_BYTES_MAX)
        self._start = b""

    @property
    def closed_while_idle(self) -> bool:
        """Whether it cannot take another request."""
        return self._reader.at_eof() or self._writer.is_closing() or bool(self._http.trailing_data[0])

    async def send(self, request: Request, target: str, headers: list[tuple[str, str]]) -> None:
        """Send a request whole.

        Args:
            request: What to send.
            target: The path and the query.
            headers: All headers of it.

        Raises:
            WireFailed: If the connection broke before all was sent and nothing came back.
            ValueError: If a header cannot be written at all.
        """
        self.received = 0
        self._start = b""
        try:
            data = self._written(request, target, headers)
        except (h11.LocalProtocolError, UnicodeError) as error:
            raise ValueError(f"the request cannot be written: {error}") from None
        # A drain then lasts until the operating system has taken every byte.
        self._writer.transport.set_write_buffer_limits(0)
        self._writer.write(data)
        # A server may answer before it has read all, and close: what it said is then still to be read.
        with contextlib.suppress(OSError):
            await self._writer.drain()

    def _written(self, request: Request, target: str, headers: list[tuple[str, str]]) -> bytes:
        head = h11.Request(
            method=request.method.encode("ascii"),
            target=target.encode("ascii"),
            headers=[(name.encode("ascii"), value.encode("utf-8")) for name, value in headers],
        )
        pieces = (self._http.send(head), self._http.send(h11.Data(data=request.body)))
        return b"".join(piece or b"" for piece in (*pieces, self._http.send(h11.EndOfMessage())))

    async def receive(self) -> Answer:
        """Read the answer whole; informational ones before it are passed over.

        Raises:
            WireFailed: If none comes whole, or not within the bounds.
        """
        head: h11.Response | None = None
        body = bytearray()
        informed = 0
        while True:
            event = await self._event()
            if isinstance(event, h11.InformationalResponse):
                informed += 1
                if informed > _INFORMING_MAX:
                    raise WireFailed(Failure.TOO_LONG, f"no end after {informed} informational answers")
            elif isinstance(event, h11.Response):
                head = event
            elif isinstance(event, h11.Data):
                body += event.data
                if len(body) > BODY_BYTES_MAX:
                    raise WireFailed(Failure.TOO_LONG, f"the body is longer than {BODY_BYTES_MAX} bytes")
            elif isinstance(event, h11.EndOfMessage) and head is not None:
                break
        self.answers += 1
        named = ((name.decode("latin-1"), _text(value)) for name, value in head.headers)
        return Answer(head.status_code, tuple(named), bytes(body))

    def is_reusable(self) -> bool:
        """Make ready for another request; False where the server or the protocol forbids it."""
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
            return not self.closed_while_idle
        return False

    def abort(self) -> None:
        """Close at once, without any farewell."""
        self._writer.transport.abort()

    async def _event(self) -> h11.Event:
        while True:
            try:
                event = self._http.next_event()
            except h11.RemoteProtocolError as error:
                raise self._broken(error) from None
            if event is h11.NEED_DATA:
                await self._read()
            elif isinstance(event, h11.Event) and not isinstance(event, h11.ConnectionClosed):
                return event
            else:
                raise WireFailed(Failure.NOT_HTTP, "the answer leaves HTTP/1.1")

    async def _read(self) -> None:
        try:
            data = await self._reader.read(_READ_BYTES)
        except (OSError, ssl.SSLError) as error:
            raise WireFailed(Failure.CLOSED, f"closed after {self.received} bytes: {_words(error)}") from None
        if not data and not self.received:
            raise WireFailed(Failure.CLOSED, "closed before any byte of an answer")
        self.received += len(data)
        if len(self._start) < len(_STATUS_LINE):
            self._start = (self._start + data)[: len(_STATUS_LINE)]
            if not _STATUS_LINE.startswith(self._start):
                raise WireFailed(Failure.NOT_HTTP, f"the answer begins with {self._start!r}")
        if self.received > BODY_BYTES_MAX * 2:
            # Pieces so small that their frames outweigh them.
            raise WireFailed(Failure.TOO_LONG, f"no end after {self.received} bytes")
        self._http.receive_data(data)

    def _broken(self, error: h11.RemoteProtocolError) -> WireFailed:
        if error.error_status_hint == _HEAD_TOO_LONG:
            return WireFailed(Failure.TOO_LONG, f"the headers are longer than {_HEAD_BYTES_MAX} bytes")
        if self._reader.at_eof():
            return WireFailed(Failure.CLOSED, f"closed after {self.received} bytes, before the answer's end")
        return WireFailed(Failure.NOT_HTTP, str(error))


async def open_connection(
    number: int, address: str, port: int, *, tls: ssl.SSLContext | None, host: str
) -> Connection:
    """Connect to an address that was judged.

    Args:
        number: The connection's number.
        address: A literal address.
        port: The port.
        tls: What to trust, or None for plain HTTP.
        host: Whose certificate it must be.

    Raises:
        WireFailed: If there is no connection, or its TLS fails.
    """
    try:
        reader, writer = await asyncio.open_connection(
            address, port, ssl=tls, server_hostname=host if tls is not None else None
        )
    except ssl.SSLError as error:
        raise WireFailed(Failure.TLS, _words(error)) from None
    except OSError as error:
        failure = Failure.TLS if tls is not None and isinstance(error, ConnectionError) else None
        refused = isinstance(error, ConnectionRefusedError)
        raise WireFailed(
            Failure.NOT_CONNECTED if failure is None or refused else failure, _words(error)
        ) from None
    return Connection(number, reader, writer)


def _words(error: Exception) -> str:
    """Say what failed in the operating system's words, without addresses of this machine's memory."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason or type(error).__name__}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return type(error).__name__


def _text(value: bytes) -> str:
    try:
        return value.decode("utf-8")
    except UnicodeError:
        return value.decode("latin-1")
