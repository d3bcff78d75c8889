"""The emulator as a real process, used from outside by plain HTTP, the way any language would use it.

One emulator serves the tests that only add to it; those that stop, kill or reset one start their own.
"""

import json
import resource
import signal
import socket
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers_emulator import (
    CARD,
    Browser,
    EmulatorProcess,
    call,
    emulator_process,
    get_json,
    invoke,
    post_json,
    verified_token,
)

pytestmark = pytest.mark.kill

LATER_START_CPU_S = 3.0
LATER_START_WALL_S = 20.0


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EmulatorProcess, dict[str, Any]]]:
    with emulator_process(tmp_path_factory.mktemp("emulator") / "data") as started:
        yield started


@pytest.fixture
def told(running: tuple[EmulatorProcess, dict[str, Any]]) -> dict[str, Any]:
    return running[1]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[EmulatorProcess]:
    own = EmulatorProcess(tmp_path / "data")
    yield own
    own.kill()


def new_order(told: dict[str, Any], amount_tiyin: int = 500_000) -> dict[str, Any]:
    answer = post_json(f"{told['shop']}/orders", {"amount": amount_tiyin})
    assert answer.status == 200
    made: dict[str, Any] = answer.json
    return made


def order_of(told: dict[str, Any], order_id: str) -> dict[str, Any]:
    found: dict[str, Any] = get_json(f"{told['shop']}/orders/{order_id}")
    return found


def pay_by_api(told: dict[str, Any], order_id: str, amount_tiyin: int = 500_000) -> dict[str, Any]:
    """Pay an order of the demo shop through the Subscribe API of its desk."""
    desk = told["desks"][0]
    token = verified_token(told, desk)
    made = call(told, desk, "receipts.create", key=True, amount=amount_tiyin, account={"order_id": order_id})
    answer = call(told, desk, "receipts.pay", key=True, id=made["receipt"]["_id"], token=token)
    paid: dict[str, Any] = answer["receipt"]
    return paid


def test_emulator_json_is_as_the_outside_counts_on(running: tuple[EmulatorProcess, dict[str, Any]]) -> None:
    process, told = running
    root = process.address
    assert {name: value for name, value in told.items() if name != "desks"} == {
        "gateway": root,
        "api": f"{root}/api",
        "checkout": root,
        "cabinet": f"{root}/cabinet",
        "sandbox": f"{root}/sandbox",
        "shop": f"{root}/shop",
        "dev": f"{root}/dev",
    }
    shop, terminal, provider, tea_house = told["desks"]
    for desk in told["desks"]:
        assert set(desk) == {"id", "name", "kind", "key", "test_key", "endpoint", "account"}
        assert len(desk["id"]) == 24
        assert len(desk["key"]) == len(desk["test_key"]) == 36
    assert (shop["kind"], shop["endpoint"], shop["account"]) == (
        "billing",
        f"{root}/shop/payme",
        ["order_id"],
    )
    assert (terminal["kind"], terminal["endpoint"], terminal["account"]) == ("virtual-terminal", None, [])
    assert (provider["kind"], provider["endpoint"], provider["account"]) == ("no-billing", None, ["contract"])
    assert (tea_house["kind"], tea_house["endpoint"], tea_house["account"]) == ("on-site", None, [])


def test_a_receipt_of_the_virtual_terminal_is_paid(told: dict[str, Any]) -> None:
    terminal = told["desks"][1]
    card = call(told, terminal, "cards.create", key=False, card=CARD, save=True)["card"]
    assert (card["number"], card["expire"], card["verify"]) == ("860006******6311", "03/99", False)
    sent = call(told, terminal, "cards.get_verify_code", key=False, token=card["token"])
    assert sent["sent"] is True
    newest = get_json(f"{told['dev']}/inbox")["messages"][0]
    verified = call(told, terminal, "cards.verify", key=False, token=card["token"], code=newest["code"])[
        "card"
    ]
    assert verified["verify"] is True
    receipt = call(told, terminal, "receipts.create", key=True, amount=250_000, account={"anything": "goes"})[
        "receipt"
    ]
    assert receipt["state"] == 0
    paid = call(told, terminal, "receipts.pay", key=True, id=receipt["_id"], token=verified["token"])[
        "receipt"
    ]
    assert paid["state"] == 4
    assert call(told, terminal, "receipts.check", key=True, id=receipt["_id"]) == {"state": 4}


