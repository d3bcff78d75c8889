"""An acquirer that is a process of its own, asked over HTTP.

What did not come back whole and in shape is `OutcomeUnknown`: also a call that certainly was not sent, since
an earlier one with the same key may have been. An acquirer that does not answer is left in peace for a while,
so that a dead one does not cost every payment the whole time of a call.
"""

from datetime import date
from typing import Final, TypeVar

import msgspec

from tiyin.gateway.acquiring.port import (
    CaptureAnswer,
    CardNumber,
    DayLine,
    DebitAnswer,
    Debited,
    Declined,
    Held,
    HoldAnswer,
    OutcomeUnknown,
    Reversed,
    StatusAnswer,
)
from tiyin.gateway.acquiring.wire import (
    BODY_BYTES_MAX,
    DAY_LINES_MAX,
    DayPart,
    DayPartAnswer,
    Key,
    Outcome,
    Take,
    authorization,
    said,
)
from tiyin.gateway.merchant_calls.breaker import Breaker
from tiyin.protocol.errors import SubscribeCode
from tiyin.protocol.hidden import rich_repr
from tiyin.runtime.clock import Clock
from tiyin.runtime.http import CallFailed, Http
from tiyin.runtime.logs import get_logger
from tiyin.runtime.settings import Secret

__all__ = ["AcquirerLine", "HttpAcquirer"]

_TIMEOUT_MS: Final = 15_000
_IN_FLIGHT_MAX: Final = 512
_OK: Final = 200
_REFUSALS: Final[frozenset[int]] = frozenset(
    {
        SubscribeCode.CARD_WRONG,
        SubscribeCode.BALANCE_UNKNOWN,
        SubscribeCode.BALANCE_TOO_LOW,
        SubscribeCode.PROCESSING_TIMEOUT,
        SubscribeCode.PROCESSING_BUSY,
        SubscribeCode.CARD_DECLINED,
        SubscribeCode.DEBIT_FAILED,
    }
)
"""What receipts.pay has words for when a card was not debited."""

A = TypeVar("A")

_log: Final = get_logger("tiyin.acquirer")


class AcquirerLine:
    """The way to an acquirer: address, secret, bounds, circuit. Debits and questions about cards share it.

    Args:
        http: How calls leave; it must allow the address, which may be a private one.
        url: The acquirer's address; paths are put behind it.
        secret: What both sides know.
        clock: Times the circuit.
        timeout_ms: The longest that one call may take.
        in_flight_max: So many calls at a time; one more is not made.
        breaker: The circuit; an ordinary one by default.
    """

    def __init__(
        self,
        http: Http,
        url: str,
        secret: Secret,
        clock: Clock,
        *,
        timeout_ms: int = _TIMEOUT_MS,
        in_flight_max: int = _IN_FLIGHT_MAX,
        breaker: Breaker | None = None,
    ) -> None:
        self._http = http
        self._url = url.rstrip("/")
        self._headers = {
            "authorization": authorization(secret.reveal()),
            "content-type": "application/json",
        }
        self.timeout_ms = timeout_ms
        self._breaker = Breaker(clock) if breaker is None else breaker
        self._free = in_flight_max

    def __repr__(self) -> str:
        return f"AcquirerLine({self._free} free)"

    __rich_repr__ = rich_repr

    async def ask(self, path: str, question: msgspec.Struct, shape: type[A]) -> A:
        """Ask once.

        Args:
            path: Such as "/debit".
            question: The body.
            shape: What the answer must be.

        Raises:
            OutcomeUnknown: When no whole answer of that shape came back, for whatever reason.
        """
        if not self._free:
            raise OutcomeUnknown("too many calls to the acquirer are under way")
        if not self._breaker.allows():
            raise OutcomeUnknown("the acquirer has not answered lately")
        self._free -= 1
        told = False
        try:
            answer = await self._send(path, question, shape)
            told = True
        except OutcomeUnknown as unknown:
            told = True
            self._breaker.failed()
            _log.warning("acquirer_unclear", operation=path, why=str(unknown))
            raise
        finally:
            self._free += 1
            if not told:
                self._breaker.left()
        self._breaker.answered()
        return answer

    async def _send(self, path: str, question: msgspec.Struct, shape: type[A]) -> A:
        try:
            answer = await self._http.post(
                self._url + path,
                body=msgspec.json.encode(question),
                headers=self._headers,
                timeout_ms=self.timeout_ms,
                body_max=BODY_BYTES_MAX,
            )
        except CallFailed as failed:
            raise OutcomeUnknown(str(failed)) from failed
        if answer.status != _OK:
            raise OutcomeUnknown(f"the acquirer answered the status {answer.status}")
        try:
            return msgspec.json.decode(answer.body, type=shape)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            # The cause may quote what was read: it is not carried on.
            raise OutcomeUnknown("the acquirer's answer has another shape") from None


