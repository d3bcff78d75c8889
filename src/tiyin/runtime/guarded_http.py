"""Outgoing HTTP that reaches only where it may, and never further or longer than it was told.

A call goes through these stations: the address is read by the same code that will send it; the host is
resolved here and every address is judged; a client that is pinned to the judged address (it cannot ask the
name service again) sends once; the answer's body is counted while it streams in. Redirects are answers, the
environment's proxies are not looked at, and TLS is 1.2 or newer with the system's trust.

What this file says about the outcome of a call, it says carefully: `NotSent` only where the connection was
never made. The library's own exception classes do not tell that (a connection cut after sending is a
`ConnectError` there, a silent server a `ConnectTimeoutError`), so the chain of causes is read, and whatever
is not certain is `NoAnswer`.
"""

import asyncio
import contextlib
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta

from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, PyreqwestError
from pyreqwest.response import Response

from tiyin.runtime.addresses import Resolver, SystemResolver, is_allowed, read_address
from tiyin.runtime.http import HttpAnswer, NoAnswer, NotSent
from tiyin.runtime.targets import Target, check_headers, read_target

__all__ = ["GuardedHttp"]

_ADDRESSES_TRIED_MAX = 3
_RESOLVED_FOR_S = 30.0
_IDLE_CONNECTION_S = 1.5
"""Shorter than the patience of common servers: a call seldom meets a connection that was just closed."""

_NEVER_CONNECTED = "client error (Connect)"
"""How the library's chain of causes names the time before a connection stood."""


class _PinnedClient:
    """A client that connects to one judged address only."""

    __slots__ = ("client", "in_flight")

    def __init__(self, client: Client) -> None:
        self.client = client
        self.in_flight = 0


class _Host:
    """What is kept of one (scheme, host, port): its judged addresses, their clients, its share of calls."""

    def __init__(self, calls_max: int) -> None:
        self.slots = asyncio.Semaphore(calls_max)
        self.resolving = asyncio.Lock()
        self.addresses: list[str] = []
        self.good_until = 0.0
        self.clients: dict[str, _PinnedClient] = {}
        self.callers = 0

    def prefer(self, address: str) -> None:
        """Put the address that answered first, so that the next call does not wait for a dead one again."""
        if address in self.addresses and self.addresses[0] != address:
            self.addresses.remove(address)
            self.addresses.insert(0, address)

    def take_idle_clients(self, *, keep: list[str]) -> list[Client]:
        """Remove and return the clients that nobody uses and whose address is not to be kept."""
        idle = [
            address
            for address, pinned in self.clients.items()
            if not pinned.in_flight and address not in keep
        ]
        return [self.clients.pop(address).client for address in idle]


