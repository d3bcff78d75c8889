"""Traffic: what is kept, what is hidden, how it is read, and sending a request again."""

import base64
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from helpers_emulator import (
    CARD,
    CODE,
    Browser,
    EmulatorProcess,
    call,
    emulator_process,
    get_json,
    post_json,
    verified_token,
)
from tiyin.emulator.traffic import (
    BODY_MAX,
    EXCHANGES_MAX,
    Exchange,
    Traffic,
    curl,
    error_code,
    method_of,
    received,
    sent,
)
from tiyin.protocol.authorization import write_basic

KEY = "kX8&aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa1"
DESK = "0123456789abcdef01234567"


def exchange(**changed: Any) -> Exchange:
    request = sent("POST", "http://shop.example/payme", {}, b'{"method": "CheckTransaction"}')
    return Exchange(**{"at_ms": 1, "took_ms": 2, "direction": "merchant", "request": request, **changed})


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorProcess, dict[str, Any]]]:
    with emulator_process(tmp_path_factory.mktemp("traffic") / "data") as started:
        yield started


@pytest.fixture
def told(running: tuple[EmulatorProcess, dict[str, Any]]) -> dict[str, Any]:
    return running[1]


def paid_order(told: dict[str, Any]) -> tuple[str, str]:
    """Pay a new order of the demo shop; gives the order's id and the card's token."""
    order = post_json(f"{told['shop']}/orders", {"amount": 500_000}).json["order_id"]
    desk = told["desks"][0]
    token = verified_token(told, desk)
    made = call(told, desk, "receipts.create", key=True, amount=500_000, account={"order_id": order})
    call(told, desk, "receipts.pay", key=True, id=made["receipt"]["_id"], token=token)
    return order, token


