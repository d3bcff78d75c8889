"""Holds: set aside, confirmed, looked after, given back. Pure.

    pay       0 -> 6   the acquirer is asked to set the money aside, 6 -> 5 once it has
    confirm   5 -> 1   the transaction is created at the billing with a fresh time, the hold captured, then
    closed as
                       any payment; without a billing 5 -> 2
    cancel    5 -> 21  until the acquirer has given the money back, then 50

Uzcard ends a hold by itself 30 days after it: a hold is asked about now and then, and 50 is written when it
is gone. HUMO keeps it, but after 30 days it can only be confirmed.

Documentation: subscribe-api/holds.
"""

from typing import Final

from msgspec.structs import replace

from tiyin.gateway.acquiring.port import Declined, Held, NotFound, Reversed
from tiyin.gateway.cards.numbers import Scheme, scheme_of
from tiyin.gateway.ledger import held
from tiyin.gateway.receipts.at_acquirer import AcquirerOutcome, NotKnown
from tiyin.gateway.receipts.moves import Moved, Note, Terms, onwards, put, stay, wait
from tiyin.gateway.receipts.outcomes import cancelled, pause, voided_hold
from tiyin.gateway.receipts.records import WORK_KIND, Receipt, write_error
from tiyin.gateway.receipts.repeating import is_given_up, repeat_later
from tiyin.gateway.receipts.states import BILLING, CANCELLING, DEBIT, HELD
from tiyin.protocol.errors import RpcError, SubscribeCode
from tiyin.runtime.tashkent import DAY_MS
from tiyin.storage.tables import Decision, Schedule

__all__ = ["HOLD_MS", "cancel_hold", "confirm_hold", "hold_answered", "hold_watched"]

HOLD_MS: Final = 30 * DAY_MS
"""How long a hold stands (Uzcard), and may be cancelled (HUMO)."""

_SOON_MS: Final = 60_000


def hold_answered(  # noqa: PLR0911 - one row of a table each
    receipt: Receipt, outcome: AcquirerOutcome, terms: Terms
) -> Decision[Moved]:
    """Move by the answer to a hold, or by what the acquirer said when it was asked."""
    match outcome:
        case Held(reference):
            return _held(receipt, reference, terms)
        case Declined(code, reason):
            note = Note("declined", f"{code} {reason}".strip())
            return cancelled(receipt, terms, note=note, error=write_error(code))
        case Reversed():
            error = write_error(SubscribeCode.DEBIT_FAILED)
            return cancelled(receipt, terms, note=Note("reversed"), error=error)
        case NotFound() if is_given_up(receipt, terms):
            # The hold never arrived and the payer is gone: forbid its key before anything else is told.
            return onwards(receipt, terms, step="void", note=Note("too_late", "nobody waits for the hold"))
        case NotFound():
            return stay(receipt)
        case NotKnown():
            return repeat_later(receipt, terms, Note("unknown"))
        case _:
            return pause(receipt, terms, Note("unexpected", "debited instead of held"))


def _held(receipt: Receipt, reference: str, terms: Terms) -> Decision[Moved]:
    """The money is set aside: 5; or on to giving it back, where that is wished."""
    entry = held(receipt.id, receipt.amount_tiyin, terms.now_ms)
    kept = replace(receipt, reference=reference, held=1, held_ms=terms.now_ms, error=None)
    if receipt.cancel_wish is not None:
        return onwards(kept, terms, state=CANCELLING, step="void", entries=(entry,))
    after = replace(kept, state=HELD, step="watch", stage_ms=terms.now_ms, tries=0)
    work = Schedule(receipt.id, WORK_KIND, next_in_ms=_next_look_ms(after, terms))
    return put(receipt, after, terms, work, None, entries=(entry,))


def hold_watched(receipt: Receipt, outcome: AcquirerOutcome, terms: Terms) -> Decision[Moved]:
    """Move by what the acquirer says of a hold that stands: it stands still, or the processing ended it."""
    match outcome:
        case Reversed():
            return voided_hold(receipt, terms, Note("voided", "by the processing"))
        case NotKnown():
            return wait(receipt, receipt, terms, _next_look_ms(receipt, terms), Note("unknown"))
        case _:
            return wait(receipt, receipt, terms, _next_look_ms(receipt, terms), None)


def _next_look_ms(receipt: Receipt, terms: Terms) -> int:
    """Tell when to ask about a hold again: once a day, and soon after its end."""
    left_ms = receipt.held_ms + HOLD_MS - terms.now_ms
    return max(_SOON_MS, min(DAY_MS, left_ms + _SOON_MS) if left_ms > 0 else _SOON_MS * 60)


def confirm_hold(receipt: Receipt, terms: Terms) -> Decision[Moved]:
    """Write that a hold is to be taken, where there is one; of two who confirm, one begins.

    Returns:
        The receipt in its new state; as it stands, with `pause_ms` None, when it is not at 5.

    Documentation: subscribe-api/holds.
    """
    if receipt.state != HELD:
        return Decision(Moved(receipt, None))
    fresh = replace(receipt, time_ms=terms.now_ms)
    if receipt.route == "billing":
        return onwards(fresh, terms, state=BILLING, step="create")
    return onwards(fresh, terms, state=DEBIT, step="capture")


def cancel_hold(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
    """Write that a hold is to be given back.

    Raises:
        RpcError: -31901 for a HUMO card 30 days after the hold: it can only be confirmed then.

    Documentation: subscribe-api/holds.
    """
    # A masked number shows its first six digits.
    if scheme_of(receipt.card_mask or "") is Scheme.HUMO and terms.now_ms - receipt.held_ms >= HOLD_MS:
        raise RpcError(SubscribeCode.OPERATION_UNSUPPORTED)
    return onwards(receipt, terms, state=CANCELLING, step="void", note=note)
