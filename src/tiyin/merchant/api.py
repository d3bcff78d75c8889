"""The Merchant API as one function: a call in, a reply out. The order of its checks is the documentation's.

Documentation: merchant-api/overview, merchant-api/interaction, merchant-api/common-errors
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, Self

import msgspec

from tiyin.merchant.access import AddressList, Keys
from tiyin.merchant.billing import Billing
from tiyin.merchant.keys import KeyRing
from tiyin.merchant.methods import Methods
from tiyin.merchant.shop import Shop
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.stores.port import EffectError, StillRunningError, TransactionStore
from tiyin.merchant.sweep import Sweep
from tiyin.protocol.authorization import read_basic, same_secret
from tiyin.protocol.errors import CommonCode, RpcError, access_denied, internal_error, method_not_found
from tiyin.protocol.jsonrpc import Request, RequestRefused, error_reply, read_request, result_reply
from tiyin.protocol.merchant_api import (
    METHODS,
    SET_FISCAL_DATA,
    GetStatementParams,
    GetStatementResult,
    StatementTransaction,
    message_language,
    read_params,
)
from tiyin.protocol.values import Text
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.redaction import redact_text
from tiyin.runtime.tasks import Tasks

__all__ = ["Call", "MerchantApi", "Reply"]

_encode = msgspec.json.Encoder().encode
_DRAIN_S = 10.0
_LOGGED_MAX = 64
# What tells of a broken or foreign caller; a payer's wrong order number is everyday business and not logged.
_MALFORMED = frozenset(
    (
        CommonCode.TRANSPORT,
        CommonCode.ACCESS_DENIED,
        CommonCode.PARSE,
        CommonCode.INVALID_REQUEST,
        CommonCode.METHOD_NOT_FOUND,
        CommonCode.INVALID_PARAMS,
    )
)


class Call(msgspec.Struct, frozen=True):
    """One HTTP request, as much of it as matters.

    Args:
        method: The HTTP method.
        body: The body; an edge need not read more than `protocol.jsonrpc.BODY_BYTES_MAX` and one byte of it.
        authorization: The header `Authorization`.
        address: The address at the other end of the connection.
        forwarded: The header `X-Forwarded-For`.
    """

    method: str
    body: bytes
    authorization: str | None = None
    address: str | None = None
    forwarded: str | None = None

    def __repr__(self) -> str:
        return f"Call({self.method!r}, {len(self.body)} bytes)"


class Reply(msgspec.Struct, frozen=True):
    """The answer. Its HTTP status is always 200.

    Args:
        body: The JSON, or its beginning.
        more: The rest of a long statement, piece by piece; None when `body` is all of it.
    """

    body: bytes
    more: AsyncIterator[bytes] | None = None


class MerchantApi:
    """A shop's endpoint for Payme. Open it with ``async with`` or `start`; the first call opens it too.

    Args:
        billing: The shop.
        store: ``sqlite:///payme.db``, ``postgresql://...``, or a `TransactionStore`.
        key: The cash desk's key, or its `Keys` with the mode.
        login: The login that Payme uses.
        addresses: Who may call; everybody who has the key by default. `AddressList(PAYME_ADDRESSES)` is Payme
            alone.
        allow_change_password: Whether ChangePassword is served.
        clock: The time.
        tasks: Owns what must not end with a request; by default a set of its own.
        sweep_every_s: How often expired transactions are looked for, in seconds.
        patience_s: How long a call waits for a hook before it is answered -32400, in seconds.
    """

    def __init__(  # noqa: PLR0913 - a shop names the few it wants to set
        self,
        billing: Billing,
        store: str | TransactionStore,
        key: str | Keys,
        *,
        login: str = "Paycom",
        addresses: AddressList | None = None,
        allow_change_password: bool = False,
        clock: Clock | None = None,
        tasks: Tasks | None = None,
        sweep_every_s: float = 15.0,
        patience_s: float = 15.0,
    ) -> None:
        self._settings = _Settings(
            billing=billing,
            store=store,
            keys=key if isinstance(key, Keys) else Keys(production=key),
            login=login,
            addresses=AddressList() if addresses is None else addresses,
            allow_change_password=allow_change_password,
            clock=SystemClock() if clock is None else clock,
            tasks=tasks,
            sweep_every_s=sweep_every_s,
            patience_s=patience_s,
        )
        self._serving = METHODS if allow_change_password else METHODS - {"ChangePassword"}
        self._log = get_logger("tiyin.merchant")
        self._opening = asyncio.Lock()
        self._known_header: str | None = None
        self._running: _Running | None = None

    async def start(self) -> None:
        """Open the store and begin to look for expired transactions. A second call does nothing."""
        await self._started()

    async def stop(self) -> None:
        """Let running effects end, and close the store. `start` opens it again."""
        async with self._opening:
            running, self._running = self._running, None
            if running is not None:
                await running.stop()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def expire_due(self, limit: int = 1000) -> int:
        """Cancel transactions whose twelve hours are over, without waiting for the sweep.

        Args:
            limit: How many at most.

        Returns:
            How many were found.
        """
        return await (await self._started()).sweep.run(limit)

    async def handle(self, call: Call) -> Reply:
        """Answer one call. It never raises: what went wrong stands in the reply, and its cause in the log.

        Args:
            call: The HTTP request.
        """
        # Read before anything is judged, because every answer echoes the id; judged in the documented order.
        request = _read(call.body)
        method = None
        try:
            running = self._running
            if running is None:
                running = await self._started()
            admitted = await self._admit(call, request, running)
            method = admitted.method
            if method not in self._serving:
                return self._refused(request, method_not_found(method), method)
            params = read_params(method, admitted.params)
            if isinstance(params, GetStatementParams):
                return await _statement(admitted, running.methods.statement(params))
            return Reply(result_reply(admitted, await running.calls[method](params)))
        except RpcError as error:
            return self._refused(request, error, method)
        except Exception as error:  # noqa: BLE001 - whatever it is, Payme gets an answer
            return self._failed(request, error, method)

    async def _started(self) -> "_Running":
        async with self._opening:
            if self._running is None:
                running = _Running(self._settings)
                await running.start()
                self._running = running
            return self._running

    async def _admit(self, call: Call, request: Request | RequestRefused, running: "_Running") -> Request:
        """Judge all that comes before the method: the HTTP method, who calls, and whether it can be read."""
        if call.method != "POST":
            raise RpcError(CommonCode.TRANSPORT)
        if not self._settings.addresses.admits(call.address, call.forwarded):
            raise access_denied()
        if not await self._is_payme(call.authorization, running):
            raise access_denied()
        if isinstance(request, RequestRefused):
            raise request
        return request

    async def _is_payme(self, authorization: str | None, running: "_Running") -> bool:
        # Payme sends the same header for as long as its key is the same: taking it apart once is enough,
        # unless keys may change.
        known = self._known_header
        if known is not None and authorization is not None and same_secret(authorization, known):
            return True
        basic = read_basic(authorization)
        if basic is None or basic.login != self._settings.login:
            return False
        opened = await running.keys.opens(basic.password)
        if opened and not self._settings.allow_change_password:
            self._known_header = authorization
        return opened

    def _refused(self, request: Request | RequestRefused, error: RpcError, method: str | None) -> Reply:
        if error.code in _MALFORMED:
            self._log.warning(
                "payme_request_refused",
                # The name of a method that is not ours is a stranger's text, perhaps somebody's key.
                method=method if method is None or method in METHODS else "unknown",
                request_id=_id_of(request),
                code=error.code,
            )
        return _error(request, error, method)

    def _failed(self, request: Request | RequestRefused, error: Exception, method: str | None) -> Reply:
        cause = error.__cause__ if isinstance(error, EffectError) and error.__cause__ is not None else error
        expected = isinstance(error, StillRunningError)
        self._log.error(
            "payme_call_failed",
            method=method,
            request_id=_id_of(request),
            why=str(error) if expected else type(cause).__name__,
            exc_info=None if expected else cause,
        )
        return _error(request, internal_error(), method)


class _Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a `MerchantApi` was made with, so that it can be opened more than once."""

    billing: Billing
    store: str | TransactionStore
    keys: Keys
    login: str
    addresses: AddressList
    allow_change_password: bool
    clock: Clock
    tasks: Tasks | None
    sweep_every_s: float
    patience_s: float


