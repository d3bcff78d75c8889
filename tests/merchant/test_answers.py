"""From a stored row to what Payme and a hook are told: every key, every time, without I/O."""

from typing import Any

import msgspec
import pytest

from helpers_merchant import payme_id
from tiyin.merchant import answers
from tiyin.merchant.billing import Order, Receiver, Transaction
from tiyin.merchant.records import (
    Begun,
    Row,
    State,
    account_fields,
    hook_account,
    receivers_of,
    view,
    write_receivers,
)
from tiyin.protocol.fiscal import Detail, Item

PARTS = (Receiver(payme_id(7), 400), Receiver(payme_id(8), 100))
DETAIL = {
    "receipt_type": 0,
    "items": [
        {
            "title": "Tea",
            "price": 500,
            "count": 1,
            "code": "00702001001000001",
            "package_code": "123456",
            "vat_percent": 12,
        }
    ],
}


def row(**fields: Any) -> Row:
    values: dict[str, Any] = {
        "id": payme_id(1),
        "time_ms": 11,
        "amount_tiyin": 500,
        "account": '{"order_id":"1","flat":7}',
        "guard": "g",
        "number": "5123",
        "state": State.REFUNDED,
        "reason": 5,
        "create_time_ms": 22,
        "perform_time_ms": 33,
        "cancel_time_ms": 44,
        **fields,
    }
    return Row(**values)


def plain(answer: Any) -> Any:
    return msgspec.json.decode(msgspec.json.encode(answer))


def test_every_key_is_there() -> None:
    assert plain(answers.created(row(state=1))) == {"create_time": 22, "transaction": "5123", "state": 1}
    assert plain(answers.performed(row(state=2))) == {
        "transaction": "5123",
        "perform_time": 33,
        "state": 2,
    }
    assert plain(answers.cancelled(row())) == {"transaction": "5123", "cancel_time": 44, "state": -2}
    assert plain(answers.checked(row())) == {
        "create_time": 22,
        "perform_time": 33,
        "cancel_time": 44,
        "transaction": "5123",
        "state": -2,
        "reason": 5,
    }


def test_what_was_not_is_zero_and_null() -> None:
    fresh = Row(payme_id(1), 11, 500, "{}", None, "n", 1)
    assert plain(answers.checked(fresh)) == {
        "create_time": 0,
        "perform_time": 0,
        "cancel_time": 0,
        "transaction": "n",
        "state": 1,
        "reason": None,
    }


def test_a_statement_s_rows() -> None:
    told = {
        "id": payme_id(1),
        "time": 11,
        "amount": 500,
        "account": {"order_id": "1", "flat": 7},
        "create_time": 22,
        "perform_time": 33,
        "cancel_time": 44,
        "transaction": "5123",
        "state": -2,
        "reason": 5,
    }
    parts = [{"id": payme_id(7), "amount": 400}, {"id": payme_id(8), "amount": 100}]
    rows = [row(), row(receivers=write_receivers(PARTS))]
    assert plain(answers.statement_rows(rows)) == [told, {**told, "receivers": parts}]


def test_a_split_is_told_where_there_is_one() -> None:
    split = write_receivers(PARTS)
    assert plain(answers.created(row(receivers=split)))["receivers"] == [
        {"id": payme_id(7), "amount": 400},
        {"id": payme_id(8), "amount": 100},
    ]
    assert receivers_of(row(receivers=split)) == PARTS
    assert receivers_of(row()) is None
    assert write_receivers(()) is None
    assert write_receivers(None) is None


def test_what_may_be_paid() -> None:
    assert plain(answers.allowed(Order())) == {"allow": True}
    assert plain(answers.allowed(Order(additional={"balance": 5}))) == {
        "allow": True,
        "additional": {"balance": 5},
    }
    # What a shop writes as null stays null; what a `Detail` does not say is absent.
    assert plain(answers.allowed(Order(additional={"note": None})))["additional"] == {"note": None}
    assert plain(answers.allowed(Order(detail=DETAIL))) == {"allow": True, "detail": DETAIL}
    item = Item("Tea", 500, 1, "00702001001000001", "123456", 12)
    assert plain(answers.allowed(Order(detail=Detail([item])))) == {"allow": True, "detail": DETAIL}


def test_goods_that_are_not_as_documented_are_the_shop_s_mistake() -> None:
    wrong = {**DETAIL, "items": [{**DETAIL["items"][0], "code": "12"}]}  # type: ignore[index]  # a dict of both
    with pytest.raises(ValueError, match=r"code"):
        answers.allowed(Order(detail=wrong))
    with pytest.raises(TypeError, match=r"^Order.additional and Order.detail are objects$"):
        answers.allowed(Order(additional=["no", "object"]))  # type: ignore[arg-type]


def test_what_a_hook_sees() -> None:
    seen = view(row(receivers=write_receivers(PARTS)))
    assert seen == Transaction(
        id=payme_id(1),
        number="5123",
        account=hook_account({"order_id": "1", "flat": "7"}),
        amount_tiyin=500,
        state=-2,
        time_ms=11,
        create_time_ms=22,
        perform_time_ms=33,
        reason=5,
        receivers=PARTS,
    )
    assert (seen.repeated, seen.perform_unfinished) == (False, False)
    begun = view(row(begun=Begun.PERFORM | Begun.CANCEL, reason=None), reason=4, repeated=True)
    assert (begun.reason, begun.repeated, begun.perform_unfinished) == (4, True, True)
    assert view(row(begun=Begun.CANCEL)).perform_unfinished is False


def test_accounts() -> None:
    assert account_fields(row()) == {"order_id": "1", "flat": 7}
    assert dict(hook_account({"order_id": 1, "flat": "7"})) == {"order_id": "1", "flat": "7"}
