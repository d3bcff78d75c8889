"""How things end: hooks that raise what no hook should, stopping in the middle, forks, callers who hang up.

Whatever happens, a caller gets an answer, what he was told is what is stored, and what was left for after a
commit is done exactly when there was one.
"""

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import CancelledError
from pathlib import Path
from typing import Any

import pytest

from helpers_blocking import Database, World
from helpers_merchant import KEY, NOW_MS, PRICE_TIYIN, Books, Payme, payme_id
from tiyin.merchant.api import Call, MerchantApi
from tiyin.merchant.billing import Account, Order, Transaction
from tiyin.merchant.in_loop import InLoop
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.sync_billing import SyncBilling
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.clock import ManualClock

WAIT_S = 20.0
pytestmark = pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")


class Plain(SyncBilling):
    """Over the kit's own store, so that its hooks run in threads."""

    def __init__(self) -> None:
        self.checking: Callable[[], object] = lambda: None
        self.performing: Callable[[], object] = lambda: None

    def check(self, account: Account, amount_tiyin: int) -> Order:
        del account, amount_tiyin
        self.checking()
        return Order(amount_tiyin=PRICE_TIYIN)

    def perform(self, transaction: Transaction) -> None:
        del transaction
        self.performing()


def raises(error: BaseException) -> Callable[[], object]:
    def do() -> None:
        raise error

    return do


def call(api: MerchantApi, method: str, **params: Any) -> Any:
    body = json.dumps({"id": 7, "method": method, "params": params}).encode()
    told = json.loads(api.handle_sync(Call("POST", body, write_basic("Paycom", KEY))).body)
    return told["result"] if "result" in told else told["error"]["code"]


def create(api: MerchantApi, number: int, order: str = "1") -> Any:
    account = {"order_id": order}
    return call(
        api, "CreateTransaction", id=payme_id(number), time=NOW_MS, amount=PRICE_TIYIN, account=account
    )


def perform(api: MerchantApi, number: int) -> Any:
    return call(api, "PerformTransaction", id=payme_id(number))


class Aside(threading.Thread):
    """A call in a thread beside the test."""

    def __init__(self, work: Callable[..., Any], *given: Any) -> None:
        super().__init__(daemon=True)
        self._work = work
        self._given = given
        self.answer: Any = None
        self.start()

    def run(self) -> None:
        self.answer = self._work(*self._given)

    def ended(self) -> Any:
        self.join(WAIT_S)
        assert not self.is_alive(), "it hangs"
        return self.answer


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[Plain, MerchantApi]]:
    shop = Plain()
    api = MerchantApi(shop, f"sqlite:///{tmp_path}/payme.db", KEY, clock=ManualClock(NOW_MS), patience_s=10)
    yield shop, api
    api.stop_sync()


@pytest.mark.parametrize("error", [StopIteration(), SystemExit(1), CancelledError(), KeyboardInterrupt()])
def test_a_hook_in_a_thread_raises_what_no_hook_should(
    own: tuple[Plain, MerchantApi], error: BaseException
) -> None:
    """Goal: -32400, the loop lives, and the repeated call completes the payment."""
    shop, api = own
    assert create(api, 1)["state"] == 1
    shop.performing = raises(error)
    assert Aside(perform, api, 1).ended() == -32400
    shop.performing = lambda: None
    assert Aside(perform, api, 1).ended()["state"] == 2


@pytest.mark.parametrize("error", [StopIteration(), SystemExit(1), CancelledError(), KeyboardInterrupt()])
def test_a_hook_over_a_blocking_store_does(error: BaseException) -> None:
    world = World()
    world.create(1)
    world.shop.before = raises(error)
    assert Aside(world.perform, 1).ended() == -32400
    assert world.database.rows[payme_id(1)].state == 1
    world.shop.before = lambda: None
    assert Aside(world.perform, 1).ended()["state"] == 2
    world.api.stop_sync()


