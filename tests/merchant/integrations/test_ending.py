"""A server that is told to stop while a hook runs: the hook ends, and what it did is known afterwards."""

import json
import signal
from pathlib import Path

from helpers_examples import running
from helpers_merchant import KEY, Payme, QuietShop, payme_id
from tiyin.merchant import MerchantApi
from tiyin.protocol.authorization import write_basic
from tiyin.runtime.clock import SystemClock

HERE = Path(__file__).parent
NOW_MS = SystemClock().now_ms()


def create() -> bytes:
    params = {"id": payme_id(1), "time": NOW_MS, "amount": 500_000, "account": {"order_id": 1}}
    return json.dumps({"id": 1, "method": "CreateTransaction", "params": params}).encode()


async def test_a_hook_ends_when_gunicorn_stops_gently(tmp_path: Path, store_url: str) -> None:
    """Goal: Payme got its -32400 after the patience; the worker stays until the hook's outcome is written."""
    may_end = tmp_path / "may"
    command = [
        "gunicorn",
        "--no-control-socket",
        "-b",
        "127.0.0.1:{port}",
        "--graceful-timeout",
        "20",
        "ending_app:app",
    ]
    environ = {"PAYME_STORE": store_url, "HOOK_MAY_END": str(may_end)}
    path = f"{HERE}:{HERE.parent.parent}"
    with running(command, tmp_path, PYTHONPATH=path, **environ) as shop:
        headers = {"Authorization": write_basic("Paycom", KEY)}
        _, _, body = shop.ask("POST", "/payme", create(), headers)
        assert json.loads(body)["error"]["code"] == -32400
        assert may_end.with_suffix(".begun").exists()
        shop.process.send_signal(signal.SIGTERM)
        may_end.touch()
        shop.process.wait(20)
    assert "Traceback" not in shop.log.replace("StillRunningError", "")
    async with MerchantApi(QuietShop(), store_url, KEY) as api:
        assert (await Payme(api).check(1))["state"] == 1
