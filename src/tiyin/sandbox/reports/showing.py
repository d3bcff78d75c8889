"""How findings and exchanges are shown, whatever the report: grouped, pretty, bounded, and safe to write."""

import contextlib
import re
from collections.abc import Sequence
from typing import Final

import msgspec

from tiyin.protocol.values import Language
from tiyin.sandbox.exchange import Exchange
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.groups import GROUPS
from tiyin.sandbox.words import FAILURES, say, took

__all__ = [
    "Cause",
    "causes",
    "clean",
    "explanation",
    "failure_words",
    "group_title",
    "pretty",
    "short",
    "transcript",
    "verdict_of",
]

SHOWN_MAX: Final = 20_000
"""Of a longer body the beginning is shown; bytes."""
_SHORT_MAX: Final = 300
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff\u202a-\u202e\u2066-\u2069]")
_ORDER: Final = (Verdict.FAIL, Verdict.WARN, Verdict.PASS, Verdict.SKIPPED)


class Cause(msgspec.Struct, frozen=True):
    """A primary problem and what follows from it.

    Args:
        finding: The primary finding.
        consequences: Findings that it brought about: failed, warned or skipped.
    """

    finding: Finding
    consequences: tuple[Finding, ...]


def causes(report: Report) -> tuple[Cause, ...]:
    """Group a run's problems: failures first, then warnings, each in the order of the run.

    Args:
        report: The run.
    """
    primary = sorted(report.primary, key=lambda one: _ORDER.index(one.verdict))
    known = {one.check for one in primary}
    # What names a cause that is no problem of this run stands for itself: nothing found may be lost.
    lost = [
        one
        for one in report.findings
        if one.problem is not None and one.caused_by is not None and one.caused_by not in known
    ]
    told: set[str] = set()
    grouped = []
    for one in (*primary, *lost):
        follow: tuple[Finding, ...] = ()
        if one.check not in told and one.caused_by is None:
            follow = tuple(other for other in report.findings if other.caused_by == one.check)
            told.add(one.check)
        grouped.append(Cause(one, follow))
    return tuple(grouped)


def verdict_of(findings: Sequence[Finding]) -> Verdict:
    """Return the verdict of a check that has several findings: the worst of them.

    Args:
        findings: All findings of one check, at least one.
    """
    return min((one.verdict for one in findings), key=_ORDER.index)


def group_title(group: str, language: Language) -> str:
    """Return a group's title, or its id where it has none.

    Args:
        group: The group's id.
        language: In which language.
    """
    title = GROUPS.get(group)
    return group if title is None else title.in_language(language)


def clean(text: str) -> str:
    """Make a text safe to write: control characters and what turns writing around become U+FFFD.

    Args:
        text: Any text; a server chose parts of it.
    """
    return _CONTROL.sub("\ufffd", text.encode("utf-8", "replace").decode())


def pretty(body: bytes, language: Language) -> str:
    """Show a body: JSON with indents, other text as it is, the rest as far as it can be read.

    Args:
        body: The body.
        language: Of the words about what is left out.
    """
    if not body:
        return say("empty_body", language)
    if len(body) <= SHOWN_MAX:
        with contextlib.suppress(msgspec.DecodeError, ValueError, RecursionError):
            body = msgspec.json.format(body, indent=2)
    shown = clean(body[:SHOWN_MAX].decode("utf-8", "replace"))
    more = len(body) - SHOWN_MAX
    return shown if more <= 0 else f"{shown}\n… {more} {say('more_bytes', language)}"


def failure_words(exchange: Exchange, language: Language) -> str:
    """Say why nothing whole was answered.

    Args:
        exchange: An exchange that failed.
        language: In which language.
    """
    said = (
        say("no_answer", language)
        if exchange.failure is None
        else FAILURES[exchange.failure].in_language(language)
    )
    return f"{said} ({clean(exchange.detail)})" if exchange.detail else said


def short(exchange: Exchange, language: Language, length_max: int = _SHORT_MAX) -> tuple[str, str]:
    """Show an exchange in two lines: what was asked, what was answered.

    Args:
        exchange: The exchange.
        language: Of the words.
        length_max: How long each may be, in characters.
    """
    asked = f"{exchange.method} {_line(exchange.body)}".strip()
    if exchange.answer is None:
        answered = failure_words(exchange, language)
    else:
        answered = f"HTTP {exchange.answer.status} {_line(exchange.answer.body)}".strip()
    return tuple(  # type: ignore[return-value] # two stay two
        line if len(line) <= length_max else line[: length_max - 1] + "…" for line in (asked, answered)
    )


def _line(body: bytes) -> str:
    return " ".join(clean(body[: 4 * _SHORT_MAX].decode("utf-8", "replace")).split())


def explanation(finding: Finding, language: Language) -> list[tuple[str, str]]:
    """Return a finding's facts, as names and values in the order in which a person reads them.

    Args:
        finding: The finding.
        language: In which language.
    """
    rows: list[tuple[str, str]] = []
    if finding.problem is not None:
        of = finding.problem.kind
        rows += [
            (say("expected", language), clean(finding.problem.expected)),
            (say("got", language), clean(finding.problem.got)),
            (say("why", language), of.why.in_language(language)),
            (say("mend", language), of.mend.in_language(language)),
        ]
    if finding.reason is not None:
        rows.append((say("reason", language), clean(finding.reason.in_language(language))))
    page = finding.page if finding.problem is None else finding.problem.kind.page
    rows.append((say("page", language), page))
    if finding.caused_by is not None:
        rows.append((say("caused_by", language), finding.caused_by))
    return rows


def transcript(exchanges: Sequence[Exchange], language: Language) -> str:
    """Write exchanges as plain text, one under another.

    Args:
        exchanges: The exchanges.
        language: Of the words.
    """
    parts = []
    for number, one in enumerate(exchanges, 1):
        lines = [f"--- {number} · {took(one.took_ms, language)}", f"> {clean(f'{one.method} {one.url}')}"]
        lines += [f"> {clean(f'{name}: {value}')}" for name, value in one.headers]
        lines += ["", pretty(one.body, language), ""]
        if one.answer is None:
            lines.append(f"< {failure_words(one, language)}")
        else:
            lines.append(f"< HTTP {one.answer.status}")
            lines += [f"< {clean(f'{name}: {value}')}" for name, value in one.answer.headers]
            lines += ["", pretty(one.answer.body, language)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)
