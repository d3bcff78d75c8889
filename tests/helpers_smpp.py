"""A small SMSC on 127.0.0.1: it takes messages, and can throttle, refuse, answer late, or hang up."""

import asyncio
from typing import Self

from tiyin.gateway.notifications.smpp_pdu import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    HEAD_BYTES,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    Packet,
    Submit,
    read_bind,
    read_head,
    read_packet,
    read_submit,
    write_packet,
)

__all__ = ["Smsc"]

ROK, THROTTLED, BAD_RECEIVER, BAD_PASSWORD = 0, 0x58, 0x0B, 0x0E


class Smsc:
    """The other side. What it does with the next messages stands in `script`; then it takes all.

    A script's item is a command_status, `"cut"` (the connection is cut after the message was taken),
    `"silent"` (no answer ever comes) or `"later"` (the answer comes once `let_go` is set).
    """

    def __init__(self, password: str = "secret") -> None:
        self.password = password
        self.script: list[int | str] = []
        self.taken: list[Submit] = []
        self.binds = 0
        self.enquiries = 0
        self.unbound = 0
        self.delivered = asyncio.Event()
        self.let_go = asyncio.Event()
        self.answers_enquiries = True
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        self.hang_up()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    def hang_up(self) -> None:
        """Cut every connection."""
        for writer in list(self._writers):
            writer.close()

    def ask(self, command: int, body: bytes = b"") -> None:
        """Send a request of the SMSC's own on every connection."""
        for writer in self._writers:
            writer.write(write_packet(Packet(command, 0, 900, body)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readexactly(HEAD_BYTES)
                packet = read_packet(head + await reader.readexactly(read_head(head) - HEAD_BYTES))
                if not await self._answer(packet, writer):
                    return
        except (EOFError, OSError):
            return
        finally:
            self._tasks.discard(task)
            self._writers.discard(writer)
            writer.close()

    async def _answer(  # noqa: C901, PLR0911 - one branch for each command of the protocol
        self, packet: Packet, writer: asyncio.StreamWriter
    ) -> bool:
        status = ROK
        if packet.command == BIND_TRANSCEIVER:
            self.binds += 1
            status = ROK if read_bind(packet.body).password == self.password else BAD_PASSWORD
        elif packet.command == SUBMIT_SM:
            self.taken.append(read_submit(packet.body))
            told = self.script.pop(0) if self.script else ROK
            if told == "cut":
                return False
            if told == "silent":
                return True
            if told == "later":
                later = asyncio.ensure_future(self._later(packet, writer))
                self._tasks.add(later)
                later.add_done_callback(self._tasks.discard)
                return True
            status = int(told)
        elif packet.command == ENQUIRE_LINK:
            self.enquiries += 1
            if not self.answers_enquiries:
                return True
        elif packet.command == UNBIND:
            self.unbound += 1
        elif packet.command == DELIVER_SM | RESPONSE:
            self.delivered.set()
            return True
        elif packet.command & RESPONSE:
            return True
        writer.write(write_packet(Packet(packet.command | RESPONSE, status, packet.number, b"id\0")))
        return packet.command != UNBIND

    async def _later(self, packet: Packet, writer: asyncio.StreamWriter) -> None:
        await self.let_go.wait()
        writer.write(write_packet(Packet(packet.command | RESPONSE, ROK, packet.number, b"id\0")))
