"""How a receipt moves: (what is stored, what happened, the time) -> (what to answer, what to write). Pure.

Every write of an intent and of an outcome is a function of this kind. The outcome of one step and the
intent of the next are written in one commit, together with the ledger's entries and the work row, so a
payment through a billing is four commits:

    0 -> 1   the intent to create, and the lease of its driver
    1 -> 2   what create answered, and the intent to debit
    2 -> 3   what the debit answered, its ledger entry, and the intent to perform
    3 -> 4   what perform answered, the ledger's entries; the work is done

This module begins and writes a move, and `outcomes` has the turns that many moves share. `at_billing` reads
what a merchant's billing answered, `at_acquirer` what an acquirer did; `holds` confirms holds and looks
after them, `cancelling` begins cancels, `repeating` says when to look again, and `people` what a person may
do in 20.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from tiyin.gateway.ledger import ENTRIES, Entry
from tiyin.gateway.receipts.records import ATTEMPTS, FISCAL_KIND, WORK_KIND, Attempt, Receipt, Step
from tiyin.gateway.receipts.states import BILLING, CREATED, DEBIT, HOLDING, WORKED, Route, may_move
from tiyin.storage.tables import Decision, Done, Schedule, WorkChange

__all__ = [
    "Moved",
    "Note",
    "PayIntent",
    "Terms",
    "begin_payment",
    "onwards",
    "put",
    "rest",
    "stay",
    "wait",
]


class Terms(msgspec.Struct, frozen=True):
    """Under what circumstances something is decided.

    Attributes:
        now_ms: The product's time.
        owner: The driver's name in the work queue; None for who only writes, and drives nothing.
        lease_ms: How long the driver's lease is renewed for with each write.
        chance: 0 <= chance < 1, the jitter of the next wait.
        fresh: Whether this driver wrote the step's intent itself and made the step's first call just now. A
            driver that found the intent cannot know whether a call was made before.
    """

    now_ms: int
    owner: str | None
    lease_ms: int = 0
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
    hold: bool = False


def begin_payment(receipt: Receipt, intent: PayIntent, terms: Terms) -> Decision[Moved]:
    """Write the first intent of a payment, if nobody has begun one.

    That is 0 -> 1, or 0 -> 2 without billing; 0 -> 6 where the money is to be held first.

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
        shares=None,
        transaction=None,
        error=None,
    )
    if intent.hold:
        return onwards(begun, terms, state=HOLDING, step="hold")
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
    if terms.owner is None:
        # Whoever writes this drives nothing: the work is due for any driver.
        return put(receipt, after, terms, Schedule(receipt.id, WORK_KIND), None, entries=entries, note=note)
    work = Schedule(receipt.id, WORK_KIND, owner=terms.owner, lease_ms=terms.lease_ms)
    return put(receipt, after, terms, work, 0, entries=entries, note=note)


def put(
    before: Receipt,
    after: Receipt,
    terms: Terms,
    work: WorkChange | None,
    pause_ms: int | None,
    *,
    entries: Sequence[Entry] = (),
    note: Note | None = None,
    beside: Sequence[tuple[Any, msgspec.Struct]] = (),
) -> Decision[Moved]:
    """Put a decision together, and insist on the table of moves.

    Args:
        before: The receipt as it is stored.
        after: As it is to be.
        terms: The circumstances.
        work: What becomes of its work row; None leaves it as it is.
        pause_ms: What `Moved` tells the driver.
        entries: What to book.
        note: Something to keep with the attempts.
        beside: Other rows to append.
    """
    if not may_move(after.route, before.state, after.state):
        raise AssertionError(
            f"no receipt moves from {before.state} to {after.state} on the {after.route} route"
        )
    if work is not None and isinstance(work, Done) is (after.state in WORKED or after.fiscal_due != 0):
        raise AssertionError(f"the work row and the state {after.state} would not agree")
    appends: list[tuple[Any, msgspec.Struct]] = [*beside, *((ENTRIES, entry) for entry in entries)]
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


def wait(
    receipt: Receipt, after: Receipt, terms: Terms, next_in_ms: int, note: Note | None
) -> Decision[Moved]:
    """Write something and put the work back into the queue, to be due in so many milliseconds."""
    return put(receipt, after, terms, Schedule(receipt.id, WORK_KIND, next_in_ms=next_in_ms), None, note=note)


def rest(
    receipt: Receipt,
    terms: Terms,
    *,
    state: int,
    entries: Sequence[Entry] = (),
    note: Note | None = None,
    **changes: Any,
) -> Decision[Moved]:
    """Write a state in which nothing is under way; the work is done, but for a fiscal receipt that is due."""
    after = replace(receipt, state=state, stage_ms=terms.now_ms, tries=0, **changes)
    work = Schedule(receipt.id, FISCAL_KIND) if after.fiscal_due else Done(receipt.id)
    return put(receipt, after, terms, work, None, entries=entries, note=note)
