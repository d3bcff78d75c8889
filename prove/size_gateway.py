"""A gateway in this process, whose merchant is a function: what is measured when much is stored."""

import itertools
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from prove.size_filling import begins_ms, fill
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway, open_gateway
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.migrations.tables import gateway_metadata
from tiyin.gateway.receipts.states import PAID
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.gateway.vault import new_vault_key
from tiyin.protocol.values import Text
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.http import HttpAnswer, HttpCall, ScriptedHttp
from tiyin.storage import open_store
from tiyin.storage.postgres.store import PostgresStore

__all__ = ["Measured", "opened"]

_MONTH_MS: Final = 28 * 86_400_000
_AMOUNT_TIYIN: Final = 500_000
_RESULTS: Final = {
    "CheckPerformTransaction": {"allow": True},
    "CreateTransaction": {"transaction": "1", "state": 1, "create_time": 1},
    "PerformTransaction": {"transaction": "1", "state": 2, "perform_time": 1},
}
_orders = itertools.count(SystemClock().now_ms() << 8)


class _Mute:
    """Sends no message, and says that it did: the test cards' code is known."""

    async def send_sms(self, phone: str, text: str) -> None:
        """Leave it."""


class _Forgetful(ScriptedHttp):
    """The merchant; it keeps no list of what it was asked."""

    async def _ask(self, call: HttpCall) -> HttpAnswer:
        return _merchant(call)


def _merchant(call: HttpCall) -> HttpAnswer:
    result = _RESULTS.get(msgspec.json.decode(call.body)["method"], {"success": True})
    return HttpAnswer(200, {}, msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "result": result}))


class Measured:
    """A gateway, and what is asked of it.

    Args:
        gateway: The gateway.
        x_auth: Who asks.
        token: The card's.
    """

    def __init__(self, gateway: Gateway, x_auth: str, token: str = "") -> None:
        self._api = SubscribeApi(gateway)
        self._x_auth = x_auth
        self.token = token

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Ask, and make sure of an answer."""
        body = msgspec.json.encode({"id": 1, "method": method, "params": params})
        answer = msgspec.json.decode(await self._api.handle(body, self._x_auth))
        if "result" not in answer:
            raise AssertionError(answer)
        return answer["result"]

    async def pay(self) -> None:
        """Make a receipt and pay it."""
        made = {"amount": _AMOUNT_TIYIN, "account": {"order_id": str(next(_orders))}}
        receipt_id = (await self.ask("receipts.create", made))["receipt"]["_id"]
        paid = await self.ask("receipts.pay", {"id": receipt_id, "token": self.token})
        if paid["receipt"]["state"] != PAID:
            raise AssertionError(paid)


@asynccontextmanager
async def opened(url: str, size: int) -> AsyncIterator[Measured]:
    """Make the tables, one payment, then many receipts, and open a gateway over all of it."""
    store = await open_store(url)
    await store.create_tables(gateway_metadata())
    if isinstance(store, PostgresStore):
        # As many months as the receipts fill, and a year ahead, as `tiyin db upgrade` makes them.
        months = (SystemClock().now_ms() - begins_ms(size)) // _MONTH_MS + 1
        await store.add_partitions(gateway_metadata(), begins_ms(size), months + 12)
    await store.close()
    vault_keys = new_vault_key()
    gateway = await _gateway(url, vault_keys)
    business = await gateway.desks.create_business(name="Size")
    desk, key, _ = await gateway.desks.create_desk(
        business_id=business.id,
        name="Size",
        kind="billing",
        endpoint="https://merchant.example/payme",
        account_fields=[AccountField("order_id", Text("Заказ", "Buyurtma", "Order"), main=True)],
        key=secrets.token_hex(18),
        test_key=secrets.token_hex(18),
    )
    first = Measured(gateway, f"{desk.id}:{key}")
    card = {"number": "8600069195406311", "expire": "0399"}
    token = (await first.ask("cards.create", {"card": card, "save": True}))["card"]["token"]
    await first.ask("cards.get_verify_code", {"token": token})
    await first.ask("cards.verify", {"token": token, "code": "666666"})
    first.token = token
    await first.pay()
    await gateway.stop()
    await fill(url, size)
    gateway = await _gateway(url, vault_keys)
    await gateway.start()
    try:
        yield Measured(gateway, f"{desk.id}:{key}", token)
    finally:
        await gateway.stop()


async def _gateway(url: str, vault_keys: str) -> Gateway:
    return await open_gateway(
        database_url=url,
        vault_keys=vault_keys,
        messages=_Mute(),
        test_cards=TestCards(),
        http=_Forgetful(_merchant),
    )
