"""Any sequence of operations answers as a dictionary would, on both databases."""

import asyncio
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from helpers_accounts import ACCOUNTS, ENTRIES, METADATA, Account, Entry, account_id
from tiyin.storage import Decision, Store, Taken

KEYS = [account_id(n) for n in range(4)]
OWNERS = ["ali", "vali"]

puts = st.tuples(
    st.just("put"),
    st.sampled_from(KEYS),
    st.sampled_from(OWNERS),
    st.sampled_from(["waiting", "open"]),
    st.booleans(),
)
operations = st.one_of(
    puts,
    st.tuples(st.just("raise"), st.sampled_from(KEYS)),
    st.tuples(st.just("look"), st.sampled_from(KEYS)),
    st.tuples(st.just("entry"), st.sampled_from(KEYS)),
)


class Model:
    """What the database should hold."""

    def __init__(self) -> None:
        self.rows: dict[str, Account] = {}
        self.entries: list[str] = []

    def put(self, key: str, owner: str, state: str) -> Any:
        guarded = state == "waiting" and any(
            row.state == "waiting" and row.owner == owner for row in self.rows.values() if row.id != key
        )
        if guarded:
            return "Taken"
        old = self.rows.get(key)
        self.rows[key] = Account(key, 1 if old is None else old.version + 1, owner, state, len(self.entries))
        return None if old is None else old.version


def appending(record: Entry) -> Callable[[Account | None], Decision[None]]:
    return lambda _: Decision(None, appends=[(ENTRIES, record)])


async def clean(store: Store) -> None:
    """Start from nothing: storage itself never deletes, so every example works on rows of its own."""
    await store.create_tables(METADATA)


async def run(store: Store, steps: list[tuple[Any, ...]], prefix: str) -> None:
    model = Model()
    for n, (name, key, *rest) in enumerate(steps):
        real = prefix + key
        entry = f"{prefix}{n:04d}"
        if name == "put":
            await _put(store, model, prefix, key, entry, *rest)
        elif name == "raise":

            def refuse(_: Account | None) -> Decision[None]:
                raise LookupError

            try:
                await store.change(ACCOUNTS, real, refuse)
            except LookupError:
                pass
            else:
                raise AssertionError("the rule's error was lost")
        elif name == "look":
            assert await store.change(ACCOUNTS, real, Decision) == _real(model, prefix, key)
        elif key in model.rows:
            await store.change(ACCOUNTS, real, appending(Entry(entry, real, n)))
            model.rows[key] = replace(model.rows[key], version=model.rows[key].version + 1)
            model.entries.append(entry)
        assert await store.get(ACCOUNTS, real) == _real(model, prefix, key)
    found = await store.get_many(ACCOUNTS, [prefix + key for key in KEYS])
    assert found == {prefix + key: _real(model, prefix, key) for key in model.rows}
    ids = (
        sa.select(ENTRIES.schema.c.id)
        .where(ENTRIES.schema.c.id.startswith(prefix))
        .order_by(ENTRIES.schema.c.id)
    )
    assert [row[0] for row in await store.query(ids)] == model.entries


async def _put(
    store: Store, model: Model, prefix: str, key: str, entry: str, owner: str, state: str, appends: bool
) -> None:
    def rule(row: Account | None) -> Decision[int | None]:
        record = Account(prefix + key, 99, prefix + owner, state, len(model.entries))
        posted = [(ENTRIES, Entry(entry, prefix + key, 1))] if appends else []
        return Decision(None if row is None else row.version, record, posted)

    balance = len(model.entries)
    try:
        answer: Any = await store.change(ACCOUNTS, prefix + key, rule)
    except Taken:
        answer = "Taken"
    assert answer == model.put(key, owner, state)
    if answer != "Taken":
        model.rows[key] = replace(model.rows[key], balance=balance)
        if appends:
            model.entries.append(entry)


def _real(model: Model, prefix: str, key: str) -> Account | None:
    row = model.rows.get(key)
    return None if row is None else replace(row, id=prefix + key, owner=prefix + row.owner)


async def test_one_after_another_like_a_dictionary(store: Store) -> None:
    await clean(store)
    loop = asyncio.get_running_loop()
    examples = iter(range(1_000_000))

    @settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(operations, max_size=12))
    def example(steps: list[tuple[Any, ...]]) -> None:
        # Hypothesis is not asynchronous: it runs in a thread, and each example in the test's own loop.
        prefix = f"{next(examples):06d}-"
        asyncio.run_coroutine_threadsafe(run(store, steps, prefix), loop).result(30)

    await asyncio.to_thread(example)


async def test_several_at_once_like_some_order_of_them(store: Store) -> None:
    """Concurrent additions and looks: every answer is a balance the account had, each exactly once."""
    await clean(store)
    loop = asyncio.get_running_loop()
    examples = iter(range(1_000_000))

    async def together(amounts: list[tuple[str, int]], prefix: str) -> None:
        def adding(key: str, n: int, amount: int) -> Any:
            def rule(row: Account | None) -> Decision[tuple[int, int]]:
                old = row or Account(key, 0, key, "open", 0)
                record = replace(old, balance=old.balance + amount)
                return Decision(
                    (old.balance, record.balance), record, [(ENTRIES, Entry(f"{prefix}{n}", key, amount))]
                )

            return store.change(ACCOUNTS, key, rule)

        answers = await asyncio.gather(
            *(adding(prefix + key, n, amount) for n, (key, amount) in enumerate(amounts))
        )
        for key in {key for key, _ in amounts}:
            steps = [(a, amount) for a, (k, amount) in zip(answers, amounts, strict=True) if k == key]
            assert all(after - before == amount for (before, after), amount in steps)
            row = await store.get(ACCOUNTS, prefix + key)
            assert row is not None
            assert (row.version, row.balance) == (len(steps), sum(amount for _, amount in steps))

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(st.sampled_from(KEYS), st.integers(1, 9)), min_size=1, max_size=40))
    def example(amounts: list[tuple[str, int]]) -> None:
        asyncio.run_coroutine_threadsafe(together(amounts, f"{next(examples):06d}-"), loop).result(30)

    await asyncio.to_thread(example)
