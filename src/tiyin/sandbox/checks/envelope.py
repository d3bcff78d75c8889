"""How requests are read: HTTP methods, JSON, the envelope, types."""

import json
from collections.abc import Mapping
from typing import Any, Final

from tiyin.protocol.values import Text
from tiyin.sandbox.checks.bad_input import borrowed, cancel_quietly, create_params, refused
from tiyin.sandbox.checks.check_perform import CHECK_REFUSES_GOOD, allowed
from tiyin.sandbox.checks.envelope_kinds import (
    BROKEN_JSON,
    CONTENT_TYPE_REFUSED,
    ENVELOPE,
    HTTP_GET,
    ID_REFUSED,
    ID_TYPE,
    JSONRPC_REQUIRED,
    TYPES,
    TYPES_CODE,
    UNKNOWN_METHOD,
    UNKNOWN_METHOD_DATA,
)
from tiyin.sandbox.checks.fiscal import NOT_IMPLEMENTED
from tiyin.sandbox.expect import is_success
from tiyin.sandbox.problems import Kind, Skip, Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.talk import Reply, Talk

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_ERRORS: Final = "merchant-api/common-errors"
_REQUEST: Final = "merchant-api/request-format"
_FISCAL: Final = "merchant-api/SetFiscalData"
_NEEDS: Final = ("authorization.right",)
_NOT_POST: Final = (-32300,)
_NOT_JSON: Final = (-32700,)
_BAD_REQUEST: Final = (-32600,)
_NO_METHOD: Final = (-32601,)
_BAD_FISCAL: Final = (-32602, *_BAD_REQUEST)
_DEEP: Final = 20_000
_CHECK: Final = "CheckPerformTransaction"
_ABSENT: Final = object()


def _check_params(talk: Talk, account: Mapping[str, str | int]) -> dict[str, Any]:
    return {"amount": talk.target.amount_tiyin, "account": dict(account)}


def _body(**fields: Any) -> bytes:
    present = {name: value for name, value in fields.items() if value is not _ABSENT}
    return json.dumps(present, ensure_ascii=False).encode()


@check(
    CHECKS,
    "envelope.http-method",
    _ERRORS,
    Text(
        ru="Запрос не методом POST: -32300",
        uz="POST boʻlmagan soʻrov: -32300",
        en="A request other than POST: -32300",
    ),
    needs=_NEEDS,
)
async def http_method(talk: Talk) -> None:
    """Goal: only POST is served, and the rest is told so in JSON."""
    async with borrowed(talk) as account:
        body = _body(method=_CHECK, params=_check_params(talk, account), id=1)
        for method, sent in (("GET", b""), ("PUT", body), ("DELETE", body)):
            reply = await talk.send(sent, method=method)
            refused(reply, _NOT_POST, HTTP_GET, what=method)


@check(
    CHECKS,
    "envelope.broken-json",
    _ERRORS,
    Text(ru="Испорченный JSON: -32700", uz="Buzilgan JSON: -32700", en="Broken JSON: -32700"),
    needs=_NEEDS,
)
async def broken_json(talk: Talk) -> None:
    """Goal: what cannot be parsed is told so."""
    cases = {
        "cut short": b'{"method": "CheckPerformTransaction", "params": {',
        "empty body": b"",
        "no JSON": b"method=CheckPerformTransaction",
    }
    for what, body in cases.items():
        refused(await talk.send(body), _NOT_JSON, BROKEN_JSON, what=what)
    either = (*_NOT_JSON, *_BAD_REQUEST)
    refused(await talk.send(b"[" * _DEEP), either, BROKEN_JSON, what="very deep")
    not_text = b'{"id": 1, "method": 7, "params": {"account": "\xff\xfe"}}'
    refused(await talk.send(not_text), either, BROKEN_JSON, what="bytes that are no UTF-8")


@check(
    CHECKS,
    "envelope.required",
    _ERRORS,
    Text(
        ru="Нет method или params, или они другого типа: -32600",
        uz="method yoki params yoʻq yoki boshqa turda: -32600",
        en="method or params missing or of another type: -32600",
    ),
    needs=_NEEDS,
)
async def required(talk: Talk) -> None:
    """Goal: a request that is not one is refused before any method."""
    async with borrowed(talk) as account:
        params = _check_params(talk, account)
        cases = {
            "no method": _body(params=params, id=1),
            "method a number": _body(method=7, params=params, id=1),
            "no params": _body(method=_CHECK, id=1),
            "params null": _body(method=_CHECK, params=None, id=1),
            "params an array": _body(method=_CHECK, params=[params], id=1),
            "params a string": _body(method=_CHECK, params="amount", id=1),
            "an array of requests": b"[" + _body(method=_CHECK, params=params, id=1) + b"]",
            "a string": b'"CheckPerformTransaction"',
            "null": b"null",
        }
        for what, body in cases.items():
            refused(await talk.send(body), _BAD_REQUEST, ENVELOPE, what=what)


