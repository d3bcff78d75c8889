"""The zoo: each wrong merchant is found out by its own kind of problem, and everything else is its effect."""

import socket
from collections import Counter

import pytest

import sandbox.zoo.species_money
import sandbox.zoo.species_strict
import sandbox.zoo.species_time
import sandbox.zoo.species_wire  # noqa: F401 - the four of them fill the zoo
from sandbox.zoo.edge import KEY
from sandbox.zoo.merchant import AMOUNT, Merchant
from sandbox.zoo.species import ZOO, Species, opened
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import KINDS
from tiyin.sandbox.registry import checks_in
from tiyin.sandbox.runner import run
from tiyin.sandbox.target import AccountKind, Target


def kinds_of(report: Report) -> list[str]:
    """List the primary kinds of a report."""
    return [finding.problem.kind.code for finding in report.primary if finding.problem is not None]


def words(finding: Finding) -> str:
    """Say what was found, for a test that failed."""
    problem = finding.problem
    if problem is None:
        return f"{finding.check}: {finding.verdict} <- {finding.caused_by}"
    return (
        f"{finding.check}: {problem.kind.code} expected {problem.expected}, got {problem.got} "
        f"<- {finding.caused_by}"
    )


def found_out(report: Report, expected: str) -> None:
    """Insist that a report has one primary problem, of this kind, and that all else hangs on it."""
    told = "\n".join(
        words(finding) for finding in report.findings if finding.problem is not None or finding.caused_by
    )
    assert kinds_of(report) == [expected], told
    assert report.passed is (KINDS[expected].severity == "warn"), told
    (primary,) = report.primary
    for finding in report.findings:
        if finding is primary:
            continue
        if finding.problem is not None or (finding.verdict is Verdict.SKIPPED and finding.caused_by):
            assert finding.caused_by == primary.check, f"{words(finding)}\nin\n{told}"


@pytest.mark.parametrize("kind", list(AccountKind))
async def test_the_correct_merchant_passes_with_no_finding(kind: AccountKind) -> None:
    """Goal: what the sandbox finds in the others is their fault; every check is made."""
    async with opened(Species("correct", "", Merchant, kind, change_password=True)) as (target, _):
        report = await run(target)
    assert [words(one) for one in report.findings if one.verdict is not Verdict.PASS] == []
    assert {finding.check for finding in report.findings} >= {check.id for check in checks_in(kind)}


@pytest.mark.parametrize("species", ZOO, ids=[species.name for species in ZOO])
async def test_each_wrong_merchant_is_found_out(species: Species) -> None:
    """Goal: one primary problem, the expected one."""
    async with opened(species) as (target, _):
        report = await run(target, only=species.only or None)
    found_out(report, species.expected)


async def test_nobody_at_the_address() -> None:
    """Goal: a server that is down is a finding."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        # Bound and never listening: nobody else gets the port, and nobody answers there.
        target = Target(
            endpoint=f"http://127.0.0.1:{taken.getsockname()[1]}/",
            key=KEY,
            account={"order_id": "1"},
            amount_tiyin=AMOUNT,
        )
        report = await run(target)
    found_out(report, "endpoint-unreachable")


def test_the_zoo_is_large_and_varied() -> None:
    """Goal: at least thirty-five species, no two of a name, and few kinds that none of them shows."""
    assert len(ZOO) >= 35
    assert max(Counter(species.name for species in ZOO).values()) == 1
    assert {species.expected for species in ZOO} <= set(KINDS)
