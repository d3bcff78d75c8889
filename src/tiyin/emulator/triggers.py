"""Events that are made to happen: a payment from end to end, an order, one call of the Merchant API.

They take the same way as in life: the Subscribe API, the demo shop's own address, a call to the merchant. So
they stand in the traffic, and fault rules hit them.
"""

import contextlib
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiyin.emulator.asking import Reply, ask
from tiyin.emulator.bodies import BadBody
from tiyin.emulator.manifest import shop_endpoint
from tiyin.emulator.resending import LOGIN
from tiyin.emulator.shop.billing import ACCOUNT_FIELD
from tiyin.emulator.wires import Connected, Wires
from tiyin.gateway.acquiring.test_cards import TEST_CODE
from tiyin.gateway.desks.records import Desk
from tiyin.protocol.authorization import write_basic, write_x_auth
from tiyin.protocol.merchant_api import write_call
from tiyin.protocol.values import AMOUNT_TIYIN_MAX
from tiyin.runtime.http import HttpCall
from tiyin.runtime.redaction import HIDDEN, redact

__all__ = ["CARD", "EVENTS", "REFUSED_CARD", "Event", "Triggered", "trigger"]

CARD: Final = "8600069195406311"
"""The test card that pays."""
REFUSED_CARD: Final = "8600143417770323"
"""The test card whose debit is refused."""

_AMOUNT: Final = 500_000
_EXPIRE: Final = "0399"
_DAY_MS: Final = 86_400_000
_TIMEOUT_MS: Final = 10_000
_BODY_MAX: Final = 256 * 1024
_FIELDS: Final = frozenset(("event", "desk", "account", "amount", "card", "expire", "params"))
_ACCOUNT_FIELDS_MAX: Final = 20
_CANCEL_QUEUE: Final = 21
_LOOKS: Final = 50
_BETWEEN_LOOKS_S: Final = 0.1


class Event(msgspec.Struct, frozen=True):
    """Something that can be made to happen.

    Args:
        name: What it is asked for by.
        title: What happens, in a line.
        takes: The fields that it takes beside `event` and `desk`.
        method: The method of the Merchant API that it calls, or None.
    """

    name: str
    title: str
    takes: tuple[str, ...]
    method: str | None = None


_PAYS: Final = ("account", "amount", "card", "expire")
_MERCHANT_LIKE: Final = ("account", "amount", "params")
EVENTS: Final[Mapping[str, Event]] = {
    event.name: event
    for event in (
        Event("payment", "A receipt is created and paid with a test card.", _PAYS),
        Event("payment.refused", "A receipt is created, and the card's debit is refused.", _PAYS),
        Event("refund", "A receipt is created, paid, and its money given back.", _PAYS),
        Event("hold", "A receipt is created, and its money held on the card.", _PAYS),
        Event("hold.confirmed", "The same, and then the money is taken.", _PAYS),
        Event("hold.cancelled", "The same, and then the hold is given back.", _PAYS),
        Event("receipt", "A receipt is created, and waits for payment.", ("account", "amount")),
        Event("receipt.cancelled", "A receipt is created and cancelled.", ("account", "amount")),
        Event("order", "An order is made in the demo shop.", ("amount",)),
        Event(
            "merchant.check", "CheckPerformTransaction is sent.", _MERCHANT_LIKE, "CheckPerformTransaction"
        ),
        Event("merchant.create", "CreateTransaction is sent.", _MERCHANT_LIKE, "CreateTransaction"),
        Event("merchant.perform", "PerformTransaction is sent.", ("params",), "PerformTransaction"),
        Event("merchant.cancel", "CancelTransaction is sent.", ("params",), "CancelTransaction"),
        Event("merchant.check_transaction", "CheckTransaction is sent.", ("params",), "CheckTransaction"),
        Event("merchant.statement", "GetStatement is sent.", ("params",), "GetStatement"),
    )
}
"""What can be made to happen, by name."""


