"""Calls merchants' billings: bounded in number, in time and in size, one merchant apart from another.

Documentation: merchant-api/interaction, merchant-api/request-format.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

from tiyin.gateway.merchant_calls.answers import (
    Allowed,
    Cancelled,
    Checked,
    Created,
    FiscalTaken,
    Outcome,
    Performed,
    Unknown,
    read_allowed,
    read_answer,
    read_cancelled,
    read_checked,
    read_created,
    read_fiscal_taken,
    read_performed,
)
from tiyin.gateway.merchant_calls.breaker import Breaker
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.merchant_api import write_call
from tiyin.runtime.clock import Clock
from tiyin.runtime.http import Http, NoAnswer, NotSent
from tiyin.runtime.logs import get_logger

__all__ = ["TIMEOUT_MS", "MerchantCalls", "Target"]

R = TypeVar("R")

_BODY_MAX: Final = 256 * 1024
TIMEOUT_MS: Final = 10_000
"""The longest that one call to a merchant may take."""

_IN_FLIGHT_MAX: Final = 64
_WAITING_MAX: Final = 256
_WAIT_MS_MAX: Final = 2_000
_MERCHANTS_MAX: Final = 10_000
_LOGIN: Final = "Paycom"
_REQUEST_ID_MAX: Final = 2**31


class Target(msgspec.Struct, frozen=True):
    """Which billing is called.

    Attributes:
        desk_id: For which cash desk; its key opens the billing.
        endpoint: The billing's address.
    """

    desk_id: str
    endpoint: str


class _Merchant:
    """What is kept for one merchant: its bound and its circuit."""

    __slots__ = ("_free", "_waiting", "breaker")

    def __init__(self, clock: Clock, in_flight_max: int) -> None:
        self._free = in_flight_max
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.breaker = Breaker(clock)

    @property
    def waits(self) -> bool:
        """Whether anybody waits for a place."""
        return bool(self._waiting)

    async def enter(self) -> bool:
        """Take a place among the calls in flight, waiting a little where all are taken."""
        if self._free:
            self._free -= 1
            return True
        if len(self._waiting) >= _WAITING_MAX:
            return False
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        try:
            async with asyncio.timeout(_WAIT_MS_MAX / 1000):
                await place
        except BaseException as error:
            if place.done() and not place.cancelled():
                # The place came in the same moment in which the caller gave up.
                self.leave()
            if isinstance(error, TimeoutError):
                return False
            raise
        return True

    def leave(self) -> None:
        """Give the place to whoever has waited longest, else back."""
        while self._waiting:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


class MerchantCalls:
    """The outgoing side of the Merchant API.

    Args:
        http: How calls leave.
        clock: Times the circuits.
        key_of: Gives the current key of a cash desk.
        timeout_ms: The longest that one call may take.
        in_flight_max: So many calls to one billing at a time.
        login: The Basic login.
    """

    def __init__(
        self,
        http: Http,
        clock: Clock,
        key_of: Callable[[str], Awaitable[str]],
        *,
        timeout_ms: int = TIMEOUT_MS,
        in_flight_max: int = _IN_FLIGHT_MAX,
        login: str = _LOGIN,
    ) -> None:
        self._http = http
        self._clock = clock
        self._key_of = key_of
        self._timeout_ms = timeout_ms
        self._in_flight_max = in_flight_max
        self._login = login
        self._merchants: dict[str, _Merchant] = {}
        self._request_ids = itertools.count(1)
        self._headers: dict[str, tuple[str, Mapping[str, str]]] = {}
        self._log = get_logger("tiyin.merchant_calls")

    @property
    def budget_ms(self) -> int:
        """The longest that a call may take, its wait for a free place and for the key included."""
        return self._timeout_ms + _WAIT_MS_MAX

    async def check_perform(
        self, target: Target, amount_tiyin: int, account: Mapping[str, Any] | msgspec.Raw
    ) -> Outcome[Allowed]:
        """Ask whether a payment is possible.

        Documentation: merchant-api/CheckPerformTransaction.
        """
        params = {"amount": amount_tiyin, "account": account}
        return await self._call(target, "CheckPerformTransaction", params, read_allowed)

    async def create(
        self, target: Target, transaction_id: str, time_ms: int, amount_tiyin: int, account: msgspec.Raw
    ) -> Outcome[Created]:
        """Create a transaction.

        Documentation: merchant-api/CreateTransaction.
        """
        params = {"id": transaction_id, "time": time_ms, "amount": amount_tiyin, "account": account}
        return await self._call(target, "CreateTransaction", params, read_created)

    async def perform(self, target: Target, transaction_id: str) -> Outcome[Performed]:
        """Perform a transaction.

        Documentation: merchant-api/PerformTransaction.
        """
        return await self._call(target, "PerformTransaction", {"id": transaction_id}, read_performed)

    async def cancel(self, target: Target, transaction_id: str, reason: int) -> Outcome[Cancelled]:
        """Cancel a transaction.

        Documentation: merchant-api/CancelTransaction.
        """
        params = {"id": transaction_id, "reason": reason}
        return await self._call(target, "CancelTransaction", params, read_cancelled)

    async def check(self, target: Target, transaction_id: str) -> Outcome[Checked]:
        """Ask where a transaction stands.

        Documentation: merchant-api/CheckTransaction.
        """
        return await self._call(target, "CheckTransaction", {"id": transaction_id}, read_checked)

    async def set_fiscal_data(
        self, target: Target, receipt_id: str, kind: str, fiscal_data: Mapping[str, Any] | msgspec.Struct
    ) -> Outcome[FiscalTaken]:
        """Tell the merchant what became of a receipt at the tax service.

        Args:
            target: Whom.
            receipt_id: The receipt.
            kind: "PERFORM" or "CANCEL".
            fiscal_data: The documentation's FiscalData.

        Documentation: merchant-api/SetFiscalData.
        """
        params = {"id": receipt_id, "type": kind, "fiscal_data": fiscal_data}
        return await self._call(target, "SetFiscalData", params, read_fiscal_taken)

    async def _call(
        self, target: Target, method: str, params: Any, read: Callable[[Mapping[str, Any]], R]
    ) -> Outcome[R]:
        merchant = self._merchant(target.endpoint)
        asked_s = self._clock.monotonic()
        if not merchant.breaker.allows():
            return Unknown("circuit_open", sent=False)
        try:
            if not await merchant.enter():
                merchant.breaker.left()
                return Unknown("too_many_calls", sent=False)
            try:
                headers = self._headers_for(await self._key_of(target.desk_id), target.desk_id)
                if (self._clock.monotonic() - asked_s) * 1000 > _WAIT_MS_MAX:
                    # The key is read from a database, which may be away. A call that left only now could
                    # outlive its driver's lease.
                    merchant.breaker.left()
                    return Unknown("left_too_late", sent=False)
                outcome = await self._send(target.endpoint, headers, method, params, read)
            finally:
                merchant.leave()
        except BaseException:
            merchant.breaker.left()
            raise
        # A server that answers HTTP 500 is up, and may answer the next payer well.
        if isinstance(outcome, Unknown) and outcome.silent:
            merchant.breaker.failed()
        else:
            merchant.breaker.answered()
        if isinstance(outcome, Unknown):
            self._log.warning(
                "merchant_call_unknown", desk_id=target.desk_id, method=method, reason=outcome.reason
            )
        return outcome

    async def _send(
        self,
        endpoint: str,
        headers: Mapping[str, str],
        method: str,
        params: Any,
        read: Callable[[Mapping[str, Any]], R],
    ) -> Outcome[R]:
        body = write_call(method, params, next(self._request_ids) % _REQUEST_ID_MAX)
        try:
            answer = await self._http.post(
                endpoint, body=body, headers=headers, timeout_ms=self._timeout_ms, body_max=_BODY_MAX
            )
        except NotSent as error:
            return Unknown(f"not_sent: {error}", sent=False)
        except NoAnswer as error:
            return Unknown(f"no_answer: {error}")
        return read_answer(answer.status, answer.body, read)

    def _merchant(self, endpoint: str) -> _Merchant:
        merchant = self._merchants.get(endpoint)
        if merchant is None:
            if len(self._merchants) >= _MERCHANTS_MAX:
                self._merchants = {at: known for at, known in self._merchants.items() if known.waits}
            merchant = self._merchants[endpoint] = _Merchant(self._clock, self._in_flight_max)
        return merchant

    def _headers_for(self, key: str, desk_id: str) -> Mapping[str, str]:
        """Make the headers of a call; they are kept until the desk's key changes."""
        kept = self._headers.get(desk_id)
        if kept is not None and kept[0] == key:
            return kept[1]
        if len(self._headers) >= _MERCHANTS_MAX:
            self._headers.clear()
        headers = {
            "authorization": write_basic(self._login, key),
            "content-type": "application/json; charset=UTF-8",
        }
        self._headers[desk_id] = (key, headers)
        return headers
