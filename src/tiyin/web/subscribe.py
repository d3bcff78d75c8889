"""The Subscribe API over HTTP: a raw ASGI application beside the pages, because it is the money path.

- POST to `/api` or `/api/`, with any content type. Every answer of the API has the HTTP status 200.
- Any other method is answered -32300, but for OPTIONS: a browser's question whether it may ask.
- Pages. The question (preflight) carries no X-Auth, so there is no desk to judge by: any web page may ask,
  and that tells it nothing. The answer to the POST itself is judged: only a page of the desk's own domains
  may read it, and only an answer of ``cards.*`` (`tiyin.gateway.desks.origins` says how they are matched).
  Cookies are not used.
- A client that hangs up does not stop what it asked for.

Documentation: subscribe-api/overview
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

from tiyin.gateway.subscribe_api import Answer, SubscribeApi
from tiyin.protocol.errors import CommonCode, RpcError, SubscribeCode
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX, error_reply
from tiyin.protocol.values import Language, read_language
from tiyin.runtime.logs import get_logger
from tiyin.runtime.patience import within
from tiyin.runtime.tasks import Tasks, TasksRefused

__all__ = ["PATHS", "SubscribeEndpoint"]

PATHS: Final = frozenset({"/api", "/api/"})

_Message: TypeAlias = MutableMapping[str, Any]
_Receive: TypeAlias = Callable[[], Awaitable[_Message]]
_Send: TypeAlias = Callable[[_Message], Awaitable[None]]
_Headers: TypeAlias = list[tuple[bytes, bytes]]

_BODY_S: Final = 30
# A body over the cap is read on for a while and forgotten, so that its sender gets to read the refusal.
_DISCARDED_MAX: Final = 8 * BODY_BYTES_MAX

_ALLOW_HEADERS: Final = b"X-Auth, Content-Type, Accept-Language, Cache-Control, Idempotency-Key"
_PREFLIGHT: Final[_Headers] = [
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", _ALLOW_HEADERS),
    (b"access-control-max-age", b"600"),
    (b"vary", b"Origin"),
]
_WANTED: Final = frozenset({b"x-auth", b"accept-language", b"origin", b"idempotency-key"})

_log: Final = get_logger("tiyin.subscribe_api")


class SubscribeEndpoint:
    """The ASGI application; whoever mounts it sends it the requests to `PATHS`.

    Args:
        api: Answers requests.
        tasks: Keeps what was asked for when the client is gone.
    """

    def __init__(self, api: SubscribeApi, tasks: Tasks) -> None:
        self._api = api
        self._tasks = tasks

    async def __call__(self, scope: _Message, receive: _Receive, send: _Send) -> None:
        """Answer one HTTP request."""
        headers = _read_headers(scope["headers"])
        origin = headers.get(b"origin")
        method = scope["method"]
        if method == "OPTIONS":
            await _answer_preflight(send, origin)
            return
        if method != "POST":
            language = read_language(headers.get(b"accept-language"))
            await _answer(send, _refuse(CommonCode.TRANSPORT, language, "not_a_post"), origin)
            return
        try:
            body = await within(_BODY_S, _read_body(receive))
        except TimeoutError:
            language = read_language(headers.get(b"accept-language"))
            refusal = _refuse(CommonCode.TRANSPORT, language, "body_too_slow")
            await _answer(send, refusal, origin, close=True)
            return
        if body is None:
            return  # The client is gone.
        try:
            answer = await self._tasks.finish(
                self._api.answer(
                    body,
                    headers.get(b"x-auth"),
                    headers.get(b"accept-language"),
                    origin,
                    headers.get(b"idempotency-key"),
                ),
                name="subscribe_api",
            )
        except TasksRefused:
            language = read_language(headers.get(b"accept-language"))
            answer = _refuse(SubscribeCode.PAYME_UNAVAILABLE, language, "no_more_work_taken")
        await _answer(send, answer, origin, close=len(body) > BODY_BYTES_MAX)


def _refuse(code: int, language: Language, why: str) -> Answer:
    """Refuse what never got as far as the API, and say so in the log as the API does."""
    _log.info("refused", method="unreadable", error=int(code), why=why)
    return Answer(error_reply(None, RpcError(code), language=language, jsonrpc="2.0"))


def _read_headers(headers: _Headers) -> dict[bytes, str]:
    """Take the few headers that matter; of one that stands twice the first counts."""
    found: dict[bytes, str] = {}
    for name, value in headers:
        if name in _WANTED and name not in found:
            found[name] = value.decode("latin-1")
    return found


async def _read_body(receive: _Receive) -> bytes | None:
    """Read the request's body; one over the cap comes back cut, still over it. None if the client is gone."""
    message = await receive()
    if message["type"] != "http.request":
        return None
    body: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return body
    parts, length = [body], len(body)
    while message.get("more_body", False) and length <= _DISCARDED_MAX:
        message = await receive()
        if message["type"] != "http.request":
            return None
        part = message.get("body", b"")
        if length <= BODY_BYTES_MAX:
            parts.append(part)
        length += len(part)
    return b"".join(parts)


async def _answer(send: _Send, answer: Answer, origin: str | None, *, close: bool = False) -> None:
    headers = [
        (b"content-type", b"application/json; charset=UTF-8"),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
        (b"vary", b"Origin"),
    ]
    if origin is not None and answer.origin_allowed:
        headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _answer_preflight(send: _Send, origin: str | None) -> None:
    headers = list(_PREFLIGHT)
    if origin is not None and origin.startswith(("https://", "http://")):
        headers.append((b"access-control-allow-origin", origin.encode("latin-1")))
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b""})