class GuardedHttp:
    """Outgoing HTTP for production and, with `allow_private`, for the emulator.

    Args:
        allow_private: Allow `http://` and loopback or private addresses: the emulator's mode. Otherwise only
            `https://` to addresses of the internet.
        resolver: Where names become addresses; by default the operating system.
        extra_ca_pem: A certificate authority to trust beside the system's.
        calls_max: Calls in flight altogether; one more is refused at once, since waiting would be one queue
            for all.
        calls_per_host_max: Calls in flight to one host; one more waits for its turn within its own time.
        hosts_max: Hosts whose connections are kept; the one that was not called for longest goes.
        connect_timeout_ms: How long one connection may take to be made, TLS included, in milliseconds.
    """

    def __init__(
        self,
        *,
        allow_private: bool = False,
        resolver: Resolver | None = None,
        extra_ca_pem: bytes | None = None,
        calls_max: int = 2048,
        calls_per_host_max: int = 256,
        hosts_max: int = 256,
        connect_timeout_ms: int = 5000,
    ) -> None:
        self._allow_private = allow_private
        self._resolver = resolver or SystemResolver()
        self._extra_ca_pem = extra_ca_pem
        self._calls_max = calls_max
        self._calls_per_host_max = calls_per_host_max
        self._hosts_max = hosts_max
        self._connect_timeout_ms = connect_timeout_ms
        self._hosts: OrderedDict[tuple[str, str, int], _Host] = OrderedDict()
        self._in_flight = 0
        self._closed = False

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST once; see `Http.post`."""
        return await self._call("POST", url, body, headers, timeout_ms=timeout_ms, body_max=body_max)

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a GET; see `Http.get`."""
        return await self._call("GET", url, None, headers, timeout_ms=timeout_ms, body_max=body_max)

    async def close(self) -> None:
        """Close every connection; calls still in flight end with `NoAnswer`, so drain the tasks before."""
        self._closed = True
        hosts = list(self._hosts.values())
        self._hosts.clear()
        await _close_all([pinned.client for host in hosts for pinned in host.clients.values()])

    async def _call(
        self,
        method: str,
        url: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        timeout_ms: int,
        body_max: int,
    ) -> HttpAnswer:
        target = read_target(url, allow_http=self._allow_private)
        check_headers(headers)
        if self._closed:
            raise NotSent(f"{target}: outgoing calls are closed")
        if self._in_flight >= self._calls_max:
            raise NotSent(f"{target}: {self._calls_max} calls are in flight already")
        self._in_flight += 1
        host = self._host(target)
        host.callers += 1
        now = asyncio.get_running_loop().time()
        stage = _Stage(now + timeout_ms / 1000)
        try:
            if now >= host.good_until or host.slots.locked():
                await self._ready(host, target, timeout_ms)
            else:
                # Where nothing is to be waited for, the time is kept by the sending itself.
                await host.slots.acquire()
            try:
                return await self._try_addresses(host, target, method, body, headers, body_max, stage)
            finally:
                host.slots.release()
        except TimeoutError:
            if stage.sent:
                raise NoAnswer(f"{target}: no whole answer within {timeout_ms} ms") from None
            raise NotSent(f"{target}: {timeout_ms} ms were over before anything was sent") from None
        finally:
            host.callers -= 1
            self._in_flight -= 1

    async def _ready(self, host: _Host, target: Target, timeout_ms: int) -> None:
        """Wait, within the call's time, until a place is taken and the addresses are judged."""
        async with asyncio.timeout(timeout_ms / 1000):
            await host.slots.acquire()
            try:
                await _close_all(self._evicted())
                await self._resolve(host, target)
            except BaseException:
                host.slots.release()
                raise

    def _host(self, target: Target) -> _Host:
        key = (target.scheme, target.host, target.port)
        host = self._hosts.get(key)
        if host is None:
            host = self._hosts[key] = _Host(self._calls_per_host_max)
        self._hosts.move_to_end(key)
        return host

    async def _resolve(self, host: _Host, target: Target) -> None:
        """Make sure the host's judged addresses are fresh; one question at a time for each host."""
        loop = asyncio.get_running_loop()
        if loop.time() < host.good_until:
            return
        async with host.resolving:
            if loop.time() < host.good_until:
                return
            literal = read_address(target.host)
            try:
                found = [str(literal)] if literal else await self._resolver.resolve(target.host, target.port)
            except (OSError, UnicodeError) as error:
                raise NotSent(
                    f"{target}: the host's address was not found ({type(error).__name__})"
                ) from None
            addresses = [text for text in found if self._is_good(text)]
            if not addresses:
                raise NotSent(f"{target}: the host has no address that may be called")
            host.addresses = addresses[:_ADDRESSES_TRIED_MAX]
            host.good_until = loop.time() + _RESOLVED_FOR_S
        await _close_all(host.take_idle_clients(keep=host.addresses))

    def _is_good(self, text: str) -> bool:
        address = read_address(text)
        return address is not None and is_allowed(address, allow_private=self._allow_private)

    async def _try_addresses(
        self,
        host: _Host,
        target: Target,
        method: str,
        body: bytes | None,
        headers: Mapping[str, str],
        body_max: int,
        stage: "_Stage",
    ) -> HttpAnswer:
        """Send to the first judged address that connects; a call that may have left is never repeated."""
        failure: NotSent | None = None
        for address in tuple(host.addresses):
            pinned = self._pinned(host, target, address)
            pinned.in_flight += 1
            try:
                answer = await _send(pinned.client, target, method, body, headers, body_max, stage)
            except NotSent as error:
                failure = error
            else:
                host.prefer(address)
                return answer
            finally:
                pinned.in_flight -= 1
        # Perhaps the name has moved: the next call asks again.
        host.good_until = 0.0
        raise failure or NotSent(f"{target}: the host has no address that may be called")

    def _pinned(self, host: _Host, target: Target, address: str) -> _PinnedClient:
        pinned = host.clients.get(address)
        if pinned is None:
            pinned = host.clients[address] = _PinnedClient(self._open_client(target, address))
        return pinned

    def _evicted(self) -> list[Client]:
        """Forget the hosts that were not called for longest; those with calls in flight stay."""
        clients: list[Client] = []
        for key in list(self._hosts):
            if len(self._hosts) <= self._hosts_max:
                break
            if not self._hosts[key].callers:
                clients += self._hosts.pop(key).take_idle_clients(keep=[])
        return clients

    def _open_client(self, target: Target, address: str) -> Client:
        builder = (
            ClientBuilder()
            .no_proxy()
            .follow_redirects(False)
            .referer(False)
            .http1_only()
            .https_only(not self._allow_private)
            .min_tls_version("TLSv1.2")
            # A compressed answer could unpack to more than was counted.
            .gzip(False)
            .brotli(False)
            .zstd(False)
            .deflate(False)
            .user_agent("Tiyin")
            .connect_timeout(timedelta(milliseconds=self._connect_timeout_ms))
            .pool_idle_timeout(timedelta(seconds=_IDLE_CONNECTION_S))
            .pool_max_idle_per_host(self._calls_per_host_max)
        )
        if read_address(target.host) is None:
            builder = builder.resolve(target.host, address, target.port)
        if target.scheme == "http":
            # This client never speaks TLS: it must work where no certificate authorities are installed.
            builder = builder.danger_accept_invalid_certs(True)
        elif self._extra_ca_pem is not None:
            builder = builder.add_root_certificate_pem(self._extra_ca_pem)
        try:
            return builder.build()
        except PyreqwestError as error:
            raise NotSent(f"{target}: no client could be made ({_cause(error)})") from None


