"""The Subscribe API: one request's bytes in, one answer's bytes out; HTTP is `tiyin.web.subscribe`'s.

The order of checks: who asks (-32504), JSON (-32700), the envelope (-32600), the method (-32601), its
parameters (-32602), then the method itself. The envelope is read first all the same, for two reasons: an
error echoes the request's `id` wherever one can be read, and which key is needed depends on the method.

Documentation: subscribe-api/overview, subscribe-api/methods
"""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeAlias

import msgspec

from tiyin.gateway.cards.service import Cards
from tiyin.gateway.desks import Desk, Desks, is_own_origin
from tiyin.gateway.receipts.service import NewReceipt, Receipts
from tiyin.protocol.errors import CommonCode, RpcError, internal_error, method_not_found
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.jsonrpc import Request, RequestRefused, error_reply, read_request, result_reply
from tiyin.protocol.params import known_path
from tiyin.protocol.subscribe_api import (
    FIELD_NAMES,
    FRONT_METHODS,
    METHODS,
    CardResult,
    CardsCheckParams,
    CardsCreateParams,
    CardsGetVerifyCodeParams,
    CardsRemoveParams,
    CardsVerifyParams,
    CodeSent,
    ReceiptResult,
    ReceiptsCheckParams,
    ReceiptsCreateParams,
    ReceiptsGetParams,
    ReceiptsPayParams,
    ReceiptStateResult,
    Success,
    read_params,
)
from tiyin.protocol.values import Language, read_language
from tiyin.runtime.logs import get_logger
from tiyin.runtime.redaction import redact_text

__all__ = ["Answer", "SubscribeApi", "SubscribeGateway"]

_JSONRPC: Final = "2.0"
_LOGGED_MAX: Final = 64
_REASONS: Final = frozenset({"invalid_id", "invalid_authorization_header"})


class SubscribeGateway(Protocol):
    """What the Subscribe API needs of the gateway."""

    @property
    def desks(self) -> Desks:
        """Who may ask."""
        ...

    @property
    def cards(self) -> Cards:
        """For the methods ``cards.*``."""
        ...

    @property
    def receipts(self) -> Receipts:
        """For the methods ``receipts.*``."""
        ...


class Answer(msgspec.Struct, frozen=True):
    """What goes back over HTTP.

    Args:
        body: The JSON-RPC answer; its HTTP status is always 200.
        origin_allowed: Whether a page of the request's `Origin` may read it.
    """

    body: bytes
    origin_allowed: bool = False

    def __repr__(self) -> str:
        return f"Answer({len(self.body)} bytes)"

    __rich_repr__ = rich_repr


class _Call(msgspec.Struct, frozen=True):
    """Who calls a method, and in which language the answer is."""

    desk: Desk
    language: Language


class SubscribeApi:
    """Answers the Subscribe API.

    Args:
        gateway: Does the work.
    """

    def __init__(self, gateway: SubscribeGateway) -> None:
        self._gateway = gateway
        self._log = get_logger("tiyin.subscribe_api")

    async def handle(self, body: bytes, x_auth: str | None, accept_language: str | None = None) -> bytes:
        """Answer one request; nothing is ever raised.

        Args:
            body: The request, at most 256 KiB.
            x_auth: The header X-Auth: ``{id}`` or ``{id}:{key}``.
            accept_language: The header Accept-Language; messages are Russian where it is absent.

        Documentation: subscribe-api/overview
        """
        return (await self.answer(body, x_auth, accept_language)).body

    async def answer(
        self, body: bytes, x_auth: str | None, accept_language: str | None = None, origin: str | None = None
    ) -> Answer:
        """Do what `handle` does, and judge the page that asks.

        Args:
            body: As for `handle`.
            x_auth: As for `handle`.
            accept_language: As for `handle`.
            origin: The header Origin; None where no browser's page asks.
        """
        language = read_language(accept_language)
        request: Request | RequestRefused
        try:
            request = read_request(body)
        except RequestRefused as refused:
            request = refused
        method = request.method if isinstance(request, Request) else None
        desk: Desk | None = None
        try:
            needs_key = method in METHODS and method not in FRONT_METHODS
            desk = await self._gateway.desks.authorize(x_auth, need_key=needs_key)
            reply = await self._call(request, _Call(desk, language))
        except RpcError as error:
            self._log_refusal(request, desk, error)
            reply = error_reply(request, error, language=language, jsonrpc=_JSONRPC)
        except Exception as error:  # noqa: BLE001 - whatever went wrong inside, the client gets an answer
            self._log.error("unforeseen", **_who(request, desk), exc_info=error)
            reply = error_reply(request, internal_error(), language=language, jsonrpc=_JSONRPC)
        return Answer(reply, _may_read(origin, desk, method))

    async def _call(self, request: Request | RequestRefused, call: _Call) -> bytes:
        """Run one method. A header `Idempotency-Key` would be honoured here, around the handler."""
        if isinstance(request, RequestRefused):
            raise request
        handler = _HANDLERS.get(request.method)
        if handler is None:
            raise method_not_found(request.method)
        params = read_params(request.method, request.params)
        return result_reply(request, await handler(self._gateway, call, params), jsonrpc=_JSONRPC)

    def _log_refusal(self, request: Request | RequestRefused, desk: Desk | None, error: RpcError) -> None:
        self._log.info("refused", **_who(request, desk), error=error.code, field=_field_of(error, desk))


