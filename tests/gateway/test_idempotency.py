"""Idempotency keys: one effect, whatever comes at once, crashes, or is asked differently."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from helpers_cards import NOW_MS, new_vault
from tiyin.gateway.idempotency import IDEMPOTENCY, KEPT_MS, RUNNING_MS, Claim, Idempotency
from tiyin.gateway.metadata import metadata
from tiyin.protocol.errors import RpcError
from tiyin.runtime.clock import ManualClock
from tiyin.storage import Store

DESK_ID = "100fe486b33784292111b7dc"
PARAMS = {"amount": 5, "account": {"a": 1, "b": 2}}


class World:
    """Things that are made by name, and how often making them was tried."""

    def __init__(self, store: Store, **bounds: int) -> None:
        self.store = store
        self.clock = ManualClock(NOW_MS)
        self.bounds = bounds
        self.made: dict[str, int] = {}
        self.tries = 0
        self.names = 0
        self.fresh: list[bool] = []
        self.process = self.new_process()

    def new_process(self, *keys: str) -> Idempotency:
        return Idempotency(self.store, self.clock, new_vault(*keys), **self.bounds)

    def name(self) -> str:
        self.names += 1
        return f"thing-{self.names}"

    async def act(self, claim: Claim) -> bytes:
        self.tries += 1
        self.fresh.append(claim.fresh)
        self.made.setdefault(claim.made, self.tries)
        return f'{{"made":"{claim.made}","by":{self.made[claim.made]}}}'.encode()

    async def once(
        self,
        key: str = "k",
        params: Any = None,
        *,
        process: Idempotency | None = None,
        act: Callable[[Claim], Awaitable[bytes]] | None = None,
        **who: Any,
    ) -> bytes:
        names = {"desk_id": DESK_ID, "method": "receipts.create", **who}
        return await (process or self.process).once(
            key, params=PARAMS if params is None else params, name=self.name, act=act or self.act, **names
        )


async def let_sleepers_go(world: World, until: "asyncio.Future[Any]") -> None:
    """Let time pass only for whoever waits for it."""
    while not until.done():
        if world.clock.sleepers:
            world.clock.advance(100)
        await asyncio.sleep(0.002)


@pytest.fixture
async def world(store: Store) -> World:
    await store.create_tables(metadata)
    return World(store, wait_ms=3_000)


async def test_a_repeat_is_answered_the_same_and_does_nothing(world: World) -> None:
    first = await world.once()
    assert await world.once(process=world.new_process()) == first
    assert await world.once(params={"account": {"b": 2, "a": 1}, "amount": 5}) == first
    assert (world.tries, list(world.made)) == (1, ["thing-1"])
    assert world.fresh == [True]


async def test_keys_are_the_desks_and_the_methods_own(world: World) -> None:
    answers = {
        await world.once(),
        await world.once("other"),
        await world.once(desk_id="2" * 24),
        await world.once(method="cards.create"),
    }
    assert len(answers) == 4


async def test_another_request_is_refused(world: World) -> None:
    await world.once()
    with pytest.raises(RpcError) as refused:
        await world.once(params={"amount": 6})
    assert (refused.value.code, refused.value.data) == (-31610, "Idempotency-Key")
    assert world.tries == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "с", "a\tb", "a\x00"])
async def test_what_can_be_no_key(world: World, key: str) -> None:
    with pytest.raises(RpcError) as refused:
        await world.once(key)
    assert (refused.value.code, refused.value.data) == (-31610, "Idempotency-Key")
    assert world.names == 0


async def test_two_at_once_in_two_processes_make_one_thing(world: World) -> None:
    """Many at once: one acts, the others wait for its answer."""
    processes = [world.new_process() for _ in range(6)]
    answers = asyncio.gather(*(world.once(process=process) for process in processes))
    await let_sleepers_go(world, answers)
    assert len(set(answers.result())) == 1
    assert len(world.made) == 1


async def test_one_that_waits_too_long_is_told_so_and_does_nothing(world: World) -> None:
    let_go = asyncio.Event()

    async def slow(claim: Claim) -> bytes:
        await let_go.wait()
        return await world.act(claim)

    first = asyncio.create_task(world.once(act=slow))
    while not await world.store.query(IDEMPOTENCY.schema.select()):  # noqa: ASYNC110 - the database tells nobody
        await asyncio.sleep(0.005)
    second = asyncio.create_task(world.once(process=world.new_process()))
    await let_sleepers_go(world, second)
    with pytest.raises(RpcError) as told:
        second.result()
    assert (told.value.code, told.value.data) == (-31700, "Idempotency-Key")
    assert world.tries == 0
    let_go.set()
    answer = await first
    assert await world.once() == answer
    assert world.tries == 1


async def test_after_a_crash_the_repeat_acts_under_the_same_name(world: World) -> None:
    """The first died after its effect: nothing let go of the key."""
    died = asyncio.Event()

    async def dies(claim: Claim) -> bytes:
        await world.act(claim)
        died.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    lost = asyncio.create_task(world.once(act=dies))
    await died.wait()
    world.clock.advance(RUNNING_MS)
    answer = await world.once(process=world.new_process())
    assert answer == b'{"made":"thing-1","by":1}'
    assert world.fresh == [True, False]
    lost.cancel()
    await asyncio.wait((lost,))
    # The dead one's own hand cannot take the answer away again.
    assert await world.once() == answer


async def test_a_refusal_is_not_kept_and_the_key_stays_bound(world: World) -> None:
    async def refuses(claim: Claim) -> bytes:
        assert claim.made == "thing-1"
        raise RpcError(-31622)

    for _ in range(2):
        with pytest.raises(RpcError) as refused:
            await world.once(act=refuses)
        assert refused.value.code == -31622
    with pytest.raises(RpcError) as other:
        await world.once(params={})
    assert other.value.code == -31610
    assert await world.once() == b'{"made":"thing-1","by":1}'


async def test_answers_are_sealed_and_forgotten(world: World) -> None:
    answer = await world.once()
    [row] = await world.store.query(IDEMPOTENCY.schema.select(), IDEMPOTENCY)
    assert row.answer_sealed is not None
    for text in (b"thing-1", answer):
        assert text not in row.answer_sealed + row.made_sealed
    assert "thing-1" not in repr(row)
    world.clock.advance(KEPT_MS - 1)
    assert await world.store.forget(IDEMPOTENCY, world.clock.now_ms() - KEPT_MS, 10) == 0
    world.clock.advance(2)
    assert await world.store.forget(IDEMPOTENCY, world.clock.now_ms() - KEPT_MS, 10) == 1


async def test_a_key_of_the_vault_may_be_rotated_meanwhile(world: World) -> None:
    first = await world.once()
    assert await world.once(process=world.new_process("k2", "k1")) == first


async def test_a_stored_answer_may_be_kept_back(world: World) -> None:
    await world.once()

    async def no(made: str) -> None:
        assert made == "thing-1"
        raise RpcError(-31400)

    with pytest.raises(RpcError) as kept:
        await world.once(repeated=no)
    assert kept.value.code == -31400
