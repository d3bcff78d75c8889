"""A load of many clients over HTTP keep-alive, small enough not to be the thing that is measured."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

__all__ = ["Client", "Measured", "run_clients"]


class Client(asyncio.Protocol):
    """A connection that posts JSON and waits for each answer; made anew where the server closes it."""

    def __init__(self, host: str, port: int) -> None:
        self.host, self.port = host, port
        self._buffer = bytearray()
        self._answer: asyncio.Future[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._closes = False

    async def connect(self) -> "Client":
        loop = asyncio.get_running_loop()
        await loop.create_connection(lambda: self, self.host, self.port)
        return self

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or ConnectionResetError("the server closed the connection"))
        self._transport = None

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._buffer[:end]).lower()
        start = head.find(b"content-length:")
        assert start >= 0, head
        length = int(head[start + 15 : (head.find(b"\r\n", start) + 1 or len(head) + 1) - 1])
        if len(self._buffer) >= end + 4 + length:
            body = bytes(self._buffer[end + 4 : end + 4 + length])
            del self._buffer[: end + 4 + length]
            assert head.startswith(b"http/1.1 200"), head
            self._closes = b"connection: close" in head
            if self._answer is not None and not self._answer.done():
                self._answer.set_result(body)

    async def post(self, path: bytes, body: bytes, headers: bytes = b"") -> bytes:
        if self._closes or self._transport is None or self._transport.is_closing():
            self.close()
            self._closes = False
            await self.connect()
        assert self._transport is not None
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(
            b"POST %b HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n" % path
            + b"%bContent-Length: %d\r\n\r\n%b" % (headers, len(body), body)
        )
        return await self._answer

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


@dataclass(frozen=True)
class Measured:
    """What a run of clients measured."""

    clients: int
    done: int
    all: int
    seconds: float
    latencies_ms: tuple[float, ...]

    @property
    def per_second(self) -> float:
        return self.done / self.seconds

    def percentile(self, part: float) -> float:
        return statistics.quantiles(self.latencies_ms, n=1000, method="inclusive")[round(part * 1000) - 1]


async def run_clients(
    host: str,
    port: int,
    clients: int,
    cycle: Callable[[Client, int], Awaitable[None]],
    *,
    seconds: float,
    warm_up_seconds: float,
) -> Measured:
    """Run `cycle(connection, number)` over and over on each connection; count those begun after warming."""
    connections = await asyncio.gather(*(Client(host, port).connect() for _ in range(clients)))
    start = time.perf_counter()
    counted_from, until = start + warm_up_seconds, start + warm_up_seconds + seconds
    latencies: list[float] = []
    numbers = iter(range(1_000_000_000))
    last = 0.0

    async def client(connection: Client) -> None:
        nonlocal last
        while (began := time.perf_counter()) < until:
            await cycle(connection, next(numbers))
            last = time.perf_counter()
            if began >= counted_from:
                latencies.append((last - began) * 1000)

    try:
        await asyncio.gather(*(client(connection) for connection in connections))
    finally:
        for connection in connections:
            connection.close()
    return Measured(clients, len(latencies), next(numbers), last - counted_from, tuple(latencies))
