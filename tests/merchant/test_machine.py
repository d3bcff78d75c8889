"""Any sequence of calls, repeated, reordered, failing half-way, over hours: the documented answers hold.

Method: Hypothesis drives an api over SQLite beside a model of one page. The model knows the documentation
alone; it is told when a hook failed, and then expects an error and everything as it was. Each rule asserts
the answer; the invariants look at the shop's books.
"""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from helpers_merchant import KEY, NOW_MS, TIMEOUT_MS, Books, Payme, payme_id
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import OrderState, Transaction
from tiyin.merchant.refusals import CannotPerform
from tiyin.merchant.stores.own import OwnStore
from tiyin.runtime.clock import ManualClock

IDS = st.integers(1, 4)
ORDERS = st.sampled_from(["1", "2", "b1"])


@dataclass
class Known:
    """A transaction as the documentation sees it."""

    order: str
    time_ms: int
    amount: int
    state: int
    create_time_ms: int
    perform_time_ms: int = 0
    cancel_time_ms: int | None = 0
    reason: int | None = None


class Payments(RuleBasedStateMachine):
    """The api and the model, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(NOW_MS)
        self.shop = Books()
        store = OwnStore(f"sqlite:///{Path(self.folder.name) / 'x.db'}", clock=self.clock, patience_s=5)
        self.api = MerchantApi(self.shop, store, KEY, clock=self.clock)
        self.payme = Payme(self.api)
        self.known: dict[int, Known] = {}
        self.run(self.api.start())

    def run(self, coro: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(coro)

    def twice(self, call: Callable[[], Coroutine[Any, Any, Any]], at_once: bool) -> Any:
        """Call twice, one after the other or at once: both answers are the same."""
        if at_once:

            async def both() -> tuple[Any, Any]:
                return await asyncio.gather(call(), call())

            first, second = self.run(both())
        else:
            first, second = self.run(call()), self.run(call())
        assert first == second
        return first

    def teardown(self) -> None:
        self.run(self.api.stop())
        self.loop.close()
        self.folder.cleanup()

    # The model.

    def touched(self, number: int) -> Known | None:
        """Notice the passing of time."""
        one = self.known.get(number)
        if one is not None and one.state == 1 and self.clock.now_ms() - one.time_ms >= TIMEOUT_MS:
            one.state, one.reason, one.cancel_time_ms = -1, 4, None
        return one

    def saw_cancel_time(self, one: Known, cancel_time_ms: int) -> None:
        """Who noticed an expiry first (a call, the sweep) is left open; once told, its time never changes."""
        if one.cancel_time_ms is None:
            assert one.time_ms + TIMEOUT_MS <= cancel_time_ms <= self.clock.now_ms()
            one.cancel_time_ms = cancel_time_ms
        assert one.cancel_time_ms == cancel_time_ms

    def holder_state(self, order: str) -> int:
        """What an order is: 0 free, 1 waiting, 2 paid, -2 refunded."""
        if order.startswith("b"):
            return 0
        for number in list(self.known):
            one = self.known[number]
            if one.order == order:
                self.touched(number)
                if one.state != -1:
                    return one.state
        return 0

    # The calls.

    @rule(order=ORDERS, amount=st.sampled_from([500_000, 5]))
    def check_perform(self, order: str, amount: int) -> None:
        answer = self.run(self.payme.check_perform(order, amount))
        state = self.holder_state(order)
        right = amount == 500_000
        if order.startswith("b"):
            assert answer == ({"allow": True} if right else -31001)
        elif state != 0:
            assert answer in range(-31099, -31049)
        else:
            assert answer == ({"allow": True} if right else -31001)

    @rule(
        number=IDS,
        order=ORDERS,
        age_ms=st.sampled_from([0, 0, 0, 1000, TIMEOUT_MS - 1, TIMEOUT_MS, -86_400_001]),
        at_once=st.booleans(),
    )
    def create(self, number: int, order: str, age_ms: int, at_once: bool) -> None:
        now_ms = self.clock.now_ms()
        before = self.touched(number)
        # A repeat carries the time of the first call, as Payme's does.
        same = before is not None and before.order == order and before.state == 1
        time_ms = before.time_ms if same and before is not None else now_ms - age_ms
        answer = self.twice(lambda: self.payme.create(number, order, time=time_ms), at_once)
        if before is not None:
            if before.state == 1 and before.order == order:
                assert answer["create_time"] == before.create_time_ms
                assert answer["state"] == 1
            else:
                assert answer == -31008
        elif now_ms - time_ms >= TIMEOUT_MS or time_ms - now_ms > 86_400_000:
            assert answer == -31008
        elif (state := self.holder_state(order)) != 0:
            assert answer == -31008 if state == 1 else answer in range(-31099, -31049)
        else:
            assert answer["state"] == 1
            assert answer["create_time"] == now_ms
            self.known[number] = Known(order, time_ms, 500_000, 1, now_ms)

    @rule(number=IDS, at_once=st.booleans())
    def perform(self, number: int, at_once: bool) -> None:
        answer = self.twice(lambda: self.payme.perform(number), at_once)
        one = self.touched(number)
        if one is None:
            assert answer == -31003
        elif one.state < 0:
            assert answer == -31008
        else:
            if one.state == 1:
                one.state, one.perform_time_ms = 2, self.clock.now_ms()
            assert (answer["state"], answer["perform_time"]) == (2, one.perform_time_ms)

    @rule(
        number=IDS, reason=st.sampled_from([1, 2, 3, 5, 10]), at_once=st.booleans(), delivered=st.booleans()
    )
    def cancel(self, number: int, reason: int, at_once: bool, delivered: bool) -> None:
        self.shop.cancellable = not delivered
        answer = self.twice(lambda: self.payme.cancel(number, reason), at_once)
        one = self.touched(number)
        if one is None:
            assert answer == -31003
        elif one.state == 2 and delivered:
            assert answer == -31007
        else:
            if one.state > 0:
                one.state, one.reason, one.cancel_time_ms = -one.state, reason, self.clock.now_ms()
            assert answer["state"] == one.state
            self.saw_cancel_time(one, answer["cancel_time"])

    @rule(
        number=IDS,
        order=ORDERS,
        call=st.sampled_from(["create", "perform", "cancel"]),
        how=st.sampled_from(["lost", "cut", "cut and repeated at once"]),
        turns=st.integers(0, 12),
    )
    def a_call_whose_answer_is_lost(self, number: int, order: str, call: str, how: str, turns: int) -> None:
        """The call arrives, its answer does not; Payme repeats it, and the repeat's answer is judged."""
        one = self.touched(number)
        if one is not None:
            order = one.order
        time_ms = self.clock.now_ms() if one is None else one.time_ms
        self.shop.cancellable = True
        calls: dict[str, Callable[[], Coroutine[Any, Any, Any]]] = {
            "create": lambda: self.payme.create(number, order, time=time_ms),
            "perform": lambda: self.payme.perform(number),
            "cancel": lambda: self.payme.cancel(number, 5),
        }
        if how == "lost":
            self.run(calls[call]())
        else:
            self.run(self.cut(calls[call], turns, ends=how == "cut"))
        if call == "create" and (one is None or one.state == 1):
            if one is None and self.holder_state(order) != 0:
                assert self.run(calls[call]()) in {-31008, *range(-31099, -31049)}
            else:
                answer = self.run(calls[call]())
                assert answer["state"] == 1
                if one is None:
                    self.known[number] = Known(order, time_ms, 500_000, 1, answer["create_time"])
        elif call == "perform":
            self.perform(number, at_once=False)
        elif call == "cancel":
            self.cancel(number, 5, at_once=False, delivered=False)

    async def cut(self, call: Callable[[], Coroutine[Any, Any, Any]], turns: int, ends: bool) -> None:
        """Hang up as soon as the shop's hook has begun, which then goes on for so many turns of the loop."""
        begun = asyncio.Event()

        async def begin(_: Transaction) -> None:
            begun.set()
            for _turn in range(turns):
                await asyncio.sleep(0)

        self.shop.before = begin
        both = [asyncio.ensure_future(call()), asyncio.ensure_future(begun.wait())]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for one in both:
            one.cancel()
        await asyncio.gather(*both, return_exceptions=True)
        if ends:
            # What was begun goes on without its caller, and has ended before the repeat comes.
            await asyncio.sleep(0.01)
        self.shop.before = None

    @rule(number=IDS, refusing=st.booleans())
    def perform_with_a_bad_hook(self, number: int, refusing: bool) -> None:
        error: Exception = CannotPerform() if refusing else RuntimeError()

        async def fail(_: Transaction) -> None:
            raise error

        one = self.touched(number)
        if one is None or one.state != 1:
            return
        self.shop.before = fail
        assert self.run(self.payme.perform(number)) == (-31008 if refusing else -32400)
        self.shop.before = None

    @rule(number=IDS)
    def check(self, number: int) -> None:
        answer = self.run(self.payme.check(number))
        one = self.touched(number)
        if one is None:
            assert answer == -31003
        else:
            assert answer["create_time"] == one.create_time_ms
            assert answer["perform_time"] == one.perform_time_ms
            self.saw_cancel_time(one, answer["cancel_time"])
            assert (answer["state"], answer["reason"]) == (one.state, one.reason)

    @rule(hours=st.sampled_from([1, 11, 12, 13]))
    def time_passes(self, hours: int) -> None:
        self.clock.advance(hours * 3_600_000)

    @rule()
    def sweep(self) -> None:
        self.run(self.api.expire_due())
        for number in self.known:
            self.touched(number)

    @rule()
    def restart(self) -> None:
        self.run(self.api.stop())
        self.run(self.api.start())

    @rule()
    def statement(self) -> None:
        for number in self.known:
            self.run(self.payme.check(number))
            self.touched(number)
        rows = self.run(self.payme.statement())
        expected = sorted((one.time_ms, payme_id(number), one.state) for number, one in self.known.items())
        assert [(row["time"], row["id"], row["state"]) for row in rows] == expected

    # What must hold whatever happened.

    @invariant()
    def each_effect_ran_once_at_most(self) -> None:
        for (effect, _), times in self.shop.ran.items():
            assert times <= 1 or effect in ("check", "may_cancel")

    @invariant()
    def paid_means_performed(self) -> None:
        for order, state in self.shop.orders.items():
            states = [one.state for one in self.known.values() if one.order == order]
            assert (state == OrderState.PAID) is (2 in states)
            assert states.count(2) + states.count(-2) <= 1


Payments.TestCase.settings = settings(
    max_examples=40, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestPayments = Payments.TestCase
