"""What a merchant's billing answered, and where that moves the receipt. Pure.

An unknown outcome is met by the very same call again, as the documentation does. CheckTransaction is asked
only after a repeat was refused, to learn where the transaction stands.

Documentation: merchant-api/interaction.
"""

from typing import Any, Final

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
from tiyin.gateway.receipts.moves import Moved, Note, Terms, onwards
from tiyin.gateway.receipts.outcomes import (
    kept,
    let_go,
    money_is_taken,
    not_created,
    paid,
    pause,
    refund,
    undo_at_billing,
)
from tiyin.gateway.receipts.records import Receipt, Step, write_error
from tiyin.gateway.receipts.refusals import is_envelope_error, stored_error_for
from tiyin.gateway.receipts.repeating import has_expired, is_given_up, nobody_waits, repeat_later
from tiyin.gateway.receipts.shares import WrongReceivers, split
from tiyin.gateway.receipts.states import CANCELLING, DEBIT
from tiyin.protocol.errors import CommonCode, MerchantCode, SubscribeCode
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
_FAILED: Final = int(Reason.EXECUTION_FAILED)
_TIMEOUT: Final = int(Reason.TIMEOUT)
_NOT_FOUND: Final = int(MerchantCode.TRANSACTION_NOT_FOUND)
_KEPT: Final = frozenset({int(MerchantCode.CANNOT_CANCEL), int(CommonCode.METHOD_NOT_FOUND)})
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
            return not_created(receipt, terms, error=stored_error_for(outcome), note=note_of(outcome))
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
            return not_created(receipt, terms, error=stored_error_for(outcome), note=note_of(outcome))
        case Unknown():
            return _unknown_in_patience(receipt, outcome, terms)


def _created(receipt: Receipt, created: Created, terms: Terms) -> Decision[Moved]:
    if created.state != _CREATED:
        return undo_at_billing(
            receipt,
            terms,
            reason=_FAILED,
            note=Note("answered", f"state {created.state}"),
            error=write_error(SubscribeCode.MERCHANT_INCORRECT),
        )
    try:
        split_up = split(receipt, created.receivers)
    except WrongReceivers as wrong:
        return undo_at_billing(
            receipt,
            terms,
            reason=int(wrong.reason),
            note=Note("receivers", str(wrong)),
            error=write_error(SubscribeCode.MERCHANT_INCORRECT),
        )
    return _debit_or_undo(receipt, terms, transaction=created.transaction, **split_up)


def _debit_or_undo(receipt: Receipt, terms: Terms, **changes: Any) -> Decision[Moved]:
    """Go on to the debit while somebody waits for it; debit nobody in his absence."""
    if is_given_up(receipt, terms):
        return _too_late(receipt, Note("too_late", "nobody waits for the debit"), terms)
    # A hold was agreed to by the payer already: its money is taken, and no other.
    step: Step = "capture" if receipt.held else "debit"
    return onwards(receipt, terms, state=DEBIT, step=step, **changes)


def _too_late(receipt: Receipt, note: Note, terms: Terms) -> Decision[Moved]:
    reason = _TIMEOUT if has_expired(receipt, terms) else _FAILED
    return undo_at_billing(
        receipt, terms, reason=reason, note=note, error=write_error(SubscribeCode.MERCHANT_UNAVAILABLE)
    )


def _unknown_in_patience(
    receipt: Receipt, outcome: Outcome[Created] | Outcome[Checked], terms: Terms
) -> Decision[Moved]:
    # A wish to cancel does not shorten this: first it is learnt what happened.
    if nobody_waits(receipt, terms):
        return _too_late(receipt, note_of(outcome), terms)
    return repeat_later(receipt, terms, note_of(outcome))


def create_checked(receipt: Receipt, outcome: Outcome[Checked], terms: Terms) -> Decision[Moved]:
    """Move by the answer to CheckTransaction that was asked because a repeated create was refused.

    Documentation: merchant-api/CheckTransaction.
    """
    match outcome:
        case Answered(checked) if checked.state == _CREATED:
            return _debit_or_undo(receipt, terms, transaction=checked.transaction)
        case Answered(checked) if checked.state in _CANCELLED:
            return let_go(receipt, terms, note_of(outcome))
        case RefusedByMerchant(code) if code == _NOT_FOUND:
            # What refused the repeat stands in `error` already; it is what the payer is told.
            return not_created(
                receipt, terms, error=receipt.error or stored_error_for(outcome), note=note_of(outcome)
            )
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


def cancel_answered(  # noqa: PLR0911 - one row of a table each
    receipt: Receipt, outcome: Outcome[Cancelled], terms: Terms
) -> Decision[Moved]:
    """Move by the answer to CancelTransaction: before a debit, after one, or after the payment (21).

    What is paid stays paid when the merchant says that he delivered (-31007) or does not know how to cancel;
    when he does not know the transaction, nobody can say what he did with it.

    Documentation: merchant-api/CancelTransaction.
    """
    after_payment = receipt.state == CANCELLING
    match outcome:
        case Answered(answer) if answer.state in _CANCELLED:
            return let_go(receipt, terms, None)
        case RefusedByMerchant(code) if after_payment and code in _KEPT:
            return kept(receipt, terms, error=_refusal(outcome), note=note_of(outcome))
        case RefusedByMerchant(code) if code == _NOT_FOUND:
            if after_payment:
                return pause(receipt, terms, note_of(outcome))
            return let_go(receipt, terms, note_of(outcome))
        case RefusedByMerchant(code) if is_envelope_error(code):
            return repeat_later(receipt, terms, note_of(outcome))
        case Unknown():
            return repeat_later(receipt, terms, note_of(outcome))
        case Malformed() if receipt.tries < _MALFORMED_TRIES_MAX:
            return repeat_later(receipt, terms, note_of(outcome))
        case _:
            # A server may refuse to cancel what it has cancelled already: look where it stands.
            return onwards(receipt, terms, step="check_cancel", note=note_of(outcome))


def _refusal(outcome: RefusedByMerchant) -> str:
    """Keep why a merchant would not cancel."""
    return write_error(outcome.code, outcome.message, outcome.data)


def cancel_checked(receipt: Receipt, outcome: Outcome[Checked], terms: Terms) -> Decision[Moved]:
    """Move by the answer to CheckTransaction that was asked because a cancel was refused.

    Documentation: merchant-api/CheckTransaction.
    """
    after_payment = receipt.state == CANCELLING
    match outcome:
        case Answered(checked) if checked.state in _CANCELLED:
            return let_go(receipt, terms, note_of(outcome))
        case Answered(checked) if (
            checked.state == _PERFORMED and money_is_taken(receipt) and not after_payment
        ):
            return paid(receipt, terms, note=note_of(outcome))
        case RefusedByMerchant(code) if code == _NOT_FOUND and not after_payment:
            return let_go(receipt, terms, note_of(outcome))
        case Unknown():
            return repeat_later(receipt, terms, note_of(outcome))
        case _:
            return pause(receipt, terms, note_of(outcome))
