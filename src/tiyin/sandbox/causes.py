"""Which problem brought which about, so that a report shows one cause and not its sixty effects."""

from collections.abc import Sequence

import msgspec

from tiyin.sandbox.findings import Finding

__all__ = ["mark"]


def mark(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Mark each finding that another one explains with the check of the primary finding.

    A problem is explained by the first finding of the same kind, else by the first finding of a kind that its
    kind names in `explained_by`, wherever in the run that stands. A finding that was skipped because a check
    failed (its `caused_by` names that check) is led on to what explains that check.

    Args:
        findings: All findings of a run, in order.

    Returns:
        The same findings in the same order, `caused_by` always naming the check of a primary finding.
    """
    return tuple(_Marking(findings).marked())


class _Marking:
    """One run's findings, by index."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self._findings = findings
        self._first_of_kind: dict[str, int] = {}
        self._first_problem_of_check: dict[str, int] = {}
        self._first_of_check: dict[str, int] = {}
        for index, finding in enumerate(findings):
            self._first_of_check.setdefault(finding.check, index)
            if finding.problem is not None:
                self._first_of_kind.setdefault(finding.problem.kind.code, index)
                self._first_problem_of_check.setdefault(finding.check, index)

    def marked(self) -> list[Finding]:
        marked = []
        for index, finding in enumerate(self._findings):
            primary = self._primary(index)
            cause = None
            if primary != index:
                cause = self._findings[primary].check
            elif finding.problem is None:
                # Skipped for a check that is not in the run's findings: all that is known is its name.
                cause = finding.caused_by
            marked.append(msgspec.structs.replace(finding, caused_by=cause))
        return marked

    def _primary(self, index: int) -> int:
        """Follow the causes to their end; in a circle the earliest of it is primary for all."""
        path = [index]
        while (cause := self._cause(path[-1])) is not None:
            if cause in path:
                return min(path[path.index(cause) :])
            path.append(cause)
        return path[-1]

    def _cause(self, index: int) -> int | None:
        finding = self._findings[index]
        if finding.problem is None:
            if finding.caused_by is None:
                return None
            problem = self._first_problem_of_check.get(finding.caused_by)
            return self._first_of_check.get(finding.caused_by) if problem is None else problem
        kind = finding.problem.kind
        first = self._first_of_kind[kind.code]
        if first != index:
            return first
        explaining = [self._first_of_kind[code] for code in kind.explained_by if code in self._first_of_kind]
        return min((one for one in explaining if one != index), default=None)
