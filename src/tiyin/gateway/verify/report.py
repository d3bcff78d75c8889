"""What `verify` found."""

from typing import Final

import msgspec

from tiyin.gateway.verify.totals import Totals

__all__ = ["Finding", "VerifyReport"]

_FINDINGS_MAX: Final = 1_000


class Finding(msgspec.Struct, frozen=True):
    """Something that does not agree.

    Attributes:
        receipt_id: The receipt, or the id that a receipt should have; of days and payouts their own ids.
        what: A sentence.
    """

    receipt_id: str
    what: str


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
        days: How many closed days were recounted.
        payouts: How many payouts were read.
        late: How many entries of closed days wait for the next close to count them.
    """

    totals: Totals
    findings: list[Finding]
    receipts: int = 0
    entries: int = 0
    operations: int = 0
    books_compared: bool = True
    findings_count: int = 0
    days: int = 0
    payouts: int = 0
    late: int = 0

    @property
    def clean(self) -> bool:
        """Whether everything agrees."""
        return not self.findings_count

    def add(self, receipt_id: str, what: str) -> None:
        """Note a finding."""
        self.findings_count += 1
        if len(self.findings) < _FINDINGS_MAX:
            self.findings.append(Finding(receipt_id, what))
