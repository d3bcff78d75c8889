"""Housekeeping on a gateway's own tables."""

from tiyin.gateway.cards.limits import Limit, count
from tiyin.gateway.cards.records import COUNTS
from tiyin.gateway.checkout_visits import CHECKOUT_ORDERS, Visits
from tiyin.gateway.housekeeping import COUNTS_KEPT_MS, KEPT_MS, Housekeeping
from tiyin.gateway.ledger import ENTRIES
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Store


async def test_orders_left_by_forms_are_forgotten_after_a_week_and_no_sooner(store: Store) -> None:
    await store.create_tables(metadata)
    clock, tasks = ManualClock(1_700_000_000_000), Tasks()
    visits, housekeeping = Visits(store, clock), Housekeeping(store, clock, tasks)
    old = await visits.remember_order('{"order": "old"}')
    clock.advance(KEPT_MS)
    young = await visits.remember_order('{"order": "young"}')
    assert await housekeeping.run() == 0

    clock.advance(1)
    housekeeping.start()
    while await store.get(CHECKOUT_ORDERS, old) is not None:
        await clock.run(0)
    assert await store.get(CHECKOUT_ORDERS, young) is not None
    await housekeeping.stop()
    assert await tasks.drain(1) == ()


async def test_counters_are_forgotten_once_their_window_is_over_and_no_sooner(store: Store) -> None:
    await store.create_tables(metadata)
    clock, tasks = ManualClock(1_700_000_000_000), Tasks()
    housekeeping, limit = Housekeeping(store, clock, tasks), Limit(1, 3_600_000)
    assert await count(store, "code:card:x", limit, clock.now_ms())
    clock.advance(limit.window_ms + COUNTS_KEPT_MS)
    assert await count(store, "code:card:y", limit, clock.now_ms())
    assert await housekeeping.run() == 0
    clock.advance(1)
    assert await housekeeping.run() == 1
    assert await store.get(COUNTS, "code:card:x") is None
    assert not await count(store, "code:card:y", limit, clock.now_ms())


def test_nothing_that_tells_of_money_can_be_forgotten() -> None:
    assert RECEIPTS.forgets_by is None
    assert ENTRIES in RECEIPTS.appends
    assert {table.forgets_by for table in RECEIPTS.appends} == {None}
