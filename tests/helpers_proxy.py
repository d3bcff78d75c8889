"""A TCP proxy before PostgreSQL that cuts connections at the worst moments."""

import asyncio
import contextlib
import random
import re
from typing import Self

__all__ = ["Proxy"]

# Every batch carries its command's id; asking after a lost one carries it too.
COMMAND = re.compile(rb"[0-9a-f]{20}-[0-9a-f]{8}")


class Proxy:
    """Forwards to a server; while `cut` is set, batches are cut off with that probability.

    Args:
        port: The server's port on the loopback address.
        seed: For the choice of what is cut, and how.
    """

    def __init__(self, port: int, seed: int = 1) -> None:
        self._server_port = port
        self._random = random.Random(seed)  # noqa: S311  # a test's dice
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.cut = 0.0
        self.refusing = False
        self.ways: tuple[str, ...] = ("before", "after", "answer", "late")
        self.cuts = dict.fromkeys(self.ways, 0)
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.drop_all()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def drop_all(self) -> None:
        """Cut every connection at once."""
        for writer in list(self._writers):
            writer.transport.abort()

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self.refusing:
            writer.transport.abort()
            return
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        self._writers |= {writer, server_writer}
        # While an answer is to be swallowed, nothing that the server says goes through any more.
        swallow = asyncio.Event()
        back = asyncio.create_task(self._back(server_reader, writer, swallow))
        try:
            with contextlib.suppress(OSError):
                await self._forth(reader, writer, server_writer, swallow)
        finally:
            self._writers -= {writer, server_writer}
            writer.transport.abort()
            server_writer.close()
            back.cancel()

    async def _forth(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        server: asyncio.StreamWriter,
        swallow: asyncio.Event,
    ) -> None:
        while data := await reader.read(1 << 20):
            if not COMMAND.search(data) or self._random.random() >= self.cut:
                server.write(data)
                continue
            way = self._random.choice(self.ways)
            self.cuts[way] += 1
            if way == "before":
                return
            if way == "answer":
                swallow.set()
                server.write(data)
                await asyncio.sleep(self._random.uniform(0, 0.03))
                return
            if way == "late":
                # The client is gone and asks elsewhere, while its batch is still on its way to the server.
                writer.transport.abort()
                await asyncio.sleep(self._random.uniform(0, 0.08))
            server.write(data)
            await server.drain()
            return

    @staticmethod
    async def _back(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, swallow: asyncio.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1 << 20):
                if not swallow.is_set():
                    writer.write(data)
        if not swallow.is_set():
            writer.transport.abort()
