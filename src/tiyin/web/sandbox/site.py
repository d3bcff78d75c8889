"""The sandbox's page as a part of the gateway's site: made once, closed with it."""

from collections.abc import Collection
from typing import Any, Final

from starlette.routing import BaseRoute, Route

from tiyin.runtime.clock import Clock, SystemClock
from tiyin.sandbox.findings import Report
from tiyin.sandbox.registry import checks_in
from tiyin.sandbox.target import Target
from tiyin.web.render import Templates
from tiyin.web.sandbox.door import Door
from tiyin.web.sandbox.room import Room
from tiyin.web.sandbox.run_pages import RunPages
from tiyin.web.sandbox.runs import Runs
from tiyin.web.sandbox.services import Checks, NewAccounts, OnEvent, Runner, SandboxGateway
from tiyin.web.sandbox.states_run import is_of_states, run_states
from tiyin.web.sandbox.tests import Tests

__all__ = ["Sandbox"]


async def _run(
    target: Target,
    *,
    only: Collection[str] | None = None,
    documented_only: bool = False,
    clock: Clock | None = None,
    on_event: OnEvent | None = None,
    time_max_s: float = 180.0,
) -> Report:
    if only is not None and is_of_states(only):
        return await run_states(target, only, clock=clock or SystemClock(), on_event=on_event)
    from tiyin.sandbox import runner  # noqa: PLC0415 - all checks come with it: only once one is run

    return await runner.run(
        target,
        only=only,
        documented_only=documented_only,
        clock=clock,
        on_event=on_event,
        time_max_s=time_max_s,
    )


class Sandbox:
    """The sandbox's pages, `/sandbox` and everything below.

    Args:
        gateway: The gateway whose cash desks are tested.
        encrypted: Whether the outside reaches us by https.
        allow_private: Whether loopback and private addresses may be called.
        new_accounts: What makes new payable accounts for a desk.
        runner: Makes a run.
        checks: Gives the checks.
    """

    def __init__(
        self,
        gateway: SandboxGateway,
        *,
        encrypted: bool,
        allow_private: bool = False,
        new_accounts: NewAccounts | None = None,
        runner: Runner = _run,
        checks: Checks = checks_in,
    ) -> None:
        self._runs: Final = Runs(runner, gateway.clock)
        self._made: Final[dict[str, Any]] = {
            "gateway": gateway,
            "encrypted": encrypted,
            "allow_private": allow_private,
            "new_accounts": new_accounts or {},
            "checks": checks,
        }

    def routes(self, templates: Templates) -> list[BaseRoute]:
        """Return the routes.

        ::

            GET  /sandbox                        the door, or the tests for who has entered
            POST /sandbox, /sandbox/             a shop's form
            POST /sandbox/enter, /sandbox/leave  with a cash desk's id and TEST_KEY
            GET  /sandbox/tests/<entry>          an entry of the menu, or one check
            POST /sandbox/tests/<entry>          run it
            GET  /sandbox/runs/<n>               a run; /progress, /findings/<i>, /report.<format> below it
            POST /sandbox/runs/<n>/stop
            GET  /sandbox/<base64>               a shop's link; last, since it takes what is left

        Args:
            templates: The house's templates.
        """
        room = Room(templates=templates, runs=self._runs, **self._made)
        door, tests, runs = Door(room), Tests(room), RunPages(room)
        run = "/sandbox/runs/{number:int}"
        return [
            Route("/sandbox", door.open, methods=["GET"]),
            Route("/sandbox/", door.open, methods=["GET"]),
            Route("/sandbox", door.take_form, methods=["POST"]),
            Route("/sandbox/", door.take_form, methods=["POST"]),
            Route("/sandbox/enter", door.enter, methods=["POST"]),
            Route("/sandbox/leave", door.leave, methods=["POST"]),
            Route("/sandbox/tests/{name:str}", tests.test, methods=["GET"]),
            Route("/sandbox/tests/{name:str}", tests.start, methods=["POST"]),
            Route(run, runs.run, methods=["GET"]),
            Route(f"{run}/progress", runs.progress, methods=["GET"]),
            Route(f"{run}/stop", runs.stop, methods=["POST"]),
            Route(f"{run}/findings/{{index:int}}", runs.finding, methods=["GET"]),
            Route(f"{run}/report.{{format:str}}", runs.report, methods=["GET"]),
            Route("/sandbox/{link:path}", door.open_link, methods=["GET"]),
        ]

    async def close(self) -> None:
        """Stop the runs that go on."""
        await self._runs.close()