@check(
    CHECKS,
    "envelope.id-types",
    _REQUEST,
    Text(ru="id другого типа: -32600", uz="Boshqa turdagi id: -32600", en="An id of another type: -32600"),
    needs=_NEEDS,
)
async def id_types(talk: Talk) -> None:
    """Goal: an id that is neither a number nor text nor null is refused."""
    async with borrowed(talk) as account:
        params = _check_params(talk, account)
        cases: dict[str, Any] = {"true": True, "1.5": 1.5, "an array": [1], "an object": {"a": 1}}
        for what, id_ in cases.items():
            reply = await talk.send(_body(method=_CHECK, params=params, id=id_))
            refused(reply, _BAD_REQUEST, ID_TYPE, what=f"id {what}")


async def _served(talk: Talk, kind: Kind, cases: Mapping[str, bytes], **headers: str) -> None:
    """Send requests that must be served as the plain one is, whose own fault is told first."""
    for what, body in cases.items():
        sent = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        reply = await talk.send(body, headers=sent)
        if not is_success(reply):
            raise Wrong(kind, expected=f"result ({what})", got=reply.told())


async def _plain(talk: Talk, account: Mapping[str, str | int]) -> dict[str, Any]:
    params = _check_params(talk, account)
    allowed(await talk.call(_CHECK, params), CHECK_REFUSES_GOOD)
    return params


@check(
    CHECKS,
    "envelope.other-ids",
    _REQUEST,
    Text(
        ru="id строкой, null и без id: запрос обслужен",
        uz="Satrli, null va yoʻq id: soʻrovga xizmat koʻrsatiladi",
        en="The id a string, null, absent: the request is served",
    ),
    needs=_NEEDS,
)
async def other_ids(talk: Talk) -> None:
    """Goal: the id decides nothing."""
    async with borrowed(talk) as account:
        params = await _plain(talk, account)
        for id_ in ("a-1", None):
            reply = await talk.call(_CHECK, params, id=id_)
            if not is_success(reply):
                raise Wrong(ID_REFUSED, expected=f"result (id {json.dumps(id_)})", got=reply.told())
        await _served(talk, ID_REFUSED, {"no id": _body(jsonrpc="2.0", method=_CHECK, params=params)})


@check(
    CHECKS,
    "envelope.without-jsonrpc",
    _REQUEST,
    Text(
        ru="Запрос без jsonrpc, как в документации",
        uz="Hujjatdagidek jsonrpc siz soʻrov",
        en="A request without jsonrpc, as documented",
    ),
    needs=_NEEDS,
)
async def without_jsonrpc(talk: Talk) -> None:
    """Goal: the documentation's own format is served."""
    async with borrowed(talk) as account:
        params = await _plain(talk, account)
        body = _body(method=_CHECK, params=params, id=2032)
        await _served(talk, JSONRPC_REQUIRED, {"no jsonrpc": body})


@check(
    CHECKS,
    "envelope.text-json",
    _REQUEST,
    Text(
        ru="Content-Type: text/json, как в документации",
        uz="Hujjatdagidek Content-Type: text/json",
        en="Content-Type: text/json, as documented",
    ),
    needs=_NEEDS,
)
async def text_json(talk: Talk) -> None:
    """Goal: the documentation's own content type is read."""
    async with borrowed(talk) as account:
        params = await _plain(talk, account)
        body = _body(jsonrpc="2.0", method=_CHECK, params=params, id=2032)
        await _served(
            talk, CONTENT_TYPE_REFUSED, {"text/json": body}, Content_Type="text/json; charset=UTF-8"
        )


@check(
    CHECKS,
    "envelope.unknown-method",
    _ERRORS,
    Text(ru="Неизвестный метод: -32601", uz="Nomaʼlum usul: -32601", en="An unknown method: -32601"),
    needs=_NEEDS,
)
async def unknown_method(talk: Talk) -> None:
    """Goal: what is no method is refused by name, also where the server's language has such a name."""
    for method in ("NoSuchMethod", "constructor", "__init__"):
        reply = await talk.send(_body(jsonrpc="2.0", method=method, params={}, id=1))
        refused(reply, _NO_METHOD, UNKNOWN_METHOD, what=method)
        data = (reply.error or {}).get("data")
        if data != method:
            told = "no error.data" if data is None else f"error.data {data!r}"
            talk.warn(UNKNOWN_METHOD_DATA, expected=f"error.data {method!r}", got=told)
            return


def _typed(reply: Reply, what: str) -> None:
    refused(reply, _BAD_REQUEST, TYPES_CODE, what=what, accepted=TYPES)


