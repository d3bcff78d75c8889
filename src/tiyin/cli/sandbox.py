"""`tiyin sandbox`: is a merchant's server right? Exit code 0 yes, 1 no, 2 it could not be run."""

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text as Styled

from tiyin.cli.ending import FINDINGS, stop
from tiyin.cli.sandbox_report import SIGNS, print_report
from tiyin.protocol.hidden import rich_repr
from tiyin.protocol.values import Language
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.options import read_lang, read_only, read_target
from tiyin.sandbox.problems import CannotRun
from tiyin.sandbox.registry import checks_in
from tiyin.sandbox.reports import html_report, json_report, junit_report
from tiyin.sandbox.reports.showing import group_title, verdict_of
from tiyin.sandbox.runner import CheckEnded, CheckStarted, Event
from tiyin.sandbox.runner import run as run_checks
from tiyin.sandbox.target import AccountKind, Target
from tiyin.sandbox.words import VERDICTS

__all__ = ["Options", "Reports", "list_checks", "run"]

_WIDTH_MAX: Final = 110
_PLAIN_WIDTH: Final = 100
"""Of a log, which has no width of its own."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tested, as it was written; see `tiyin.sandbox.options.read_target`."""

    endpoint: str | None
    key: str | None
    account: list[str]
    amount: int | None
    login: str
    kind: str
    new_account_cmd: str | None
    timeout_ms: int
    change_password: bool

    def __repr__(self) -> str:
        return f"Options({self.endpoint!r}, key hidden)"

    __rich_repr__ = rich_repr


class Reports(msgspec.Struct, frozen=True, kw_only=True):
    """The files to be written, or None."""

    junit: Path | None = None
    json: Path | None = None
    html: Path | None = None

    def chosen(self) -> list[tuple[str, Path, Callable[[Report, Language], bytes]]]:
        """Return those that are wanted: the option's name, the file, and what writes it."""
        every = (
            ("--junit", self.junit, junit_report.render),
            ("--json", self.json, json_report.render),
            ("--html", self.html, html_report.render),
        )
        return [(option, path, render) for option, path, render in every if path is not None]


def run(options: Options, reports: Reports, *, lang: str, only: list[str], documented: bool) -> None:
    """Run the checks, show and write what they found, and end with the code.

    Args:
        options: What is tested.
        reports: The files to be written.
        lang: The language of everything shown.
        only: Ids of checks or groups; all if empty.
        documented: Whether to make the documentation's own two scenarios alone.
    """
    _survive_any_letter()
    try:
        language = read_lang(lang)
        target = read_target(**msgspec.structs.asdict(options))
    except CannotRun as reason:
        stop(str(reason))
    for option, path, _ in reports.chosen():
        _try_to_write(option, path)
    console = _console()
    try:
        report = _run(console, target, read_only(only), language, documented=documented)
    except CannotRun as reason:
        stop(str(reason))
    except KeyboardInterrupt:
        stop("Stopped before the end: nothing was reported.")
    print_report(console, report, language)
    for option, path, render in reports.chosen():
        try:
            path.write_bytes(render(report, language))
        except OSError as error:
            stop(f"{option} {path} cannot be written ({error.strerror or error}).")
        console.print(f"{option[2:].upper()}: {path}", style="dim", markup=False)
    if not report.passed:
        raise SystemExit(FINDINGS)


def list_checks(*, kind: str, lang: str) -> None:
    """Print all checks of a kind of account, by group.

    Args:
        kind: `one-time` or `accumulating`.
        lang: In which language.
    """
    _survive_any_letter()
    try:
        language = read_lang(lang)
    except CannotRun as reason:
        stop(str(reason))
    if kind not in set(AccountKind):
        stop(f"--kind must be one-time or accumulating, not {kind!r}.")
    console = _console()
    checks = checks_in(AccountKind(kind))
    width = max((len(one.id) for one in checks), default=0)
    group = ""
    for one in checks:
        if one.group != group:
            group = one.group
            console.print(Styled(f"\n{group_title(group, language)}", style="bold"))
        line = Styled(f"  {one.id:<{width}}  ", style="dim")
        console.print(line.append(one.title.in_language(language), style="not dim"), soft_wrap=True)
    console.print(f"\n{len(checks)} · tiyin sandbox run --only ID", style="dim", markup=False)


def _run(
    console: Console, target: Target, only: frozenset[str] | None, language: Language, *, documented: bool
) -> Report:
    """Run with progress: a line that moves in a terminal, a line a check elsewhere."""
    if not console.is_terminal:

        def tell(event: Event) -> None:
            if isinstance(event, CheckEnded):
                console.print(_line(event, language), soft_wrap=True)

        return asyncio.run(run_checks(target, only=only, documented_only=documented, on_event=tell))
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("{task.fields[found]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task("", total=None, found="")
        counted = dict.fromkeys(Verdict, 0)

        def move(event: Event) -> None:
            if isinstance(event, CheckStarted):
                progress.update(bar, description=event.check.id, total=event.of)
                return
            counted[verdict_of(event.findings)] += 1
            found = ", ".join(
                f"{VERDICTS[verdict].in_language(language)}: {counted[verdict]}"
                for verdict in (Verdict.FAIL, Verdict.WARN)
                if counted[verdict]
            )
            progress.update(bar, completed=event.number, total=event.of, found=found)

        return asyncio.run(run_checks(target, only=only, documented_only=documented, on_event=move))


def _line(event: CheckEnded, language: Language) -> Styled:
    findings = event.findings
    verdict = verdict_of(findings)
    word, style = SIGNS[verdict]
    number = f"{event.number:>{len(str(event.of))}}/{event.of}"
    line = Styled(f"{number}  ", style="dim").append(f"{word:<4}", style=f"not dim {style}")
    line.append(f"  {findings[0].check}  ", style="not dim")
    return line.append(
        _said(next(one for one in findings if one.verdict is verdict), language), style="not dim"
    )


def _said(finding: Finding, language: Language) -> str:
    if finding.problem is not None:
        return finding.problem.kind.title.in_language(language)
    title = finding.title.in_language(language)
    return title if finding.reason is None else f"{title}: {finding.reason.in_language(language)}"


def _console() -> Console:
    console = Console(highlight=False)
    return Console(
        highlight=False, width=min(console.width, _WIDTH_MAX) if console.is_terminal else _PLAIN_WIDTH
    )


def _survive_any_letter() -> None:
    """Let an output that cannot carry a letter show a question mark instead of ending in a traceback."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")


def _try_to_write(option: str, path: Path) -> None:
    """Find out before the run that a file cannot be written; what stands there stays until the end."""
    there = path.exists()
    try:
        path.open("ab").close()
    except OSError as error:
        stop(f"{option} {path} cannot be written ({error.strerror or error}).")
    if not there:
        path.unlink()
