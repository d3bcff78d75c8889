"""Pull the plug: a gateway of its own is killed amid a payment or its refund, and another one goes on.

    shop ----+                                         +---- shop (lives on)
             |                                         |
    gateway that pays --- killed at a step ---> gateway that starts after it --- ended, and verified

The processes, their databases and their money have nothing to do with the emulator's own. What is told of a
moment is read from outside: from the databases of the two, and from the shop over HTTP.
"""

import asyncio
import json
import secrets
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import quote
from urllib.request import ProxyHandler, Request, build_opener

import msgspec
import sqlalchemy as sa

from tiyin.emulator.plug_child import Child, ChildFailed, start_child
from tiyin.emulator.plug_steps import REFUND_STEPS, STEPS
from tiyin.emulator.plug_worker import LEASE_MS, GatewayPart, ShopPart
from tiyin.gateway.acquiring.books import DEBITED, OPERATIONS
from tiyin.gateway.ledger import ENTRIES
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.gateway.vault import new_vault_key
from tiyin.gateway.verify import Totals
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.ids import SystemIds, new_key
from tiyin.runtime.logs import get_logger
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Store, open_store

__all__ = ["Facts", "Line", "Plug", "PlugBusy", "PlugRun", "UnknownStep", "Verified"]

RUN_MAX_S: Final = 120.0
"""The longest that a run may take, in seconds."""
RUNS_KEPT: Final = 10
_LINES_MAX: Final = 200
_LOOK_S: Final = 0.1
_ASK_S: Final = 10.0

_log = get_logger("tiyin.emulator.plug")

What = Literal[
    "prepared", "step", "still", "killed", "looked", "started", "again", "changed", "ended", "verified"
]


class PlugBusy(Exception):  # reads as what happened
    """A run is under way: one at a time.

    Args:
        run_id: Its id.
    """

    def __init__(self, run_id: str) -> None:
        super().__init__("A run is under way: wait until it has ended.")
        self.run_id = run_id


class UnknownStep(Exception):  # reads as what happened
    """There is no such step to pull the plug at."""


class Facts(msgspec.Struct, frozen=True):
    """What stands where, seen from outside.

    Args:
        receipt: The receipt's state.
        step: What its driver was about to do, or None.
        order: The order's state at the shop.
        debited: What was taken from the card and not given back, in tiyin, by the acquirer's books.
        taken: What the ledger says was taken, in tiyin.
        returned: What it says was given back, in tiyin.
        in_flight: What the ledger has taken and not passed on yet, in tiyin.
        owed: What the ledger owes the cash desk, in tiyin.
    """

    receipt: int
    step: str | None
    order: str
    debited: int
    taken: int
    returned: int
    in_flight: int
    owed: int


class Line(msgspec.Struct, frozen=True):
    """One line of what happened.

    Args:
        at_ms: Milliseconds since the run began.
        what: What it is.
        step: The step of the payment, or None.
        facts: What stood where, or None where nobody looked.
    """

    at_ms: int
    what: What
    step: str | None = None
    facts: Facts | None = None


class Verified(msgspec.Struct, frozen=True):
    """What `tiyin verify` said in the end.

    Args:
        clean: Whether everything agrees.
        receipts: How many receipts were read.
        entries: How many entries of the ledger.
        operations: How many of the acquirer's operations.
        findings: What does not agree.
    """

    clean: bool
    receipts: int
    entries: int
    operations: int
    findings: tuple[str, ...]


class PlugRun(msgspec.Struct):
    """One run, as it goes on.

    Args:
        id: Its id.
        at: The step at which the plug is pulled.
        state: Where it stands.
        lines: What happened, oldest first.
        exit_code: How the killed process ended: below zero by a signal.
        lease_ms: How long what it held stays held, in milliseconds.
        verified: What the verification said, when it has.
        problem: Why it failed, or None.
    """

    id: str
    at: str
    state: Literal["preparing", "paying", "waiting", "going-on", "ended", "failed"] = "preparing"
    lines: list[Line] = []
    exit_code: int | None = None
    lease_ms: int = LEASE_MS
    verified: Verified | None = None
    problem: str | None = None

    @property
    def refund(self) -> bool:
        """Whether the payment is given back in the end."""
        return self.at in REFUND_STEPS

    @property
    def over(self) -> bool:
        """Whether nothing happens any more."""
        return self.state in {"ended", "failed"}


