"""The pages of the menu's tests: their parameters, and beginning a run."""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.errors import RpcError
from tiyin.sandbox.problems import CannotRun
from tiyin.web.checkout.typed import read_fields
from tiyin.web.sandbox import origin
from tiyin.web.sandbox.menu import Plan, plan_of
from tiyin.web.sandbox.parameters import Typed, read_typed, target_of
from tiyin.web.sandbox.room import Room, at
from tiyin.web.sandbox.runs import RunsRefused, SandboxRun
from tiyin.web.sandbox.sessions import Session
from tiyin.web.sandbox.states import AccountState
from tiyin.web.sandbox.states_run import with_states
from tiyin.web.words import N_

__all__ = ["Tests"]

_STATE_ELSEWHERE: Final = N_(
    "An account that cannot be paid is only tested by CheckPerformTransaction, CreateTransaction and "
    "the test of accounts that do not exist. For the others choose an account that waits for payment."
)


class Tests:
    """The handlers of the tests.

    Args:
        room: What they work with.
    """

    def __init__(self, room: Room) -> None:
        self._room = room

    async def test(self, request: Request) -> Response:
        """`GET /sandbox/tests/<entry>`: its parameters, and what it will check."""
        known = await self._room.known(request)
        if known is None:
            return self._room.door(request)
        session, desk = known
        typed = session.typed or self._room.first(desk, None)
        plan = plan_of(request.path_params["name"], self._room.checks(typed.kind))
        if plan is None:
            return self._room.missing(request)
        return self._room.test_page(request, session, desk, plan, typed)

    async def start(self, request: Request) -> Response:
        """`POST /sandbox/tests/<entry>`: run it."""
        try:
            origin.require_own(request)
            pairs = await read_fields(request)
        except RpcError as error:
            return self._room.refuse(request, error)
        known = await self._room.known(request)
        if known is None:
            return self._room.door(
                request, notice=N_("You have been away for long: enter again."), status=403
            )
        session, desk = known
        typed, errors = read_typed(pairs, desk, can_make=desk.id in self._room.new_accounts)
        session.typed = typed
        plan = plan_of(request.path_params["name"], self._room.checks(typed.kind))
        if plan is None:
            return self._room.missing(request)
        if typed.state is not AccountState.WAITING and not errors:
            of_state = with_states(plan, typed.state)
            if of_state is None:
                errors = {"state": _STATE_ELSEWHERE}
            else:
                plan = of_state
        if errors:
            return self._room.test_page(request, session, desk, plan, typed, errors=errors, status=400)
        trouble = await self._begin(session, desk, plan, typed)
        if trouble:
            return self._room.test_page(request, session, desk, plan, typed, trouble=trouble, status=409)
        return RedirectResponse(at(request, f"/sandbox/runs/{session.runs[0].number}"), 303)

    async def _begin(self, session: Session, desk: Desk, plan: Plan, typed: Typed) -> str:
        """Begin a run; return why it was not begun, to be translated, or nothing."""
        if session.current() is not None:
            return N_("A run of yours goes on. Wait for its end, or stop it.")
        keys = await self._room.gateway.desks.keys_of(desk.id)
        try:
            target = await target_of(
                typed,
                desk,
                endpoint=desk.endpoint or "",
                key=keys.test_key,
                allow_private=self._room.allow_private,
                make=self._room.new_accounts.get(desk.id),
            )
        except CannotRun:
            return N_("The demo shop could not make an order. Try again.")
        if session.current() is not None:
            return N_("A run of yours goes on. Wait for its end, or stop it.")
        run = SandboxRun(session.next_number(), plan, target, self._room.gateway.clock.now_ms())
        try:
            self._room.runs.start(run, target)
        except RunsRefused:
            return N_("Others are running tests just now. Try again in a minute.")
        session.remember(run)
        return ""
