"""The Merchant API under hostile requests, over the kit's own store."""

import asyncio
import base64
import json
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Final

from helpers_fuzz import CANARIES, Source, edited, mutated, write_json
from helpers_fuzz_wires import ANSWER_BYTES_MAX, NOW_MS, Found, JumpClock, Wire, Written, has_all, read_answer
from helpers_merchant import Books, payme_id
from tiyin.merchant.api import Call, MerchantApi
from tiyin.merchant.stores.own import OwnStore
from tiyin.merchant.stores.tables import metadata
from tiyin.protocol.authorization import write_basic
from tiyin.storage import open_store

__all__ = ["MerchantWire"]

KEY: Final = "Qs7?w@eR#2tYu&Io%9pAs:D4fGh*Jk3lZ~5x"
RIGHT: Final = write_basic("Paycom", KEY)
TWELVE_HOURS_MS: Final = 43_200_000

CODES: Final = {
    *(-32300, -32504, -32600, -32601, -32602, -32700),
    *(-31001, -31003, -31007, -31008, -32001),
    *range(-31099, -31049),
}
_CREATED: Final[dict[str, type]] = {"create_time": int, "transaction": str, "state": int}
_CHECKED: Final[dict[str, type | tuple[type, ...]]] = {
    "create_time": int,
    "perform_time": int,
    "cancel_time": int,
    "transaction": str,
    "state": int,
    "reason": (int, type(None)),
}
_ROW: Final[dict[str, type | tuple[type, ...]]] = {
    **_CHECKED,
    "id": str,
    "time": int,
    "amount": int,
    "account": dict,
}

_WORDS: Final = frozenset({"account", "amount", "time"})
_ROWS_BYTES_MAX: Final = 2_000
"""How long the transactions of one example may be in a statement."""


class SweptByNobody(JumpClock):
    """A clock whose sleepers never wake: the sweep would otherwise run all the time, and time with it."""

    async def sleep(self, seconds: float) -> None:
        del seconds
        await asyncio.Event().wait()


