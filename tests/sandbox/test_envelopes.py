"""What is told of the form of an answer."""

import json
from typing import Any

import pytest

from tiyin.sandbox.conversation import read_reply
from tiyin.sandbox.envelopes import CHECKS, IDS, Looks, problems_in
from tiyin.sandbox.exchange import Answer, Exchange
from tiyin.sandbox.problems import KINDS, Severity
from tiyin.sandbox.talk import Reply

JSON = (("content-type", "application/json; charset=UTF-8"),)
WORDS = {"ru": "а", "uz": "b", "en": "c"}


def read(body: Any, *, status: int = 200, headers: Any = JSON) -> tuple[Reply, Answer]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = Answer(status, headers, data)
    exchange = Exchange(method="POST", url="http://a/", headers=(), body=b"", answer=answer)
    return read_reply(exchange, answer), answer


def codes(body: Any, *, method: str = "CheckTransaction", id: Any = 7, **http: Any) -> set[str]:  # noqa: A002
    reply, answer = read(body, **http)
    return {problem.kind.code for problem in problems_in(reply, answer, {"id": id, "method": method})}


GOOD = {
    "create_time": 1,
    "perform_time": 0,
    "cancel_time": 0,
    "transaction": "1",
    "state": 1,
    "reason": None,
}


@pytest.mark.parametrize(
    "body",
    [
        {"id": 7, "result": GOOD},
        {"jsonrpc": "2.0", "id": 7, "result": GOOD},
        {"id": 7, "error": {"code": -31003, "message": WORDS}},
        {"id": 7, "error": {"code": -31003, "message": WORDS, "data": None}},
    ],
)
def test_a_good_answer_has_nothing_to_tell(body: Any) -> None:
    assert codes(body) == set()


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"id": 8, "result": GOOD}, "id-differs"),
        ({"id": "7", "result": GOOD}, "id-differs"),
        ({"id": None, "result": GOOD}, "id-missing"),
        ({"result": GOOD}, "id-missing"),
        ({"id": 7, "result": GOOD, "error": None}, "error-beside-result"),
        ({"id": 7, "result": GOOD, "error": {"code": 1, "message": WORDS}}, "result-and-error"),
        ({"id": 7, "result": None, "error": {"code": 1, "message": WORDS}}, "result-beside-error"),
        ({"id": 7}, "neither-result-nor-error"),
        ({"id": 7, "result": None}, "neither-result-nor-error"),
        ({"id": 7, "error": {"code": 1, "message": "no"}}, "message-not-localized"),
        ({"id": 7, "error": {"code": 1, "message": {"ru": "a"}}}, "message-not-localized"),
        ({"id": 7, "error": {"code": 1}}, "message-not-localized"),
        ({"id": 7, "result": {**GOOD, "transaction": 1}}, "transaction-not-string"),
        ({"id": 7, "result": {**GOOD, "perform_time": None}}, "time-null"),
        ({"id": 7, "result": {k: v for k, v in GOOD.items() if k != "cancel_time"}}, "time-null"),
        ({"id": 7, "result": {k: v for k, v in GOOD.items() if k != "reason"}}, "reason-missing"),
    ],
)
def test_each_looseness_is_told_alone(body: Any, code: str) -> None:
    assert codes(body) == {code}


def test_the_http_around_it() -> None:
    good = {"id": 7, "result": GOOD}
    assert codes(good, status=400) == {"http-status"}
    assert codes(good, headers=()) == {"content-type"}
    assert codes(good, headers=(("content-type", "text/html"),)) == {"content-type"}
    assert codes(good, headers=(("content-type", "text/json"),)) == set()
    assert codes(good, headers=(*JSON, ("connection", "Close"))) == {"connection-closed"}


def test_what_depends_on_the_method() -> None:
    plain = {"id": 7, "error": {"code": -32001, "message": "no"}}
    assert codes(plain, method="SetFiscalData") == set()
    row = {**GOOD, "transaction": 5, "cancel_time": None}
    statement = {"id": 7, "result": {"transactions": [GOOD, row, 5]}}
    assert codes(statement, method="GetStatement") == {"transaction-not-string", "time-null"}
    created = {"id": 7, "result": {"create_time": 1, "transaction": "1", "state": 1}}
    assert codes(created, method="CreateTransaction") == set()


def test_an_id_that_was_not_sent_is_not_missed() -> None:
    assert codes({"result": GOOD}, id=None) == set()
    assert codes({"id": "a", "result": GOOD}, id="a") == set()


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"[" * 100_000, b"\xff\xfe", b'"a"', b"1" * 5000])
def test_what_is_no_object_is_no_ones_envelope(body: bytes) -> None:
    reply, answer = read(body)
    assert reply.body is None
    assert problems_in(reply, answer, {"id": 7, "method": "x"}) == ()


def test_a_kind_is_told_once_with_its_first_exchange() -> None:
    looks = Looks()
    for body in ({"id": 1, "result": GOOD}, {"id": 2, "result": GOOD}, {"id": 3, "result": GOOD}):
        looks.look(*read(body), {"id": 1, "method": "x"}, hide=str.upper)
    ((problem, exchange),) = looks.problems_of("envelope.answer-id")
    assert (problem.kind.code, problem.got) == ("id-differs", "ID 2")
    assert exchange.answer is not None
    assert b'"id": 2' in exchange.answer.body
    assert looks.replies == 3
    assert looks.problems_of("envelope.answer-message") == ()


def test_every_kind_belongs_to_a_check_and_loose_things_only_warn() -> None:
    assert {check.id for check in CHECKS} == IDS
    fails = {"http-status", "id-differs", "result-and-error", "neither-result-nor-error"}
    warns = {"id-missing", "error-beside-result", "result-beside-error", "message-not-localized"}
    warns |= {"content-type", "transaction-not-string", "time-null", "reason-missing", "connection-closed"}
    assert all(KINDS[code].severity is Severity.FAIL for code in fails)
    assert all(KINDS[code].severity is Severity.WARN for code in warns)


@pytest.mark.parametrize(
    ("body", "status", "told"),
    [
        ({"result": {"state": 1}}, 200, 'result {"state": 1}'),
        ({"error": {"code": -31008}}, 200, "error.code -31008"),
        ({"error": {"code": -31008}}, 500, "HTTP 500, error.code -31008"),
        ({"error": {"code": "-31008"}}, 200, 'error.code "-31008"'),
        ({"error": {}}, 200, "error, no code"),
        ({"error": "no"}, 200, 'error "no"'),
        ({}, 200, "neither result nor error"),
        (b"<html>", 200, "HTTP 200, no JSON object"),
        (b"<html>", 502, "HTTP 502"),
        ({"result": 10**400}, 200, f"result {str(10**400)[:100]}..."),
    ],
)
def test_an_answer_is_told_in_a_few_words(body: Any, status: int, told: str) -> None:
    assert read(body, status=status)[0].told() == told
