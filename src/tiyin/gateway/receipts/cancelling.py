"""How a cancel begins: by a merchant, a payer or a person. Pure.

    0              -> 50, at once
    4              -> 21: CancelTransaction(5) first, then the refund; without a billing the refund
    5              -> 21, until the acquirer has given the hold back
    1 2 3 6 30 20  the wish is recorded; whoever drives the receipt obeys once it is known what happened
    21 50          nothing changes: it is being cancelled, or is

Documentation: subscribe-api/receipts.cancel.
"""

from typing import Final

from msgspec.structs import replace

from tiyin.gateway.receipts.holds import cancel_hold
from tiyin.gateway.receipts.moves import Moved, Note, Terms, put
from tiyin.gateway.receipts.outcomes import cancelled, undo_paid
from tiyin.gateway.receipts.records import WORK_KIND, Receipt
from tiyin.gateway.receipts.states import CANCELLED, CANCELLING, CREATED, HELD, PAID, PAUSED
from tiyin.protocol.merchant_api import Reason
from tiyin.storage.tables import Decision, Schedule

__all__ = ["ask_to_cancel"]

_REFUND: Final = int(Reason.REFUND)


def ask_to_cancel(receipt: Receipt, terms: Terms, *, by: str) -> Decision[Moved]:
    """Write that a receipt is to be cancelled.

    Args:
        receipt: The receipt.
        terms: The circumstances.
        by: Who asks, a word for the attempts.

    Returns:
        The receipt as it stands then; with `pause_ms` not None where a driver is to go on at once.

    Raises:
        RpcError: -31901 for a HUMO hold of more than 30 days.

    Documentation: subscribe-api/receipts.cancel.
    """
    note = Note("cancel_asked", by)
    match receipt.state:
        case s if s == CREATED:
            return cancelled(receipt, terms, note=note, error=None)
        case s if s == PAID:
            return undo_paid(replace(receipt, error=None), terms, note=note)
        case s if s == HELD:
            return cancel_hold(receipt, terms, note)
        case s if s in {CANCELLING, CANCELLED}:
            return Decision(Moved(receipt, None))
    if receipt.cancel_wish is not None:
        return Decision(Moved(receipt, None))
    wished = replace(receipt, cancel_wish=_REFUND)
    # Whoever holds the work is left alone; else it is due now. What is paused waits for a person.
    work = None if receipt.state == PAUSED else Schedule(receipt.id, WORK_KIND)
    return put(receipt, wished, terms, work, None, note=note)
