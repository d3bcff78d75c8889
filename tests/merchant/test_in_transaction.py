"""Stores in the shop's own database, over one of a few lines: what is undone, repeated, left for later."""

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import pytest

from helpers_merchant import KEY, NOW_MS, PRICE_TIYIN, Payme, payme_id
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Account, Billing, FiscalNotice, Order, OrderState, Transaction
from tiyin.merchant.records import Row
from tiyin.merchant.refusals import AccountNotFound, CannotPerform
from tiyin.merchant.stores.in_transaction import InTransaction
from tiyin.merchant.stores.port import FiscalRow, KeyRow, KeyRule
from tiyin.merchant.stores.unit import UNIT
from tiyin.runtime.clock import ManualClock


class Conflict(Exception):
    """What a database says when it must be asked again."""


class Database:
    """Two tables in memory, with database transactions that come one after the other."""

    def __init__(self) -> None:
        self.rows: dict[str, Row] = {}
        self.orders: dict[str, str] = {}
        self.conflicts = 0
        self.commits = 0
        self.pauses: list[float] = []

    @contextlib.asynccontextmanager
    async def transaction(self, *, locks: bool) -> AsyncIterator["Database"]:
        before = dict(self.rows), dict(self.orders)
        try:
            yield self
            if locks:
                self._conflict()
        except BaseException:
            self.rows, self.orders = before
            raise
        if not locks:
            assert (self.rows, self.orders) == before, "something was written where nothing may be"
        self.commits += 1

    def _conflict(self) -> None:
        if self.conflicts:
            self.conflicts -= 1
            raise Conflict

    def can_repeat(self, error: BaseException) -> bool:
        return isinstance(error, Conflict)

    async def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    def check_wanted(self) -> None:
        pass

    async def locked(self, key: str) -> Row | None:
        return self.rows.get(key)

    async def insert(self, row: Row) -> bool:
        taken = row.guard is not None and any(other.guard == row.guard for other in self.rows.values())
        if row.id in self.rows or taken:
            return False
        self.rows[row.id] = row
        return True

    async def update(self, row: Row) -> None:
        assert row.id in self.rows
        self.rows[row.id] = row


class Store(InTransaction):
    """The port over it."""

    blocking = False
    detached = False

    def __init__(self, database: Database, clock: ManualClock) -> None:
        super().__init__(database, clock, patience_s=5)
        self.database = database
        self.fiscal_rows: dict[str, FiscalRow] = {}

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def read(self, key: str) -> Row | None:
        return self.database.rows.get(key)

    async def holder(self, guard: str) -> Row | None:
        return next((row for row in self.database.rows.values() if row.guard == guard), None)

    async def statement(self, from_ms: int, to_ms: int, after: Row | None, limit: int) -> list[Row]:
        raise NotImplementedError

    async def due(self, now_ms: int, after: tuple[int, str] | None, limit: int) -> list[tuple[int, str]]:
        late = sorted((row.due_ms, row.id) for row in self.database.rows.values() if row.due_ms is not None)
        return [pair for pair in late if pair[0] <= now_ms and (after is None or pair > after)][:limit]

    async def keep_fiscal(self, row: FiscalRow) -> None:
        self.fiscal_rows[row.id] = row

    async def fiscal(self, key: str) -> FiscalRow | None:
        return self.fiscal_rows.get(key)

    async def key_row(self, key: str) -> KeyRow | None:
        raise NotImplementedError

    async def change_key(self, key: str, rule: KeyRule) -> None:
        raise NotImplementedError


