"""Payments over a shop's own SQLAlchemy: the shop's effect and the transaction are one."""

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Session

from helpers_merchant import KEY, NOW_MS, TIMEOUT_MS, Payme, payme_id
from merchant.sqlalchemy.conftest import World
from merchant.sqlalchemy.shops import TABLES, Effect, Order
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.refusals import CannotPerform

STEPS = {"create": 1, "perform": 2, "cancel": -2}


async def test_a_payment_and_its_order_are_one(world: World) -> None:
    assert await world.payme.check_perform() == {"allow": True}
    created = await world.payme.create(1)
    assert (created["state"], world.order()) == (1, "reserved")
    assert await world.payme.create(1) == created
    assert await world.payme.create(2) == -31008
    assert await world.payme.check_perform() in range(-31099, -31049)
    performed = await world.payme.perform(1)
    assert (performed["state"], world.order()) == (2, "paid")
    assert await world.payme.perform(1) == performed
    assert await world.payme.create(3) in range(-31099, -31049)
    refunded = await world.payme.cancel(1, 5)
    assert (refunded["state"], world.order()) == (-2, "cancelled")
    assert await world.payme.cancel(1, 5) == refunded
    assert (await world.payme.check(1))["reason"] == 5
    assert world.effects() == world.shop.ran == ["create", "perform", "cancel"]
    assert await world.mails() == ["create 01", "perform 01", "cancel 01"]
    assert await world.payme.perform(9) == -31003


async def test_accounts_that_name_no_order(world: World) -> None:
    for typed in ("abc", "01", "1 ", "", "-1", "41", "1e1", "2147483648", "9" * 30, "١"):
        assert await world.payme.check_perform(typed) in range(-31099, -31049), typed
        assert await world.payme.create(5, typed) in range(-31099, -31049), typed
    reply = await world.payme.send(
        b'{"id":1,"method":"CheckPerformTransaction","params":{"amount":500000,"account":{"order_id":"abc"}}}'
    )
    assert (reply["error"]["code"], reply["error"]["data"]) == (-31050, "order_id")
    assert await world.payme.check_perform(1) == {"allow": True}
    assert await world.payme.check_perform("1", 5) == -31001
    assert world.rows() == []


def _raise(error: Exception) -> Any:
    raise error


FAILURES: dict[str, Callable[[Any], Any]] = {
    "raises": lambda _: _raise(OSError("the disk")),
    "refuses": lambda _: _raise(CannotPerform()),
    "nonsense": lambda _: object(),
    "breaks a rule of its table": lambda session: session.add(
        Effect(name=None, transaction_id="", order_id=1)
    ),
    "breaks a rule that COMMIT looks at": lambda session: session.add(
        Effect(name="never", transaction_id="", order_id=999)
    ),
    "commits": lambda session: session.commit(),
    "rolls back": lambda session: session.rollback(),
    "closes": lambda session: session.close(),
}


@pytest.mark.parametrize("how", FAILURES)
async def test_a_hook_that_fails_leaves_nothing(world: World, how: str) -> None:
    """Goal: neither the transaction nor the order has moved, nothing is sent, and a repeat completes it."""
    for step, state in STEPS.items():
        before = world.everything()
        world.shop.before = lambda session, name, step=step: FAILURES[how](session) if name == step else None
        expected = -31008 if how == "refuses" and step != "cancel" else -32400
        assert await getattr(world.payme, step)(1) == expected, step
        assert world.everything() == before, step
        # Nothing holds a lock any more, in no connection of the shop's pool.
        world.touch()
        world.shop.before = None
        assert (await getattr(world.payme, step)(1))["state"] == state
    assert world.effects() == ["create", "perform", "cancel"]
    assert await world.mails() == ["create 01", "perform 01", "cancel 01"]


async def test_a_savepoint_is_the_hooks_own(world: World) -> None:
    def partly(session: Any, _: str) -> Any:
        if isinstance(session, Session):
            with session.begin_nested():
                session.add(Effect(name="inside", transaction_id="", order_id=1))
            return None

        async def go() -> None:
            async with session.begin_nested():
                session.add(Effect(name="inside", transaction_id="", order_id=1))

        return go()

    world.shop.before = partly
    assert (await world.payme.create(1))["state"] == 1
    assert sorted(world.effects()) == ["create", "inside"]


async def test_a_hook_that_hangs(world: World) -> None:
    """Goal: -32400 within the patience, and what the hook does afterwards is undone."""
    await world.payme.create(1)
    before = world.everything()
    await world.reopen(patience_s=0.3)
    going_on, over = threading.Event(), threading.Event()

    def hang(_session: object, _: str) -> Any:
        if world.store.blocking:
            going_on.wait(30)
            over.set()
            return None
        return asyncio.Event().wait()

    world.shop.before = hang
    assert await world.payme.perform(1) == -32400
    going_on.set()
    if world.store.blocking:
        await asyncio.to_thread(over.wait, 30)
    # Lets what still runs come to its end.
    await world.api.stop()
    assert world.everything() == before
    world.shop.before = None
    await world.reopen()
    assert (await world.payme.perform(1))["state"] == 2
    assert await world.mails() == ["create 01", "perform 01"]


async def test_afterwards_is_after_the_commit(world: World) -> None:
    seen: list[tuple[str, list[str]]] = []

    def look(_session: object, _: str) -> None:
        after_commit(lambda: seen.append((world.order(), world.effects())))

    world.shop.before = look
    await world.payme.create(1)
    await world.api.stop()
    assert seen == [("reserved", ["create"])]


