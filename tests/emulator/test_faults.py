"""Fault rules: refused whole when they do not fit, and doing what they say when they do."""

import contextlib
import json
import socket
import sys
from collections.abc import Iterator
from http.client import HTTPConnection, RemoteDisconnected
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from helpers_emulator import (
    Answer,
    Browser,
    EmulatorProcess,
    call,
    emulator_process,
    forms_of,
    get_json,
    post_json,
    verified_token,
)
from tiyin.emulator.bodies import BadBody
from tiyin.emulator.desk_names import DeskName
from tiyin.emulator.directory import Directory, DirectoryRefused
from tiyin.emulator.fault_rules import Rule, read_rules
from tiyin.emulator.faults import RULES_MAX, Faults
from tiyin.runtime.chance import SeededChance, SystemChance

DESKS = (DeskName("a" * 24, "Shop"), DeskName("b" * 24, "Terminal"))
DROP = {"fault": "drop_before"}


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Directory]:
    with Directory(tmp_path / "data") as opened:
        yield opened


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorProcess, dict[str, Any]]]:
    with emulator_process(tmp_path_factory.mktemp("faults") / "data") as started:
        yield started


@pytest.fixture
def told(running: tuple[EmulatorProcess, dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield running[1]
    Browser().ask("DELETE", f"{running[1]['dev']}/faults")


def fault(told: dict[str, Any], **rule: object) -> Answer:
    return post_json(f"{told['dev']}/faults", rule)


def pay(told: dict[str, Any], **headers: str) -> tuple[str, dict[str, Any]]:
    """Pay a new order through the Subscribe API; gives the order's id and the answer."""
    order = post_json(f"{told['shop']}/orders", {"amount": 500_000}).json["order_id"]
    desk = told["desks"][0]
    token = verified_token(told, desk)
    made = call(told, desk, "receipts.create", key=True, amount=500_000, account={"order_id": order})
    answer = post_json(
        told["api"],
        {"id": 1, "method": "receipts.pay", "params": {"id": made["receipt"]["_id"], "token": token}},
        {"x-auth": f"{desk['id']}:{desk['key']}", **headers},
    )
    return order, answer.json


def order_of(told: dict[str, Any], order: str) -> dict[str, Any]:
    found: dict[str, Any] = get_json(f"{told['shop']}/orders/{order}")
    return found


def newest(told: dict[str, Any], method: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = get_json(f"{told['dev']}/traffic?method={method}")["exchanges"]
    return found


def test_a_rule_is_read_with_its_defaults() -> None:
    (rule,) = read_rules({"fault": "delay", "delay_ms": 50, "desk": "Terminal"}, DESKS)
    assert rule == Rule(
        id=0, side="merchant", desk="b" * 24, method="*", probability=1, hits=0, fault="delay", delay_ms=50
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "fault"),
        ({"fault": "explode"}, "fault"),
        ({"fault": ["delay"]}, "fault"),
        ({**DROP, "delay_ms": 5}, "delay_ms"),
        ({**DROP, "how": 1}, "how"),
        ({**DROP, "side": "bank"}, "side"),
        ({**DROP, "side": None}, "side"),
        ({**DROP, "method": "receipts.pay"}, "method"),
        ({**DROP, "side": "api", "method": "PerformTransaction"}, "method"),
        ({**DROP, "method": None}, "method"),
        ({**DROP, "desk": "nobody"}, "desk"),
        ({**DROP, "desk": 5}, "desk"),
        ({**DROP, "probability": 1.01}, "probability"),
        ({**DROP, "probability": -0.1}, "probability"),
        ({**DROP, "probability": True}, "probability"),
        ({**DROP, "probability": "1"}, "probability"),
        ({**DROP, "probability": float("nan")}, "probability"),
        ({**DROP, "times": 0}, "times"),
        ({**DROP, "times": 1.5}, "times"),
        ({**DROP, "times": True}, "times"),
        ({"fault": "delay"}, "delay_ms"),
        ({"fault": "delay", "delay_ms": 0}, "delay_ms"),
        ({"fault": "delay", "delay_ms": None}, "delay_ms"),
        ({"fault": "delay", "delay_ms": 600_001}, "delay_ms"),
        ({"fault": "status"}, "status"),
        ({"fault": "status", "status": 100}, "status"),
        ({"fault": "status", "status": 500, "body": 1}, "body"),
        ({"fault": "error"}, "code"),
        ({"fault": "error", "code": "-31050"}, "code"),
        ({"fault": "error", "code": -31050, "message": {"ru": "x"}}, "message"),
        ({"fault": "error", "code": -31050, "message": {"ru": "x", "uz": "x", "en": 1}}, "message"),
        ({"rules": []}, "rules"),
        ({"rules": {}}, "rules"),
        ({"rules": [DROP], "fault": "delay"}, "fault"),
        ({"rules": [DROP, 5]}, "rules[1]"),
        ({"rules": [DROP, {"fault": "delay", "delay_ms": -1}]}, "rules[1].delay_ms"),
    ],
)
def test_what_does_not_fit_is_refused_and_named(given: dict[str, Any], field: str) -> None:
    with pytest.raises(BadBody) as refused:
        read_rules(given, DESKS)
    assert refused.value.field == field
    assert field in str(refused.value)


def test_rules_are_kept_until_they_are_forgotten(directory: Directory) -> None:
    faults = Faults(directory)
    faults.add(read_rules({"rules": [{**DROP, "times": 2}, {"fault": "status", "status": 500}]}, DESKS))
    assert faults.strike("merchant", None, "CheckTransaction") is not None
    again = Faults(directory)
    assert [(rule.id, rule.hits) for rule in again.rules] == [(1, 1), (2, 0)]
    assert again.remove(2)
    assert not again.remove(2)
    assert [rule.id for rule in Faults(directory).rules] == [1]
    assert [rule.id for rule in again.add(read_rules(DROP, DESKS))] == [3]
    again.forget()
    assert Faults(directory).rules == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_rules_that_cannot_be_taken_back_stay(directory: Directory, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = Faults(directory)
    made = faults.add(read_rules({"rules": [DROP, DROP]}, DESKS))

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(directory, "write", full)
    with pytest.raises(OSError, match="No space"):
        faults.remove(made[0].id)
    with pytest.raises(OSError, match="No space"):
        faults.clear()
    assert faults.rules == Faults(directory).rules == made


def test_rules_are_their_owners_alone(directory: Directory) -> None:
    Faults(directory).add(read_rules(DROP, DESKS))
    assert directory.faults.stat().st_mode & 0o077 == 0


def test_a_damaged_file_is_said_and_left(directory: Directory) -> None:
    directory.faults.write_bytes(b'{"rules": 5}')
    with pytest.raises(DirectoryRefused, match=r"faults\.json"):
        Faults(directory)
    assert directory.faults.read_bytes() == b'{"rules": 5}'


def test_there_is_a_bound_and_over_it_none_of_the_new_ones_counts(directory: Directory) -> None:
    faults = Faults(directory)
    for _ in range(RULES_MAX // 50):
        faults.add(read_rules({"rules": [DROP] * 50}, DESKS))
    faults.remove(1)
    with pytest.raises(BadBody):
        faults.add(read_rules({"rules": [DROP, DROP]}, DESKS))
    assert len(faults.rules) == RULES_MAX - 1


def test_which_exchanges_a_rule_hits(directory: Directory) -> None:
    faults = Faults(directory)
    faults.add(read_rules({**DROP, "desk": "Shop", "method": "PerformTransaction"}, DESKS))
    shop, terminal = DESKS[0].id, DESKS[1].id
    assert faults.strike("merchant", shop, "PerformTransaction") is not None
    assert faults.strike("merchant", terminal, "PerformTransaction") is None
    assert faults.strike("merchant", None, "PerformTransaction") is None
    assert faults.strike("merchant", shop, "CreateTransaction") is None
    assert faults.strike("merchant", shop, None) is None
    assert faults.strike("api", shop, "PerformTransaction") is None


def test_times_ends_a_rule_and_the_next_one_gets_its_turn(directory: Directory) -> None:
    faults = Faults(directory)
    faults.add(read_rules({"rules": [{**DROP, "times": 2}, {"fault": "status", "status": 500}]}, DESKS))
    struck = [faults.strike("merchant", None, None) for _ in range(4)]
    assert [rule and rule.id for rule in struck] == [1, 1, 2, 2]


def test_chance_is_the_given_one(directory: Directory) -> None:
    def row(seed: int, probability: float) -> list[bool]:
        faults = Faults(directory, SeededChance(seed))
        faults.clear()
        faults.add(read_rules({**DROP, "probability": probability}, DESKS))
        return [faults.strike("merchant", None, None) is not None for _ in range(400)]

    half = row(7, 0.5)
    assert half == row(7, 0.5)
    assert half != row(8, 0.5)
    assert 120 < sum(half) < 280
    assert not any(row(7, 0))
    assert all(row(7, 1))
    assert not SystemChance().happens(0)
    assert SystemChance().happens(1)


def test_a_row_with_one_wrong_rule_changes_nothing(told: dict[str, Any]) -> None:
    answer = fault(told, rules=[DROP, {"fault": "delay", "delay_ms": "soon"}])
    assert answer.status == 400
    assert answer.json["field"] == "rules[1].delay_ms"
    assert get_json(f"{told['dev']}/faults") == {"rules": []}


def test_rules_come_and_go_over_http(told: dict[str, Any]) -> None:
    made = fault(told, rules=[{**DROP, "desk": told["desks"][0]["name"]}, {"fault": "status", "status": 503}])
    assert made.status == 200
    first, second = made.json["rules"]
    assert first["desk"] == told["desks"][0]["id"]
    assert get_json(f"{told['dev']}/faults")["rules"] == [first, second]
    assert Browser().ask("DELETE", f"{told['dev']}/faults/{first['id']}").status == 200
    assert Browser().ask("DELETE", f"{told['dev']}/faults/{first['id']}").status == 404
    assert get_json(f"{told['dev']}/faults")["rules"] == [second]
    assert Browser().ask("DELETE", f"{told['dev']}/faults").json == {"deleted": 1}


def test_the_page_makes_and_deletes_rules_without_scripts(told: dict[str, Any]) -> None:
    page = Browser().get(f"{told['dev']}/faults?lang=en")
    empty = next(form.fields for form in forms_of(page.text) if "delay_ms" in form.fields)

    def send(path: str, **filled: str) -> Answer:
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "text/html"}
        return Browser().ask("POST", f"{told['dev']}/{path}?lang=en", urlencode(filled).encode(), headers)

    refused = send("faults", **{**empty, "fault": "delay", "method": "*", "desk": "", "delay_ms": "soon"})
    assert refused.status == 400
    assert "delay_ms must be a whole number" in refused.text
    assert 'value="soon"' in refused.text
    made = send("faults", **{**empty, "fault": "delay", "delay_ms": "5", "times": "1", "probability": "0.5"})
    assert made.status == 303
    (rule,) = get_json(f"{told['dev']}/faults")["rules"]
    assert (rule["delay_ms"], rule["times"], rule["probability"]) == (5, 1, 0.5)
    assert "delete" in Browser().get(made.location).text
    assert send("faults/delete", id=str(rule["id"])).status == 303
    assert get_json(f"{told['dev']}/faults")["rules"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/faults"),
        ("POST", "/faults"),
        ("DELETE", "/faults"),
        ("DELETE", "/faults/1"),
        ("POST", "/faults/delete"),
    ],
)
def test_another_sites_page_cannot_touch_the_rules(told: dict[str, Any], method: str, path: str) -> None:
    fault(told, **DROP)
    before = get_json(f"{told['dev']}/faults")
    answer = Browser().ask(method, f"{told['dev']}{path}", b"{}", {"sec-fetch-site": "cross-site"})
    assert answer.status == 403
    assert get_json(f"{told['dev']}/faults") == before


def test_a_merchants_lost_answer_is_survived_and_its_hook_ran_once(told: dict[str, Any]) -> None:
    fault(told, fault="drop_after", method="PerformTransaction", times=1)
    order, answer = pay(told)
    assert answer["result"]["receipt"]["state"] == 4
    assert order_of(told, order)["hooks"]["perform"] == 1
    second, first = newest(told, "PerformTransaction")[:2]
    assert first["fault"]["fault"] == "drop_after"
    assert first["problem"] is not None
    assert '"state":2' in first["answer"]["body"].replace(" ", "")
    assert second["fault"] is None


def test_a_request_that_is_lost_never_reaches_the_merchant(told: dict[str, Any]) -> None:
    fault(told, fault="drop_before", method="CreateTransaction", times=1)
    order, answer = pay(told)
    assert answer["result"]["receipt"]["state"] == 4
    assert order_of(told, order)["hooks"]["create"] == 1
    first = newest(told, "CreateTransaction")[1]
    assert (first["fault"]["fault"], first["answer"]) == ("drop_before", None)


def test_a_merchants_error_stands_for_its_own_answer(told: dict[str, Any]) -> None:
    fault(
        told, fault="error", code=-31055, message="Closed", data="order_id", method="CheckPerformTransaction"
    )
    order = post_json(f"{told['shop']}/orders", {"amount": 500_000}).json["order_id"]
    desk = told["desks"][0]
    answer = post_json(
        told["api"],
        {"id": 1, "method": "receipts.create", "params": {"amount": 500_000, "account": {"order_id": order}}},
        {"x-auth": f"{desk['id']}:{desk['key']}"},
    ).json
    assert answer["error"]["code"] == -31610
    assert answer["error"]["message"] == "Closed"
    assert order_of(told, order)["hooks"]["check"] == 0
    assert newest(told, "CheckPerformTransaction")[0]["code"] == -31055


@pytest.mark.parametrize(
    ("rule", "code"),
    [({"fault": "status", "status": 503}, -31622), ({"fault": "malformed"}, -31623)],
)
def test_status_and_rubbish_reach_the_gateway(told: dict[str, Any], rule: dict[str, Any], code: int) -> None:
    fault(told, method="CheckPerformTransaction", **rule)
    desk = told["desks"][0]
    answer = post_json(
        told["api"],
        {"id": 1, "method": "receipts.create", "params": {"amount": 500_000, "account": {"order_id": "1"}}},
        {"x-auth": f"{desk['id']}:{desk['key']}"},
    ).json
    assert answer["error"]["code"] == code


def test_a_delay_is_waited_for(told: dict[str, Any]) -> None:
    fault(told, fault="delay", delay_ms=400, method="PerformTransaction", times=1)
    _, answer = pay(told)
    assert answer["result"]["receipt"]["state"] == 4
    assert newest(told, "PerformTransaction")[0]["took_ms"] >= 400


def test_the_api_loses_its_answer_after_the_work_is_done(told: dict[str, Any]) -> None:
    fault(told, side="api", fault="drop_after", method="receipts.pay", times=1)
    before = get_json(f"{told['dev']}/traffic")["newest"]
    with pytest.raises((RemoteDisconnected, ConnectionResetError)):
        pay(told)
    (lost,) = get_json(f"{told['dev']}/traffic?method=receipts.pay&after={before}")["exchanges"]
    assert lost["fault"]["fault"] == "drop_after"
    assert '"state":4' in lost["answer"]["body"]
    # A repeat of the same request is answered with the paid receipt, as a caller may count on.
    assert call(told, told["desks"][0], "receipts.check", key=True, id=_receipt(lost)) == {"state": 4}


def _receipt(exchange: dict[str, Any]) -> str:
    receipt: str = json.loads(exchange["request"]["body"])["params"]["id"]
    return receipt


def test_the_api_loses_a_request_before_it_is_read(told: dict[str, Any]) -> None:
    fault(told, side="api", fault="drop_before", method="receipts.check", desk=told["desks"][0]["id"])
    desk = told["desks"][0]
    with socket.create_connection(("127.0.0.1", int(told["api"].split(":")[2].split("/")[0])), 20) as sock:
        body = b'{"id": 1, "method": "receipts.check", "params": {"id": "000000000000000000000000"}}'
        auth = f"X-Auth: {desk['id']}:{desk['key']}"
        head = f"POST /api HTTP/1.1\r\nHost: x\r\n{auth}\r\nContent-Length: {len(body)}"
        sock.sendall(head.encode() + b"\r\n\r\n" + body)
        assert sock.recv(1000) == b""
    assert newest(told, "receipts.check")[0]["answer"] is None
    # Another desk's callers are not disturbed.
    other = told["desks"][1]
    answer = post_json(
        told["api"],
        {"id": 1, "method": "receipts.check", "params": {"id": "0" * 24}},
        {"x-auth": f"{other['id']}:{other['key']}"},
    )
    assert answer.json["error"]["code"] == -31602


@pytest.mark.parametrize(
    ("rule", "status", "body"),
    [
        ({"fault": "status", "status": 502, "body": "bad gateway"}, 502, b"bad gateway"),
        ({"fault": "malformed", "body": "<html>"}, 200, b"<html>"),
    ],
)
def test_the_api_misbehaves_as_it_is_told(
    told: dict[str, Any], rule: dict[str, Any], status: int, body: bytes
) -> None:
    fault(told, side="api", **rule)
    answer = post_json(told["api"], {"id": 1, "method": "cards.check", "params": {"token": "x"}})
    assert (answer.status, answer.body) == (status, body)


@pytest.mark.parametrize("status", [204, 304])
def test_a_status_without_a_body_leaves_the_connection_whole(told: dict[str, Any], status: int) -> None:
    fault(told, side="api", fault="status", status=status, body="none", times=1)
    connection = HTTPConnection("127.0.0.1", int(told["api"].split(":")[2].split("/")[0]), timeout=20)
    with contextlib.closing(connection):
        for expected in (status, 200):
            connection.request("POST", "/api", b'{"id": 1, "method": "receipts.check", "params": {}}')
            answer = connection.getresponse()
            assert answer.status == expected
            answer.read()


def test_an_error_of_the_api_repeats_the_requests_id(told: dict[str, Any]) -> None:
    fault(told, side="api", fault="error", code=-31001, data="away")
    answer = post_json(told["api"], {"id": "x7", "method": "cards.check", "params": {"token": "x"}})
    assert answer.json["id"] == "x7"
    assert (answer.json["error"]["code"], answer.json["error"]["data"]) == (-31001, "away")


@pytest.mark.kill
def test_rules_outlive_a_restart_and_end_with_a_reset(tmp_path: Path) -> None:
    process = EmulatorProcess(tmp_path / "data")
    try:
        told = process.start()
        fault(told, fault="status", status=500, method="CheckTransaction")
        process.stop()
        told = process.start()
        assert [rule["fault"] for rule in get_json(f"{told['dev']}/faults")["rules"]] == ["status"]
        assert post_json(f"{told['dev']}/reset", {}).status == 200
        assert get_json(f"{told['dev']}/faults") == {"rules": []}
        assert not (tmp_path / "data" / "faults.json").exists()
    finally:
        process.kill()
