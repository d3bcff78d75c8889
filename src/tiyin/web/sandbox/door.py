"""The door of the sandbox: entering, leaving, and the ways in from a shop.

Documentation: sandbox, checkout/get-link, checkout/post-form
"""

from typing import Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from tiyin.protocol.checkout_form import read_form
from tiyin.protocol.checkout_link import CheckoutRequest, read_link, write_link
from tiyin.protocol.errors import RpcError
from tiyin.runtime.logs import get_logger
from tiyin.web.checkout.typed import read_fields
from tiyin.web.render import language_of
from tiyin.web.sandbox import origin
from tiyin.web.sandbox.entering import enter, find_desk
from tiyin.web.sandbox.menu import CREATE, SCENARIOS, plan_of
from tiyin.web.sandbox.room import Room, at
from tiyin.web.sandbox.sessions import Session
from tiyin.web.words import N_

__all__ = ["Door"]

_log: Final = get_logger("tiyin.sandbox")


class Door:
    """The handlers of the door.

    Args:
        room: What they work with.
    """

    def __init__(self, room: Room) -> None:
        self._room = room

    async def open(self, request: Request) -> Response:
        """`GET /sandbox`: the tests for who has entered, else the door."""
        known = await self._room.known(request)
        if known is not None:
            return RedirectResponse(at(request, f"/sandbox/tests/{SCENARIOS}"), 303)
        return self._room.door(request)

    async def open_link(self, request: Request) -> Response:
        """`GET /sandbox/<base64>`: a shop's link, whose fields are filled in."""
        try:
            asked = read_link(request.path_params["link"])
        except RpcError as error:
            return self._room.refuse(request, error)
        return await self._asked(request, asked)

    async def take_form(self, request: Request) -> Response:
        """`POST /sandbox/`: a shop's form. It becomes a link where a link can carry it."""
        try:
            asked = read_form(await read_fields(request), None)
        except RpcError as error:
            return self._room.refuse(request, error)
        bare = CheckoutRequest(asked.merchant, asked.account, asked.amount_tiyin, asked.lang)
        try:
            return RedirectResponse(write_link("/sandbox", bare), 303)
        except ValueError:
            return await self._asked(request, asked)

    async def enter(self, request: Request) -> Response:
        """`POST /sandbox/enter`: the cash desk's id and its TEST_KEY."""
        try:
            origin.require_own(request)
            pairs = await read_fields(request)
        except RpcError as error:
            return self._room.refuse(request, error)
        fields = dict(pairs)
        merchant, key = fields.get("merchant", "").strip(), fields.get("key", "").strip()
        client = request.client.host if request.client is not None else ""
        entered = await enter(self._room.gateway.desks, self._room.tries, client, merchant=merchant, key=key)
        asked = _kept_request(pairs, merchant)
        if entered.desk is None:
            _log.info("sandbox_not_entered", field=next(iter(entered.errors), None))
            return self._room.door(request, merchant=merchant, errors=entered.errors, asked=asked, status=403)
        session = Session(entered.desk.id, key)
        session.typed = self._room.first(entered.desk, asked)
        answer = RedirectResponse(at(request, f"/sandbox/tests/{CREATE if asked else SCENARIOS}"), 303)
        for old in self._room.sessions.begin(request, answer, session):
            self._room.stop_all(old)
        return answer

    async def leave(self, request: Request) -> Response:
        """`POST /sandbox/leave`: forget who has entered."""
        try:
            origin.require_own(request)
        except RpcError as error:
            return self._room.refuse(request, error)
        answer = RedirectResponse(at(request, "/sandbox"), 303)
        old = self._room.sessions.end(request, answer)
        if old is not None:
            self._room.stop_all(old)
        return answer

    async def _asked(self, request: Request, asked: CheckoutRequest) -> Response:
        """Show what a shop's link or form asks for: filled in for who has entered, else behind the door."""
        desk = await find_desk(self._room.gateway.desks, asked.merchant)
        language = language_of(request, asked.lang)
        known = await self._room.known(request)
        if desk is None:
            return self._room.door(
                request,
                merchant=asked.merchant,
                errors={
                    "merchant": N_(
                        "The shop's link names a cash desk that does not exist. Look at its Merchant ID."
                    )
                },
                asked=asked,
                language=language,
                status=404,
            )
        strange = sorted(set(asked.account) - {field.name for field in desk.account_fields})
        notice = ""
        if desk.account_fields and strange:
            notice = N_(
                "The shop sent other account fields than the cash desk has. "
                "Give them the same names in both places."
            )
        if known is None or known[1].id != desk.id:
            return self._room.door(request, merchant=desk.id, asked=asked, notice=notice, language=language)
        session = known[0]
        session.typed = self._room.first(desk, asked)
        plan = plan_of(CREATE, self._room.checks(session.typed.kind))
        assert plan is not None  # noqa: S101 - an entry of the menu
        return self._room.test_page(request, session, desk, plan, session.typed, trouble=notice)


def _kept_request(pairs: list[tuple[str, str]], merchant: str) -> CheckoutRequest | None:
    """Read what a shop asked for from the door's hidden fields, or None where there was no shop."""
    kept = [pair for pair in pairs if pair[0] == "amount" or pair[0].startswith("account[")]
    try:
        return read_form([("merchant", merchant or "?"), *kept], None) if kept else None
    except RpcError:
        return None