def test_a_loop_s_end_answers_who_waits(
    own: tuple[Plain, MerchantApi], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Goal: a thread of the server that waits for the loop is not left waiting when that ends."""
    shop, api = own
    inside, go_on = threading.Event(), threading.Event()
    create(api, 9, "9")

    def wait() -> None:
        inside.set()
        go_on.wait(WAIT_S)

    shop.checking = wait
    monkeypatch.setattr("tiyin.merchant.in_loop._DRAIN_S", 0.1)
    waiting = Aside(create, api, 1, "2")
    assert inside.wait(WAIT_S)
    api.stop_sync()
    assert waiting.ended() == -32400
    go_on.set()
    shop.checking = lambda: None
    assert create(api, 2, "3")["state"] == 1


def test_many_calls_after_a_stop(own: tuple[Plain, MerchantApi]) -> None:
    _, api = own
    for _ in range(2):
        calls = [Aside(call, api, "CheckTransaction") for _ in range(8)]
        assert {one.ended() for one in calls} == {-32600}
        api.stop_sync()


@pytest.mark.parametrize("kind", ["address", "store"])
@pytest.mark.parametrize("work", ["call", "expire_due_sync"])
def test_a_server_that_forks_after_its_first_call(tmp_path: Path, kind: str, work: str) -> None:
    """Goal: the child opens its own store; the parent's goes on unhurt."""
    clock = ManualClock(NOW_MS)
    address = f"sqlite:///{tmp_path}/payme.db"
    api = MerchantApi(
        Plain(), address if kind == "address" else OwnStore(address, clock=clock), KEY, clock=clock
    )
    create(api, 1)
    child = os.fork()
    if not child:
        # Whatever happens here, nothing of the test's own surroundings may run on in the child.
        code = 1
        try:
            answer = perform(api, 1)["state"] == 2 if work == "call" else api.expire_due_sync() == 0
            code = 0 if answer else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    told = call(api, "CheckTransaction", id=payme_id(1))
    assert told["state"] == (2 if work == "call" else 1)
    api.stop_sync()


def test_stopping_waits_for_a_payment_and_for_its_mail() -> None:
    """Goal: what is paid when the process stops has been answered so, and its mail was sent."""
    world = World()
    world.create(1)
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        inside.set()
        go_on.wait(WAIT_S)

    world.shop.before = wait
    payment = Aside(world.perform, 1)
    assert inside.wait(WAIT_S)
    stopping = Aside(world.api.stop_sync)
    go_on.set()
    stopping.ended()
    assert payment.ended()["state"] == 2
    assert [id_ for id_, _ in world.shop.mails] == [payme_id(1)]


def test_mail_that_hangs_does_not_hold_up_payments() -> None:
    world = World()
    go_on = threading.Event()
    send = world.shop.send
    world.shop.send = lambda id_: (go_on.wait(WAIT_S), send(id_))  # type: ignore[method-assign, assignment]
    for number in range(1, 41):
        world.create(number, str(number))
        assert world.perform(number)["state"] == 2
    go_on.set()
    world.api.stop_sync()
    assert len(world.shop.mails) == 40


def test_a_commit_that_failed_is_not_a_commit() -> None:
    """Goal: refused at its end, begun again, and then too late: what was answered -32400 is undone."""
    world = World(patience_s=0.5)
    world.create(1)
    tries: list[int] = []
    go_on = threading.Event()

    def hang_the_second_time() -> None:
        tries.append(1)
        if len(tries) == 2:
            go_on.wait(WAIT_S)

    world.shop.before = hang_the_second_time
    transaction = world.database.transaction

    @contextlib.asynccontextmanager
    async def refusing_once(*, locks: bool) -> AsyncIterator[Database]:
        async with transaction(locks=locks) as session:
            yield session
            if len(tries) == 1:
                raise BlockingIOError("could not serialize access")

    world.database.transaction = refusing_once  # type: ignore[method-assign]
    assert world.perform(1) == -32400
    world.database.undone.clear()
    go_on.set()
    assert world.database.undone.wait(WAIT_S)
    with world.database.lock:
        assert world.database.rows[payme_id(1)].state == 1
    world.api.stop_sync()
    assert world.shop.mails == []


def test_a_connection_that_cannot_be_given_back_changes_no_answer() -> None:
    world = World()
    world.create(1)

    @contextlib.contextmanager
    def thread() -> Iterator[None]:
        yield
        raise OSError("the connection is gone")

    world.store.thread = thread  # type: ignore[method-assign]
    assert Aside(world.perform, 1).ended()["state"] == 2
    world.api.stop_sync()


def test_a_connection_that_cannot_be_had_is_answered() -> None:
    world = World()
    world.create(1)

    @contextlib.contextmanager
    def thread() -> Iterator[None]:
        if world.database.rows:
            raise OSError("no connection")
        yield

    world.store.thread = thread  # type: ignore[method-assign]
    assert Aside(world.perform, 1).ended() == -32400
    assert world.database.rows[payme_id(1)].state == 1
    world.api.stop_sync()


async def test_one_that_cannot_expire_does_not_hold_up_the_others() -> None:
    world = World()
    world.create(1)
    world.create(2, "2")
    locked = world.database.locked

    async def failing_for_one(key: str) -> Any:
        if key == payme_id(1):
            raise OSError("lock timeout")
        return await locked(key)

    world.database.locked = failing_for_one  # type: ignore[method-assign]
    world.clock.advance(43_200_000)
    world.api.expire_due_sync()
    assert world.database.rows[payme_id(2)].state == -1
    world.api.stop_sync()


def test_calls_that_nobody_waits_for_are_not_begun() -> None:
    """Goal: behind hooks that hang, what was answered -32400 long ago does not run its hooks later."""
    world = World(patience_s=0.3)
    go_on = threading.Event()
    ran: list[int] = []
    price = world.shop.check

    def check(account: Account, amount_tiyin: int) -> Order:
        ran.append(1)
        go_on.wait(WAIT_S)
        return price(account, amount_tiyin)

    world.shop.check = check  # type: ignore[method-assign]
    params = {"amount": PRICE_TIYIN, "account": {"order_id": "1"}}
    calls = [Aside(lambda: world.call("CheckPerformTransaction", **params)) for _ in range(80)]
    assert {one.ended() for one in calls} == {-32400}
    go_on.set()
    world.api.stop_sync()
    assert len(ran) <= 32


async def test_hooks_that_hang_leave_the_server_s_own_threads_alone() -> None:
    """Goal: in a server that awaits, each of many calls is answered when its own patience is over."""
    world = World(patience_s=0.5)
    go_on = threading.Event()
    world.shop.check = lambda account, amount_tiyin: (go_on.wait(WAIT_S), Order())[1]  # type: ignore[method-assign]  # noqa: ARG005
    body = json.dumps(
        {
            "method": "CheckPerformTransaction",
            "params": {"amount": PRICE_TIYIN, "account": {"order_id": "1"}},
        }
    ).encode()
    calls = [world.api.handle(Call("POST", body, write_basic("Paycom", KEY))) for _ in range(30)]
    replies = asyncio.gather(*calls)
    assert await asyncio.to_thread(lambda: "free") == "free"
    assert {json.loads(reply.body)["error"]["code"] for reply in await replies} == {-32400}
    go_on.set()
    await world.api.stop()


async def test_a_caller_who_hangs_up_during_the_commit(tmp_path: Path) -> None:
    """Goal: over a store in the shop's database that awaits, the commit and what follows it stay together."""
    del tmp_path
    from helpers_blocking import AwaitingWorld  # noqa: PLC0415 - used here alone

    world = AwaitingWorld()
    payme = Payme(world.api)
    await payme.create(1)
    payment = asyncio.ensure_future(payme.perform(1))
    world.database.committing.clear()
    await world.database.committing.wait()
    payment.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await payment
    await world.api.stop()
    assert world.database.rows[payme_id(1)].state == 2
    assert world.shop.mails == [f"create {payme_id(1)}", f"perform {payme_id(1)}"]


async def test_stopping_answers_a_call_whose_hook_does_not_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tiyin.merchant.in_loop._DRAIN_S", 0.1)
    shop = Books()
    api = MerchantApi(shop, f"sqlite:///{tmp_path}/payme.db", KEY, clock=ManualClock(NOW_MS))
    payme = Payme(api)
    await payme.create(1)
    inside = asyncio.Event()

    async def hang(_: Transaction) -> None:
        inside.set()
        await asyncio.Event().wait()

    shop.before = hang
    payment = asyncio.ensure_future(payme.perform(1))
    await inside.wait()
    assert isinstance(api._in_loop, InLoop)  # noqa: SLF001 - it is open
    await api.stop()
    assert await asyncio.wait_for(payment, WAIT_S) == -32400
