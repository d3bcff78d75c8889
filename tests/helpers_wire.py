"""A server on 127.0.0.1 that does with a connection whatever a test wants."""

import asyncio
import contextlib
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

__all__ = ["Handler", "Seen", "answer", "answering", "json_answer", "raw_server", "read_request"]


class Seen:
    """What reached the server.

    Args:
        url: Its address.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.changed = asyncio.Event()

    async def until(self, bodies: int) -> None:
        """Wait until so many requests came whole."""
        while len(self.bodies) < bodies:
            self.changed.clear()
            await self.changed.wait()


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Seen], Awaitable[None]]


async def read_request(reader: asyncio.StreamReader, seen: Seen) -> bytes | None:
    """Read a whole request and note it; None where the connection ended."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, OSError):
        return None
    lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
    body = await reader.readexactly(int(lines[b"content-length"]))
    seen.heads.append(head)
    seen.bodies.append(body)
    seen.changed.set()
    return body


def answer(body: bytes, status: str = "200 OK", headers: str = "Content-Type: application/json\r\n") -> bytes:
    """Write an HTTP answer."""
    return f"HTTP/1.1 {status}\r\n{headers}Content-Length: {len(body)}\r\n\r\n".encode() + body


def json_answer(value: Any, status: str = "200 OK") -> bytes:
    """Write an HTTP answer with a JSON body."""
    return answer(json.dumps(value).encode(), status)


def answering(respond: Callable[[dict[str, Any]], bytes]) -> Handler:
    """Answer each request of a connection by what `respond` makes of its JSON object; b"" closes."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, seen: Seen) -> None:
        while (body := await read_request(reader, seen)) is not None:
            reply = respond(json.loads(body))
            if not reply:
                return
            writer.write(reply)
            await writer.drain()

    return handle


@contextlib.asynccontextmanager
async def raw_server(handle: Handler, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Seen]:
    """Serve until the block ends; then every connection is closed and every handler has ended."""
    seen = Seen("")
    running: set[asyncio.Task[None]] = set()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        try:
            with contextlib.suppress(OSError, asyncio.CancelledError):
                await handle(reader, writer, seen)
        finally:
            running.discard(task)
            writer.transport.abort()

    server = await asyncio.start_server(on_connection, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    seen.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{port}/payme"
    try:
        yield seen
    finally:
        server.close()
        tasks = list(running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)
