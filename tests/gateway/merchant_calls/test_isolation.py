"""Goal: a merchant that answers garbage, without end, nothing or not at all harms only itself.

Method: one gateway, a well-behaved merchant and a hostile one, each with a cash desk and a server of its own,
over HTTP. The well-behaved one is paid alone, then while dozens of the other's receipts are under way: all of
its payments end paid, about as fast. The hostile one's receipts keep their money straight all the time, and
settle when it is healed. Patience is compared within one run only: how fast the machine is says nothing.
"""

import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from statistics import median
from typing import Any

import pytest

from helpers_cards import Phone, new_vault
from helpers_subscribe import request_body, send_http, serve
from tiyin.gateway.acquiring.books import DEBITED, OPERATIONS
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway
from tiyin.gateway.cards import TestIssuer
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.merchant_calls.answers import Allowed, Answered, Unknown
from tiyin.gateway.merchant_calls.calls import MerchantCalls, Target
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.interventions import Interventions
from tiyin.gateway.receipts.people import Signature
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.gateway.verify import verify
from tiyin.protocol.values import Text
from tiyin.runtime.clock import TurnableClock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import open_store
from tiyin.web.site import SiteSettings, gateway_site

CARD = "8600069195406311"
AMOUNT_TIYIN = 500_000
TIMEOUT_MS = 2_000
HOSTILE = 80
"""More than one merchant has places for calls in flight."""

GOOD = 24
AT_ONCE = 4
SLOWER_MAX = 5
SLACK_S = 0.5
"""Far less than what one of the hostile merchant's places is held for."""

WAITING = {0, 1, 3, 20, 21, 30, 50}
"""Where the hostile merchant's receipts may stand: never paid, and none lost; 3 has a call under way."""

PAUSE_MS = 16_000
"""The longest pause of a merchant's circuit, and a little."""

SETTLED = {0, 4, 50}
PAUSED = 20
UNAVAILABLE = {-31622, -31623}
EYES_S = 60


