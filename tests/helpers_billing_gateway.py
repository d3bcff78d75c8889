"""A gateway over HTTP with a billing desk that may hold money, and a billing that answers as a test says."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from helpers_cards import DESK_ID, KEY, ORDER_ID, OTHER_DESK_ID, TEST_KEY, Phone, new_vault
from helpers_subscribe import serve
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TEST_CARDS, TestCard, TestCards
from tiyin.gateway.app import Gateway
from tiyin.gateway.cards import TestIssuer
from tiyin.gateway.metadata import metadata
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.runtime.clock import Clock, SystemClock
from tiyin.runtime.http import HttpAnswer, HttpCall, NoAnswer, ScriptedHttp
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.tasks import Tasks
from tiyin.storage import open_store
from tiyin.web.subscribe import SubscribeEndpoint

__all__ = ["OTHER_KEY", "BillingGateway", "ScriptedBilling", "billing_gateway"]

OTHER_KEY = "Tw712wMJspZBczFvrG09?bHkSNxnD4PY0n1C"


class ScriptedBilling:
    """A billing that keeps its transactions.

    Attributes:
        states: Where each transaction stands.
        calls: The methods called, in order.
        refusing: A method's name, and the error that it answers instead of its own answer.
        broken: What comes instead of any answer: "silent", "http", "garbage", or nothing.
    """

    def __init__(self) -> None:
        self.states: dict[str, int] = {}
        self.calls: list[str] = []
        self.refusing: dict[str, dict[str, Any]] = {}
        self.broken = ""

    async def answer(self, call: HttpCall) -> HttpAnswer:
        """Answer one call of the Merchant API."""
        asked = json.loads(call.body)
        method = asked["method"]
        self.calls.append(method)
        match self.broken:
            case "silent":
                raise NoAnswer("timeout")
            case "http":
                return HttpAnswer(503, {}, b"")
            case "garbage":
                return HttpAnswer(200, {}, b"<html>")
        error = self.refusing.get(method)
        told = {"error": error} if error is not None else {"result": self._result(method, asked["params"])}
        return HttpAnswer(200, {}, json.dumps({"id": asked["id"], **told}).encode())

    def _result(self, method: str, params: Any) -> dict[str, Any]:
        match method:
            case "CheckPerformTransaction":
                return {"allow": True}
            case "SetFiscalData":
                return {"success": True}
            case "CreateTransaction":
                self.states.setdefault(params["id"], 1)
            case "PerformTransaction":
                self.states[params["id"]] = 2
            case "CancelTransaction":
                self.states[params["id"]] = -abs(self.states[params["id"]])
        times = {"create_time": 1, "perform_time": 1, "cancel_time": 1, "reason": None}
        return {"transaction": params["id"], "state": self.states[params["id"]], **times}


class BillingGateway(msgspec.Struct):
    """The gateway that listens; its billing desk is `DESK_ID`, a virtual terminal is `OTHER_DESK_ID`."""

    port: int
    gateway: Gateway
    phone: Phone
    billing: ScriptedBilling
    acquirer: Any

    @property
    def url(self) -> str:
        """The Subscribe API's address."""
        return f"http://127.0.0.1:{self.port}/api"


@asynccontextmanager
async def billing_gateway(
    url: str,
    *,
    cards: tuple[TestCard, ...] = (),
    clock: Clock | None = None,
    wrapped: Callable[[TestAcquirer], Any] = lambda acquirer: acquirer,
    **options: Any,
) -> AsyncIterator[BillingGateway]:
    """Open a gateway and serve its Subscribe API.

    Args:
        url: The database.
        cards: Test cards beside the documented ones.
        clock: The product's time; the system's by default.
        wrapped: Puts something between the gateway and the acquirer.
        options: Further arguments of `Gateway`.
    """
    store = await open_store(url)
    await store.create_tables(metadata)
    clock = SystemClock() if clock is None else clock
    known, phone, billing = TestCards((*TEST_CARDS, *cards)), Phone(), ScriptedBilling()
    acquirer = wrapped(TestAcquirer(store, clock, known))
    gateway = Gateway(
        store=store,
        clock=clock,
        ids=SystemIds(),
        tasks=Tasks(),
        http=ScriptedHttp(billing.answer),
        acquirer=acquirer,
        issuer=TestIssuer(known),
        messages=phone,
        vault=new_vault(),
        test=True,
        **options,
    )
    business = await gateway.desks.create_business(name="Online Shop")
    await gateway.desks.create_desk(
        business_id=business.id,
        name="Online Shop",
        kind="billing",
        endpoint="http://127.0.0.1:1/payme",
        account_fields=(ORDER_ID,),
        amount_tiyin_min=1_000,
        amount_tiyin_max=100_000_000,
        holds=True,
        desk_id=DESK_ID,
        key=KEY,
        test_key=TEST_KEY,
    )
    await gateway.desks.create_desk(
        business_id=business.id,
        name="Terminal",
        kind="virtual-terminal",
        desk_id=OTHER_DESK_ID,
        key=OTHER_KEY,
    )
    async with serve(SubscribeEndpoint(SubscribeApi(gateway), gateway.tasks)) as port:
        yield BillingGateway(port, gateway, phone, billing, acquirer)
    await gateway.stop()
