"""Reconciliation: nothing is found in a world that agrees, and of each kind exactly what was planted.

Worlds are made of stories of orders, as they happen: waiting, paid, refunded, paid again, balances, payments
that were given up. Into such a world one difference is planted, and it alone must be found, in whatever order
the rows come.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from helpers_merchant import payme_id
from tiyin.merchant.reconcile import (
    KINDS,
    Code,
    OrderState,
    Period,
    ReceiptRow,
    Reconciler,
    Reconciliation,
    Severity,
    ShopOrder,
    reconcile,
)
from tiyin.merchant.reconcile.rows import day_of, moment_text
from tiyin.protocol.merchant_api import StatementTransaction
from tiyin.protocol.values import LANGUAGES

HOUR_MS = 3_600_000
PERIOD = Period.days(date(2026, 11, 23), date(2026, 11, 24))
NOON_MS = PERIOD.from_ms + 12 * HOUR_MS
NEXT_NOON_MS = NOON_MS + 24 * HOUR_MS
NOW_MS = PERIOD.to_ms + 6 * HOUR_MS
NO_BILLING = "587f72c72cac0d162c722ae2"
PAID, WAITING, CANCELLED, REFUNDED = (
    OrderState.PAID,
    OrderState.WAITING,
    OrderState.CANCELLED,
    OrderState.REFUNDED,
)


@dataclass
class World:
    """What the three sides say; every payment gets an id of its own."""

    orders: list[ShopOrder] = field(default_factory=list)
    transactions: list[StatementTransaction] = field(default_factory=list)
    receipts: list[ReceiptRow] = field(default_factory=list)
    made: int = 0

    def order(self, name: str, state: OrderState, amount: int = 500_000, at: int = 0, **more: Any) -> None:
        self.orders.append(ShopOrder(order=name, amount_tiyin=amount, state=state, paid_at_ms=at, **more))

    def pay(
        self,
        name: str,
        here: int | None,
        there: int | None,
        amount: int = 500_000,
        at: int = NOON_MS,
        **more: Any,
    ) -> None:
        """Make a payment: the state of its transaction here, of its receipt there, None for no such row."""
        self.made += 1
        id_ = payme_id(self.made)
        performed, cancelled = here in (2, -2), here in (-1, -2)
        if here is not None:
            self.transactions.append(
                StatementTransaction(
                    id=id_,
                    time=at,
                    amount=amount,
                    account={"order_id": name},
                    create_time=at + 100,
                    perform_time=more.pop("perform", at + 2_000) if performed else 0,
                    cancel_time=at + 60_000 if cancelled else 0,
                    transaction=str(self.made),
                    state=here,
                    reason=3 if cancelled else None,
                )
            )
        if there is not None:
            paid = there in (4, 21) or more.pop("was_paid", here == -2)
            receipt = {
                "create_time_ms": at - 5_000,
                "pay_time_ms": at + 2_500 if paid else 0,
                "cancel_time_ms": at + 61_000 if there == 50 else 0,
                "amount_tiyin": amount,
                "fiscal": True,
                **more,
            }
            self.receipts.append(ReceiptRow(id=id_, state=there, account={"order_id": name}, **receipt))

    def reconcile(self, **more: Any) -> Reconciliation:
        given: dict[str, Any] = {
            "now_ms": NOW_MS, "period": PERIOD, "desks_without_billing": [NO_BILLING], "fiscal": True, **more
        }  # fmt: skip
        return reconcile(self.orders, self.transactions, self.receipts, **given)


Story = Callable[[World, str, int, int], None]


def _waiting(world: World, name: str, amount: int, at: int) -> None:  # noqa: ARG001 - a story
    world.order(name, WAITING, amount)


def _paid(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, PAID, amount, at + 2_000)
    world.pay(name, 2, 4, amount, at)


def _paid_with_commission_beside(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, PAID, amount, at)
    world.pay(name, 2, 4, amount, at, commission_tiyin=amount // 100)


def _refunded(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, REFUNDED, amount, at, refunded_at_ms=at + 60_000)
    world.pay(name, -2, 50, amount, at)


def _refunded_and_paid_again(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, PAID, amount, at + HOUR_MS)
    world.pay(name, -2, 50, amount, at)
    world.pay(name, 2, 4, amount, at + HOUR_MS)


def _given_up_and_paid(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, PAID, amount, at)
    world.pay(name, -1, 50, amount, at - HOUR_MS)
    world.pay(name, None, 50, amount, at - HOUR_MS)
    world.pay(name, None, 0, amount, at - HOUR_MS)
    world.pay(name, 2, 4, amount, at)


def _being_paid(world: World, name: str, amount: int, at: int) -> None:  # noqa: ARG001 - a story
    world.order(name, WAITING, amount)
    world.pay(name, 1, 0, amount, NOW_MS - HOUR_MS)


def _cancelled(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, CANCELLED, amount)
    world.pay(name, -1, None, amount, at)
    world.pay(name, -1, 0, amount, at)


def _balance(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, PAID, 3 * amount, one_time=False)
    world.pay(name, 2, 4, amount, at)
    world.pay(name, 2, 4, 2 * amount, at + HOUR_MS)
    world.pay(name, -2, 50, amount, at)
    # A payment of another month is none of this period's.
    world.pay(name, 2, 4, amount, PERIOD.from_ms - 30 * 24 * HOUR_MS)


def _without_billing(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, PAID, amount, at)
    world.pay(name, None, 4, amount, at, desk_id=NO_BILLING)


def _of_another_month(world: World, name: str, amount: int, at: int) -> None:
    world.order(name, PAID, amount, at - 30 * 24 * HOUR_MS)
    world.pay(name, 2, 50, amount, at - 30 * 24 * HOUR_MS)


def _free(world: World, name: str, amount: int, at: int) -> None:  # noqa: ARG001 - a story
    world.order(name, PAID, 0, at)


STORIES: tuple[Story, ...] = (
    _waiting, _paid, _paid_with_commission_beside, _refunded, _refunded_and_paid_again, _given_up_and_paid,
    _being_paid, _cancelled, _balance, _without_billing, _of_another_month, _free,
)  # fmt: skip


def plant(world: World, code: Code, which: int) -> int:
    """Plant one difference about the order `planted`, in one of the ways that it comes about.

    Returns:
        The money that it is about, in tiyin.
    """
    ways = PLANTS[code]
    return ways[which % len(ways)](world)


def _way(
    state: OrderState | None, *pairs: tuple[int | None, int | None], money: int = 500_000, at: int = NOON_MS,
    paid_at: int = NOON_MS, amount: int = 500_000, **more: Any,
) -> Callable[[World], int]:  # fmt: skip
    def planted(world: World) -> int:
        if state is not None:
            world.order("planted", state, amount, paid_at if state in (PAID, REFUNDED) else 0)
        for number, (here, there) in enumerate(pairs):
            world.pay("planted", here, there, at=at + number * 60_000, **more)
        return money

    return planted


def _listed_twice(world: World) -> int:
    world.order("planted", PAID, 500_000, NOON_MS)
    world.order("planted", PAID, 500_000, NOON_MS + 5)
    world.pay("planted", 2, 4)
    return 0


def _transaction_twice(world: World) -> int:
    world.order("planted", PAID, 500_000, NOON_MS)
    world.pay("planted", 2, 4)
    world.transactions.append(
        StatementTransaction(**{**_fields(world.transactions[-1]), "perform_time": NOON_MS + 2_001})
    )
    return 0


def _amounts_at_payme(world: World) -> int:
    world.order("planted", PAID, 500_000, NOON_MS)
    world.pay("planted", 2, 4, amount_tiyin=5_000, commission_tiyin=7)
    return 495_000


def _commission_at_payme(world: World) -> int:
    world.order("planted", PAID, 500_000, NOON_MS)
    world.pay("planted", 2, 4, amount_tiyin=510_000, commission_tiyin=10_000)
    return 10_000


def _balance_less(world: World) -> int:
    world.order("planted", PAID, 700_000, one_time=False)
    world.pay("planted", 2, 4)
    world.pay("planted", 2, 4)
    return 300_000


def _balance_unpaid(world: World) -> int:
    world.order("planted", PAID, 700_000, one_time=False)
    world.pay("planted", -2, 50)
    return 700_000


def _fields(row: StatementTransaction) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__struct_fields__}


DAY_END_MS = PERIOD.from_ms + 24 * HOUR_MS - 1_000
PLANTS: dict[Code, list[Callable[[World], int]]] = {
    Code.PAID_ONLY_AT_PAYME: [_way(WAITING, (None, 4)), _way(PAID, (None, 4)), _way(None, (None, 4))],
    Code.PAID_NOT_PERFORMED: [
        _way(WAITING, (1, 4)), _way(WAITING, (1, 4), at=NOW_MS - HOUR_MS, pay_time_ms=PERIOD.to_ms),
    ],
    Code.PAID_CANCELLED_HERE: [_way(WAITING, (-1, 4)), _way(CANCELLED, (-1, 4))],
    Code.PERFORMED_NOT_PAID: [_way(PAID, (2, 0)), _way(PAID, (2, 5)), _way(PAID, (2, 2))],
    Code.PERFORMED_CANCELLED_AT_PAYME: [_way(PAID, (2, 50)), _way(CANCELLED, (2, 50))],
    Code.PERFORMED_WITHOUT_RECEIPT: [_way(PAID, (2, None))],
    Code.REFUNDED_ONLY_AT_PAYME: [
        _way(PAID, (2, 50), was_paid=True), _way(REFUNDED, (2, 50), was_paid=True),
    ],
    Code.REFUNDED_ONLY_HERE: [_way(REFUNDED, (-2, 4)), _way(PAID, (-2, 4))],
    Code.AMOUNT_DIFFERS_AT_PAYME: [_amounts_at_payme],
    Code.PAID_TWICE: [
        _way(PAID, (2, 4), (2, 4)), _way(PAID, (2, 4), (2, 4), (2, 4), (-2, 50), money=1_000_000),
        _way(PAID, (None, 4), (None, 4), desk_id=NO_BILLING),
    ],
    Code.PAID_WITHOUT_PAYMENT: [
        _way(PAID), _way(PAID, paid_at=0), _way(PAID, (-1, 50)), _way(PAID, (1, 0), at=NOW_MS - HOUR_MS),
        _balance_unpaid,
    ],
    Code.NOT_MARKED_PAID: [_way(WAITING, (2, 4)), _way(WAITING, (-1, 50), (2, 4))],
    Code.CANCELLED_ORDER_PAID: [_way(CANCELLED, (2, 4))],
    Code.REFUNDED_ONLY_IN_SHOP: [_way(REFUNDED, (2, 4))],
    Code.REFUND_NOT_IN_SHOP: [
        _way(PAID, (-2, 50)), _way(PAID, (None, 50), desk_id=NO_BILLING, was_paid=True),
    ],
    Code.AMOUNT_DIFFERS_IN_SHOP: [_way(PAID, (2, 4), amount=499_999, money=1), _balance_less],
    Code.UNKNOWN_ORDER: [_way(None, (2, 4)), _way(None, (1, 0), at=NOON_MS + 33 * HOUR_MS)],
    Code.LISTED_TWICE: [_listed_twice, _transaction_twice],
    Code.COMMISSION_IN_AMOUNT: [
        _commission_at_payme,
        _way(PAID, (2, 4), amount=490_000, commission_tiyin=10_000, money=10_000),
    ],
    Code.CANCELLED_ONLY_AT_PAYME: [_way(WAITING, (1, 50)), _way(WAITING, (1, 50), was_paid=True)],
    Code.WAITING_TOO_LONG: [_way(WAITING, (1, 0)), _way(WAITING, (1, None))],
    Code.FISCAL_MISSING: [_way(PAID, (2, 4), fiscal=False)],
    Code.IN_FLIGHT: [
        *(_way(PAID, (2, state)) for state in (20, 21, 30)),
        *(_way(WAITING, (1, state)) for state in (1, 2, 3, 5, 6, 20, 30, 77)),
        *(_way(WAITING, (None, state)) for state in (1, 20, 30)),
        _way(REFUNDED, (-2, 21)), _way(WAITING, (-1, 3)),
    ],
    Code.AT_EDGE: [
        # Paid here at the first moments: its receipt was made the day before.
        _way(PAID, (2, None), at=PERIOD.from_ms + 500),
        # Made before the end, paid after it.
        _way(WAITING, (None, 4), at=PERIOD.to_ms - 1_000),
        _way(PAID, paid_at=PERIOD.from_ms + 1), _way(None, (2, 4), at=PERIOD.to_ms - 60_000),
    ],
    Code.OTHER_DAY: [
        _way(PAID, (2, 4), at=DAY_END_MS - 1_500, paid_at=DAY_END_MS),
        _way(PAID, (2, 4), at=NOON_MS, paid_at=NEXT_NOON_MS),
    ],
    Code.RETURNED: [
        _way(WAITING, (-2, None)), _way(WAITING, (-2, 0), was_paid=False),
        _way(WAITING, (-2, 50), was_paid=False),
        _way(WAITING, (-1, 50), was_paid=True), _way(WAITING, (None, 50), was_paid=True),
    ],
}  # fmt: skip

stories = st.lists(
    st.tuples(st.sampled_from(STORIES), st.integers(100, 10**9), st.integers(0, 6 * HOUR_MS)), max_size=12
)


def told(told_stories: list[tuple[Story, int, int]], shuffled_by: int) -> World:
    world = World()
    for number, (story, amount, later) in enumerate(told_stories):
        story(world, str(number), amount, NOON_MS + later)
    return shuffle(world, shuffled_by)


def shuffle(world: World, by: int) -> World:
    chance = random.Random(by)  # noqa: S311 - no secret
    for rows in (world.orders, world.transactions, world.receipts):
        chance.shuffle(rows)
    return world


@given(stories, st.integers(0, 99))
def test_nothing_is_found_in_a_world_that_agrees(told_stories: list[tuple[Story, int, int]], by: int) -> None:
    found = told(told_stories, by).reconcile()
    assert found.differences == ()
    assert (found.agrees, dict(found.counts)) == (True, {})


@pytest.mark.parametrize("code", Code)
@settings(max_examples=40)
@given(told_stories=stories, by=st.integers(0, 99), which=st.integers(0, 59))
def test_exactly_what_is_planted_is_found(
    code: Code, told_stories: list[tuple[Story, int, int]], by: int, which: int
) -> None:
    world = told(told_stories, 0)
    money = plant(world, code, which)
    found = shuffle(world, by).reconcile()
    assert {code: 1} == dict(found.counts), found.differences
    (difference,) = found.differences
    assert (difference.code, difference.order, difference.amount_tiyin) == (code, "planted", money)
    assert found.agrees is (KINDS[code].severity is Severity.NOTE)
    assert found.sums_tiyin == {code: money}


@pytest.mark.parametrize(("code", "which"), [(code, n) for code in Code for n in range(len(PLANTS[code]))])
def test_every_way_of_every_kind(code: Code, which: int) -> None:
    world = World()
    money = plant(world, code, which)
    (difference,) = world.reconcile().differences
    assert (difference.code, difference.amount_tiyin) == (code, money)


@settings(max_examples=25)
@given(stories, st.integers(0, 99), st.integers(0, 99), st.lists(st.sampled_from(Code), max_size=5))
def test_the_order_of_the_rows_does_not_matter(
    told_stories: list[tuple[Story, int, int]], one: int, other: int, codes: list[Code]
) -> None:
    world = told(told_stories, one)
    for number, code in enumerate(codes):
        plant(world, code, number)
    first = shuffle(world, one).reconcile()
    assert shuffle(world, other).reconcile() == first


@settings(max_examples=25)
@given(stories, st.sampled_from(Code))
def test_rows_that_are_there_twice_alike_are_one(
    told_stories: list[tuple[Story, int, int]], code: Code
) -> None:
    world = told(told_stories, 1)
    plant(world, code, 0)
    once = world.reconcile()
    for rows in (world.orders, world.transactions, world.receipts):
        rows.extend(list(rows))  # type: ignore[arg-type]  # a list of any of them
    twice = world.reconcile()
    assert (twice.differences, twice.days) == (once.differences, once.days)


def test_an_edge_is_none_where_the_sources_are_wider() -> None:
    """A receipt made before midnight and paid after it, with both days at hand, is like any other."""
    world = World()
    world.order("1", PAID, 500_000, PERIOD.from_ms + 3_000)
    world.pay("1", 2, 4, at=PERIOD.from_ms - 1_000, perform=PERIOD.from_ms + 1_000)
    assert world.reconcile().counts == {}
    world.receipts.clear()
    assert world.reconcile().differences[0].suspected is Code.PERFORMED_WITHOUT_RECEIPT


def test_an_edge_says_what_it_would_be() -> None:
    world = World()
    world.pay("9", 2, 4, at=PERIOD.to_ms - 60_000)
    (difference,) = world.reconcile().differences
    assert (difference.code, difference.suspected) == (Code.AT_EDGE, Code.UNKNOWN_ORDER)
    (difference,) = world.reconcile(edge_ms=0).differences
    assert (difference.code, difference.suspected) == (Code.UNKNOWN_ORDER, None)


@pytest.mark.parametrize(("late_ms", "counts"), [(0, {}), (1, {Code.WAITING_TOO_LONG: 1})])
def test_twelve_hours_to_the_millisecond(late_ms: int, counts: dict[Code, int]) -> None:
    world = World()
    world.order("1", WAITING)
    world.pay("1", 1, 0)
    assert world.reconcile(now_ms=NOON_MS + 12 * HOUR_MS + late_ms, edge_ms=0).counts == counts


def test_a_side_that_is_not_given_is_not_compared() -> None:
    world = World()
    world.order("1", PAID, 500_000, NOON_MS)
    world.pay("1", 2, 4)
    world.order("2", PAID, 500_000, NOON_MS)
    given: dict[str, Any] = {"now_ms": NOW_MS, "period": PERIOD}
    no_orders = reconcile(None, world.transactions, world.receipts, **given)
    assert (no_orders.counts, no_orders.whole.orders) == ({}, None)
    for found in (
        reconcile(world.orders, world.transactions, None, **given),
        reconcile(world.orders, None, world.receipts, **given),
    ):
        assert [(one.code, one.order) for one in found.differences] == [(Code.PAID_WITHOUT_PAYMENT, "2")]
        assert found.whole.difference_tiyin == 500_000


def test_totals_of_each_day_in_tashkent() -> None:
    """A moment before and a moment after midnight in Tashkent are two days, though one of UTC."""
    midnight = PERIOD.from_ms + 24 * HOUR_MS
    world = World()
    for number, at in enumerate((midnight - 10_000, midnight, NOON_MS)):
        world.order(str(number), PAID, 300 + number, at + 2_000)
        world.pay(str(number), 2, 4, 300 + number, at, commission_tiyin=10)
    world.order("3", REFUNDED, 1_000, NOON_MS, refunded_at_ms=midnight + 60_000)
    world.pay("3", -2, 50, 1_000, NOON_MS, cancel_time_ms=midnight + 60_000)
    world.transactions[-1] = StatementTransaction(
        **{**_fields(world.transactions[-1]), "cancel_time": midnight + 60_000}
    )
    found = world.reconcile()
    assert found.counts == {}
    first, second = found.days
    assert (first.day, second.day) == ("2026-11-23", "2026-11-24")
    for side in (first.orders, first.transactions, first.receipts):
        assert side is not None
        assert (side.paid, side.paid_tiyin, side.refunded_tiyin, side.net_tiyin) == (3, 1_602, 0, 1_602)
    for side in (second.orders, second.transactions, second.receipts):
        assert side is not None
        assert (side.paid, side.paid_tiyin, side.refunded, side.net_tiyin) == (1, 301, 1, -699)
    assert (first.difference_tiyin, second.difference_tiyin, found.whole.difference_tiyin) == (0, 0, 0)
    assert (first.commission_tiyin, second.commission_tiyin, found.whole.commission_tiyin) == (20, 10, 30)
    assert found.whole.orders is not None
    assert found.whole.orders.net_tiyin == 903


@settings(max_examples=25)
@given(stories, st.integers(0, 99))
def test_totals_of_the_sides_are_equal_where_all_agrees(
    told_stories: list[tuple[Story, int, int]], by: int
) -> None:
    plain = [
        one for one in told_stories if one[0] not in (_without_billing, _balance, _refunded_and_paid_again)
    ]
    found = told(plain, by).reconcile()
    assert [day.difference_tiyin for day in found.days] == [0] * len(found.days)


def test_how_an_account_names_its_order() -> None:
    world = World()
    world.order("7", PAID, 500_000, NOON_MS)
    world.pay("7", 2, None)
    row = _fields(world.transactions[0])
    given: dict[str, Any] = {"now_ms": NOW_MS, "period": PERIOD}
    for account, order_of in (
        ({"order_id": 7}, None),
        ({"phone": "7"}, None),
        ({"order_id": "7", "phone": "1"}, None),
        ({"phone": "1", "order": "7"}, "order"),
        ({"shop": "1", "order": "7"}, lambda account: account["order"]),
    ):
        transaction = StatementTransaction(**{**row, "account": account})
        assert reconcile(world.orders, [transaction], None, order_of=order_of, **given).counts == {}
    for account in ({"shop": "1", "order": "7"}, {}, {"order_id": "07"}):
        transaction = StatementTransaction(**{**row, "account": account})
        counts = reconcile(world.orders, [transaction], None, **given).counts
        assert counts == {Code.UNKNOWN_ORDER: 1, Code.PAID_WITHOUT_PAYMENT: 1}


def test_payments_without_a_name_do_not_meet() -> None:
    world = World()
    for _ in range(3):
        world.pay("", 2, 4)
    assert world.reconcile().counts == {Code.UNKNOWN_ORDER: 3}


def test_of_very_many_differences_the_worst_are_kept_and_all_are_counted() -> None:
    world = World()
    for number in range(50):
        world.order(f"late{number}", WAITING)
        world.pay(f"late{number}", 1, 0)
    for number in range(3):
        world.order(f"bad{number}", PAID, 500_000, NOON_MS)
    found = world.reconcile(differences_max=5)
    assert found.counts == {Code.PAID_WITHOUT_PAYMENT: 3, Code.WAITING_TOO_LONG: 50}
    assert found.sums_tiyin[Code.WAITING_TOO_LONG] == 25_000_000
    assert [one.order for one in found.differences] == ["bad0", "bad1", "bad2", "late0", "late1"]
    assert (found.count(Severity.ERROR), found.count(Severity.WARNING), found.count(Severity.NOTE)) == (
        3,
        50,
        0,
    )


def test_rows_that_do_not_fit_in_memory_meet_on_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiyin.merchant.reconcile.shelves._SPOOL_BYTES", 64)
    world = told([(story, 1_000, 0) for story in STORIES * 20], 1)
    plant(world, Code.PAID_TWICE, 0)
    assert world.reconcile().counts == {Code.PAID_TWICE: 1}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"orders": False, "receipts": False}, "two of"),
        ({"edge_ms": -1}, "edge_ms"),
        ({"differences_max": 0}, "differences_max"),
    ],
)
def test_what_cannot_be_compared_is_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Reconciler(now_ms=NOW_MS, period=PERIOD, **wrong)


def test_one_desk_is_no_collection_of_desks() -> None:
    with pytest.raises(TypeError, match="collection of ids"):
        Reconciler(now_ms=NOW_MS, period=PERIOD, desks_without_billing=NO_BILLING)


def test_a_source_that_is_not_compared_is_not_taken_in() -> None:
    with (
        Reconciler(now_ms=NOW_MS, period=PERIOD, receipts=False) as reconciler,
        pytest.raises(ValueError, match="receipts are not compared"),
    ):
        reconciler.add_receipt(ReceiptRow(id="1", state=4, amount_tiyin=1))


@pytest.mark.parametrize(
    "wrong",
    [
        {"order": ""},
        {"amount_tiyin": -1},
        {"amount_tiyin": 10**13 + 1},
        {"paid_at_ms": -1},
        {"paid_at_ms": 10**13},
    ],
)
def test_an_order_that_cannot_be(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        ShopOrder(**{"order": "1", "amount_tiyin": 1, "state": PAID, **wrong})


def test_a_float_is_no_amount() -> None:
    with pytest.raises(TypeError):
        ShopOrder(order="1", amount_tiyin=1.0, state=PAID)  # type: ignore[arg-type]  # the point


def test_a_period_of_days() -> None:
    day = Period.days(date(2026, 11, 24))
    assert (day_of(day.from_ms), day_of(day.to_ms), day.to_ms - day.from_ms) == (
        "2026-11-24", "2026-11-24", 86_399_999,
    )  # fmt: skip
    assert (day_of(day.from_ms - 1), day_of(day.to_ms + 1)) == ("2026-11-23", "2026-11-25")
    assert (moment_text(day.from_ms), moment_text(0)) == ("2026-11-24 00:00:00", "-")
    with pytest.raises(ValueError, match="ends before"):
        Period.days(date(2026, 11, 24), date(2026, 11, 23))


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.code.value)
def test_every_kind_has_words_in_three_languages(kind: Any) -> None:
    for text in (kind.title, kind.why, kind.do):
        words = {text.in_language(language) for language in LANGUAGES}
        assert len(words) == 3
        assert not any(wrong in text.uz for wrong in "'’‘`")
        assert all(len(word) < 250 for word in words)
    assert set(PLANTS) == set(Code)


def test_the_page_about_it_names_every_kind() -> None:
    page = (Path(__file__).parents[2] / "docs" / "reconcile.md").read_text(encoding="utf-8")
    for kind in KINDS.values():
        assert f"| `{kind.code.value}` | {kind.severity.value} | {kind.title.en}. {kind.why.en} |" in page


@pytest.mark.parametrize(
    ("late_ms", "code"), [(0, Code.IN_FLIGHT), (1, Code.PERFORMED_NOT_PAID), (-HOUR_MS, Code.IN_FLIGHT)]
)
def test_a_debit_that_never_ends_is_no_payment(late_ms: int, code: Code) -> None:
    """Performed here while the card is being debited: under way for twelve hours of the later side."""
    world = World()
    world.order("1", PAID, 500_000, NOON_MS)
    world.pay("1", 2, 2, create_time_ms=NOON_MS - 20 * HOUR_MS)
    assert world.reconcile(now_ms=NOON_MS + 12 * HOUR_MS + late_ms).counts == {code: 1}


def test_what_is_told_of_one_payment_without_the_other_side() -> None:
    world = World()
    world.order("1", WAITING)
    world.pay("1", 1, 20)
    given: dict[str, Any] = {"now_ms": NOW_MS, "period": PERIOD, "edge_ms": 0}
    late = reconcile(world.orders, world.transactions, None, **given)
    assert [(one.code, one.suspected) for one in late.differences] == [(Code.WAITING_TOO_LONG, None)]
    moving = reconcile(world.orders, None, world.receipts, **given)
    assert [(one.code, one.suspected) for one in moving.differences] == [(Code.IN_FLIGHT, None)]


START_MS, END_MS, EDGE = PERIOD.from_ms, PERIOD.to_ms, 30 * 60_000


@pytest.mark.parametrize(
    ("create_ms", "pay_ms", "code"),
    [
        (END_MS - 9, END_MS, Code.PAID_ONLY_AT_PAYME),
        (END_MS - 9, END_MS + 1, Code.AT_EDGE),
        (START_MS - 1, START_MS + EDGE, Code.AT_EDGE),
        (START_MS - 1, START_MS + EDGE + 1, Code.PAID_ONLY_AT_PAYME),
        (START_MS, START_MS + 9, Code.PAID_ONLY_AT_PAYME),
    ],
)
def test_where_a_receipt_s_transaction_may_be_on_another_list(
    create_ms: int, pay_ms: int, code: Code
) -> None:
    world = World()
    world.order("1", WAITING)
    world.pay("1", None, 4, create_time_ms=create_ms, pay_time_ms=pay_ms)
    assert world.reconcile().counts == {code: 1}


@pytest.mark.parametrize(("later_ms", "code"), [(0, Code.AT_EDGE), (1, Code.PERFORMED_WITHOUT_RECEIPT)])
def test_where_a_transaction_s_receipt_may_be_on_another_list(later_ms: int, code: Code) -> None:
    world = World()
    world.order("1", PAID, 500_000, NOON_MS)
    world.pay("1", 2, None, at=START_MS + EDGE + later_ms)
    assert world.reconcile().counts == {code: 1}


@pytest.mark.parametrize(
    ("paid_ms", "code"),
    [
        (START_MS + EDGE, Code.AT_EDGE),
        (START_MS + EDGE + 1, Code.PAID_WITHOUT_PAYMENT),
        (END_MS - EDGE - 1, Code.PAID_WITHOUT_PAYMENT),
        (END_MS - EDGE, Code.AT_EDGE),
    ],
)
def test_where_an_order_s_payment_may_be_on_another_list(paid_ms: int, code: Code) -> None:
    world = World()
    world.order("1", PAID, 500_000, paid_ms)
    assert world.reconcile().counts == {code: 1}


def test_a_period_that_is_not_over_ends_now() -> None:
    world = World()
    world.order("1", PAID, 500_000, NOON_MS)
    assert world.reconcile(now_ms=NOON_MS + EDGE).counts == {Code.AT_EDGE: 1}
    assert world.reconcile(now_ms=NOON_MS + EDGE + 1).counts == {Code.PAID_WITHOUT_PAYMENT: 1}


@pytest.mark.parametrize(
    ("here", "there", "code"),
    [
        (-2, 4, Code.REFUNDED_ONLY_HERE),
        (2, 50, Code.PERFORMED_CANCELLED_AT_PAYME),
        (-1, 50, None),
        (1, 0, Code.AMOUNT_DIFFERS_AT_PAYME),
    ],
)
def test_amounts_are_compared_while_both_sides_may_keep_them(
    here: int, there: int, code: Code | None
) -> None:
    world = World()
    world.order("1", WAITING)
    world.pay("1", here, there, at=NOW_MS - HOUR_MS * 7, amount_tiyin=1)
    assert world.reconcile().counts == ({} if code is None else {code: 1})


@pytest.mark.parametrize(("here", "there"), [(-1, 50), (-2, 50), (-1, None), (None, 0)])
def test_what_was_given_up_needs_no_order(here: int | None, there: int | None) -> None:
    world = World()
    world.pay("gone", here, there)
    assert world.reconcile().counts == {}