def test_an_order_is_paid_on_the_checkout_page_by_plain_forms(told: dict[str, Any]) -> None:
    made = new_order(told)
    browser = Browser()
    page = browser.get(made["pay_url"])
    assert page.status == 200
    assert "5\u00a0000" in page.text or "5 000" in page.text
    page = browser.submit(page, number="8600 0691 9540 6311", expire="03/99")
    code = get_json(f"{told['dev']}/inbox")["messages"][0]["code"]
    browser.submit(page, code=code)
    order = order_of(told, made["order_id"])
    assert (order["state"], order["amount"]) == ("paid", 500_000)
    assert order["hooks"]["check"] >= 1
    assert {name: order["hooks"][name] for name in ("create", "perform", "cancel")} == {
        "create": 1,
        "perform": 1,
        "cancel": 0,
    }
    order_page = browser.get(f"{told['shop']}/orders/{made['order_id']}?lang=ru")
    assert "Заказ оплачен" in order_page.text


def test_a_product_of_the_shop_page_leads_to_its_payment_page(told: dict[str, Any]) -> None:
    browser = Browser()
    front = browser.get(f"{told['shop']}?lang=en")
    assert front.text.count("Pay with Payme") == 3
    page = browser.submit(front, product="tea")
    assert page.url.startswith(told["checkout"])
    assert "/shop" not in page.url
    assert page.status == 200


def test_orders_are_numbered_in_a_row(told: dict[str, Any]) -> None:
    numbers = [int(new_order(told)["order_id"]) for _ in range(5)]
    assert numbers == list(range(numbers[0], numbers[0] + 5))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        b'{"amount": 0}',
        b'{"amount": -1}',
        b'{"amount": 1.5}',
        b'{"amount": "500000"}',
        b'{"amount": true}',
        b'{"amount": 10000000000001}',
        b'{"amount": null}',
        b'{"product": "gold"}',
        b'{"amount": 5, "lang": "fr"}',
        b"[" * 10_000,
        b'{"amount": 5, "x": "' + b"y" * 20_000 + b'"}',
    ],
    ids=range(15),
)
def test_a_bad_order_is_refused_with_a_sentence(told: dict[str, Any], body: bytes) -> None:
    answer = Browser().ask("POST", f"{told['shop']}/orders", body, {"content-type": "application/json"})
    assert answer.status == 400
    assert answer.json["error"].endswith(".")


def test_an_order_that_does_not_exist_is_404(told: dict[str, Any]) -> None:
    answer = Browser().ask("GET", f"{told['shop']}/orders/999999")
    assert (answer.status, answer.json["field"]) == (404, "order_id")
    page = Browser().get(f"{told['shop']}/orders/999999?lang=uz")
    assert (page.status, "Buyurtma topilmadi" in page.text) == (404, True)


def test_the_shop_takes_either_key_and_no_other(told: dict[str, Any]) -> None:
    shop = told["desks"][0]
    request = {"id": 7, "method": "CheckTransaction", "params": {"id": "0" * 24}}
    codes = []
    for key in (shop["key"], shop["test_key"], "wrong"):
        basic = b64encode(f"Paycom:{key}".encode()).decode()
        codes.append(
            post_json(shop["endpoint"], request, {"authorization": f"Basic {basic}"}).json["error"]["code"]
        )
    assert codes == [-31003, -31003, -32504]


def test_the_clock_turns_forward_only(told: dict[str, Any]) -> None:
    before = get_json(f"{told['dev']}/clock")
    turned = post_json(f"{told['dev']}/clock", {"advance_ms": 3_600_000}).json
    assert turned["offset_ms"] == before["offset_ms"] + 3_600_000
    assert 3_600_000 <= turned["now_ms"] - before["now_ms"] < 3_660_000
    for wrong in (-1, 1.5, "60000", True, None, 10**15):
        answer = post_json(f"{told['dev']}/clock", {"advance_ms": wrong})
        assert (answer.status, answer.json["field"]) == (400, "advance_ms")
    assert get_json(f"{told['dev']}/clock")["offset_ms"] == turned["offset_ms"]


def test_a_turned_clock_frees_an_unpaid_order(told: dict[str, Any]) -> None:
    """Goal: the twelve hours of a transaction pass by turning the clock, without another call about it."""
    shop = told["desks"][0]
    made = new_order(told)
    now_ms = get_json(f"{told['dev']}/clock")["now_ms"]
    params = {"id": "f" * 24, "time": now_ms, "amount": 500_000, "account": {"order_id": made["order_id"]}}
    basic = b64encode(f"Paycom:{shop['key']}".encode()).decode()
    request = {"id": 1, "method": "CreateTransaction", "params": params}
    created = post_json(shop["endpoint"], request, {"authorization": f"Basic {basic}"}).json
    assert created["result"]["state"] == 1
    assert order_of(told, made["order_id"])["state"] == "reserved"
    post_json(f"{told['dev']}/clock", {"advance_ms": 43_200_001})
    deadline = time.monotonic() + 20
    while order_of(told, made["order_id"])["state"] == "reserved" and time.monotonic() < deadline:
        time.sleep(0.05)
    order = order_of(told, made["order_id"])
    assert (order["state"], order["hooks"]["cancel"]) == ("waiting", 1)


