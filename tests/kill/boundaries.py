"""The moments between two steps of a payment, counted and named, and a process that kills itself at one.

The product holds no switch for this: its ports are wrapped here. A boundary stands before and after whatever
can be seen from outside the process: a durable commit, a call, an operation at the acquirer, a hook, an
answer.
"""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import msgspec

from tiyin.emulator.shop.billing import ShopBilling
from tiyin.gateway.acquiring.port import (
    Acquirer,
    CaptureAnswer,
    CardNumber,
    DebitAnswer,
    HoldAnswer,
    Reversed,
    StatusAnswer,
)
from tiyin.merchant.billing import Account, Order, Transaction
from tiyin.merchant.refusals import CannotPerform
from tiyin.runtime.http import Http, HttpAnswer
from tiyin.storage import Decision, Lease, Store, Table

__all__ = ["Boundaries", "SteppedAcquirer", "SteppedBilling", "SteppedHttp", "SteppedStore", "stepped_app"]

T = TypeVar("T")
Message = MutableMapping[str, Any]
App = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]

_UNSENT_S = 0.003
"""How long the other side may work on a request before its sender dies."""


class Boundaries:
    """Counts the boundaries that are crossed while it is armed, and kills the process at a given one.

    Args:
        told: The file into which the name of the deadly boundary is written.
    """

    def __init__(self, told: Path) -> None:
        self.names: list[str] = []
        self._told = told
        self._at: int | str | None = None
        self._lock = threading.Lock()

    def arm(self, at: int | str) -> None:
        """Begin to count.

        Args:
            at: The boundary to die at, from 1, or its name, to die there at once; 0 only counts.
        """
        with self._lock:
            self.names.clear()
            self._at = at

    def reached(self, name: str) -> bool:
        """Cross a boundary, and tell whether it is the deadly one; the caller must then call `die`."""
        with self._lock:
            if self._at is None:
                return False
            self.names.append(name)
            return self._at in {len(self.names), name}

    def cross(self, name: str) -> None:
        """Cross a boundary, and die there if it is the one."""
        if self.reached(name):
            self.die(name)

    def die(self, name: str) -> None:
        """Kill this process as the system's administrator or its memory would: nothing is run any more."""
        self._told.write_text(name)
        os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(60)  # The signal is there before this begins; nothing may go on if it were not.


class SteppedStore:
    """A store with a boundary on both sides of each durable commit.

    The one before lies between the rule's decision and the commit, so that it knows what was to be written.
    """

    def __init__(self, inner: Store, boundaries: Boundaries) -> None:
        self._inner = inner
        self._boundaries = boundaries

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def change(self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None) -> Any:
        """Change a row."""
        answer, _ = await self.change_and_lease(table, key, rule, lease=lease)
        return answer

    async def change_and_lease(
        self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None
    ) -> tuple[Any, Lease | None]:
        """Change a row."""
        written: list[str] = []

        def stepped(row: Any) -> Decision[Any]:
            decision: Decision[Any] = rule(row)
            if decision.writes and not written:
                written.append(_name_of(table, row, decision))
                self._boundaries.cross(f"before the commit of {written[0]}")
            return decision

        answer = await self._inner.change_and_lease(table, key, stepped, lease=lease)
        if written:
            self._boundaries.cross(f"after the commit of {written[0]}")
        return answer

    async def append(self, table: Table[Any], records: Sequence[Any]) -> None:
        """Append rows."""
        self._boundaries.cross(f"before rows are appended to {table.name}")
        await self._inner.append(table, records)
        self._boundaries.cross(f"after rows were appended to {table.name}")


def _name_of(table: Table[Any], row: Any, decision: Decision[Any]) -> str:
    """Name a commit by what it moves: `receipts 1>2 debit, with ledger_entries`."""
    after = decision.record
    states = (
        f" {getattr(row, 'state', '-')}>{after.state}"
        if after is not None and hasattr(after, "state")
        else ""
    )
    step = getattr(after, "step", None)
    beside = sorted({appended.name for appended, _ in decision.appends})
    return (
        f"{table.name}{states}{f' {step}' if step else ''}{', with ' + ', '.join(beside) if beside else ''}"
    )


