"""A shop that only acts when it is paid: taking a transaction in is one commit, and no work of its own."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping

import pytest

from helpers_merchant import KEY, NOW_MS, Books, Payme, payme_id
from tiyin.merchant import Billing, Order, Transaction
from tiyin.merchant.api import MerchantApi
from tiyin.runtime.clock import ManualClock
from tiyin.runtime.tasks import Tasks


class Till(Billing):
    """Sells anything, and counts what was paid."""

    def __init__(self) -> None:
        self.paid: list[str] = []

    async def check(self, account: Mapping[str, int | str], amount_tiyin: int) -> Order:
        del account
        return Order(amount_tiyin=amount_tiyin)

    async def perform(self, transaction: Transaction) -> None:
        self.paid.append(transaction.id)


class Counting(Tasks):
    """Remembers what was started for a transaction."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[str] = []

    def start(self, coro, *, name):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN201
        self.started.append(name)
        return super().start(coro, name=name)


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
async def payme(till: Till, sqlite_url: str) -> AsyncIterator[Payme]:
    async with MerchantApi(till, sqlite_url, KEY, clock=ManualClock(NOW_MS)) as api:
        yield Payme(api)


async def test_only_what_runs_a_hook_is_a_task(till: Till, sqlite_url: str) -> None:
    tasks = Counting()
    async with MerchantApi(till, sqlite_url, KEY, clock=ManualClock(NOW_MS), tasks=tasks) as api:
        payme = Payme(api)
        assert (await payme.create(1))["state"] == 1
        assert payme_id(1) not in tasks.started
        assert (await payme.perform(1))["state"] == 2
        assert tasks.started.count(payme_id(1)) == 1
    assert till.paid == [payme_id(1)]


async def test_many_calls_of_one_transaction_at_once(till: Till, payme: Payme) -> None:
    first = await payme.create(1)
    assert await asyncio.gather(*(payme.create(1) for _ in range(20))) == [first] * 20
    paid = await asyncio.gather(*(payme.perform(1) for _ in range(20)))
    assert paid == [paid[0]] * 20
    assert till.paid == [payme_id(1)]


async def test_two_transactions_for_one_order(payme: Payme) -> None:
    answers = await asyncio.gather(*(payme.create(number) for number in range(1, 11)))
    assert sorted(answer if isinstance(answer, int) else answer["state"] for answer in answers) == [
        *[-31008] * 9,
        1,
    ]


async def test_a_caller_who_hangs_up_at_any_moment(payme: Payme) -> None:
    for turns in range(12):
        number = turns + 1
        asking = asyncio.ensure_future(payme.create(number, order=str(number)))
        for _ in range(turns):
            await asyncio.sleep(0)
        asking.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asking
        created = await payme.create(number, order=str(number))
        assert created["state"] == 1
        assert (await payme.perform(number))["state"] == 2


async def test_what_a_hook_left_unfinished_is_finished_once_the_hook_is_gone(sqlite_url: str) -> None:
    shop = Books()

    async def fail(_: Transaction) -> None:
        raise RuntimeError

    shop.before = fail
    async with MerchantApi(shop, sqlite_url, KEY, clock=ManualClock(NOW_MS)) as api:
        assert await Payme(api).create(1) == -32400
    till = Till()
    async with MerchantApi(till, sqlite_url, KEY, clock=ManualClock(NOW_MS)) as api:
        payme = Payme(api)
        assert (await payme.create(1))["state"] == 1
        assert (await payme.perform(1))["state"] == 2
    assert till.paid == [payme_id(1)]