class _Running:
    """An opened api: its store, its methods, its sweep."""

    def __init__(self, settings: _Settings) -> None:
        clock = settings.clock
        self._own_tasks = settings.tasks is None
        self._tasks = Tasks() if settings.tasks is None else settings.tasks
        self._store: TransactionStore = (
            OwnStore(settings.store, clock=clock, tasks=self._tasks, patience_s=settings.patience_s)
            if isinstance(settings.store, str)
            else settings.store
        )
        self.keys = KeyRing(settings.keys, self._store, clock, changes=settings.allow_change_password)
        shop = Shop(settings.billing, patience_s=settings.patience_s)
        self.methods = Methods(shop, self._store, self.keys, clock)
        self.sweep = Sweep(
            self._store, self.methods.expire, clock, self._tasks, every_s=settings.sweep_every_s
        )
        self.calls: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "CheckPerformTransaction": self.methods.check_perform,
            "CreateTransaction": self.methods.create,
            "PerformTransaction": self.methods.perform,
            "CancelTransaction": self.methods.cancel,
            "CheckTransaction": self.methods.check,
            "SetFiscalData": self.methods.set_fiscal_data,
            "ChangePassword": self.methods.change_password,
        }

    async def start(self) -> None:
        await self._store.start()
        self.sweep.start()

    async def stop(self) -> None:
        await self.sweep.stop()
        if self._own_tasks:
            await self._tasks.drain(_DRAIN_S)
        await self._store.stop()


