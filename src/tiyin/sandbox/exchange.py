"""One request to a merchant's server and what came of it, as findings and reports show it: keys hidden."""

from enum import StrEnum

import msgspec

from tiyin.protocol.hidden import rich_repr

__all__ = ["Answer", "Exchange", "Failure", "Request"]

Headers = tuple[tuple[str, str], ...]


class Failure(StrEnum):
    """Why a request brought no whole answer."""

    REFUSED_ADDRESS = "refused-address"
    """The address may not be called from here, or cannot be read or resolved."""
    NOT_CONNECTED = "not-connected"
    TLS = "tls"
    """The certificate or the handshake failed."""
    TIMEOUT = "timeout"
    CLOSED = "closed"
    """The connection was closed before a whole answer."""
    NOT_HTTP = "not-http"
    TOO_LONG = "too-long"
    """The answer did not end within the bound on its size."""
    CUT = "cut"
    """The sandbox itself cut the connection after the request was sent, to lose the answer."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be sent.

    Args:
        body: The bytes of the body.
        method: The HTTP method.
        headers: Names and values; Host and Content-Length are added by the caller.
        cut: Whether to cut the connection as soon as the request has been sent.
        timeout_ms: How long the whole may take, in milliseconds.
    """

    body: bytes
    method: str = "POST"
    headers: Headers = ()
    cut: bool = False
    timeout_ms: int = 10_000

    def __repr__(self) -> str:
        return f"Request({self.method}, {len(self.body)} bytes)"

    __rich_repr__ = rich_repr


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer, whole.

    Args:
        status: The HTTP status.
        headers: Names in lower case, and values, in their order.
        body: The body.
    """

    status: int
    headers: Headers
    body: bytes

    def header(self, name: str) -> str | None:
        """Return the first value of a header, or None.

        Args:
            name: Its name in lower case.
        """
        return next((value for key, value in self.headers if key == name), None)


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request that was sent, already redacted, and its answer or why there is none.

    Args:
        method: The HTTP method.
        url: The address, without credentials.
        headers: What was sent; the authorization's secret is replaced.
        body: What was sent; keys in it (ChangePassword) are replaced.
        answer: What came, or None; secrets that it repeats are replaced.
        failure: Why nothing whole came, or None.
        detail: What the failure was, in technical words; holds no secret.
        took_ms: How long it took, in milliseconds.
        connection: The number of the connection it used, from 1: equal numbers show keep-alive.
    """

    method: str
    url: str
    headers: Headers
    body: bytes
    answer: Answer | None = None
    failure: Failure | None = None
    detail: str = ""
    took_ms: float = 0.0
    connection: int = 0