async def test_twelve_hours(world: World) -> None:
    """Goal: whoever notices first, the order is free, and looking alone does it too."""
    await world.payme.create(1)
    world.clock.advance(TIMEOUT_MS)
    assert await world.payme.check_perform() == {"allow": True}
    assert world.order() == "waiting"
    assert (await world.payme.check(1))["reason"] == 4
    assert (await world.payme.create(2, time=NOW_MS + TIMEOUT_MS))["state"] == 1
    assert await world.payme.perform(1) == -31008
    for number in range(3, 30):
        await world.payme.create(number, number, time=NOW_MS + TIMEOUT_MS + number)
    world.clock.advance(TIMEOUT_MS + 50)
    # The api's own sweep is at it too.
    while await world.api.expire_due(10):
        pass
    assert {world.order(number) for number in (1, *range(3, 30))} == {"waiting"}


async def test_a_delivered_order_is_not_undone(world: World) -> None:
    await world.payme.create(1)
    await world.payme.perform(1)
    world.shop.delivered = True
    before = world.everything()
    assert await world.payme.cancel(1, 5) == -31007
    assert world.everything() == before


async def test_an_order_that_is_gone_can_be_cancelled(world: World) -> None:
    await world.payme.create(1, 7)
    with Session(world.books) as session, session.begin():
        session.execute(sa.delete(Effect))
        session.execute(sa.delete(Order).where(Order.id == 7))
    assert (await world.payme.cancel(1, 3))["state"] == -1
    assert world.effects() == []


async def test_a_statement(world: World) -> None:
    """Goal: by Payme's time, ties by id, in every state, page after page."""
    for number in range(1, 9):
        await world.payme.create(number, number, time=NOW_MS - number // 3)
    await world.payme.cancel(4, 3)
    expected = sorted((NOW_MS - number // 3, payme_id(number)) for number in range(1, 9))
    found = await world.payme.statement()
    assert [(row["time"], row["id"]) for row in found] == expected
    assert {row["state"] for row in found} == {1, -1}
    found = await world.payme.statement(NOW_MS - 2, NOW_MS - 1)
    assert [(row["time"], row["id"]) for row in found] == expected[:6]


async def test_fiscal_data(world: World) -> None:
    """Goal: kept twice, replaced when it comes again; what a hook wrote for an unknown receipt is undone."""
    data = {"receipt_id": 1, "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=1"}
    assert await world.payme.call("SetFiscalData", id=payme_id(9), type="PERFORM", fiscal_data=data) == -32001
    assert world.effects() == []
    await world.payme.create(1)
    for kind, receipt in (("PERFORM", 1), ("CANCEL", 2), ("PERFORM", 3)):
        answer = await world.payme.call(
            "SetFiscalData", id=payme_id(1), type=kind, fiscal_data=data | {"receipt_id": receipt}
        )
        assert answer == {"success": True}
    with Session(world.books) as session:
        kept = session.execute(sa.select(TABLES.fiscal.c.id, TABLES.fiscal.c.data).order_by("id")).all()
    assert [key for key, _ in kept] == [f"{payme_id(1)}:CANCEL", f"{payme_id(1)}:PERFORM"]
    assert '"receipt_id":3' in kept[1][1]
    assert world.effects() == ["create", "PERFORM", "CANCEL", "PERFORM"]


async def test_another_key(world: World) -> None:
    new = "another key of thirty-six characters"
    api = MerchantApi(world.shop, world.store, KEY, clock=world.clock, allow_change_password=True)
    old_payme, new_payme = Payme(api), Payme(api, new)
    assert await old_payme.call("ChangePassword", password=new) == {"success": True}
    assert await old_payme.check_perform() == {"allow": True}
    assert await new_payme.check_perform() == {"allow": True}
    assert await old_payme.check_perform() == -32504
    with Session(world.books) as session:
        kept = session.execute(sa.select(TABLES.keys)).one()
    assert new.encode() not in kept.current
    await api.stop()


async def test_connections_are_given_back(world: World) -> None:
    """Goal: one connection is enough for any number of calls, and none is held between them."""
    options = {} if world.kind == "pysqlite" else {"pool_size": 1, "max_overflow": 0}
    await world.reopen(**options)
    sync = world.engine if isinstance(world.engine, sa.Engine) else world.engine.sync_engine

    async def payment(number: int) -> None:
        assert await world.payme.check_perform(number) == {"allow": True}
        for step, state in STEPS.items():
            arguments = (number, number) if step == "create" else (number,)
            assert (await getattr(world.payme, step)(*arguments))["state"] == state

    await asyncio.gather(*(payment(number) for number in range(1, 9)))
    await world.api.stop()
    assert isinstance(sync.pool, sa.pool.QueuePool)
    assert sync.pool.checkedout() == 0
    assert len(world.effects()) == 24


async def test_many_calls_at_once(world: World) -> None:
    """Goal: the same id twice and two ids for one order, all at once: one transaction, one effect."""
    answers = await asyncio.gather(*(world.payme.create(number % 3, 1) for number in range(9)))
    good = [answer for answer in answers if isinstance(answer, dict)]
    assert len(good) == 3
    assert all(answer == good[0] for answer in good)
    assert [answer for answer in answers if not isinstance(answer, dict)] == [-31008] * 6
    winner = next(number for number in range(3) if isinstance(answers[number], dict))
    performed = await asyncio.gather(*(world.payme.perform(winner) for _ in range(4)))
    assert all(answer == performed[0] for answer in performed)
    cancelled = await asyncio.gather(*(world.payme.cancel(winner, 5) for _ in range(4)))
    assert all(answer == cancelled[0] for answer in cancelled)
    assert world.effects() == ["create", "perform", "cancel"]
