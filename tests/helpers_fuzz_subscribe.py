"""The Subscribe API under hostile requests, over a real gateway whose merchant is scripted."""

import asyncio
import inspect
import json
import re
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa

from helpers_fuzz import CANARIES, Source, edited, mutated, write_json
from helpers_fuzz_wires import Found, Wire, Written, has_all, read_answer
from helpers_shop import SHOP_FAULTS, Shop
from tiyin.gateway.acquiring.test_cards import TEST_CARDS, TEST_CODE, TestCards
from tiyin.gateway.app import Gateway, open_gateway
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.metadata import metadata
from tiyin.gateway.receipts.records import RECEIPTS
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.gateway.vault import new_vault_key
from tiyin.gateway.verify import verify
from tiyin.protocol.errors import SubscribeCode
from tiyin.protocol.subscribe_api import ReceiptState
from tiyin.protocol.values import Text
from tiyin.runtime.http import HttpAnswer, HttpCall, NoAnswer, ScriptedHttp

__all__ = ["SubscribeWire", "without_words"]

DESK: Final = "5e730e8e0b852a417aa49ceb"
TERMINAL: Final = "62d52ce6ca96effd0777a771"
KEY: Final = "Qs7?w@eR#2tYu&Io%9pAs:D4fGh*Jk3lZ~5x"
TEST_KEY: Final = "cV6!b$NmQ1w^8eRt+5yUi-O2pAs_Df7gH,3j"
CARDS: Final = tuple(card.number for card in TEST_CARDS)
GOOD: Final = CARDS[-2:]
PHONE: Final = "998901234567"
HOUR_MS: Final = 3_600_000

CODES: Final = {-32504, -32600, -32601, -32602, -32700, *map(int, SubscribeCode)}
STATES: Final = frozenset(int(state) for state in ReceiptState)

DETAIL: Final = {
    "receipt_type": 0,
    "items": [
        {
            "title": "Помидоры",
            "price": 505_000,
            "count": 2,
            "code": "00702001001000001",
            "vat_percent": 15,
            "package_code": "123456",
        }
    ],
}
FISCAL: Final = {
    "status_code": 0,
    "message": "accepted",
    "terminal_id": "EP000000000025",
    "receipt_id": 121,
    "date": "20220706221021",
    "fiscal_sign": "800031554082",
    "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=121&c=20220706221021&s=800031554082",
}
_RECEIPT = {
    "_id": str,
    "create_time": int,
    "pay_time": int,
    "cancel_time": int,
    "state": int,
    "type": int,
    "amount": int,
    "account": list,
    "merchant": dict,
    "currency": int,
    "commission": int,
    "description": str,
}
_CARD = {"number": str, "expire": str, "token": str, "recurrent": bool, "verify": bool}
_WORDS = frozenset({"account", "amount", "description", "detail"})
_CARD_NUMBER = re.compile(r'"number"\s*:\s*"[0-9 ]*"')
"""What stands as a card's number in a request: that one is never told to anybody."""
_MASKED = re.compile(r"[0-9]{6}\*{6}[0-9]{4}")


