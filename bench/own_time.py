"""How long a merchant's server took for the calls of each payment, told by the server itself."""

import json
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from bench.load import Client

__all__ = ["OwnTime", "ask_own_times"]

PATH = "/own-times"

_Message = MutableMapping[str, Any]
_Receive = Callable[[], Awaitable[_Message]]
_Send = Callable[[_Message], Awaitable[None]]
_App = Callable[[MutableMapping[str, Any], _Receive, _Send], Awaitable[None]]


class OwnTime:
    """An ASGI application around a merchant's, that adds up the time of its calls by receipt.

    A call's time is from when the server hands it over until its answer is written. What it waited in the
    server's socket before is not in it: that stays with the gateway.
    """

    def __init__(self, app: _App) -> None:
        self._app = app
        self._ms_by_order: defaultdict[str, float] = defaultdict(float)
        self._order_by_receipt: dict[str, str] = {}

    async def __call__(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == PATH:
            await self._tell(send)
        else:
            await self._timed(scope, receive, send)

    async def _timed(self, scope: MutableMapping[str, Any], receive: _Receive, send: _Send) -> None:
        began = ended = time.perf_counter()
        asked = bytearray()

        async def receive_and_keep() -> _Message:
            message = await receive()
            asked.extend(message.get("body", b""))
            return message

        async def send_timed(message: _Message) -> None:
            nonlocal ended
            ended = time.perf_counter()
            await send(message)

        await self._app(scope, receive_and_keep, send_timed)
        params = json.loads(asked)["params"]
        if "account" in params:
            order = params["account"]["order_id"]
            if "id" in params:
                self._order_by_receipt[params["id"]] = order
        else:
            order = self._order_by_receipt[params["id"]]
        self._ms_by_order[order] += (ended - began) * 1000

    async def _tell(self, send: _Send) -> None:
        times = {receipt: self._ms_by_order[order] for receipt, order in self._order_by_receipt.items()}
        body = json.dumps(times).encode()
        headers = [(b"content-length", b"%d" % len(body))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def ask_own_times(port: int) -> dict[str, float]:
    """Ask a merchant's server for its own milliseconds, by receipt."""
    client = await Client("127.0.0.1", port).connect()
    try:
        times: dict[str, float] = json.loads(await client.post(PATH.encode(), b"{}"))
    finally:
        client.close()
    return times
