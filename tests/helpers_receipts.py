"""A small world around receipts: a shop, an acquirer, cards and a crash at any moment, all scripted."""

import asyncio
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec

import tiyin.gateway.receipts.records  # noqa: F401 - declares its tables
from helpers_shop import START_MS, Crashed, Crashes, FaultyAcquirer, Shop
from tiyin.gateway.acquiring.books import DEBITED, OPERATIONS
from tiyin.gateway.acquiring.port import CardNumber
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.cards.tokens import PayingCard
from tiyin.gateway.desks.records import AccountField, Desk, DeskKind, Epos
from tiyin.gateway.merchant_calls.calls import MerchantCalls
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.receipts.repeating import PATIENCE_MS
from tiyin.gateway.receipts.service import NewReceipt, Receipts
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID, UNRESOLVED
from tiyin.gateway.verify import verify
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.protocol.values import Text, mask_card_number
from tiyin.runtime.http import ScriptedHttp
from tiyin.runtime.ids import SeededIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, Lease, StorageUnavailable, Store, Table
from tiyin.storage.schema import WORK

R = TypeVar("R", bound=msgspec.Struct)

GOOD_CARD = "8600069195406311"
OTHER_CARD = "8600495473316478"
FAILING_CARD = "8600143417770323"
SLOW_CARD = "8600134301849596"


class JumpClock:
    """A clock on which sleeping takes no time: the time jumps instead."""

    def __init__(self) -> None:
        self.now = START_MS

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000

    async def sleep(self, seconds: float) -> None:
        self.now += int(seconds * 1000)
        await asyncio.sleep(0)


def make_desk(*, billing: bool = True, **changes: Any) -> Desk:
    """A cash desk with one account field, with a billing or without."""
    title = Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number")
    desk = Desk(
        id="62d52ce6ca96effd0777a771",
        business_id="62d52c4bca96effd0777a770",
        name="test",
        organization="ЧП «test test»",
        kind=DeskKind.BILLING if billing else DeskKind.VIRTUAL_TERMINAL,
        endpoint="https://shop.example/payme" if billing else None,
        account_fields=(AccountField("order_id", title, main=True),) if billing else (),
        amount_tiyin_min=1,
        amount_tiyin_max=10**12,
        round_up=False,
        holds=False,
        active=True,
        test=True,
        alias=None,
        logo=None,
        address="",
        category=Text(ru="Интернет", uz="Internet", en="Internet"),
        epos=Epos("106600000050000", "20660000"),
        domains=(),
        commission_basis_points=150,
        created_at_ms=1_658_137_830_827,
    )
    return msgspec.structs.replace(desk, **changes)


class FakeCards:
    """Tokens that are card numbers; "once:<number>" pays once."""

    def __init__(self) -> None:
        self.holders: dict[str, tuple[str, int]] = {}
        self.spent: dict[str, str] = {}
        self.problems: list[str] = []

    async def reserve(
        self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int, *, attempt: int
    ) -> PayingCard:
        card = await self.paying_card(desk, token, receipt_id, amount_tiyin)
        if card.one_time:
            self.holders[token] = max(self.holders.get(token, ("", 0)), (receipt_id, attempt))
        return card

    async def paying_card(self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int) -> PayingCard:
        assert desk.id and amount_tiyin > 0  # noqa: PT018 - both are what every caller has
        number = token.removeprefix("once:")
        if len(number) != 16 or self.holders.get(token, (receipt_id, 0))[0] != receipt_id:
            raise RpcError(SubscribeCode.CARD_NOT_FOUND)
        return PayingCard(number, mask_card_number(number), "0399", token, one_time=token != number)

    async def open(self, card_id: str) -> CardNumber:
        return OpenCard(card_id, "0399")

    async def spend(self, token_id: str, receipt_id: str) -> None:
        if self.spent.setdefault(token_id, receipt_id) != receipt_id:
            self.problems.append(f"the one-time token {token_id} paid twice")

    async def release(self, token_id: str, receipt_id: str, attempt: int) -> None:
        if self.spent.get(token_id) != receipt_id and self.holders.get(token_id) == (receipt_id, attempt):
            del self.holders[token_id]


class OpenCard(msgspec.Struct, frozen=True):
    number: str
    expire: str


