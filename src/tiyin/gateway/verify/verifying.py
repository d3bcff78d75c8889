"""The whole of `verify`: receipts and what belongs to them, then closed days and payouts."""

from typing import Final

import sqlalchemy as sa

from tiyin.gateway.acquiring.books import OPERATIONS
from tiyin.gateway.verify.days import verify_days
from tiyin.gateway.verify.payouts import verify_payouts
from tiyin.gateway.verify.receipts import verify_receipts
from tiyin.gateway.verify.report import VerifyReport
from tiyin.gateway.verify.totals import Totals
from tiyin.storage import Store

__all__ = ["verify"]

_PAGE: Final = 500


async def verify(store: Store, *, page: int = _PAGE) -> VerifyReport:
    """Compare receipts, work, ledger, closed days, payouts and the acquirer's books.

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
    await verify_receipts(store, report, page)
    await verify_payouts(store, report, page)
    await verify_days(store, report)
    return report
