"""The endpoint as Django sees it: a request in, a response out."""

import asyncio
from collections.abc import AsyncIterator, Iterator

from django.core.handlers.wsgi import WSGIRequest
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from tiyin.merchant.api import Call, SyncReply
from tiyin.merchant.integrations.django.desks import NoDeskError, api_of
from tiyin.merchant.integrations.wsgi import CONTENT_TYPE, answer, pieces
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX

__all__ = ["respond"]


def respond(request: HttpRequest, desk: str) -> HttpResponseBase:
    """Answer a request; see `payme_view`.

    Args:
        request: The request.
        desk: The cash desk's name.

    Raises:
        Http404: If there is no such desk.
    """
    try:
        api = api_of(desk)
    except NoDeskError as error:
        raise Http404(str(error)) from error
    # Something that ran before, such as a log of requests, may have read the body already.
    read: bytes | None = getattr(request, "_body", None)
    if isinstance(request, WSGIRequest):
        reply = answer(api, request.environ, read)
    else:
        # The server has the whole body, on its disk if need be; no more of it than may be is read from there.
        body = request.read(BODY_BYTES_MAX + 1) if read is None else read
        meta = request.META
        reply = api.handle_sync(
            Call(
                request.method or "",
                body,
                meta.get("HTTP_AUTHORIZATION"),
                meta.get("REMOTE_ADDR") or None,
                meta.get("HTTP_X_FORWARDED_FOR"),
            )
        )
    awaits = not isinstance(request, WSGIRequest)
    return _response(reply, awaits=awaits, bare=request.method == "HEAD")


def _response(reply: SyncReply, *, awaits: bool, bare: bool) -> HttpResponseBase:
    if reply.more is None:
        # Without a length a server answers in chunks, which costs it more.
        headers = {"Content-Length": str(len(reply.body))}
        return HttpResponse(b"" if bare else reply.body, content_type=CONTENT_TYPE, headers=headers)
    rest = pieces(reply)
    return StreamingHttpResponse(_awaited(rest) if awaits else rest, content_type=CONTENT_TYPE)


async def _awaited(rest: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Go through a long statement in threads: its reading is nothing for an event loop."""
    while (piece := await asyncio.to_thread(next, rest, None)) is not None:
        yield piece
