"""What a shop's hooks may do to a payment: refuse, fail, hang, answer nonsense; and fifty calls at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

import tiyin.merchant
from helpers_merchant import KEY, TIMEOUT_MS, Books, Payme, payme_id
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Account, Order, OrderState, Transaction
from tiyin.merchant.refusals import (
    AccountNotFound,
    AlreadyDelivered,
    CannotPerform,
    OrderUnavailable,
    SystemDown,
)
from tiyin.protocol.values import Text
from tiyin.runtime.clock import TurnableClock


class World:
    """A shop with books, on real time."""

    def __init__(self, url: str) -> None:
        self.shop = Books()
        self.clock = TurnableClock(0)
        self.api = MerchantApi(self.shop, url, KEY, clock=self.clock, patience_s=0.2)
        self.payme = Payme(self.api)
        self.time = self.clock.now_ms()

    async def create(self, number: int, order: str = "1") -> Any:
        return await self.payme.create(number, order=order, time=self.time)

    def raises(self, error: BaseException | None) -> None:
        async def raise_it(_: Transaction) -> None:
            if error is not None:
                raise error

        self.shop.before = raise_it


@pytest.fixture
async def world(sqlite_url: str) -> AsyncIterator[World]:
    opened = World(sqlite_url)
    async with opened.api:
        yield opened


async def test_each_hook_runs_once_however_often_payme_repeats(world: World) -> None:
    await world.create(1)
    for _ in range(3):
        assert (await world.create(1))["state"] == 1
    for _ in range(3):
        assert (await world.payme.perform(1))["state"] == 2
    for _ in range(3):
        assert (await world.payme.cancel(1, 5))["state"] == -2
    for effect in ("create", "perform", "cancel", "may_cancel"):
        assert world.shop.ran[effect, payme_id(1)] == 1
    assert world.shop.ran["check", "1"] == 1
    assert world.shop.orders == {"1": OrderState.CANCELLED}


async def test_what_the_hooks_see(world: World) -> None:
    await world.payme.create(1, order=1, time=world.time)
    await world.payme.perform(1)
    await world.payme.cancel(1, 5)
    created, performed, cancelled = (transaction for _, transaction in world.shop.seen)
    assert (created.state, performed.state, cancelled.state) == (0, 1, 2)
    assert (created.paid, performed.paid, cancelled.paid) == (False, False, True)
    assert (created.reason, performed.reason, cancelled.reason) == (None, None, 5)
    assert cancelled.account == {"order_id": "1"}
    assert cancelled.perform_time_ms >= cancelled.create_time_ms >= world.time == cancelled.time_ms
    assert not any(transaction.repeated for _, transaction in world.shop.seen)


@pytest.mark.parametrize("effect", ["create", "perform", "cancel"])
@pytest.mark.parametrize("error", [RuntimeError("a secret of the shop"), KeyError("x")])
async def test_a_failing_hook_is_a_system_error_and_the_repeat_completes(
    world: World, effect: str, error: Exception
) -> None:
    steps: dict[str, Any] = {
        "create": lambda: world.create(1),
        "perform": lambda: world.payme.perform(1),
        "cancel": lambda: world.payme.cancel(1, 5),
    }
    for name, step in steps.items():
        if name == effect:
            before = await world.payme.check(1)
            world.raises(error)
            assert await step() == -32400
            assert await world.payme.check(1) == before
            world.raises(None)
            assert (await step())["state"] in (1, 2, -2)
            assert [seen.repeated for was, seen in world.shop.seen if was == effect] == [False, True]
            return
        assert (await step())["state"] in (1, 2)


@pytest.mark.parametrize(
    ("refusal", "code"),
    [
        (CannotPerform(), -31008),
        (AccountNotFound("order_id"), -31050),
        (OrderUnavailable("order_id", Text("р", "o", "e"), code=-31077), -31077),
        (SystemDown(), -32400),
    ],
)
async def test_a_refusing_hook_leaves_everything_as_it_was(
    world: World, refusal: Exception, code: int
) -> None:
    world.raises(refusal)
    assert await world.create(1) == code
    assert await world.payme.check(1) == -31003
    assert await world.payme.cancel(1) == -31003
    assert await world.payme.statement() == []
    world.raises(None)
    assert (await world.create(2))["state"] == 1  # the order is free
    assert (await world.payme.cancel(2))["state"] == -1
    assert (await world.create(1))["state"] == 1  # the refused id was never taken
    before = await world.payme.check(1)
    world.raises(refusal)
    assert await world.payme.perform(1) == code
    assert await world.payme.check(1) == before
    world.raises(None)
    assert (await world.payme.perform(1))["state"] == 2
    assert not any(transaction.repeated for _, transaction in world.shop.seen)


async def test_goods_that_were_handed_over(world: World) -> None:
    await world.create(1)
    await world.payme.perform(1)
    world.shop.cancellable = False
    assert await world.payme.cancel(1, 5) == -31007
    assert (await world.payme.check(1))["state"] == 2
    world.shop.cancellable = True
    world.raises(AlreadyDelivered())
    assert await world.payme.cancel(1, 5) == -31007
    assert (await world.payme.check(1))["state"] == 2
    # An unpaid one is always cancelled, whatever the shop says about delivery.
    world.raises(None)
    world.shop.cancellable = False
    await world.create(2, order="2")
    assert (await world.payme.cancel(2))["state"] == -1


@pytest.mark.parametrize(("effect", "answer"), [("create", ["a list"]), ("create", ""), ("perform", False)])
async def test_nonsense_from_a_hook_is_a_system_error(world: World, effect: str, answer: Any) -> None:
    if effect == "perform":
        await world.create(1)
    world.shop.answer = answer
    step = world.payme.perform(1) if effect == "perform" else world.create(1)
    assert await step == -32400
    world.shop.answer = None
    step = world.payme.perform(1) if effect == "perform" else world.create(1)
    assert (await step)["state"] in (1, 2)


async def test_a_refusal_that_the_documentation_does_not_allow_there(world: World) -> None:
    await world.create(1)
    world.raises(AlreadyDelivered())
    assert await world.payme.perform(1) == -32400
    world.raises(CannotPerform())
    assert await world.payme.cancel(1) == -32400
    assert (await world.payme.check(1))["state"] == 1


async def test_the_shops_own_number(world: World) -> None:
    world.shop.answer = 5123
    assert (await world.create(1))["transaction"] == "5123"
    world.shop.answer = None
    assert (await world.payme.perform(1))["transaction"] == "5123"


async def test_a_create_that_failed_keeps_the_order_until_it_is_cancelled(world: World) -> None:
    world.raises(RuntimeError())
    assert await world.create(1) == -32400
    world.raises(None)
    assert await world.create(2) == -31008  # what the first did to the order is not known
    assert await world.payme.perform(1) == -31008
    assert (await world.payme.cancel(1))["state"] == -1
    assert world.shop.ran["cancel", payme_id(1)] == 1
    assert await world.payme.statement() == []  # it was never accepted
    fiscal = {"receipt_id": 1, "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=1"}
    params = {"id": payme_id(1), "type": "PERFORM", "fiscal_data": fiscal}
    assert await world.payme.call("SetFiscalData", **params) == -32001
    assert await world.create(1) == -31008
    assert (await world.create(2))["state"] == 1


async def test_an_unfinished_create_is_undone_by_the_sweep(world: World) -> None:
    world.raises(RuntimeError())
    assert await world.create(1) == -32400
    world.raises(None)
    world.clock.advance(TIMEOUT_MS)
    await world.api.expire_due()
    assert world.shop.ran["cancel", payme_id(1)] == 1
    world.time += TIMEOUT_MS
    assert (await world.create(2))["state"] == 1


async def test_cancelling_what_may_have_been_performed_says_so(world: World) -> None:
    await world.create(1)
    world.raises(RuntimeError())
    assert await world.payme.perform(1) == -32400
    world.raises(None)
    assert (await world.payme.cancel(1))["state"] == -1
    effect, seen = world.shop.seen[-1]
    assert (effect, seen.perform_unfinished, seen.repeated, seen.paid) == ("cancel", True, False, False)


async def test_a_begun_cancel_is_not_performed(world: World) -> None:
    await world.create(1)
    world.raises(RuntimeError())
    assert await world.payme.cancel(1) == -32400
    world.raises(None)
    assert await world.payme.perform(1) == -31008
    assert (await world.payme.cancel(1))["state"] == -1
    assert world.shop.ran["perform", payme_id(1)] == 0


async def test_a_hanging_hook_is_answered_and_its_end_is_kept(world: World) -> None:
    """Goal: a call does not hang with its hook, nobody runs it again, and its late success counts."""
    await world.create(1)
    released = asyncio.Event()

    async def hang(_: Transaction) -> None:
        await released.wait()

    world.shop.before = hang
    assert await world.payme.perform(1) == -32400
    assert await world.payme.perform(1) == -32400  # waits for the same one
    assert (await world.payme.check(1))["state"] == 1
    released.set()
    assert (await world.payme.perform(1))["state"] == 2
    assert world.shop.ran["perform", payme_id(1)] == 1


async def test_a_caller_that_hangs_up_does_not_cut_a_hook(world: World) -> None:
    await world.create(1)
    begun, released = asyncio.Event(), asyncio.Event()

    async def hang(_: Transaction) -> None:
        begun.set()
        await released.wait()

    world.shop.before = hang
    call = asyncio.create_task(world.payme.perform(1))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    released.set()
    assert (await world.payme.perform(1))["state"] == 2
    assert world.shop.ran["perform", payme_id(1)] == 1


async def test_fifty_at_once_are_one(world: World) -> None:
    steps: dict[str, Callable[[], Awaitable[Any]]] = {
        "create": lambda: world.create(1),
        "perform": lambda: world.payme.perform(1),
        "cancel": lambda: world.payme.cancel(1, 5),
    }
    for effect, step in steps.items():
        replies = await asyncio.gather(*(step() for _ in range(50)))
        assert all(reply == replies[0] for reply in replies)
        assert isinstance(replies[0], dict)
        assert world.shop.ran[effect, payme_id(1)] == 1


async def test_a_slower_twin_is_answered_the_same(world: World) -> None:
    """Goal: the shop says "reserved" to the slower of two equal calls, since the quicker one did that."""
    quick_is_through = asyncio.Event()
    check, asked = world.shop.check, 0

    async def slow_the_second_time(account: Account, amount_tiyin: int) -> Order:
        nonlocal asked
        asked += 1
        if asked == 2:
            await quick_is_through.wait()
        return await check(account, amount_tiyin)

    world.shop.check = slow_the_second_time  # type: ignore[method-assign]
    quick, slow = asyncio.create_task(world.create(1)), asyncio.create_task(world.create(1))
    first = await quick
    quick_is_through.set()
    assert await slow == first
    assert asked == 2
    assert world.shop.ran["create", payme_id(1)] == 1


async def test_two_apis_over_one_database(world: World, sqlite_url: str) -> None:
    """Goal: what one of them runs, the other waits for. The shop's books assert that no two hooks meet."""
    async with MerchantApi(world.shop, sqlite_url, KEY, patience_s=5) as second:
        other = Payme(second)

        async def slow(_: Transaction) -> None:
            await asyncio.sleep(0.03)

        world.shop.before = slow
        for number in range(1, 4):
            order = str(number)
            created = await asyncio.gather(
                world.create(number, order), other.create(number, order, time=world.time)
            )
            assert created[0] == created[1]
            performed = await asyncio.gather(other.perform(number), world.payme.perform(number))
            assert performed[0] == performed[1]
            assert (await other.check(number))["state"] == 2
            for effect in ("create", "perform"):
                assert world.shop.ran[effect, payme_id(number)] == 1


