"""Runs the checks against a merchant's server, one after another, and makes the report."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

import msgspec

from tiyin.protocol.values import Text
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.logs import get_logger
from tiyin.sandbox import causes, envelopes
from tiyin.sandbox.accounts import NO_FRESH_ACCOUNT, Accounts
from tiyin.sandbox.caller import Caller
from tiyin.sandbox.conversation import Conversation, Run
from tiyin.sandbox.exchange import Answer
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import CannotRun, Problem, Severity, Skip, Wrong, kind
from tiyin.sandbox.registry import Check, checks_in
from tiyin.sandbox.selection import look_at, selected
from tiyin.sandbox.talk import Reply
from tiyin.sandbox.target import Target
from tiyin.sandbox.transport import FATAL

__all__ = ["CHECK_BROKEN", "CheckEnded", "CheckStarted", "Event", "run"]

CHECK_BROKEN: Final = kind(
    "check-broken",
    Severity.FAIL,
    "sandbox",
    title=Text(
        ru="Сбой в самой песочнице",
        uz="Sinov muhitining oʻzida nosozlik",
        en="The sandbox itself failed",
    ),
    why=Text(
        ru="Проверка не доведена до конца: о сервере она ничего не говорит.",
        uz="Tekshiruv oxiriga yetmadi: u server haqida hech narsa aytmaydi.",
        en="The check did not come to its end, so it says nothing of the server.",
    ),
    mend=Text(
        ru="Повторите проверку; если сбой остался, сообщите о нём вместе с отчётом.",
        uz="Tekshiruvni takrorlang; nosozlik qolsa, uni hisobot bilan birga xabar qiling.",
        en="Repeat the check; if it fails again, report it together with this report.",
    ),
)

_TIME_IS_UP: Final = Text(
    ru="Время прогона вышло",
    uz="Sinov vaqti tugadi",
    en="The time of the run is up",
)
_NEED_FAILED: Final = Text(
    ru="Не пройдена проверка, на которой эта основана",
    uz="Bu tekshiruv asoslangan tekshiruv oʻtmadi",
    en="A check that this one builds on failed",
)
_SERVER_GONE: Final = Text(
    ru="С сервером нельзя говорить",
    uz="Server bilan gaplashib boʻlmaydi",
    en="The server cannot be talked to",
)
_NO_ANSWERS: Final = Text(
    ru="Не было ни одного ответа, который можно проверить",
    uz="Tekshirish mumkin boʻlgan birorta javob boʻlmadi",
    en="There was no answer to look at",
)

_PERFORMS: Final = "perform.good"
_NEW_ACCOUNT_MAX_S: Final = 60.0


class CheckStarted(msgspec.Struct, frozen=True):
    """A check began.

    Args:
        check: Which one.
        number: How many have begun, this one included.
        of: How many there are in this run.
    """

    check: Check
    number: int
    of: int


class CheckEnded(msgspec.Struct, frozen=True):
    """A check ended.

    Args:
        findings: What it found; at least one. What brought it about is marked only in the report.
        number: How many have ended, this one included.
        of: How many there are in this run.
    """

    findings: tuple[Finding, ...]
    number: int
    of: int


Event = CheckStarted | CheckEnded


async def run(
    target: Target,
    *,
    only: Collection[str] | None = None,
    documented_only: bool = False,
    clock: Clock | None = None,
    on_event: Callable[[Event], None] | None = None,
    time_max_s: float = 180.0,
    calls_max: int = 5000,
) -> Report:
    """Put a merchant's server to the test.

    Args:
        target: What is tested. A server that is down is a finding, not an error.
        only: Ids of checks or of groups; what they need runs too. All by default.
        documented_only: Whether to run only the scenarios of the documentation's sandbox page.
        clock: The time.
        on_event: Is told as checks begin and end.
        time_max_s: How long the whole may take, in seconds; what has not run by then is skipped.
        calls_max: How many requests may be sent.

    Raises:
        CannotRun: If the target makes no sense, no fresh account can be made, or `only` names what is not.

    Documentation: sandbox
    """
    look_at(target)
    checks = selected(checks_in(target.kind), only, documented_only=documented_only)
    runner = _Runner(target, checks, clock or SystemClock(), on_event, time_max_s, calls_max)
    return await runner.run()


class _Runner:
    """One run."""

    def __init__(
        self,
        target: Target,
        checks: Sequence[Check],
        clock: Clock,
        on_event: Callable[[Event], None] | None,
        time_max_s: float,
        calls_max: int,
    ) -> None:
        self._target = target
        self._checks = {check.id: check for check in checks}
        self._clock = clock
        self._on_event = on_event
        self._ends_at = clock.monotonic() + time_max_s
        self._accounts = Accounts(target)
        self._looks = envelopes.Looks()
        self._good_replies = 0
        self._begun: set[str] = set()
        self._found: dict[str, tuple[Finding, ...]] = {}
        self._behind: dict[str, asyncio.Task[None]] = {}
        self._gone: str | None = None
        self._log = get_logger("tiyin.sandbox")
        self._caller = Caller(
            allow_private=target.allow_private,
            # The key written backwards is the one that ChangePassword is tried with.
            secrets=(target.key, f"{target.login}:{target.key}", target.key[::-1]),
            clock=clock,
        )
        self._run = Run(
            target,
            self._caller,
            clock=clock,
            ids=SystemIds(),
            accounts=self._accounts,
            calls_max=calls_max,
            on_reply=self._look,
        )

    async def run(self) -> Report:
        started_ms, began = self._clock.now_ms(), self._clock.monotonic()
        try:
            await self._prepare()
            async with asyncio.TaskGroup() as behind:
                for check in self._in_turn():
                    if check.id in envelopes.IDS or (check.waits and self._may_run_behind(check)):
                        continue
                    await self._make(check)
                    self._start_behind(behind)
                self._start_behind(behind)
            for check in self._checks.values():
                await self._make(check)
        finally:
            await self._caller.close()
        findings = [finding for id_ in self._checks for finding in self._found[id_]]
        return Report(
            endpoint=self._caller.hiding.text(self._target.endpoint),
            kind=str(self._target.kind),
            started_ms=started_ms,
            took_ms=(self._clock.monotonic() - began) * 1000,
            findings=causes.mark(findings),
        )

    def _in_turn(self) -> list[Check]:
        """Order the checks as they run: with one account alone, those that pay it come last."""
        checks = list(self._checks.values())
        return sorted(checks, key=_pays) if self._accounts.scarce else checks

    async def _prepare(self) -> None:
        try:
            async with asyncio.timeout(_NEW_ACCOUNT_MAX_S):
                await self._accounts.prepare()
        except TimeoutError:
            raise CannotRun(f"A fresh account was not made within {_NEW_ACCOUNT_MAX_S:.0f} s.") from None

    def _may_run_behind(self, check: Check) -> bool:
        # One account alone cannot serve two checks at a time.
        return check.waits and not self._accounts.scarce and len(self._checks) > 1

    def _start_behind(self, behind: asyncio.TaskGroup) -> None:
        """Start the checks that wait for seconds, once the server is known to answer and their needs ran."""
        if self._gone is not None:
            for task in self._behind.values():
                task.cancel()
            return
        if not self._good_replies:
            return
        for check in self._checks.values():
            ready = all(need in self._found or need not in self._checks for need in check.needs)
            if ready and self._may_run_behind(check) and check.id not in self._begun:
                self._behind[check.id] = behind.create_task(self._make(check), name=check.id)

    async def _make(self, check: Check) -> None:
        """Run a check once, after what it needs; whatever happens, it then has findings."""
        if check.id in self._begun:
            task = self._behind.get(check.id)
            if task is not None and task is not asyncio.current_task():
                await asyncio.wait((task,))
            return
        self._begun.add(check.id)
        for need in check.needs:
            if need in self._checks:
                await self._make(self._checks[need])
        if check.alone and self._behind:
            await asyncio.wait(self._behind.values())
        self._tell(CheckStarted(check, len(self._begun), len(self._checks)))
        began = self._clock.monotonic()
        found: tuple[Finding, ...] = ()
        try:
            found = await self._findings(check, began)
        finally:
            if not found:
                # It was cancelled: the server is gone, or the whole run is.
                found = (self._skipped(check, _SERVER_GONE, began, caused_by=self._gone),)
            self._found[check.id] = found
            self._tell(CheckEnded(found, len(self._found), len(self._checks)))

    async def _findings(self, check: Check, began: float) -> tuple[Finding, ...]:
        failed = self._failed_need(check)
        if check.id in envelopes.IDS:
            return self._looked(check, began)
        if self._gone is not None:
            return (self._skipped(check, _SERVER_GONE, began, caused_by=self._gone),)
        if failed is not None:
            return (self._skipped(check, _NEED_FAILED, began, caused_by=failed),)
        if self._ends_at <= self._clock.monotonic():
            return (self._skipped(check, _TIME_IS_UP, began),)
        if not self._accounts.has(check.fresh):
            return (self._skipped(check, NO_FRESH_ACCOUNT, began),)
        good_before = self._good_replies
        found = await self._talked(check, began)
        await self._look_whether_gone(check, found, quiet=self._good_replies == good_before)
        return found

    async def _talked(self, check: Check, began: float) -> tuple[Finding, ...]:
        """Let the check talk, within what is left of the time."""
        talk = Conversation(self._run)
        skip: Text | None = None
        try:
            async with asyncio.timeout(max(self._ends_at - self._clock.monotonic(), 0.0)) as bound:
                skip = await self._body(check, talk)
                exchanges = talk.exchanges
                await talk.end()
        except TimeoutError:
            if not bound.expired():
                raise
            skip, exchanges = _TIME_IS_UP, talk.exchanges
        took_ms = (self._clock.monotonic() - began) * 1000
        blank = Finding(
            check=check.id,
            group=check.group,
            title=check.title,
            page=check.page,
            verdict=Verdict.PASS,
            exchanges=exchanges,
            took_ms=took_ms,
        )
        if talk.problems:
            return tuple(_with_problem(blank, problem) for problem in talk.problems)
        if skip is not None:
            return (msgspec.structs.replace(blank, verdict=Verdict.SKIPPED, reason=skip),)
        return (blank,)

    async def _body(self, check: Check, talk: Conversation) -> Text | None:
        """Run the check's body; return why it was skipped, if it was."""
        try:
            await check.body(talk)
        except Wrong as wrong:
            talk.note(wrong.problem)
        except Skip as skipped:
            return skipped.reason
        except Exception as error:  # noqa: BLE001 - a check that breaks is a finding, the run goes on
            word = _unwrapped(error)
            if isinstance(word, Wrong):
                talk.note(word.problem)
            elif isinstance(word, Skip):
                return word.reason
            else:
                self._log.exception("a check of the sandbox failed", check=check.id)
                talk.note(Problem(CHECK_BROKEN, "the check comes to its end", type(error).__name__))
        return None

    def _looked(self, check: Check, began: float) -> tuple[Finding, ...]:
        if not self._looks.replies:
            return (self._skipped(check, _NO_ANSWERS, began, caused_by=self._gone),)
        blank = self._blank(check, began)
        problems = self._looks.problems_of(check.id)
        return tuple(
            msgspec.structs.replace(_with_problem(blank, problem), exchanges=(exchange,))
            for problem, exchange in problems
        ) or (blank,)

    def _look(self, reply: Reply, answer: Answer, asked: Mapping[str, Any]) -> None:
        if reply.body is not None:
            self._good_replies += 1
        self._looks.look(reply, answer, asked, hide=self._caller.hiding.told)

    def _failed_need(self, check: Check) -> str | None:
        """Return the check that this one cannot do without and that failed, led back to the first of them."""
        for need in check.needs:
            for finding in self._found.get(need, ()):
                if finding.verdict is Verdict.FAIL:
                    return need
                if finding.verdict is Verdict.SKIPPED and finding.caused_by is not None:
                    return finding.caused_by
        return None

    async def _look_whether_gone(self, check: Check, found: Sequence[Finding], *, quiet: bool) -> None:
        """Find out whether the server can be talked to at all, where a check ended without any good answer.

        A server may well be silent or odd to wrong requests alone; so it is asked once as it should be.
        """
        kinds = {finding.problem.kind for finding in found if finding.problem is not None}
        if not quiet or not kinds & FATAL:
            return
        probe = Conversation(self._run)
        try:
            async with asyncio.timeout(max(self._ends_at - self._clock.monotonic(), 0.0)):
                await probe.call(
                    "CheckPerformTransaction",
                    {"amount": self._target.amount_tiyin, "account": dict(self._target.account)},
                )
        except (Wrong, TimeoutError):
            self._gone = check.id
        except Skip:
            return

    def _blank(self, check: Check, began: float) -> Finding:
        return Finding(
            check=check.id,
            group=check.group,
            title=check.title,
            page=check.page,
            verdict=Verdict.PASS,
            took_ms=(self._clock.monotonic() - began) * 1000,
        )

    def _skipped(self, check: Check, reason: Text, began: float, *, caused_by: str | None = None) -> Finding:
        return msgspec.structs.replace(
            self._blank(check, began), verdict=Verdict.SKIPPED, reason=reason, caused_by=caused_by
        )

    def _tell(self, event: Event) -> None:
        if self._on_event is None:
            return
        try:
            self._on_event(event)
        except Exception:  # noqa: BLE001 - the run does not depend on who watches it
            self._log.exception("whoever watches a run of the sandbox failed")


def _pays(check: Check) -> bool:
    return _PERFORMS in check.needs


def _with_problem(blank: Finding, problem: Problem) -> Finding:
    verdict = Verdict.FAIL if problem.kind.severity is Severity.FAIL else Verdict.WARN
    return msgspec.structs.replace(blank, verdict=verdict, problem=problem)


def _unwrapped(error: Exception) -> BaseException:
    """Return what a task group of a check raised, if that is one of the words that end a check."""
    while isinstance(error, ExceptionGroup):
        words = [one for one in error.exceptions if isinstance(one, Wrong | Skip | ExceptionGroup)]
        if len(words) < len(error.exceptions) or not words:
            break
        error = words[0]
    return error
