"""Sums over the whole ledger."""

from typing import Final

import msgspec

from tiyin.gateway.ledger import Entry

__all__ = ["Totals"]


_EFFECTS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "held": (("held",), ()),
    "posted": (("posted",), ()),
    "voided": (("voided",), ()),
    "taken": (("taken", "in_flight"), ()),
    "earned": (("owed",), ("in_flight",)),
    "commission": (("commission",), ("in_flight",)),
    "returning": (("on_its_way_back",), ("in_flight",)),
    "refunding": (("on_its_way_back",), ("owed",)),
    "uncommission": (("on_its_way_back",), ("commission",)),
    "returned": (("returned",), ("on_its_way_back",)),
    "suspended": (("suspense", "owed"), ()),
    "recovered": ((), ("suspense", "owed")),
    "payout": (("payouts_due",), ("owed",)),
    "paid-out": (("paid_out",), ("payouts_due",)),
    "payout-returned": (("owed",), ("paid_out",)),
}
"""Which sums each kind of entry makes greater, and which smaller."""


class Totals(msgspec.Struct):
    """Sums over the whole ledger, tiyin.

    Attributes:
        taken: Debited from cards.
        returned: Given back to cards.
        owed: Owed to desks.
        commission: Earned, less what went back with refunds.
        in_flight: Taken for receipts that are not closed yet.
        on_its_way_back: To be given back.
        payouts_due: On its way to desks.
        paid_out: Paid to desks by the bank, less what it sent back.
        suspense: What desks owe.
        held: Set aside on cards, ever.
        posted: Of that, taken.
        voided: Of that, given back.
    """

    taken: int = 0
    returned: int = 0
    owed: int = 0
    commission: int = 0
    in_flight: int = 0
    on_its_way_back: int = 0
    payouts_due: int = 0
    paid_out: int = 0
    suspense: int = 0
    held: int = 0
    posted: int = 0
    voided: int = 0

    def add(self, entry: Entry) -> None:
        """Add one entry; a kind that nobody knows leaves the sums as they are."""
        more, less = _EFFECTS.get(entry.what, ((), ()))
        for name in more:
            setattr(self, name, getattr(self, name) + entry.amount_tiyin)
        for name in less:
            setattr(self, name, getattr(self, name) - entry.amount_tiyin)

    @property
    def pending(self) -> int:
        """What is set aside on cards now."""
        return self.held - self.posted - self.voided

    @property
    def balanced(self) -> bool:
        """Whether what was kept is accounted for, and nothing is below zero that cannot be."""
        kept = self.owed + self.commission + self.in_flight + self.on_its_way_back
        kept += self.payouts_due + self.paid_out - self.suspense
        least = min(
            self.in_flight,
            self.on_its_way_back,
            self.payouts_due,
            self.paid_out,
            self.suspense,
            self.commission,
            self.pending,
        )
        return self.taken - self.returned == kept and least >= 0
