"""Receipts, their entries, work rows and the acquirer's operations, by ranges of ids.

With each range of receipts the entries, work rows and operations whose keys fall into it are read, so nothing
without a receipt is overlooked. Entries that belong to no receipt are those of days that were closed; they
begin with a moment too, and each must have its day or payout.

Each entry is read once in the gateway's own order of ids, and its commit is whole or not there. A gateway
that is at work meanwhile may have committed one entry of a receipt behind the reader and the next one before
it, never two of one range: so sums are taken of whole receipts and stay balanced.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from tiyin.gateway.acquiring.books import OPERATIONS
from tiyin.gateway.ledger import ENTRIES, Entry
from tiyin.gateway.receipts.agreement import Beside, disagreements
from tiyin.gateway.receipts.records import FISCAL_KIND, KEYS_AFTER, RECEIPTS, WORK_KIND, Receipt
from tiyin.gateway.verify.payouts import booked_for_days
from tiyin.gateway.verify.report import VerifyReport
from tiyin.runtime.ids import ID_LENGTH
from tiyin.storage import Store
from tiyin.storage.schema import WORK

__all__ = ["verify_receipts"]

_ROWS_MAX: Final = 20_000
_LOOKS: Final = 3


async def verify_receipts(store: Store, report: VerifyReport, page: int) -> None:
    """Check all receipts, and whatever has a key that a receipt should have.

    Args:
        store: The gateway's database.
        report: Where findings go.
        page: How many receipts are read at a time.
    """
    after = ""
    while True:
        receipts = await _receipts(store, after, page)
        last = receipts[-1].id if len(receipts) == page else None
        await _check_range(store, report, receipts, after, last)
        if last is None:
            break
        after = last
    if not report.totals.balanced and report.clean:
        report.add("", "the ledger's totals do not balance")


async def _receipts(store: Store, after: str, page: int) -> list[Receipt]:
    columns = RECEIPTS.schema.c
    statement = sa.select(RECEIPTS.schema).where(columns.id > after).order_by(columns.id).limit(page)
    return await store.query(statement, RECEIPTS)


async def _check_range(
    store: Store, report: VerifyReport, receipts: Sequence[Receipt], after: str, last: str | None
) -> None:
    """Check the receipts of a range, and whatever else has a key in it."""
    low = after + KEYS_AFTER if after else ""
    beside, own = await _beside(store, report, low, last)
    report.receipts += len(receipts)
    for entry in own:
        report.totals.add(entry)
    await booked_for_days(store, report, own)
    for receipt in receipts:
        found = beside.pop(receipt.id, None) or Beside()
        report.operations += len(found.operations)
        for entry in found.entries:
            report.totals.add(entry)
        if disagreements(receipt, found, books=report.books_compared):
            await _look_again(store, report, receipt.id)
    for receipt_id, found in beside.items():
        for entry in found.entries:
            report.totals.add(entry)
        # A receipt that was made after its range was read has neither entries nor work yet when it is made.
        await _look_again(store, report, receipt_id)


async def _beside(
    store: Store, report: VerifyReport | None, low: str, last: str | None
) -> tuple[dict[str, Beside], list[Entry]]:
    """Read what stands beside the receipts of a range, by receipt, and the entries that belong to none."""
    beside: defaultdict[str, Beside] = defaultdict(Beside)
    own: list[Entry] = []
    entries_id, operations_id, work = ENTRIES.schema.c.id, OPERATIONS.schema.c.id, WORK.schema.c
    after = low
    while True:
        statement = _between(sa.select(ENTRIES.schema), entries_id, after, last)
        entries = await store.query(statement, ENTRIES)
        for entry in entries:
            if entry.receipt_id:
                beside[entry.id[:ID_LENGTH]].entries.append(entry)
            else:
                own.append(entry)
        if report is not None:
            report.entries += len(entries)
        if len(entries) < _ROWS_MAX:
            break
        after = entries[-1].id
    after = low
    while True:
        statement = _between(sa.select(OPERATIONS.schema), operations_id, after, last)
        operations = await store.query(statement, OPERATIONS)
        for operation in operations:
            beside[operation.id[:ID_LENGTH]].operations.append(operation)
        if len(operations) < _ROWS_MAX:
            break
        after = operations[-1].id
    kinds = (WORK_KIND, FISCAL_KIND)
    rows = await store.query(
        _between(sa.select(work.key, work.kind).where(work.kind.in_(kinds)), work.key, low, last)
    )
    for key, kind in rows:
        beside[key].work = kind
    return dict(beside), own


def _between(
    statement: sa.Select[tuple[object, ...]], key: sa.ColumnElement[str], low: str, last: str | None
) -> sa.Select[tuple[object, ...]]:
    bounded = statement.where(key > low).order_by(key).limit(_ROWS_MAX)
    return bounded if last is None else bounded.where(key < last + KEYS_AFTER)


async def _look_again(store: Store, report: VerifyReport, receipt_id: str) -> None:
    """Read one receipt and what stands beside it until it stands still, and report what is wrong then."""
    found: list[str] = []
    for _ in range(_LOOKS):
        before = await store.get(RECEIPTS, receipt_id)
        # The range from just before the receipt's own key to just behind its last one.
        beside, _own = await _beside(store, None, receipt_id[:-1] if receipt_id else "", receipt_id)
        after = await store.get(RECEIPTS, receipt_id)
        found = _found(before, beside.get(receipt_id, Beside()), report)
        if not found or before == after:
            break
    for what in found:
        report.add(receipt_id, what)


def _found(receipt: Receipt | None, beside: Beside, report: VerifyReport) -> list[str]:
    if receipt is not None:
        return disagreements(receipt, beside, books=report.books_compared)
    return [
        f"{name} without a receipt"
        for name, there in (
            ("ledger entries", bool(beside.entries)),
            ("an operation at the acquirer", bool(beside.operations)),
            ("a work row", beside.work is not None),
        )
        if there
    ]
