"""What `change` promises, on both databases."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa
from msgspec.structs import replace

from helpers_accounts import ACCOUNTS, ENTRIES, METADATA, Account, Entry, account_id, adding, becoming
from tiyin.storage import Decision, StorageUnavailable, Store, Taken, Unstorable, open_store

KEY = account_id(1)


@pytest.fixture(autouse=True)
async def _tables(store: Store) -> None:
    await store.create_tables(METADATA)


@pytest.fixture
async def other(store_url: str) -> AsyncIterator[Store]:
    """A second store over the same database, as another process would have it."""
    opened = await open_store(store_url)
    yield opened
    await opened.close()


def waiting(key: str, owner: str) -> Account:
    return Account(key, 0, owner, "waiting", 0)


async def test_a_new_row_starts_at_version_one_and_each_change_counts_it_up(store: Store) -> None:
    assert await store.get(ACCOUNTS, KEY) is None
    assert await store.change(ACCOUNTS, KEY, adding(KEY, 5, "e1")) == 5
    assert await store.get(ACCOUNTS, KEY) == Account(KEY, 1, f"owner of {KEY}", "open", 5)
    assert await store.change(ACCOUNTS, KEY, adding(KEY, -2, "e2")) == 3
    assert await store.get(ACCOUNTS, KEY) == Account(KEY, 2, f"owner of {KEY}", "open", 3)


async def test_appended_rows_are_written_with_the_change(store: Store) -> None:
    await store.change(ACCOUNTS, KEY, adding(KEY, 5, "e1"))
    await store.change(ACCOUNTS, KEY, adding(KEY, 7, "e2"))
    entries = await store.query(sa.select(ENTRIES.schema).order_by(ENTRIES.schema.c.id).limit(10), ENTRIES)
    assert entries == [Entry("e1", KEY, 5), Entry("e2", KEY, 7)]


async def test_a_decision_that_writes_nothing_changes_nothing(store: Store) -> None:
    await store.change(ACCOUNTS, KEY, adding(KEY, 5, "e1"))
    assert await store.change(ACCOUNTS, KEY, lambda row: Decision(row and row.balance)) == 5
    assert await store.change(ACCOUNTS, account_id(2), Decision) is None
    row = await store.get(ACCOUNTS, KEY)
    assert row is not None
    assert row.version == 1


async def test_appending_without_new_values_still_counts_the_version(store: Store) -> None:
    await store.change(ACCOUNTS, KEY, adding(KEY, 5, "e1"))
    await store.change(ACCOUNTS, KEY, lambda _: Decision(None, appends=[(ENTRIES, Entry("e2", KEY, 0))]))
    assert await store.get(ACCOUNTS, KEY) == Account(KEY, 2, f"owner of {KEY}", "open", 5)
    assert await store.get(ENTRIES, "e2") == Entry("e2", KEY, 0)


async def test_a_rule_that_raises_harms_nobody_else(store: Store) -> None:
    def refusing(_: Account | None) -> Decision[int]:
        raise LookupError("refused by the rule")

    keys = [account_id(n) for n in range(40)]
    results = await asyncio.gather(
        *(
            store.change(ACCOUNTS, key, refusing if n % 4 == 0 else adding(key, n, f"e{n}"))
            for n, key in enumerate(keys)
        ),
        return_exceptions=True,
    )
    for n, result in enumerate(results):
        assert isinstance(result, LookupError) if n % 4 == 0 else result == n
    assert set(await store.get_many(ACCOUNTS, keys)) == {key for n, key in enumerate(keys) if n % 4}


async def test_many_changes_of_one_key_at_once_all_count(store: Store) -> None:
    answers = await asyncio.gather(
        *(store.change(ACCOUNTS, KEY, adding(KEY, 1, f"e{n}")) for n in range(100))
    )
    assert sorted(answers) == list(range(1, 101))
    row = await store.get(ACCOUNTS, KEY)
    assert row is not None
    assert (row.balance, row.version) == (100, 100)
    assert await store.query(sa.select(sa.func.count()).select_from(ENTRIES.schema)) == [(100,)]


async def test_two_stores_over_one_database_lose_nothing(store: Store, other: Store) -> None:
    keys = [account_id(n) for n in range(5)]
    await asyncio.gather(
        *(
            some.change(ACCOUNTS, key, adding(key, 1, f"{name}{n}{key}"))
            for n in range(20)
            for key in keys
            for name, some in (("a", store), ("b", other))
        )
    )
    rows = await store.get_many(ACCOUNTS, keys)
    assert [rows[key].balance for key in keys] == [40] * 5
    assert await store.query(sa.select(sa.func.sum(ENTRIES.schema.c.amount))) == [(200,)]


async def test_a_guard_is_taken_once(store: Store) -> None:
    keys = [account_id(n) for n in range(50)]
    results = await asyncio.gather(
        *(store.change(ACCOUNTS, key, becoming(waiting(key, "one"))) for key in keys),
        return_exceptions=True,
    )
    assert sorted(type(result).__name__ for result in results) == ["Taken"] * 49 + ["str"]
    assert len(await store.get_many(ACCOUNTS, keys)) == 1


async def test_a_guard_refuses_an_update_too_and_the_others_of_the_batch_go_on(store: Store) -> None:
    first, second, third = account_id(1), account_id(2), account_id(3)
    await store.change(ACCOUNTS, first, becoming(waiting(first, "one")))
    await store.change(ACCOUNTS, second, becoming(replace(waiting(second, "one"), state="open")))
    results = await asyncio.gather(
        store.change(ACCOUNTS, second, lambda row: Decision(None, row and replace(row, state="waiting"))),
        store.change(ACCOUNTS, third, adding(third, 3, "e3")),
        return_exceptions=True,
    )
    assert isinstance(results[0], Taken)
    assert results[1] == 3
    row = await store.get(ACCOUNTS, second)
    assert row is not None
    assert (row.state, row.version) == ("open", 1)


async def test_a_guard_is_free_again_when_its_row_moved_on(store: Store) -> None:
    first, second = account_id(1), account_id(2)
    await store.change(ACCOUNTS, first, becoming(waiting(first, "one")))
    await store.change(ACCOUNTS, first, lambda row: Decision(None, row and replace(row, state="closed")))
    assert await store.change(ACCOUNTS, second, becoming(waiting(second, "one"))) == "opened"


async def test_an_appended_row_that_exists_undoes_the_whole_change(store: Store) -> None:
    await store.change(ACCOUNTS, KEY, adding(KEY, 5, "e1"))
    with pytest.raises(Taken):
        await store.change(ACCOUNTS, KEY, adding(KEY, 9, "e1"))
    other_key = account_id(2)
    results = await asyncio.gather(
        *(store.change(ACCOUNTS, account_id(n), adding(account_id(n), 1, f"new{n}")) for n in range(10, 20)),
        store.change(ACCOUNTS, other_key, adding(other_key, 9, "e1")),
        return_exceptions=True,
    )
    assert results[:-1] == [1] * 10
    assert isinstance(results[-1], Taken)
    assert await store.get(ACCOUNTS, other_key) is None
    row = await store.get(ACCOUNTS, KEY)
    assert row is not None
    assert (row.balance, row.version) == (5, 1)


@pytest.mark.parametrize(
    "account",
    [
        Account(KEY, 0, "o", "open", -1_000_001),
        Account(KEY, 0, "o", "open", 2**70),
        Account(KEY, 0, "o", "open", 0, "\ud800"),
        Account(KEY, 0, None, "open", 0),  # type: ignore[arg-type]  # what a careless caller could send
        Account(KEY, 0, "o", "open", "five"),  # type: ignore[arg-type]  # the same
    ],
    ids=["check", "too large", "surrogate", "null", "type"],
)
async def test_values_the_database_refuses_harm_nobody_else(store: Store, account: Account) -> None:
    others = [account_id(n) for n in range(10, 30)]
    results = await asyncio.gather(
        store.change(ACCOUNTS, KEY, becoming(account)),
        *(store.change(ACCOUNTS, key, adding(key, 1, f"e{key}")) for key in others),
        return_exceptions=True,
    )
    assert isinstance(results[0], Unstorable)
    assert list(results[1:]) == [1] * 20
    assert await store.get(ACCOUNTS, KEY) is None


async def test_a_rule_that_breaks_its_contract_is_told(store: Store) -> None:
    with pytest.raises(ValueError, match="another row"):
        await store.change(ACCOUNTS, KEY, adding(account_id(2), 1, "e1"))
    with pytest.raises(ValueError, match="no row at"):
        await store.change(ACCOUNTS, KEY, lambda _: Decision(None, appends=[(ENTRIES, Entry("e1", KEY, 0))]))
    with pytest.raises(ValueError, match="append-only"):
        await store.change(ENTRIES, "e1", lambda _: Decision(None, Entry("e1", KEY, 0)))


async def test_a_cancelled_caller_does_not_stop_the_change(store: Store) -> None:
    asking = asyncio.ensure_future(store.change(ACCOUNTS, KEY, adding(KEY, 5, "e1")))
    await asyncio.sleep(0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await store.change(ACCOUNTS, KEY, adding(KEY, 1, "e2")) == 6


async def test_append_is_all_or_none(store: Store) -> None:
    await store.append(ENTRIES, [Entry("a", KEY, 1), Entry("b", KEY, 2)])
    results = await asyncio.gather(
        store.append(ENTRIES, [Entry("c", KEY, 3), Entry("a", KEY, 4)]),
        store.append(ENTRIES, [Entry("d", KEY, 5)]),
        store.append(ENTRIES, []),
        return_exceptions=True,
    )
    assert isinstance(results[0], Taken)
    assert list(results[1:]) == [None, None]
    assert set(await store.get_many(ENTRIES, "abcd")) == {"a", "b", "d"}


async def test_query_binds_values_and_reads_records(store: Store) -> None:
    keys = [account_id(n) for n in range(6)]
    await asyncio.gather(
        *(store.change(ACCOUNTS, key, adding(key, n, f"e{n}")) for n, key in enumerate(keys))
    )
    columns = ACCOUNTS.schema.c
    some = (
        sa.select(ACCOUNTS.schema)
        .where(columns.id.in_(keys[1:4]), columns.balance > 1)
        .order_by(columns.id.desc())
    )
    assert [row.balance for row in await store.query(some.limit(5), ACCOUNTS)] == [3, 2]
    assert await store.query(some.limit(5), ACCOUNTS) == await store.query(some.limit(5), ACCOUNTS)
    nasty = sa.select(columns.id).where(columns.owner == "'; DROP TABLE accounts; --")
    assert await store.query(nasty) == []
    assert await store.query(sa.select(sa.func.count(), sa.func.sum(columns.balance))) == [(6, 15)]


async def test_a_query_that_is_kept_takes_its_values_with_each_call(store: Store) -> None:
    keys = [account_id(n) for n in range(6)]
    await asyncio.gather(
        *(store.change(ACCOUNTS, key, adding(key, n, f"e{n}")) for n, key in enumerate(keys))
    )
    columns = ACCOUNTS.schema.c
    some = (
        sa.select(ACCOUNTS.schema)
        .where(columns.id.in_(sa.bindparam("ids", expanding=True)), columns.balance >= sa.bindparam("least"))
        .order_by(columns.id)
    )
    for ids, least, found in ((keys[:3], 1, [1, 2]), (keys, 4, [4, 5]), ([], 0, [])):
        rows = await store.query(some, ACCOUNTS, {"ids": ids, "least": least})
        assert [row.balance for row in rows] == found


async def test_texts_sort_bytewise(store: Store) -> None:
    ids = ["B", "a", "é", "Z", "zz", "ё", "0"]
    await store.append(ENTRIES, [Entry(name, KEY, 0) for name in ids])
    rows = await store.query(sa.select(ENTRIES.schema).order_by(ENTRIES.schema.c.id), ENTRIES)
    assert [row.id for row in rows] == sorted(ids, key=str.encode)


async def test_tables_can_be_created_again_and_by_many_at_once(store: Store, other: Store) -> None:
    await asyncio.gather(*(some.create_tables(METADATA) for some in (store, other) for _ in range(3)))
    assert await store.change(ACCOUNTS, KEY, adding(KEY, 5, "e1")) == 5


async def test_close_finishes_what_was_accepted_and_then_refuses(store_url: str, store: Store) -> None:
    closing = await open_store(store_url)
    keys = [account_id(n) for n in range(300)]
    asked = [asyncio.ensure_future(closing.change(ACCOUNTS, key, adding(key, 1, f"e{key}"))) for key in keys]
    reading = [asyncio.ensure_future(closing.get(ACCOUNTS, key)) for key in keys[:50]]
    await asyncio.sleep(0.001)
    await closing.close()
    assert await asyncio.gather(*asked) == [1] * 300
    await asyncio.gather(*reading)
    for refused in (closing.change(ACCOUNTS, KEY, adding(KEY, 1, "late")), closing.get(ACCOUNTS, KEY)):
        with pytest.raises(StorageUnavailable):
            await refused
    assert len(await store.get_many(ACCOUNTS, keys)) == 300
