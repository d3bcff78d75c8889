"""A small Flask shop that keeps Payme's transactions in its own database, beside its orders.

An order and its payment are committed together, or not at all.

    pip install "tiyin[flask,sqlalchemy]" gunicorn
    export PAYME_KEY=... PAYME_DESK=...
    python examples/flask_sqlalchemy_shop.py  # makes the tables; a grown-up shop has Alembic do it
    gunicorn -w 2 --threads 4 --chdir examples flask_sqlalchemy_shop:app

The endpoint to write into the cabinet is ``https://<your address>/payme``.
"""

import os

from flask import Flask, abort, request
from flask.typing import ResponseReturnValue
from sqlalchemy import BigInteger, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, sessionmaker

from tiyin.merchant import MerchantApi, Order, OrderState, Transaction
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.checkout import Checkout
from tiyin.merchant.integrations.flask import payme_blueprint
from tiyin.merchant.stores.sqlalchemy import RowBilling, SqlAlchemyStore, payme_tables, prepare_sqlite

AMOUNT_TIYIN_MAX = 10**12  # what this shop's dearest order may cost
checkout = Checkout(os.environ["PAYME_DESK"])
app = Flask(__name__)


# --- The shop's database ---


class Base(DeclarativeBase):
    """What the shop's tables are described in; the kit's are there too."""


class Purchase(Base):
    """An order."""

    __tablename__ = "purchases"

    id: Mapped[int] = mapped_column(primary_key=True)
    amount_tiyin: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(default="waiting")


payme_tables(Base.metadata)
engine = create_engine(os.environ.get("SHOP_DATABASE", "sqlite:///shop.db"))
sessions = sessionmaker(engine, expire_on_commit=False)
if engine.dialect.name == "sqlite":
    prepare_sqlite(engine)


# --- Payme ---


class Shop(RowBilling[Purchase]):
    """What Payme may ask of this shop. Each hook gets the order's row, locked when it may change."""

    model, account_fields = Purchase, ("order_id",)

    def check(self, order: Purchase, amount_tiyin: int) -> Order:
        """Say what an order costs, and whether it can be paid."""
        return Order(amount_tiyin=order.amount_tiyin, state=OrderState(order.state))

    def perform(self, order: Purchase, transaction: Transaction) -> None:
        """Mark the order paid; a letter goes out when that is certain."""
        order.state = "paid"
        after_commit(send_letter, order.id)

    def cancel(self, order: Purchase, transaction: Transaction) -> None:
        """Call off an order whose money goes back; one that was never paid can be sold again."""
        if transaction.paid:
            order.state = "cancelled"


api = MerchantApi(Shop(), SqlAlchemyStore(sessions), key=os.environ["PAYME_KEY"])
app.register_blueprint(payme_blueprint(api))


# --- The shop ---


@app.post("/orders")
def make_order() -> ResponseReturnValue:
    """Make an order, and tell where to pay for it."""
    given = request.get_json()
    amount = given.get("amount") if isinstance(given, dict) else None
    if type(amount) is not int or not 0 < amount <= AMOUNT_TIYIN_MAX:
        abort(400)
    with sessions.begin() as session:
        order = Purchase(amount_tiyin=amount)
        session.add(order)
    pay_url = checkout.link(amount, {"order_id": order.id})
    return {"order_id": order.id, "amount": amount, "pay_url": pay_url}, 201


def send_letter(order_id: int) -> None:
    """Stand for a letter to the customer."""
    app.logger.info("order %s is paid", order_id)


if __name__ == "__main__":
    Base.metadata.create_all(engine)
