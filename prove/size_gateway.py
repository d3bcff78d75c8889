"""The gateway that is measured when much is stored: a process of its own, whose merchant is a function.

It is the product's site on the product's server. Beside the site there are two addresses more: `/size/used`
tells what the process has taken of the processors, and `/size/inside` asks receipts.check as often as it is
told to without any HTTP.
"""

import argparse
import asyncio
import secrets
import socket
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, Final

import msgspec

from prove.size_filling import Names
from tiyin.gateway.acquiring.test_cards import TestCards
from tiyin.gateway.app import Gateway, open_gateway
from tiyin.gateway.desks.records import AccountField
from tiyin.gateway.ledger.calendar import day_of, next_day
from tiyin.gateway.ledger.days import CLOSED, DAYS, Day
from tiyin.gateway.ledger.reading import count_entries
from tiyin.gateway.migrations.tables import gateway_metadata
from tiyin.gateway.receipts.states import PAID
from tiyin.gateway.subscribe_api import SubscribeApi
from tiyin.gateway.vault import new_vault_key
from tiyin.protocol.values import Text
from tiyin.runtime.clock import SystemClock
from tiyin.runtime.http import HttpAnswer, HttpCall, ScriptedHttp
from tiyin.storage import Decision, open_store
from tiyin.storage.postgres.store import PostgresStore
from tiyin.web.serving import Server, run_on_loop
from tiyin.web.site import SiteSettings, gateway_site

__all__ = ["AMOUNT_TIYIN", "AT_ONCE", "Inside", "Manifest", "close_days", "prepare"]

AMOUNT_TIYIN: Final = 500_000
AT_ONCE: Final = 16
"""How many ask at the same time."""

_MONTH_MS: Final = 28 * 86_400_000
_RESULTS: Final = {
    "CheckPerformTransaction": {"allow": True},
    "CreateTransaction": {"transaction": "1", "state": 1, "create_time": 1},
    "PerformTransaction": {"transaction": "1", "state": 2, "perform_time": 1},
}


class Manifest(msgspec.Struct, frozen=True):
    """What stands in a database, and how its gateway is asked.

    Args:
        size: How many receipts were copied.
        end_ms: When the last of them was made, milliseconds since 1970.
        vault_keys: The gateway's.
        x_auth: The desk's id and key, as a request bears them.
        token: The saved card's.
    """

    size: int
    end_ms: int
    vault_keys: str
    x_auth: str
    token: str

    @property
    def names(self) -> Names:
        """How the receipts are called."""
        return Names(self.size, self.end_ms)


class Inside(msgspec.Struct, frozen=True):
    """What many receipts.check took without HTTP.

    Args:
        wall_ns: By the clock, all of them together.
        cpu_ns: In this process, all of them together.
    """

    wall_ns: int
    cpu_ns: int


class _Mute:
    """Sends no message, and says that it did: the test cards' code is known."""

    async def send_sms(self, phone: str, text: str) -> None:
        """Leave it."""


class _Forgetful(ScriptedHttp):
    """The merchant; it keeps no list of what it was asked."""

    async def _ask(self, call: HttpCall) -> HttpAnswer:
        return _merchant(call)


def _merchant(call: HttpCall) -> HttpAnswer:
    result = _RESULTS.get(msgspec.json.decode(call.body)["method"], {"success": True})
    return HttpAnswer(200, {}, msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "result": result}))


