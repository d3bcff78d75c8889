"""How a check talks: as Payme does, and what it remembers."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import pytest

from helpers_wire import Seen, answering, json_answer, raw_server
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.ids import SeededIds
from tiyin.sandbox.accounts import Accounts
from tiyin.sandbox.caller import Caller
from tiyin.sandbox.conversation import Conversation, Run
from tiyin.sandbox.exchange import Failure
from tiyin.sandbox.problems import CannotRun, Skip, Wrong
from tiyin.sandbox.target import AccountKind, Target

KEY = "abcdefghij:klmnopqrstuvwxyz?&%=12345"
ACCOUNT: dict[str, str | int] = {"order_id": "1"}


def result_of(request: dict[str, Any]) -> bytes:
    states = {"CreateTransaction": 1, "PerformTransaction": 2, "CancelTransaction": -1}
    return json_answer(
        {"id": request.get("id"), "result": {"state": states.get(request.get("method", ""), 0)}}
    )


@asynccontextmanager
async def talking(
    respond: Callable[[dict[str, Any]], bytes] = result_of, *, calls_max: int = 100, **target: Any
) -> AsyncIterator[tuple[Conversation, Seen]]:
    async with raw_server(answering(respond)) as seen:
        aim = Target(endpoint=seen.url, key=KEY, account=ACCOUNT, amount_tiyin=500_000, **target)
        caller = Caller(allow_private=True, secrets=(KEY, f"Paycom:{KEY}"))
        run = Run(
            aim,
            caller,
            clock=SystemClock(),
            ids=SeededIds(),
            accounts=Accounts(aim),
            calls_max=calls_max,
        )
        yield Conversation(run), seen
        await caller.close()


async def test_a_call_goes_out_as_paymes_sandbox_sends_it() -> None:
    async with talking() as (talk, seen):
        reply = await talk.call("CheckTransaction", {"id": "ё"})
        await talk.call("CheckTransaction", {}, id="x", authorization=None, headers=(("referer", "there"),))
        await talk.call("CheckTransaction", {}, id=None, authorization="Basic !!")
    assert reply.result == {"state": 0}
    bodies = [json.loads(body) for body in seen.bodies]
    assert bodies[0] == {"jsonrpc": "2.0", "id": 1, "method": "CheckTransaction", "params": {"id": "ё"}}
    assert [body["id"] for body in bodies] == [1, "x", None]
    first, second, third = (head.decode() for head in seen.heads)
    for line in (
        "Content-Type: application/json; charset=UTF-8",
        "Test-Operation: Paycom",
        "Referer: http://test.paycom.uz",
        f"Authorization: {write_basic('Paycom', KEY)}",
    ):
        assert f"{line}\r\n" in first
    assert "Authorization" not in second
    assert "referer: there\r\n" in second
    assert "test.paycom.uz" not in second
    assert "Authorization: Basic !!\r\n" in third
    assert [dict(one.headers).get("Authorization") for one in talk.exchanges] == [
        "Basic ***",
        None,
        "Basic ***",
    ]


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (b"", "endpoint-closes"),
        (b"{}", "endpoint-not-http"),
        (b"HTTP/1.1 301 Moved\r\nLocation: /a\r\nContent-Length: 0\r\n\r\n", "endpoint-redirects"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "answer-not-json"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "answer-not-json"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 6\r\n\r\n<html>", "http-status"),
        (json_answer({"id": 1}), "neither-result-nor-error"),
    ],
)
async def test_a_call_that_brings_no_answer_of_the_protocol_ends_the_check(reply: bytes, code: str) -> None:
    async with talking(lambda _: reply) as (talk, _):
        with pytest.raises(Wrong) as caught:
            await talk.call("CheckTransaction", {})
        sent = await talk.send(b"{}")
    assert caught.value.problem.kind.code == code
    assert sent.result is None
    assert len(talk.exchanges) == 2


async def test_an_error_with_a_wrong_status_is_still_read() -> None:
    def respond(_: Any) -> bytes:
        return json_answer({"error": {"code": -31050.0}}, "400 Bad Request")

    async with talking(respond) as (talk, _):
        reply = await talk.call("CheckTransaction", {})
    assert reply.code == -31050


async def test_a_cut_call_says_so_and_raises_nothing() -> None:
    async with talking() as (talk, seen):
        reply = await talk.call("CreateTransaction", {"id": "a"}, cut=True)
        await seen.until(1)
    assert reply.exchange.failure is Failure.CUT
    assert reply.told() == "cut"


async def test_of_a_long_row_the_ends_are_kept() -> None:
    async with talking() as (talk, _):
        for number in range(30):
            await talk.call("CheckTransaction", {"n": number})
    kept = [json.loads(exchange.body)["params"]["n"] for exchange in talk.exchanges]
    assert kept == [*range(8), *range(26, 30)]


async def test_the_runs_calls_are_bounded() -> None:
    async with talking(calls_max=2) as (talk, seen):
        await talk.call("CheckTransaction", {})
        await talk.send(b"{}")
        with pytest.raises(Skip):
            await talk.call("CheckTransaction", {})
    assert len(seen.bodies) == 2


async def test_a_new_password_is_never_shown() -> None:
    def respond(request: dict[str, Any]) -> bytes:
        return json_answer({"id": request["id"], "result": {"echo": "Changed-Password-1234567890"}})

    async with talking(respond) as (talk, _):
        reply = await talk.call("ChangePassword", {"password": "Changed-Password-1234567890"})
        talk.note(Wrong(_some_kind(), expected="x", got="Changed-Password-1234567890").problem)
    assert reply.result == {"echo": "Changed-Password-1234567890"}
    assert "Changed-Password" not in repr(talk.exchanges)
    assert talk.problems[0].got == "***"


async def test_a_key_is_hidden_also_where_it_is_cut_short() -> None:
    """Goal: what is told of a long answer holds no half of a key, is bounded, and can be written."""
    text = "y" * 75 + KEY + "\ud800" + "z" * 10_000

    def respond(request: dict[str, Any]) -> bytes:
        return json_answer({"id": request["id"], "error": {"code": text}})

    async with talking(respond) as (talk, _):
        reply = await talk.call("CheckTransaction", {"id": "1"})
        talk.warn(_some_kind(), expected=f"{text!r}", got=reply.told())
    (problem,) = talk.problems
    for told in (reply.told(), problem.expected, problem.got):
        assert KEY[:8] not in told
        assert len(told) < 600
    (problem.expected + problem.got).encode()


def _some_kind() -> Any:
    from tiyin.sandbox.transport import NEITHER  # noqa: PLC0415 - any kind would do

    return NEITHER


async def test_the_only_account_is_lent_to_one_check_at_a_time_and_comes_back_unpaid() -> None:
    async with talking() as (talk, seen):
        assert await talk.account() == ACCOUNT
        with pytest.raises(Skip):
            await talk.account()
        await talk.call("CreateTransaction", {"id": "a" * 24, "account": ACCOUNT})
        await talk.end()
        assert json.loads(seen.bodies[-1])["method"] == "CancelTransaction"
        assert await talk.account() == ACCOUNT


@pytest.mark.parametrize("lost", [False, True])
async def test_a_paid_account_does_not_come_back(lost: bool) -> None:
    async with talking() as (talk, _):
        await talk.account()
        await talk.call("CreateTransaction", {"id": "a" * 24, "account": ACCOUNT})
        await talk.call("PerformTransaction", {"id": "a" * 24}, cut=lost)
        await talk.call("CancelTransaction", {"id": "a" * 24})
        await talk.end()
        with pytest.raises(Skip):
            await talk.account()


async def test_an_account_whose_transaction_could_not_be_cancelled_does_not_come_back() -> None:
    def respond(request: dict[str, Any]) -> bytes:
        if request["method"] == "CancelTransaction":
            return json_answer({"error": {"code": -31007}})
        return result_of(request)

    async with talking(respond) as (talk, _):
        await talk.account()
        await talk.call("CreateTransaction", {"id": "a" * 24, "account": ACCOUNT}, cut=True)
        await talk.end()
        with pytest.raises(Skip):
            await talk.account()


async def test_a_refused_create_leaves_the_account_payable() -> None:
    async with talking(lambda _: json_answer({"error": {"code": -31050}})) as (talk, seen):
        await talk.account()
        await talk.call("CreateTransaction", {"id": "a" * 24, "account": ACCOUNT})
        await talk.end()
        assert len(seen.bodies) == 1
        assert await talk.account() == ACCOUNT


async def test_fresh_accounts_are_made_as_they_are_needed() -> None:
    made: list[int] = []

    async def new_account() -> dict[str, str | int]:
        if len(made) == 2:
            raise CannotRun("no more")
        made.append(1)
        return {"order_id": 10 + len(made)}

    async with talking(new_account=new_account) as (talk, _):
        taken = [await talk.account() for _ in range(3)]
        with pytest.raises(Skip, match="no more"):
            await talk.account()
    assert taken == [ACCOUNT, {"order_id": 11}, {"order_id": 12}]


async def test_an_accumulating_account_is_always_the_targets_own() -> None:
    async with talking(kind=AccountKind.ACCUMULATING) as (talk, _):
        assert [await talk.account() for _ in range(3)] == [ACCOUNT] * 3
        assert talk.target.account == ACCOUNT


def test_a_target_shows_no_key() -> None:
    aim = Target(endpoint="http://a/", key=KEY, account=ACCOUNT, amount_tiyin=1)
    assert KEY not in repr(msgspec.structs.replace(aim, login="x"))
