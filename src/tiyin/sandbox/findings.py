"""What a run says of each check."""

from enum import StrEnum

import msgspec

from tiyin.protocol.values import Text
from tiyin.sandbox.exchange import Exchange
from tiyin.sandbox.problems import Problem

__all__ = ["Finding", "Report", "Verdict"]


class Verdict(StrEnum):
    """How a check ended."""

    PASS = "pass"  # noqa: S105 - a verdict, no password
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One check's end. A check that warned more than once has a finding for each problem.

    Args:
        check: The check's id.
        group: The id of the group it stands in, such as `create`.
        title: What it checks.
        page: The page of the documentation that it comes from.
        verdict: How it ended.
        problem: What was wrong (fail, warn), or None.
        reason: Why it was skipped, or None.
        caused_by: The check whose finding brought this one about, or None for a primary finding.
        exchanges: What was sent and answered, in order; of a long row the ends.
        took_ms: How long it took, in milliseconds.
    """

    check: str
    group: str
    title: Text
    page: str
    verdict: Verdict
    problem: Problem | None = None
    reason: Text | None = None
    caused_by: str | None = None
    exchanges: tuple[Exchange, ...] = ()
    took_ms: float = 0.0


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    Args:
        endpoint: What was tested.
        kind: The kind of account.
        started_ms: When it began, in milliseconds since 1970.
        took_ms: How long it took, in milliseconds.
        findings: In the order of the checks.
    """

    endpoint: str
    kind: str
    started_ms: int
    took_ms: float
    findings: tuple[Finding, ...]

    def count(self, verdict: Verdict) -> int:
        """Count the findings of one verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)

    @property
    def passed(self) -> bool:
        """Whether nothing failed; warnings are allowed."""
        return not self.count(Verdict.FAIL)

    @property
    def primary(self) -> tuple[Finding, ...]:
        """The problems that nothing else in the run explains."""
        return tuple(one for one in self.findings if one.problem is not None and one.caused_by is None)
