"""The receipt's shape, its states and the three ways an expiry is written."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.protocol.receipt import (
    RECEIPT_STATE_TEXTS,
    TRANSACTION_ROW_TITLE,
    AccountRow,
    Epos,
    MerchantAnswer,
    Payer,
    ReceiptAnswer,
    ReceiptCard,
    ReceiptMeta,
    ReceiptState,
    expire_slashed,
    expire_year_first,
    read_expire,
)
from tiyin.protocol.values import LANGUAGES

KEYS = [
    *(
        "_id",
        "create_time",
        "pay_time",
        "cancel_time",
        "state",
        "type",
        "external",
        "operation",
        "category",
        "error",
    ),
    *("description", "detail", "amount", "currency", "commission", "account", "card", "merchant", "meta"),
    *("processing_id", "sensitive_data"),
]


def receipt() -> ReceiptAnswer:
    return ReceiptAnswer(
        id="62da73b0803aced907a52b46",
        create_time=1658483632482,
        pay_time=0,
        cancel_time=0,
        state=ReceiptState.CREATED,
        type=2,
        amount=500000,
        account=[AccountRow("transaction", TRANSACTION_ROW_TITLE.ru, "80")],
        merchant=MerchantAnswer(
            "62d52ce6ca96effd0777a771", "test", "ЧП «test»", Epos("1", "2"), 1, "Интернет"
        ),
    )


def test_states_are_the_documentations() -> None:
    assert [int(state) for state in ReceiptState] == [0, 1, 2, 3, 4, 5, 6, 20, 21, 30, 50]
    assert set(RECEIPT_STATE_TEXTS) == set(ReceiptState)
    for state in ReceiptState:
        assert len({state.text.in_language(language) for language in LANGUAGES}) == 3
    assert ReceiptState.PAID.text.ru == "Чек оплачен."


def test_every_key_is_always_there() -> None:
    wire = json.loads(msgspec.json.encode(receipt()))
    assert sorted(wire) == sorted(KEYS)
    assert (wire["currency"], wire["operation"], wire["external"], wire["commission"]) == (860, -1, False, 0)
    assert wire["card"] is wire["meta"] is wire["detail"] is wire["error"] is wire["processing_id"] is None
    assert wire["account"] == [{"name": "transaction", "title": "Номер чека", "value": "80", "main": False}]
    assert wire["merchant"]["epos"] == {"merchantId": "1", "terminalId": "2"}
    assert "payer" not in wire["merchant"]


def test_a_paid_receipt_shows_card_payer_and_source() -> None:
    paid = msgspec.structs.replace(
        receipt(),
        card=ReceiptCard("860006******6311", "0399"),
        merchant=msgspec.structs.replace(receipt().merchant, payer=Payer("998912345678")),
        meta=ReceiptMeta("subscribe", "62d52ce6ca96effd0777a771"),
    )
    wire = json.loads(msgspec.json.encode(paid))
    assert wire["card"] == {"number": "860006******6311", "expire": "0399"}
    assert wire["merchant"]["payer"] == {"phone": "998912345678"}
    assert wire["meta"] == {"source": "subscribe", "owner": "62d52ce6ca96effd0777a771"}


def test_titles_may_be_objects_of_languages() -> None:
    row = AccountRow("transaction", TRANSACTION_ROW_TITLE.as_dict(), 1544)
    assert json.loads(msgspec.json.encode(row))["title"] == {
        "ru": "Номер чека",
        "uz": "Chek raqami",
        "en": "Receipt number",
    }


@given(st.integers(1, 12), st.integers(0, 99))
def test_an_expiry_is_written_in_three_ways(month: int, year: int) -> None:
    expire = f"{month:02}{year:02}"
    assert read_expire(expire) == expire
    assert read_expire(expire_slashed(expire)) == expire
    assert expire_year_first(expire) == f"{year:02}{month:02}"
    assert expire_slashed(expire) == f"{month:02}/{year:02}"


@pytest.mark.parametrize("expire", ["03 / 99", " 0399 ", "03/ 99"])
def test_an_expiry_may_be_spaced(expire: str) -> None:
    assert read_expire(expire) == "0399"


@pytest.mark.parametrize(
    "expire", ["", "0", "399", "1399", "0099", "03-99", "03/2099", "0399\n0", "03//99", "٠٣٩٩"]
)
def test_other_expiries_are_refused(expire: str) -> None:
    with pytest.raises(ValueError, match="month"):
        read_expire(expire)