class SubscribeWire(Wire):
    """A gateway with test cards, a desk whose merchant is scripted, and a virtual terminal."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.gateway: Gateway
        self.api: SubscribeApi
        self.codes: set[int] = set()
        self.shop = Shop(_debited)
        self._garbage: list[bytes] = []
        self._written: Written
        self._always: dict[str, str] = {}
        self._secrets: dict[str, str] = {}
        self._takes_key = ""
        self._examples = 0

    async def send_sms(self, phone: str, text: str) -> None:
        """Bring a message to nobody."""
        assert phone
        assert text

    async def open(self, stack: AsyncExitStack) -> None:
        vault_keys = new_vault_key()
        self.gateway = gateway = await open_gateway(
            database_url=f"sqlite:///{self.folder / 'gateway.db'}",
            vault_keys=vault_keys,
            messages=self,
            test_cards=TestCards(),
            clock=self.clock,
            http=ScriptedHttp(self._merchant),
        )
        stack.push_async_callback(gateway.stop)
        await gateway.store.create_tables(metadata)
        business = await gateway.desks.create_business(name="Online Shop")
        title = Text(ru="Номер заказа", uz="Buyurtma raqami", en="Order number")
        await gateway.desks.create_desk(
            business_id=business.id,
            name="Shop",
            kind="billing",
            endpoint="https://shop.example/payme",
            account_fields=[AccountField("order_id", title, main=True)],
            domains=("shop.uz",),
            desk_id=DESK,
            key=KEY,
            test_key=TEST_KEY,
        )
        await gateway.desks.create_desk(
            business_id=business.id,
            name="Terminal",
            kind="virtual-terminal",
            desk_id=TERMINAL,
            key=KEY,
            test_key=TEST_KEY,
        )
        self.api = SubscribeApi(gateway)
        self._takes_key = next(
            (name for name in inspect.signature(self.api.answer).parameters if "idempotency" in name), ""
        )
        # A vault's keys are `name:secret`, and a desk's key is stored sealed: all of them are secrets.
        self._always = {
            "the desk's key": KEY,
            "the desk's test key": TEST_KEY,
            "the vault's key": vault_keys.partition(":")[2] or vault_keys,
            **{f"a card ending in {number[-4:]}": number for number in CARDS},
        }
        self._written = Written(
            {**CANARIES, **self._always}, without_words=without_words, unsaid=_CARD_NUMBER
        )

    async def example(self, source: Source) -> None:
        self.clock.now += 2 * HOUR_MS  # the limits on codes begin anew
        self._examples += 1
        self._written.begin()
        self._secrets = dict(self._always)
        self.shop.faults, self._garbage = [], []
        desk = source.pick((TERMINAL, DESK))
        live = await self._prelude(desk, source.below(7))
        for _ in range(1 + source.below(4)):
            await self._ask(source, desk, live)
        await self._settle()
        self.log.check({**CANARIES, **self._secrets})

    async def send(self, body: bytes) -> dict[str, Any]:
        """Send one request with the virtual terminal's key."""
        return read_answer(await self.timed(self.api.handle(body, f"{TERMINAL}:{KEY}"), body), body)

    async def check_books(self) -> None:
        """Insist that receipts, work, ledger and the acquirer's books agree."""
        report = await verify(self.gateway.store)
        if not report.clean:
            raise Found(f"the books do not agree: {report.findings[:5]}")

    async def _settle(self) -> None:
        """Wait for the payments that went on without their caller, and look at what they left."""
        while len(self.gateway.tasks):  # noqa: ASYNC110 - what is awaited is that nothing runs
            await asyncio.sleep(0)
        if self._examples % 50 == 0:
            await self.check_books()

    async def _merchant(self, call: HttpCall) -> HttpAnswer:
        if self._garbage:
            garbage = self._garbage.pop()
            if not garbage:
                raise NoAnswer("shop.example: cut")
            return HttpAnswer(200, {}, garbage)
        return await self.shop.script(call)

    async def _prelude(self, desk: str, level: int) -> dict[str, str]:
        """Make what a request may speak of: a receipt, a token with or without its code, a paid receipt."""
        # One order for each example, so that none is busy with an earlier one.
        order = str(self._examples)
        live = {"order": order, "receipt": "0" * 24, "token": CANARIES["token"], "number": self._card(level)}
        if level >= 1:
            live["receipt"] = await self._made_receipt(desk, live)
        if level >= 2:
            live["token"] = await self._made_token(desk, live["number"], verify=level != 4)
        if level == 3:
            await self._right(desk, "receipts.pay", {"id": live["receipt"], "token": live["token"]})
        return live

    async def _made_receipt(self, desk: str, live: dict[str, str]) -> str:
        params = {"amount": 500_000, "account": {"order_id": live["order"]}, "detail": DETAIL}
        result = await self._right(desk, "receipts.create", params)
        return str(result["receipt"]["_id"])

    def _card(self, level: int) -> str:
        """Give the card of an example: one that pays, or one whose debits fail or are slow."""
        cards = {5: CARDS[3], 6: CARDS[4]}
        return cards.get(level, GOOD[self._examples % 2])

    async def _made_token(self, desk: str, number: str, *, verify: bool) -> str:
        card = {"number": number, "expire": "0399"}
        result = await self._right(desk, "cards.create", {"card": card, "save": True})
        token = str(result["card"]["token"])
        self._secrets["a token"] = token
        if verify:
            await self._right(desk, "cards.get_verify_code", {"token": token})
            await self._right(desk, "cards.verify", {"token": token, "code": TEST_CODE})
        return token

    async def _right(self, desk: str, method: str, params: dict[str, Any]) -> Any:
        """Send a request that is right, and insist on a result."""
        request = json.dumps({"id": 1, "method": method, "params": params}).encode()
        answer = read_answer(await self.api.handle(request, f"{desk}:{KEY}"), request)
        if "result" not in answer:
            raise Found(
                f"{method} is right and was refused: {answer['error']}; {self.log.new_text()[-1500:]}"
            )
        _check_result(method, answer["result"], request)
        return answer["result"]

    async def _ask(self, source: Source, desk: str, live: dict[str, str]) -> None:
        method, params = source.pick(_calls(live))
        envelope = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        body = edited(source, write_json(mutated(source, envelope)))
        self.shop.faults = [source.pick(SHOP_FAULTS) for _ in range(source.below(4))]
        self._garbage = [source.some(40) for _ in range(source.below(2))]
        more = {self._takes_key: _junk(source, None, "a-key")} if self._takes_key else {}
        answer = await self.timed(
            self.api.answer(
                body,
                _junk(
                    source, f"{desk}:{KEY}", f"{desk}:{TEST_KEY}", desk, TERMINAL, f"{DESK}:{CANARIES['key']}"
                ),
                _junk(source, "uz", "ru", "en", "uz-Latn;q=0.1,*"),
                _junk(source, None, "https://shop.uz"),
                **more,
            ),
            body,
        )
        self._judge(body, method, read_answer(answer.body, body), answer.body)

    def _judge(self, request: bytes, method: str, answer: dict[str, Any], body: bytes) -> None:
        if "error" in answer:
            self._judge_error(answer["error"], request)
        else:
            _check_result(_method_of(request, method), answer["result"], request)
            _note_secrets(answer["result"], self._secrets)
        self._written.add(request)
        self._written.check(body, answer, request)

    def _judge_error(self, error: Any, request: bytes) -> None:
        if not has_all(error, {"code": int, "message": str}) or not error["message"]:
            raise Found(f"no error of the documented shape to {request[:2000]!r}: {error}")
        self.codes.add(error["code"])
        if error["code"] not in CODES or error["code"] == -32400:
            raise Found(f"{error['code']} is not documented, to {request[:2000]!r}")