class WatchedStore:
    """A store that remembers leases, crashes on order, and looks at every receipt that is written.

    Args:
        inner: The store behind it.
        look: Called with each receipt that was written, once it is durable.
    """

    def __init__(self, inner: Store, look: Callable[[Receipt], Awaitable[None]]) -> None:
        self.inner = inner
        self.crashes = Crashes()
        self.leases: dict[str, Lease] = {}
        self.work = WatchedWork(self)
        self.commits = 0
        self._look = look

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def change(self, table: Table[R], key: str, rule: Any, *, lease: Lease | None = None) -> Any:
        answer, _ = await self.change_and_lease(table, key, rule, lease=lease)
        return answer

    async def change_and_lease(
        self, table: Table[R], key: str, rule: Any, *, lease: Lease | None = None
    ) -> tuple[Any, Lease | None]:
        if table is not RECEIPTS:
            return await self.inner.change_and_lease(table, key, rule, lease=lease)
        self.crashes.maybe()
        written: list[Receipt] = []

        def watched(stored: Any) -> Decision[Any]:
            decision: Decision[Any] = rule(stored)
            written[:] = [decision.record] if isinstance(decision.record, Receipt) else []
            return decision

        answer, taken = await self.inner.change_and_lease(table, key, watched, lease=lease)
        self.commits += 1
        if taken is not None:
            self.leases[key] = taken
        for receipt in written:
            await self._look(receipt)
        self.crashes.maybe()
        return answer, taken


class WatchedWork:
    """The work queue, with its leases remembered."""

    def __init__(self, store: WatchedStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store.inner.work, name)

    async def claim(self, kind: str, owner: str, lease_ms: int, limit: int) -> list[Lease]:
        leases = await self._store.inner.work.claim(kind, owner, lease_ms, limit)
        self._store.leases.update({lease.key: lease for lease in leases})
        return leases


