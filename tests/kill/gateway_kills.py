"""The ways that a payment can take, and what is done at each boundary on them."""

import asyncio
import time
from dataclasses import dataclass

from helpers_kill import Lost, Process
from kill.gateway_process import LEASE_MS
from kill.payer import CARD, DECLINED_CARD, Payer, Refused, patiently
from kill.world import World
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.gateway.receipts.states import CANCELLED, CREATED, HELD, PAID
from tiyin.protocol.errors import SubscribeCode

__all__ = [
    "LATER_WAYS",
    "WAYS",
    "Killed",
    "Way",
    "kill_at_each_boundary",
    "kill_twice",
    "pay_again",
    "recover",
    "walk",
]

CONFIRM, CANCEL = "receipts.confirm_hold", "receipts.cancel"
LANES = 3
RECOVERED_S = LEASE_MS / 1000 + 20
ENDED_S = 20.0
SETTLED_S = 0.3
PATIENCE_S = 90.0
"""Well within the payer's patience: what was begun can still be paid when the gateway is back."""


@dataclass(frozen=True)
class Way:
    """A way that a payment can take.

    Args:
        name: What it is called.
        method: The call during which the gateway is killed.
        end: The receipt's state at its end.
        card: The card that pays.
        refused: Whether the shop refuses to perform.
        direct: Whether the desk has no shop's server.
        hold: Whether the money is held first.
    """

    name: str
    method: str = "receipts.pay"
    end: int = PAID
    card: str = CARD
    refused: bool = False
    direct: bool = False
    hold: bool = False

    @property
    def before(self) -> int:
        """The receipt's state before the call."""
        return {CONFIRM: HELD, CANCEL: PAID}.get(self.method, CREATED)

    @property
    def last(self) -> int:
        """The receipt's state when everything is over: what is held is taken."""
        return PAID if self.end == HELD else self.end


WAYS = (
    Way("made", method="receipts.create", end=CREATED),
    Way("paid"),
    Way("declined", end=CANCELLED, card=DECLINED_CARD),
    Way("refused", end=CANCELLED, refused=True),
    Way("direct", direct=True),
)
LATER_WAYS = (
    Way("held", end=HELD, hold=True),
    Way("confirmed", method=CONFIRM, hold=True),
    Way("returned", method=CANCEL, end=CANCELLED),
)
"""Ways to a hold, and on from a hold or a payment."""


@dataclass
class Killed:
    """A payment whose gateway was killed at a boundary."""

    way: Way
    number: int
    boundary: str
    payer: Payer
    account: dict[str, str]
    token: str
    receipt_id: str | None = None
    begun: bool | None = None

    def __str__(self) -> str:
        return f"{self.way.name} {self.number}: {self.boundary}"


async def _begin(world: World, gateway: Process, way: Way, number: int, boundary: str) -> Killed:
    """Make everything that is there before the call in question."""
    shop = world.shops[0]
    account = {} if way.direct else {"order_id": await shop.new_order()}
    if way.refused:
        await shop.process.control("refuse", account["order_id"])
    payer = Payer(gateway, *(world.terminal if way.direct else (shop.desk, shop.key)))
    payment = Killed(way, number, boundary, payer, account, await payer.token(way.card))
    if way.method != "receipts.create":
        payment.receipt_id = await payer.receipt(account, hold=way.hold)
    if way.method in {CONFIRM, CANCEL}:
        assert payment.receipt_id is not None
        assert await payer.pay(payment.receipt_id, payment.token, hold=way.hold) == way.before
    return payment


async def _call(payment: Killed) -> int:
    """Make the call in question; the state it ends in."""
    if payment.receipt_id is None:
        payment.receipt_id = await payment.payer.receipt(payment.account)
        return CREATED
    if payment.way.method in {CONFIRM, CANCEL}:
        return await payment.payer.move(payment.way.method, payment.receipt_id)
    try:
        return await payment.payer.pay(payment.receipt_id, payment.token, hold=payment.way.hold)
    except Refused:
        return CANCELLED


