"""Connections to one judged address of one server, kept for a while and used again."""

import asyncio
import ssl
from typing import Final

from tiyin.runtime.connection import AnswerFailed, Connection
from tiyin.runtime.http import HttpAnswer, NoAnswer, NotSent
from tiyin.runtime.targets import Target

__all__ = ["PinnedClient", "Stage"]

_IDLE_S: Final = 1.5
"""Shorter than the patience of common servers: a call seldom meets a connection that was just closed."""


class Stage:
    """How far a call has got: whether anything of it may have left already, and when its time is over.

    Args:
        deadline: In seconds of the loop's time.
    """

    __slots__ = ("deadline", "sent")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.sent = False


class PinnedClient:
    """Sends calls to one address only: no name is asked for, nothing is followed, no proxy looked for.

    Args:
        target: The server; its name is what a certificate must bear.
        address: The judged address.
        context: What TLS is spoken by; None for plain HTTP.
        connect_timeout_s: How long a connection may take to be made, TLS included, in seconds.
        idle_max: So many connections are kept when they are not used.
    """

    def __init__(
        self,
        target: Target,
        address: str,
        context: ssl.SSLContext | None,
        *,
        connect_timeout_s: float,
        idle_max: int,
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._target = target
        self._address = address
        self._context = context
        self._connect_timeout_s = connect_timeout_s
        self._idle_max = idle_max
        self._idle: list[Connection] = []
        self._open: set[Connection] = set()
        self._closed = False
        self._reaper: asyncio.TimerHandle | None = None
        self.in_flight = 0

    @property
    def is_idle(self) -> bool:
        """Whether it keeps a connection that may be used."""
        return any(connection.is_usable for connection in self._idle)

    @property
    def is_open(self) -> bool:
        """Whether it has any connection."""
        return bool(self._open)

    async def send(self, request: bytes, body_max: int, stage: Stage) -> HttpAnswer:
        """Send a call once.

        Args:
            request: The whole request.
            body_max: How many bytes the answer's body may have.
            stage: Keeps its time; notes that it was sent.

        Raises:
            NotSent: If no connection was made.
            NoAnswer: If it may have been sent, and brought no whole answer.
            TimeoutError: If its time is over; `stage` tells whether it was sent.
        """
        self.in_flight += 1
        try:
            connection = self._kept() or await self._connected(stage)
            if self._loop.time() >= stage.deadline:
                self._keep(connection)
                raise TimeoutError
            stage.sent = True
            answer = await connection.ask(request, body_max, stage.deadline)
        except AnswerFailed as error:
            raise NoAnswer(f"{self._target}: the answer failed ({error})") from None
        finally:
            self.in_flight -= 1
        self._keep(connection)
        return answer

    def close(self) -> None:
        """End every connection; calls that wait fail."""
        self._closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        for connection in list(self._open):
            connection.abort()

    def _kept(self) -> Connection | None:
        """Take the connection that was used last: the others may grow old."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_usable:
                return connection
            connection.abort()
        return None

    def _keep(self, connection: Connection) -> None:
        if self._closed or len(self._idle) >= self._idle_max:
            connection.abort()
            return
        self._idle.append(connection)
        if self._reaper is None:
            self._reaper = self._loop.call_later(_IDLE_S, self._reap)

    def _reap(self) -> None:
        """End what nobody used for long; they stand in the order of their last use."""
        self._reaper = None
        old = self._loop.time() - _IDLE_S
        kept = [connection for connection in self._idle if connection.idle_since > old]
        for connection in self._idle[: len(self._idle) - len(kept)]:
            connection.abort()
        self._idle = kept
        if kept:
            self._reaper = self._loop.call_at(kept[0].idle_since + _IDLE_S, self._reap)

    async def _connected(self, stage: Stage) -> Connection:
        within_s = min(self._connect_timeout_s, stage.deadline - self._loop.time())
        name = None if self._context is None else self._target.host.strip("[]")
        try:
            async with asyncio.timeout(within_s):
                _, connection = await self._loop.create_connection(
                    lambda: Connection(self._loop, self._open.discard),
                    self._address,
                    self._target.port,
                    ssl=self._context,
                    server_hostname=name,
                )
        except (OSError, UnicodeError) as error:
            raise NotSent(f"{self._target}: not connected ({_cause(error)})") from None
        if not connection.is_lost:
            self._open.add(connection)
        if self._closed:
            connection.abort()
        return connection


def _cause(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS: {error.reason}"
    return getattr(error, "strerror", None) or type(error).__name__
