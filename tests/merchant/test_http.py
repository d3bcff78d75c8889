"""The sandbox's two scenarios and the edge itself, over real HTTP, on both databases."""

import asyncio
import http.client
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from helpers_merchant import KEY, Books, Payme, QuietShop, payme_id
from tiyin.merchant import MerchantApi, payme_app
from tiyin.merchant.access import AddressList
from tiyin.merchant.billing import OrderState
from tiyin.protocol.authorization import write_basic
from tiyin.protocol.jsonrpc import BODY_BYTES_MAX
from tiyin.runtime.clock import SystemClock, TurnableClock

SANDBOX_WRONG = "Basic UGF5Y29tOlV6Y2FyZDpzb21lUmFuZG9tU3RyaW5nMTU0NTM0MzU0MzU0NQ=="


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[int]:
    """Serve an ASGI application on a free port of this event loop."""
    # asyncio sends at once (TCP_NODELAY) only where a socket names its protocol.
    with socket.socket(proto=socket.IPPROTO_TCP) as free:
        free.bind(("127.0.0.1", 0))
        config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=2)
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([free]))
        while not server.started:
            assert not task.done()
            await asyncio.sleep(0.01)
        try:
            yield int(free.getsockname()[1])
        finally:
            server.should_exit = True
            await task


class Http:
    """A keep-alive connection, as Payme holds it."""

    def __init__(self, port: int, path: str = "/") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        self._path = path

    async def send(self, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any, bytes]:
        def exchange() -> tuple[int, Any, bytes]:
            self._connection.request(method, self._path, body, headers)
            response = self._connection.getresponse()
            return response.status, response.headers, response.read()

        return await asyncio.to_thread(exchange)

    async def call(self, method: str, params: Any, authorization: str | None = None) -> Any:
        """Call as the sandbox does; the HTTP side is asserted here, once for all."""
        headers = {
            "Content-Type": "text/json; charset=UTF-8",
            "Authorization": authorization or write_basic("Paycom", KEY),
            "Test-Operation": "Paycom",
            "Referer": "http://test.paycom.uz",
        }
        body = json.dumps({"jsonrpc": "2.0", "id": 2032, "method": method, "params": params})
        status, answered, content = await self.send("POST", body.encode(), headers)
        assert status == 200
        assert answered["Content-Type"] == "application/json; charset=UTF-8"
        reply = json.loads(content)
        assert reply["id"] == 2032
        return reply.get("result", reply.get("error"))

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
async def http_and_shop(store_url: str) -> AsyncIterator[tuple[Http, Books]]:
    shop = Books()
    api = MerchantApi(shop, store_url, KEY, allow_change_password=True)
    async with served(payme_app(api)) as port:
        client = Http(port)
        yield client, shop
        client.close()


async def test_the_sandbox_scenarios(http_and_shop: tuple[Http, Books]) -> None:
    """Goal: spec/sandbox.md from top to bottom; each money call is made twice and answers the same."""
    client, shop = http_and_shop
    now_ms = SystemClock().now_ms()

    def transaction(number: int, order: str, amount: int = 500_000) -> dict[str, Any]:
        return {"id": payme_id(number), "time": now_ms, "amount": amount, "account": {"order_id": order}}

    def payable(order: str, amount: int = 500_000) -> dict[str, Any]:
        return {"amount": amount, "account": {"order_id": order}}

    async def twice(method: str, params: Any) -> Any:
        first = await client.call(method, params)
        assert await client.call(method, params) == first
        return first

    for method in (
        "CheckPerformTransaction",
        "CreateTransaction",
        "PerformTransaction",
        "CancelTransaction",
        "CheckTransaction",
        "GetStatement",
        "SetFiscalData",
        "ChangePassword",
    ):
        assert (await client.call(method, transaction(1, "1"), SANDBOX_WRONG))["code"] == -32504
    for method in ("CheckPerformTransaction", "CreateTransaction"):
        assert (await client.call(method, transaction(1, "1", 5)))["code"] == -31001
        refused = await client.call(method, transaction(1, "none"))
        assert refused["code"] in range(-31099, -31049)
        assert refused["data"] == "order_id"
        assert set(refused["message"]) == {"ru", "uz", "en"}

    for number, order in ((1, "1"), (2, "2")):
        assert await client.call("CheckPerformTransaction", payable(order)) == {"allow": True}
        created = await twice("CreateTransaction", transaction(number, order))
        assert created["state"] == 1
        assert (await client.call("CheckTransaction", {"id": payme_id(number)}))["state"] == 1
        assert (await client.call("CreateTransaction", transaction(90 + number, order)))["code"] == -31008

    cancelled = await twice("CancelTransaction", {"id": payme_id(1), "reason": 3})
    assert cancelled["state"] == -1
    assert (await client.call("CheckTransaction", {"id": payme_id(1)}))["reason"] == 3
    performed = await twice("PerformTransaction", {"id": payme_id(2)})
    assert performed["state"] == 2
    refunded = await twice("CancelTransaction", {"id": payme_id(2), "reason": 5})
    assert refunded["state"] == -2
    assert shop.orders == {"1": OrderState.WAITING, "2": OrderState.CANCELLED}
    assert {name: times for (name, id_), times in shop.ran.items() if id_ == payme_id(2)} == {
        "create": 1,
        "perform": 1,
        "may_cancel": 1,
        "cancel": 1,
    }
    statement = await client.call("GetStatement", {"from": now_ms, "to": now_ms})
    assert [row["state"] for row in statement["transactions"]] == [-1, -2]


