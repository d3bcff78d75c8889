"""Hooks that are plain functions, on the kit's own store; and what any hook leaves for after its commit."""

import asyncio
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from helpers_merchant import KEY, PRICE_TIYIN, Payme, QuietShop, payme_id
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.api import Call, MerchantApi
from tiyin.merchant.billing import Account, Order, Transaction
from tiyin.merchant.refusals import CannotPerform
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.sync_billing import SyncBilling
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.clock import SystemClock

WAIT_S = 30
LEASE_MS = 2_000
NOW_MS = SystemClock().now_ms()


class PlainShop(SyncBilling):
    """A shop of plain functions that counts how often each effect ran, and how many ran at a time."""

    def __init__(self) -> None:
        self.before: Callable[[Transaction], object] = lambda _: None
        self.ran: Counter[str] = Counter()
        self.at_once_max = 0
        self._at_once: Counter[str] = Counter()
        self._guard = threading.Lock()

    def check(self, account: Account, amount_tiyin: int) -> Order:
        del account, amount_tiyin
        return Order(amount_tiyin=PRICE_TIYIN)

    def create(self, transaction: Transaction) -> None:
        self._run("create", transaction)

    def perform(self, transaction: Transaction) -> None:
        self._run("perform", transaction)

    def cancel(self, transaction: Transaction) -> None:
        self._run("cancel", transaction)

    def _run(self, effect: str, transaction: Transaction) -> None:
        with self._guard:
            self._at_once[transaction.id] += 1
            self.at_once_max = max(self.at_once_max, self._at_once[transaction.id])
        try:
            self.before(transaction)
            with self._guard:
                self.ran[effect] += 1
        finally:
            with self._guard:
                self._at_once[transaction.id] -= 1


def opened(shop: Any, url: str, *, patience_s: float = WAIT_S, lease_ms: int = LEASE_MS) -> MerchantApi:
    """Open an api on a store of its own, as another process would."""
    return MerchantApi(
        shop, OwnStore(url, patience_s=patience_s, lease_ms=lease_ms), KEY, patience_s=patience_s
    )


async def set_in_thread(event: threading.Event) -> None:
    assert await asyncio.to_thread(event.wait, WAIT_S)


async def test_calls_at_once_run_each_hook_once(store_url: str) -> None:
    """Goal: the same calls at two stores are answered alike; hooks of one transaction take turns."""
    shop = PlainShop()
    async with opened(shop, store_url) as one, opened(shop, store_url) as two:
        callers = [Payme(one), Payme(two)] * 4
        for step, state in (("create", 1), ("perform", 2), ("cancel", -2)):
            options = {"time": NOW_MS} if step == "create" else {}
            answers = await asyncio.gather(*(getattr(payme, step)(1, **options) for payme in callers))
            assert answers == [answers[0]] * len(callers)
            assert answers[0]["state"] == state
    assert shop.ran == {"create": 1, "perform": 1, "cancel": 1}
    assert shop.at_once_max == 1


async def test_a_hook_that_takes_longer_than_its_lease(store_url: str) -> None:
    """Goal: a thread cannot be cut, so its transaction stays held, and no other hook begins beside it."""
    shop = PlainShop()
    begun, end = threading.Event(), threading.Event()

    def wait(_: Transaction) -> None:
        begun.set()
        assert end.wait(WAIT_S)

    async with opened(shop, store_url) as one, opened(shop, store_url) as two:
        await Payme(one).create(1, time=NOW_MS)
        shop.before = wait
        performing = asyncio.create_task(Payme(one).perform(1))
        await set_in_thread(begun)
        others = [asyncio.create_task(Payme(two).perform(1)), asyncio.create_task(Payme(two).cancel(1))]
        # Not a wait for something: the lease is meant to run out meanwhile, and half as much again.
        await asyncio.sleep(1.5 * LEASE_MS / 1000)
        assert shop.ran["perform"] == shop.ran["cancel"] == 0
        end.set()
        assert (await performing)["state"] == 2
        assert (await others[0])["state"] in {2, -31008}
        assert (await others[1])["state"] == -2
    assert shop.ran == {"create": 1, "perform": 1, "cancel": 1}
    assert shop.at_once_max == 1


@pytest.mark.parametrize("step", ["create", "perform", "cancel"])
async def test_a_hook_that_hangs(sqlite_url: str, step: str) -> None:
    """Goal: -32400 when the patience is over, at every repeat; the hook runs on, once, and its end counts."""
    shop = PlainShop()
    end = threading.Event()
    states = {"create": 1, "perform": 2, "cancel": -2}
    async with opened(shop, sqlite_url, patience_s=0.3, lease_ms=1_000) as api:
        payme = Payme(api)

        async def call(name: str) -> Any:
            return await getattr(payme, name)(1, **({"time": NOW_MS} if name == "create" else {}))

        for name, state in states.items():
            if name == step:
                break
            assert (await call(name))["state"] == state
        before = await payme.check(1)
        shop.before = lambda _: end.wait(WAIT_S)
        assert [await call(step) for _ in range(2)] == [-32400, -32400]
        assert await payme.check(1) == before
        end.set()
        for _ in range(100):
            answer = await call(step)
            if answer != -32400:
                break
        assert answer["state"] == states[step]
        assert shop.ran[step] == 1


async def test_a_check_that_hangs(sqlite_url: str) -> None:
    class Hanging(PlainShop):
        def check(self, account: Account, amount_tiyin: int) -> Order:
            end.wait(WAIT_S)
            return super().check(account, amount_tiyin)

    end = threading.Event()
    async with opened(Hanging(), sqlite_url, patience_s=0.2) as api:
        assert await Payme(api).check_perform() == -32400
        end.set()
        for _ in range(100):
            answer = await Payme(api).check_perform()
            if answer != -32400:
                break
        assert answer == {"allow": True}


