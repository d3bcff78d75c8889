"""HTTP/1.1 of the zoo's own: as little as a merchant's server needs, so that each byte can go wrong."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

__all__ = ["Closed", "Request", "Response", "close_now", "read_request", "serving", "write_response"]

_HEADERS_MAX = 100


class Closed(Exception):
    """The other side has gone."""


class Request(NamedTuple):
    """What came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    number: int
    """Its number on its connection, from 1."""
    gone: Callable[[], bool]
    """Whether the other side has closed meanwhile."""


class Response(NamedTuple):
    """What is answered."""

    body: bytes
    status: int = 200
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json; charset=UTF-8"),)
    close: bool = False


Handler = Callable[[Request], Awaitable[Response]]
Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Handler], Awaitable[None]]


async def _line(reader: asyncio.StreamReader) -> str:
    line = await reader.readline()
    if not line:
        raise Closed
    return line.decode("latin-1").rstrip("\r\n")


async def read_request(reader: asyncio.StreamReader, number: int) -> Request:
    """Read one request; `number` is its number on its connection."""
    method, path, _ = (await _line(reader)).split(" ", 2)
    headers: dict[str, str] = {}
    for _ in range(_HEADERS_MAX):
        line = await _line(reader)
        if not line:
            break
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    body = b""
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await _line(reader)).partition(";")[0], 16):
            body += await reader.readexactly(size)
            await _line(reader)
        await _line(reader)
    elif length := int(headers.get("content-length", "0")):
        body = await reader.readexactly(length)

    def gone() -> bool:
        return reader.at_eof() or reader.exception() is not None

    return Request(method, path, headers, body, number, gone)


def write_response(writer: asyncio.StreamWriter, response: Response) -> None:
    """Write an answer whole."""
    headers = [
        *response.headers,
        ("Content-Length", str(len(response.body))),
        ("Connection", "close" if response.close else "keep-alive"),
    ]
    head = "".join(f"{name}: {value}\r\n" for name, value in headers)
    writer.write(f"HTTP/1.1 {response.status} Status\r\n{head}\r\n".encode("latin-1") + response.body)


def close_now(writer: asyncio.StreamWriter) -> None:
    """Cut a connection."""
    with contextlib.suppress(RuntimeError):
        writer.close()


async def speak_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler) -> None:
    """Serve one connection as it should be done."""
    number = 0
    while True:
        number += 1
        request = await read_request(reader, number)
        response = await handler(request)
        close = response.close or request.headers.get("connection", "").lower() == "close"
        write_response(writer, response._replace(close=close))
        await writer.drain()
        if close:
            return


@asynccontextmanager
async def serving(handler: Handler, speak: Speak = speak_http) -> AsyncIterator[int]:
    """Serve on a free port of this event loop.

    Args:
        handler: Answers a request.
        speak: Serves one connection.
    """
    connections: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await speak(reader, writer, handler)
        except (Closed, OSError, asyncio.IncompleteReadError, ValueError):
            # The other side has gone, or speaks something else.
            return
        finally:
            close_now(writer)

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(connected(reader, writer))
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0)
    try:
        yield int(server.sockets[0].getsockname()[1])
    finally:
        server.close()
        for task in list(connections):
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()
