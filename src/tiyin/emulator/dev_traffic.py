"""`/dev/traffic` and `/dev/trigger`: looking at exchanges, sending one again, making an event happen.

| request | what |
|---|---|
| `GET /dev/traffic` | `{"exchanges": [...], "newest": n}`, newest first; a page for browsers |
| `GET /dev/traffic/{n}` | one exchange, with its curl command; a page for browsers |
| `POST /dev/traffic/{n}/resend` | sends the same request once more, and answers the new exchange |
| `GET /dev/trigger` | `{"events": [...]}` |
| `POST /dev/trigger {"event": "payment"}` | makes an event happen |

The list is narrowed by `desk` (id or name), `method`, `direction` (`merchant`, `api`), `after` (a number) and
`limit`; with `wait_ms` it waits for the first exchange after `after` that fits.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final, Protocol, TypeAlias

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.emulator.bodies import BadBody, json_answer, read_posted, wants_page
from tiyin.emulator.pages import Pages
from tiyin.emulator.problems import PROBLEMS
from tiyin.emulator.resending import CannotResend, resend
from tiyin.emulator.traffic import EXCHANGES_MAX, Exchange, curl, pretty
from tiyin.emulator.triggers import EVENTS, trigger
from tiyin.emulator.wires import NotNow, Wires
from tiyin.runtime.tashkent import TASHKENT
from tiyin.web.render import language_of

__all__ = ["WAIT_MS_MAX", "TrafficPages", "unless_closed"]

WAIT_MS_MAX: Final = 30_000
"""The longest that one request waits for an exchange, in milliseconds."""

_SHOWN: Final = 100
_NUMBER_MAX: Final = 2**53
_DIRECTIONS: Final = ("merchant", "api")
_BY_ACCEPT: Final = {"Vary": "Accept, Accept-Language"}
Handler: TypeAlias = Callable[[Request], Awaitable[Response]]


class _Controls(Protocol):
    @property
    def wires(self) -> Wires: ...


def unless_closed(handler: Handler) -> Handler:
    """Answer 503 while the emulator starts, stops or is reset."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except NotNow:
            problem = {"error": "The emulator is starting or stopping: try again.", "field": None}
            return json_answer(problem, status=503, headers={"retry-after": "1"})

    return answer