@pytest.mark.parametrize(
    ("error", "code"), [(RuntimeError("a secret of the shop"), -32400), (CannotPerform(), -31008)]
)
async def test_a_hook_that_raises(
    sqlite_url: str, error: Exception, code: int, caplog: pytest.LogCaptureFixture
) -> None:
    shop = PlainShop()

    def fail(_: Transaction) -> None:
        raise error

    async with opened(shop, sqlite_url) as api:
        payme = Payme(api)
        await payme.create(1, time=NOW_MS)
        before = await payme.check(1)
        shop.before = fail
        assert await payme.perform(1) == code
        assert await payme.check(1) == before
        shop.before = lambda _: None
        assert (await payme.perform(1))["state"] == 2
    assert ("payme_call_failed" in caplog.text) is (code == -32400)


# --- after_commit ---


class AsyncLeaving(QuietShop):
    """A shop that leaves work for after each of its effects."""

    def __init__(self, leave: Callable[[Transaction], None]) -> None:
        self._leave = leave

    async def create(self, transaction: Transaction) -> None:
        self._leave(transaction)

    async def perform(self, transaction: Transaction) -> None:
        self._leave(transaction)

    async def cancel(self, transaction: Transaction) -> None:
        self._leave(transaction)


class PlainLeaving(PlainShop):
    """The same in plain functions."""

    def __init__(self, leave: Callable[[Transaction], None]) -> None:
        super().__init__()
        self.before = leave


LEAVING = [AsyncLeaving, PlainLeaving]


@pytest.mark.parametrize("kind", LEAVING)
async def test_it_runs_after_the_commit(store_url: str, kind: Any) -> None:
    """Goal: what a hook left is called once for each effect, when anybody can already see the outcome."""
    loop = asyncio.get_running_loop()
    seen: asyncio.Queue[tuple[int, int]] = asyncio.Queue()

    async with opened(QuietShop(), store_url) as elsewhere:

        async def look(state: int) -> None:
            seen.put_nowait((state, (await Payme(elsewhere).check(1))["state"]))

        def look_from_thread(state: int) -> None:
            assert threading.current_thread() is not threading.main_thread(), "it would block the event loop"
            asyncio.run_coroutine_threadsafe(look(state), loop).result(WAIT_S)

        def leave(transaction: Transaction) -> None:
            work: Any = look if kind is AsyncLeaving else look_from_thread
            after_commit(work, transaction.state)

        async with opened(kind(leave), store_url) as api:
            payme = Payme(api)
            for step, saw in ((payme.create(1, time=NOW_MS), (0, 1)), (payme.perform(1), (1, 2))):
                assert (await step)["state"] == saw[1]
                assert await asyncio.wait_for(seen.get(), WAIT_S) == saw
            for _ in range(2):
                assert (await payme.cancel(1, 5))["state"] == -2
            assert await asyncio.wait_for(seen.get(), WAIT_S) == (2, -2)
    assert seen.empty()


@pytest.mark.parametrize("kind", LEAVING)
async def test_it_does_not_run_for_a_hook_that_failed(sqlite_url: str, kind: Any) -> None:
    did: list[str] = []
    failing = True

    def leave(transaction: Transaction) -> None:
        after_commit(did.append, transaction.id)
        if failing:
            raise RuntimeError("after it left something")

    async with opened(kind(leave), sqlite_url) as api:
        assert await Payme(api).create(1, time=NOW_MS) == -32400
        failing = False
        assert (await Payme(api).create(1, time=NOW_MS))["state"] == 1
    # Closing the api has let everything end that was running.
    assert did == [payme_id(1)]


@pytest.mark.parametrize("kind", LEAVING)
async def test_its_failure_is_logged_and_nothing_else(
    sqlite_url: str, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    did: list[str] = []

    def fail() -> None:
        raise RuntimeError("no mail today")

    def leave(transaction: Transaction) -> None:
        after_commit(fail)
        after_commit(did.append, transaction.id)

    async with opened(kind(leave), sqlite_url) as api:
        assert (await Payme(api).create(1, time=NOW_MS))["state"] == 1
        assert (await Payme(api).check(1))["state"] == 1
    assert did == [payme_id(1)]
    told = caplog.text
    assert "payme_after_commit_failed" in told
    assert "no mail today" in told
    assert "payme_call_failed" not in told


async def test_a_function_that_awaits_in_a_plain_shop(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def mail() -> None:
        raise AssertionError("nobody can await it")

    async with opened(PlainLeaving(lambda _: after_commit(mail)), sqlite_url) as api:
        assert (await Payme(api).create(1, time=NOW_MS))["state"] == 1
    assert "payme_after_commit_failed" in caplog.text


@pytest.mark.parametrize("kind", LEAVING)
def test_it_works_in_a_server_that_does_not_await(sqlite_url: str, kind: Any) -> None:
    """Goal: over `handle_sync` as over `handle`; closing the api lets it end."""
    did: list[str] = []
    api = opened(kind(lambda transaction: after_commit(did.append, transaction.id)), sqlite_url)
    body = (
        b'{"method":"CreateTransaction","params":{"id":"%s","time":%d,"amount":%d,"account":{"order_id":1}}}'
    )
    body %= payme_id(1).encode(), NOW_MS, PRICE_TIYIN
    call = Call("POST", body, write_basic("Paycom", KEY))
    assert b'"state":1' in api.handle_sync(call).body
    api.stop_sync()
    assert did == [payme_id(1)]


def test_outside_of_a_hook() -> None:
    with pytest.raises(RuntimeError, match="create, perform and cancel"):
        after_commit(print)