class Triggered(msgspec.Struct, omit_defaults=True):
    """What came of an event.

    Args:
        event: Its name.
        ok: Whether it happened as its title says.
        said: The same in a sentence.
        desk: The cash desk's id.
        exchanges: The numbers of the exchanges that it began, in their order; calls that followed from them
            stand beside them in the traffic.
        order_id: The demo shop's order, where one was made.
        pay_url: The page that pays it.
        receipt: The receipt's id.
        state: The receipt's state.
        transaction: The id of the transaction that was sent to the merchant.
        answer: What the merchant or the API answered last.
    """

    event: str
    ok: bool
    said: str
    desk: str
    exchanges: list[int]
    order_id: str | None = None
    pay_url: str | None = None
    receipt: str | None = None
    state: int | None = None
    transaction: str | None = None
    answer: Any = None


class _Stopped(Exception):
    """Something on the way did not go on; `said` tells what."""


async def trigger(wires: Wires, posted: Mapping[str, Any]) -> Triggered:
    """Make an event happen.

    Args:
        wires: What is connected.
        posted: The event's name and data.

    Raises:
        BadBody: A field does not fit; nothing has happened.
        NotNow: The emulator is starting or stopping.
    """
    event = EVENTS.get(str(posted.get("event")))
    if event is None:
        raise BadBody(f"event must be one of {', '.join(EVENTS)}.", "event")
    for name in posted:
        if name not in _FIELDS:
            raise BadBody(
                f"{name[:40]!r} is no field; the fields are {', '.join(sorted(_FIELDS))}.", name[:40]
            )
        if name not in ("event", "desk", *event.takes):
            raise BadBody(f"{name} does not belong to the event {event.name}.", name)
    now = wires.now
    desk = await _desk(wires, posted.get("desk"))
    run = _Run(now, desk, event, posted)
    try:
        await run.go()
    except _Stopped as stopped:
        run.told.said = str(stopped)
    return run.told


