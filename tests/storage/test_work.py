"""The work queue: leases, fences, and work written in the same commit as the change it belongs to."""

import asyncio
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from helpers_accounts import ACCOUNTS, METADATA, Account, account_id, add, adding
from tiyin.storage import Decision, Done, Lease, LeaseLost, Schedule, Store, Taken, WorkChange
from tiyin.storage.schema import WORK, Work

KEY = account_id(1)
LONG_MS = 60_000


@pytest.fixture(autouse=True)
async def _tables(store: Store) -> None:
    await store.create_tables(METADATA)


def working(key: str, work: WorkChange, entry_id: str = "e1") -> Callable[[Account | None], Decision[int]]:
    """Make the rule that adds one, with a change of its work."""

    def rule(row: Account | None) -> Decision[int]:
        decision = add(row, key, 1, entry_id)
        return Decision(decision.answer, decision.record, decision.appends, work)

    return rule


async def begin(store: Store, lease_ms: int = LONG_MS, owner: str = "first") -> Lease:
    answer, lease = await store.change_and_lease(
        ACCOUNTS, KEY, working(KEY, Schedule(KEY, "pay", owner=owner, lease_ms=lease_ms))
    )
    assert answer == 1
    assert lease is not None
    return lease


async def work_row(store: Store, key: str = KEY) -> Work | None:
    return await store.get(WORK, key)


async def test_scheduled_work_is_due_and_claimed_once(store: Store) -> None:
    await store.change(ACCOUNTS, KEY, working(KEY, Schedule(KEY, "pay")))
    assert await store.work.backlog() == 1
    assert await store.work.backlog("other") == 0
    assert await store.work.claim("other", "a", LONG_MS, 10) == []
    claims = await asyncio.gather(*(store.work.claim("pay", f"driver {n}", LONG_MS, 10) for n in range(8)))
    assert [lease.key for leases in claims for lease in leases] == [KEY]
    assert await store.work.backlog("pay") == 0


async def test_work_that_is_due_later_is_not_claimed_now(store: Store) -> None:
    await store.change(ACCOUNTS, KEY, working(KEY, Schedule(KEY, "pay", 300)))
    assert await store.work.claim("pay", "a", LONG_MS, 10) == []
    await asyncio.sleep(0.35)
    assert len(await store.work.claim("pay", "a", LONG_MS, 10)) == 1


async def test_no_key_is_given_twice_to_many_that_claim_at_once(store: Store) -> None:
    keys = [account_id(n) for n in range(200)]
    await asyncio.gather(
        *(store.change(ACCOUNTS, key, working(key, Schedule(key, "pay"), f"e{key}")) for key in keys)
    )
    claims = await asyncio.gather(*(store.work.claim("pay", f"driver {n}", LONG_MS, 30) for n in range(10)))
    assert sorted(lease.key for leases in claims for lease in leases) == keys


async def test_the_driver_that_begins_has_its_lease_from_the_same_commit(store: Store) -> None:
    lease = await begin(store)
    assert LONG_MS - 2000 < lease.left_ms() <= LONG_MS
    assert await store.work.claim("pay", "b", LONG_MS, 10) == []
    assert await store.change(ACCOUNTS, KEY, working(KEY, Done(KEY), "e2"), lease=lease) == 2
    assert await work_row(store) is None
    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e3"), lease=lease)


async def test_a_second_driver_gets_no_lease_while_the_first_holds_it(store: Store) -> None:
    lease = await begin(store)
    work = Schedule(KEY, "pay", owner="second", lease_ms=LONG_MS)
    assert await store.change_and_lease(ACCOUNTS, KEY, working(KEY, work, "e2")) == (2, None)
    assert await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e3"), lease=lease) == 3


async def test_a_driver_whose_lease_ran_out_and_was_claimed_writes_nothing(store: Store) -> None:
    lease = await begin(store, lease_ms=50)
    assert await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e2"), lease=lease) == 2
    await asyncio.sleep(0.1)
    assert lease.left_ms() == 0
    [new] = await store.work.claim("pay", "second", LONG_MS, 10)
    assert new.epoch != lease.epoch
    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e3"), lease=lease)
    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, account_id(2), adding(account_id(2), 1, "e3"), lease=lease)
    for late in (store.work.renew(lease, 10), store.work.release(lease), store.work.done(lease)):
        with pytest.raises(LeaseLost):
            await late
    assert await store.get(ACCOUNTS, account_id(2)) is None
    assert await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e3"), lease=new) == 3


