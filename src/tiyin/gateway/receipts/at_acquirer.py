"""What the acquirer did, and where that moves the receipt. Pure.

An unknown outcome is resolved by asking with the attempt's own key; "not found" means the same debit again
with the same key. A reversal leaves a tombstone, so a debit that is still on its way is refused when it
arrives.
"""

from typing import Final

from msgspec.structs import replace

from tiyin.gateway.acquiring.port import Debited, Declined, NotFound, Reversed
from tiyin.gateway.ledger import returned, taken
from tiyin.gateway.receipts.moves import (
    Moved,
    Note,
    Terms,
    cancelled,
    onwards,
    paid,
    patience_is_over,
    repeat_later,
    stay,
    undo_at_billing,
)
from tiyin.gateway.receipts.records import Receipt, write_error
from tiyin.gateway.receipts.states import CLOSING
from tiyin.protocol.errors import SubscribeCode
from tiyin.protocol.merchant_api import Reason
from tiyin.storage.tables import Decision

__all__ = ["AcquirerOutcome", "NotKnown", "debit_answered", "refund_answered", "void_answered"]

_DEBIT_FAILED: Final = int(Reason.DEBIT_FAILED)
_FAILED: Final = int(Reason.EXECUTION_FAILED)


class NotKnown:
    """The acquirer's answer was lost, or none came."""


AcquirerOutcome = Debited | Declined | Reversed | NotFound | NotKnown


def debit_answered(receipt: Receipt, outcome: AcquirerOutcome, terms: Terms) -> Decision[Moved]:
    """Move by the answer to a debit, or by what the acquirer said when it was asked."""
    match outcome:
        case Debited(reference):
            return _debited(receipt, reference, terms)
        case Declined(code, reason):
            note = Note("declined", f"{code} {reason}".strip())
            return _not_debited(receipt, terms, note, reason=_DEBIT_FAILED, error=write_error(code))
        case Reversed():
            error = write_error(SubscribeCode.DEBIT_FAILED)
            return _not_debited(receipt, terms, Note("reversed"), reason=_DEBIT_FAILED, error=error)
        case NotFound() if patience_is_over(receipt, terms):
            # The debit never arrived and the payer is gone: forbid its key before anything else is told.
            return onwards(
                receipt, terms, step="void", note=Note("too_late", "the payer's patience was over")
            )
        case NotFound():
            return stay(receipt)
        case NotKnown():
            return repeat_later(receipt, terms, Note("unknown"))


def _debited(receipt: Receipt, reference: str, terms: Terms) -> Decision[Moved]:
    """The money left the card: close at the billing, where there is one."""
    entry = taken(receipt.id, receipt.amount_tiyin, terms.now_ms)
    if receipt.route == "billing":
        return onwards(receipt, terms, state=CLOSING, step="perform", entries=(entry,), reference=reference)
    return paid(replace(receipt, reference=reference), terms, entries=(entry,))


def _not_debited(receipt: Receipt, terms: Terms, note: Note, *, reason: int, error: str) -> Decision[Moved]:
    """Nothing left the card: let the billing go too, where there is one."""
    if receipt.route == "billing":
        return undo_at_billing(receipt, terms, reason=reason, note=note, error=error)
    return cancelled(receipt, terms, note=note, error=error)


def void_answered(receipt: Receipt, outcome: AcquirerOutcome, terms: Terms) -> Decision[Moved]:
    """Move by the answer to the reversal of a debit that may never have arrived."""
    if isinstance(outcome, Reversed):
        error = write_error(SubscribeCode.DEBIT_FAILED)
        return _not_debited(receipt, terms, Note("voided"), reason=_FAILED, error=error)
    return repeat_later(receipt, terms, Note("unknown"))


def refund_answered(receipt: Receipt, outcome: AcquirerOutcome, terms: Terms) -> Decision[Moved]:
    """Move by the answer to the reversal of a debit whose money must go back."""
    if isinstance(outcome, Reversed):
        entry = returned(receipt.id, receipt.amount_tiyin, terms.now_ms)
        return cancelled(receipt, terms, entries=(entry,))
    return repeat_later(receipt, terms, Note("unknown"))