async def walk(world: World, way: Way, *, bug: str | None = None) -> list[str]:
    """Go a way without any kill, and name its boundaries."""
    gateway = world.new_gateway(worker=False, bug=bug)
    await gateway.start()
    payment = await _begin(world, gateway, way, 0, "none")
    await gateway.control("arm", 0)
    state = await _call(payment)
    if way.method == CANCEL:
        # It is answered at once, and goes on; a question by HTTP would count too.
        await world.resolved(ENDED_S)
    else:
        assert state == way.end
    names: list[str] = await gateway.control("boundaries")
    if state == HELD:
        await payment.payer.move(CONFIRM, payment.receipt_id or "")
    await gateway.kill()
    if way.method == CANCEL:
        # The answer leaves while the rest is under way: it has no place among the steps.
        names = [name for name in dict.fromkeys(names) if not name.endswith(" the answer")]
    return names


async def _kill(world: World, gateway: Process, way: Way, number: int, name: str) -> Killed:
    """Start a gateway and kill it at a boundary of a payment."""
    await gateway.start()
    payment = await _begin(world, gateway, way, number, name)
    await gateway.control("arm", name if way.method == CANCEL else number)
    try:
        await _call(payment)
    except Lost:
        pass
    else:
        # Who dies after the answer has left may have been heard.
        assert name == "after the answer" or way.method == CANCEL, f"{payment}: it was answered"
    await gateway.died()
    assert gateway.told.read_text() == name
    return payment


async def kill_at_each_boundary(
    world: World, boundaries: list[tuple[Way, int, str]], *, bug: str | None = None
) -> list[Killed]:
    """Give each boundary a payment and a process, which is killed there.

    Args:
        world: The world; its first shop runs.
        boundaries: The ways, the numbers of the boundaries on them from 1, and their names.
        bug: A planted bug.
    """
    waiting = list(reversed(boundaries))
    killed: list[Killed] = []
    begins = {
        way.name: number
        for way, number, name in waiting
        if name.startswith(f"after the commit of receipts {way.before}>")
    }

    async def lane() -> None:
        gateway = world.new_gateway(worker=False, bug=bug)
        while waiting:
            way, number, name = waiting.pop()
            payment = await _kill(world, gateway, way, number, name)
            if way.method in {CONFIRM, CANCEL}:
                payment.begun = number >= begins[way.name]
            killed.append(payment)

    began = time.monotonic()
    await asyncio.gather(*(lane() for _ in range(LANES)))
    assert time.monotonic() - began < PATIENCE_S, (
        "this machine is too slow to kill so many in a payer's patience"
    )
    return killed


async def recover(
    world: World, killed: list[Killed], *, bug: str | None = None, within_s: float = RECOVERED_S
) -> list[str]:
    """Start a gateway as after a crash, let it end everything, and see where each payment ended.

    Returns:
        What is not as it must be; the gateway runs on.
    """
    gateway = world.new_gateway(bug=bug)
    await gateway.start()
    problems: list[str] = []
    try:
        await world.resolved(within_s)
    except AssertionError as error:
        problems.append(str(error))
    async with world.store() as store:
        receipts = await store.get_many(RECEIPTS, [one.receipt_id for one in killed if one.receipt_id])
    for payment in killed:
        payment.payer = Payer(gateway, payment.payer.desk, payment.payer.key)
        receipt = receipts.get(payment.receipt_id or "")
        if receipt is None:
            continue
        begun = receipt.attempt if payment.begun is None else payment.begun
        expected = payment.way.end if begun else payment.way.before
        if receipt.state != expected:
            problems.append(f"{payment}: the receipt is at {receipt.state} {receipt.step}, not {expected}")
        if receipt.state == HELD:
            await payment.payer.move(CONFIRM, receipt.id)
    return problems


