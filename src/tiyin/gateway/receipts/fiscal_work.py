"""What becomes of a receipt's work row while its fiscal receipts are made and told. Pure.

The row is one, whatever it is for: a cancel that begins while the fiscal receipt of the payment is still due
takes it over, and what is due then stands on the receipt and is done when the cancel is.
"""

from msgspec.structs import replace

from tiyin.gateway.receipts.records import FISCAL_KIND, WORK_KIND, Receipt
from tiyin.storage.tables import Decision, Done, Schedule, WorkChange

__all__ = ["fiscal_later", "fiscal_settled"]


def fiscal_settled(receipt: Receipt, bits: int) -> Decision[Receipt]:
    """Write that fiscal receipts are registered and told, or given up.

    Args:
        receipt: The receipt.
        bits: Which: `FISCAL_PERFORM`, `FISCAL_CANCEL` or both.
    """
    left = receipt.fiscal_due & ~bits
    after = replace(receipt, fiscal_due=left, version=receipt.version + 1)
    return Decision(after, after, work=_work(after, 0))


def fiscal_later(receipt: Receipt, delay_ms: int) -> Decision[Receipt]:
    """Give the work back, to be looked at again.

    Args:
        receipt: The receipt.
        delay_ms: In how many milliseconds.
    """
    return Decision(receipt, work=_work(receipt, delay_ms))


def _work(receipt: Receipt, delay_ms: int) -> WorkChange:
    if receipt.worked:
        return Schedule(receipt.id, WORK_KIND)
    if receipt.fiscal_due:
        return Schedule(receipt.id, FISCAL_KIND, next_in_ms=delay_ms)
    return Done(receipt.id)
