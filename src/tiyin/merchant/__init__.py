"""The merchant kit: take Payme payments in a shop of any kind.

A complete shop, served by ``uvicorn shop:app``:

```python
from tiyin.merchant import AccountNotFound, Billing, MerchantApi, Order, payme_app

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
```

`Billing` says what a shop may do and when it is asked. Everything else has its own module: refusals with
words of your own in `tiyin.merchant.refusals`, keys and addresses in `tiyin.merchant.access`, the store in
`tiyin.merchant.stores`.
"""

from tiyin.merchant.api import MerchantApi
from tiyin.merchant.billing import Billing, Order, OrderState, Transaction
from tiyin.merchant.integrations.asgi import payme_app
from tiyin.merchant.refusals import AccountNotFound

__all__ = ["AccountNotFound", "Billing", "MerchantApi", "Order", "OrderState", "Transaction", "payme_app"]
