"""Where a receipt's way ends or turns: paid, kept, cancelled, paused, undone. Pure.

Money goes back in this order: the billing lets go first, then what was taken is refunded or what is held
given back; 50 is written when nothing is kept.
"""

from collections.abc import Sequence
from typing import Any, Final

from msgspec.structs import replace

from tiyin.gateway.ledger import Entry, earned, refunding, returning, voided
from tiyin.gateway.receipts.moves import Moved, Note, Terms, onwards, rest
from tiyin.gateway.receipts.records import FISCAL_CANCEL, FISCAL_PERFORM, Receipt, shares_of
from tiyin.gateway.receipts.states import CANCELLED, CANCELLING, CLOSING, CREATED, PAID, PAUSED, QUEUED
from tiyin.protocol.merchant_api import Reason
from tiyin.storage.tables import Decision

__all__ = [
    "back_to_created",
    "cancelled",
    "kept",
    "let_go",
    "money_is_taken",
    "not_created",
    "paid",
    "pause",
    "refund",
    "undo_at_billing",
    "undo_paid",
    "voided_hold",
]

_REFUND: Final = int(Reason.REFUND)


def paid(
    receipt: Receipt, terms: Terms, *, entries: Sequence[Entry] = (), note: Note | None = None
) -> Decision[Moved]:
    """Write 4: the money is owed to the desks. Where a cancel is wished for, go on to 21 in the same commit.

    Args:
        receipt: The receipt.
        terms: The circumstances.
        entries: What else to book in the same commit.
        note: Something to keep with the attempts.
    """
    owed = earned(receipt.id, shares_of(receipt), terms.now_ms)
    fiscal_due = receipt.fiscal_due | (FISCAL_PERFORM if receipt.fiscal else 0)
    closed = replace(
        receipt, pay_time_ms=terms.now_ms, cancel_reason=None, cancelling=0, error=None, fiscal_due=fiscal_due
    )
    if receipt.cancel_wish is not None:
        return undo_paid(closed, terms, entries=(*entries, *owed), note=note)
    return rest(closed, terms, state=PAID, entries=(*entries, *owed), note=note, step=None)


def undo_paid(
    receipt: Receipt, terms: Terms, *, entries: Sequence[Entry] = (), note: Note | None = None
) -> Decision[Moved]:
    """Write 21 for what is paid: the billing first, then the money; without a billing the money."""
    if receipt.route == "billing" and not receipt.overridden:
        return onwards(
            receipt,
            terms,
            state=CANCELLING,
            step="cancel",
            entries=entries,
            note=note,
            cancel_reason=_REFUND,
            cancelling=1,
        )
    given = refunding(receipt.id, shares_of(receipt), terms.now_ms)
    return onwards(receipt, terms, state=CANCELLING, step="refund", entries=(*entries, *given), note=note)


def kept(receipt: Receipt, terms: Terms, *, error: str, note: Note) -> Decision[Moved]:
    """Write 4 again: the merchant keeps the money, since what was sold was delivered; nothing was booked."""
    return rest(
        receipt,
        terms,
        state=PAID,
        note=note,
        step=None,
        cancel_reason=None,
        cancel_wish=None,
        cancelling=0,
        error=error,
    )


def cancelled(
    receipt: Receipt, terms: Terms, *, entries: Sequence[Entry] = (), note: Note | None = None, **changes: Any
) -> Decision[Moved]:
    """Write 50: nothing is kept."""
    fiscal_due = receipt.fiscal_due | (FISCAL_CANCEL if receipt.fiscal and receipt.pay_time_ms else 0)
    return rest(
        receipt,
        terms,
        state=CANCELLED,
        entries=entries,
        note=note,
        step=None,
        cancel_time_ms=terms.now_ms,
        cancelling=0,
        fiscal_due=fiscal_due,
        **changes,
    )


def back_to_created(receipt: Receipt, terms: Terms, *, error: str, note: Note) -> Decision[Moved]:
    """Write 0 again: the billing refused to create, so the receipt can be paid another time."""
    return rest(receipt, terms, state=CREATED, note=note, step=None, error=error)


def not_created(receipt: Receipt, terms: Terms, *, error: str, note: Note) -> Decision[Moved]:
    """Write that the billing holds no transaction: back to 0, or to the end where it cannot be paid again.

    A hold that was confirmed is given back, and a cancel that is wished for is obeyed.
    """
    if receipt.held:
        return onwards(receipt, terms, step="void", note=note, error=error)
    if receipt.cancel_wish is not None:
        return cancelled(receipt, terms, note=note, error=None)
    return back_to_created(receipt, terms, error=error, note=note)


def pause(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
    """Write 20: a person must look. The outstanding step stays, so that it can be resumed."""
    return rest(receipt, terms, state=PAUSED, note=note, state_from=receipt.state)


def undo_at_billing(
    receipt: Receipt,
    terms: Terms,
    *,
    reason: int,
    note: Note,
    error: str | None = None,
    state: int | None = None,
    entries: Sequence[Entry] = (),
    **changes: Any,
) -> Decision[Moved]:
    """Write the intent to cancel at the billing; until it answered, the order takes no new receipt.

    Args:
        receipt: The receipt.
        terms: The circumstances.
        reason: What CancelTransaction tells.
        note: Why, for the attempts.
        error: What the payer is told; None leaves what stands.
        state: The state from which it is undone; None leaves what stands.
        entries: What to book in the same commit.
        changes: What else changes on the receipt.
    """
    told = receipt.error if error is None else error
    if receipt.overridden:
        # A person decided that the billing is not asked any more.
        undone = replace(receipt, state=receipt.state if state is None else state, error=told, **changes)
        return let_go(undone, terms, note, entries=entries)
    return onwards(
        receipt,
        terms,
        step="cancel",
        state=state,
        entries=entries,
        note=note,
        cancel_reason=reason,
        cancelling=1,
        error=told,
        **changes,
    )


def let_go(
    receipt: Receipt, terms: Terms, note: Note | None, *, entries: Sequence[Entry] = ()
) -> Decision[Moved]:
    """Write what follows once the billing has let go: give back what was taken or held, or end.

    Args:
        receipt: The receipt, with all that else changes on it.
        terms: The circumstances.
        note: Something to keep with the attempts.
        entries: What to book in the same commit.
    """
    if money_is_taken(receipt):
        return refund(receipt, terms, note or Note("cancelled", "at the billing"), entries=entries)
    if receipt.held:
        return onwards(receipt, terms, step="void", entries=entries, note=note, cancelling=0)
    return cancelled(receipt, terms, entries=entries, note=note)


def refund(receipt: Receipt, terms: Terms, note: Note, *, entries: Sequence[Entry] = ()) -> Decision[Moved]:
    """Write the intent to give the money back, and book that it is on its way."""
    if receipt.pay_time_ms:
        given: tuple[Entry, ...] = refunding(receipt.id, shares_of(receipt), terms.now_ms)
    else:
        given = (returning(receipt.id, receipt.amount_tiyin, terms.now_ms),)
    return onwards(receipt, terms, step="refund", entries=(*entries, *given), note=note, cancelling=0)


def voided_hold(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
    """Write 50 for a hold that is given back."""
    entries = (voided(receipt.id, receipt.amount_tiyin, terms.now_ms),) if receipt.held else ()
    return cancelled(receipt, terms, entries=entries, note=note, held=0)


def money_is_taken(receipt: Receipt) -> bool:
    """Tell whether the card was debited and the money not given back yet."""
    return receipt.state in {CLOSING, QUEUED} or (receipt.state == CANCELLING and receipt.pay_time_ms != 0)
