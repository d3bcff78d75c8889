"""Both clients behind one face, so that each test says once what must hold for the two."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from tiyin.merchant.subscribe import AsyncSubscribeClient, SubscribeClient
from tiyin.runtime.clock import ManualClock

DESK_ID = "100fe486b33784292111b7dc"
KEY = "Rw712wMJspZBczFvrG09?bHkSNxnD4PY0n1C"


class StillClock:
    """Time that passes only by waiting: for both clients at once."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class AsyncStillClock(StillClock):
    """The same for asyncio."""

    def now_ms(self) -> int:
        return ManualClock().now_ms()

    async def sleep(self, seconds: float) -> None:  # type: ignore[override]  # a clock of the other kind
        StillClock.sleep(self, seconds)


class Caller:
    """Calls one of the two clients, made with the given settings."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._opened: list[Any] = []

    def client(self, *who: str, **settings: Any) -> Any:
        kind = SubscribeClient if self.kind == "sync" else AsyncSubscribeClient
        made = kind(*who or (DESK_ID, KEY), **settings)
        self._opened.append(made)
        return made

    async def ask(self, client: Any, question: Callable[[Any], Any]) -> Any:
        """Ask in a thread or in the loop, and list what is iterated over."""
        if self.kind == "sync":
            return await asyncio.to_thread(lambda: _listed(question(client)))
        asked = question(client)
        return [item async for item in asked] if hasattr(asked, "__aiter__") else await asked

    async def close(self) -> None:
        for client in self._opened:
            if self.kind == "sync":
                client.close()
            else:
                await client.close()


def _listed(answer: Any) -> Any:
    return list(answer) if hasattr(answer, "__next__") else answer


@pytest.fixture(params=["sync", "async"])
async def caller(request: pytest.FixtureRequest) -> AsyncIterator[Caller]:
    made = Caller(request.param)
    yield made
    await made.close()


@pytest.fixture
def still_clock(caller: Caller) -> StillClock:
    return StillClock() if caller.kind == "sync" else AsyncStillClock()