class _Asked:
    """A gateway in this process, and what is asked of it."""

    def __init__(self, gateway: Gateway, x_auth: str) -> None:
        self._api = SubscribeApi(gateway)
        self._x_auth = x_auth

    async def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Ask, and make sure of an answer."""
        body = msgspec.json.encode({"id": 1, "method": method, "params": params})
        answer = msgspec.json.decode(await self._api.handle(body, self._x_auth))
        if "result" not in answer:
            raise AssertionError(answer)
        return answer["result"]

    async def check(self, receipts: Sequence[str]) -> Inside:
        """Ask for the states of receipts, as many at once as come over HTTP."""
        bodies = iter(
            [
                msgspec.json.encode({"id": 1, "method": "receipts.check", "params": {"id": i}})
                for i in receipts
            ]
        )

        async def some() -> None:
            for body in bodies:
                answer = await self._api.handle(body, self._x_auth)
                if b'"result"' not in answer:
                    raise AssertionError(answer)

        wall, cpu = time.perf_counter_ns(), time.process_time_ns()
        await asyncio.gather(*(some() for _ in range(AT_ONCE)))
        return Inside(time.perf_counter_ns() - wall, time.process_time_ns() - cpu)


async def prepare(url: str, size: int) -> Manifest:
    """Make the tables and one payment, which is then copied.

    Args:
        url: The empty database.
        size: How many receipts are going to stand there.
    """
    # The last receipts are a little older than what is made while they are measured.
    names = Names(size, SystemClock().now_ms() // 60_000 * 60_000 - 120_000)
    store = await open_store(url)
    await store.create_tables(gateway_metadata())
    if isinstance(store, PostgresStore):
        # As many months as the receipts fill, and a year ahead, as `tiyin db upgrade` makes them.
        months = names.span_ms // _MONTH_MS + 1
        await store.add_partitions(gateway_metadata(), names.begins_ms, months + 12)
    await store.close()
    vault_keys = new_vault_key()
    gateway = await _opened(url, vault_keys)
    business = await gateway.desks.create_business(name="Size")
    desk, key, _ = await gateway.desks.create_desk(
        business_id=business.id,
        name="Size",
        kind="billing",
        endpoint="https://merchant.example/payme",
        account_fields=[AccountField("order_id", Text("Заказ", "Buyurtma", "Order"), main=True)],
        key=secrets.token_hex(18),
        test_key=secrets.token_hex(18),
    )
    asked = _Asked(gateway, f"{desk.id}:{key}")
    card = {"number": "8600069195406311", "expire": "0399"}
    token = (await asked.ask("cards.create", {"card": card, "save": True}))["card"]["token"]
    await asked.ask("cards.get_verify_code", {"token": token})
    await asked.ask("cards.verify", {"token": token, "code": "666666"})
    made = await asked.ask("receipts.create", {"amount": AMOUNT_TIYIN, "account": {"order_id": "1"}})
    paid = await asked.ask("receipts.pay", {"id": made["receipt"]["_id"], "token": token})
    if paid["receipt"]["state"] != PAID:
        raise AssertionError(paid)
    await gateway.stop()
    return Manifest(size, names.end_ms, vault_keys, f"{desk.id}:{key}", token)


async def close_days(url: str, names: Names) -> None:
    """Mark every day that is over as closed, as it would be had time really passed.

    Else the gateway would count up months of entries, day after day, while it is measured.

    Args:
        url: The filled database; PostgreSQL's planner knows by now what is in it.
        names: What it was filled with.
    """
    store = await open_store(url)
    now_ms = SystemClock().now_ms()

    async def close(day: date) -> None:
        entries = await count_entries(store, day, day)
        closed = Day(day.isoformat(), CLOSED, "filled", entries, 0, 0, 0, now_ms, now_ms)
        await store.change(DAYS, closed.id, lambda _: Decision(closed, closed))

    first, today = day_of(names.begins_ms), day_of(now_ms)
    await asyncio.gather(*(close(next_day(first, number)) for number in range((today - first).days)))
    await store.close()


async def _opened(url: str, vault_keys: str) -> Gateway:
    return await open_gateway(
        database_url=url,
        vault_keys=vault_keys,
        messages=_Mute(),
        test_cards=TestCards(),
        http=_Forgetful(_merchant),
    )


class _Watched:
    """The site, and the two addresses beside it; an ASGI application."""

    def __init__(self, site: Any, asked: _Asked) -> None:
        self._site = site
        self._asked = asked

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Lead a request to where its path belongs."""
        if not scope.get("path", "").startswith("/size/"):
            await self._site(scope, receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        if scope["path"] == "/size/used":
            answer = msgspec.json.encode(time.process_time_ns())
        else:
            answer = msgspec.json.encode(await self._asked.check(msgspec.json.decode(body, type=list[str])))
        headers = [(b"content-length", b"%d" % len(answer))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": answer})


async def _serve(url: str, port: int, manifest: Manifest) -> None:
    gateway = await _opened(url, manifest.vault_keys)
    await gateway.start()
    sock = socket.create_server(("127.0.0.1", port), backlog=1024)
    site = gateway_site(gateway, SiteSettings(public_url=f"http://127.0.0.1:{port}"))
    try:
        await Server(_Watched(site, _Asked(gateway, manifest.x_auth)), sock).listen()
    finally:
        await gateway.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m prove.size_gateway", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--database", required=True)
    parser.add_argument("--manifest", type=Path, required=True)
    arguments = parser.parse_args()
    manifest = msgspec.json.decode(arguments.manifest.read_bytes(), type=Manifest)
    run_on_loop(lambda: _serve(arguments.database, arguments.port, manifest))


if __name__ == "__main__":
    main()
