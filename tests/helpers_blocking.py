"""Stores that block, and one that awaits, in memory: for tests of what stands around a store."""

import asyncio
import contextlib
import json
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from helpers_merchant import KEY, NOW_MS, PRICE_TIYIN, payme_id
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.api import Call, MerchantApi
from tiyin.merchant.billing import Account, Billing, Order, OrderState, Transaction
from tiyin.merchant.records import Row
from tiyin.merchant.stores.in_transaction import InTransaction
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule
from tiyin.merchant.stores.wanted import check_wanted
from tiyin.merchant.sync_billing import SyncBilling
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.clock import ManualClock

__all__ = ["AwaitingWorld", "Database", "Shop", "Store", "World"]

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
        after_commit(self.send, transaction.id)
        self.before()

    def send(self, id_: str) -> None:
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


class AwaitingDatabase(Database):
    """The same for those who await; a commit takes two turns of the loop."""

    def __init__(self) -> None:
        super().__init__()
        self.committing = asyncio.Event()

    @contextlib.asynccontextmanager
    async def transaction(self, *, locks: bool) -> AsyncIterator["Database"]:
        async with super().transaction(locks=locks) as session:
            yield session
        if locks:
            self.committing.set()
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    def check_wanted(self) -> None:
        pass


class AwaitingShop(Billing):
    """Sends a mail for each effect."""

    def __init__(self) -> None:
        self.mails: list[str] = []

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        del account, amount_tiyin
        return Order(amount_tiyin=PRICE_TIYIN)

    async def create(self, transaction: Transaction) -> None:
        after_commit(self.mails.append, f"create {transaction.id}")

    async def perform(self, transaction: Transaction) -> None:
        after_commit(self.mails.append, f"perform {transaction.id}")


class AwaitingWorld:
    """A shop that awaits, over a store in its own database."""

    def __init__(self) -> None:
        self.clock = ManualClock(NOW_MS)
        self.database = AwaitingDatabase()
        self.shop = AwaitingShop()
        self.store = Store(self.database, self.clock)
        self.store.blocking = False
        self.api = MerchantApi(self.shop, self.store, KEY, clock=self.clock)