class _Run:
    """One event on its way."""

    def __init__(self, now: Connected, desk: Desk, event: Event, posted: Mapping[str, Any]) -> None:
        self._now = now
        self._desk = desk
        self._event = event
        self._amount = _read_amount(posted.get("amount", _AMOUNT))
        self._account = _read_account(posted.get("account"))
        self._card = _read_digits(
            posted, "card", 16, REFUSED_CARD if event.name == "payment.refused" else CARD
        )
        self._expire = _read_digits(posted, "expire", 4, _EXPIRE)
        self._params = _read_params(posted.get("params"))
        self.told = Triggered(event.name, False, "", desk.id, [])
        self._own_shop = desk.endpoint == shop_endpoint(now.manifest.gateway)
        self._check()

    async def go(self) -> None:
        """Do what the event is."""
        if self._event.method is not None:
            await self._call_merchant(self._event.method)
        elif self._event.name == "order":
            await self._order()
            self.told.ok, self.told.said = True, f"Order {self.told.order_id} waits for payment."
        else:
            await self._receipt()
            if "card" in self._event.takes:
                await self._pay()
            await self._go_on()

    def _check(self) -> None:
        """Refuse what could not work, before anything happens."""
        method = self._event.method
        if method is not None and self._desk.endpoint is None:
            raise BadBody(f"The cash desk {self._desk.name} has no billing to send {method} to.", "desk")
        if self._event.name == "order" and not self._own_shop:
            raise BadBody(
                f"The demo shop makes orders for its own cash desk only, not for {self._desk.name}.", "desk"
            )
        if self._needs_account and self._account is None and not self._own_shop and self._desk.account_fields:
            names = ", ".join(field.name for field in self._desk.account_fields)
            raise BadBody(f"account is missing: the cash desk {self._desk.name} needs {names}.", "account")
        if (
            method in ("PerformTransaction", "CancelTransaction", "CheckTransaction")
            and "id" not in self._params
        ):
            raise BadBody("params must hold the transaction's id, as merchant.create told it.", "params")

    @property
    def _needs_account(self) -> bool:
        return "account" in self._event.takes and "account" not in self._params

    async def _order(self) -> None:
        body = msgspec.json.encode({"amount": self._amount})
        reply = await ask(self._now.shop, "/shop/orders", body, {"content-type": "application/json"})
        made = _json(reply)
        if reply.status != 200 or not isinstance(made, dict):
            raise _Stopped("The demo shop made no order.")
        self.told.order_id, self.told.pay_url = made["order_id"], made["pay_url"]

    async def _known_account(self) -> Mapping[str, Any]:
        if self._account is not None:
            return self._account
        if not self._own_shop:
            return {}
        await self._order()
        return {ACCOUNT_FIELD: self.told.order_id}

    async def _receipt(self) -> None:
        account = await self._known_account()
        result = await self._call_api(
            "receipts.create", key=True, amount=self._amount, account=account, **self._hold
        )
        self._take_receipt(result)
        self.told.ok, self.told.said = True, f"Receipt {self.told.receipt} waits for payment."

    async def _pay(self) -> None:
        wants_refusal = self._event.name == "payment.refused"
        self.told.ok = False
        card = {"number": self._card, "expire": self._expire}
        try:
            made = await self._call_api("cards.create", key=False, card=card)
            token = made["card"]["token"]
            await self._call_api("cards.get_verify_code", key=False, token=token)
            await self._call_api("cards.verify", key=False, token=token, code=TEST_CODE)
            paid = await self._call_api(
                "receipts.pay", key=True, id=self.told.receipt, token=token, **self._hold
            )
        except _Stopped:
            # A cut connection refused nothing.
            self.told.ok = wants_refusal and self.told.answer is not None
            await self._look()
            raise
        self._take_receipt(paid)
        self._tell(5 if self._hold else 4)
        self.told.ok = self.told.ok and not wants_refusal

    @property
    def _hold(self) -> dict[str, bool]:
        return {"hold": True} if self._event.name.startswith("hold") else {}

    async def _go_on(self) -> None:
        """Do what follows on the payment, or on the receipt."""
        match self._event.name:
            case "hold.confirmed":
                confirmed = await self._call_api("receipts.confirm_hold", key=True, id=self.told.receipt)
                self._take_receipt(confirmed)
                self._tell(4)
            case "refund" | "hold.cancelled" | "receipt.cancelled":
                self._take_receipt(await self._call_api("receipts.cancel", key=True, id=self.told.receipt))
                for _ in range(_LOOKS):
                    if self.told.state != _CANCEL_QUEUE:
                        break
                    await self._now.gateway.clock.sleep(_BETWEEN_LOOKS_S)
                    await self._look()
                self._tell(50)

    def _tell(self, wanted: int) -> None:
        """Say how the receipt stands, and whether that is what was to happen."""
        self.told.ok = self.told.state == wanted
        words = {4: "is paid", 5: "holds its money on the card", 50: "is cancelled"}
        how = words[wanted] if self.told.ok else f"is in state {self.told.state}: it goes on"
        self.told.said = f"Receipt {self.told.receipt} {how}."

    async def _look(self) -> None:
        """Learn how the receipt stands after a refusal; what was answered before stays told."""
        answer = self.told.answer
        with contextlib.suppress(_Stopped):
            found = await self._call_api("receipts.check", key=True, id=self.told.receipt)
            self.told.state = found["state"]
        self.told.answer = answer

    def _take_receipt(self, result: Any) -> None:
        self.told.receipt, self.told.state = result["receipt"]["_id"], result["receipt"]["state"]

    async def _call_api(self, method: str, *, key: bool, **params: Any) -> Any:
        """Call the Subscribe API; an error stops the event."""
        known = await self._now.gateway.desks.keys_of(self._desk.id)
        headers = {
            "content-type": "application/json; charset=UTF-8",
            "x-auth": write_x_auth(self._desk.id, known.key if key else None),
            "accept-language": "en",
        }
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
        reply = await ask(self._now.site, "/api", body, headers)
        if reply.exchange is not None:
            self.told.exchanges.append(reply.exchange)
        answer = _json(reply)
        if not isinstance(answer, dict) or "result" not in answer:
            if isinstance(answer, dict):
                self.told.answer = answer
            raise _Stopped(f"{method} {_refusal(reply, answer)}")
        return answer["result"]

    async def _call_merchant(self, method: str) -> None:
        params = {**await self._default_params(method), **self._params}
        body = write_call(method, params, self._now.gateway.clock.now_ms() % 2**31)
        key = await self._now.gateway.desks.key_of(self._desk.id)
        headers = {
            "authorization": write_basic(LOGIN, key),
            "content-type": "application/json; charset=UTF-8",
        }
        call = HttpCall("POST", self._desk.endpoint or "", body, headers, _TIMEOUT_MS, _BODY_MAX)
        outcome, exchange = await self._now.http.ask(call)
        if exchange is not None:
            self.told.exchanges.append(exchange.number)
        if isinstance(params.get("id"), str):
            self.told.transaction = params["id"]
        if outcome.problem is not None or outcome.answer is None:
            raise _Stopped(f"{method} brought no answer: {outcome.problem}")
        reply = Reply(outcome.answer.status, outcome.answer.body, None)
        answer = _json(reply)
        # A merchant may answer with the key that it was called with.
        self.told.answer = shown = redact(_without(key, answer))
        if not isinstance(answer, dict) or answer.get("result") is None:
            raise _Stopped(f"{method} {_refusal(reply, shown)}")
        self.told.ok, self.told.said = True, f"{method} was answered with a result."

    async def _default_params(self, method: str) -> dict[str, Any]:
        now_ms = self._now.gateway.clock.now_ms()
        if method == "GetStatement":
            return {"from": now_ms - _DAY_MS, "to": now_ms}
        if method == "CancelTransaction":
            return {"reason": 3}
        if "account" not in self._event.takes:
            return {}
        params: dict[str, Any] = {"amount": self._amount}
        if self._needs_account:
            params["account"] = await self._known_account()
        if method == "CreateTransaction":
            params = {"id": self._now.gateway.ids.new(now_ms), "time": now_ms, **params}
        return params


