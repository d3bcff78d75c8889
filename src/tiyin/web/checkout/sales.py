"""A sale: what a payer is asked to pay, whichever way he came.

Documentation: checkout/get-link, checkout/post-form
"""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from tiyin.gateway.desks.records import Desk
from tiyin.gateway.receipts.records import Receipt
from tiyin.protocol.checkout_link import CheckoutRequest
from tiyin.protocol.values import Account, Language, Text, account_key, read_text

__all__ = ["RETURN_MS_DEFAULT", "RETURN_MS_MAX", "Sale", "account_of"]

_ID: Final = re.compile(r"[0-9a-f]{24}")

RETURN_MS_DEFAULT: Final = 15_000
RETURN_MS_MAX: Final = 600_000


class Sale(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be paid.

    Args:
        desk: To whom.
        amount_tiyin: How much, in tiyin.
        account: For what.
        description: The shop's sentence, where there is one.
        detail: The goods as given, or None.
        callback: The shop's address as given, with its placeholders, or None.
        return_ms: How long the result stands before the way back opens by itself, milliseconds.
        language: The language that the shop asked for.
        path: The page's own path, where its form is sent.
        receipt_id: The receipt, where one exists already.
        order: The order's key as the first visit to the receipt had it; empty where there was none.
        change: Where the payer may change what he typed himself; empty where he typed nothing.
        again: The receipt by which the same was paid a moment ago, where the payer wants to pay once more.
    """

    desk: Desk
    amount_tiyin: int
    account: Account
    description: Text | None
    detail: Any
    callback: str | None
    return_ms: int
    language: Language
    path: str
    receipt_id: str | None = None
    order: str = ""
    change: str = ""
    again: str = ""

    @property
    def order_key(self) -> str:
        """Hash of what is being paid: the same order has the same one, however its link was written."""
        if self.receipt_id is not None:
            return self.order or self.receipt_id
        text = f"{self.desk.id}\n{self.amount_tiyin}\n{account_key(self.account)}"
        if self.again:
            text += f"\n{self.again}"
        return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

    @classmethod
    def of_request(
        cls, desk: Desk, request: CheckoutRequest, path: str, *, change: str = "", again: str = ""
    ) -> "Sale":
        """Read a link's or a form's request.

        Args:
            desk: The desk that it names.
            request: The request.
            path: The page's path.
            change: Where the payer may change what he typed himself.
            again: The receipt of the payment that is to be made once more, or what the address has there.
        """
        return cls(
            desk=desk,
            amount_tiyin=request.amount_tiyin,
            account=request.account,
            description=request.description,
            detail=request.detail,
            callback=request.callback,
            return_ms=bounded_return_ms(request.callback_timeout_ms),
            language=request.lang,
            path=path,
            change=change,
            again=again if _ID.fullmatch(again) else "",
        )

    @classmethod
    def of_receipt(
        cls, desk: Desk, receipt: Receipt, path: str, language: Language, return_ms: int | None
    ) -> "Sale":
        """Read a receipt that waits to be paid.

        Args:
            desk: The receipt's desk.
            receipt: The receipt.
            path: The page's path.
            language: The page's language.
            return_ms: As the address has it, milliseconds.
        """
        return cls(
            desk=desk,
            amount_tiyin=receipt.amount_tiyin,
            account=account_of(receipt),
            description=read_text(_decode(receipt.description)),
            detail=_decode(receipt.detail),
            callback=receipt.back_url,
            return_ms=bounded_return_ms(return_ms),
            language=language,
            path=path,
            receipt_id=receipt.id,
        )


def bounded_return_ms(return_ms: int | None) -> int:
    """Return a bounded time before the way back; the documentation's default where none is given."""
    if return_ms is None:
        return RETURN_MS_DEFAULT
    return min(max(return_ms, 0), RETURN_MS_MAX)


def account_of(receipt: Receipt) -> Account:
    """Return a stored receipt's account."""
    account = _decode(receipt.account)
    return dict(account) if isinstance(account, Mapping) else {}


def _decode(text: str | None) -> Any:
    return None if text is None else msgspec.json.decode(text)
