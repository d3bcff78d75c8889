"""How a receipt moves: (what is stored, what happened, the time) -> (what to answer, what to write). Pure.

Every write of an intent and of an outcome is a function of this kind. The outcome of one step and the
intent of the next are written in one commit, together with the ledger's entries and the work row, so a
payment through a billing is four commits:

    0 -> 1   the intent to create, and the lease of its driver
    1 -> 2   what create answered, and the intent to debit
    2 -> 3   what the debit answered, its ledger entry, and the intent to perform
    3 -> 4   what perform answered, the ledger's entries; the work is done

This module has what all of them share; `at_billing` reads what a merchant's billing answered, `at_acquirer`
what an acquirer did.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from tiyin.gateway.ledger import ENTRIES, Entry, earned, returning
from tiyin.gateway.receipts.records import ATTEMPTS, WORK_KIND, Attempt, Receipt, Step
from tiyin.gateway.receipts.states import (
    BILLING,
    CANCELLED,
    CLOSING,
    CREATED,
    DEBIT,
    PAID,
    PAUSED,
    QUEUED,
    UNRESOLVED,
    Route,
    may_move,
)
from tiyin.storage.tables import Decision, Done, Schedule, WorkChange

__all__ = [
    "PATIENCE_MS",
    "WAIT_MS_MAX",
    "Moved",
    "Note",
    "PayIntent",
    "Terms",
    "back_to_created",
    "begin_payment",
    "cancelled",
    "money_is_taken",
    "onwards",
    "paid",
    "patience_is_over",
    "pause",
    "refund",
    "repeat_later",
    "stay",
    "undo_at_billing",
]

PATIENCE_MS: Final = 120_000
"""How long a payer is thought to look at the page: afterwards nobody starts to debit him."""

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

_DELAY_MS_MIN: Final = 100
_DELAY_IN_PATIENCE_MS: Final = 15 * _SECOND
_QUEUED_AFTER_TRIES: Final = 4
_PAUSED_AFTER_MS: Final = 24 * _HOUR
_PAUSED_AFTER_TRIES: Final = 5


class Terms(msgspec.Struct, frozen=True):
    """Under what circumstances something is decided.

    Attributes:
        now_ms: The product's time.
        owner: The driver's name in the work queue.
        lease_ms: How long the driver's lease is renewed for with each write.
        chance: 0 <= chance < 1, the jitter of the next wait.
        fresh: Whether this driver wrote the step's intent itself and made the step's first call just now. A
            driver that found the intent cannot know whether a call was made before.
    """

    now_ms: int
    owner: str
    lease_ms: int
    chance: float = 0.5
    fresh: bool = True


class Moved(msgspec.Struct, frozen=True):
    """What a move means for its driver.

    Attributes:
        receipt: The receipt as it stands now.
        pause_ms: How long to wait before the next step; None when this driver's work ends.
    """

    receipt: Receipt
    pause_ms: int | None


class Note(msgspec.Struct, frozen=True):
    """Something not smooth, to be kept with the receipt's attempts."""

    outcome: str
    text: str = ""


class PayIntent(msgspec.Struct, frozen=True, kw_only=True):
    """What is pinned when a payment starts.

    `attempt` is the number that the payment will have: one that was decided on an older state of the receipt
    does not begin.
    """

    attempt: int
    route: Route
    endpoint: str | None
    terminal: str
    commission_tiyin: int
    card_id: str
    token_id: str | None
    card_mask: str
    card_expire: str
    payer: str | None = None