class Plug:
    """Pulls plugs, one at a time.

    Args:
        folder: Where the databases of a run lie while it goes on; made and deleted.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._runs: dict[str, PlugRun] = {}
        self._clock = SystemClock()
        self._tasks = Tasks()

    @property
    def latest(self) -> PlugRun | None:
        """The run that began last."""
        return next(reversed(self._runs.values()), None)

    def find(self, run_id: str) -> PlugRun | None:
        """Give a run, or None."""
        return self._runs.get(run_id)

    def start(self, at: str | None = None) -> PlugRun:
        """Begin a run.

        Args:
            at: The step to pull the plug at, one of `STEPS`; any of them without it.

        Raises:
            UnknownStep: There is no such step.
            PlugBusy: A run is under way.
        """
        latest = self.latest
        if latest is not None and not latest.over:
            raise PlugBusy(latest.id)
        if at is not None and at not in STEPS:
            raise UnknownStep(f"at must be one of {', '.join(STEPS)}.")
        run = PlugRun(secrets.token_hex(6), at or secrets.choice(list(STEPS)))
        self._runs[run.id] = run
        while len(self._runs) > RUNS_KEPT:
            del self._runs[next(iter(self._runs))]
        self._tasks.start(self._drive(run), name=f"plug {run.id}")
        return run

    async def stop(self) -> None:
        """End what is under way, and its processes."""
        await self._tasks.drain(0.0)

    async def _drive(self, run: PlugRun) -> None:
        folder = self._folder / run.id
        began_s = self._clock.monotonic()
        try:
            folder.mkdir(parents=True)
            async with asyncio.timeout(RUN_MAX_S):
                await _Show(run, folder, self._clock).play()
            run.state = "ended"
        except TimeoutError:
            self._fail(run, f"it took longer than {RUN_MAX_S:.0f} s")
        except Exception as error:  # noqa: BLE001 - a run that nobody ends would keep out every later one
            self._fail(run, _sentence(error))
        except asyncio.CancelledError:
            self._fail(run, "the emulator was stopped")
            raise
        finally:
            _log.info("plug_pulled", at=run.at, state=run.state, took_s=self._clock.monotonic() - began_s)
            shutil.rmtree(folder, ignore_errors=True)

    @staticmethod
    def _fail(run: PlugRun, problem: str) -> None:
        run.state, run.problem = "failed", problem


class _Show:
    """One run, from its processes to the verification."""

    def __init__(self, run: PlugRun, folder: Path, clock: SystemClock) -> None:
        self._run = run
        self._folder = folder
        self._clock = clock
        self._began_s = clock.monotonic()
        self._children: list[Child] = []
        self._receipt_id = self._order_id = self._shop = ""
        self._last: Facts | None = None

    async def play(self) -> None:
        """Play it all."""
        try:
            await self._play()
        finally:
            for child in self._children:
                await child.kill()

    async def _play(self) -> None:
        ids, now_ms = SystemIds(), self._clock.now_ms()
        desk_id, key, test_key = ids.new(now_ms), new_key(), new_key()
        shop = await self._child(ShopPart(self._url("shop.db"), desk_id, key, test_key))
        self._shop = (await shop.first("shop"))["shop"]
        part = GatewayPart(
            self._url("gateway.db"),
            new_vault_key(),
            ids.new(now_ms),
            desk_id,
            key,
            test_key,
            self._shop,
            self._run.at,
            refund=self._run.refund,
        )
        token = await self._pay(part)
        self._run.state = "waiting"
        async with self._store() as store:
            self._note("looked", facts=await self._facts(store))
            part = msgspec.structs.replace(part, at=None, receipt_id=self._receipt_id, token=token)
            await self._go_on(part, store)

    async def _pay(self, part: GatewayPart) -> str:
        """Let a gateway pay, and kill it where it stands still; gives the card's token."""
        gateway = await self._child(part)
        prepared = await gateway.first("receipt")
        self._receipt_id, self._order_id = prepared["receipt"], prepared["order"]
        self._note("prepared")
        self._run.state = "paying"
        async for told in gateway.lines():
            if "still" in told:
                break
            if "step" in told and told["step"] != self._run.at:
                self._note("step", told["step"])
        else:
            raise ChildFailed(f"the payment came to its end before the step: {gateway.said()}")
        self._note("still", self._run.at)
        self._run.exit_code = await gateway.kill()
        self._note("killed", self._run.at)
        return str(prepared["token"])

    async def _go_on(self, part: GatewayPart, store: Store) -> None:
        """Let another gateway end it, and look on."""
        gateway = await self._child(part)
        ended: dict[str, Any] | None = None
        async for told in self._until_quiet(gateway, store):
            if "started" in told:
                self._run.state = "going-on"
                self._note("started")
            elif "again" in told:
                self._note("again")
            elif "step" in told:
                self._note("step", told["step"])
            elif "ended" in told:
                ended = told
        if ended is None:
            raise ChildFailed(f"the second gateway ended early: {gateway.said()}")
        self._note("ended", facts=await self._facts(store))
        self._run.verified = msgspec.convert(ended, Verified)
        self._note("verified")

    async def _until_quiet(self, child: Child, store: Store) -> AsyncIterator[dict[str, Any]]:
        """Give what a gateway tells, and note what changes meanwhile."""
        told: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()

        async def listen() -> None:
            async for line in child.lines():
                await told.put(line)
            await told.put(None)

        async with asyncio.TaskGroup() as group:
            group.create_task(listen())
            while True:
                try:
                    async with asyncio.timeout(_LOOK_S):
                        line = await told.get()
                except TimeoutError:
                    facts = await self._facts(store)
                    if facts != self._last:
                        self._note("changed", facts=facts)
                    continue
                if line is None:
                    return
                yield line

    async def _child(self, part: ShopPart | GatewayPart) -> Child:
        child = await start_child(part, self._folder / f"{len(self._children)}.log")
        self._children.append(child)
        return child

    @asynccontextmanager
    async def _store(self) -> AsyncIterator[Store]:
        store = await open_store(self._url("gateway.db"))
        try:
            yield store
        finally:
            await store.close()

    async def _facts(self, store: Store) -> Facts:
        receipt = await store.get(RECEIPTS, self._receipt_id)
        if receipt is None:
            raise ChildFailed("the receipt is gone")
        operations = await store.query(sa.select(OPERATIONS.schema), OPERATIONS)
        totals = Totals()
        for entry in await store.query(sa.select(ENTRIES.schema), ENTRIES):
            totals.add(entry)
        order = await asyncio.to_thread(_read_order, f"{self._shop}/orders/{quote(self._order_id)}")
        debited = sum(one.amount_tiyin for one in operations if one.state == DEBITED)
        return Facts(
            receipt.state,
            receipt.step,
            order,
            debited,
            totals.taken,
            totals.returned,
            totals.in_flight,
            totals.owed,
        )

    def _note(self, what: What, step: str | None = None, facts: Facts | None = None) -> None:
        if len(self._run.lines) < _LINES_MAX:
            at_ms = round((self._clock.monotonic() - self._began_s) * 1000)
            self._run.lines.append(Line(at_ms, what, step, facts))
        if facts is not None:
            self._last = facts

    def _url(self, name: str) -> str:
        return f"sqlite:///{quote((self._folder / name).as_posix())}"


def _sentence(error: Exception) -> str:
    """Say what failed: what a task group raises only says how many did."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return str(error) or type(error).__name__


def _read_order(url: str) -> str:
    request = Request(url, headers={"accept": "application/json"})  # noqa: S310 - our own child's address
    with build_opener(ProxyHandler({})).open(request, timeout=_ASK_S) as answer:
        return str(json.loads(answer.read())["state"])
