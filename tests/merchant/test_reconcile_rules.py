"""Judging one order and its payments: each difference whole, with what every side says."""

from datetime import date
from typing import Any

import pytest

from tiyin.merchant.reconcile import (
    KINDS,
    Code,
    DayTotals,
    Difference,
    OrderState,
    Period,
    Reconciliation,
    ShopOrder,
    SideTotals,
)
from tiyin.merchant.reconcile.judging import Judge
from tiyin.merchant.reconcile.payments import Pair, Receipt, Transaction
from tiyin.merchant.reconcile.result import Found
from tiyin.merchant.reconcile.totals import Days

HOUR_MS = 3_600_000
PERIOD = Period.days(date(2026, 11, 23), date(2026, 11, 24))
NOON_MS = PERIOD.from_ms + 12 * HOUR_MS
NOW_MS = PERIOD.to_ms + 6 * HOUR_MS
EDGE_MS = HOUR_MS // 2
PAID, WAITING, CANCELLED, REFUNDED = (
    OrderState.PAID,
    OrderState.WAITING,
    OrderState.CANCELLED,
    OrderState.REFUNDED,
)


def order(state: OrderState, amount_tiyin: int = 500, **more: Any) -> ShopOrder:
    return ShopOrder(order="o", amount_tiyin=amount_tiyin, state=state, **more)


def pair(
    here: int | None, there: int | None, at_ms: int = NOON_MS, *, name: str = "t", of: str = "o", **more: Any
) -> Pair:
    """A payment by the states of its two sides: made at a moment, paid and cancelled a little later."""
    tiyin, there_tiyin = more.get("tiyin", 500), more.get("there_tiyin", more.get("tiyin", 500))
    transaction = receipt = None
    if here is not None:
        transaction = Transaction(
            name, of, tiyin, here, at_ms, at_ms + 2 if here in {2, -2} else 0, at_ms + 9 if here < 0 else 0
        )
    if there is not None:
        paid_ms = at_ms + 3 if there in {4, 21} or more.get("was_paid") else 0
        receipt = Receipt(
            name, of, there_tiyin, more.get("commission_tiyin", 0), there, at_ms - 5, paid_ms,
            at_ms + 10 if there == 50 else 0, more.get("billing", True), more.get("fiscal", 1),
        )  # fmt: skip
    return Pair(transaction, receipt)


def judged(one: ShopOrder | None, *pairs: Pair, **changes: Any) -> list[str]:
    """Tell every difference in a line: what and whose, how much, when, and what the sides say."""
    terms: dict[str, Any] = {
        "now_ms": NOW_MS, "edge_ms": EDGE_MS, "orders": True, "transactions": True, "receipts": True,
        "fiscal": True,
    }  # fmt: skip
    return [_line(found) for found in Judge(PERIOD, **terms | changes).judge(one, pairs)]


def _line(found: Difference) -> str:
    code = found.code if found.suspected is None else f"{found.code}({found.suspected})"
    sides = (
        f"{found.order_state}:{found.order_tiyin} {found.transaction_state}:{found.transaction_tiyin}"
        f" {found.receipt_state}:{found.receipt_tiyin}"
    )
    when = f"{found.time_ms - NOON_MS:+}" if found.time_ms else "never"
    return f"{code} [{found.order}] [{found.id}] {found.amount_tiyin} {when} {sides}"