def begin_payment(receipt: Receipt, intent: PayIntent, terms: Terms) -> Decision[Moved]:
    """Write the first intent of a payment, if nobody has begun one: 0 -> 1, or 0 -> 2 without billing.

    Returns:
        The receipt in its new state; as it stands, with `pause_ms` None, when it is not at 0 any more, or
        was away and came back.
    """
    attempt = receipt.attempt + 1
    if receipt.state != CREATED or attempt != intent.attempt:
        return Decision(Moved(receipt, None))
    begun = replace(
        receipt,
        route=intent.route,
        endpoint=intent.endpoint,
        terminal=intent.terminal,
        commission_tiyin=intent.commission_tiyin,
        time_ms=terms.now_ms,
        attempt=attempt,
        attempt_key=f"{receipt.id}-{attempt}",
        card_id=intent.card_id,
        token_id=intent.token_id,
        card_mask=intent.card_mask,
        card_expire=intent.card_expire,
        payer=intent.payer,
        transaction=None,
        error=None,
    )
    if intent.route == "billing":
        return onwards(begun, terms, state=BILLING, step="create")
    return onwards(begun, terms, state=DEBIT, step="debit")


def onwards(
    receipt: Receipt,
    terms: Terms,
    *,
    step: Step,
    state: int | None = None,
    entries: Sequence[Entry] = (),
    note: Note | None = None,
    **changes: Any,
) -> Decision[Moved]:
    """Write the intent of the next step and renew the driver's lease."""
    after = replace(
        receipt,
        state=receipt.state if state is None else state,
        step=step,
        stage_ms=terms.now_ms,
        tries=0,
        **changes,
    )
    work = Schedule(receipt.id, WORK_KIND, owner=terms.owner, lease_ms=terms.lease_ms)
    return _write(receipt, after, terms, work, 0, entries, note)


def _write(
    before: Receipt,
    after: Receipt,
    terms: Terms,
    work: WorkChange,
    pause_ms: int | None,
    entries: Sequence[Entry],
    note: Note | None,
) -> Decision[Moved]:
    """Put a decision together, and insist on the table of moves."""
    if not may_move(after.route, before.state, after.state):
        raise AssertionError(
            f"no receipt moves from {before.state} to {after.state} on the {after.route} route"
        )
    if isinstance(work, Done) is (after.state in UNRESOLVED):
        raise AssertionError(f"the work row and the state {after.state} would not agree")
    appends: list[tuple[Any, msgspec.Struct]] = [(ENTRIES, entry) for entry in entries]
    if note is not None:
        after = replace(after, events=after.events + 1)
        attempt = Attempt(
            f"{after.id}-{after.events}",
            after.id,
            before.step or "begin",
            note.outcome,
            note.text[:200],
            terms.now_ms,
        )
        appends.append((ATTEMPTS, attempt))
    # Storage counts versions itself; foretelling the next one lets the driver recognise its own write.
    after = replace(after, version=before.version + 1)
    return Decision(Moved(after, pause_ms), after, appends, work)


def stay(receipt: Receipt) -> Decision[Moved]:
    """Write nothing and let the driver look again."""
    return Decision(Moved(receipt, 0))


def _end(
    receipt: Receipt,
    terms: Terms,
    *,
    state: int,
    entries: Sequence[Entry] = (),
    note: Note | None = None,
    **changes: Any,
) -> Decision[Moved]:
    """Write a state in which nothing is under way; the work is done."""
    after = replace(receipt, state=state, stage_ms=terms.now_ms, tries=0, **changes)
    return _write(receipt, after, terms, Done(receipt.id), None, entries, note)


def paid(
    receipt: Receipt, terms: Terms, *, entries: Sequence[Entry] = (), note: Note | None = None
) -> Decision[Moved]:
    """Write 4: the money is owed to the desk.

    Args:
        receipt: The receipt.
        terms: The circumstances.
        entries: What else to book in the same commit.
        note: Something to keep with the attempts.
    """
    owed = earned(receipt.id, receipt.desk_id, receipt.amount_tiyin, receipt.commission_tiyin, terms.now_ms)
    return _end(
        receipt,
        terms,
        state=PAID,
        entries=(*entries, *owed),
        note=note,
        step=None,
        pay_time_ms=terms.now_ms,
        cancel_reason=None,
        cancelling=0,
        error=None,
    )