class World:
    """Everything around the receipts of one desk; `open` makes it, `close` ends it."""

    def __init__(self, store: Store, desk: Desk) -> None:
        self.desk = desk
        self.clock = JumpClock()
        self.ids = SeededIds(7)
        self.store = WatchedStore(store, self._look)
        self.cards = FakeCards()
        self.acquirer = FaultyAcquirer(TestAcquirer(store, self.clock, TestCards()))
        self.acquirer.before_debit = self._payer_is_there
        self.shop = Shop(self.is_debited)
        self.problems: list[str] = []
        self.answers: list[Receipt | Exception] = []
        self.crashes = Crashes()
        self.store.crashes = self.shop.crashes = self.acquirer.crashes = self.crashes
        self.commissions = {desk.id: desk.commission_basis_points}
        self.restart()

    @classmethod
    async def open(cls, url: str, desk: Desk | None = None) -> "World":
        from tiyin.storage import open_store  # noqa: PLC0415 - most tests bring their own store

        store = await open_store(url)
        await store.create_tables(metadata)
        return cls(store, make_desk() if desk is None else desk)

    def restart(self) -> None:
        """Start a new process over the same database; the old one's tasks are left to themselves."""
        self.tasks = Tasks()
        self.calls = MerchantCalls(ScriptedHttp(self.shop.script), self.clock, self._key_of)
        self.receipts = Receipts(
            self.store,  # type: ignore[arg-type] # what it lacks it finds in the store behind it
            self.clock,
            self.ids,
            self.tasks,
            self.calls,
            self.acquirer,
            self.cards,
            self._commissions_of,
            owner=f"test-{self.ids.new(self.clock.now_ms())}",
        )

    async def _commissions_of(self, desk_ids: Sequence[str]) -> dict[str, int]:
        return {desk_id: rate for desk_id, rate in self.commissions.items() if desk_id in desk_ids}

    async def _key_of(self, desk_id: str) -> str:
        assert len(desk_id) == len(self.desk.id)
        return "key"

    async def close(self) -> None:
        await self.store.inner.close()

    async def is_debited(self, receipt_id: str) -> bool:
        for attempt in range(1, 20):
            operation = await self.store.inner.get(OPERATIONS, f"{receipt_id}-{attempt}")
            if operation is not None and operation.state == DEBITED:
                return True
        return False

    async def _payer_is_there(self, key: str) -> None:
        """Nobody is debited long after he pressed the button."""
        receipt = await self.store.inner.get(RECEIPTS, key[:24])
        if receipt is None or self.clock.now - receipt.time_ms > PATIENCE_MS + 10_000:
            self.problems.append("a debit was tried in the payer's absence")

    async def _look(self, receipt: Receipt) -> None:
        """Check what must hold at every commit, not only at the end."""
        debited = await self.is_debited(receipt.id)
        at_shop = self.shop.state_of(receipt.id)
        if receipt.state == CANCELLED and (debited or at_shop in {1, 2}):
            self.problems.append(f"50 was written with the money {debited}, the shop at {at_shop}")
        if receipt.state == CREATED and (debited or at_shop in {1, 2}):
            self.problems.append(f"0 was written with the money {debited}, the shop at {at_shop}")
        if receipt.state == PAID and (not debited or (receipt.route == "billing" and at_shop != 2)):
            self.problems.append(f"4 was written with the money {debited}, the shop at {at_shop}")

    async def create(self, order: str | int = 1, amount_tiyin: int = 500_000, **changes: Any) -> Receipt:
        new = NewReceipt(amount_tiyin=amount_tiyin, account={"order_id": order}, **changes)
        return await self.receipts.create(self.desk, new)

    async def create_unchecked(self, order: str | int = 1) -> Receipt:
        """Make a receipt that the shop was not asked about, as when it was made before the order got busy."""
        receipts, self.shop.transactions = self.shop.transactions, {}
        faults, self.shop.faults = self.shop.faults, []
        try:
            return await self.create(order)
        finally:
            self.shop.transactions, self.shop.faults = receipts, faults

    async def pay(self, receipt: Receipt, token: str = GOOD_CARD) -> Receipt | Exception:
        """Pay, and remember what was answered; a crash is an answer that never came."""
        answer: Receipt | Exception
        try:
            answer = await self.receipts.pay(self.desk, receipt.id, token, payer={"phone": "998901304527"})
        except (RpcError, Crashed, StorageUnavailable) as error:
            answer = error
        self.answers.append(answer)
        return answer

    async def load(self, receipt: Receipt) -> Receipt:
        loaded = await self.store.inner.get(RECEIPTS, receipt.id)
        assert loaded is not None
        return loaded

    async def reached(self, receipt: Receipt, state: int) -> None:
        """Wait until the receipt stands in this state or a later one of its smooth way."""
        while (await self.load(receipt)).state < state:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0)

    async def idle(self) -> None:
        """Wait until no task of this process runs."""
        while len(self.tasks):  # noqa: ASYNC110 - what is awaited is that nothing runs
            await asyncio.sleep(0)

    async def expire_leases(self) -> None:
        """End all leases, as the database's time does when their drivers are dead."""
        for row in await self.store.inner.query(WORK.schema.select(), WORK):
            lease = self.store.leases.get(row.key)
            if row.epoch and lease is not None and lease.epoch == row.epoch:
                await self.store.inner.work.release(lease, 0)

    async def recover(self, rounds: int = 60) -> None:
        """Let the worker go on until nothing is under way; each round some time passes."""
        for _ in range(rounds):
            await self.idle()
            await self.expire_leases()
            await self.receipts.wake()
            if not await self.store.inner.work.backlog():
                return
            await self.receipts.worker.run_once()
            await self.idle()
            self.clock.now += 20 * 60_000

    async def settled(self, receipt: Receipt) -> bool:
        return (await self.load(receipt)).state not in UNRESOLVED


def fast_folder() -> Path:
    """A folder whose files cost no disk, for tests that look at logic and not at durability."""
    memory = Path("/dev/shm")  # noqa: S108 - a fresh folder of its own is made below
    return Path(tempfile.mkdtemp(prefix="tiyin-", dir=memory if memory.is_dir() else None))


async def agrees(world: World) -> None:
    """The books agree, and nothing ever looked wrong on the way."""
    report = await verify(world.store.inner)
    assert report.findings == []
    assert world.problems + world.shop.problems + world.cards.problems == []


async def paid_with(world: World, receipt: Receipt, token: str = GOOD_CARD) -> Receipt:
    """Pay, and insist on a receipt as the answer."""
    answer = await world.pay(receipt, token)
    assert isinstance(answer, Receipt), answer
    return answer


async def refused_with(world: World, receipt: Receipt, token: str = GOOD_CARD) -> RpcError:
    """Pay, and insist on an error as the answer."""
    answer = await world.pay(receipt, token)
    assert isinstance(answer, RpcError), answer
    return answer