@check(
    CHECKS,
    "envelope.types-at-check",
    _ERRORS,
    Text(
        ru="Типы параметров CheckPerformTransaction: -32600",
        uz="CheckPerformTransaction parametrlari turi: -32600",
        en="Types of CheckPerformTransaction's parameters: -32600",
    ),
    needs=_NEEDS,
)
async def types_at_check(talk: Talk) -> None:
    """Goal: an amount that is no whole number and an account that is no object are refused."""
    async with borrowed(talk) as account:
        right = talk.target.amount_tiyin
        amounts: dict[str, Any] = {
            "a string": str(right),
            "a fraction": right + 0.5,
            "true": True,
            "null": None,
            "absent": _ABSENT,
        }
        accounts: dict[str, Any] = {
            "an array": list(account.values()),
            "a string": str(next(iter(account.values()))),
            "null": None,
            "absent": _ABSENT,
        }
        cases = {f"amount {what}": {"amount": one, "account": account} for what, one in amounts.items()}
        cases |= {f"account {what}": {"amount": right, "account": one} for what, one in accounts.items()}
        for what, params in cases.items():
            _typed(await talk.send(_call(_CHECK, params)), what)


@check(
    CHECKS,
    "envelope.types-at-create",
    _ERRORS,
    Text(
        ru="Типы параметров CreateTransaction: -32600",
        uz="CreateTransaction parametrlari turi: -32600",
        en="Types of CreateTransaction's parameters: -32600",
    ),
    needs=_NEEDS,
)
async def types_at_create(talk: Talk) -> None:
    """Goal: no transaction is created from parameters of a wrong type."""
    async with borrowed(talk) as account:
        right = talk.target.amount_tiyin
        cases: dict[str, dict[str, Any]] = {
            "amount a string": {"amount": str(right)},
            "time a string": {"time": str(talk.now_ms())},
            "time absent": {"time": _ABSENT},
            "account a string": {"account": "1"},
        }
        for what, changed in cases.items():
            params = create_params(talk, account, right) | changed
            reply = await talk.send(_call("CreateTransaction", params))
            if is_success(reply):
                await cancel_quietly(talk, params["id"])
            _typed(reply, what)


@check(
    CHECKS,
    "envelope.types-of-id",
    _ERRORS,
    Text(
        ru="Нет id транзакции или он не строка: -32600",
        uz="Tranzaksiya id si yoʻq yoki satr emas: -32600",
        en="A transaction's id missing or no string: -32600",
    ),
    needs=_NEEDS,
)
async def types_of_id(talk: Talk) -> None:
    """Goal: a transaction is asked for by text."""
    for method in ("PerformTransaction", "CancelTransaction", "CheckTransaction"):
        for what, id_ in (("a number", 7), ("absent", _ABSENT)):
            reply = await talk.send(_call(method, {"id": id_, "reason": 3}))
            _typed(reply, f"{method}, id {what}")


@check(
    CHECKS,
    "envelope.types-of-period",
    _ERRORS,
    Text(
        ru="Нет from или to, или это строки: -32600",
        uz="from yoki to yoʻq yoki ular satr: -32600",
        en="from or to missing, or strings: -32600",
    ),
    needs=_NEEDS,
)
async def types_of_period(talk: Talk) -> None:
    """Goal: a statement's period is two numbers."""
    now = talk.now_ms()
    right: dict[str, Any] = {"from": now - 1, "to": now}
    for name, number in right.items():
        for what, value in (("a string", str(number)), ("absent", _ABSENT)):
            reply = await talk.send(_call("GetStatement", right | {name: value}))
            _typed(reply, f"GetStatement, {name} {what}")


@check(
    CHECKS,
    "envelope.types-of-fiscal-data",
    _FISCAL,
    Text(
        ru="SetFiscalData без fiscal_data: -32602",
        uz="fiscal_data siz SetFiscalData: -32602",
        en="SetFiscalData without fiscal_data: -32602",
    ),
    needs=_NEEDS,
)
async def types_of_fiscal_data(talk: Talk) -> None:
    """Goal: a receipt without its data is refused, by the method's own code or the common one."""
    reply = await talk.send(_call("SetFiscalData", {"id": talk.new_id(), "type": "PERFORM"}))
    if reply.code in _NO_METHOD:
        raise Skip(NOT_IMPLEMENTED)
    refused(reply, _BAD_FISCAL, TYPES_CODE, what="SetFiscalData, no fiscal_data", accepted=TYPES)


def _call(method: str, params: Mapping[str, Any]) -> bytes:
    present = {name: value for name, value in params.items() if value is not _ABSENT}
    return _body(jsonrpc="2.0", method=method, params=present, id=1)
