"""The one shape of a receipt on the wire."""

import msgspec
from msgspec.structs import replace

from helpers_receipts import make_desk
from tiyin.gateway.receipts.records import Receipt, write_error
from tiyin.gateway.receipts.shape import shape_receipt

DETAIL = (
    '{"receipt_type":0,"items":[{"title":"Помидоры","price":505000,"count":2.5,"code":"00702001001000001"}]}'
)
NEW = Receipt(
    id="62da73b0803aced907a52b46",
    number=80,
    desk_id="62d52ce6ca96effd0777a771",
    route="billing",
    amount_tiyin=500_000,
    account='{"order_id":"test","other":5}',
    account_key='{"order_id":"test","other":"5"}',
    created_ms=1_658_483_632_482,
    detail=DETAIL,
)
PAID = replace(
    NEW,
    state=4,
    attempt=1,
    card_mask="860006******6311",
    card_expire="0399",
    payer='{"phone":"998901304527","ip":"1.2.3.4"}',
    pay_time_ms=1_658_483_700_000,
    reference="r",
    commission_tiyin=7_500,
)


def wire(receipt: Receipt, language: str = "ru") -> dict[str, object]:
    answer = shape_receipt(receipt, make_desk(), language)  # type: ignore[arg-type] # a test's own literal
    decoded: dict[str, object] = msgspec.json.decode(msgspec.json.encode(answer))
    return decoded


def test_a_new_receipt_is_the_documentations_sample() -> None:
    """Documentation: subscribe-api/receipts.create."""
    sample = {
        "_id": "62da73b0803aced907a52b46",
        "create_time": 1658483632482,
        "pay_time": 0,
        "cancel_time": 0,
        "state": 0,
        "type": 2,
        "external": False,
        "operation": -1,
        "category": None,
        "error": None,
        "description": "",
        "detail": msgspec.json.decode(DETAIL),
        "amount": 500000,
        "currency": 860,
        "commission": 0,
        "account": [
            {"name": "order_id", "title": "Номер заказа", "value": "test", "main": True},
            {"name": "other", "title": "other", "value": 5, "main": False},
            {"name": "transaction", "title": "Номер чека", "value": "80", "main": False},
        ],
        "card": None,
        "merchant": {
            "_id": "62d52ce6ca96effd0777a771",
            "name": "test",
            "organization": "ЧП «test test»",
            "address": "",
            "business_id": "62d52c4bca96effd0777a770",
            "epos": {"merchantId": "106600000050000", "terminalId": "20660000"},
            "date": 1658137830827,
            "logo": None,
            "type": "Интернет",
            "terms": None,
        },
        "meta": {"source": "subscribe", "owner": "62d52ce6ca96effd0777a771"},
        "processing_id": None,
    }
    shown = wire(NEW)
    assert {name: shown[name] for name in sample} == sample


def test_a_paid_receipt_shows_its_card_and_its_payer() -> None:
    """Documentation: subscribe-api/receipts.pay."""
    shown = wire(PAID)
    merchant = shown["merchant"]
    assert isinstance(merchant, dict)
    assert shown["card"] == {"number": "860006******6311", "expire": "0399"}
    assert merchant["payer"] == {"phone": "998901304527"}
    assert (shown["pay_time"], shown["commission"], shown["processing_id"]) == (1_658_483_700_000, 7_500, 0)


def test_a_receipt_that_went_back_to_0_shows_no_card() -> None:
    assert wire(replace(PAID, state=0))["card"] is None


def test_a_held_receipt_has_its_expiry_the_other_way_round() -> None:
    """Documentation: subscribe-api/holds."""
    assert wire(replace(PAID, state=5))["card"] == {"number": "860006******6311", "expire": "9903"}


def test_a_cancelled_receipt_tells_why() -> None:
    cancelled = replace(PAID, state=50, error=write_error(-31630))
    error = wire(cancelled, "en")["error"]
    assert isinstance(error, dict)
    assert error["code"] == -31630
    assert error["message"]
    assert wire(replace(cancelled, state=0))["error"] is None


def test_titles_and_descriptions_are_in_the_callers_language() -> None:
    described = replace(NEW, description='{"ru":"а","uz":"b","en":"c"}')
    shown = wire(described, "en")
    accounts = shown["account"]
    assert isinstance(accounts, list)
    assert [row["title"] for row in accounts] == ["Order number", "other", "Receipt number"]
    assert shown["description"] == "c"
    assert wire(replace(NEW, description='"как есть"'), "uz")["description"] == "как есть"


def test_an_account_without_titles_has_its_first_field_as_the_main_one() -> None:
    untitled = shape_receipt(NEW, make_desk(account_fields=()), "ru")
    assert [(row.name, row.main) for row in untitled.account] == [
        ("order_id", True),
        ("other", False),
        ("transaction", False),
    ]
