"""What a person may do with a receipt that is paused (20), with his name and his reason. Pure.

resume     the receipt goes on where it was paused; a cancel that the billing refused is asked for again
cancel     it goes on, to be undone: the billing confirms the cancel, then the money goes back
override   the same without the billing's word, when that cannot be had: the gateway gives the money back and
the merchant's books are the person's business
"""

from typing import Final

import msgspec
from msgspec.structs import replace

from tiyin.gateway.receipts.moves import Moved, Terms, put
from tiyin.gateway.receipts.outcomes import let_go
from tiyin.gateway.receipts.records import INTERVENTIONS, WORK_KIND, Intervention, Receipt
from tiyin.gateway.receipts.states import CANCELLING, PAUSED
from tiyin.protocol.merchant_api import Reason
from tiyin.storage.tables import Decision, Schedule

__all__ = ["NotPaused", "Signature", "cancel_paused", "resume", "sign"]

_FAILED: Final = int(Reason.EXECUTION_FAILED)
_REFUND: Final = int(Reason.REFUND)
_AT_BILLING: Final = frozenset(
    {"create", "check_create", "perform", "check_perform", "cancel", "check_cancel"}
)


class NotPaused(Exception):
    """A person may move a receipt only while it is paused.

    Args:
        state: Where it stands.
    """

    def __init__(self, state: int) -> None:
        super().__init__(f"the receipt stands in state {state}, not in 20")
        self.state = state


class Signature(msgspec.Struct, frozen=True):
    """Who acts and why.

    Attributes:
        who: A name, 1 to 100 characters.
        why: A reason in words, 1 to 500 characters.
    """

    who: str
    why: str


def resume(receipt: Receipt, terms: Terms, by: Signature) -> Decision[Moved]:
    """Write that a paused receipt goes on where it was paused.

    Paused after its billing had refused a cancel and then told another state, it asks for the cancel anew:
    to look once more would find what was found.

    Raises:
        NotPaused: When it is not.
    """
    after = _taken_up(receipt, terms)
    if after.step == "check_cancel":
        after = replace(after, step="cancel")
    return sign(_go_on(receipt, after, terms), receipt, "resume", by, terms)


def cancel_paused(receipt: Receipt, terms: Terms, by: Signature, *, override: bool) -> Decision[Moved]:
    """Write that a paused receipt is to be undone.

    What happened at the acquirer is learnt first in any case; then the billing is asked to cancel, or,
    overridden, not.

    Args:
        receipt: The receipt.
        terms: The circumstances; without an owner, for a person drives nothing.
        by: Who decided it, and why.
        override: Whether to go on without the billing's word.

    Raises:
        NotPaused: When it is not paused.
    """
    after = replace(
        _taken_up(receipt, terms), cancel_wish=_REFUND, overridden=int(override) or receipt.overridden
    )
    if receipt.step in _AT_BILLING:
        if after.overridden:
            decision = let_go(after, terms, None)
        else:
            reason = _REFUND if after.state == CANCELLING else _FAILED
            asking = replace(after, step="cancel", cancel_reason=reason, cancelling=1)
            decision = _go_on(receipt, asking, terms)
    else:
        decision = _go_on(receipt, after, terms)
    return sign(decision, receipt, "override" if override else "cancel", by, terms)


def _taken_up(receipt: Receipt, terms: Terms) -> Receipt:
    """Give the receipt as it stood before it was paused."""
    if receipt.state != PAUSED or receipt.state_from is None:
        raise NotPaused(receipt.state)
    return replace(receipt, state=receipt.state_from, state_from=None, stage_ms=terms.now_ms, tries=0)


def _go_on(receipt: Receipt, after: Receipt, terms: Terms) -> Decision[Moved]:
    return put(receipt, after, terms, Schedule(receipt.id, WORK_KIND), None)


def sign(
    decision: Decision[Moved], receipt: Receipt, what: str, by: Signature, terms: Terms
) -> Decision[Moved]:
    """Keep who decided something, and why, in the same commit."""
    row_id = f"{receipt.id}-person-{receipt.version}"
    row = Intervention(row_id, receipt.id, what, by.who, by.why, terms.now_ms)
    return replace(decision, appends=(*decision.appends, (INTERVENTIONS, row)))
