"""Someone with a card, who pays by API."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from helpers_kill import Lost, Process, post
from kill.world import PRICE_TIYIN
from tiyin.gateway.receipts.states import CANCELLED, CREATED, PAID
from tiyin.protocol.errors import CommonCode

__all__ = ["CARD", "DECLINED_CARD", "Payer", "Refused", "patiently", "pay_to_the_end"]

CARD = "8600069195406311"
DECLINED_CARD = "8600143417770323"
CODE = "666666"
ENDED_S = 25.0


class Refused(Exception):  # it is what happened
    """An error was answered.

    Args:
        code: Its code.
    """

    def __init__(self, code: int, told: str) -> None:
        super().__init__(f"{code} {told}")
        self.code = code


class Payer:
    """Someone with a card, who speaks to a gateway through the Subscribe API.

    Args:
        gateway: The gateway's process.
        desk: The cash desk.
        key: Its key.
    """

    def __init__(self, gateway: Process, desk: str, key: str) -> None:
        self.desk = desk
        self.key = key
        self._gateway = gateway

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method.

        Raises:
            Lost: If no answer came.
            Refused: If an error was answered.
        """
        headers = {"x-auth": f"{self.desk}:{self.key}", "accept-language": "en"}
        answer = await post(
            self._gateway.port, "/api", {"id": 1, "method": method, "params": params}, headers
        )
        if "error" in answer:
            raise Refused(answer["error"]["code"], str(answer["error"]["message"]))
        return answer["result"]

    async def token(self, number: str = CARD) -> str:
        """Enter a card and its code: a token for one payment."""
        card = (await self.call("cards.create", card={"number": number, "expire": "0399"}))["card"]
        await self.call("cards.get_verify_code", token=card["token"])
        await self.call("cards.verify", token=card["token"], code=CODE)
        return str(card["token"])

    async def receipt(
        self, account: dict[str, str], amount_tiyin: int = PRICE_TIYIN, *, hold: bool = False
    ) -> str:
        """Make a receipt."""
        made = await self.call("receipts.create", amount=amount_tiyin, account=account, hold=hold)
        return str(made["receipt"]["_id"])

    async def pay(self, receipt_id: str, token: str, *, hold: bool = False) -> int:
        """Pay a receipt, or have its money held; its state is answered."""
        return await self.move("receipts.pay", receipt_id, token=token, hold=hold)

    async def move(self, method: str, receipt_id: str, **params: Any) -> int:
        """Call a method that moves a receipt; its state is answered."""
        return int((await self.call(method, id=receipt_id, **params))["receipt"]["state"])

    async def state(self, receipt_id: str) -> int:
        """Ask for a receipt's state."""
        return int((await self.call("receipts.check", id=receipt_id))["state"])


async def patiently(act: Callable[[], Awaitable[Any]], timeout_s: float = 20.0) -> Any:
    """Do something until an answer comes back, as a program does whose other side restarts."""
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            return await act()
        except Lost:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.05)


async def pay_to_the_end(payer: Payer, receipt_id: str, token: str, *, times: int = 5) -> int:
    """Pay a receipt, wait until nothing is under way, and pay again while nothing was promised.

    Returns:
        The receipt's state in the end.
    """
    deadline = time.monotonic() + ENDED_S
    state = CREATED
    for _ in range(times):
        try:
            state = await patiently(lambda: payer.pay(receipt_id, token))
        except Refused as refused:
            if refused.code == CommonCode.INTERNAL:
                raise
            state = await patiently(lambda: payer.state(receipt_id))
        while state not in {CREATED, PAID, CANCELLED}:
            assert time.monotonic() < deadline, f"{receipt_id} is still at {state} after {ENDED_S} s"
            await asyncio.sleep(0.05)
            state = await patiently(lambda: payer.state(receipt_id))
        if state != CREATED:
            break
        await asyncio.sleep(0.2)
    return state