def traffic(told: dict[str, Any], query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = get_json(f"{told['dev']}/traffic?{query}")
    return found


def test_exchanges_are_numbered_bounded_and_kept(tmp_path: Path) -> None:
    kept = Traffic(tmp_path / "traffic.jsonl")
    for number in range(1, 3 * EXCHANGES_MAX + 1):
        assert kept.add(exchange()).number == number
    assert len(kept.select()) == EXCHANGES_MAX
    assert len((tmp_path / "traffic.jsonl").read_bytes().splitlines()) <= 2 * EXCHANGES_MAX
    again = Traffic(tmp_path / "traffic.jsonl")
    assert again.select() == kept.select()
    assert again.newest == 3 * EXCHANGES_MAX
    assert again.find(1) is None
    assert again.find(again.newest) is not None


def test_a_line_that_a_crash_cut_off_costs_that_line_only(tmp_path: Path) -> None:
    path = tmp_path / "traffic.jsonl"
    Traffic(path).add(exchange())
    with path.open("ab") as file:
        file.write(b'{"number": 2, "at_')
    kept = Traffic(path)
    kept.add(exchange())
    assert [one.number for one in Traffic(path).select()] == [2, 1]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no permission bits")
def test_traffic_is_its_owners_alone(tmp_path: Path) -> None:
    Traffic(tmp_path / "traffic.jsonl").add(exchange())
    assert (tmp_path / "traffic.jsonl").stat().st_mode & 0o077 == 0


def test_exchanges_are_selected(tmp_path: Path) -> None:
    kept = Traffic(tmp_path / "traffic.jsonl")
    kept.add(exchange(desk=DESK, desk_name="Shop", method="A"))
    kept.add(exchange(direction="api", method="B"))
    kept.add(exchange(desk=DESK, desk_name="Shop", method="B"))

    def numbers(**asked: Any) -> list[int]:
        return [one.number for one in kept.select(**asked)]

    assert numbers() == [3, 2, 1]
    assert numbers(after=1) == [3, 2]
    assert numbers(limit=1) == [3]
    assert numbers(desk=DESK) == numbers(desk="Shop") == [3, 1]
    assert numbers(method="B") == [3, 2]
    assert numbers(direction="api") == [2]
    assert numbers(method="B", direction="merchant", after=3) == []


def test_forgetting_goes_on_counting(tmp_path: Path) -> None:
    kept = Traffic(tmp_path / "traffic.jsonl")
    kept.add(exchange())
    kept.forget()
    assert kept.select() == []
    assert not (tmp_path / "traffic.jsonl").exists()
    assert kept.add(exchange()).number == 2


def test_secrets_are_hidden_before_anything_is_kept() -> None:
    headers = {"authorization": write_basic("Paycom", KEY), "content-type": "application/json"}
    body = json.dumps({"method": "ChangePassword", "params": {"password": KEY}}).encode()
    echo = f"wrong key {KEY} in {headers['authorization']}".encode()
    request = sent("POST", "http://shop.example", headers, body)
    answer = received(200, {"www-authenticate": KEY}, echo, headers)
    told = repr(request) + repr(answer) + curl(exchange(request=request))
    assert KEY not in told
    assert base64.b64encode(f"Paycom:{KEY}".encode()).decode() not in told
    assert request.altered
    caller = sent("POST", "/api", {"x-auth": f"{DESK}:{KEY}"}, b"{}")
    assert caller.headers == {"x-auth": f"{DESK}:[hidden]"}
    assert sent("POST", "/api", {"x-auth": f"nonsense:{KEY}"}, b"{}").headers == {"x-auth": "[hidden]"}
    assert not caller.altered


def test_a_body_without_end_is_cut_and_says_so() -> None:
    request = sent("POST", "/api", {}, b"x" * (BODY_MAX * 2))
    assert request.altered
    assert len(request.body) == BODY_MAX + 1


@pytest.mark.parametrize(
    "body", [b"", b"\xff\xfe", b"[" * 100_000, b"5", b"[]", b'{"method": 5, "error": 6}']
)
def test_any_body_can_be_kept(body: bytes) -> None:
    assert method_of(body) is None
    assert error_code(body) is None
    shown = received(200, {}, body, {})
    assert curl(exchange(request=sent("POST", "/api", {}, body), answer=shown)).startswith("curl ")


def test_both_sides_of_a_payment_are_recorded(told: dict[str, Any]) -> None:
    before = traffic(told)["newest"]
    order, _ = paid_order(told)
    found = traffic(told, f"after={before}")["exchanges"]
    assert [(one["direction"], one["method"]) for one in reversed(found)] == [
        ("api", "cards.create"),
        ("api", "cards.get_verify_code"),
        ("api", "cards.verify"),
        ("merchant", "CheckPerformTransaction"),
        ("api", "receipts.create"),
        ("merchant", "CheckPerformTransaction"),
        ("merchant", "CreateTransaction"),
        ("merchant", "PerformTransaction"),
        ("api", "receipts.pay"),
    ]
    desk = told["desks"][0]
    assert {(one["desk"], one["desk_name"]) for one in found} == {(desk["id"], desk["name"])}
    perform = found[1]
    assert perform["request"]["url"] == desk["endpoint"]
    assert json.loads(perform["answer"]["body"])["result"]["state"] == 2
    assert perform["answer"]["status"] == 200
    create = found[2]
    assert json.loads(create["request"]["body"])["params"]["account"] == {"order_id": order}


def test_no_secret_is_in_the_file_or_in_an_answer(
    running: tuple[EmulatorProcess, dict[str, Any]],
) -> None:
    process, told = running
    _, token = paid_order(told)
    desk = told["desks"][0]
    post_json(
        told["api"], {"method": "cards.check", "params": {"token": token}}, {"x-auth": "a:" + desk["key"]}
    )
    kept = (process.data / "traffic.jsonl").read_text()
    listed = json.dumps(traffic(told))
    page = Browser().get(f"{told['dev']}/traffic/{traffic(told)['newest']}").text
    secrets = [CARD["number"], token, f'"{CODE}"']
    for one in told["desks"]:
        for key in (one["key"], one["test_key"]):
            secrets += [key, base64.b64encode(f"Paycom:{key}".encode()).decode()]
    for text in (kept, listed, page):
        assert [secret for secret in secrets if secret in text] == []
    assert "860006******6311" in kept


def test_the_long_poll_answers_when_there_is_something(told: dict[str, Any]) -> None:
    newest = traffic(told)["newest"]
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(traffic, told, f"after={newest}&wait_ms=30000&method=receipts.check")
        post_json(told["api"], {"method": "cards.check"})
        post_json(told["api"], {"method": "receipts.check"})
        (found,) = waiting.result(timeout=29)["exchanges"]
    assert found["method"] == "receipts.check"
    assert traffic(told, f"after={found['number']}&wait_ms=50")["exchanges"] == []
    # Whoever believes in a higher number than there is does not wait for it.
    assert traffic(told, "after=1000000&wait_ms=30000")["newest"] < 1_000_000


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=-1", "after"),
        ("after=x", "after"),
        ("limit=501", "limit"),
        ("wait_ms=30001", "wait_ms"),
        ("direction=up", "direction"),
        ("desk=nobody", "desk"),
    ],
)
def test_a_wrong_filter_is_named(told: dict[str, Any], query: str, field: str) -> None:
    answer = Browser().ask("GET", f"{told['dev']}/traffic?{query}")
    assert answer.status == 400
    assert answer.json["field"] == field


