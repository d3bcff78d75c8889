"""Answers as servers really write them: read leniently, refused where money would be guessed."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.merchant.subscribe.reading import (
    Unreadable,
    read_card,
    read_code_sent,
    read_receipt,
    read_receipts,
    read_state,
    read_success,
)
from tiyin.protocol.receipt import ReceiptState

LEAST = {"_id": "2e0b1bc1f1eb50d487ba268d", "state": 4, "amount": 3500}


def test_the_least_that_is_a_receipt() -> None:
    receipt = read_receipt({"receipt": LEAST})
    assert (receipt.id, receipt.state, receipt.amount_tiyin) == (LEAST["_id"], ReceiptState.PAID, 3500)
    assert (receipt.commission_tiyin, receipt.currency, receipt.account) == (0, 860, {})
    assert (receipt.create_time, receipt.pay_time, receipt.cancel_time) == (None, None, None)
    assert (receipt.card, receipt.payer, receipt.desk, receipt.number) == (None, None, None, None)


def test_numbers_as_digits_and_fields_of_other_shapes() -> None:
    receipt = read_receipt(
        {
            "receipt": {
                **LEAST,
                "state": "20",
                "amount": "3500",
                "commission": 100.0,
                "create_time": "1481113810044",
                "pay_time": None,
                "account": {"order_id": 7},
                "card": {"number": 8600069195406311},
                "merchant": {"name": {"ru": "Магазин"}, "epos": None, "payer": {"phone": 998912345678}},
                "meta": [],
                "detail": [],
                "something": {"new": True},
            }
        }
    )
    assert (receipt.state, receipt.amount_tiyin, receipt.commission_tiyin) == (ReceiptState.PAUSED, 3500, 100)
    assert receipt.create_time == datetime(2016, 12, 7, 12, 30, 10, 44_000, tzinfo=UTC)
    assert (receipt.account, receipt.detail) == ({"order_id": 7}, None)
    assert receipt.card is not None
    assert receipt.card.number == "860006******6311"
    assert receipt.desk is not None
    assert receipt.desk.name == "Магазин"
    assert receipt.payer is not None
    assert receipt.payer.phone == "998912345678"
    assert receipt.raw["something"] == {"new": True}
    assert receipt.raw["detail"] == []


def test_an_account_with_a_field_of_its_own_called_transaction() -> None:
    rows = [{"name": "transaction", "value": "A7", "main": True}, {"name": "transaction", "value": 80}]
    receipt = read_receipt({"receipt": {**LEAST, "account": rows}})
    assert (receipt.account, receipt.number) == ({"transaction": "A7"}, "80")


def test_an_unknown_state_is_a_number() -> None:
    receipt = read_receipt({"receipt": {**LEAST, "state": 99}})
    assert (receipt.state, receipt.is_paid, receipt.state_text("en")) == (99, False, "")
    assert "state=99" in repr(receipt)
    assert read_state({"state": 4}) is ReceiptState.PAID


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"_id": None}, "_id is missing"),
        ({"_id": 5}, "_id is missing"),
        ({"state": None}, "state is missing"),
        ({"state": True}, "state is no whole number"),
        ({"state": "paid"}, "state is no whole number"),
        ({"amount": None}, "amount is missing"),
        ({"amount": 35.5}, "amount is no whole number"),
        ({"amount": "35.00"}, "amount is no whole number"),
        ({"amount": 1e300}, "amount is no whole number"),
        ({"amount": True}, "amount is no whole number"),
        ({"commission": "1%"}, "commission is no whole number"),
        ({"commission": {"amount": 1}}, "commission is no whole number"),
        ({"currency": "UZS"}, "currency is no whole number"),
        ({"pay_time": "today"}, "pay_time is no whole number"),
    ],
)
def test_money_is_not_guessed(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(Unreadable, match=words):
        read_receipt({"receipt": {**LEAST, **wrong}})
    with pytest.raises(Unreadable, match=words):
        read_receipts([LEAST, {**LEAST, **wrong}])


def test_cards() -> None:
    whole = {
        "number": "8600069195406311",
        "expire": "03/99",
        "token": "secret",
        "recurrent": 1,
        "verify": True,
    }
    card = read_card({"card": whole})
    assert (card.number, card.recurrent, card.verify) == ("860006******6311", False, True)
    assert "secret" not in repr(card)
    wrong: Any
    for wrong in ({}, {"card": None}, {"card": {**whole, "token": ""}}, {"card": {**whole, "token": 1}}, []):
        with pytest.raises(Unreadable):
            read_card(wrong)
    assert read_code_sent({"sent": True, "phone": "99890*****67", "wait": "60000"}).wait_ms == 60_000
    assert read_code_sent({"sent": True}).wait.total_seconds() == 0
    assert read_success({"success": False}) is False
    with pytest.raises(Unreadable):
        read_success({"success": "yes"})


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
FIELDS = (
    "state",
    "amount",
    "commission",
    "account",
    "card",
    "merchant",
    "meta",
    "detail",
    "pay_time",
    "type",
)


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, JSON)))
def test_whatever_is_answered_is_a_receipt_or_unreadable(fields: dict[str, Any]) -> None:
    try:
        receipt = read_receipt({"receipt": {**LEAST, **fields}})
    except Unreadable:
        return
    assert type(receipt.amount_tiyin) is int
    assert isinstance(receipt.state, int)
    assert set(receipt.raw) == {*LEAST, *fields}
    assert repr(receipt)
    assert receipt.create_time is None
    json.dumps(str(receipt.pay_time))
