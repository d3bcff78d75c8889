"""Which finding explains which."""

import pytest

from tiyin.protocol.values import Text
from tiyin.sandbox.causes import mark
from tiyin.sandbox.findings import Finding, Verdict
from tiyin.sandbox.problems import Kind, Problem, Severity

T = Text.same("t")


def kind(code: str, *explained_by: str) -> Kind:
    return Kind(
        code=code, severity=Severity.FAIL, page="p", title=T, why=T, mend=T, explained_by=explained_by
    )


def failed(check: str, of: Kind) -> Finding:
    return Finding(
        check=check, group="g", title=T, page="p", verdict=Verdict.FAIL, problem=Problem(of, "x", "y")
    )


def passed(check: str) -> Finding:
    return Finding(check=check, group="g", title=T, page="p", verdict=Verdict.PASS)


def skipped(check: str, caused_by: str | None) -> Finding:
    return Finding(
        check=check, group="g", title=T, page="p", verdict=Verdict.SKIPPED, reason=T, caused_by=caused_by
    )


A, B, C = kind("a"), kind("b", "a"), kind("c", "b")
LEFT, RIGHT = kind("left", "right"), kind("right", "left")
SELF = kind("self", "self")


@pytest.mark.parametrize(
    ("findings", "causes"),
    [
        pytest.param([], [], id="none"),
        pytest.param([passed("1"), failed("2", A)], [None, None], id="alone"),
        pytest.param([failed("1", A), failed("2", A), failed("3", A)], [None, "1", "1"], id="same-kind"),
        pytest.param([failed("1", B), failed("2", A)], ["2", None], id="explained-by-a-later-one"),
        pytest.param([failed("1", C), failed("2", B), failed("3", A)], ["3", "3", None], id="chain"),
        pytest.param([failed("1", C), failed("2", A)], [None, None], id="no-link-between"),
        pytest.param(
            [failed("1", LEFT), failed("2", RIGHT), failed("3", LEFT)], [None, "1", "1"], id="circle"
        ),
        pytest.param([failed("1", SELF), failed("2", SELF)], [None, "1"], id="itself"),
        pytest.param(
            [failed("1", A), skipped("2", "1"), skipped("3", None)], [None, "1", None], id="skipped"
        ),
        pytest.param(
            [failed("1", B), skipped("2", "1"), failed("3", A)],
            ["3", "3", None],
            id="skipped-led-to-the-primary",
        ),
        pytest.param([skipped("2", "elsewhere")], ["elsewhere"], id="not-in-the-run"),
        pytest.param(
            [passed("1"), skipped("2", "1"), skipped("3", "2")], [None, "1", "1"], id="chain-of-skips"
        ),
    ],
)
def test_each_effect_names_the_primary_check(findings: list[Finding], causes: list[str | None]) -> None:
    marked = mark(findings)
    assert [finding.check for finding in marked] == [finding.check for finding in findings]
    assert [finding.caused_by for finding in marked] == causes
    assert [finding.caused_by for finding in mark(marked)] == causes, "marking again changes nothing"
