"""`/dev/clock`: the emulator's time, and turning it forward.

| request | what |
|---|---|
| `GET /dev/clock` | `{"now_ms", "offset_ms", "now"}`; a page for browsers |
| `POST /dev/clock {"advance_ms": n}` | turns the clock forward, answers the same |

A page's form may send `amount` and `unit` (`minutes`, `hours`, `days`) instead.
"""

import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.emulator.bodies import BadBody, json_answer, read_posted, wants_page
from tiyin.emulator.pages import Pages
from tiyin.web.render import language_of
from tiyin.web.words import N_

__all__ = ["ADVANCE_MS_MAX", "ClockPage", "duration"]

ADVANCE_MS_MAX: Final = 10 * 366 * 86_400_000
"""The furthest that one request turns the clock: ten years, in milliseconds."""

_DIGITS: Final = re.compile(r"[0-9]{1,15}")
_UNITS: Final = {"minutes": 60_000, "hours": 3_600_000, "days": 86_400_000}
_JUMPS: Final = (
    (60_000, N_("+ 1 minute"), N_("A code from an SMS runs out.")),
    (3_600_000, N_("+ 1 hour"), N_("Sessions and pages grow old.")),
    (43_200_000, N_("+ 12 hours"), N_("A transaction that was not paid expires.")),
    (2_592_000_000, N_("+ 30 days"), N_("A hold that was not confirmed ends.")),
)
_UNUSABLE: Final = N_("Write a whole number; the clock turns forward only, ten years at most at a time.")

Handler = Callable[[Request], Awaitable[Response]]


class _Clock(Protocol):
    @property
    def now_ms(self) -> int: ...

    @property
    def offset_ms(self) -> int: ...

    async def advance(self, ms: int) -> None: ...


class ClockPage:
    """Answers `/dev/clock`.

    Args:
        clock: The running emulator.
        pages: Draws the page.
    """

    def __init__(self, clock: _Clock, pages: Pages) -> None:
        self._clock = clock
        self._pages = pages

    def handlers(self) -> list[tuple[str, str, Handler]]:
        """Give paths, methods and what answers them."""
        return [("/dev/clock", "GET", self.read), ("/dev/clock", "POST", self.turn)]

    async def read(self, request: Request) -> Response:
        """Tell the time."""
        return self._page(request) if wants_page(request) else self._told()

    async def turn(self, request: Request) -> Response:
        """Turn the clock forward."""
        posted = await read_posted(request, '{"advance_ms": 60000}')
        advance_ms = _asked_in_form(posted.fields) if posted.by_form else posted.fields.get("advance_ms")
        if (
            isinstance(advance_ms, bool)
            or not isinstance(advance_ms, int)
            or not 0 <= advance_ms <= ADVANCE_MS_MAX
        ):
            if posted.by_form and "amount" in posted.fields:
                return self._page(request, wrong=str(posted.fields["amount"])[:20])
            raise BadBody(
                f"advance_ms must be a whole number from 0 to {ADVANCE_MS_MAX} (ten years of milliseconds): "
                "the clock only turns forward.",
                "advance_ms",
            )
        await self._clock.advance(advance_ms)
        if not posted.by_form:
            return self._told()
        back = "/dev/clock" if "back" in posted.fields else "/dev"
        return RedirectResponse(f"{back}?lang={language_of(request)}", 303)

    def _page(self, request: Request, wrong: str | None = None) -> Response:
        return self._pages.page(
            request,
            "dev/clock.html",
            {
                "now_ms": self._clock.now_ms,
                "ahead": duration(self._clock.offset_ms),
                "jumps": _JUMPS,
                "wrong": wrong,
                "problem": None if wrong is None else _UNUSABLE,
            },
            status_code=200 if wrong is None else 400,
            headers={"Vary": "Accept, Accept-Language"},
        )

    def _told(self) -> Response:
        now_ms = self._clock.now_ms
        return json_answer(
            {
                "now_ms": now_ms,
                "offset_ms": self._clock.offset_ms,
                "now": datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds"),
            }
        )


def duration(ms: int) -> str:
    """Write a duration as a clock would show it: `12:00:00`, `3 d 04:00:00`.

    Args:
        ms: The duration, in milliseconds.
    """
    seconds = ms // 1000
    clock = f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
    days = seconds // 86_400
    return f"{days} d {clock}" if days else clock


def _asked_in_form(fields: dict[str, Any]) -> int | None:
    """Read what a form asks for: milliseconds, or a number of minutes, hours or days."""
    given = str(fields.get("amount", fields.get("advance_ms", ""))).strip()
    if not _DIGITS.fullmatch(given):
        return None
    unit_ms = _UNITS.get(str(fields.get("unit"))) if "amount" in fields else 1
    return None if unit_ms is None else int(given) * unit_ms