async def test_other_http_methods(http_and_shop: tuple[Http, Books]) -> None:
    client, _ = http_and_shop
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS"):
        status, headers, body = await client.send(method, b"", {})
        assert (status, headers["Content-Type"]) == (200, "application/json; charset=UTF-8")
        assert json.loads(body)["error"]["code"] == -32300
    status, _, body = await client.send("HEAD", b"", {})
    assert (status, body) == (200, b"")


@pytest.mark.parametrize("size", [BODY_BYTES_MAX, BODY_BYTES_MAX + 1, 3_000_000])
async def test_large_bodies(http_and_shop: tuple[Http, Books], size: int) -> None:
    client, _ = http_and_shop
    call = b'{"method":"CheckTransaction","params":{"id":"%s"}}' % payme_id(1).encode()
    headers = {"Authorization": write_basic("Paycom", KEY)}
    status, _, body = await client.send("POST", call + b" " * (size - len(call)), headers)
    assert status == 200
    assert json.loads(body)["error"]["code"] == (-31003 if size == BODY_BYTES_MAX else -32600)


async def test_a_long_statement_is_streamed(store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tiyin.merchant.methods.STATEMENT_PAGE", 7)
    clock = TurnableClock()
    api = MerchantApi(QuietShop(), store_url, KEY, clock=clock)
    async with served(payme_app(api)) as port:
        client = Http(port)
        time_ms = clock.now_ms()
        for number in range(1, 31):
            params = {"id": payme_id(number), "time": time_ms, "amount": 500_000}
            await client.call("CreateTransaction", {**params, "account": {"order_id": number}})
        rows = (await client.call("GetStatement", {"from": time_ms, "to": time_ms}))["transactions"]
        assert [row["id"] for row in rows] == [payme_id(number) for number in range(1, 31)]
        client.close()


async def test_mounted_under_a_path_it_opens_with_the_first_call(sqlite_url: str) -> None:
    api = MerchantApi(Books(), sqlite_url, KEY)
    async with served(Starlette(routes=[Mount("/payme", payme_app(api))])) as port:
        for path in ("/payme", "/payme/", "/payme/anything"):
            client = Http(port, path)
            if path == "/payme":
                continue  # Starlette itself redirects it
            assert (await client.call("CheckTransaction", {"id": payme_id(1)}))["code"] == -31003
            client.close()
    await api.stop()


async def test_the_callers_address_reaches_the_list(sqlite_url: str) -> None:
    for allowed, code in ((["127.0.0.1"], -31003), (["10.0.0.1"], -32504)):
        api = MerchantApi(Books(), sqlite_url, KEY, addresses=AddressList(allowed))
        async with served(payme_app(api)) as port:
            client = Http(port)
            assert (await client.call("CheckTransaction", {"id": payme_id(1)}))["code"] == code
            client.close()


async def test_a_client_that_hangs_up_does_not_cut_a_hook(sqlite_url: str) -> None:
    """Goal: the socket closes while the hook runs; the payment ends all the same, and the hook ran once."""
    shop = Books()
    begun, released = asyncio.Event(), asyncio.Event()
    api = MerchantApi(shop, sqlite_url, KEY)

    async def hang(_: Any) -> None:
        begun.set()
        await released.wait()

    async with served(payme_app(api)) as port:
        payme = Payme(api)
        await payme.create(1, time=SystemClock().now_ms())
        shop.before = hang
        body = json.dumps({"id": 1, "method": "PerformTransaction", "params": {"id": payme_id(1)}}).encode()
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
        head += f"Authorization: {write_basic('Paycom', KEY)}\r\n\r\n"
        writer.write(head.encode() + body)
        await asyncio.wait_for(begun.wait(), 5)
        writer.close()
        await writer.wait_closed()
        released.set()
        assert (await payme.perform(1))["state"] == 2
        assert shop.ran["perform", payme_id(1)] == 1


async def test_the_sweep_runs_by_itself(sqlite_url: str) -> None:
    """Turning the clock over twelve hours is enough: the order is free again without any call."""
    shop, clock = Books(), TurnableClock()
    async with MerchantApi(shop, sqlite_url, KEY, clock=clock) as api:
        payme = Payme(api)
        await payme.create(1, time=clock.now_ms())
        await asyncio.sleep(0.05)
        clock.advance(43_200_000)
        await until(lambda: shop.orders["1"] == OrderState.WAITING)
        assert (await payme.check(1))["reason"] == 4


async def test_an_api_can_be_opened_again(sqlite_url: str) -> None:
    api = MerchantApi(Books(), sqlite_url, KEY)
    for _ in range(2):
        async with api:
            assert await Payme(api).check(1) == -31003


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen within five seconds")
