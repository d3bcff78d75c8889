"""The Subscribe API's methods: the documentation's samples, and a wrong parameter is always named."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_protocol import (
    NOW_MS,
    RECEIPT_ID,
    code_and_data,
    json_values,
    outcome,
    sample_requests,
    sample_results,
)
from tiyin.protocol.errors import RpcError
from tiyin.protocol.jsonrpc import read_request, result_reply
from tiyin.protocol.subscribe_api import (
    FRONT_METHODS,
    METHODS,
    CardAnswer,
    CardParams,
    CardResult,
    CardsCreateParams,
    CodeSent,
    PayerParams,
    ReceiptAnswer,
    ReceiptResult,
    ReceiptsGetAllParams,
    ReceiptsPayParams,
    ReceiptStateResult,
    Success,
    read_params,
)

TOKEN = "5305e3bab097f420a62ced0b_s3cretToken"
CARD = {"number": "8600069195406311", "expire": "0399"}
FISCAL_DATA = {"receipt_id": 121, "qr_code_url": "fiscal receipt url"}
REQUIRED: dict[str, dict[str, Any]] = {
    "cards.create": {"card": CARD},
    "cards.get_verify_code": {"token": TOKEN},
    "cards.verify": {"token": TOKEN, "code": "666666"},
    "cards.check": {"token": TOKEN},
    "cards.remove": {"token": TOKEN},
    "receipts.create": {"amount": 500000, "account": {"order_id": 106}},
    "receipts.pay": {"id": RECEIPT_ID, "token": TOKEN},
    "receipts.send": {"id": RECEIPT_ID, "phone": "998901304527"},
    "receipts.cancel": {"id": RECEIPT_ID},
    "receipts.check": {"id": RECEIPT_ID},
    "receipts.get": {"id": RECEIPT_ID},
    "receipts.get_all": {"from": NOW_MS, "to": NOW_MS},
    "receipts.confirm_hold": {"id": RECEIPT_ID},
    "receipts.set_fiscal_data": {"id": RECEIPT_ID, "fiscal_data": FISCAL_DATA},
}
OPTIONAL: dict[str, dict[str, Any]] = {
    "cards.create": {"save": True, "account": {"a": 1}, "customer": "uid", "amount": 500000},
    "receipts.create": {"description": "Помидоры", "detail": {"items": []}, "hold": True},
    "receipts.pay": {"payer": {"phone": "998901304527"}, "hold": True},
    "receipts.get_all": {"count": 2, "offset": 0},
}


def raw(params: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(params).encode())


def refusal(method: str, params: Any) -> tuple[int, Any]:
    with pytest.raises(RpcError) as caught:
        read_params(method, raw(params))
    return code_and_data(caught.value)


def test_all_methods_are_there() -> None:
    assert set(REQUIRED) == METHODS
    assert {method for method in METHODS if method.startswith("cards.")} == FRONT_METHODS


@pytest.mark.parametrize(("method", "params"), sample_requests("subscribe-api"))
def test_the_documentations_requests_are_read(method: str, params: dict[str, Any]) -> None:
    """Everything that a sample says is in what was read."""
    read = json.loads(msgspec.json.encode(read_params(method, raw(params))))
    for name, value in params.items():
        if isinstance(value, dict) and name in {"payer", "fiscal_data"}:
            assert value.items() <= read[name].items()
        else:
            assert read[name] == value


@pytest.mark.parametrize(
    ("page", "result_type"),
    [
        ("cards.create", CardResult),
        ("cards.get_verify_code", CodeSent),
        ("cards.verify", CardResult),
        ("cards.check", CardResult),
        ("cards.remove", Success),
        ("receipts.create", ReceiptResult),
        ("receipts.pay", ReceiptResult),
        ("receipts.send", Success),
        ("receipts.cancel", ReceiptResult),
        ("receipts.check", ReceiptStateResult),
        ("receipts.get", ReceiptResult),
        ("receipts.get_all", list[ReceiptAnswer]),
        ("receipts.set_fiscal_data", Success),
        ("holds", ReceiptResult),
    ],
)
def test_the_documentations_results_are_within_ours(page: str, result_type: Any) -> None:
    """Our one shape says all that each sample says: no key of a sample is lost or changed."""
    results = sample_results(f"subscribe-api/{page}")
    assert results
    for result in results:
        ours = json.loads(msgspec.json.encode(msgspec.convert(result, result_type)))
        assert_within(result, ours)


def assert_within(sample: Any, ours: Any) -> None:
    if isinstance(sample, dict):
        for name, value in sample.items():
            assert_within(value, ours[name])
    elif isinstance(sample, list):
        assert len(sample) == len(ours)
        for value, our in zip(sample, ours, strict=True):
            assert_within(value, our)
    else:
        assert sample == ours
        assert type(sample) is type(ours)


@pytest.mark.parametrize(
    ("method", "field"), [(method, field) for method, params in REQUIRED.items() for field in params]
)
def test_a_missing_parameter_is_named(method: str, field: str) -> None:
    params = {name: value for name, value in REQUIRED[method].items() if name != field}
    assert refusal(method, params) == (-32602, field)


@pytest.mark.parametrize(
    ("method", "field"),
    [(method, field) for method in REQUIRED for field in [*REQUIRED[method], *OPTIONAL.get(method, {})]],
)
@pytest.mark.parametrize("value", [[1], "\0"])
def test_a_parameter_of_a_wrong_type_is_named(method: str, field: str, value: Any) -> None:
    code, data = refusal(method, REQUIRED[method] | {field: value})
    assert code == -32602
    assert data.split(".")[0] == field


@pytest.mark.parametrize("method", sorted(OPTIONAL))
def test_optional_parameters_are_read(method: str) -> None:
    read = json.loads(msgspec.json.encode(read_params(method, raw(REQUIRED[method] | OPTIONAL[method]))))
    for name, value in OPTIONAL[method].items():
        assert_within(value, read[name])


def test_no_parameters_at_all_names_the_first() -> None:
    for method in METHODS:
        request = read_request(json.dumps({"method": method}).encode())
        with pytest.raises(RpcError) as caught:
            read_params(method, request.params)
        assert code_and_data(caught.value) == (-32602, next(iter(REQUIRED[method])))


def test_an_unknown_method_is_named() -> None:
    assert refusal("receipts.steal", {}) == (-32601, "receipts.steal")


def test_the_mobile_librarys_amount_is_read() -> None:
    params = read_params("cards.create", raw({"card": CARD, "amount": 500000.0, "save": False}))
    assert params == CardsCreateParams(CardParams("8600069195406311", "0399"), amount=500000)
    assert type(params.amount) is int


@pytest.mark.parametrize("amount", [0, -1, 1.5, "500000", True, None, 10**13 + 1, 1e300])
def test_other_amounts_are_named(amount: Any) -> None:
    assert refusal("receipts.create", {"amount": amount, "account": {}}) == (-32602, "amount")


def test_a_card_is_read_as_people_write_it() -> None:
    card = {"number": "8600 0691 9540 6311", "expire": "03/99"}
    assert read_params("cards.create", raw({"card": card})).card == CardParams("8600069195406311", "0399")


@pytest.mark.parametrize(
    ("card", "field"),
    [
        (None, "card"),
        ("8600069195406311", "card"),
        ({}, "card.number"),
        ({"number": "8600069195406311"}, "card.expire"),
        ({"number": 8600069195406311, "expire": "0399"}, "card.number"),
        ({"number": "", "expire": "0399"}, "card.number"),
        ({"number": "8600-0691-9540-6311", "expire": "0399"}, "card.number"),
        ({"number": "8" * 20, "expire": "0399"}, "card.number"),
        ({"number": "٨٦٠٠٠٦٩١٩٥٤٠٦٣١١", "expire": "0399"}, "card.number"),
        ({"number": "8600069195406311", "expire": "1399"}, "card.expire"),
        ({"number": "8600069195406311", "expire": "0099"}, "card.expire"),
        ({"number": "8600069195406311", "expire": "03/2099"}, "card.expire"),
        ({"number": "8600069195406311", "expire": 399}, "card.expire"),
        ({"number": "8600069195406311", "expire": "٠٣٩٩"}, "card.expire"),
    ],
)
def test_a_wrong_card_is_named(card: Any, field: str) -> None:
    assert refusal("cards.create", {"card": card}) == (-32602, field)


def test_secrets_never_show() -> None:
    """Neither in a repr nor in an error, nor in what an error was made from."""
    read = [
        read_params(method, raw(REQUIRED[method] | OPTIONAL.get(method, {})))
        for method in METHODS
        if method.startswith("cards.") or method == "receipts.pay"
    ]
    answer = CardAnswer("860006******6311", "03/99", TOKEN, recurrent=True, verify=True)
    for shown in map(repr, [*read, answer, CardResult(answer)]):
        assert TOKEN not in shown
        assert "666666" not in shown
        assert "069195" not in shown
    with pytest.raises(RpcError) as caught:
        read_params("cards.create", raw({"card": {"number": "8600069195406311x", "expire": "0399"}}))
    assert "069195" not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"


@pytest.mark.parametrize(
    ("account", "field"),
    [({"order_id": None}, "account.order_id"), ({"order_id": [1]}, "account.order_id"), ({"": 1}, "account")],
)
def test_a_wrong_account_names_its_field(account: Any, field: str) -> None:
    assert refusal("receipts.create", {"amount": 1, "account": account}) == (-32602, field)
    assert refusal("cards.create", {"card": CARD, "account": account}) == (-32602, field)


def test_a_detail_is_kept_as_given_and_checked() -> None:
    sample = sample_results("subscribe-api/receipts.create")[0]["receipt"]["detail"]
    params = {"amount": 500000, "account": {}, "detail": sample | {"own": [1.0, None]}}
    assert read_params("receipts.create", raw(params)).detail == sample | {"own": [1.0, None]}
    broken = json.loads(json.dumps(sample))
    broken["items"][0]["code"] = "123"
    assert refusal("receipts.create", params | {"detail": broken}) == (-32602, "detail.items[0].code")
    del broken["items"][0]["code"]
    assert refusal("receipts.create", params | {"detail": broken}) == (-32602, "detail.items[0].code")
    assert refusal("receipts.create", params | {"detail": []}) == (-32602, "detail")


@pytest.mark.parametrize("code", ["666666", "000000", " 666666 "])
def test_a_code_is_digits(code: str) -> None:
    assert read_params("cards.verify", raw({"token": TOKEN, "code": code})).code == code.strip()


@pytest.mark.parametrize("code", ["", "66666a", 666666, "6" * 17, "٦٦٦٦٦٦"])
def test_other_codes_are_named(code: Any) -> None:
    assert refusal("cards.verify", {"token": TOKEN, "code": code}) == (-32602, "code")


def test_the_payer_is_read() -> None:
    payer = {"id": "7", "phone": "998901304527", "email": "a@b.uz", "name": "Алишер", "ip": "203.0.113.5"}
    params = read_params("receipts.pay", raw(REQUIRED["receipts.pay"] | {"payer": payer}))
    assert params == ReceiptsPayParams(RECEIPT_ID, TOKEN, PayerParams(**payer))
    assert refusal("receipts.pay", REQUIRED["receipts.pay"] | {"payer": {"phone": 5}}) == (
        -32602,
        "payer.phone",
    )


@pytest.mark.parametrize("hold", [1, "true", None])
def test_hold_is_a_boolean(hold: Any) -> None:
    for method in ("receipts.create", "receipts.pay"):
        assert refusal(method, REQUIRED[method] | {"hold": hold}) == (-32602, "hold")


@pytest.mark.parametrize("phone", ["998901304527", "+998 90 130-45-27", "+998 (90) 1304527"])
def test_a_phone_is_read_as_people_write_it(phone: str) -> None:
    assert read_params("receipts.send", raw({"id": RECEIPT_ID, "phone": phone})).phone == "998901304527"


@pytest.mark.parametrize("phone", ["", "phone", "12345678", "9" * 16, "99890130452+7", 998901304527])
def test_other_phones_are_named(phone: Any) -> None:
    assert refusal("receipts.send", {"id": RECEIPT_ID, "phone": phone}) == (-32602, "phone")


def test_a_period_is_clamped_to_50() -> None:
    assert read_params("receipts.get_all", raw({"from": 1, "to": 2})) == ReceiptsGetAllParams(1, 2, 50, 0)
    for count, clamped in ((0, 0), (2, 2), (2.0, 2), (50, 50), (51, 50), (10**30, 50)):
        assert read_params("receipts.get_all", raw({"from": 1, "to": 2, "count": count})).count == clamped
    assert refusal("receipts.get_all", {"from": 1, "to": 2, "count": -1}) == (-32602, "count")
    assert refusal("receipts.get_all", {"from": 1, "to": 2, "offset": -1}) == (-32602, "offset")


@given(st.sampled_from(sorted(METHODS)), json_values)
def test_any_parameters_are_read_or_refused(method: str, params: Any) -> None:
    check_reading(method, params)


@given(st.sampled_from(sorted(METHODS)), st.data())
def test_any_value_in_any_place_is_read_or_refused(method: str, data: st.DataObject) -> None:
    params = REQUIRED[method] | OPTIONAL.get(method, {})
    field = data.draw(st.sampled_from(sorted(params)))
    check_reading(method, params | {field: data.draw(json_values)})


def check_reading(method: str, params: Any) -> None:
    """A documented error that names something, or a value that can be answered."""
    request = outcome(read_request, json.dumps({"method": method, "params": params}).encode())
    if isinstance(request, RpcError):
        assert request.code in {-32700, -32600}
        return
    read = outcome(read_params, request.method, request.params)
    if isinstance(read, RpcError):
        assert read.code == -32602
        assert read.data
        return
    assert result_reply(request, read)
