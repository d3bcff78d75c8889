"""The simulation's store answers as a real one does: the same answers and the same rows."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from helpers_accounts import ACCOUNTS, ENTRIES, METADATA, Account, Entry, account_id, becoming
from simulation.query import NotUnderstood
from simulation.store import InstantStore
from simulation.tables import MemoryTables
from tiyin.storage import Decision, Done, Lease, LeaseLost, Schedule, Store, Taken, open_store
from tiyin.storage.schema import WORK

KEYS = [account_id(n) for n in range(3)]
FAR_MS = 1_000_000
# Mostly one key and the youngest leases, so that drivers really meet.
keys = st.sampled_from([*KEYS[:1] * 4, *KEYS[1:]])
leases = st.sampled_from([None, None, 0, 1, 1, 2])
works = st.one_of(
    st.none(),
    st.just("done"),
    st.tuples(st.sampled_from([0, FAR_MS]), st.sampled_from([0, 1, FAR_MS])),
    st.tuples(st.sampled_from([0, FAR_MS]), st.sampled_from([0, 1, FAR_MS])),
)
operations = st.one_of(
    st.tuples(
        st.just("change"),
        keys,
        st.sampled_from(["waiting", "open", "open", "same", "none", "raise"]),
        st.booleans(),
        works,
        leases,
    ),
    st.tuples(st.just("claim"), st.sampled_from(["a", "b"]), st.sampled_from([1, FAR_MS])),
    st.tuples(st.just("renew"), st.sampled_from([0, 1, 1, 2])),
    st.tuples(st.just("release"), st.sampled_from([0, 1, 1, 2]), st.sampled_from([0, FAR_MS])),
    st.tuples(st.just("done"), st.sampled_from([0, 1, 1, 2])),
    st.tuples(st.just("append"), keys, st.integers(0, 3)),
)


# One row and one piece of work, over which drivers and passers-by quarrel.
FIRST = KEYS[0]
quarrels = st.one_of(
    st.tuples(
        st.just("change"),
        st.just(FIRST),
        st.just("same"),
        st.just(False),
        st.sampled_from(["done", (0, 0), (FAR_MS, 0), (0, 1), (0, FAR_MS), (2 * FAR_MS, FAR_MS)]),
        st.sampled_from([None, 0, 0, 1]),
    ),
    st.tuples(st.just("claim"), st.just("a"), st.sampled_from([1, FAR_MS])),
    st.tuples(st.just("renew"), st.sampled_from([0, 0, 1])),
    st.tuples(st.just("release"), st.sampled_from([0, 0, 1]), st.sampled_from([0, FAR_MS])),
    st.tuples(st.just("done"), st.sampled_from([0, 1])),
)
OPENED = [("change", FIRST, "open", False, (0, 0), None), ("claim", "a", FAR_MS)]


class Boom(Exception):
    pass


def now_ms() -> int:
    return time.time_ns() // 1_000_000


@pytest.fixture
async def real(tmp_path: Path) -> AsyncIterator[Store]:
    store = await open_store(f"sqlite:///{tmp_path / 'store.db'}")
    await store.create_tables(METADATA)
    yield store
    await store.close()


def rule_of(key: str, prefix: str, n: int, step: tuple[Any, ...]) -> Any:
    _, _, state, appends, work, _ = step
    entry = Entry(f"{prefix}{n:03d}", prefix + key, 1)

    def rule(row: Account | None) -> Decision[Any]:
        if state == "raise":
            raise Boom
        owner = prefix + ("ali" if key == KEYS[0] else "vali")
        record: Account | None = Account(prefix + key, 99, owner, state, n)
        if state in {"none", "same"}:
            record = row if state == "same" else None
        if record is None and row is None:
            return Decision(None)
        schedule: Any = None
        if work == "done":
            schedule = Done(prefix + key)
        elif work is not None:
            next_in_ms, lease_ms = work
            schedule = Schedule(prefix + key, prefix + "a", next_in_ms, "me" if lease_ms else None, lease_ms)
        version = None if row is None else row.version
        return Decision(version, record, [(ENTRIES, entry)] if appends else [], schedule)

    return rule


async def do(store: Any, held: list[Lease], prefix: str, n: int, step: tuple[Any, ...]) -> Any:
    """Do one operation; answer what it answered, or the name of what it raised."""

    def lease(at: int | None) -> Lease | None:
        return None if at is None or not held else held[-1 - at % len(held)]

    try:
        match step:
            case ("change", key, _, _, _, at):
                answer, taken = await store.change_and_lease(
                    ACCOUNTS, prefix + key, rule_of(key, prefix, n, step), lease=lease(at)
                )
                if taken is not None:
                    held.append(taken)
                return answer, taken is not None
            case ("claim", kind, lease_ms):
                claimed = await store.work.claim(prefix + kind, "me", lease_ms, 10)
                claimed.sort(key=lambda each: each.key)
                held.extend(claimed)
                return [each.key for each in claimed]
            case ("renew", at) if held:
                place = -1 - at % len(held)
                held[place] = await store.work.renew(held[place], FAR_MS)
            case ("release", at, next_in_ms) if held:
                await store.work.release(lease(at), next_in_ms)
            case ("done", at) if held:
                await store.work.done(lease(at))
            case ("append", key, number):
                await store.append(ENTRIES, [Entry(f"{prefix}{number:03d}", prefix + key, number)])
    except (Taken, LeaseLost, Boom, ValueError) as error:
        return type(error).__name__
    return None


def is_short(step: tuple[Any, ...]) -> bool:
    """Tell whether a step takes a lease that is over at once."""
    return (step[0] == "claim" and step[2] == 1) or (
        step[0] == "change" and step[4] is not None and step[4][1:] == (1,)
    )


async def rows_of(store: Any, prefix: str) -> Any:
    accounts = await store.get_many(ACCOUNTS, [prefix + key for key in KEYS])
    entries = await store.query(
        sa.select(ENTRIES.schema).where(ENTRIES.schema.c.id.startswith(prefix)).order_by(ENTRIES.schema.c.id),
        ENTRIES,
    )
    column = WORK.schema.c
    rows = await store.query(
        sa.select(WORK.schema).where(column.key.startswith(prefix)).order_by(column.key), WORK
    )
    at = now_ms()
    work = [
        (
            row.key,
            row.kind,
            row.owner,
            row.epoch != 0,
            round((row.next_at - at) / FAR_MS),
            row.leased_until > at,
            row.leased_until == 0,
        )
        for row in rows
    ]
    return accounts, entries, work, await store.work.backlog(prefix + "a")


async def compare(real: Store, steps: list[tuple[Any, ...]], prefix: str) -> None:
    memory = InstantStore(MemoryTables(now_ms), time.monotonic)
    held: tuple[list[Lease], list[Lease]] = ([], [])
    for n, step in enumerate(steps):
        ours = await do(memory, held[0], prefix, n, step)
        theirs = await do(real, held[1], prefix, n, step)
        assert ours == theirs, step
        assert [each.key for each in held[0]] == [each.key for each in held[1]]
        await asyncio.sleep(0.004 if is_short(step) else 0.002)
        assert await rows_of(memory, prefix) == await rows_of(real, prefix), step


async def test_any_operations_answer_alike(real: Store) -> None:
    loop = asyncio.get_running_loop()
    examples = iter(range(1_000_000))

    @settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(operations, max_size=14))
    def example(steps: list[tuple[Any, ...]]) -> None:
        prefix = f"{next(examples):06d}-"
        asyncio.run_coroutine_threadsafe(compare(real, steps, prefix), loop).result(60)

    await asyncio.to_thread(example)


async def test_any_quarrel_over_work_ends_alike(real: Store) -> None:
    loop = asyncio.get_running_loop()
    examples = iter(range(1_000_000))

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(quarrels, min_size=2, max_size=5))
    def example(steps: list[tuple[Any, ...]]) -> None:
        prefix = f"{next(examples):06d}-"
        asyncio.run_coroutine_threadsafe(compare(real, [*OPENED, *steps], prefix), loop).result(60)

    await asyncio.to_thread(example)


A, E = ACCOUNTS.schema.c, ENTRIES.schema.c
QUERIES: list[Any] = [
    sa.select(ACCOUNTS.schema).where(A.owner == "ali", A.balance > 2).order_by(A.id),
    sa.select(A.id, A.balance).where(A.note.is_(None) | (A.balance < 3)).order_by(A.balance.desc(), A.id),
    sa.select(A.id).where(A.state.in_(["waiting", "closed"])).order_by(A.id.desc()).limit(3).offset(1),
    sa.select(A.id).where(sa.not_(A.note == "x")).order_by(A.id),
    sa.select(A.id).where(A.note.is_not(None), A.note != "x").order_by(A.id),
    sa.select(sa.func.count()).select_from(ACCOUNTS.schema).where(A.balance >= sa.bindparam("low")),
    sa.select(sa.func.sum(E.amount), sa.func.max(E.id)).where(E.account_id == "nobody"),
    sa.select(sa.func.coalesce(sa.func.sum(E.amount), 0)).where(E.amount > sa.bindparam("low")),
    sa.select(A.owner).distinct().order_by(A.owner),
    sa.select(A.id).where(A.balance.between(2, 4), A.note.between("w", "x")).order_by(A.id),
    sa.select(sa.func.sum(E.amount), sa.func.count())
    .select_from(ENTRIES.schema.join(ACCOUNTS.schema, sa.and_(A.id == E.account_id, A.owner == "ali")))
    .where(E.id > "0001", A.balance < 6),
    sa.select(E.id, A.id)
    .select_from(ENTRIES.schema.join(ACCOUNTS.schema, A.balance == E.amount))
    .order_by(E.id.desc(), A.id),
    sa.select(A.id).where(sa.tuple_(A.balance, A.id) > sa.tuple_(3, account_id(2))).order_by(A.balance, A.id),
]


@pytest.mark.parametrize("query", QUERIES, ids=range(len(QUERIES)))
async def test_queries_answer_alike(query: Any, real: Store) -> None:
    memory = InstantStore(MemoryTables(now_ms), time.monotonic)
    for store in (memory, real):
        for n in range(8):
            row = Account(
                account_id(n),
                1,
                ["ali", "vali"][n % 2],
                ["open", "closed"][n // 4],
                n,
                [None, "x", "y"][n % 3],
            )
            await store.change(ACCOUNTS, row.id, becoming(row))
            await store.append(ENTRIES, [Entry(f"{n:04d}", row.id, n * 7 % 5)])
    ours = await memory.query(query, None, {"low": 2})
    assert ours == await real.query(query, None, {"low": 2})


async def test_what_it_does_not_understand_it_refuses() -> None:
    memory = InstantStore(MemoryTables(now_ms), time.monotonic)
    memory.tables.of(ACCOUNTS)["1"] = Account("1", 1, "ali", "open", 1)
    for query in (
        sa.select(A.id).group_by(A.id),
        sa.select(A.id).where(sa.func.upper(A.owner) == "ALI"),
        sa.select(A.id, E.id),
        sa.select(A.id).select_from(ACCOUNTS.schema.outerjoin(ENTRIES.schema, A.id == E.account_id)),
    ):
        with pytest.raises(NotUnderstood):
            await memory.query(query)


def test_replacing_makes_a_new_row() -> None:
    """Rows are shared between runs: nobody may change one in place."""
    row = Account("1", 1, "ali", "open", 1)
    assert replace(row, balance=2) is not row
    with pytest.raises(AttributeError):
        row.balance = 3  # type: ignore[misc]
