"""Answering one call: a request in, a reply out. The order of the checks is the documentation's.

Documentation: merchant-api/overview, merchant-api/interaction, merchant-api/common-errors
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from tiyin.merchant.access import AddressList
from tiyin.merchant.keys import KeyRing
from tiyin.merchant.methods import Methods
from tiyin.merchant.stores.port import EffectError, StillRunningError
from tiyin.protocol.authorization import read_basic, same_secret
from tiyin.protocol.errors import (
    CommonCode,
    RpcError,
    access_denied,
    internal_error,
    message_of,
    method_not_found,
)
from tiyin.protocol.hidden import rich_repr
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
from tiyin.runtime.logs import get_logger
from tiyin.runtime.redaction import redact_text

__all__ = ["Answering", "Call", "Reply", "not_open"]

_encode = msgspec.json.Encoder().encode
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

    __rich_repr__ = rich_repr


class Reply(msgspec.Struct, frozen=True):
    """The answer. Its HTTP status is always 200.

    Args:
        body: The JSON, or its beginning.
        more: The rest of a long statement, piece by piece; None when `body` is all of it.
    """

    body: bytes
    more: AsyncIterator[bytes] | None = None


class Answering:
    """Answers calls to one cash desk's endpoint.

    Args:
        methods: The protocol's methods, over the shop and its store.
        keys: Opens the shop.
        login: The login that Payme uses.
        addresses: Who may call.
        allow_change_password: Whether ChangePassword is served.
        messages: Words of the shop's own for codes of the protocol.
    """

    def __init__(
        self,
        methods: Methods,
        keys: KeyRing,
        *,
        login: str,
        addresses: AddressList,
        allow_change_password: bool,
        messages: Mapping[int, Text],
    ) -> None:
        self._keys = keys
        self._login = login
        self._addresses = addresses
        self._keys_change = allow_change_password
        self._messages = messages
        self._statement = methods.statement
        self._methods: dict[str, Callable[[Any], Awaitable[Any]]] = {
            "CheckPerformTransaction": methods.check_perform,
            "CreateTransaction": methods.create,
            "PerformTransaction": methods.perform,
            "CancelTransaction": methods.cancel,
            "CheckTransaction": methods.check,
            "SetFiscalData": methods.set_fiscal_data,
            "ChangePassword": methods.change_password,
        }
        self._serving = METHODS if allow_change_password else METHODS - {"ChangePassword"}
        self._known_header: str | None = None
        self._log = get_logger("tiyin.merchant")

    async def handle(self, call: Call) -> Reply:
        """Answer one call. It never raises: what went wrong stands in the reply, and its cause in the log.

        Args:
            call: The HTTP request.
        """
        # Read before anything is judged, because every answer echoes the id; judged in the documented order.
        request = _read(call.body)
        method = None
        try:
            admitted = await self._admit(call, request)
            method = admitted.method
            if method not in self._serving:
                return self._refused(request, method_not_found(method), method)
            params = read_params(method, admitted.params)
            if isinstance(params, GetStatementParams):
                return await _statement(admitted, self._statement(params))
            return Reply(result_reply(admitted, await self._methods[method](params)))
        except RpcError as error:
            return self._refused(request, error, method)
        except Exception as error:  # noqa: BLE001 - whatever it is, Payme gets an answer
            return self.failed(request, error, method)

    def failed(self, request: Request | RequestRefused, error: Exception, method: str | None = None) -> Reply:
        """Answer -32400, and log why.

        Args:
            request: What was read of the request.
            error: What went wrong.
            method: The method, once it was read.
        """
        cause = error.__cause__ if isinstance(error, EffectError) and error.__cause__ is not None else error
        expected = isinstance(error, StillRunningError)
        self._log.error(
            "payme_call_failed",
            method=method,
            request_id=_id_of(request),
            why=str(error) if expected else type(cause).__name__,
            exc_info=None if expected else cause,
        )
        return self._error(request, internal_error(), method)

    def failed_call(self, call: Call, error: BaseException) -> Reply:
        """Answer -32400 to a call that ended in a way that no call should, and log why.

        Args:
            call: The HTTP request.
            error: What ended it.
        """
        cause = error if isinstance(error, Exception) else RuntimeError(f"it raised {type(error).__name__}")
        return self.failed(_read(call.body), cause)

    def gave_up(self, call: Call, why: str) -> Reply:
        """Answer -32400 to a call that nobody could answer in time.

        Args:
            call: The HTTP request.
            why: What the log says.
        """
        return self.failed(_read(call.body), StillRunningError(why))

    async def _admit(self, call: Call, request: Request | RequestRefused) -> Request:
        """Judge all that comes before the method: the HTTP method, who calls, and whether it can be read."""
        if call.method != "POST":
            raise RpcError(CommonCode.TRANSPORT)
        if not self._addresses.admits(call.address, call.forwarded):
            raise access_denied()
        if not await self._is_payme(call.authorization):
            raise access_denied()
        if isinstance(request, RequestRefused):
            raise request
        return request

    async def _is_payme(self, authorization: str | None) -> bool:
        # Payme sends the same header for as long as its key is the same: taking it apart once is enough,
        # unless keys may change.
        known = self._known_header
        if known is not None and authorization is not None and same_secret(authorization, known):
            return True
        basic = read_basic(authorization)
        if basic is None or basic.login != self._login:
            return False
        opened = await self._keys.opens(basic.password)
        if opened and not self._keys_change:
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
        return self._error(request, error, method)

    def _error(self, request: Request | RequestRefused, error: RpcError, method: str | None) -> Reply:
        if method == SET_FISCAL_DATA and error.code == CommonCode.INVALID_PARAMS and error.data is not None:
            # Here the documentation wants the parameter's name in the message, and elsewhere in `data` alone.
            error = RpcError(error.code, _wrong_parameter(str(error.data)), error.data)
        elif error.code in self._messages and error.message == message_of(error.code):
            # A hook that raises with words of its own knows more than the settings.
            error = RpcError(error.code, self._messages[error.code], error.data)
        return Reply(
            error_reply(request, error, language=None if method is None else message_language(method))
        )


def not_open(call: Call, error: Exception) -> Reply:
    """Answer -32400 to a call that came while the store could not be opened, and log why.

    Args:
        call: The HTTP request.
        error: Why.
    """
    request = _read(call.body)
    get_logger("tiyin.merchant").error(
        "payme_store_not_open", request_id=_id_of(request), why=type(error).__name__, exc_info=error
    )
    return Reply(error_reply(request, internal_error(), language=None))


def _read(body: bytes) -> Request | RequestRefused:
    try:
        return read_request(body)
    except RequestRefused as refusal:
        return refusal


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
