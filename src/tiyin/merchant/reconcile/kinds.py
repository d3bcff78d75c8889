"""Every kind of difference: a code for programs, and words for the people who keep the books."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

import msgspec

from tiyin.merchant.reconcile.kinds_at_payme import AT_PAYME
from tiyin.merchant.reconcile.kinds_in_shop import IN_SHOP
from tiyin.protocol.values import Text

__all__ = ["KINDS", "Code", "Kind", "Severity"]


class Severity(StrEnum):
    """How bad a difference is."""

    ERROR = "error"
    """Money or goods are where they should not be."""
    WARNING = "warning"
    """Nobody has lost anything yet, but somebody should look."""
    NOTE = "note"
    """Explains what would look like a difference; everything still agrees."""

    @property
    def text(self) -> Text:
        """The word for it."""
        return _SEVERITIES[self]


class Code(StrEnum):
    """The kinds of differences, the money at Payme first."""

    PAID_ONLY_AT_PAYME = "paid-only-at-payme"
    PAID_NOT_PERFORMED = "paid-not-performed"
    PAID_CANCELLED_HERE = "paid-cancelled-here"
    PERFORMED_NOT_PAID = "performed-not-paid"
    PERFORMED_CANCELLED_AT_PAYME = "performed-cancelled-at-payme"
    PERFORMED_WITHOUT_RECEIPT = "performed-without-receipt"
    REFUNDED_ONLY_AT_PAYME = "refunded-only-at-payme"
    REFUNDED_ONLY_HERE = "refunded-only-here"
    AMOUNT_DIFFERS_AT_PAYME = "amount-differs-at-payme"
    PAID_TWICE = "paid-twice"
    PAID_WITHOUT_PAYMENT = "paid-without-payment"
    NOT_MARKED_PAID = "not-marked-paid"
    CANCELLED_ORDER_PAID = "cancelled-order-paid"
    REFUNDED_ONLY_IN_SHOP = "refunded-only-in-shop"
    REFUND_NOT_IN_SHOP = "refund-not-in-shop"
    AMOUNT_DIFFERS_IN_SHOP = "amount-differs-in-shop"
    UNKNOWN_ORDER = "unknown-order"
    LISTED_TWICE = "listed-twice"
    COMMISSION_IN_AMOUNT = "commission-in-amount"
    CANCELLED_ONLY_AT_PAYME = "cancelled-only-at-payme"
    WAITING_TOO_LONG = "waiting-too-long"
    FISCAL_MISSING = "fiscal-missing"
    IN_FLIGHT = "in-flight"
    AT_EDGE = "at-edge"
    OTHER_DAY = "other-day"
    RETURNED = "returned"


class Kind(msgspec.Struct, frozen=True):
    """A kind of difference.

    Args:
        code: For programs.
        severity: How bad it is.
        title: What it is, in a few words.
        why: What that means, and how it comes about.
        do: What to do about it.
    """

    code: Code
    severity: Severity
    title: Text
    why: Text
    do: Text


_WARNINGS: Final = frozenset(
    (
        Code.COMMISSION_IN_AMOUNT,
        Code.CANCELLED_ONLY_AT_PAYME,
        Code.WAITING_TOO_LONG,
        Code.FISCAL_MISSING,
    )
)
_NOTES: Final = frozenset((Code.IN_FLIGHT, Code.AT_EDGE, Code.OTHER_DAY, Code.RETURNED))
_SEVERITIES: Final = {
    Severity.ERROR: Text(ru="ошибка", uz="xato", en="error"),
    Severity.WARNING: Text(ru="внимание", uz="diqqat", en="warning"),
    Severity.NOTE: Text(ru="справка", uz="izoh", en="note"),
}


def _severity(code: Code) -> Severity:
    if code in _WARNINGS:
        return Severity.WARNING
    return Severity.NOTE if code in _NOTES else Severity.ERROR


_WORDS: Final = {**AT_PAYME, **IN_SHOP}

KINDS: Final[Mapping[Code, Kind]] = MappingProxyType(
    {code: Kind(code, _severity(code), *_WORDS[code.value]) for code in Code}
)
"""Every kind by its code."""
