"""A run: what is made, in which order, within which bounds, and what is said of it."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from helpers_wire import answering, json_answer, raw_server, read_request
from tiyin.protocol.values import Text
from tiyin.sandbox import envelopes, runner
from tiyin.sandbox.findings import Finding, Report, Verdict
from tiyin.sandbox.problems import CannotRun, Kind, Severity, Skip, Wrong
from tiyin.sandbox.registry import BOTH, Check, CheckBody
from tiyin.sandbox.runner import CheckEnded, CheckStarted, Event
from tiyin.sandbox.talk import Talk
from tiyin.sandbox.target import Target

KEY = "abcdefghij:klmnopqrstuvwxyz?&%=12345"
T = Text.same("t")
BAD = Kind(code="bad", severity=Severity.FAIL, page="p", title=T, why=T, mend=T)
LOOSE = Kind(code="loose", severity=Severity.WARN, page="p", title=T, why=T, mend=T)


async def ask(talk: Talk) -> None:
    await talk.call("CheckPerformTransaction", {})


async def fail(talk: Talk) -> None:
    await ask(talk)
    raise Wrong(BAD, expected="good", got=f"bad {KEY}")


def check(id_: str, body: CheckBody = ask, **fields: Any) -> Check:
    return Check(id=id_, title=T, page="p", body=body, **{"kinds": BOTH, **fields})


def target(url: str, **fields: Any) -> Target:
    return Target(
        **{"endpoint": url, "key": KEY, "account": {"order_id": "1"}, "amount_tiyin": 500_000, **fields}
    )


def allow(request: dict[str, Any]) -> bytes:
    return json_answer({"id": request["id"], "result": {"allow": True}})


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Replace the checks there are; the looks at all answers stay."""

    def replace(*made: Check) -> None:
        monkeypatch.setattr(runner, "checks_in", lambda _: (*made, *envelopes.CHECKS))

    return replace


def found(report: Report) -> dict[str, Finding]:
    return {finding.check: finding for finding in report.findings if finding.check not in envelopes.IDS}


async def run(respond: Any = allow, *, handle: Any = None, aim: Any = None, **how: Any) -> dict[str, Finding]:
    async with raw_server(handle or answering(respond)) as seen:
        return found(await runner.run(target(seen.url, **(aim or {})), **how))


async def test_each_verdict(checks: Callable[..., None]) -> None:
    async def warns(talk: Talk) -> None:
        talk.warn(LOOSE, expected="a", got="1")
        talk.warn(LOOSE, expected="a", got="2")
        talk.warn(LOOSE, expected="a", got="2")

    async def skips(_: Talk) -> None:
        raise Skip(T)

    async def breaks(_: Talk) -> None:
        raise KeyError(KEY)

    async def groups(talk: Talk) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(talk))

    checks(
        check("a.pass"),
        check("a.fail", fail),
        check("a.skip", skips),
        check("a.breaks", breaks),
        check("a.group", groups),
        check("a.warn", warns),
    )
    async with raw_server(answering(allow)) as seen:
        report = await runner.run(target(seen.url))
    by = found(report)
    assert by["a.pass"].verdict is Verdict.PASS
    assert len(by["a.pass"].exchanges) == 1
    assert by["a.fail"].verdict is Verdict.FAIL
    assert by["a.fail"].problem is not None
    assert by["a.fail"].problem.got == "bad ***"
    assert (by["a.skip"].verdict, by["a.skip"].reason) == (Verdict.SKIPPED, T)
    assert by["a.breaks"].problem is not None
    assert by["a.breaks"].problem.kind.code == "check-broken"
    assert by["a.breaks"].problem.got == "KeyError"
    assert (by["a.group"].verdict, by["a.group"].caused_by) == (Verdict.FAIL, "a.fail")
    assert sum(finding.check == "a.warn" for finding in report.findings) == 2
    assert [finding.check for finding in report.primary].count("a.warn") == 1, "one kind, one primary"
    assert KEY not in repr(report)
    assert not report.passed


