"""An acquirer apart, over real HTTP: every operation and fault; what was told agrees with its books."""

import asyncio
from collections.abc import AsyncIterator
from datetime import date, timedelta
from typing import Any

import pytest

from helpers_acquirer import SECRET, Apart, apart
from tiyin.gateway.acquiring.books import DEBITED, HELD, OPERATIONS
from tiyin.gateway.acquiring.faults import Fault, FaultKind, Faults, FaultUnreadable, read_fault
from tiyin.gateway.acquiring.http import AcquirerLine, HttpAcquirer
from tiyin.gateway.acquiring.issuer_http import HttpIssuer
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
from tiyin.gateway.acquiring.wire import CardAsked, Take
from tiyin.gateway.cards.safe import CardDetails
from tiyin.protocol.errors import RpcError
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.http import HttpAnswer, HttpCall, NoAnswer, NotSent, ScriptedHttp
from tiyin.runtime.settings import Secret

GOOD = CardDetails("8600069195406311", "0399")
KEY = f"{'a' * 24}-1"
EPOCH = date(1970, 1, 1)


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


async def asleep(clock: ManualClock) -> None:
    """Wait until the server waits."""
    async with asyncio.timeout(20):
        while not clock.sleepers:  # noqa: ASYNC110 - the clock has no event for it
            await asyncio.sleep(0)


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
        operation: Any = kind
        await far.fail(Fault(kind="late", operation=operation, delay_ms=60_000, times=1))
        with pytest.raises(OutcomeUnknown):
            await getattr(far.acquirer, kind)(KEY, GOOD, 5, "t")
        assert await far.acquirer.status(KEY) == NotFound()
        assert await far.acquirer.reverse(KEY) == Reversed()
        await asleep(clock)
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
        await asleep(clock)
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
        in_books = await far.store.get_many(OPERATIONS, told)
        assert {key: found.state for key, found in in_books.items()} == told
        assert set(told.values()) >= {"debited", "reversed", "declined"}
        kept_tiyin = 100 * sum(outcome in {DEBITED, HELD} for outcome in told.values())
        assert await far.inside.taken_tiyin(GOOD_BOUNDED.number) == kept_tiyin <= BALANCE_TIYIN
        moved_tiyin = 0
        days = {found.debited_day for found in in_books.values()} - {0}
        for day in days | {found.reversed_day for found in in_books.values()} - {0}:
            for line in await far.acquirer.day_lines(EPOCH + timedelta(days=day), "", 1_000):
                moved_tiyin += line.amount_tiyin if line.kind == "debit" else -line.amount_tiyin
        assert moved_tiyin == 100 * sum(outcome == DEBITED for outcome in told.values())


async def test_a_wrong_secret_does_nothing(far: Apart) -> None:
    take = {"key": KEY, "number": GOOD.number, "expire": GOOD.expire, "amount_tiyin": 5}
    for path in ("/debit", "/faults", "/cards", "/balance", "/status", "/nowhere"):
        assert (await far.post(path, take, secret="t" * 32)).status == 401
    assert await far.operation(KEY) is None
    stranger = HttpAcquirer(AcquirerLine(far.http, far.url, Secret("t" * 32), ManualClock()))
    with pytest.raises(OutcomeUnknown):
        await stranger.debit(KEY, GOOD, 5, "t")


@pytest.mark.parametrize(
    ("path", "given", "status"),
    [
        ("/debit", b"{", 400),
        ("/debit", b"\xff", 400),
        ("/debit", {"key": KEY}, 400),
        ("/debit", {"key": KEY, "number": "8600", "expire": "0399", "amount_tiyin": 5}, 400),
        ("/debit", {"key": KEY, "number": GOOD.number, "expire": "0399", "amount_tiyin": 5.5}, 400),
        ("/debit", {"key": KEY, "number": GOOD.number, "expire": "0399", "amount_tiyin": 10**14}, 400),
        ("/debit", {"key": "a b", "number": GOOD.number, "expire": "0399", "amount_tiyin": 5}, 400),
        ("/debit", b" " * 100_000, 413),
        ("/day", {"day": "2026-02-30"}, 400),
        ("/cards", {"number": "8600000000000001", "create_refusal": 7}, 400),
        ("/cards", {"number": "860006\u0660\u0660\u0660\u0660\u0660\u06606311"}, 400),
        ("/cards", {"number": "8600060000006311"}, 400),
        ("/balance", {"number": "8600000000000001", "expire": "0399"}, 404),
        ("/nowhere", {}, 404),
    ],
)
async def test_what_cannot_be_read_is_refused_and_not_shown_again(
    far: Apart, path: str, given: Any, status: int
) -> None:
    answer = await far.post(path, given)
    assert answer.status == status
    assert b"8600" not in answer.body
    assert await far.operation(KEY) is None


