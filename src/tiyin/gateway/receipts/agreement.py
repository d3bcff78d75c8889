"""What must agree with a receipt: its ledger entries, its work row, the acquirer's operations. Pure."""

from collections.abc import Iterator
from typing import Final

import msgspec

from tiyin.gateway.acquiring.books import DEBITED, REVERSED, Operation
from tiyin.gateway.ledger import ACQUIRER, COMMISSION, IN_FLIGHT, RETURNS, Entry, desk_account
from tiyin.gateway.receipts.records import Receipt
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
)

__all__ = ["Beside", "disagreements"]

_NOTHING: Final[frozenset[str]] = frozenset()
_TAKEN: Final = frozenset({"taken"})
_RETURNING: Final = frozenset({"taken", "returning"})
_RETURNED: Final = frozenset({"taken", "returning", "returned"})


class Beside(msgspec.Struct):
    """What stands beside a receipt.

    Attributes:
        entries: Its ledger entries.
        operations: The acquirer's operations under its attempts' keys.
        work: Whether there is a work row.
    """

    entries: list[Entry] = msgspec.field(default_factory=list)
    operations: list[Operation] = msgspec.field(default_factory=list)
    work: bool = False


def disagreements(receipt: Receipt, beside: Beside, *, books: bool = True) -> list[str]:
    """Tell what does not agree with a receipt.

    Args:
        receipt: The receipt.
        beside: What stands beside it.
        books: Whether the acquirer's books are there to be compared.

    Returns:
        Sentences; none when everything agrees.
    """
    found = [*_wrong_record(receipt), *_wrong_entries(receipt, beside.entries)]
    if beside.work is not (receipt.state in UNRESOLVED):
        found.append(f"state {receipt.state} {'with a' if beside.work else 'without its'} work row")
    if books:
        found.extend(_wrong_operations(receipt, beside.operations))
    return found


def _standing(receipt: Receipt) -> int:
    """Give the state whose rules hold: a paused receipt stands where it was paused."""
    if receipt.state == PAUSED and receipt.state_from is not None:
        return receipt.state_from
    return receipt.state


def _wrong_record(receipt: Receipt) -> Iterator[str]:
    if receipt.state == PAUSED and receipt.state_from is None:
        yield "paused, and nobody knows where it came from"
    if (receipt.state == PAID) is (receipt.pay_time_ms == 0) and receipt.state in {
        PAID,
        CREATED,
        BILLING,
        DEBIT,
    }:
        yield f"state {receipt.state} with the time of paying {receipt.pay_time_ms}"
    if receipt.state == CANCELLED and not receipt.cancel_time_ms:
        yield "cancelled, without a time"
    if receipt.state == PAID and receipt.route == "billing" and receipt.transaction is None:
        yield "paid, and never created at the billing"
    if receipt.state in {PAID, CANCELLED, CREATED} and (receipt.step is not None or receipt.cancelling):
        yield f"state {receipt.state}, and yet something is under way: {receipt.step}"
    if receipt.state in UNRESOLVED and receipt.step is None:
        yield f"state {receipt.state}, and nothing is under way"


def _expected_entries(receipt: Receipt) -> tuple[frozenset[str], ...]:
    """Give the sets of entries that may stand beside the receipt."""
    state = _standing(receipt)
    if state in {CREATED, BILLING, DEBIT}:
        return (_NOTHING,)
    if state in {CLOSING, QUEUED}:
        return (_RETURNING,) if receipt.step == "refund" else (_TAKEN,)
    if state == CANCELLED:
        return (_NOTHING, _RETURNED)
    earned = {"taken"}
    if receipt.amount_tiyin > receipt.commission_tiyin:
        earned.add("earned")
    if receipt.commission_tiyin:
        earned.add("commission")
    return (frozenset(earned),)


def _wrong_entries(receipt: Receipt, entries: list[Entry]) -> Iterator[str]:
    kinds = frozenset(entry.what for entry in entries)
    if len(kinds) < len(entries):
        yield "the ledger has the same entry twice"
    if kinds not in _expected_entries(receipt):
        yield f"state {receipt.state} with the ledger entries {', '.join(sorted(kinds)) or 'none'}"
    desk = desk_account(receipt.desk_id)
    amount_tiyin, commission_tiyin = receipt.amount_tiyin, receipt.commission_tiyin
    expected = {
        "taken": (ACQUIRER, IN_FLIGHT, amount_tiyin),
        "earned": (IN_FLIGHT, desk, amount_tiyin - commission_tiyin),
        "commission": (IN_FLIGHT, COMMISSION, commission_tiyin),
        "returning": (IN_FLIGHT, RETURNS, amount_tiyin),
        "returned": (RETURNS, ACQUIRER, amount_tiyin),
    }
    for entry in entries:
        stands = (entry.debit, entry.credit, entry.amount_tiyin)
        if entry.amount_tiyin <= 0 or entry.debit == entry.credit:
            yield f"the entry {entry.what} does not balance"
        if stands != expected.get(entry.what) or entry.receipt_id != receipt.id:
            yield f"the entry {entry.what} has other accounts or another amount than the receipt"


def _wrong_operations(receipt: Receipt, operations: list[Operation]) -> Iterator[str]:
    state = _standing(receipt)
    debited = [operation for operation in operations if operation.state == DEBITED]
    current = next((found for found in operations if found.id == receipt.attempt_key), None)
    if len(debited) > 1:
        yield f"the acquirer debited {len(debited)} times"
    for operation in debited:
        if operation.id != receipt.attempt_key:
            yield f"the acquirer keeps the money of an earlier attempt, {operation.id}"
        if operation.amount_tiyin != receipt.amount_tiyin:
            yield f"the acquirer debited {operation.amount_tiyin} tiyin for {receipt.amount_tiyin}"
    outcome = None if current is None else current.state
    closing = state in {CLOSING, QUEUED}
    if (state == PAID or (closing and receipt.step != "refund")) and outcome != DEBITED:
        yield f"state {receipt.state}, and the acquirer did not debit"
    if closing and receipt.step == "refund" and outcome not in {DEBITED, REVERSED}:
        yield "a refund of what the acquirer did not debit"
    may_be_debited = state == PAID or closing or (state == DEBIT and receipt.step in {"debit", "void"})
    if debited and not may_be_debited:
        yield f"state {receipt.state}, and the acquirer keeps the money"
