"""A small FastAPI shop that takes Payme payments; Payme's transactions are in a store of the kit's own.

    pip install "tiyin[fastapi]" uvicorn
    PAYME_KEY=... PAYME_DESK=... uvicorn fastapi_shop:app --app-dir examples --workers 2

The endpoint to write into the cabinet is ``https://<your address>/payme``.
"""

import asyncio
import os
import secrets
import sqlite3
from contextlib import closing
from typing import Annotated

from fastapi import Body, FastAPI

from tiyin.merchant import AccountNotFound, Billing, MerchantApi, Order, OrderState, Transaction
from tiyin.merchant.billing import Account
from tiyin.merchant.checkout import Checkout
from tiyin.merchant.integrations.fastapi import payme_router

ORDERS = os.environ.get("SHOP_ORDERS", "orders.db")
checkout = Checkout(os.environ["PAYME_DESK"])
app = FastAPI(title="A shop")


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
app.include_router(payme_router(api))


# --- The shop ---


Amount = Annotated[int, Body(embed=True, strict=True, gt=0, le=10**12)]
"""A price in tiyin, up to what this shop's dearest order may cost."""


@app.post("/orders", status_code=201)
def make_order(amount: Amount) -> dict[str, str | int]:
    """Make an order, and tell where to pay for it."""
    order_id = insert_order(amount)
    return {"order_id": order_id, "amount": amount, "pay_url": checkout.link(amount, {"order_id": order_id})}


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
