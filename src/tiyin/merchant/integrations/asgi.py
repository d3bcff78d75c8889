"""The Merchant API as a plain ASGI application: served alone, or under a path of any ASGI framework.

```python
app = payme_app(api)                                  # uvicorn shop:app
starlette_app.mount("/payme", payme_app(api))         # FastAPI, Starlette, Litestar, ...
```
Served alone it opens and closes the api with the server. Mounted, most frameworks keep the server's start and
stop to themselves: then use ``async with api:`` in the framework's own lifespan, or let the first call do it.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

from tiyin.merchant.api import Call, MerchantApi, Reply
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX
from tiyin.runtime.memory import settle_memory
from tiyin.runtime.patience import within
from tiyin.runtime.tasks import Tasks

__all__ = ["payme_app"]

Message: TypeAlias = MutableMapping[str, Any]
Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

_Body: TypeAlias = tuple[bytes, bool]
"""What was read, and whether that was all."""

_CONTENT_TYPE = (b"content-type", b"application/json; charset=UTF-8")
_CLOSE = (b"connection", b"close")
_BODY_PATIENCE_S = 30.0


def payme_app(api: MerchantApi) -> App:
    """Make an ASGI application of a shop's api.

    Args:
        api: The api.

    Returns:
        The application; every path under it is the endpoint.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            read = await _read_body(receive)
            if read is not None:
                body, whole = read
                # A caller who has not ended his body is not listened to any longer.
                reply = await api.handle(_call(scope, body))
                await _write(send, reply, close=not whole)
                if reply.more is not None:
                    await _write_on(receive, send, reply.more)
        elif scope["type"] == "lifespan":
            await _live(api, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1000})

    return app


def _call(scope: Scope, body: bytes) -> Call:
    authorization: str | None = None
    forwarded: str | None = None
    for name, value in scope["headers"]:
        if name == b"authorization":
            authorization = value.decode("latin-1")
        elif name == b"x-forwarded-for":
            # Several headers are one list.
            part = value.decode("latin-1")
            forwarded = part if forwarded is None else f"{forwarded},{part}"
    client = scope.get("client")
    return Call(scope["method"], body, authorization, client[0] if client else None, forwarded)


async def _read_body(receive: Receive) -> _Body | None:
    """Read the body up to just beyond its bound, where the api refuses it; None if the caller has gone."""
    pieces: list[bytes] = []
    try:
        return await within(_BODY_PATIENCE_S, _pieces(receive, pieces))
    except TimeoutError:
        # Half a body is broken JSON, and is answered so.
        return b"".join(pieces), False


async def _pieces(receive: Receive, pieces: list[bytes]) -> _Body | None:
    length = 0
    while length <= BODY_BYTES_MAX:
        message = await receive()
        if message["type"] != "http.request":
            return None
        piece: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            return (b"".join((*pieces, piece)) if pieces else piece), True
        pieces.append(piece)
        length += len(piece)
    return b"".join(pieces), False


async def _write(send: Send, reply: Reply, *, close: bool) -> None:
    headers = [_CONTENT_TYPE, _CLOSE] if close else [_CONTENT_TYPE]
    if reply.more is None:
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body, "more_body": True})


async def _write_on(receive: Receive, send: Send, more: AsyncIterator[bytes]) -> None:
    """Write the rest of a long statement, for as long as somebody is there to read it."""
    gone = Tasks().start(_gone(receive), name="whether the reader of a statement has gone")
    try:
        async for piece in more:
            if gone.done():
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    finally:
        gone.cancel()
        if isinstance(more, AsyncGenerator):
            await more.aclose()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _live(api: MerchantApi, receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await api.start()
            except Exception as error:
                await send({"type": "lifespan.startup.failed", "message": f"{type(error).__name__}: {error}"})
                raise
            # Only an application that is served alone hears this, so that the process is its own.
            settle_memory()
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await api.stop()
            await send({"type": "lifespan.shutdown.complete"})
            return
