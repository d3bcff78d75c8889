"""Both wires under hostile requests: what each answer, log line and stored row must be, whatever was sent.

A wire is opened in an empty folder and driven from bytes, one example after the other. Every example begins
with what it needs of its own (a card, a receipt, a transaction), so that none depends on those before it.
"""

import asyncio
import io
import json
import logging
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final, Self, TypeVar

from helpers_fuzz import CANARIES, Source
from tiyin.runtime.logs import Logger, configure_logs, get_logger

__all__ = [
    "ANSWER_BYTES_MAX",
    "ANSWER_S_MAX",
    "NOW_MS",
    "Found",
    "JumpClock",
    "Log",
    "Wire",
    "Written",
    "has_all",
    "leaks",
    "read_answer",
]

T = TypeVar("T")

NOW_MS: Final = 1_790_000_000_000
ANSWER_BYTES_MAX: Final = 600_000
ANSWER_S_MAX: Final = 5.0
"""A hang, not a speed: no request of some kilobytes takes seconds of one processor."""

_CODE: Final = re.compile(rf"(?<![0-9A-Za-z]){CANARIES['code']}(?![0-9A-Za-z])")


class Found(AssertionError):
    """Something that may never be, with the request that brought it about."""


class JumpClock:
    """A clock on which sleeping takes no time: the time jumps instead."""

    def __init__(self) -> None:
        self.now = NOW_MS

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        await asyncio.sleep(0)


class Log:
    """Takes what the house's logging writes, and judges it."""

    def __init__(self) -> None:
        self._stream = io.StringIO()
        root = logging.getLogger()
        self._before = (root.level, root.handlers[:])
        configure_logs("json", "INFO", stream=self._stream)
        self._handlers = root.handlers[:]

    def listen(self) -> None:
        """Take what is logged from now on: several wires may be open, and a test runner listens, too."""
        root = logging.getLogger()
        root.setLevel(logging.INFO)
        root.handlers[:] = self._handlers

    def close(self) -> None:
        root = logging.getLogger()
        root.setLevel(self._before[0])
        root.handlers[:] = self._before[1]

    def new_text(self) -> str:
        """Return what was logged since the last look."""
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return text

    def check(self, secrets: Mapping[str, str]) -> None:
        """Insist that nothing unforeseen happened and no secret was told."""
        text = self.new_text()
        for line in text.splitlines():
            fields = json.loads(line)
            if "exception" in fields or fields["level"] in {"error", "critical"}:
                raise Found(f"the log tells of something unforeseen: {line[:3000]}")
            if len(line) > 2_000:
                raise Found(f"a line of the log is {len(line)} characters long")
            # An id that a caller gave its request is told as it is, unless it reads as a card or a token.
            request_id = json.dumps(fields.pop("request_id", None))
            told = leaks(json.dumps(fields, ensure_ascii=False), secrets)
            if told or leaks(
                request_id,
                {name: secret for name, secret in secrets.items() if "key" not in name and name != "code"},
            ):
                raise Found(f"the log tells {', '.join(told) or 'a secret as a request id'}: {line}")


def leaks(text: str, secrets: Mapping[str, str]) -> list[str]:
    """Name the secrets that stand in a text; a code counts only where no other digits or letters touch it."""
    found = [name for name, secret in secrets.items() if name != "code" and secret in text]
    return [*found, "code"] if "code" in secrets and _CODE.search(text) else found


