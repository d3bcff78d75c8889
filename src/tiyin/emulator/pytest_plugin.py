"""The pytest fixture `tiyin_emulator`: all of Payme beside a shop's tests, for the whole session.

    def test_an_order_is_paid(tiyin_emulator):
        order = tiyin_emulator.new_order(500_000)
        ...
        assert tiyin_emulator.order(order["order_id"])["state"] == "paid"

It starts on a free port with an empty directory, and stops with the session. `reset`, `snapshot` and
`restore` make one test independent of another.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import pytest

from tiyin.emulator.process import EmulatorNotStarted, EmulatorProcess

__all__ = ["EmulatorRefused", "RunningEmulator", "tiyin_emulator"]

_ANSWER_S: Final = 60.0


class EmulatorRefused(Exception):  # reads as what happened
    """The emulator refused what a test asked for; the message is its sentence.

    Args:
        status: The HTTP status.
        told: The body.
    """

    def __init__(self, status: int, told: str) -> None:
        super().__init__(told)
        self.status = status


class RunningEmulator:
    """A running emulator. Amounts are in tiyin, times in milliseconds.

    Args:
        manifest: What its `emulator.json` tells.
        manifest_path: Where that file is.
    """

    def __init__(self, manifest: Mapping[str, Any], manifest_path: Path) -> None:
        self.manifest = manifest
        self.manifest_path = manifest_path
        self.gateway: str = manifest["gateway"]
        self.api: str = manifest["api"]
        self.checkout: str = manifest["checkout"]
        self.cabinet: str = manifest["cabinet"]
        self.sandbox: str = manifest["sandbox"]
        self.shop: str = manifest["shop"]
        self.dev: str = manifest["dev"]
        self.desks: Sequence[Mapping[str, Any]] = manifest["desks"]
        self._opener = build_opener(ProxyHandler({}))

    def __repr__(self) -> str:
        return f"<tiyin emulator at {self.gateway}>"

    def reset(self) -> None:
        """Forget orders, receipts, cards, messages and the clock's offset; desks and keys stay."""
        self.call("POST", f"{self.dev}/reset", {})

    def advance(self, ms: int) -> Mapping[str, Any]:
        """Turn the clock forward.

        Args:
            ms: By how much, in milliseconds.

        Returns:
            The clock: `now_ms`, `offset_ms`, `now`.
        """
        told: Mapping[str, Any] = self.call("POST", f"{self.dev}/clock", {"advance_ms": ms})
        return told

    def inbox(self) -> list[dict[str, Any]]:
        """Give the messages that were sent, newest first; `code` is the code in one, or None."""
        messages: list[dict[str, Any]] = self.call("GET", f"{self.dev}/inbox")["messages"]
        return messages

    def faults(self, **faults: Any) -> Any:
        """Make the emulator misbehave: `POST /dev/faults` with these fields."""
        return self.call("POST", f"{self.dev}/faults", faults)

    def traffic(self) -> Any:
        """Give what went over the wire: `GET /dev/traffic`."""
        return self.call("GET", f"{self.dev}/traffic")

    def snapshot(self, name: str) -> None:
        """Keep the whole state under a name; one of that name is replaced.

        Args:
            name: Small letters, digits, `-` and `_`.
        """
        self.call("POST", f"{self.dev}/snapshots", {"name": name})

    def restore(self, name: str) -> None:
        """Come back to a state that was kept.

        Args:
            name: Its name.
        """
        self.call("POST", f"{self.dev}/snapshots/{quote(name, safe='')}/restore", {})

    def new_order(self, amount: int) -> dict[str, Any]:
        """Order something in the demo shop.

        Args:
            amount: What it costs, in tiyin.

        Returns:
            `order_id` and `pay_url`.
        """
        made: dict[str, Any] = self.call("POST", f"{self.shop}/orders", {"amount": amount})
        return made

    def order(self, order_id: str) -> dict[str, Any]:
        """Tell how an order of the demo shop stands: `state`, `amount`, `hooks`."""
        found: dict[str, Any] = self.call("GET", f"{self.shop}/orders/{quote(order_id, safe='')}")
        return found

    def call(
        self, method: str, url: str, content: object = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Send a request to the emulator and read its JSON.

        Args:
            method: `GET`, `POST` ...
            url: The whole address.
            content: What is sent as JSON; None sends no body.
            headers: Further headers, `X-Auth` for instance.

        Raises:
            EmulatorRefused: The answer's status is not one of success.
        """
        body = None if content is None else json.dumps(content).encode()
        sent = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        request = Request(url, body, sent, method=method)  # noqa: S310 - an address of the emulator
        try:
            with self._opener.open(request, timeout=_ANSWER_S) as answer:
                return json.loads(answer.read())
        except HTTPError as error:
            with error:
                told = error.read().decode(errors="replace")
            raise EmulatorRefused(error.code, f"{method} {url}: {error.code} {told}") from None


@pytest.fixture(scope="session")
def tiyin_emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningEmulator]:
    """All of Payme on a free port of this machine, for the whole session."""
    process = EmulatorProcess(tmp_path_factory.mktemp("tiyin") / "data")
    try:
        told = process.start()
    except EmulatorNotStarted as error:
        pytest.fail(f"tiyin_emulator: {error}", pytrace=False)
    try:
        yield RunningEmulator(told, process.manifest)
    finally:
        process.stop()