async def test_a_lease_of_work_that_was_done_and_scheduled_anew_stays_lost(store: Store) -> None:
    lease = await begin(store)
    await store.work.done(lease)
    await store.change(
        ACCOUNTS, KEY, working(KEY, Schedule(KEY, "pay", owner="second", lease_ms=LONG_MS), "e2")
    )
    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e3"), lease=lease)


async def test_a_driver_renews_its_lease_with_its_write(store: Store) -> None:
    lease = await begin(store, lease_ms=200)
    again = Schedule(KEY, "pay", owner="first", lease_ms=LONG_MS)
    _, renewed = await store.change_and_lease(ACCOUNTS, KEY, working(KEY, again, "e2"), lease=lease)
    assert renewed is not None
    assert renewed.epoch == lease.epoch
    await asyncio.sleep(0.3)
    assert await store.work.claim("pay", "second", LONG_MS, 10) == []
    longer = await store.work.renew(renewed, 2 * LONG_MS)
    assert longer.epoch == lease.epoch
    assert longer.left_ms() > LONG_MS


async def test_a_driver_gives_the_work_back_with_its_write(store: Store) -> None:
    lease = await begin(store)
    await store.change(ACCOUNTS, KEY, working(KEY, Schedule(KEY, "pay", 100), "e2"), lease=lease)
    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e3"), lease=lease)
    assert await store.work.claim("pay", "second", LONG_MS, 10) == []
    await asyncio.sleep(0.15)
    assert len(await store.work.claim("pay", "second", LONG_MS, 10)) == 1


async def test_a_wish_recorded_beside_a_driver_is_not_slept_over(store: Store) -> None:
    lease = await begin(store)
    await store.change(ACCOUNTS, KEY, working(KEY, Schedule(KEY, "pay"), "e2"))
    assert await store.work.claim("pay", "second", LONG_MS, 10) == []
    lease = await store.work.renew(lease, LONG_MS)
    await store.work.release(lease, next_in_ms=LONG_MS)
    assert len(await store.work.claim("pay", "second", LONG_MS, 10)) == 1


async def test_released_work_without_a_wish_waits_its_time(store: Store) -> None:
    lease = await begin(store)
    await store.work.release(lease, next_in_ms=LONG_MS)
    assert await store.work.claim("pay", "second", LONG_MS, 10) == []
    row = await work_row(store)
    assert row is not None
    assert (row.owner, row.epoch, row.leased_until) == (None, 0, 0)


async def test_work_is_not_written_when_the_change_is_refused(store: Store) -> None:
    first, second = Account(KEY, 0, "one", "waiting", 0), Account(account_id(2), 0, "one", "waiting", 0)
    await store.change(ACCOUNTS, first.id, lambda _: Decision(None, first, work=Schedule(first.id, "pay")))
    with pytest.raises(Taken):
        await store.change(
            ACCOUNTS, second.id, lambda _: Decision(None, second, work=Schedule(second.id, "pay"))
        )
    assert await work_row(store, second.id) is None
    # The same when it is an update that meets the guard.
    opened = replace(second, state="open")
    await store.change(ACCOUNTS, second.id, lambda _: Decision(None, opened))
    with pytest.raises(Taken):
        await store.change(
            ACCOUNTS,
            second.id,
            lambda row: Decision(
                None, row and replace(row, state="waiting"), work=Schedule(second.id, "pay")
            ),
        )
    assert await work_row(store, second.id) is None


async def test_several_rows_may_change_one_piece_of_work_at_once(store: Store) -> None:
    keys = [account_id(n) for n in range(20)]
    await asyncio.gather(
        *(store.change(ACCOUNTS, key, working(key, Schedule("shared", "pay"), f"e{key}")) for key in keys)
    )
    assert await store.query(sa.select(WORK.schema.c.key)) == [("shared",)]
    assert len(await store.get_many(ACCOUNTS, keys)) == 20


async def test_leases_in_one_batch_fence_each_change_apart(store: Store) -> None:
    good = await begin(store)
    lost = Lease(KEY, "pay", good.epoch + 1, good.until)
    keys = [account_id(n) for n in range(2, 42)]
    results = await asyncio.gather(
        *(
            store.change(ACCOUNTS, key, adding(key, 1, f"e{key}"), lease=(None, good, lost)[n % 3])
            for n, key in enumerate(keys)
        ),
        return_exceptions=True,
    )
    for n, result in enumerate(results):
        assert isinstance(result, LeaseLost) if n % 3 == 2 else result == 1
    assert len(await store.get_many(ACCOUNTS, keys)) == 27
