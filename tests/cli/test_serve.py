"""`tiyin serve`: it refuses to start with sentences, and it has neither `/dev` nor a demo shop."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from helpers_emulator import CARD, Browser, call, free_port, invoke, run_tiyin, verified_token

VAULT_KEYS = "k1:" + "A" * 43 + "="


def settings(tmp_path: Path, **changes: str) -> dict[str, str]:
    good = {
        "TIYIN_DATABASE_URL": f"sqlite:///{tmp_path / 'gateway.db'}",
        "TIYIN_PUBLIC_URL": "http://127.0.0.1:1",
        "TIYIN_VAULT_KEYS": VAULT_KEYS,
        "TIYIN_TEST_CARDS": "true",
    }
    return {name: value for name, value in {**good, **changes}.items() if value}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"TIYIN_DATABASE_URL": ""}, "TIYIN_DATABASE_URL"),
        ({"TIYIN_PUBLIC_URL": ""}, "TIYIN_PUBLIC_URL"),
        ({"TIYIN_PUBLIC_URL": "pay.example.uz"}, "TIYIN_PUBLIC_URL"),
        ({"TIYIN_PUBLIC_URL": "https://pay.example.uz/below"}, "TIYIN_PUBLIC_URL"),
        ({"TIYIN_OFFER_URL": "javascript:alert(1)"}, "TIYIN_OFFER_URL"),
        ({"TIYIN_VAULT_KEYS": ""}, "TIYIN_VAULT_KEYS"),
        ({"TIYIN_VAULT_KEYS": "k1:c2hvcnQ="}, "TIYIN_VAULT_KEYS"),
        ({"TIYIN_TEST_CARDS": "perhaps"}, "TIYIN_TEST_CARDS"),
        ({"TIYIN_PORT": "99999"}, "TIYIN_PORT"),
    ],
)
def test_wrong_settings_are_told(tmp_path: Path, changes: dict[str, str], said: str) -> None:
    refused = invoke("serve", environ=settings(tmp_path, **changes))
    assert (refused.exit_code, said in refused.stderr) == (2, True), refused.stderr
    assert "c2hvcnQ=" not in refused.stderr


@pytest.mark.parametrize("url", ["mysql://x", "postgresql://postgres@127.0.0.1:1/nobody"])
def test_a_database_that_cannot_be_reached_is_told(tmp_path: Path, url: str) -> None:
    refused = run_tiyin("serve", environ=settings(tmp_path, TIYIN_DATABASE_URL=url))
    assert (refused.returncode, "TIYIN_DATABASE_URL" in refused.stderr) == (2, True), refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_database_that_is_not_current_is_told(tmp_path: Path) -> None:
    refused = run_tiyin("serve", environ=settings(tmp_path))
    assert (refused.returncode, "tiyin db upgrade" in refused.stderr) == (2, True)
    assert not (tmp_path / "gateway.db").exists()


def test_a_gateway_that_could_debit_nobody_does_not_start(tmp_path: Path) -> None:
    environ = settings(tmp_path, TIYIN_TEST_CARDS="false")
    invoke("db", "upgrade", environ=environ)
    refused = run_tiyin("serve", environ=environ)
    assert (refused.returncode, "TIYIN_TEST_CARDS" in refused.stderr) == (2, True)


@pytest.mark.kill
async def test_it_serves_without_dev_takes_a_payment_and_stops_well(tmp_path: Path, store_url: str) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environ = settings(tmp_path, TIYIN_PORT=str(port), TIYIN_PUBLIC_URL=address, TIYIN_DATABASE_URL=store_url)
    assert run_tiyin("db", "upgrade", environ=environ).returncode == 0
    desk = new_terminal(environ)
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs in this loop
            [sys.executable, "-m", "tiyin.cli", "serve"], env=environ, stdout=log, stderr=log
        )
    try:
        wait_until_it_answers(process, f"{address}/healthz")
        for path in ("/dev", "/dev/clock", "/dev/inbox", "/shop"):
            assert Browser().ask("GET", f"{address}{path}").status == 404
        told = {"api": f"{address}/api"}
        receipt = call(told, desk, "receipts.create", key=True, amount=700, account={"a": "b"})["receipt"]
        token = verified_token(told, desk)
        paid = call(told, desk, "receipts.pay", key=True, id=receipt["_id"], token=token)["receipt"]
        assert paid["state"] == 4
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
    written = (tmp_path / "log").read_text()
    assert "Stopped" in written
    assert CARD["number"] not in written
    assert run_tiyin("verify", environ=environ).returncode == 0


def new_terminal(environ: dict[str, str]) -> dict[str, str]:
    """Make a virtual terminal the way an operator does."""
    business = run_tiyin("business", "create", "--name", "Choyxona", environ=environ).stdout.split()[1]
    options = ["--business", business, "--name", "Kassa", "--kind", "virtual-terminal"]
    words = run_tiyin("desk", "create", *options, environ=environ).stdout.split()
    return {"id": words[1], "key": words[3]}


def wait_until_it_answers(process: "subprocess.Popen[bytes]", url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        assert process.poll() is None
        try:
            if Browser().ask("GET", url).status == 200:
                return
        except OSError:
            time.sleep(0.05)
    raise AssertionError("the gateway did not answer")
