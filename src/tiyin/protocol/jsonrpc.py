"""JSON-RPC as both protocols use it: one request in, one reply out, named parameters, no batches.

Documentation: merchant-api/request-format, merchant-api/response-format
"""

import re
from typing import Any, Final, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from tiyin.protocol.errors import CommonCode, RpcError
from tiyin.protocol.values import Language, is_clean_text

__all__ = [
    "BODY_BYTES_MAX",
    "DEPTH_MAX",
    "Request",
    "RequestId",
    "RequestRefused",
    "error_reply",
    "read_request",
    "result_reply",
]

BODY_BYTES_MAX: Final = 256 * 1024
DEPTH_MAX: Final = 32
METHOD_LENGTH_MAX: Final = 128
ID_TEXT_LENGTH_MAX: Final = 256
VERSION_LENGTH_MAX: Final = 16

RequestId: TypeAlias = int | str | None
_SURROGATE: Final = re.compile(rb"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_REPLACEMENT: Final = rb"\\ufffd"
_EMPTY_PARAMS: Final = msgspec.Raw(b"{}")


class Request(msgspec.Struct, frozen=True):
    """A request whose envelope is right; whether its method exists and its parameters fit is asked next.

    Args:
        method: the method's name.
        params: the parameters, always one JSON object, well-formed; `{}` when the request had none.
        id: the caller's id of the request; `UNSET` when the request had none.
        jsonrpc: the version that the caller named, echoed in the reply; `UNSET` when it named none.
    """

    method: str
    params: msgspec.Raw = _EMPTY_PARAMS
    id: int | str | UnsetType | None = UNSET
    jsonrpc: str | UnsetType = UNSET


class RequestRefused(RpcError):  # named after what happened, as one says it
    """The request could not be read.

    Args:
        code: -32700 for a body that is no JSON, -32600 for an envelope that breaks the documentation.
        request_id: the id, echoed in the reply; None when none could be read.
        jsonrpc: the version to echo; `UNSET` when none could be read.
    """

    def __init__(
        self, code: int, *, request_id: RequestId = None, jsonrpc: str | UnsetType = UNSET, data: Any = None
    ) -> None:
        super().__init__(code, data=data)
        self.request_id = request_id
        self.jsonrpc = jsonrpc


class _IdOnly(msgspec.Struct):
    id: int | str | None = None


class _ErrorObject(msgspec.Struct):
    code: int
    message: str | dict[str, str]
    data: Any = UNSET


class _ResultReply(msgspec.Struct):
    jsonrpc: str | UnsetType
    id: RequestId
    result: Any


class _ErrorReply(msgspec.Struct):
    jsonrpc: str | UnsetType
    id: RequestId
    error: _ErrorObject


_decode_any = msgspec.json.Decoder().decode
_decode_envelope = msgspec.json.Decoder(Request).decode
_decode_id = msgspec.json.Decoder(_IdOnly).decode
_encode = msgspec.json.Encoder().encode


def read_request(body: bytes) -> Request:
    """Read one request.

    Args:
        body: the HTTP body, at most `BODY_BYTES_MAX` bytes, nested at most `DEPTH_MAX` deep.

    Returns:
        The request. All of its JSON is well-formed; of keys that stand twice the last one counts, everywhere.

    Raises:
        RequestRefused: -32700 when the body is no JSON; -32600 when it is too large or too deep, a batch,
            or its method, id, jsonrpc or params have a wrong type. It carries the id when one could be read.

    Documentation: merchant-api/request-format, merchant-api/common-errors
    """
    if len(body) > BODY_BYTES_MAX:
        raise RequestRefused(CommonCode.INVALID_REQUEST)
    value = _parse(body)
    try:
        request = _decode_envelope(body)
    except msgspec.ValidationError:
        raise _refusal(value) from None
    if not _is_right(request, value):
        raise _refusal(value)
    return request


def _parse(body: bytes) -> Any:
    """Decode the whole body, so that broken JSON is found wherever it stands, also where no field is read."""
    try:
        value = _decode_any(body)
    except msgspec.ValidationError:
        # A number that no machine type holds: well-formed JSON, but nothing that any field of ours can be.
        raise RequestRefused(CommonCode.INVALID_REQUEST, request_id=_id_in(body)) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise RequestRefused(CommonCode.PARSE, request_id=_id_in(body)) from None
    except RecursionError:
        raise RequestRefused(CommonCode.INVALID_REQUEST) from None
    if body.count(b"{") + body.count(b"[") > DEPTH_MAX and _is_too_deep(value):
        raise _refusal(value)
    return value


def _is_too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEPTH_MAX):
        level = [
            child
            for node in level
            for child in (node.values() if type(node) is dict else node)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True


def _id_in(body: bytes) -> RequestId:
    """Find the id in a body that is broken elsewhere, for instance by a lone surrogate in the parameters."""
    try:
        found = _decode_id(_SURROGATE.sub(_REPLACEMENT, body)).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(found, str) and "\ufffd" in found:
        return None
    return found if _is_right_id(found) else None


def _is_right(request: Request, value: Any) -> bool:
    """Check what the decoder cannot: lengths, clean texts, and that params is an object."""
    params = value.get("params")
    return (
        0 < len(request.method) <= METHOD_LENGTH_MAX
        and is_clean_text(request.method)
        and (type(request.id) is int or _is_right_id(request.id))
        and (request.jsonrpc == "2.0" or _is_right_version(request.jsonrpc))
        and (type(params) is dict or "params" not in value)
    )


def _is_right_id(value: object) -> bool:
    if type(value) is str:
        return len(value) <= ID_TEXT_LENGTH_MAX and is_clean_text(value)
    return value is None or type(value) is int or value is UNSET


def _is_right_version(value: object) -> bool:
    if type(value) is str:
        return len(value) <= VERSION_LENGTH_MAX and is_clean_text(value)
    return value is UNSET


def _refusal(value: Any) -> RequestRefused:
    """Refuse an envelope, with everything that the reply can still echo."""
    if type(value) is not dict:
        return RequestRefused(CommonCode.INVALID_REQUEST)
    request_id = value.get("id")
    version = value.get("jsonrpc", UNSET)
    return RequestRefused(
        CommonCode.INVALID_REQUEST,
        request_id=request_id if _is_right_id(request_id) else None,
        jsonrpc=version if _is_right_version(version) else UNSET,
    )


def result_reply(request: Request, result: Any, *, jsonrpc: str | UnsetType = UNSET) -> bytes:
    """Write the reply to a request that succeeded. It has no `error` key at all.

    Args:
        request: the request; its id and version are echoed, the id as null when there was none.
        result: any value that msgspec encodes, usually a result struct.
        jsonrpc: the version to answer when the request named none.

    Documentation: merchant-api/response-format
    """
    version = jsonrpc if request.jsonrpc is UNSET else request.jsonrpc
    request_id = None if request.id is UNSET else request.id
    return _encode(_ResultReply(version, request_id, result))


def error_reply(
    request: Request | RequestRefused | RequestId | UnsetType,
    error: RpcError,
    *,
    language: Language | None = None,
    jsonrpc: str | UnsetType = UNSET,
) -> bytes:
    """Write the reply to a request that failed. It has no `result` key at all.

    Args:
        request: the request, the refusal to read it, or a bare id.
        error: what went wrong.
        language: None writes `message` as an object of three languages (Merchant API); a language writes
            it as a string (Subscribe API, SetFiscalData).
        jsonrpc: the version to answer when the request named none.

    Documentation: merchant-api/response-format
    """
    if isinstance(request, Request):
        request_id, version = request.id, request.jsonrpc
    elif isinstance(request, RequestRefused):
        request_id, version = request.request_id, request.jsonrpc
    else:
        request_id, version = request, UNSET
    message = error.message.as_dict() if language is None else error.message.in_language(language)
    return _encode(
        _ErrorReply(
            jsonrpc=jsonrpc if version is UNSET else version,
            id=None if request_id is UNSET else request_id,
            error=_ErrorObject(error.code, message, UNSET if error.data is None else error.data),
        )
    )
