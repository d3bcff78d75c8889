"""What moved on each account, and what it means to each desk: summed up entry by entry. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from tiyin.gateway.ledger.entries import Entry, Share, desk_of_account

__all__ = ["DeskSums", "Moved", "Movements", "Reports", "receipts_to_read"]

_EARNING: Final = {"commission": "earned", "uncommission": "refunding"}
"""The commission's entry, and that of the desk's part in the same commit."""


class Moved(msgspec.Struct):
    """What moved on one account: how often, and how much."""

    debits: int = 0
    debit_tiyin: int = 0
    credits: int = 0
    credit_tiyin: int = 0

    @property
    def net_tiyin(self) -> int:
        """Credit less debit."""
        return self.credit_tiyin - self.debit_tiyin

    @property
    def still(self) -> bool:
        """Whether nothing moved."""
        return not (self.debits or self.credits or self.debit_tiyin or self.credit_tiyin)


class Movements:
    """What moved on every account. Its size is the number of accounts, whatever the number of entries."""

    def __init__(self) -> None:
        self.accounts: defaultdict[str, Moved] = defaultdict(Moved)

    @property
    def entries(self) -> int:
        """How many entries: each has one credit."""
        return sum(moved.credits for moved in self.accounts.values())

    def add(self, entry: Entry) -> None:
        """Add one entry."""
        debit, credit = self.accounts[entry.debit], self.accounts[entry.credit]
        debit.debits += 1
        debit.debit_tiyin += entry.amount_tiyin
        credit.credits += 1
        credit.credit_tiyin += entry.amount_tiyin

    def put(self, account: str, moved: Moved, times: int = 1) -> None:
        """Add what moved on one account, or take it away (-1)."""
        here = self.accounts[account]
        here.debits += times * moved.debits
        here.debit_tiyin += times * moved.debit_tiyin
        here.credits += times * moved.credits
        here.credit_tiyin += times * moved.credit_tiyin

    def net_tiyin(self, account: str) -> int:
        """Tell an account's credit less its debit."""
        moved = self.accounts.get(account)
        return 0 if moved is None else moved.net_tiyin


class DeskSums(msgspec.Struct):
    """One desk's day as its entries tell it; see `tiyin.gateway.ledger.days.DeskDay`."""

    payments: int = 0
    gross_tiyin: int = 0
    commission_tiyin: int = 0
    refunds: int = 0
    refunds_tiyin: int = 0
    net_tiyin: int = 0
    returned_tiyin: int = 0


def receipts_to_read(page: Sequence[Entry]) -> set[str]:
    """Name the receipts whose shares tell which desk a commission is of, as the page alone does not.

    Args:
        page: Entries, as they follow each other in time: those of one commit stand together but for the
            page's edges.
    """
    here = {entry.id for entry in page}
    return {
        entry.receipt_id
        for entry in page
        if entry.what in _EARNING and f"{entry.receipt_id}:{_EARNING[entry.what]}" not in here
    }


class Reports:
    """What a day means to each desk. Its size is the number of desks."""

    def __init__(self) -> None:
        self.desks: defaultdict[str, DeskSums] = defaultdict(DeskSums)

    def add(self, page: Iterable[Entry], shares: Mapping[str, Sequence[Share]]) -> None:
        """Add a page of entries.

        Args:
            page: Entries.
            shares: The shares of the receipts that `receipts_to_read` named.
        """
        page = list(page)
        alone = {entry.id: entry for entry in page}
        for entry in page:
            if entry.what in _EARNING:
                self._commission(entry, alone, shares.get(entry.receipt_id, ()))
            elif entry.what == "earned" and (desk := desk_of_account(entry.credit)) is not None:
                sums = self.desks[desk]
                sums.payments += 1
                sums.gross_tiyin += entry.amount_tiyin
                sums.net_tiyin += entry.amount_tiyin
            elif entry.what == "refunding" and (desk := desk_of_account(entry.debit)) is not None:
                sums = self.desks[desk]
                sums.refunds += 1
                sums.refunds_tiyin += entry.amount_tiyin
                sums.net_tiyin -= entry.amount_tiyin
            elif entry.what == "payout-returned" and (desk := desk_of_account(entry.credit)) is not None:
                self.desks[desk].returned_tiyin += entry.amount_tiyin

    def _commission(self, entry: Entry, alone: Mapping[str, Entry], shares: Sequence[Share]) -> None:
        """Add a commission to the desks that it is of."""
        beside = alone.get(f"{entry.receipt_id}:{_EARNING[entry.what]}")
        if beside is not None:
            desk = desk_of_account(beside.credit if beside.what == "earned" else beside.debit)
            if desk is not None:
                self._add_commission(desk, entry, entry.amount_tiyin)
            return
        for share in shares:
            if share.commission_tiyin:
                self._add_commission(share.desk_id, entry, share.commission_tiyin)
                if share.amount_tiyin <= share.commission_tiyin:
                    # Nothing was left to the desk, so it has no entry of its own.
                    sums = self.desks[share.desk_id]
                    sums.payments += entry.what == "commission"
                    sums.refunds += entry.what == "uncommission"

    def _add_commission(self, desk: str, entry: Entry, amount_tiyin: int) -> None:
        sums = self.desks[desk]
        if entry.what == "commission":
            sums.gross_tiyin += amount_tiyin
            sums.commission_tiyin += amount_tiyin
        else:
            sums.refunds_tiyin += amount_tiyin
            sums.commission_tiyin -= amount_tiyin
