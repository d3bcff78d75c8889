"""The Merchant API's methods: the documentation's samples, and every ruling on wrong parameters."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from helpers_protocol import (
    NOW_MS,
    TRANSACTION_ID,
    accounts,
    code_and_data,
    json_values,
    outcome,
    sample_requests,
    sample_results,
)
from tiyin.protocol.errors import RpcError
from tiyin.protocol.fiscal import FiscalData
from tiyin.protocol.jsonrpc import read_request, result_reply
from tiyin.protocol.merchant_api import (
    METHODS,
    CancelTransactionParams,
    CancelTransactionResult,
    ChangePasswordParams,
    ChangePasswordResult,
    CheckPerformTransactionParams,
    CheckPerformTransactionResult,
    CheckTransactionResult,
    CreateTransactionParams,
    CreateTransactionResult,
    GetStatementParams,
    GetStatementResult,
    PerformTransactionResult,
    Reason,
    Receiver,
    SetFiscalDataResult,
    message_language,
    read_params,
    write_call,
)

FISCAL_DATA = {"receipt_id": 121, "qr_code_url": "fiscal receipt url"}
GOOD: dict[str, dict[str, Any]] = {
    "CheckPerformTransaction": {"amount": 500000, "account": {"phone": "903595731"}},
    "CreateTransaction": {"id": TRANSACTION_ID, "time": NOW_MS, "amount": 500000, "account": {"order_id": 1}},
    "PerformTransaction": {"id": TRANSACTION_ID},
    "CancelTransaction": {"id": TRANSACTION_ID, "reason": 1},
    "CheckTransaction": {"id": TRANSACTION_ID},
    "GetStatement": {"from": NOW_MS, "to": NOW_MS},
    "SetFiscalData": {"id": TRANSACTION_ID, "type": "PERFORM", "fiscal_data": FISCAL_DATA},
    "ChangePassword": {"password": "k" * 36},
}


def raw(params: Any) -> msgspec.Raw:
    return msgspec.Raw(json.dumps(params).encode())


def refusal(method: str, params: Any) -> tuple[int, Any]:
    with pytest.raises(RpcError) as caught:
        read_params(method, raw(params))
    return code_and_data(caught.value)


def test_all_methods_are_there() -> None:
    assert set(GOOD) == METHODS


@pytest.mark.parametrize(("method", "params"), sample_requests("merchant-api"))
def test_the_documentations_requests_are_read(method: str, params: dict[str, Any]) -> None:
    """What was read is written again as it was, so nothing was lost."""
    read = read_params(method, raw(params))
    assert json.loads(msgspec.json.encode(read)) == params


@pytest.mark.parametrize(
    ("page", "result_type"),
    [
        ("CheckPerformTransaction", CheckPerformTransactionResult),
        ("CreateTransaction", CreateTransactionResult),
        ("PerformTransaction", PerformTransactionResult),
        ("CancelTransaction", CancelTransactionResult),
        ("CheckTransaction", CheckTransactionResult),
        ("GetStatement", GetStatementResult),
        ("SetFiscalData", SetFiscalDataResult),
    ],
)
def test_the_documentations_results_are_ours(page: str, result_type: type[msgspec.Struct]) -> None:
    """Each sample of a result can be said with our struct, key by key."""
    results = sample_results(f"merchant-api/{page}")
    assert results
    for result in results:
        assert json.loads(msgspec.json.encode(msgspec.convert(result, result_type))) == result


@pytest.mark.parametrize("method", sorted(METHODS))
def test_good_parameters_are_read_and_more_are_ignored(method: str) -> None:
    assert read_params(method, raw(GOOD[method])) == read_params(method, raw(GOOD[method] | {"more": [1]}))


@pytest.mark.parametrize(
    ("method", "field"), [(method, field) for method, params in GOOD.items() for field in params]
)
def test_a_missing_parameter_is_named(method: str, field: str) -> None:
    params = {name: value for name, value in GOOD[method].items() if name != field}
    code = -32602 if method == "SetFiscalData" else -32600
    assert refusal(method, params) == (code, field)


@pytest.mark.parametrize(
    ("method", "field"), [(method, field) for method, params in GOOD.items() for field in params]
)
@pytest.mark.parametrize("value", [None, True, 1.5, [], [1], {"a": []}, "\0"])
def test_a_parameter_of_a_wrong_type_is_named(method: str, field: str, value: Any) -> None:
    code = -32602 if method == "SetFiscalData" else -32600
    got, data = refusal(method, GOOD[method] | {field: value})
    assert got == code
    assert data.split(".")[0] == field


def test_no_parameters_at_all() -> None:
    for method in METHODS:
        request = read_request(json.dumps({"method": method}).encode())
        with pytest.raises(RpcError) as caught:
            read_params(method, request.params)
        assert caught.value.code == (-32602 if method == "SetFiscalData" else -32600)


def test_an_unknown_method_is_named() -> None:
    assert refusal("Pay", {}) == (-32601, "Pay")
    assert refusal("createtransaction", {}) == (-32601, "createtransaction")


def test_an_amount_with_a_zero_fraction_is_an_integer() -> None:
    read = read_params("CheckPerformTransaction", raw({"amount": 500000.0, "account": {"n": 1.0}}))
    assert read == CheckPerformTransactionParams(500000, {"n": 1})
    assert type(read.amount) is int
    assert type(read.account["n"]) is int


@pytest.mark.parametrize("method", ["CheckPerformTransaction", "CreateTransaction"])
@pytest.mark.parametrize(
    ("amount", "code"),
    [
        (0, -31001),
        (-500000, -31001),
        (0.0, -31001),
        (10**13 + 1, -31001),
        (10**30, -31001),
        (500000.5, -32600),
        ("500000", -32600),
        (True, -32600),
        (None, -32600),
        (9007199254740994.0, -32600),
    ],
)
def test_wrong_amounts(method: str, amount: Any, code: int) -> None:
    assert refusal(method, GOOD[method] | {"amount": amount})[0] == code


def test_a_wrong_type_comes_before_a_wrong_amount() -> None:
    assert refusal("CreateTransaction", GOOD["CreateTransaction"] | {"amount": 0, "id": 5}) == (-32600, "id")


def test_accounts_name_their_field() -> None:
    for value in (None, True, 1.5, [1], {"a": 1}, "a\0"):
        params = {"amount": 1, "account": {"ok": "1", "order_id": value}}
        assert refusal("CheckPerformTransaction", params) == (-32600, "account.order_id")


def test_a_nul_is_refused_where_nobody_reads_it() -> None:
    assert refusal("CheckTransaction", {"id": TRANSACTION_ID, "more": {"deep": ["a\0"]}}) == (
        -32600,
        "more.deep[0]",
    )
    assert refusal("CheckTransaction", {"id": TRANSACTION_ID, "a\0": 1})[0] == -32600
    assert (
        read_params("CheckTransaction", raw({"id": TRANSACTION_ID, "more": "\\u0000"})).id == TRANSACTION_ID
    )


@pytest.mark.parametrize("time", [0, 1, 1399114284039.0, 10**13 - 1])
def test_a_time_is_a_number_of_at_most_13_digits(time: float) -> None:
    assert read_params("CreateTransaction", raw(GOOD["CreateTransaction"] | {"time": time})).time == int(time)


@pytest.mark.parametrize("time", [-1, 10**13, 10**30, 0.5, "1399114284039"])
def test_other_times_are_refused(time: Any) -> None:
    assert refusal("CreateTransaction", GOOD["CreateTransaction"] | {"time": time}) == (-32600, "time")
    assert refusal("GetStatement", {"from": time, "to": 1}) == (-32600, "from")
    assert refusal("GetStatement", {"from": 1, "to": time}) == (-32600, "to")


def test_a_statements_period_is_read() -> None:
    assert read_params("GetStatement", raw({"from": 1.0, "to": 2})) == GetStatementParams(1, 2)


@pytest.mark.parametrize("reason", list(Reason))
def test_documented_reasons_are_read(reason: Reason) -> None:
    read = read_params("CancelTransaction", raw({"id": TRANSACTION_ID, "reason": int(reason)}))
    assert read == CancelTransactionParams(TRANSACTION_ID, reason)


@pytest.mark.parametrize("reason", [0, 6, -1, 11, 10**30, "1"])
def test_other_reasons_are_refused(reason: Any) -> None:
    assert refusal("CancelTransaction", {"id": TRANSACTION_ID, "reason": reason}) == (-32600, "reason")


@pytest.mark.parametrize("password", ["", "short", "x" * 129, 5])
def test_a_new_key_has_a_sensible_length(password: Any) -> None:
    assert refusal("ChangePassword", {"password": password}) == (-32600, "password")


def test_a_new_key_never_shows() -> None:
    params = read_params("ChangePassword", raw({"password": "s3cret-s3cret"}))
    assert params == ChangePasswordParams("s3cret-s3cret")
    assert "s3cret" not in repr(params)
    assert json.loads(msgspec.json.encode(ChangePasswordResult())) == {"success": True}


@pytest.mark.parametrize(
    ("fiscal_data", "field"),
    [
        ({"receipt_id": "12a"}, "receipt_id"),
        ({"receipt_id": -1}, "receipt_id"),
        ({"receipt_id": 1.5}, "receipt_id"),
        ({"receipt_id": None}, "receipt_id"),
        ({"qr_code_url": 5}, "qr_code_url"),
        ({"status_code": "zero"}, "status_code"),
        ({"fiscal_sign": "abc"}, "fiscal_sign"),
        ({"date": 5.5}, "date"),
    ],
)
def test_wrong_fiscal_data_is_named(fiscal_data: dict[str, Any], field: str) -> None:
    params = GOOD["SetFiscalData"] | {"fiscal_data": FISCAL_DATA | fiscal_data}
    assert refusal("SetFiscalData", params) == (-32602, f"fiscal_data.{field}")


def test_a_fiscal_receipts_type_is_one_of_two() -> None:
    assert refusal("SetFiscalData", GOOD["SetFiscalData"] | {"type": "REFUND"}) == (-32602, "type")


def test_only_set_fiscal_data_says_its_errors_in_a_string() -> None:
    assert [method for method in METHODS if message_language(method)] == ["SetFiscalData"]


def test_all_keys_are_always_there() -> None:
    unset = CheckTransactionResult(NOW_MS, 0, 0, "5123", 1, None)
    assert json.loads(msgspec.json.encode(unset)) == {
        "create_time": NOW_MS,
        "perform_time": 0,
        "cancel_time": 0,
        "transaction": "5123",
        "state": 1,
        "reason": None,
    }
    assert "receivers" not in json.loads(msgspec.json.encode(CreateTransactionResult(NOW_MS, "5123", 1)))
    split = CreateTransactionResult(NOW_MS, "5123", 1, [Receiver(TRANSACTION_ID, 200000)])
    assert json.loads(msgspec.json.encode(split))["receivers"] == [{"id": TRANSACTION_ID, "amount": 200000}]


@given(accounts, st.integers(1, 10**13), st.integers(0, 10**13 - 1), st.integers(0, 2**31))
def test_a_call_is_read_as_it_was_written(
    account: dict[str, str | int], amount: int, time: int, call_id: int
) -> None:
    params = CreateTransactionParams(TRANSACTION_ID, time, amount, account)
    request = read_request(write_call("CreateTransaction", params, call_id))
    assert (request.method, request.id, request.jsonrpc) == ("CreateTransaction", call_id, "2.0")
    assert read_params(request.method, request.params) == params


def test_a_call_carries_the_wires_own_names() -> None:
    assert json.loads(write_call("GetStatement", GetStatementParams(1, 2), 3))["params"] == {
        "from": 1,
        "to": 2,
    }
    call = write_call("SetFiscalData", {"fiscal_data": FiscalData(121, "url")}, 1)
    assert json.loads(call)["params"]["fiscal_data"]["receipt_id"] == 121


@given(st.sampled_from(sorted(METHODS)), json_values)
def test_any_parameters_are_read_or_refused(method: str, params: Any) -> None:
    check_reading(method, params)


@given(st.sampled_from(sorted(METHODS)), st.data())
def test_any_value_in_any_place_is_read_or_refused(method: str, data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(sorted(GOOD[method])))
    check_reading(method, GOOD[method] | {field: data.draw(json_values)})


def check_reading(method: str, params: Any) -> None:
    """A documented error, or a value that can be answered."""
    request_body = json.dumps({"method": method, "params": params}).encode()
    request = outcome(read_request, request_body)
    if isinstance(request, RpcError):
        assert request.code in {-32700, -32600}
        return
    read = outcome(read_params, request.method, request.params)
    if isinstance(read, RpcError):
        assert read.code in {-32600, -32602, -31001}
        return
    assert result_reply(request, read)
