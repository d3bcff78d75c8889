"""Fiscal receipts on each kind of database: registered once, told once, and never ended over a cancel."""

import asyncio
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from tiyin.gateway.fiscal.driver import TELLING_MS_MAX, FiscalDriver, delay_ms_after
from tiyin.gateway.fiscal.receipts import FiscalReceipts
from tiyin.gateway.fiscal.records import FISCAL_RECEIPTS, data_of
from tiyin.gateway.fiscal.registrar import RegistrarUnavailable, Sale
from tiyin.gateway.fiscal.test_registrar import TestRegistrar, tashkent_date
from tiyin.gateway.merchant_calls.calls import MerchantCalls
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import FISCAL_KIND, RECEIPTS, WORK_KIND, Receipt
from tiyin.protocol.errors import RpcError
from tiyin.protocol.fiscal import FiscalData, read_qr_code_url
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.http import HttpAnswer, HttpCall, NoAnswer, ScriptedHttp
from tiyin.runtime.ids import SeededIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, Schedule, Store
from tiyin.storage.schema import WORK, Work

PAID_MS = 1_790_000_000_000
DESK_ID = "62d52ce6ca96effd0777a771"
OWN = FiscalData(receipt_id=121, qr_code_url="fiscal receipt url", terminal_id="EP000000000025")


