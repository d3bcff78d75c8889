"""One call as steps without I/O: what to send, how long to wait, what the answer means.

`Exchange.steps` is a generator that both clients drive: it yields `Send` and `Wait`, is given what came back,
and returns the typed result or raises. All that differs between the clients is who does the sending.

When the same request is sent again, and when not, is decided here, by the method (`calls.Repeat`):

* reads, and receipts.set_fiscal_data: after anything that may pass;
* receipts.create, cards.create, receipts.send: the same, since they carry an ``Idempotency-Key``. A server
  that does not know the header may then have made a second unpaid receipt or a second token, which takes no
  money, or have sent a second SMS;
* receipts.pay, receipts.confirm_hold, receipts.cancel, cards.remove, cards.get_verify_code: only if the
  request certainly never left. A receipt is paid once however often it is asked for, but the answer to a
  repeat of a lost payment (-31602, or -31400 for a used one-time token) would look like a refusal of a
  payment that was made: the caller is told that the outcome is unknown, and receipts.check tells the truth;
* cards.verify: never, each try is one of the payer's few.

Pauses double and are drawn with full jitter; no pause begins that the call's whole time does not allow.
"""

import itertools
import secrets
from collections.abc import Callable, Generator
from typing import Any, Final, Generic, TypeVar

import msgspec

from tiyin.merchant.subscribe.calls import Call, Repeat
from tiyin.merchant.subscribe.errors import (
    AccessDenied,
    AnswerLost,
    BadAnswer,
    NotReached,
    SubscribeError,
    Unavailable,
    error_of,
)
from tiyin.merchant.subscribe.reading import Unreadable
from tiyin.merchant.subscribe.settings import Settings
from tiyin.protocol.codes import CommonCode, SubscribeCode
from tiyin.runtime.chance import Chance
from tiyin.runtime.forks import forget_after_fork
from tiyin.runtime.http import CallFailed, HttpAnswer, NotSent
from tiyin.runtime.logs import get_logger
from tiyin.runtime.redaction import HIDDEN

__all__ = ["ANSWER_BYTES_MAX", "Exchange", "Send", "Wait"]

T = TypeVar("T")

ANSWER_BYTES_MAX: Final = 16 * 1024 * 1024
"""How long an answer may be: fifty receipts with all their goods fit."""

_PAUSE_S: Final = 0.25
_PAUSE_MAX_S: Final = 4.0
_DEPTH_MAX: Final = 16
_LAST_TRY_MS: Final = 50
"""A try with less time than this is not begun."""

_PASSING_CODES: Final = frozenset(
    {
        SubscribeCode.PAYME_UNAVAILABLE,
        SubscribeCode.PROCESSING_CENTRE_UNAVAILABLE,
        SubscribeCode.PROCESSING_UNAVAILABLE,
        SubscribeCode.PROCESSING_BUSY,
        CommonCode.INTERNAL,
    }
)
"""Codes that may be gone a second later."""
_NOTHING_BEGUN: Final = frozenset({SubscribeCode.MAINTENANCE})
"""Codes of `Unavailable` after which certainly nothing was done."""
_REFUSED_STATUSES: Final = frozenset({400, 401, 403, 404, 405, 411, 413, 414, 415, 421, 431})
_BUSY_STATUSES: Final = frozenset({408, 425, 429})

_log: Final = get_logger("tiyin.subscribe")


class _RequestIds:
    """Ids differ between calls and, almost surely, processes: the logs of both sides can be matched."""

    def __init__(self) -> None:
        self.forget_parent()
        forget_after_fork(self)

    def forget_parent(self) -> None:
        """Begin elsewhere in a child process."""
        self._ids = itertools.count(secrets.randbelow(2**40) + 1)

    def __next__(self) -> int:
        return next(self._ids)


_request_ids: Final = _RequestIds()


class Send(msgspec.Struct, frozen=True):
    """Send the request, and give back its `HttpAnswer` or the `CallFailed`.

    Args:
        timeout_ms: How long it may take altogether.
    """

    timeout_ms: int


class Wait(msgspec.Struct, frozen=True):
    """Wait, and give back None.

    Args:
        seconds: How long.
    """

    seconds: float


Steps = Generator[Send | Wait, HttpAnswer | CallFailed | None, T]


