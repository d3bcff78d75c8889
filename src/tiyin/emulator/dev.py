"""`/dev`: the emulator's own handles, clock, inbox and reset. It never exists in `tiyin serve`.

| request | what |
|---|---|
| `GET /dev` | a page with links to everything |
| `GET /dev/clock` | `{"now_ms", "offset_ms", "now"}`; a page for browsers |
| `POST /dev/clock {"advance_ms": n}` | turns the clock forward, answers the same |
| `GET /dev/inbox?phone=90` | `{"messages": [...]}`, newest first, to numbers with these digits; a page |
| `/dev/traffic`, `/dev/trigger` | see `dev_traffic` |
| `/dev/faults` | see `dev_faults` |
| `/dev/snapshots` | see `dev_snapshots` |
| `/dev/plug` | see `dev_plug` |
| `POST /dev/reset` | forgets orders, receipts, cards, messages and the clock's offset; desks and keys stay |
"""

from collections.abc import Awaitable, Callable
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from tiyin.emulator import guard
from tiyin.emulator.bodies import BadBody, json_answer, wants_page
from tiyin.emulator.dev_clock import ClockPage, duration
from tiyin.emulator.dev_faults import FaultPages
from tiyin.emulator.dev_plug import PlugPages
from tiyin.emulator.dev_snapshots import SnapshotPages
from tiyin.emulator.dev_traffic import TrafficPages
from tiyin.emulator.inbox import Inbox
from tiyin.emulator.manifest import Manifest
from tiyin.emulator.pages import Pages
from tiyin.emulator.plug import Plug
from tiyin.emulator.snapshots import Snapshot, Snapshots
from tiyin.emulator.wires import Wires
from tiyin.web.render import language_of

__all__ = ["Controls", "dev_app"]

_PHONE_MAX = 15


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

    @property
    def wires(self) -> Wires:
        """Traffic and fault rules."""
        ...

    @property
    def snapshots(self) -> Snapshots:
        """The states that were kept under a name."""
        ...

    @property
    def plug(self) -> Plug:
        """What kills a gateway of its own."""
        ...

    async def save_snapshot(self, name: str) -> Snapshot:
        """Keep the whole state under a name."""
        ...

    async def restore_snapshot(self, name: str) -> None:
        """Come back to a state that was kept."""
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
    further = [
        *ClockPage(controls, pages).handlers(),
        *TrafficPages(controls, pages).handlers(),
        *FaultPages(controls, pages).handlers(),
        *SnapshotPages(controls, pages).handlers(),
        *PlugPages(controls.plug, pages).handlers(),
    ]
    return Starlette(
        routes=[
            Route("/dev", _guarded(room.start_page)),
            Route("/dev/", _guarded(room.start_page)),
            Route("/dev/inbox", _guarded(room.read_inbox), methods=["GET"]),
            Route("/dev/reset", _guarded(room.reset), methods=["POST"]),
            *(Route(path, _guarded(handler), methods=[method]) for path, method, handler in further),
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
                "ahead": duration(self._controls.offset_ms),
            },
        )

    async def read_inbox(self, request: Request) -> Response:
        phone = "".join(filter(str.isdecimal, request.query_params.get("phone", "")))[:_PHONE_MAX]
        messages = [one for one in self._controls.inbox.messages if phone in one.phone]
        if wants_page(request):
            return self._pages.page(request, "dev/inbox.html", {"messages": messages, "phone": phone})
        return json_answer({"messages": messages})

    async def reset(self, request: Request) -> Response:
        await self._controls.reset()
        return _back(request) if wants_page(request) else json_answer({"reset": True})


def _back(request: Request) -> Response:
    return RedirectResponse(f"/dev?lang={language_of(request)}", 303)
