"""Findings and exchanges as the templates show them: in the page's language, bodies bounded and safe."""

import msgspec

from tiyin.protocol.values import Language
from tiyin.sandbox.curl import curl
from tiyin.sandbox.exchange import Exchange, Headers
from tiyin.sandbox.findings import Finding, Verdict
from tiyin.sandbox.reports.showing import clean, failure_words, group_title, pretty
from tiyin.sandbox.words import VERDICTS, took
from tiyin.web.sandbox.runs import SandboxRun

__all__ = ["ExchangeView", "FindingView", "GroupView", "RowView", "finding_view", "groups_of", "row_view"]

BADGES = {Verdict.PASS: "good", Verdict.WARN: "wait", Verdict.FAIL: "bad", Verdict.SKIPPED: ""}


class ExchangeView(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its answer, side by side.

    Args:
        request: The request's first line.
        method: The JSON-RPC method, or empty.
        headers: What was sent.
        body: What was sent, with indents.
        status: The answer's first line, or why there is none.
        answered: Whether there is an answer.
        answer_headers: What came.
        answer_body: What came, with indents.
        took: How long it took.
        curl: A command that sends it again, or None.
    """

    request: str
    method: str
    headers: tuple[tuple[str, str], ...]
    body: str
    status: str
    answered: bool
    answer_headers: tuple[tuple[str, str], ...]
    answer_body: str
    took: str
    curl: str | None


class RowView(msgspec.Struct, frozen=True, kw_only=True):
    """A finding in a list.

    Args:
        index: Its place in the run.
        verdict: `pass`, `warn`, `fail` or `skipped`.
        badge: The badge's kind.
        word: The verdict in a word.
        title: What was checked.
        told: What was wrong, or why it was skipped; may be empty.
        group: The group's title.
        took: How long it took.
        primary: Whether it is a problem that nothing else in the run explains.
    """

    index: int
    verdict: str
    badge: str
    word: str
    title: str
    told: str
    group: str
    took: str
    primary: bool


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """A finding, whole.

    Args:
        row: As in a list.
        check: The check's id.
        page: The page of the documentation.
        expected: What should have come; empty where nothing is wrong.
        got: What came.
        why: Why it matters.
        mend: What to do.
        reason: Why it was skipped; may be empty.
        cause: The index and the title of the finding that brought it about, or None.
        exchanges: What was sent and answered.
    """

    row: RowView
    check: str
    page: str
    expected: str
    got: str
    why: str
    mend: str
    reason: str
    cause: tuple[int, str] | None
    exchanges: tuple[ExchangeView, ...]


class GroupView(msgspec.Struct, frozen=True):
    """The findings of one group, in a list.

    Args:
        title: The group's title.
        rows: Its findings.
    """

    title: str
    rows: tuple[RowView, ...]


def row_view(index: int, finding: Finding, language: Language) -> RowView:
    """Return a finding as a list shows it.

    Args:
        index: Its place in the run.
        finding: The finding.
        language: The page's language.
    """
    told = ""
    if finding.problem is not None:
        told = finding.problem.kind.title.in_language(language)
    elif finding.reason is not None:
        told = finding.reason.in_language(language)
    return RowView(
        index=index,
        verdict=finding.verdict.value,
        badge=BADGES[finding.verdict],
        word=VERDICTS[finding.verdict].in_language(language),
        title=finding.title.in_language(language),
        told=clean(told),
        group=group_title(finding.group, language),
        took=took(finding.took_ms, language),
        primary=finding.problem is not None and finding.caused_by is None,
    )


def groups_of(run: SandboxRun, language: Language) -> tuple[GroupView, ...]:
    """Return a run's findings by group, in the order in which the groups first appear.

    Args:
        run: The run.
        language: The page's language.
    """
    rows: dict[str, list[RowView]] = {}
    for index, finding in enumerate(run.findings):
        rows.setdefault(finding.group, []).append(row_view(index, finding, language))
    return tuple(GroupView(group_title(group, language), tuple(of)) for group, of in rows.items())


def finding_view(run: SandboxRun, index: int, language: Language) -> FindingView:
    """Return a finding whole.

    Args:
        run: The run.
        index: The finding's place in it.
        language: The page's language.
    """
    finding = run.findings[index]
    problem = finding.problem
    return FindingView(
        row=row_view(index, finding, language),
        check=finding.check,
        page=finding.page if problem is None else problem.kind.page,
        expected="" if problem is None else clean(problem.expected),
        got="" if problem is None else clean(problem.got),
        why="" if problem is None else problem.kind.why.in_language(language),
        mend="" if problem is None else problem.kind.mend.in_language(language),
        reason="" if finding.reason is None else clean(finding.reason.in_language(language)),
        cause=_cause(run, finding, language),
        exchanges=tuple(_exchange(one, language) for one in finding.exchanges),
    )


def _cause(run: SandboxRun, finding: Finding, language: Language) -> tuple[int, str] | None:
    for index, other in enumerate(run.findings):
        if other.check == finding.caused_by and other is not finding:
            return index, other.title.in_language(language)
    return None


def _exchange(one: Exchange, language: Language) -> ExchangeView:
    answer = one.answer
    return ExchangeView(
        request=clean(f"{one.method} {one.url}"),
        method=_method(one.body),
        headers=_clean_headers(one.headers),
        body=pretty(one.body, language),
        status=failure_words(one, language) if answer is None else f"HTTP {answer.status}",
        answered=answer is not None,
        answer_headers=() if answer is None else _clean_headers(answer.headers),
        answer_body="" if answer is None else pretty(answer.body, language),
        took=took(one.took_ms, language),
        curl=curl(one),
    )


def _method(body: bytes) -> str:
    try:
        method = msgspec.json.decode(body, type=_Named).method
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return ""
    return clean(method[:64])


class _Named(msgspec.Struct):
    method: str = ""


def _clean_headers(headers: Headers) -> tuple[tuple[str, str], ...]:
    return tuple((clean(name), clean(value)) for name, value in headers)
