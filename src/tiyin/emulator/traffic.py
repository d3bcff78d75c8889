"""The emulator's traffic: what the gateway and the merchants, and callers and the Subscribe API, said.

It is kept as a person may see it: card numbers masked, keys, tokens and codes hidden before anything is
stored. The newest exchanges are kept, also over restarts; older ones are forgotten.
"""

import asyncio
import json
import os
import shlex
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import msgspec

from tiyin.protocol.authorization import read_basic, read_x_auth
from tiyin.runtime.redaction import HIDDEN, redact, redact_text

__all__ = [
    "BODY_MAX",
    "EXCHANGES_MAX",
    "Direction",
    "Exchange",
    "Hit",
    "Received",
    "Sent",
    "Traffic",
    "curl",
    "error_code",
    "method_of",
    "pretty",
    "received",
    "sent",
]

Direction = Literal["merchant", "api"]
"""Who was asked: a merchant's billing by the gateway, or the Subscribe API by a caller."""

EXCHANGES_MAX: Final = 500
"""How many exchanges are kept; the file is rewritten when it has grown to twice as many lines."""
BODY_MAX: Final = 64 * 1024
"""How much of a body is kept, in characters."""
_BYTES_MAX: Final = 32 * 1024 * 1024
_NAME_MAX: Final = 100
_HEADERS_MAX: Final = 60
_SECRET_MIN: Final = 6


class Sent(msgspec.Struct, frozen=True):
    """A request, as it may be seen.

    Args:
        http_method: `POST`, ...
        url: The whole address.
        headers: Names in lower case.
        body: The body as text.
        altered: Whether something was hidden or cut off, so that it cannot be sent again as it was.
    """

    http_method: str
    url: str
    headers: dict[str, str]
    body: str
    altered: bool = False


class Received(msgspec.Struct, frozen=True):
    """An answer, as it may be seen.

    Args:
        status: The HTTP status.
        headers: Names in lower case.
        body: The body as text.
    """

    status: int
    headers: dict[str, str]
    body: str


class Hit(msgspec.Struct, frozen=True):
    """Which fault rule hit.

    Args:
        rule: The rule's id.
        fault: What it did.
    """

    rule: int
    fault: str


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what came of it.

    Args:
        number: Its place in the row of all exchanges, from 1, in the order in which they ended.
        at_ms: When the request was sent, in milliseconds since 1970 by the emulator's clock.
        took_ms: How long it took, in real milliseconds.
        direction: Who was asked.
        desk: The id of the cash desk, where one could be told.
        desk_name: What the desk is called.
        method: The JSON-RPC method, where one could be read.
        request: What was sent.
        answer: What the other side answered, or None. An answer may have been lost on its way: see `problem`.
        code: The error code in the answer, or None.
        problem: Why whoever asked got no answer, in a sentence, or None.
        fault: The fault rule that hit, or None.
        resent_from: The number of the exchange that this one repeats, or None.
    """

    number: int = 0
    at_ms: int
    took_ms: int
    direction: Direction
    desk: str | None = None
    desk_name: str | None = None
    method: str | None = None
    request: Sent
    answer: Received | None = None
    code: int | None = None
    problem: str | None = None
    fault: Hit | None = None
    resent_from: int | None = None


class Traffic:
    """Keeps exchanges and wakes those who wait for the next one.

    Args:
        path: The file they are kept in, one JSON object a line, its owner's alone.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._kept: deque[tuple[Exchange, int]] = deque()
        self._size = 0
        self._newest = 0
        self._lines = 0
        self._waiting: set[asyncio.Future[None]] = set()
        self._closed = False
        self._read()

    @property
    def newest(self) -> int:
        """The number of the newest exchange, 0 before the first one; it goes on counting over a reset."""
        return self._newest

    def find(self, number: int) -> Exchange | None:
        """Give an exchange, or None when there is none or it was forgotten."""
        return next((one for one, _ in self._kept if one.number == number), None)

    def select(
        self,
        *,
        after: int = 0,
        desk: str | None = None,
        method: str | None = None,
        direction: str | None = None,
        limit: int = EXCHANGES_MAX,
    ) -> list[Exchange]:
        """List exchanges, newest first.

        Args:
            after: Only those with a higher number.
            desk: Only those of this desk, by id or by name.
            method: Only those with this method.
            direction: Only those that went this way.
            limit: At most so many.
        """
        found: list[Exchange] = []
        for one, _ in reversed(self._kept):
            if one.number <= after or len(found) == limit:
                break
            if desk is not None and desk not in (one.desk, one.desk_name):
                continue
            if method is not None and method != one.method:
                continue
            if direction is None or direction == one.direction:
                found.append(one)
        return found

    def add(self, exchange: Exchange) -> Exchange:
        """Keep an exchange.

        Args:
            exchange: What was exchanged; already as it may be seen.

        Returns:
            The exchange with its number.
        """
        self._newest += 1
        exchange = msgspec.structs.replace(exchange, number=self._newest)
        line = msgspec.json.encode(exchange) + b"\n"
        self._hold(exchange, len(line))
        self._keep(line)
        self._wake()
        return exchange

    async def changed(self) -> bool:
        """Wait for the next exchange.

        Returns:
            False when the emulator stops instead.
        """
        if self._closed:
            return False
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)
        return not self._closed

    def forget(self) -> None:
        """Forget all exchanges."""
        self._kept.clear()
        self._size = self._lines = 0
        self._path.unlink(missing_ok=True)

    def open(self) -> None:
        """Let callers wait for exchanges."""
        self._closed = False

    def close(self) -> None:
        """Let go of everybody who waits."""
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)

    def _hold(self, exchange: Exchange, size: int) -> None:
        self._kept.append((exchange, size))
        self._size += size
        while len(self._kept) > EXCHANGES_MAX or (self._size > _BYTES_MAX and len(self._kept) > 1):
            self._size -= self._kept.popleft()[1]

    def _read(self) -> None:
        """Take over what an earlier start kept; a line that was cut off by a crash is left out."""
        try:
            lines = self._path.read_bytes().splitlines()
        except FileNotFoundError:
            return
        self._lines = len(lines)
        for line in lines:
            try:
                exchange = msgspec.json.decode(line, type=Exchange)
            except msgspec.DecodeError:
                self._lines = 2 * EXCHANGES_MAX  # the next exchange writes the file anew
                continue
            self._newest = max(self._newest, exchange.number)
            self._hold(exchange, len(line) + 1)

    def _keep(self, line: bytes) -> None:
        """Append to the file, without forcing it to the disk: nobody's money stands in it."""
        whole = self._lines >= 2 * EXCHANGES_MAX
        lines = [msgspec.json.encode(one) + b"\n" for one, _ in self._kept] if whole else [line]
        flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if whole else os.O_APPEND)
        with os.fdopen(os.open(self._path, flags, 0o600), "ab") as file:
            file.writelines(lines)
        self._lines = len(lines) if whole else self._lines + 1


