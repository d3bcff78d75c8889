"""Reading what was posted and answering in JSON, for the demo shop and for `/dev`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.responses import Response

__all__ = ["BODY_MAX", "BadBody", "Posted", "json_answer", "read_posted", "wants_page"]

BODY_MAX = 16 * 1024
"""The longest body that is read, in bytes."""

_FORM = "application/x-www-form-urlencoded"
_FIELDS_MAX = 16


class Posted(msgspec.Struct, frozen=True):
    """What was posted.

    Args:
        fields: Its fields; of a form all are text.
        by_form: Whether a page's form was sent, which wants to be led on to a page.
    """

    fields: dict[str, Any]
    by_form: bool


class BadBody(Exception):  # reads as what came
    """What was posted cannot be used; the message is one sentence for whoever posted it.

    Args:
        problem: The sentence.
        field: The field that is wrong, or None when it is the whole.
    """

    def __init__(self, problem: str, field: str | None = None) -> None:
        super().__init__(problem)
        self.field = field


def wants_page(request: Request) -> bool:
    """Tell whether a browser asks, rather than a program."""
    return "text/html" in request.headers.get("accept", "")


async def read_posted(request: Request, example: str) -> Posted:
    """Read what was posted: a page's form, or a program's JSON object.

    The content type decides only where the body leaves a doubt: `curl -d '{...}'` says that it sends a form.

    Args:
        request: What was posted.
        example: A right JSON body, for the sentence that says what is wrong.

    Raises:
        BadBody: It is too long, or neither of the two.
    """
    body = await _read(request)
    if _says_form(request) and not body.lstrip().startswith(b"{"):
        return Posted(_read_form(body), by_form=True)
    try:
        read = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadBody(f"The body must be JSON such as {example}.") from error
    if not isinstance(read, dict):
        raise BadBody(f"The body must be a JSON object such as {example}.")
    return Posted(read, by_form=False)


def json_answer(content: object, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON that nobody keeps.

    Args:
        content: Anything that msgspec encodes.
        status: The HTTP status.
        headers: Further headers.
    """
    return Response(
        msgspec.json.encode(content),
        status,
        {"cache-control": "no-store", **(headers or {})},
        media_type="application/json",
    )


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_MAX:
            raise BadBody(f"The body is longer than {BODY_MAX} bytes.")
    return bytes(body)


def _says_form(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM


def _read_form(body: bytes) -> dict[str, str]:
    """Read a form; of a repeated field the last value counts."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_FIELDS_MAX))
    except ValueError as error:
        raise BadBody("The form cannot be read.") from error
