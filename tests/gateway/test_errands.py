"""Errands over both databases: what is done, what is done again, and that nobody stands in another's way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import msgspec
import pytest
import sqlalchemy as sa

from tiyin.gateway.errands import Errands, Handler
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.tasks import Tasks
from tiyin.storage import (
    INTEGER,
    TEXT,
    Decision,
    Done,
    Lease,
    Schedule,
    StorageUnavailable,
    Store,
    Table,
    define,
    version_column,
)

METADATA = sa.MetaData()


class Deed(msgspec.Struct, frozen=True):
    id: str
    times: int
    version: int = 1


DEEDS = Table(
    define(
        "deeds",
        METADATA,
        sa.Column("id", TEXT, primary_key=True),
        sa.Column("times", INTEGER, nullable=False),
        version_column(),
    ),
    Deed,
)

KIND = "deed"


class Quick(SystemClock):
    """The machine's time, whose waits between looks are short."""

    async def sleep(self, seconds: float) -> None:
        await super().sleep(min(seconds, 0.01))


@pytest.fixture
async def tables(store: Store) -> Store:
    await store.create_tables(METADATA)
    return store


@pytest.fixture
async def tasks() -> AsyncIterator[Tasks]:
    tasks = Tasks()
    yield tasks
    await tasks.drain(0)


def errands_of(
    store: Store, tasks: Tasks, handle: Handler, *, clock: Clock | None = None, running_max: int = 32,
    lease_ms: int = 30_000,
) -> Errands:  # fmt: skip
    return Errands(
        store,
        clock or Quick(),
        tasks,
        KIND,
        handle,
        owner="test",
        running_max=running_max,
        lease_ms=lease_ms,
    )


async def post(store: Store, *keys: str, kind: str = KIND) -> None:
    for key in keys:
        decision = Decision(None, Deed(key, 0), work=Schedule(key, kind))
        await store.change(DEEDS, key, lambda _, decision=decision: decision)  # type: ignore[misc]  # a default argument


async def end(store: Store, lease: Lease) -> None:
    def count(deed: Deed | None) -> Decision[None]:
        assert deed is not None
        return Decision(None, msgspec.structs.replace(deed, times=deed.times + 1), work=Done(lease.key))

    await store.change(DEEDS, lease.key, count, lease=lease)