def _json(reply: Reply) -> Any:
    try:
        return msgspec.json.decode(reply.body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _without(key: str, answer: Any) -> Any:
    """Hide the cash desk's key wherever it stands in an answer."""
    if isinstance(answer, str):
        return answer.replace(key, HIDDEN)
    if isinstance(answer, dict):
        return {_without(key, name): _without(key, value) for name, value in answer.items()}
    return [_without(key, one) for one in answer] if isinstance(answer, list) else answer


def _refusal(reply: Reply, answer: Any) -> str:
    if reply.status == 0:
        return "brought no answer: the connection was cut."
    error = answer.get("error") if isinstance(answer, dict) else None
    if not isinstance(error, dict):
        return f"was answered with HTTP {reply.status} and neither a result nor an error."
    message = error.get("message")
    if isinstance(message, dict):
        message = message.get("en", next(iter(message.values()), ""))
    return f"was refused: {error.get('code')}, {message}"


async def _desk(wires: Wires, given: Any) -> Desk:
    names = await wires.desks()
    for name in names:
        if given is None or given in (name.id, name.name):
            found = await wires.now.gateway.desks.find(name.id)
            if found is not None:
                return found
    known = "; ".join(f"{name.name} ({name.id})" for name in names[:5])
    raise BadBody(f"desk must be the id or the name of a cash desk: {known}.", "desk")


def _read_amount(given: Any) -> int:
    if isinstance(given, bool) or not isinstance(given, int) or not 1 <= given <= AMOUNT_TIYIN_MAX:
        raise BadBody(f"amount must be a whole number of tiyin from 1 to {AMOUNT_TIYIN_MAX}.", "amount")
    return given


def _read_account(given: Any) -> dict[str, Any] | None:
    if given is None:
        return None
    if (
        not isinstance(given, dict)
        or len(given) > _ACCOUNT_FIELDS_MAX
        or not all(isinstance(value, str | int) and not isinstance(value, bool) for value in given.values())
    ):
        raise BadBody(
            'account must be an object of texts or whole numbers such as {"order_id": "1"}.', "account"
        )
    return given


def _read_digits(posted: Mapping[str, Any], name: str, length: int, otherwise: str) -> str:
    given = posted.get(name, otherwise)
    if not isinstance(given, str) or len(given) != length or not (given.isascii() and given.isdigit()):
        raise BadBody(f"{name} must be a text of {length} digits such as {otherwise}.", name)
    return given


def _read_params(given: Any) -> dict[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise BadBody("params must be a JSON object.", "params")
    return given
