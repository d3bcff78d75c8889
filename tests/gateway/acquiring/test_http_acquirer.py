"""An acquirer apart, over real HTTP: every operation, every fault, and that what was told agrees with its books."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from helpers_acquirer import SECRET, Apart, apart
from tiyin.gateway.acquiring.books import DEBITED, HELD, OPERATIONS
from tiyin.gateway.acquiring.faults import Fault, FaultKind, Faults, FaultUnreadable, read_fault
from tiyin.gateway.acquiring.http import AcquirerLine, HttpAcquirer
from tiyin.gateway.acquiring.port import (
    DayLine,
    Debited,
    Declined,
    Held,
    NotFound,
    OutcomeUnknown,
    Reversed,
)
from tiyin.gateway.acquiring.test_cards import TestCard, TestCards
from tiyin.gateway.cards.safe import CardDetails
from tiyin.protocol.errors import RpcError
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.http import HttpAnswer, HttpCall, NoAnswer, NotSent, ScriptedHttp
from tiyin.runtime.settings import Secret

GOOD = CardDetails("8600069195406311", "0399")
KEY = f"{'a' * 24}-1"


@pytest.fixture
async def far(sqlite_url: str) -> AsyncIterator[Apart]:
    async with apart(sqlite_url) as served:
        yield served


async def test_every_operation_crosses_the_wire(far: Apart) -> None:
    acquirer = far.acquirer
    other, third = f"{'b' * 24}-1", f"{'c' * 24}-1"
    assert await acquirer.status(KEY) == NotFound()
    assert await acquirer.debit(KEY, GOOD, 5, "20660000") == Debited(KEY)
    assert await acquirer.hold(other, GOOD, 7, "t") == await acquirer.status(other) == Held(other)
    assert await acquirer.capture(other) == Debited(other)
    assert await acquirer.reverse(other) == await acquirer.status(other) == Reversed()
    assert isinstance(await acquirer.capture(third), Declined)
    failing = CardDetails("8600143417770323", "0399")
    assert await acquirer.debit(f"{'d' * 24}-1", failing, 5, "t") == Declined(-31640, "test card")
    operation = await far.operation(KEY)
    assert operation is not None
    assert (operation.card, operation.terminal, operation.amount_tiyin) == (
        "860006******6311",
        "20660000",
        5,
    )
    with pytest.raises(OutcomeUnknown):
        await acquirer.debit(f"{'e' * 24}-1", GOOD, 0, "t")


async def test_a_days_file_comes_in_parts(sqlite_url: str) -> None:
    clock = ManualClock(1_767_207_600_000)
    async with apart(sqlite_url, clock=clock) as far:
        keys = [f"{number:024x}-1" for number in range(7)]
        for key in keys:
            await far.acquirer.debit(key, GOOD, 5, "t")
        await far.acquirer.reverse(keys[3])
        lines: list[DayLine] = []
        while part := await far.acquirer.day_lines(
            date(2026, 1, 1), f"{lines[-1].key} {lines[-1].kind}" if lines else "", 2
        ):
            lines += part
        assert [(line.key, line.kind) for line in lines] == sorted(
            [(key, "debit") for key in keys] + [(keys[3], "reversal")]
        )
        assert await far.acquirer.day_lines(date(2026, 1, 2), "", 10) == []


UNHEARD: list[tuple[FaultKind, bool]] = [
    ("before-drop", False),
    ("after-drop", True),
    ("closed", True),
    ("500", True),
    ("500", False),
    ("garbage", True),
    ("garbage", False),
]


@pytest.mark.parametrize(("kind", "does"), UNHEARD)
async def test_after_a_fault_the_outcome_is_open_and_can_be_asked(
    far: Apart, kind: FaultKind, does: bool
) -> None:
    await far.fail(Fault(kind=kind, operation="debit", times=1, does=does))
    with pytest.raises(OutcomeUnknown):
        await far.acquirer.debit(KEY, GOOD, 5, "t")
    assert await far.acquirer.status(KEY) == (Debited(KEY) if does else NotFound())
    assert await far.acquirer.debit(KEY, GOOD, 5, "t") == Debited(KEY)
    assert await far.inside.taken_tiyin(GOOD.number) == 5


async def test_a_debit_that_arrives_twice_takes_once(far: Apart) -> None:
    await far.fail(Fault(kind="duplicate"))
    assert await far.acquirer.debit(KEY, GOOD, 5, "t") == Debited(KEY)
    assert await far.acquirer.reverse(KEY) == Reversed()
    assert await far.inside.taken_tiyin(GOOD.number) == 0


@pytest.mark.parametrize("kind", ["debit", "hold"])
async def test_what_arrives_after_its_reversal_takes_nothing(sqlite_url: str, kind: str) -> None:
    clock = ManualClock()
    async with apart(sqlite_url, clock=clock) as far:
        await far.fail(Fault(kind="late", operation="debit" if kind == "debit" else "hold", delay_ms=60_000))
        with pytest.raises(OutcomeUnknown):
            await getattr(far.acquirer, kind)(KEY, GOOD, 5, "t")
        assert await far.acquirer.status(KEY) == NotFound()
        assert await far.acquirer.reverse(KEY) == Reversed()
        async with asyncio.timeout(20):
            while not clock.sleepers:
                await asyncio.sleep(0)
        await clock.run(60_000)
        assert await far.acquirer.status(KEY) == Reversed()
        assert isinstance(await far.acquirer.debit(KEY, GOOD, 5, "t"), Declined)
        assert await far.inside.taken_tiyin(GOOD.number) == 0


async def test_who_waits_too_short_does_not_know(sqlite_url: str) -> None:
    clock = ManualClock()
    async with apart(sqlite_url, clock=clock) as far:
        await far.fail(Fault(kind="delay", operation="debit", delay_ms=60_000, times=1))
        with pytest.raises(OutcomeUnknown):
            await far.impatient(200).debit(KEY, GOOD, 5, "t")
        assert await far.acquirer.status(KEY) == NotFound()
        await clock.run(60_000)
        # The debit is done in the server's own task; asked again, the same key is the same operation.
        assert await far.acquirer.debit(KEY, GOOD, 5, "t") == Debited(KEY)
        assert await far.inside.taken_tiyin(GOOD.number) == 5


async def settled(acquirer: HttpAcquirer, key: str, first: str, amount_tiyin: int) -> str:
    """Bring an operation to a known end over a bad line, the way a receipt's driver does."""
    for _ in range(500):
        try:
            answer: Any = await acquirer.status(key)
            if isinstance(answer, NotFound):
                answer = await getattr(acquirer, first)(key, GOOD_BOUNDED, amount_tiyin, "t")
        except OutcomeUnknown:
            continue
        return str(type(answer).__name__).lower()
    raise AssertionError("the storm never let anything through")


