"""What every handler of the sandbox works with: the gateway, who has entered, and how it answers."""

import re
from collections.abc import Mapping
from typing import Any, Final

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from tiyin.gateway.desks.records import Desk
from tiyin.protocol.checkout_form import FORM_FIELDS
from tiyin.protocol.checkout_link import LINK_FIELDS, CheckoutRequest
from tiyin.protocol.errors import RpcError
from tiyin.protocol.params import known_path
from tiyin.protocol.values import LANGUAGES, Language
from tiyin.runtime.logs import get_logger
from tiyin.sandbox.findings import Report
from tiyin.sandbox.target import AccountKind
from tiyin.sandbox.words import KINDS_OF_ACCOUNT, summary
from tiyin.web.render import Templates, language_of
from tiyin.web.sandbox import origin
from tiyin.web.sandbox.menu import SECTIONS, Plan, plan_of, title_of
from tiyin.web.sandbox.parameters import Typed, field_views, first_typed
from tiyin.web.sandbox.runs import Runs, RunState
from tiyin.web.sandbox.services import Checks, NewAccounts, SandboxGateway
from tiyin.web.sandbox.sessions import Session, Sessions, Tries
from tiyin.web.sandbox.states import STATES

__all__ = ["Room", "at", "tone_of"]

_FIELDS: Final = LINK_FIELDS | FORM_FIELDS
_TONES: Final = {"failed": "bad", "nothing": "wait", "passed_warned": "wait", "passed_all": "good"}
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")

_log: Final = get_logger("tiyin.sandbox")


class Room:
    """What the handlers share.

    Args:
        gateway: The gateway whose cash desks are tested.
        templates: The house's templates.
        runs: Runs in the background.
        encrypted: Whether the outside reaches us by https.
        allow_private: Whether loopback and private addresses may be called.
        new_accounts: What makes new payable accounts for a desk.
        checks: Gives the checks.
    """

    def __init__(
        self,
        *,
        gateway: SandboxGateway,
        templates: Templates,
        runs: Runs,
        encrypted: bool,
        allow_private: bool,
        new_accounts: NewAccounts,
        checks: Checks,
    ) -> None:
        self.gateway: Final = gateway
        self._templates = templates
        self.runs: Final = runs
        self.allow_private: Final = allow_private
        self.new_accounts: Final = new_accounts
        self.checks: Final = checks
        self.sessions: Final = Sessions(gateway.clock, encrypted=encrypted)
        self.tries: Final = Tries(gateway.clock)

    async def known(self, request: Request) -> tuple[Session, Desk] | None:
        """Return the session and its desk, unless the key was changed or the desk is gone."""
        session = self.sessions.find(request)
        desk = None if session is None else await self.gateway.desks.find(session.desk_id)
        if session is None or desk is None or desk.endpoint is None:
            return None
        keys = await self.gateway.desks.keys_of(desk.id)
        return (session, desk) if session.is_key(keys.test_key) else None

    def first(self, desk: Desk, asked: CheckoutRequest | None) -> Typed:
        """Return what the parameters hold first, with what a shop asked for filled in."""
        can_make = desk.id in self.new_accounts
        if asked is None:
            return first_typed(desk, account={}, amount_tiyin=None, can_make=can_make)
        return first_typed(desk, account=asked.account, amount_tiyin=asked.amount_tiyin, can_make=can_make)

    def test_page(
        self,
        request: Request,
        session: Session,
        desk: Desk,
        plan: Plan,
        typed: Typed,
        *,
        errors: Mapping[str, str] | None = None,
        trouble: str = "",
        status: int = 200,
    ) -> Response:
        """Answer with a test's page: its parameters and what it checks."""
        language = language_of(request)
        return self.page(
            request,
            "test.html",
            session,
            desk,
            plan.entry,
            status=status,
            here=f"/sandbox/tests/{plan.id}",
            plan=plan,
            title=plan.title.in_language(language),
            checks=[(one.id, one.title.in_language(language), one.page, one.fresh) for one in plan.checks],
            fields=field_views(desk, typed, language),
            typed=typed,
            errors=errors or {},
            trouble=trouble,
            kinds=[(kind.value, KINDS_OF_ACCOUNT[kind].in_language(language)) for kind in AccountKind],
            states=[(state.value, text.in_language(language)) for state, text in STATES.items()],
            can_make=desk.id in self.new_accounts,
        )

    def door(
        self,
        request: Request,
        *,
        merchant: str = "",
        errors: Mapping[str, str] | None = None,
        asked: CheckoutRequest | None = None,
        notice: str = "",
        language: Language | None = None,
        status: int = 200,
    ) -> Response:
        """Answer with the door; `asked` is what a shop sent, which waits there until somebody has entered."""
        return self._templates.page(
            request,
            "sandbox/door.html",
            language=language or language_of(request),
            status_code=status,
            here="/sandbox" if request.method == "POST" else request.url.path,
            merchant=merchant or request.query_params.get("merchant", "")[:64],
            errors=errors or {},
            asked=asked,
            notice=notice,
            emulator=bool(self.new_accounts),
        )

    def refuse(self, request: Request, error: RpcError) -> Response:
        """Answer that a form or a link cannot be taken, naming the field."""
        field = known_path(error.data, _FIELDS) if isinstance(error.data, str) else ""
        _log.info("sandbox_refused", code=error.code, field=field or None, method=request.method)
        return self._templates.page(
            request,
            "sandbox/refused.html",
            status_code=400 if error.data != origin.FOREIGN else 403,
            here="/sandbox",
            field=error.data if isinstance(error.data, str) else "",
            foreign=error.data == origin.FOREIGN,
        )

    def missing(self, request: Request) -> Response:
        """Answer that there is no such test or run."""
        return self._templates.page(request, "sandbox/missing.html", status_code=404, here="/sandbox")

    def page(
        self,
        request: Request,
        name: str,
        session: Session,
        desk: Desk,
        entry: str,
        *,
        status: int = 200,
        **context: Any,
    ) -> Response:
        """Answer with a page for who has entered: the menu, the history and what stands beside them."""
        language = language_of(request)
        kind = session.typed.kind if session.typed is not None else AccountKind.ONE_TIME
        checks = self.checks(kind)
        menu = [
            (
                section.title,
                [
                    (one, title_of(one).in_language(language), len(plan.checks), _last_of(session, one))
                    for one in section.entries
                    if (plan := plan_of(one, checks)) is not None
                ],
            )
            for section in SECTIONS
        ]
        return self._templates.page(
            request,
            f"sandbox/{name}",
            status_code=status,
            menu=menu,
            entry=entry,
            desk=desk,
            soft=soft,
            history=[(run, run.plan.title.in_language(language)) for run in session.runs],
            **context,
        )

    def stop_all(self, session: Session) -> None:
        """Stop what a session runs."""
        for run in session.runs:
            self.runs.stop(run)


def _last_of(session: Session, entry: str) -> str:
    """Return the badge of an entry's last run: good, wait, bad, or nothing."""
    for run in session.runs:
        if run.plan.id == entry and run.state is RunState.DONE and run.report is not None:
            return tone_of(run.report)
    return ""


def at(request: Request, path: str) -> str:
    """Return a path in the page's language."""
    language = request.query_params.get("lang")
    return f"{path}?lang={language}" if language in LANGUAGES else path


def tone_of(report: Report) -> str:
    """Return how a run's end looks: good, wait or bad."""
    return _TONES[summary(report)]


def soft(text: str) -> Markup:
    """Let the long names of methods break between their words."""
    return Markup("<wbr>").join(_CAMEL.split(text))