async def test_what_builds_on_a_failed_check_is_skipped_and_says_why(checks: Callable[..., None]) -> None:
    checks(
        check("a.top", needs=("b.low",)),
        check("b.low", needs=("b.base",)),
        check("b.base", fail),
        check("b.other"),
    )
    by = await run()
    assert list(by) == ["a.top", "b.low", "b.base", "b.other"]
    assert [one.verdict for one in by.values()] == ["skipped", "skipped", "fail", "pass"]
    assert [one.caused_by for one in by.values()] == ["b.base", "b.base", None, None]


async def test_only_what_was_asked_for_and_what_it_needs(checks: Callable[..., None]) -> None:
    checks(
        check("a.one", needs=("b.base",)), check("a.two"), check("b.base"), check("b.doc", documented=True)
    )
    assert set(await run(only={"a.one"})) == {"a.one", "b.base"}
    assert set(await run(only={"a"})) == {"a.one", "a.two", "b.base"}
    assert set(await run(documented_only=True)) == {"b.doc"}
    with pytest.raises(CannotRun, match=r"c\.nothing"):
        await run(only={"a.one", "c.nothing"})


@pytest.mark.parametrize(
    "fields",
    [
        {"endpoint": "ftp://x/"},
        {"endpoint": "http://user:pw@x/"},
        {"amount_tiyin": 0},
        {"amount_tiyin": 10**14},
        {"account": {}},
        {"login": "a:b"},
        {"timeout_ms": 0},
    ],
)
async def test_a_target_that_makes_no_sense(fields: dict[str, Any]) -> None:
    with pytest.raises(CannotRun):
        await runner.run(target("http://127.0.0.1:1/", **fields))


async def test_a_server_that_is_down_is_one_finding_and_the_rest_is_skipped(
    checks: Callable[..., None],
) -> None:
    checks(*(check(f"a.{number}", waits=number == 3) for number in range(9)))
    report = await runner.run(target("http://127.0.0.1:1/"))
    assert [one.check for one in report.primary] == ["a.0"]
    assert report.count(Verdict.FAIL) == 1
    assert {one.caused_by for one in report.findings if one.verdict is Verdict.SKIPPED} == {"a.0"}


async def test_a_server_that_hangs_costs_two_timeouts(checks: Callable[..., None]) -> None:
    async def hang(reader: Any, writer: Any, seen: Any) -> None:
        del writer
        while await read_request(reader, seen) is not None:
            pass

    checks(*(check(f"a.{number}") for number in range(9)))
    async with raw_server(hang) as seen:
        report = await runner.run(target(seen.url, timeout_ms=200))
        assert len(seen.bodies) == 2
    assert [one.check for one in report.primary] == ["a.0"]


async def test_a_server_that_is_silent_to_wrong_requests_alone_is_tested_on(
    checks: Callable[..., None],
) -> None:
    async def wrong(talk: Talk) -> None:
        await talk.call("CheckPerformTransaction", {}, authorization="Basic x")

    def respond(request: dict[str, Any]) -> bytes:
        return b"" if request["params"] == {} else allow(request)

    async def right(talk: Talk) -> None:
        await talk.call("CheckPerformTransaction", {"amount": 1})

    checks(check("a.one", wrong), check("a.two", wrong), check("a.three", wrong), check("a.four", right))
    by = await run(respond)
    assert [one.verdict for one in by.values()] == ["fail", "fail", "fail", "pass"]


async def test_the_looks_at_all_answers_come_last_and_tell_each_thing_once(
    checks: Callable[..., None],
) -> None:
    def respond(request: dict[str, Any]) -> bytes:
        return json_answer({"id": request["id"], "result": {}, "error": None})

    checks(check("a.one"), check("a.two"))
    async with raw_server(answering(respond)) as seen:
        report = await runner.run(target(seen.url))
    told = [finding for finding in report.findings if finding.verdict is Verdict.WARN]
    assert [one.check for one in told] == ["envelope.answer-shape"]
    assert len(told[0].exchanges) == 1
    assert report.passed


