"""Outgoing HTTP that reaches only where it may, and never further or longer than it was told.

A call goes through these stations: its address is read; the host is resolved here and every address is
judged; a client that is pinned to the judged address (it cannot ask the name service again) sends once; the
answer is counted while it comes in. Redirects are answers, the environment's proxies are not looked at, and
TLS is 1.2 or newer with the system's trust.

All of it runs in the loop's own thread. A client with a thread of its own costs two hand-overs for each call:
where there are few processors and much to do, they took more time than the calls.

What is said about the outcome of a call is said carefully: `NotSent` only where nothing can have left,
`NoAnswer` for all that is not certain.
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache

from tiyin.runtime.addresses import Resolver, SystemResolver, is_allowed, read_address
from tiyin.runtime.http import HttpAnswer, NoAnswer, NotSent
from tiyin.runtime.pinned import PinnedClient, Stage
from tiyin.runtime.targets import Target, check_headers, read_target

__all__ = ["GuardedHttp"]

_ADDRESSES_TRIED_MAX = 3
_RESOLVED_FOR_S = 30.0
_HEADS_KEPT = 256


class _Host:
    """What is kept of one (scheme, host, port): its judged addresses, their clients, its share of calls."""

    def __init__(self, calls_max: int) -> None:
        self.slots = asyncio.Semaphore(calls_max)
        self.resolving = asyncio.Lock()
        self.addresses: list[str] = []
        self.good_until = 0.0
        self.clients: dict[str, PinnedClient] = {}
        self.callers = 0

    def prefer(self, address: str) -> None:
        """Put the address that answered first, so that the next call does not wait for a dead one again."""
        if address in self.addresses and self.addresses[0] != address:
            self.addresses.remove(address)
            self.addresses.insert(0, address)

    def close_idle_clients(self, *, keep: list[str]) -> None:
        """Close the clients that nobody uses and whose address is not to be kept."""
        for address, client in list(self.clients.items()):
            if not client.in_flight and address not in keep:
                client.close()
                del self.clients[address]


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
        self._context: ssl.SSLContext | None = None
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
        clients = [client for host in hosts for client in host.clients.values()]
        for client in clients:
            client.close()
        # The loop closes the sockets in its next turn, and nobody may be left to run it after this.
        while any(client.is_open for client in clients):  # noqa: ASYNC110 - nothing rings when it has
            await asyncio.sleep(0)

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
        request = _written(target, method, body, headers)
        if self._closed:
            raise NotSent(f"{target}: outgoing calls are closed")
        if self._in_flight >= self._calls_max:
            raise NotSent(f"{target}: {self._calls_max} calls are in flight already")
        self._in_flight += 1
        host = self._host(target)
        host.callers += 1
        now = asyncio.get_running_loop().time()
        stage = Stage(now + timeout_ms / 1000)
        try:
            if now >= host.good_until or host.slots.locked():
                await self._ready(host, target, timeout_ms)
            else:
                # Where nothing is to be waited for, the time is kept by the sending itself.
                await host.slots.acquire()
            try:
                return await self._try_addresses(host, target, request, body_max, stage)
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
                self._evict()
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
        host.close_idle_clients(keep=host.addresses)

    def _is_good(self, text: str) -> bool:
        address = read_address(text)
        return address is not None and is_allowed(address, allow_private=self._allow_private)

    async def _try_addresses(
        self,
        host: _Host,
        target: Target,
        request: bytes,
        body_max: int,
        stage: Stage,
    ) -> HttpAnswer:
        """Send to the first judged address that connects; a call that may have left is never repeated."""
        failure: NotSent | None = None
        for address in tuple(host.addresses):
            try:
                answer = await self._client(host, target, address).send(request, body_max, stage)
            except NotSent as error:
                failure = error
            else:
                host.prefer(address)
                return answer
        # Perhaps the name has moved: the next call asks again.
        host.good_until = 0.0
        raise failure or NotSent(f"{target}: the host has no address that may be called")

    def _client(self, host: _Host, target: Target, address: str) -> PinnedClient:
        client = host.clients.get(address)
        if client is None:
            client = host.clients[address] = PinnedClient(
                target,
                address,
                self._tls() if target.scheme == "https" else None,
                connect_timeout_s=self._connect_timeout_ms / 1000,
                idle_max=self._calls_per_host_max,
            )
        return client

    def _evict(self) -> None:
        """Forget the hosts that were not called for longest; those with calls in flight stay."""
        for key in list(self._hosts):
            if len(self._hosts) <= self._hosts_max:
                break
            if not self._hosts[key].callers:
                self._hosts.pop(key).close_idle_clients(keep=[])

    def _tls(self) -> ssl.SSLContext:
        """Give what TLS is spoken by; made when it is needed, since a bare machine has no authorities."""
        if self._context is None:
            self._context = ssl.create_default_context()
            self._context.minimum_version = ssl.TLSVersion.TLSv1_2
            self._context.set_alpn_protocols(["http/1.1"])
            if self._extra_ca_pem is not None:
                self._context.load_verify_locations(cadata=self._extra_ca_pem.decode())
        return self._context


def _written(target: Target, method: str, body: bytes | None, headers: Mapping[str, str]) -> bytes:
    """Write a request.

    Raises:
        NotSent: If a header cannot be sent.
    """
    head = _head(target, method, tuple(headers.items()))
    return b"%b\r\n" % head if body is None else b"%bContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


@lru_cache(maxsize=_HEADS_KEPT)
def _head(target: Target, method: str, headers: tuple[tuple[str, str], ...]) -> bytes:
    """Judge the headers and write a request up to its length: a merchant's calls differ in nothing else."""
    check_headers(headers)
    lines = [
        f"{method} {target.path} HTTP/1.1",
        f"Host: {target.authority}",
        "User-Agent: Tiyin",
        "Accept: */*",
        *(f"{name}: {value}" for name, value in headers),
    ]
    return "\r\n".join((*lines, "")).encode("ascii")
