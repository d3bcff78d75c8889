"""What a merchant's billing answered, and where that moves the receipt. Pure.

An unknown outcome is met by the very same call again, as the documentation does. CheckTransaction is asked
only after a repeat was refused, to learn where the transaction stands.

Documentation: merchant-api/interaction.
"""

from typing import Final

from tiyin.gateway.merchant_calls.answers import (
    Answered,
    Cancelled,
    Checked,
    Created,
    Malformed,
    Outcome,
    Performed,
    RefusedByMerchant,
    Unknown,
)
from tiyin.gateway.receipts.moves import (
    Moved,
    Note,
    Terms,
    back_to_created,
    cancelled,
    money_is_taken,
    onwards,
    paid,
    patience_is_over,
    pause,
    refund,
    repeat_later,
    undo_at_billing,
)
from tiyin.gateway.receipts.records import Receipt, write_error
from tiyin.gateway.receipts.refusals import is_envelope_error, stored_error_for
from tiyin.gateway.receipts.states import DEBIT
from tiyin.protocol.errors import MerchantCode, SubscribeCode
from tiyin.protocol.merchant_api import Reason, TransactionState
from tiyin.storage.tables import Decision

__all__ = [
    "cancel_answered",
    "cancel_checked",
    "create_answered",
    "create_checked",
    "perform_answered",
    "perform_checked",
]

# Plain integers: a merchant's answer may hold any, and enumerations would refuse them.
_CREATED: Final = int(TransactionState.CREATED)
_PERFORMED: Final = int(TransactionState.PERFORMED)
_CANCELLED: Final = frozenset(
    {int(TransactionState.CANCELLED), int(TransactionState.CANCELLED_AFTER_PERFORM)}
)
_NO_RECEIVER: Final = int(Reason.RECEIVER_NOT_FOUND)
_FAILED: Final = int(Reason.EXECUTION_FAILED)
_NOT_FOUND: Final = int(MerchantCode.TRANSACTION_NOT_FOUND)
_MALFORMED_TRIES_MAX: Final = 3


def note_of(outcome: Outcome[object]) -> Note:
    """Put an outcome into a note that holds no more than codes and reasons."""
    match outcome:
        case RefusedByMerchant(code):
            return Note("refused", str(code))
        case Unknown(reason):
            return Note("unknown", reason)
        case Malformed(reason):
            return Note("malformed", reason)
        case Answered(result):
            return Note("answered", f"state {getattr(result, 'state', '?')}")


def create_answered(receipt: Receipt, outcome: Outcome[Created], terms: Terms) -> Decision[Moved]:
    """Move by the answer to CreateTransaction.

    Documentation: merchant-api/CreateTransaction.
    """
    outright = terms.fresh and receipt.tries == 0
    match outcome:
        case Answered(created):
            return _created(receipt, created, terms)
        case RefusedByMerchant() if outright:
            return back_to_created(receipt, terms, error=stored_error_for(outcome), note=note_of(outcome))
        case RefusedByMerchant():
            # An earlier call may have been carried out and only this repeat refused: look where it stands.
            return onwards(
                receipt, terms, step="check_create", error=stored_error_for(outcome), note=note_of(outcome)
            )
        case Malformed():
            return undo_at_billing(
                receipt, terms, reason=_FAILED, note=note_of(outcome), error=stored_error_for(outcome)
            )
        case Unknown(sent=False) if outright:
            return back_to_created(receipt, terms, error=stored_error_for(outcome), note=note_of(outcome))
        case Unknown():
            return _unknown_in_patience(receipt, outcome, terms)


def _created(receipt: Receipt, created: Created, terms: Terms) -> Decision[Moved]:
    if created.state != _CREATED:
        malformed = Malformed("state_of_create")
        return undo_at_billing(
            receipt,
            terms,
            reason=_FAILED,
            note=Note("answered", f"state {created.state}"),
            error=stored_error_for(malformed),
        )
    wrong = _wrong_receivers(receipt, created)
    if wrong is not None:
        reason, text = wrong
        return undo_at_billing(
            receipt,
            terms,
            reason=reason,
            note=Note("receivers", text),
            error=stored_error_for(Malformed("receivers")),
        )
    return _debit_or_undo(receipt, created.transaction, terms)


def _wrong_receivers(receipt: Receipt, created: Created) -> tuple[int, str] | None:
    """Tell what is wrong with who receives the money: the reason to cancel for, and a word.

    No list and an empty one mean the desk itself, which a list may name, too.
    """
    if not created.receivers:
        return None
    if any(receiver.id != receipt.desk_id for receiver in created.receivers):
        return _NO_RECEIVER, "not found or inactive"
    if sum(receiver.amount_tiyin for receiver in created.receivers) != receipt.amount_tiyin:
        return _FAILED, "the sums do not add up"
    return None


def _debit_or_undo(receipt: Receipt, transaction: str, terms: Terms) -> Decision[Moved]:
    """Go on to the debit while the payer is there; debit nobody in his absence."""
    if patience_is_over(receipt, terms):
        return _too_late(receipt, Note("too_late", "the payer's patience was over"), terms)
    return onwards(receipt, terms, state=DEBIT, step="debit", transaction=transaction)


