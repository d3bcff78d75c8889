"""What a check talks to a merchant's server with."""

from collections.abc import Mapping
from typing import Any, Final, Protocol

import msgspec

from tiyin.sandbox.exchange import Exchange, Headers
from tiyin.sandbox.problems import Kind
from tiyin.sandbox.target import Target

__all__ = ["DEFAULT", "Reply", "Talk"]


class _Default:
    """Stands for what a caller leaves to the sandbox."""


DEFAULT: Final = _Default()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """An answer read as loosely as it can be; what is loose in it is told once, by the checks of envelopes.

    Args:
        exchange: What was sent and answered.
        body: The answer's JSON object, or None if there is none.
        result: Its result when it is an object, else None.
        code: The error's code when it is a whole number, else None.
        error: The error when it is an object, else None.
    """

    exchange: Exchange
    body: dict[str, Any] | None = None
    result: dict[str, Any] | None = None
    code: int | None = None
    error: dict[str, Any] | None = None

    def told(self) -> str:
        """Say in a few technical words what was answered: `error.code -31008`, `HTTP 500`, `timeout`."""
        raise NotImplementedError


class Talk(Protocol):
    """A conversation of one check; every exchange is kept for its finding.

    The real one is `tiyin.sandbox.conversation.Conversation`.
    """

    @property
    def target(self) -> Target:
        """What is tested."""
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