ROWS: list[tuple[str, ShopOrder | None, list[Pair], dict[str, Any], list[str]]] = [
    ("all agree", order(PAID), [pair(2, 4)], {}, []),
    ("paid there, not performed here", order(WAITING), [pair(1, 4)], {},
     ["paid-not-performed [o] [t] 500 +0 waiting:500 1:500 4:500"]),
    ("amounts differ between the sides", order(WAITING), [pair(1, 4, tiyin=500, there_tiyin=700)], {},
     ["paid-not-performed [o] [t] 500 +0 waiting:500 1:500 4:700",
      "amount-differs-at-payme [o] [t] 200 +0 waiting:500 1:500 4:700"]),
    ("only at Payme", order(WAITING), [pair(None, 4)], {},
     ["paid-only-at-payme [o] [t] 500 +3 waiting:500 None:None 4:500"]),
    ("only here", order(PAID), [pair(2, None)], {},
     ["performed-without-receipt [o] [t] 500 +2 paid:500 2:500 None:None"]),
    ("only at Payme, and no order", None, [pair(None, 4)], {},
     ["paid-only-at-payme [o] [t] 500 +3 None:None None:None 4:500"]),
    ("an unknown order", None, [pair(2, 4)], {}, ["unknown-order [o] [t] 500 +2 None:None 2:500 4:500"]),
    ("an unknown order, still open", None, [pair(1, 0, NOW_MS - HOUR_MS * 7)], {},
     ["unknown-order [o] [t] 500 +125999999 None:None 1:500 0:500"]),
    ("an unknown order of a desk without billing", None, [pair(None, 4, billing=False)], {},
     ["unknown-order [o] [t] 500 +3 None:None None:None 4:500"]),
    ("an unknown order at the edge", None, [pair(2, 4, PERIOD.from_ms + 9)], {},
     ["at-edge(unknown-order) [o] [t] 500 -43199989 None:None 2:500 4:500"]),
    ("an unknown order before the period", None, [pair(2, 4, PERIOD.from_ms - HOUR_MS)], {}, []),
    ("two payments of one order", order(PAID),
     [pair(2, 4, name="b"),
      pair(2, 4, NOON_MS + HOUR_MS, name="a", tiyin=70)], {},
     ["paid-twice [o] [a] 70 +3600002 paid:500 2:70 4:70"]),
    ("three payments in any order", order(PAID),
     [pair(2, 4, NOON_MS, name="c", tiyin=1),
      pair(2, 4, NOON_MS, name="b", tiyin=20), pair(2, 4, NOON_MS - 1, name="a", tiyin=300)], {},
     ["paid-twice [o] [c] 21 +2 paid:500 2:1 4:1"]),
    ("paid twice, and not marked", order(WAITING),
     [pair(2, 4, name="b"),
      pair(2, 4, NOON_MS + HOUR_MS, name="a", tiyin=70)], {},
     ["paid-twice [o] [a] 70 +3600002 waiting:500 2:70 4:70",
      "not-marked-paid [o] [b] 570 +2 waiting:500 2:500 4:500"]),
    ("cancelled, and paid", order(CANCELLED), [pair(2, 4)], {},
     ["cancelled-order-paid [o] [t] 500 +2 cancelled:500 2:500 4:500"]),
    ("refunded in the shop alone", order(REFUNDED), [pair(2, 4)], {},
     ["refunded-only-in-shop [o] [t] 500 +2 refunded:500 2:500 4:500"]),
    ("refund unknown to the shop", order(PAID, paid_at_ms=NOON_MS), [pair(-2, 50, was_paid=True)], {},
     ["refund-not-in-shop [o] [t] 500 +2 paid:500 -2:500 50:500"]),
    ("paid, without any payment", order(PAID, paid_at_ms=NOON_MS), [], {},
     ["paid-without-payment [o] [] 500 +0 paid:500 None:None None:None"]),
    ("paid, nobody knows when", order(PAID), [], {},
     ["paid-without-payment [o] [] 500 never paid:500 None:None None:None"]),
    ("paid for nothing", order(PAID, 0), [], {}, []),
    ("paid, and the payment was given up", order(PAID, paid_at_ms=NOON_MS), [pair(-1, 50)], {},
     ["paid-without-payment [o] [t] 500 +0 paid:500 -1:500 50:500"]),
    ("paid, and one open", order(PAID),
     [pair(-1, 50, name="a"),
      pair(1, 0, NOW_MS - HOUR_MS * 7, name="b")], {},
     ["paid-without-payment [o] [b] 500 +125999999 paid:500 1:500 0:500"]),
    ("paid, without orders compared", order(PAID), [], {"orders": False}, []),
    ("paid another day", order(PAID, paid_at_ms=NOON_MS + 24 * HOUR_MS), [pair(2, 4)], {},
     ["other-day [o] [t] 500 +2 paid:500 2:500 4:500"]),
    ("another amount", order(PAID, 480), [pair(2, 4)], {},
     ["amount-differs-in-shop [o] [t] 20 +2 paid:480 2:500 4:500"]),
    ("another amount, by the commission", order(PAID, 480), [pair(2, 4, commission_tiyin=20)], {},
     ["commission-in-amount [o] [t] 20 +2 paid:480 2:500 4:500"]),
    ("another amount, by one more", order(PAID, 480), [pair(2, 4, commission_tiyin=21)], {},
     ["amount-differs-in-shop [o] [t] 20 +2 paid:480 2:500 4:500"]),
    ("another amount, and no commission known", order(PAID, 499), [pair(2, None)], {"receipts": False},
     ["amount-differs-in-shop [o] [t] 1 +2 paid:499 2:500 None:None"]),
    ("the sides' amounts, by the commission", order(PAID),
     [pair(2, 4, there_tiyin=501, commission_tiyin=1)], {},
     ["commission-in-amount [o] [t] 1 +2 paid:500 2:500 4:501"]),
    ("no fiscal receipt", order(PAID), [pair(2, 4, fiscal=0)], {},
     ["fiscal-missing [o] [t] 500 +2 paid:500 2:500 4:500"]),
    ("no fiscal receipt, none demanded", order(PAID), [pair(2, 4, fiscal=0)], {"fiscal": False}, []),
    ("no fiscal receipt, nobody can tell", order(PAID), [pair(2, 4, fiscal=-1)], {}, []),
    ("another day at Payme", order(PAID),
     [Pair(Transaction("t", "o", 500, 2, NOON_MS, NOON_MS + 1, 0),
      Receipt("t", "o", 500, 0, 4, NOON_MS, NOON_MS + 13 * HOUR_MS, 0, True, 1))], {},
     ["other-day [o] [t] 500 +1 paid:500 2:500 4:500"]),
    ("another day, and nobody wrote down the performing", order(PAID),
     [Pair(Transaction("t", "o", 500, 2, NOON_MS, 0, 0),
      Receipt("t", "o", 500, 0, 4, NOON_MS, NOON_MS + 13 * HOUR_MS, 0, True, 1))], {},
     []),
    ("another day, and nobody wrote down the paying", order(PAID),
     [Pair(Transaction("t", "o", 500, 2, NOON_MS, NOON_MS + 13 * HOUR_MS, 0),
      Receipt("t", "o", 500, 0, 4, NOON_MS, 0, 0, True, 1))], {},
     []),
    ("held there, performed here", order(PAID), [pair(2, 5)], {},
     ["performed-not-paid [o] [t] 500 +2 paid:500 2:500 5:500"]),
    ("being paid there, performed here", order(PAID), [pair(2, 2, NOW_MS - 12 * HOUR_MS)], {},
     ["in-flight [o] [t] 500 +108000001 paid:500 2:500 2:500"]),
    ("being paid there for too long, performed here", order(PAID),
     [pair(2, 2, NOW_MS - 12 * HOUR_MS - 1)], {},
     ["performed-not-paid [o] [t] 500 +108000000 paid:500 2:500 2:500"]),
    ("closing there for too long, performed here", order(PAID), [pair(2, 3, NOW_MS - 12 * HOUR_MS - 1)], {},
     ["in-flight [o] [t] 500 +108000000 paid:500 2:500 3:500"]),
    ("being paid there for too long, created here", order(WAITING),
     [pair(1, 2, NOW_MS - 12 * HOUR_MS - 1)], {},
     ["in-flight [o] [t] 500 +107999998 waiting:500 1:500 2:500"]),
    ("held there, created here", order(WAITING), [pair(1, 5)], {},
     ["in-flight [o] [t] 500 +0 waiting:500 1:500 5:500"]),
    ("waiting for too long", order(WAITING), [pair(1, 0, NOW_MS - 12 * HOUR_MS - 1)], {},
     ["waiting-too-long [o] [t] 500 +107999998 waiting:500 1:500 0:500"]),
    ("refunded here, created there", order(WAITING), [pair(-2, 0)], {},
     ["returned [o] [t] 500 +2 waiting:500 -2:500 0:500"]),
    ("performed here, created there", order(PAID), [pair(2, 0)], {},
     ["performed-not-paid [o] [t] 500 +2 paid:500 2:500 0:500"]),
    ("cancelled here, paid there", order(WAITING), [pair(-1, 4)], {},
     ["paid-cancelled-here [o] [t] 500 +0 waiting:500 -1:500 4:500"]),
    ("refunded here, paid there", order(REFUNDED), [pair(-2, 4)], {},
     ["refunded-only-here [o] [t] 500 +2 refunded:500 -2:500 4:500"]),
    ("created here, cancelled there", order(WAITING), [pair(1, 50)], {},
     ["cancelled-only-at-payme [o] [t] 500 +0 waiting:500 1:500 50:500"]),
    ("performed here, cancelled there", order(PAID), [pair(2, 50)], {},
     ["performed-cancelled-at-payme [o] [t] 500 +2 paid:500 2:500 50:500"]),
    ("refunded here, cancelled there", order(WAITING), [pair(-2, 50)], {},
     ["returned [o] [t] 500 +2 waiting:500 -2:500 50:500"]),
    ("created here, refunded there", order(WAITING), [pair(1, 50, was_paid=True)], {},
     ["cancelled-only-at-payme [o] [t] 500 +0 waiting:500 1:500 50:500"]),
    ("performed here, refunded there", order(PAID), [pair(2, 50, was_paid=True)], {},
     ["refunded-only-at-payme [o] [t] 500 +2 paid:500 2:500 50:500"]),
    ("cancelled here, refunded there", order(WAITING), [pair(-1, 50, was_paid=True)], {},
     ["returned [o] [t] 500 +0 waiting:500 -1:500 50:500"]),
    ("no receipts: performed", order(PAID), [pair(2, None)], {"receipts": False}, []),
    ("no receipts: waiting too long", order(WAITING), [pair(1, None)], {"receipts": False},
     ["waiting-too-long [o] [t] 500 +0 waiting:500 1:500 None:None"]),
    ("only here: waiting too long", order(WAITING), [pair(1, None)], {},
     ["waiting-too-long [o] [t] 500 +0 waiting:500 1:500 None:None"]),
    ("only here: refunded", order(WAITING), [pair(-2, None)], {},
     ["returned [o] [t] 500 +2 waiting:500 -2:500 None:None"]),
    ("only here, early", order(PAID), [pair(2, None, PERIOD.from_ms + EDGE_MS)], {},
     ["at-edge(performed-without-receipt) [o] [t] 500 -41399998 paid:500 2:500 None:None"]),
    ("only here, just not early", order(PAID), [pair(2, None, PERIOD.from_ms + EDGE_MS + 1)], {},
     ["performed-without-receipt [o] [t] 500 -41399997 paid:500 2:500 None:None"]),
    ("no transactions: paid", order(PAID), [pair(None, 4)], {"transactions": False}, []),
    ("no transactions: moving", order(WAITING), [pair(None, 20)], {"transactions": False},
     ["in-flight [o] [t] 500 -5 waiting:500 None:None 20:500"]),
    ("without billing: moving", order(WAITING), [pair(None, 20, billing=False)], {},
     ["in-flight [o] [t] 500 -5 waiting:500 None:None 20:500"]),
    ("only at Payme: moving", order(WAITING), [pair(None, 20)], {},
     ["in-flight [o] [t] 500 -5 waiting:500 None:None 20:500"]),
    ("only at Payme: refunded", order(WAITING), [pair(None, 50, was_paid=True)], {},
     ["returned [o] [t] 500 +3 waiting:500 None:None 50:500"]),
    ("only at Payme: cancelled", order(WAITING), [pair(None, 50)], {}, []),
    ("only at Payme: created", order(WAITING), [pair(None, 0)], {}, []),
    ("only at Payme, paid after the end", order(WAITING), [pair(None, 4, PERIOD.to_ms - 2)], {},
     ["at-edge(paid-only-at-payme) [o] [t] 500 +129600000 waiting:500 None:None 4:500"]),
    ("only at Payme, paid at the end", order(WAITING), [pair(None, 4, PERIOD.to_ms - 3)], {},
     ["paid-only-at-payme [o] [t] 500 +129599999 waiting:500 None:None 4:500"]),
    ("only at Payme, made before the period", order(WAITING), [pair(None, 4, PERIOD.from_ms + 4)], {},
     ["at-edge(paid-only-at-payme) [o] [t] 500 -43199993 waiting:500 None:None 4:500"]),
    ("only at Payme, made as the period begins", order(WAITING), [pair(None, 4, PERIOD.from_ms + 5)], {},
     ["paid-only-at-payme [o] [t] 500 -43199992 waiting:500 None:None 4:500"]),
    ("an order of another time", order(PAID, paid_at_ms=PERIOD.from_ms - 1), [], {}, []),
    ("an order that was refunded in the period",
     order(REFUNDED, paid_at_ms=PERIOD.from_ms - 1, refunded_at_ms=NOON_MS), [pair(2, 4)], {},
     ["refunded-only-in-shop [o] [t] 500 +2 refunded:500 2:500 4:500"]),
    ("an order whose payments are of another time", order(WAITING),
     [pair(2, 4, PERIOD.from_ms - HOUR_MS)], {},
     []),
    ("a payment begun before the period", order(WAITING), [pair(2, 4, PERIOD.from_ms - 1)], {},
     ["not-marked-paid [o] [t] 500 -43199999 waiting:500 2:500 4:500"]),
    ("a contradicted payment of another time", order(PAID), [pair(2, 50, PERIOD.from_ms - HOUR_MS)], {},
     []),
    ("a contradicted payment of another time beside", order(PAID, paid_at_ms=NOON_MS),
     [pair(2, 50, PERIOD.from_ms - HOUR_MS)], {},
     []),
    ("a balance", order(PAID, 570, one_time=False), [pair(2, 4), pair(2, 4, name="a", tiyin=70)], {}, []),
    ("a balance that was booked too little", order(PAID, 560, one_time=False),
     [pair(2, 4, name="b"),
      pair(2, 4, NOON_MS + 1, name="a", tiyin=70)], {},
     ["amount-differs-in-shop [o] [a] 10 +3 paid:560 2:70 4:70"]),
    ("a balance that was booked too much", order(PAID, 600, one_time=False),
     [pair(2, 4, name="b"),
      pair(2, 4, NOON_MS + 1, name="a", tiyin=70)], {},
     ["amount-differs-in-shop [o] [a] 30 +3 paid:600 2:70 4:70"]),
    ("a balance, one at the edge", order(PAID, 600, one_time=False),
     [pair(2, 4, name="b"),
      pair(2, 4, PERIOD.to_ms - 9, name="a", tiyin=70)], {},
     ["at-edge(amount-differs-in-shop) [o] [a] 30 +129599992 paid:600 2:70 4:70"]),
    ("a balance, one outside", order(PAID, 600, one_time=False),
     [pair(2, 4, name="b"),
      pair(2, 4, PERIOD.to_ms + 9, name="a", tiyin=100)], {},
     ["amount-differs-in-shop [o] [b] 100 +2 paid:600 2:500 4:500"]),
    ("a balance without payments", order(PAID, 600, one_time=False), [], {},
     ["paid-without-payment [o] [] 600 never paid:600 None:None None:None"]),
    ("a balance with one given up", order(PAID, 600, one_time=False),
     [pair(-1, 50, name="a"),
      pair(-1, 50, NOON_MS + 1, name="b")], {},
     ["paid-without-payment [o] [b] 600 +1 paid:600 -1:500 50:500"]),
    ("a balance, one contradicted", order(PAID, 600, one_time=False),
     [pair(2, 4, name="b"),
      pair(2, 50, name="a")], {},
     ["performed-cancelled-at-payme [o] [a] 500 +2 paid:600 2:500 50:500"]),
    ("paid near the beginning", order(PAID, paid_at_ms=PERIOD.from_ms + EDGE_MS), [], {},
     ["at-edge(paid-without-payment) [o] [] 500 -41400000 paid:500 None:None None:None"]),
    ("paid less near the beginning", order(PAID, paid_at_ms=PERIOD.from_ms + EDGE_MS + 1), [], {},
     ["paid-without-payment [o] [] 500 -41399999 paid:500 None:None None:None"]),
    ("paid near the end", order(PAID, paid_at_ms=PERIOD.to_ms - EDGE_MS), [], {},
     ["at-edge(paid-without-payment) [o] [] 500 +127799999 paid:500 None:None None:None"]),
    ("paid less near the end", order(PAID, paid_at_ms=PERIOD.to_ms - EDGE_MS - 1), [], {},
     ["paid-without-payment [o] [] 500 +127799998 paid:500 None:None None:None"]),
    ("paid near now", order(PAID, paid_at_ms=NOON_MS), [], {"now_ms": NOON_MS + EDGE_MS},
     ["at-edge(paid-without-payment) [o] [] 500 +0 paid:500 None:None None:None"]),
    ("paid less near now", order(PAID, paid_at_ms=NOON_MS), [], {"now_ms": NOON_MS + EDGE_MS + 1},
     ["paid-without-payment [o] [] 500 +0 paid:500 None:None None:None"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "pairs", "changes", "said"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS]
)
def test_what_differs_is_told_with_all_that_the_sides_say(
    one: ShopOrder | None, pairs: list[Pair], changes: dict[str, Any], said: list[str]
) -> None:
    assert judged(one, *pairs, **changes) == said


def days(**sides: bool) -> Days:
    return Days(PERIOD, **{"orders": True, "transactions": True, "receipts": True, **sides})


def totals(paid: int = 0, paid_tiyin: int = 0, refunded: int = 0, refunded_tiyin: int = 0) -> SideTotals:
    return SideTotals(paid=paid, paid_tiyin=paid_tiyin, refunded=refunded, refunded_tiyin=refunded_tiyin)


def test_what_is_counted_and_on_which_day() -> None:
    counted, tomorrow_ms = days(), NOON_MS + 24 * HOUR_MS
    for one in (
        order(PAID, 100, paid_at_ms=NOON_MS),
        order(PAID, 20, paid_at_ms=NOON_MS),
        order(PAID, 3),
        order(WAITING, 1_000, paid_at_ms=NOON_MS),
        order(CANCELLED, 1_000, paid_at_ms=NOON_MS),
        order(PAID, 0, paid_at_ms=NOON_MS),
        order(PAID, 1_000, paid_at_ms=PERIOD.to_ms + 1),
        order(WAITING, 50, paid_at_ms=tomorrow_ms, one_time=False),
        order(REFUNDED, 7, paid_at_ms=NOON_MS, refunded_at_ms=tomorrow_ms),
        order(REFUNDED, 9),
        order(REFUNDED, 0),
    ):
        counted.order(one)
    for state, at_ms in (
        (2, NOON_MS),
        (-2, NOON_MS - 1),
        (1, NOON_MS),
        (-1, NOON_MS),
        (2, PERIOD.from_ms - 9),
    ):
        transaction = pair(state, None, at_ms, tiyin=60 - state).transaction
        assert transaction is not None
        counted.transaction(transaction)
    for state, at_ms in ((4, NOON_MS), (50, NOON_MS), (0, NOON_MS), (4, PERIOD.to_ms)):
        receipt = pair(None, state, at_ms, tiyin=40 + state, commission_tiyin=5).receipt
        assert receipt is not None
        counted.receipt(receipt)
    refunded = Receipt("t", "o", 11, 6, 50, NOON_MS, NOON_MS, tomorrow_ms, True, 1)
    counted.receipt(refunded)
    assert counted.result() == (
        DayTotals(
            day="2026-11-23",
            orders=totals(3, 127),
            transactions=totals(2, 120, 1, 62),
            receipts=totals(2, 55),
            commission_tiyin=11,
        ),
        DayTotals(
            day="2026-11-24", orders=totals(1, 50, 1, 7), transactions=totals(), receipts=totals(0, 0, 1, 11)
        ),
        DayTotals(day="", orders=totals(2, 12, 1, 9), transactions=totals(), receipts=totals()),
    )
    assert counted.whole() == DayTotals(
        day="",
        orders=totals(6, 189, 2, 16),
        transactions=totals(2, 120, 1, 62),
        receipts=totals(2, 55, 1, 11),
        commission_tiyin=11,
    )


def test_a_side_that_is_not_given_counts_nothing() -> None:
    counted = days(transactions=False)
    counted.order(order(PAID, 100, paid_at_ms=NOON_MS))
    expected = DayTotals(day="2026-11-23", orders=totals(1, 100), transactions=None, receipts=totals())
    assert counted.result() == (expected,)
    assert (counted.whole().transactions, counted.whole().difference_tiyin) == (None, 100)
    other = days(receipts=False)
    receipt = pair(None, 4, commission_tiyin=5).receipt
    assert receipt is not None
    other.receipt(receipt)
    assert [day.commission_tiyin for day in other.result()] == [0]


def test_refunds_are_counted_each_and_only_orders_without_a_day() -> None:
    counted = days(orders=False)
    for name in ("a", "b"):
        transaction = pair(-2, None, name=name).transaction
        assert transaction is not None
        counted.transaction(transaction)
    counted.transaction(Transaction("c", "o", 500, -2, NOON_MS, NOON_MS, 0))
    counted.receipt(Receipt("c", "o", 500, 0, 50, NOON_MS, NOON_MS, 0, True, 1))
    assert counted.result() == (
        DayTotals(
            day="2026-11-23", orders=None, transactions=totals(3, 1_500, 2, 1_000), receipts=totals(1, 500)
        ),
    )


def difference(
    code: Code, time_ms: int = 0, of: str = "o", id_: str = "t", amount_tiyin: int = 1
) -> Difference:
    return Difference(code=code, order=of, id=id_, amount_tiyin=amount_tiyin, time_ms=time_ms)


def test_the_worst_come_first_then_kind_time_order_and_id() -> None:
    in_order = [
        difference(Code.PAID_TWICE, 9, "z", "z"),
        difference(Code.UNKNOWN_ORDER, 1, "z", "z"),
        difference(Code.UNKNOWN_ORDER, 2, "a", "z"),
        difference(Code.UNKNOWN_ORDER, 2, "b", "a"),
        difference(Code.UNKNOWN_ORDER, 2, "b", "b"),
        difference(Code.FISCAL_MISSING, 0, "a", "a"),
        difference(Code.AT_EDGE, 0, "a", "a"),
    ]
    for kept_max in (7, 3, 1):
        found = Found(kept_max)
        found.extend(reversed(in_order))
        assert found.worst() == tuple(in_order[:kept_max])
        assert list(found.counts().items()) == [
            (Code.PAID_TWICE, 1),
            (Code.UNKNOWN_ORDER, 4),
            (Code.FISCAL_MISSING, 1),
            (Code.AT_EDGE, 1),
        ]
        assert found.sums() == found.counts()


def test_what_was_found_as_another_program_reads_it() -> None:
    one = difference(Code.FISCAL_MISSING, NOON_MS, amount_tiyin=500)
    day = DayTotals(
        day="2026-11-23", orders=None, transactions=totals(1, 500), receipts=totals(2, 700, 1, 90)
    )
    found = Reconciliation(
        period=PERIOD,
        now_ms=NOW_MS,
        read={"transactions": 1},
        counts={Code.FISCAL_MISSING: 1},
        sums_tiyin={Code.FISCAL_MISSING: 500},
        differences=(one,),
        days=(day,),
        whole=day,
    )
    kind = KINDS[Code.FISCAL_MISSING]
    written_day = {
        "day": "2026-11-23",
        "orders": None,
        "transactions": {
            "paid": 1, "paid_tiyin": 500, "refunded": 0, "refunded_tiyin": 0, "net_tiyin": 500,
        },
        "receipts": {"paid": 2, "paid_tiyin": 700, "refunded": 1, "refunded_tiyin": 90, "net_tiyin": 610},
        "commission_tiyin": 0,
        "difference_tiyin": 110,
    }  # fmt: skip
    assert found.as_dict() == {
        "agrees": False,
        "period": {"from": PERIOD.from_ms, "to": PERIOD.to_ms},
        "now": NOW_MS,
        "read": {"transactions": 1},
        "kinds": [
            {
                "code": "fiscal-missing",
                "severity": "warning",
                "count": 1,
                "amount_tiyin": 500,
                "title": kind.title.as_dict(),
                "why": kind.why.as_dict(),
                "do": kind.do.as_dict(),
            }
        ],
        "differences": [
            {
                "code": "fiscal-missing",
                "order": "o",
                "id": "t",
                "amount_tiyin": 500,
                "time_ms": NOON_MS,
                "suspected": None,
                "order_state": None,
                "order_tiyin": None,
                "transaction_state": None,
                "transaction_tiyin": None,
                "receipt_state": None,
                "receipt_tiyin": None,
                "severity": "warning",
            }
        ],
        "days": [written_day],
        "whole": written_day,
    }