async def pay_again(world: World, killed: list[Killed]) -> list[str]:
    """Let whoever was promised nothing pay again, and a token that paid nothing pay another order.

    Returns:
        Who could not.
    """
    problems: list[str] = []
    for payment in killed:
        way, payer = payment.way, payment.payer
        if payment.receipt_id is None:
            payment.receipt_id = await payer.receipt(payment.account)
        end = CREATED if way.method == "receipts.create" else await payer.state(payment.receipt_id)
        if end == CREATED:
            end = await _end_of(payment, payment.receipt_id)
        if end == HELD:
            end = await payer.move(CONFIRM, payment.receipt_id)
        if way.method == CANCEL and end == PAID:
            end = await _cancelled(payment, payment.receipt_id)
        expected = PAID if way.method == "receipts.create" else way.last
        if end != expected:
            problems.append(f"{payment}: paid again, it ended at {end}, not {expected}")
        if way.card == DECLINED_CARD:
            problems += await _pay_another(world, payment)
    return problems


async def _end_of(payment: Killed, receipt_id: str) -> int:
    hold = payment.way.hold
    try:
        return int(await patiently(lambda: payment.payer.pay(receipt_id, payment.token, hold=hold)))
    except Refused:
        return await payment.payer.state(receipt_id)


async def _cancelled(payment: Killed, receipt_id: str) -> int:
    """Cancel once more, and wait for the end."""
    state = await payment.payer.move(CANCEL, receipt_id)
    deadline = time.monotonic() + ENDED_S
    while state not in {PAID, CANCELLED}:
        assert time.monotonic() < deadline, f"{payment}: still at {state}"
        await asyncio.sleep(0.05)
        state = await payment.payer.state(receipt_id)
    return state


async def _pay_another(world: World, payment: Killed) -> list[str]:
    """Pay another order with a token that took nothing: the card may be declined, the token may not."""
    other = await payment.payer.receipt({"order_id": await world.shops[0].new_order()})
    try:
        await payment.payer.pay(other, payment.token)
    except Refused as refused:
        if refused.code == SubscribeCode.DEBIT_FAILED:
            return []
        return [f"{payment}: its token was refused for another order, {refused}"]
    return [f"{payment}: a card that is always declined has paid"]


async def kill_twice(world: World, way: Way, first: str) -> list[str]:
    """Kill a payment's gateway at a boundary, and the one that takes it up at each boundary of its own.

    Each second boundary has a payment; a third gateway ends it. Leases are ended by hand.

    Args:
        world: The world; its shop runs, and nothing else uses it.
        way: The payment's way.
        first: The boundary at which the first gateway dies.

    Returns:
        The second boundaries, in their order.
    """
    number = (await walk(world, way)).index(first) + 1
    gateway, taker = world.new_gateway(worker=False), world.new_gateway()
    seconds: list[str] = []
    while True:
        payment = await _kill(world, gateway, way, number, first)
        await world.end_leases()
        taker.launch(at=len(seconds) + 1)
        killed = await _died_or_ended(world, taker)
        if killed:
            seconds.append(taker.told.read_text())
            await world.end_leases()
            await taker.start(at=None)
        await world.resolved(RECOVERED_S)
        await taker.kill()
        [receipt] = [found for found in await world.receipts() if found.id == payment.receipt_id]
        assert receipt.state == way.end, f"{way.name}: {first}, then {seconds[-1:]}: {receipt.state}"
        if not killed:
            return seconds


async def _died_or_ended(world: World, taker: Process) -> bool:
    """Wait until a gateway was killed or has nothing left to do; tell whether it was killed."""
    deadline = time.monotonic() + RECOVERED_S
    while not taker.told.exists():
        assert time.monotonic() < deadline, f"nothing goes on:\n{taker.log()}"
        if not any(receipt.unresolved for receipt in await world.receipts()):
            await asyncio.sleep(SETTLED_S)
            break
        await asyncio.sleep(0.02)
    if not taker.told.exists():
        return False
    await taker.died()
    return True
