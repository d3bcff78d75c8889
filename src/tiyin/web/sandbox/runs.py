"""The runs that visitors began: owned by the process, few at a time, bounded in time, ended with the site."""

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from tiyin.runtime.clock import Clock
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks, TasksRefused
from tiyin.sandbox.causes import mark
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import CannotRun
from tiyin.sandbox.target import Target
from tiyin.web.sandbox.menu import Plan
from tiyin.web.sandbox.services import Runner

if TYPE_CHECKING:
    from tiyin.protocol.values import Text

__all__ = ["TIME_MAX_S", "RunState", "Runs", "RunsRefused", "SandboxRun"]

TIME_MAX_S: Final = 180.0
"""The longest that a run may take, in seconds."""

_MARGIN_S: Final = 15.0
_TOGETHER_MAX: Final = 4

_log: Final = get_logger("tiyin.sandbox")


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    STOPPED = "stopped"
    """A person stopped it, or the site did."""
    REFUSED = "refused"
    """It made no sense; `SandboxRun.why` says what."""
    BROKEN = "broken"
    """The fault is ours."""


class RunsRefused(Exception):
    """Too many runs go on already."""


class SandboxRun:
    """One run of a visitor's session.

    Args:
        number: Its number in the session, from 1.
        plan: What it runs.
        target: What is tested; not kept, since it holds the key.
        started_ms: When it began, in milliseconds since 1970.
    """

    def __init__(self, number: int, plan: Plan, target: Target, started_ms: int) -> None:
        self.number: Final = number
        self.plan: Final = plan
        self.endpoint: Final = target.endpoint
        self.kind: Final = target.kind
        self.account: Final = dict(target.account)
        self.amount_tiyin: Final = target.amount_tiyin
        self.started_ms: Final = started_ms
        self.state = RunState.RUNNING
        self.findings: list[Finding] = []
        self.counts = dict.fromkeys(Verdict, 0)
        self.done = 0
        self.of = len(plan.checks)
        self.now: Text | None = None
        self.report: Report | None = None
        self.why = ""
        self.task: asyncio.Task[None] | None = None

    @property
    def running(self) -> bool:
        """Whether it goes on."""
        return self.state is RunState.RUNNING

    def count(self, verdict: Verdict) -> int:
        """Count the findings of one verdict, also when the findings themselves were forgotten."""
        return self.counts[verdict]

    def hear(self, event: object) -> None:
        """Take an event of the runner."""
        # Told apart by what they hold: the page needs no more of the runner than this.
        check: Any = getattr(event, "check", None)
        findings: tuple[Finding, ...] = getattr(event, "findings", ())
        self.of = getattr(event, "of", self.of)
        if check is not None:
            self.now = check.title
        else:
            self.done = min(self.done + 1, self.of)
            self.findings.extend(findings)
            self._count()

    def end(self, state: RunState, report: Report | None, why: str = "") -> None:
        """End it.

        Args:
            state: How.
            report: What was found, or None.
            why: Why it could not be made; may be empty.
        """
        if report is not None:
            self.report, self.findings = report, list(report.findings)
        self.state, self.why, self.now = state, why, None
        self._count()

    def forget(self) -> None:
        """Let go of what was sent and answered; how it ended is kept."""
        self.report, self.findings = None, []

    def _count(self) -> None:
        self.counts = {verdict: sum(one.verdict is verdict for one in self.findings) for verdict in Verdict}


class Runs:
    """Runs in the background.

    Args:
        runner: Makes a run.
        clock: The product's time.
        together_max: How many may go on at once.
    """

    def __init__(self, runner: Runner, clock: Clock, *, together_max: int = _TOGETHER_MAX) -> None:
        self._runner = runner
        self._clock = clock
        self._tasks = Tasks(count_max=together_max)

    def start(self, run: SandboxRun, target: Target) -> None:
        """Begin a run.

        Args:
            run: The run.
            target: What is tested.

        Raises:
            RunsRefused: Too many go on already, or the site stops.
        """
        try:
            run.task = self._tasks.start(self._run(run, target), name=f"sandbox run {run.number}")
        except TasksRefused as refused:
            raise RunsRefused from refused

    def stop(self, run: SandboxRun) -> None:
        """Stop a run; what it found so far is kept."""
        if run.task is not None and run.running:
            run.task.cancel()

    async def close(self) -> None:
        """Stop everything at once: a run moves nobody's money, so nothing has to be brought to an end."""
        await self._tasks.drain(0)

    async def _run(self, run: SandboxRun, target: Target) -> None:
        began_s = self._clock.monotonic()

        def so_far() -> Report:
            return Report(
                endpoint=target.endpoint,
                kind=target.kind.value,
                started_ms=run.started_ms,
                took_ms=(self._clock.monotonic() - began_s) * 1000,
                findings=mark(run.findings),
            )

        try:
            async with asyncio.timeout(TIME_MAX_S + _MARGIN_S):
                report = await self._runner(
                    target,
                    only=run.plan.only,
                    documented_only=run.plan.documented,
                    clock=self._clock,
                    on_event=run.hear,
                    time_max_s=TIME_MAX_S,
                )
        except asyncio.CancelledError:
            run.end(RunState.STOPPED, so_far())
            raise
        except TimeoutError:
            run.end(RunState.STOPPED, so_far())
        except CannotRun as refused:
            run.end(RunState.REFUSED, None, str(refused))
        except Exception:  # noqa: BLE001 - the visitor sees that it ended, the log why
            _log.exception("sandbox_run_failed")
            run.end(RunState.BROKEN, so_far())
        else:
            run.end(RunState.DONE, report)
