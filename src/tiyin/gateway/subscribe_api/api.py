"""Answers requests to the Subscribe API: judges them in the documented order, and lets a method act.

The order of checks: who asks (-32504), JSON (-32700), the envelope (-32600), the method (-32601), its
parameters (-32602), then the header `Idempotency-Key` of those methods that make something, then the method
itself. The envelope is read first all the same, for two reasons: an
error echoes the request's `id` wherever one can be read, and which key is needed depends on the method.

Documentation: subscribe-api/overview, subscribe-api/methods, subscribe-api/holds
"""

from typing import Any, Final

import msgspec

from tiyin.gateway.desks import Desk, is_own_origin
from tiyin.gateway.idempotency import Claim
from tiyin.gateway.subscribe_api.methods import HANDLERS, MAKERS, Call, Maker, SubscribeGateway, encode
from tiyin.protocol.errors import CommonCode, RpcError, internal_error, method_not_found
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.jsonrpc import Request, RequestRefused, error_reply, read_request, result_reply
from tiyin.protocol.params import known_path
from tiyin.protocol.subscribe_api import FIELD_NAMES, FRONT_METHODS, METHODS, read_params
from tiyin.protocol.values import read_language
from tiyin.runtime.logs import get_logger
from tiyin.runtime.redaction import redact_text

__all__ = ["Answer", "SubscribeApi"]

_JSONRPC: Final = "2.0"
_LOGGED_MAX: Final = 64
_REASONS: Final = frozenset({"invalid_id", "invalid_authorization_header"})


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
        self,
        body: bytes,
        x_auth: str | None,
        accept_language: str | None = None,
        origin: str | None = None,
        idempotency_key: str | None = None,
    ) -> Answer:
        """Do what `handle` does, and judge the page that asks.

        Args:
            body: As for `handle`.
            x_auth: As for `handle`.
            accept_language: As for `handle`.
            origin: The header Origin; None where no browser's page asks.
            idempotency_key: The header Idempotency-Key; methods that make nothing ignore it.
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
            reply = await self._call(request, Call(desk, language, x_auth, idempotency_key))
        except RpcError as error:
            self._log_refusal(request, desk, error)
            reply = error_reply(request, error, language=language, jsonrpc=_JSONRPC)
        except Exception as error:  # noqa: BLE001 - whatever went wrong inside, the client gets an answer
            self._log.error("unforeseen", **_who(request, desk), exc_info=error)
            reply = error_reply(request, internal_error(), language=language, jsonrpc=_JSONRPC)
        return Answer(reply, _may_read(origin, desk, method))

    async def _call(self, request: Request | RequestRefused, call: Call) -> bytes:
        """Run one method, under the header `Idempotency-Key` once for its key."""
        if isinstance(request, RequestRefused):
            raise request
        handler = HANDLERS.get(request.method)
        if handler is None:
            raise method_not_found(request.method)
        params = read_params(request.method, request.params)
        once = None if call.key is None else MAKERS.get(request.method)
        if once is None:
            return result_reply(request, await handler(self._gateway, call, params), jsonrpc=_JSONRPC)
        return result_reply(request, await self._once(once, request, call, params), jsonrpc=_JSONRPC)

    async def _once(self, maker: Maker, request: Request, call: Call, params: Any) -> msgspec.Raw:
        """Run a method that makes something, once for the call's key."""
        gateway = self._gateway

        async def act(claim: Claim) -> bytes:
            return encode(await maker.make(gateway, call, params, claim))

        async def repeated(made: str) -> None:
            if maker.may_tell is not None:
                await maker.may_tell(gateway, call, made)

        assert call.key is not None  # noqa: S101 - by the caller
        answer = await gateway.idempotency.once(
            call.key,
            desk_id=call.desk.id,
            method=request.method,
            params=msgspec.json.decode(request.params),
            name=lambda: maker.name(gateway),
            act=act,
            repeated=repeated,
        )
        return msgspec.Raw(answer)

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
