"""What the close of a day does with a desk's balance. Pure.

    owed    first what the desk owes from earlier days is recovered, the rest is paid out
    owing   the desk's debt goes to suspense, to be recovered from its later days

So after each close a desk's account stands at zero.
"""

import msgspec

from tiyin.gateway.ledger.entries import Entry, payout, recovered, suspended

__all__ = ["Settlement", "settle"]


class Settlement(msgspec.Struct, frozen=True):
    """What is booked for a desk when a day closes, tiyin.

    Attributes:
        suspended_tiyin: What the desk owes for this day.
        recovered_tiyin: What of its earlier debt this day pays.
        payout_tiyin: What is to be paid to it.
    """

    suspended_tiyin: int = 0
    recovered_tiyin: int = 0
    payout_tiyin: int = 0

    def entries(self, desk_id: str, day_end_ms: int) -> list[Entry]:
        """Give the entries that book it.

        Args:
            desk_id: Whose settlement.
            day_end_ms: The last millisecond of the day.
        """
        made = (
            (suspended, self.suspended_tiyin),
            (recovered, self.recovered_tiyin),
            (payout, self.payout_tiyin),
        )
        return [make(desk_id, amount_tiyin, day_end_ms) for make, amount_tiyin in made if amount_tiyin]


def settle(balance_tiyin: int, debt_tiyin: int) -> Settlement:
    """Decide what becomes of a desk's balance at the end of a day.

    Args:
        balance_tiyin: What is owed to the desk; below zero, what it owes.
        debt_tiyin: What it owes from earlier days; at least 0.
    """
    if balance_tiyin < 0:
        return Settlement(suspended_tiyin=-balance_tiyin)
    recovered_tiyin = min(balance_tiyin, debt_tiyin)
    return Settlement(recovered_tiyin=recovered_tiyin, payout_tiyin=balance_tiyin - recovered_tiyin)