async def until(met: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await met():  # noqa: ASYNC110 - what is awaited happens in the database
            await asyncio.sleep(0.005)


async def test_each_piece_of_its_kind_is_done_once_and_other_kinds_are_left(
    tables: Store, tasks: Tasks
) -> None:
    async def handle(lease: Lease) -> None:
        await end(tables, lease)

    keys = [f"{number:024x}" for number in range(100)]
    await post(tables, *keys)
    await post(tables, "other", kind="else")
    errands = errands_of(tables, tasks, handle, running_max=8)
    errands.start()
    errands.start()

    async def all_done() -> bool:
        return await tables.work.backlog(KIND) == 0 and len(errands) == 0

    await until(all_done)
    errands.stop()
    assert {deed.times for deed in (await tables.get_many(DEEDS, keys)).values()} == {1}
    assert await tables.work.backlog("else") == 1


async def test_what_hangs_keeps_its_own_places_only_and_all_are_bounded(tables: Store, tasks: Tasks) -> None:
    let_go, hanging, most = asyncio.Event(), 0, 0

    async def handle(lease: Lease) -> None:
        nonlocal hanging, most
        most = max(most, len(errands))
        if lease.key.startswith("slow"):
            hanging += 1
            await let_go.wait()
        await end(tables, lease)

    await post(tables, "slow1", "slow2", *(f"quick{number}" for number in range(20)))
    errands = errands_of(tables, tasks, handle, running_max=3)
    errands.start()

    async def the_quick_are_done() -> bool:
        deeds = await tables.get_many(DEEDS, [f"quick{number}" for number in range(20)])
        return all(deed.times for deed in deeds.values())

    await until(the_quick_are_done)
    assert (hanging, most) == (2, 3)
    let_go.set()

    async def all_done() -> bool:
        return len(errands) == 0

    await until(all_done)
    errands.stop()


async def test_a_handler_that_raises_ends_nothing_and_the_work_is_done_again(
    tables: Store, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    tries = 0

    async def handle(lease: Lease) -> None:
        nonlocal tries
        tries += 1
        if tries == 1:
            raise RuntimeError("a bug")
        await end(tables, lease)

    await post(tables, "one")
    errands = errands_of(tables, tasks, handle, lease_ms=200)
    errands.start()

    async def done() -> bool:
        deed = await tables.get(DEEDS, "one")
        return deed is not None and deed.times == 1

    await until(done)
    errands.stop()
    assert tries == 2
    assert "errand_failed" in caplog.text


async def test_a_handler_that_outlives_its_lease_is_not_joined_by_a_second_one(
    tables: Store, tasks: Tasks
) -> None:
    let_go, begun = asyncio.Event(), 0

    async def handle(_: Lease) -> None:
        nonlocal begun
        begun += 1
        await let_go.wait()

    await post(tables, "one")
    errands = errands_of(tables, tasks, handle, lease_ms=100)
    assert await errands.run_once() == 1

    async def claimed_again() -> bool:
        return await errands.run_once() == 1

    await until(claimed_again)
    for _ in range(5):
        await asyncio.sleep(0)  # a second handler, if there were one, would begin now
    assert begun == 1
    let_go.set()


async def test_two_processes_never_do_one_piece_at_a_time(tables: Store, tasks: Tasks) -> None:
    running: set[str] = set()
    twice: list[str] = []

    async def handle(lease: Lease) -> None:
        if lease.key in running:
            twice.append(lease.key)
        running.add(lease.key)
        await end(tables, lease)
        running.discard(lease.key)

    keys = [f"{number:024x}" for number in range(60)]
    await post(tables, *keys)
    here, there = (errands_of(tables, tasks, handle, running_max=5) for _ in range(2))
    here.start()
    there.start()

    async def all_done() -> bool:
        return all(deed.times for deed in (await tables.get_many(DEEDS, keys)).values())

    await until(all_done)
    here.stop()
    there.stop()
    assert twice == []
    assert {deed.times for deed in (await tables.get_many(DEEDS, keys)).values()} == {1}


async def test_a_database_that_is_away_stops_nothing(
    tables: Store, tasks: Tasks, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def handle(lease: Lease) -> None:
        await end(tables, lease)

    claim, refused = tables.work.claim, 0

    async def away_at_first(kind: str, owner: str, lease_ms: int, limit: int) -> list[Lease]:
        nonlocal refused
        refused += 1
        if refused <= 2:
            raise StorageUnavailable("gone")
        if refused == 3:
            raise RuntimeError("a bug")
        return await claim(kind, owner, lease_ms, limit)

    await post(tables, "one")
    monkeypatch.setattr(tables.work, "claim", away_at_first)
    errands = errands_of(tables, tasks, handle)
    errands.start()

    async def done() -> bool:
        deed = await tables.get(DEEDS, "one")
        return deed is not None and deed.times == 1

    await until(done)
    errands.stop()
    assert "work_not_claimed" in caplog.text
    assert "errands_failed" in caplog.text


async def test_stopping_cuts_a_sleep_and_no_handler(tables: Store, tasks: Tasks) -> None:
    let_go = asyncio.Event()

    async def handle(lease: Lease) -> None:
        await let_go.wait()
        await end(tables, lease)

    await post(tables, "one")
    errands = errands_of(tables, tasks, handle, clock=SystemClock())
    errands.start()

    async def running() -> bool:
        return len(errands) == 1

    await until(running)
    errands.stop()
    assert await errands.run_once() == 0
    with contextlib.suppress(asyncio.CancelledError):
        let_go.set()
    assert await tasks.drain(60) == ()
    deed = await tables.get(DEEDS, "one")
    assert deed is not None
    assert deed.times == 1


async def test_a_stopping_process_leaves_what_it_cannot_begin_to_others(tables: Store, tasks: Tasks) -> None:
    begun = 0

    async def handle(_: Lease) -> None:
        nonlocal begun
        begun += 1

    await post(tables, "one")
    errands = errands_of(tables, tasks, handle)
    await tasks.drain(0)
    assert await errands.run_once() == 1
    assert (begun, len(errands)) == (0, 0)


async def test_draining_waits_for_what_runs_and_takes_nothing_more(tables: Store, tasks: Tasks) -> None:
    let_go = asyncio.Event()

    async def handle(lease: Lease) -> None:
        await let_go.wait()
        await end(tables, lease)

    await post(tables, "one")
    errands = errands_of(tables, tasks, handle)
    errands.start()

    async def running() -> bool:
        return len(errands) == 1

    await until(running)
    draining = asyncio.ensure_future(errands.drain())
    await post(tables, "two")
    assert not draining.done()
    let_go.set()
    await draining
    deeds = await tables.get_many(DEEDS, ["one", "two"])
    assert (deeds["one"].times, deeds["two"].times) == (1, 0)
