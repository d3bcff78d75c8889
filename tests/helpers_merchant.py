"""For the merchant kit's tests: shops that count what was done to them, and a caller that speaks as Payme."""

import asyncio
import itertools
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any

from tiyin.merchant.api import Call, MerchantApi
from tiyin.merchant.billing import Account, Billing, FiscalNotice, Order, OrderState, Transaction
from tiyin.merchant.refusals import AccountNotFound
from tiyin.protocol.authorization import write_basic

__all__ = ["KEY", "NOW_MS", "TIMEOUT_MS", "Books", "Payme", "QuietShop", "payme_id"]

KEY = "Uzcard:some?Random&Key%15453435435451"
NOW_MS = 1_700_000_000_000
TIMEOUT_MS = 43_200_000
PRICE_TIYIN = 500_000

Hook = Callable[[Transaction], Awaitable[Any]]


def payme_id(number: int) -> str:
    """Make the id of a transaction."""
    return f"{number:024x}"


class QuietShop(Billing):
    """A shop with nothing to do: orders 1 to 1000 cost 500,000 tiyin, accounts from b1 on are balances."""

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        del amount_tiyin
        number = account["order_id"]
        if number.startswith("b"):
            return Order(one_time=False, amount_tiyin_min=100, amount_tiyin_max=1_000_000)
        if not number.isdecimal() or not 1 <= int(number) <= 1000:
            raise AccountNotFound("order_id")
        return Order(amount_tiyin=PRICE_TIYIN)


class Books(QuietShop):
    """A shop that keeps books: the states of its orders, and how often each effect ran for a transaction."""

    def __init__(self) -> None:
        self.ran: Counter[tuple[str, str]] = Counter()
        self.running: Counter[str] = Counter()
        self.orders: dict[str, OrderState] = {}
        self.seen: list[tuple[str, Transaction]] = []
        self.before: Hook | None = None
        self.answer: Any = None
        self.cancellable = True
        self.notices: list[FiscalNotice] = []
        self.knows_receipts = False
        self.passwords: list[str] = []

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        self.ran["check", account.get("order_id", "")] += 1
        order = await super().check(account, amount_tiyin)
        if not order.one_time:
            return order
        return Order(amount_tiyin=PRICE_TIYIN, state=self.orders.get(account["order_id"], OrderState.WAITING))

    async def create(self, transaction: Transaction) -> str | int | None:
        await self._run("create", transaction, OrderState.RESERVED)
        answer: str | int | None = self.answer
        return answer

    async def perform(self, transaction: Transaction) -> None:
        await self._run("perform", transaction, OrderState.PAID)
        return self.answer  # type: ignore[no-any-return]  # a test may break the promise

    async def may_cancel(self, transaction: Transaction) -> bool:
        self.ran["may_cancel", transaction.id] += 1
        return self.cancellable

    async def cancel(self, transaction: Transaction) -> None:
        await self._run(
            "cancel", transaction, OrderState.CANCELLED if transaction.paid else OrderState.WAITING
        )

    async def fiscal_data(self, notice: FiscalNotice) -> bool:
        self.notices.append(notice)
        return self.knows_receipts

    async def change_password(self, password: str) -> None:
        self.passwords.append(password)

    async def _run(self, effect: str, transaction: Transaction, becomes: OrderState) -> None:
        assert self.running[transaction.id] == 0, "two hooks of one transaction at a time"
        self.running[transaction.id] += 1
        self.seen.append((effect, transaction))
        try:
            await asyncio.sleep(0)
            if self.before is not None:
                await self.before(transaction)
            self.ran[effect, transaction.id] += 1
            if not transaction.account["order_id"].startswith("b"):
                self.orders[transaction.account["order_id"]] = becomes
        finally:
            self.running[transaction.id] -= 1


class Payme:
    """Calls an api as Payme does, without HTTP."""

    def __init__(self, api: MerchantApi, key: str = KEY) -> None:
        self._api = api
        self._numbers = itertools.count(1)
        self.authorization: str | None = write_basic("Paycom", key)

    async def send(self, body: bytes, method: str = "POST", **call: Any) -> Any:
        """Send a body, and return the decoded reply."""
        call.setdefault("authorization", self.authorization)
        reply = await self._api.handle(Call(method, body, **call))
        pieces = [reply.body]
        if reply.more is not None:
            pieces += [piece async for piece in reply.more]
        return json.loads(b"".join(pieces))

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method, check the envelope, and return the result or the error's code."""
        number = next(self._numbers)
        reply = await self.send(
            json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": params}).encode()
        )
        assert reply["id"] == number
        assert reply["jsonrpc"] == "2.0"
        assert ("result" in reply) is not ("error" in reply)
        if "result" in reply:
            return reply["result"]
        if method != "SetFiscalData":
            assert set(reply["error"]["message"]) == {"ru", "uz", "en"}
        return reply["error"]["code"]

    async def check_perform(self, order: str | int = "1", amount: int = PRICE_TIYIN) -> Any:
        return await self.call("CheckPerformTransaction", amount=amount, account={"order_id": order})

    async def create(
        self, number: int, order: str | int = "1", amount: int = PRICE_TIYIN, time: int = NOW_MS
    ) -> Any:
        account = {"order_id": order}
        return await self.call(
            "CreateTransaction", id=payme_id(number), time=time, amount=amount, account=account
        )

    async def perform(self, number: int) -> Any:
        return await self.call("PerformTransaction", id=payme_id(number))

    async def cancel(self, number: int, reason: int = 3) -> Any:
        return await self.call("CancelTransaction", id=payme_id(number), reason=reason)

    async def check(self, number: int) -> Any:
        return await self.call("CheckTransaction", id=payme_id(number))

    async def statement(self, from_ms: int = 0, to_ms: int = 2 * NOW_MS) -> Any:
        return (await self.call("GetStatement", **{"from": from_ms, "to": to_ms}))["transactions"]