async def _debited(receipt_id: str) -> bool:
    """Say that the money is there: `verify` knows better than the shop."""
    return bool(receipt_id)


def _calls(live: dict[str, str]) -> list[tuple[str, dict[str, Any]]]:
    receipt, token = live["receipt"], live["token"]
    account = {"order_id": live["order"]}
    return [
        ("receipts.pay", {"id": receipt, "token": token, "payer": {"phone": PHONE, "ip": "10.0.0.1"}}),
        ("receipts.create", {"amount": 500_000, "account": account, "description": "чай", "detail": DETAIL}),
        ("receipts.get", {"id": receipt}),
        ("receipts.check", {"id": receipt}),
        ("receipts.cancel", {"id": receipt}),
        ("receipts.send", {"id": receipt, "phone": PHONE}),
        ("receipts.get_all", {"from": 0, "to": 1_900_000_000_000, "count": 50, "offset": 0}),
        ("receipts.confirm_hold", {"id": receipt}),
        ("receipts.set_fiscal_data", {"id": receipt, "fiscal_data": FISCAL}),
        ("receipts.create", {"amount": 500_000, "account": account, "hold": True}),
        ("receipts.pay", {"id": receipt, "token": token, "hold": True}),
        ("cards.create", {"card": {"number": GOOD[0], "expire": "03/99"}, "save": True}),
        *(
            (
                "cards.create",
                {"card": {"number": number, "expire": "0399"}, "amount": 500_000, "customer": PHONE},
            )
            for number in CARDS[:3]
        ),
        ("cards.get_verify_code", {"token": token}),
        ("cards.verify", {"token": token, "code": TEST_CODE}),
        ("cards.verify", {"token": token, "code": CANARIES["code"]}),
        ("cards.check", {"token": token}),
        ("cards.remove", {"token": token}),
    ]