def test_a_merchants_request_is_sent_again_with_todays_key(told: dict[str, Any]) -> None:
    paid_order(told)
    number = traffic(told, "method=PerformTransaction")["exchanges"][0]["number"]
    again = post_json(f"{told['dev']}/traffic/{number}/resend", {})
    assert again.status == 200
    assert again.json["resent_from"] == number
    first = get_json(f"{told['dev']}/traffic/{number}")
    assert again.json["request"]["body"] == first["request"]["body"]
    assert json.loads(again.json["answer"]["body"])["result"] == json.loads(first["answer"]["body"])["result"]
    assert traffic(told)["exchanges"][0]["number"] == again.json["number"]


def test_a_callers_request_is_sent_again_if_nothing_in_it_was_hidden(told: dict[str, Any]) -> None:
    paid_order(told)
    created = traffic(told, "method=receipts.create")["exchanges"][0]
    again = post_json(f"{told['dev']}/traffic/{created['number']}/resend", {})
    assert (again.json["method"], again.json["resent_from"]) == ("receipts.create", created["number"])
    # The order is paid: the answer is the merchant's refusal, so that the key was good.
    assert again.json["code"] == -31610
    paying = traffic(told, "method=receipts.pay")["exchanges"][0]
    refused = post_json(f"{told['dev']}/traffic/{paying['number']}/resend", {})
    assert refused.status == 409
    assert "was hidden" in refused.json["error"]
    assert post_json(f"{told['dev']}/traffic/999999/resend", {}).status == 404


def test_the_pages_show_what_was_said_and_send_it_again(told: dict[str, Any]) -> None:
    paid_order(told)
    browser = Browser()
    page = browser.get(f"{told['dev']}/traffic?lang=en&method=PerformTransaction")
    newest = traffic(told, "method=PerformTransaction")["exchanges"][0]["number"]
    assert f"/dev/traffic/{newest}?lang=en" in page.text
    one = browser.get(f"{told['dev']}/traffic/{newest}?lang=en")
    assert "perform_time" in one.text
    assert "Paycom:$KEY" in one.text
    again = browser.submit(one)
    assert again.url != one.url
    assert f"<dd>{newest}</dd>" in again.text
    assert browser.get(f"{told['dev']}/traffic/999999").status == 404


def test_what_others_say_is_text_on_the_pages(told: dict[str, Any]) -> None:
    nasty = "<script>alert(1)</script>%s"
    post_json(told["api"], {"method": nasty, "params": {"x": nasty}}, {"x-nasty": nasty})
    rule = {"fault": "malformed", "body": nasty, "method": "CheckTransaction", "times": 1}
    assert post_json(f"{told['dev']}/faults", rule).status == 200
    event = {"event": "merchant.check_transaction", "params": {"id": nasty}}
    assert post_json(f"{told['dev']}/trigger", event).status == 200
    number = traffic(told)["newest"]
    for path in ("", f"/{number}", f"/{number - 1}"):
        page = Browser().get(f"{told['dev']}/traffic{path}?lang=ru&method=")
        assert page.status == 200
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/traffic"),
        ("GET", "/traffic/1"),
        ("POST", "/traffic/1/resend"),
        ("GET", "/trigger"),
        ("POST", "/trigger"),
    ],
)
def test_another_sites_page_sees_nothing(told: dict[str, Any], method: str, path: str) -> None:
    before = traffic(told)["newest"]
    for headers in ({"sec-fetch-site": "cross-site"}, {"host": "attacker.example"}):
        body = b'{"event": "payment"}'
        answer = Browser().ask(method, f"{told['dev']}{path}", body if method == "POST" else b"", headers)
        assert answer.status == 403
    assert traffic(told)["newest"] == before


def test_a_caller_who_sends_rubbish_is_recorded(told: dict[str, Any]) -> None:
    answer = Browser().ask("POST", told["api"], b"\xff{", {"x-auth": "x" * 3000})
    assert answer.json["error"]["code"] == -32504
    newest = traffic(told)["exchanges"][0]
    assert (newest["method"], newest["desk"], newest["code"]) == (None, None, -32504)
    assert newest["request"]["headers"]["x-auth"] == "[hidden]"


@pytest.mark.kill
def test_traffic_outlives_a_restart_and_ends_with_a_reset(tmp_path: Path) -> None:
    process = EmulatorProcess(tmp_path / "data")
    try:
        told = process.start()
        paid_order(told)
        before = traffic(told)
        process.kill()
        told = process.start()
        assert traffic(told) == before
        assert post_json(f"{told['dev']}/reset", {}).status == 200
        assert traffic(told)["exchanges"] == []
        post_json(told["api"], {"method": "cards.check"})
        assert [one["number"] for one in traffic(told)["exchanges"]] == [before["newest"] + 1]
    finally:
        process.kill()
