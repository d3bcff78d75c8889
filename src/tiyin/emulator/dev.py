"""`/dev`: the emulator's own handles, clock, inbox and reset. It never exists in `tiyin serve`.

| request | what |
|---|---|
| `GET /dev` | a page with links to everything |
| `GET /dev/clock` | `{"now_ms", "offset_ms", "now"}` |
| `POST /dev/clock {"advance_ms": n}` | turns the clock forward, answers the same |
| `GET /dev/inbox` | `{"messages": [...]}`, newest first; a page for browsers |
| `POST /dev/reset` | forgets orders, receipts, cards, messages and the clock's offset; desks and keys stay |
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tiyin.emulator import guard
from tiyin.emulator.bodies import BadBody, json_answer, read_posted, wants_page
from tiyin.emulator.inbox import Inbox
from tiyin.emulator.manifest import Manifest
from tiyin.emulator.pages import Pages
from tiyin.web.render import language_of

__all__ = ["ADVANCE_MS_MAX", "Controls", "dev_app"]

ADVANCE_MS_MAX = 10 * 366 * 86_400_000
"""The furthest that one request turns the clock: ten years, in milliseconds."""

_DIGITS = re.compile(r"[0-9]{1,15}")


class Controls(Protocol):
    """What `/dev` turns: the running emulator."""

    @property
    def manifest(self) -> Manifest:
        """Where everything is."""
        ...

    @property
    def inbox(self) -> Inbox:
        """The messages that the gateway sent."""
        ...

    @property
    def now_ms(self) -> int:
        """The emulator's time, in milliseconds since 1970."""
        ...

    @property
    def offset_ms(self) -> int:
        """By how much the clock was turned, in milliseconds."""
        ...

    async def advance(self, ms: int) -> None:
        """Turn the clock forward and remember it."""
        ...

    async def reset(self) -> None:
        """Forget everything but desks and keys."""
        ...


Handler = Callable[[Request], Awaitable[Response]]


def dev_app(controls: Controls, pages: Pages) -> Starlette:
    """Make the ASGI application that is mounted at `/dev`.

    Args:
        controls: The running emulator.
        pages: Draws the pages.
    """
    room = _Dev(controls, pages)
    return Starlette(
        routes=[
            Route("/dev", _guarded(room.start_page)),
            Route("/dev/", _guarded(room.start_page)),
            Route("/dev/clock", _guarded(room.clock), methods=["GET"]),
            Route("/dev/clock", _guarded(room.turn_clock), methods=["POST"]),
            Route("/dev/inbox", _guarded(room.read_inbox), methods=["GET"]),
            Route("/dev/reset", _guarded(room.reset), methods=["POST"]),
        ]
    )


def _guarded(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        why = guard.refusal(request)
        if why is not None:
            return json_answer({"error": why, "field": None}, status=403)
        try:
            return await handler(request)
        except BadBody as bad:
            return json_answer({"error": str(bad), "field": bad.field}, status=400)

    return answer


class _Dev:
    def __init__(self, controls: Controls, pages: Pages) -> None:
        self._controls = controls
        self._pages = pages

    async def start_page(self, request: Request) -> Response:
        return self._pages.page(
            request,
            "dev/start.html",
            {
                "manifest": self._controls.manifest,
                "now_ms": self._controls.now_ms,
                "ahead": _duration(self._controls.offset_ms),
            },
        )

    async def clock(self, request: Request) -> Response:
        del request
        return self._clock()

    async def turn_clock(self, request: Request) -> Response:
        posted = await read_posted(request, '{"advance_ms": 60000}')
        advance_ms = posted.fields.get("advance_ms")
        if posted.by_form and _DIGITS.fullmatch(str(advance_ms)):
            advance_ms = int(str(advance_ms))
        if (
            isinstance(advance_ms, bool)
            or not isinstance(advance_ms, int)
            or not 0 <= advance_ms <= ADVANCE_MS_MAX
        ):
            raise BadBody(
                f"advance_ms must be a whole number from 0 to {ADVANCE_MS_MAX} (ten years of milliseconds): "
                "the clock only turns forward.",
                "advance_ms",
            )
        await self._controls.advance(advance_ms)
        return _back(request) if posted.by_form else self._clock()

    async def read_inbox(self, request: Request) -> Response:
        messages = self._controls.inbox.messages
        if wants_page(request):
            return self._pages.page(request, "dev/inbox.html", {"messages": messages})
        return json_answer({"messages": messages})

    async def reset(self, request: Request) -> Response:
        await self._controls.reset()
        return _back(request) if wants_page(request) else json_answer({"reset": True})

    def _clock(self) -> Response:
        now_ms = self._controls.now_ms
        return json_answer(
            {
                "now_ms": now_ms,
                "offset_ms": self._controls.offset_ms,
                "now": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            }
        )


def _back(request: Request) -> Response:
    return RedirectResponse(f"/dev?lang={language_of(request)}", 303)


def _duration(ms: int) -> str:
    """Write a duration as a clock would show it: `12:00:00`, `3 d 04:00:00`."""
    seconds = ms // 1000
    clock = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    days = seconds // 86_400
    return f"{days} d {clock}" if days else clock