class _Stage:
    """How far a call has got: whether anything of it may have left already, and when its time is over."""

    __slots__ = ("deadline", "sent")

    def __init__(self, deadline: float) -> None:
        self.deadline = deadline
        self.sent = False

    def left(self) -> timedelta:
        """Return how much of the call's time is left."""
        return timedelta(seconds=max(self.deadline - asyncio.get_running_loop().time(), 0.001))


async def _send(
    client: Client,
    target: Target,
    method: str,
    body: bytes | None,
    headers: Mapping[str, str],
    body_max: int,
    stage: _Stage,
) -> HttpAnswer:
    """Send once over one client and read the whole answer."""
    try:
        # The library's own timeout is what ends the connection: a cancelled coroutine only stops listening.
        builder = client.request(method, target.url).headers(dict(headers)).timeout(stage.left())
        request = (builder if body is None else builder.body_bytes(body)).build_streamed()
    except (BuilderError, ValueError):
        raise NotSent(f"{target}: the request cannot be written") from None
    stage.sent = True
    try:
        async with request as response:
            answered = _headers(response)
            # Beside a Transfer-Encoding, readable or not, the library does not keep to a declared length.
            framed = "transfer-encoding" in response.headers
            declared = "" if framed else answered.get("content-length", "")
            return HttpAnswer(response.status, answered, await _body(response, target, declared, body_max))
    except PyreqwestError as error:
        cause = _cause(error)
        if isinstance(error, BuilderError) or any(_NEVER_CONNECTED in text for text in _causes(error)):
            raise NotSent(f"{target}: not connected ({cause})") from None
        if isinstance(error, TimeoutError):
            raise
        raise NoAnswer(f"{target}: the answer failed ({cause})") from None


async def _body(response: Response, target: Target, declared: str, body_max: int) -> bytes:
    """Read the body, counting; of a declared length the library reads just as much, so all at once."""
    if declared.isdecimal():
        if int(declared[:20]) > body_max:
            raise NoAnswer(f"{target}: the answer is longer than {body_max} bytes")
        return bytes(await response.bytes())
    reader = response.body_reader
    chunks: list[bytes] = []
    length = 0
    while (chunk := await reader.read_chunk()) is not None:
        length += len(chunk)
        if length > body_max:
            raise NoAnswer(f"{target}: the answer is longer than {body_max} bytes")
        chunks.append(bytes(chunk))
    return b"".join(chunks)


def _headers(response: Response) -> dict[str, str]:
    """Return the headers by name; a value that is not text is left out."""
    try:
        pairs = list(response.headers.items())
    except ValueError:
        pairs = []
        for name in set(response.headers.keys()):
            with contextlib.suppress(ValueError):
                pairs += [(name, value) for value in response.get_header_all(name)]
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _causes(error: PyreqwestError) -> list[str]:
    details = getattr(error, "details", None) or {}
    return [cause["message"] for cause in details.get("causes") or ()]


def _cause(error: PyreqwestError) -> str:
    """Return the deepest cause: what went wrong, without the address, whose path may be private."""
    causes = _causes(error)
    return causes[-1] if causes and "://" not in causes[-1] else type(error).__name__


async def _close_all(clients: list[Client]) -> None:
    for client in clients:
        await client.close()
