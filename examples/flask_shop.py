"""A small Flask shop that takes Payme payments; Payme's transactions are in a store of the kit's own.

    pip install "tiyin[flask]" gunicorn
    PAYME_KEY=... PAYME_DESK=... gunicorn -w 2 --threads 4 --chdir examples flask_shop:app

The endpoint to write into the cabinet is ``https://<your address>/payme``.
"""

import os
import secrets
import sqlite3
from contextlib import closing

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue

from tiyin.merchant import AccountNotFound, MerchantApi, Order, OrderState, Transaction
from tiyin.merchant.billing import Account
from tiyin.merchant.checkout import Checkout
from tiyin.merchant.integrations.flask import payme_blueprint
from tiyin.merchant.sync_billing import SyncBilling

ORDERS = os.environ.get("SHOP_ORDERS", "orders.db")
AMOUNT_TIYIN_MAX = 10**12  # what this shop's dearest order may cost
checkout = Checkout(os.environ["PAYME_DESK"])
app = Flask(__name__)


# --- Payme ---


class Shop(SyncBilling):
    """What Payme may ask of this shop."""

    def check(self, account: Account, amount_tiyin: int) -> Order:
        """Say what an order costs, and whether it can be paid."""
        return find_order(account["order_id"])

    def perform(self, transaction: Transaction) -> None:
        """Mark the order paid."""
        set_state(transaction.account["order_id"], "paid")

    def cancel(self, transaction: Transaction) -> None:
        """Call off an order whose money goes back; one that was never paid can be sold again."""
        if transaction.paid:
            set_state(transaction.account["order_id"], "cancelled")


api = MerchantApi(Shop(), os.environ.get("PAYME_STORE", "sqlite:///payme.db"), key=os.environ["PAYME_KEY"])
app.register_blueprint(payme_blueprint(api))


# --- The shop ---


@app.post("/orders")
def make_order() -> ResponseReturnValue:
    """Make an order, and tell where to pay for it."""
    given = request.get_json()
    amount = given.get("amount") if isinstance(given, dict) else None
    if type(amount) is not int or not 0 < amount <= AMOUNT_TIYIN_MAX:
        abort(400)
    order_id = insert_order(amount)
    pay_url = checkout.link(amount, {"order_id": order_id})
    return {"order_id": order_id, "amount": amount, "pay_url": pay_url}, 201


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