def _too_late(receipt: Receipt, note: Note, terms: Terms) -> Decision[Moved]:
    return undo_at_billing(
        receipt, terms, reason=_FAILED, note=note, error=write_error(SubscribeCode.MERCHANT_UNAVAILABLE)
    )


def _unknown_in_patience(
    receipt: Receipt, outcome: Outcome[Created] | Outcome[Checked], terms: Terms
) -> Decision[Moved]:
    if patience_is_over(receipt, terms):
        return _too_late(receipt, note_of(outcome), terms)
    return repeat_later(receipt, terms, note_of(outcome))


def create_checked(receipt: Receipt, outcome: Outcome[Checked], terms: Terms) -> Decision[Moved]:
    """Move by the answer to CheckTransaction that was asked because a repeated create was refused.

    Documentation: merchant-api/CheckTransaction.
    """
    match outcome:
        case Answered(checked) if checked.state == _CREATED:
            return _debit_or_undo(receipt, checked.transaction, terms)
        case Answered(checked) if checked.state in _CANCELLED:
            return cancelled(receipt, terms, note=note_of(outcome))
        case RefusedByMerchant(code) if code == _NOT_FOUND:
            # What refused the repeat stands in `error` already; it is what the payer is told.
            return back_to_created(receipt, terms, error=receipt.error or "", note=note_of(outcome))
        case Unknown():
            return _unknown_in_patience(receipt, outcome, terms)
        case _:
            return undo_at_billing(receipt, terms, reason=_FAILED, note=note_of(outcome))


def perform_answered(receipt: Receipt, outcome: Outcome[Performed], terms: Terms) -> Decision[Moved]:
    """Move by the answer to PerformTransaction: the money is taken, so only a clear word undoes it.

    Documentation: merchant-api/PerformTransaction.
    """
    match outcome:
        case Answered(performed) if performed.state == _PERFORMED:
            return paid(receipt, terms)
        case RefusedByMerchant(code) if is_envelope_error(code):
            # A wrong key or a deployment gone wrong says nothing of the transaction: a repeat may succeed.
            return repeat_later(receipt, terms, note_of(outcome))
        case Answered() | RefusedByMerchant():
            return onwards(
                receipt, terms, step="check_perform", error=stored_error_for(outcome), note=note_of(outcome)
            )
        case Unknown() | Malformed():
            return repeat_later(receipt, terms, note_of(outcome))


def perform_checked(receipt: Receipt, outcome: Outcome[Checked], terms: Terms) -> Decision[Moved]:
    """Move by the answer to CheckTransaction that was asked because perform was refused.

    Documentation: merchant-api/CheckTransaction.
    """
    match outcome:
        case Answered(checked) if checked.state == _PERFORMED:
            return paid(receipt, terms, note=note_of(outcome))
        case Answered(checked) if checked.state in _CANCELLED:
            return refund(receipt, terms, note_of(outcome))
        case Answered(checked) if checked.state == _CREATED:
            return undo_at_billing(receipt, terms, reason=_FAILED, note=note_of(outcome))
        case RefusedByMerchant(code) if code == _NOT_FOUND:
            return refund(receipt, terms, note_of(outcome))
        case Unknown():
            return repeat_later(receipt, terms, note_of(outcome))
        case _:
            return pause(receipt, terms, note_of(outcome))


def cancel_answered(receipt: Receipt, outcome: Outcome[Cancelled], terms: Terms) -> Decision[Moved]:
    """Move by the answer to CancelTransaction, before a debit or after one.

    Documentation: merchant-api/CancelTransaction.
    """
    match outcome:
        case Answered(answer) if answer.state in _CANCELLED:
            return _undone(receipt, terms, None)
        case RefusedByMerchant(code) if code == _NOT_FOUND:
            return _undone(receipt, terms, note_of(outcome))
        case RefusedByMerchant(code) if is_envelope_error(code):
            return repeat_later(receipt, terms, note_of(outcome))
        case Unknown():
            return repeat_later(receipt, terms, note_of(outcome))
        case Malformed() if receipt.tries < _MALFORMED_TRIES_MAX:
            return repeat_later(receipt, terms, note_of(outcome))
        case _:
            # A server may refuse to cancel what it has cancelled already: look where it stands.
            return onwards(receipt, terms, step="check_cancel", note=note_of(outcome))


def cancel_checked(receipt: Receipt, outcome: Outcome[Checked], terms: Terms) -> Decision[Moved]:
    """Move by the answer to CheckTransaction that was asked because a cancel was refused.

    Documentation: merchant-api/CheckTransaction.
    """
    match outcome:
        case Answered(checked) if checked.state in _CANCELLED:
            return _undone(receipt, terms, note_of(outcome))
        case Answered(checked) if checked.state == _PERFORMED and money_is_taken(receipt):
            return paid(receipt, terms, note=note_of(outcome))
        case RefusedByMerchant(code) if code == _NOT_FOUND:
            return _undone(receipt, terms, note_of(outcome))
        case Unknown():
            return repeat_later(receipt, terms, note_of(outcome))
        case _:
            return pause(receipt, terms, note_of(outcome))


def _undone(receipt: Receipt, terms: Terms, note: Note | None) -> Decision[Moved]:
    """The billing has let go: give back what was taken, or end."""
    if money_is_taken(receipt):
        return refund(receipt, terms, note or Note("cancelled", "at the billing"))
    return cancelled(receipt, terms, note=note)
