"""A run as one HTML file that stands alone: no script, nothing from elsewhere, prints well."""

from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup

from tiyin.protocol.values import Language
from tiyin.runtime.tashkent import TASHKENT
from tiyin.sandbox.curl import curl
from tiyin.sandbox.exchange import Exchange
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.groups import GROUPS
from tiyin.sandbox.reports.showing import causes, clean, failure_words, group_title, pretty, verdict_of
from tiyin.sandbox.words import KINDS_OF_ACCOUNT, VERDICTS, last_word, say, summary, took

__all__ = ["render"]

_HERE: Final = Path(__file__).parent
_TONES: Final = {"failed": "bad", "nothing": "wait", "passed_warned": "wait", "passed_all": "good"}
_COUNTED: Final = (Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.SKIPPED)


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_HERE), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template("report.html")


def render(report: Report, language: Language) -> bytes:
    """Write a run as an HTML page; every text in it is escaped.

    Args:
        report: The run.
        language: In which language.
    """
    anchored: set[str] = set()
    cards = [
        (
            _finding(cause.finding, language, anchor=_once(cause.finding.check, anchored)),
            [_finding(one, language) for one in cause.consequences],
        )
        for cause in causes(report)
    ]
    ended = summary(report)
    kind = KINDS_OF_ACCOUNT.get(report.kind)
    page = _template().render(
        language=language,
        word=lambda name: say(name, language),
        verdicts={verdict: text.in_language(language) for verdict, text in VERDICTS.items()},
        css=Markup((_HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - our own file
        headline=say(ended, language),
        tone=_TONES[ended],
        next=clean(last_word(report, language)),
        counts=[(verdict, report.count(verdict)) for verdict in _COUNTED],
        endpoint=clean(report.endpoint),
        kind=report.kind if kind is None else kind.in_language(language),
        started=datetime.fromtimestamp(report.started_ms / 1000, TASHKENT).strftime("%d.%m.%Y %H:%M"),
        took=took(report.took_ms, language),
        sections=[
            ("problems", [card for card in cards if card[0]["verdict"] is Verdict.FAIL]),
            ("warnings", [card for card in cards if card[0]["verdict"] is not Verdict.FAIL]),
        ],
        groups=_groups(report, language, {card[0]["check"] for card in cards}),
    )
    return page.encode()


def _once(check: str, anchored: set[str]) -> str | None:
    """Return the check's id for its first card alone: an anchor stands once in a page."""
    if check in anchored:
        return None
    anchored.add(check)
    return check


def _groups(report: Report, language: Language, told: set[str]) -> list[tuple[str, list[dict[str, Any]]]]:
    """Collect all checks by group; the exchanges of those that have a card already are not shown twice."""
    by_group: dict[str, dict[str, list[Finding]]] = {group: {} for group in GROUPS}
    for finding in report.findings:
        by_group.setdefault(finding.group, {}).setdefault(finding.check, []).append(finding)
    groups = []
    for group, of_group in by_group.items():
        checks = [
            {
                "check": check,
                "verdict": verdict_of(findings),
                "took": took(max(one.took_ms for one in findings), language),
                "told": check in told,
                "findings": [_finding(one, language) for one in findings],
            }
            for check, findings in of_group.items()
        ]
        if checks:
            groups.append((group_title(group, language), checks))
    return groups


def _finding(finding: Finding, language: Language, anchor: str | None = None) -> dict[str, Any]:
    problem = finding.problem
    told: dict[str, Any] = {
        "check": finding.check,
        "anchor": anchor,
        "title": finding.title.in_language(language),
        "verdict": finding.verdict,
        "page": finding.page,
        "problem": None,
        "reason": None if finding.reason is None else clean(finding.reason.in_language(language)),
        "caused_by": finding.caused_by,
        "exchanges": [_exchange(one, language) for one in finding.exchanges],
    }
    if problem is not None:
        told |= {
            "code": problem.kind.code,
            "page": problem.kind.page,
            "problem": problem.kind.title.in_language(language),
            "expected": clean(problem.expected),
            "got": clean(problem.got),
            "why": problem.kind.why.in_language(language),
            "mend": problem.kind.mend.in_language(language),
        }
    return told


def _exchange(exchange: Exchange, language: Language) -> dict[str, Any]:
    answer = exchange.answer
    command = curl(exchange)
    return {
        "method": clean(exchange.method),
        "url": clean(exchange.url),
        "headers": [(clean(name), clean(value)) for name, value in exchange.headers],
        "body": pretty(exchange.body, language),
        "status": say("no_answer", language) if answer is None else f"HTTP {answer.status}",
        "took": took(exchange.took_ms, language),
        "answered": answer is not None,
        "answer_headers": [] if answer is None else [(clean(n), clean(v)) for n, v in answer.headers],
        "answer_body": "" if answer is None else pretty(answer.body, language),
        "failure": "" if answer is not None else failure_words(exchange, language),
        "curl": None if command is None else clean(command),
    }
