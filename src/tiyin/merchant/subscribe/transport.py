"""Who sends a client's requests: two small ports, and their forms over pyreqwest.

A transport sends a POST once and follows no redirect; it answers an `HttpAnswer`, or raises `NotSent` if the
request certainly never reached the other side and `NoAnswer` if it may have. A shop that goes out through a
proxy, and a test, bring their own:

```python
class Scripted:
    def post(self, url, *, body, headers, timeout_ms, body_max):
        return HttpAnswer(200, {}, b'{"result": {"state": 4}}')

    def close(self): ...


client = SubscribeClient(desk_id, key, transport=Scripted())
```

Connections are opened by the first call, so a client may be made before a server forks its workers.
"""

import os
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar

from tiyin.runtime.http import HttpAnswer, NoAnswer, NotSent

if TYPE_CHECKING:
    from pyreqwest.client import BaseClientBuilder, Client, SyncClient

__all__ = ["AsyncTransport", "PyreqwestTransport", "SyncPyreqwestTransport", "Transport"]

B = TypeVar("B", bound="BaseClientBuilder")

_CONNECT_TIMEOUT_MS: Final = 5000
_IDLE_CONNECTION_S: Final = 1.5
"""Shorter than the patience of common servers: a call seldom meets a connection that was just closed."""
_NEVER_CONNECTED: Final = "client error (Connect)"
"""How the library's chain of causes names the time before a connection stood."""


class Transport(Protocol):
    """Sends requests and waits for their answers."""

    def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST once.

        Args:
            url: The API's address.
            body: What to send.
            headers: Names and values; one of them holds the key.
            timeout_ms: For everything together, in milliseconds; at least 1.
            body_max: How many bytes the answer's body may have.

        Raises:
            NotSent: It never reached the other side.
            NoAnswer: It may have.
        """
        ...

    def close(self) -> None:
        """Close every connection."""
        ...


class AsyncTransport(Protocol):
    """The same for asyncio; `tiyin.runtime.guarded_http.GuardedHttp` is one."""

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST once; see `Transport.post`."""
        ...

    async def close(self) -> None:
        """Close every connection."""
        ...


class SyncPyreqwestTransport:
    """The usual `Transport`; safe to use from many threads.

    Args:
        ca_pem: A certificate authority to trust beside the system's.
    """

    def __init__(self, *, ca_pem: bytes | None = None) -> None:
        _check_installed()
        self._ca_pem = ca_pem
        self._clients: dict[str, SyncClient] = {}
        self._process = _Process()

    def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST once; see `Transport.post`."""
        from pyreqwest.exceptions import PyreqwestError  # noqa: PLC0415 - an extra

        client = self._client(url)
        timeout = timedelta(milliseconds=timeout_ms)
        request = client.post(url).headers(dict(headers)).body_bytes(body).timeout(timeout).build_streamed()
        try:
            with request as response:
                reader = response.body_reader
                bounded = _Bounded(body_max)
                while (chunk := reader.read_chunk()) is not None:
                    bounded.add(bytes(chunk))
                return HttpAnswer(response.status, {}, bounded.whole())
        except PyreqwestError as error:
            raise _failure(error, timeout_ms) from None

    def close(self) -> None:
        """Close every connection."""
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            client.close()

    def _client(self, url: str) -> "SyncClient":
        from pyreqwest.client import SyncClientBuilder  # noqa: PLC0415 - an extra

        self._process.check()
        scheme = url.partition(":")[0]
        client = self._clients.get(scheme)
        if client is None:
            client = self._clients.setdefault(
                scheme, _configured(SyncClientBuilder(), scheme, self._ca_pem).build()
            )
        return client


class PyreqwestTransport:
    """The usual `AsyncTransport`.

    Args:
        ca_pem: A certificate authority to trust beside the system's.
    """

    def __init__(self, *, ca_pem: bytes | None = None) -> None:
        _check_installed()
        self._ca_pem = ca_pem
        self._clients: dict[str, Client] = {}
        self._process = _Process()

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST once; see `Transport.post`."""
        from pyreqwest.exceptions import PyreqwestError  # noqa: PLC0415 - an extra

        client = self._client(url)
        timeout = timedelta(milliseconds=timeout_ms)
        request = client.post(url).headers(dict(headers)).body_bytes(body).timeout(timeout).build_streamed()
        try:
            async with request as response:
                reader = response.body_reader
                bounded = _Bounded(body_max)
                while (chunk := await reader.read_chunk()) is not None:
                    bounded.add(bytes(chunk))
                return HttpAnswer(response.status, {}, bounded.whole())
        except PyreqwestError as error:
            raise _failure(error, timeout_ms) from None

    async def close(self) -> None:
        """Close every connection."""
        clients = list(self._clients.values())
        self._clients.clear()
        for client in clients:
            await client.close()

    def _client(self, url: str) -> "Client":
        from pyreqwest.client import ClientBuilder  # noqa: PLC0415 - an extra

        self._process.check()
        scheme = url.partition(":")[0]
        client = self._clients.get(scheme)
        if client is None:
            client = self._clients[scheme] = _configured(ClientBuilder(), scheme, self._ca_pem).build()
        return client