class MerchantWire(Wire):
    """A shop's endpoint."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.clock = SweptByNobody()
        self.shop = Books()
        self.api: MerchantApi
        self.codes: set[int] = set()
        self._examples = 0
        self._written = Written({"the key": KEY, **CANARIES}, without_words=_without_words)

    async def open(self, stack: AsyncExitStack) -> None:
        store = await open_store(f"sqlite:///{self.folder / 'shop.db'}")
        stack.push_async_callback(store.close)
        await store.create_tables(metadata)
        self.api = MerchantApi(
            self.shop, OwnStore(store, clock=self.clock), KEY, clock=self.clock, allow_change_password=True
        )
        await stack.enter_async_context(self.api)

    async def example(self, source: Source) -> None:
        self._examples += 1
        self._written.begin()
        self.shop.cancellable = not source.below(2)
        # One order for each example: the shop knows a thousand, and reads them with any zeros before them.
        number, zeros = 1 + self._examples % 1000, self._examples // 1000
        order = source.pick((f"{number:0{4 + zeros}}", "b1"))
        self.shop.orders.pop(order, None)
        transaction = payme_id(self._examples)
        # Each example has a day of its own, so that a statement tells of that example alone.
        self.clock.now = NOW_MS + self._examples * 2 * TWELVE_HOURS_MS
        await self._prelude(transaction, order, source.below(4))
        for _ in range(1 + source.below(4)):
            await self._ask(source, transaction, order)
        await self._look(transaction)
        self.log.check({**CANARIES, "the key": KEY})

    async def _prelude(self, transaction: str, order: str, level: int) -> None:
        """Bring the transaction to where it may stand: nowhere, created, performed, cancelled."""
        if level >= 1:
            await self._right("CreateTransaction", self._create(transaction, order))
        if level == 2:
            await self._right("PerformTransaction", {"id": transaction})
        if level == 3:
            await self._right("CancelTransaction", {"id": transaction, "reason": 3})

    def _create(self, transaction: str, order: str) -> dict[str, Any]:
        return {"id": transaction, "time": self.clock.now, "amount": 500_000, "account": {"order_id": order}}

    async def _right(self, method: str, params: dict[str, Any]) -> Any:
        request = json.dumps({"id": 1, "method": method, "params": params}).encode()
        answer = read_answer(await self._answered(request, Call("POST", request, RIGHT)), request)
        if "result" not in answer or not _is_right(method, answer["result"]):
            raise Found(f"{method} is right and was answered: {answer}; {self.log.new_text()[-1500:]}")
        return answer["result"]

    async def send(self, body: bytes) -> dict[str, Any]:
        """Send one request with the right key."""
        return read_answer(await self._answered(body, Call("POST", body, RIGHT)), body)

    async def _answered(self, request: bytes, call: Call) -> bytes:
        reply = await self.timed(self.api.handle(call), request)
        pieces = [reply.body]
        if reply.more is not None:
            pieces += [piece async for piece in reply.more]
        return b"".join(pieces)

    async def _ask(self, source: Source, transaction: str, order: str) -> None:
        method, params = source.pick(self._calls(transaction, order))
        envelope = {"jsonrpc": "2.0", "id": 7, "method": method, "params": params}
        body = edited(source, write_json(mutated(source, envelope)))
        if source.now_and_then(8):
            self.clock.now += TWELVE_HOURS_MS + 1
        call = Call(
            source.pick(("GET", "PUT", "", "post")) if source.now_and_then(20) else "POST",
            body,
            _authorization(source),
            address=source.pick(("127.0.0.1", None, "::1", "no address", "1.2.3.4, 5.6.7.8")),
            forwarded=source.pick((None, "185.178.51.132", ",,,", "\x00", "999.1.1.1", "a" * 5_000)),
        )
        self._written.add(body)
        self._judge(body, method, await self._answered(body, call))

    def _calls(self, transaction: str, order: str) -> list[tuple[str, dict[str, Any]]]:
        account = {"order_id": order}
        fiscal = {
            "status_code": 0,
            "message": "accepted",
            "terminal_id": "EP000000000025",
            "receipt_id": 121,
            "date": "20220706221021",
            "fiscal_sign": "800031554082",
            "qr_code_url": "https://ofd.soliq.uz/epi?t=EP000000000025&r=121&c=20220706221021&s=800031554082",
        }
        return [
            ("CheckPerformTransaction", {"amount": 500_000, "account": account}),
            ("CreateTransaction", self._create(transaction, order)),
            ("CreateTransaction", self._create(payme_id(2**40 + self._examples), order)),
            ("PerformTransaction", {"id": transaction}),
            ("CancelTransaction", {"id": transaction, "reason": 5}),
            ("CheckTransaction", {"id": transaction}),
            ("GetStatement", {"from": self.clock.now - TWELVE_HOURS_MS, "to": self.clock.now}),
            ("SetFiscalData", {"id": transaction, "type": "PERFORM", "fiscal_data": fiscal}),
            ("ChangePassword", {"password": CANARIES["key"]}),
        ]

    def _judge(self, request: bytes, method: str, body: bytes) -> None:
        # A statement may tell of all examples before this one.
        answer = read_answer(body, request, ANSWER_BYTES_MAX + _ROWS_BYTES_MAX * self._examples)
        if "result" in answer:
            method = _method_of(request, method)
            if not _is_right(method, answer["result"]):
                raise Found(f"{method} answered {answer['result']} to {request[:2000]!r}")
        else:
            self._judge_error(answer["error"], request)
        self._written.check(body, answer, request)

    def _judge_error(self, error: Any, request: bytes) -> None:
        if not has_all(error, {"code": int, "message": (str, dict)}):
            raise Found(f"no error of the documented shape to {request[:2000]!r}: {error}")
        message = error["message"]
        if isinstance(message, dict) and set(message) != {"ru", "uz", "en"}:
            raise Found(f"a message in {sorted(message)} to {request[:2000]!r}")
        self.codes.add(error["code"])
        if error["code"] not in CODES:
            raise Found(f"{error['code']} is not documented, to {request[:2000]!r}")

    async def _look(self, transaction: str) -> None:
        """Insist that the transaction is whole: its times fit its state, and its effects ran once at most."""
        request = json.dumps({"id": 1, "method": "CheckTransaction", "params": {"id": transaction}}).encode()
        answer = read_answer(await self._answered(request, Call("POST", request, RIGHT)), request)
        ran = {effect: self.shop.ran[effect, transaction] for effect in ("create", "perform", "cancel")}
        if max(ran.values()) > 1:
            raise Found(f"effects ran more than once: {ran}")
        if "result" not in answer:
            return
        stands = answer["result"]
        times = (stands["create_time"] > 0, stands["perform_time"] > 0, stands["cancel_time"] > 0)
        whole = {
            1: (True, False, False),
            2: (True, True, False),
            -1: (True, False, True),
            -2: (True, True, True),
        }
        if times != whole.get(stands["state"]) or (stands["reason"] is None) is (stands["state"] < 0):
            raise Found(f"a transaction is half written: {stands}")
        if (ran["perform"] == 1) is not (abs(stands["state"]) == 2) or (ran["cancel"] == 1) is (
            stands["state"] > 0
        ):
            raise Found(f"effects and state disagree: {ran}, {stands}")


def _without_words(result: Any) -> Any:
    """Give a result whose transactions are without what their writers put into them."""
    if not isinstance(result, dict) or not isinstance(result.get("transactions"), list):
        return result
    rows = [
        {name: item for name, item in row.items() if name not in _WORDS} if isinstance(row, dict) else row
        for row in result["transactions"]
    ]
    return {**result, "transactions": rows}


def _authorization(source: Source) -> str | None:
    if not source.now_and_then(8):
        return RIGHT
    return source.pick(
        (
            None,
            "",
            "Basic",
            "Basic ",
            "Basic =",
            "Basic \xff",
            "Bearer x",
            RIGHT.lower(),
            RIGHT + "=",
            f"  {RIGHT}",
            RIGHT * 300,
            write_basic("Paycom", KEY[:-1]),
            write_basic("paycom", KEY),
            write_basic("", KEY),
            write_basic("Paycom", ""),
            "Basic UGF5Y29tOlV6Y2FyZDpzb21lUmFuZG9tU3RyaW5nMTU0NTM0MzU0MzU0NQ==",
            "\x00",
            "Basic " + "A" * 20_000,
            "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode(),
            "Basic " + base64.b64encode(b"Paycom").decode(),
            "\ud800",
        )
    )


def _method_of(request: bytes, drawn: str) -> str:
    try:
        method = json.loads(request)["method"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return drawn
    return method if isinstance(method, str) else drawn


def _is_right(method: str, result: Any) -> bool:  # noqa: PLR0911 - a row for each method
    match method:
        case "CheckPerformTransaction":
            return has_all(result, {"allow": bool}) and result["allow"] is True
        case "CreateTransaction":
            return has_all(result, _CREATED) and result["state"] == 1
        case "PerformTransaction":
            return (
                has_all(result, {"transaction": str, "perform_time": int, "state": int})
                and result["state"] == 2
            )
        case "CancelTransaction":
            return (
                has_all(result, {"transaction": str, "cancel_time": int, "state": int})
                and result["state"] < 0
            )
        case "CheckTransaction":
            return has_all(result, _CHECKED)
        case "GetStatement":
            rows = result.get("transactions") if isinstance(result, dict) else None
            return isinstance(rows, list) and all(has_all(row, _ROW) for row in rows)
        case _:
            return bool(result == {"success": True})