def cancelled(
    receipt: Receipt, terms: Terms, *, entries: Sequence[Entry] = (), note: Note | None = None, **changes: Any
) -> Decision[Moved]:
    """Write 50: nothing is kept."""
    return _end(
        receipt,
        terms,
        state=CANCELLED,
        entries=entries,
        note=note,
        step=None,
        cancel_time_ms=terms.now_ms,
        cancelling=0,
        **changes,
    )


def back_to_created(receipt: Receipt, terms: Terms, *, error: str, note: Note) -> Decision[Moved]:
    """Write 0 again: the billing refused to create, so the receipt can be paid another time."""
    return _end(receipt, terms, state=CREATED, note=note, step=None, error=error)


def pause(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
    """Write 20: a person must look. The outstanding step stays, so that it can be resumed."""
    return _end(receipt, terms, state=PAUSED, note=note, state_from=receipt.state)


def undo_at_billing(
    receipt: Receipt, terms: Terms, *, reason: int, note: Note, error: str | None = None
) -> Decision[Moved]:
    """Write the intent to cancel at the billing; until it answered, the order takes no new receipt.

    Args:
        receipt: The receipt.
        terms: The circumstances.
        reason: What CancelTransaction tells.
        note: Why, for the attempts.
        error: What the payer is told; None leaves what stands.
    """
    return onwards(
        receipt,
        terms,
        step="cancel",
        note=note,
        cancel_reason=reason,
        cancelling=1,
        error=receipt.error if error is None else error,
    )


def refund(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
    """Write the intent to give the money back, and book that it is on its way."""
    entry = returning(receipt.id, receipt.amount_tiyin, terms.now_ms)
    return onwards(receipt, terms, step="refund", entries=(entry,), note=note, cancelling=0)


def repeat_later(receipt: Receipt, terms: Terms, note: Note) -> Decision[Moved]:
    """Write that the outcome of the step is still unknown, and when to look again.

    Repeats come after seconds, minutes, hours, each wait drawn whole (full jitter). A transaction that does
    not close for seconds goes to the closing queue (3 -> 30); what stays unknown for a day is paused (20).
    """
    tries = receipt.tries + 1
    # Tries are counted too: after a day without this gateway, one lost answer is no reason to call a person.
    if tries >= _PAUSED_AFTER_TRIES and terms.now_ms - receipt.stage_ms >= _PAUSED_AFTER_MS:
        return pause(receipt, terms, note)
    state = receipt.state
    if state == CLOSING and receipt.step == "perform" and tries >= _QUEUED_AFTER_TRIES:
        state = QUEUED
    after = replace(receipt, state=state, tries=tries)
    delay_ms_max = _DELAYS_MS[min(tries, len(_DELAYS_MS)) - 1]
    if state == BILLING and not receipt.cancelling:
        # The payer's patience runs on a clock that may be turned: look often enough to notice.
        delay_ms_max = min(delay_ms_max, _DELAY_IN_PATIENCE_MS)
    delay_ms = max(_DELAY_MS_MIN, int(delay_ms_max * terms.chance))
    if delay_ms <= WAIT_MS_MAX:
        kept = Schedule(receipt.id, WORK_KIND, owner=terms.owner, lease_ms=terms.lease_ms)
        return _write(receipt, after, terms, kept, delay_ms, (), note)
    return _write(receipt, after, terms, Schedule(receipt.id, WORK_KIND, next_in_ms=delay_ms), None, (), note)


def patience_is_over(receipt: Receipt, terms: Terms) -> bool:
    """Tell whether the payer must be thought gone, so that he may not be debited any more."""
    return terms.now_ms - receipt.time_ms >= PATIENCE_MS


def money_is_taken(receipt: Receipt) -> bool:
    """Tell whether the card was debited and the money not given back yet."""
    return receipt.state in {CLOSING, QUEUED}
