"""The tests' shop."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from merchant.django.shop.models import Effect, Order
from tiyin.merchant.billing import FiscalNotice, OrderState, Transaction
from tiyin.merchant.billing import Order as Offer
from tiyin.merchant.integrations.django import ModelBilling, after_commit
from tiyin.merchant.stores.unit import unit

_HANG = os.environ.get("SHOP_HANG")


class Shop(ModelBilling[Order]):
    """Every hook writes a row, and tells `before`. Where the file SHOP_HANG exists, hooks hang."""

    model = Order
    account_fields: tuple[str, ...] = ("order_id",)
    before: ClassVar[Callable[[str, Order], Any] | None] = None
    mails: ClassVar[list[str]] = []
    delivered: ClassVar[bool] = False

    def check(self, order: Order, amount_tiyin: int) -> Offer:
        del amount_tiyin
        return Offer(amount_tiyin=order.total_tiyin, state=OrderState(order.state))

    def create(self, order: Order, transaction: Transaction) -> str | int | None:
        return self._effect("create", order, transaction, "reserved")  # type: ignore[no-any-return]  # a test may break the promise

    def perform(self, order: Order, transaction: Transaction) -> None:
        return self._effect("perform", order, transaction, "paid")  # type: ignore[no-any-return]  # the same

    def may_cancel(self, order: Order, transaction: Transaction) -> bool:
        del order, transaction
        return not self.delivered

    def cancel(self, order: Order, transaction: Transaction) -> None:
        state = "cancelled" if transaction.paid else "waiting"
        return self._effect("cancel", order, transaction, state)  # type: ignore[no-any-return]  # the same

    def fiscal_data(self, notice: FiscalNotice) -> bool:
        if notice.transaction is None:
            effects = Effect.objects.using(unit().session.using)
            effects.create(name=notice.type, transaction_id=notice.id, order_id=1)
        return False

    def _effect(self, name: str, order: Order, transaction: Transaction, state: str) -> Any:
        order.state = state
        order.save(update_fields=["state"])
        Effect.objects.using(order._state.db).create(name=name, transaction_id=transaction.id, order=order)  # noqa: SLF001 - documented
        after_commit(self.mails.append, f"{name} {transaction.id[-2:]}")
        if _HANG and (hang := Path(_HANG)).exists():
            hang.with_suffix(".begun").touch()
            time.sleep(3600)
        return None if Shop.before is None else Shop.before(name, order)
