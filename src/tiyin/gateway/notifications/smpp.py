"""SMS over SMPP 3.4: one bound connection, many messages in flight, made anew when it is lost.

A message is *unknown* from the moment its packet may have left until its response came: a connection that
breaks in between says nothing about it. Whatever an SMSC refuses by a response was not sent.
"""

import asyncio
import contextlib
import itertools
from typing import Final

import msgspec

from tiyin.gateway.notifications.failures import of_smpp
from tiyin.gateway.notifications.port import SEND_S, SendingLater, SendingRefused, SendingUnknown
from tiyin.gateway.notifications.smpp_pdu import (
    BIND_TRANSCEIVER,
    DELIVER_SM,
    ENQUIRE_LINK,
    ESM_UDH,
    GENERIC_NACK,
    RESPONSE,
    SUBMIT_SM,
    UNBIND,
    Bind,
    Packet,
    PduError,
    Submit,
    read_head,
    read_packet,
    udh,
    write_bind,
    write_packet,
    write_submit,
)
from tiyin.gateway.notifications.sms_coding import code_sms
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks, TasksRefused

__all__ = ["SmppAccount", "SmppSender"]

_NUMBER_MAX: Final = 0x7FFFFFFF
_CONNECT_S: Final = 4.0
_UNBIND_S: Final = 1.0


class SmppAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Where and as whom to send.

    Args:
        host: The SMSC.
        port: Its port.
        system_id: The account.
        password: Its password, at most 8 characters.
        source: Who sends, as phones show it: a short number or up to 11 letters.
        system_type: What some SMSCs ask for.
        tls: Whether the connection is TLS.
        payload: Whether a long text goes whole as message_payload, instead of in parts with a header.
        window: How many messages may wait for their response at a time; at least 1.
        answer_s: How long a response may take, seconds.
        enquire_s: After how many quiet seconds the connection is tested.
    """

    host: str
    port: int
    system_id: str
    password: str
    source: str
    system_type: str = ""
    tls: bool = False
    payload: bool = False
    window: int = 10
    answer_s: float = SEND_S - 2
    enquire_s: float = 30.0

    def __repr__(self) -> str:
        return f"SmppAccount({self.system_id!r} at {self.host}:{self.port})"

    __rich_repr__ = rich_repr


class _Session:
    """One connection that is bound; what waits for a response when it breaks is unknown."""

    def __init__(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, account: SmppAccount
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._account = account
        self._numbers = itertools.cycle(range(1, _NUMBER_MAX + 1))
        self._waiting: dict[int, asyncio.Future[Packet]] = {}
        self.broken = False

    async def ask(self, command: int, body: bytes = b"") -> Packet:
        """Send a request and wait for its response.

        Raises:
            SendingUnknown: If none came: in time, or at all.
        """
        number = next(self._numbers)
        answered: asyncio.Future[Packet] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answered
        try:
            async with asyncio.timeout(self._account.answer_s):
                self._writer.write(write_packet(Packet(command, 0, number, body)))
                await self._writer.drain()
                return await answered
        except TimeoutError:
            raise SendingUnknown("timeout") from None
        except OSError:
            raise SendingUnknown("connection_lost") from None
        finally:
            self._waiting.pop(number, None)

    async def listen(self) -> None:
        """Read what comes until the connection ends; test it when it is quiet."""
        try:
            while True:
                try:
                    async with asyncio.timeout(self._account.enquire_s):
                        head = await self._reader.readexactly(4)
                except TimeoutError:
                    if not await self._is_alive():
                        return
                    continue
                async with asyncio.timeout(self._account.answer_s):
                    packet = read_packet(head + await self._reader.readexactly(read_head(head) - 4))
                if not self._take(packet):
                    return
        except (OSError, EOFError, PduError, TimeoutError):
            return
        finally:
            self.end()

    async def _is_alive(self) -> bool:
        """Ask enquire_link, and read on meanwhile: its answer comes by the same way as all others."""
        number = next(self._numbers)
        self._writer.write(write_packet(Packet(ENQUIRE_LINK, 0, number)))
        try:
            async with asyncio.timeout(self._account.answer_s):
                while True:
                    head = await self._reader.readexactly(4)
                    packet = read_packet(head + await self._reader.readexactly(read_head(head) - 4))
                    if not self._take(packet):
                        return False
                    if packet.number == number and packet.command & RESPONSE:
                        return True
        except TimeoutError:
            return False

    def _take(self, packet: Packet) -> bool:
        """Do with a packet what it asks for; False when the other side ends the session."""
        if packet.command & RESPONSE:
            answered = self._waiting.get(packet.number)
            if answered is not None and not answered.done():
                answered.set_result(packet)
            return True
        if packet.command in (ENQUIRE_LINK, DELIVER_SM, UNBIND):
            body = b"\0" if packet.command == DELIVER_SM else b""
            self._writer.write(write_packet(Packet(packet.command | RESPONSE, 0, packet.number, body)))
            return packet.command != UNBIND
        self._writer.write(write_packet(Packet(GENERIC_NACK, 0x03, packet.number)))
        return True

    def end(self) -> None:
        """Close the connection; whoever waits hears that the outcome is unknown."""
        self.broken = True
        for answered in self._waiting.values():
            if not answered.done():
                answered.set_exception(SendingUnknown("connection_lost"))
        self._writer.close()


class SmppSender:
    """Sends SMS by an SMSC (the port `Messages`).

    Args:
        account: Where and as whom.
        tasks: Runs the reading.
    """

    def __init__(self, account: SmppAccount, tasks: Tasks) -> None:
        self._account = account
        self._tasks = tasks
        self._session: _Session | None = None
        self._listening: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._window = asyncio.Semaphore(account.window)
        self._references = itertools.cycle(range(256))
        self._log = get_logger("tiyin.smpp")

    def __repr__(self) -> str:
        return f"SmppSender({self._account!r})"

    async def send_sms(self, phone: str, text: str) -> None:
        """Send one SMS; see `Messages.send_sms`."""
        try:
            bodies = self._bodies(phone, text)
        except ValueError:
            raise SendingRefused("not_sendable") from None
        begun = False
        try:
            async with asyncio.timeout(SEND_S), self._window:
                session = await self._bound()
                for sent, body in enumerate(bodies):
                    begun = True
                    answer = await session.ask(SUBMIT_SM, body)
                    if answer.status:
                        failure = of_smpp(answer.status)
                        # With a part of it on its way, the whole cannot be called unsent.
                        refused = isinstance(failure, SendingRefused)
                        raise failure if refused or not sent else SendingUnknown(failure.word)
        except TimeoutError:
            raise SendingUnknown("timeout") if begun else SendingLater("busy") from None

    async def close(self) -> None:
        """Say goodbye and end the connection."""
        session, self._session = self._session, None
        if session is not None and not session.broken:
            with contextlib.suppress(SendingUnknown, TimeoutError):
                async with asyncio.timeout(_UNBIND_S):
                    await session.ask(UNBIND)
            session.end()
        if self._listening is not None:
            self._listening.cancel()
            await asyncio.wait((self._listening,))

    def _bodies(self, phone: str, text: str) -> list[bytes]:
        coded = code_sms(text)
        letters = not self._account.source.isdigit()

        def body(part: bytes, *, esm_class: int = 0, payload: bool = False) -> bytes:
            return write_submit(
                Submit(
                    source=self._account.source,
                    source_ton=5 if letters else 0,
                    source_npi=0 if letters else 1,
                    destination=phone,
                    text=part,
                    esm_class=esm_class,
                    data_coding=coded.data_coding,
                    payload=payload,
                )
            )

        if len(coded.parts) == 1:
            return [body(coded.parts[0])]
        if self._account.payload:
            return [body(b"".join(coded.parts), payload=True)]
        reference, total = next(self._references), len(coded.parts)
        return [
            body(udh(reference, total, number) + part, esm_class=ESM_UDH)
            for number, part in enumerate(coded.parts, start=1)
        ]

    async def _bound(self) -> _Session:
        """Give the bound session, or make one; a message is not begun before it stands.

        Raises:
            SendingLater: If there is none.
        """
        async with self._connecting:
            if self._session is not None and not self._session.broken:
                return self._session
            account = self._account
            try:
                async with asyncio.timeout(_CONNECT_S):
                    reader, writer = await asyncio.open_connection(
                        account.host, account.port, ssl=account.tls or None
                    )
            except (OSError, TimeoutError) as error:
                self._log.warning("smsc_not_reached", host=account.host, error=type(error).__name__)
                raise SendingLater("not_connected") from None
            session = _Session(reader, writer, account)
            try:
                self._listening = self._tasks.start(session.listen(), name="smpp session")
                bind = write_bind(Bind(account.system_id, account.password, account.system_type))
                async with asyncio.timeout(_CONNECT_S):
                    answer = await session.ask(BIND_TRANSCEIVER, bind)
            except (SendingUnknown, TimeoutError, TasksRefused):
                session.end()
                raise SendingLater("not_bound") from None
            if answer.status:
                session.end()
                failure = of_smpp(answer.status)
                self._log.error("smsc_refused_bind", host=account.host, error=failure.word)
                # However wrong the account is, the message is not: it may be sent once that is mended.
                raise SendingLater(failure.word)
            self._session = session
            return session