class Room:
    """A registrar that can fail, a merchant that can answer anything, and the driver between them."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.clock = ManualClock(PAID_MS + 5_000)
        self.inner = TestRegistrar(store, self.clock)
        self.sales: list[Sale] = []
        self.failing = False
        self.told: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any] | HttpAnswer | None] = []
        self.fiscal = FiscalReceipts(store, self.clock)
        self.ids = SeededIds(5)
        calls = MerchantCalls(ScriptedHttp(self._merchant), self.clock, self._key_of)
        self.driver = FiscalDriver(
            store, self.clock, Tasks(), self, calls, self._desk, owner="t", chance=SeededChance(1)
        )

    async def register(self, sale: Sale) -> FiscalData:
        self.sales.append(sale)
        if self.failing:
            raise RegistrarUnavailable("down")
        return await self.inner.register(sale)

    async def _merchant(self, call: HttpCall) -> HttpAnswer:
        self.told.append(msgspec.json.decode(call.body))
        answer = self.answers.pop(0) if self.answers else {"result": {"success": True}}
        if answer is None:
            raise NoAnswer("timeout")
        if isinstance(answer, HttpAnswer):
            return answer
        return HttpAnswer(200, {}, msgspec.json.encode(answer))

    async def _key_of(self, desk_id: str) -> str:
        assert desk_id == DESK_ID
        return "key"

    async def _desk(self, desk_id: str) -> None:
        assert desk_id == DESK_ID

    async def receipt(
        self, *, due: int = 1, state: int = 4, endpoint: str | None = "https://shop.uz/p"
    ) -> Receipt:
        receipt = Receipt(
            id=self.ids.new(PAID_MS),
            number=1,
            desk_id=DESK_ID,
            route="direct" if endpoint is None else "billing",
            amount_tiyin=500_000,
            account="{}",
            account_key="{}",
            created_ms=PAID_MS,
            state=state,
            endpoint=endpoint,
            fiscal=1,
            fiscal_due=due,
            pay_time_ms=PAID_MS,
            cancel_time_ms=PAID_MS if state == 50 else 0,
        )
        work = Schedule(receipt.id, FISCAL_KIND)
        return await self.store.change(RECEIPTS, receipt.id, lambda _: Decision(receipt, receipt, work=work))

    async def run(self) -> None:
        for lease in await self.store.work.claim(FISCAL_KIND, "t", 30_000, 10):
            await self.driver.handle(lease)

    async def again(self, receipt: Receipt) -> None:
        """Let the next try of a receipt come."""
        work = Schedule(receipt.id, FISCAL_KIND)
        await self.store.change(RECEIPTS, receipt.id, lambda _: Decision(None, work=work))
        await self.run()

    async def due(self, receipt: Receipt) -> tuple[int, list[Work]]:
        stored = await self.store.get(RECEIPTS, receipt.id)
        assert stored is not None
        rows = await self.store.query(WORK.schema.select(), WORK)
        return stored.fiscal_due, [row for row in rows if row.key == receipt.id]


@pytest.fixture
async def room(store: Store) -> Room:
    await store.create_tables(metadata)
    return Room(store)


async def test_a_payment_is_registered_and_told(room: Room) -> None:
    """Documentation: merchant-api/SetFiscalData."""
    receipt = await room.receipt()
    await room.run()
    assert await room.due(receipt) == (0, [])
    perform = (await room.fiscal.of(receipt.id)).perform
    assert perform is not None
    data = data_of(perform)
    assert (perform.source, perform.note, perform.told_ms > 0) == ("registrar", "taken", True)
    [call] = room.told
    assert call["method"] == "SetFiscalData"
    assert (call["params"]["id"], call["params"]["type"]) == (receipt.id, "PERFORM")
    assert msgspec.convert(call["params"]["fiscal_data"], FiscalData) == data
    assert re.fullmatch(r"EP[0-9]{12}", data.terminal_id or "")
    code = read_qr_code_url(data.qr_code_url)
    assert code is not None
    assert (code.terminal_id, code.receipt_id, code.date, code.fiscal_sign) == (
        data.terminal_id,
        data.receipt_id,
        data.date,
        data.fiscal_sign,
    )
    assert data.date == tashkent_date(room.clock.now_ms())
    assert len(data.fiscal_sign or "") == 12


async def test_a_refund_comes_after_its_payment(room: Room) -> None:
    receipt = await room.receipt(due=3, state=50)
    await room.run()
    assert (await room.due(receipt))[0] == 2
    await room.run()
    assert await room.due(receipt) == (0, [])
    assert [call["params"]["type"] for call in room.told] == ["PERFORM", "CANCEL"]
    of = await room.fiscal.of(receipt.id)
    assert of.perform is not None
    assert room.sales[1].of == data_of(of.perform)


async def test_without_a_billing_nobody_is_told(room: Room) -> None:
    receipt = await room.receipt(endpoint=None)
    await room.run()
    assert await room.due(receipt) == (0, [])
    assert (len(room.sales), room.told) == (1, [])


async def test_a_registrar_that_is_down_is_asked_later(room: Room) -> None:
    receipt = await room.receipt()
    room.failing = True
    await room.run()
    due, [work] = await room.due(receipt)
    assert (due, work.kind, work.owner) == (1, FISCAL_KIND, None)
    assert room.told == []


async def test_a_merchant_that_does_not_answer_is_told_again_and_at_last_given_up(room: Room) -> None:
    receipt = await room.receipt()
    room.answers = [None, None]
    await room.run()
    assert (await room.due(receipt))[0] == 1
    room.clock.advance(TELLING_MS_MAX)
    await room.again(receipt)
    assert await room.due(receipt) == (0, [])
    perform = (await room.fiscal.of(receipt.id)).perform
    assert perform is not None
    assert perform.note == "gave up"
    assert (len(room.sales), len(room.told)) == (1, 2)


NONSENSE = {
    "a page": (HttpAnswer(200, {}, b"<html>502 Bad Gateway</html>"), "gave up, malformed: not_json_rpc"),
    "an error of the server": (HttpAnswer(500, {}, b"{}"), "gave up"),
    "neither result nor error": (HttpAnswer(200, {}, b"{}"), "gave up, malformed: no_result"),
}


@pytest.mark.parametrize(("answer", "note"), NONSENSE.values(), ids=NONSENSE.keys())
async def test_nonsense_is_told_again_and_at_last_given_up(room: Room, answer: HttpAnswer, note: str) -> None:
    """A deployment gone wrong passes; a server that never answers well is left alone after a week."""
    taken, silent = await room.receipt(), await room.receipt()
    room.answers = [answer, answer]
    await room.run()
    assert [(await room.due(receipt))[0] for receipt in (taken, silent)] == [1, 1]
    await room.again(taken)
    assert await room.due(taken) == (0, [])
    room.answers = [answer]
    room.clock.advance(TELLING_MS_MAX)
    await room.again(silent)
    assert await room.due(silent) == (0, [])
    performs = [(await room.fiscal.of(receipt.id)).perform for receipt in (taken, silent)]
    assert [perform and perform.note for perform in performs] == ["taken", note]
    assert (len(room.sales), len(room.told)) == (2, 4)


async def test_a_merchant_that_does_not_take_it_is_left_alone(room: Room) -> None:
    """The method is not obligatory: whatever well-formed answer comes, it was heard."""
    receipt = await room.receipt()
    room.answers = [{"result": {"success": False}}]
    await room.run()
    assert await room.due(receipt) == (0, [])
    perform = (await room.fiscal.of(receipt.id)).perform
    assert perform is not None
    assert perform.note == "not taken"


@pytest.mark.parametrize("code", [-32601, -32001, -32504])
async def test_a_merchant_that_refuses_is_left_alone(room: Room, code: int) -> None:
    receipt = await room.receipt()
    room.answers = [{"error": {"code": code, "message": "no"}}]
    await room.run()
    assert await room.due(receipt) == (0, [])
    perform = (await room.fiscal.of(receipt.id)).perform
    assert perform is not None
    assert perform.note == f"refused {code}"


async def test_a_cancel_that_took_the_work_over_keeps_it(room: Room) -> None:
    """The cancel begins while the fiscal receipt is on its way."""
    receipt = await room.receipt()
    [lease] = await room.store.work.claim(FISCAL_KIND, "t", 30_000, 10)
    cancelling = replace(receipt, state=21)
    await room.store.change(
        RECEIPTS, receipt.id, lambda _: Decision(None, cancelling, work=Schedule(receipt.id, WORK_KIND))
    )
    await room.driver.handle(lease)
    due, [work] = await room.due(receipt)
    assert (due, work.kind) == (1, WORK_KIND)
    assert room.sales == []


async def test_what_the_merchant_registered_is_not_registered_again(room: Room) -> None:
    receipt = await room.receipt(due=3, state=50)
    await room.fiscal.set_by_merchant(replace(receipt, state=4), OWN)
    await room.run()
    await room.run()
    assert await room.due(receipt) == (0, [])
    assert (room.sales, room.told) == ([], [])


async def test_the_merchant_may_repeat_itself_and_not_change_its_mind(room: Room) -> None:
    receipt = await room.receipt(due=0)
    failed = replace(OWN, status_code=5, message="no connection")
    await room.fiscal.set_by_merchant(receipt, failed)
    await room.fiscal.set_by_merchant(receipt, OWN)
    await room.fiscal.set_by_merchant(receipt, OWN)
    with pytest.raises(RpcError) as refused:
        await room.fiscal.set_by_merchant(receipt, replace(OWN, receipt_id=122))
    assert (refused.value.code, refused.value.data) == (-31610, "fiscal_data")
    # Of the cancelled receipt other data is the refund's, once.
    cancelled = replace(receipt, state=50)
    await room.fiscal.set_by_merchant(cancelled, replace(OWN, receipt_id=122))
    await room.fiscal.set_by_merchant(cancelled, OWN)
    with pytest.raises(RpcError):
        await room.fiscal.set_by_merchant(cancelled, replace(OWN, receipt_id=123))
    of = await room.fiscal.of(receipt.id)
    assert of.perform is not None
    assert of.cancel is not None
    assert (data_of(of.perform).receipt_id, data_of(of.cancel).receipt_id) == (121, 122)


async def test_what_the_registrar_made_the_merchant_cannot_replace(room: Room) -> None:
    receipt = await room.receipt()
    await room.run()
    with pytest.raises(RpcError):
        await room.fiscal.set_by_merchant(receipt, OWN)
    assert len(await room.store.query(FISCAL_RECEIPTS.schema.select())) == 1


async def test_the_test_registrar_numbers_in_a_row_and_answers_repeats_alike(store: Store) -> None:
    await store.create_tables(metadata)
    clock, ids = ManualClock(PAID_MS), SeededIds(3)
    sales = [
        Sale(receipt_id=ids.new(PAID_MS), kind="PERFORM", amount_tiyin=1, organization="o") for _ in range(8)
    ]
    processes = [TestRegistrar(store, clock) for _ in range(2)]
    first = await asyncio.gather(*(processes[n % 2].register(sale) for n, sale in enumerate(sales)))
    clock.advance(60_000)
    again = await asyncio.gather(*(processes[0].register(sale) for sale in [*sales, sales[0]]))
    assert again[:-1] == list(first)
    assert again[-1] == first[0]
    assert sorted(data.receipt_id for data in first) == list(range(1, 9))


async def test_one_sale_registered_twice_at_once_gets_one_number(store: Store) -> None:
    await store.create_tables(metadata)
    clock = ManualClock(PAID_MS)
    sale = Sale(receipt_id="6" * 24, kind="PERFORM", amount_tiyin=1, organization="o")
    answers = await asyncio.gather(*(TestRegistrar(store, clock).register(sale) for _ in range(4)))
    assert len({data.receipt_id for data in answers}) == 1


@given(st.integers(0, 10**12), st.integers(0, 99))
def test_the_next_try_is_never_at_once_and_never_later_than_a_day(elapsed_ms: int, seed: int) -> None:
    delay_ms = delay_ms_after(elapsed_ms, SeededChance(seed))
    assert 1_000 <= delay_ms <= 24 * 3600 * 1000
    assert delay_ms <= max(elapsed_ms, 2_000)
