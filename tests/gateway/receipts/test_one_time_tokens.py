"""A one-time token pays one receipt, whatever races and whatever dies; over both databases.

The method: the real cards stand behind the receipts, and a test holds or delays what goes to them: between a
reservation and the payment that it is for, between a payment's end and its release.
"""

import asyncio
import random
from typing import TYPE_CHECKING, Any

import pytest

from helpers_cards import Phone, new_vault
from helpers_receipts import GOOD_CARD, World, agrees, make_desk
from helpers_shop import Crashed
from tiyin.gateway.acquiring.books import DEBITED, OPERATIONS
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.cards import Cards, TestIssuer
from tiyin.gateway.cards.records import LIVE, SPENT, TOKENS
from tiyin.gateway.cards.tokens import PayingCard, token_id_of
from tiyin.gateway.desks.records import Desk
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import Receipt
from tiyin.protocol.errors import RpcError
from tiyin.storage import StorageUnavailable, Store

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

ROUNDS = 30


async def _at_once(*_: object) -> None:
    """Hold nothing."""


class HeldCards:
    """The real cards, with a place to wait after a reservation and before a release."""

    def __init__(self, inner: Cards) -> None:
        self.inner = inner
        self.problems: list[str] = []
        self.reserved: Callable[[str, int], Awaitable[None]] = _at_once
        self.releasing: Callable[[str, int], Awaitable[None]] = _at_once

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def reserve(
        self, desk: Desk, token: str, receipt_id: str, amount_tiyin: int, *, attempt: int
    ) -> PayingCard:
        card = await self.inner.reserve(desk, token, receipt_id, amount_tiyin, attempt=attempt)
        await self.reserved(receipt_id, attempt)
        return card

    async def release(self, token_id: str, receipt_id: str, attempt: int) -> None:
        await self.releasing(receipt_id, attempt)
        await self.inner.release(token_id, receipt_id, attempt)


class CardsWorld(World):
    """A world whose cards are the real ones."""

    cards: HeldCards  # type: ignore[assignment]  # they stand in the place of a test's own

    def __init__(self, store: Store) -> None:
        super().__init__(store, make_desk())
        vault, issuer = new_vault(), TestIssuer(TestCards())
        self.cards = HeldCards(Cards(store, self.clock, self.ids, vault, issuer, Phone()))
        self.shop.one_time = False
        self.restart()

    async def token(self) -> str:
        made = await self.cards.create(self.desk, number=GOOD_CARD, expire="0399")
        await self.cards.get_verify_code(self.desk, made.token)
        await self.cards.verify(self.desk, made.token, "666666")
        token: str = made.token
        return token

    async def debits(self, receipts: list[Receipt]) -> int:
        """Count what the acquirer took and keeps for these receipts."""
        keys = [f"{receipt.id}-{attempt}" for receipt in receipts for attempt in range(1, 9)]
        found = await self.store.inner.get_many(OPERATIONS, keys)
        return sum(operation.state == DEBITED for operation in found.values())

    async def ever_debited(self, receipts: list[Receipt]) -> int:
        """Count the receipts that were debited, also those whose money went back."""
        keys = {receipt.id for receipt in receipts}
        rows = await self.store.inner.query(OPERATIONS.schema.select(), OPERATIONS)
        return len({row.id[:24] for row in rows if row.id[:24] in keys and row.debited_ms})


@pytest.fixture
async def crowded(store: Store) -> CardsWorld:
    await store.create_tables(metadata)
    return CardsWorld(store)


def code_of(answer: Receipt | Exception) -> int:
    assert isinstance(answer, RpcError), answer
    return answer.code


async def test_a_late_call_does_not_begin_under_a_reservation_that_was_released(crowded: CardsWorld) -> None:
    """Two calls pay A; the first is refused, the token pays B, and only then does the second go on."""
    token = await crowded.token()
    a, b = await crowded.create(1), await crowded.create(2)
    reserved, go_on = asyncio.Event(), asyncio.Event()

    async def hold(*_: object) -> None:
        if not reserved.is_set():
            reserved.set()
            await go_on.wait()

    crowded.cards.reserved = hold
    late = asyncio.ensure_future(crowded.pay(a, token))
    await reserved.wait()
    crowded.shop.faults = ["ok", "refused"]
    assert code_of(await crowded.pay(a, token)) == -31610
    paid = await crowded.pay(b, token)
    assert isinstance(paid, Receipt)
    assert paid.state == 4
    go_on.set()
    assert code_of(await late) == -31610
    assert (await crowded.load(a)).state == 0
    assert code_of(await crowded.pay(a, token)) == -31400
    assert await crowded.debits([a, b]) == 1
    await agrees(crowded)