def _who(request: Request | RequestRefused, desk: Desk | None) -> dict[str, Any]:
    """Name a request in the log: nothing of its parameters, and a method only if it is one of ours."""
    if isinstance(request, Request):
        method = request.method if request.method in METHODS else "unknown"
        request_id = request.id
    else:
        method, request_id = "unreadable", request.request_id
    # Hidden before it is cut: half a card number is not recognised as one.
    shown = redact_text(request_id)[:_LOGGED_MAX] if isinstance(request_id, str) else request_id or None
    return {"method": method, "request_id": shown, "desk_id": None if desk is None else desk.id}


def _field_of(error: RpcError, desk: Desk | None) -> str | None:
    """Name the field that an error is about, as far as the name is ours or the desk's own."""
    if not isinstance(error.data, str) or error.code == CommonCode.METHOD_NOT_FOUND:
        return None
    if error.data in _REASONS:
        return error.data
    own = frozenset() if desk is None else frozenset(field.name for field in desk.account_fields)
    return known_path(error.data, FIELD_NAMES | own) or None


def _may_read(origin: str | None, desk: Desk | None, method: str | None) -> bool:
    """Tell whether a page may read the answer: one of the desk's own, and never an answer of ``receipts.*``.

    A page that calls ``receipts.*`` holds the desk's key, and so does everybody who opens it: it shall not
    work.
    """
    if origin is None or desk is None or (method in METHODS and method not in FRONT_METHODS):
        return False
    return is_own_origin(origin, desk.domains, test=desk.test)


async def _cards_create(gateway: SubscribeGateway, call: _Call, params: CardsCreateParams) -> CardResult:
    card = await gateway.cards.create(
        call.desk,
        number=params.card.number,
        expire=params.card.expire,
        save=params.save,
        account=params.account,
        customer=params.customer,
        amount_tiyin=params.amount,
    )
    return CardResult(card)


async def _cards_get_verify_code(
    gateway: SubscribeGateway, call: _Call, params: CardsGetVerifyCodeParams
) -> CodeSent:
    return await gateway.cards.get_verify_code(call.desk, params.token, language=call.language)


async def _cards_verify(gateway: SubscribeGateway, call: _Call, params: CardsVerifyParams) -> CardResult:
    return CardResult(await gateway.cards.verify(call.desk, params.token, params.code))


async def _cards_check(gateway: SubscribeGateway, call: _Call, params: CardsCheckParams) -> CardResult:
    return CardResult(await gateway.cards.check(call.desk, params.token))


async def _cards_remove(gateway: SubscribeGateway, call: _Call, params: CardsRemoveParams) -> Success:
    await gateway.cards.remove(call.desk, params.token)
    return Success()


async def _receipts_create(
    gateway: SubscribeGateway, call: _Call, params: ReceiptsCreateParams
) -> ReceiptResult:
    new = NewReceipt(
        amount_tiyin=params.amount,
        account=params.account,
        description=params.description or "",
        detail=params.detail,
        hold=params.hold,
    )
    receipt = await gateway.receipts.create(call.desk, new)
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


async def _receipts_pay(gateway: SubscribeGateway, call: _Call, params: ReceiptsPayParams) -> ReceiptResult:
    receipt = await gateway.receipts.pay(
        call.desk, params.id, params.token, payer=params.payer, hold=params.hold
    )
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


async def _receipts_check(
    gateway: SubscribeGateway, call: _Call, params: ReceiptsCheckParams
) -> ReceiptStateResult:
    return ReceiptStateResult((await gateway.receipts.get(call.desk, params.id)).state)


async def _receipts_get(gateway: SubscribeGateway, call: _Call, params: ReceiptsGetParams) -> ReceiptResult:
    receipt = await gateway.receipts.get(call.desk, params.id)
    return ReceiptResult(gateway.receipts.shape(receipt, call.desk, call.language))


_Handler: TypeAlias = Callable[[SubscribeGateway, _Call, Any], Awaitable[Any]]

# A documented method that is not here answers -32601, as an unknown one does.
_HANDLERS: Final[Mapping[str, _Handler]] = MappingProxyType(
    {
        "cards.create": _cards_create,
        "cards.get_verify_code": _cards_get_verify_code,
        "cards.verify": _cards_verify,
        "cards.check": _cards_check,
        "cards.remove": _cards_remove,
        "receipts.create": _receipts_create,
        "receipts.pay": _receipts_pay,
        "receipts.check": _receipts_check,
        "receipts.get": _receipts_get,
    }
)