async def test_cards_are_added_and_their_balance_is_told(far: Apart) -> None:
    card = CardDetails("9860000000000001", "0399")
    added = await far.post("/cards", {"number": card.number, "balance_tiyin": 100, "phone": "998900000000"})
    assert added.status == 200
    assert card.number.encode() not in added.body
    await far.acquirer.debit(KEY, card, 30, "t")
    await far.acquirer.hold(f"{'b' * 24}-1", card, 20, "t")
    told = await far.post("/balance", {"number": card.number, "expire": card.expire})
    assert told.body == b'{"balance_tiyin":100,"taken_tiyin":50,"left_tiyin":50}'
    assert isinstance(await far.acquirer.debit(f"{'c' * 24}-1", card, 51, "t"), Declined)
    assert (await far.issuer.phone_of(card.number, card.expire)).number == "998900000000"


async def test_the_issuer_answers_as_the_documentations_table(far: Apart) -> None:
    issuer = far.issuer
    await issuer.check("8600060921090842", "0399")
    with pytest.raises(RpcError) as no_sms:
        await issuer.phone_of("8600060921090842", "0399")
    assert no_sms.value.code == -31301
    for number, expire in [("8600060921090842", "0499"), ("8600000000000001", "0399")]:
        with pytest.raises(RpcError) as wrong:
            await issuer.check(number, expire)
        assert wrong.value.code == -31300
    phone = await issuer.phone_of(GOOD.number, GOOD.expire)
    assert (phone.number, phone.code) == ("998901234567", "666666")
    assert not issuer.is_test_card(GOOD.number)
    await far.fail(Fault(kind="500"))
    for asked in (issuer.check, issuer.phone_of):
        with pytest.raises(RpcError) as silent:
            await asked(GOOD.number, GOOD.expire)
        assert silent.value.code == -31002


@pytest.mark.parametrize("number", ["3333336415804657", "4444445987459073"])
async def test_the_documented_numbers_of_no_scheme_are_refused_as_documented(far: Apart, number: str) -> None:
    """They are asked about and pass no further, whatever the centre makes of them; no other number is."""
    assert far.issuer.is_test_card(number)
    with pytest.raises(RpcError) as refused:
        await far.issuer.check(number, "0399")
    assert refused.value.code == -31300
    kind = ScriptedHttp(lambda _: HttpAnswer(200, {}, b'{"refusal":0}'))
    line = AcquirerLine(kind, "http://a", Secret(SECRET), ManualClock())
    with pytest.raises(RpcError) as unsupported:
        await HttpIssuer(line).check(number, "0399")
    assert unsupported.value.code == -31900
    assert not far.issuer.is_test_card("4111111111111111")


def scripted(answer: HttpAnswer) -> HttpAcquirer:
    line = AcquirerLine(ScriptedHttp(lambda _: answer), "http://a", Secret(SECRET), ManualClock())
    return HttpAcquirer(line)