class Shop(Billing):
    """Keeps its orders in the same database, and tells what is left for after the commit."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.mails: list[str] = []
        self.ran: list[str] = []
        self.before: Callable[[str], Any] = lambda _: None

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        del amount_tiyin
        if account["order_id"] == "gone":
            raise AccountNotFound("order_id")
        return Order(
            amount_tiyin=PRICE_TIYIN,
            state=OrderState(self.database.orders.get(account["order_id"], OrderState.WAITING)),
        )

    async def create(self, transaction: Transaction) -> str | int | None:
        return self._effect("create", transaction, OrderState.RESERVED)  # type: ignore[no-any-return]  # a test may break the promise

    async def perform(self, transaction: Transaction) -> None:
        return self._effect("perform", transaction, OrderState.PAID)  # type: ignore[no-any-return]  # the same

    async def may_cancel(self, transaction: Transaction) -> bool:
        return transaction.account["order_id"] != "delivered"

    async def cancel(self, transaction: Transaction) -> None:
        becomes = OrderState.CANCELLED if transaction.paid else OrderState.WAITING
        return self._effect("cancel", transaction, becomes)  # type: ignore[no-any-return]  # the same

    async def fiscal_data(self, notice: FiscalNotice) -> bool:
        self.database.orders[f"fiscal {notice.id}"] = notice.type
        return False

    def _effect(self, name: str, transaction: Transaction, becomes: OrderState) -> Any:
        assert not transaction.repeated
        self.ran.append(name)
        self.database.orders[transaction.account["order_id"]] = becomes
        after_commit(self.mails.append, f"{name} {transaction.account['order_id']}")
        return self.before(name)


class World:
    def __init__(self) -> None:
        self.database = Database()
        self.clock = ManualClock(NOW_MS)
        self.shop = Shop(self.database)
        self.store = Store(self.database, self.clock)
        self.api = MerchantApi(self.shop, self.store, KEY, clock=self.clock, patience_s=5)
        self.payme = Payme(self.api)


@pytest.fixture
async def world() -> AsyncIterator[World]:
    made = World()
    yield made
    await made.api.stop()


async def test_a_payment_and_its_order_are_one(world: World) -> None:
    created = await world.payme.create(1)
    assert (created["state"], world.database.orders) == (1, {"1": "reserved"})
    assert await world.payme.create(1) == created
    assert await world.payme.create(2) == -31008
    performed = await world.payme.perform(1)
    assert (performed["state"], world.database.orders) == (2, {"1": "paid"})
    assert await world.payme.perform(1) == performed
    refunded = await world.payme.cancel(1, 5)
    assert (refunded["state"], world.database.orders) == (-2, {"1": "cancelled"})
    assert world.shop.ran == ["create", "perform", "cancel"]
    await world.api.stop()
    assert world.shop.mails == ["create 1", "perform 1", "cancel 1"]
    assert await world.payme.create(3) == -31053


@pytest.mark.parametrize("hook", ["create", "perform", "cancel"])
@pytest.mark.parametrize("failure", [OSError("the disk"), CannotPerform(), "nonsense"])
async def test_a_hook_that_fails_leaves_nothing(world: World, hook: str, failure: object) -> None:
    """Goal: neither the transaction nor the order has moved, no mail is sent, and a repeat completes it."""

    def fail(name: str) -> Any:
        if name != hook:
            return None
        if isinstance(failure, Exception):
            raise failure
        return object()

    steps = {"create": 1, "perform": 2, "cancel": -2}
    for step, state in steps.items():
        if step != hook:
            assert (await getattr(world.payme, step)(1))["state"] == state
            continue
        await world.api.stop()
        before = dict(world.database.rows), dict(world.database.orders), list(world.shop.mails)
        world.shop.before = fail
        expected = -31008 if isinstance(failure, CannotPerform) and step != "cancel" else -32400
        assert await getattr(world.payme, step)(1) == expected
        await world.api.stop()
        assert (world.database.rows, world.database.orders, world.shop.mails) == before
        world.shop.before = lambda _: None
        assert (await getattr(world.payme, step)(1))["state"] == state
        return


async def test_what_the_database_undoes_is_done_again(world: World) -> None:
    """Goal: after conflicts all stands once, and what was left for afterwards is done once."""
    for step, state in {"create": 1, "perform": 2, "cancel": -2}.items():
        world.database.conflicts = 3
        assert (await getattr(world.payme, step)(1))["state"] == state
        assert world.database.conflicts == 0
    await world.api.stop()
    assert world.shop.mails == ["create 1", "perform 1", "cancel 1"]
    assert world.shop.ran == ["create"] * 4 + ["perform"] * 4 + ["cancel"] * 4
    assert len(world.database.pauses) == 9
    assert all(0 <= pause <= 1 for pause in world.database.pauses)


async def test_a_database_that_never_agrees_is_given_up(world: World) -> None:
    world.database.conflicts = 1000
    assert await world.payme.create(1) == -32400
    assert not world.database.rows
    assert not world.database.orders
    await world.api.stop()
    assert world.shop.mails == []
    assert world.database.conflicts > 990


async def test_a_conflict_inside_of_a_hook_counts_too(world: World) -> None:
    conflicts = iter([Conflict(), Conflict()])

    def disturb(_: str) -> None:
        for error in conflicts:
            raise error

    world.shop.before = disturb
    assert (await world.payme.create(1))["state"] == 1
    await world.api.stop()
    assert world.shop.mails == ["create 1"]


async def test_twelve_hours(world: World) -> None:
    """Goal: whoever notices first, the order is free, and looking alone does it too."""
    await world.payme.create(1)
    world.clock.advance(43_200_000)
    assert await world.payme.check_perform() == {"allow": True}
    assert world.database.orders == {"1": "waiting"}
    assert (await world.payme.check(1))["reason"] == 4
    assert (await world.payme.create(2, time=NOW_MS + 43_200_000))["state"] == 1
    assert await world.payme.perform(1) == -31008
    assert world.database.orders == {"1": "reserved"}
    world.clock.advance(43_200_000)
    assert await world.api.expire_due() == 1
    assert world.database.orders == {"1": "waiting"}


async def test_perform_of_an_expired_one_keeps_what_it_noticed(world: World) -> None:
    await world.payme.create(1)
    world.clock.advance(43_200_000)
    assert await world.payme.perform(1) == -31008
    assert world.database.rows[payme_id(1)].state == -1
    assert world.database.orders == {"1": "waiting"}


async def test_a_delivered_order_is_not_undone(world: World) -> None:
    await world.payme.create(1, "delivered")
    await world.payme.perform(1)
    assert await world.payme.cancel(1, 5) == -31007
    assert world.database.rows[payme_id(1)].state == 2


async def test_fiscal_data_that_nobody_knows_leaves_nothing(world: World) -> None:
    """Goal: what the hook wrote is undone together with the refusal."""
    data = {"receipt_id": 1, "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=1"}
    assert await world.payme.call("SetFiscalData", id=payme_id(9), type="PERFORM", fiscal_data=data) == -32001
    assert world.database.orders == {}
    await world.payme.create(1)
    for kind in ("PERFORM", "CANCEL"):
        await world.payme.call("SetFiscalData", id=payme_id(1), type=kind, fiscal_data=data)
    assert sorted(world.store.fiscal_rows) == [f"{payme_id(1)}:CANCEL", f"{payme_id(1)}:PERFORM"]
    assert msgspec.json.decode(world.store.fiscal_rows[f"{payme_id(1)}:CANCEL"].data)["receipt_id"] == 1


async def test_a_unit_that_only_looks_cannot_lock(world: World) -> None:
    async def lock() -> None:
        await world.store.together(lock, locks=True)

    with pytest.raises(RuntimeError, match=r"only reads"):
        await world.store.together(lock, locks=False)
    assert UNIT.get() is None
