"""The acquirer as a process of its own, served on 127.0.0.1 within a test, and the gateway's way to it."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import msgspec

from tiyin.gateway.acquiring.books import OPERATIONS, Operation
from tiyin.gateway.acquiring.faults import Fault, Faults
from tiyin.gateway.acquiring.http import AcquirerLine, HttpAcquirer
from tiyin.gateway.acquiring.issuer_http import HttpIssuer
from tiyin.gateway.acquiring.process import BOOKS, AcquirerProcess
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.merchant_calls.breaker import Breaker
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.http import HttpAnswer
from tiyin.runtime.settings import Secret
from tiyin.storage import Store, open_store
from tiyin.web.binding import bind
from tiyin.web.serving import Server

__all__ = ["SECRET", "Apart", "apart", "patient_line"]

SECRET = "s" * 32
READY_S = 30.0
TIMEOUT_MS = 10_000


class _QuietServer(Server):
    """The house's server, but for signals, which it leaves to the test runner."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _served(app: Any) -> AsyncIterator[int]:
    sock = bind("127.0.0.1", 0)
    ready = asyncio.Event()
    server = _QuietServer(app, sock, on_ready=ready.set)
    serving = asyncio.ensure_future(server.listen())
    try:
        async with asyncio.timeout(READY_S):
            await ready.wait()
        yield sock.getsockname()[1]
    finally:
        server.should_exit = True
        await serving


def patient_line(http: GuardedHttp, url: str, *, timeout_ms: int = TIMEOUT_MS) -> AcquirerLine:
    """A way to an acquirer that never gives up asking: for tests that make it fail all the time."""
    clock = SystemClock()
    breaker = Breaker(clock, failures_max=10**9)
    return AcquirerLine(http, url, Secret(SECRET), clock, timeout_ms=timeout_ms, breaker=breaker)


class Apart:
    """An acquirer that listens, its books, and the way to it."""

    def __init__(self, url: str, store: Store, inside: TestAcquirer, http: GuardedHttp) -> None:
        self.url = url
        self.store = store
        self.inside = inside
        self.http = http
        line = patient_line(http, url)
        self.acquirer = HttpAcquirer(line)
        self.issuer = HttpIssuer(line)

    def impatient(self, timeout_ms: int) -> HttpAcquirer:
        """The same acquirer for somebody who waits less."""
        return HttpAcquirer(patient_line(self.http, self.url, timeout_ms=timeout_ms))

    async def post(self, path: str, given: Any, secret: str = SECRET) -> HttpAnswer:
        return await self.http.post(
            self.url + path,
            body=given if isinstance(given, bytes) else msgspec.json.encode(given),
            headers={"authorization": f"Bearer {secret}"},
            timeout_ms=TIMEOUT_MS,
            body_max=1_000_000,
        )

    async def fail(self, *faults: Fault) -> None:
        """Steer what goes wrong from now on, over the wire."""
        answer = await self.post("/faults", {"faults": list(faults)})
        assert answer.status == 200, answer.body

    async def operation(self, key: str) -> Operation | None:
        return await self.store.get(OPERATIONS, key)


@asynccontextmanager
async def apart(
    database_url: str,
    *,
    faults: Sequence[Fault] = (),
    cards: TestCards | None = None,
    clock: Clock | None = None,
    seed: int = 1,
) -> AsyncIterator[Apart]:
    """Serve an acquirer with books of its own."""
    store = await open_store(database_url)
    http = GuardedHttp(allow_private=True)
    try:
        await store.create_tables(BOOKS)
        cards = TestCards() if cards is None else cards
        clock = SystemClock() if clock is None else clock
        inside = TestAcquirer(store, clock, cards)
        process = AcquirerProcess(inside, cards, clock, Secret(SECRET), Faults(SeededChance(seed), faults))
        async with _served(process) as port:
            yield Apart(f"http://127.0.0.1:{port}", store, inside, http)
    finally:
        await http.close()
        await store.close()
