"""Merchants that are wrong about time and about what happens at once, and in what comes beside payments."""

import asyncio
import itertools
from collections import defaultdict
from typing import Any, ClassVar

from sandbox.zoo.edge import Params, Refused
from sandbox.zoo.merchant import Merchant, Transaction, now_ms
from sandbox.zoo.species import wrong
from sandbox.zoo.windows import left, meet
from sandbox.zoo.wire import Closed, Request


@wrong("takes-the-expired", "expired-accepted")
class TakesTheExpired(Merchant):
    """It creates what Payme made thirteen hours ago."""

    def judge_time(self, time_ms: int) -> None:
        del time_ms

    def expire(self, it: Transaction) -> None:
        if it.create_time < it.time + 43_200_000:
            super().expire(it)


@wrong("performs-the-expired", "expired-performs")
class PerformsTheExpired(Merchant):
    """It forgets to look at the clock when it performs."""

    async def perform(self, params: Params) -> Any:
        it = self.transactions.get(self.read_id(params))
        if it is not None and it.state == 1:
            self.do_perform(it)
        return await super().perform(params)


@wrong("expiry-keeps-the-order", "expiry-blocks-order")
class ExpiryKeepsTheOrder(Merchant):
    """What expired is cancelled, but its order stays reserved."""

    def release(self, it: Transaction) -> None:
        if it.reason == 4 and it.state == -1:
            it.order.held_by = ""
        else:
            super().release(it)


class _Statement(Merchant):
    """Statements of its own."""


@wrong("empty-statement", "statement-empty")
class EmptyStatement(_Statement):
    """Its statements hold nothing."""

    def is_within(self, it: Transaction, from_ms: int, to_ms: int) -> bool:
        del it, from_ms, to_ms
        return False


@wrong("statement-of-everything", "statement-range")
class StatementOfEverything(_Statement):
    """It tells all that it has, whatever the period."""

    def is_within(self, it: Transaction, from_ms: int, to_ms: int) -> bool:
        del it, from_ms, to_ms
        return True


@wrong("statement-without-its-ends", "statement-range")
class StatementWithoutItsEnds(_Statement):
    """It leaves out what stands at the period's last moment."""

    def is_within(self, it: Transaction, from_ms: int, to_ms: int) -> bool:
        return from_ms <= it.time < to_ms


@wrong("statement-backwards", "statement-order")
class StatementBackwards(_Statement):
    """The newest comes first."""

    def in_order(self, found: list[Transaction]) -> list[Transaction]:
        return super().in_order(found)[::-1]


@wrong("statement-without-amounts", "statement-fields")
class StatementWithoutAmounts(_Statement):
    """Its rows hold no amount."""

    def row(self, it: Transaction) -> Any:
        return {name: value for name, value in super().row(it).items() if name != "amount"}


@wrong("statement-by-create-time", "statement-by-own-time")
class StatementByCreateTime(_Statement):
    """It looks at its own time instead of Payme's."""

    def is_within(self, it: Transaction, from_ms: int, to_ms: int) -> bool:
        return from_ms <= it.create_time <= to_ms


@wrong("refuses-fiscal-data", "fiscal-refused")
class RefusesFiscalData(Merchant):
    """It has the method, and cannot do it."""

    async def fiscal_data(self, params: Params) -> Any:
        await super().fiscal_data(params)
        raise Refused(-32400)


@wrong("refuses-new-keys", "password-refused", change_password=True)
class RefusesNewKeys(Merchant):
    """It refuses every new key."""

    async def change_password(self, params: Params) -> Any:
        del params
        raise Refused(-32400)


@wrong("forgets-new-keys", "password-not-changed", change_password=True)
class ForgetsNewKeys(Merchant):
    """It says that it took the new key, and did not."""

    async def change_password(self, params: Params) -> Any:
        keys = self.keys
        answer = await super().change_password(params)
        self.keys = keys
        return answer


class _Careless(Merchant):
    """Leaves a window between looking and writing, and in it waits for a second request."""

    where: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *, one_time: bool = True) -> None:
        super().__init__(one_time=one_time)
        self.waiting: list[asyncio.Event] = []
        self.later = itertools.count(1)

    async def window(self, where: str) -> None:
        if where in self.where:
            await meet(self.waiting)


@wrong("two-at-once", "race-create-twice")
class TwoAtOnce(_Careless):
    """Two transactions that come at once both get the order."""

    where = ("create",)

    def store(self, id_: str, *rest: Any) -> Transaction:
        return self.transactions.get(id_) or super().store(id_, *rest)


@wrong("one-twice-at-once", "race-same-id")
class OneTwiceAtOnce(_Careless):
    """The same CreateTransaction, come twice at once, is stored twice."""

    where = ("create",)

    def store(self, id_: str, *rest: Any) -> Transaction:
        order = rest[-1]
        if order.held_by not in {"", id_}:
            raise Refused(-31008)
        return super().store(id_, *rest)


@wrong("performs-twice-at-once", "race-perform")
class PerformsTwiceAtOnce(_Careless):
    """PerformTransaction, come twice at once, is performed twice."""

    where = ("perform",)

    def do_perform(self, it: Transaction) -> None:
        if it.state < 0:
            raise Refused(-31008)
        super().do_perform(it)
        it.perform_time = now_ms() + next(self.later)


@wrong("performs-and-cancels-at-once", "race-perform-cancel")
class PerformsAndCancelsAtOnce(_Careless):
    """PerformTransaction and CancelTransaction that come at once both succeed."""

    where = ("perform", "cancel")

    def do_perform(self, it: Transaction) -> None:
        if it.state != 2:
            super().do_perform(it)

    def do_cancel(self, it: Transaction, becomes: int, reason: int) -> None:
        if it.state > 0:
            super().do_cancel(it, becomes, reason)


class Loses(Merchant):
    """Marks a transaction as being worked at, and leaves the mark where the caller hangs up."""

    method: ClassVar[str] = ""

    def __init__(self, *, one_time: bool = True) -> None:
        super().__init__(one_time=one_time)
        self.locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.marked: set[str] = set()
        self.done: set[str] = set()

    async def dispatch(self, method: str, params: Params, request: Request) -> Any:
        id_ = params.get("id")
        if method != self.method or not isinstance(id_, str):
            return await super().dispatch(method, params, request)
        async with self.locks[id_]:
            if id_ in self.marked:
                raise Refused(-31008)
            answer = await super().dispatch(method, params, request)
            if id_ not in self.done:
                try:
                    await left(request)
                except Closed:
                    self.marked.add(id_)
                    raise
                self.done.add(id_)
            return answer


@wrong("loses-creates", "lost-create")
class LosesCreates(Loses):
    """A CreateTransaction whose answer was lost cannot be repeated."""

    method = "CreateTransaction"


@wrong("loses-performs", "lost-perform")
class LosesPerforms(Loses):
    """A PerformTransaction whose answer was lost cannot be repeated."""

    method = "PerformTransaction"


@wrong("ascii-only", "internal-error-on-bad-input")
class AsciiOnly(Merchant):
    """Letters beyond ASCII throw it."""

    def read_account(self, params: Params) -> dict[str, Any]:
        account = super().read_account(params)
        if any(not str(value).isascii() for value in account.values()):
            raise Refused(-32400)
        return account