class _Process:
    """Remembers in which process connections were opened: they do not survive a fork, and would hang."""

    def __init__(self) -> None:
        self._pid: int | None = None

    def check(self) -> None:
        pid = os.getpid()
        if self._pid is None:
            self._pid = pid
        if self._pid != pid:
            raise NotSent(
                "this process was forked after the client had made a call: make the client's first call "
                "in the worker, or start workers by 'spawn'"
            )


class _Bounded:
    """A body that is read a piece at a time and counted."""

    def __init__(self, body_max: int) -> None:
        self._max = body_max
        self._chunks: list[bytes] = []
        self._length = 0

    def add(self, chunk: bytes) -> None:
        self._length += len(chunk)
        if self._length > self._max:
            raise NoAnswer(f"the answer is longer than {self._max} bytes")
        self._chunks.append(chunk)

    def whole(self) -> bytes:
        return b"".join(self._chunks)


def _check_installed() -> None:
    try:
        import pyreqwest  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise ImportError(
            "the client of the Subscribe API needs an extra: pip install 'tiyin[client]'"
        ) from None


def _configured(builder: B, scheme: str, ca_pem: bytes | None) -> B:
    builder = (
        builder
        # The environment's proxy would get to see the key of an http:// address.
        .no_proxy()
        .follow_redirects(False)
        .referer(False)
        .http1_only()
        .https_only(scheme == "https")
        .min_tls_version("TLSv1.2")
        # A compressed answer could unpack to more than was counted.
        .gzip(False)
        .brotli(False)
        .zstd(False)
        .deflate(False)
        .user_agent("Tiyin")
        .connect_timeout(timedelta(milliseconds=_CONNECT_TIMEOUT_MS))
        .pool_idle_timeout(timedelta(seconds=_IDLE_CONNECTION_S))
    )
    if scheme == "http":
        # This client never speaks TLS: it must work where no certificate authorities are installed.
        return builder.danger_accept_invalid_certs(True)
    return builder if ca_pem is None else builder.add_root_certificate_pem(ca_pem)


def _failure(error: Any, timeout_ms: int) -> NotSent | NoAnswer:
    """Tell from the library's error whether the request may have left."""
    causes = [cause["message"] for cause in (getattr(error, "details", None) or {}).get("causes") or ()]
    # The deepest cause says what went wrong; one that names the address is left out.
    cause = causes[-1] if causes and "://" not in causes[-1] else type(error).__name__
    if isinstance(error, ValueError) or any(_NEVER_CONNECTED in text for text in causes):
        return NotSent(f"not connected ({cause})")
    if isinstance(error, TimeoutError):
        return NoAnswer(f"no whole answer within {timeout_ms} ms")
    return NoAnswer(f"the connection failed ({cause})")
