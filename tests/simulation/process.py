"""A gateway process in the simulation: the real gateway over simulated ports. It dies and comes back."""

import itertools
from typing import Any

import msgspec

from simulation.acquirer import Bank, SimAcquirer
from simulation.fixture import CARDS, ENDPOINT, VAULT, X_AUTH
from simulation.loop import Life
from simulation.merchant import Merchant
from simulation.network import Network, SimHttp
from simulation.registry import Registry, SimRegistrar
from simulation.sms import SimSms
from simulation.store import SimStore
from simulation.watch import Watch
from simulation.world import SimClock, World
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway
from tiyin.gateway.cards import TestIssuer
from tiyin.gateway.fiscal.driver import FiscalDriver
from tiyin.gateway.ledger.payouts import Payouts
from tiyin.gateway.receipts.interventions import Interventions
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.runtime.chance import SeededChance
from tiyin.runtime.ids import SeededIds
from tiyin.runtime.tasks import Tasks

__all__ = ["Process", "Processes"]

_RESTART_S = 20.0
_TEST_CARDS = TestCards(CARDS)


class Process:
    """One process.

    Args:
        name: For the trace.
        world: The world.
        network: The network.
        bank: The acquirer's books.
        merchant: The merchant.
        watch: Looks at what is sent.
        registry: The tax service's books; None where nothing is registered.
    """

    def __init__(
        self,
        name: str,
        world: World,
        network: Network,
        bank: Bank,
        merchant: Merchant,
        watch: Watch,
        registry: Registry | None,
    ) -> None:
        self.life = Life(name)
        self.world = world
        skew_ms = world.faults.skew_ms
        clock = SimClock(world, world.chance.randint(-skew_ms, skew_ms) if skew_ms else 0)
        http = SimHttp(network, self.life, {ENDPOINT: merchant})
        http.sent = lambda body: watch.sends_to_merchant(body, self.owner)
        acquirer = SimAcquirer(network, bank, self.life)
        acquirer.sent = lambda what, key: watch.sends_to_bank(what, key, clock.now_ms(), self.owner)
        self.store = SimStore(world, self.life)
        sms = SimSms(network, watch.sms, self.life)
        tasks = Tasks()
        registrar = SimRegistrar(network, registry, self.life) if registry is not None else None
        self.gateway = Gateway(
            store=self.store,
            clock=clock,
            ids=SeededIds(world.chance.getrandbits(32)),
            tasks=tasks,
            registrar=registrar,
            http=http,
            acquirer=acquirer,
            issuer=TestIssuer(_TEST_CARDS),
            messages=sms,
            vault=VAULT,
            test=True,
        )
        self.payouts = Payouts(self.store, clock)
        self.interventions = Interventions(self.store, clock)
        self.owner = sms.owner = self.gateway.receipts.worker._owner
        self.api = SubscribeApi(self.gateway)
        # The gateway's own would draw its waits from the operating system.
        self._fiscal = (
            None
            if registrar is None
            else FiscalDriver(
                self.store,
                clock,
                tasks,
                registrar,
                self.gateway.calls,
                self.gateway.desks.find,
                owner=self.owner,
                chance=SeededChance(world.chance.getrandbits(32)),
            )
        )
        world.spawn(self._start(), self.life)

    async def _start(self) -> None:
        """Start what drives receipts and, in the runs that have it, what closes days and sends messages."""
        await self.gateway.receipts.start()
        if self._fiscal is not None:
            self._fiscal.start()
        if self.world.faults.messages:
            # The gateway's own would draw its waits from the operating system; there are only SMS here.
            self.gateway.outbox._chance = SeededChance(self.world.chance.getrandbits(32))
            self.gateway.outbox._errands[0].start()
        if self.world.faults.days:
            self.gateway._daily_close.start()

    async def serve(self, desk_id: str, method: str, params: Any, key: str | None = None) -> Any:
        """Answer one request of the Subscribe API."""
        body = msgspec.json.encode({"id": 1, "method": method, "params": params})
        answer = await self.api.answer(body, X_AUTH(desk_id), idempotency_key=key)
        return msgspec.json.decode(answer.body)


class Processes:
    """The processes of a run: some are alive, and those that were killed come back.

    Args:
        world: The world.
        network: The network.
        bank: The acquirer's books.
        merchant: The merchant.
        watch: Looks at what is sent.
        registry: The tax service's books; None where nothing is registered.
    """

    def __init__(
        self,
        world: World,
        network: Network,
        bank: Bank,
        merchant: Merchant,
        watch: Watch,
        registry: Registry | None,
    ) -> None:
        self._world = world
        self._parts = (network, bank, merchant, watch, registry)
        self._names = itertools.count(1)
        self.alive: list[Process] = []
        self.dead: list[Process] = []
        world.on_crash = self._crashed

    def begin(self) -> None:
        """Start as many as the run has."""
        for _ in range(self._world.faults.processes):
            self.start()

    def start(self) -> None:
        """Start a process."""
        process = Process(f"gateway-{next(self._names)}", self._world, *self._parts)
        self._world.say(process.life.name, "starts")
        self.alive.append(process)

    def _crashed(self, life: Life) -> None:
        self.dead += [process for process in self.alive if process.life is life]
        self.alive = [process for process in self.alive if process.life is not life]
        self._world.later(self._world.chance.random() * _RESTART_S, self.start)
