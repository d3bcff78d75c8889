"""`/dev/plug`: pull the plug in the middle of a payment, and watch it come back.

| request | what |
|---|---|
| `GET /dev/plug` | the page with the button; JSON with the names of the steps |
| `POST /dev/plug {"at": "after-debit"}` | begins a run, `at` any step when left out; answers the run |
| `GET /dev/plug/{run}` | the run as it stands; a page for browsers, which follows it |
"""

from collections.abc import Awaitable, Callable
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.emulator.bodies import BadBody, json_answer, read_posted, wants_page
from tiyin.emulator.pages import Pages
from tiyin.emulator.plug import Plug, PlugBusy, PlugRun, UnknownStep
from tiyin.emulator.plug_steps import STEPS, signal_name, words_of
from tiyin.emulator.plug_worker import PRICE_TIYIN
from tiyin.web.render import language_of

__all__ = ["PlugPages"]

Handler = Callable[[Request], Awaitable[Response]]

_VARY: Final = {"Vary": "Accept, Accept-Language"}


class PlugPages:
    """Answers `/dev/plug`.

    Args:
        plug: Pulls it.
        pages: Draws the pages.
    """

    def __init__(self, plug: Plug, pages: Pages) -> None:
        self._plug = plug
        self._pages = pages

    def handlers(self) -> list[tuple[str, str, Handler]]:
        """Give paths, methods and what answers them."""
        return [
            ("/dev/plug", "GET", self.front),
            ("/dev/plug", "POST", self.pull),
            ("/dev/plug/{run}", "GET", self.run),
        ]

    async def front(self, request: Request) -> Response:
        """Show the button."""
        latest = self._plug.latest
        if not wants_page(request):
            told = {"steps": list(STEPS), "latest": None if latest is None else latest.id}
            return json_answer(told, headers=_VARY)
        return self._page(request, None)

    async def pull(self, request: Request) -> Response:
        """Begin a run."""
        posted = await read_posted(request, '{"at": "after-debit"}')
        at = posted.fields.get("at") or None
        if at is not None and not isinstance(at, str):
            raise BadBody("at must be the name of a step.", "at")
        try:
            run = self._plug.start(at)
        except UnknownStep as unknown:
            raise BadBody(str(unknown), "at") from unknown
        except PlugBusy as busy:
            if posted.by_form:
                return _to(request, busy.run_id)
            return json_answer({"error": str(busy), "field": None, "run": busy.run_id}, status=409)
        return _to(request, run.id) if posted.by_form else json_answer(_told(run), status=202)

    async def run(self, request: Request) -> Response:
        """Tell how a run stands."""
        run = self._plug.find(request.path_params["run"])
        if run is None:
            if wants_page(request):
                return RedirectResponse(f"/dev/plug?lang={language_of(request)}", 303)
            return json_answer({"error": "There is no such run.", "field": "run"}, status=404)
        return self._page(request, run) if wants_page(request) else json_answer(_told(run), headers=_VARY)

    def _page(self, request: Request, run: PlugRun | None) -> Response:
        context = {
            "run": run,
            "steps": STEPS,
            "words_of": words_of,
            "by_signal": signal_name(run.exit_code) if run else None,
            "price_tiyin": PRICE_TIYIN,
            "busy": self._plug.latest if self._plug.latest and not self._plug.latest.over else None,
        }
        return self._pages.page(request, "dev/plug.html", context, headers=_VARY)


def _to(request: Request, run_id: str) -> Response:
    return RedirectResponse(f"/dev/plug/{run_id}?lang={language_of(request)}", 303)


def _told(run: PlugRun) -> dict[str, object]:
    told: dict[str, object] = msgspec.to_builtins(run)
    return {**told, "over": run.over, "signal": signal_name(run.exit_code)}
