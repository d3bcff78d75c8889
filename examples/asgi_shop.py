"""A small plain ASGI shop that takes Payme payments; Payme's transactions are in a store of the kit's own.

    pip install tiyin uvicorn
    PAYME_KEY=... PAYME_DESK=... uvicorn asgi_shop:app --app-dir examples --workers 2

The endpoint to write into the cabinet is ``https://<your address>/payme``.
"""

import asyncio
import json
import os
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import closing
from typing import Any

from tiyin.merchant import AccountNotFound, Billing, MerchantApi, Order, OrderState, Transaction, payme_app
from tiyin.merchant.billing import Account
from tiyin.merchant.checkout import Checkout

ORDERS = os.environ.get("SHOP_ORDERS", "orders.db")
AMOUNT_TIYIN_MAX = 10**12  # what this shop's dearest order may cost
checkout = Checkout(os.environ["PAYME_DESK"])


# --- Payme ---


class Shop(Billing):
    """What Payme may ask of this shop."""

    async def check(self, account: Account, amount_tiyin: int) -> Order:
        """Say what an order costs, and whether it can be paid."""
        return await asyncio.to_thread(find_order, account["order_id"])

    async def perform(self, transaction: Transaction) -> None:
        """Mark the order paid."""
        await asyncio.to_thread(set_state, transaction.account["order_id"], "paid")

    async def cancel(self, transaction: Transaction) -> None:
        """Call off an order whose money goes back; one that was never paid can be sold again."""
        if transaction.paid:
            await asyncio.to_thread(set_state, transaction.account["order_id"], "cancelled")


api = MerchantApi(Shop(), os.environ.get("PAYME_STORE", "sqlite:///payme.db"), key=os.environ["PAYME_KEY"])
payme = payme_app(api)


# --- The shop ---


Message = MutableMapping[str, Any]


async def app(
    scope: Message,
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """Serve Payme under its path, and the shop beside it."""
    if scope["type"] != "http" or scope["path"].rstrip("/") == "/payme":
        # The server's start and stop too: they open and close the api.
        await payme(scope, receive, send)
        return
    if (scope["method"], scope["path"]) == ("POST", "/orders"):
        status, answer = await asyncio.to_thread(make_order, await read_body(receive))
    else:
        status, answer = 404, {"error": "there is no such page"}
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


async def read_body(receive: Callable[[], Awaitable[Message]]) -> bytes:
    """Read a request's body; one of more than a kilobyte is nothing that this shop expects."""
    body, more = b"", True
    while more and len(body) <= 1024:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


def make_order(body: bytes) -> tuple[int, dict[str, str | int]]:
    """Make an order, and tell where to pay for it."""
    try:
        amount = json.loads(body)["amount"]
    except (ValueError, KeyError, TypeError):
        amount = None
    if type(amount) is not int or not 0 < amount <= AMOUNT_TIYIN_MAX:
        return 400, {"error": "amount is a whole number of tiyin"}
    order_id = insert_order(amount)
    pay_url = checkout.link(amount, {"order_id": order_id})
    return 201, {"order_id": order_id, "amount": amount, "pay_url": pay_url}


def insert_order(amount_tiyin: int) -> str:
    """Store an order under a number that nobody can guess."""
    order_id = secrets.token_hex(8)
    with closing(open_orders()) as db, db:
        db.execute("INSERT INTO orders VALUES (?, ?, 'waiting')", (order_id, amount_tiyin))
    return order_id


def find_order(order_id: str) -> Order:
    """Find an order, and say what Payme has to know of it."""
    with closing(open_orders()) as db:
        row = db.execute("SELECT amount_tiyin, state FROM orders WHERE id = ?", (order_id,)).fetchone()
    if row is None:
        raise AccountNotFound("order_id")
    return Order(amount_tiyin=row[0], state=OrderState(row[1]))


def set_state(order_id: str, state: str) -> None:
    """Change an order's state. Doing it twice does no harm, and that is what a hook has to be like."""
    with closing(open_orders()) as db, db:
        db.execute("UPDATE orders SET state = ? WHERE id = ?", (state, order_id))


def open_orders() -> sqlite3.Connection:
    """Open the shop's own database: a file of its own, not the kit's."""
    db = sqlite3.connect(ORDERS, timeout=10)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("CREATE TABLE IF NOT EXISTS orders (id TEXT PRIMARY KEY, amount_tiyin INTEGER, state TEXT)")
    return db
