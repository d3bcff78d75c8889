"""The examples as processes under their real servers, and the sandbox's command run against them."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import psutil

from helpers_emulator import free_port, run_tiyin

__all__ = ["AMOUNT_TIYIN", "EXAMPLES", "KEY", "Example", "ask", "running", "sandbox_says", "settings"]

EXAMPLES = Path(__file__).parent.parent / "examples"
KEY = "example?key&of:the-sandbox%0123456789"
AMOUNT_TIYIN = 500_000

_DESK = "587f72c72cac0d162c722ae2"
_READY_S = 40.0
_STOP_S = 15.0
# As quick as Python can be: the sandbox runs it for each account that it needs, dozens of times. To import
# `http.client` takes three times as long as all the rest, and `socket` half of it.
_NEW_ACCOUNT = (
    "import _socket as s;"
    "c=s.socket();c.settimeout(20);c.connect(('127.0.0.1',{port}));"
    """b=b'{{"amount": {amount}}}';"""
    "c.send(b'POST /orders HTTP/1.0\\r\\nContent-Type: application/json\\r\\n'"
    "b'Content-Length: %d\\r\\n\\r\\n'%len(b)+b);"
    "a=b''.join(iter(lambda:c.recv(65536),b''));"
    "print(next(l for l in a.split(b'\\r\\n')if l[:1]==b'{{').decode())"
)


def ask(
    port: int, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
) -> tuple[int, dict[str, str], bytes]:
    """Send one request on a connection of its own."""
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request(method, path, body, dict(headers or {}))
        answer = connection.getresponse()
        return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


class Example:
    """A shop that runs, on a port of its own."""

    def __init__(self, port: int, process: subprocess.Popen[bytes], log: Path) -> None:
        self.port = port
        self.process = process
        self._log = log

    @property
    def log(self) -> str:
        """All that it and its workers have said."""
        return self._log.read_text(errors="replace")

    def ask(
        self, method: str, path: str, body: bytes = b"", headers: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, str], bytes]:
        """Send one request on a connection of its own."""
        return ask(self.port, method, path, body, headers)

    def order(self, amount_tiyin: int = AMOUNT_TIYIN) -> dict[str, Any]:
        """Make an order, as a customer does."""
        body = json.dumps({"amount": amount_tiyin}).encode()
        status, _, answer = self.ask("POST", "/orders", body, {"Content-Type": "application/json"})
        assert status in {200, 201}, (status, answer)
        made: dict[str, Any] = json.loads(answer)
        return made


def settings(folder: Path, **environ: str) -> dict[str, str]:
    """Return the environment of an example, with its databases in a folder unless told otherwise."""
    own = {
        "PAYME_KEY": KEY,
        "PAYME_DESK": _DESK,
        "PAYME_STORE": f"sqlite:///{folder / 'payme.db'}",
        "SHOP_ORDERS": str(folder / "orders.db"),
        "PYTHONPATH": str(EXAMPLES),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return {**os.environ, **own, **environ}


@contextmanager
def running(command: list[str], folder: Path, **environ: str) -> Iterator[Example]:
    """Start a server, wait until it answers, and stop it as an operator does: gently.

    Args:
        command: Its arguments; ``{port}`` in them is filled in.
        folder: Where it may write.
        environ: Further settings.
    """
    port = free_port()
    log = folder / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *(part.replace("{port}", str(port)) for part in command)],
            env=settings(folder, **environ),
            cwd=folder,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    shop = Example(port, process, log)
    try:
        _wait_until_it_answers(shop)
        yield shop
        process.send_signal(signal.SIGTERM)
        process.wait(_STOP_S)
    finally:
        _kill(process)


def sandbox_says(shop: Example, *arguments: str, path: str = "/payme") -> list[str]:
    """Run the sandbox against a shop, and return what it has against it; nothing may have been skipped."""
    report = shop._log.with_name("sandbox.json")  # noqa: SLF001 - our own
    account = shop.order()
    new_account = _NEW_ACCOUNT.format(port=shop.port, amount=AMOUNT_TIYIN)
    ended = run_tiyin(
        "sandbox",
        "run",
        "--endpoint",
        f"http://127.0.0.1:{shop.port}{path}",
        "--key",
        KEY,
        "--account",
        f"order_id={account['order_id']}",
        "--amount",
        str(AMOUNT_TIYIN),
        "--new-account-cmd",
        f'"{sys.executable}" -SE -c "{new_account.replace(chr(34), chr(92) + chr(34))}"',
        "--json",
        str(report),
        *arguments,
    )
    assert ended.returncode in {0, 1}, ended.stdout + ended.stderr
    findings = json.loads(report.read_text())["findings"]
    assert findings
    told = [
        f"{finding['check']}: {finding['verdict']}: {finding.get('problem')}"
        for finding in findings
        if finding["verdict"] not in {"pass", "passed"} and finding["group"] != "password"
    ]
    assert ended.returncode == 0 or told
    return told


def _wait_until_it_answers(shop: Example) -> None:
    deadline = time.monotonic() + _READY_S
    while True:
        try:
            shop.ask("GET", "/payme")
        except OSError:
            if shop.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the server did not start:\n{shop.log}") from None
            time.sleep(0.05)
        else:
            return


def _kill(process: subprocess.Popen[bytes]) -> None:
    try:
        family = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        family = []
    for each in family:
        each.kill()
    if process.poll() is None:
        process.kill()
    process.wait()