class _Reply(msgspec.Struct):
    """An answer's envelope; what is inside is read later, leniently."""

    result: msgspec.Raw = msgspec.Raw(b"null")
    error: msgspec.Raw = msgspec.Raw(b"null")


class Exchange(Generic[T]):
    """One call on its way.

    Args:
        call: What is asked.
        settings: Where, as whom, and with how much patience.
        monotonic: Seconds of process time.
        chance: Draws pauses.
    """

    def __init__(
        self, call: Call[T], settings: Settings, monotonic: Callable[[], float], chance: Chance
    ) -> None:
        if call.needs_key and settings.key is None:
            raise AccessDenied(
                "this method needs the cash desk's key: give it to the client as its second argument",
                method=call.method,
            )
        self._call = call
        self._settings = settings
        self._monotonic = monotonic
        self._chance = chance
        self._attempts = 0
        self.request_id = next(_request_ids)

    @property
    def url(self) -> str:
        """Where the request goes."""
        return self._settings.base_url

    def headers(self) -> dict[str, str]:
        """Return the request's headers; one of them holds the key."""
        headers = {
            "Accept": "application/json",
            "Accept-Language": self._settings.language,
            "Cache-Control": "no-cache",
            "Content-Type": "application/json; charset=UTF-8",
            "X-Auth": self._settings.x_auth(front=self._call.front),
        }
        if self._call.idempotency_key is not None:
            headers["Idempotency-Key"] = self._call.idempotency_key
        return headers

    def body(self) -> bytes:
        """Return the request's body, the same however often it is sent."""
        envelope = {
            "jsonrpc": "2.0",
            "id": self.request_id,
            "method": self._call.method,
            "params": msgspec.Raw(self._call.params),
        }
        return msgspec.json.encode(envelope)

    def steps(self) -> Steps[T]:
        """Go through the call.

        Yields:
            What to do next: `Send` or `Wait`.

        Returns:
            The typed result.

        Raises:
            SubscribeError: Why there is none.
        """
        call, settings = self._call, self._settings
        patience_ms = settings.pay_timeout_ms if call.moves_money else settings.timeout_ms
        started = self._monotonic()
        ends = started + max(settings.total_ms, patience_ms) / 1000
        # What an earlier try may have done stays possible, whatever a later one is answered.
        unknown = False
        for retries_left in range(settings.retries, -1, -1):
            left_ms = int((ends - self._monotonic()) * 1000)
            self._attempts += 1
            came = yield Send(max(1, min(patience_ms, left_ms)))
            assert came is not None  # noqa: S101 - the driver gives back what a Send brought
            failure, result = self._judged(came)
            if failure is None:
                self._logged(started, None)
                # `_judged` answers either of the two, and T may itself be None.
                return result  # type: ignore[return-value]
            unknown = failure.outcome_unknown = failure.outcome_unknown or unknown
            pause_s = self._chance.up_to(min(_PAUSE_MAX_S, _PAUSE_S * 2 ** (self._attempts - 1)))
            in_time = self._monotonic() + pause_s + _LAST_TRY_MS / 1000 < ends
            if not retries_left or not in_time or not self._may_repeat(failure, came):
                self._logged(started, failure)
                raise failure
            _log.info(
                "subscribe_call_repeated",
                method=call.method,
                request=self.request_id,
                error=failure.code,
                failure=type(failure).__name__,
                after_ms=round(pause_s * 1000),
            )
            yield Wait(pause_s)
        raise AssertionError("the last try returned or raised")

    def _judged(self, came: HttpAnswer | CallFailed) -> tuple[SubscribeError | None, T | None]:
        """Tell what came back: an error, or the result."""
        if isinstance(came, NotSent):
            return self._error(NotReached, f"not sent: {came}", unknown=False), None
        if isinstance(came, CallFailed):
            return self._error(AnswerLost, f"no answer: {came}", unknown=self._call.changes), None
        return self._judged_answer(came)

    def _judged_answer(self, answer: HttpAnswer) -> tuple[SubscribeError | None, T | None]:
        error, result = _envelope(answer.body)
        if error is not None:
            return self._told(error), None
        status = answer.status
        if 200 <= status < 300:
            if result is None:
                return self._error(BadAnswer, "the answer is no JSON-RPC", unknown=self._call.changes), None
            try:
                return None, self._call.read(_decoded(result))
            except Unreadable as unreadable:
                words = f"the answer cannot be understood: {unreadable}"
                return self._error(BadAnswer, words, unknown=self._call.changes), None
        if status >= 500 or status in _BUSY_STATUSES:
            words = f"the server answered HTTP {status}"
            return self._error(Unavailable, words, unknown=self._call.changes and status != 429), None
        hint = "redirects are not followed" if 300 <= status < 400 else "is base_url right?"
        words = f"the server answered HTTP {status} ({hint})"
        # Only these say that nobody looked at what was asked; a result beside them says that somebody did.
        refused = status in _REFUSED_STATUSES and result is None
        return self._error(BadAnswer, words, unknown=self._call.changes and not refused), None

    def _told(self, error: dict[str, Any]) -> SubscribeError:
        """Make the error of what the server told."""
        call, code = self._call, error.get("code")
        if isinstance(code, str) and code.isascii() and code.removeprefix("-").isdecimal() and len(code) < 10:
            code = int(code)
        if type(code) is not int:
            return self._error(BadAnswer, "the answer is an error without a code", unknown=call.changes)
        made = error_of(
            code,
            self._without_secrets(error.get("message")),
            self._without_secrets(error.get("data")),
            method=call.method,
            request_id=self.request_id,
            outcome_unknown=False,
            language=self._settings.language,
            attempts=self._attempts,
        )
        # The request was understood, and something did not work on the way: with money, that is no refusal.
        # Nor is a code that the documentation does not know.
        vague = isinstance(made, Unavailable) or type(made) is SubscribeError
        made.outcome_unknown = vague and call.moves_money and code not in _NOTHING_BEGUN
        return made

    def _without_secrets(self, value: Any, depth: int = 0) -> Any:
        """Take out what we sent, should the server repeat it in its words."""
        if depth > _DEPTH_MAX:
            return HIDDEN
        if isinstance(value, str):
            for secret in (*self._call.secrets, *((self._settings.key,) if self._settings.key else ())):
                value = value.replace(secret, HIDDEN)
            return value
        if isinstance(value, dict):
            return {
                self._without_secrets(name): self._without_secrets(item, depth + 1)
                for name, item in value.items()
            }
        if isinstance(value, list):
            return [self._without_secrets(item, depth + 1) for item in value]
        return value

    def _error(self, kind: type[SubscribeError], words: str, *, unknown: bool) -> SubscribeError:
        return kind(
            words,
            method=self._call.method,
            request_id=self.request_id,
            outcome_unknown=unknown,
            attempts=self._attempts,
        )

    def _may_repeat(self, failure: SubscribeError, came: HttpAnswer | CallFailed) -> bool:
        repeat = self._call.repeat
        if repeat is Repeat.NEVER:
            return False
        if isinstance(failure, NotReached):
            return True
        if repeat is Repeat.NOT_SENT or not isinstance(failure, Unavailable):
            return False
        return isinstance(came, CallFailed) or failure.code is None or failure.code in _PASSING_CODES

    def _logged(self, started: float, failure: SubscribeError | None) -> None:
        worth_a_look = failure is not None and (failure.outcome_unknown or isinstance(failure, BadAnswer))
        (_log.warning if worth_a_look else _log.info)(
            "subscribe_call",
            method=self._call.method,
            request=self.request_id,
            error=failure.code if failure is not None else None,
            failure=type(failure).__name__ if failure is not None else None,
            outcome_unknown=failure.outcome_unknown if failure is not None else False,
            attempts=self._attempts,
            duration_ms=round((self._monotonic() - started) * 1000),
        )


def _envelope(body: bytes) -> tuple[dict[str, Any] | None, msgspec.Raw | None]:
    """Read the envelope: the error's object, or the result; neither where it is no JSON-RPC."""
    try:
        reply = msgspec.json.decode(body, type=_Reply)
        error = _decoded(reply.error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, Unreadable):
        return None, None
    if isinstance(error, dict):
        return error, None
    # Some answer `"error": null` beside a result.
    return None, None if bytes(reply.result) == b"null" or error is not None else reply.result


def _decoded(raw: msgspec.Raw) -> Any:
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unreadable("its JSON is broken") from None
