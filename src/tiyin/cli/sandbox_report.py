"""A run of the sandbox in a terminal: what is wrong first, what follows from it beneath, what to do last."""

from typing import Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text as Styled

from tiyin.protocol.values import Language
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.reports.showing import Cause, causes, clean, explanation, short
from tiyin.sandbox.words import VERDICTS, last_word, say, summary, took

__all__ = ["SIGNS", "print_report"]

SIGNS: Final = {
    Verdict.PASS: ("ok", "green"),
    Verdict.WARN: ("warn", "yellow"),
    Verdict.FAIL: ("FAIL", "bold red"),
    Verdict.SKIPPED: ("skip", "dim"),
}
"""A short word of four letters at most and a style: the word alone says it, without colour."""
_CONSEQUENCES_MAX: Final = 12
_STYLES: Final = {
    "failed": "bold red",
    "nothing": "yellow",
    "passed_warned": "yellow",
    "passed_all": "bold green",
}


def print_report(console: Console, report: Report, language: Language) -> None:
    """Print a run.

    Args:
        console: Where to.
        report: The run.
        language: In which language.
    """
    for cause in causes(report):
        console.print()
        _print_cause(console, cause, language)
    _print_reasons(console, report, language)
    counted = ", ".join(
        f"{VERDICTS[verdict].in_language(language)}: {report.count(verdict)}"
        for verdict in (Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.SKIPPED)
    )
    console.print()
    console.print(f"{counted} · {took(report.took_ms, language)}", markup=False)
    ended = summary(report)
    line = Styled(f"{say(ended, language)}. ", style=_STYLES[ended])
    console.print(line.append(clean(last_word(report, language)), style="not bold default"))


def _print_cause(console: Console, cause: Cause, language: Language) -> None:
    finding = cause.finding
    assert finding.problem is not None  # noqa: S101 - a cause has one
    word, style = SIGNS[finding.verdict]
    head = Styled(f"{word:<4}  ", style=style)
    head.append(finding.problem.kind.title.in_language(language), style="not dim bold default")
    console.print(head)
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="dim", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row(say("check", language), Styled(f"{finding.check} ({finding.problem.kind.code})"))
    for name, value in explanation(finding, language):
        rows.add_row(name, Styled(value))
    if finding.exchanges:
        asked, answered = short(finding.exchanges[-1], language)
        rows.add_row(say("request", language), Styled(asked))
        rows.add_row(say("answer", language), Styled(answered))
    console.print(Padding(rows, (0, 0, 0, 6)))
    if cause.consequences:
        console.print(Padding(_consequences(cause.consequences, language), (0, 0, 0, 6)))


def _consequences(consequences: tuple[Finding, ...], language: Language) -> Table:
    """List what follows from a problem; of a long list the beginning, the files have all."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("", Styled(f"{say('consequences', language)}: {len(consequences)}", style="dim"))
    for one in consequences[:_CONSEQUENCES_MAX]:
        word, style = SIGNS[one.verdict]
        title = one.title if one.problem is None else one.problem.kind.title
        line = Styled(f"{word:<4}  ", style=style)
        line.append(f"{one.check}  ", style="not bold not dim default")
        table.add_row("", line.append(title.in_language(language), style="not bold default"))
    more = len(consequences) - _CONSEQUENCES_MAX
    if more > 0:
        table.add_row("", Styled(f"… +{more}", style="dim"))
    return table


def _print_reasons(console: Console, report: Report, language: Language) -> None:
    """Say why checks were skipped that no problem explains: each reason once, with how many it held back."""
    reasons: dict[str, int] = {}
    for one in report.findings:
        if one.verdict is Verdict.SKIPPED and one.caused_by is None and one.reason is not None:
            reason = clean(one.reason.in_language(language))
            reasons[reason] = reasons.get(reason, 0) + 1
    if reasons:
        console.print()
    for reason, count in reasons.items():
        word, style = SIGNS[Verdict.SKIPPED]
        console.print(Styled(f"{word:<4}  {count} × ", style=style).append(reason, style="not dim"))
