"""Sends requests to a merchant's server and tells what came, whatever the server does.

The client is small and our own above h11 because a sandbox must do what clients avoid: show which connection
was used, cut one on purpose, and tell a server that does not speak HTTP from one that hangs up.
"""

import asyncio
import contextlib
import ssl
import urllib.parse
from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

from tiyin.runtime.addresses import Resolver, SystemResolver, is_allowed, read_address
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.sandbox.exchange import Answer, Exchange, Failure, Headers, Request
from tiyin.sandbox.wire import Connection, WireFailed, open_connection
from tiyin.sandbox.wire_secrets import Hiding

__all__ = ["RECONNECTED", "Caller", "Sent", "read_endpoint"]

RECONNECTED: Final = "the server had closed the kept connection; sent again on a new one"
"""The detail of an exchange whose kept connection was closed before any byte of an answer."""

_ADDRESSES_TRIED_MAX: Final = 4
_IDLE_CONNECTIONS_MAX: Final = 16
_URL_LENGTH_MAX: Final = 4096
_PORTS: Final = {"http": 80, "https": 443}
_AGENT: Final = "tiyin-sandbox"
_OUR_HEADERS: Final = frozenset(("host", "content-length", "transfer-encoding"))


class _Place(NamedTuple):
    """Where a request goes."""

    scheme: str
    host: str
    port: int
    target: str

    @property
    def host_header(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS[self.scheme] else f"{host}:{self.port}"


class Sent(NamedTuple):
    """What `Caller.send_raw` gives.

    Args:
        exchange: The exchange as it may be shown.
        answer: The answer as it came, to be read and not shown; None if none came whole.
    """

    exchange: Exchange
    answer: Answer | None


def read_endpoint(url: str) -> _Place:
    """Read an absolute http or https address.

    Args:
        url: The address; no login or password in it.

    Raises:
        ValueError: If it is no such address; the text says why and repeats nothing of it.
    """
    if len(url) > _URL_LENGTH_MAX or any(character <= " " or character == "\x7f" for character in url):
        raise ValueError("the address is too long, or holds spaces or control characters")
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in _PORTS:
        raise ValueError("the address must begin with http:// or https://")
    if "@" in parts.netloc:
        raise ValueError("the address must hold no login or password")
    port = parts.port
    try:
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not host or "%" in host:
        raise ValueError("the address names no host")
    path = urllib.parse.quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = urllib.parse.quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return _Place(
        parts.scheme,
        host,
        _PORTS[parts.scheme] if port is None else port,
        f"{path}?{query}" if query else path,
    )


class Caller:
    """Sends requests; connections are kept where the server allows, each for one request at a time.

    Args:
        allow_private: Whether loopback and private addresses and plain HTTP may be called.
        secrets: What no exchange may show: keys, `login:key`.
        clock: Measures how long things took.
        resolver: Turns names into addresses; the operating system's by default.
        tls: What to trust; the system's certificates by default.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        secrets: Sequence[str],
        clock: Clock | None = None,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allow_private = allow_private
        self._clock = clock or SystemClock()
        self._resolver = resolver or SystemResolver()
        self._tls = tls
        self._idle: dict[tuple[str, str, int], list[Connection]] = {}
        self._count = 0
        self.hiding = Hiding(secrets)

    async def send(self, url: str, request: Request) -> Exchange:
        """Send a request and return what may be shown of it; never raises for what the other side does.

        Args:
            url: Where to: an absolute address.
            request: What to send.

        Raises:
            ValueError: If a header of the request cannot be written.
        """
        return (await self.send_raw(url, request)).exchange

    async def send_raw(self, url: str, request: Request) -> Sent:
        """Send a request and return the answer as it came too; arguments are those of `send`."""
        exchange = Exchange(
            method=request.method,
            url=self._shown_url(url),
            headers=self.hiding.headers(request.headers),
            body=self.hiding.body(request.body),
        )
        began = self._clock.monotonic()
        calling = _Calling()
        answer: Answer | None = None
        failed: WireFailed | None = None
        try:
            async with asyncio.timeout(request.timeout_ms / 1000):
                answer = await self._send(url, request, calling)
        except TimeoutError:
            failed = WireFailed(Failure.TIMEOUT, self._timeout_words(request, calling))
        except WireFailed as error:
            failed = error
        finally:
            # Also where the task itself was cancelled: half a conversation is of no use to anybody.
            if calling.connection is not None:
                calling.connection.abort()
        shown = msgspec.structs.replace(
            exchange,
            answer=None if answer is None else self._shown_answer(answer),
            failure=None if failed is None else failed.failure,
            detail=calling.note if failed is None else self.hiding.text(failed.detail),
            took_ms=(self._clock.monotonic() - began) * 1000,
            connection=calling.number,
        )
        return Sent(shown, answer)

    async def close(self) -> None:
        """Close every kept connection."""
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
        self._idle.clear()
        # An aborted transport lets its socket go in the loop's next turn.
        await self._clock.sleep(0)

    async def _send(self, url: str, request: Request, calling: "_Calling") -> Answer:
        try:
            place = read_endpoint(url)
        except ValueError as error:
            raise WireFailed(Failure.REFUSED_ADDRESS, str(error)) from None
        headers = _framed(request, place)
        kept = None if request.cut else self._take_kept(place)
        if kept is not None:
            calling.use(kept)
            try:
                return await self._exchange(kept, request, place, headers, calling)
            except WireFailed as failed:
                if failed.failure is not Failure.CLOSED or kept.received:
                    raise
            kept.abort()
            calling.note = RECONNECTED
        fresh = await self._connect(place)
        calling.use(fresh)
        return await self._exchange(fresh, request, place, headers, calling)

    async def _exchange(
        self,
        connection: Connection,
        request: Request,
        place: _Place,
        headers: list[tuple[str, str]],
        calling: "_Calling",
    ) -> Answer:
        await connection.send(request, place.target, headers)
        if request.cut:
            raise WireFailed(Failure.CUT, "the sandbox cut the connection after sending")
        answer = await connection.receive()
        if connection.is_reusable():
            calling.connection = None
            self._keep(place, connection)
        return answer

    def _take_kept(self, place: _Place) -> Connection | None:
        kept = self._idle.get(place[:3], [])
        while kept:
            connection = kept.pop()
            if not connection.closed_while_idle:
                return connection
            connection.abort()
        return None

    def _keep(self, place: _Place, connection: Connection) -> None:
        kept = self._idle.setdefault(place[:3], [])
        kept.append(connection)
        if len(kept) > _IDLE_CONNECTIONS_MAX:
            kept.pop(0).abort()

    async def _connect(self, place: _Place) -> Connection:
        if place.scheme == "http" and not self._allow_private:
            raise WireFailed(Failure.REFUSED_ADDRESS, "only https:// addresses are called from here")
        failed: WireFailed | None = None
        for address in await self._judged(place):
            self._count += 1
            try:
                return await open_connection(
                    self._count, address, place.port, tls=self._trust(place), host=place.host
                )
            except WireFailed as error:
                failed = failed or error
        assert failed is not None  # noqa: S101 - there is at least one address
        raise failed

    async def _judged(self, place: _Place) -> list[str]:
        if read_address(place.host) is not None:
            found: Sequence[str] = [place.host]
        else:
            try:
                found = await self._resolver.resolve(place.host, place.port)
            except (OSError, UnicodeError):
                raise WireFailed(Failure.REFUSED_ADDRESS, f"the name {place.host} is not known") from None
        good = []
        for text in found:
            address = read_address(text)
            if address is not None and is_allowed(address, allow_private=self._allow_private):
                good.append(text)
        if not good:
            raise WireFailed(
                Failure.REFUSED_ADDRESS, f"{place.host} leads to no address that may be called from here"
            )
        return good[:_ADDRESSES_TRIED_MAX]

    def _trust(self, place: _Place) -> ssl.SSLContext | None:
        if place.scheme == "http":
            return None
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._tls

    def _shown_url(self, url: str) -> str:
        with contextlib.suppress(ValueError):
            parts = urllib.parse.urlsplit(url)
            url = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
        return self.hiding.text(url)

    def _shown_answer(self, answer: Answer) -> Answer:
        return Answer(answer.status, self.hiding.headers(answer.headers), self.hiding.body(answer.body))

    @staticmethod
    def _timeout_words(request: Request, calling: "_Calling") -> str:
        if calling.connection is None:
            return f"no connection within {request.timeout_ms} ms"
        received = calling.connection.received
        came = f"{received} bytes of an answer and no end" if received else "no answer"
        return f"{came} within {request.timeout_ms} ms"


class _Calling:
    """How far one call has come: what is to be closed if it fails, and what is to be said of it."""

    def __init__(self) -> None:
        self.connection: Connection | None = None
        self.number = 0
        self.note = ""

    def use(self, connection: Connection) -> None:
        self.connection = connection
        self.number = connection.number


def _framed(request: Request, place: _Place) -> list[tuple[str, str]]:
    """Return all headers as they are sent: Host first, then what was asked for, then the body's length."""
    given: Headers = tuple(one for one in request.headers if one[0].lower() not in _OUR_HEADERS)
    names = {name.lower() for name, _ in given}
    ours = [("Host", place.host_header), *given]
    if "user-agent" not in names:
        ours.append(("User-Agent", _AGENT))
    if "accept" not in names:
        ours.append(("Accept", "*/*"))
    ours.append(("Content-Length", str(len(request.body))))
    return ours
