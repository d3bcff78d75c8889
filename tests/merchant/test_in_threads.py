"""Stores that block: calls in threads with an end to patience, and what comes too late is undone."""

import asyncio
import contextlib
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from helpers_merchant import KEY, NOW_MS, PRICE_TIYIN, payme_id
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.api import Call, MerchantApi
from tiyin.merchant.billing import Account, Order, OrderState, Transaction
from tiyin.merchant.records import Row
from tiyin.merchant.stores.in_transaction import InTransaction
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule
from tiyin.merchant.stores.wanted import Wanted, check_wanted
from tiyin.merchant.sync_billing import SyncBilling
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.clock import ManualClock

PATIENCE_S = 5.0
WAIT_S = 20.0


class Database:
    """One table in memory behind one lock, which blocks."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.orders: dict[str, str] = {}
        self.lock = threading.RLock()
        self.undone = threading.Event()

    @contextlib.asynccontextmanager
    async def transaction(self, *, locks: bool) -> AsyncIterator["Database"]:
        del locks
        with self.lock:
            before = dict(self.rows), dict(self.orders)
            try:
                yield self
            except BaseException:
                self.rows, self.orders = before
                self.undone.set()
                raise

    def can_repeat(self, error: BaseException) -> bool:
        return isinstance(error, BlockingIOError)

    async def pause(self, seconds: float) -> None:
        threading.Event().wait(seconds)

    def check_wanted(self) -> None:
        check_wanted()

    async def locked(self, key: str) -> Row | None:
        return self.rows.get(key)

    async def insert(self, row: Row) -> bool:
        if row.id in self.rows or any(row.guard == other.guard for other in self.rows.values()):
            return False
        self.rows[row.id] = row
        return True

    async def update(self, row: Row) -> None:
        self.rows[row.id] = row


class Store(InTransaction):
    blocking = True
    detached = False

    def __init__(self, database: Database, clock: ManualClock) -> None:
        super().__init__(database, clock, patience_s=PATIENCE_S)
        self.database = database
        self.stays = False
        self.threads: set[int] = set()
        self.started = 0

    async def start(self) -> None:
        self.started += 1

    async def stop(self) -> None:
        self.started -= 1

    @contextlib.contextmanager
    def thread(self) -> Iterator[None]:
        self.threads.add(threading.get_ident())
        yield

    def stays_in_thread(self) -> bool:
        return self.stays

    async def read(self, key: str) -> Row | None:
        return self.database.rows.get(key)

    async def holder(self, guard: str) -> Row | None:
        return next((row for row in self.database.rows.values() if row.guard == guard), None)

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        known = sorted(self.database.rows.values(), key=lambda row: (row.time_ms, row.id))
        begun = [row for row in known if after is None or (row.time_ms, row.id) > (after.time_ms, after.id)]
        return [row for row in begun if from_ms <= row.time_ms <= to_ms][:limit]

    async def due(self, now_ms: int, after: tuple[int, str] | None, limit: int) -> list[tuple[int, str]]:
        late = sorted((row.due_ms, row.id) for row in self.database.rows.values() if row.due_ms is not None)
        return [pair for pair in late if pair[0] <= now_ms and (after is None or pair > after)][:limit]

    async def keep_fiscal(self, row: FiscalRow) -> None:
        raise NotImplementedError

    async def fiscal(self, key: str) -> FiscalRow | None:
        raise NotImplementedError

    async def key_row(self, key: str) -> KeyRow | None:
        raise NotImplementedError

    async def change_key(self, key: str, rule: KeyRule) -> None:
        raise NotImplementedError


class Shop(SyncBilling):
    def __init__(self, database: Database) -> None:
        self.database = database
        self.before: Callable[[], object] = lambda: None
        self.mails: list[tuple[str, int]] = []
        self.mailed = threading.Event()
        self.threads: set[int] = set()

    def check(self, account: Account, amount_tiyin: int) -> Order:
        del amount_tiyin
        self.threads.add(threading.get_ident())
        state = self.database.orders.get(account["order_id"], OrderState.WAITING)
        return Order(amount_tiyin=PRICE_TIYIN, state=OrderState(state))

    def perform(self, transaction: Transaction) -> None:
        self.database.orders[transaction.account["order_id"]] = OrderState.PAID
        after_commit(self._mail, transaction.id)
        self.before()

    def _mail(self, id_: str) -> None:
        self.mails.append((id_, threading.get_ident()))
        self.mailed.set()


class World:
    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self.clock = ManualClock(NOW_MS)
        self.database = Database()
        self.shop = Shop(self.database)
        self.store = Store(self.database, self.clock)
        self.api = MerchantApi(
            self.shop, self.store, KEY, clock=self.clock, patience_s=patience_s, sweep_every_s=0.05
        )

    def call(self, method: str, **params: Any) -> Any:
        body = json.dumps({"id": 7, "method": method, "params": params}).encode()
        reply = self.api.handle_sync(Call("POST", body, write_basic("Paycom", KEY)))
        told = json.loads(reply.body + b"".join(reply.more or ()))
        assert told["id"] == 7
        return told["result"] if "result" in told else told["error"]["code"]

    def create(self, number: int, order: str = "1") -> Any:
        account = {"order_id": order}
        return self.call(
            "CreateTransaction", id=payme_id(number), time=NOW_MS, amount=PRICE_TIYIN, account=account
        )

    def perform(self, number: int) -> Any:
        return self.call("PerformTransaction", id=payme_id(number))


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


def test_a_forked_server_begins_anew(world: World) -> None:
    """Goal: a worker that was forked after a call answers as well: threads of its parent are not there."""
    world.create(1)
    threads = world.api._threads()  # noqa: SLF001 - what a fork leaves is what is tested
    threads._made_in = -1  # noqa: SLF001 - the same
    assert not threads.made_here
    assert world.perform(1)["state"] == 2
    assert world.api._threads() is not threads  # noqa: SLF001 - the same
    threads._made_in = os.getpid()  # noqa: SLF001 - it is stopped as any other
    threads.stop()
    assert world.store.started == 1


@pytest.mark.parametrize("first", ["commit", "give_up"])
def test_either_committed_or_given_up(first: str) -> None:
    wanted = Wanted()
    second = "give_up" if first == "commit" else "commit"
    assert getattr(wanted, first)()
    assert not getattr(wanted, second)()
    assert getattr(wanted, first)()
