"""What a check talks to a merchant's server with."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import msgspec

from tiyin.sandbox.exchange import Exchange, Headers
from tiyin.sandbox.problems import Kind
from tiyin.sandbox.target import Target

__all__ = ["DEFAULT", "Reply", "Talk"]


class _Default:
    """Stands for what a caller leaves to the sandbox."""


DEFAULT: Final = _Default()
_OK: Final = 200
_SHOWN_MAX: Final = 100


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer read as loosely as it can be; what is loose in it is told once, by the checks of envelopes.

    Args:
        exchange: What was sent and answered.
        body: The answer's JSON object, or None if there is none.
        result: Its result when it is an object, else None.
        code: The error's code when it is a whole number, else None.
        error: The error when it is an object, else None.
        hide: Hides secrets in a text; a text that is cut short must go through it whole.
    """

    exchange: Exchange
    body: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    code: int | None = None
    error: dict[str, Any] | None = None
    hide: Callable[[str], str] = str

    def told(self) -> str:
        """Say in a few technical words what was answered: `error.code -31008`, `HTTP 500`, `timeout`."""
        exchange = self.exchange
        answer = exchange.answer
        if answer is None:
            return str(exchange.failure or "no answer")
        status = "" if answer.status == _OK else f"HTTP {answer.status}"
        if self.body is None:
            return status or "HTTP 200, no JSON object"
        words = self._told_body(self.body)
        return f"{status}, {words}" if status else words

    def _told_body(self, body: dict[str, Any]) -> str:
        if self.error is not None:
            if self.code is not None:
                return f"error.code {self.code}"
            return (
                f"error.code {self._short(self.error['code'])}" if "code" in self.error else "error, no code"
            )
        if body.get("error") is not None:
            return f"error {self._short(body['error'])}"
        if "result" in body:
            return f"result {self._short(body['result'])}"
        return "neither result nor error"

    def _short(self, value: Any) -> str:
        """Write a value as JSON, of a long one the beginning."""
        text = self.hide(json.dumps(value, ensure_ascii=False))
        return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}..."


class Talk(Protocol):
    """A conversation of one check; every exchange is kept for its finding.

    The real one is `tiyin.sandbox.conversation.Conversation`.
    """

    @property
    def target(self) -> Target:
        """What is tested."""
        ...

    @property
    def scarce(self) -> bool:
        """Whether there is nothing to pay beyond the target's own one-time account."""
        ...

    def now_ms(self) -> int:
        """Return the time, in milliseconds since 1970."""
        ...

    def new_id(self) -> str:
        """Return a new id of Payme's for a transaction: 24 hexadecimal characters."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait in real time; the run's whole time is bounded."""
        ...

    async def account(self) -> dict[str, str | int]:
        """Return an account that this check may pay: a fresh one for each call.

        For an accumulating target it is always the target's own.

        Raises:
            Skip: If the target has no way to make fresh ones and its own was used up.
        """
        ...

    def give_back(self, account: Mapping[str, str | int]) -> None:
        """Say that an account of this check can still be paid, so that another check may use it.

        Seldom needed: an account is given back by itself where every transaction that the check created
        with it was cancelled before it was performed (those left waiting are cancelled when the check ends).

        Args:
            account: What `account` returned.
        """
        ...

    async def call(
        self,
        method: str,
        params: Mapping[str, Any],
        *,
        id: int | str | _Default | None = DEFAULT,  # noqa: A002 - the wire's own word
        authorization: str | _Default | None = DEFAULT,
        cut: bool = False,
        headers: Headers = (),
    ) -> Reply:
        """Call a method as the real sandbox does: its headers, `jsonrpc`, an integer id.

        Args:
            method: The method's name.
            params: Its parameters.
            id: The request's id; the next number by default.
            authorization: The whole Authorization header; None sends none; the right one by default.
            cut: Whether to cut the connection once the request is sent, so that the answer is lost.
            headers: Further headers; one that is there already is replaced.

        Raises:
            Wrong: Where the server cannot be talked to at all (down, not HTTP, endless, redirecting, not
                JSON ...): the transport's own kinds, see `tiyin.sandbox.transport`. Not for `cut`.
        """
        ...

    async def send(
        self,
        body: bytes,
        *,
        method: str = "POST",
        headers: Headers = (),
        authorization: str | _Default | None = DEFAULT,
    ) -> Reply:
        """Send bytes as they are, for malformed requests; never raises for what comes back.

        Args:
            body: The body.
            method: The HTTP method.
            headers: Further headers; one that is there already is replaced.
            authorization: As for `call`.
        """
        ...

    def warn(self, kind: Kind, *, expected: str, got: str) -> None:
        """Note a problem and go on; the check does not end by it, whatever the kind's severity.

        Args:
            kind: What kind of problem it is.
            expected: What should have come.
            got: What came instead.
        """
        ...
