"""Merchants in the wild answer loosely: what can be read is read, and the rest is told apart from it."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tiyin.gateway.merchant_calls.answers import (
    Allowed,
    Answered,
    Cancelled,
    Checked,
    Created,
    Malformed,
    Performed,
    Receiver,
    RefusedByMerchant,
    Unknown,
    read_allowed,
    read_answer,
    read_cancelled,
    read_checked,
    read_created,
    read_performed,
)
from tiyin.protocol.values import Text

READERS = (read_allowed, read_created, read_performed, read_cancelled, read_checked)


def answer(body: Any, read: Any = read_created, status: int = 200) -> Any:
    return read_answer(status, msgspec.json.encode(body), read)


CREATED = {"create_time": 1399114284039, "transaction": "5123", "state": 1}


@pytest.mark.parametrize(
    ("body", "created"),
    [
        ({"result": CREATED}, Created("5123", 1)),
        ({"jsonrpc": "2.0", "id": 7, "result": CREATED, "error": None}, Created("5123", 1)),
        ({"result": CREATED, "error": []}, Created("5123", 1)),
        ({"result": CREATED, "error": {}}, Created("5123", 1)),
        ({"result": CREATED, "error": False}, Created("5123", 1)),
        ({"result": {**CREATED, "transaction": 5123}}, Created("5123", 1)),
        ({"result": {**CREATED, "transaction": 5123.0}}, Created("5123", 1)),
        ({"result": {**CREATED, "transaction": None}}, Created("", 1)),
        ({"result": {**CREATED, "state": "1"}}, Created("5123", 1)),
        ({"result": {**CREATED, "state": 1.0}}, Created("5123", 1)),
        ({"result": {**CREATED, "create_time": None, "perform_time": None}}, Created("5123", 1)),
        ({"result": {**CREATED, "receivers": None}}, Created("5123", 1)),
        ({"result": {**CREATED, "receivers": []}}, Created("5123", 1)),
        (
            {"result": {**CREATED, "receivers": [{"id": "a" * 24, "amount": 5.0}]}},
            Created("5123", 1, (Receiver("a" * 24, 5),)),
        ),
    ],
)
def test_a_loose_success_is_read(body: Any, created: Created) -> None:
    assert answer(body) == Answered(created)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ("занят", Text(ru="занят", uz="занят", en="занят")),
        ({"ru": "a", "uz": "b", "en": "c"}, Text(ru="a", uz="b", en="c")),
        ({"ru": "a"}, Text(ru="a", uz="a", en="a")),
        ({"en": "c", "ru": ""}, Text(ru="c", uz="c", en="c")),
        (None, None),
        ({}, None),
        (5, None),
    ],
)
def test_a_message_may_be_a_string_or_an_object(message: Any, text: Text | None) -> None:
    body = {"error": {"code": -31050, "message": message, "data": "order_id"}, "result": None}
    assert answer(body) == RefusedByMerchant(-31050, text, "order_id")


@pytest.mark.parametrize("code", [-31050, "-31050", -31050.0])
def test_a_code_may_be_written_in_several_ways(code: Any) -> None:
    assert answer({"error": {"code": code}}) == RefusedByMerchant(-31050)


@pytest.mark.parametrize("status", [201, 301, 400, 404, 500, 502])
@pytest.mark.parametrize("body", [b"", b'{"result": {"state": 1}}', b'{"error": {"code": -31050}}'])
def test_a_status_other_than_200_is_a_system_error(status: int, body: bytes) -> None:
    """Documentation: merchant-api/overview."""
    assert read_answer(status, body, read_created) == Unknown(f"http_{status}", silent=False)


def test_a_system_error_is_unknown() -> None:
    assert answer({"error": {"code": -32400, "message": "oops"}}) == Unknown("system_error", silent=False)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"OK",
        b"<html></html>",
        b"{}",
        b'{"result": null}',
        b'{"result": []}',
        b'{"result": {}}',
        b'{"result": {"state": true}}',
        b'{"result": {"state": "one"}}',
        b'{"result": {"state": 1.5}}',
        b'{"error": "no"}',
        b'{"error": {"message": "no"}}',
        b'{"error": {"code": true}}',
        b'{"error": {"code": -31050}, "result": {"state": 1}}',
        b'{"result": {"state": 1, "receivers": {"id": 1}}}',
        b'{"result": {"state": 1, "receivers": [{"amount": 1}]}}',
        b'{"result": {"state": 1, "receivers": [{"id": "a", "amount": 0}]}}',
        b'{"result": {"state": 1, "receivers": [{"id": "a", "amount": "x"}]}}',
        b'{"result": {"state": 1, "receivers": [{"id": "a\\u0000", "amount": 1}]}}',
        b'{"result": {"state": 1, "receivers": [{"id": "' + b"a" * 65 + b'", "amount": 1}]}}',
        b'{"result": {"state": 9223372036854775808}}',
        b'{"result": {"state": "-9999999999999999999"}}',
        b'{"error": {"code": 9223372036854775808, "message": "no"}}',
        b'{"error": {"code": ' + b"9" * 4_000 + b', "message": "no"}}',
        b"\xff\xfe{",
        b"[" * 100_000,
    ],
)
def test_what_cannot_be_read_is_malformed(body: bytes) -> None:
    assert isinstance(read_answer(200, body, read_created), Malformed)


@pytest.mark.parametrize("name", [10**400, "x" * 1_000])
def test_a_merchants_name_of_a_transaction_is_cut(name: int | str) -> None:
    body = b'{"result": {"state": 2, "transaction": ' + json.dumps(name).encode() + b"}}"
    assert read_answer(200, body, read_performed) == Answered(Performed(str(name)[:255], 2))


def test_a_byte_order_mark_is_passed_over() -> None:
    body = b'\xef\xbb\xbf{"result": {"state": 2}}'
    assert read_answer(200, body, read_performed) == Answered(Performed("", 2))


@pytest.mark.parametrize("allow", [True, 1])
def test_allow(allow: Any) -> None:
    body = {"result": {"allow": allow, "additional": {"balance": 5}, "detail": {"receipt_type": 0}}}
    assert answer(body, read_allowed) == Answered(Allowed({"balance": 5}, {"receipt_type": 0}))
    loose = {"result": {"allow": allow, "additional": [], "detail": None}}
    assert answer(loose, read_allowed) == Answered(Allowed())


@pytest.mark.parametrize(
    "result", [{"allow": False}, {"allow": "true"}, {"allow": 0}, {"allow": None}, {"allowed": True}]
)
def test_anything_but_allow_is_malformed(result: dict[str, Any]) -> None:
    assert isinstance(answer({"result": result}, read_allowed), Malformed)


def test_the_other_methods() -> None:
    assert answer({"result": {"state": -1, "cancel_time": None}}, read_cancelled) == Answered(Cancelled(-1))
    body = {"result": {"state": -2, "transaction": 7, "reason": "5"}}
    assert answer(body, read_checked) == Answered(Checked("7", -2, 5))
    assert answer({"result": {"state": 1, "reason": "why"}}, read_checked) == Answered(Checked("", 1, None))


def test_what_is_told_onwards_is_bounded() -> None:
    """A merchant's texts reach payers and the database: they are cut, and large data is left out."""
    refused = answer({"error": {"code": -31050, "message": "я" * 10_000, "data": ["x" * 10_000]}})
    assert len(refused.message.ru) == 500
    assert refused.data is None
    assert answer({"error": {"code": -31050, "data": "a\x00b"}}).data == "ab"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=12,
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "result": json_values
        | st.fixed_dictionaries(
            {}, optional={"state": json_values, "allow": json_values, "receivers": json_values}
        ),
        "error": json_values
        | st.fixed_dictionaries({}, optional={"code": json_values, "message": json_values}),
    },
)


@given(bodies, st.sampled_from(READERS))
def test_no_answer_can_raise(body: Any, read: Any) -> None:
    outcome = answer(body, read)
    assert isinstance(outcome, Answered | RefusedByMerchant | Unknown | Malformed)


@given(st.binary(max_size=60), st.sampled_from(READERS))
def test_no_bytes_can_raise(body: bytes, read: Any) -> None:
    assert isinstance(read_answer(200, body, read), Answered | RefusedByMerchant | Unknown | Malformed)