async def test_two_calls_of_one_payment_share_their_token(crowded: CardsWorld) -> None:
    """Whoever of the two comes second must not release what the first pays with."""
    token = await crowded.token()
    receipt = await crowded.create(1)
    answers = await asyncio.gather(*(crowded.pay(receipt, token) for _ in range(3)))
    assert any(isinstance(answer, Receipt) and answer.state == 4 for answer in answers)
    kept = await crowded.store.inner.get(TOKENS, token_id_of(token))
    assert kept is not None
    assert (kept.state, kept.receipt_id) == (SPENT, receipt.id)
    again = await crowded.pay(receipt, token)
    assert isinstance(again, Receipt)
    await agrees(crowded)


async def test_a_token_is_not_free_before_its_payment_is_over(crowded: CardsWorld) -> None:
    """The process dies before it wrote that the billing refused: the payment goes on with its token."""
    token = await crowded.token()
    a, b = await crowded.create(1), await crowded.create(2)
    crowded.shop.faults = ["ok", "refused"]
    # Two calls to the shop and the commit of the first intent pass two moments each.
    crowded.crashes.count, crowded.crashes.at = 0, {7}
    assert isinstance(await crowded.pay(a, token), Crashed)
    assert (await crowded.load(a)).state == 1
    crowded.crashes.at = set()
    crowded.restart()
    assert code_of(await crowded.pay(b, token)) == -31400
    await crowded.recover()
    assert (await crowded.load(a)).state == 4
    assert await crowded.debits([a, b]) == 1
    await agrees(crowded)


@pytest.mark.parametrize("gone", ["killed", "database"])
async def test_a_token_that_nobody_lived_to_release_is_free_all_the_same(
    crowded: CardsWorld, gone: str
) -> None:
    token = await crowded.token()
    a, b = await crowded.create(1), await crowded.create(2)
    crowded.shop.faults = ["ok", "refused"]

    async def fail(*_: object) -> None:
        crowded.cards.releasing = _at_once
        raise Crashed("here") if gone == "killed" else StorageUnavailable("gone")

    crowded.cards.releasing = fail
    answer = await crowded.pay(a, token)
    assert isinstance(answer, Crashed) if gone == "killed" else code_of(answer) == -31610
    kept = await crowded.store.inner.get(TOKENS, token_id_of(token))
    assert kept is not None
    assert (kept.state, kept.receipt_id) == (LIVE, a.id)
    paid = await crowded.pay(b, token)
    assert isinstance(paid, Receipt)
    assert paid.state == 4
    assert code_of(await crowded.pay(a, token)) == -31400
    await agrees(crowded)


async def test_the_other_token_of_a_lost_race_is_free_also_when_its_caller_died(crowded: CardsWorld) -> None:
    """Two tokens race for A; the process of the one that lost dies before it released its own."""
    first, second = await crowded.token(), await crowded.token()
    a, b = await crowded.create(1), await crowded.create(2)

    async def race(receipt_id: str, _: int) -> None:
        crowded.cards.reserved = _at_once
        assert receipt_id == a.id
        assert isinstance(await crowded.pay(a, first), Receipt)
        raise Crashed("here")

    crowded.cards.reserved = race
    assert isinstance(await crowded.pay(a, second), Crashed)
    paid = await crowded.pay(b, second)
    assert isinstance(paid, Receipt)
    assert paid.state == 4
    assert await crowded.debits([a, b]) == 2
    await agrees(crowded)


async def test_any_race_for_a_token_is_won_by_one_receipt(crowded: CardsWorld) -> None:
    """Calls for two receipts and one token, each delayed by chance, with refusals, lost answers, crashes."""
    for seed in range(ROUNDS):
        dice = random.Random(seed)  # noqa: S311  # a test's dice

        async def delay(*_: object, dice: random.Random = dice) -> None:
            for _turn in range(dice.choice([0, 0, 3, 20, 60])):
                await asyncio.sleep(0)

        crowded.cards.reserved = crowded.cards.releasing = delay
        token = await crowded.token()
        receipts = [await crowded.create(2 * seed), await crowded.create(2 * seed + 1)]
        faults = ["ok", "ok", "refused", "refused", "not_sent", "lost_after"]
        crowded.shop.faults = [dice.choice(faults) for _ in range(12)]
        crowded.crashes.count, crowded.crashes.at = 0, set(dice.sample(range(1, 80), 2))

        async def pay(receipt: Receipt, token: str = token, delay: Any = delay) -> None:
            await delay()
            await crowded.pay(receipt, token)

        await asyncio.gather(*(pay(dice.choice(receipts)) for _ in range(6)))
        crowded.crashes.at, crowded.shop.faults = set(), []
        crowded.cards.reserved = crowded.cards.releasing = _at_once
        crowded.restart()
        await crowded.recover()
        assert await crowded.debits(receipts) <= 1, seed
        for receipt in receipts:
            await crowded.pay(receipt, token)
        assert await crowded.ever_debited(receipts) == 1, seed
    await agrees(crowded)
