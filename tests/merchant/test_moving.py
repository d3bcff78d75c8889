"""Moving in: what another library kept is asked for, refunded and listed as if the kit had taken it."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from helpers_merchant import KEY, NOW_MS, Books, Payme, payme_id
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.moving import OldTransaction, TakenOver, from_payme_pkg, from_paytechuz
from tiyin.runtime.clock import ManualClock

PAYME_PKG = {
    "id": 1,
    "_id": payme_id(1),
    "transaction_id": "5123",
    "order_id": 1,
    "amount": 500_000,
    "time": NOW_MS,
    "perform_time": NOW_MS + 2,
    "cancel_time": 0,
    "state": 2,
    "reason": None,
    "created_at_ms": str(NOW_MS + 1),
}
PAYTECHUZ = {
    "gateway": "payme",
    "transaction_id": payme_id(2),
    "account_id": "2",
    "amount": Decimal("5000.00"),
    "state": -2,
    "extra_data": {
        "account_field": "order_id",
        "cancel_reason": 3,
        "create_time": NOW_MS,
        "raw_params": {"time": NOW_MS, "account": {"order_id": "2"}, "amount": 500_000},
    },
    "created_at": datetime.fromtimestamp(NOW_MS / 1000 + 1, UTC),
    "performed_at": None,
    "cancelled_at": datetime.fromtimestamp(NOW_MS / 1000 + 2, UTC),
}


def old(id_: int, state: int, **fields: Any) -> OldTransaction:
    times = {
        "perform_time_ms": NOW_MS + 2 if abs(state) == 2 else 0,
        "cancel_time_ms": NOW_MS + 3 if state < 0 else 0,
        "reason": 5 if state < 0 else None,
    }
    return OldTransaction(
        id=payme_id(id_),
        time_ms=NOW_MS,
        amount_tiyin=500_000,
        account={"order_id": str(fields.pop("order", id_))},
        state=state,
        **{**times, **fields},
    )


async def test_old_transactions_live_on(tmp_path: Path) -> None:
    """Goal: each state answers as before, a paid order is not sold again, a paid one can be refunded."""
    shop, clock = Books(), ManualClock(NOW_MS)
    async with MerchantApi(shop, f"sqlite:///{tmp_path}/payme.db", KEY, clock=clock) as api:
        payme = Payme(api)
        states = {1: 1, 2: 2, 3: -1, 4: -2}
        moved = [old(number, state, number=f"old-{number}") for number, state in states.items()]
        assert await api.take_over(moved) == TakenOver(taken=4)
        assert await api.take_over(moved) == TakenOver(known=4)
        for number, state in states.items():
            assert await payme.check(number) == {
                "create_time": NOW_MS,
                "perform_time": moved[number - 1].perform_time_ms,
                "cancel_time": moved[number - 1].cancel_time_ms,
                "transaction": f"old-{number}",
                "state": state,
                "reason": 5 if state < 0 else None,
            }
        assert [row["id"] for row in await payme.statement()] == [payme_id(number) for number in states]
        assert await payme.create(11, "1") == -31008
        assert await payme.create(12, "2") == -31052
        assert (await payme.create(13, "3"))["state"] == 1
        assert await payme.create(14, "4") == -31053
        assert (await payme.perform(1))["state"] == 2
        assert (await payme.cancel(2, 5))["state"] == -2
        assert {name for name, _ in shop.ran if name != "check"} == {
            "create",
            "perform",
            "may_cancel",
            "cancel",
        }
        assert shop.ran["create", payme_id(1)] == 0


async def test_an_old_one_that_waits_expires(tmp_path: Path) -> None:
    clock, seldom_s = ManualClock(NOW_MS), 100_000.0
    url = f"sqlite:///{tmp_path}/payme.db"
    # The api's own sweep would come first now and then.
    async with MerchantApi(Books(), url, KEY, clock=clock, sweep_every_s=seldom_s) as api:
        await api.take_over([old(1, 1)])
        clock.advance(43_200_000)
        assert await api.expire_due() == 1
        assert (await Payme(api).check(1))["reason"] == 4


async def test_an_order_that_was_paid_twice_is_told(tmp_path: Path) -> None:
    """Goal: nothing is lost, and a person learns of it. Balances are paid any number of times."""
    async with MerchantApi(Books(), f"sqlite:///{tmp_path}/payme.db", KEY) as api:
        moved = [old(1, 2, order=7), old(2, 2, order=7), old(3, 2, order="b1"), old(4, 2, order="b1")]
        assert await api.take_over(moved) == TakenOver(taken=4, twice=(payme_id(2),))
        assert await api.take_over(moved) == TakenOver(known=4)
        assert (await Payme(api).check(2))["state"] == 2


async def test_an_order_that_is_gone_is_no_hindrance(tmp_path: Path) -> None:
    async with MerchantApi(Books(), f"sqlite:///{tmp_path}/payme.db", KEY) as api:
        assert await api.take_over([old(1, 2, order="gone")]) == TakenOver(taken=1)


def test_rows_of_payme_pkg() -> None:
    assert from_payme_pkg(PAYME_PKG) == OldTransaction(
        id=payme_id(1),
        number="5123",
        time_ms=NOW_MS,
        create_time_ms=NOW_MS + 1,
        amount_tiyin=500_000,
        account={"order_id": "1"},
        state=2,
        perform_time_ms=NOW_MS + 2,
    )
    never = {**PAYME_PKG, "perform_time": None, "cancel_time": NOW_MS + 3, "state": -2, "reason": "3"}
    assert from_payme_pkg(never, "id") == OldTransaction(
        id=payme_id(1),
        number="5123",
        time_ms=NOW_MS,
        create_time_ms=NOW_MS + 1,
        amount_tiyin=500_000,
        account={"id": "1"},
        state=-1,
        cancel_time_ms=NOW_MS + 3,
        reason=3,
    )


def test_rows_of_paytechuz() -> None:
    """Its -2 of what was never paid becomes -1, and sums become tiyin, exactly."""
    assert from_paytechuz(PAYTECHUZ) == OldTransaction(
        id=payme_id(2),
        time_ms=NOW_MS,
        create_time_ms=NOW_MS + 1000,
        amount_tiyin=500_000,
        account={"order_id": "2"},
        state=-1,
        cancel_time_ms=NOW_MS + 2000,
        reason=3,
    )
    bare = {**PAYTECHUZ, "extra_data": None, "cancelled_at": None, "state": 0, "amount": "12.34"}
    moved = from_paytechuz(bare, "phone")
    assert (moved.time_ms, moved.amount_tiyin, moved.account) == (NOW_MS + 1000, 1234, {"phone": "2"})
    assert (moved.state, moved.reason) == (1, None)
    with pytest.raises(ValueError, match=r"no whole number of tiyin"):
        from_paytechuz({**PAYTECHUZ, "amount": "12.345"})


@pytest.mark.parametrize(
    "fields",
    [
        {"state": 0},
        {"state": 3},
        {"perform_time_ms": 0},
        {"cancel_time_ms": 5},
        {"reason": 7},
        {"amount_tiyin": 0},
        {"account": {"": "x"}},
        {"time_ms": -1},
        {"id": "short"},
    ],
)
def test_what_contradicts_itself_is_refused(fields: dict[str, Any]) -> None:
    good: dict[str, Any] = {
        "id": payme_id(1),
        "time_ms": 1,
        "amount_tiyin": 1,
        "account": {"order_id": "1"},
        "state": 2,
        "perform_time_ms": 1,
    }
    OldTransaction(**good)
    with pytest.raises(ValueError, match=r"."):
        OldTransaction(**{**good, **fields})
