"""The zoo: each wrong merchant is found out by its own kind of problem, and everything else is its effect."""

import asyncio
import json
import socket
from collections import Counter
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

import sandbox.zoo.species_books
import sandbox.zoo.species_money
import sandbox.zoo.species_strict
import sandbox.zoo.species_time
import sandbox.zoo.species_wire  # noqa: F401 - the five of them fill the zoo
from sandbox.zoo.edge import KEY, Params
from sandbox.zoo.merchant import AMOUNT, Merchant, Transaction
from sandbox.zoo.species import ZOO, Species, opened
from sandbox.zoo.wire import Response
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import KINDS
from tiyin.sandbox.registry import checks_in
from tiyin.sandbox.runner import run
from tiyin.sandbox.target import AccountKind, Target

TOGETHER = 8
ROOMS = [ZOO[start : start + TOGETHER] for start in range(0, len(ZOO), TOGETHER)]


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


def found_out(report: Report, species: Species) -> None:
    """Insist that a report has one primary problem, of this kind, and that all else hangs on it."""
    expected = species.expected
    told = "\n".join(
        [f"the merchant {species.name}:"]
        + [words(finding) for finding in report.findings if finding.problem is not None or finding.caused_by]
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


@pytest.mark.parametrize("room", ROOMS, ids=["+".join(species.name for species in room) for room in ROOMS])
async def test_each_wrong_merchant_is_found_out(room: Sequence[Species]) -> None:
    """Goal: one primary problem in each, the expected one; nothing else that it does not explain.

    A run mostly waits for transactions to expire, so a few of them wait together.
    """

    async def visited(species: Species) -> Report:
        async with opened(species) as (target, _):
            return await run(target, only=species.only or None)

    reports = await asyncio.gather(*(visited(species) for species in room))
    for species, report in zip(room, reports, strict=True):
        # A check that waits for an expiry says so where the machine stood still and it saw none.
        found_out(await visited(species) if saw_nothing(report) else report, species)


def saw_nothing(report: Report) -> bool:
    """Tell whether nothing was found because a check could not be made."""
    skipped = [finding for finding in report.findings if finding.verdict is Verdict.SKIPPED]
    return not report.primary and any(finding.caused_by is None for finding in skipped)


class SlowToChange(Merchant):
    """It takes the new key at once, and is slow to say so."""

    async def change_password(self, params: Params) -> Any:
        answer = await super().change_password(params)
        await asyncio.sleep(1.5)
        return answer


async def test_nothing_is_asked_while_the_key_is_changed() -> None:
    """Goal: checks that wait beside the others are done before the key that they use is another."""
    async with opened(Species("slow-to-change", "", SlowToChange, change_password=True)) as (target, _):
        report = await run(target)
    assert [words(one) for one in report.findings if one.verdict is not Verdict.PASS] == []


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
    found_out(report, Species("nobody", "endpoint-unreachable", Merchant))


def test_the_zoo_is_large_and_varied() -> None:
    """Goal: nearly every kind of problem has its merchant, and no two merchants have one name."""
    shown = {species.expected for species in ZOO}
    assert len(shown) >= 100
    assert shown <= set(KINDS)
    assert max(Counter(species.name for species in ZOO).values()) == 1


async def test_with_one_order_alone_both_scenarios_are_run() -> None:
    """Goal: what pays the one order comes last, so that nearly everything else is looked at before."""
    async with opened(Species("correct", "", Merchant)) as (target, _):
        report = await run(msgspec.structs.replace(target, new_account=None))
    verdicts = {finding.check: finding.verdict for finding in report.findings}
    assert verdicts["scenario.cancel-created"] is verdicts["scenario.cancel-performed"] is Verdict.PASS
    assert verdicts["authorization.wrong-key"] is verdicts["expiry.perform"] is Verdict.PASS
    assert report.passed
    skipped = [finding for finding in report.findings if finding.verdict is Verdict.SKIPPED]
    assert len(skipped) <= 11
    assert all(finding.reason is not None and finding.caused_by is None for finding in skipped)


async def _with_rows(changes: dict[str, Any]) -> Report:
    class Odd(Merchant):
        def row(self, it: Transaction) -> Any:
            return super().row(it) | changes

        def respond(self, reply: dict[str, Any]) -> Response:
            return Response(json.dumps(reply).encode())

    async with opened(Species("odd", "", Odd)) as (target, _):
        return await run(target, only=("check", "statement"))


@pytest.mark.parametrize(
    "changes",
    [{"id": ["a list"]}, {"id": {}}, {"account": {"order_id": "\ud800"}}, {"account": [1]}, {"time": 1e400}],
    ids=["id-list", "id-object", "account-surrogate", "account-list", "time-infinite"],
)
async def test_whatever_stands_in_a_statement_is_a_finding(changes: dict[str, Any]) -> None:
    """Goal: no check breaks on a server's rows, whatever their types."""
    report = await _with_rows(changes)
    found = kinds_of(report)
    assert found
    assert "check-broken" not in {one.problem.kind.code for one in report.findings if one.problem}