async def test_the_whole_time_is_bounded(checks: Callable[..., None]) -> None:
    async def sleeps(talk: Talk) -> None:
        await ask(talk)
        await talk.sleep(3600)

    checks(check("a.one"), check("a.sleeps", sleeps), check("a.three"))
    by = await run(time_max_s=0.5)
    assert [one.verdict for one in by.values()] == ["pass", "skipped", "skipped"]
    assert len(by["a.sleeps"].exchanges) == 1


async def test_the_calls_are_bounded(checks: Callable[..., None]) -> None:
    checks(check("a.one"), check("a.two"))
    by = await run(calls_max=1)
    assert [one.verdict for one in by.values()] == ["pass", "skipped"]


async def test_a_check_that_waits_runs_beside_the_others(checks: Callable[..., None]) -> None:
    others_ended = asyncio.Event()

    async def waits(talk: Talk) -> None:
        await ask(talk)
        await others_ended.wait()

    async def last(_: Talk) -> None:
        others_ended.set()

    async def new_account() -> dict[str, str | int]:
        return {"order_id": 2}

    checks(
        check("a.waits", waits, waits=True),
        check("a.one"),
        check("a.last", last),
        check("a.needing", needs=("a.waits",)),
    )
    by = await run(aim={"new_account": new_account}, time_max_s=30)
    assert list(by) == ["a.waits", "a.one", "a.last", "a.needing"]
    assert {one.verdict for one in by.values()} == {Verdict.PASS}


async def test_without_fresh_accounts_what_needs_them_is_skipped(checks: Callable[..., None]) -> None:
    async def pays(talk: Talk) -> None:
        account = await talk.account()
        await talk.call("CreateTransaction", {"id": "a" * 24, "account": account})
        await talk.call("PerformTransaction", {"id": "a" * 24})

    checks(
        check("a.two", pays, fresh=2), check("a.pays", pays), check("a.again", pays), check("a.one", fresh=1)
    )
    by = await run()
    assert [one.verdict for one in by.values()] == ["skipped", "pass", "skipped", "skipped"]
    assert all(one.reason is not None for one in by.values() if one.verdict is Verdict.SKIPPED)
    assert all(one.caused_by is None for one in by.values())


@pytest.mark.parametrize(
    ("error", "told"), [(CannotRun("the command failed"), "the command failed"), (OSError("x"), "OSError")]
)
async def test_a_way_to_make_accounts_that_makes_none(
    checks: Callable[..., None], error: Exception, told: str
) -> None:
    async def new_account() -> dict[str, str | int]:
        raise error

    checks(check("a.one", fresh=1))
    with pytest.raises(CannotRun, match=told):
        await run(aim={"new_account": new_account})


async def test_whoever_watches_is_told_all_and_cannot_break_the_run(checks: Callable[..., None]) -> None:
    events: list[Event] = []

    def watch(event: Event) -> None:
        events.append(event)
        raise RuntimeError("the watcher is broken")

    checks(check("a.one"), check("a.two", needs=("a.three",)), check("a.three"))
    await run(on_event=watch)
    started = [event.check.id for event in events if isinstance(event, CheckStarted)]
    ended = [event.findings[0].check for event in events if isinstance(event, CheckEnded)]
    assert started == ended == ["a.one", "a.three", "a.two", *(one.id for one in envelopes.CHECKS)]
    assert {event.of for event in events} == {3 + len(envelopes.CHECKS)}
    assert [event.number for event in events if isinstance(event, CheckEnded)] == list(
        range(1, len(ended) + 1)
    )


async def test_a_run_that_is_cancelled_stops(checks: Callable[..., None]) -> None:
    begun = asyncio.Event()

    async def waits(_: Talk) -> None:
        begun.set()
        await asyncio.Event().wait()

    checks(check("a.one", waits))
    async with raw_server(answering(allow)) as seen:
        task = asyncio.create_task(runner.run(target(seen.url)))
        await begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