_JUNK: Final = (
    None,
    "",
    ":",
    "::",
    "\x00",
    "\xff" * 8,
    "é",
    "a" * 9_000,
    "null",
    "[]",
    "*",
    "\r\nX: 1",
    *CANARIES.values(),
    f"{DESK}:",
    f":{CANARIES['key']}",
    f"{'0' * 24}:{CANARIES['key']}",
    f"{DESK.upper()}:{CANARIES['key']}",
    f" {DESK}",
    "\ud800",
    "ru-RU,ru;q=0.9,en-US;q=0.8",
    ";q=",
    "en;q=NaN",
    "en" * 4_000,
    "https://shop.uz.evil.example",
    "null",
    "http://[",
    "https://shop.uz:99999",
)


def _junk(source: Source, *usual: str | None) -> str | None:
    """Draw a header: nearly always one of the usual values, the first of them most often."""
    if source.now_and_then(8):
        return source.pick(_JUNK)
    return source.pick(usual) if source.now_and_then(5) else usual[0]


def without_words(result: Any) -> Any:
    """Give a result whose receipts are without what their writers put into them."""
    if isinstance(result, list):
        return [without_words(item) for item in result]
    if not isinstance(result, dict):
        return result
    if isinstance(result.get("receipt"), dict):
        return {**result, "receipt": without_words(result["receipt"])}
    return {name: item for name, item in result.items() if name not in _WORDS} if "_id" in result else result


def _method_of(request: bytes, drawn: str) -> str:
    """Tell which method a request with a result named: bytes may have turned one into another."""
    try:
        method = json.loads(request)["method"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return drawn
    return method if isinstance(method, str) else drawn


def _note_secrets(result: Any, secrets: dict[str, str]) -> None:
    if isinstance(result, dict) and isinstance(result.get("card"), dict):
        secrets[f"token {len(secrets)}"] = result["card"]["token"]


def _check_result(method: str, result: Any, request: bytes) -> None:
    if not _is_right(method, result):
        raise Found(f"the result of {method} has not the documented shape: {result}, to {request[:2000]!r}")


def _is_right(method: str, result: Any) -> bool:
    match method:
        case "cards.create" | "cards.verify" | "cards.check":
            card: Any = result.get("card") if isinstance(result, dict) else None
            return has_all(card, _CARD) and bool(_MASKED.fullmatch(card["number"]))
        case "cards.get_verify_code":
            return has_all(result, {"sent": bool, "phone": str, "wait": int}) and "*" in result["phone"]
        case "cards.remove" | "receipts.send" | "receipts.set_fiscal_data":
            return bool(result == {"success": True})
        case "receipts.check":
            return has_all(result, {"state": int}) and result["state"] in STATES
        case "receipts.get_all":
            return isinstance(result, list) and len(result) <= 50 and all(map(_is_receipt, result))
        case _:
            return isinstance(result, dict) and _is_receipt(result.get("receipt"))


def _is_receipt(receipt: Any) -> bool:
    if not has_all(receipt, _RECEIPT) or receipt["state"] not in STATES or receipt["amount"] <= 0:
        return False
    card = receipt.get("card")
    times = (receipt["state"] != 4 or receipt["pay_time"] > 0) and (
        receipt["state"] != 50 or receipt["cancel_time"] > 0
    )
    return times and (card is None or bool(_MASKED.fullmatch(card["number"])))


async def receipts_of(wire: SubscribeWire) -> list[Any]:
    """Give all receipts that the wire's gateway stores."""
    return list(await wire.gateway.store.query(sa.select(RECEIPTS.schema), RECEIPTS))
