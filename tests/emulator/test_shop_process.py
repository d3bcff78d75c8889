"""The demo shop as a process of its own: killed and started again, it answers as if nothing had happened."""

import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from helpers_emulator import Browser, free_port, get_json, post_json
from tiyin.protocol.checkout_link import read_link

pytestmark = pytest.mark.kill

DESK = "587f72c72cac0d162c722ae2"
KEY = "key:with?marks%"
TRANSACTION = "5305e3bab097f420a62ced0b"


class ShopProcess:
    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}/shop"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [
            sys.executable,
            "-m",
            "tiyin.emulator.shop",
            "--port",
            str(self.port),
            "--data",
            str(self.data),
        ]
        command += [
            "--checkout",
            "http://127.0.0.1:9",
            "--desk",
            DESK,
            "--key",
            KEY,
            "--test-key",
            "the-test-key",
        ]
        self.process = subprocess.Popen(command)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            assert self.process.poll() is None
            try:
                if Browser().ask("GET", self.address).status == 200:
                    return
            except OSError:
                time.sleep(0.05)
        raise AssertionError("the shop did not answer")

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def payme(self, method: str, **params: object) -> Any:
        basic = b64encode(f"Paycom:{KEY}".encode()).decode()
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = post_json(f"{self.address}/payme", body, {"authorization": f"Basic {basic}"}).json
        assert "error" not in answer, answer
        return answer["result"]


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[ShopProcess]:
    process = ShopProcess(tmp_path)
    process.start()
    yield process
    process.kill()


def test_a_killed_shop_goes_on_where_it_stood(shop: ShopProcess) -> None:
    made = post_json(f"{shop.address}/orders", {"amount": 500_000, "lang": "en"}).json
    request = read_link(made["pay_url"].rpartition("/")[2])
    assert (request.merchant, request.account, request.lang) == (DESK, {"order_id": "1"}, "en")
    assert request.callback == f"{shop.address}/orders/1?lang=en"

    account = {"order_id": made["order_id"]}
    create = {"id": TRANSACTION, "time": time.time_ns() // 1_000_000, "amount": 500_000, "account": account}
    assert shop.payme("CheckPerformTransaction", amount=500_000, account=account)["allow"] is True
    created = shop.payme("CreateTransaction", **create)
    assert get_json(f"{shop.address}/orders/1")["state"] == "reserved"

    shop.kill()
    shop.start()
    assert shop.payme("CreateTransaction", **create) == created
    performed = shop.payme("PerformTransaction", id=TRANSACTION)
    shop.kill()
    shop.start()
    assert shop.payme("PerformTransaction", id=TRANSACTION) == performed
    order = get_json(f"{shop.address}/orders/1")
    assert (order["state"], order["hooks"]["create"], order["hooks"]["perform"]) == ("paid", 1, 1)

    cancelled = shop.payme("CancelTransaction", id=TRANSACTION, reason=5)
    assert cancelled["state"] == -2
    order = get_json(f"{shop.address}/orders/1")
    assert (order["state"], order["hooks"]["cancel"]) == ("cancelled", 1)
    assert post_json(f"{shop.address}/orders", {"amount": 1}).json["order_id"] == "2"


def test_an_order_is_open_again_after_an_unpaid_transaction(shop: ShopProcess) -> None:
    made = post_json(f"{shop.address}/orders", {"product": "bread"}).json
    account = {"order_id": made["order_id"]}
    time_ms = time.time_ns() // 1_000_000
    detail = shop.payme("CheckPerformTransaction", amount=1_200_000, account=account)["detail"]
    assert detail["items"][0]["price"] == 1_200_000
    shop.payme("CreateTransaction", id=TRANSACTION, time=time_ms, amount=1_200_000, account=account)
    assert shop.payme("CancelTransaction", id=TRANSACTION, reason=3)["state"] == -1
    assert get_json(f"{shop.address}/orders/1")["state"] == "waiting"
    other = TRANSACTION[:-1] + "c"
    shop.payme("CreateTransaction", id=other, time=time_ms, amount=1_200_000, account=account)
    shop.payme("PerformTransaction", id=other)
    assert get_json(f"{shop.address}/orders/1")["state"] == "paid"
