"""What must agree with a receipt: its ledger entries, its work row, the acquirer's operations. Pure.

A paused receipt (20) must stand as the state that it was paused in.

    state       entries                                            the acquirer, under the attempt's key
    0           none                                               nothing
    1 2 6       none; "held" while money is held                   held while money is held; in 2 also debited
    5           held                                               held, or voided by itself
    3 30        taken; with "returning" while it is given back     debited; reversed while it is given back
    4           taken, earned, commission                          debited
    21          as 5, or as 4; with "refunding" once it goes back  as 5, or as 4; reversed once it goes back
    50          none, or all that was booked is undone             nothing is kept
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from tiyin.gateway.acquiring.books import DEBITED, HELD, REVERSED, Operation
from tiyin.gateway.ledger import Entry, earned, held, posted, refunding, returned, returning, taken, voided
from tiyin.gateway.receipts.records import FISCAL_KIND, WORK_KIND, Receipt, shares_of
from tiyin.gateway.receipts.states import (
    BILLING,
    CANCELLED,
    CANCELLING,
    CLOSING,
    CREATED,
    DEBIT,
    HOLDING,
    PAID,
    PAUSED,
    QUEUED,
    UNRESOLVED,
    WORKED,
)
from tiyin.gateway.receipts.states import HELD as HELD_STATE

__all__ = ["Beside", "disagreements"]

_NOT_PAID_YET: Final = frozenset({CREATED, BILLING, DEBIT, HOLDING, HELD_STATE})


class Beside(msgspec.Struct):
    """What stands beside a receipt.

    Attributes:
        entries: Its ledger entries.
        operations: The acquirer's operations under its attempts' keys.
        work: The kind of its work row; None without one.
    """

    entries: list[Entry] = msgspec.field(default_factory=list)
    operations: list[Operation] = msgspec.field(default_factory=list)
    work: str | None = None


def disagreements(receipt: Receipt, beside: Beside, *, books: bool = True) -> list[str]:
    """Tell what does not agree with a receipt.

    Args:
        receipt: The receipt.
        beside: What stands beside it.
        books: Whether the acquirer's books are there to be compared.

    Returns:
        Sentences; none when everything agrees.
    """
    found = [
        *_wrong_record(receipt),
        *_wrong_shares(receipt),
        *_wrong_work(receipt, beside.work),
        *_wrong_entries(receipt, beside.entries),
    ]
    if books:
        found.extend(_wrong_operations(receipt, beside.operations))
    return found


def _wrong_work(receipt: Receipt, work: str | None) -> Iterator[str]:
    """Check that somebody looks after the receipt exactly when there is something to do."""
    expected = WORK_KIND if receipt.state in WORKED else FISCAL_KIND if receipt.fiscal_due else None
    if work == expected:
        return
    if expected is None:
        yield f"state {receipt.state} with a work row"
    elif work is None:
        due = ", a fiscal receipt due," if expected == FISCAL_KIND else ""
        yield f"state {receipt.state}{due} without its work row"
    else:
        yield f"state {receipt.state} with a work row of the kind {work} instead of {expected}"


def _standing(receipt: Receipt) -> int:
    """Give the state whose rules hold: a paused receipt stands where it was paused."""
    if receipt.state == PAUSED and receipt.state_from is not None:
        return receipt.state_from
    return receipt.state


def _wrong_record(receipt: Receipt) -> Iterator[str]:
    state = receipt.state
    if state == PAUSED and receipt.state_from is None:
        yield "paused, and nobody knows where it came from"
    unpaid = _standing(receipt) in _NOT_PAID_YET
    if (unpaid and receipt.pay_time_ms) or (state == PAID and not receipt.pay_time_ms):
        yield f"state {state} with the time of paying {receipt.pay_time_ms}"
    if state == CANCELLED and not receipt.cancel_time_ms:
        yield "cancelled, without a time"
    if state == PAID and receipt.route == "billing" and receipt.transaction is None:
        yield "paid, and never created at the billing"
    if state in {PAID, CANCELLED, CREATED} and (receipt.step is not None or receipt.cancelling):
        yield f"state {state}, and yet something is under way: {receipt.step}"
    if state in UNRESOLVED and receipt.step is None:
        yield f"state {state}, and nothing is under way"
    if receipt.held and not receipt.held_ms:
        yield "money is held, and nobody knows since when"
    if state == HELD_STATE and not receipt.held:
        yield "state 5, and no money is held"
    if receipt.held and state in {CREATED, PAID, CANCELLED, CLOSING, QUEUED}:
        yield f"state {state}, and yet money is held"


def _wrong_shares(receipt: Receipt) -> Iterator[str]:
    shares = shares_of(receipt)
    if sum(share.amount_tiyin for share in shares) != receipt.amount_tiyin:
        yield "the shares do not add up to the receipt"
    if any(not 0 <= share.commission_tiyin <= share.amount_tiyin for share in shares):
        yield "a share's commission is more than the share"
    if len({share.desk_id for share in shares}) < len(shares):
        yield "a desk has two shares"


def _expected_entries(receipt: Receipt) -> tuple[Entry, ...]:
    """Give the entries that stand beside the receipt; their times are 0."""
    state = _standing(receipt)
    key, amount_tiyin, shares = receipt.id, receipt.amount_tiyin, shares_of(receipt)
    before = (held(key, amount_tiyin, 0),) if receipt.held_ms else ()
    undone = (*before, voided(key, amount_tiyin, 0)) if before and not receipt.held else before
    kept = (*before, *((posted(key, amount_tiyin, 0),) if before else ()), taken(key, amount_tiyin, 0))
    paid = (*kept, *earned(key, shares, 0))
    if state in {CLOSING, QUEUED}:
        return (*kept, returning(key, amount_tiyin, 0)) if receipt.step == "refund" else kept
    if state == PAID:
        return paid
    if state == CANCELLING and receipt.pay_time_ms:
        return (*paid, *refunding(key, shares, 0)) if receipt.step == "refund" else paid
    if state == CANCELLED and receipt.pay_time_ms:
        return (*paid, *refunding(key, shares, 0), returned(key, amount_tiyin, 0))
    return undone


def _expected_undone(receipt: Receipt) -> tuple[Entry, ...]:
    """Give the entries of a receipt that was debited, never paid and given back."""
    key, amount_tiyin = receipt.id, receipt.amount_tiyin
    before = (held(key, amount_tiyin, 0), posted(key, amount_tiyin, 0)) if receipt.held_ms else ()
    back = (returning(key, amount_tiyin, 0), returned(key, amount_tiyin, 0))
    return (*before, taken(key, amount_tiyin, 0), *back)


def _wrong_entries(receipt: Receipt, entries: list[Entry]) -> Iterator[str]:
    there = {entry.id: entry for entry in entries}
    if len(there) < len(entries):
        yield "the ledger has the same entry twice"
    expected = {entry.id: entry for entry in _expected_entries(receipt)}
    if receipt.state == CANCELLED and not receipt.pay_time_ms and f"{receipt.id}:taken" in there:
        expected = {entry.id: entry for entry in _expected_undone(receipt)}
    if there.keys() != expected.keys():
        kinds = ", ".join(sorted(entry.what for entry in entries)) or "none"
        missing = ", ".join(sorted(expected[key].what for key in expected.keys() - there.keys()))
        yield f"state {receipt.state} with the ledger entries {kinds}" + (missing and f"; missing: {missing}")
    for key, entry in there.items():
        if entry.amount_tiyin <= 0 or entry.debit == entry.credit:
            yield f"the entry {entry.what} does not balance"
        if key in expected and msgspec.structs.replace(entry, at_ms=0) != expected[key]:
            yield f"the entry {entry.what} has other accounts or another amount than the receipt"


def _wrong_operations(receipt: Receipt, operations: list[Operation]) -> Iterator[str]:
    state, step = _standing(receipt), receipt.step
    keeping = [operation for operation in operations if operation.state in {DEBITED, HELD}]
    if len(keeping) > 1:
        yield f"the acquirer debited or held {len(keeping)} times"
    for operation in keeping:
        if operation.id != receipt.attempt_key:
            yield f"the acquirer keeps the money of an earlier attempt, {operation.id}"
        if operation.amount_tiyin != receipt.amount_tiyin:
            yield f"the acquirer took {operation.amount_tiyin} tiyin for {receipt.amount_tiyin}"
    current = next((found for found in operations if found.id == receipt.attempt_key), None)
    outcome = None if current is None else current.state
    if outcome not in (may_be := _outcomes(receipt, state, step)):
        words = " or ".join(sorted(word or "nothing" for word in may_be))
        yield f"state {receipt.state}, and the acquirer says {outcome or 'nothing'} instead of {words}"


_ANYTHING_BACK: Final = frozenset({None, "declined", REVERSED})
_ANYTHING: Final = frozenset({None, "declined", REVERSED, DEBITED, HELD})


def _outcomes(  # noqa: PLR0911 - one row of a table each
    receipt: Receipt, state: int, step: str | None
) -> frozenset[str | None]:
    """Tell what the acquirer may say of the attempt."""
    if state in {CLOSING, QUEUED} or (state == CANCELLING and receipt.pay_time_ms):
        return frozenset({DEBITED, REVERSED}) if step == "refund" else frozenset({DEBITED})
    if state == PAID:
        return frozenset({DEBITED})
    if receipt.held:
        # A hold ends by itself, whoever was about to do what with it.
        may_end = frozenset({HELD, REVERSED})
        if step == "capture":
            return _ANYTHING
        return may_end | {"declined", None} if step in {"void", "cancel", "check_cancel"} else may_end
    if state == DEBIT and step in {"debit", "void", "cancel", "check_cancel"}:
        return _ANYTHING - {HELD}
    if state == HOLDING or (state == CANCELLING and step == "void"):
        return _ANYTHING - {DEBITED}
    return _ANYTHING_BACK
