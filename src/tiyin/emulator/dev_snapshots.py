"""`/dev/snapshots`: keep the whole state of the emulator under a name, and come back to it.

| request | what |
|---|---|
| `GET /dev/snapshots` | `{"snapshots": [{"name", "made_at_ms", "offset_ms", "size_bytes", "problem"}]}`|
| `POST /dev/snapshots {"name": "paid"}` | keeps the present state; one of that name is replaced |
| `POST /dev/snapshots/paid/restore` | comes back to it, or refuses it whole |
| `DELETE /dev/snapshots/paid` | forgets it |
"""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.emulator.bodies import BadBody, json_answer, read_posted, wants_page
from tiyin.emulator.pages import Pages
from tiyin.emulator.snapshots import COUNT_MAX, Problem, Snapshot, SnapshotRefused, Snapshots
from tiyin.web.render import language_of
from tiyin.web.words import N_

__all__ = ["SnapshotPages"]

Handler = Callable[[Request], Awaitable[Response]]

_STATUS: Final[dict[Problem, int]] = {"name": 400, "missing": 404, "disk": 507}
_CONFLICT: Final = 409
_WORDS: Final[dict[Problem, str]] = {
    "name": N_("A name has 1 to 40 small Latin letters, digits, - and _."),
    "missing": N_("There is no such snapshot."),
    "damaged": N_("The snapshot is damaged."),
    "other-release": N_("Another release made the snapshot."),
    "other-emulator": N_("The snapshot is another emulator's: its keys do not fit."),
    "many": N_("There are too many snapshots: delete one first."),
    "large": N_("The snapshots would become too large: delete some first."),
    "disk": N_("The disk has no room, or cannot be written."),
}


class _Keeper(Protocol):
    @property
    def snapshots(self) -> Snapshots: ...

    async def save_snapshot(self, name: str) -> Snapshot: ...

    async def restore_snapshot(self, name: str) -> None: ...


class SnapshotPages:
    """Answers `/dev/snapshots`.

    Args:
        keeper: The running emulator.
        pages: Draws the page.
    """

    def __init__(self, keeper: _Keeper, pages: Pages) -> None:
        self._keeper = keeper
        self._pages = pages

    def handlers(self) -> list[tuple[str, str, Handler]]:
        """Give paths, methods and what answers them."""
        one = "/dev/snapshots/{name}"
        return [
            ("/dev/snapshots", "GET", self.read),
            ("/dev/snapshots", "POST", self._refusing(self.save)),
            (one, "DELETE", self._refusing(self.delete)),
            (f"{one}/delete", "POST", self._refusing(self.delete)),
            (f"{one}/restore", "POST", self._refusing(self.restore)),
        ]

    async def read(self, request: Request) -> Response:
        """List what there is."""
        if wants_page(request):
            return self._page(request)
        return json_answer(
            {"snapshots": self._keeper.snapshots.all()}, headers={"Vary": "Accept, Accept-Language"}
        )

    async def save(self, request: Request) -> Response:
        """Keep the present state."""
        posted = await read_posted(request, '{"name": "paid"}')
        name = posted.fields.get("name")
        if not isinstance(name, str):
            raise BadBody("name is missing: give the snapshot a name.", "name")
        made = await self._keeper.save_snapshot(name)
        return _back(request, "saved", name) if posted.by_form else json_answer(made)

    async def restore(self, request: Request) -> Response:
        """Come back to a state."""
        name = request.path_params["name"]
        await self._keeper.restore_snapshot(name)
        return _back(request, "restored", name) if wants_page(request) else json_answer({"restored": name})

    async def delete(self, request: Request) -> Response:
        """Forget a state."""
        name = request.path_params["name"]
        self._keeper.snapshots.delete(name)
        return _back(request, "deleted", name) if wants_page(request) else json_answer({"deleted": name})

    def _refusing(self, handler: Handler) -> Handler:
        async def answer(request: Request) -> Response:
            try:
                return await handler(request)
            except SnapshotRefused as refused:
                status = _STATUS.get(refused.problem, _CONFLICT)
                if wants_page(request):
                    return self._page(request, refused.problem, status)
                told = {
                    "error": str(refused),
                    "field": "name" if refused.problem == "name" else None,
                    "problem": refused.problem,
                }
                return json_answer(told, status=status)

        return answer

    def _page(self, request: Request, problem: Problem | None = None, status: int = 200) -> Response:
        done = next((one for one in ("saved", "restored", "deleted") if one in request.query_params), None)
        return self._pages.page(
            request,
            "dev/snapshots.html",
            {
                "snapshots": self._keeper.snapshots.all(),
                "words": _WORDS,
                "problem": problem,
                "done": done if problem is None else None,
                "done_name": request.query_params.get(done, "")[:40] if done else "",
                "count_max": COUNT_MAX,
                "here": "/dev/snapshots",
            },
            status_code=status,
            headers={"Vary": "Accept, Accept-Language"},
        )


def _back(request: Request, done: str, name: str) -> Response:
    return RedirectResponse(f"/dev/snapshots?lang={language_of(request)}&{done}={name}", 303)
