"""The network between processes, merchants, the acquirer and clients: it delays, loses, repeats, cuts off."""
# ports have more arguments than this side of them needs

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from simulation.loop import Life
from simulation.world import World
from tiyin.runtime.http import HttpAnswer, NoAnswer, NotSent

__all__ = ["Network", "SimHttp"]

_FAST_S = 0.2
_SLOW_S = 9.0
_LATE_S = 150.0


class Network:
    """Delivers.

    Args:
        world: The world.
    """

    def __init__(self, world: World) -> None:
        self._world = world

    @property
    def outage(self) -> str:
        """Who answers nobody now: "merchant", "bank" or nobody."""
        return self._world.outage

    def tosses(self, probability: float) -> bool:
        """Draw once, for whoever answers nobody and may have heard all the same."""
        return self._world.happens(probability)

    async def ask(
        self, who: str, what: str, deliver: Callable[[], Any], timeout_s: float, life: Life | None = None
    ) -> Any:
        """Send something to somebody who answers at once, and wait for the answer.

        Args:
            who: Who sends.
            what: What is sent, for the trace.
            deliver: What the other side does when it arrives.
            timeout_s: How long the sender waits.
            life: The sender's process, which may die of it.

        Raises:
            NotSent: It never arrives.
            NoAnswer: It may have arrived, or may yet.
        """
        world, faults, chance = self._world, self._world.faults, self._world.chance
        dies = life is not None and world.happens(faults.crash)
        if dies and chance.random() < 0.3:
            assert life is not None
            world.crash(life)
        if life is not None and world.happens(faults.stall):
            world.stall(life)
        future: asyncio.Future[Any] = world.loop.create_future()
        if world.happens(faults.not_sent):
            world.say(who, f"cannot send {what}")
            world.later(chance.random() * _FAST_S, _fail, future, NotSent("no connection"))
            return await future
        if not dies or life is None or life.alive:
            self._send(who, what, deliver, future, life if dies else None)
        # Most calls are answered: a timer is set only for those that may not be.
        timer = world.later(timeout_s, _fail, future, NoAnswer("timed out"))
        try:
            return await future
        finally:
            timer.cancel()

    def _send(
        self, who: str, what: str, deliver: Callable[[], Any], future: asyncio.Future[Any], dying: Life | None
    ) -> None:
        world, faults, chance = self._world, self._world.faults, self._world.chance
        world.say(who, f"sends {what}")
        reset_s = chance.random() * _SLOW_S if world.happens(faults.reset) else None
        if world.happens(faults.request_lost):
            world.say(who, f"{what} is lost")
            if reset_s is not None:
                world.later(reset_s, _fail, future, NoAnswer("cut off"))
        else:
            late = world.happens(faults.late)
            seconds = chance.random() * (_LATE_S if late else _FAST_S)
            world.later(seconds, self._arrive, who, what, deliver, future, dying, reset_s)
        if world.happens(faults.twice):
            world.later(chance.random() * _LATE_S, self._arrive, who, what, deliver, None, None, None)

    def _arrive(
        self,
        who: str,
        what: str,
        deliver: Callable[[], Any],
        future: asyncio.Future[Any] | None,
        dying: Life | None,
        reset_s: float | None,
    ) -> None:
        world, faults, chance = self._world, self._world.faults, self._world.chance
        answer = deliver()
        world.say(who, f"{what} arrives{' once more' if future is None else ''}", str(answer))
        if dying is not None:
            world.crash(dying)
        if future is None:
            return
        if world.happens(faults.answer_lost):
            if reset_s is not None:
                world.later(reset_s, _fail, future, NoAnswer("cut off"))
            return
        late = world.happens(faults.late)
        world.later(chance.random() * (_SLOW_S if late else _FAST_S), _succeed, future, answer)


class SimHttp:
    """Outgoing HTTP of one process, to simulated merchants.

    Args:
        network: The network.
        life: Whose it is.
        servers: The merchants' servers by address: each answers a body.
    """

    def __init__(
        self, network: Network, life: Life, servers: Mapping[str, Callable[[bytes], tuple[int, bytes]]]
    ) -> None:
        self._network = network
        self._life = life
        self._servers = servers
        self.sent: Callable[[bytes], None] = lambda body: None

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        server = self._servers[url]
        self.sent(body)
        method = body.split(b'"method":"', 1)[-1].split(b'"', 1)[0].decode()
        status, content = await self._network.ask(
            self._life.name, method, lambda: server(body), timeout_ms / 1000, self._life
        )
        return HttpAnswer(status, {"content-type": "application/json"}, content)

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        raise NotSent("nobody is asked so")


def _succeed(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)


def _fail(future: asyncio.Future[Any], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
