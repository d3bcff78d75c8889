"""What comes at the same moment: one outcome, and everybody is told of it."""

import asyncio
from typing import Any, Final

from tiyin.protocol.codes import MerchantCode
from tiyin.protocol.values import Text
from tiyin.sandbox.checks.busy import judge_busy
from tiyin.sandbox.checks.kinds_perform import PERFORM_RESULT
from tiyin.sandbox.checks.kinds_races import RACE_CREATE, RACE_PERFORM, RACE_PERFORM_CANCEL, RACE_SAME_ID
from tiyin.sandbox.expect import code_of, is_success
from tiyin.sandbox.problems import Wrong
from tiyin.sandbox.registry import Check, check
from tiyin.sandbox.steps import CANNOT, cancel, check_answer, create, created, look, repeated
from tiyin.sandbox.talk import Reply, Talk
from tiyin.sandbox.target import AccountKind

__all__ = ["CHECKS"]

CHECKS: Final[list[Check]] = []

_ONE_TIME: Final = frozenset({AccountKind.ONE_TIME})
_AT_ONCE: Final = 8
_ROUNDS: Final = 3
_DELIVERED: Final = MerchantCode.CANNOT_CANCEL


@check(
    CHECKS,
    "concurrency.same-id",
    "sandbox",
    Text(
        ru="Восемь одинаковых CreateTransaction сразу: одна транзакция",
        uz="Birdan sakkizta bir xil CreateTransaction: bitta tranzaksiya",
        en="Eight equal CreateTransactions at once: one transaction",
    ),
    needs=("create.good",),
    fresh=1,
)
async def same_id(talk: Talk) -> None:
    """Goal: all of them are answered, and alike."""
    params = _create_params(talk, await talk.account())
    replies = await _at_once(talk, "CreateTransaction", [params] * _AT_ONCE)
    made = [created(reply, params, refused=RACE_SAME_ID) for reply in replies]
    for one in made[1:]:
        repeated(made[0].result, one.result, RACE_SAME_ID)
    await look(talk, made[0], state=1)
    await cancel(talk, made[0])


@check(
    CHECKS,
    "concurrency.two-ids",
    "sandbox",
    Text(
        ru="Несколько транзакций на один заказ сразу: создана одна",
        uz="Bitta buyurtmaga birdan bir nechta tranzaksiya: bittasi yaratiladi",
        en="Several transactions for one order at once: one is created",
    ),
    kinds=_ONE_TIME,
    needs=("create.good", "create.busy"),
    fresh=1,
)
async def two_ids(talk: Talk) -> None:
    """Method: several rounds on the same order, which is freed after each."""
    account = await talk.account()
    for _ in range(_ROUNDS):
        asked = [_create_params(talk, account) for _ in range(4)]
        replies = await _at_once(talk, "CreateTransaction", asked)
        won = [params for params, reply in zip(asked, replies, strict=True) if is_success(reply)]
        for params in won:
            await talk.call("CancelTransaction", {"id": params["id"], "reason": 3})
        if len(won) != 1:
            raise Wrong(RACE_CREATE, expected="1 transaction created", got=f"{len(won)} created")
        for reply in replies:
            if not is_success(reply):
                judge_busy(talk, reply, RACE_CREATE)


@check(
    CHECKS,
    "concurrency.perform",
    "sandbox",
    Text(
        ru="Восемь PerformTransaction сразу: проведена один раз",
        uz="Birdan sakkizta PerformTransaction: bir marta oʻtkaziladi",
        en="Eight PerformTransactions at once: performed once",
    ),
    needs=("create.good", "perform.good"),
    fresh=1,
)
async def perform_at_once(talk: Talk) -> None:
    """Goal: all of them are answered, and alike."""
    made = await create(talk, await talk.account())
    results = []
    for reply in await _at_once(talk, "PerformTransaction", [{"id": made.id}] * _AT_ONCE):
        if reply.result is None or not is_success(reply):
            raise Wrong(RACE_PERFORM, expected="result.state 2", got=reply.told())
        check_answer(reply.result, PERFORM_RESULT, state=2, time="perform_time")
        results.append(reply.result)
    for result in results[1:]:
        repeated(results[0], result, RACE_PERFORM)
    await look(talk, made, state=2, performed=results[0])


@check(
    CHECKS,
    "concurrency.perform-cancel",
    "sandbox",
    Text(
        ru="Проведение и отмена сразу: один исход",
        uz="Oʻtkazish va bekor qilish birdan: bitta natija",
        en="A perform and a cancel at once: one outcome",
    ),
    needs=("create.good", "perform.good"),
    fresh=1,
)
async def perform_and_cancel(talk: Talk) -> None:
    """Goal: either -1 and the perform is refused, or 2 and then -2 (or -31007); the transaction agrees."""
    rounds = 1 if talk.scarce else _ROUNDS
    for _ in range(rounds):
        made = await create(talk, await talk.account())
        performed, cancelled = await asyncio.gather(
            talk.call("PerformTransaction", {"id": made.id}),
            talk.call("CancelTransaction", {"id": made.id, "reason": 3}),
        )
        reply = await talk.call("CheckTransaction", {"id": made.id})
        state = (reply.result or {}).get("state")
        did_perform, became = is_success(performed), (cancelled.result or {}).get("state")
        if did_perform:
            right = (became == state == -2) or (state == 2 and cancelled.code in (_DELIVERED, CANNOT))
        else:
            code_of(performed, {CANNOT}, RACE_PERFORM_CANCEL)
            right = became == state == -1
        if not right:
            raise Wrong(
                RACE_PERFORM_CANCEL,
                expected="one outcome: 2 then -2, or -1 and error.code -31008",
                got=f"perform: {performed.told()}; cancel: {cancelled.told()}; state {state!r}",
            )


def _create_params(talk: Talk, account: dict[str, str | int]) -> dict[str, Any]:
    return {
        "id": talk.new_id(),
        "time": talk.now_ms(),
        "amount": talk.target.amount_tiyin,
        "account": account,
    }


async def _at_once(talk: Talk, method: str, asked: list[dict[str, Any]]) -> list[Reply]:
    """Call with all the parameters at the same moment, each on a connection of its own."""
    return list(await asyncio.gather(*(talk.call(method, params) for params in asked)))
