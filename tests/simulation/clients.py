"""Who uses the gateway: shops' back ends that make and cancel receipts, and payers with several windows."""

import asyncio
from typing import Any

from msgspec.structs import replace

from simulation.fixture import BILLING_DESK, DIRECT_DESK, fixture
from simulation.network import Network
from simulation.process import Process, Processes
from simulation.watch import KEYED, Watch
from simulation.world import World
from tiyin.gateway.receipts.holds import HOLD_MS
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.receipts.states import HELD, PAID

__all__ = ["Clients"]

_TIMEOUT_S = 40.0
_AROUND_S = 600.0
_AMOUNT_TIYIN = 500_000
_ITEM = {"title": "Чай", "price": _AMOUNT_TIYIN, "count": 1, "code": "00702001001000001", "vat_percent": 12}
_DETAIL = {"receipt_type": 0, "items": [{**_ITEM, "package_code": "1234567"}]}


class Clients:
    """The clients of a run.

    Args:
        world: The world.
        network: Between them and the processes.
        processes: Whom they ask, any of them.
        watch: Is told what they were told.
    """

    def __init__(self, world: World, network: Network, processes: Processes, watch: Watch) -> None:
        self._world = world
        self._network = network
        self._processes = processes
        self._watch = watch

    async def run(self, day: int = 0) -> None:
        """Let everybody do what he does, with orders of his own each day."""
        first = 100 * day
        await asyncio.gather(*(self._shop(first + n) for n in range(self._world.faults.orders)))

    async def regret(self) -> None:
        """Cancel some of what was paid on another day."""
        paid = [receipt for receipt in self._world.tables.of(RECEIPTS).values() if receipt.state == PAID]
        regretted = [receipt for receipt in paid if self._world.chance.random() < 0.4]
        await asyncio.gather(*(self._cancel("shop", each.desk_id, each.id) for each in regretted))

    async def come_late(self) -> None:
        """Confirm or cancel, or forget, what has been held for nearly thirty days by then, or just longer."""
        world, chance = self._world, self._world.chance
        held = [receipt for receipt in world.tables.of(RECEIPTS).values() if receipt.state == HELD]
        calm, troubled = world.faults, replace(world.faults)
        calm.stop()
        coming = [self._come_late(n, receipt) for n, receipt in enumerate(held) if chance.random() < 0.8]
        if held:
            end_ms = min(receipt.held_ms for receipt in held) + HOLD_MS
            await asyncio.sleep((end_ms - world.now_ms()) / 1000 - _AROUND_S)
        calm.take(troubled)
        await asyncio.gather(*coming)

    async def _come_late(self, n: int, receipt: Receipt) -> None:
        chance = self._world.chance
        left_s = (receipt.held_ms + HOLD_MS - self._world.now_ms()) / 1000
        after_s = chance.choice((0.0, 1.0, 5.0, 60.0, _AROUND_S)) * chance.uniform(-1, 1)
        after_s += chance.choice((0.0, 0.0, 5 * _AROUND_S))
        await asyncio.sleep(max(0.0, left_s + after_s))
        doing = [self._confirm, self._cancel]
        chance.shuffle(doing)
        await asyncio.gather(
            *(do(f"shop-{n}", receipt.desk_id, receipt.id, 10) for do in doing[: chance.choice((1, 1, 2))])
        )

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(self._world.chance.random() * seconds)

    async def ask(self, who: str, desk_id: str, method: str, params: Any, *, key: str | None = None) -> Any:
        """Ask any process.

        Args:
            who: Who asks.
            desk_id: For which cash desk.
            method: What.
            params: With what.
            key: The header Idempotency-Key.

        Returns:
            The answer, or None where none came.
        """
        world, faults, chance = self._world, self._world.faults, self._world.chance
        if not self._processes.alive or world.happens(faults.not_sent):
            await self._pause(1)
            return None
        process = chance.choice(self._processes.alive)
        world.say(who, f"asks {process.life.name} for {method}", str(params.get("id", "")))
        if world.happens(faults.request_lost):
            await asyncio.sleep(_TIMEOUT_S * chance.random())
            return None
        future: asyncio.Future[Any] = world.loop.create_future()
        for _ in range(2 if world.happens(faults.twice) else 1):
            world.spawn(self._served(process, future, desk_id, method, params, key), process.life)
        timer = world.later(_TIMEOUT_S, _succeed, future, None)
        answer = await future
        timer.cancel()
        if answer is None or world.happens(faults.answer_lost):
            world.say(who, f"hears nothing of {method}")
            return None
        if "result" in answer:
            result = answer["result"]
            if method == "receipts.send":
                self._watch.sms.accepted(params["id"])
                return answer
            receipt = result.get("receipt", result)
            receipt_id = receipt.get("_id", params.get("id"))
            world.say(who, f"is told {receipt['state']}", receipt_id)
            self._watch.tell(method, receipt_id, receipt["state"], key)
        else:
            world.say(who, f"is refused {method}", str(answer["error"]["code"]))
        return answer

    async def _served(
        self,
        process: Process,
        future: asyncio.Future[Any],
        desk_id: str,
        method: str,
        params: Any,
        key: str | None,
    ) -> None:
        await self._pause(0.1)
        answer = await process.serve(desk_id, method, params, key)
        self._world.later(self._world.chance.random() * 0.1, _succeed, future, answer)

    async def _shop(self, n: int) -> None:
        """Sell one order: make a receipt, have it paid in some windows, and maybe cancel it."""
        faults, chance = self._world.faults, self._world.chance
        desk_id = DIRECT_DESK if self._world.happens(faults.direct) else BILLING_DESK
        hold = self._world.happens(faults.holds)
        await self._pause(30)
        made = []
        # Two receipts for one order, now and then: only one of them may be paid.
        for m in range(chance.choice((1, 1, 1, 2))):
            receipt_id = await self._make(f"shop-{n}.{m}", desk_id, f"order-{n}", hold)
            if receipt_id is not None:
                made.append(receipt_id)
        await asyncio.gather(*(self._sell(n, desk_id, receipt_id, hold) for receipt_id in made))

    async def _make(self, who: str, desk_id: str, order: str, hold: bool) -> str | None:
        params: dict[str, Any] = {"amount": _AMOUNT_TIYIN, "account": {"order_id": order}}
        if hold:
            params["hold"] = True
        if self._world.chance.random() < 0.7:
            params["detail"] = _DETAIL
        key = f"{KEYED} of {who}" if self._world.chance.random() < 0.7 else None
        if key is not None:
            params["description"] = key
        for _ in range(4):
            answer = await self.ask(who, desk_id, "receipts.create", params, key=key)
            if answer is not None and "result" in answer:
                receipt_id: str = answer["result"]["receipt"]["_id"]
                return receipt_id
            await self._pause(10)
        return None

    async def _sell(self, n: int, desk_id: str, receipt_id: str, hold: bool) -> None:
        windows = self._world.chance.choice((1, 1, 2, 3))
        doing = [self._pay(f"payer-{n}.{w}", desk_id, receipt_id, hold) for w in range(windows)]
        if self._world.happens(self._world.faults.messages):
            doing.append(self._invite(f"shop-{n}", desk_id, receipt_id))
        if self._world.happens(self._world.faults.cancels):
            doing.append(self._cancel(f"shop-{n}", desk_id, receipt_id))
        if hold:
            doing.append(self._confirm(f"shop-{n}", desk_id, receipt_id))
        await asyncio.gather(*doing)

    async def _invite(self, who: str, desk_id: str, receipt_id: str) -> None:
        """Have an invoice sent, to a phone of its own."""
        phone = f"99890{self._world.number():07d}"
        key = f"invoice {receipt_id}" if self._world.chance.random() < 0.5 else None
        self._watch.sms.asked(receipt_id, phone, key)
        for _ in range(3):
            answer = await self.ask(
                who, desk_id, "receipts.send", {"id": receipt_id, "phone": phone}, key=key
            )
            if answer is not None:
                return
            await self._pause(20)

    async def _pay(self, who: str, desk_id: str, receipt_id: str, hold: bool) -> None:
        chance = self._world.chance
        tokens = fixture().saved if chance.random() < 0.5 else fixture().one_time
        token = chance.choice(tokens[desk_id])
        params: dict[str, Any] = {"id": receipt_id, "token": token, "payer": {"phone": "998901304527"}}
        if hold:
            params["hold"] = True
        await self._pause(40)
        for _ in range(chance.choice((1, 2, 4))):
            answer = await self.ask(who, desk_id, "receipts.pay", params)
            if answer is not None and ("result" in answer or chance.random() < 0.4):
                break
            await self._pause(30)
        for _ in range(2):
            await self._pause(60)
            await self.ask(who, desk_id, "receipts.check", {"id": receipt_id})

    async def _cancel(self, who: str, desk_id: str, receipt_id: str, within_s: int = 0) -> None:
        await self._pause(within_s or self._world.chance.choice((20, 120, 400)))
        self._watch.cancel_asked.add(receipt_id)
        for _ in range(3):
            answer = await self.ask(who, desk_id, "receipts.cancel", {"id": receipt_id})
            if answer is not None:
                return
            await self._pause(20)

    async def _confirm(self, who: str, desk_id: str, receipt_id: str, within_s: int = 0) -> None:
        if self._world.faults.month and not within_s:
            return
        await self._pause(within_s or self._world.chance.choice((60, 300)))
        for _ in range(3):
            answer = await self.ask(who, desk_id, "receipts.confirm_hold", {"id": receipt_id})
            if answer is not None and "result" in answer:
                return
            await self._pause(30)


def _succeed(future: asyncio.Future[Any], answer: Any) -> None:
    if not future.done():
        future.set_result(answer)