class Merchant:
    """A server that speaks the Merchant API, or harms its caller by a trick.

    Attributes:
        trick: What it does; empty while it behaves. CheckPerformTransaction is always answered, so that there
            are receipts; one half of the transactions meets the trick when created, one when performed.
        states: What it believes of each transaction.
        harmed: How many calls met the trick.
    """

    def __init__(self) -> None:
        self.trick = ""
        self.states: dict[str, int] = {}
        self.harmed = 0
        self.enough = asyncio.Event()
        self._connections: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections.add(writer)
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                while await self._answer(reader, writer):
                    pass
        finally:
            self._connections.discard(writer)
            writer.transport.abort()

    def close(self) -> None:
        for writer in self._connections:
            writer.transport.abort()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length:")[2].partition("\r\n")[0])
        call = json.loads(await reader.readexactly(length))
        if self.trick and self._meets_the_trick(call):
            self.harmed += 1
            if self.harmed >= HOSTILE // 2:
                self.enough.set()
            if self.trick != "garbage":
                return await self._harm(reader, writer)
            body = b"<?php \x00\xff{{{ 500"
        else:
            body = json.dumps({"id": call["id"], **self._carry_out(call)}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        return True

    def _meets_the_trick(self, call: Any) -> bool:
        match call["method"]:
            case "CheckPerformTransaction":
                return False
            case "CreateTransaction":
                return int(call["params"]["account"]["order_id"]) % 2 == 0
            case _:
                return True

    async def _harm(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        if self.trick == "silent":
            await reader.read()  # Until the caller gives up.
        if self.trick == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                writer.write(b"1\r\n \r\n")
                await writer.drain()
                await asyncio.sleep(0.05)  # The drip itself; nothing waits for it.
        return False

    def _carry_out(self, call: Any) -> Any:
        params = call["params"]
        if call["method"] == "CheckPerformTransaction":
            return {"result": {"allow": True}}
        if call["method"] == "SetFiscalData":
            return {"result": {"success": True}}
        name = params["id"]
        if call["method"] == "CreateTransaction":
            self.states.setdefault(name, 1)
        if name not in self.states:
            return {"error": {"code": -31003, "message": "Not found"}}
        state = self.states[name]
        if call["method"] == "PerformTransaction" and state == 1:
            self.states[name] = 2
        elif call["method"] == "CancelTransaction" and state > 0:
            self.states[name] = -state
        times = {"create_time": 1, "perform_time": 1, "cancel_time": 1, "reason": None}
        return {"result": {"transaction": name, "state": self.states[name], **times}}


class Till:
    """One merchant's cash desk at the gateway, spoken to over HTTP."""

    def __init__(self, port: int, auth: str, numbers: "itertools.count[int]") -> None:
        self._port, self._auth, self._numbers = port, auth, numbers
        self.token = ""

    async def call(self, method: str, **params: Any) -> Any:
        body = request_body(method, params)
        return (await send_http(self._port, "POST", "/api", {"X-Auth": self._auth}, body)).json

    async def result(self, method: str, **params: Any) -> Any:
        answer = await self.call(method, **params)
        assert "error" not in answer, answer
        return answer["result"]

    async def make_token(self) -> None:
        made = await self.result("cards.create", card={"number": CARD, "expire": "0399"}, save=True)
        self.token = made["card"]["token"]
        await self.result("cards.get_verify_code", token=self.token)
        await self.result("cards.verify", token=self.token, code="666666")

    async def receipt(self) -> str:
        account = {"order_id": str(next(self._numbers))}
        made = await self.result("receipts.create", amount=AMOUNT_TIYIN, account=account)
        return str(made["receipt"]["_id"])

    async def pay(self, receipt_id: str) -> Any:
        return await self.call("receipts.pay", id=receipt_id, token=self.token)

    async def buy(self, count: int) -> float:
        """Pay many new receipts, a few at once.

        Returns:
            The median time from making a receipt to its being paid, seconds.
        """
        left, took = iter(range(count)), []

        async def buyer() -> None:
            for _ in left:
                began = time.monotonic()
                answer = await self.pay(await self.receipt())
                took.append(time.monotonic() - began)
                assert answer.get("result", {}).get("receipt", {}).get("state") == 4, answer

        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(buyer())
        assert len(took) == count
        return median(took)


class World:
    """The gateway and both merchants."""

    def __init__(self, gateway: Gateway, clock: TurnableClock) -> None:
        self.gateway, self.clock = gateway, clock
        self.shops = {"good": Merchant(), "hostile": Merchant()}
        self.tills: dict[str, Till] = {}

    async def states(self, receipt_ids: list[str]) -> dict[str, int]:
        receipts = await self.gateway.store.get_many(RECEIPTS, receipt_ids)
        return {name: receipts[name].state for name in receipt_ids}

    async def settled(self, receipt_ids: list[str]) -> dict[str, int]:
        """Let time pass and a person resume what was paused, until nothing waits any more."""
        by = Signature("Operator", "The merchant answers again")
        people = Interventions(self.gateway.store, self.clock)
        async with asyncio.timeout(EYES_S):
            while set((states := await self.states(receipt_ids)).values()) - SETTLED:
                for name in (name for name, state in states.items() if state == PAUSED):
                    await people.resume(name, by)
                self.clock.advance(PAUSE_MS)
                await self.gateway.receipts.wake()
                await asyncio.sleep(0.1)
        return states

    async def debited(self, receipt_ids: list[str]) -> set[str]:
        """Name the receipts whose money the acquirer has taken and not given back."""
        tries = [f"{name}-{attempt}" for name in receipt_ids for attempt in range(1, 4)]
        operations = await self.gateway.store.get_many(OPERATIONS, tries)
        return {key.partition("-")[0] for key, operation in operations.items() if operation.state == DEBITED}

    async def is_clean(self) -> None:
        report = await verify(self.gateway.store)
        assert not report.findings


@asynccontextmanager
async def opened_world(url: str) -> AsyncIterator[World]:
    store = await open_store(url)
    await store.create_tables(metadata)
    clock, cards = TurnableClock(), TestCards()
    gateway = Gateway(
        store=store,
        clock=clock,
        ids=SystemIds(),
        tasks=Tasks(),
        http=GuardedHttp(allow_private=True),
        acquirer=TestAcquirer(store, clock, cards),
        issuer=TestIssuer(cards),
        messages=Phone(),
        vault=new_vault(),
        test=True,
        answer_ms=2 * TIMEOUT_MS,
        merchant_timeout_ms=TIMEOUT_MS,
    )
    world = World(gateway, clock)
    site = gateway_site(gateway, SiteSettings(public_url="http://127.0.0.1"))
    try:
        async with serve(site) as port, contextlib.AsyncExitStack() as stack:
            for name, shop in world.shops.items():
                server = await stack.enter_async_context(await asyncio.start_server(shop.serve, "127.0.0.1"))
                stack.callback(shop.close)
                business = await gateway.desks.create_business(name=name)
                desk, key, _ = await gateway.desks.create_desk(
                    business_id=business.id,
                    name=name,
                    kind="billing",
                    endpoint=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/{name}",
                    account_fields=[AccountField("order_id", Text(ru="Заказ", uz="Buyurtma", en="Order"))],
                )
                world.tills[name] = Till(port, f"{desk.id}:{key}", itertools.count(1))
                await world.tills[name].make_token()
            await gateway.start()
            yield world
    finally:
        await site.close()
        await gateway.stop()


@pytest.mark.parametrize("trick", ["garbage", "endless", "silent", "closes"])
async def test_a_hostile_merchant_harms_only_itself(store_url: str, trick: str) -> None:
    async with opened_world(store_url) as world:
        good, hostile = world.tills["good"], world.tills["hostile"]
        shop = world.shops["hostile"]
        receipt_ids = [await hostile.receipt() for _ in range(HOSTILE)]
        alone_s = await good.buy(GOOD)

        shop.trick = trick
        paying = [asyncio.ensure_future(hostile.pay(receipt_id)) for receipt_id in receipt_ids]
        paid = asyncio.gather(*paying)
        # A merchant that the gateway spares by now may never be called so often.
        harm: asyncio.Future[Any] = asyncio.ensure_future(shop.enough.wait())
        await asyncio.wait({harm, paid}, return_when=asyncio.FIRST_COMPLETED)
        harm.cancel()
        beside_s = await good.buy(GOOD)
        assert beside_s <= SLOWER_MAX * alone_s + SLACK_S, (alone_s, beside_s)

        told = {answer["error"]["code"] for answer in await paid if "error" in answer}
        assert told <= UNAVAILABLE, told
        states = await world.states(receipt_ids)
        assert set(states.values()) <= WAITING, Counter(states.values())
        assert shop.harmed
        assert 2 not in shop.states.values()
        await world.is_clean()

        shop.trick = ""
        states = await world.settled(receipt_ids)
        for receipt_id, state in states.items():
            assert (state == 4) == (shop.states.get(receipt_id) == 2), (state, shop.states.get(receipt_id))
        assert 4 in states.values()
        assert await world.debited(receipt_ids) == {name for name, state in states.items() if state == 4}
        await good.buy(AT_ONCE)
        await hostile.buy(AT_ONCE)
        await world.is_clean()


class SharedHosting:
    """One server with two merchants' addresses: `/good` answers, `/hostile` never does.

    Args:
        places: How many calls are thought to be enough.

    Attributes:
        held: How many calls hang at the hostile one.
        full: Set when enough of them do.
    """

    def __init__(self, places: int) -> None:
        self.held = self.open = 0
        self.full = asyncio.Event()
        self.empty = asyncio.Event()
        self._places = places

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0]))
                if head.startswith(b"POST /hostile"):
                    self.held += 1
                    if self.held >= self._places:
                        self.full.set()
                    await reader.read()  # Until the caller gives up.
                    break
                body = b'{"result":{"allow":true}}'
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                await writer.drain()
        writer.transport.abort()
        self.open -= 1
        if not self.open:
            self.empty.set()


