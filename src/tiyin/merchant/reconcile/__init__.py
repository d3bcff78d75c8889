"""Reconciliation: do the shop's orders, its transactions and Payme's receipts agree, and if not, why not.

```python
from datetime import date
from tiyin.merchant.reconcile import Period, reconcile, transactions_of_sync
from tiyin.merchant.subscribe import SubscribeClient

yesterday, wider = Period.days(date(2026, 11, 23)), Period.days(date(2026, 11, 22), date(2026, 11, 24))
with SubscribeClient(desk_id, key) as client:
    found = reconcile(
        orders_of_the_shop(wider),                         # ShopOrder(order="197", amount_tiyin=..., ...)
        transactions_of_sync("sqlite:///payme.db", wider),
        client.receipts.get_all(wider.from_ms, wider.to_ms),
        now_ms=clock.now_ms(),
        period=yesterday,
    )
for difference in found.differences:
    print(KINDS[difference.code].title.ru, difference.order, difference.amount_tiyin)
```

How things are matched, and the limits of it:

- A transaction and a receipt belong together when their ids are equal: for cash desks with a billing Payme
  gives both the same id. A desk without billing has receipts alone; name it in `desks_without_billing`.
- A payment and an order belong together when the account names the order (`order_of`), compared as text:
  `7` and `"7"` are equal, `"007"` is another order.
- A side that is not given is not compared; two are needed. With orders and transactions alone nobody has
  asked Payme: the shop's own books are compared with each other.
- Sources taken at different moments differ by what happened in between. Take each a day wider than the
  period; what may lie beyond an edge is told as `at-edge`, what Payme still works on as `in-flight`.
- Memory is bounded: rows that do not fit in it are put into temporary files. What must fit are all the
  payments of one order.

Documentation: merchant-api/GetStatement, subscribe-api/receipts.get_all, receipt-states
"""

from tiyin.merchant.reconcile.comparing import Reconciler, reconcile
from tiyin.merchant.reconcile.judging import Difference
from tiyin.merchant.reconcile.kinds import KINDS, Code, Kind, Severity
from tiyin.merchant.reconcile.result import Reconciliation
from tiyin.merchant.reconcile.rows import OrderState, Period, ReceiptRow, ShopOrder
from tiyin.merchant.reconcile.sources import transactions_of, transactions_of_sync
from tiyin.merchant.reconcile.totals import DayTotals, SideTotals

__all__ = [
    "KINDS",
    "Code",
    "DayTotals",
    "Difference",
    "Kind",
    "OrderState",
    "Period",
    "ReceiptRow",
    "Reconciler",
    "Reconciliation",
    "Severity",
    "ShopOrder",
    "SideTotals",
    "reconcile",
    "transactions_of",
    "transactions_of_sync",
]
