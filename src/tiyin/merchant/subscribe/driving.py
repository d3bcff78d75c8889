"""Takes calls through their steps: with threads that wait, and with asyncio."""

import time
from typing import Protocol, TypeVar

from tiyin.merchant.subscribe.calls import Call
from tiyin.merchant.subscribe.exchange import ANSWER_BYTES_MAX, Exchange, Send, Wait
from tiyin.merchant.subscribe.settings import Settings
from tiyin.merchant.subscribe.transport import AsyncTransport, Transport
from tiyin.runtime.chance import Chance
from tiyin.runtime.clock import Clock
from tiyin.runtime.http import CallFailed, HttpAnswer

__all__ = ["AsyncDriver", "BlockingClock", "Driver", "SystemBlockingClock"]

T = TypeVar("T")


class BlockingClock(Protocol):
    """What a client without asyncio knows of time."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start; it never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds."""
        ...


class SystemBlockingClock:
    """The machine's own time."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary start."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait so many real seconds."""
        time.sleep(max(seconds, 0.0))


class Driver:
    """Sends and waits in the caller's thread.

    Args:
        settings: Where, as whom, and with how much patience.
        transport: Sends.
        clock: Waits.
        chance: Draws pauses.
    """

    def __init__(
        self, settings: Settings, transport: Transport, clock: BlockingClock, chance: Chance
    ) -> None:
        self.settings = settings
        self.transport = transport
        self._clock = clock
        self._chance = chance

    def ask(self, call: Call[T]) -> T:
        """Make one call.

        Raises:
            SubscribeError: Why there is no result.
        """
        exchange = Exchange(call, self.settings, self._clock.monotonic, self._chance)
        steps = exchange.steps()
        came: HttpAnswer | CallFailed | None = None
        while True:
            try:
                step = steps.send(came)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Wait):
                self._clock.sleep(step.seconds)
                came = None
            else:
                came = self._send(exchange, step)

    def _send(self, exchange: Exchange[T], step: Send) -> HttpAnswer | CallFailed:
        try:
            return self.transport.post(
                exchange.url,
                body=exchange.body(),
                headers=exchange.headers(),
                timeout_ms=step.timeout_ms,
                body_max=ANSWER_BYTES_MAX,
            )
        except CallFailed as failed:
            return failed


class AsyncDriver:
    """Sends and waits in the running event loop.

    Args:
        settings: Where, as whom, and with how much patience.
        transport: Sends.
        clock: Waits.
        chance: Draws pauses.
    """

    def __init__(self, settings: Settings, transport: AsyncTransport, clock: Clock, chance: Chance) -> None:
        self.settings = settings
        self.transport = transport
        self._clock = clock
        self._chance = chance

    async def ask(self, call: Call[T]) -> T:
        """Make one call; see `Driver.ask`."""
        exchange = Exchange(call, self.settings, self._clock.monotonic, self._chance)
        steps = exchange.steps()
        came: HttpAnswer | CallFailed | None = None
        while True:
            try:
                step = steps.send(came)
            except StopIteration as done:
                result: T = done.value
                return result
            if isinstance(step, Wait):
                await self._clock.sleep(step.seconds)
                came = None
            else:
                came = await self._send(exchange, step)

    async def _send(self, exchange: Exchange[T], step: Send) -> HttpAnswer | CallFailed:
        try:
            return await self.transport.post(
                exchange.url,
                body=exchange.body(),
                headers=exchange.headers(),
                timeout_ms=step.timeout_ms,
                body_max=ANSWER_BYTES_MAX,
            )
        except CallFailed as failed:
            return failed
