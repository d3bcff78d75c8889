"""A merchant's server may answer anything; what it may not is fill the gateway's memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.http import NoAnswer

BODY_MAX = 1000
ENOUGH = 16 * 1024 * 1024
"""More than any buffer between the two holds; far less than an attacker would send."""


class Flood:
    """A server that sends its head, then chunks until nobody takes any more."""

    def __init__(self, head: bytes) -> None:
        self._head = head
        self._ended = asyncio.Event()
        self.sent = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(self._head)
        try:
            while self.sent < ENOUGH:
                writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                await writer.drain()
                self.sent += 0x10000
        except OSError:
            pass
        finally:
            writer.transport.abort()
            self._ended.set()

    async def ended(self) -> None:
        """Wait until the caller has gone."""
        async with asyncio.timeout(10):
            await self._ended.wait()
            await asyncio.sleep(0)  # The transport closes its socket in the loop's next turn.


@asynccontextmanager
async def listening(flood: Flood) -> AsyncIterator[str]:
    server = await asyncio.start_server(flood.serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"


@pytest.mark.parametrize(
    "headers",
    [
        b"",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: chunked, gzip\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: identity\r\n",
        b"Content-Length: 5\r\nTransfer-Encoding: \xff\r\n",
        b"Content-Length: 5\r\ntransfer-encoding:\r\n",
        b"Content-Length: 5\r\nContent-Length: 50000000\r\n",
        b"Content-Length: 50000000\r\n",
        b"Content-Length: +5\r\n",
        b"Connection: close\r\n",
    ],
)
async def test_an_answer_without_end_is_cut_off(headers: bytes) -> None:
    flood = Flood(b"HTTP/1.1 200 OK\r\n" + headers + b"\r\n")
    http = GuardedHttp(allow_private=True)
    async with listening(flood) as url:
        with pytest.raises(NoAnswer):
            await http.get(url, headers={}, timeout_ms=5000, body_max=BODY_MAX)
        await http.close()
        await flood.ended()
    assert flood.sent < ENOUGH


async def test_a_declared_length_is_read_and_nothing_behind_it() -> None:
    flood = Flood(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")
    http = GuardedHttp(allow_private=True)
    async with listening(flood) as url:
        answer = await http.get(url, headers={}, timeout_ms=5000, body_max=BODY_MAX)
        await http.close()
        await flood.ended()
    assert answer.body == b"10000\r\n"