class _Envelope(msgspec.Struct):
    method: Any = None
    error: Any = None


def method_of(body: bytes) -> str | None:
    """Read the method that a JSON-RPC request names, or None."""
    method = _envelope(body).method
    return redact_text(method[:_NAME_MAX]) if isinstance(method, str) else None


def sent(http_method: str, url: str, headers: Mapping[str, str], body: bytes) -> Sent:
    """Make a request fit to be seen.

    Args:
        http_method: `POST`, ...
        url: The whole address.
        headers: Its headers.
        body: Its body.
    """
    text = body.decode("utf-8", "backslashreplace")
    shown = _shown(text, headers)
    return Sent(http_method, _shown(url, headers), _headers(headers), shown, altered=shown != text)


def received(status: int, headers: Mapping[str, str], body: bytes, asked: Mapping[str, str]) -> Received:
    """Make an answer fit to be seen.

    Args:
        status: The HTTP status.
        headers: Its headers.
        body: Its body.
        asked: The headers of the request: an answer may repeat the key that stood there.
    """
    text = body.decode("utf-8", "backslashreplace")
    return Received(status, _headers(headers, asked), _shown(text, asked))


def error_code(body: bytes) -> int | None:
    """Read the code of the error in a JSON-RPC answer, or None."""
    error = _envelope(body).error
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and not isinstance(code, bool) and abs(code) < 2**53 else None


def pretty(body: str) -> str:
    """Lay out a JSON body for reading; anything else comes back as it is."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return body


def curl(exchange: Exchange) -> str:
    """Write a request as a curl command for a POSIX shell; the cash desk's key is the shell's `$KEY`.

    Args:
        exchange: What was sent.
    """
    request = exchange.request
    parts = [f"curl -i {shlex.quote(request.url)}"]
    if request.http_method != ("POST" if request.body else "GET"):
        parts[0] += f" -X {shlex.quote(request.http_method)}"
    for name, value in request.headers.items():
        if name in {"host", "content-length", "connection", "accept-encoding", "user-agent", "accept"}:
            continue
        if name == "authorization":
            parts.append('-u "Paycom:$KEY"')
        elif name == "x-auth" and HIDDEN in value:
            parts.append(f'-H "x-auth: {value.partition(":")[0]}:$KEY"')
        else:
            parts.append(f"-H {shlex.quote(f'{name}: {value}')}")
    if request.body:
        parts.append(f"--data-raw {shlex.quote(request.body)}")
    return " \\\n  ".join(parts)


def _envelope(body: bytes) -> _Envelope:
    try:
        return msgspec.json.decode(body, type=_Envelope)
    except (msgspec.DecodeError, RecursionError):
        return _Envelope()


def _shown(text: str, asked: Mapping[str, str]) -> str:
    """Hide what must not be seen: by its shape and its name, and the request's own key wherever it stands."""
    for secret in _secrets(asked):
        text = text.replace(secret, HIDDEN)
    text = redact_text(text)
    return text if len(text) <= BODY_MAX else text[:BODY_MAX] + "…"


def _headers(headers: Mapping[str, str], asked: Mapping[str, str] | None = None) -> dict[str, str]:
    shown: dict[str, str] = {}
    for name, value in list(headers.items())[:_HEADERS_MAX]:
        if name == "x-auth":
            auth = read_x_auth(value)
            known = auth is not None and len(auth.desk_id) == 24 and auth.desk_id.isalnum()
            key = "" if auth is None or auth.key is None else f":{HIDDEN}"
            shown[name] = f"{auth.desk_id}{key}" if auth is not None and known else HIDDEN
        elif name == "authorization":
            shown[name] = f"Basic {HIDDEN}" if value.startswith("Basic ") else HIDDEN
        else:
            told: str = redact({name: _shown(value, asked or headers)})[name]
            shown[name] = told
    return shown


def _secrets(headers: Mapping[str, str]) -> list[str]:
    """Give the keys that a request carried, and the header that carried one, longest first."""
    basic = read_basic(headers.get("authorization"))
    auth = read_x_auth(headers.get("x-auth"))
    found = []
    if basic is not None:
        found += [basic.password, headers["authorization"].partition(" ")[2]]
    if auth is not None and auth.key is not None:
        found.append(auth.key)
    return sorted((one for one in found if len(one) >= _SECRET_MIN), key=len, reverse=True)
