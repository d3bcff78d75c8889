"""Fiscal receipts, kept and read; what the merchant registered itself is taken here."""

from typing import Final

import msgspec

from tiyin.gateway.fiscal.records import (
    CANCEL,
    FISCAL_RECEIPTS,
    MERCHANT,
    PERFORM,
    FiscalReceipt,
    Kind,
    fiscal_key,
    merchant_tells,
    write_data,
)
from tiyin.gateway.receipts.records import Receipt
from tiyin.gateway.receipts.states import CANCELLED
from tiyin.protocol.fiscal import FiscalData
from tiyin.runtime.clock import Clock
from tiyin.storage import Store

__all__ = ["FiscalReceipts", "OfReceipt"]

_NOT_TOLD: Final = "the merchant's own"


class OfReceipt(msgspec.Struct, frozen=True):
    """The fiscal receipts of one receipt.

    Attributes:
        perform: That of the payment, or None.
        cancel: That of the refund, or None.
    """

    perform: FiscalReceipt | None = None
    cancel: FiscalReceipt | None = None


class FiscalReceipts:
    """The gateway's fiscal receipts.

    Args:
        store: Where they are kept.
        clock: Dates them.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    async def of(self, receipt_id: str) -> OfReceipt:
        """Give the fiscal receipts of a receipt: for the payment page, and for whoever prints them."""
        perform, cancel = fiscal_key(receipt_id, PERFORM), fiscal_key(receipt_id, CANCEL)
        found = await self._store.get_many(FISCAL_RECEIPTS, (perform, cancel))
        return OfReceipt(found.get(perform), found.get(cancel))

    async def set_by_merchant(self, receipt: Receipt, data: FiscalData) -> None:
        """Take the fiscal receipt that the merchant made itself; the registrar is then not asked for it.

        The method does not say whether it is about the payment or the refund. It is the payment's, whatever
        the receipt's state; only of a receipt that was paid and is cancelled, and whose payment has its
        fiscal receipt already, other data is the refund's.

        Args:
            receipt: The receipt, in any state.
            data: What the tax service answered the merchant.

        Raises:
            RpcError: -31610 with data `fiscal_data` if it has other data already.

        Documentation: subscribe-api/receipts.set_fiscal_data
        """
        text = write_data(data)
        kind: Kind = PERFORM
        if receipt.state == CANCELLED and receipt.pay_time_ms:
            perform = await self._store.get(FISCAL_RECEIPTS, fiscal_key(receipt.id, PERFORM))
            kind = PERFORM if perform is None or perform.data == text else CANCEL
        now_ms = self._clock.now_ms()
        new = FiscalReceipt(
            id=fiscal_key(receipt.id, kind),
            receipt_id=receipt.id,
            kind=kind,
            data=text,
            source=MERCHANT,
            at_ms=now_ms,
            told_ms=now_ms,
            note=_NOT_TOLD,
        )
        await self._store.change(FISCAL_RECEIPTS, new.id, lambda stored: merchant_tells(stored, new))
