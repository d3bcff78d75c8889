"""Who gets the money of a payment that its merchant splits. Pure.

No list, an empty one and null mean the desk alone. A list may name the desk itself, and one desk more than
once.

Documentation: merchant-api/CreateTransaction (`receivers`).
"""

from collections.abc import Sequence
from typing import Any

from tiyin.gateway.ledger import Share, commission_of
from tiyin.gateway.merchant_calls.answers import Receiver
from tiyin.gateway.receipts.records import Receipt, write_shares
from tiyin.protocol.merchant_api import Reason

__all__ = ["WrongReceivers", "split"]


class WrongReceivers(Exception):
    """A payment cannot be split as its merchant wants.

    Args:
        reason: What CancelTransaction tells.
        what: A word for the attempts.
    """

    def __init__(self, reason: Reason, what: str) -> None:
        super().__init__(what)
        self.reason = reason


def split(receipt: Receipt, receivers: Sequence[Receiver]) -> dict[str, Any]:
    """Give what changes on a receipt whose merchant named receivers.

    Args:
        receipt: The receipt.
        receivers: As the merchant named them, each with its desk's commission; None in its place for a desk
            that is not there or takes no payments.

    Raises:
        WrongReceivers: Reason 1 for a receiver that is not found or inactive, reason 3 for sums that do not
            add up to the receipt's amount.
    """
    if not receivers:
        return {}
    amounts: dict[str, int] = {}
    rates: dict[str, int] = {}
    for receiver in receivers:
        if receiver.basis_points is None:
            raise WrongReceivers(Reason.RECEIVER_NOT_FOUND, "not found or inactive")
        rates[receiver.id] = receiver.basis_points
        amounts[receiver.id] = amounts.get(receiver.id, 0) + receiver.amount_tiyin
    if sum(amounts.values()) != receipt.amount_tiyin:
        raise WrongReceivers(Reason.EXECUTION_FAILED, "the sums do not add up")
    if set(amounts) == {receipt.desk_id}:
        # The commission that was pinned when the payment began stands.
        return {}
    shares = [
        Share(desk_id, amount_tiyin, commission_of(amount_tiyin, rates[desk_id]))
        for desk_id, amount_tiyin in amounts.items()
    ]
    return {
        "shares": write_shares(shares),
        "commission_tiyin": sum(share.commission_tiyin for share in shares),
    }