async def test_fifty_transactions_for_one_order(world: World) -> None:
    replies = await asyncio.gather(*(world.create(number) for number in range(50)))
    assert sum(isinstance(reply, dict) for reply in replies) == 1
    assert sum(reply == -31008 for reply in replies) == 49
    assert sum(world.shop.ran["create", payme_id(number)] for number in range(50)) == 1


async def test_perform_raced_by_cancel(world: World) -> None:
    """Goal: whichever comes first, the end is one of the two documented ones and the books agree."""
    for number in range(20):
        order = str(number + 1)
        await world.create(number, order=order)
        calls = [world.payme.perform(number), world.payme.cancel(number)]
        performed, cancelled = await asyncio.gather(*(calls if number % 2 else reversed(calls)))
        if not number % 2:
            performed, cancelled = cancelled, performed
        if performed == -31008:
            assert cancelled["state"] == -1
            assert world.shop.orders[order] == OrderState.WAITING
        else:
            assert performed["state"] == 2
            assert cancelled["state"] == -2
            assert world.shop.orders[order] == OrderState.CANCELLED


async def test_orders_that_the_shop_itself_calls_busy_paid_or_cancelled(world: World) -> None:
    codes = set()
    for state in (OrderState.RESERVED, OrderState.PAID, OrderState.CANCELLED, OrderState.BLOCKED):
        world.shop.orders["1"] = state
        code = await world.payme.check_perform()
        assert -31099 <= code <= -31050
        codes.add(code)
        assert await world.create(1) == (-31008 if state == OrderState.RESERVED else code)
    assert len(codes) == 4