class TrafficPages:
    """Answers what is asked below `/dev/traffic` and `/dev/trigger`.

    Args:
        controls: The running emulator.
        pages: Draws the pages.
    """

    def __init__(self, controls: _Controls, pages: Pages) -> None:
        self._controls = controls
        self._pages = pages

    def handlers(self) -> list[tuple[str, str, Handler]]:
        """Give path, HTTP method and handler of each route."""
        return [
            ("/dev/traffic", "GET", unless_closed(self.list)),
            ("/dev/traffic/{number:int}", "GET", unless_closed(self.one)),
            ("/dev/traffic/{number:int}/resend", "POST", unless_closed(self.again)),
            ("/dev/trigger", "GET", self.events),
            ("/dev/trigger", "POST", unless_closed(self.happen)),
        ]

    async def list(self, request: Request) -> Response:
        """List exchanges, at once or when there is one."""
        traffic = self._controls.wires.traffic
        asked = _read_filter(request)
        await self._check_desk(asked["desk"])
        if wants_page(request):
            shown = traffic.select(**{**asked, "limit": min(asked["limit"], _SHOWN)})
            context = {
                "exchanges": shown,
                "newest": traffic.newest,
                "asked": asked,
                "desks": await self._controls.wires.desks(),
                "clock": _clock,
            }
            return self._pages.page(request, "dev/traffic.html", context, headers=_BY_ACCEPT)
        wait_ms = _read_number(request, "wait_ms", 0, WAIT_MS_MAX)
        found = traffic.select(**asked)
        try:
            async with asyncio.timeout(wait_ms / 1000 if not found else None):
                # A client that believes in a higher number than there is has missed a new beginning.
                while wait_ms and not found and asked["after"] <= traffic.newest:
                    if not await traffic.changed():
                        break
                    found = traffic.select(**asked)
        except TimeoutError:
            pass
        return json_answer({"exchanges": found, "newest": traffic.newest}, headers=_BY_ACCEPT)

    async def one(self, request: Request) -> Response:
        """Show one exchange."""
        exchange = self._find(request)
        if exchange is None:
            return self._missing(request)
        if wants_page(request):
            return self._page(request, exchange)
        return json_answer(_whole(exchange), headers=_BY_ACCEPT)

    async def again(self, request: Request) -> Response:
        """Send a request once more."""
        exchange = self._find(request)
        if exchange is None:
            return self._missing(request)
        try:
            number = await resend(self._controls.wires, exchange)
        except CannotResend as cannot:
            if wants_page(request):
                return self._page(request, exchange, problem=exchange.request.altered, status=409)
            return json_answer({"error": str(cannot), "field": None}, status=409)
        made = None if number is None else self._controls.wires.traffic.find(number)
        if made is None:
            return json_answer(
                {"error": "It was sent, and its exchange was not kept.", "field": None}, status=500
            )
        if wants_page(request):
            return RedirectResponse(f"/dev/traffic/{made.number}?lang={language_of(request)}", 303)
        return json_answer(_whole(made))

    async def events(self, request: Request) -> Response:
        """List what can be made to happen."""
        del request
        told = [{"event": one.name, "title": one.title, "takes": one.takes} for one in EVENTS.values()]
        return json_answer({"events": told})

    async def happen(self, request: Request) -> Response:
        """Make an event happen."""
        posted = await read_posted(request, '{"event": "payment"}')
        return json_answer(await trigger(self._controls.wires, posted.fields))

    async def _check_desk(self, asked: str | None) -> None:
        """Refuse a desk that there is not: nothing would ever fit."""
        if asked is None:
            return
        desks = await self._controls.wires.desks()
        if all(asked not in (desk.id, desk.name) for desk in desks):
            known = "; ".join(f"{desk.name} ({desk.id})" for desk in desks[:5])
            raise BadBody(f"desk must be the id or the name of a cash desk: {known}.", "desk")

    def _find(self, request: Request) -> Exchange | None:
        return self._controls.wires.traffic.find(request.path_params["number"])

    def _missing(self, request: Request) -> Response:
        number = request.path_params["number"]
        if wants_page(request):
            return self._pages.page(
                request, "dev/traffic_missing.html", {"number": number}, status_code=404, headers=_BY_ACCEPT
            )
        problem = f"There is no exchange {number}: the newest {EXCHANGES_MAX} are kept."
        return json_answer({"error": problem, "field": "number"}, status=404, headers=_BY_ACCEPT)

    def _page(
        self, request: Request, exchange: Exchange, *, problem: bool | None = None, status: int = 200
    ) -> Response:
        context = {
            "exchange": exchange,
            "curl": curl(exchange),
            "request_body": pretty(exchange.request.body),
            "answer_body": "" if exchange.answer is None else pretty(exchange.answer.body),
            "problem": problem,
            "known_problems": PROBLEMS,
        }
        return self._pages.page(
            request, "dev/traffic_exchange.html", context, status_code=status, headers=_BY_ACCEPT
        )


def _clock(at_ms: int) -> str:
    """Write a moment's time of day in Tashkent, to the second: exchanges of one minute are told apart."""
    return datetime.fromtimestamp(at_ms / 1000, TASHKENT).strftime("%H:%M:%S")


def _whole(exchange: Exchange) -> dict[str, Any]:
    return {**msgspec.structs.asdict(exchange), "curl": curl(exchange)}


def _read_filter(request: Request) -> dict[str, Any]:
    asked = request.query_params
    direction = asked.get("direction") or None
    if direction is not None and direction not in _DIRECTIONS:
        raise BadBody("direction must be merchant or api.", "direction")
    return {
        "after": _read_number(request, "after", 0, _NUMBER_MAX),
        "desk": asked.get("desk") or None,
        "method": asked.get("method") or None,
        "direction": direction,
        "limit": _read_number(request, "limit", EXCHANGES_MAX, EXCHANGES_MAX) or EXCHANGES_MAX,
    }


def _read_number(request: Request, name: str, otherwise: int, most: int) -> int:
    given = request.query_params.get(name) or str(otherwise)
    if len(given) > 16 or not (given.isascii() and given.isdigit()) or int(given) > most:
        raise BadBody(f"{name} must be a whole number from 0 to {most}.", name)
    return int(given)
