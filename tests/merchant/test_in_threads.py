"""Stores that block: calls in threads with an end to patience, and what comes too late is undone."""

import asyncio
import json
import os
import threading
from collections.abc import Iterator

import pytest

from helpers_blocking import World
from helpers_merchant import KEY, NOW_MS, PRICE_TIYIN, payme_id
from tiyin.merchant.api import Call
from tiyin.merchant.records import Row
from tiyin.merchant.stores.wanted import Wanted
from tiyin.protocol.authorization import write_basic

WAIT_S = 20.0


@pytest.fixture
def world() -> Iterator[World]:
    made = World()
    yield made
    made.api.stop_sync()
    assert made.store.started == 0


def test_a_payment(world: World) -> None:
    """Goal: hooks and the store share one thread of the kit's, and mail goes out after the commit."""
    assert world.create(1)["state"] == 1
    assert world.perform(1)["state"] == 2
    assert world.database.orders == {"1": "paid"}
    assert world.shop.mailed.wait(WAIT_S)
    assert threading.get_ident() not in world.store.threads
    assert world.shop.threads <= world.store.threads
    assert world.store.started == 1


def test_a_hook_that_hangs_is_answered_and_undone() -> None:
    """Goal: -32400 when patience is over; when the hook ends after all, nothing of it is there."""
    world = World(patience_s=0.2)
    go_on = threading.Event()
    world.create(1)
    world.shop.before = lambda: go_on.wait(WAIT_S)
    assert world.perform(1) == -32400
    go_on.set()
    assert world.database.undone.wait(WAIT_S)
    with world.database.lock:
        assert world.database.rows[payme_id(1)].state == 1
        assert world.database.orders == {}
    assert world.shop.mails == []
    world.shop.before = lambda: None
    assert world.perform(1)["state"] == 2
    world.api.stop_sync()


def test_a_thread_that_has_a_transaction_open_keeps_the_call(world: World) -> None:
    """Goal: as in a shop's own tests: everything happens in the caller's thread, mail too."""
    world.store.stays = True
    world.create(1)
    assert world.perform(1)["state"] == 2
    assert world.shop.threads == {threading.get_ident()}
    assert world.shop.mails == [(payme_id(1), threading.get_ident())]
    assert world.store.threads == set()


def test_the_sweep_runs_by_itself(world: World) -> None:
    world.create(1)
    world.clock.advance(43_200_000)
    for _ in range(400):
        if world.database.rows[payme_id(1)].state == -1:
            break
        threading.Event().wait(0.05)
    assert world.database.rows[payme_id(1)].state == -1
    assert world.api.expire_due_sync() == 0


async def test_a_server_that_awaits_uses_it_too(world: World) -> None:
    """Goal: many at once, of which one order is reserved once, and the loop is free meanwhile."""
    async with world.api:
        body = json.dumps(
            {
                "method": "CheckPerformTransaction",
                "params": {"amount": PRICE_TIYIN, "account": {"order_id": "1"}},
            }
        ).encode()
        reply = await world.api.handle(Call("POST", body, write_basic("Paycom", KEY)))
        assert json.loads(reply.body)["result"] == {"allow": True}
        numbers = range(1, 9)
        answers = await asyncio.gather(*(asyncio.to_thread(world.create, number) for number in numbers))
        assert sum(isinstance(answer, dict) for answer in answers) == 1
        assert answers.count(-31008) == 7
        assert await world.api.expire_due() == 0


def test_a_statement_of_several_pages(world: World) -> None:
    world.create(1)
    row = world.database.rows[payme_id(1)]
    for number in range(2, 2503):
        world.database.rows[payme_id(number)] = Row(
            payme_id(number), row.time_ms, 500, row.account, None, "n", 1, accepted=1
        )
    told = world.call("GetStatement", **{"from": 0, "to": NOW_MS})["transactions"]
    assert [one["id"] for one in told] == [payme_id(number) for number in range(1, 2503)]


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_server_begins_anew(world: World) -> None:
    """Goal: a worker that was forked after a call answers as well: threads of its parent are not there."""
    world.create(1)
    child = os.fork()
    if not child:
        # Whatever happens here, nothing of the test's own surroundings may run on in the child.
        code = 1
        try:
            code = 0 if world.perform(1)["state"] == 2 else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert world.database.rows[payme_id(1)].state == 1
    assert world.perform(1)["state"] == 2


@pytest.mark.parametrize("first", ["commit", "give_up"])
def test_either_committed_or_given_up(first: str) -> None:
    wanted = Wanted()
    second = "give_up" if first == "commit" else "commit"
    assert getattr(wanted, first)()
    assert not getattr(wanted, second)()
    assert getattr(wanted, first)()
