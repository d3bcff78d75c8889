"""Any sequence of payments, refunds, splits, closes, payouts and returns keeps the books true."""

import asyncio
import tempfile
from collections import defaultdict
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.ledger.test_closing import Book
from tiyin.gateway.ledger import Share
from tiyin.gateway.ledger.settlement import Settlement, settle
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import shares_of
from tiyin.storage import open_store

DESKS = [letter * 24 for letter in "abc"]

amounts = st.integers(1, 10**13)


@given(st.integers(-(10**13), 10**13), st.integers(0, 10**13))
def test_a_settlement_leaves_a_desk_at_zero_and_pays_no_more_than_is_owed(balance: int, debt: int) -> None:
    made = settle(balance, debt)
    assert balance + made.suspended_tiyin - made.recovered_tiyin - made.payout_tiyin == 0
    assert min(made.suspended_tiyin, made.recovered_tiyin, made.payout_tiyin) >= 0
    assert made.recovered_tiyin <= debt
    # Nothing is paid to who owes, before or after.
    left = debt + made.suspended_tiyin - made.recovered_tiyin
    assert not (made.payout_tiyin and left)
    assert all(entry.amount_tiyin > 0 for entry in made.entries("d", 1))
    assert (made == Settlement()) is (balance == 0)


shares = st.lists(
    st.tuples(st.integers(0, 2), st.integers(1, 1_000), st.integers(0, 100)),
    min_size=1,
    max_size=3,
    unique_by=lambda share: share[0],
)
moves = st.one_of(
    st.tuples(st.just("pay"), shares),
    st.tuples(st.just("late"), shares),
    st.tuples(st.just("refund"), st.integers(0, 9)),
    st.tuples(st.just("close"), st.integers(1, 3)),
    st.tuples(st.just("paid"), st.integers(0, 9)),
    st.tuples(st.just("returned"), st.integers(0, 9)),
)


class Model:
    """What each desk must have got in the end: what it earned, less what was refunded. Nothing else."""

    def __init__(self) -> None:
        self.earned: defaultdict[str, int] = defaultdict(int)
        self.commission = 0

    def add(self, parts: list[Share], sign: int) -> None:
        for share in parts:
            self.earned[share.desk_id] += sign * (share.amount_tiyin - share.commission_tiyin)
            self.commission += sign * share.commission_tiyin


async def _play(book: Book, row: list[tuple[str, object]]) -> None:
    model = Model()
    receipts = []
    paid: list[str] = []
    for name, argument in row:
        if name in {"pay", "late"}:
            parts = [
                Share(DESKS[desk], amount, min(amount, amount * percent // 100))
                for desk, amount, percent in argument  # type: ignore[attr-defined]  # what `shares` draws
            ]
            at_ms = book.clock.now - (26 * 3600_000 if name == "late" else 0)
            receipts.append(await book.pay(*parts, at_ms=at_ms))
            model.add(parts, 1)
        elif name == "refund" and receipts:
            receipt = receipts.pop(int(str(argument)) % len(receipts))
            parts = list(shares_of(receipt))
            await book.refund(receipt, *parts)
            model.add(parts, -1)
        elif name == "close":
            book.clock.tomorrow(int(str(argument)))
            await book.close()
        elif name == "paid" and (due := await book.payouts.find(state="due")):
            payout = due[int(str(argument)) % len(due)]
            await book.payouts.pay(payout.id, who="w", reference="r")
            paid.append(payout.id)
        elif name == "returned" and paid:
            await book.payouts.give_back(paid.pop(int(str(argument)) % len(paid)), who="w", note="n")
        await book.verified()
    book.clock.tomorrow()
    await book.close()
    report = await book.verified()
    balances = await book.balances()
    assert report.late == 0
    assert balances.get("commission", 0) == model.commission
    got: defaultdict[str, int] = defaultdict(int)
    for payout in await book.payouts.find(limit=10_000):
        if payout.state != "returned":
            got[payout.desk_id] += payout.amount_tiyin
    for desk in DESKS:
        debt = -balances.get(f"suspense:{desk}", 0)
        # What a desk has got is what it earned, or it owes the difference; and who owes was paid nothing new.
        assert got[desk] - debt == model.earned[desk]
        assert f"desk:{desk}" not in balances


@settings(max_examples=30)
@given(st.lists(moves, max_size=14))
def test_any_sequence_keeps_the_books_true(row: list[tuple[str, object]]) -> None:
    async def play() -> None:
        with tempfile.TemporaryDirectory() as folder:
            store = await open_store(f"sqlite:///{Path(folder) / 'books.db'}")
            try:
                await store.create_tables(metadata)
                await _play(Book(store, page=2), row)
            finally:
                await store.close()

    asyncio.run(play())
