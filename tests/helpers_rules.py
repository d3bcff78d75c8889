"""What a decision about a receipt says, whole and in words: for tables that leave nothing unsaid."""

from textwrap import wrap
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from helpers_moves import LATE, NOW, TERMS, a_receipt
from tiyin.gateway.ledger import Entry
from tiyin.gateway.receipts.records import Attempt, Intervention, Receipt, error_of
from tiyin.gateway.receipts.repeating import EXPIRY_MS
from tiyin.gateway.receipts.states import Route
from tiyin.storage import Decision, Done, Schedule

DESK_A: Final = "b" * 24
"""Another desk than the receipt's own."""

AT: Final = replace(TERMS, now_ms=NOW + 7)
NOBODY: Final = replace(AT, owner=None, lease_ms=0)
STALE: Final = replace(AT, fresh=False)
LATER: Final = replace(TERMS, now_ms=LATE)
EXPIRED: Final = replace(TERMS, now_ms=NOW + EXPIRY_MS)
HOLD: Final[dict[str, Any]] = {"hold": 1, "held": 1, "held_ms": NOW, "card_mask": "860006******6311"}
PAID: Final[dict[str, Any]] = {"pay_time_ms": NOW - 5, "fiscal": 1}


def at(state: int, step: Any, route: Route = "billing", **changes: Any) -> Receipt:
    """A receipt that was tried twice and bears the marks of its way."""
    marks = {"tries": 2, "events": 4, "version": 9, "cancelling": int(step in {"cancel", "check_cancel"})}
    return a_receipt(state, step, route, **(marks | changes))


def told(before: Receipt, decision: Decision[Any]) -> list[str]:
    """Tell every changed field, the attempt's note, the work, the pause and the entries, a line each.

    Times are told from `NOW`. The version and the count of attempts are compared here.
    """
    after: Receipt = decision.answer.receipt
    if not decision.writes:
        assert after == before
        assert decision.work is None
        return [f"nothing pause={decision.answer.pause_ms}"]
    assert decision.record == after
    assert after.version == before.version + 1
    notes = [row for _, row in decision.appends if isinstance(row, Attempt)]
    assert after.events == before.events + len(notes)
    old = msgspec.structs.asdict(before)
    changes = {
        name: value
        for name, value in msgspec.structs.asdict(after).items()
        if value != old[name] and name not in {"version", "events"}
    }
    lines = wrap(" ".join(_change(after, name, value) for name, value in sorted(changes.items())), 96)
    for note in notes:
        assert (note.id, note.receipt_id) == (f"{before.id}-{after.events}", before.id)
        lines.append(f"note {note.step}: {note.outcome} {note.note!r} {note.at_ms - NOW:+}")
    for _, row in decision.appends:
        if isinstance(row, Entry):
            key = row.id.replace(before.id, "R").replace(before.desk_id, "D").replace(DESK_A, "B")
            assert row.receipt_id == before.id
            accounts = f"{row.debit} <- {row.credit}".replace(before.desk_id, "D").replace(DESK_A, "B")
            lines.append(f"{key} ({row.what}) {accounts} {row.amount_tiyin} {row.at_ms - NOW:+}")
        elif isinstance(row, Intervention):
            assert (row.id, row.receipt_id) == (f"{before.id}-person-{before.version}", before.id)
            lines.append(f"{row.what} by {row.who}: {row.why} {row.at_ms - NOW:+}")
    lines.append(f"{_work(before, decision.work)} pause={decision.answer.pause_ms}")
    return lines


def _change(after: Receipt, name: str, value: object) -> str:
    if name == "error" and (error := error_of(after)) is not None:
        return f"error={error.code}" + (f" of {error.data}" if error.data is not None else "")
    if name == "shares":
        return f"shares={value}".replace(DESK_A, "B")
    if name.endswith("_ms") and isinstance(value, int) and value:
        return f"{name}={value - NOW:+}"
    return f"{name}={value}"


def _work(receipt: Receipt, work: object) -> str:
    match work:
        case None:
            return "work: as it is"
        case Done(key):
            assert key == receipt.id
            return "work: done"
        case Schedule():
            assert work.key == receipt.id
            return f"work: {work.kind} in {work.next_in_ms} for {work.owner} {work.lease_ms}"
    raise AssertionError(work)
