"""A small FastAPI shop that keeps Payme's transactions in its own database, beside its orders.

An order and its payment are committed together, or not at all.

    pip install "tiyin[fastapi,sqlalchemy]" uvicorn aiosqlite
    export PAYME_KEY=... PAYME_DESK=...
    python examples/fastapi_sqlalchemy_shop.py  # makes the tables; a grown-up shop has Alembic do it
    uvicorn fastapi_sqlalchemy_shop:app --app-dir examples --workers 2

The endpoint to write into the cabinet is ``https://<your address>/payme``.
"""

import asyncio
import os
from typing import Annotated

from fastapi import Body, FastAPI
from sqlalchemy import BigInteger
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from tiyin.merchant import MerchantApi, Order, OrderState, Transaction
from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.checkout import Checkout
from tiyin.merchant.integrations.fastapi import payme_router
from tiyin.merchant.stores.sqlalchemy import (
    AsyncRowBilling,
    AsyncSqlAlchemyStore,
    payme_tables,
    prepare_sqlite,
)

checkout = Checkout(os.environ["PAYME_DESK"])
app = FastAPI(title="A shop with a database")


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
engine = create_async_engine(os.environ.get("SHOP_DATABASE", "sqlite+aiosqlite:///shop.db"))
sessions = async_sessionmaker(engine, expire_on_commit=False)
if engine.dialect.name == "sqlite":
    prepare_sqlite(engine)


# --- Payme ---


class Shop(AsyncRowBilling[Purchase]):
    """What Payme may ask of this shop. Each hook gets the order's row, locked when it may change."""

    model, account_fields = Purchase, ("order_id",)

    async def check(self, order: Purchase, amount_tiyin: int) -> Order:
        """Say what an order costs, and whether it can be paid."""
        return Order(amount_tiyin=order.amount_tiyin, state=OrderState(order.state))

    async def perform(self, order: Purchase, transaction: Transaction) -> None:
        """Mark the order paid; a letter goes out when that is certain."""
        order.state = "paid"
        after_commit(send_letter, order.id)

    async def cancel(self, order: Purchase, transaction: Transaction) -> None:
        """Call off an order whose money goes back; one that was never paid can be sold again."""
        if transaction.paid:
            order.state = "cancelled"


api = MerchantApi(Shop(), AsyncSqlAlchemyStore(sessions), key=os.environ["PAYME_KEY"])
app.include_router(payme_router(api))


# --- The shop ---


Amount = Annotated[int, Body(embed=True, strict=True, gt=0, le=10**12)]
"""A price in tiyin, up to what this shop's dearest order may cost."""


@app.post("/orders", status_code=201)
async def make_order(amount: Amount) -> dict[str, str | int]:
    """Make an order, and tell where to pay for it."""
    async with sessions.begin() as session:
        order = Purchase(amount_tiyin=amount)
        session.add(order)
    pay_url = checkout.link(amount, {"order_id": order.id})
    return {"order_id": order.id, "amount": amount, "pay_url": pay_url}


async def send_letter(order_id: int) -> None:
    """Stand for a letter to the customer."""
    print(f"order {order_id} is paid", flush=True)


async def make_tables() -> None:
    """Make the tables, the kit's among them."""
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
    await engine.dispose()


if __name__ == "__main__":
    asyncio.run(make_tables())
