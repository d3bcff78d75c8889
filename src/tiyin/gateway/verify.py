"""`tiyin verify`: do receipts, work, ledger and the acquirer's books agree?

Receipts are read by ranges of their ids, and with each range the entries, the work rows and the acquirer's
operations whose keys fall into it, so memory stays bounded and nothing without a receipt is overlooked. A
gateway may be at work meanwhile: what looks wrong is read again, and only what stays wrong while its
receipt stands still is reported.

    every entry balances, and stands between the accounts that its kind says
    taken from cards - given back = owed to desks + commission + in flight + on its way back
    a receipt in 4 was debited once and its money is owed to the desk; 50 keeps nothing; 0, 1 and 2 have no
    entries work rows exist for exactly the unresolved receipts the acquirer's books say of every receipt
    what the ledger says
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import msgspec
import sqlalchemy as sa

from tiyin.gateway.acquiring.books import OPERATIONS
from tiyin.gateway.ledger import ENTRIES, Entry
from tiyin.gateway.receipts.agreement import Beside, disagreements
from tiyin.gateway.receipts.records import RECEIPTS, WORK_KIND, Receipt
from tiyin.runtime.ids import ID_LENGTH
from tiyin.storage import Store
from tiyin.storage.schema import WORK

__all__ = ["Finding", "Totals", "VerifyReport", "verify"]

_PAGE: Final = 500
_ROWS_MAX: Final = 20_000
_FINDINGS_MAX: Final = 1_000
_LOOKS: Final = 3
# Keys that belong to a receipt are its id, a separator (":" or "-") and more: all of them sort before
# "<id>;".
_AFTER: Final = ";"


class Finding(msgspec.Struct, frozen=True):
    """Something that does not agree.

    Attributes:
        receipt_id: The receipt, or the id that a receipt should have.
        what: A sentence.
    """

    receipt_id: str
    what: str


class Totals(msgspec.Struct):
    """Sums over the whole ledger, tiyin.

    Attributes:
        taken: Debited from cards.
        returned: Given back to cards.
        owed: Owed to desks.
        commission: Earned.
        in_flight: Taken for receipts that are not closed yet.
        on_its_way_back: To be given back.
    """

    taken: int = 0
    returned: int = 0
    owed: int = 0
    commission: int = 0
    in_flight: int = 0
    on_its_way_back: int = 0

    def add(self, entry: Entry) -> None:
        """Add one entry."""
        match entry.what:
            case "taken":
                self.taken += entry.amount_tiyin
                self.in_flight += entry.amount_tiyin
            case "earned":
                self.in_flight -= entry.amount_tiyin
                self.owed += entry.amount_tiyin
            case "commission":
                self.in_flight -= entry.amount_tiyin
                self.commission += entry.amount_tiyin
            case "returning":
                self.in_flight -= entry.amount_tiyin
                self.on_its_way_back += entry.amount_tiyin
            case "returned":
                self.on_its_way_back -= entry.amount_tiyin
                self.returned += entry.amount_tiyin

    @property
    def balanced(self) -> bool:
        """Whether what was kept is accounted for, and nothing is below zero."""
        kept = self.owed + self.commission + self.in_flight + self.on_its_way_back
        return self.taken - self.returned == kept and min(self.in_flight, self.on_its_way_back) >= 0


class VerifyReport(msgspec.Struct):
    """What `verify` found.

    Attributes:
        totals: Sums over the ledger.
        findings: What does not agree, at most 1,000.
        receipts: How many receipts were read.
        entries: How many entries.
        operations: How many of the acquirer's operations.
        books_compared: Whether the acquirer's books were there to be compared.
        findings_count: How many findings there are in all.
    """

    totals: Totals
    findings: list[Finding]
    receipts: int = 0
    entries: int = 0
    operations: int = 0
    books_compared: bool = True
    findings_count: int = 0

    @property
    def clean(self) -> bool:
        """Whether everything agrees."""
        return not self.findings_count

    def add(self, receipt_id: str, what: str) -> None:
        """Note a finding."""
        self.findings_count += 1
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(Finding(receipt_id, what))


async def verify(store: Store, *, page: int = _PAGE) -> VerifyReport:
    """Compare receipts, work, ledger and the acquirer's books.

    Args:
        store: The gateway's database.
        page: How many receipts are read at a time.

    Returns:
        The report; `clean` when everything agrees.

    Raises:
        tiyin.storage.StorageUnavailable: If the database cannot be read.
    """
    operations = OPERATIONS.schema.c
    # A real acquirer keeps its own books elsewhere; those of test cards stand in this database.
    compared = bool(await store.query(sa.select(operations.id).limit(1)))
    report = VerifyReport(Totals(), [], books_compared=compared)
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
    return report


async def _receipts(store: Store, after: str, page: int) -> list[Receipt]:
    columns = RECEIPTS.schema.c
    statement = sa.select(RECEIPTS.schema).where(columns.id > after).order_by(columns.id).limit(page)
    return await store.query(statement, RECEIPTS)


async def _check_range(
    store: Store, report: VerifyReport, receipts: Sequence[Receipt], after: str, last: str | None
) -> None:
    """Check the receipts of a range, and whatever else has a key in it."""
    beside, entries = await _beside(store, after + _AFTER if after else "", last)
    report.receipts += len(receipts)
    report.entries += len(entries)
    for entry in entries:
        report.totals.add(entry)
    for receipt in receipts:
        found = beside.pop(receipt.id, None) or Beside()
        report.operations += len(found.operations)
        if disagreements(receipt, found, books=report.books_compared):
            await _look_again(store, report, receipt.id)
    for receipt_id in beside:
        # A receipt that was made after its range was read has neither entries nor work yet when it is made.
        await _look_again(store, report, receipt_id)


async def _beside(store: Store, low: str, last: str | None) -> tuple[dict[str, Beside], list[Entry]]:
    """Read what stands beside the receipts of a range, by receipt."""
    columns = ENTRIES.schema.c
    entries = await store.query(_between(sa.select(ENTRIES.schema), columns.id, low, last), ENTRIES)
    operations_id = OPERATIONS.schema.c.id
    operations = await store.query(
        _between(sa.select(OPERATIONS.schema), operations_id, low, last), OPERATIONS
    )
    work = WORK.schema.c
    rows = await store.query(_between(sa.select(work.key).where(work.kind == WORK_KIND), work.key, low, last))
    beside: defaultdict[str, Beside] = defaultdict(Beside)
    for entry in entries:
        beside[entry.id[:ID_LENGTH]].entries.append(entry)
    for operation in operations:
        beside[operation.id[:ID_LENGTH]].operations.append(operation)
    for (key,) in rows:
        beside[key].work = True
    return dict(beside), entries


def _between(
    statement: sa.Select[tuple[object, ...]], key: sa.ColumnElement[str], low: str, last: str | None
) -> sa.Select[tuple[object, ...]]:
    bounded = statement.where(key > low).order_by(key).limit(_ROWS_MAX)
    return bounded if last is None else bounded.where(key < last + _AFTER)


async def _look_again(store: Store, report: VerifyReport, receipt_id: str) -> None:
    """Read one receipt and what stands beside it until it stands still, and report what is wrong then."""
    found: list[str] = []
    for _ in range(_LOOKS):
        before = await store.get(RECEIPTS, receipt_id)
        # The range from just before the receipt's own key to just behind its last one.
        beside, _entries = await _beside(store, receipt_id[:-1] if receipt_id else "", receipt_id)
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
            ("a work row", beside.work),
        )
        if there
    ]
