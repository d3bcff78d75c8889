"""What a client does over and over: a full cycle at a merchant's endpoint, a payment at the gateway."""

import base64
import itertools
import json
import time
from collections.abc import Iterator
from typing import Any

from bench.load import Client
from bench.merchant_server import AMOUNT_TIYIN, KEY

__all__ = ["MerchantCycle", "Payment", "saved_card"]

_run = itertools.count(int(time.time()) << 20)


class MerchantCycle:
    """CheckPerformTransaction, CreateTransaction, PerformTransaction for a fresh order.

    Args:
        orders: Numbers of orders that can be paid; by default numbers that no run has used before.
    """

    def __init__(self, orders: Iterator[int] = _run) -> None:
        self._orders = orders
        token = base64.b64encode(f"Paycom:{KEY}".encode())
        self._headers = b"Authorization: Basic %b\r\n" % token

    async def __call__(self, client: Client, _: int) -> None:
        number = next(self._orders)
        order, transaction, now_ms = b"%d" % number, b"%024x" % number, b"%d" % (time.time_ns() // 1_000_000)
        amount = b"%d" % AMOUNT_TIYIN
        await self._ask(
            client,
            b'{"jsonrpc":"2.0","id":1,"method":"CheckPerformTransaction","params":{"amount":%b,'
            b'"account":{"order_id":"%b"}}}' % (amount, order),
        )
        await self._ask(
            client,
            b'{"jsonrpc":"2.0","id":2,"method":"CreateTransaction","params":{"id":"%b","time":%b,"amount":%b,'
            b'"account":{"order_id":"%b"}}}' % (transaction, now_ms, amount, order),
        )
        answer = await self._ask(
            client,
            b'{"jsonrpc":"2.0","id":3,"method":"PerformTransaction","params":{"id":"%b"}}' % transaction,
        )
        assert b'"state":2' in answer.replace(b" ", b""), answer

    async def _ask(self, client: Client, body: bytes) -> bytes:
        answer = await client.post(b"/", body, self._headers)
        assert b'"result"' in answer, answer
        return answer


class Payment:
    """receipts.create and receipts.pay with a saved card."""

    def __init__(self, desk: str, key: str, token: str) -> None:
        self._headers = f"X-Auth: {desk}:{key}\r\n".encode()
        self._token = token.encode()

    async def __call__(self, client: Client, _: int) -> None:
        await self.pay(client)

    async def pay(self, client: Client) -> str:
        """Make a receipt, pay it, and give its id."""
        answer = await client.post(
            b"/api",
            b'{"jsonrpc":"2.0","id":1,"method":"receipts.create","params":{"amount":%d,'
            b'"account":{"order_id":"%d"}}}' % (AMOUNT_TIYIN, next(_run)),
            self._headers,
        )
        start = answer.index(b'"_id":"') + 7
        receipt = answer[start : start + 24]
        answer = await client.post(
            b"/api",
            b'{"jsonrpc":"2.0","id":2,"method":"receipts.pay","params":{"id":"%b","token":"%b"}}'
            % (receipt, self._token),
            self._headers,
        )
        assert b'"state":4' in answer, answer
        return receipt.decode()


async def saved_card(port: int, desk: str, key: str) -> str:
    """Make a token that pays again and again, as an application does."""
    client = await Client("127.0.0.1", port).connect()

    async def ask(method: str, params: dict[str, Any]) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        answer = json.loads(await client.post(b"/api", body, f"X-Auth: {desk}:{key}\r\n".encode()))
        assert "result" in answer, answer
        return answer["result"]

    card = {"number": "8600069195406311", "expire": "0399"}
    token: str = (await ask("cards.create", {"card": card, "save": True}))["card"]["token"]
    await ask("cards.get_verify_code", {"token": token})
    await ask("cards.verify", {"token": token, "code": "666666"})
    client.close()
    return token