async def test_a_silent_merchant_leaves_places_to_its_neighbour_on_the_host() -> None:
    """Both share the places that outgoing HTTP has for one host: one may only take its own part of them."""
    crowd, places = 500, 64
    hosting, http = SharedHosting(places), GuardedHttp(allow_private=True)

    async def key_of(_: str) -> str:
        return "key"

    server = await asyncio.start_server(hosting.serve, "127.0.0.1", 0, backlog=crowd)
    root = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    calls = MerchantCalls(http, TurnableClock(), key_of, timeout_ms=60_000)
    asking = [
        asyncio.ensure_future(calls.check_perform(Target("hostile", f"{root}/hostile"), 1, {}))
        for _ in range(crowd)
    ]
    try:
        async with asyncio.timeout(EYES_S):
            # Whoever finds no place is told so; those who found one hang.
            done: set[asyncio.Future[Any]] = set()
            while len(done) < crowd - places:
                done, _ = await asyncio.wait(asking, timeout=0.1)
            outcomes = {str(one.result()) for one in done}
            await hosting.full.wait()
            answer = await calls.check_perform(Target("good", f"{root}/good"), 1, {})
        assert outcomes == {str(Unknown("too_many_calls", sent=False))}
        assert answer == Answered(Allowed())
        assert (len(done), hosting.held) == (crowd - places, places)
    finally:
        for call in asking:
            call.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        await http.close()
        server.close()
        await hosting.empty.wait()
        await asyncio.sleep(0)  # The transports close their sockets in the loop's next turn.
