"""What the acquirer did, and where that moves the receipt. Pure.

An unknown outcome is resolved by asking with the attempt's own key; "not found" means the same debit again
with the same key. A reversal leaves a tombstone, so a debit that is still on its way is refused when it
arrives.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from tiyin.gateway.acquiring.port import Debited, Declined, Held, NotFound, Reversed
from tiyin.gateway.ledger import Entry, posted, returned, taken, voided
from tiyin.gateway.receipts.moves import Moved, Note, Terms, onwards, stay
from tiyin.gateway.receipts.outcomes import cancelled, paid, pause, undo_at_billing, voided_hold
from tiyin.gateway.receipts.records import Receipt, write_error
from tiyin.gateway.receipts.repeating import has_expired, is_given_up, repeat_later
from tiyin.gateway.receipts.states import CLOSING, DEBIT
from tiyin.protocol.errors import SubscribeCode
from tiyin.protocol.merchant_api import Reason
from tiyin.storage.tables import Decision

__all__ = [
    "AcquirerOutcome",
    "NotKnown",
    "capture_answered",
    "debit_answered",
    "refund_answered",
    "void_answered",
]

_DEBIT_FAILED: Final = int(Reason.DEBIT_FAILED)
_FAILED: Final = int(Reason.EXECUTION_FAILED)
_TIMEOUT: Final = int(Reason.TIMEOUT)


class NotKnown:
    """The acquirer's answer was lost, or none came."""


AcquirerOutcome = Held | Debited | Declined | Reversed | NotFound | NotKnown


def debit_answered(  # noqa: PLR0911 - one row of a table each
    receipt: Receipt, outcome: AcquirerOutcome, terms: Terms
) -> Decision[Moved]:
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
        case NotFound() if is_given_up(receipt, terms):
            # The debit never arrived and nobody waits for it: forbid its key before anything else is told.
            return onwards(receipt, terms, step="void", note=Note("too_late", "nobody waits for the debit"))
        case NotFound():
            return stay(receipt)
        case NotKnown():
            return repeat_later(receipt, terms, Note("unknown"))
        case Held():
            return pause(receipt, terms, Note("unexpected", "held instead of debited"))


def capture_answered(receipt: Receipt, outcome: AcquirerOutcome, terms: Terms) -> Decision[Moved]:
    """Move by the answer to the capture of a hold, or by what the acquirer said when it was asked.

    Documentation: subscribe-api/holds.
    """
    match outcome:
        case Debited(reference):
            entry = posted(receipt.id, receipt.amount_tiyin, terms.now_ms)
            return _debited(receipt, reference, terms, entries=(entry,), held=0)
        case Held() if is_given_up(receipt, terms):
            # It is known that the capture did not happen, and it is wanted no more.
            reason = _TIMEOUT if has_expired(receipt, terms) else _FAILED
            error = write_error(SubscribeCode.DEBIT_FAILED)
            return _not_debited(receipt, terms, Note("given_up"), reason=reason, error=error)
        case Held():
            return stay(receipt)
        case Declined(code, reason_text):
            note = Note("declined", f"{code} {reason_text}".strip())
            return _not_debited(receipt, terms, note, reason=_DEBIT_FAILED, error=write_error(code))
        case Reversed() | NotFound():
            # The processing gave it back by itself, so nothing is held any more.
            gone = voided(receipt.id, receipt.amount_tiyin, terms.now_ms)
            error = write_error(SubscribeCode.DEBIT_FAILED)
            note = Note("reversed")
            return _not_debited(
                receipt, terms, note, reason=_DEBIT_FAILED, error=error, entries=(gone,), held=0
            )
        case NotKnown():
            return repeat_later(receipt, terms, Note("unknown"))


def _debited(
    receipt: Receipt, reference: str, terms: Terms, *, entries: Sequence[Entry] = (), **changes: Any
) -> Decision[Moved]:
    """The money left the card: close at the billing, or give it back, where that is wished."""
    booked = (*entries, taken(receipt.id, receipt.amount_tiyin, terms.now_ms))
    if receipt.route != "billing":
        return paid(replace(receipt, reference=reference, **changes), terms, entries=booked)
    if receipt.cancel_wish is not None:
        return undo_at_billing(
            receipt,
            terms,
            reason=_FAILED,
            note=Note("cancelled", "wished for during the debit"),
            state=CLOSING,
            entries=booked,
            reference=reference,
            **changes,
        )
    return onwards(
        receipt, terms, state=CLOSING, step="perform", entries=booked, reference=reference, **changes
    )


def _not_debited(
    receipt: Receipt,
    terms: Terms,
    note: Note,
    *,
    reason: int,
    error: str,
    entries: Sequence[Entry] = (),
    **changes: Any,
) -> Decision[Moved]:
    """Nothing left the card: let the billing go too, where there is one, and then the hold."""
    if receipt.route == "billing":
        return undo_at_billing(
            receipt, terms, reason=reason, note=note, error=error, entries=entries, **changes
        )
    after = replace(receipt, error=error, **changes)
    if after.held:
        return onwards(after, terms, step="void", entries=entries, note=note)
    return cancelled(after, terms, entries=entries, note=note)


def void_answered(receipt: Receipt, outcome: AcquirerOutcome, terms: Terms) -> Decision[Moved]:
    """Move by the answer to the reversal of a hold, or of a debit or hold that may never have arrived.

    A hold is given back last, when the billing has let go; a debit that never arrived is forbidden first.
    """
    if not isinstance(outcome, Reversed):
        return repeat_later(receipt, terms, Note("unknown"))
    if receipt.state == DEBIT and not receipt.hold:
        error = write_error(SubscribeCode.DEBIT_FAILED)
        reason = _TIMEOUT if has_expired(receipt, terms) else _FAILED
        return _not_debited(receipt, terms, Note("voided"), reason=reason, error=error)
    return voided_hold(receipt, terms, Note("voided"))


def refund_answered(receipt: Receipt, outcome: AcquirerOutcome, terms: Terms) -> Decision[Moved]:
    """Move by the answer to the reversal of a debit whose money must go back, however long it takes."""
    if isinstance(outcome, Reversed):
        entry = returned(receipt.id, receipt.amount_tiyin, terms.now_ms)
        return cancelled(receipt, terms, entries=(entry,))
    return repeat_later(receipt, terms, Note("unknown"))