async def insist(act: Any) -> Any:
    for _ in range(500):
        try:
            return await act()
        except OutcomeUnknown:
            continue
    raise AssertionError("the storm never let anything through")


GOOD_BOUNDED = CardDetails("8600000000000001", "0399")
BALANCE_TIYIN = 3_000


@pytest.mark.parametrize("seed", range(3))
async def test_after_a_storm_what_was_told_agrees_with_the_books(store_url: str, seed: int) -> None:
    """Every fault at once, concurrently; then told outcomes, books, balance and day file are one story."""
    kinds: list[FaultKind] = ["before-drop", "after-drop", "late", "delay", "closed", "duplicate"]
    storm = [Fault(kind=kind, probability=0.08, delay_ms=20) for kind in kinds]
    storm += [Fault(kind=kind, probability=0.04, does=does) for kind, does in UNHEARD if not does]
    storm += [Fault(kind="500", probability=0.04), Fault(kind="garbage", probability=0.04)]
    cards = TestCards()
    cards.put(TestCard(number=GOOD_BOUNDED.number, balance_tiyin=BALANCE_TIYIN))
    chance = SeededChance(seed)
    told: dict[str, str] = {}
    async with apart(store_url, cards=cards, seed=seed) as far:
        await far.fail(*storm)
        days = {date.fromordinal(ordinal) for ordinal in await _days(far)}

        async def one(number: int) -> None:
            key = f"{number:024x}-1"
            first = "hold" if chance.happens(0.4) else "debit"
            wanted = chance.up_to(1)
            outcome = await settled(far.acquirer, key, first, 100)
            if outcome == "held" and wanted < 0.6:
                answer = await insist(lambda: far.acquirer.capture(key))
                assert isinstance(answer, Debited)
                outcome = "debited"
            if outcome != "declined" and wanted < 0.3:
                await insist(lambda: far.acquirer.reverse(key))
                outcome = "reversed"
            told[key] = outcome

        await asyncio.gather(*(one(number) for number in range(60)))
        await far.fail()
        days |= {date.fromordinal(ordinal) for ordinal in await _days(far)}
        in_books = {key: await far.operation(key) for key in told}
        assert {key: found and found.state for key, found in in_books.items()} == told
        assert set(told.values()) >= {"debited", "reversed", "declined"}
        kept_tiyin = 100 * sum(outcome in {DEBITED, HELD} for outcome in told.values())
        assert await far.inside.taken_tiyin(GOOD_BOUNDED.number) == kept_tiyin <= BALANCE_TIYIN
        moved_tiyin = 0
        for day in days:
            for line in await far.acquirer.day_lines(day, "", 1_000):
                moved_tiyin += line.amount_tiyin if line.kind == "debit" else -line.amount_tiyin
        assert moved_tiyin == 100 * sum(outcome == DEBITED for outcome in told.values())


async def _days(far: Apart) -> list[int]:
    """The day in Tashkent by the acquirer's own clock: learnt from a debit that is then taken back."""
    key = "f" * 24 + "-probe"
    await insist(lambda: far.acquirer.debit(key, GOOD, 1, "t"))
    operation = await far.operation(key)
    assert operation is not None
    return [operation.debited_day + date(1970, 1, 1).toordinal()]
