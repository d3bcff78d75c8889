"""Tries that fail are counted by browser, order and network, whichever process counts."""

import asyncio
from typing import Any

import pytest

from tiyin.gateway.cards.limits import Limit, TooOften, Tries, Trying, TryLimits
from tiyin.gateway.cards.records import COUNTS
from tiyin.gateway.metadata import metadata
from tiyin.gateway.vault import KeyRing, Vault, new_vault_key
from tiyin.runtime.clock import TurnableClock
from tiyin.storage import Store

LIMITS = TryLimits(browser=Limit(3, 60_000), order=Limit(5, 60_000), network=Limit(7, 120_000))
VAULT = Vault(KeyRing.read(new_vault_key()))


@pytest.fixture
async def store(store: Store) -> Store:
    """A store with the gateway's tables."""
    await store.create_tables(metadata)
    return store


def tries_of(store: Store, clock: TurnableClock, **changes: Any) -> Tries:
    return Tries(store, clock, VAULT, what="card-try", code=-31300, limits=LIMITS, **changes)


@pytest.mark.parametrize(
    ("trying", "times"),
    [
        (lambda n: Trying("one", f"order {n}", f"network {n}"), 3),
        (lambda n: Trying(f"browser {n}", "one", f"network {n}"), 5),
        (lambda n: Trying(f"browser {n}", f"order {n}", "213.230.64.1"), 7),
    ],
    ids=["browser", "order", "network"],
)
async def test_each_limit_holds_by_itself(store: Store, trying: Any, times: int) -> None:
    clock = TurnableClock()
    processes = [tries_of(store, clock), tries_of(store, clock)]
    for count in range(times):
        await processes[count % 2].spend(trying(count))
    with pytest.raises(TooOften) as refused:
        await processes[0].spend(trying(times))
    assert refused.value.code == -31300
    window_ms = 120_000 if times == 7 else 60_000
    assert 0 <= clock.now_ms() + window_ms - refused.value.until_ms < 30_000
    clock.advance(window_ms)
    await processes[1].spend(trying(times + 1))


async def test_what_is_refused_counts_nowhere(store: Store) -> None:
    tries = tries_of(store, TurnableClock())
    for count in range(3):
        await tries.spend(Trying("one", f"order {count}"))
    for _ in range(10):
        with pytest.raises(TooOften):
            await tries.spend(Trying("one", "busy"))
    for count in range(5):
        await tries.spend(Trying(f"browser {count}", "busy"))


async def test_what_succeeded_is_given_back(store: Store) -> None:
    tries, trying = tries_of(store, TurnableClock()), Trying("one", "order", "213.230.64.1")
    for _ in range(20):
        await tries.spend(trying)
        await tries.give_back(trying)
    for _ in range(3):
        await tries.give_back(trying)
    for _ in range(3):
        await tries.spend(trying)
    with pytest.raises(TooOften):
        await tries.spend(trying)


async def test_at_the_same_time_there_are_no_more(store: Store) -> None:
    tries = tries_of(store, TurnableClock())
    spent = await asyncio.gather(
        *(tries.spend(Trying("one", f"order {count}")) for count in range(20)), return_exceptions=True
    )
    assert [type(one) for one in spent if one is not None] == [TooOften] * 17


async def test_no_address_is_kept_as_it_is(store: Store) -> None:
    await tries_of(store, TurnableClock()).spend(Trying("one", "order", "213.230.64.1"))
    rows = await store.query(COUNTS.schema.select(), COUNTS)
    assert len(rows) == 3
    assert not [row for row in rows if "213.230" in row.id]
