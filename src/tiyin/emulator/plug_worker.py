"""The processes of "pull the plug": a shop, and a gateway that is killed amid a payment or its refund.

Run as `python -m tiyin.emulator.plug_worker`; the first line of standard input says what to be, and what
happens is told as JSON lines. At the step it was told of, a gateway stands still, so that its parent can kill
it there; it never kills itself and does nothing afterwards. When standard input ends, the process does.
"""

import json
import os
import sys
import threading
from collections.abc import Awaitable, Mapping
from typing import Any, Final, NoReturn, TypeVar, cast

import msgspec

from tiyin.emulator.pages import Pages
from tiyin.emulator.plug_steps import call_step, commit_step
from tiyin.emulator.shop.app import ShopAddresses
from tiyin.emulator.shop.billing import ACCOUNT_FIELD
from tiyin.emulator.shop.opening import open_shop
from tiyin.gateway.acquiring.port import (
    Acquirer,
    CaptureAnswer,
    CardNumber,
    DebitAnswer,
    HoldAnswer,
    Reversed,
    StatusAnswer,
)
from tiyin.gateway.acquiring.test_acquirer import TestAcquirer
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway
from tiyin.gateway.cards.issuer import TestIssuer
from tiyin.gateway.desks.records import AccountField, DeskKind
from tiyin.gateway.migrations import upgrade
from tiyin.gateway.receipts.records import RECEIPTS, Receipt
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.gateway.vault import KeyRing, Vault
from tiyin.gateway.verify import verify
from tiyin.merchant.access import Keys
from tiyin.protocol.values import Text
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.guarded_http import GuardedHttp
from tiyin.runtime.http import Http, HttpAnswer
from tiyin.runtime.ids import SystemIds
from tiyin.runtime.logs import configure_logs
from tiyin.runtime.tasks import Tasks
from tiyin.storage import Decision, Lease, Store, Table, open_store
from tiyin.web.binding import bind
from tiyin.web.serving import Server, run_on_loop

__all__ = ["PRICE_TIYIN", "GatewayPart", "ShopPart"]

T = TypeVar("T")

PRICE_TIYIN: Final = 500_000
"""What is paid, in tiyin."""
CALL_MS: Final = 1_000
LEASE_MS: Final = 6_000
"""What a killed gateway held is free again so soon: little more than the longest call and its margin."""

_CARD: Final = {"number": "8600069195406311", "expire": "0399"}
_CODE: Final = "666666"
_LOOK_S: Final = 0.05
_UNDER_WAY_S: Final = 0.3
_STILL_S: Final = 60.0
_NOT_KILLED: Final = 3
_ALONE: Final = 4


class ShopPart(msgspec.Struct, frozen=True, tag="shop"):
    """What the shop is started with.

    Args:
        database_url: Its database.
        desk_id: The id of its cash desk.
        key: The desk's key.
        test_key: The desk's test key.
    """

    database_url: str
    desk_id: str
    key: str
    test_key: str


class GatewayPart(msgspec.Struct, frozen=True, tag="gateway"):
    """What a gateway is started with.

    Args:
        database_url: Its database.
        vault_keys: The vault's keys.
        business_id: The id of the business.
        desk_id: The id of the cash desk.
        key: The desk's key.
        test_key: The desk's test key.
        shop: The shop's address, with `/shop` at its end.
        at: The step to stand still at, or None.
        receipt_id: The receipt that an earlier gateway was paying; None for the first one.
        token: The card's token that pays it.
        refund: Whether the money is to go back in the end.
    """

    database_url: str
    vault_keys: str
    business_id: str
    desk_id: str
    key: str
    test_key: str
    shop: str
    at: str | None = None
    receipt_id: str | None = None
    token: str = ""
    refund: bool = False


class _Steps:
    """Tells each step, and stands still at one."""

    def __init__(self, at: str | None) -> None:
        self._at = at
        self.armed = False

    def is_last(self, step: str) -> bool:
        """Tell a step, and whether it is the one to stand still at."""
        if not self.armed:
            return False
        _say(step=step)
        return step == self._at

    def cross(self, step: str) -> None:
        """Cross a step, or stand still there."""
        if self.is_last(step):
            self.stand_still(step)

    @staticmethod
    def stand_still(step: str) -> NoReturn:
        """Do nothing any more, in whatever thread this is; the parent kills the process."""
        _say(still=step)
        threading.Event().wait(_STILL_S)
        os._exit(_NOT_KILLED)


