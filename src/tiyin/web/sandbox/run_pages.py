"""The pages of a run: how far it is, what it found, and its report as a file."""

from typing import Final

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.errors import RpcError
from tiyin.sandbox.words import KINDS_OF_ACCOUNT, last_word, summary, took
from tiyin.web.render import language_of
from tiyin.web.sandbox import origin
from tiyin.web.sandbox.reports import FORMATS, render_report
from tiyin.web.sandbox.room import Room, at, tone_of
from tiyin.web.sandbox.runs import SandboxRun
from tiyin.web.sandbox.sessions import Session
from tiyin.web.sandbox.views import FindingView, finding_view, groups_of, row_view

__all__ = ["RunPages"]

_OPEN_MAX: Final = 12
"""Of a run with so many findings, and of so many problems of a longer one, everything is shown at once."""


class RunPages:
    """The handlers of the runs.

    Args:
        room: What they work with.
    """

    def __init__(self, room: Room) -> None:
        self._room = room

    async def run(self, request: Request) -> Response:
        """`GET /sandbox/runs/<n>`: how far it is, and at its end what it found."""
        found = await self._run_of(request)
        if isinstance(found, Response):
            return found
        session, desk, run = found
        language = language_of(request)
        groups = groups_of(run, language)
        rows = [row for group in groups for row in group.rows]
        # The problems that nothing explains come first and open; a short run is shown whole.
        shown = rows if len(rows) <= _OPEN_MAX else [row for row in rows if row.primary][:_OPEN_MAX]
        opened: dict[int, FindingView] = {}
        if not run.running:
            opened = {row.index: finding_view(run, row.index, language) for row in shown}
        problems = [
            opened[row.index]
            for badge in ("bad", "wait")
            for row in rows
            if row.primary and row.badge == badge and row.index in opened
        ]
        ended = {}
        if run.report is not None:
            ended = {
                "headline": summary(run.report),
                "tone": tone_of(run.report),
                "next": last_word(run.report, language),
                "took": took(run.report.took_ms, language),
            }
        return self._room.page(
            request,
            "run.html",
            session,
            desk,
            run.plan.entry,
            run=run,
            title=run.plan.title.in_language(language),
            now=run.now.in_language(language) if run.now is not None else "",
            groups=groups,
            live=sorted(rows, key=lambda row: -row.index),
            problems=problems,
            opened=opened,
            ended=ended,
            formats=FORMATS,
            kind=KINDS_OF_ACCOUNT[run.kind].in_language(language),
        )

    async def progress(self, request: Request) -> Response:
        """`GET /sandbox/runs/<n>/progress?from=<i>`: for the page's script, findings from the i-th on."""
        found = await self._run_of(request)
        if isinstance(found, Response):
            return JSONResponse({"state": "gone"}, 404)
        _, _, run = found
        language = language_of(request)
        asked = request.query_params.get("from", "0")
        begin = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 7 else 0
        return JSONResponse(
            {
                "state": run.state.value,
                "done": run.done,
                "of": run.of,
                "now": run.now.in_language(language) if run.now is not None else "",
                "counts": {verdict.value: count for verdict, count in run.counts.items()},
                "rows": [
                    {
                        "index": row.index,
                        "badge": row.badge,
                        "word": row.word,
                        "title": row.title,
                        "told": row.told,
                    }
                    for row in (
                        row_view(begin + n, one, language) for n, one in enumerate(run.findings[begin:])
                    )
                ],
            }
        )

    async def stop(self, request: Request) -> Response:
        """`POST /sandbox/runs/<n>/stop`."""
        try:
            origin.require_own(request)
        except RpcError as error:
            return self._room.refuse(request, error)
        found = await self._run_of(request)
        if isinstance(found, Response):
            return found
        self._room.runs.stop(found[2])
        return RedirectResponse(at(request, f"/sandbox/runs/{found[2].number}"), 303)

    async def finding(self, request: Request) -> Response:
        """`GET /sandbox/runs/<n>/findings/<i>`: one finding with all that was sent and answered."""
        found = await self._run_of(request)
        if isinstance(found, Response):
            return found
        session, desk, run = found
        index: int = request.path_params["index"]
        if index >= len(run.findings):
            return self._room.missing(request)
        view = finding_view(run, index, language_of(request))
        return self._room.page(request, "finding.html", session, desk, run.plan.entry, run=run, finding=view)

    async def report(self, request: Request) -> Response:
        """`GET /sandbox/runs/<n>/report.<format>`: the whole run as a file."""
        found = await self._run_of(request)
        if isinstance(found, Response):
            return found
        run, name = found[2], request.path_params["format"]
        if run.report is None or name not in FORMATS:
            return self._room.missing(request)
        body, media_type = render_report(run.report, name, language_of(request))
        return Response(
            body,
            media_type=media_type,
            headers={"Content-Disposition": f'attachment; filename="tiyin-sandbox-{run.number}.{name}"'},
        )

    async def _run_of(self, request: Request) -> tuple[Session, Desk, SandboxRun] | Response:
        known = await self._room.known(request)
        if known is None:
            return self._room.door(request)
        run = known[0].find(request.path_params["number"])
        return self._room.missing(request) if run is None else (*known, run)
