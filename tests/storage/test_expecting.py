"""A rule that expects a row saves a read, and never answers anything else than it would without."""

from collections.abc import Callable

import msgspec
import pytest

from helpers_accounts import ACCOUNTS, METADATA, Account, account_id, add
from tiyin.storage import Decision, Done, LeaseLost, Schedule, Store, Taken
from tiyin.storage.tables import Expecting, Lease

KEY = account_id(1)


@pytest.fixture(autouse=True)
async def _tables(store: Store) -> None:
    await store.create_tables(METADATA)


Rule = Callable[[Account | None], Decision[int]]


def expecting(rule: Rule, row: Account | None) -> Expecting[Account, int]:
    return Expecting[Account, int](rule, row)


def making(account: Account, work: Schedule | None = None) -> Rule:
    return lambda _: Decision(1, account, work=work)


class Watched:
    """Adds one to an account, and remembers what rows it was asked about."""

    def __init__(self, rule: Rule | None = None) -> None:
        self.seen: list[Account | None] = []
        self._rule = rule

    def __call__(self, row: Account | None) -> Decision[int]:
        self.seen.append(row)
        return add(row, KEY, 1, f"e{len(self.seen)}") if self._rule is None else self._rule(row)


async def _made(store: Store, times: int = 1) -> Account:
    for _ in range(times):
        await store.change(
            ACCOUNTS, KEY, lambda row: add(row, KEY, 1, f"m{0 if row is None else row.version}")
        )
    row = await store.get(ACCOUNTS, KEY)
    assert row is not None
    return row


async def test_what_is_as_expected_is_decided_on_once(store: Store) -> None:
    rule = Watched()
    assert await store.change(ACCOUNTS, KEY, expecting(rule, None)) == 1
    row = await store.get(ACCOUNTS, KEY)
    assert row is not None
    assert row.version == 1
    assert await store.change(ACCOUNTS, KEY, expecting(rule, row)) == 2
    assert rule.seen == [None, row]
    assert (await store.get(ACCOUNTS, KEY)) == msgspec.structs.replace(row, version=2, balance=2)


async def test_a_row_that_was_not_expected_is_read_and_decided_on(store: Store) -> None:
    row = await _made(store)
    rule = Watched()
    assert await store.change(ACCOUNTS, KEY, expecting(rule, None)) == 2
    assert rule.seen == [None, row]


async def test_a_row_of_another_version_is_read_and_decided_on(store: Store) -> None:
    old = await _made(store)
    new = await _made(store, 2)
    rule = Watched()
    assert await store.change(ACCOUNTS, KEY, expecting(rule, old)) == new.balance + 1
    assert rule.seen == [old, new]


async def test_a_row_that_is_expected_and_missing_is_made(store: Store) -> None:
    missing = Account(KEY, 3, "owner", "open", 7)
    rule = Watched()
    assert await store.change(ACCOUNTS, KEY, expecting(rule, missing)) == 1
    assert rule.seen == [missing, None]


async def test_what_writes_nothing_is_answered_by_the_stored_row(store: Store) -> None:
    row = await _made(store)

    def look(row: Account | None) -> Decision[int]:
        return Decision(-1 if row is None else row.balance)

    assert await store.change(ACCOUNTS, KEY, expecting(Watched(look), None)) == row.balance


async def test_what_raises_is_raised_for_the_stored_row_alone(store: Store) -> None:
    await _made(store)

    def strict(row: Account | None) -> Decision[int]:
        if row is None:
            raise LookupError
        return add(row, KEY, 1, "e1")

    assert await store.change(ACCOUNTS, KEY, expecting(strict, None)) == 2
    with pytest.raises(LookupError):
        await store.change(ACCOUNTS, account_id(2), expecting(strict, None))


async def test_a_guard_that_another_row_holds_is_taken(store: Store) -> None:
    first, second = (Account(account_id(number), 0, "owner", "waiting", 0) for number in (1, 2))
    await store.change(ACCOUNTS, first.id, expecting(making(first), None))
    with pytest.raises(Taken):
        await store.change(ACCOUNTS, second.id, expecting(making(second), None))
    assert await store.get(ACCOUNTS, second.id) is None


async def test_a_lease_is_taken_and_ended_and_a_lost_one_writes_nothing(store: Store) -> None:
    work = Schedule("w", "kind", owner="me", lease_ms=60_000)
    account = Account(KEY, 0, "owner", "open", 0)
    _, lease = await store.change_and_lease(ACCOUNTS, KEY, expecting(making(account, work), None))
    assert lease is not None
    stored = msgspec.structs.replace(account, version=1)

    def settle(row: Account | None) -> Decision[int]:
        assert row is not None
        return Decision(2, msgspec.structs.replace(row, balance=5), work=Done("w"))

    lost = Lease(lease.key, lease.kind, lease.epoch + 1, lease.until)
    with pytest.raises(LeaseLost):
        await store.change(ACCOUNTS, KEY, expecting(settle, stored), lease=lost)
    assert await store.get(ACCOUNTS, KEY) == stored
    assert await store.change(ACCOUNTS, KEY, expecting(settle, stored), lease=lease) == 2
    with pytest.raises(LeaseLost):
        await store.work.renew(lease, 1_000)


async def test_work_that_another_driver_holds_gives_no_lease(store: Store) -> None:
    work = Schedule("w", "kind", owner="me", lease_ms=60_000)
    leases = []
    for number in (1, 2):
        account = Account(account_id(number), 0, f"owner {number}", "open", 0)
        rule = expecting(making(account, work), None)
        leases.append((await store.change_and_lease(ACCOUNTS, account.id, rule))[1])
    assert leases[0] is not None
    assert leases[1] is None
