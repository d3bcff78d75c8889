"""Payments in a shop's own database, through its own SQLAlchemy.

`payme_tables` puts the kit's tables into the shop's `MetaData`, `SqlAlchemyStore` or `AsyncSqlAlchemyStore`
keeps transactions there, and a `RowBilling` or `AsyncRowBilling` gets the order's own row, locked:

```python
from tiyin.merchant.stores.sqlalchemy import RowBilling, SqlAlchemyStore, payme_tables

payme_tables(Base.metadata)

class Shop(RowBilling[Order]):
    model = Order
    account_fields = ("order_id",)

    def check(self, order, amount_tiyin):
        return payme.Order(amount_tiyin=order.total_tiyin)

    def perform(self, order, transaction):
        order.paid = True

api = MerchantApi(Shop(), SqlAlchemyStore(sessionmaker(engine)), key="the cash desk's key")
```
"""

from tiyin.merchant.stores.sqlalchemy.handles import current_async_session, current_session
from tiyin.merchant.stores.sqlalchemy.rows import AsyncRowBilling, RowBilling
from tiyin.merchant.stores.sqlalchemy.sqlite import prepare_sqlite
from tiyin.merchant.stores.sqlalchemy.store import AsyncSqlAlchemyStore, SqlAlchemyStore
from tiyin.merchant.stores.sqlalchemy.tables import PaymeTables, payme_tables

__all__ = [
    "AsyncRowBilling",
    "AsyncSqlAlchemyStore",
    "PaymeTables",
    "RowBilling",
    "SqlAlchemyStore",
    "current_async_session",
    "current_session",
    "payme_tables",
    "prepare_sqlite",
]
