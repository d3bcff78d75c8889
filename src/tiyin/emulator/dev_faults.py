"""`/dev/faults`: the rules by which merchants and the Subscribe API misbehave.

| request | what |
|---|---|
| `GET /dev/faults` | `{"rules": [...]}`, oldest first; a page for browsers |
| `POST /dev/faults` | puts one rule or `{"rules": [...]}` in force; answers them with their ids |
| `DELETE /dev/faults`, `DELETE /dev/faults/{id}` | takes all of them back, or one |
| `POST /dev/faults/delete` | the same for a page's form: `id`, or nothing for all |

What a rule is stands in `fault_rules`.
"""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.emulator.bodies import BadBody, json_answer, read_posted, wants_page
from tiyin.emulator.dev_traffic import Handler, unless_closed
from tiyin.emulator.fault_rules import FAULTS, METHODS, Rule, read_rules
from tiyin.emulator.pages import Pages
from tiyin.emulator.wires import Wires
from tiyin.web.render import language_of

__all__ = ["FaultPages"]

_EXAMPLE: Final = '{"method": "PerformTransaction", "fault": "drop_after", "times": 1}'
_WHOLE: Final = ("times", "delay_ms", "status", "code")
_BY_ACCEPT: Final = {"Vary": "Accept, Accept-Language"}


class FaultPages:
    """Answers what is asked below `/dev/faults`.

    Args:
        controls: The running emulator.
        pages: Draws the page.
    """

    def __init__(self, controls: Any, pages: Pages) -> None:
        self._controls = controls
        self._pages = pages

    @property
    def _wires(self) -> Wires:
        wires: Wires = self._controls.wires
        return wires

    def handlers(self) -> list[tuple[str, str, Handler]]:
        """Give path, HTTP method and handler of each route."""
        return [
            ("/dev/faults", "GET", unless_closed(self.list)),
            ("/dev/faults", "POST", unless_closed(self.add)),
            ("/dev/faults", "DELETE", self.clear),
            ("/dev/faults/delete", "POST", self.delete_by_form),
            ("/dev/faults/{rule:int}", "DELETE", self.remove),
        ]

    async def list(self, request: Request) -> Response:
        """List the rules."""
        if wants_page(request):
            return await self._page(request, {}, None)
        return json_answer({"rules": [_told(rule) for rule in self._wires.faults.rules]}, headers=_BY_ACCEPT)

    async def add(self, request: Request) -> Response:
        """Put rules in force: all or none."""
        posted = await read_posted(request, _EXAMPLE)
        fields = _from_form(posted.fields) if posted.by_form else posted.fields
        try:
            made = self._wires.faults.add(read_rules(fields, await self._wires.desks()))
        except BadBody as bad:
            if posted.by_form and wants_page(request):
                return await self._page(request, posted.fields, bad)
            raise
        if posted.by_form:
            return _back(request)
        return json_answer({"rules": [_told(rule) for rule in made]})

    async def clear(self, request: Request) -> Response:
        """Take all rules back."""
        del request
        return json_answer({"deleted": self._wires.faults.clear()})

    async def remove(self, request: Request) -> Response:
        """Take one rule back."""
        rule_id = request.path_params["rule"]
        if not self._wires.faults.remove(rule_id):
            return json_answer({"error": f"There is no rule {rule_id}.", "field": "id"}, status=404)
        return json_answer({"deleted": 1})

    async def delete_by_form(self, request: Request) -> Response:
        """Do the same for a page, which cannot send DELETE."""
        posted = await read_posted(request, '{"id": 1}')
        rule_id = str(posted.fields.get("id", ""))
        if not rule_id:
            self._wires.faults.clear()
        elif len(rule_id) <= 16 and rule_id.isascii() and rule_id.isdigit():
            # One that is gone already is what was wanted.
            self._wires.faults.remove(int(rule_id))
        else:
            raise BadBody("id must be the number of a rule.", "id")
        return _back(request)

    async def _page(self, request: Request, filled: Mapping[str, Any], bad: BadBody | None) -> Response:
        desks = await self._wires.desks()
        context = {
            "rules": self._wires.faults.rules,
            "desks": desks,
            "desk_names": {desk.id: desk.name for desk in desks},
            "methods": METHODS,
            "faults": FAULTS,
            "filled": {name: str(value) for name, value in filled.items()},
            "problem": None if bad is None else str(bad),
            "wrong": None if bad is None else bad.field,
        }
        return self._pages.page(
            request,
            "dev/faults.html",
            context,
            status_code=200 if bad is None else 400,
            headers=_BY_ACCEPT,
        )


def _told(rule: Rule) -> dict[str, Any]:
    """Tell a rule as it was asked for, with its id and its hits."""
    told: dict[str, Any] = {
        name: value
        for name in rule.__struct_fields__
        if (value := getattr(rule, name)) is not None or name in ("desk", "times")
    }
    return told


def _from_form(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Read a form's texts as what they mean: what is empty was left out; no number is refused later."""
    read: dict[str, Any] = {name: value for name, value in fields.items() if value != "" and name != "lang"}
    for name in _WHOLE:
        try:
            read[name] = int(read[name])
        except (KeyError, ValueError):
            continue
    with contextlib.suppress(KeyError, ValueError):
        read["probability"] = float(read["probability"])
    return read


def _back(request: Request) -> Response:
    return RedirectResponse(f"/dev/faults?lang={language_of(request)}", 303)