class _SteppedStore:
    """A store with a step on both sides of each commit that moves a receipt to another state.

    The one before lies between the rule's decision and the commit: inside the database's transaction.
    """

    def __init__(self, inner: Store, steps: _Steps) -> None:
        self._inner = inner
        self._steps = steps

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def change(self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None) -> Any:
        answer, _ = await self.change_and_lease(table, key, rule, lease=lease)
        return answer

    async def change_and_lease(
        self, table: Table[Any], key: str, rule: Any, *, lease: Lease | None = None
    ) -> tuple[Any, Lease | None]:
        moves: list[tuple[int, int]] = []

        def stepped(row: Any) -> Decision[Any]:
            decision: Decision[Any] = rule(row)
            after = decision.record
            if (
                isinstance(row, Receipt)
                and isinstance(after, Receipt)
                and row.state != after.state
                and not moves
            ):
                moves.append((row.state, after.state))
                self._steps.cross(commit_step("before", *moves[0]))
            return decision

        answer = await self._inner.change_and_lease(table, key, stepped, lease=lease)
        if moves:
            self._steps.cross(commit_step("after", *moves[0]))
        return answer


class _SteppedHttp:
    """Calls to the shop with three steps each: before it is sent, while it is under way, after its answer."""

    def __init__(self, inner: GuardedHttp, steps: _Steps) -> None:
        self._inner = inner
        self._steps = steps
        self._tasks = Tasks()

    async def post(
        self, url: str, *, body: bytes, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        method = str(json.loads(body)["method"])
        self._steps.cross(call_step("before", method))
        going = self._inner.post(url, body=body, headers=headers, timeout_ms=timeout_ms, body_max=body_max)
        if self._steps.is_last(step := call_step("during", method)):
            # It leaves, the shop has it, and nobody reads the answer.
            self._tasks.start(going, name="a call whose answer nobody reads")
            await SystemClock().sleep(_UNDER_WAY_S)
            self._steps.stand_still(step)
        answer = await going
        self._steps.cross(call_step("after", method))
        return answer

    async def get(
        self, url: str, *, headers: Mapping[str, str], timeout_ms: int, body_max: int
    ) -> HttpAnswer:
        return await self._inner.get(url, headers=headers, timeout_ms=timeout_ms, body_max=body_max)

    async def close(self) -> None:
        await self._inner.close()


class _SteppedAcquirer:
    """An acquirer with a step on both sides of each operation."""

    timeout_ms = CALL_MS

    def __init__(self, inner: Acquirer, steps: _Steps) -> None:
        self._inner = inner
        self._steps = steps

    async def debit(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> DebitAnswer:
        return await self._step("debit", self._inner.debit(key, card, amount_tiyin, terminal))

    async def hold(self, key: str, card: CardNumber, amount_tiyin: int, terminal: str) -> HoldAnswer:
        return await self._step("hold", self._inner.hold(key, card, amount_tiyin, terminal))

    async def capture(self, key: str) -> CaptureAnswer:
        return await self._step("capture", self._inner.capture(key))

    async def status(self, key: str) -> StatusAnswer:
        return await self._step("status", self._inner.status(key))

    async def reverse(self, key: str) -> Reversed:
        return await self._step("reverse", self._inner.reverse(key))

    async def _step(self, name: str, operation: Awaitable[T]) -> T:
        self._steps.cross(call_step("before", name))
        answer = await operation
        self._steps.cross(call_step("after", name))
        return answer


class _NoPhone:
    """Brings no SMS: the code of test cards is known."""

    async def send_sms(self, phone: str, text: str) -> None:
        del phone, text


class _Payer:
    """Someone with a test card, who speaks the Subscribe API."""

    def __init__(self, gateway: Gateway, part: GatewayPart) -> None:
        self._api = SubscribeApi(gateway)
        self._auth = f"{part.desk_id}:{part.key}"

    async def call(self, method: str, **params: Any) -> Any:
        body = json.dumps({"id": 1, "method": method, "params": params}).encode()
        answer = json.loads(await self._api.handle(body, self._auth, "en"))
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']}")
        return answer["result"]

    async def token(self) -> str:
        token = str((await self.call("cards.create", card=_CARD))["card"]["token"])
        await self.call("cards.get_verify_code", token=token)
        await self.call("cards.verify", token=token, code=_CODE)
        return token


async def _serve_shop(part: ShopPart) -> None:
    sock = bind("127.0.0.1", 0)
    root = f"http://127.0.0.1:{sock.getsockname()[1]}"
    keys = Keys(production=part.key, test=part.test_key, mode="either")
    addresses = ShopAddresses(f"{root}/shop", root, part.desk_id)
    async with open_shop(part.database_url, addresses, keys, SystemClock(), Pages()) as shop:
        await Server(shop, sock, on_ready=lambda: _say(shop=addresses.shop)).listen()


async def _pay(part: GatewayPart) -> None:
    """Be the gateway that pays and is killed."""
    clock = SystemClock()
    await upgrade(part.database_url, clock.now_ms())
    steps = _Steps(part.at)
    gateway = await _assemble(part, steps)
    await gateway.desks.create_business(name="Tiyin", business_id=part.business_id)
    title = Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number")
    await gateway.desks.create_desk(
        business_id=part.business_id,
        name="Shop",
        kind=DeskKind.BILLING,
        endpoint=f"{part.shop}/payme",
        account_fields=[AccountField(ACCOUNT_FIELD, title, main=True)],
        desk_id=part.desk_id,
        key=part.key,
        test_key=part.test_key,
    )
    order_id = await _new_order(part.shop)
    payer = _Payer(gateway, part)
    token = await payer.token()
    made = await payer.call("receipts.create", amount=PRICE_TIYIN, account={ACCOUNT_FIELD: order_id})
    receipt_id = made["receipt"]["_id"]
    _say(receipt=receipt_id, order=order_id, token=token)
    steps.armed = not part.refund
    paid = await payer.call("receipts.pay", id=receipt_id, token=token)
    state = paid["receipt"]["state"]
    if part.refund:
        steps.armed = True
        await payer.call("receipts.cancel", id=receipt_id)
        state = await _end_of(gateway, receipt_id, {CANCELLED})
    _say(ended=state)
    await gateway.stop()


async def _go_on(part: GatewayPart, receipt_id: str) -> None:
    """Be the gateway that starts after the kill, and end what was begun."""
    steps = _Steps(None)
    gateway = await _assemble(part, steps)
    steps.armed = True
    _say(started=True)
    await gateway.start()
    receipt = await gateway.store.get(RECEIPTS, receipt_id)
    if receipt is not None and receipt.state == CREATED:
        # Nothing was begun, and nobody was promised anything: the payer presses the button once more.
        _say(again=True)
        await _Payer(gateway, part).call("receipts.pay", id=receipt_id, token=part.token)
    elif receipt is not None and receipt.state == PAID and part.refund:
        # The refund was not begun either: the shop asks once more.
        _say(again=True)
        await _Payer(gateway, part).call("receipts.cancel", id=receipt_id)
    state = await _end_of(gateway, receipt_id, {CANCELLED} if part.refund else {PAID, CANCELLED})
    report = await verify(gateway.store)
    _say(
        ended=state,
        clean=report.clean,
        receipts=report.receipts,
        entries=report.entries,
        operations=report.operations,
        findings=[finding.what for finding in report.findings],
    )
    await gateway.stop()


async def _end_of(gateway: Gateway, receipt_id: str, ends: set[int]) -> int | None:
    """Wait until a receipt is at its end; its state, or None where it is gone."""
    while (receipt := await gateway.store.get(RECEIPTS, receipt_id)) is not None:
        if receipt.state in ends:
            return receipt.state
        await gateway.clock.sleep(_LOOK_S)
    return None


async def _assemble(part: GatewayPart, steps: _Steps) -> Gateway:
    """Do what `open_gateway` does, with steps in between and a short lease."""
    cards, clock = TestCards(), SystemClock()
    store = cast("Store", _SteppedStore(await open_store(part.database_url), steps))
    http = cast("Http", _SteppedHttp(GuardedHttp(allow_private=True), steps))
    return Gateway(
        store=store,
        clock=clock,
        ids=SystemIds(),
        tasks=Tasks(),
        http=http,
        acquirer=_SteppedAcquirer(TestAcquirer(store, clock, cards), steps),
        issuer=TestIssuer(cards),
        messages=_NoPhone(),
        vault=Vault(KeyRing.read(part.vault_keys)),
        test=True,
        lease_ms=LEASE_MS,
        merchant_timeout_ms=CALL_MS,
    )


async def _new_order(shop: str) -> str:
    http = GuardedHttp(allow_private=True)
    try:
        body = json.dumps({"amount": PRICE_TIYIN}).encode()
        answer = await http.post(
            f"{shop}/orders",
            body=body,
            headers={"content-type": "application/json"},
            timeout_ms=10_000,
            body_max=10_000,
        )
    finally:
        await http.close()
    return str(json.loads(answer.body)["order_id"])


def _say(**told: Any) -> None:
    # One write: two threads may speak at a time.
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    # Not through `sys.stdin`, whose lock a thread may not hold when Python ends.
    while os.read(0, 1024):
        pass
    os._exit(_ALONE)


def main() -> None:
    """Be what the first line of standard input says."""
    configure_logs()
    part = msgspec.json.decode(sys.stdin.buffer.readline(), type=ShopPart | GatewayPart)
    threading.Thread(target=_end_with_parent, name="parent", daemon=True).start()

    async def live() -> None:
        if isinstance(part, ShopPart):
            await _serve_shop(part)
        elif part.receipt_id is None:
            await _pay(part)
        else:
            await _go_on(part, part.receipt_id)

    run_on_loop(live)


if __name__ == "__main__":
    main()