GOOD_BODY = b'{"key":"%s","outcome":"debited","reference":"r"}' % KEY.encode()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b""),
        (200, b"null"),
        (200, b"[]"),
        (200, GOOD_BODY[:-1]),
        (200, GOOD_BODY + b"}"),
        (200, b'{"key":"another","outcome":"debited"}'),
        (200, b'{"key":"%s","outcome":"taken"}' % KEY.encode()),
        (200, b'{"key":"%s","outcome":"held"}' % KEY.encode()),
        (200, b'{"key":"%s","outcome":"reversed"}' % KEY.encode()),
        (200, b'{"key":"%s","outcome":"not-found"}' % KEY.encode()),
        (200, b'{"outcome":"debited"}'),
        (200, b"\xff" + GOOD_BODY),
        (201, GOOD_BODY),
        (302, GOOD_BODY),
        (401, GOOD_BODY),
        (404, GOOD_BODY),
        (500, GOOD_BODY),
    ],
)
async def test_only_a_whole_answer_to_this_very_question_counts(status: int, body: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        await scripted(HttpAnswer(status, {}, body)).debit(KEY, GOOD, 5, "t")
    assert await scripted(HttpAnswer(200, {}, GOOD_BODY)).debit(KEY, GOOD, 5, "t") == Debited("r")


@pytest.mark.parametrize(
    ("call", "impossible"),
    [
        ("hold", ["debited", "reversed", "not-found"]),
        ("capture", ["held", "not-found"]),
        ("reverse", ["held", "debited", "declined", "not-found"]),
    ],
)
async def test_an_outcome_that_a_call_cannot_have_is_none(call: str, impossible: list[str]) -> None:
    arguments: list[Any] = [KEY, GOOD, 5, "t"] if call == "hold" else [KEY]
    for outcome in impossible:
        body = f'{{"key":"{KEY}","outcome":"{outcome}"}}'.encode()
        with pytest.raises(OutcomeUnknown):
            await getattr(scripted(HttpAnswer(200, {}, body)), call)(*arguments)


async def test_a_refusal_that_the_documentation_does_not_know_is_told_as_declined() -> None:
    body = f'{{"key":"{KEY}","outcome":"declined","code":-1,"reason":"stolen"}}'.encode()
    assert await scripted(HttpAnswer(200, {}, body)).debit(KEY, GOOD, 5, "t") == Declined(-31630, "stolen")


@pytest.mark.parametrize(
    "lines",
    [
        [("b", "debit", 1), ("a", "debit", 1)],
        [("a", "debit", 1), ("a", "debit", 1)],
        [("0", "debit", 1)],
        [("a", "gift", 1)],
        [("a", "debit", 0)],
        [("a", "debit", 1), ("b", "debit", 1), ("c", "debit", 1)],
    ],
)
async def test_a_days_file_out_of_order_is_no_answer(lines: list[tuple[str, str, int]]) -> None:
    told = [
        f'{{"key":"{key}","kind":"{kind}","amount_tiyin":{amount},"at_ms":1,"terminal":"t"}}'
        for key, kind, amount in lines
    ]
    body = f'{{"lines":[{",".join(told)}]}}'.encode()
    with pytest.raises(OutcomeUnknown):
        await scripted(HttpAnswer(200, {}, body)).day_lines(date(2026, 1, 1), "0 debit", 2)


@pytest.mark.parametrize("failure", [NotSent, NoAnswer])
async def test_a_dead_acquirer_is_not_asked_by_every_payment(failure: type[Exception]) -> None:
    dead, clock = True, ManualClock()

    def script(_: HttpCall) -> HttpAnswer:
        if dead:
            raise failure("127.0.0.1:1: nobody")
        return HttpAnswer(200, {}, GOOD_BODY)

    http = ScriptedHttp(script)
    acquirer = HttpAcquirer(AcquirerLine(http, "http://a", Secret(SECRET), clock))
    for _ in range(50):
        with pytest.raises(OutcomeUnknown):
            await acquirer.debit(KEY, GOOD, 5, "t")
    assert len(http.calls) == 5
    dead = False
    with pytest.raises(OutcomeUnknown):
        await acquirer.debit(KEY, GOOD, 5, "t")
    clock.advance(1_000)
    assert await acquirer.debit(KEY, GOOD, 5, "t") == Debited("r")
    assert await acquirer.debit(KEY, GOOD, 5, "t") == Debited("r")


async def test_calls_in_flight_are_bounded() -> None:
    free, begun, clock = asyncio.Event(), asyncio.Semaphore(0), ManualClock()

    async def script(_: HttpCall) -> HttpAnswer:
        begun.release()
        await free.wait()
        return HttpAnswer(200, {}, GOOD_BODY)

    http = ScriptedHttp(script)
    acquirer = HttpAcquirer(AcquirerLine(http, "http://a", Secret(SECRET), clock, in_flight_max=2))
    under_way = [asyncio.ensure_future(acquirer.debit(KEY, GOOD, 5, "t")) for _ in range(2)]
    await begun.acquire()
    await begun.acquire()
    with pytest.raises(OutcomeUnknown):
        await acquirer.debit(KEY, GOOD, 5, "t")
    under_way[0].cancel()
    with pytest.raises(asyncio.CancelledError):
        await under_way[0]
    third = asyncio.ensure_future(acquirer.debit(KEY, GOOD, 5, "t"))  # the place of the cancelled one
    free.set()
    assert await under_way[1] == await third == Debited("r")
    assert len(http.calls) == 3


async def test_nothing_of_a_card_or_the_secret_is_shown(
    far: Apart, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    for fault in (Fault(kind="500"), Fault(kind="garbage"), Fault(kind="before-drop")):
        await far.fail(fault)
        with pytest.raises(OutcomeUnknown) as unknown:
            await far.acquirer.debit(KEY, GOOD, 5, "t")
        assert GOOD.number not in repr(unknown.value)
    shown = caplog.text + "".join(capsys.readouterr()) + repr(TestCard(number=GOOD.number))
    shown += repr(Take(KEY, GOOD.number, "0399", 5)) + repr(CardAsked(GOOD.number, "0399"))
    shown += repr(AcquirerLine(far.http, far.url, Secret(SECRET), ManualClock()))
    assert GOOD.number not in shown
    assert SECRET not in shown


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("debit:after-drop", Fault(kind="after-drop", operation="debit")),
        ("any:500:0.25", Fault(kind="500", probability=0.25)),
        ("hold:late:1:250", Fault(kind="late", operation="hold", delay_ms=250)),
    ],
)
def test_a_fault_is_read_from_a_command_line(text: str, fault: Fault) -> None:
    assert read_fault(text) == fault


@pytest.mark.parametrize(
    "text", ["", "debit", "pay:500", "debit:break", "debit:500:2", "debit:500:x", "any:delay", "a:b:c:d:e"]
)
def test_a_fault_that_cannot_be_read_is_told(text: str) -> None:
    with pytest.raises(FaultUnreadable):
        read_fault(text)


def test_a_fault_strikes_as_often_as_it_says() -> None:
    faults = Faults(
        SeededChance(1), [Fault(kind="500", operation="debit", times=2), Fault(kind="closed", times=1)]
    )
    struck = [faults.strikes(operation) for operation in ("cards", "hold", "debit", "debit", "debit")]
    assert [fault and fault.kind for fault in struck] == [None, "closed", "500", "500", None]