def _read(body: bytes) -> Request | RequestRefused:
    try:
        return read_request(body)
    except RequestRefused as refusal:
        return refusal


def _error(request: Request | RequestRefused, error: RpcError, method: str | None) -> Reply:
    if method == SET_FISCAL_DATA and error.code == CommonCode.INVALID_PARAMS and error.data is not None:
        # Here the documentation wants the parameter's name in the message, and elsewhere in `data` alone.
        error = RpcError(error.code, _wrong_parameter(str(error.data)), error.data)
    return Reply(error_reply(request, error, language=None if method is None else message_language(method)))


def _wrong_parameter(name: str) -> Text:
    return Text(
        ru=f"Неверный параметр: {name}", uz=f"Notoʻgʻri parametr: {name}", en=f"Wrong parameter: {name}"
    )


async def _statement(request: Request, pages: AsyncIterator[list[StatementTransaction]]) -> Reply:
    """Write a statement page by page: a long one never stands in memory as a whole."""
    first = await anext(pages)
    # The list is the last thing in an empty reply, so what stands before and after its brackets frames the
    # rows.
    head, _, tail = result_reply(request, GetStatementResult([])).rpartition(b"[]")
    body = head + _encode(first)[:-1]
    second = await anext(pages, None)
    if not second:
        return Reply(body + b"]" + tail)
    return Reply(body, _rest(second, pages, b"]" + tail))


async def _rest(
    page: list[StatementTransaction] | None, pages: AsyncIterator[list[StatementTransaction]], tail: bytes
) -> AsyncIterator[bytes]:
    while page:
        yield b"," + _encode(page)[1:-1]
        page = await anext(pages, None)
    yield tail


def _id_of(request: Request | RequestRefused) -> object:
    """Return a request's id for the log."""
    request_id = request.request_id if isinstance(request, RequestRefused) else request.id
    if isinstance(request_id, str):
        # Hidden before it is cut: half a card number is not recognised as one.
        return redact_text(request_id)[:_LOGGED_MAX]
    return None if request_id is msgspec.UNSET else request_id
