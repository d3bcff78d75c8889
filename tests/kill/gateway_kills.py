"""The ways that a payment can take, and what is done at each boundary on them."""

import asyncio
import time
from dataclasses import dataclass

from helpers_kill import Lost, Process
from kill.gateway_process import LEASE_MS
from kill.payer import CARD, DECLINED_CARD, Payer, Refused, patiently
from kill.world import World
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID
from tiyin.protocol.errors import SubscribeCode

__all__ = ["WAYS", "Killed", "Way", "kill_at_each_boundary", "kill_twice", "pay_again", "recover", "walk"]

LANES = 3
RECOVERED_S = LEASE_MS / 1000 + 20
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
    """

    name: str
    method: str = "receipts.pay"
    end: int = PAID
    card: str = CARD
    refused: bool = False
    direct: bool = False


WAYS = (
    Way("made", method="receipts.create", end=CREATED),
    Way("paid"),
    Way("declined", end=CANCELLED, card=DECLINED_CARD),
    Way("refused", end=CANCELLED, refused=True),
    Way("direct", direct=True),
)


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
    if way.method == "receipts.pay":
        payment.receipt_id = await payer.receipt(account)
    return payment


async def _call(payment: Killed) -> int:
    """Make the call in question; the state it ends in."""
    if payment.receipt_id is None:
        payment.receipt_id = await payment.payer.receipt(payment.account)
        return CREATED
    try:
        return await payment.payer.pay(payment.receipt_id, payment.token)
    except Refused:
        return CANCELLED


async def walk(world: World, way: Way, *, bug: str | None = None) -> list[str]:
    """Go a way without any kill, and name its boundaries."""
    gateway = world.new_gateway(worker=False, bug=bug)
    await gateway.start()
    payment = await _begin(world, gateway, way, 0, "none")
    await gateway.control("arm", 0)
    assert await _call(payment) == way.end
    names: list[str] = await gateway.control("boundaries")
    await gateway.kill()
    return names


async def _kill(world: World, gateway: Process, way: Way, number: int, name: str) -> Killed:
    """Start a gateway and kill it at a boundary of a payment."""
    await gateway.start()
    payment = await _begin(world, gateway, way, number, name)
    await gateway.control("arm", number)
    try:
        await _call(payment)
    except Lost:
        pass
    else:
        # Who dies after the answer has left may have been heard.
        assert name == "after the answer", f"{payment}: it was answered"
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

    async def lane() -> None:
        gateway = world.new_gateway(worker=False, bug=bug)
        while waiting:
            killed.append(await _kill(world, gateway, *waiting.pop()))

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
        expected = payment.way.end if receipt.attempt else CREATED
        if receipt.state != expected:
            problems.append(f"{payment}: the receipt is at {receipt.state} {receipt.step}, not {expected}")
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
        expected = PAID if way.method == "receipts.create" else way.end
        if end != expected:
            problems.append(f"{payment}: paid again, it ended at {end}, not {expected}")
        if way.card == DECLINED_CARD:
            problems += await _pay_another(world, payment)
    return problems


async def _end_of(payment: Killed, receipt_id: str) -> int:
    try:
        return int(await patiently(lambda: payment.payer.pay(receipt_id, payment.token)))
    except Refused:
        return await payment.payer.state(receipt_id)


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