@pytest.mark.parametrize("path", ["/dev", "/dev/inbox", "/shop", "/"])
@pytest.mark.parametrize("language", ["ru", "uz", "en"])
def test_every_page_opens_in_every_language(told: dict[str, Any], path: str, language: str) -> None:
    page = Browser().get(f"{told['gateway']}{path}?lang={language}", {"accept-language": language})
    assert page.status == 200
    assert f'<html lang="{language}">' in page.text


def test_dev_is_not_for_other_pages(told: dict[str, Any]) -> None:
    for headers in (
        {"host": "evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"origin": "http://evil.example"},
    ):
        assert Browser().ask("POST", f"{told['dev']}/reset", b"", headers).status == 403
        assert Browser().ask("GET", f"{told['dev']}/inbox", headers=headers).status == 403


def test_verify_finds_the_books_clean(running: tuple[EmulatorProcess, dict[str, Any]]) -> None:
    process, told = running
    made = new_order(told)
    assert pay_by_api(told, made["order_id"])["state"] == 4
    verified = invoke("verify", "--data", str(process.data))
    assert (verified.exit_code, "CLEAN" in verified.stdout) == (0, True), verified.stdout + verified.stderr


def test_a_restart_keeps_everything(process: EmulatorProcess) -> None:
    """Goal: what was answered is there again after a stop, at another port, with a turned clock."""
    told = process.start()
    paid = new_order(told)
    pay_by_api(told, paid["order_id"])
    open_order = new_order(told, 700)
    post_json(f"{told['dev']}/clock", {"advance_ms": 86_400_000})
    inbox = get_json(f"{told['dev']}/inbox")
    assert process.stop() == 0
    assert not (process.data / "emulator.json").exists()

    moved = EmulatorProcess(process.data)
    try:
        again = moved.start()
        keys = [(desk["id"], desk["key"], desk["test_key"]) for desk in told["desks"]]
        assert [(desk["id"], desk["key"], desk["test_key"]) for desk in again["desks"]] == keys
        assert again["desks"][0]["endpoint"] == f"{moved.address}/shop/payme"
        assert order_of(again, paid["order_id"])["state"] == "paid"
        assert order_of(again, open_order["order_id"])["state"] == "waiting"
        assert get_json(f"{again['dev']}/clock")["offset_ms"] == 86_400_000
        assert get_json(f"{again['dev']}/inbox") == inbox
        # The gateway calls the shop where it is now.
        assert pay_by_api(again, open_order["order_id"], 700)["state"] == 4
        assert new_order(again)["order_id"] == "3"
    finally:
        moved.kill()


def test_a_killed_emulator_starts_again_and_nothing_is_lost(process: EmulatorProcess) -> None:
    told = process.start()
    made = new_order(told)
    pay_by_api(told, made["order_id"])
    process.kill()
    again = process.start()
    assert order_of(again, made["order_id"])["state"] == "paid"
    assert invoke("verify", "--data", str(process.data)).exit_code == 0


def test_a_later_start_is_quick(process: EmulatorProcess) -> None:
    process.start()
    process.stop()
    before_s = cpu_of_children_s()
    process.start()
    process.stop()
    # Start and stop together, in the process's own time: what else this machine does is not counted.
    assert cpu_of_children_s() - before_s < LATER_START_CPU_S
    assert process.ready_s < LATER_START_WALL_S


def cpu_of_children_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def test_ctrl_c_stops_quickly_and_well(process: EmulatorProcess) -> None:
    told = process.start()
    connection = socket.create_connection(("127.0.0.1", process.port))
    connection.sendall(b"GET /dev/clock HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    connection.recv(4096)
    assert told["gateway"] == process.address
    assert process.stop(signal.SIGINT) == 0
    connection.close()
    assert "goes on from there" in process.log.read_text()


def test_reset_forgets_data_and_keeps_desks(process: EmulatorProcess) -> None:
    told = process.start()
    made = new_order(told)
    pay_by_api(told, made["order_id"])
    post_json(f"{told['dev']}/clock", {"advance_ms": 5_000})
    answer = post_json(f"{told['dev']}/reset", {})
    assert (answer.status, answer.json) == (200, {"reset": True})
    assert get_json(f"{told['dev']}/inbox") == {"messages": []}
    assert get_json(f"{told['dev']}/clock")["offset_ms"] == 0
    assert Browser().ask("GET", f"{told['shop']}/orders/1").status == 404
    assert json.loads((process.data / "emulator.json").read_text()) == told
    again = new_order(told)
    assert again["order_id"] == "1"
    assert pay_by_api(told, "1")["state"] == 4


def test_reset_at_the_start_makes_another_emulator(process: EmulatorProcess) -> None:
    told = process.start()
    new_order(told)
    process.stop()
    again = process.start("--reset")
    assert again["desks"][0]["id"] != told["desks"][0]["id"]
    assert new_order(again)["order_id"] == "1"
