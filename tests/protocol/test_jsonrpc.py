"""The envelope: what is read, what is refused with which code, and that an id is never lost."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import UNSET

from helpers_protocol import json_values, outcome
from tiyin.protocol.errors import RpcError
from tiyin.protocol.jsonrpc import (
    BODY_BYTES_MAX,
    DEPTH_MAX,
    RequestRefused,
    error_reply,
    read_request,
    result_reply,
)
from tiyin.protocol.values import Text


def refused(body: bytes) -> RequestRefused:
    with pytest.raises(RequestRefused) as caught:
        read_request(body)
    return caught.value


def test_a_request_is_read() -> None:
    request = read_request(
        b'{"jsonrpc": "2.0", "id": 2032, "method": "CheckTransaction", "params": {"id": "a"}}'
    )
    assert (request.method, request.id, request.jsonrpc) == ("CheckTransaction", 2032, "2.0")
    assert msgspec.json.decode(request.params) == {"id": "a"}


@pytest.mark.parametrize("request_id", [0, -1, 2032, 2**63, 10**40, "abc", "", "я", None])
def test_integers_strings_and_null_are_ids_and_come_back(request_id: Any) -> None:
    request = read_request(json.dumps({"method": "M", "params": {}, "id": request_id}).encode())
    assert json.loads(result_reply(request, {}))["id"] == request_id
    assert json.loads(error_reply(request, RpcError(-32400)))["id"] == request_id


def test_an_absent_id_is_answered_as_null() -> None:
    request = read_request(b'{"method": "M"}')
    assert request.id is UNSET
    assert json.loads(result_reply(request, 1)) == {"id": None, "result": 1}


@pytest.mark.parametrize(
    "request_id", ["true", "1.0", "1.5", "1e3", "[]", "[1]", "{}", '"a\\u0000"', f'"{"x" * 257}"']
)
def test_other_ids_are_refused_and_not_echoed(request_id: str) -> None:
    refusal = refused(f'{{"method": "M", "params": {{}}, "id": {request_id}}}'.encode())
    assert (refusal.code, refusal.request_id) == (-32600, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"nonsense",
        b"{'method': 'M'}",
        b'{"method": "M",}',
        b'{"method": "M", "params": {"a": 1,}}',
        b'{"method": "M", "params": {"a": 1}} extra',
        b'{"method": "M", "params": {"a": "\xff"}}',
        b'{"method": "M", "params": {"a": "\\ud800"}}',
        b'{"method": "M", "params": {"\\udc00": 1}}',
        b'{"method": "M", "params": {"a": "\x01"}}',
        b'{"method": "M", "params": {"a": NaN}}',
        b'{"method": "M", "params": {"a": 01}}',
        b'{"method": "M", "more": "\\x"}',
        b'\xef\xbb\xbf{"method": "M"}',
        '{"method": "M"}'.encode("utf-16"),
        b'{"method": "M", "params": {"a": 1}} // comment',
    ],
)
def test_what_is_no_json_is_a_parse_error(body: bytes) -> None:
    assert refused(body).code == -32700


def test_an_id_is_found_in_a_body_that_is_broken_inside() -> None:
    for params in (b'{"a": "\\ud800"}', b'{"a": "\xff"}'):
        refusal = refused(b'{"id": 7, "method": "M", "params": ' + params + b"}")
        assert (refusal.code, refusal.request_id) == (-32700, 7)
    assert refused(b'{"id": "a\\ud800", "method": "M"}').request_id is None


@pytest.mark.parametrize(
    "body",
    [
        b"[]",
        b'[{"method": "M", "id": 1}]',
        b"1",
        b"null",
        b'"M"',
        b"{}",
        b'{"params": {}}',
        b'{"method": null}',
        b'{"method": 5}',
        b'{"method": ""}',
        b'{"method": "a\\u0000"}',
        b'{"method": ["M"]}',
        b'{"method": "' + b"M" * 129 + b'"}',
        b'{"method": "M", "params": []}',
        b'{"method": "M", "params": null}',
        b'{"method": "M", "params": "a"}',
        b'{"method": "M", "params": 1}',
        b'{"method": "M", "jsonrpc": 2.0}',
        b'{"method": "M", "jsonrpc": null}',
        b'{"method": "M", "jsonrpc": "' + b"2" * 17 + b'"}',
        b'{"method": "M", "params": {"a": 1e400}}',
        b'{"method": "M", "params": {"a": ' + b"9" * 5000 + b"}}",
    ],
)
def test_a_wrong_envelope_is_an_invalid_request(body: bytes) -> None:
    assert refused(body).code == -32600


@pytest.mark.parametrize(
    "rest",
    [
        '"method": 5',
        '"method": "M", "params": []',
        '"method": "M", "jsonrpc": 2',
        '"params": {}',
        '"method": "M", "params": {"a": 1e400}',
        '"method": "M", "params": ' + "[" * 500 + "]" * 500,
    ],
)
def test_a_wrong_envelope_does_not_lose_its_id(rest: str) -> None:
    for body in (f'{{"id": 7, {rest}}}', f'{{{rest}, "id": 7}}'):
        assert refused(body.encode()).request_id == 7


def test_a_refusal_echoes_the_version_too() -> None:
    refusal = refused(b'{"jsonrpc": "2.0", "id": "a", "method": 5}')
    reply = json.loads(error_reply(refusal, refusal))
    assert (reply["jsonrpc"], reply["id"], reply["error"]["code"]) == ("2.0", "a", -32600)


def test_size_is_bounded() -> None:
    start, end = b'{"method": "M", "params": {"a": "', b'"}}'
    filling = b"x" * (BODY_BYTES_MAX - len(start) - len(end))
    assert read_request(start + filling + end).method == "M"
    assert refused(start + filling + b"x" + end).code == -32600


def test_depth_is_bounded() -> None:
    def body(levels: int) -> bytes:
        inner = levels - 2  # The envelope and params are two levels themselves.
        wide = b"[[],[],[]]"  # So that there are more brackets than levels allowed.
        return (
            b'{"id": 1, "method": "M", "params": {"a": '
            + b"[" * inner
            + b"]" * inner
            + b', "b": '
            + wide
            + b"}}"
        )

    assert read_request(body(DEPTH_MAX)).id == 1
    for levels in (DEPTH_MAX + 1, 500, 5_000, 100_000):
        assert refused(body(levels)).code == -32600


def test_a_wide_body_is_not_a_deep_one() -> None:
    items = ",".join(['{"a": [1]}'] * 1000)
    assert read_request(f'{{"method": "M", "params": {{"items": [{items}]}}}}'.encode()).method == "M"


def test_of_repeated_keys_the_last_one_counts() -> None:
    request = read_request(
        b'{"id": 1, "method": "A", "params": [], "id": 2, "method": "B", "params": {"a": 1, "a": 2}}'
    )
    assert (request.id, request.method) == (2, "B")
    assert refused(b'{"id": 1, "id": true, "method": "A"}').request_id is None


def test_a_result_has_no_error_and_an_error_no_result() -> None:
    request = read_request(b'{"method": "M", "id": 5, "jsonrpc": "2.0"}')
    assert json.loads(result_reply(request, {"a": 1})) == {"jsonrpc": "2.0", "id": 5, "result": {"a": 1}}
    error = RpcError(-31050, Text(ru="р", uz="u", en="e"), data="phone")
    assert json.loads(error_reply(request, error)) == {
        "jsonrpc": "2.0",
        "id": 5,
        "error": {"code": -31050, "message": {"ru": "р", "uz": "u", "en": "e"}, "data": "phone"},
    }


def test_a_message_in_one_language_is_a_string() -> None:
    error = RpcError(-31050, Text(ru="р", uz="u", en="e"))
    assert json.loads(error_reply(5, error, language="uz")) == {
        "id": 5,
        "error": {"code": -31050, "message": "u"},
    }


def test_the_version_is_echoed_or_filled_in_when_asked() -> None:
    silent, speaking = read_request(b'{"method": "M"}'), read_request(b'{"method": "M", "jsonrpc": "1.0"}')
    assert "jsonrpc" not in json.loads(result_reply(silent, 1))
    assert json.loads(result_reply(silent, 1, jsonrpc="2.0"))["jsonrpc"] == "2.0"
    assert json.loads(result_reply(speaking, 1, jsonrpc="2.0"))["jsonrpc"] == "1.0"
    assert json.loads(error_reply(silent, RpcError(-32400), jsonrpc="2.0"))["jsonrpc"] == "2.0"
    assert json.loads(error_reply(UNSET, RpcError(-32400)))["id"] is None


@given(st.binary())
@example(b'{"method":"M","id":1}')
def test_any_bytes_are_a_request_or_a_documented_refusal(body: bytes) -> None:
    check_reading(body)


@given(
    st.fixed_dictionaries(
        {}, optional={"method": json_values, "params": json_values, "id": json_values, "jsonrpc": json_values}
    )
)
def test_any_json_is_a_request_or_a_documented_refusal(envelope: dict[str, Any]) -> None:
    check_reading(json.dumps(envelope).encode())


@given(
    st.binary(max_size=6),
    st.integers(0, 90),
    st.integers(0, 8),
)
def test_a_damaged_request_is_a_request_or_a_documented_refusal(noise: bytes, at: int, cut: int) -> None:
    body = b'{"jsonrpc": "2.0", "id": 2032, "method": "CheckTransaction", "params": {"id": "a\\u0041"}}'
    check_reading(body[:at] + noise + body[at + cut :])


def check_reading(body: bytes) -> None:
    """What comes in is a request that Python's own parser reads alike, or -32700, or -32600; all answered."""
    request = outcome(read_request, body)
    if isinstance(request, RequestRefused):
        assert request.code in {-32700, -32600}
        assert json.loads(error_reply(request, request))["error"]["code"] == request.code
        return
    value = json.loads(body)
    assert request.method == value["method"]
    assert type(msgspec.json.decode(request.params)) is dict
    assert (None if request.id is UNSET else request.id) == value.get("id")
    assert json.loads(result_reply(request, {}))["id"] == value.get("id")
