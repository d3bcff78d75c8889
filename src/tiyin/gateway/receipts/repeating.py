"""When to look again, and when nobody waits any more. Pure.

    the payer's patience   two minutes from pay: afterwards nobody starts to debit him
    twelve hours           a transaction that was not performed expires at the billing; they end only what was
                           never debited

A hold is the payer's word already, so a confirmed one goes on for the whole twelve hours.

Documentation: merchant-api/CreateTransaction.
"""

from typing import Final

from msgspec.structs import replace

from tiyin.gateway.receipts.moves import Moved, Note, Terms, put, wait
from tiyin.gateway.receipts.outcomes import pause
from tiyin.gateway.receipts.records import WORK_KIND, Receipt
from tiyin.gateway.receipts.states import BILLING, CLOSING, QUEUED
from tiyin.runtime.tashkent import DAY_MS
from tiyin.storage.tables import Decision, Schedule

__all__ = [
    "EXPIRY_MS",
    "PATIENCE_MS",
    "WAIT_MS_MAX",
    "has_expired",
    "is_given_up",
    "nobody_waits",
    "patience_is_over",
    "repeat_later",
]

PATIENCE_MS: Final = 120_000
"""How long a payer is thought to look at the page: afterwards nobody starts to debit him."""

EXPIRY_MS: Final = 43_200_000
"""How long a transaction may wait at the billing."""

WAIT_MS_MAX: Final = 5_000
"""Waits up to this long are spent by the driver itself; for longer ones the work goes back to the queue."""

_SECOND: Final = 1_000
_MINUTE: Final = 60 * _SECOND
_HOUR: Final = 60 * _MINUTE
_DELAYS_MS: Final = (
    *(delay * _SECOND for delay in (1, 2, 4, 8, 15, 15, 15)),
    *(delay * _MINUTE for delay in (1, 2, 5, 10, 20)),
    _HOUR,
)
"""The longest wait before each repeat: seconds, then minutes, then every hour."""

_GIVING_BACK: Final = frozenset({"refund", "void"})
_DELAY_MS_MIN: Final = 100
_DELAY_IN_PATIENCE_MS: Final = 15 * _SECOND
_QUEUED_AFTER_TRIES: Final = 4
_PAUSED_AFTER_TRIES: Final = 5


def repeat_later(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
    """Write that the outcome of the step is still unknown, and when to look again.

    Repeats come after seconds, minutes, hours, each wait drawn whole (full jitter). A transaction that does
    not close for seconds goes to the closing queue (3 -> 30); what stays unknown for a day is paused (20).
    Money that is to be given back is never: it goes back as soon as the acquirer can be reached.
    """
    tries = receipt.tries + 1
    # Tries are counted too: after a day without this gateway, one lost answer is no reason to call a person.
    if (
        receipt.step not in _GIVING_BACK
        and tries >= _PAUSED_AFTER_TRIES
        and terms.now_ms - receipt.stage_ms >= DAY_MS
    ):
        return pause(receipt, terms, note)
    state = receipt.state
    if state == CLOSING and receipt.step == "perform" and tries >= _QUEUED_AFTER_TRIES:
        state = QUEUED
    after = replace(receipt, state=state, tries=tries)
    delay_ms_max = _DELAYS_MS[min(tries, len(_DELAYS_MS)) - 1]
    if state == BILLING and not receipt.cancelling and not receipt.held:
        # The payer's patience runs on a clock that may be turned: look often enough to notice. Nobody waits
        # for a confirmed hold, nor for one that goes back.
        delay_ms_max = min(delay_ms_max, _DELAY_IN_PATIENCE_MS)
    delay_ms = max(_DELAY_MS_MIN, int(delay_ms_max * terms.chance))
    if delay_ms <= WAIT_MS_MAX:
        kept = Schedule(receipt.id, WORK_KIND, owner=terms.owner, lease_ms=terms.lease_ms)
        return put(receipt, after, terms, kept, delay_ms, note=note)
    return wait(receipt, after, terms, delay_ms, note)


def patience_is_over(receipt: Receipt, terms: Terms) -> bool:
    """Tell whether the payer must be thought gone, so that he may not be debited any more."""
    return terms.now_ms - receipt.time_ms >= PATIENCE_MS


def has_expired(receipt: Receipt, terms: Terms) -> bool:
    """Tell whether the transaction's twelve hours are over."""
    return terms.now_ms - receipt.time_ms >= EXPIRY_MS


def nobody_waits(receipt: Receipt, terms: Terms) -> bool:
    """Tell whether it is too late to begin a debit: the payer is gone, or the hold's twelve hours over."""
    return has_expired(receipt, terms) if receipt.held else patience_is_over(receipt, terms)


def is_given_up(receipt: Receipt, terms: Terms) -> bool:
    """Tell whether nothing new may be begun for a receipt: nobody waits for it, or it is to be cancelled."""
    return receipt.cancel_wish is not None or nobody_waits(receipt, terms)
