"""A WSGI shop whose hooks take their time: each waits until the file ``HOOK_MAY_END`` is there."""

import os
import time
from pathlib import Path

from helpers_merchant import KEY
from tiyin.merchant import MerchantApi, Order
from tiyin.merchant.billing import Account, Transaction
from tiyin.merchant.integrations.wsgi import payme_wsgi
from tiyin.merchant.sync_billing import SyncBilling

MAY_END = Path(os.environ["HOOK_MAY_END"])


class Shop(SyncBilling):
    """Every order exists and costs 500,000 tiyin."""

    def check(self, account: Account, amount_tiyin: int) -> Order:
        del account, amount_tiyin
        return Order(amount_tiyin=500_000)

    def create(self, transaction: Transaction) -> None:
        del transaction
        MAY_END.with_suffix(".begun").touch()
        while not MAY_END.exists():
            time.sleep(0.02)


app = payme_wsgi(MerchantApi(Shop(), os.environ["PAYME_STORE"], KEY, patience_s=0.3))
