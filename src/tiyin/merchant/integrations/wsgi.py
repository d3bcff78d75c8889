"""The Merchant API as a plain WSGI application: served alone, or beside any WSGI framework.

```python
app = payme_wsgi(api)  # gunicorn -w 4 --threads 8 shop:app
```
It works in any number of processes and threads, also behind ``--preload``: everything is opened by the first
call, in the process that makes it. Workers of coroutines (gevent, eventlet) are not for it: the kit's own
threads do not live beside them.
"""

import atexit
import contextlib
from collections.abc import Iterable, Iterator
from wsgiref.types import InputStream, StartResponse, WSGIApplication, WSGIEnvironment

from tiyin.merchant.api import Call, MerchantApi, SyncReply
from tiyin.merchant.integrations.slow_bodies import SlowBodies
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX

__all__ = ["CONTENT_TYPE", "answer", "payme_wsgi", "pieces", "stop_at_exit"]

CONTENT_TYPE = "application/json; charset=UTF-8"

_BODY_PATIENCE_S = 30.0
_PIECE_BYTES = 65_536
# A caller whose body is refused for its size reads the answer only after he has sent it all.
_DRAINED_BYTES_MAX = 64 * BODY_BYTES_MAX
_slow_bodies = SlowBodies(_BODY_PATIENCE_S)


def payme_wsgi(api: MerchantApi) -> WSGIApplication:
    """Make a WSGI application of a shop's api.

    Args:
        api: The api. It is closed when the process ends.

    Returns:
        The application; every path under it is the endpoint.
    """
    stop_at_exit(api)

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        reply = answer(api, environ)
        headers = [("Content-Type", CONTENT_TYPE)]
        if reply.more is None:
            headers.append(("Content-Length", str(len(reply.body))))
        start_response("200 OK", headers)
        if environ["REQUEST_METHOD"] == "HEAD":
            return []
        return [reply.body] if reply.more is None else pieces(reply)

    return app


def answer(api: MerchantApi, environ: WSGIEnvironment, body: bytes | None = None) -> SyncReply:
    """Answer a WSGI request.

    Args:
        api: The api.
        environ: The request.
        body: Its body, where somebody has read it already.
    """
    if body is None:
        body = _read_body(environ)
    return api.handle_sync(
        Call(
            environ["REQUEST_METHOD"],
            body,
            environ.get("HTTP_AUTHORIZATION"),
            environ.get("REMOTE_ADDR") or None,
            environ.get("HTTP_X_FORWARDED_FOR"),
        )
    )


def pieces(reply: SyncReply) -> Iterator[bytes]:
    """Go through a long statement. Closing it, as a server does when its client has gone, ends the reading.

    Args:
        reply: An answer with `more`.
    """
    yield reply.body
    if reply.more is not None:
        yield from reply.more


def stop_at_exit(api: MerchantApi) -> None:
    """Let running effects end, and close the api, when the process ends by itself.

    Args:
        api: The api.
    """
    atexit.register(_stop, api)


def _stop(api: MerchantApi) -> None:
    # So late Python starts no thread any more, not even to close a file. What ran has ended by then, and that
    # is what counts; the rest ends with the process.
    with contextlib.suppress(RuntimeError):
        api.stop_sync()


def _read_body(environ: WSGIEnvironment) -> bytes:
    """Read the body up to just beyond its bound, where the api refuses it.

    A body that breaks off, or never ends, is half a body: broken JSON, and answered so.
    """
    wanted = _length(environ)
    if not wanted:
        return b""
    stream: InputStream = environ["wsgi.input"]
    body = bytearray()
    with _slow_bodies.watched(environ.get("gunicorn.socket", environ.get("werkzeug.socket"))):
        try:
            for piece in _read(stream, min(wanted, BODY_BYTES_MAX + 1)):
                body += piece
            if len(body) > BODY_BYTES_MAX:
                for _ in _read(stream, min(wanted, _DRAINED_BYTES_MAX) - len(body)):
                    pass
        except Exception:  # noqa: BLE001 - each server has its own way to say that the caller broke off
            return bytes(body)
    return bytes(body)


def _length(environ: WSGIEnvironment) -> int:
    """Tell how much may be read: reading on would wait for a caller who has said everything."""
    if environ.get("wsgi.input_terminated"):
        # The server itself ends the stream where the body ends, chunked or not.
        return _DRAINED_BYTES_MAX
    given = str(environ.get("CONTENT_LENGTH") or "")
    return (
        min(int(given), _DRAINED_BYTES_MAX) if given.isascii() and given.isdigit() and len(given) < 19 else 0
    )


def _read(stream: InputStream, wanted: int) -> Iterator[bytes]:
    while wanted > 0:
        piece = stream.read(min(wanted, _PIECE_BYTES))
        if not piece:
            return
        wanted -= len(piece)
        yield piece