async def test_expiry_runs_the_cancel_hook_with_its_reason(world: World) -> None:
    await world.create(1)
    world.clock.advance(TIMEOUT_MS)
    assert await world.payme.perform(1) == -31008
    effect, seen = world.shop.seen[-1]
    assert (effect, seen.reason, seen.paid) == ("cancel", 4, False)
    assert (await world.payme.check(1))["reason"] == 4
    assert world.shop.ran["perform", payme_id(1)] == 0


async def test_a_shop_that_refuses_to_let_go(world: World) -> None:
    """Calls that only notice the expiry answer -32400, never the shop's -31007; a sweep tries again."""
    await world.create(1)
    world.raises(AlreadyDelivered())
    world.clock.advance(TIMEOUT_MS)
    assert await world.payme.perform(1) == -32400
    assert await world.payme.check(1) == -32400
    await world.api.expire_due()
    world.raises(None)
    await world.api.expire_due()
    assert (await world.payme.check(1))["reason"] == 4


async def test_the_module_docstrings_shop_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first thing that a reader copies must work as it stands."""
    monkeypatch.chdir(tmp_path)
    source = str(tiyin.merchant.__doc__).split("```python")[1].split("```")[0]
    namespace: dict[str, Any] = {}
    exec(source, namespace)  # noqa: S102 - our own documentation
    assert callable(namespace["app"])
    api = MerchantApi(namespace["Shop"](), "sqlite:///payme.db", KEY)
    async with api:
        payme = Payme(api)
        assert await payme.check_perform(order="3") == -31050
        assert (await payme.create(1, time=TurnableClock().now_ms()))["state"] == 1
        assert (await payme.perform(1))["state"] == 2
