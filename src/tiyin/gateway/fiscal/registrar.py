"""The port to whoever registers payments and refunds with the tax service."""

from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from tiyin.gateway.fiscal.records import Kind
from tiyin.protocol.fiscal import FiscalData

__all__ = ["Registrar", "RegistrarUnavailable", "Sale"]


class RegistrarUnavailable(Exception):
    """Nobody knows whether it is registered: the same call is made again, for as long as it takes."""


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be registered: the sale of a receipt, or its refund.

    Attributes:
        receipt_id: Which receipt.
        kind: "PERFORM" for the sale, "CANCEL" for the refund.
        amount_tiyin: The whole amount.
        organization: Who sells.
        detail: The goods, as they were given; None where nobody named them.
        of: Of a refund: the sale's fiscal receipt.
    """

    receipt_id: str
    kind: Kind
    amount_tiyin: int
    organization: str
    detail: Mapping[str, Any] | None = None
    of: FiscalData | None = None


class Registrar(Protocol):
    """Registers sales and refunds."""

    async def register(self, sale: Sale) -> FiscalData:
        """Register a sale or a refund; the same one is registered once, and a repeat answers the same.

        Args:
            sale: What is registered; `receipt_id` and `kind` name it.

        Returns:
            What the tax service answered; its `status_code` is not 0 where it refused for good.

        Raises:
            RegistrarUnavailable: If the outcome is not known.

        Documentation: merchant-api/SetFiscalData
        """
        ...