class SteppedHttp:
    """Outgoing calls with three boundaries: before one is sent, while it is under way, after its answer."""

    def __init__(self, inner: Http, boundaries: Boundaries) -> None:
        self._inner = inner
        self._boundaries = boundaries

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a POST."""
        method = json.loads(body)["method"]
        self._boundaries.cross(f"before {method} is sent")
        if self._boundaries.reached(name := f"while {method} is under way"):
            _send_and_leave(url, body, headers)
            self._boundaries.die(name)
        answer = await self._inner.post(
            url, body=body, headers=headers, timeout_ms=timeout_ms, body_max=body_max
        )
        self._boundaries.cross(f"after {method} was answered")
        return answer

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        """Send a GET; no step of a payment is one."""
        return await self._inner.get(url, headers=headers, timeout_ms=timeout_ms, body_max=body_max)


def _send_and_leave(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Send a request whole, without waiting for what comes of it."""
    parts = urlsplit(url)
    lines = [
        f"POST {parts.path} HTTP/1.1",
        f"host: {parts.netloc}",
        f"content-length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers.items()),
    ]
    connection = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=5)
    connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
    time.sleep(_UNSENT_S)


class SteppedAcquirer:
    """An acquirer with a boundary on both sides of each of its operations.

    Args:
        inner: The acquirer behind it.
        boundaries: Counts them.
        timeout_ms: The longest that one call may take; the product's leases are reckoned from it.
    """

    def __init__(self, inner: Acquirer, boundaries: Boundaries, *, timeout_ms: int) -> None:
        self._inner = inner
        self._boundaries = boundaries
        self.timeout_ms = timeout_ms

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        """Take money."""
        return await self._step("debit", self._inner.debit(key, card, amount_tiyin, terminal))

    async def hold(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> HoldAnswer:
        """Set money aside."""
        return await self._step("hold", self._inner.hold(key, card, amount_tiyin, terminal))

    async def capture(self, key: str) -> CaptureAnswer:
        """Take what is held."""
        return await self._step("capture", self._inner.capture(key))

    async def status(self, key: str) -> StatusAnswer:
        """Ask."""
        return await self._step("question", self._inner.status(key))

    async def reverse(self, key: str) -> Reversed:
        """Give money back."""
        return await self._step("reversal", self._inner.reverse(key))

    async def _step(self, name: str, operation: Awaitable[T]) -> T:
        self._boundaries.cross(f"before the acquirer's {name}")
        answer = await operation
        self._boundaries.cross(f"after the acquirer's {name}")
        return answer


class SteppedBilling(ShopBilling):
    """The demo shop's hooks, with a boundary on both sides of each.

    Args:
        books: The shop's orders.
        boundaries: Counts them.

    Attributes:
        refusing: Orders that it will not perform.
    """

    def __init__(self, books: Any, boundaries: Boundaries) -> None:
        super().__init__(books)
        self._boundaries = boundaries
        self.refusing: set[str] = set()

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        """Say what an order costs."""
        return await self._step("check", super().check(account, amount_tiyin))

    async def create(self, transaction: Transaction) -> str | int | None:
        """Reserve the order."""
        return await self._step("create", super().create(transaction))

    async def perform(self, transaction: Transaction) -> None:
        """Mark the order paid."""
        if transaction.account["order_id"] in self.refusing:
            raise CannotPerform
        await self._step("perform", super().perform(transaction))

    async def cancel(self, transaction: Transaction) -> None:
        """Open the order again."""
        await self._step("cancel", super().cancel(transaction))

    async def _step(self, name: str, hook: Awaitable[T]) -> T:
        self._boundaries.cross(f"before the hook {name}")
        answer = await hook
        self._boundaries.cross(f"after the hook {name}")
        return answer


def stepped_app(
    app: App, boundaries: Boundaries, control: Callable[[str, Any], Awaitable[Any]], *, under: str
) -> App:
    """Put boundaries around the answers of an application, and the test's own commands beside it.

    Args:
        app: The application.
        boundaries: Counts them.
        control: Answers `POST /control/<name>` from its name and JSON.
        under: Answers below this path have boundaries.
    """

    async def front(scope: Message, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if path.startswith("/control/"):
            body = (await receive()).get("body", b"") or b"null"
            answer = msgspec.json.encode(await control(path.removeprefix("/control/"), json.loads(body)))
            length = (b"content-length", str(len(answer)).encode())
            await send({"type": "http.response.start", "status": 200, "headers": [length]})
            await send({"type": "http.response.body", "body": answer})
            return
        if not path.startswith(under):
            await app(scope, receive, send)
            return

        async def stepped(message: Message) -> None:
            if message["type"] == "http.response.start":
                boundaries.cross("before the answer")
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                boundaries.cross("after the answer")

        await app(scope, receive, stepped)

    return front
