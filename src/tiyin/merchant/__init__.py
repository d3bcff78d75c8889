"""The merchant kit: take Payme payments in a shop of any kind.

Five names matter:

- `Billing`: your shop. What may be paid, and what to do when it was. (`SyncBilling` in plain functions.)
- `Order`: what your shop answers when it is asked what may be paid.
- `MerchantApi`: the endpoint that Payme calls, over the kit's own store or in your shop's database.
- `Checkout`: links, forms, buttons and QR codes that send a payer to the payment page.
- `SubscribeClient`: cards, receipts, holds and refunds from your own application.

A complete shop, served by ``uvicorn shop:app``:

```python
from tiyin.merchant import AccountNotFound, Billing, Checkout, MerchantApi, Order, payme_app

PRICES = {"1": 500_000, "2": 1_250_000}  # in tiyin


class Shop(Billing):
    async def check(self, account, amount_tiyin):
        price = PRICES.get(account["order_id"])
        if price is None:
            raise AccountNotFound("order_id")
        return Order(amount_tiyin=price)

    async def perform(self, transaction):
        print("paid:", transaction.account["order_id"])


app = payme_app(MerchantApi(Shop(), "sqlite:///payme.db", key="the cash desk's key"))
print("pay here:", Checkout("the-desk-s-id").link(500_000, {"order_id": "1"}))
```

Where the rest is:

- `tiyin.merchant.integrations`: ``django``, ``fastapi``, ``flask``, ``litestar``, ``wsgi``, ``asgi``.
- `tiyin.merchant.stores.sqlalchemy`: transactions in your own database, together with your orders.
- `tiyin.merchant.refusals`: how a hook says no, with words of your own.
- `tiyin.merchant.access`: keys, modes, addresses.
- `tiyin.merchant.sums`, `.detail`, `.saved_cards`, `.reconcile`, `.moving`: money, goods for the fiscal
  receipt, cards with a PIN, comparing the books, changing over from another library.
"""

from typing import TYPE_CHECKING, Any

from tiyin.merchant.after_commit import after_commit
from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Billing, Order, OrderState, Transaction
from tiyin.merchant.checkout import Checkout
from tiyin.merchant.integrations.asgi import payme_app
from tiyin.merchant.refusals import AccountNotFound
from tiyin.merchant.sync_billing import SyncBilling

if TYPE_CHECKING:
    from tiyin.merchant.subscribe import SubscribeClient

__all__ = [
    "AccountNotFound",
    "Billing",
    "Checkout",
    "MerchantApi",
    "Order",
    "OrderState",
    "SubscribeClient",
    "SyncBilling",
    "Transaction",
    "after_commit",
    "payme_app",
]


def __getattr__(name: str) -> Any:
    """Load the client of the Subscribe API when it is asked for: most shops do without it."""
    if name == "SubscribeClient":
        from tiyin.merchant.subscribe import SubscribeClient  # noqa: PLC0415 - told above

        return SubscribeClient
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