class HttpAcquirer:
    """The acquirer's port over such a line; see `Acquirer` and `DayFiles` for what each method does.

    Args:
        line: The way to it.
    """

    def __init__(self, line: AcquirerLine) -> None:
        self._line = line

    @property
    def timeout_ms(self) -> int:
        """The longest that one call may take, milliseconds."""
        return self._line.timeout_ms

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        """Take money from a card, at most once for a key; see `Acquirer.debit`."""
        answer = await self._take("/debit", key, card, amount_tiyin, terminal)
        if not isinstance(answer, Debited | Declined):
            raise _unexpected("debit")
        return answer

    async def hold(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> HoldAnswer:
        """Set money aside on a card, at most once for a key; see `Acquirer.hold`."""
        answer = await self._take("/hold", key, card, amount_tiyin, terminal)
        if not isinstance(answer, Held | Declined):
            raise _unexpected("hold")
        return answer

    async def capture(self, key: str) -> CaptureAnswer:
        """Take what is held under a key; see `Acquirer.capture`."""
        answer = await self._operate("/capture", key, Key(key))
        if not isinstance(answer, Debited | Declined | Reversed):
            raise _unexpected("capture")
        return answer

    async def status(self, key: str) -> StatusAnswer:
        """Say what became of an operation; see `Acquirer.status`."""
        return await self._operate("/status", key, Key(key))

    async def reverse(self, key: str) -> Reversed:
        """Give back what an operation took or holds; see `Acquirer.reverse`."""
        answer = await self._operate("/reverse", key, Key(key))
        if not isinstance(answer, Reversed):
            raise _unexpected("reverse")
        return answer

    async def day_lines(self, day: date, after: str, limit: int) -> list[DayLine]:
        """Give a part of a day's file; see `DayFiles.day_lines`. A part has 1,000 lines at most."""
        question = DayPart(day, after, min(limit, DAY_LINES_MAX))
        lines = (await self._line.ask("/day", question, DayPartAnswer)).lines
        places = [(line.key, line.kind) for line in lines]
        key, _, kind = after.rpartition(" ")
        # Lines in another order would never end, or pass over some.
        if (
            len(lines) > question.limit
            or any(later <= earlier for earlier, later in zip([(key, kind), *places], places, strict=False))
            or any(line.kind not in {"debit", "reversal"} or line.amount_tiyin <= 0 for line in lines)
        ):
            raise _unexpected("day")
        return lines

    async def _take(
        self, path: str, key: str, card: CardNumber, amount_tiyin: int, terminal: str
    ) -> StatusAnswer:
        take = Take(key, card.number, card.expire, amount_tiyin, terminal)
        return await self._operate(path, key, take)

    async def _operate(self, path: str, key: str, question: msgspec.Struct) -> StatusAnswer:
        written = await self._line.ask(path, question, Outcome)
        if written.key != key:
            raise OutcomeUnknown("the acquirer answered for another key")
        answer = said(written)
        if isinstance(answer, Declined) and answer.code not in _REFUSALS:
            # Nothing was taken, whatever it is called there; payers are told what the documentation has.
            return Declined(int(SubscribeCode.CARD_DECLINED), answer.reason)
        return answer


def _unexpected(operation: str) -> OutcomeUnknown:
    return OutcomeUnknown(f"the acquirer answered {operation} with what cannot be its answer")
