"""What can be wrong with a merchant's server: kinds of problems, each explained once in three languages.

A kind is declared beside the checks that find it, and collected here. `explained_by` names the kinds that
bring this one about: where one of those was found in the same run, this one is marked as caused by it.
"""

from enum import StrEnum
from typing import Final

import msgspec

from tiyin.protocol.values import Text

__all__ = ["KINDS", "CannotRun", "Kind", "Problem", "Severity", "Skip", "Wrong", "kind"]


class Severity(StrEnum):
    """How bad it is: `fail` where the documentation forbids it, `warn` where it is merely loose."""

    FAIL = "fail"
    WARN = "warn"


class Kind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of problem.

    Args:
        code: Its lasting name: lower-case words joined by `-`.
        severity: How bad it is.
        page: The page of the documentation that it offends, such as `merchant-api/CreateTransaction`.
        title: What is wrong, in one short sentence.
        why: Why it matters: what the documentation says and what happens to money otherwise.
        mend: What to do.
        explained_by: Codes of the kinds that bring it about.
    """

    code: str
    severity: Severity
    page: str
    title: Text
    why: Text
    mend: Text
    explained_by: tuple[str, ...] = ()


KINDS: Final[dict[str, Kind]] = {}
"""All kinds that were declared, by their codes."""


def kind(
    code: str,
    severity: Severity,
    page: str,
    *,
    title: Text,
    why: Text,
    mend: Text,
    explained_by: tuple[str, ...] = (),
) -> Kind:
    """Declare a kind of problem; arguments are those of `Kind`.

    Raises:
        ValueError: If the code is taken.
    """
    if code in KINDS:
        raise ValueError(f"the kind {code} is declared twice")
    made = Kind(
        code=code,
        severity=severity,
        page=page,
        title=title,
        why=why,
        mend=mend,
        explained_by=explained_by,
    )
    KINDS[code] = made
    return made


class Problem(msgspec.Struct, frozen=True):
    """A problem that was met.

    Args:
        kind: What kind it is.
        expected: What should have come, in technical words that are the same in every language
            (`error.code -31008`, `HTTP 200`).
        got: What came instead.
    """

    kind: Kind
    expected: str
    got: str


class Wrong(Exception):
    """A check found a problem that ends it.

    Args:
        kind: What kind it is.
        expected: What should have come.
        got: What came instead.
    """

    def __init__(self, kind: Kind, *, expected: str, got: str) -> None:
        super().__init__(f"{kind.code}: expected {expected}, got {got}")
        self.problem = Problem(kind, expected, got)


class Skip(Exception):
    """A check cannot be made here; the reason is for people.

    Args:
        reason: Why, in three languages.
    """

    def __init__(self, reason: Text) -> None:
        super().__init__(reason.en)
        self.reason = reason


class CannotRun(Exception):
    """The run cannot be made at all (exit code 2); the message is one sentence that says why."""
