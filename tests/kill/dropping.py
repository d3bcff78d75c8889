"""A TCP proxy between two programs that speak HTTP, which loses requests and answers."""

import asyncio
import contextlib
import random
from collections.abc import Callable
from typing import Self

__all__ = ["Dropping"]

WAYS = ("request", "answer", "half", "slow")


class Dropping:
    """Forwards to a server of this machine; loses what goes through it with some probability.

    A *request* is lost before its server sees it, an *answer* after it was given, *half* of an answer
    arrives, and a *slow* answer arrives late.

    Args:
        port: The server's port.
        lossy: The probability that something is lost, for each request.
        seed: For the choice.

    Attributes:
        port: Where it listens.
        lost: How often each happened.
    """

    def __init__(self, port: int, *, lossy: float, seed: int) -> None:
        self._server_port = port
        self._chance = random.Random(seed)  # noqa: S311 - a test's dice
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.lossy = lossy
        self.lost = dict.fromkeys(WAYS, 0)
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accepted, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        server: asyncio.StreamWriter | None = None
        try:
            # Who is cancelled here is at the end of the test.
            with contextlib.suppress(OSError, asyncio.CancelledError):
                answers, server = await asyncio.open_connection("127.0.0.1", self._server_port)
                back = asyncio.create_task(self._pass(answers, writer))
                try:
                    await self._forward(reader, server, back.cancel, answers, writer)
                finally:
                    back.cancel()
        finally:
            for one in (writer, server):
                if one is not None:
                    one.transport.abort()

    async def _forward(
        self,
        reader: asyncio.StreamReader,
        server: asyncio.StreamWriter,
        mute: Callable[[], object],
        answers: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        while data := await reader.read(1 << 16):
            # Everything here is small: what is read at once is a request.
            if self._chance.random() >= self.lossy:
                server.write(data)
                continue
            way = self._chance.choice(WAYS)
            self.lost[way] += 1
            if way == "request":
                return
            mute()
            server.write(data)
            answer = await answers.read(1 << 16)
            if way == "half":
                writer.write(answer[: len(answer) // 2])
                await writer.drain()
            elif way == "slow":
                await asyncio.sleep(self._chance.uniform(0, 0.3))
                writer.write(answer)
                await writer.drain()
            return

    @staticmethod
    async def _pass(answers: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await answers.read(1 << 16):
                writer.write(data)
            writer.close()