class Written:
    """Knows which secrets strangers wrote themselves, and finds those that an answer tells without that.

    What an example wrote may come back in its own answers, in an error's data and wherever else. What an
    earlier example wrote is stored, and comes back only in the fields that keep a writer's words.

    Args:
        secrets: What to look for, by name.
        without_words: Takes the fields that keep a writer's words out of a decoded result.
        unsaid: What of a request counts as not written, since it is never told to anybody.
    """

    def __init__(
        self,
        secrets: Mapping[str, str],
        *,
        without_words: Callable[[Any], Any],
        unsaid: re.Pattern[str] | None = None,
    ) -> None:
        self._secrets = dict(secrets)
        self._without_words = without_words
        self._unsaid = unsaid
        self._now: set[str] = set()
        self._ever: set[str] = set()

    def begin(self) -> None:
        """Begin another example."""
        self._now.clear()

    def add(self, request: bytes) -> None:
        """Take what a request says, before its answer is judged."""
        text = request.decode("utf-8", "replace")
        if self._unsaid is not None:
            text = self._unsaid.sub("", text)
        said = {name for name, secret in self._secrets.items() if secret in text}
        self._now |= said
        self._ever |= said

    def check(self, body: bytes, answer: Mapping[str, Any], request: bytes) -> None:
        """Insist that an answer tells no secret but to its writer.

        Args:
            body: The answer as it was sent.
            answer: The same, decoded.
            request: What was answered.
        """
        told = [name for name in leaks(body.decode(), self._secrets) if name not in self._now]
        if told:
            rest = {**answer, "result": self._without_words(answer.get("result"))}
            still = set(leaks(json.dumps(rest, ensure_ascii=False), self._secrets))
            told = [name for name in told if name not in self._ever or name in still]
        if told:
            raise Found(f"the answer tells {', '.join(told)}: {body[:2000]!r} to {request[:2000]!r}")


class Wire:
    """A server under hostile requests: opened once, driven by many examples, then closed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = JumpClock()
        self.asked = 0
        self.log: Log
        self._stack = AsyncExitStack()
        self._runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.log = Log()
        try:
            self.run(self.open(self._stack))
        except BaseException:
            self.log.close()
            raise
        self.log.new_text()
        return self

    def __exit__(self, *error: object) -> None:
        try:
            self.run(self._stack.aclose())
            self._runner.close()
        finally:
            self.log.close()

    def run(self, coro: Awaitable[T]) -> T:
        """Run a coroutine in the wire's loop, with its log listening."""

        async def awaited() -> T:
            return await coro

        self.log.listen()
        return self._runner.run(awaited())

    def one(self, data: bytes) -> None:
        """Run one example.

        Raises:
            Found: If something is not as it must be.
        """
        self.run(self.example(Source(data)))

    def logger(self) -> Logger:
        """Give a logger of the house, for whoever wants to see what is made of its lines."""
        self.log.listen()
        return get_logger("tiyin.fuzz")

    async def send(self, body: bytes) -> dict[str, Any]:
        """Send one request with the right key, and return its answer's envelope."""
        raise NotImplementedError

    async def open(self, stack: AsyncExitStack) -> None:
        """Open the server; what is to be closed goes onto the stack."""
        raise NotImplementedError

    async def example(self, source: Source) -> None:
        """Send some requests and judge what comes of them."""
        raise NotImplementedError

    async def timed(self, answer: Awaitable[T], request: bytes) -> T:
        """Await an answer, and insist that it took no processor time to speak of."""
        self.asked += 1
        began = time.process_time()
        answered = await answer
        took = time.process_time() - began
        if took > ANSWER_S_MAX:
            raise Found(f"an answer took {took:.1f} s of processor time: {request[:2000]!r}")
        return answered


def read_answer(body: bytes, request: bytes, bytes_max: int = ANSWER_BYTES_MAX) -> dict[str, Any]:
    """Read an answer's envelope, and insist that it is one: an id, and a result or an error."""
    try:
        answer = json.loads(body.decode("utf-8"), parse_constant=_no_number)
    except ValueError as error:
        raise Found(f"no JSON was answered to {request[:2000]!r}: {body[:500]!r}") from error
    if not isinstance(answer, dict) or "id" not in answer or ("result" in answer) is ("error" in answer):
        raise Found(f"no envelope was answered to {request[:2000]!r}: {body[:500]!r}")
    if not set(answer) <= {"jsonrpc", "id", "result", "error"} or len(body) > bytes_max:
        raise Found(f"an answer of {len(body)} bytes with {sorted(answer)} to {request[:2000]!r}")
    return answer


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def has_all(value: Any, shape: Mapping[str, type | tuple[type, ...]]) -> bool:
    """Tell whether an object has all these keys, each with a value of its type; a bool is no number."""
    return isinstance(value, dict) and all(
        name in value
        and isinstance(value[name], kinds)
        and not (isinstance(value[name], bool) and kinds is not bool and bool not in _kinds(kinds))
        for name, kinds in shape.items()
    )


def _kinds(kinds: type | tuple[type, ...]) -> tuple[type, ...]:
    return kinds if isinstance(kinds, tuple) else (kinds,)
